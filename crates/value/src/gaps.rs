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

/// Leaves that a sweep looks at before it comes back: each look is a miss of the caches, so this is about a fifth of a millisecond.
const LOOKS_MAX: u32 = 2048;

/// One sweep over what lies ahead of a drain.
pub(crate) struct Sweep<'a, L> {
    gaps: &'a mut Gaps,
    /// Rank of what comes next.
    rank: u64,
    /// Where the sweep begins.
    from: u64,
    judge: &'a mut dyn FnMut(&L) -> Verdict,
    pub(crate) stopped: bool,
    looks: u32,
}

impl<'a, L> Sweep<'a, L> {
    /// One that begins at `from`, over what begins at `rank`.
    pub(crate) fn new(
        gaps: &'a mut Gaps,
        rank: u64,
        from: u64,
        judge: &'a mut dyn FnMut(&L) -> Verdict,
    ) -> Sweep<'a, L> {
        Sweep { gaps, rank, from, judge, stopped: false, looks: 0 }
    }

    /// Whether nothing among the next elements is of interest; they are passed over then.
    pub(crate) fn passes(&mut self, elements: u64, is_shared: impl FnOnce() -> bool) -> bool {
        let passes = self.rank + elements <= self.from || is_shared();
        if passes {
            self.rank += elements;
        }
        passes
    }

    /// A leaf with so many elements: what becomes of it. `is_fixed` finds out whether others hold it too, or it is gone already. The caller
    /// empties it if this returns true.
    #[must_use]
    pub(crate) fn leaf(&mut self, leaf: &L, elements: u64, is_fixed: impl FnOnce() -> bool) -> bool {
        if self.rank < self.from {
            self.rank += elements;
            return false;
        }
        if self.looks == LOOKS_MAX {
            self.stopped = true;
            return false;
        }
        self.looks += 1;
        let mut goes = false;
        if !is_fixed() {
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
