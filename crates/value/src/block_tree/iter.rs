//! Reading a block tree: as runs, as slices, and as handles that keep their blocks. Changes nothing.

use std::ops::{Bound, Deref, RangeBounds};
use std::sync::Arc;

use super::node::{BLOCK, Leaf};
use super::{BlockTree, Found, ZEROS, in_block};

/// Start and end of a range, cut to `len`; start never exceeds end.
pub(crate) fn clip(range: impl RangeBounds<u64>, len: u64) -> (u64, u64) {
    let start = match range.start_bound() {
        Bound::Included(&start) => start,
        Bound::Excluded(&before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&last) => last.saturating_add(1),
        Bound::Excluded(&end) => end,
        Bound::Unbounded => len,
    };
    let end = end.min(len);
    (start.min(end), end)
}

/// A stretch of a string: bytes of one block, or a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run<'a> {
    /// Bytes of one block.
    Data(&'a [u8]),
    /// So many zeros that occupy no memory.
    Zeros(u64),
}

/// Iterator over the runs of a range; see [`BlockTree::runs`].
#[derive(Clone)]
pub struct Runs<'a> {
    tree: &'a BlockTree,
    at: u64,
    end: u64,
}

impl<'a> Runs<'a> {
    pub(super) fn new(tree: &'a BlockTree, range: impl RangeBounds<u64>) -> Self {
        let (at, end) = clip(range, tree.len);
        Self { tree, at, end }
    }

    /// The next run, with the block it lies in.
    fn step(&mut self) -> Option<(Run<'a>, Option<&'a Arc<Leaf>>)> {
        if self.at >= self.end {
            return None;
        }
        let rest = self.end - self.at;
        let at = self.at;
        Some(match self.tree.find(at) {
            Found::Leaf(leaf) => {
                let start = in_block(at);
                let count = rest.min((BLOCK - start) as u64);
                self.at += count;
                (Run::Data(&leaf.bytes()[start..start + count as usize]), Some(leaf))
            }
            Found::Hole(mut hole_end) => {
                // What is absent on one level often goes on on the next: at most 63 siblings a level.
                while hole_end < self.end
                    && let Found::Hole(further) = self.tree.find(hole_end)
                {
                    hole_end = further;
                }
                let count = rest.min(hole_end - at);
                self.at += count;
                (Run::Zeros(count), None)
            }
        })
    }
}

impl<'a> Iterator for Runs<'a> {
    type Item = Run<'a>;

    fn next(&mut self) -> Option<Run<'a>> {
        self.step().map(|(run, _)| run)
    }
}

/// Iterator over the bytes of a range in slices; see [`BlockTree::read`].
#[derive(Clone)]
pub struct Chunks<'a> {
    runs: Option<Runs<'a>>,
    flat: &'a [u8],
    zeros: u64,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(runs: Runs<'a>) -> Self {
        Self { runs: Some(runs), flat: &[], zeros: 0 }
    }

    /// A single piece of contiguous memory, for strings that are no trees.
    pub(crate) fn flat(flat: &'a [u8]) -> Self {
        Self { runs: None, flat, zeros: 0 }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.zeros == 0 {
            let Some(runs) = &mut self.runs else {
                let flat = std::mem::take(&mut self.flat);
                return (!flat.is_empty()).then_some(flat);
            };
            match runs.next()? {
                Run::Data(data) => return Some(data),
                Run::Zeros(count) => self.zeros = count,
            }
        }
        let count = self.zeros.min(ZEROS.len() as u64);
        self.zeros -= count;
        Some(&ZEROS[..count as usize])
    }
}

/// A piece of a string that keeps its memory alive and unchanged; cheap to clone, may go to any thread.
#[derive(Clone)]
pub struct SharedSlice {
    owner: Owner,
    start: u32,
    end: u32,
}

#[derive(Clone)]
enum Owner {
    Block(Arc<Leaf>),
    Flat(Arc<Vec<u8>>),
    Zeros,
}

impl SharedSlice {
    /// `flat[start..end]`; the range must lie inside and below 4 GiB (flat strings end at 64 KiB).
    pub(crate) fn of_flat(flat: &Arc<Vec<u8>>, start: usize, end: usize) -> Self {
        debug_assert!(start <= end && end <= flat.len());
        Self { owner: Owner::Flat(flat.clone()), start: start as u32, end: end as u32 }
    }
}

impl AsRef<[u8]> for SharedSlice {
    fn as_ref(&self) -> &[u8] {
        let all: &[u8] = match &self.owner {
            Owner::Block(leaf) => leaf.bytes(),
            Owner::Flat(flat) => flat,
            Owner::Zeros => &ZEROS,
        };
        &all[self.start as usize..self.end as usize]
    }
}

impl Deref for SharedSlice {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_ref()
    }
}

/// Iterator over the bytes of a range in [`SharedSlice`]s; see [`BlockTree::shared`].
#[derive(Clone)]
pub struct SharedSlices<'a> {
    runs: Option<Runs<'a>>,
    flat: Option<SharedSlice>,
    zeros: u64,
}

impl<'a> SharedSlices<'a> {
    pub(super) fn new(runs: Runs<'a>) -> Self {
        Self { runs: Some(runs), flat: None, zeros: 0 }
    }

    /// A single handle, for strings that are no trees; nothing if it is empty.
    pub(crate) fn flat(slice: SharedSlice) -> Self {
        Self { runs: None, flat: Some(slice).filter(|slice| !slice.is_empty()), zeros: 0 }
    }
}

impl Iterator for SharedSlices<'_> {
    type Item = SharedSlice;

    fn next(&mut self) -> Option<SharedSlice> {
        if self.zeros == 0 {
            let Some(runs) = &mut self.runs else { return self.flat.take() };
            let at = runs.at;
            match runs.step()? {
                (Run::Data(data), Some(leaf)) => {
                    let start = in_block(at) as u32;
                    let owner = Owner::Block(leaf.clone());
                    return Some(SharedSlice { owner, start, end: start + data.len() as u32 });
                }
                (Run::Zeros(count), _) => self.zeros = count,
                (Run::Data(_), None) => unreachable!("data lies in a block"),
            }
        }
        let count = self.zeros.min(ZEROS.len() as u64);
        self.zeros -= count;
        Some(SharedSlice { owner: Owner::Zeros, start: 0, end: count as u32 })
    }
}
