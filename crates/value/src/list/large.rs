//! The large list: leaves of up to 4 KB in a tree in order of position.
//!
//! Since a leaf is the body of a listpack, RDB's quicklist nodes are leaves. Elements are added at the ends, so leaves are put away in their short form
//! from the ends on:
//!
//! ```text
//!   [ first: block ][ short ][ short ] ... [ short ][ short or block ][ last: block ]
//!                                               when the last one is half full, the one before it is put away
//! ```
//! So whoever pushes and pops around a border of two leaves makes none short and long again each time. A leaf that becomes the first or the last
//! since those before it are gone is made a block by the next change; one in the middle that is changed is put away again at once.
//!
//! Invariants: those of the tree and of leaves. Because of the bounds of leaves, whatever an element's size, a change moves no bytes of its neighbours.
//!
//! Both bounds are a compromise between the memory for a leaf's own needs (about 70 bytes) and what LINDEX walks: at
//! most half a leaf.

use crate::ordered::{Drain, Edit, Leaf, Ordered, Teardown};
use crate::packed::{self, Element, LISTPACK_OVERHEAD, Packed};

use super::{Encoding, End, ListBuilder, ListLeaf, small};

/// Most bytes of a leaf of more than one element.
pub const LEAF_BYTES: usize = 4096;

/// Most elements of a leaf.
pub const LEAF_COUNT: usize = 512;

/// When the leaf at an end has so many bytes, its neighbour is put away.
const PUT_AWAY_BYTES: usize = LEAF_BYTES / 2;

/// A large list. `Clone` is O(1) and is how it is frozen.
#[derive(Clone, Debug)]
pub struct LargeList {
    tree: Ordered<ListLeaf>,
    encoding: Encoding,
}

impl Default for LargeList {
    fn default() -> Self {
        Self::new(Encoding::Quicklist)
    }
}

impl LargeList {
    /// A list without elements.
    pub fn new(encoding: Encoding) -> Self {
        Self { tree: Ordered::new(), encoding }
    }

    /// A list with the elements of a block.
    pub fn from_small(block: &[u8], encoding: Encoding) -> Self {
        let mut builder = ListBuilder::new();
        builder.extend(Packed::new(block));
        builder.finish(encoding)
    }

    /// A block with all elements. Meant for lists that are small enough for one; `None` if there are too many elements.
    pub fn to_small(&self) -> Option<Vec<u8>> {
        let count = u16::try_from(self.len()).ok()?;
        let bytes: usize = self.leaves().map(ListLeaf::body_len).sum();
        let mut block = Vec::with_capacity(packed::HEADER + bytes);
        block.extend_from_slice(&count.to_le_bytes());
        let mut scratch = Vec::new();
        self.leaves().for_each(|leaf| block.extend_from_slice(leaf.packed(&mut scratch).body()));
        Some(block)
    }

    /// Its name.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Gives it another name; its form stays.
    pub fn set_encoding(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    /// Number of elements.
    pub fn len(&self) -> u64 {
        self.tree.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// Heap bytes, in O(1); nodes that a clone holds too are counted in both.
    pub fn heap_bytes(&self) -> u64 {
        self.tree.heap_bytes()
    }

    /// Bytes copied so far because a clone held what was to be changed.
    pub fn copied_bytes(&self) -> u64 {
        self.tree.copied_bytes()
    }

    /// Heap bytes that clones hold too, estimated from the root.
    pub fn shared_bytes_estimate(&self) -> u64 {
        self.tree.shared_bytes_estimate()
    }

    /// The leaves in order, let go one by one.
    pub fn into_drain(self) -> Drain<ListLeaf> {
        self.tree.into_drain()
    }

    /// Hands the nodes over to be freed a bounded number at a time.
    pub fn into_teardown(self) -> Teardown<ListLeaf> {
        self.tree.into_teardown()
    }

    pub(super) fn of_tree(tree: Ordered<ListLeaf>, encoding: Encoding) -> Self {
        Self { tree, encoding }
    }

    pub(super) fn tree(&self) -> &Ordered<ListLeaf> {
        &self.tree
    }

    /// Number of leaves, counted without looking at them.
    pub fn leaf_count(&self) -> u64 {
        self.tree.leaf_count()
    }

    /// The leaves in order: each is the body of a listpack.
    pub fn leaves(&self) -> impl Iterator<Item = &ListLeaf> {
        self.tree.leaves_from(0).map(|found| found.leaf)
    }

    /// See [`super::ListRef::listpack_len`].
    pub(super) fn listpack_len(&self, max: usize) -> Option<usize> {
        // An element has at least two bytes.
        if self.len() > max as u64 / 2 {
            return None;
        }
        self.leaves()
            .try_fold(LISTPACK_OVERHEAD, |sum, leaf| Some(sum + leaf.body_len()).filter(|&sum| sum <= max))
    }

    /// Shows the element with an index. `None` if there is none.
    pub fn get<R>(&self, index: u64, show: impl FnOnce(Element) -> R) -> Option<R> {
        let found = self.tree.leaf_at(index)?;
        found.leaf.get((index - found.start) as usize, show)
    }

    /// Adds an element at an end.
    pub fn push(&mut self, end: End, element: Element) {
        let bytes = element.encoded_len();
        // Length of the leaf that has got the element.
        let len = match end {
            End::Head => self.tree.edit_first(|mut leaf| {
                if !leaf.get().fits(bytes) {
                    return Edit::Place(ListLeaf::of(element), 0, bytes);
                }
                let block = leaf.own().block_mut();
                packed::push_front(block, element);
                Edit::Done(block.len(), 0)
            }),
            End::Tail => self.tree.edit_last(|mut leaf| {
                let at = leaf.get().len();
                if !leaf.get().fits(bytes) {
                    return Edit::Place(ListLeaf::of(element), at, bytes);
                }
                let block = leaf.own().block_mut();
                packed::push_back(block, element);
                Edit::Done(block.len(), at)
            }),
        };
        if len >= PUT_AWAY_BYTES && len - bytes < PUT_AWAY_BYTES {
            self.put_away_beside(end);
        }
    }

    /// Puts the leaf beside the first or the last one away, unless it is at the other end.
    #[cold]
    fn put_away_beside(&mut self, end: End) {
        let beside = match end {
            End::Head => self.tree.first_leaf().map(|first| first.len() as u64),
            End::Tail => self.tree.last_leaf().and_then(|last| self.len().checked_sub(1 + last.len() as u64)),
        };
        let Some(found) = beside.and_then(|index| self.tree.leaf_at(index)) else { return };
        let is_other_end = match end {
            End::Head => found.start + found.leaf.len() as u64 == self.len(),
            End::Tail => found.start == 0,
        };
        if !is_other_end && found.leaf.may_be_put_away() {
            self.tree.edit_at(found.start, |mut leaf, at| {
                leaf.adapt(ListLeaf::put_away);
                Edit::Done((), at)
            });
        }
    }

    /// Removes the element at an end after showing it to `take`. `None` if there is none.
    pub fn pop<R>(&mut self, end: End, take: impl FnOnce(Element) -> R) -> Option<R> {
        if self.is_empty() {
            return None;
        }
        match end {
            End::Head => self
                .tree
                .edit_first(|mut leaf| Edit::Done(small::pop(leaf.own().block_mut(), End::Head, take), 0)),
            End::Tail => self
                .tree
                .edit_last(|mut leaf| Edit::Done(small::pop(leaf.own().block_mut(), End::Tail, take), 0)),
        }
    }

    /// Replaces the element with an index. False if there is none.
    pub fn set(&mut self, index: u64, element: Element) -> bool {
        if index >= self.len() {
            return false;
        }
        self.tree.edit_at(index, |mut leaf, at| {
            // A leaf of its own is replaced, not changed: neither the old nor the new element is moved about.
            if leaf.get().len() == 1 {
                *leaf.own() = ListLeaf::of(element);
                return Edit::Done(true, at);
            }
            leaf.own().set(at, element);
            Edit::Done(true, at)
        })
    }

    /// Puts an element in so that it gets the index, which is at most the length.
    pub fn insert(&mut self, index: u64, element: Element) {
        let bytes = element.encoded_len();
        self.tree.edit_gap(index, |mut leaf, at| {
            // Invariant 1: neither is a large element moved nor does a small one move a large neighbour.
            if bytes > LEAF_BYTES / 2 || leaf.get().is_overfull() {
                return Edit::Place(ListLeaf::of(element), at, ());
            }
            leaf.own().insert(at, element);
            Edit::Done((), at)
        });
    }

    /// The index of the first element with this text.
    pub fn index_of(&self, element: Element) -> Option<u64> {
        let mut scratch = Vec::new();
        self.tree.leaves_from(0).find_map(|found| {
            if !found.leaf.contains(element, &mut scratch) {
                return None;
            }
            let mut index = None;
            found.leaf.matches(element, &mut scratch, |at| {
                index = Some(found.start + at as u64);
                false
            });
            index
        })
    }

    /// Removes up to `max` elements with this text, from the head or the tail on. Returns how many. Each leaf that has one is changed
    /// once; others are not copied if they are shared.
    pub fn remove_matching(&mut self, from: End, element: Element, max: u64) -> u64 {
        let (mut removed, mut scratch) = (0, Vec::new());
        let mut next = match from {
            End::Head => Some(0),
            End::Tail => self.len().checked_sub(1),
        };
        while let Some(index) = next.filter(|_| removed < max) {
            let Some(found) = self.tree.leaf_at(index) else { break };
            let (start, end) = (found.start, found.start + found.leaf.len() as u64);
            let gone = if !found.leaf.contains(element, &mut scratch) {
                0
            } else {
                self.tree.edit_at(index, |mut leaf, at| {
                    Edit::Done(leaf.own().remove_matching(from, element, max - removed), at)
                })
            };
            removed += gone;
            // Whatever was joined or split meanwhile, what has not been looked at has these indexes.
            next = match from {
                End::Head => Some(end - gone),
                End::Tail => start.checked_sub(1),
            };
        }
        removed
    }

    /// Keeps only the elements with indexes `from` up to `to`. What the others occupied is freed by the returned teardown.
    pub fn trim(&mut self, from: u64, to: u64) -> Teardown<ListLeaf> {
        let mut gone = self.tree.remove_range(to.max(from), self.len());
        gone.append(self.tree.remove_range(0, from));
        gone
    }

    /// Verifies the invariants and panics with the broken one.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        self.tree.check(ListLeaf::check);
    }
}
