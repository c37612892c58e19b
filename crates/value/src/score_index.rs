//! From a member's hash to its score: the index beside a large sorted set's ordered tree, at 8 to 12 bytes an item.
//!
//! It holds no members. For a hash it names the scores that a member with that hash can have, nearly always one; the ordered tree
//! then tells whether the member is there. Invariants, freezing and bounds are those of [`crate::directory`].
//!
//! ```text
//!   leaf: one buffer   [ fragments, 4 bytes each, ascending | room ][ scores, `width` bytes each | room ]
//! ```
//! Scores are mostly whole numbers: ranks, points, times. While all of a leaf are whole, not negative and below 2^56, they are stored
//! as integers in as many bytes as the largest needs, at least 4; else each is the 8 bytes of the float. A leaf becomes wider when
//! a score asks for it, and narrower again only when it is cut or joined.

use std::sync::Arc;

use crate::directory::search::{WINDOW, lower_bound};
use crate::directory::{Cursor, Directory, Drain, Leaf, Teardown};
use crate::member_hash::fragment;
use crate::near::{Sought, Station};
use crate::room::{ARC_HEADER, capacity_for, zeroed};

/// Bytes of a fragment.
const FRAGMENT: usize = 4;

/// Bytes of a score that is stored as a float.
const FLOAT: usize = 8;

/// Fewest bytes of a score: fewer would make small leaves wider over and over.
const WIDTH_MIN: usize = 4;

/// A leaf of a [`ScoreIndex`].
#[derive(Clone, Default)]
pub struct ScoreLeaf {
    /// Room for a number of fragments and then for as many scores; absent when there is no item.
    bytes: Option<Arc<[u8]>>,
    len: u32,
    /// Bytes of a score; 0 when there is no item.
    width: u8,
}

/// Bytes that a score needs.
#[inline]
fn width_of(score: f64) -> usize {
    let whole = score as u64;
    // The sign of -0 has to be kept.
    if whole as f64 != score || score.is_sign_negative() || whole >> 56 != 0 {
        return FLOAT;
    }
    (8 - whole.leading_zeros() as usize / 8).max(WIDTH_MIN)
}

/// A score as it is stored in `width` bytes, which are the first of these.
#[inline]
fn stored(score: f64, width: usize) -> [u8; 8] {
    if width == FLOAT { score.to_le_bytes() } else { (score as u64).to_le_bytes() }
}

impl ScoreLeaf {
    fn bytes(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or(&[])
    }

    fn width(&self) -> usize {
        usize::from(self.width)
    }

    /// Bytes of an item.
    fn item(&self) -> usize {
        FRAGMENT + self.width()
    }

    fn capacity(&self) -> usize {
        self.bytes().len() / self.item()
    }

    fn fragments(&self) -> &[[u8; FRAGMENT]] {
        self.bytes()[..FRAGMENT * self.len as usize].as_chunks().0
    }

    /// Where the score of the item at `index` is stored.
    fn score_at(&self, index: usize) -> usize {
        FRAGMENT * self.capacity() + self.width() * index
    }

    /// The score of the item at `index`, which is less than the length.
    pub fn score(&self, index: usize) -> f64 {
        let (at, width) = (self.score_at(index), self.width());
        let mut raw = [0; 8];
        raw[..width].copy_from_slice(&self.bytes()[at..at + width]);
        if width == FLOAT { f64::from_le_bytes(raw) } else { u64::from_le_bytes(raw) as f64 }
    }

    fn bound_near(&self, position: u32, guess: usize) -> usize {
        lower_bound(self.fragments(), guess, position, u32::from_le_bytes)
    }

    fn find(&self, position: u32, guess: usize, score: f64) -> Option<usize> {
        let start = self.bound_near(position, guess);
        (start..self.len())
            .take_while(|&index| self.position(index) == position)
            .find(|&index| self.score(index) == score)
    }

    /// The buffer for changing. It was made this leaf's own before (invariant 8 of the directory).
    fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.as_mut().and_then(Arc::get_mut).unwrap_or(&mut [])
    }

    /// Writes a score into a place that is wide enough.
    fn write_score(&mut self, index: usize, score: f64) {
        let (at, width) = (self.score_at(index), self.width());
        self.bytes_mut()[at..at + width].copy_from_slice(&stored(score, width)[..width]);
    }

    fn set_score(&mut self, index: usize, score: f64) {
        if width_of(score) > self.width() {
            self.resize(self.len(), width_of(score));
        }
        self.write_score(index, score);
    }

    /// A leaf with the items of ranges of others, one behind the other, and room for `capacity` items of at least `width` bytes.
    fn build(sources: &[(&Self, std::ops::Range<usize>)], capacity: usize, width: usize) -> Self {
        let len = sources.iter().map(|(_, range)| range.len()).sum::<usize>();
        if capacity == 0 {
            return Self::default();
        }
        let mut built = Self { bytes: None, len: len as u32, width: width as u8 };
        let mut buffer = zeroed(capacity_for(capacity * built.item()));
        let capacity = buffer.len() / built.item();
        let mut at = 0;
        if let Some(bytes) = Arc::get_mut(&mut buffer) {
            let (fragments, scores) = bytes.split_at_mut(FRAGMENT * capacity);
            for (leaf, range) in sources {
                let end = at + range.len();
                fragments[FRAGMENT * at..FRAGMENT * end]
                    .copy_from_slice(leaf.fragments()[range.clone()].as_flattened());
                let scores = &mut scores[width * at..width * end];
                if leaf.width() == width && !range.is_empty() {
                    let from = leaf.score_at(range.start);
                    scores.copy_from_slice(&leaf.bytes()[from..from + scores.len()]);
                } else {
                    for (place, index) in scores.chunks_exact_mut(width).zip(range.clone()) {
                        place.copy_from_slice(&stored(leaf.score(index), width)[..width]);
                    }
                }
                at = end;
            }
        }
        built.bytes = Some(buffer);
        built
    }

    /// The bytes that a score of a range needs at most.
    fn width_in(&self, range: std::ops::Range<usize>) -> usize {
        if self.width() <= WIDTH_MIN {
            return self.width();
        }
        range.map(|index| width_of(self.score(index))).max().unwrap_or(0)
    }

    fn resize(&mut self, capacity: usize, width: usize) {
        *self = Self::build(&[(self, 0..self.len())], capacity, width);
    }

    pub(crate) fn insert(&mut self, position: u32, guess: usize, score: f64) {
        let (len, at) = (self.len(), self.bound_near(position, guess));
        let width = width_of(score).max(self.width());
        if len == self.capacity() || width > self.width() {
            self.resize(len + 1, width);
        }
        let start = self.score_at(0);
        let bytes = self.bytes_mut();
        bytes.copy_within(FRAGMENT * at..FRAGMENT * len, FRAGMENT * (at + 1));
        bytes[FRAGMENT * at..FRAGMENT * (at + 1)].copy_from_slice(&position.to_le_bytes());
        bytes.copy_within(start + width * at..start + width * len, start + width * (at + 1));
        self.len += 1;
        self.write_score(at, score);
    }

    fn remove(&mut self, at: usize) {
        let (len, start, width) = (self.len(), self.score_at(0), self.width());
        let bytes = self.bytes_mut();
        bytes.copy_within(FRAGMENT * (at + 1)..FRAGMENT * len, FRAGMENT * at);
        bytes.copy_within(start + width * (at + 1)..start + width * len, start + width * at);
        self.len -= 1;
        // A class less is enough, and one more removal away from it.
        if self.bytes().len() > capacity_for((len + len / 8) * self.item()) || len == 1 {
            self.resize(len - 1, width);
        }
    }
}

impl Leaf for ScoreLeaf {
    /// An item is what the leaf is searched by: there is nothing behind it.
    #[inline]
    fn lines_near(&self, sought: &Sought, guess: usize, line: &mut impl FnMut(*const u8)) -> Station {
        let Some(bytes) = self.bytes.as_deref().filter(|_| self.len > 0) else { return Station::Done };
        let at = |offset: usize| bytes.as_ptr().wrapping_add(offset);
        let guess = guess.min(self.len() - 1);
        let first = FRAGMENT * guess.saturating_sub(WINDOW / 2);
        line(at(first));
        line(at(first + FRAGMENT * WINDOW));
        line(at(self.score_at(guess)));
        if sought.is_changed {
            line(bytes.as_ptr().wrapping_sub(ARC_HEADER));
        }
        Station::Done
    }

    fn len(&self) -> usize {
        self.len as usize
    }

    /// Of leaves of different widths the joined one can be half as large again as both: still far from being cut.
    fn size(&self) -> usize {
        self.len() * self.item()
    }

    fn heap_bytes(&self) -> u64 {
        self.bytes.as_ref().map_or(0, |bytes| (ARC_HEADER + bytes.len()) as u64)
    }

    fn position(&self, index: usize) -> u32 {
        u32::from_le_bytes(self.fragments()[index])
    }

    fn is_shared(&self) -> bool {
        self.bytes.as_ref().is_some_and(|bytes| Arc::strong_count(bytes) > 1)
    }

    fn own(&mut self) -> u64 {
        if !self.is_shared() {
            return 0;
        }
        self.resize(self.len() + 1, self.width());
        self.heap_bytes()
    }

    fn cut(&mut self, index: usize) -> Self {
        let [low, high] = [0..index, index..self.len()].map(|range| {
            let (len, width) = (range.len(), self.width_in(range.clone()));
            Self::build(&[(self, range)], len, width)
        });
        *self = low;
        high
    }

    fn vacate(&mut self) {
        *self = Self { len: self.len, ..Self::default() };
    }

    fn is_vacant(&self) -> bool {
        self.len > 0 && self.bytes.is_none()
    }

    fn join(&mut self, upper: Self) {
        let (low, high) = (0..self.len(), 0..upper.len());
        let width = self.width_in(low.clone()).max(upper.width_in(high.clone()));
        let len = low.len() + high.len();
        *self = Self::build(&[(self, low), (&upper, high)], len, width);
    }

    fn lower_bound(&self, position: u32) -> usize {
        self.bound_near(position, 0)
    }
}

/// A copy-on-write multimap from hashes to scores. `Clone` is O(1) and is how it is frozen.
#[derive(Clone, Default)]
pub struct ScoreIndex {
    directory: Directory<ScoreLeaf>,
}

impl ScoreIndex {
    /// An empty index; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the cache lines that a search looks at next; see [`crate::near`].
    #[inline]
    pub fn lines_near(&self, sought: &mut Sought, line: &mut impl FnMut(*const u8)) {
        self.directory.lines_near(sought, line);
    }

    /// Number of items.
    pub fn len(&self) -> u64 {
        self.directory.len()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.directory.is_empty()
    }

    /// Heap bytes reached from here, in O(1); what clones share is counted in each of them.
    pub fn heap_bytes(&self) -> u64 {
        self.directory.heap_bytes()
    }

    /// Bytes copied so far because a clone held what was to be changed.
    pub fn copied_bytes(&self) -> u64 {
        self.directory.copied_bytes()
    }

    /// Heap bytes that clones hold too, estimated in O(1).
    pub fn shared_bytes_estimate(&self) -> u64 {
        self.directory.shared_bytes_estimate()
    }

    /// Adds an item. Whether the member is already there is for the caller to know.
    pub fn insert(&mut self, hash: u64, score: f64) {
        let position = fragment(hash);
        let (leaf, guess) = self.directory.locate(position);
        leaf.fetch_counts();
        self.directory.change(position, |leaf| leaf.insert(position, guess, score));
    }

    /// Removes one item with this hash and score; false if there is none.
    pub fn remove(&mut self, hash: u64, score: f64) -> bool {
        let position = fragment(hash);
        let (leaf, guess) = self.directory.locate(position);
        let Some(at) = leaf.find(position, guess, score) else { return false };
        self.directory.change(position, |leaf| leaf.remove(at));
        true
    }

    /// Changes the score of one item with this hash and the score `old`; false if there is none.
    pub fn replace(&mut self, hash: u64, old: f64, new: f64) -> bool {
        let position = fragment(hash);
        let (leaf, guess) = self.directory.locate(position);
        leaf.fetch_counts();
        let Some(at) = leaf.find(position, guess, old) else { return false };
        self.directory.change(position, |leaf| leaf.set_score(at, new));
        true
    }

    /// The scores that a member with this hash can have, in no order. Another member may have the same fragment of a hash, so
    /// the ordered tree decides.
    pub fn candidates(&self, hash: u64) -> impl Iterator<Item = f64> + '_ {
        let position = fragment(hash);
        let (leaf, guess) = self.directory.locate(position);
        let start = leaf.bound_near(position, guess);
        leaf.fragments()[start..]
            .iter()
            .take_while(move |&&fragment| u32::from_le_bytes(fragment) == position)
            .zip(start..)
            .map(move |(_, index)| leaf.score(index))
    }

    /// Shows at least `count_min` items from `cursor` on (fragment of the hash, score), and returns the cursor to go on from:
    /// see [`Directory::scan`].
    pub fn scan(&self, cursor: Cursor, count_min: u64, mut show: impl FnMut(u32, f64)) -> Cursor {
        self.directory.scan(cursor, count_min, |leaf, range| {
            range.for_each(|index| show(leaf.position(index), leaf.score(index)));
        })
    }

    /// The leaves in hash order, each let go when its reader is done with it.
    pub fn into_drain(self) -> Drain<ScoreLeaf> {
        self.directory.into_drain()
    }

    /// Hands everything over to be freed a bounded number of nodes at a time.
    pub fn into_teardown(self) -> Teardown<ScoreLeaf> {
        self.directory.into_teardown()
    }

    /// Verifies the invariants of the directory.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        self.directory.check();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_is_kept_to_the_bit_in_the_bytes_it_needs() {
        for (score, width) in [
            (0.0, 4),
            (4_294_967_295.0, 4),
            (4_294_967_296.0, 5),
            (f64::from_bits(0x435F_FFFF_FFFF_FFFF), 7),
            ((1u64 << 55) as f64, 7),
            ((1u64 << 56) as f64, 8),
            (-0.0, 8),
            (-1.0, 8),
            (0.5, 8),
            (1e300, 8),
            (f64::INFINITY, 8),
            (f64::NEG_INFINITY, 8),
        ] {
            assert_eq!(width_of(score), width, "{score}");
            // Beside narrow ones, before and after it came, and where it takes another's place.
            let mut index = ScoreIndex::new();
            (1..50u64).for_each(|hash| index.insert(hash << 32, hash as f64));
            index.insert(50 << 32, score);
            assert!(index.replace(7 << 32, 7.0, score));
            index.insert(51 << 32, 51.0);
            let bits = |hash: u64| index.candidates(hash << 32).map(f64::to_bits).collect::<Vec<_>>();
            for hash in 1..52 {
                let expected = if hash == 7 || hash == 50 { score } else { hash as f64 };
                assert_eq!(bits(hash), [expected.to_bits()], "{score} of {hash}");
            }
            index.check();
        }
    }

    #[test]
    fn whole_scores_cost_fewer_bytes() {
        let bytes = |score: fn(u64) -> f64| {
            let mut index = ScoreIndex::new();
            (0..20_000u64).for_each(|i| index.insert(i.wrapping_mul(0x9E37_79B9_7F4A_7C15), score(i)));
            index.heap_bytes() / 20_000
        };
        assert!(bytes(|i| i as f64) < 10);
        assert!(bytes(|i| i as f64 + 0.5) < 15);
    }
}
