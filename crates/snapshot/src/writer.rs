//! The thread "snapshot": gives full parts of the stage to the sink, and appends to it what cannot be passed on at once: frozen values, which it encodes, and
//! blocks for which there was no room.
//!
//! Holds no lock while it encodes or writes. A frozen tree is drained: each block is let go as soon as it has been passed on, and what
//! writers' copies had made ours alone is released from the budget at that moment. Encoding takes the processor for longer than a request may wait,
//! so the thread stands [behind the reactors](Background).
//!
//! Faults: an error of the sink ends the thread; the snapshot is told and settles its marks without encoding. A panic does the same.
//! Bounds: one frozen value at a time, in pieces of at most 64 KiB.

use std::io;
use std::sync::Arc;

use keyspace::{Background, HugePagePart};
use rdb::values::Pieces;
use rdb::{Compressor, ObjectWriter, write};

use crate::options::Sink;
use crate::outcome::Failure;
use crate::queue::Work;
use crate::relief::{Job, Relief};
use crate::snapshot::Snapshot;
use crate::stage::Part;

/// Blocks that have grown beyond this are not used again.
const SPARE_CAPACITY_MAX: usize = 512 * 1024;

/// How far the writer stands behind the reactors: where both want all of a core, they get three quarters of it.
const NICE: i32 = 5;

/// The thread's part from the cut on, for which it waits. `memory` is for what does not fit into the rest.
pub(crate) fn run(snapshot: Arc<Snapshot>, mut sink: Box<dyn Sink>, memory: HugePagePart) {
    let guard = Unwinding(&snapshot);
    let mut writer = Writer {
        snapshot: &snapshot,
        sink: &mut *sink,
        scratch: Vec::new(),
        relief: Relief::new(),
        background: Background::default(),
    };
    writer.relief.lend(memory);
    let result = writer.run();
    while let Some(job) = writer.relief.next() {
        snapshot.frozen_done(job.charged, job.ahead);
    }
    if result.is_err() {
        sink.abort();
    }
    drop(sink);
    std::mem::forget(guard);
    snapshot.writer_ended(result);
}

/// Tells the snapshot about a panic in the writer, so that nobody waits for it for ever.
struct Unwinding<'a>(&'a Arc<Snapshot>);

impl Drop for Unwinding<'_> {
    fn drop(&mut self) {
        self.0.writer_ended(Err(Failure::Io("the snapshot's writer panicked".into())));
    }
}

struct Writer<'a> {
    snapshot: &'a Snapshot,
    sink: &'a mut dyn Sink,
    scratch: Vec<u8>,
    relief: Relief,
    /// Entered when there is something to encode: what only waits for the disk shall go on as soon as it can.
    background: Background,
}

fn failure(error: io::Error) -> Failure {
    Failure::Io(error.to_string())
}

impl Writer<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        if !self.snapshot.queue.wait_opened() {
            return Err(Failure::Cancelled);
        }
        let mut header = Vec::new();
        self.snapshot.header(&mut header);
        self.write(&header).map_err(failure)?;
        self.snapshot.queue.unreserve();
        let mut compressor = None;
        loop {
            if let Some(job) = self.relief.next() {
                self.frozen(job, &mut compressor)?;
                continue;
            }
            let work = match self.snapshot.queue.ready() {
                Some(work) => work,
                None => {
                    self.sink.idle().map_err(failure)?;
                    self.snapshot.queue.next()
                }
            };
            match work {
                Work::Frozen(frozen) => self.frozen(Job::of(frozen), &mut compressor)?,
                Work::Part(part) => self.put(part).map_err(failure)?,
                Work::Block(block) => {
                    self.snapshot.queue.reserve();
                    let written = self.write(&block).map_err(failure);
                    self.snapshot.queue.unreserve();
                    let capacity = block.capacity();
                    if capacity <= SPARE_CAPACITY_MAX {
                        self.snapshot.queue.keep(block);
                    }
                    self.snapshot.block_done(capacity as u64);
                    written?;
                }
                Work::Finish => return self.finish().map_err(failure),
                Work::Abort => return Err(Failure::Cancelled),
            }
        }
    }

    /// Appends to the file; for one who has reserved it.
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(part) = self.snapshot.queue.append(&mut bytes) {
            self.put(part)?;
        }
        debug_assert!(bytes.is_empty(), "of two parts one is free or full while the writer has none");
        Ok(())
    }

    /// Gives a part to the sink.
    fn put(&mut self, part: Part) -> io::Result<()> {
        self.sink.write(part.bytes())?;
        self.snapshot.note_written(part.bytes().len() as u64);
        self.snapshot.queue.give_back(part);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.write(&write::END)?;
        self.write(&write::checksum(self.snapshot.queue.checksum()))?;
        while let Some(part) = self.snapshot.queue.take_rest() {
            self.put(part)?;
        }
        self.sink.finish()
    }

    /// Writes a frozen value and lets it go.
    fn frozen(&mut self, mut job: Job, compressor: &mut Option<Compressor>) -> Result<(), Failure> {
        if self.snapshot.options.compression {
            compressor.get_or_insert_default();
        }
        self.background.enter(NICE);
        self.snapshot.queue.reserve();
        let result = self.portions(&mut job, compressor);
        self.snapshot.queue.unreserve();
        self.snapshot.frozen_done(job.charged, job.ahead - job.told);
        result
    }

    fn portions(&mut self, job: &mut Job, compressor: &mut Option<Compressor>) -> Result<(), Failure> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        write::select_db(&mut scratch, job.database);
        let mut writer = ObjectWriter::for_file(self.snapshot.version(), compressor.as_mut());
        job.draining.head(&job.head(), &mut writer, &mut scratch);
        loop {
            self.relief.make_room(self.snapshot, self.sink, job, compressor, &mut self.background);
            let mut writer = ObjectWriter::for_file(self.snapshot.version(), compressor.as_mut());
            let mut pieces = FrozenPieces { writer: self, ahead: job.ahead, told: &mut job.told };
            if job.draining.portion(&mut writer, &mut scratch, &mut pieces)? {
                break;
            }
        }
        if scratch.capacity() <= SPARE_CAPACITY_MAX {
            self.scratch = scratch;
        }
        Ok(())
    }
}

/// Where the pieces of a frozen value go. `ahead` counts its heap bytes; they are taken off in proportion to what is written, so that a
/// walk that waits may go on in time.
struct FrozenPieces<'w, 'a> {
    writer: &'w mut Writer<'a>,
    ahead: u64,
    told: &'w mut u64,
}

impl Pieces for FrozenPieces<'_, '_> {
    type Error = Failure;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.writer.background.breathe();
        self.writer.write(bytes).map_err(failure)
    }

    fn recall(&mut self, place: u64, bytes: u32, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.writer.relief.recall(place, bytes, out).map_err(failure)
    }

    fn drained(&mut self, done: u64, whole: u64, freed: u64) -> Result<(), Failure> {
        let due = (u128::from(self.ahead) * u128::from(done.min(whole)) / u128::from(whole.max(1))) as u64;
        let share = due.saturating_sub(*self.told);
        *self.told += share;
        self.writer.snapshot.drained(share, freed);
        if done < whole && self.writer.snapshot.queue.is_aborted() {
            return Err(Failure::Cancelled);
        }
        Ok(())
    }
}
