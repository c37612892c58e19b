//! The inner nodes of a directory: which child covers a slot, cutting and joining of leaves, counts on the way up.
//! It does not know what a leaf holds.

use std::sync::Arc;

use super::{JOIN_MAX, LEAF_MAX, Leaf, Tally};
use crate::room::ARC_HEADER;

/// Bits of a position that a page tells apart.
pub(super) const SLOT_BITS: u32 = 7;

/// Slots of a page.
const SLOTS: u32 = 1 << SLOT_BITS;

/// A node of the directory, with what its parent has to know about it.
#[derive(Clone)]
pub(super) enum Child<L: Leaf> {
    Leaf(L),
    Page {
        page: Arc<Page<L>>,
        /// Elements below.
        len: u64,
        /// Earliest deadline below.
        earliest: u64,
    },
}

/// An inner node.
#[derive(Clone)]
pub(super) struct Page<L: Leaf> {
    /// Bit `s` is set where a child begins at slot `s`.
    starts: u128,
    children: Vec<Child<L>>,
}

/// The slot of `position` in a page at `depth` bits.
#[inline]
fn slot_of(position: u32, depth: u32) -> u32 {
    (position << depth) >> (u32::BITS - SLOT_BITS)
}

/// The first position of `slot` in the page at `depth` bits that covers `position`.
fn position_of(position: u32, depth: u32, slot: u32) -> u64 {
    let prefix = u64::from(position) >> (u32::BITS - depth) << (u32::BITS - depth);
    prefix + (u64::from(slot) << (u32::BITS - SLOT_BITS) >> depth)
}

impl<L: Leaf> Child<L> {
    #[inline]
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Leaf(leaf) => leaf.len() as u64,
            Self::Page { len, .. } => *len,
        }
    }

    pub(super) fn earliest(&self) -> u64 {
        match self {
            Self::Leaf(leaf) => leaf.earliest(),
            Self::Page { earliest, .. } => *earliest,
        }
    }

    pub(super) fn is_shared(&self) -> bool {
        match self {
            Self::Leaf(leaf) => leaf.is_shared(),
            Self::Page { page, .. } => Arc::strong_count(page) > 1,
        }
    }

    /// Changes the leaf for `position` below this child, whose prefix has `depth` bits if it is a page. The child itself may
    /// need [`Child::settle`] or a cut afterwards.
    pub(super) fn change<R>(
        &mut self,
        position: u32,
        depth: u32,
        tally: &mut Tally,
        change: impl FnOnce(&mut L) -> R,
    ) -> R {
        match self {
            Self::Leaf(leaf) => {
                let (heap, len) = (leaf.heap_bytes(), leaf.len());
                tally.before = leaf.earliest();
                tally.copied += leaf.own();
                let result = change(leaf);
                tally.heap += leaf.heap_bytes() as i64 - heap as i64;
                tally.len = leaf.len() as i64 - len as i64;
                tally.after = leaf.earliest();
                result
            }
            Self::Page { page, len, earliest } => {
                let below = own(page, tally);
                let result = below.change(position, depth, tally, change);
                *len = len.wrapping_add_signed(tally.len);
                if tally.after < *earliest {
                    *earliest = tally.after;
                } else if tally.before == *earliest && tally.after != tally.before {
                    *earliest = below.children.iter().map(Child::earliest).min().unwrap_or(u64::MAX);
                }
                result
            }
        }
    }

    /// After a change: a leaf that covers all of this child's slot and is too large becomes a page, a page with one
    /// child becomes that child. True if the form changed to a leaf, which may then be joined with its buddy.
    pub(super) fn settle(&mut self, depth: u32, tally: &mut Tally) -> bool {
        match self {
            Self::Leaf(leaf) => {
                if is_too_large(leaf) {
                    let mut page = Page { starts: 1, children: vec![Self::Leaf(std::mem::take(leaf))] };
                    tally.heap += page.heap_bytes() as i64;
                    page.cut(0, depth, tally);
                    let (len, earliest) = page.summary();
                    *self = Self::Page { page: Arc::new(page), len, earliest };
                }
                false
            }
            Self::Page { page, .. } => {
                if page.children.len() > 1 {
                    return false;
                }
                // It was owned on the way down, since its last but one child has just gone.
                tally.heap -= page.heap_bytes() as i64;
                let only = Arc::get_mut(page).and_then(|page| page.children.pop());
                if let Some(only) = only {
                    *self = only;
                }
                matches!(self, Self::Leaf(_))
            }
        }
    }

    /// Verifies the invariants below this child, which covers `start..end`; returns its heap bytes.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn check(&self, depth: u32, start: u64, end: u64) -> u64 {
        match self {
            Self::Leaf(leaf) => {
                let mut last = start;
                for index in 0..leaf.len() {
                    let position = u64::from(leaf.position(index));
                    assert!(position >= last && position < end, "invariant 3: {position} in {start}..{end}");
                    last = position;
                }
                assert!(!is_too_large(leaf), "invariant 5: a leaf of {} bytes", leaf.size());
                leaf.heap_bytes()
            }
            Self::Page { page, len, earliest } => {
                assert_eq!((*len, *earliest), page.summary(), "invariant 4");
                assert!(page.children.len() > 1, "invariant 2: a page with one child");
                page.heap_bytes() + page.check(depth, start, end)
            }
        }
    }
}

/// Whether a leaf has to be cut, and can be.
#[inline]
fn is_too_large<L: Leaf>(leaf: &L) -> bool {
    leaf.size() > LEAF_MAX && leaf.position(0) != leaf.position(leaf.len() - 1)
}

/// The page for changing: in place if nobody else holds it, else a copy in its stead (invariant 8).
fn own<'a, L: Leaf>(page: &'a mut Arc<Page<L>>, tally: &mut Tally) -> &'a mut Page<L> {
    if Arc::strong_count(page) != 1 {
        let before = page.heap_bytes();
        let copy = Arc::make_mut(page);
        let after = copy.heap_bytes();
        tally.heap += after as i64 - before as i64;
        tally.copied += after;
        return copy;
    }
    Arc::make_mut(page)
}

impl<L: Leaf> Page<L> {
    pub(super) fn children(&self) -> &[Child<L>] {
        &self.children
    }

    /// The children, to put others in their places that cover the same slots.
    pub(super) fn children_mut(&mut self) -> &mut [Child<L>] {
        &mut self.children
    }

    pub(super) fn into_children(self) -> Vec<Child<L>> {
        self.children
    }

    pub(super) fn heap_bytes(&self) -> u64 {
        (ARC_HEADER + size_of::<Self>() + self.children.capacity() * size_of::<Child<L>>()) as u64
    }

    fn summary(&self) -> (u64, u64) {
        let len = self.children.iter().map(Child::len).sum();
        (len, self.children.iter().map(Child::earliest).min().unwrap_or(u64::MAX))
    }

    /// Index of the child that covers `slot`: as many as begin at or before it, less one.
    #[inline]
    fn index_of(&self, slot: u32) -> usize {
        (self.starts << (SLOTS - 1 - slot)).count_ones() as usize - 1
    }

    #[inline]
    pub(super) fn child(&self, position: u32, depth: u32) -> &Child<L> {
        &self.children[self.index_of(slot_of(position, depth))]
    }

    /// First slot and number of slots of the child that covers `slot`.
    fn run(&self, slot: u32) -> (u32, u32) {
        let start = slot - (self.starts << (SLOTS - 1 - slot)).leading_zeros();
        let above = if start == SLOTS - 1 { 0 } else { self.starts >> (start + 1) };
        let width = if above == 0 { SLOTS - start } else { above.trailing_zeros() + 1 };
        (start, width)
    }

    /// The child that covers `position`, and one past the last position that it covers.
    pub(super) fn child_and_end(&self, position: u32, depth: u32) -> (&Child<L>, u64) {
        let slot = slot_of(position, depth);
        let (start, width) = self.run(slot);
        (&self.children[self.index_of(slot)], position_of(position, depth, start + width))
    }

    /// The child that covers `position`, its first position, and of how many bits the positions are that it covers.
    #[inline]
    pub(super) fn child_and_span(&self, position: u32, depth: u32) -> (&Child<L>, u64, u32) {
        let slot = slot_of(position, depth);
        let (start, width) = self.run(slot);
        // At the lowest depth a slot is less than a position, and a run is never less than one.
        let bits = (u32::BITS - SLOT_BITS + width.trailing_zeros()).saturating_sub(depth);
        // A run is aligned to its width.
        let first = u64::from(position) & !((1 << bits) - 1);
        debug_assert_eq!(first, position_of(position, depth, start));
        (&self.children[self.index_of(slot)], first, bits)
    }

    fn change<R>(
        &mut self,
        position: u32,
        depth: u32,
        tally: &mut Tally,
        change: impl FnOnce(&mut L) -> R,
    ) -> R {
        let slot = slot_of(position, depth);
        let index = self.index_of(slot);
        let child = &mut self.children[index];
        let result = child.change(position, depth + SLOT_BITS, tally, change);
        match child {
            Child::Leaf(leaf) => {
                if is_too_large(leaf) {
                    self.cut(slot, depth, tally);
                } else if tally.len <= 0 {
                    // What has grown cannot have become small enough.
                    self.join(slot, tally);
                }
            }
            Child::Page { .. } => {
                if child.settle(depth + SLOT_BITS, tally) {
                    self.join(slot, tally);
                }
            }
        }
        result
    }

    /// Cuts the leaf that covers `slot` by its next bit, and again while a half is too large.
    fn cut(&mut self, slot: u32, depth: u32, tally: &mut Tally) {
        let mut slot = slot;
        loop {
            let (start, width) = self.run(slot);
            let index = self.index_of(slot);
            let Child::Leaf(leaf) = &mut self.children[index] else { return };
            if !is_too_large(leaf) {
                return;
            }
            if width == 1 {
                self.children[index].settle(depth + SLOT_BITS, tally);
                return;
            }
            let before = leaf.heap_bytes();
            let middle = start + width / 2;
            let at = leaf.lower_bound(position_of(leaf.position(0), depth, middle) as u32);
            let upper = leaf.cut(at);
            slot = if leaf.size() > upper.size() { start } else { middle };
            tally.heap += leaf.heap_bytes() as i64 + upper.heap_bytes() as i64 - before as i64;
            self.starts |= 1 << middle;
            self.add_child(index + 1, Child::Leaf(upper), tally);
        }
    }

    /// Joins the leaf that covers `slot` with its buddy, and the result with its own, as long as they are small enough.
    fn join(&mut self, slot: u32, tally: &mut Tally) {
        loop {
            let (start, width) = self.run(slot);
            let buddy = start ^ width;
            if width == SLOTS || self.run(buddy) != (buddy, width) {
                return;
            }
            let lower = self.index_of(start.min(buddy));
            let [Child::Leaf(low), Child::Leaf(high)] = &mut self.children[lower..lower + 2] else { return };
            if low.size() + high.size() > JOIN_MAX {
                return;
            }
            let before = low.heap_bytes() + high.heap_bytes();
            low.join(std::mem::take(high));
            tally.heap += low.heap_bytes() as i64 - before as i64;
            self.starts &= !(1 << start.max(buddy));
            self.remove_child(lower + 1, tally);
        }
    }

    /// Adds a child; room grows by an eighth.
    fn add_child(&mut self, index: usize, child: Child<L>, tally: &mut Tally) {
        if self.children.len() == self.children.capacity() {
            let before = self.heap_bytes();
            self.children.reserve_exact(self.children.len() / 8 + 1);
            tally.heap += self.heap_bytes() as i64 - before as i64;
        }
        self.children.insert(index, child);
    }

    fn remove_child(&mut self, index: usize, tally: &mut Tally) {
        let before = self.heap_bytes();
        self.children.remove(index);
        if self.children.len() < self.children.capacity() / 2 {
            self.children.shrink_to(self.children.len() + 2);
        }
        tally.heap += self.heap_bytes() as i64 - before as i64;
    }

    #[cfg(any(test, debug_assertions))]
    fn check(&self, depth: u32, start: u64, end: u64) -> u64 {
        assert_eq!(self.starts & 1, 1, "invariant 1: no child at slot 0");
        assert_eq!(self.starts.count_ones() as usize, self.children.len(), "invariant 1: children");
        let mut heap = 0;
        let mut slot = 0;
        while slot < SLOTS {
            let (from, width) = self.run(slot);
            assert_eq!(from, slot);
            assert!(width.is_power_of_two() && from % width == 0, "invariant 1: {width} slots at {from}");
            let child = &self.children[self.index_of(slot)];
            let child_start = position_of(start as u32, depth, from);
            let child_end = position_of(start as u32, depth, from + width);
            assert!(child_end <= end);
            if let Child::Page { .. } = child {
                assert_eq!(width, 1, "invariant 2: a page covers one slot");
            }
            heap += child.check(depth + SLOT_BITS, child_start, child_end);
            let buddy = from ^ width;
            if width < SLOTS
                && self.run(buddy) == (buddy, width)
                && let (Child::Leaf(one), Child::Leaf(other)) = (child, &self.children[self.index_of(buddy)])
            {
                assert!(one.size() + other.size() > JOIN_MAX, "invariant 6: buddies to be joined");
            }
            slot += width;
        }
        heap
    }
}
