//! The hash-ordered index of one table: a directory of small segments of 64-byte buckets, walked up its hash order.
//!
//! Stores opaque slots (a 16-bit tag and 48 bits of somebody's pointer); knows neither keys nor locks. [`crate::table`] gives the
//! bits their meaning and supplies the hash of a stored pointer when a split needs it.
//!
//! ```text
//!  position (u64) = the entry's hash, shifted so that the bits below the stripe's come first
//!
//!   |<- depth d ->|<- tag: 16 bits ->|            rest (not kept)            |
//!    picks the     orders and tells
//!    segment       apart inside it
//!
//!  directory (2^D)          segment (depth d): its buckets, 8 slots each in one cache line
//!  +----------------+       +---------------+         +----------------+----------------+-- ... --+
//!  | 0 where, homes |------>| home buckets  |-------->| tag | pointer  | tag | pointer  |         |
//!  | 1 ...          |--+    |  ...          |         +----------------+----------------+-- ... --+
//!  | 2              |--+--->| spill buckets |
//!  | 3              |--+    +---------------+   home bucket of a tag = tag * homes >> 16   (order-preserving)
//!  +----------------+
//! ```
//! A directory entry (a [`Sector`]) repeats what a search needs of its segment, so that the way to a bucket is two cache lines: the
//! table's head and the sector. Both can be gone without the table's lock ([`glance`]); so directories and buckets
//! that are replaced are not freed at once ([`Onlookers`]).
//!
//! A full bucket overflows into the next one (bucketed linear probing); the last `spill` buckets are nobody's home.
//! A segment grows through [`TOTALS`] (8 to 33 % a step, each an allocator size class) using only the tags; at the last
//! step it splits in two by the next hash bit, and only then are the hashes of its entries asked for. Sparse segments shrink by the
//! same steps, sparse neighbours merge (tags only).
//!
//! Invariants
//! - X1: a slot's position has the segment's directory prefix in its first `d` bits and the slot's tag in the next 16.
//! - X2: a slot lies in its home bucket `b`, or in a later bucket `c` with every bucket from `b` to `c - 1` full.
//!   So a search may stop at the first bucket with room, and a walk meets every slot exactly once under its home bucket.
//! - X3: a position never changes, so no growth, split, shrink or merge carries a slot past a cursor (a position).
//! - X4: `len` counts the occupied slots; directory entries `[i << (D-d), (i+1) << (D-d))` all name the segment with prefix `i`.
//! - X5: a sector repeats its segment's buckets, homes and depth as they are: `announce` follows every change of them.
//!
//! Bounds: an operation touches one segment of at most 8 KiB (more only at [`Index::depth_max`]); a split asks at most 1008 hashes.

mod bucket;
mod glance;

use std::ops::Range;

use bucket::{BUCKET_SLOTS, Bucket, Buckets, Slot, make_slot, pointer, tag_of};
pub(crate) use glance::{Glance, Head, Published};
use glance::{Sector, Told, new_directory};

use crate::alloc::IndexBlock;
use crate::retire::Onlookers;

/// Bucket counts that a segment grows through: times 64 bytes these are size classes of the allocator.
const TOTALS: [u16; 24] =
    [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128];

/// Grow when this share of the home slots is used: 15/16. Probing stays short, see `probe_lengths` in the tests.
const FULL_NUM: usize = 15;
const FULL_DEN: usize = 16;

/// Buckets between what a walk visits and what it announces.
const WALK_NEAR: usize = 2;
const WALK_FAR: usize = 4;

/// Directories of up to 2^3 sectors, 128 bytes, are near: 128 KB for a thousand stripes with some millions of keys.
const NEAR_DEPTH: u8 = 3;

struct Segment {
    buckets: Buckets,
    /// Buckets that are somebody's home; the rest is spill. 0 marks a free segment.
    homes: u16,
    depth: u8,
    len: u32,
    /// The first `depth` bits of its positions.
    prefix: u32,
}

/// The home bucket of a tag among `homes`.
#[inline]
fn home_of(tag: u16, homes: u16) -> usize {
    ((u32::from(tag) * u32::from(homes)) >> 16) as usize
}

/// Where a slot is, valid until the index is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    segment: u32,
    bucket: u16,
    slot: u8,
}

/// The index of one table. Its first members share a cache line with the stripe's lock.
#[repr(C)]
pub(crate) struct Index {
    head: Head,
    depth_max: u8,
    directory: IndexBlock,
    segments: Vec<Segment>,
    free: Vec<u32>,
    len: usize,
    bucket_bytes: usize,
}

fn homes_of(total: u16) -> u16 {
    match total {
        0..4 => total,
        4..=32 => total - 1,
        _ => total - total / 64 - 1,
    }
}

impl Segment {
    fn with_total(total: u16, depth: u8, prefix: u32) -> Segment {
        Segment { buckets: Buckets::new(total), homes: homes_of(total), depth, len: 0, prefix }
    }

    /// The smallest segment that holds `len` slots at no more than about 7/8 of its home slots.
    fn for_len(len: usize, depth: u8, prefix: u32) -> Segment {
        let total = TOTALS.iter().copied().find(|&t| len * 8 <= homes_of(t) as usize * BUCKET_SLOTS * 7);
        Segment::with_total(total.unwrap_or(TOTALS[TOTALS.len() - 1]), depth, prefix)
    }

    fn home(&self, tag: u16) -> usize {
        home_of(tag, self.homes)
    }

    /// The first tag whose home is `bucket`; 65536 when there is none.
    fn first_tag(&self, bucket: usize) -> u32 {
        ((bucket as u32) << 16).div_ceil(u32::from(self.homes.max(1)))
    }

    /// Puts a slot where X2 wants it, or returns false when the spill is full as well.
    fn place(&mut self, slot: Slot) -> Option<(u16, u8)> {
        let home = self.home(tag_of(slot));
        for (at, bucket) in self.buckets.iter().enumerate().skip(home) {
            if let Some(room) = bucket.room() {
                bucket.set(room, slot);
                self.len += 1;
                return Some((at as u16, room as u8));
            }
        }
        None
    }

    fn is_crowded(&self) -> bool {
        self.len as usize * FULL_DEN >= self.homes as usize * BUCKET_SLOTS * FULL_NUM
    }

    fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.buckets.iter().flat_map(Bucket::occupied)
    }

    /// Empties a slot and closes the gap that it would leave in a probe path (X2).
    fn vacate(&mut self, bucket: usize, slot: usize) {
        let mut hole = (bucket, slot);
        let mut path_full = self.buckets[bucket].is_full();
        self.buckets[bucket].set(slot, 0);
        self.len -= 1;
        let mut next = bucket + 1;
        while path_full && next < self.buckets.len() {
            let next_full = self.buckets[next].is_full();
            let slots = self.buckets[next].all();
            let movable = slots.iter().position(|&slot| slot != 0 && self.home(tag_of(slot)) <= hole.0);
            if let Some(from) = movable {
                self.buckets[hole.0].set(hole.1, slots[from]);
                self.buckets[next].set(from, 0);
                hole = (next, from);
            }
            path_full = next_full;
            next += 1;
        }
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.buckets)
    }
}

impl Index {
    /// An empty index that keeps cursors exact down to `depth_max` directory bits.
    pub(crate) fn new(depth_max: u8) -> Index {
        Index {
            head: Head::default(),
            directory: IndexBlock::new(0),
            depth_max,
            segments: Vec::new(),
            free: Vec::new(),
            len: 0,
            bucket_bytes: 0,
        }
    }

    /// Occupied slots.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Heap bytes of buckets, segments and directory.
    pub(crate) fn bytes(&self) -> usize {
        self.bucket_bytes + self.segments.capacity() * size_of::<Segment>() + self.directory.bytes()
    }

    /// Segments in use and buckets in total (DEBUG HTSTATS).
    pub(crate) fn shape(&self) -> (usize, usize) {
        (self.segments.len() - self.free.len(), self.bucket_bytes / size_of::<Bucket>())
    }

    /// The directory's depth.
    #[inline]
    fn depth(&self) -> u8 {
        self.head.depth()
    }

    /// The directory's entries, none if the index is empty.
    #[inline]
    fn sectors(&self) -> &[Sector] {
        // SAFETY: the head of this index, which is held as long as it is borrowed.
        unsafe { self.head.sectors() }
    }

    #[inline]
    fn told(&self, position: u64) -> Option<Told> {
        // SAFETY: as above.
        unsafe { self.head.told(position) }
    }

    #[inline]
    fn segment_of(&self, position: u64) -> Option<u32> {
        self.told(position).map(|told| told.segment)
    }

    #[inline]
    fn tag(position: u64, depth: u8) -> u16 {
        ((position << depth) >> 48) as u16
    }

    /// Asks for the cache line in which a search for `position` starts.
    #[inline]
    pub(crate) fn glance(&self, position: u64) -> Option<Glance> {
        // SAFETY: the head of this index, which is held as long as it is borrowed.
        unsafe { self.head.glance(position) }
    }

    /// Calls `f` with the pointer of every slot in the home bucket of `position` with its tag.
    #[inline]
    pub(crate) fn candidates(&self, position: u64, f: impl FnMut(u64)) {
        if let Some(told) = self.told(position) {
            // SAFETY: as above.
            unsafe { told.home(position).candidates(f) };
        }
    }

    /// The same for the bucket behind the home bucket; returns the slot if there is just one.
    pub(crate) fn candidates_beyond(&self, position: u64, f: impl FnMut(u64)) -> Option<(Location, u64)> {
        let Glance { segment, home, tag, .. } = self.told(position)?.home(position);
        let bucket = self.segments[segment as usize].buckets.get(usize::from(home) + 1)?;
        let slot = bucket.candidates(tag, f).0?;
        Some((Location { segment, bucket: home + 1, slot }, pointer(bucket.get(slot.into()))))
    }

    /// Finds the slot at `position` whose pointer `is` accepts.
    #[inline]
    pub(crate) fn find(&self, position: u64, mut is: impl FnMut(u64) -> bool) -> Option<(Location, u64)> {
        let Glance { bucket, segment, home, tag } = self.told(position)?.home(position);
        // SAFETY: X5: a live bucket of this index, which is borrowed.
        let bucket = unsafe { bucket.as_ref() };
        let (mut hits, room) = bucket.probe(tag);
        while hits != 0 {
            let slot = hits.trailing_zeros() as u8;
            let pointer = pointer(bucket.get(slot.into()));
            if is(pointer) {
                return Some((Location { segment, bucket: home, slot }, pointer));
            }
            hits &= hits - 1;
        }
        if room { None } else { self.find_beyond(segment, usize::from(home) + 1, tag, &mut is) }
    }

    /// Goes on with a search in the buckets from `from` on, the home bucket being full (X2).
    fn find_beyond(
        &self,
        id: u32,
        from: usize,
        tag: u16,
        is: &mut impl FnMut(u64) -> bool,
    ) -> Option<(Location, u64)> {
        for (at, bucket) in self.segments[id as usize].buckets.iter().enumerate().skip(from) {
            let (mut hits, room) = bucket.probe(tag);
            while hits != 0 {
                let slot = hits.trailing_zeros() as u8;
                let pointer = pointer(bucket.get(slot.into()));
                if is(pointer) {
                    return Some((Location { segment: id, bucket: at as u16, slot }, pointer));
                }
                hits &= hits - 1;
            }
            if room {
                return None;
            }
        }
        None
    }

    /// Replaces the pointer at a location; the position stays (an entry moved to another block).
    pub(crate) fn repoint(&mut self, location: Location, to: u64) {
        let bucket = &self.segments[location.segment as usize].buckets[location.bucket as usize];
        let slot = bucket.get(location.slot.into());
        debug_assert!(slot != 0);
        bucket.set(location.slot.into(), make_slot(tag_of(slot), to));
    }

    /// Adds a slot. The caller knows that its key is not present. `position_of` gives the position of a stored pointer.
    pub(crate) fn insert(
        &mut self,
        position: u64,
        to: u64,
        onlookers: Onlookers<'_>,
        position_of: impl Fn(u64) -> u64,
    ) -> Location {
        if self.len == 0 {
            let id = self.add_segment(Segment::with_total(TOTALS[0], 0, 0));
            self.set_directory(0, |_| id, onlookers);
        }
        loop {
            let id = self.segment_of(position).expect("X4: the directory covers every position");
            let segment = &mut self.segments[id as usize];
            if !segment.is_crowded()
                && let Some((bucket, slot)) = segment.place(make_slot(Self::tag(position, segment.depth), to))
            {
                self.len += 1;
                return Location { segment: id, bucket, slot };
            }
            self.make_room(id, onlookers, &position_of);
        }
    }

    /// Removes the slot at a location.
    pub(crate) fn remove(&mut self, location: Location, onlookers: Onlookers<'_>) {
        let id = location.segment;
        self.segments[id as usize].vacate(location.bucket as usize, location.slot as usize);
        self.len -= 1;
        self.give_back_room(id, onlookers);
    }

    /// Calls `visit` for the slots from position `from` on in the index's order, a home bucket at a time, until it has returned
    /// false for one of a bucket (the bucket is finished all the same). Returns the position to go on from, or None at the end.
    ///
    /// A slot that is present from the first call to the last is visited exactly once whatever else changes in between (X2, X3).
    pub(crate) fn walk(&self, from: u64, visit: impl FnMut(u64) -> bool) -> Option<u64> {
        self.walk_ahead(from, |_| {}, |_| {}, visit)
    }

    /// As [`walk`](Self::walk); `far` sees most pointers some buckets before `visit` does, many at once, and `near` one bucket before, so that
    /// they can prefetch.
    pub(crate) fn walk_ahead(
        &self,
        from: u64,
        mut far: impl FnMut(u64),
        mut near: impl FnMut(u64),
        mut visit: impl FnMut(u64) -> bool,
    ) -> Option<u64> {
        let mut position = from;
        loop {
            let id = self.segment_of(position)?;
            let segment = &self.segments[id as usize];
            let depth = u32::from(segment.depth);
            let first = u32::from(Self::tag(position, segment.depth));
            // Everything of the position above the tag: the segment's own prefix (X1).
            let prefix = if depth == 0 { 0 } else { position >> (64 - depth) << (64 - depth) };
            let homes = segment.homes as usize;
            let start = segment.home(first as u16);
            let mut seen_far = start;
            for home in start..homes {
                let mut go_on = true;
                if home + WALK_NEAR >= seen_far {
                    let until = (home + WALK_NEAR + WALK_FAR).min(segment.buckets.len());
                    for bucket in &segment.buckets[seen_far.min(until)..until] {
                        bucket.occupied().for_each(|slot| far(pointer(slot)));
                    }
                    seen_far = until;
                }
                if let Some(bucket) = segment.buckets.get(home + WALK_NEAR) {
                    bucket.occupied().for_each(|slot| near(pointer(slot)));
                }
                for bucket in &segment.buckets[home..] {
                    for slot in bucket.occupied() {
                        let tag = tag_of(slot);
                        if segment.home(tag) == home && u32::from(tag) >= first {
                            go_on &= visit(pointer(slot));
                        }
                    }
                    if !bucket.is_full() {
                        break;
                    }
                }
                if !go_on && home + 1 < homes {
                    return Some(prefix | u64::from(segment.first_tag(home + 1)) << (48 - depth));
                } else if !go_on {
                    return Self::next_prefix(prefix, depth);
                }
            }
            position = Self::next_prefix(prefix, depth)?;
        }
    }

    /// The first position behind a segment, None behind the last one.
    fn next_prefix(prefix: u64, depth: u32) -> Option<u64> {
        if depth == 0 { None } else { prefix.checked_add(1 << (64 - depth)) }
    }

    /// Calls `f` with every pointer whose slot has the same tag as `position` in its segment.
    pub(crate) fn walk_equal(&self, position: u64, mut f: impl FnMut(u64)) {
        let _ = self.find(position, |pointer| {
            f(pointer);
            false
        });
    }

    /// Every pointer, in no promised order.
    pub(crate) fn pointers(&self) -> impl Iterator<Item = u64> + '_ {
        self.segments.iter().flat_map(|s| s.slots()).map(pointer)
    }

    /// The pointer in one of the index's slots chosen by `draw` (uniform in `0..bound`), every occupied slot with the same chance.
    /// None when the index is empty.
    pub(crate) fn random(&self, mut draw: impl FnMut(usize) -> usize) -> Option<u64> {
        if self.len == 0 {
            return None;
        }
        let mut nth = draw(self.len).min(self.len - 1);
        let segment = self.segments.iter().find(|s| {
            let here = s.len as usize;
            let found = nth < here;
            nth = if found { nth } else { nth - here };
            found
        })?;
        segment.slots().nth(nth).map(pointer)
    }

    // --- Growth and shrinkage ---

    fn add_segment(&mut self, segment: Segment) -> u32 {
        self.bucket_bytes += segment.bytes();
        match self.free.pop() {
            Some(id) => {
                self.segments[id as usize] = segment;
                id
            }
            None => {
                self.segments.reserve_exact(
                    usize::from(self.segments.len() == self.segments.capacity())
                        * (1 + self.segments.len() / 4),
                );
                self.segments.push(segment);
                (self.segments.len() - 1) as u32
            }
        }
    }

    fn told_of(&self, id: u32) -> Told {
        let segment = &self.segments[id as usize];
        Told { first: segment.buckets.first(), segment: id, homes: segment.homes, depth: segment.depth }
    }

    /// The directory entries that name a segment (X4).
    fn span_of(&self, id: u32) -> Range<usize> {
        let segment = &self.segments[id as usize];
        let shift = self.depth() - segment.depth;
        let start = (segment.prefix as usize) << shift;
        start..start + (1 << shift)
    }

    /// Tells the directory what a segment now is (X5).
    fn announce(&self, id: u32) {
        let (span, told) = (self.span_of(id), self.told_of(id));
        self.sectors()[span].iter().for_each(|sector| sector.set(told));
    }

    /// Makes a directory of this depth whose entries name the segments that `id_at` says.
    fn set_directory(&mut self, depth: u8, id_at: impl Fn(usize) -> u32, onlookers: Onlookers<'_>) {
        let (head, block) = new_directory(depth);
        // SAFETY: the directory that was just made.
        for (at, sector) in unsafe { head.sectors() }.iter().enumerate() {
            sector.set(self.told_of(id_at(at)));
        }
        self.head = head;
        onlookers.show(head);
        onlookers.retire(std::mem::replace(&mut self.directory, block));
    }

    /// Puts another segment in a segment's place. The caller tells the directory (X5), and only then gives up the former one.
    fn exchange(&mut self, id: u32, segment: Segment) -> Segment {
        self.bucket_bytes += segment.bytes();
        let old = std::mem::replace(&mut self.segments[id as usize], segment);
        self.bucket_bytes -= old.bytes();
        old
    }

    /// The segment that each entry of the directory names.
    fn named(&self) -> Vec<u32> {
        self.sectors().iter().filter_map(Sector::told).map(|told| told.segment).collect()
    }

    fn make_room(&mut self, id: u32, onlookers: Onlookers<'_>, position_of: &impl Fn(u64) -> u64) {
        let total = self.segments[id as usize].buckets.len() as u16;
        let last = TOTALS[TOTALS.len() - 1];
        if total < last {
            self.rebuild(id, TOTALS.iter().copied().find(|&t| t > total).unwrap_or(last), onlookers);
        } else if self.segments[id as usize].depth < self.depth_max {
            self.split(id, onlookers, position_of);
        } else {
            // Only reached with more slots than cursors can tell apart: grow past the usual bound instead.
            self.rebuild(id, total.saturating_add(total / 4), onlookers);
        }
    }

    /// Rebuilds a segment with at least `total` buckets, by its tags alone.
    fn rebuild(&mut self, id: u32, mut total: u16, onlookers: Onlookers<'_>) {
        loop {
            let old = &self.segments[id as usize];
            let mut new = Segment::with_total(total, old.depth, old.prefix);
            if old.slots().all(|slot| new.place(slot).is_some()) {
                let old = self.exchange(id, new);
                self.announce(id);
                return onlookers.retire(old.buckets.into_block());
            }
            total = TOTALS.iter().copied().find(|&t| t > total).unwrap_or(total.saturating_add(total / 4));
        }
    }

    fn split(&mut self, id: u32, onlookers: Onlookers<'_>, position_of: &impl Fn(u64) -> u64) {
        if self.segments[id as usize].depth == self.depth() {
            let named = self.named();
            self.set_directory(self.depth() + 1, |at| named[at / 2], onlookers);
        }
        let old = &self.segments[id as usize];
        let depth = old.depth + 1;
        // The new lowest tag bit is asked from the entries themselves; bring them all first.
        old.slots().for_each(|slot| crate::entry::prefetch(pointer(slot) as *const u8));
        let mut halves = [Vec::with_capacity(old.len as usize), Vec::with_capacity(old.len as usize)];
        for slot in old.slots() {
            let position = position_of(pointer(slot));
            debug_assert_eq!(Self::tag(position, old.depth), tag_of(slot), "X1");
            let half = usize::from(tag_of(slot) >> 15);
            halves[half].push(make_slot(Self::tag(position, depth), pointer(slot)));
        }
        let prefixes = [old.prefix << 1, old.prefix << 1 | 1];
        let mut each = prefixes.into_iter().zip(halves);
        let [low, high] = [(); 2].map(|()| {
            let (prefix, slots) = each.next().unwrap_or_default();
            let mut segment = Segment::for_len(slots.len(), depth, prefix);
            let mut total = segment.buckets.len() as u16;
            while !slots.iter().all(|&slot| segment.place(slot).is_some()) {
                total = TOTALS.iter().copied().find(|&t| t > total).unwrap_or(total.saturating_mul(2));
                segment = Segment::with_total(total, depth, prefix);
            }
            segment
        });
        // The first half of the directory's entries keeps the segment's number, the second gets a new one (X4).
        let old = self.exchange(id, low);
        let high = self.add_segment(high);
        self.announce(id);
        self.announce(high);
        onlookers.retire(old.buckets.into_block());
    }

    /// After a removal: shrinks a sparse segment, merges it with a sparse neighbour, forgets an empty index.
    fn give_back_room(&mut self, id: u32, onlookers: Onlookers<'_>) {
        if self.len == 0 {
            let old = std::mem::replace(self, Index::new(self.depth_max));
            onlookers.show(self.head);
            onlookers.retire(old.directory);
            old.segments.into_iter().for_each(|segment| onlookers.retire(segment.buckets.into_block()));
            return;
        }
        let segment = &self.segments[id as usize];
        let (len, total) = (segment.len as usize, segment.buckets.len());
        if total > 1 && len * 5 < homes_of(total as u16) as usize * BUCKET_SLOTS * 2 {
            let smaller = Segment::for_len(len * 5 / 4, segment.depth, 0).buckets.len() as u16;
            if (smaller as usize) < total {
                self.rebuild(id, smaller, onlookers);
            }
        }
        if total <= 40 {
            self.merge(id, onlookers);
        }
    }

    fn merge(&mut self, id: u32, onlookers: Onlookers<'_>) {
        let depth = self.segments[id as usize].depth;
        if depth == 0 {
            return;
        }
        let span = self.span_of(id);
        let buddy =
            if self.segments[id as usize].prefix.is_multiple_of(2) { span.end } else { span.start - 1 };
        let Some(buddy) = self.sectors()[buddy].told() else { return };
        let mut pair = [id, buddy.segment];
        pair.sort_unstable_by_key(|&id| self.span_of(id).start);
        let [low_id, high_id] = pair;
        let [a, b] = [&self.segments[low_id as usize], &self.segments[high_id as usize]];
        let len = (a.len + b.len) as usize;
        if a.depth != b.depth || len > 40 * BUCKET_SLOTS {
            return;
        }
        let slots: Vec<Slot> = [(a, 0u16), (b, 1 << 15)]
            .into_iter()
            .flat_map(|(s, bit)| s.slots().map(move |slot| make_slot(tag_of(slot) >> 1 | bit, pointer(slot))))
            .collect();
        let prefix = a.prefix >> 1;
        let mut merged = Segment::for_len(len * 5 / 4, depth - 1, prefix);
        while !slots.iter().all(|&slot| merged.place(slot).is_some()) {
            let total = merged.buckets.len() as u16;
            let total = TOTALS.iter().copied().find(|&t| t > total).unwrap_or(total.saturating_mul(2));
            merged = Segment::with_total(total, depth - 1, prefix);
        }
        let former = [self.exchange(low_id, merged), self.exchange(high_id, Segment::with_total(0, 0, 0))];
        self.free.push(high_id);
        self.announce(low_id);
        former.into_iter().for_each(|segment| onlookers.retire(segment.buckets.into_block()));
        let deepest = self.segments.iter().map(|s| s.depth).max().unwrap_or(0);
        if self.depth() > deepest {
            let (named, shift) = (self.named(), self.depth() - deepest);
            self.set_directory(deepest, |at| named[at << shift], onlookers);
        }
    }

    /// Checks X1, X2 and X4.
    #[cfg(test)]
    pub(crate) fn check(&self, position_of: impl Fn(u64) -> u64) {
        let mut len = 0;
        let named = self.named();
        for (prefix, &id) in named.iter().enumerate() {
            let segment = &self.segments[id as usize];
            assert!(segment.depth <= self.depth());
            let shift = self.depth() - segment.depth;
            assert_eq!(named[prefix >> shift << shift], id, "X4");
            assert_eq!(segment.prefix as usize, prefix >> shift, "X4");
            assert_eq!(self.sectors()[prefix].told(), Some(self.told_of(id)), "X5");
            if prefix & ((1 << shift) - 1) != 0 {
                continue;
            }
            len += segment.len as usize;
            assert_eq!(segment.slots().count(), segment.len as usize, "X4");
            for (at, bucket) in segment.buckets.iter().enumerate() {
                for slot in bucket.occupied() {
                    let position = position_of(pointer(slot));
                    assert_eq!(Self::tag(position, segment.depth), tag_of(slot), "X1");
                    assert_eq!((position >> 1) >> (63 - segment.depth), (prefix >> shift) as u64, "X1");
                    let home = segment.home(tag_of(slot));
                    assert!(home <= at && segment.buckets[home..at].iter().all(Bucket::is_full), "X2");
                }
            }
        }
        assert_eq!(len, self.len, "X4");
    }
}

#[cfg(test)]
#[path = "index/tests.rs"]
mod tests;
