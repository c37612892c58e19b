//! The packed leaf of large sets (one part: the member) and large hashes (two parts: field and value).
//!
//! It keeps elements by the position of their first part's hash. It computes no hash, and does not know what its parts mean.
//!
//! ```text
//!   bytes   [ short parts, one after the other ][ room ][ n x PARTS lengths u8 ][ n fragments u32 ]
//!   extra   long parts, each an allocation of its own; deadlines, if an element has one
//! ```
//!
//! A part of more than [`SHORT_MAX`] bytes is long: its length is [`LONG`] and its bytes lie in `extra`, in the same order. So
//! no offset is stored: where a part begins is the sum of the lengths before it, which are a few cache lines side by side, and which of
//! the long parts it is, is how many marks stand before it. The room lies in the middle, so that a change moves about half of the bytes.
//!
//! Invariants (on top of those of [`crate::directory`]; [`MemberLeaf::check`]):
//!  1. `used` is what short parts, lengths and fragments occupy; the buffer is not shorter.
//!  2. There are as many long parts as marks, and `long_bytes` is what they occupy.
//!  3. There are no deadlines or as many as elements, and then one of them at least is a deadline; `earliest` is the least.
//!  4. `extra` is absent when it would hold nothing.

mod iter;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use iter::{Elements, Item, Items};

use crate::directory::Leaf;
use crate::directory::search::{WINDOW, lower_bound, window_start};
use crate::member_hash::fragment;
use crate::near::{Sought, Station};
use crate::room::{ARC_HEADER, capacity_for, zeroed};

/// Longest part that lies in the leaf itself.
pub const SHORT_MAX: usize = 254;

/// The length that marks a long part.
const LONG: u8 = 255;

/// Bytes of a fragment.
const FRAGMENT: usize = 4;

/// Bytes of a cache line.
const LINE: usize = 64;

/// What a part is taken to be long where its length is not looked at.
const MEMBER_LEN: usize = 16;

/// What a long part counts for in the size of a leaf, so that leaves of long parts have about a hundred elements.
const LONG_SIZE: usize = 32;

/// The deadline of an element that has none.
pub const NO_DEADLINE: u64 = u64::MAX;

/// A leaf whose elements have `PARTS` parts.
#[derive(Clone, Default)]
pub struct MemberLeaf<const PARTS: usize> {
    bytes: Option<Arc<[u8]>>,
    extra: Option<Arc<Extra>>,
    len: u32,
    used: u32,
}

/// What most leaves do not have.
#[derive(Clone)]
struct Extra {
    long: Vec<Arc<[u8]>>,
    long_bytes: u64,
    deadlines: Vec<u64>,
    earliest: u64,
}

impl Default for Extra {
    fn default() -> Self {
        Self { long: Vec::new(), long_bytes: 0, deadlines: Vec::new(), earliest: NO_DEADLINE }
    }
}

impl Extra {
    /// Bytes of the block itself and its lists: what a copy costs.
    fn own_bytes(&self) -> u64 {
        (ARC_HEADER
            + size_of::<Self>()
            + self.long.capacity() * size_of::<Arc<[u8]>>()
            + self.deadlines.capacity() * size_of::<u64>()) as u64
    }

    fn refresh(&mut self) {
        self.long_bytes = self.long.iter().map(|part| (ARC_HEADER + part.len()) as u64).sum();
        self.earliest = self.deadlines.iter().copied().min().unwrap_or(NO_DEADLINE);
        if self.earliest == NO_DEADLINE {
            self.deadlines = Vec::new();
        }
    }

    /// For storage: nothing if there is nothing to hold.
    fn boxed(mut self) -> Option<Arc<Self>> {
        self.refresh();
        (!self.long.is_empty() || !self.deadlines.is_empty()).then(|| Arc::new(self))
    }
}

/// Bytes that a part occupies in the leaf.
fn short_len(part: &[u8]) -> usize {
    if part.len() > SHORT_MAX { 0 } else { part.len() }
}

/// The length that is stored for a part.
fn stored_len(part: &[u8]) -> u8 {
    if part.len() > SHORT_MAX { LONG } else { part.len() as u8 }
}

impl<const PARTS: usize> MemberLeaf<PARTS> {
    /// Bytes that an element has besides its parts.
    const OVERHEAD: usize = FRAGMENT + PARTS;

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or(&[])
    }

    /// The buffer for changing. It was made this leaf's own before (invariant 8 of the directory).
    fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.as_mut().and_then(Arc::get_mut).unwrap_or(&mut [])
    }

    fn extra_mut(&mut self) -> &mut Extra {
        Arc::make_mut(self.extra.get_or_insert_default())
    }

    fn n(&self) -> usize {
        self.len as usize
    }

    #[inline]
    fn lens(&self) -> &[u8] {
        let (bytes, n) = (self.bytes(), self.n());
        &bytes[bytes.len() - Self::OVERHEAD * n..bytes.len() - FRAGMENT * n]
    }

    #[inline]
    fn fragments(&self) -> &[[u8; FRAGMENT]] {
        let bytes = self.bytes();
        bytes[bytes.len() - FRAGMENT * self.n()..].as_chunks().0
    }

    #[inline]
    fn fragment_at(&self, index: usize) -> u32 {
        u32::from_le_bytes(self.fragments()[index])
    }

    /// Where the short parts end.
    fn short_end(&self) -> usize {
        self.used as usize - Self::OVERHEAD * self.n()
    }

    fn has_long(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| !extra.long.is_empty())
    }

    /// How many long parts there are among the first `parts`.
    fn long_before(&self, parts: usize) -> usize {
        if self.has_long() { self.lens()[..parts].iter().filter(|&&len| len == LONG).count() } else { 0 }
    }

    /// Where the short bytes of part number `parts` begin.
    #[inline]
    fn offset_of(&self, parts: usize) -> usize {
        sum_of(&self.lens()[..parts]) - self.long_before(parts) * usize::from(LONG)
    }

    /// Part number `parts` (of element `parts / PARTS`), which begins at `offset` if it is short.
    #[inline]
    fn part_at(&self, parts: usize, offset: usize) -> &[u8] {
        match self.lens()[parts] {
            LONG => {
                let at = self.long_before(parts);
                self.extra.as_ref().and_then(|extra| extra.long.get(at)).map_or(&[], |part| &part[..])
            }
            len => &self.bytes()[offset..offset + usize::from(len)],
        }
    }

    /// A part of the element at `index`, which is less than the length.
    #[inline]
    pub fn part(&self, index: usize, part: usize) -> &[u8] {
        let parts = index * PARTS + part;
        self.part_at(parts, self.offset_of(parts))
    }

    /// All parts of the element at `index`, which is less than the length.
    pub fn parts(&self, index: usize) -> [&[u8]; PARTS] {
        std::array::from_fn(|part| self.part(index, part))
    }

    /// The deadline of the element at `index`, [`NO_DEADLINE`] if it has none.
    pub fn deadline(&self, index: usize) -> u64 {
        self.extra.as_ref().and_then(|extra| extra.deadlines.get(index).copied()).unwrap_or(NO_DEADLINE)
    }

    /// Index of the element whose first part is `key`. `guess` is where it probably is; a bad guess costs time only.
    #[inline]
    pub fn find(&self, position: u32, guess: usize, key: &[u8]) -> Option<usize> {
        self.seek(position, guess, key).map(|(index, _)| index)
    }

    /// The last part of the element whose first part is `key`.
    #[inline]
    pub fn find_last(&self, position: u32, guess: usize, key: &[u8]) -> Option<&[u8]> {
        let (index, offset) = self.seek(position, guess, key)?;
        match PARTS {
            2 => Some(self.part_at(index * PARTS + 1, offset + short_len(key))),
            _ => Some(self.part(index, PARTS - 1)),
        }
    }

    /// Index of the first element whose position is not below this one, and where its first part begins if it is short. `guess` is where it probably is.
    #[inline]
    fn first_at(&self, position: u32, guess: usize) -> (usize, usize) {
        let n = self.n();
        let lens = self.lens();
        // The lengths up to the window are summed whatever the window shows: so both are fetched at the same time, not one
        // after the other. Long parts only count where there are some.
        let start = if n >= WINDOW { window_start(guess, n) } else { 0 };
        let sum = sum_of(&lens[..start * PARTS]);
        let first = self.bound_near(position, guess);
        let offset = if first < start || self.extra.is_some() {
            self.offset_of(first * PARTS)
        } else {
            sum + sum_of(&lens[start * PARTS..first * PARTS])
        };
        (first, offset)
    }

    /// Index of the element whose first part is `key`, and where that part begins if it is short.
    #[inline]
    fn seek(&self, position: u32, guess: usize, key: &[u8]) -> Option<(usize, usize)> {
        let n = self.n();
        let lens = self.lens();
        let (first, mut offset) = self.first_at(position, guess);
        let mut index = first;
        while index < n && self.fragment_at(index) == position {
            // Nearly always there is one candidate; its length decides before its bytes are fetched.
            let parts = index * PARTS;
            if lens[parts] == stored_len(key) && self.part_at(parts, offset) == key {
                return Some((index, offset));
            }
            index += 1;
            offset += lens[parts..parts + PARTS]
                .iter()
                .map(|&len| if len == LONG { 0 } else { usize::from(len) })
                .sum::<usize>();
        }
        None
    }

    /// The lower bound, sought from a guess.
    #[inline]
    fn bound_near(&self, position: u32, guess: usize) -> usize {
        lower_bound(self.fragments(), guess, position, u32::from_le_bytes)
    }

    /// The elements of a range of indices.
    pub fn items(&self, range: std::ops::Range<usize>) -> Items<'_, PARTS> {
        Items::new(self, range)
    }

    /// Adds an element, without a deadline. Whether its key is already there is for the caller to know.
    pub fn insert(&mut self, position: u32, guess: usize, parts: [&[u8]; PARTS]) {
        let n = self.n();
        let (at, offset) = self.first_at(position, guess);
        let long = self.long_before(at * PARTS);
        let add = Self::OVERHEAD + parts.iter().map(|part| short_len(part)).sum::<usize>();
        let end = self.short_end();
        self.reserve(self.used as usize + add);
        let bytes = self.bytes_mut();
        let fragments = bytes.len() - FRAGMENT * n;
        let lens = fragments - PARTS * n;
        // Lengths before and behind, then fragments before, move down; short parts behind move up.
        bytes.copy_within(lens..lens + PARTS * at, lens - Self::OVERHEAD);
        bytes.copy_within(lens + PARTS * at..fragments, lens + PARTS * at - FRAGMENT);
        bytes.copy_within(fragments..fragments + FRAGMENT * at, fragments - FRAGMENT);
        let fragment_at = fragments + FRAGMENT * at - FRAGMENT;
        bytes[fragment_at..fragment_at + FRAGMENT].copy_from_slice(&position.to_le_bytes());
        bytes.copy_within(offset..end, offset + add - Self::OVERHEAD);
        let mut target = offset;
        for (i, part) in parts.iter().enumerate() {
            bytes[lens - Self::OVERHEAD + PARTS * at + i] = stored_len(part);
            let len = short_len(part);
            bytes[target..target + len].copy_from_slice(&part[..len]);
            target += len;
        }
        self.len += 1;
        self.used += add as u32;
        for (long, part) in (long..).zip(parts.iter().filter(|part| part.len() > SHORT_MAX)) {
            self.add_long(long, part);
        }
        if let Some(extra) = &mut self.extra {
            let extra = Arc::make_mut(extra);
            if !extra.deadlines.is_empty() {
                extra.deadlines.insert(at, NO_DEADLINE);
            }
        }
    }

    /// Removes the element at `index`, which is less than the length.
    pub fn remove(&mut self, index: usize) {
        let n = self.n();
        let first = index * PARTS;
        let (from, to) = (self.offset_of(first), self.offset_of(first + PARTS));
        let long = self.long_before(first)..self.long_before(first + PARTS);
        let end = self.short_end();
        let bytes = self.bytes_mut();
        let fragments = bytes.len() - FRAGMENT * n;
        let lens = fragments - PARTS * n;
        bytes.copy_within(fragments..fragments + FRAGMENT * index, fragments + FRAGMENT);
        bytes.copy_within(lens + first + PARTS..fragments, lens + first + Self::OVERHEAD);
        bytes.copy_within(lens..lens + first, lens + Self::OVERHEAD);
        bytes.copy_within(to..end, from);
        self.len -= 1;
        self.used -= (to - from + Self::OVERHEAD) as u32;
        if self.extra.is_some() {
            let extra = self.extra_mut();
            extra.long.drain(long);
            if !extra.deadlines.is_empty() {
                extra.deadlines.remove(index);
            }
            self.settle_extra();
        }
        self.give_room_back();
    }

    /// Puts another value in the place of a part of the element at `index`; not of the first part, by which it is found.
    pub fn set_part(&mut self, index: usize, part: usize, value: &[u8]) {
        let parts = index * PARTS + part;
        let offset = self.offset_of(parts);
        let old = self.lens()[parts];
        let old_len = if old == LONG { 0 } else { usize::from(old) };
        let new_len = short_len(value);
        if new_len != old_len {
            let (used, end) = (self.used as usize, self.short_end());
            self.reserve(used + new_len.saturating_sub(old_len));
            self.bytes_mut().copy_within(offset + old_len..end, offset + new_len);
            self.used = (used + new_len - old_len) as u32;
        }
        self.bytes_mut()[offset..offset + new_len].copy_from_slice(&value[..new_len]);
        let is_long = value.len() > SHORT_MAX;
        if is_long || old == LONG {
            let long = self.long_before(parts);
            if old == LONG && is_long && self.overwrite_long(long, value) {
                return;
            }
            if old == LONG {
                self.extra_mut().long.remove(long);
            }
            if is_long {
                self.add_long(long, value);
            }
            self.settle_extra();
        }
        let overhead = Self::OVERHEAD * self.n();
        let bytes = self.bytes_mut();
        let lens = bytes.len() - overhead;
        bytes[lens + parts] = stored_len(value);
        if new_len < old_len {
            self.give_room_back();
        }
    }

    /// Sets or, with [`NO_DEADLINE`], removes the deadline of the element at `index`, which is less than the length.
    pub fn set_deadline(&mut self, index: usize, deadline: u64) {
        let n = self.n();
        if deadline == NO_DEADLINE && self.earliest() == NO_DEADLINE {
            return;
        }
        let extra = self.extra_mut();
        if extra.deadlines.is_empty() {
            extra.deadlines = vec![NO_DEADLINE; n];
        }
        extra.deadlines[index] = deadline;
        self.settle_extra();
    }

    /// Writes over a long part in place if nobody else holds it and the length stays.
    fn overwrite_long(&mut self, long: usize, value: &[u8]) -> bool {
        let part = self.extra_mut().long.get_mut(long).filter(|part| part.len() == value.len());
        part.and_then(Arc::get_mut).map(|bytes| bytes.copy_from_slice(value)).is_some()
    }

    fn add_long(&mut self, at: usize, part: &[u8]) {
        let extra = self.extra_mut();
        extra.long_bytes += (ARC_HEADER + part.len()) as u64;
        if extra.long.len() == extra.long.capacity() {
            extra.long.reserve_exact(extra.long.len() / 8 + 1);
        }
        extra.long.insert(at, Arc::from(part));
    }

    /// Brings `extra` in line with invariants 2 to 4 after a change of its lists.
    fn settle_extra(&mut self) {
        let Some(extra) = &mut self.extra else { return };
        let extra = Arc::make_mut(extra);
        extra.refresh();
        if extra.long.is_empty() && extra.deadlines.is_empty() {
            self.extra = None;
        }
    }

    /// Makes room for `needed` bytes in all.
    fn reserve(&mut self, needed: usize) {
        if needed > self.bytes().len() {
            self.resize(needed);
        }
    }

    fn give_room_back(&mut self) {
        let used = self.used as usize;
        if self.len == 0 {
            self.bytes = None;
        } else if self.bytes().len() > capacity_for(used + used / 8) {
            self.resize(used);
        }
    }

    /// Moves the content to a buffer for `needed` bytes.
    fn resize(&mut self, needed: usize) {
        let mut bytes = zeroed(capacity_for(needed));
        if let Some(target) = Arc::get_mut(&mut bytes) {
            let (source, end) = (self.bytes(), self.short_end());
            target[..end].copy_from_slice(&source[..end]);
            let tail = self.used as usize - end;
            let at = target.len() - tail;
            target[at..].copy_from_slice(&source[source.len() - tail..]);
        }
        self.bytes = Some(bytes);
    }

    /// A leaf with the elements of two ranges, of one leaf or of two.
    fn build(low: (&Self, std::ops::Range<usize>), high: (&Self, std::ops::Range<usize>)) -> Self {
        let sources = [low, high];
        let pieces = sources.map(|(leaf, range)| {
            let short = leaf.offset_of(range.start * PARTS)..leaf.offset_of(range.end * PARTS);
            (leaf, range, short)
        });
        let n: usize = pieces.iter().map(|(_, range, _)| range.len()).sum();
        if n == 0 {
            return Self::default();
        }
        let used = Self::OVERHEAD * n + pieces.iter().map(|(_, _, short)| short.len()).sum::<usize>();
        let mut bytes = zeroed(capacity_for(used));
        let mut extra = Extra::default();
        let timed = pieces.iter().any(|(leaf, ..)| leaf.earliest() != NO_DEADLINE);
        if let Some(target) = Arc::get_mut(&mut bytes) {
            let mut fragment_at = target.len() - FRAGMENT * n;
            let (mut len_at, mut short_at) = (fragment_at - PARTS * n, 0);
            for (leaf, range, short) in pieces {
                let (count, source) = (range.len(), leaf.bytes());
                let fragments = leaf.fragments()[range.clone()].as_flattened();
                target[fragment_at..fragment_at + fragments.len()].copy_from_slice(fragments);
                let lens = &leaf.lens()[PARTS * range.start..PARTS * range.end];
                target[len_at..len_at + lens.len()].copy_from_slice(lens);
                target[short_at..short_at + short.len()].copy_from_slice(&source[short.clone()]);
                fragment_at += fragments.len();
                len_at += lens.len();
                short_at += short.len();
                let Some(more) = &leaf.extra else {
                    if timed {
                        extra.deadlines.resize(extra.deadlines.len() + count, NO_DEADLINE);
                    }
                    continue;
                };
                let long = leaf.long_before(range.start * PARTS)..leaf.long_before(range.end * PARTS);
                extra.long.extend_from_slice(&more.long[long]);
                match more.deadlines.get(range) {
                    Some(deadlines) => extra.deadlines.extend_from_slice(deadlines),
                    None if timed => extra.deadlines.resize(extra.deadlines.len() + count, NO_DEADLINE),
                    None => {}
                }
            }
        }
        Self { bytes: Some(bytes), extra: extra.boxed(), len: n as u32, used: used as u32 }
    }

    /// Verifies the invariants of the module header.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        let n = self.n();
        assert_eq!(self.offset_of(n * PARTS), self.short_end(), "invariant 1");
        assert!(self.bytes().len() >= self.used as usize, "invariant 1");
        let marks = self.lens().iter().filter(|&&len| len == LONG).count();
        let Some(extra) = &self.extra else {
            assert_eq!(marks, 0, "invariant 2");
            return;
        };
        assert_eq!(marks, extra.long.len(), "invariant 2");
        let mut fresh = (**extra).clone();
        fresh.refresh();
        assert_eq!((fresh.long_bytes, fresh.earliest), (extra.long_bytes, extra.earliest), "invariants 2, 3");
        assert!(extra.deadlines.is_empty() || extra.deadlines.len() == n, "invariant 3");
        assert_eq!(extra.deadlines.is_empty(), extra.earliest == NO_DEADLINE, "invariant 3");
        assert!(!extra.long.is_empty() || !extra.deadlines.is_empty(), "invariant 4");
        assert!(extra.long.iter().all(|part| part.len() > SHORT_MAX), "long parts are long");
    }
}

/// The sum of all bytes, eight at a time.
#[inline]
fn sum_of(lens: &[u8]) -> usize {
    /// Adds the bytes of a word in pairs.
    fn pairs(word: u64) -> u64 {
        const EVEN: u64 = 0x00FF_00FF_00FF_00FF;
        (word & EVEN) + (word >> 8 & EVEN)
    }
    /// Adds the four lanes of 16 bits, which together do not exceed 16 bits.
    fn total(lanes: u64) -> usize {
        (lanes.wrapping_mul(0x0001_0001_0001_0001) >> 48) as usize
    }
    let (chunks, rest) = lens.as_chunks::<8>();
    // What is left over: the last eight bytes without those that are in a chunk.
    let mut sum = match lens.last_chunk() {
        Some(last) if !rest.is_empty() => total(pairs(u64::from_le_bytes(*last) >> (64 - 8 * rest.len()))),
        Some(_) => 0,
        None => rest.iter().map(|&len| usize::from(len)).sum::<usize>(),
    };
    // Each lane gets at most 510 from one chunk, so 32 chunks do not overflow the total.
    for group in chunks.chunks(32) {
        sum += total(group.iter().fold(0, |lanes, &chunk| lanes + pairs(u64::from_le_bytes(chunk))));
    }
    sum
}

impl<const PARTS: usize> Leaf for MemberLeaf<PARTS> {
    #[inline]
    fn lines_near(&self, sought: &Sought, guess: usize, line: &mut impl FnMut(*const u8)) -> Station {
        let n = self.n();
        let Some(bytes) = self.bytes.as_deref().filter(|_| n > 0) else { return Station::Done };
        let at = |offset: usize| bytes.as_ptr().wrapping_add(offset);
        if sought.station == Station::Member {
            let (_, offset) = self.first_at(fragment(sought.hash), guess);
            line(at(offset));
            line(at(offset + PARTS * MEMBER_LEN));
            return Station::Done;
        }
        let (fragments, lens) = (bytes.len() - FRAGMENT * n, bytes.len() - Self::OVERHEAD * n);
        let first = fragments + FRAGMENT * guess.saturating_sub(WINDOW / 2).min(n - 1);
        line(at(first));
        line(at((first + FRAGMENT * WINDOW).min(bytes.len() - 1)));
        (lens..=lens + PARTS * guess.min(n)).step_by(LINE).for_each(|offset| line(at(offset)));
        if sought.is_changed {
            line(bytes.as_ptr().wrapping_sub(ARC_HEADER));
        }
        Station::Member
    }

    fn len(&self) -> usize {
        self.n()
    }

    fn size(&self) -> usize {
        self.used as usize + self.extra.as_ref().map_or(0, |extra| extra.long.len() * LONG_SIZE)
    }

    fn heap_bytes(&self) -> u64 {
        self.bytes.as_ref().map_or(0, |bytes| (ARC_HEADER + bytes.len()) as u64)
            + self.extra.as_ref().map_or(0, |extra| extra.own_bytes() + extra.long_bytes)
    }

    fn allocations(&self) -> usize {
        1 + self.extra.as_ref().map_or(0, |extra| 2 + extra.long.len())
    }

    #[inline]
    fn position(&self, index: usize) -> u32 {
        self.fragment_at(index)
    }

    fn lower_bound(&self, position: u32) -> usize {
        self.bound_near(position, 0)
    }

    fn earliest(&self) -> u64 {
        self.extra.as_ref().map_or(NO_DEADLINE, |extra| extra.earliest)
    }

    fn is_shared(&self) -> bool {
        self.bytes.as_ref().is_some_and(|bytes| Arc::strong_count(bytes) > 1)
            || self.extra.as_ref().is_some_and(|extra| Arc::strong_count(extra) > 1)
    }

    fn own(&mut self) -> u64 {
        let mut copied = 0;
        if self.bytes.as_ref().is_some_and(|bytes| Arc::strong_count(bytes) > 1) {
            self.resize(self.used as usize);
            copied += self.bytes().len() as u64;
        }
        if let Some(extra) = &mut self.extra
            && Arc::strong_count(extra) > 1
        {
            copied += Arc::make_mut(extra).own_bytes();
        }
        copied
    }

    fn cut(&mut self, index: usize) -> Self {
        let n = self.n();
        let upper = Self::build((self, index..n), (self, n..n));
        *self = Self::build((self, 0..index), (self, index..index));
        upper
    }

    fn vacate(&mut self) {
        *self = Self { len: self.len, ..Self::default() };
    }

    fn is_vacant(&self) -> bool {
        self.len > 0 && self.bytes.is_none()
    }

    fn join(&mut self, upper: Self) {
        *self = Self::build((self, 0..self.n()), (&upper, 0..upper.n()));
    }
}
