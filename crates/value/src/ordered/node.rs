//! An inner node: its children, what it knows of each, and the changes that keep that in step.

use std::sync::Arc;

use super::{KeyedLeaf, Leaf};
use crate::packed::size_class;
use crate::room::ARC_HEADER;

/// Most children of an inner node.
pub const FAN: usize = 64;

/// Fewer children than this make an inner node join a neighbour if both fit in one.
pub(super) const FAN_MIN: usize = FAN / 4;

/// An inner node; every vector has the length of the children, the separators are one fewer.
#[derive(Clone)]
pub(super) struct Inner<L: Leaf> {
    pub len: u64,
    /// Heap bytes of all nodes below, without this one.
    pub beneath: u64,
    /// Heap bytes that the separators point to.
    pub separators_heap: usize,
    /// Heap bytes of this node alone; kept, since every change of an element passes here and asks for it twice.
    own: u64,
    pub counts: Vec<u64>,
    pub separators: Vec<L::Separator>,
    pub children: Children<L>,
}

/// All children of a node are of one kind (invariant 1).
#[derive(Clone)]
pub(super) enum Children<L: Leaf> {
    Leaves(Vec<L>),
    Inners(Vec<Arc<Inner<L>>>),
}

/// A child that is being put into a node or taken from it.
pub(super) enum Child<L: Leaf> {
    Leaf(L),
    Inner(Arc<Inner<L>>),
}

impl<L: Leaf> Child<L> {
    fn len(&self) -> u64 {
        match self {
            Self::Leaf(leaf) => leaf.len() as u64,
            Self::Inner(inner) => inner.len,
        }
    }

    fn heap(&self) -> u64 {
        match self {
            Self::Leaf(leaf) => leaf.heap_bytes() as u64,
            Self::Inner(inner) => inner.heap(),
        }
    }
}

impl<L: Leaf> Children<L> {
    #[cfg(any(test, debug_assertions))]
    pub fn len(&self) -> usize {
        match self {
            Self::Leaves(leaves) => leaves.len(),
            Self::Inners(inners) => inners.len(),
        }
    }

    fn insert(&mut self, slot: usize, child: Child<L>) {
        match (self, child) {
            (Self::Leaves(leaves), Child::Leaf(leaf)) => insert_stepwise(leaves, slot, leaf),
            (Self::Inners(inners), Child::Inner(inner)) => insert_stepwise(inners, slot, inner),
            _ => unreachable!("invariant 1: children of one kind"),
        }
    }

    fn remove(&mut self, slot: usize) -> Child<L> {
        match self {
            Self::Leaves(leaves) => Child::Leaf(leaves.remove(slot)),
            Self::Inners(inners) => Child::Inner(inners.remove(slot)),
        }
    }

    fn split_off(&mut self, slot: usize) -> Self {
        match self {
            Self::Leaves(leaves) => Self::Leaves(leaves.split_off(slot)),
            Self::Inners(inners) => Self::Inners(inners.split_off(slot)),
        }
    }
}

/// Grows by a few places rather than by doubling, so that small trees have small nodes.
fn insert_stepwise<T>(list: &mut Vec<T>, at: usize, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(4 + list.len() / 4);
    }
    list.insert(at, item);
}

impl<L: Leaf> Inner<L> {
    /// Number of leaves below. Looks at inner nodes only.
    pub fn leaf_count(&self) -> u64 {
        match &self.children {
            Children::Leaves(leaves) => leaves.len() as u64,
            Children::Inners(inners) => inners.iter().map(|inner| inner.leaf_count()).sum(),
        }
    }

    /// A node above one child.
    pub fn above(child: Child<L>) -> Self {
        let (len, beneath) = (child.len(), child.heap());
        let children = match child {
            Child::Leaf(leaf) => Children::Leaves(vec![leaf]),
            Child::Inner(inner) => Children::Inners(vec![inner]),
        };
        Self { len, beneath, separators_heap: 0, own: 0, counts: vec![len], separators: Vec::new(), children }
            .measured()
    }

    /// Heap bytes of this node and all below.
    pub fn heap(&self) -> u64 {
        self.beneath + self.own_heap()
    }

    /// Heap bytes of this node alone.
    pub fn own_heap(&self) -> u64 {
        self.own
    }

    /// The node itself, with its own bytes brought up to date.
    fn measured(mut self) -> Self {
        self.measure();
        self
    }

    /// Brings its own bytes up to date after its vectors have changed.
    pub fn measure(&mut self) {
        self.own = self.measured_heap();
    }

    /// What [`Self::own_heap`] has to be.
    pub fn measured_heap(&self) -> u64 {
        let children = match &self.children {
            Children::Leaves(leaves) => leaves.capacity() * size_of::<L>(),
            Children::Inners(inners) => inners.capacity() * 8,
        };
        let arrays = size_class(children)
            + size_class(self.counts.capacity() * 8)
            + size_class(self.separators.capacity() * size_of::<L::Separator>());
        (arrays + self.separators_heap + size_class(size_of::<Self>() + ARC_HEADER)) as u64
    }

    /// Number of children.
    pub fn fan(&self) -> usize {
        self.counts.len()
    }

    /// Puts a child before `slot`; `separator` tells it from the child before, or from the one behind if it is to be the first.
    pub fn insert(&mut self, slot: usize, child: Child<L>, separator: L::Separator) {
        let len = child.len();
        self.len += len;
        self.beneath += child.heap();
        self.separators_heap += L::separator_heap(&separator);
        insert_stepwise(&mut self.counts, slot, len);
        insert_stepwise(&mut self.separators, slot.saturating_sub(1), separator);
        self.children.insert(slot, child);
        self.measure();
    }

    /// Puts a child at the end of a node that is being built.
    pub fn push(&mut self, child: Child<L>, separator: L::Separator) {
        self.insert(self.fan(), child, separator);
    }

    /// Takes a child out.
    pub fn remove(&mut self, slot: usize) -> Child<L> {
        let child = self.children.remove(slot);
        self.len -= child.len();
        self.beneath -= child.heap();
        self.counts.remove(slot);
        if !self.separators.is_empty() {
            // The neighbours' own bounds hold as well without it (invariant 3).
            let separator = self.separators.remove(slot.saturating_sub(1));
            self.separators_heap -= L::separator_heap(&separator);
        }
        self.measure();
        child
    }

    /// Brings what is known of a child up to date after a change below it; `heap` is what it had before.
    pub fn refresh(&mut self, slot: usize, heap: u64) {
        let (len, now) = match &self.children {
            Children::Leaves(leaves) => (leaves[slot].len() as u64, leaves[slot].heap_bytes() as u64),
            Children::Inners(inners) => (inners[slot].len, inners[slot].heap()),
        };
        self.len = self.len - self.counts[slot] + len;
        self.counts[slot] = len;
        self.beneath = self.beneath - heap + now;
    }

    /// Keeps the children before `slot`; returns the others and the separator between the parts.
    pub fn split_off(&mut self, slot: usize) -> (Self, L::Separator) {
        let children = self.children.split_off(slot);
        let counts = self.counts.split_off(slot);
        let separators = self.separators.split_off(slot);
        let between = self.separators.pop().expect("a separator between two parts");
        let separators_heap = separators.iter().map(L::separator_heap).sum();
        self.separators_heap -= separators_heap + L::separator_heap(&between);
        let len = counts.iter().sum();
        let beneath = match &children {
            Children::Leaves(leaves) => leaves.iter().map(|leaf| leaf.heap_bytes() as u64).sum(),
            Children::Inners(inners) => inners.iter().map(|inner| inner.heap()).sum(),
        };
        self.len -= len;
        self.beneath -= beneath;
        self.shrink();
        (Self { len, beneath, separators_heap, own: 0, counts, separators, children }.measured(), between)
    }

    /// Gives back the places of children that are gone.
    fn shrink(&mut self) {
        self.counts.shrink_to_fit();
        self.separators.shrink_to_fit();
        match &mut self.children {
            Children::Leaves(leaves) => leaves.shrink_to_fit(),
            Children::Inners(inners) => inners.shrink_to_fit(),
        }
        self.measure();
    }

    /// Adds the children of the right neighbour.
    pub fn absorb(&mut self, right: Self, between: L::Separator) {
        self.len += right.len;
        self.beneath += right.beneath;
        self.separators_heap += right.separators_heap + L::separator_heap(&between);
        self.counts.extend(right.counts);
        self.separators.push(between);
        self.separators.extend(right.separators);
        match (&mut self.children, right.children) {
            (Children::Leaves(left), Children::Leaves(right)) => left.extend(right),
            (Children::Inners(left), Children::Inners(right)) => left.extend(right),
            _ => unreachable!("invariant 1: leaves at one depth"),
        }
        self.measure();
    }

    /// Joins the children at `slot` and behind it, if they are small enough.
    pub fn join(&mut self, slot: usize, copied: &mut u64) -> bool {
        if slot + 1 >= self.fan() {
            return false;
        }
        let fits = match &self.children {
            Children::Leaves(leaves) => leaves[slot].joins(&leaves[slot + 1]),
            Children::Inners(inners) => inners[slot].fan() + inners[slot + 1].fan() <= FAN,
        };
        if !fits {
            return false;
        }
        let between = self.separators[slot].clone();
        let right = self.remove(slot + 1);
        let before = match &self.children {
            Children::Leaves(leaves) => leaves[slot].heap_bytes() as u64,
            Children::Inners(inners) => inners[slot].heap(),
        };
        match (&mut self.children, right) {
            (Children::Leaves(leaves), Child::Leaf(right)) => {
                own_leaf(&mut leaves[slot], copied).absorb(&right)
            }
            (Children::Inners(inners), Child::Inner(right)) => {
                let right = Arc::try_unwrap(right).unwrap_or_else(|shared| {
                    *copied += shared.own_heap();
                    (*shared).clone().measured()
                });
                own(&mut inners[slot], copied).absorb(right, between);
            }
            _ => unreachable!("invariant 1: children of one kind"),
        }
        self.refresh(slot, before);
        true
    }

    /// Puts a child that has become small or empty in order: takes it out, or joins it with a neighbour.
    pub fn settle(&mut self, slot: usize, copied: &mut u64) {
        let small = match &self.children {
            Children::Leaves(leaves) => leaves[slot].is_underfull(),
            Children::Inners(inners) => inners[slot].fan() < FAN_MIN,
        };
        if self.counts[slot] == 0 {
            self.remove(slot);
        } else if small && !self.join(slot, copied) && slot > 0 {
            self.join(slot - 1, copied);
        }
    }
}

impl<L: KeyedLeaf> Inner<L> {
    /// The child in which a key is or would be.
    #[inline]
    pub fn slot_for(&self, key: L::Key<'_>) -> usize {
        L::slot(&self.separators, key)
    }
}

/// The node for changing: in place if nobody else holds it, else a copy in its stead (invariant 4).
#[inline]
pub(super) fn own<'a, L: Leaf>(node: &'a mut Arc<Inner<L>>, copied: &mut u64) -> &'a mut Inner<L> {
    if Arc::strong_count(node) != 1 {
        let copy = (**node).clone().measured();
        *copied += copy.own_heap();
        *node = Arc::new(copy);
    }
    Arc::make_mut(node)
}

/// The leaf for changing, likewise.
#[inline]
pub(super) fn own_leaf<'a, L: Leaf>(leaf: &'a mut L, copied: &mut u64) -> &'a mut L {
    *copied += leaf.own();
    leaf
}
