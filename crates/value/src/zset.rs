//! Sorted sets: a flat block of pairs while small, an ordered tree beside an index of scores when large.
//!
//! It knows no command, no flag and no reply, and takes no decision about names: `listpack` or `skiplist` follows the thresholds of
//! the caller, and a small one that outgrows [`packed::BLOCK_MAX`](crate::packed::BLOCK_MAX) has to become large, whatever it is called.
//!
//! | Module | Content |
//! |---|---|
//! | `small` | the small form: finding, changing, ranks by walking |
//! | `large` | the large form |
//! | `leaf` | the packed leaf of the ordered tree |
//! | `iter` | walking either from a rank, forward and backward |
//!
//! Order everywhere: score, then the member's bytes. `-0` and `0` are equal but both are kept as given; a score is never NaN.

mod iter;
mod large;
mod leaf;
pub mod small;
#[cfg(test)]
mod tests;

use crate::packed::{Element, Packed};

pub use iter::{Iter, IterBack};
pub use large::{LargeZset, ZsetBuilder, ZsetTeardown};
pub use leaf::{ScoreKey, Separator, ZsetLeaf};

/// A sorted set's name in `OBJECT ENCODING`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// One listpack.
    Listpack,
    /// A skiplist and a hash table.
    Skiplist,
}

impl Encoding {
    /// The name in the reply of OBJECT ENCODING.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listpack => "listpack",
            Self::Skiplist => "skiplist",
        }
    }
}

/// One of a sorted set's ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The lowest score.
    Min,
    /// The highest score.
    Max,
}

/// A place between two elements, given by what is before it.
#[derive(Clone, Copy, Debug)]
pub enum Bound<'k> {
    /// Behind the elements with a lower score.
    BeforeScore(f64),
    /// Behind the elements with this or a lower score.
    AfterScore(f64),
    /// Behind the elements with a lower member, in a set in which all scores are equal.
    BeforeMember(&'k [u8]),
    /// Behind the elements with this or a lower member, in a set in which all scores are equal.
    AfterMember(&'k [u8]),
}

/// A sorted set to read, in either form.
#[derive(Clone, Copy, Debug)]
pub enum ZsetRef<'a> {
    /// The bytes of a block: member, score, member, score.
    Small(&'a [u8]),
    /// A large sorted set.
    Large(&'a LargeZset),
}

impl<'a> ZsetRef<'a> {
    /// Number of elements.
    pub fn len(self) -> u64 {
        match self {
            Self::Small(block) => Packed::new(block).count() as u64 / 2,
            Self::Large(zset) => zset.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// A member's score.
    pub fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Self::Small(block) => small::find(block, member).map(|(_, score)| score),
            Self::Large(zset) => zset.score(member),
        }
    }

    /// A member's rank from the lowest score, and its score.
    pub fn rank(self, member: &[u8]) -> Option<(u64, f64)> {
        match self {
            Self::Small(block) => small::rank(block, member),
            Self::Large(zset) => zset.rank(member),
        }
    }

    /// The element with a rank.
    pub fn get(self, rank: u64) -> Option<(Element<'a>, f64)> {
        self.iter_from(rank).next()
    }

    /// How many elements are before a bound. The difference of two is the size of a range.
    pub fn rank_of(self, bound: Bound) -> u64 {
        match self {
            Self::Small(block) => small::rank_of(block, bound),
            Self::Large(zset) => zset.rank_of(bound),
        }
    }

    /// The elements from a rank upwards.
    pub fn iter_from(self, rank: u64) -> Iter<'a> {
        Iter::new(self, rank)
    }

    /// The elements from a rank downwards.
    pub fn iter_back_from(self, rank: u64) -> IterBack<'a> {
        IterBack::new(self, rank)
    }
}
