//! Leaves that were taken out of a frozen value before its reader came to them, and kept elsewhere: where they were, and what was made of them.
//!
//! It knows neither trees nor where the leaves are kept. A drain leaves in the place of each a leaf that it knows again; by the rank of the
//! first element that it had, it is known which one is meant.

use std::collections::BTreeMap;

/// A leaf that was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Its elements.
    pub len: u64,
    /// Where it is kept, in whatever the keeper counts.
    pub place: u64,
    /// As what it is kept, in bytes.
    pub bytes: u32,
}

/// What to do with a leaf that nobody else holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Stay,
    /// It goes: it is kept at a place, as so many bytes.
    Go {
        /// Where it is kept.
        place: u64,
        /// As how many bytes.
        bytes: u32,
    },
    /// It stays, and so does everything behind it.
    Stop,
}

/// What comes next in a drain.
#[derive(Debug)]
pub enum Part<L> {
    /// A leaf.
    Leaf(L),
    /// In its place: where it is kept.
    Gap(Gap),
}

/// One sweep over what lies ahead of a drain.
pub(crate) struct Sweep<'a, L> {
    pub(crate) gaps: &'a mut Gaps,
    /// Rank of what comes next.
    pub(crate) rank: u64,
    /// Where the sweep begins.
    pub(crate) from: u64,
    pub(crate) judge: &'a mut dyn FnMut(&L) -> Verdict,
    pub(crate) stopped: bool,
}

impl<L> Sweep<'_, L> {
    /// Whether nothing among the next elements is of interest; they are passed over then.
    pub(crate) fn passes(&mut self, elements: u64, is_shared: bool) -> bool {
        let passes = is_shared || self.rank + elements <= self.from;
        if passes {
            self.rank += elements;
        }
        passes
    }

    /// A leaf with so many elements: what becomes of it. `is_fixed` says that others hold it too, or that it is gone already. The caller empties
    /// it if this returns true.
    #[must_use]
    pub(crate) fn leaf(&mut self, leaf: &L, elements: u64, is_fixed: bool) -> bool {
        let mut goes = false;
        if self.rank >= self.from && !is_fixed {
            match (self.judge)(leaf) {
                Verdict::Stay => {}
                Verdict::Go { place, bytes } => {
                    self.gaps.0.insert(self.rank, Gap { len: elements, place, bytes });
                    goes = true;
                }
                Verdict::Stop => {
                    self.stopped = true;
                    return false;
                }
            }
        }
        self.rank += elements;
        goes
    }

    /// Elements that the leaf had whose gap comes next.
    pub(crate) fn gone(&self) -> u64 {
        self.gaps.0.get(&self.rank).map_or(0, |gap| gap.len)
    }

    /// Where the next sweep has to begin; none at the end.
    pub(crate) fn ended(self) -> Option<u64> {
        self.stopped.then_some(self.rank)
    }
}

/// The gaps of a drain by the rank of their first element.
#[derive(Debug, Default)]
pub(crate) struct Gaps(BTreeMap<u64, Gap>);

impl Gaps {
    /// Takes the gap that begins at a rank.
    pub(crate) fn take(&mut self, rank: u64) -> Option<Gap> {
        self.0.remove(&rank)
    }
}
