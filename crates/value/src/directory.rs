//! A copy-on-write radix directory of packed leaves in hash order: the frame of large sets, hashes and member indexes.
//!
//! It knows positions (the upper 32 bits of a member's hash), counts and sizes. What a leaf holds and how it finds
//! something in it is the leaf's own affair: see [`Leaf`].
//!
//! ```text
//!   Directory { root }                       positions 0 ............................. 2^32
//!        |
//!      Page   128 slots: the next 7 bits     | leaf            | leaf   | page | leaf | ... |
//!        |                                     64 slots          32       1      1
//!      Page of the third child               | leaf | leaf | ...
//! ```
//!
//! A leaf covers all positions with a common prefix, so an aligned run of 1, 2, 4 ... 128 slots of its page. One that grows above
//! [`LEAF_MAX`] bytes is cut in two by the next bit; one that covers a single slot becomes a page first. Two leaves that differ in the last
//! bit of their prefix (buddies) are joined when both fit into [`JOIN_MAX`]; a page with one child is replaced by it.
//! Since a member never changes its position, no cut or join can carry it past a cursor.
//!
//! Callers' positions are twice as dense at the high end as at the low one (`member_hash`), so that at any number of elements
//! there are leaves of every fill. Nothing here depends on it but the bytes that the allocator can give back.
//!
//! Invariants (checked by [`Directory::check`]):
//!  1. The children of a page cover its slots without gap or overlap, each an aligned run of a power of two.
//!  2. A page has at least two children, a child that is a page covers one slot.
//!  3. Everything in a leaf lies in the positions that it covers; the leaf keeps it in ascending order of position.
//!  4. The length and the earliest deadline beside a page are the sum and the least of those below it.
//!  5. A leaf above `LEAF_MAX` cannot be cut: all it holds has one position.
//!  6. Two buddies that are both leaves are together larger than `JOIN_MAX`.
//!  7. `heap` is what the pages and leaves of this tree occupy; what clones share is counted in each.
//!  8. A page or leaf reachable from more than one tree is never changed: `own` copies what is shared first.
//!
//! Bounds: at most 5 levels. The slowest change copies a page of at most 128 children for each level and one leaf, and
//! cuts one leaf. A leaf is only larger than `LEAF_MAX` where members have the same upper half of their hash.

mod drain;
mod page;
pub(crate) mod search;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

pub use drain::{Drain, Teardown};

use page::{Child, SLOT_BITS};

use crate::member_hash::fragment;
use crate::near::{Sought, Station};

/// Largest leaf in bytes, if it can be cut.
pub const LEAF_MAX: usize = 4096 - crate::room::ARC_HEADER;

/// Two buddies that are not larger than this together are joined.
pub const JOIN_MAX: usize = LEAF_MAX / 2;

/// One past the last position.
pub const POSITION_END: u64 = 1 << 32;

/// A packed leaf: a handle on shared buffers, so `clone` is cheap. It keeps its elements in ascending order of position.
pub trait Leaf: Clone + Default {
    /// Number of elements.
    fn len(&self) -> usize;

    /// Whether there is no element.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the elements need in the leaf itself. Adds up: that of two joined leaves is the sum.
    fn size(&self) -> usize;

    /// Heap bytes held, in O(1).
    fn heap_bytes(&self) -> u64;

    /// Allocations behind the handle, for slicing their release.
    fn allocations(&self) -> usize {
        1
    }

    /// Position of the element at `index`, which is less than the length.
    fn position(&self, index: usize) -> u32;

    /// Earliest deadline of an element, `u64::MAX` if none has one.
    fn earliest(&self) -> u64 {
        u64::MAX
    }

    /// Whether a clone holds the same buffers.
    fn is_shared(&self) -> bool;

    /// Fetches what [`Leaf::own`] will look at. The counts lie at a buffer's beginning and what is sought in it elsewhere: asked for before
    /// the search, both come from memory at the same time. Makes no difference but in time.
    #[inline]
    fn fetch_counts(&self) {
        std::hint::black_box(self.is_shared());
    }

    /// Names the cache lines that a search in the leaf looks at next, where what is sought is probably at `guess`, and returns how far it is prepared when
    /// these are near.
    #[inline]
    fn lines_near(&self, _sought: &Sought, _guess: usize, _line: &mut impl FnMut(*const u8)) -> Station {
        Station::Done
    }

    /// Makes the buffers this leaf's own, to be changed in place. Returns the bytes copied for it.
    fn own(&mut self) -> u64;

    /// Moves all elements from `index` on into a new leaf. Like `join` it makes new buffers and leaves shared ones alone.
    fn cut(&mut self, index: usize) -> Self;

    /// Appends the elements of `upper`, all of which have higher positions.
    fn join(&mut self, upper: Self);

    /// Lets go of the buffers and keeps the length: for a leaf of a value that is read for the last time, of which nothing but the length is
    /// asked any more.
    fn vacate(&mut self);

    /// Whether it was vacated.
    fn is_vacant(&self) -> bool;

    /// Index of the first element whose position is not below `position`; any number of them may be equal.
    fn lower_bound(&self, position: u32) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            if self.position(middle) < position {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The directory. `Clone` is O(1) and is how a value is frozen.
#[derive(Clone)]
pub struct Directory<L: Leaf> {
    root: Child<L>,
    heap: u64,
    copied: u64,
}

/// What a change did, carried up its path.
#[derive(Default)]
struct Tally {
    /// Elements more or less.
    len: i64,
    /// Heap bytes more or less.
    heap: i64,
    /// Bytes copied because they were shared.
    copied: u64,
    /// Earliest deadline of the changed leaf before and after.
    before: u64,
    after: u64,
}

impl<L: Leaf> Default for Directory<L> {
    fn default() -> Self {
        Self { root: Child::Leaf(L::default()), heap: 0, copied: 0 }
    }
}

impl<L: Leaf> Directory<L> {
    /// An empty directory; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of elements.
    pub fn len(&self) -> u64 {
        self.root.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Heap bytes reached from here, in O(1); what clones share is counted in each of them.
    pub fn heap_bytes(&self) -> u64 {
        self.heap
    }

    /// Bytes copied so far because a clone held what was to be changed.
    pub fn copied_bytes(&self) -> u64 {
        self.copied
    }

    /// Heap bytes that clones hold too, in O(1): looks at the root and its children only.
    pub fn shared_bytes_estimate(&self) -> u64 {
        match &self.root {
            Child::Leaf(leaf) => {
                if leaf.is_shared() {
                    self.heap
                } else {
                    0
                }
            }
            Child::Page { page, .. } if Arc::strong_count(page) > 1 => self.heap,
            Child::Page { page, .. } => {
                let shared = page.children().iter().filter(|child| child.is_shared()).count() as u64;
                self.heap / page.children().len().max(1) as u64 * shared
            }
        }
    }

    /// Earliest deadline of an element, `u64::MAX` if none has one. O(1).
    pub fn earliest(&self) -> u64 {
        self.root.earliest()
    }

    /// The leaf that covers `position`.
    #[inline]
    pub fn leaf(&self, position: u32) -> &L {
        let mut child = &self.root;
        let mut depth = 0;
        loop {
            match child {
                Child::Leaf(leaf) => return leaf,
                Child::Page { page, .. } => child = page.child(position, depth),
            }
            depth += SLOT_BITS;
        }
    }

    /// The leaf that covers `position`, and the index at which an element of this position probably is, since hashes are
    /// spread evenly.
    #[inline]
    pub fn locate(&self, position: u32) -> (&L, usize) {
        let (mut child, mut depth) = (&self.root, 0);
        let (mut start, mut bits) = (0, u32::BITS);
        loop {
            match child {
                Child::Leaf(leaf) => {
                    let guess = ((u64::from(position) - start) * leaf.len() as u64) >> bits;
                    return (leaf, guess as usize);
                }
                Child::Page { page, .. } => (child, start, bits) = page.child_and_span(position, depth),
            }
            depth += SLOT_BITS;
        }
    }

    /// Names the cache lines that a search looks at next, and notes how far it is prepared when these are near; see [`crate::near`].
    #[inline]
    pub fn lines_near(&self, sought: &mut Sought, line: &mut impl FnMut(*const u8)) {
        let position = fragment(sought.hash);
        let pages = match sought.station {
            Station::Start => 1,
            Station::Entry(pages) | Station::Child(pages) => pages,
            Station::Member | Station::Done => u8::MAX,
        };
        let (mut child, mut depth) = (&self.root, 0);
        for _ in 0..pages {
            let Child::Page { page, .. } = child else { break };
            child = page.child(position, depth);
            depth += SLOT_BITS;
        }
        sought.station = match child {
            Child::Page { page, .. } if matches!(sought.station, Station::Child(_)) => {
                line(Arc::as_ptr(page).cast());
                Station::Entry(pages)
            }
            Child::Page { page, .. } => {
                line(std::ptr::from_ref(page.child(position, depth)).cast());
                Station::Child(pages + 1)
            }
            Child::Leaf(_) => {
                let (leaf, guess) = self.locate(position);
                leaf.lines_near(sought, guess, line)
            }
        };
    }

    /// The leaf that covers `position`, and one past the last position it covers: where the next leaf begins, or
    /// [`POSITION_END`].
    pub fn leaf_and_end(&self, position: u32) -> (&L, u64) {
        let (mut child, mut depth, mut end) = (&self.root, 0, POSITION_END);
        loop {
            match child {
                Child::Leaf(leaf) => return (leaf, end),
                Child::Page { page, .. } => {
                    let (below, below_end) = page.child_and_end(position, depth);
                    child = below;
                    end = below_end;
                }
            }
            depth += SLOT_BITS;
        }
    }

    /// All leaves from the one that covers `position` on, in order.
    pub fn leaves_from(&self, position: u32) -> Leaves<'_, L> {
        Leaves { directory: self, next: u64::from(position) }
    }

    /// The element with `rank` in hash order: its leaf and its index there. `None` beyond the end. Any element is hit by exactly
    /// one rank, so a rank drawn uniformly is a fair choice.
    pub fn at_rank(&self, rank: u64) -> Option<(&L, usize)> {
        if rank >= self.len() {
            return None;
        }
        let (mut child, mut rank) = (&self.root, rank);
        loop {
            match child {
                Child::Leaf(leaf) => return Some((leaf, rank as usize)),
                Child::Page { page, .. } => {
                    child = page.children().iter().find(|child| {
                        let len = child.len();
                        let found = rank < len;
                        if !found {
                            rank -= len;
                        }
                        found
                    })?;
                }
            }
        }
    }

    /// A leaf with an element of the earliest deadline, `None` if no element has one.
    pub fn earliest_leaf(&self) -> Option<&L> {
        let earliest = self.earliest();
        if earliest == u64::MAX {
            return None;
        }
        let mut child = &self.root;
        loop {
            match child {
                Child::Leaf(leaf) => return Some(leaf),
                Child::Page { page, .. } => {
                    child = page.children().iter().find(|child| child.earliest() == earliest)?;
                }
            }
        }
    }

    /// Changes the leaf that covers `position`, after everything on the way to it was made this tree's own; then cuts or
    /// joins what needs it. Whoever may change nothing looks first, since a shared leaf is copied anyway.
    pub fn change<R>(&mut self, position: u32, change: impl FnOnce(&mut L) -> R) -> R {
        let mut tally = Tally::default();
        let result = self.root.change(position, 0, &mut tally, change);
        self.root.settle(0, &mut tally);
        self.heap = self.heap.wrapping_add_signed(tally.heap);
        self.copied += tally.copied;
        result
    }

    /// The leaves in order, each let go when its reader is done with it.
    pub fn into_drain(self) -> Drain<L> {
        Drain::new(self.root, self.heap)
    }

    /// Hands everything over to be freed a bounded number of nodes at a time.
    pub fn into_teardown(self) -> Teardown<L> {
        Teardown::new(self.root)
    }

    /// Verifies the invariants of the module header and panics with the broken one. Takes time in proportion to the
    /// elements.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        let heap = self.root.check(0, 0, POSITION_END);
        assert_eq!(heap, self.heap, "invariant 7: heap bytes");
        if let Child::Page { page, .. } = &self.root {
            assert!(page.children().len() > 1, "invariant 2: a page with one child");
        }
    }
}

/// The leaves of a directory in hash order.
pub struct Leaves<'a, L: Leaf> {
    directory: &'a Directory<L>,
    next: u64,
}

impl<'a, L: Leaf> Iterator for Leaves<'a, L> {
    type Item = &'a L;

    fn next(&mut self) -> Option<&'a L> {
        let position = u32::try_from(self.next).ok()?;
        let (leaf, end) = self.directory.leaf_and_end(position);
        self.next = end;
        Some(leaf)
    }
}

/// A place in a scan: 0 to begin with and when it is over, as clients see it; else the first position not yet returned.
pub type Cursor = u64;

impl<L: Leaf> Directory<L> {
    /// Shows the elements from `cursor` on in hash order, as ranges of indices of leaves, at least `count_min` of them if there are as
    /// many, and returns the cursor to go on from, 0 at the end. Elements of one position are never torn apart, so every element that is
    /// there from the first call to the last is shown exactly once, whatever is added and removed between calls.
    pub fn scan<'a>(
        &'a self,
        cursor: Cursor,
        count_min: u64,
        mut show: impl FnMut(&'a L, Range<usize>),
    ) -> Cursor {
        let Ok(start) = u32::try_from(cursor) else { return 0 };
        let mut left = usize::try_from(count_min.max(1)).unwrap_or(usize::MAX);
        for leaf in self.leaves_from(start) {
            let from = leaf.lower_bound(start);
            let mut to = leaf.len().min(from.saturating_add(left));
            if to > from {
                let last = leaf.position(to - 1);
                while to < leaf.len() && leaf.position(to) == last {
                    to += 1;
                }
                show(leaf, from..to);
                left = left.saturating_sub(to - from);
            }
            if to < leaf.len() {
                return u64::from(leaf.position(to));
            }
        }
        0
    }
}
