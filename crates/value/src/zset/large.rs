//! The large sorted set: elements in a tree ordered by score and member, and beside it an index from a member's hash to its score.
//!
//! ```text
//!   score of "m":  index: hash(m) -> score 7.5  -> tree: is there (7.5, "m")?     rank: the same, with counting
//! ```
//! Members are stored once, in the tree. The index has 8 to 12 bytes for an element: 32 bits of the hash and the score. Another member may have
//! the same 32 bits, so what the index names is only a candidate until the tree has been asked.
//!
//! Invariants: those of the tree, of its leaves and of the index; and
//!  1. index and tree have the same number of elements, and for each in the tree there is the pair of its member's hash and its score in the index.

use crate::directory;
use crate::member_hash::{fragment, member_hash};
use crate::near::Sought;
use crate::ordered::{self, Builder, Edit, KeyedLeaf, Leaf, Ordered};
use crate::packed::{self, Element};
use crate::score_index::{ScoreIndex, ScoreLeaf};

use super::leaf::{ScoreKey, ZsetLeaf, compare_scores};
use super::{Bound, Encoding, End, ZsetRef, small};

/// A large sorted set. `Clone` is O(1) and is how it is frozen.
#[derive(Clone)]
pub struct LargeZset {
    tree: Ordered<ZsetLeaf>,
    index: ScoreIndex,
    encoding: Encoding,
}

fn key(score: f64, member: &[u8]) -> ScoreKey<'_> {
    ScoreKey { score, member: Some(member) }
}

impl Default for LargeZset {
    fn default() -> Self {
        Self::new(Encoding::Skiplist)
    }
}

impl LargeZset {
    /// A sorted set without elements.
    pub fn new(encoding: Encoding) -> Self {
        Self { tree: Ordered::new(), index: ScoreIndex::new(), encoding }
    }

    /// A sorted set with the elements of a block, which are in order.
    pub fn from_small(block: &[u8], encoding: Encoding) -> Self {
        let mut builder = ZsetBuilder::new();
        for (member, score) in ZsetRef::Small(block).iter_from(0) {
            builder.push(member.text(&mut None), score);
        }
        builder.finish(encoding)
    }

    /// A block with all elements. Meant for sets that are small enough for one; `None` if there are too many elements.
    pub fn to_small(&self) -> Option<Vec<u8>> {
        if self.len() > packed::COUNT_MAX as u64 / 2 {
            return None;
        }
        let mut block = packed::EMPTY.to_vec();
        for (member, score) in ZsetRef::Large(self).iter_from(0) {
            let mut digits = None;
            let member = Element::of(member.text(&mut digits));
            small::with_score(score, |score| packed::extend(&mut block, &[member, score]));
        }
        Some(block)
    }

    /// Names the cache lines that a search for a member's score looks at next; see [`crate::near`].
    #[inline]
    pub fn lines_near(&self, sought: &mut Sought, line: &mut impl FnMut(*const u8)) {
        self.index.lines_near(sought, line);
    }

    /// Its name.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Gives it another name; its form stays.
    pub fn set_encoding(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    /// Number of elements.
    pub fn len(&self) -> u64 {
        self.tree.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// Heap bytes, in O(1); nodes that a clone holds too are counted in both.
    pub fn heap_bytes(&self) -> u64 {
        self.tree.heap_bytes() + self.index.heap_bytes()
    }

    /// The part of [`Self::heap_bytes`] that is the index of scores.
    pub fn index_bytes(&self) -> u64 {
        self.index.heap_bytes()
    }

    /// Bytes copied so far because a clone held what was to be changed.
    pub fn copied_bytes(&self) -> u64 {
        self.tree.copied_bytes() + self.index.copied_bytes()
    }

    /// Heap bytes that clones hold too, estimated from the roots.
    pub fn shared_bytes_estimate(&self) -> u64 {
        self.tree.shared_bytes_estimate() + self.index.shared_bytes_estimate()
    }

    pub(super) fn tree(&self) -> &Ordered<ZsetLeaf> {
        &self.tree
    }

    /// A member's score.
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        self.score_of(member, member_hash(member))
    }

    fn score_of(&self, member: &[u8], hash: u64) -> Option<f64> {
        self.index.candidates(hash).find(|&score| self.tree.contains(key(score, member)))
    }

    /// A member's rank from the lowest score, and its score.
    pub fn rank(&self, member: &[u8]) -> Option<(u64, f64)> {
        self.index
            .candidates(member_hash(member))
            .find_map(|score| Some((self.tree.search(key(score, member)).ok()?, score)))
    }

    /// How many elements are before a bound.
    pub fn rank_of(&self, bound: Bound) -> u64 {
        let (score, member, after) = match bound {
            Bound::BeforeScore(score) => (score, Some(&[][..]), false),
            Bound::AfterScore(score) => (score, None, false),
            // All scores are equal, or the caller asks for something that has no answer.
            Bound::BeforeMember(member) => (self.lowest(), Some(member), false),
            Bound::AfterMember(member) => (self.lowest(), Some(member), true),
        };
        match self.tree.search(ScoreKey { score, member }) {
            Ok(rank) => rank + u64::from(after),
            Err(rank) => rank,
        }
    }

    fn lowest(&self) -> f64 {
        self.tree.first_leaf().map_or(0.0, |leaf| leaf.score(0))
    }

    /// Adds a member or gives it another score. Returns the old one.
    pub fn set(&mut self, member: &[u8], score: f64) -> Option<f64> {
        let hash = member_hash(member);
        let old = self.change(member, hash, |_| Some(score));
        if old.is_none() {
            self.index.insert(hash, score);
            self.place(member, score);
        }
        old
    }

    /// Gives a member that is there the score that `change` makes of its old one, or leaves it if that is `None`. Returns the old one;
    /// `None` if the member is not there. Cheaper than to ask for the score and then to change it.
    pub fn modify(&mut self, member: &[u8], change: impl FnMut(f64) -> Option<f64>) -> Option<f64> {
        self.change(member, member_hash(member), change)
    }

    /// Adds a member that the caller knows is not there. Returns its rank.
    pub fn insert(&mut self, member: &[u8], score: f64) -> u64 {
        self.index.insert(member_hash(member), score);
        self.place(member, score)
    }

    fn change(
        &mut self,
        member: &[u8],
        hash: u64,
        mut change: impl FnMut(f64) -> Option<f64>,
    ) -> Option<f64> {
        // What to do with a member is known before it is known whether it is there: one descent finds and changes it.
        let mut there = None;
        for old in self.index.candidates(hash) {
            let score = change(old).filter(|score| score.to_bits() != old.to_bits());
            let Some(score) = score else {
                if self.tree.contains(key(old, member)) {
                    return Some(old);
                }
                continue;
            };
            let moved = self.tree.edit_key(key(old, member), |mut leaf, _| {
                let Ok(at) = leaf.get().search(key(old, member)) else { return Edit::Done(None, 0) };
                let stays = leaf.get().keeps_between_others(at, score, member);
                match stays {
                    Some(to) => leaf.own().rescore(at, to, score),
                    None => leaf.own().remove(at),
                }
                Edit::Done(Some(stays.is_none()), at)
            });
            if let Some(moved) = moved {
                there = Some((old, score, moved));
                break;
            }
        }
        let (old, score, moved) = there?;
        self.index.replace(hash, old, score);
        if moved {
            self.place(member, score);
        }
        Some(old)
    }

    /// Puts an element into the tree.
    fn place(&mut self, member: &[u8], score: f64) -> u64 {
        self.tree.edit_key(key(score, member), |mut leaf, start| {
            let at = match leaf.get().search(key(score, member)) {
                Ok(at) | Err(at) => at,
            };
            let rank = start + at as u64;
            let there = leaf.get();
            // A large element is not moved, nor does a small one move it.
            if ZsetLeaf::is_large(member) || there.is_alone() {
                return Edit::Place(ZsetLeaf::of(score, member), at, rank);
            }
            leaf.own().insert(at, score, member);
            Edit::Done(rank, at)
        })
    }

    /// Removes a member. Returns its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let hash = member_hash(member);
        let score = self.score_of(member, hash)?;
        self.index.remove(hash, score);
        self.tree.edit_key(key(score, member), |mut leaf, _| {
            if let Ok(at) = leaf.get().search(key(score, member)) {
                leaf.own().remove(at);
            }
            Edit::Done((), 0)
        });
        Some(score)
    }

    /// Removes the element at an end after showing it to `take`. `None` if there is none.
    pub fn pop<R>(&mut self, end: End, take: impl FnOnce(&[u8], f64) -> R) -> Option<R> {
        if self.is_empty() {
            return None;
        }
        let pop = |mut leaf: ordered::Handle<ZsetLeaf>| {
            let there = leaf.get();
            let at = if end == End::Min { 0 } else { there.len() - 1 };
            let (member, score) = (there.member(at), there.score(at));
            let popped = (member_hash(member), score, take(member, score));
            leaf.own().remove(at);
            Edit::Done(popped, 0)
        };
        let (hash, score, taken) = match end {
            End::Min => self.tree.edit_first(pop),
            End::Max => self.tree.edit_last(pop),
        };
        self.index.remove(hash, score);
        Some(taken)
    }

    /// Removes the elements with ranks `from` up to `to`. What they occupied in the tree is freed by the returned teardown; the index is
    /// cleared of them at once.
    pub fn remove_range(&mut self, from: u64, to: u64) -> ordered::Teardown<ZsetLeaf> {
        let to = to.min(self.len());
        for found in self.tree.leaves_from(from) {
            if found.start >= to {
                break;
            }
            let first = from.saturating_sub(found.start) as usize;
            let end = found.leaf.len().min((to - found.start) as usize);
            for at in first..end {
                self.index.remove(member_hash(found.leaf.member(at)), found.leaf.score(at));
            }
        }
        self.tree.remove_range(from, to)
    }

    /// Shows at least `count_min` elements from `cursor` on in hash order, if there are as many, and returns the cursor to go on
    /// from, 0 at the end. Every element that is there from the first call to the last is shown exactly once, also when its
    /// score changes meanwhile.
    ///
    /// The index does not know members. Those of a score are told apart by hashing all with that score; where they are many,
    /// more than `count_min` are shown at once, so that a whole scan of n of them hashes n^1.5 members and not n^2.
    pub fn scan(&self, cursor: directory::Cursor, count_min: u64, mut show: impl FnMut(&[u8], f64)) -> u64 {
        let mut first = None;
        self.index.scan(cursor, 1, |_, score| first = first.or(Some(score)));
        let ties = first.map_or(0, |score| {
            self.rank_of(Bound::AfterScore(score)) - self.rank_of(Bound::BeforeScore(score))
        });
        let mut page: Vec<(f64, u32)> = Vec::new();
        let next =
            self.index.scan(cursor, count_min.max(ties.isqrt()), |hash, score| page.push((score, hash)));
        page.sort_unstable_by(|a, b| compare_scores(a.0, b.0).then(a.1.cmp(&b.1)));
        for group in page.chunk_by(|a, b| a.0 == b.0) {
            let score = group[0].0;
            let mut left = group.len();
            for found in self.tree.leaves_from(self.rank_of(Bound::BeforeScore(score))) {
                let from = match found.leaf.search(ScoreKey { score, member: Some(&[]) }) {
                    Ok(at) | Err(at) => at,
                };
                let end = (from..found.leaf.len()).find(|&at| found.leaf.score(at) != score);
                for at in from..end.unwrap_or(found.leaf.len()) {
                    let member = found.leaf.member(at);
                    let hash = fragment(member_hash(member));
                    if group.binary_search_by_key(&hash, |item| item.1).is_ok() {
                        show(member, found.leaf.score(at));
                        left -= 1;
                    }
                }
                if end.is_some() || left == 0 {
                    break;
                }
            }
        }
        next
    }

    /// The leaves of the tree in order, let go one by one, and the index with them.
    pub fn into_drain(self) -> ordered::Drain<ZsetLeaf> {
        self.tree.into_drain()
    }

    /// A clone to be read in order once, in O(1). It has no index, so that changes of this one need not copy theirs.
    pub fn image(&self) -> LargeZset {
        LargeZset { tree: self.tree.clone(), index: ScoreIndex::new(), encoding: self.encoding }
    }

    /// Hands the nodes over to be freed a bounded number at a time.
    pub fn into_teardown(self) -> ZsetTeardown {
        ZsetTeardown { tree: self.tree.into_teardown(), index: self.index.into_teardown() }
    }

    /// Verifies the invariants and panics with the broken one.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        self.tree.check(ZsetLeaf::check);
        self.tree.check_separators(|left, separator, right| {
            let last = left.len() - 1;
            separator.divides((left.score(last), left.member(last)), (right.score(0), right.member(0)))
        });
        self.index.check();
        assert_eq!(self.index.len(), self.tree.len(), "invariant 1: lengths");
        for found in self.tree.leaves_from(0) {
            for at in 0..found.leaf.len() {
                let (member, score) = (found.leaf.member(at), found.leaf.score(at));
                let mut candidates = self.index.candidates(member_hash(member));
                assert!(candidates.any(|there| there.to_bits() == score.to_bits()), "invariant 1");
            }
        }
    }
}

impl ZsetLeaf {
    /// Where the element at `index` would be with another score, if that is between two others of this leaf: then it can
    /// stay here whatever the neighbours are.
    fn keeps_between_others(&self, index: usize, score: f64, member: &[u8]) -> Option<usize> {
        let order =
            |at: usize| compare_scores(self.score(at), score).then_with(|| self.member(at).cmp(member));
        let len = self.len();
        // The common case: it passes nobody.
        if index > 0 && index + 1 < len && order(index - 1).is_lt() && order(index + 1).is_gt() {
            return Some(index);
        }
        let (Ok(at) | Err(at)) = self.search(key(score, member));
        // Counted without the element itself.
        let at = if at > index { at - 1 } else { at };
        (at > 0 && at + 1 < len).then_some(at)
    }
}

/// What is left of a large sorted set that is being freed. Dropping it frees the rest at once.
pub struct ZsetTeardown {
    tree: ordered::Teardown<ZsetLeaf>,
    index: directory::Teardown<ScoreLeaf>,
}

impl ZsetTeardown {
    /// Frees about `nodes_max` nodes. True when nothing is left.
    pub fn step(&mut self, nodes_max: usize) -> bool {
        if !self.tree.is_done() {
            self.tree.step(nodes_max);
            return false;
        }
        self.index.step(nodes_max)
    }
}

/// A large sorted set that is being built in ascending order, with full leaves.
#[derive(Default)]
pub struct ZsetBuilder {
    leaves: Builder<ZsetLeaf>,
    leaf: ZsetLeaf,
    index: ScoreIndex,
    /// Elements whose members share a hash with one before them: the same member with another score, or a rare chance.
    suspects: Vec<(Box<[u8]>, f64)>,
}

impl ZsetBuilder {
    /// A sorted set without elements.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an element that comes behind all others. For elements in another order there is [`LargeZset::set`].
    pub fn push(&mut self, member: &[u8], score: f64) {
        if !self.leaf.is_empty() && (!self.leaf.fits(member) || ZsetLeaf::is_large(member)) {
            self.leaves.push(std::mem::take(&mut self.leaf));
        }
        if self.leaf.is_empty() {
            self.leaf = ZsetLeaf::of(score, member);
        } else {
            let at = self.leaf.len();
            self.leaf.insert(at, score, member);
        }
        self.index.insert(member_hash(member), score);
    }

    /// The same for an element from outside, whose member may be there with another score; [`Self::finish_distinct`] then tells.
    pub fn push_suspected(&mut self, member: &[u8], score: f64) {
        if self.index.candidates(member_hash(member)).next().is_some() {
            self.suspects.push((member.into(), score));
        }
        self.push(member, score);
    }

    /// The finished sorted set.
    pub fn finish(mut self, encoding: Encoding) -> LargeZset {
        self.leaves.push(self.leaf);
        LargeZset { tree: self.leaves.finish(), index: self.index, encoding }
    }

    /// The finished sorted set; `None` if a member that was [suspected](Self::push_suspected) is in it twice.
    pub fn finish_distinct(mut self, encoding: Encoding) -> Option<LargeZset> {
        let suspects = std::mem::take(&mut self.suspects);
        let zset = self.finish(encoding);
        let is_twice = |(member, score): &(Box<[u8]>, f64)| {
            let others = zset.index.candidates(member_hash(member));
            others.filter(|other| *other != *score).any(|other| zset.tree.contains(key(other, member)))
        };
        if suspects.iter().any(is_twice) { None } else { Some(zset) }
    }
}

impl std::fmt::Debug for LargeZset {
    /// Shape only; the content may be of any size.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LargeZset").field("tree", &self.tree).field("encoding", &self.encoding).finish()
    }
}
