//! Walking a sorted set of either form from a rank. Nothing is allocated; a large one costs one descent for each leaf.

use crate::ordered::Leaf;
use crate::packed::{self, Element, Packed};

use super::{LargeZset, ZsetLeaf, ZsetRef, small};

/// The elements from a rank upwards.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    walk: Walk<'a>,
}

/// The elements from a rank downwards.
#[derive(Clone, Debug)]
pub struct IterBack<'a> {
    walk: Walk<'a>,
}

#[derive(Clone, Debug)]
enum Walk<'a> {
    Small(packed::Iter<'a>),
    Large {
        zset: &'a LargeZset,
        leaf: &'a ZsetLeaf,
        /// Rank of the leaf's first element.
        start: u64,
        /// Index in the leaf of the next element. Upwards it may be the leaf's length, downwards that of the one above it.
        index: usize,
    },
    Done,
}

impl<'a> Walk<'a> {
    fn at(zset: &'a LargeZset, rank: u64) -> Self {
        match zset.tree().leaf_at(rank) {
            None => Self::Done,
            Some(found) => {
                let index = (rank - found.start) as usize;
                Self::Large { zset, leaf: found.leaf, start: found.start, index }
            }
        }
    }
}

impl<'a> Iter<'a> {
    pub(super) fn new(zset: ZsetRef<'a>, rank: u64) -> Self {
        let walk = match zset {
            ZsetRef::Small(block) => {
                let pairs = Packed::new(block);
                let index = usize::try_from(rank).ok().and_then(|rank| rank.checked_mul(2));
                let at = index.and_then(|index| pairs.position(index)).unwrap_or(pairs.end());
                Walk::Small(pairs.iter_between(at, pairs.end()))
            }
            ZsetRef::Large(zset) => Walk::at(zset, rank),
        };
        Self { walk }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Element<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match &mut self.walk {
                Walk::Small(pairs) => {
                    let (_, member) = pairs.next()?;
                    let (_, score) = pairs.next()?;
                    return Some((member, small::score_of(score)));
                }
                Walk::Large { zset, leaf, start, index } => {
                    if *index < Leaf::len(*leaf) {
                        let leaf: &'a ZsetLeaf = leaf;
                        let item = (Element::Bytes(leaf.member(*index)), leaf.score(*index));
                        *index += 1;
                        return Some(item);
                    }
                    self.walk = Walk::at(zset, *start + Leaf::len(*leaf) as u64);
                }
                Walk::Done => return None,
            }
        }
    }
}

impl<'a> IterBack<'a> {
    pub(super) fn new(zset: ZsetRef<'a>, rank: u64) -> Self {
        let walk = match zset {
            ZsetRef::Small(block) => {
                let pairs = Packed::new(block);
                let behind = usize::try_from(rank).ok().and_then(|rank| rank.checked_mul(2)?.checked_add(2));
                let to = behind.and_then(|index| pairs.position(index)).unwrap_or(pairs.end());
                Walk::Small(pairs.iter_between(pairs.start(), to))
            }
            ZsetRef::Large(zset) => match Walk::at(zset, rank.min(zset.len().saturating_sub(1))) {
                Walk::Large { zset, leaf, start, index } => {
                    Walk::Large { zset, leaf, start, index: index + 1 }
                }
                other => other,
            },
        };
        Self { walk }
    }
}

impl<'a> Iterator for IterBack<'a> {
    type Item = (Element<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match &mut self.walk {
                Walk::Small(pairs) => {
                    let (_, score) = pairs.next_back()?;
                    let (_, member) = pairs.next_back()?;
                    return Some((member, small::score_of(score)));
                }
                Walk::Large { zset, leaf, start, index } => {
                    if *index > 0 {
                        let leaf: &'a ZsetLeaf = leaf;
                        *index -= 1;
                        return Some((Element::Bytes(leaf.member(*index)), leaf.score(*index)));
                    }
                    self.walk = match start.checked_sub(1).map(|rank| Walk::at(zset, rank)) {
                        Some(Walk::Large { zset, leaf, start, index }) => {
                            Walk::Large { zset, leaf, start, index: index + 1 }
                        }
                        _ => Walk::Done,
                    };
                }
                Walk::Done => return None,
            }
        }
    }
}
