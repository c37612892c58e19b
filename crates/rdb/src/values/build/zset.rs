//! Building a sorted set, in whatever order its elements come.
//!
//! ```text
//!   few            a block
//!   ascending      leaves, filled one after the other: what this crate writes
//!   descending     chunks, poured from the end into leaves and freed on the way: what Redis writes
//!   anything else  the leaves so far become a set that the others are added to
//! ```

use std::cmp::Ordering;

use value::Large;
use value::packed::BLOCK_MAX;
use value::zset::{Encoding, LargeZset, ZsetBuilder, small};

use super::{Built, Small, TWICE, Thresholds, copy_body, fits};
use crate::error::Fault;
use crate::object::{Packed, Taken};

/// Bytes of members after which a chunk is full.
const CHUNK: usize = 256 * 1024;

pub(super) struct ZsetBuild {
    encoding: Encoding,
    elements: Elements,
}

enum Elements {
    Block,
    First(Option<(f64, Vec<u8>)>),
    Ascending { builder: Box<ZsetBuilder>, last: (f64, Vec<u8>) },
    Descending(Vec<Chunk>),
    Set(Box<LargeZset>),
}

/// Elements in the order in which they came.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// Score, and where the member ends.
    ends: Vec<(f64, usize)>,
}

impl Chunk {
    fn push(&mut self, member: &[u8], score: f64) {
        self.bytes.extend_from_slice(member);
        self.ends.push((score, self.bytes.len()));
    }

    /// The elements from the last to the first.
    fn back(&self) -> impl Iterator<Item = (&[u8], f64)> {
        (0..self.ends.len()).rev().map(|at| {
            let start = if at == 0 { 0 } else { self.ends[at - 1].1 };
            let (score, end) = self.ends[at];
            (&self.bytes[start..end], score)
        })
    }
}

fn compare(a: (f64, &[u8]), b: (f64, &[u8])) -> Ordering {
    // No score is NaN.
    a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal).then_with(|| a.1.cmp(b.1))
}

impl ZsetBuild {
    pub(super) fn begin(count: Option<u64>, thresholds: &Thresholds, block: &mut Vec<u8>) -> Self {
        block.clear();
        block.extend_from_slice(&value::packed::EMPTY);
        if count.is_some_and(|count| count > thresholds.zset_entries_max) {
            return Self { encoding: Encoding::Skiplist, elements: Elements::First(None) };
        }
        Self { encoding: Encoding::Listpack, elements: Elements::Block }
    }

    pub(super) fn packed(&mut self, node: Packed<'_>, thresholds: &Thresholds, block: &mut Vec<u8>) -> Taken {
        if node.count / 2 > thresholds.zset_entries_max {
            *self = Self { encoding: Encoding::Skiplist, elements: Elements::First(None) };
        } else if !fits(node) {
            *self = Self { encoding: Encoding::Listpack, elements: Elements::First(None) };
        } else {
            copy_body(node, block);
            self.elements = Elements::Block;
            return Taken::Whole;
        }
        Taken::No
    }

    pub(super) fn add(
        &mut self,
        member: &[u8],
        score: f64,
        thresholds: &Thresholds,
        block: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if let Elements::Block = self.elements {
            let is_long = member.len() > thresholds.zset_value_max;
            if !is_long && block.len() + small::pair_len(member, score) <= BLOCK_MAX {
                let old = small::set(block, member, score);
                return if old.is_none() { Ok(()) } else { Err(TWICE) };
            }
            if is_long {
                self.encoding = Encoding::Skiplist;
            }
            self.elements = Elements::Set(Box::new(LargeZset::from_small(block, self.encoding)));
        } else if member.len() > thresholds.zset_value_max && matches!(self.elements, Elements::Set(_)) {
            // It has left the block and would still be called a listpack.
            self.encoding = Encoding::Skiplist;
        }
        self.add_large(member, score)
    }

    fn add_large(&mut self, member: &[u8], score: f64) -> Result<(), Fault> {
        match &mut self.elements {
            Elements::Block => {}
            Elements::First(first @ None) => *first = Some((score, member.to_vec())),
            Elements::First(Some((first_score, first))) => {
                self.elements = match compare((*first_score, first), (score, member)) {
                    Ordering::Equal => return Err(TWICE),
                    Ordering::Less => {
                        let mut builder = Box::<ZsetBuilder>::default();
                        builder.push_suspected(first, *first_score);
                        builder.push_suspected(member, score);
                        Elements::Ascending { builder, last: (score, member.to_vec()) }
                    }
                    Ordering::Greater => {
                        let mut chunk = Chunk::default();
                        chunk.push(first, *first_score);
                        chunk.push(member, score);
                        Elements::Descending(vec![chunk])
                    }
                };
            }
            Elements::Ascending { builder, last } => {
                if compare((last.0, &last.1), (score, member)) == Ordering::Less {
                    builder.push_suspected(member, score);
                    last.0 = score;
                    last.1.clear();
                    last.1.extend_from_slice(member);
                    return Ok(());
                }
                return self.insert(member, score);
            }
            Elements::Descending(chunks) => {
                let Some(chunk) = chunks.last_mut() else { return Ok(()) };
                let is_below = chunk.back().next().is_none_or(|(last, last_score)| {
                    compare((last_score, last), (score, member)) == Ordering::Greater
                });
                if !is_below {
                    return self.insert(member, score);
                }
                if chunk.bytes.len() < CHUNK {
                    chunk.push(member, score);
                } else {
                    let mut next = Chunk::default();
                    next.push(member, score);
                    chunks.push(next);
                }
            }
            Elements::Set(_) => return self.insert(member, score),
        }
        Ok(())
    }

    /// Adds an element that comes in no order.
    fn insert(&mut self, member: &[u8], score: f64) -> Result<(), Fault> {
        let set = self.set()?;
        if set.set(member, score).is_some() { Err(TWICE) } else { Ok(()) }
    }

    /// The elements so far as a set.
    fn set(&mut self) -> Result<&mut LargeZset, Fault> {
        let done = match std::mem::replace(&mut self.elements, Elements::First(None)) {
            Elements::Set(set) => set,
            Elements::Block | Elements::First(None) => Box::new(LargeZset::new(self.encoding)),
            Elements::First(Some((score, member))) => {
                let mut set = LargeZset::new(self.encoding);
                set.insert(&member, score);
                Box::new(set)
            }
            Elements::Ascending { builder, .. } => {
                Box::new(builder.finish_distinct(self.encoding).ok_or(TWICE)?)
            }
            Elements::Descending(mut chunks) => {
                let mut builder = ZsetBuilder::new();
                while let Some(chunk) = chunks.pop() {
                    chunk.back().for_each(|(member, score)| builder.push_suspected(member, score));
                }
                Box::new(builder.finish_distinct(self.encoding).ok_or(TWICE)?)
            }
        };
        self.elements = Elements::Set(done);
        match &mut self.elements {
            Elements::Set(set) => Ok(set),
            _ => unreachable!("set just now"),
        }
    }

    /// Everything has come.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        if !matches!(self.elements, Elements::Block) {
            let encoding = self.encoding;
            self.set()?.set_encoding(encoding);
        }
        Ok(())
    }

    pub(super) fn finish(self, block: &[u8]) -> Option<Built<'_>> {
        match self.elements {
            Elements::Block => Some(Built::Small(Small::Zset(block))),
            Elements::Set(set) => Some(Built::Large(Large::Zset(set))),
            // Not ended.
            _ => None,
        }
    }
}
