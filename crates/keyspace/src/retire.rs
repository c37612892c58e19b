//! Blocks that have left an index, kept until nobody can still be looking at them without the table's lock.
//!
//! ```text
//!  Onlookers::retire ─> fresh ──(a stamp of the gate)──> waiting ──(those inside then have left)──> freed
//! ```
//! Each worker has its own lists and looks after them when it leaves the gate.
//!
//! Invariants
//! - R1: a worker's lists are reached only by the thread that is inside the gate, not alone, as that worker.
//! - R2: a block is freed only when every worker that was inside the gate after the block had left its index has left the gate (G3).
//!
//! Bounds: a worker keeps what it gives up during one batch, two with the batch that others need to end; a batch settles after
//! [`FRESH_MAX`] blocks, so that a long one keeps little as long as the others' are short.

use std::cell::UnsafeCell;

use crate::alloc::IndexBlock;
use crate::gate::{Gate, WorkerId};
use crate::index::{Head, Published};

/// Blocks after which a worker settles its lists before it leaves the gate.
const FRESH_MAX: usize = 64;

/// The lists of one worker, on cache lines of their own.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Retired(UnsafeCell<Lists>);

// SAFETY: R1.
unsafe impl Sync for Retired {}

#[derive(Default)]
struct Lists {
    fresh: Vec<IndexBlock>,
    waiting: Vec<IndexBlock>,
    /// Who was inside when the blocks that wait had left their indexes.
    stamp: Vec<u32>,
}

impl Retired {
    /// Frees what nobody can be looking at.
    ///
    /// # Safety
    /// R1: the calling thread is inside the gate, not alone, as this worker, whose lists these are.
    #[inline]
    pub(crate) unsafe fn settle(&self, gate: &Gate, worker: WorkerId) {
        // SAFETY: by this function's contract.
        let lists = unsafe { &mut *self.0.get() };
        if !(lists.fresh.is_empty() && lists.waiting.is_empty()) {
            lists.settle(gate, worker);
        }
    }
}

impl Lists {
    #[cold]
    fn settle(&mut self, gate: &Gate, worker: WorkerId) {
        loop {
            if !gate.have_left(&self.stamp) {
                return;
            }
            // R2.
            self.waiting.clear();
            if self.fresh.is_empty() {
                return;
            }
            std::mem::swap(&mut self.fresh, &mut self.waiting);
            gate.stamp(worker, &mut self.stamp);
        }
    }
}

/// Who may be looking at an index without its table's lock while it changes, and what they have to be told.
#[derive(Clone, Copy)]
pub(crate) struct Onlookers<'a> {
    /// Where they find the index; none look at the indexes of other tables.
    pub(crate) published: Option<&'a Published>,
    /// None when nobody else is inside the gate.
    pub(crate) others: Option<Others<'a>>,
}

/// The workers that may be inside the gate together with this one, whose lists these are (R1).
#[derive(Clone, Copy)]
pub(crate) struct Others<'a> {
    retired: &'a Retired,
    gate: &'a Gate,
    worker: WorkerId,
}

impl<'a> Others<'a> {
    /// # Safety
    /// R1: as long as this is used, the calling thread is inside the gate, not alone, as this worker, whose lists these are.
    #[inline]
    pub(crate) unsafe fn new(retired: &'a Retired, gate: &'a Gate, worker: WorkerId) -> Others<'a> {
        Others { retired, gate, worker }
    }
}

impl Onlookers<'_> {
    /// There are none.
    #[cfg(test)]
    pub(crate) const NONE: Onlookers<'static> = Onlookers { published: None, others: None };

    /// Tells them where the index is now, or that there is none.
    pub(crate) fn show(self, head: Head) {
        if let Some(published) = self.published {
            published.set(head);
        }
    }

    /// Takes a block that has left the index: no word of it that they may read names the block any more.
    pub(crate) fn retire(self, block: IndexBlock) {
        let Some(others) = self.others.filter(|_| block.bytes() > 0) else { return };
        // SAFETY: R1, by the contract of `Others::new`; the reference ends before `settle` makes its own.
        let count = unsafe {
            let fresh = &mut (*others.retired.0.get()).fresh;
            fresh.push(block);
            fresh.len()
        };
        if count >= FRESH_MAX {
            // SAFETY: as above.
            unsafe { others.retired.settle(others.gate, others.worker) };
        }
    }
}
