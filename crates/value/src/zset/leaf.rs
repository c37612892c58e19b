//! The packed leaf of a sorted set: scores, where members start, and the members, in one buffer.
//!
//! ```text
//!   [ score f64 x n ][ start u16 x (n - 1) ][ member 0 ][ member 1 ] ... [ member n - 1 ]
//! ```
//! A search reads the scores, which lie close together, and a member only where scores are equal. The first member starts at 0 and needs no
//! start; so a leaf of a single element has none and its member may be of any length.
//!
//! Invariants:
//!  1. Elements ascend by score and then by member; no two are equal.
//!  2. A leaf has at most [`LEAF_BYTES`] bytes, or one element. While it is being split it may have half as many more, far from what a
//!     start of 16 bits can express.

use std::cmp::Ordering;

use crate::ordered::{KeyedLeaf, Leaf};
use crate::room::class_of;

/// Most bytes of a leaf of more than one element.
pub(super) const LEAF_BYTES: usize = 4096;

/// Bytes that an element occupies beside its member.
const OVERHEAD: usize = 10;

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
    bytes: Vec<u8>,
    count: usize,
}

/// Compares scores: never NaN, and `-0` equals `0`.
#[inline]
pub(super) fn compare_scores(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

impl ZsetLeaf {
    /// A leaf of one element.
    pub(super) fn of(score: f64, member: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(8 + member.len());
        bytes.extend_from_slice(&score.to_le_bytes());
        bytes.extend_from_slice(member);
        Self { bytes, count: 1 }
    }

    /// Whether an element would better get a leaf of its own.
    pub(super) fn is_large(member: &[u8]) -> bool {
        member.len() > LEAF_BYTES / 2 - OVERHEAD
    }

    /// Whether an element can be added without making it overfull.
    pub(super) fn fits(&self, member: &[u8]) -> bool {
        self.bytes.len() + OVERHEAD + member.len() <= LEAF_BYTES
    }

    /// The score of the element at `index`, which is less than the length.
    #[inline]
    pub fn score(&self, index: usize) -> f64 {
        let (scores, _) = self.bytes.as_chunks::<8>();
        f64::from_le_bytes(scores[index])
    }

    /// The member of the element at `index`, which is less than the length.
    #[inline]
    pub fn member(&self, index: usize) -> &[u8] {
        let members = &self.bytes[self.members()..];
        let end = if index + 1 < self.count { self.start(index + 1) } else { members.len() };
        &members[self.start(index)..end]
    }

    /// Where the members begin.
    #[inline]
    fn members(&self) -> usize {
        (self.count * OVERHEAD).saturating_sub(2)
    }

    /// Where a member starts, relative to the first; the length is allowed and gives the end.
    #[inline]
    fn start(&self, index: usize) -> usize {
        if index == 0 {
            return 0;
        }
        if index == self.count {
            return self.bytes.len() - self.members();
        }
        let at = 8 * self.count + 2 * (index - 1);
        usize::from(u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]))
    }

    /// Replaces a score; the caller knows that the order stays.
    pub(super) fn set_score(&mut self, index: usize, score: f64) {
        self.bytes[8 * index..8 * index + 8].copy_from_slice(&score.to_le_bytes());
    }

    /// Puts an element in before that at `index`.
    pub(super) fn insert(&mut self, index: usize, score: f64, member: &[u8]) {
        let (count, len) = (self.count, member.len());
        if count == 0 {
            *self = Self::of(score, member);
            return;
        }
        let (old, members, start) = (self.bytes.len(), self.members(), self.start(index));
        let new = old + OVERHEAD + len;
        if new > self.bytes.capacity() {
            self.bytes.reserve_exact(class_of(new) - old);
        }
        self.bytes.resize(new, 0);
        let bytes = &mut self.bytes[..];
        // From the back to the front, so that nothing is overwritten that has still to move.
        bytes.copy_within(members + start..old, members + OVERHEAD + start + len);
        bytes.copy_within(members..members + start, members + OVERHEAD);
        bytes[members + OVERHEAD + start..][..len].copy_from_slice(member);
        // The starts: that of the new element, and of those behind it, which are later by its length. Of the first
        // two only the second is stored.
        let (from, value) = if index == 0 { (0, len) } else { (index - 1, start) };
        let starts = 8 * count;
        bytes.copy_within(starts + 2 * from..members, starts + 8 + 2 * from + 2);
        bytes.copy_within(starts..starts + 2 * from, starts + 8);
        bytes[starts + 8 + 2 * from..][..2].copy_from_slice(&(value as u16).to_le_bytes());
        shift_starts(&mut bytes[starts + 8 + 2 * from + 2..members + OVERHEAD], len as u16);
        bytes.copy_within(8 * index..starts, 8 * index + 8);
        bytes[8 * index..8 * index + 8].copy_from_slice(&score.to_le_bytes());
        self.count += 1;
    }

    /// Removes the element at `index`.
    pub(super) fn remove(&mut self, index: usize) {
        let count = self.count;
        if count <= 1 {
            *self = Self::default();
            return;
        }
        let (old, members, start) = (self.bytes.len(), self.members(), self.start(index));
        let len = self.start(index + 1) - start;
        let from = index.saturating_sub(1);
        let bytes = &mut self.bytes[..];
        let starts = 8 * count;
        // From the front to the back: the reverse of `insert`.
        bytes.copy_within(8 * index + 8..starts, 8 * index);
        bytes.copy_within(starts..starts + 2 * from, starts - 8);
        bytes.copy_within(starts + 2 * from + 2..members, starts - 8 + 2 * from);
        shift_starts(&mut bytes[starts - 8 + 2 * from..members - OVERHEAD], (len as u16).wrapping_neg());
        bytes.copy_within(members..members + start, members - OVERHEAD);
        bytes.copy_within(members + start + len..old, members - OVERHEAD + start);
        let new = old - OVERHEAD - len;
        self.bytes.truncate(new);
        self.count -= 1;
        if new < self.bytes.capacity() / 4 * 3 {
            self.bytes.shrink_to(class_of(new));
        }
    }

    /// A leaf with the elements of parts of others.
    fn build(parts: &[(&Self, usize, usize)]) -> Self {
        let count = parts.iter().map(|(_, from, to)| to - from).sum::<usize>();
        let len: usize = parts.iter().map(|(leaf, from, to)| leaf.start(*to) - leaf.start(*from)).sum();
        if count == 0 {
            return Self::default();
        }
        let mut bytes = Vec::with_capacity(class_of(count * OVERHEAD - 2 + len));
        for (leaf, from, to) in parts {
            bytes.extend_from_slice(&leaf.bytes[8 * from..8 * to]);
        }
        let mut start = None;
        for (leaf, from, to) in parts {
            for index in *from..*to {
                // The first start is 0 and not stored.
                if let Some(start) = start {
                    bytes.extend_from_slice(&(start as u16).to_le_bytes());
                }
                start = Some(start.unwrap_or(0) + leaf.start(index + 1) - leaf.start(index));
            }
        }
        for (leaf, from, to) in parts {
            let members = &leaf.bytes[leaf.members()..];
            bytes.extend_from_slice(&members[leaf.start(*from)..leaf.start(*to)]);
        }
        Self { bytes, count }
    }

    /// Verifies the invariants and panics with the broken one.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn check(&self) {
        for index in 1..self.count {
            let (left, right) = (index - 1, index);
            let order = compare_scores(self.score(left), self.score(right))
                .then_with(|| self.member(left).cmp(self.member(right)));
            assert!(order.is_lt(), "invariant 1");
        }
    }
}

/// Adds to starts, each of two bytes.
fn shift_starts(starts: &mut [u8], by: u16) {
    for start in starts.as_chunks_mut::<2>().0 {
        *start = u16::from_le_bytes(*start).wrapping_add(by).to_le_bytes();
    }
}

impl Leaf for ZsetLeaf {
    type Separator = Separator;

    fn len(&self) -> usize {
        self.count
    }

    fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    fn is_overfull(&self) -> bool {
        self.bytes.len() > LEAF_BYTES
    }

    fn is_underfull(&self) -> bool {
        self.bytes.len() < LEAF_BYTES / 4
    }

    fn joins(&self, right: &Self) -> bool {
        self.bytes.len() + right.bytes.len() + 2 <= LEAF_BYTES / 4 * 3
    }

    fn middle(&self) -> usize {
        let half = (self.bytes.len() - self.members()) / 2;
        let (mut low, mut high) = (1, self.count - 1);
        while low < high {
            let middle = (low + high) / 2;
            if self.start(middle) < half { low = middle + 1 } else { high = middle }
        }
        low
    }

    fn split_off(&mut self, at: usize) -> Self {
        let right = Self::build(&[(self, at, self.count)]);
        *self = Self::build(&[(self, 0, at)]);
        right
    }

    fn absorb(&mut self, right: &Self) {
        *self = Self::build(&[(self, 0, self.count), (right, 0, right.count)]);
    }

    fn remove_range(&mut self, from: usize, to: usize) {
        *self = Self::build(&[(self, 0, from), (self, to, self.count)]);
    }

    fn separator(left: &Self, right: &Self) -> Separator {
        let (last, score) = (left.count - 1, right.score(0));
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
    fn search(&self, key: ScoreKey<'_>) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = (low + high) / 2;
            let order = compare_scores(self.score(middle), key.score)
                .then_with(|| key.member.map_or(Ordering::Less, |member| self.member(middle).cmp(member)));
            match order {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }
}
