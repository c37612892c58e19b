//! Between the workers and the writer: the [`Stage`], blocks that it had no room for, frozen values, and how it is to end. Bounded by
//! the budget, which the callers charge.
//!
//! The writer [reserves](Queue::reserve) the stage while it passes on what must not be divided; blocks wait meanwhile.

use std::collections::VecDeque;

use keyspace::HugePagePart;
use rdb::Usage;
use value::Large;

use crate::stage::{Part, Stage};
use crate::sync::{Condvar, Mutex};

/// Empty blocks kept for the next use.
const SPARE_MAX: usize = 8;

/// A large value as it was at the cut, on its way to the writer.
pub(crate) struct Frozen {
    /// Logical database.
    pub(crate) database: u32,
    pub(crate) key: Box<[u8]>,
    pub(crate) deadline_ms: Option<i64>,
    pub(crate) usage: Usage,
    pub(crate) value: Large,
    /// What was charged for it.
    pub(crate) charged: u64,
    /// What it counts among the bytes ahead of the writer.
    pub(crate) ahead: u64,
}

/// What the writer has to do next.
pub(crate) enum Work {
    /// A part of the file. Comes first: the workers fill the other one.
    Part(Part),
    /// Frozen values come first: every change of their originals costs a copy until they are let go.
    Frozen(Frozen),
    /// A piece of the file that a worker has encoded.
    Block(Vec<u8>),
    /// Everything has been written: end the file.
    Finish,
    /// Give up.
    Abort,
}

#[derive(Default)]
struct Inner {
    stage: Stage,
    /// The writer is passing on what must not be divided (S5).
    reserved: bool,
    frozen: VecDeque<Frozen>,
    blocks: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    /// The cut has been made: the writer may begin.
    opened: bool,
    /// Nothing follows what is queued.
    complete: bool,
    aborted: bool,
    /// The writer takes no more; what is pushed is refused.
    closed: bool,
}

impl Inner {
    fn take(&mut self) -> Option<Work> {
        if self.aborted {
            self.closed = true;
            return Some(Work::Abort);
        }
        if let Some(part) = self.stage.take_full() {
            return Some(Work::Part(part));
        }
        if let Some(frozen) = self.frozen.pop_front() {
            return Some(Work::Frozen(frozen));
        }
        if let Some(block) = self.blocks.pop_front() {
            return Some(Work::Block(block));
        }
        self.complete.then(|| {
            self.closed = true;
            Work::Finish
        })
    }
}

#[derive(Default)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    more: Condvar,
}

impl Queue {
    pub(crate) fn open(&self) {
        self.inner.lock().opened = true;
        self.more.notify_one();
    }

    /// Takes over the content of a block if the stage has room for all of it and is not reserved (S5); otherwise the block has to
    /// be [pushed](Self::push_block).
    pub(crate) fn stage(&self, block: &[u8]) -> bool {
        let mut inner = self.inner.lock();
        if inner.reserved || inner.closed || inner.stage.room() < block.len() {
            return false;
        }
        inner.stage.append(block);
        let has_full = inner.stage.has_full();
        drop(inner);
        if has_full {
            self.more.notify_one();
        }
        true
    }

    /// Gives the block back when nobody will write it.
    pub(crate) fn push_block(&self, block: Vec<u8>) -> Result<(), Vec<u8>> {
        let mut inner = self.inner.lock();
        if inner.closed {
            return Err(block);
        }
        inner.blocks.push_back(block);
        drop(inner);
        self.more.notify_one();
        Ok(())
    }

    /// False when nobody will write it.
    pub(crate) fn push_frozen(&self, frozen: Frozen) -> bool {
        let mut inner = self.inner.lock();
        if inner.closed {
            return false;
        }
        inner.frozen.push_back(frozen);
        drop(inner);
        self.more.notify_one();
        true
    }

    /// Takes the frozen values with at least so many bytes.
    pub(crate) fn take_large(&self, bytes_min: u64) -> VecDeque<Frozen> {
        let mut inner = self.inner.lock();
        let (large, others) =
            std::mem::take(&mut inner.frozen).into_iter().partition(|frozen| frozen.ahead >= bytes_min);
        inner.frozen = others;
        drop(inner);
        large
    }

    /// Says that nothing follows.
    pub(crate) fn complete(&self) {
        self.inner.lock().complete = true;
        self.more.notify_one();
    }

    /// Tells the writer to give up. False when it has ended or is ending the file already.
    pub(crate) fn abort(&self) -> bool {
        let mut inner = self.inner.lock();
        if inner.closed {
            return false;
        }
        inner.aborted = true;
        drop(inner);
        self.more.notify_one();
        true
    }

    /// Waits for the cut. False when there will be none.
    pub(crate) fn wait_opened(&self) -> bool {
        let mut inner = self.inner.lock();
        while !inner.opened && !inner.aborted {
            self.more.wait(&mut inner);
        }
        inner.opened
    }

    // --- The writer's side ---

    /// Gives the stage its memory, reserved for the file's start. Returns what it leaves of its page.
    pub(crate) fn set_up(&self, page: HugePagePart, has_checksum: bool) -> HugePagePart {
        let mut inner = self.inner.lock();
        inner.reserved = true;
        inner.stage.set_up(page, has_checksum)
    }

    /// From now on nobody else's bytes come into the file.
    pub(crate) fn reserve(&self) {
        self.inner.lock().reserved = true;
    }

    /// What was passed on is whole.
    pub(crate) fn unreserve(&self) {
        self.inner.lock().reserved = false;
    }

    /// Appends from the front of `bytes` what there is room for. Returns the part that has to be written before the rest can follow.
    pub(crate) fn append(&self, bytes: &mut &[u8]) -> Option<Part> {
        let mut inner = self.inner.lock();
        let count = inner.stage.append(bytes);
        *bytes = &bytes[count..];
        if bytes.is_empty() { None } else { inner.stage.take_full() }
    }

    /// A part has been written.
    pub(crate) fn give_back(&self, part: Part) {
        self.inner.lock().stage.give_back(part);
    }

    /// The checksum of everything so far.
    pub(crate) fn checksum(&self) -> u64 {
        self.inner.lock().stage.checksum()
    }

    /// The next of the parts that are left when everything has been appended.
    pub(crate) fn take_rest(&self) -> Option<Part> {
        self.inner.lock().stage.take_rest()
    }

    /// The writer's next piece of work; waits for it. `Finish` and `Abort` close the queue: they are the last.
    pub(crate) fn next(&self) -> Work {
        let mut inner = self.inner.lock();
        loop {
            if let Some(work) = inner.take() {
                return work;
            }
            self.more.wait(&mut inner);
        }
    }

    /// As [`next`](Self::next), if there is one now.
    pub(crate) fn ready(&self) -> Option<Work> {
        self.inner.lock().take()
    }

    /// Whether the writer was told to give up.
    pub(crate) fn is_aborted(&self) -> bool {
        self.inner.lock().aborted
    }

    /// Closes the queue, gives the stage's memory back and takes what is in it.
    pub(crate) fn close(&self) -> (VecDeque<Frozen>, VecDeque<Vec<u8>>) {
        let mut inner = self.inner.lock();
        inner.closed = true;
        inner.spare.clear();
        inner.stage = Stage::default();
        (std::mem::take(&mut inner.frozen), std::mem::take(&mut inner.blocks))
    }

    /// Blocks and frozen values that wait.
    pub(crate) fn len(&self) -> (usize, usize) {
        let inner = self.inner.lock();
        (inner.blocks.len(), inner.frozen.len())
    }

    /// An empty block to fill again, if there is one.
    pub(crate) fn spare(&self) -> Option<Vec<u8>> {
        self.inner.lock().spare.pop()
    }

    /// Keeps an empty block for the next use.
    pub(crate) fn keep(&self, mut block: Vec<u8>) {
        block.clear();
        let mut inner = self.inner.lock();
        if !inner.closed && inner.spare.len() < SPARE_MAX {
            inner.spare.push(block);
        }
    }
}
