//! The large list: blocks of up to 4 KB as leaves of a tree in order of position.
//!
//! ```text
//!   Ordered ... -> Arc<ListLeaf> -> [ count u16 ][ element ][ element ] ...   the body of a listpack
//! ```
//! Since a leaf is the body of a listpack, RDB's quicklist nodes are copies of leaves.
//!
//! Invariants: those of the tree and of blocks; and
//!  1. a leaf has at most [`LEAF_BYTES`] bytes and [`LEAF_COUNT`] elements, or it is a single element. So whatever an element's size, a
//!     change moves no bytes of its neighbours.
//!
//! Both bounds are a compromise between the memory for a leaf's own needs (about 70 bytes) and what LINDEX walks: at
//! most half a leaf.

use std::sync::Arc;

use crate::ordered::{Builder, Drain, Edit, Leaf, Ordered, Teardown};
use crate::packed::{self, Element, LISTPACK_OVERHEAD, Packed, size_class};

use crate::room::ARC_HEADER;

use super::{Encoding, End, small};

/// Most bytes of a leaf of more than one element.
pub const LEAF_BYTES: usize = 4096;

/// Most elements of a leaf.
pub const LEAF_COUNT: usize = 512;

/// A large list. `Clone` is O(1) and is how it is frozen.
#[derive(Clone, Debug)]
pub struct LargeList {
    tree: Ordered<ListLeaf>,
    encoding: Encoding,
}

/// A leaf: a block of elements.
#[derive(Clone, Debug)]
pub struct ListLeaf {
    block: Arc<Vec<u8>>,
}

impl Default for ListLeaf {
    fn default() -> Self {
        Self { block: Arc::new(packed::EMPTY.to_vec()) }
    }
}

impl ListLeaf {
    fn of(element: Element) -> Self {
        let mut block = Vec::with_capacity(packed::HEADER + element.encoded_len());
        block.extend_from_slice(&packed::EMPTY);
        packed::push_back(&mut block, element);
        Self { block: Arc::new(block) }
    }

    /// The elements.
    pub fn packed(&self) -> Packed<'_> {
        Packed::new(&self.block)
    }

    /// The elements for changing; a copy of them if they are shared.
    fn block_mut(&mut self) -> &mut Vec<u8> {
        Arc::make_mut(&mut self.block)
    }

    /// Whether elements of so many bytes can be added without making it overfull.
    fn fits(&self, bytes: usize) -> bool {
        self.block.len() + bytes <= LEAF_BYTES && self.len() < LEAF_COUNT
    }
}

impl Leaf for ListLeaf {
    type Separator = ();

    fn len(&self) -> usize {
        self.packed().count()
    }

    fn heap_bytes(&self) -> usize {
        size_class(self.block.capacity()) + size_class(size_of::<Vec<u8>>() + ARC_HEADER)
    }

    fn is_shared(&self) -> bool {
        Arc::strong_count(&self.block) > 1
    }

    fn own(&mut self) -> u64 {
        let copied = if self.is_shared() { self.heap_bytes() as u64 } else { 0 };
        self.block_mut();
        copied
    }

    fn is_overfull(&self) -> bool {
        self.block.len() > LEAF_BYTES || self.len() > LEAF_COUNT
    }

    fn is_underfull(&self) -> bool {
        self.block.len() < LEAF_BYTES / 4 && self.len() < LEAF_COUNT / 4
    }

    fn joins(&self, right: &Self) -> bool {
        self.block.len() + right.block.len() <= LEAF_BYTES && self.len() + right.len() <= LEAF_COUNT
    }

    fn middle(&self) -> usize {
        let half = self.block.len() / 2;
        let before = self.packed().iter().take_while(|&(at, _)| at <= half).count();
        // The element across the middle goes right, unless it is the first.
        (before - 1).max(1)
    }

    fn split_off(&mut self, at: usize) -> Self {
        let count = self.len() - at;
        let from = self.packed().position(at).unwrap_or(self.block.len());
        let mut block = Vec::with_capacity(size_class(packed::HEADER + self.block.len() - from));
        block.extend_from_slice(&(count as u16).to_le_bytes());
        block.extend_from_slice(&self.block[from..]);
        let end = self.block.len();
        packed::remove_between(self.block_mut(), from, end, count);
        Self { block: Arc::new(block) }
    }

    fn absorb(&mut self, right: &Self) {
        let count = self.len() + right.len();
        let block = self.block_mut();
        block.reserve_exact(right.block.len());
        block.extend_from_slice(right.packed().body());
        block[..packed::HEADER].copy_from_slice(&(count as u16).to_le_bytes());
    }

    fn remove_range(&mut self, from: usize, to: usize) {
        let list = self.packed();
        if let (Some(start), Some(end)) = (list.position(from), list.position(to)) {
            packed::remove_between(self.block_mut(), start, end, to - from);
        }
    }

    fn separator(_: &Self, _: &Self) {}
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
        let bytes: usize = self.tree.leaves_from(0).map(|found| found.leaf.packed().body().len()).sum();
        let mut block = Vec::with_capacity(packed::HEADER + bytes);
        block.extend_from_slice(&count.to_le_bytes());
        for found in self.tree.leaves_from(0) {
            block.extend_from_slice(found.leaf.packed().body());
        }
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

    pub(super) fn tree(&self) -> &Ordered<ListLeaf> {
        &self.tree
    }

    /// The leaves in order: each is the body of a listpack.
    pub fn leaves(&self) -> impl Iterator<Item = Packed<'_>> {
        self.tree.leaves_from(0).map(|found| found.leaf.packed())
    }

    /// See [`super::ListRef::listpack_len`].
    pub(super) fn listpack_len(&self, max: usize) -> Option<usize> {
        // An element has at least two bytes.
        if self.len() > max as u64 / 2 {
            return None;
        }
        self.tree.leaves_from(0).try_fold(LISTPACK_OVERHEAD, |sum, found| {
            Some(sum + found.leaf.packed().body().len()).filter(|&sum| sum <= max)
        })
    }

    /// The element with an index.
    pub fn get(&self, index: u64) -> Option<Element<'_>> {
        let found = self.tree.leaf_at(index)?;
        found.leaf.packed().element((index - found.start) as usize)
    }

    /// Adds an element at an end.
    pub fn push(&mut self, end: End, element: Element) {
        let bytes = element.encoded_len();
        match end {
            End::Head => self.tree.edit_first(|mut leaf| {
                if !leaf.get().fits(bytes) {
                    return Edit::Place(ListLeaf::of(element), 0, ());
                }
                packed::push_front(leaf.own().block_mut(), element);
                Edit::Done((), 0)
            }),
            End::Tail => self.tree.edit_last(|mut leaf| {
                let at = leaf.get().len();
                if !leaf.get().fits(bytes) {
                    return Edit::Place(ListLeaf::of(element), at, ());
                }
                packed::push_back(leaf.own().block_mut(), element);
                Edit::Done((), at)
            }),
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
            let there = leaf.own();
            // A leaf of its own is replaced, not changed: neither the old nor the new element is moved about.
            if there.len() == 1 {
                *there = ListLeaf::of(element);
                return Edit::Done(true, at);
            }
            Edit::Done(small::set(there.block_mut(), at, element), at)
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
            small::insert(leaf.own().block_mut(), at, element);
            Edit::Done((), at)
        });
    }

    /// The index of the first element with this text.
    pub fn index_of(&self, element: Element) -> Option<u64> {
        self.tree.leaves_from(0).find_map(|found| {
            let packed = found.leaf.packed();
            packed.find(element, packed.start(), 1)?;
            Some(found.start + small::index_of(packed.bytes(), element)? as u64)
        })
    }

    /// Removes up to `max` elements with this text, from the head or the tail on. Returns how many. Each leaf that has one is changed
    /// once; others are not copied if they are shared.
    pub fn remove_matching(&mut self, from: End, element: Element, max: u64) -> u64 {
        let mut removed = 0;
        let mut next = match from {
            End::Head => Some(0),
            End::Tail => self.len().checked_sub(1),
        };
        while let Some(index) = next.filter(|_| removed < max) {
            let Some(found) = self.tree.leaf_at(index) else { break };
            let (start, packed) = (found.start, found.leaf.packed());
            let end = start + packed.count() as u64;
            let gone = if packed.find(element, packed.start(), 1).is_none() {
                0
            } else {
                self.tree.edit_at(index, |mut leaf, at| {
                    let left = max - removed;
                    Edit::Done(small::remove_matching(leaf.own().block_mut(), from, element, left), at)
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
        self.tree.check(|leaf| assert_eq!(packed::validate(&leaf.block), Ok(())));
    }
}

/// A list that is being built from its head to its tail, with full leaves.
#[derive(Default)]
pub struct ListBuilder {
    leaves: Builder<ListLeaf>,
    leaf: ListLeaf,
}

impl ListBuilder {
    /// A list without elements.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an element at the tail.
    pub fn push(&mut self, element: Element) {
        if !self.leaf.is_empty() && !self.leaf.fits(element.encoded_len()) {
            self.leaves.push(std::mem::take(&mut self.leaf));
        }
        let block = self.leaf.block_mut();
        if block.capacity() < LEAF_BYTES && block.len() > LEAF_BYTES / 16 {
            block.reserve_exact(LEAF_BYTES - block.len());
        }
        packed::push_back(block, element);
    }

    /// Adds the elements of a block, or of a part of a large list, at the tail.
    pub fn extend(&mut self, block: Packed) {
        for (_, element) in block.iter() {
            self.push(element);
        }
    }

    /// Adds the elements of a listpack's body, which must be sound and have canonical spellings, at the tail. What fills a good part of
    /// a leaf is copied as it is.
    pub fn push_body(&mut self, body: &[u8], count: u16) {
        let mut block = Vec::with_capacity(packed::HEADER + body.len());
        block.extend_from_slice(&count.to_le_bytes());
        block.extend_from_slice(body);
        let whole = Packed::new(&block);
        let (mut from, mut elements) = (whole.start(), 0);
        for (at, element) in whole.iter() {
            let end = at + element.encoded_len();
            if elements > 0 && (end - from + packed::HEADER > LEAF_BYTES || elements == LEAF_COUNT) {
                self.push_part(&block[from..at], elements);
                (from, elements) = (at, 0);
            }
            elements += 1;
        }
        self.push_part(&block[from..], elements);
    }

    /// Adds what fits in a leaf.
    fn push_part(&mut self, body: &[u8], count: usize) {
        if self.leaf.len() + count <= LEAF_COUNT && self.leaf.block.len() + body.len() <= LEAF_BYTES {
            let total = (self.leaf.len() + count) as u16;
            let block = self.leaf.block_mut();
            if block.len() + body.len() > block.capacity() {
                block.reserve_exact(LEAF_BYTES - block.len());
            }
            block.extend_from_slice(body);
            block[..packed::HEADER].copy_from_slice(&total.to_le_bytes());
            return;
        }
        if !self.leaf.is_empty() {
            let mut full = std::mem::take(&mut self.leaf);
            let block = full.block_mut();
            block.shrink_to(size_class(block.len()));
            self.leaves.push(full);
        }
        let mut block = Vec::with_capacity(size_class(packed::HEADER + body.len()));
        block.extend_from_slice(&(count as u16).to_le_bytes());
        block.extend_from_slice(body);
        self.leaf = ListLeaf { block: Arc::new(block) };
    }

    /// The finished list.
    pub fn finish(mut self, encoding: Encoding) -> LargeList {
        let block = self.leaf.block_mut();
        block.shrink_to(size_class(block.len()));
        self.leaves.push(self.leaf);
        LargeList { tree: self.leaves.finish(), encoding }
    }
}
