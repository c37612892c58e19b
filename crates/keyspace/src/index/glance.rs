//! The way from a position to its home bucket, which may be gone without the table's lock while others change the index.
//!
//! ```text
//!  Published (beside the stripe's lock)     directory: 2^D sectors        buckets
//!  +------------------------+               +-------------------------+   +------------+
//!  | depth D | directory at |-------------->| homes | first bucket at |-->| 8 slots    |
//!  +------------------------+               | segment, depth          |   +------------+
//!                                           +-------------------------+
//! ```
//! Invariants
//! - L1: what a head, read inside the gate, leads to stays a block of an index until the reader leaves the gate: heads and sectors
//!   name only blocks of the index, and a block that has left it goes to [`Onlookers::retire`](crate::retire::Onlookers).
//! - L2: a head, and each word of a sector, is written at once: a head's directory is as long as its depth says, and a sector's first bucket is followed
//!   by as many homes as the same word says.
//!
//! So a glance always looks at buckets of an index, but perhaps of a former state of it, or of two states: nothing that it finds may be followed
//! before the holder of the table knows that it has not changed (K5).

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bucket::{Bucket, pointer};
use super::{Index, Location, NEAR_DEPTH, home_of};
use crate::alloc::IndexBlock;
use crate::entry::prefetch;
use crate::sync::pass;

const ADDRESS_BITS: u32 = 48;
const ADDRESS_MASK: u64 = (1 << ADDRESS_BITS) - 1;

/// The address in the low bits of a word.
#[inline]
fn at<T>(word: u64) -> *mut T {
    std::ptr::with_exposed_provenance_mut((word & ADDRESS_MASK) as usize)
}

/// Where an index begins: its directory and that one's depth. None at all while the index is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head(u64);

/// The head of an index, for those who look at it without its table's lock.
#[derive(Default)]
pub(crate) struct Published(AtomicU64);

impl Published {
    // SeqCst, as what the gate announces: G3 speaks of what is stored before a stamp, and seen by who enters after it.
    #[inline]
    pub(crate) fn get(&self) -> Head {
        Head(self.0.load(Ordering::SeqCst))
    }

    pub(crate) fn set(&self, head: Head) {
        self.0.store(head.0, Ordering::Release);
    }
}

/// A directory entry: what a search needs of a segment (X5). Two words: homes and first bucket, depth and number.
pub(super) struct Sector([AtomicU64; 2]);

const _: () = assert!(size_of::<Sector>() == 16);

/// What a sector says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) first: NonNull<Bucket>,
    pub(super) homes: u16,
    pub(super) depth: u8,
    pub(super) segment: u32,
}

impl Sector {
    pub(super) fn set(&self, told: Told) {
        let first = told.first.as_ptr().expose_provenance() as u64;
        debug_assert!(first <= ADDRESS_MASK);
        let words = [
            u64::from(told.homes) << ADDRESS_BITS | first,
            u64::from(told.depth) << 32 | u64::from(told.segment),
        ];
        self.0.iter().zip(words).for_each(|(cell, word)| cell.store(word, Ordering::Release));
    }

    /// None for a sector that was never set.
    #[inline]
    pub(super) fn told(&self) -> Option<Told> {
        let [one, other] = [0, 1].map(|word: usize| self.0[word].load(Ordering::SeqCst));
        #[cfg(feature = "shuttle")]
        assert!(
            ![one, other].contains(&u64::from_ne_bytes([crate::alloc::GIVEN_BACK; 8])),
            "L1: a directory that was given back"
        );
        Some(Told {
            first: NonNull::new(at(one))?,
            homes: (one >> ADDRESS_BITS) as u16,
            depth: (other >> 32) as u8,
            segment: other as u32,
        })
    }
}

/// A directory of 2^depth sectors.
pub(super) fn new_directory(depth: u8) -> (Head, IndexBlock) {
    let block = IndexBlock::new((size_of::<Sector>() << depth).max(64));
    let address = block.first().as_ptr().expose_provenance() as u64;
    debug_assert!(address <= ADDRESS_MASK);
    (Head(u64::from(depth) << ADDRESS_BITS | address), block)
}

impl Head {
    /// The directory's depth, 0 for none.
    #[inline]
    pub(super) fn depth(self) -> u8 {
        (self.0 >> ADDRESS_BITS) as u8
    }

    /// Whether the directory is so long that its lines have to be asked for: all stripes' together may not lie in a second-level cache.
    #[inline]
    pub(crate) fn has_far_sectors(self) -> bool {
        self.depth() > NEAR_DEPTH
    }

    /// The sectors, none if there is no directory.
    ///
    /// # Safety
    /// The head is that of an index which the caller holds, or was read from a [`Published`] inside the gate, which the thread does not leave
    /// during `'a` (L1).
    #[inline]
    pub(super) unsafe fn sectors<'a>(self) -> &'a [Sector] {
        match NonNull::new(at::<Sector>(self.0)) {
            // SAFETY: L1, L2: the block of `new_directory`.
            Some(first) => unsafe { std::slice::from_raw_parts(first.as_ptr(), 1 << self.depth()) },
            None => &[],
        }
    }

    /// The place of `position` in the directory.
    #[inline]
    fn place_of(self, position: u64) -> usize {
        // Two shifts, since a shift by 64 (depth 0) is not defined.
        ((position >> 1) >> (63 - self.depth())) as usize
    }

    /// Asks for the cache line of the directory that `position` needs.
    #[inline]
    pub(crate) fn prefetch_sector(self, position: u64) {
        prefetch(at::<Sector>(self.0).wrapping_add(self.place_of(position)));
    }

    /// What the directory tells of `position`; none if there is no directory.
    ///
    /// # Safety
    /// As for [`Head::sectors`].
    #[inline]
    pub(super) unsafe fn told(self, position: u64) -> Option<Told> {
        // SAFETY: by this function's contract.
        unsafe { self.sectors() }.get(self.place_of(position))?.told()
    }

    /// Where a search for `position` starts; asks for the cache line.
    ///
    /// # Safety
    /// As for [`Head::sectors`].
    #[inline]
    pub(crate) unsafe fn glance(self, position: u64) -> Option<Glance> {
        pass();
        // SAFETY: by this function's contract.
        let glance = unsafe { self.told(position) }?.home(position);
        prefetch(glance.bucket.as_ptr());
        Some(glance)
    }
}

impl Told {
    /// Where a search for `position` starts.
    #[inline]
    pub(super) fn home(&self, position: u64) -> Glance {
        let tag = Index::tag(position, self.depth);
        let home = home_of(tag, self.homes);
        // SAFETY: L2: the first bucket is followed by as many as there are homes, and `home` is below that.
        Glance { bucket: unsafe { self.first.add(home) }, segment: self.segment, home: home as u16, tag }
    }
}

/// The home bucket of a position.
#[derive(Clone, Copy)]
pub(crate) struct Glance {
    pub(super) bucket: NonNull<Bucket>,
    pub(super) segment: u32,
    pub(super) home: u16,
    pub(super) tag: u16,
}

// SAFETY: an address, which is followed only as `candidates` asks for.
unsafe impl Send for Glance {}

impl Glance {
    /// Calls `f` with the pointer of every slot in the home bucket with the position's tag: the entries that a search
    /// is about to compare, so that they can be prefetched. Returns the slot if there is just one, and whether the search will go on behind
    /// that bucket; asks for the next one if so.
    ///
    /// # Safety
    /// As for [`Head::sectors`]: the head that led here.
    #[inline]
    pub(crate) unsafe fn candidates(self, f: impl FnMut(u64)) -> (Option<(Location, u64)>, bool) {
        pass();
        // SAFETY: L1, by this function's contract.
        let bucket = unsafe { self.bucket.as_ref() };
        #[cfg(feature = "shuttle")]
        assert_ne!(
            bucket.get(0),
            u64::from_ne_bytes([crate::alloc::GIVEN_BACK; 8]),
            "L1: a bucket that was given back"
        );
        let (only, is_beyond) = bucket.candidates(self.tag, f);
        if is_beyond {
            prefetch(self.bucket.as_ptr().wrapping_add(1));
        }
        let found = |slot: u8| {
            (Location { segment: self.segment, bucket: self.home, slot }, pointer(bucket.get(slot.into())))
        };
        (only.map(found), is_beyond)
    }
}
