//! Changing one leaf: the way down to it, and on the way back splitting, joining and counting.
//!
//! All changes but the removal of ranges go through here. The caller's function gets the leaf and does one of two things ([`Edit`]):
//! it changes the leaf, or it asks for a new leaf to be put in.

use std::sync::Arc;

use super::node::{Child, Children, FAN, Inner, own, own_leaf};
use super::{KeyedLeaf, Leaf, Ordered};

/// What was done to a leaf, or is to be done.
pub enum Edit<L, R> {
    /// The leaf was changed (or not): the result, and the index in it of what was put in. The index only helps to choose where
    /// to split.
    Done(R, usize),
    /// This leaf is to be put in before the element with this index of the found leaf, which is split there if need be. It must not be empty.
    Place(L, usize, R),
}

/// A leaf of a tree: to read for nothing, or to change, which copies it if a clone holds it too.
pub struct Handle<'a, L> {
    leaf: &'a mut L,
    copied: &'a mut u64,
}

impl<L: Leaf> Handle<'_, L> {
    /// The leaf as it is.
    pub fn get(&self) -> &L {
        self.leaf
    }

    /// Gives the leaf another form of the same elements. For leaves that no clone holds: nothing is copied first.
    pub fn adapt(&mut self, adapt: impl FnOnce(&mut L)) {
        adapt(self.leaf);
    }

    /// The leaf for changing.
    pub fn own(&mut self) -> &mut L {
        own_leaf(self.leaf, self.copied)
    }
}

/// The way down.
trait Guide<L: Leaf> {
    /// The child to take.
    fn choose(&mut self, node: &Inner<L>) -> usize;

    /// What the caller's function is told when the leaf is reached.
    fn position(&self) -> u64;
}

/// To the element with an index, or (`gap`) to the leaf in which one with that index could be put.
struct ByIndex {
    rest: u64,
    gap: bool,
}

impl<L: Leaf> Guide<L> for ByIndex {
    fn choose(&mut self, node: &Inner<L>) -> usize {
        let mut slot = 0;
        while self.rest >= node.counts[slot] + u64::from(self.gap) && slot + 1 < node.fan() {
            self.rest -= node.counts[slot];
            slot += 1;
        }
        slot
    }

    fn position(&self) -> u64 {
        self.rest
    }
}

/// To the leaf of a key; counts the elements before that leaf.
struct ByKey<'k, L: KeyedLeaf> {
    key: L::Key<'k>,
    start: u64,
}

impl<L: KeyedLeaf> Guide<L> for ByKey<'_, L> {
    fn choose(&mut self, node: &Inner<L>) -> usize {
        let slot = node.slot_for(self.key);
        self.start += node.counts[..slot].iter().sum::<u64>();
        slot
    }

    fn position(&self) -> u64 {
        self.start
    }
}

/// To the first or the last leaf.
#[derive(Clone, Copy, PartialEq)]
enum End {
    First,
    Last,
}

impl<L: Leaf> Guide<L> for End {
    fn choose(&mut self, node: &Inner<L>) -> usize {
        if *self == End::First { 0 } else { node.fan() - 1 }
    }

    fn position(&self) -> u64 {
        0
    }
}

/// Whether the way down kept to an edge of the tree, where leaves are filled rather than halved.
#[derive(Clone, Copy)]
struct Edge {
    first: bool,
    last: bool,
}

/// What became of an inner node: the caller's result, and the parts that it had to be split into, behind it.
struct Outcome<L: Leaf, R> {
    result: R,
    split: Option<(Inner<L>, L::Separator)>,
}

impl<L: Leaf> Ordered<L> {
    /// Gives `change` the leaf with the element of `index` and the index in that leaf. `index` must be below the
    /// length.
    pub fn edit_at<R>(&mut self, index: u64, change: impl FnOnce(Handle<L>, usize) -> Edit<L, R>) -> R {
        debug_assert!(index < self.len());
        self.edit(ByIndex { rest: index, gap: false }, |leaf, at| change(leaf, at as usize))
    }

    /// Gives `change` a leaf in which an element can be put so that it gets `index`, and where. Between two leaves
    /// it is the end of the left one. `index` is at most the length; an empty tree gives an empty leaf.
    pub fn edit_gap<R>(&mut self, index: u64, change: impl FnOnce(Handle<L>, usize) -> Edit<L, R>) -> R {
        debug_assert!(index <= self.len());
        self.edit(ByIndex { rest: index, gap: true }, |leaf, at| change(leaf, at as usize))
    }

    /// Gives `change` the first leaf (an empty one if the tree is empty).
    pub fn edit_first<R>(&mut self, change: impl FnOnce(Handle<L>) -> Edit<L, R>) -> R {
        self.edit(End::First, |leaf, _| change(leaf))
    }

    /// Gives `change` the last leaf (an empty one if the tree is empty).
    pub fn edit_last<R>(&mut self, change: impl FnOnce(Handle<L>) -> Edit<L, R>) -> R {
        self.edit(End::Last, |leaf, _| change(leaf))
    }

    fn edit<R>(&mut self, mut guide: impl Guide<L>, change: impl FnOnce(Handle<L>, u64) -> Edit<L, R>) -> R {
        let root = self.root.get_or_insert_with(|| {
            // Invariant 1 is broken until `change` has put something in; `settle_root` restores it if it did not.
            Arc::new(Inner::above(Child::Leaf(L::default())))
        });
        let edge = Edge { first: true, last: true };
        let outcome = edit_node(root, &mut guide, edge, change, &mut self.copied);
        if let Some((right, separator)) = outcome.split {
            if let Some(left) = self.root.take() {
                let mut root = Inner::above(Child::Inner(left));
                root.push(Child::Inner(Arc::new(right)), separator);
                self.root = Some(Arc::new(root));
            }
        } else {
            self.settle_root();
        }
        outcome.result
    }

    /// Restores invariant 1 for the root after something was removed.
    pub(super) fn settle_root(&mut self) {
        while let Some(root) = self
            .root
            .take_if(|root| root.len == 0 || root.fan() == 1 && matches!(root.children, Children::Inners(_)))
        {
            if root.len > 0
                && let Children::Inners(inners) = &root.children
            {
                self.root = Some(inners[0].clone());
            }
        }
    }
}

impl<L: KeyedLeaf> Ordered<L> {
    /// Gives `change` the leaf in which `key` is or would be, and the index in the tree of that leaf's first element. An empty
    /// tree gives an empty leaf.
    pub fn edit_key<R>(&mut self, key: L::Key<'_>, change: impl FnOnce(Handle<L>, u64) -> Edit<L, R>) -> R {
        self.edit(ByKey::<L> { key, start: 0 }, change)
    }
}

fn edit_node<L: Leaf, R>(
    node: &mut Arc<Inner<L>>,
    guide: &mut impl Guide<L>,
    edge: Edge,
    change: impl FnOnce(Handle<L>, u64) -> Edit<L, R>,
    copied: &mut u64,
) -> Outcome<L, R> {
    let slot = guide.choose(node);
    let inner = own(node, copied);
    let edge = Edge { first: edge.first && slot == 0, last: edge.last && slot + 1 == inner.fan() };
    let result = match &mut inner.children {
        Children::Inners(inners) => {
            let before = inners[slot].heap();
            let outcome = edit_node(&mut inners[slot], guide, edge, change, copied);
            inner.refresh(slot, before);
            match outcome.split {
                Some((right, separator)) => inner.insert(slot + 1, Child::Inner(Arc::new(right)), separator),
                None => inner.settle(slot, copied),
            }
            outcome.result
        }
        Children::Leaves(leaves) => {
            let before = leaves[slot].heap_bytes() as u64;
            match change(Handle { leaf: &mut leaves[slot], copied }, guide.position()) {
                Edit::Done(result, at) => {
                    inner.refresh(slot, before);
                    let leaf = inner.leaf(slot);
                    if leaf.len() > 1 && leaf.is_overfull() {
                        split_leaf(inner, slot, at, edge, copied);
                    } else {
                        inner.settle(slot, copied);
                    }
                    result
                }
                Edit::Place(leaf, at, result) => {
                    place_leaf(inner, slot, leaf, at, copied);
                    result
                }
            }
        }
    };
    let split = (inner.fan() > FAN).then(|| {
        // At the tree's edges nodes are left full as leaves are.
        let at = match edge {
            Edge { last: true, first: false } => inner.fan() - 2,
            Edge { first: true, last: false } => 2,
            _ => inner.fan() / 2,
        };
        inner.split_off(at)
    });
    Outcome { result, split }
}

/// Splits an overfull leaf until no part is (invariant 5); `at` is the element that made it so.
fn split_leaf<L: Leaf>(inner: &mut Inner<L>, slot: usize, at: usize, edge: Edge, copied: &mut u64) {
    let leaf = inner.leaf(slot);
    let middle = match edge {
        Edge { last: true, .. } if at + 1 == leaf.len() => at,
        Edge { first: true, .. } if at == 0 => 1,
        _ => leaf.middle(),
    };
    divide(inner, slot, middle, copied);
    let (mut part, mut end) = (slot, slot + 2);
    while part < end {
        let leaf = inner.leaf(part);
        if leaf.len() > 1 && leaf.is_overfull() {
            let middle = leaf.middle();
            divide(inner, part, middle, copied);
            end += 1;
        } else {
            part += 1;
        }
    }
}

/// Makes two leaves of one.
fn divide<L: Leaf>(inner: &mut Inner<L>, slot: usize, at: usize, copied: &mut u64) {
    let before = inner.leaf(slot).heap_bytes() as u64;
    let left = inner.leaf_mut(slot, copied);
    let right = left.split_off(at);
    let separator = L::separator(left, &right);
    inner.refresh(slot, before);
    inner.insert(slot + 1, Child::Leaf(right), separator);
}

/// Puts a leaf before the element `at` of the leaf in `slot`.
fn place_leaf<L: Leaf>(inner: &mut Inner<L>, slot: usize, leaf: L, at: usize, copied: &mut u64) {
    debug_assert!(!leaf.is_empty());
    let there = inner.leaf(slot).len();
    if there == 0 {
        // The only leaf of an empty tree.
        *inner = Inner::above(Child::Leaf(leaf));
    } else if at == 0 {
        let (before, separator) = match slot.checked_sub(1) {
            Some(previous) => (slot, L::separator(inner.leaf(previous), &leaf)),
            None => (0, L::separator(&leaf, inner.leaf(0))),
        };
        // In front of another leaf the old separator, which told its neighbours apart, must also be above what is new.
        if slot > 0 {
            inner.replace_separator(slot - 1, L::separator(&leaf, inner.leaf(slot)));
        }
        inner.insert(before, Child::Leaf(leaf), separator);
    } else {
        if at < there {
            divide(inner, slot, at, copied);
            let bound = L::separator(&leaf, inner.leaf(slot + 1));
            inner.replace_separator(slot, bound);
        }
        let separator = L::separator(inner.leaf(slot), &leaf);
        inner.insert(slot + 1, Child::Leaf(leaf), separator);
    }
}

impl<L: Leaf> Inner<L> {
    /// A leaf of a node of leaves.
    fn leaf(&self, slot: usize) -> &L {
        match &self.children {
            Children::Leaves(leaves) => &leaves[slot],
            Children::Inners(_) => unreachable!("only nodes above leaves are asked"),
        }
    }

    fn leaf_mut(&mut self, slot: usize, copied: &mut u64) -> &mut L {
        match &mut self.children {
            Children::Leaves(leaves) => own_leaf(&mut leaves[slot], copied),
            Children::Inners(_) => unreachable!("only nodes above leaves are asked"),
        }
    }

    fn replace_separator(&mut self, at: usize, separator: L::Separator) {
        self.separators_heap += L::separator_heap(&separator);
        self.separators_heap -= L::separator_heap(&self.separators[at]);
        self.separators[at] = separator;
        self.measure();
    }
}
