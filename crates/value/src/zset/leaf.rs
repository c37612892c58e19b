//! The packed leaf of a sorted set: records in order at the front of a buffer, members in any order at its end.
//!
//! ```text
//!   [ record 0 ][ record 1 ] ... [ record n - 1 ]   room   [ member ][ dead ][ member ] ... [ member ]
//!   record  [ score f64 ][ back u16 ]      member  [ length, 1 or 2 bytes ][ bytes ]
//! ```
//! `back` is the distance of a member's length from the buffer's end, so growing the room in the middle changes no record. Putting an
//! element in, taking one out or changing a score moves records of 10 bytes, not members: a quarter of the leaf's cache
//! lines. The bytes of members that are gone are dead until they are an eighth of the buffer; then it is made anew.
//!
//! A member above half of a leaf stands alone in one, without a record: `[ score ][ member ]`, of any length.
//!
//! Invariants:
//!  1. Elements ascend by score and then by member; no two are equal.
//!  2. Records and `used` bytes of members fit into the buffer; `dead` of those belong to no record.
//!  3. A leaf has at most [`LEAF_BYTES`] live bytes, or one element. While it is being split it may have half as many more, far from what
//!     16 bits can express.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::ordered::{KeyedLeaf, Leaf, wide_partition_point};
use crate::packed::size_class;
use crate::room::{ARC_HEADER, capacity_for, zeroed};

/// Most bytes of a leaf of more than one element.
pub(super) const LEAF_BYTES: usize = 4096 - ARC_HEADER;

/// Bytes of a record.
const RECORD: usize = 10;

/// What elements are looked up by: a score and a member; no member means a place behind all members with that score.
#[derive(Clone, Copy, Debug)]
pub struct ScoreKey<'k> {
    /// The score.
    pub score: f64,
    /// The member.
    pub member: Option<&'k [u8]>,
}

/// What tells two neighbours apart: at most the right one's first element, and no longer than it needs to be.
#[derive(Clone, Debug)]
pub struct Separator {
    score: f64,
    /// Empty (and without an allocation) where the scores differ.
    member: Box<[u8]>,
}

/// A run of elements in order.
#[derive(Clone, Debug, Default)]
pub struct ZsetLeaf {
    /// Empty when there is no element.
    bytes: Arc<[u8]>,
    count: u16,
    /// Bytes from the buffer's end that members occupy, dead ones included.
    used: u16,
    dead: u16,
    /// Whether this is a single element without a record.
    alone: bool,
}

/// Compares scores: never NaN, and `-0` equals `0`.
#[inline]
pub(super) fn compare_scores(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

/// Bytes that a member occupies in a leaf that it shares.
fn member_len(member: &[u8]) -> usize {
    member.len() + if member.len() < 128 { 1 } else { 2 }
}

impl ZsetLeaf {
    /// A leaf of one element.
    pub(super) fn of(score: f64, member: &[u8]) -> Self {
        let mut leaf = Self::default();
        if !Self::is_large(member) {
            leaf.insert(0, score, member);
            return leaf;
        }
        leaf.bytes = [&score.to_le_bytes()[..], member].concat().into();
        (leaf.count, leaf.alone) = (1, true);
        leaf
    }

    /// Whether an element has to get a leaf of its own.
    pub(super) fn is_large(member: &[u8]) -> bool {
        member.len() > LEAF_BYTES / 2
    }

    /// Whether this leaf is that of a large element, to which none can be added.
    pub(super) fn is_alone(&self) -> bool {
        self.alone
    }

    /// Whether an element can be added without making it overfull.
    pub(super) fn fits(&self, member: &[u8]) -> bool {
        !self.alone && self.live() + RECORD + member_len(member) <= LEAF_BYTES
    }

    #[inline]
    fn records(&self) -> &[[u8; RECORD]] {
        self.bytes[..usize::from(self.count) * RECORD].as_chunks().0
    }

    /// The score of the element at `index`, which is less than the length.
    #[inline]
    pub fn score(&self, index: usize) -> f64 {
        if self.alone {
            return self.bytes.first_chunk().map_or(0.0, |score| f64::from_le_bytes(*score));
        }
        score_in(&self.records()[index])
    }

    /// The member of the element at `index`, which is less than the length.
    #[inline]
    pub fn member(&self, index: usize) -> &[u8] {
        if self.alone {
            return &self.bytes[8..];
        }
        self.member_back(back_in(&self.records()[index]))
    }

    fn member_back(&self, back: u16) -> &[u8] {
        let at = self.bytes.len() - usize::from(back);
        let first = usize::from(self.bytes[at]);
        let (start, len) = match first {
            0..=127 => (at + 1, first),
            _ => (at + 2, (first & 0x7F) << 8 | usize::from(self.bytes[at + 1])),
        };
        &self.bytes[start..start + len]
    }

    /// Bytes in use.
    fn live(&self) -> usize {
        if self.alone {
            return self.bytes.len();
        }
        usize::from(self.count) * RECORD + usize::from(self.used) - usize::from(self.dead)
    }

    /// Gives an element another score and the place `to` that it has then.
    pub(super) fn rescore(&mut self, from: usize, to: usize, score: f64) {
        debug_assert!(!self.alone);
        let count = usize::from(self.count);
        let records = self.bytes_mut()[..count * RECORD].as_chunks_mut::<RECORD>().0;
        records[from][..8].copy_from_slice(&score.to_le_bytes());
        if from < to {
            records[from..=to].rotate_left(1);
        } else {
            records[to..=from].rotate_right(1);
        }
    }

    /// Puts an element in before that at `index`. Neither it nor the one that is there may be large.
    pub(super) fn insert(&mut self, index: usize, score: f64, member: &[u8]) {
        debug_assert!(!self.alone && !Self::is_large(member));
        let len = member_len(member);
        let records = usize::from(self.count) * RECORD;
        if records + usize::from(self.used) + RECORD + len > self.bytes.len() {
            self.make_room(RECORD + len);
        }
        self.used += len as u16;
        let used = self.used;
        let bytes = self.bytes_mut();
        let at = bytes.len() - usize::from(used);
        let start = at + len - member.len();
        if len - member.len() == 1 {
            bytes[at] = member.len() as u8;
        } else {
            bytes[at..start].copy_from_slice(&[0x80 | (member.len() >> 8) as u8, member.len() as u8]);
        }
        bytes[start..start + member.len()].copy_from_slice(member);
        let place = index * RECORD;
        bytes.copy_within(place..records, place + RECORD);
        bytes[place..place + 8].copy_from_slice(&score.to_le_bytes());
        bytes[place + 8..place + RECORD].copy_from_slice(&used.to_le_bytes());
        self.count += 1;
    }

    /// Removes the element at `index`.
    pub(super) fn remove(&mut self, index: usize) {
        if self.count <= 1 {
            *self = Self::default();
            return;
        }
        let back = back_in(&self.records()[index]);
        let len = member_len(self.member_back(back)) as u16;
        let end = usize::from(self.count) * RECORD;
        self.bytes_mut().copy_within((index + 1) * RECORD..end, index * RECORD);
        self.count -= 1;
        if back == self.used {
            self.used -= len;
        } else {
            self.dead += len;
        }
        let live = self.live();
        if usize::from(self.dead) > self.bytes.len() / 8 || live < self.bytes.len() / 4 * 3 {
            *self = Self::build(&[(self, 0, self.len())], 0);
        }
    }

    /// Makes room for so many bytes, in a buffer of the next size class.
    fn make_room(&mut self, more: usize) {
        if self.dead > 0 {
            *self = Self::build(&[(self, 0, self.len())], more);
            return;
        }
        let (records, used) = (usize::from(self.count) * RECORD, usize::from(self.used));
        let mut grown = zeroed(capacity_for(records + used + more));
        let bytes = Arc::make_mut(&mut grown);
        bytes[..records].copy_from_slice(&self.bytes[..records]);
        let end = bytes.len();
        bytes[end - used..].copy_from_slice(&self.bytes[self.bytes.len() - used..]);
        self.bytes = grown;
    }

    /// The buffer for changing; a copy of it if it is shared.
    fn bytes_mut(&mut self) -> &mut [u8] {
        Arc::make_mut(&mut self.bytes)
    }

    /// A leaf with the elements of parts of others, and room for some bytes more.
    fn build(parts: &[(&Self, usize, usize)], more: usize) -> Self {
        let mut size = more;
        for (leaf, from, to) in parts {
            size += (*from..*to).map(|at| RECORD + member_len(leaf.member(at))).sum::<usize>();
        }
        let mut built = Self { bytes: zeroed(capacity_for(size)), ..Self::default() };
        for (leaf, from, to) in parts {
            for at in *from..*to {
                // A large element comes here only alone: what is added to it gets a leaf of its own.
                if leaf.alone {
                    return (*leaf).clone();
                }
                built.insert(built.len(), leaf.score(at), leaf.member(at));
            }
        }
        built
    }

    /// Verifies the invariants and panics with the broken one.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn check(&self) {
        if !self.alone {
            let members: usize = (0..self.len()).map(|index| member_len(self.member(index))).sum();
            assert_eq!(members + usize::from(self.dead), usize::from(self.used), "invariant 2");
            assert!(self.len() * RECORD + usize::from(self.used) <= self.bytes.len(), "invariant 2");
        }
        for index in 1..self.len() {
            let (left, right) = (index - 1, index);
            let order = compare_scores(self.score(left), self.score(right))
                .then_with(|| self.member(left).cmp(self.member(right)));
            assert!(order.is_lt(), "invariant 1");
        }
    }
}

/// The score of a record.
#[inline]
fn score_in(record: &[u8; RECORD]) -> f64 {
    record.first_chunk().map_or(0.0, |score| f64::from_le_bytes(*score))
}

/// Where the member of a record is.
#[inline]
fn back_in(record: &[u8; RECORD]) -> u16 {
    record.last_chunk().map_or(0, |back| u16::from_le_bytes(*back))
}

impl Leaf for ZsetLeaf {
    type Separator = Separator;

    fn len(&self) -> usize {
        usize::from(self.count)
    }

    fn heap_bytes(&self) -> usize {
        size_class(self.bytes.len() + ARC_HEADER)
    }

    fn is_shared(&self) -> bool {
        self.count > 0 && Arc::strong_count(&self.bytes) > 1
    }

    fn own(&mut self) -> u64 {
        if !self.is_shared() {
            return 0;
        }
        self.bytes_mut();
        self.heap_bytes() as u64
    }

    fn is_overfull(&self) -> bool {
        self.live() > LEAF_BYTES
    }

    fn is_underfull(&self) -> bool {
        self.live() < LEAF_BYTES / 4
    }

    fn joins(&self, right: &Self) -> bool {
        !self.alone && !right.alone && self.live() + right.live() <= LEAF_BYTES / 4 * 3
    }

    fn middle(&self) -> usize {
        let half = self.live() / 2;
        let mut before = 0;
        let middle = (0..self.len()).position(|at| {
            before += RECORD + member_len(self.member(at));
            before > half
        });
        middle.unwrap_or(0).clamp(1, self.len() - 1)
    }

    fn split_off(&mut self, at: usize) -> Self {
        let right = Self::build(&[(self, at, self.len())], 0);
        *self = Self::build(&[(self, 0, at)], 0);
        right
    }

    fn absorb(&mut self, right: &Self) {
        *self = Self::build(&[(self, 0, self.len()), (right, 0, right.len())], 0);
    }

    fn remove_range(&mut self, from: usize, to: usize) {
        *self = Self::build(&[(self, 0, from), (self, to, self.len())], 0);
    }

    fn separator(left: &Self, right: &Self) -> Separator {
        let (last, score) = (left.len() - 1, right.score(0));
        if left.score(last) != score {
            return Separator { score, member: Box::default() };
        }
        let (below, above) = (left.member(last), right.member(0));
        let common = below.iter().zip(above).take_while(|(a, b)| a == b).count();
        Separator { score, member: above[..(common + 1).min(above.len())].into() }
    }

    fn separator_heap(separator: &Separator) -> usize {
        separator.member.len()
    }
}

impl Separator {
    /// Whether it is above an element and not above another.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn divides(&self, left: (f64, &[u8]), right: (f64, &[u8])) -> bool {
        let key = |(score, member)| ScoreKey { score, member: Some(member) };
        ZsetLeaf::compare(self, key(left)).is_gt() && ZsetLeaf::compare(self, key(right)).is_le()
    }
}

impl KeyedLeaf for ZsetLeaf {
    type Key<'k> = ScoreKey<'k>;

    #[inline]
    fn compare(separator: &Separator, key: ScoreKey<'_>) -> Ordering {
        compare_scores(separator.score, key.score)
            .then_with(|| key.member.map_or(Ordering::Less, |member| (*separator.member).cmp(member)))
    }

    #[inline]
    fn slot(separators: &[Separator], key: ScoreKey<'_>) -> usize {
        let low = wide_partition_point(separators.len(), |at| separators[at].score < key.score);
        if separators.get(low).is_none_or(|separator| separator.score > key.score) {
            return low;
        }
        low + separators[low..].partition_point(|separator| Self::compare(separator, key).is_le())
    }

    #[inline]
    fn search(&self, key: ScoreKey<'_>) -> Result<usize, usize> {
        let low = if self.alone {
            usize::from(self.score(0) < key.score)
        } else {
            let records = self.records();
            wide_partition_point(records.len(), |at| score_in(&records[at]) < key.score)
        };
        // Among those with the score, members decide.
        let (mut low, mut high) = (low, self.len());
        let Some(member) = key.member else {
            return Err(low + (low..high).take_while(|&at| self.score(at) == key.score).count());
        };
        if low == high || self.score(low) > key.score {
            return Err(low);
        }
        while low < high {
            // The first is looked at first where the second has another score, as it does unless there are ties.
            let middle =
                if low + 1 < high && self.score(low + 1) > key.score { low } else { (low + high) / 2 };
            match compare_scores(self.score(middle), key.score).then_with(|| self.member(middle).cmp(member))
            {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }
}
