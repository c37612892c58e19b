//! From a member's hash to its score: the index beside a large sorted set's ordered tree, at about 12 bytes an item.
//!
//! It holds no members. For a hash it names the scores that a member with that hash can have, nearly always one; the ordered tree
//! then tells whether the member is there. Invariants, freezing and bounds are those of [`crate::directory`].
//!
//! ```text
//!   leaf: one buffer of words   [ fragments, ascending | room ][ scores, two words each | room ]
//! ```

use std::sync::Arc;

use crate::directory::search::lower_bound;
use crate::directory::{Cursor, Directory, Drain, Leaf, Teardown};
use crate::member_hash::fragment;
use crate::room::{ARC_HEADER, capacity_for, zeroed_words};

/// Bytes of an item.
const ITEM: usize = 12;

/// Words of an item.
const ITEM_WORDS: usize = ITEM / 4;

/// A leaf of a [`ScoreIndex`].
#[derive(Clone, Default)]
pub struct ScoreLeaf {
    /// Room for a number of fragments and then for as many scores; absent when there never was an item.
    words: Option<Arc<[u32]>>,
    len: u32,
}

impl ScoreLeaf {
    fn words(&self) -> &[u32] {
        self.words.as_deref().unwrap_or(&[])
    }

    fn capacity(&self) -> usize {
        self.words().len() / ITEM_WORDS
    }

    fn fragments(&self) -> &[u32] {
        &self.words()[..self.len as usize]
    }

    fn scores(&self) -> &[u32] {
        let start = self.capacity();
        &self.words()[start..start + 2 * self.len as usize]
    }

    /// The score of the item at `index`, which is less than the length.
    pub fn score(&self, index: usize) -> f64 {
        let at = self.capacity() + 2 * index;
        let words = self.words();
        f64::from_bits(u64::from(words[at]) | u64::from(words[at + 1]) << 32)
    }

    fn bound_near(&self, position: u32, guess: usize) -> usize {
        lower_bound(self.fragments(), guess, position, |fragment| fragment)
    }

    fn find(&self, position: u32, guess: usize, score: f64) -> Option<usize> {
        let start = self.bound_near(position, guess);
        (start..self.len())
            .take_while(|&index| self.position(index) == position)
            .find(|&index| self.score(index) == score)
    }

    /// The buffer for changing. It was made this leaf's own before (invariant 8 of the directory).
    fn words_mut(&mut self) -> &mut [u32] {
        self.words.as_mut().and_then(Arc::get_mut).unwrap_or(&mut [])
    }

    fn set_score(&mut self, index: usize, score: f64) {
        let at = self.capacity() + 2 * index;
        let bits = score.to_bits();
        self.words_mut()[at..at + 2].copy_from_slice(&[bits as u32, (bits >> 32) as u32]);
    }

    /// A leaf with the items of both slices and room for `capacity` items.
    fn build(capacity: usize, fragments: [&[u32]; 2], scores: [&[u32]; 2]) -> Self {
        let capacity = capacity_for(capacity * ITEM) / ITEM;
        let len = fragments[0].len() + fragments[1].len();
        if len == 0 {
            return Self::default();
        }
        let mut words = zeroed_words(capacity * ITEM_WORDS);
        if let Some(words) = Arc::get_mut(&mut words) {
            let middle = fragments[0].len();
            words[..middle].copy_from_slice(fragments[0]);
            words[middle..len].copy_from_slice(fragments[1]);
            let scores_mut = &mut words[capacity..capacity + 2 * len];
            scores_mut[..2 * middle].copy_from_slice(scores[0]);
            scores_mut[2 * middle..].copy_from_slice(scores[1]);
        }
        Self { words: Some(words), len: len as u32 }
    }

    fn resize(&mut self, capacity: usize) {
        *self = Self::build(capacity, [self.fragments(), &[]], [self.scores(), &[]]);
    }

    pub(crate) fn insert(&mut self, position: u32, guess: usize, score: f64) {
        let (len, at) = (self.len(), self.bound_near(position, guess));
        if len == 0 {
            let bits = score.to_bits();
            *self = Self::build(1, [&[position], &[]], [&[bits as u32, (bits >> 32) as u32], &[]]);
            return;
        }
        if len == self.capacity() {
            self.resize(len + 1);
        }
        let start = self.capacity();
        let words = self.words_mut();
        words.copy_within(at..len, at + 1);
        words[at] = position;
        words.copy_within(start + 2 * at..start + 2 * len, start + 2 * at + 2);
        self.len += 1;
        self.set_score(at, score);
    }

    fn remove(&mut self, at: usize) {
        let (len, start) = (self.len(), self.capacity());
        let words = self.words_mut();
        words.copy_within(at + 1..len, at);
        words.copy_within(start + 2 * at + 2..start + 2 * len, start + 2 * at);
        self.len -= 1;
        // A class less is enough, and one more removal away from it.
        if self.capacity() > capacity_for((len + len / 8) * ITEM) / ITEM || len == 1 {
            self.resize(len - 1);
        }
    }
}

impl Leaf for ScoreLeaf {
    fn len(&self) -> usize {
        self.len as usize
    }

    fn size(&self) -> usize {
        self.len() * ITEM
    }

    fn heap_bytes(&self) -> u64 {
        self.words.as_ref().map_or(0, |words| (ARC_HEADER + words.len() * 4) as u64)
    }

    fn position(&self, index: usize) -> u32 {
        self.words()[index]
    }

    fn is_shared(&self) -> bool {
        self.words.as_ref().is_some_and(|words| Arc::strong_count(words) > 1)
    }

    fn own(&mut self) -> u64 {
        if !self.is_shared() {
            return 0;
        }
        self.resize(self.len() + 1);
        self.heap_bytes()
    }

    fn cut(&mut self, index: usize) -> Self {
        let (low, high) = self.fragments().split_at(index);
        let (low_scores, high_scores) = self.scores().split_at(2 * index);
        let upper = Self::build(high.len(), [high, &[]], [high_scores, &[]]);
        *self = Self::build(low.len(), [low, &[]], [low_scores, &[]]);
        upper
    }

    fn join(&mut self, upper: Self) {
        *self = Self::build(
            self.len() + upper.len(),
            [self.fragments(), upper.fragments()],
            [self.scores(), upper.scores()],
        );
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
        let (_, guess) = self.directory.locate(position);
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
            .take_while(move |&&fragment| fragment == position)
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
