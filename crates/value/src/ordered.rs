//! One copy-on-write B+tree with counts, for everything that has an order: lists by position, sorted sets by score, streams by ID.
//!
//! It knows leaves only through the trait [`Leaf`]: how elements are packed, found and bounded is the leaf's affair, and so is what
//! an element is. It keeps no key of its own but the separators that leaves hand it.
//!
//! ```text
//!   Ordered { root, copied }
//!               |
//!        Inner  { len 900, counts [ 400 | 500 ], separators [ s1 ], beneath bytes, children }
//!                              /      \
//!        Inner  { len 400 ... }       Inner { len 500 ... }               every arrow is an Arc
//!               /    |     \                  /    |    \
//!            leaf  leaf   leaf             leaf  leaf   leaf              packed, 2 to 4 KB
//! ```
//!
//! Invariants (checked by [`Ordered::check`]):
//!  1. All leaves hang at the same depth; none is empty; an inner node has 1 to [`FAN`] children, the root of a tree
//!     above the lowest level at least 2. An empty tree has no root.
//!  2. `counts[i]` is the number of elements beneath child `i`, `len` their sum, `beneath` the heap bytes of all nodes below.
//!  3. Separator `i` is above all elements of child `i` and not above the first of child `i + 1`. Removing elements keeps that.
//!  4. A node reachable from more than one tree is never changed: every change goes through `own`, which copies first.
//!  5. No leaf is overfull, except one of a single element.
//!
//! How full leaves are is no invariant but a habit: a leaf that fills up at the tree's end is closed full (an ascending
//! load and a list's pushes leave full leaves), one that fills up elsewhere is halved, and one that becomes underfull joins a neighbour
//! of the same parent if both fit in one.
//!
//! Bounds: a change copies at most one leaf and one inner node for each level, plus one of each where nodes join.
//! Recursion and paths are as deep as the tree: 4 for ten million small elements, at most 12.

mod build;
#[cfg(any(test, debug_assertions))]
mod check;
mod cut;
mod drain;
mod edit;
mod node;
mod teardown;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

pub use build::Builder;
pub use drain::{Drain, Drained};
pub use edit::{Edit, Handle};
pub use node::FAN;
pub use teardown::Teardown;

use node::{Children, Inner};

/// A packed run of elements: a handle on a shared buffer, so `clone` is cheap. A leaf in a tree has at least one element. What changes
/// elements is called only after [`Leaf::own`].
pub trait Leaf: Clone + Default + Send + Sync {
    /// What an inner node keeps to tell two neighbours apart; `()` where elements have no key.
    type Separator: Clone + Send + Sync;

    /// Number of elements.
    fn len(&self) -> usize;

    /// Whether there is no element.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Heap bytes of what the handle points to, in O(1), as the allocator rounds them up. The handle is counted by the tree.
    fn heap_bytes(&self) -> usize;

    /// Whether a clone holds the same buffer.
    fn is_shared(&self) -> bool;

    /// Makes the buffer this leaf's own, to be changed in place. Returns the bytes copied for it.
    fn own(&mut self) -> u64;

    /// Whether it should be split (asked only of leaves with two elements or more).
    fn is_overfull(&self) -> bool;

    /// Whether it is so small that it should join a neighbour.
    fn is_underfull(&self) -> bool;

    /// Whether it and its right neighbour may become one leaf.
    fn joins(&self, right: &Self) -> bool;

    /// The index (at least 1, less than the length) at which both parts have about the same size.
    fn middle(&self) -> usize;

    /// Keeps the elements before `at` and returns the others.
    fn split_off(&mut self, at: usize) -> Self;

    /// Adds the elements of the right neighbour at the end.
    fn absorb(&mut self, right: &Self);

    /// Removes the elements with indexes `from` up to `to`.
    fn remove_range(&mut self, from: usize, to: usize);

    /// A separator for two neighbours: above all of `left`, not above the first of `right`.
    fn separator(left: &Self, right: &Self) -> Self::Separator;

    /// Heap bytes that a separator points to.
    fn separator_heap(_separator: &Self::Separator) -> usize {
        0
    }
}

/// A leaf whose elements are in the order of a key.
pub trait KeyedLeaf: Leaf {
    /// What elements are looked up by.
    type Key<'k>: Copy;

    /// How a separator compares with a key.
    fn compare(separator: &Self::Separator, key: Self::Key<'_>) -> Ordering;

    /// How many separators are not above a key.
    #[inline]
    fn slot(separators: &[Self::Separator], key: Self::Key<'_>) -> usize {
        separators.partition_point(|separator| Self::compare(separator, key).is_le())
    }

    /// The index of the element with the key, else that of the first above it.
    fn search(&self, key: Self::Key<'_>) -> Result<usize, usize>;
}

/// A copy-on-write sequence of elements in leaves. `Clone` is O(1) and is how a value is frozen.
#[derive(Clone)]
pub struct Ordered<L: Leaf> {
    root: Option<Arc<Inner<L>>>,
    /// Bytes copied because a node was shared, since the tree was made.
    copied: u64,
}

/// A leaf and the index in the whole tree of its first element.
pub struct Found<'a, L> {
    /// The leaf.
    pub leaf: &'a L,
    /// Index of its first element.
    pub start: u64,
}

impl<L: Leaf> Default for Ordered<L> {
    fn default() -> Self {
        Self { root: None, copied: 0 }
    }
}

impl<L: Leaf> Ordered<L> {
    /// A tree without elements; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of elements.
    pub fn len(&self) -> u64 {
        self.root.as_ref().map_or(0, |root| root.len)
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// Heap bytes reached from this tree, in O(1). Nodes shared with clones are counted in each of them, each allocation as
    /// large as the allocator makes it.
    pub fn heap_bytes(&self) -> u64 {
        self.root.as_ref().map_or(0, |root| root.heap())
    }

    /// Bytes copied so far because a clone held what was to be changed. The difference between two readings bounds what
    /// a clone taken between them holds back.
    pub fn copied_bytes(&self) -> u64 {
        self.copied
    }

    /// Heap bytes of this tree that clones hold too: looks at the root and its children only, so a child that is shared in part
    /// does not count.
    pub fn shared_bytes_estimate(&self) -> u64 {
        let Some(root) = &self.root else { return 0 };
        if Arc::strong_count(root) > 1 {
            return root.heap();
        }
        let (present, shared) = match &root.children {
            Children::Leaves(leaves) => count_shared(leaves, L::is_shared),
            Children::Inners(inners) => count_shared(inners, |inner| Arc::strong_count(inner) > 1),
        };
        root.heap().checked_div(present).unwrap_or(0) * shared
    }

    /// The leaf with the element of an index.
    pub fn leaf_at(&self, index: u64) -> Option<Found<'_, L>> {
        let mut node = self.root.as_deref().filter(|root| index < root.len)?;
        let mut rest = index;
        loop {
            let mut slot = 0;
            while rest >= node.counts[slot] {
                rest -= node.counts[slot];
                slot += 1;
            }
            match &node.children {
                Children::Leaves(leaves) => return Some(Found { leaf: &leaves[slot], start: index - rest }),
                Children::Inners(inners) => node = &inners[slot],
            }
        }
    }

    /// The first leaf.
    pub fn first_leaf(&self) -> Option<&L> {
        let mut node = self.root.as_deref()?;
        loop {
            match &node.children {
                Children::Leaves(leaves) => return leaves.first(),
                Children::Inners(inners) => node = inners.first()?,
            }
        }
    }

    /// The last leaf.
    pub fn last_leaf(&self) -> Option<&L> {
        let mut node = self.root.as_deref()?;
        loop {
            match &node.children {
                Children::Leaves(leaves) => return leaves.last(),
                Children::Inners(inners) => node = inners.last()?,
            }
        }
    }

    /// Number of leaves, counted without looking at them: O(inner nodes).
    pub fn leaf_count(&self) -> u64 {
        self.root.as_ref().map_or(0, |root| root.leaf_count())
    }

    /// The leaves from that with the element of `index` on. Costs a descent for each leaf and no memory.
    pub fn leaves_from(&self, index: u64) -> impl Iterator<Item = Found<'_, L>> {
        let mut next = index;
        std::iter::from_fn(move || {
            let found = self.leaf_at(next)?;
            next = found.start + found.leaf.len() as u64;
            Some(found)
        })
    }

    /// The leaves from that with the element of `index` backwards.
    pub fn leaves_back_from(&self, index: u64) -> impl Iterator<Item = Found<'_, L>> {
        let mut next = Some(index);
        std::iter::from_fn(move || {
            let found = self.leaf_at(next?)?;
            next = found.start.checked_sub(1);
            Some(found)
        })
    }

    /// The leaves in order, let go one by one: a clone that is only read once need not hold the whole tree until its end.
    pub fn into_drain(self) -> Drain<L> {
        Drain::new(self.root)
    }

    /// Hands the nodes over to be freed a bounded number at a time. Dropping the tree instead frees all at once.
    pub fn into_teardown(self) -> Teardown<L> {
        Teardown::new(self.root)
    }
}

impl<L: KeyedLeaf> Ordered<L> {
    /// The leaf in which the key is or would be. `None` only of an empty tree.
    pub fn leaf_for(&self, key: L::Key<'_>) -> Option<Found<'_, L>> {
        let mut node = self.root.as_deref()?;
        let mut start = 0;
        loop {
            let slot = node.slot_for(key);
            start += node.counts[..slot].iter().sum::<u64>();
            match &node.children {
                Children::Leaves(leaves) => return Some(Found { leaf: &leaves[slot], start }),
                Children::Inners(inners) => node = &inners[slot],
            }
        }
    }

    /// The leaf in which the key is or would be, like [`Self::leaf_for`]; cheaper since nothing is counted.
    pub fn leaf_of(&self, key: L::Key<'_>) -> Option<&L> {
        let mut node = self.root.as_deref()?;
        loop {
            let slot = node.slot_for(key);
            match &node.children {
                Children::Leaves(leaves) => return Some(&leaves[slot]),
                Children::Inners(inners) => node = &inners[slot],
            }
        }
    }

    /// The index of the element with the key, else that of the first above it (which may be the length).
    pub fn search(&self, key: L::Key<'_>) -> Result<u64, u64> {
        let Some(found) = self.leaf_for(key) else { return Err(0) };
        match found.leaf.search(key) {
            Ok(index) => Ok(found.start + index as u64),
            Err(index) => Err(found.start + index as u64),
        }
    }

    /// Whether there is an element with the key; cheaper than [`Self::search`] since nothing is counted.
    pub fn contains(&self, key: L::Key<'_>) -> bool {
        self.leaf_of(key).is_some_and(|leaf| leaf.search(key).is_ok())
    }
}

/// Like [`slice::partition_point`] of `len` elements, in two rounds of independent probes instead of a chain of dependent ones: what
/// is not in the processor's caches is then waited for twice, not once for each halving.
#[inline]
pub fn wide_partition_point(len: usize, is_below: impl Fn(usize) -> bool) -> usize {
    /// Parts of the first round.
    const PARTS: usize = 8;
    let part = len / PARTS + 1;
    let mut low = 0;
    for last in (part - 1..len).step_by(part) {
        low += usize::from(is_below(last));
    }
    low *= part;
    let high = (low + part - 1).min(len);
    low + (low..high).map(|at| usize::from(is_below(at))).sum::<usize>()
}

/// Children, and how many of them somebody else holds too.
fn count_shared<T>(children: &[T], is_shared: impl Fn(&T) -> bool) -> (u64, u64) {
    let shared = children.iter().filter(|child| is_shared(child)).count();
    (children.len() as u64, shared as u64)
}

impl<L: Leaf> fmt::Debug for Ordered<L> {
    /// Shape only; the content may be of any size.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ordered").field("len", &self.len()).field("heap_bytes", &self.heap_bytes()).finish()
    }
}
