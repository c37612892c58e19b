//! The packed leaf of large sets (one part: the member) and large hashes (two parts: field and value).
//!
//! It keeps elements by the position of their first part's hash. It computes no hash, and does not know what its parts mean.
//!
//! ```text
//!   bytes   [ element ][ element ] ...   room   [ n places, u16 ][ n fragments, u32 ]
//!   element [ PARTS lengths, u8 ][ part ] ...
//!   extra   long parts, each an allocation of its own; deadlines, if an element has one
//! ```
//!
//! Places and fragments are in hash order, elements lie in the order in which they came: a new one moves places and fragments, which are a
//! quarter of a leaf of short members, and none of those. What a change leaves empty is closed at once, so no byte of the elements is
//! dead. A place is where an element begins; in a leaf whose elements need more than 2^16 bytes, as only members of one position can, it has 4 bytes.
//!
//! A part of more than [`SHORT_MAX`] bytes is long: its length is [`LONG`], and its bytes in the element are a label, the number of its
//! allocation in `extra`.
//!
//! Invariants (on top of those of [`crate::directory`]; [`MemberLeaf::check`]):
//!  1. The elements fill the first `data` bytes without gap or overlap; places and fragments fit behind them.
//!  2. The labels are the numbers of the long parts, each once, and `long_bytes` is what these occupy.
//!  3. There are no deadlines or as many as elements, and then one of them at least is a deadline; `earliest` is the least.
//!  4. `extra` is absent when it would hold nothing.

mod iter;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

pub use iter::{Elements, Item, Items};

use crate::directory::search::{WINDOW, lower_bound};
use crate::directory::{LEAF_MAX, Leaf};
use crate::member_hash::fragment;
use crate::near::{Sought, Station};
use crate::room::{ARC_HEADER, capacity_for, zeroed};

/// Longest part that lies in the leaf itself.
pub const SHORT_MAX: usize = 254;

/// The length that marks a long part.
const LONG: u8 = 255;

/// Bytes of a fragment.
const FRAGMENT: usize = 4;

/// Bytes of the label of a long part.
const LABEL: usize = 4;

/// Bytes of a place.
const NARROW: usize = 2;

/// Bytes of a place where [`NARROW`] ones do not reach.
const WIDE: usize = 4;

/// Bytes of a cache line.
const LINE: usize = 64;

/// Bytes that are copied at once where an element is not longer.
const COPY: usize = 32;

/// Most members of the same position whose lines are named ahead of a search.
const CANDIDATES_MAX: usize = 4;

/// What a part is taken to be long before its length is near.
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
    /// Bytes of the elements.
    data: u32,
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

/// Bytes that a part of a stored length occupies in its element.
#[inline]
fn room_of(len: u8) -> usize {
    if len == LONG { LABEL } else { usize::from(len) }
}

/// The length that is stored for a part.
#[inline]
fn stored_len(part: &[u8]) -> u8 {
    if part.len() > SHORT_MAX { LONG } else { part.len() as u8 }
}

/// Bytes of a place among so many bytes of elements.
#[inline]
fn width_for(data: usize) -> usize {
    if data > 1 << 16 { WIDE } else { NARROW }
}

/// The place that these bytes state: [`NARROW`] or [`WIDE`].
#[inline]
fn place_in(raw: &[u8]) -> usize {
    match *raw {
        [a, b] => usize::from(u16::from_le_bytes([a, b])),
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]) as usize,
        _ => 0,
    }
}

/// Writes a place into so many bytes.
#[inline]
fn put_place(raw: &mut [u8], place: usize) {
    let bytes = (place as u32).to_le_bytes();
    raw.copy_from_slice(&bytes[..raw.len()]);
}

impl<const PARTS: usize> MemberLeaf<PARTS> {
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

    #[inline]
    fn n(&self) -> usize {
        self.len as usize
    }

    /// Where the elements end.
    #[inline]
    fn data(&self) -> usize {
        self.data as usize
    }

    /// Bytes of a place in this leaf.
    #[inline]
    fn width(&self) -> usize {
        width_for(self.data())
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

    /// Where the place of the element at `index` is stored.
    #[inline]
    fn place_at(&self, index: usize) -> usize {
        self.bytes().len() - (FRAGMENT + self.width()) * self.n() + self.width() * index
    }

    /// Where the element at `index`, which is less than the length, begins.
    #[inline]
    fn place(&self, index: usize) -> usize {
        let at = self.place_at(index);
        place_in(&self.bytes()[at..at + self.width()])
    }

    /// Where a part of the element at `place` begins.
    #[inline]
    fn part_start(&self, place: usize, part: usize) -> usize {
        place + PARTS + self.bytes()[place..place + part].iter().map(|&len| room_of(len)).sum::<usize>()
    }

    /// Bytes of the element at `place`.
    #[inline]
    fn element_len(&self, place: usize) -> usize {
        self.part_start(place, PARTS) - place
    }

    /// The label of a part of the element at `place`, if it is long.
    fn label(&self, place: usize, part: usize) -> Option<usize> {
        let bytes = self.bytes();
        if bytes[place + part] != LONG {
            return None;
        }
        let start = self.part_start(place, part);
        Some(place_in(&bytes[start..start + LABEL]))
    }

    /// A part of the element at `place`.
    #[inline]
    fn part_in(&self, place: usize, part: usize) -> &[u8] {
        let start = self.part_start(place, part);
        match self.bytes()[place + part] {
            LONG => self
                .extra
                .as_ref()
                .zip(self.label(place, part))
                .and_then(|(extra, label)| extra.long.get(label))
                .map_or(&[], |part| part),
            len => &self.bytes()[start..start + usize::from(len)],
        }
    }

    /// A part of the element at `index`, which is less than the length.
    #[inline]
    pub fn part(&self, index: usize, part: usize) -> &[u8] {
        self.part_in(self.place(index), part)
    }

    /// All parts of the element at `index`, which is less than the length.
    #[inline]
    pub fn parts(&self, index: usize) -> [&[u8]; PARTS] {
        let place = self.place(index);
        std::array::from_fn(|part| self.part_in(place, part))
    }

    /// The deadline of the element at `index`, [`NO_DEADLINE`] if it has none.
    pub fn deadline(&self, index: usize) -> u64 {
        self.extra.as_ref().and_then(|extra| extra.deadlines.get(index).copied()).unwrap_or(NO_DEADLINE)
    }

    /// Index of the element whose first part is `key`, or the index at which to insert it. `guess` is where it probably is; a bad guess costs time only.
    #[inline]
    pub fn find(&self, position: u32, guess: usize, key: &[u8]) -> Result<usize, usize> {
        let first = self.bound_near(position, guess);
        let mut index = first;
        while index < self.n() && self.fragment_at(index) == position {
            // Nearly always there is one candidate; its length decides before its bytes are compared.
            let place = self.place(index);
            if self.bytes()[place] == stored_len(key) && self.part_in(place, 0) == key {
                return Ok(index);
            }
            index += 1;
        }
        Err(first)
    }

    /// The last part of the element whose first part is `key`.
    #[inline]
    pub fn find_last(&self, position: u32, guess: usize, key: &[u8]) -> Option<&[u8]> {
        let index = self.find(position, guess, key).ok()?;
        Some(self.part(index, PARTS - 1))
    }

    /// The lower bound, sought from a guess.
    #[inline]
    fn bound_near(&self, position: u32, guess: usize) -> usize {
        lower_bound(self.fragments(), guess, position, u32::from_le_bytes)
    }

    /// Fetches all elements, a cache line after the other.
    fn fetch(&self) {
        let lines = self.bytes()[..self.data()].iter().step_by(LINE);
        std::hint::black_box(lines.fold(0, |all, byte| all ^ byte));
    }

    /// The elements of a range of indices.
    pub fn items(&self, range: Range<usize>) -> Items<'_, PARTS> {
        Items::new(self, range)
    }

    /// Adds an element, without a deadline, at the index that [`MemberLeaf::find`] names for it.
    pub fn insert(&mut self, index: usize, position: u32, parts: [&[u8]; PARTS]) {
        let (n, place) = (self.n(), self.data());
        let add = PARTS + parts.iter().map(|part| room_of(stored_len(part))).sum::<usize>();
        self.refit(n + 1, place + add);
        let width = self.width();
        let bytes = self.bytes_mut();
        let fragments = bytes.len() - FRAGMENT * n;
        let places = fragments - width * n;
        // Places before and behind, then fragments before, move down.
        bytes.copy_within(places..places + width * index, places - width - FRAGMENT);
        bytes.copy_within(places + width * index..fragments, places + width * index - FRAGMENT);
        bytes.copy_within(fragments..fragments + FRAGMENT * index, fragments - FRAGMENT);
        let fragment_at = fragments + FRAGMENT * index - FRAGMENT;
        bytes[fragment_at..fragment_at + FRAGMENT].copy_from_slice(&position.to_le_bytes());
        let place_at = places - FRAGMENT - width + width * index;
        put_place(&mut bytes[place_at..place_at + width], place);
        let mut start = place + PARTS;
        for (at, part) in parts.iter().enumerate() {
            let len = stored_len(part);
            bytes[place + at] = len;
            if len != LONG {
                bytes[start..start + part.len()].copy_from_slice(part);
            }
            start += room_of(len);
        }
        self.len += 1;
        for (at, part) in parts.iter().enumerate().filter(|(_, part)| part.len() > SHORT_MAX) {
            self.put_part(self.part_start(place, at), part);
        }
        if let Some(extra) = &mut self.extra {
            let extra = Arc::make_mut(extra);
            if !extra.deadlines.is_empty() {
                extra.deadlines.insert(index, NO_DEADLINE);
            }
        }
    }

    /// Writes a part, or its label if it is long.
    fn put_part(&mut self, start: usize, part: &[u8]) {
        if part.len() <= SHORT_MAX {
            self.bytes_mut()[start..start + part.len()].copy_from_slice(part);
            return;
        }
        let label = self.add_long(part);
        put_place(&mut self.bytes_mut()[start..start + LABEL], label);
    }

    /// Removes the element at `index`, which is less than the length.
    pub fn remove(&mut self, index: usize) {
        let (n, width, place) = (self.n(), self.width(), self.place(index));
        let mut labels: [Option<usize>; PARTS] = std::array::from_fn(|part| self.label(place, part));
        let len = self.element_len(place);
        self.shift(place + len, place, self.data());
        let bytes = self.bytes_mut();
        let fragments = bytes.len() - FRAGMENT * n;
        let places = fragments - width * n;
        bytes.copy_within(fragments..fragments + FRAGMENT * index, fragments + FRAGMENT);
        bytes.copy_within(places + width * (index + 1)..fragments, places + width * (index + 1) + FRAGMENT);
        bytes.copy_within(places..places + width * index, places + width + FRAGMENT);
        self.len -= 1;
        self.refit(n - 1, self.data() - len);
        if self.extra.is_some() {
            // The last label first: giving it up changes none of the others.
            labels.sort_unstable();
            labels.iter().rev().flatten().for_each(|&label| self.remove_long(label));
            let extra = self.extra_mut();
            if !extra.deadlines.is_empty() {
                extra.deadlines.remove(index);
            }
            self.settle_extra();
        }
    }

    /// Puts another value in the place of a part of the element at `index`; not of the first part, by which it is found.
    pub fn set_part(&mut self, index: usize, part: usize, value: &[u8]) {
        let place = self.place(index);
        let start = self.part_start(place, part);
        let (old, new) = (self.bytes()[place + part], stored_len(value));
        if old != LONG && old == new {
            self.put_part(start, value);
            return;
        }
        let label = self.label(place, part);
        if new == LONG && label.is_some_and(|label| self.overwrite_long(label, value)) {
            return;
        }
        let (old_end, new_end) = (start + room_of(old), start + room_of(new));
        let (end, data) = (self.data(), self.data() + new_end - old_end);
        if new_end > old_end {
            self.refit(self.n(), data);
            self.shift(old_end, new_end, end);
        } else {
            self.shift(old_end, new_end, end);
            self.refit(self.n(), data);
        }
        self.bytes_mut()[place + part] = new;
        self.put_part(start, value);
        if let Some(label) = label {
            self.remove_long(label);
        }
        self.settle_extra();
    }

    /// Moves the bytes from `from` to `end`, which are whole elements but for the first, to another place, and what places say with them.
    fn shift(&mut self, from: usize, to: usize, end: usize) {
        if from == to || from == end {
            return;
        }
        let (places, width) = (self.place_at(0)..self.place_at(self.n()), self.width());
        let bytes = self.bytes_mut();
        bytes.copy_within(from..end, to);
        let by = to.wrapping_sub(from);
        if width == NARROW {
            // In 16 bits, so that eight places are looked at together.
            for raw in bytes[places].as_chunks_mut().0 {
                let place = u16::from_le_bytes(*raw);
                *raw = if place >= from as u16 { place.wrapping_add(by as u16) } else { place }.to_le_bytes();
            }
            return;
        }
        for raw in bytes[places].chunks_exact_mut(width) {
            let place = place_in(raw);
            put_place(raw, if place >= from { place.wrapping_add(by) } else { place });
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

    /// Keeps a long part and returns its label.
    fn add_long(&mut self, part: &[u8]) -> usize {
        let extra = self.extra_mut();
        extra.long_bytes += (ARC_HEADER + part.len()) as u64;
        if extra.long.len() == extra.long.capacity() {
            extra.long.reserve_exact(extra.long.len() / 8 + 1);
        }
        extra.long.push(Arc::from(part));
        extra.long.len() - 1
    }

    /// Lets go of the long part with a label that no element has any more. The last one gets its label.
    fn remove_long(&mut self, label: usize) {
        let long = &mut self.extra_mut().long;
        long.swap_remove(label);
        let last = long.len();
        if label == last {
            return;
        }
        let mut parts = (0..self.n())
            .flat_map(|index| (0..PARTS).map(move |part| (index, part)))
            .map(|(index, part)| (self.place(index), part));
        let relabelled = parts.find(|&(place, part)| self.label(place, part) == Some(last));
        if let Some((place, part)) = relabelled {
            let start = self.part_start(place, part);
            put_place(&mut self.bytes_mut()[start..start + LABEL], label);
        }
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

    /// Bytes that so many elements occupy with so many bytes of their own.
    fn needed(n: usize, data: usize) -> usize {
        data + (FRAGMENT + width_for(data)) * n
    }

    /// Takes up `data` bytes for elements, in a buffer that suits `n` of them.
    fn refit(&mut self, n: usize, data: usize) {
        let (needed, held) = (Self::needed(n, data), self.bytes().len());
        if n == 0 {
            self.bytes = None;
        } else if needed > held || width_for(data) != self.width() || held > capacity_for(needed + needed / 8)
        {
            self.move_to(n, data);
        }
        self.data = data as u32;
    }

    /// Moves all elements to a buffer for `n` elements with `data` bytes.
    fn move_to(&mut self, n: usize, data: usize) {
        let mut bytes = zeroed(capacity_for(Self::needed(n, data)));
        if let Some(target) = Arc::get_mut(&mut bytes) {
            let kept = data.min(self.data());
            target[..kept].copy_from_slice(&self.bytes()[..kept]);
            let fragments = self.fragments().as_flattened();
            let fragment_at = target.len() - fragments.len();
            target[fragment_at..].copy_from_slice(fragments);
            let width = width_for(data);
            let places = &mut target[fragment_at - width * self.n()..fragment_at];
            if width == self.width() {
                places.copy_from_slice(&self.bytes()[self.place_at(0)..self.place_at(self.n())]);
            } else {
                places
                    .chunks_exact_mut(width)
                    .enumerate()
                    .for_each(|(index, raw)| put_place(raw, self.place(index)));
            }
        }
        self.bytes = Some(bytes);
    }

    /// A leaf with the elements of two ranges, of one leaf or of two.
    fn build(low: (&Self, Range<usize>), high: (&Self, Range<usize>)) -> Self {
        let sources = [low, high];
        let n: usize = sources.iter().map(|(_, range)| range.len()).sum();
        if n == 0 {
            return Self::default();
        }
        let lens = |(leaf, range): &(&Self, Range<usize>)| {
            range.clone().map(|index| leaf.element_len(leaf.place(index))).sum::<usize>()
        };
        let data = sources.iter().map(lens).sum::<usize>();
        let mut bytes = zeroed(capacity_for(Self::needed(n, data)));
        let timed = sources.iter().any(|(leaf, _)| leaf.earliest() != NO_DEADLINE);
        let mut extra = Extra::default();
        if let Some(target) = Arc::get_mut(&mut bytes) {
            let width = width_for(data);
            let tail = target.len() - (FRAGMENT + width) * n;
            let (elements, tail) = target.split_at_mut(tail);
            let (places, fragments) = tail.split_at_mut(width * n);
            let mut places = places.chunks_exact_mut(width);
            let (mut place, mut fragment_at) = (0, 0);
            for (leaf, range) in sources {
                let of_leaf = leaf.fragments()[range.clone()].as_flattened();
                fragments[fragment_at..fragment_at + of_leaf.len()].copy_from_slice(of_leaf);
                fragment_at += of_leaf.len();
                for index in range {
                    let from = leaf.place(index);
                    let len = leaf.element_len(from);
                    copy_element(elements, place, leaf.bytes(), from, len);
                    if let Some(more) = &leaf.extra {
                        for (part, label) in
                            (0..PARTS).filter_map(|part| Some((part, leaf.label(from, part)?)))
                        {
                            let at = place + leaf.part_start(from, part) - from;
                            put_place(&mut elements[at..at + LABEL], extra.long.len());
                            extra.long.push(more.long[label].clone());
                        }
                    }
                    if timed {
                        extra.deadlines.push(leaf.deadline(index));
                    }
                    places.next().into_iter().for_each(|raw| put_place(raw, place));
                    place += len;
                }
            }
        }
        Self { bytes: Some(bytes), extra: extra.boxed(), len: n as u32, data: data as u32 }
    }

    /// Verifies the invariants of the module header.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        let n = self.n();
        let mut places: Vec<usize> = (0..n).map(|index| self.place(index)).collect();
        places.sort_unstable();
        let end = places.iter().fold(0, |end, &place| {
            assert_eq!(place, end, "invariant 1");
            end + self.element_len(place)
        });
        assert_eq!(end, self.data(), "invariant 1");
        assert!(self.bytes().len() >= Self::needed(n, self.data()), "invariant 1");
        let labels = |&place: &usize| (0..PARTS).filter_map(move |part| self.label(place, part));
        let mut labels: Vec<usize> = places.iter().flat_map(labels).collect();
        labels.sort_unstable();
        let Some(extra) = &self.extra else {
            assert!(labels.is_empty(), "invariant 2");
            return;
        };
        assert!(labels.into_iter().eq(0..extra.long.len()), "invariant 2");
        let mut fresh = (**extra).clone();
        fresh.refresh();
        assert_eq!((fresh.long_bytes, fresh.earliest), (extra.long_bytes, extra.earliest), "invariants 2, 3");
        assert!(extra.deadlines.is_empty() || extra.deadlines.len() == n, "invariant 3");
        assert_eq!(extra.deadlines.is_empty(), extra.earliest == NO_DEADLINE, "invariant 3");
        assert!(!extra.long.is_empty() || !extra.deadlines.is_empty(), "invariant 4");
        assert!(extra.long.iter().all(|part| part.len() > SHORT_MAX), "long parts are long");
    }
}

/// Copies an element of `len` bytes, which are followed by nothing in the target that has to stay. Most are short, and to copy some bytes more
/// costs less than to count them.
#[inline]
fn copy_element(target: &mut [u8], to: usize, source: &[u8], from: usize, len: usize) {
    match (target.get_mut(to..to + COPY), source.get(from..from + COPY)) {
        (Some(target), Some(source)) if len <= COPY => target.copy_from_slice(source),
        _ => target[to..to + len].copy_from_slice(&source[from..from + len]),
    }
}

impl<const PARTS: usize> Leaf for MemberLeaf<PARTS> {
    #[inline]
    fn lines_near(&self, sought: &Sought, guess: usize, line: &mut impl FnMut(*const u8)) -> Station {
        let n = self.n();
        let Some(bytes) = self.bytes.as_deref().filter(|_| n > 0) else { return Station::Done };
        let at = |offset: usize| bytes.as_ptr().wrapping_add(offset);
        if sought.station == Station::Member {
            let position = fragment(sought.hash);
            let first = self.bound_near(position, guess);
            let candidates = (first..n).take_while(|&index| self.fragment_at(index) == position);
            let mut is_absent = true;
            for place in candidates.take(CANDIDATES_MAX).map(|index| self.place(index)) {
                line(at(place));
                line(at(place + PARTS * (1 + MEMBER_LEN)));
                is_absent = false;
            }
            if is_absent && sought.is_changed {
                // What putting it in moves, and where it will lie.
                let moved = self.place_at(0)..bytes.len() - FRAGMENT * (n - first);
                moved.step_by(LINE).take(LEAF_MAX / LINE).for_each(|offset| line(at(offset)));
                line(at(self.data()));
            }
            return Station::Done;
        }
        let first = guess.saturating_sub(WINDOW / 2).min(n - 1);
        let last = (first + WINDOW).min(n - 1);
        let fragments = bytes.len() - FRAGMENT * n;
        line(at(fragments + FRAGMENT * first));
        line(at(fragments + FRAGMENT * last));
        line(at(self.place_at(first)));
        line(at(self.place_at(last)));
        if sought.is_changed {
            line(bytes.as_ptr().wrapping_sub(ARC_HEADER));
        }
        Station::Member
    }

    fn len(&self) -> usize {
        self.n()
    }

    fn size(&self) -> usize {
        self.data()
            + (FRAGMENT + NARROW) * self.n()
            + self.extra.as_ref().map_or(0, |extra| extra.long.len() * LONG_SIZE)
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
            self.move_to(self.n(), self.data());
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
