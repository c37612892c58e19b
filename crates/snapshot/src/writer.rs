//! The thread "snapshot": takes blocks and frozen values from the queue, encodes the latter, digests everything and feeds the sink.
//!
//! Holds no lock while it encodes or writes. A frozen tree is drained: each block is let go as soon as it has been passed on, and what
//! writers' copies had made ours alone is released from the budget at that moment.
//!
//! Faults: an error of the sink ends the thread; the snapshot is told and settles its marks without encoding. A panic does the same.
//! Bounds: one frozen value at a time, in pieces of at most 64 KiB.

use std::io;
use std::sync::Arc;

use rdb::{Compressor, Crc64, EntryHead, write};
use value::{Shared, StrRef};

use crate::options::Sink;
use crate::outcome::Failure;
use crate::queue::{Frozen, Work};
use crate::snapshot::Snapshot;

/// A run of zeros to write holes with.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// Pieces of a drained tree are given back to the budget in portions of this many bytes.
const CATCH_UP: u64 = 256 * 1024;

/// Blocks that have grown beyond this are not used again.
const SPARE_CAPACITY_MAX: usize = 512 * 1024;

/// The thread's body.
pub(crate) fn run(snapshot: Arc<Snapshot>, mut sink: Box<dyn Sink>) {
    let guard = Unwinding(&snapshot);
    let result =
        Writer { snapshot: &snapshot, sink: &mut *sink, crc: Crc64::new(), scratch: Vec::new() }.run();
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
    crc: Crc64,
    scratch: Vec<u8>,
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
        let mut compressor = None;
        loop {
            match self.snapshot.queue.next() {
                Work::Frozen(frozen) => self.frozen(frozen, &mut compressor)?,
                Work::Block(block) => {
                    let capacity = block.capacity();
                    let written = self.write(&block).map_err(failure);
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

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.snapshot.options.checksum {
            self.crc.update(bytes);
        }
        self.sink.write(bytes)?;
        self.snapshot.note_written(bytes.len() as u64);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let checksum = match self.snapshot.options.checksum {
            true => {
                self.crc.update(&write::END);
                self.crc.value()
            }
            false => 0,
        };
        self.scratch.clear();
        write::end(&mut self.scratch, checksum);
        self.sink.write(&self.scratch)?;
        self.snapshot.note_written(self.scratch.len() as u64);
        self.sink.finish()
    }

    /// Writes a frozen value and lets it go.
    fn frozen(&mut self, frozen: Frozen, compressor: &mut Option<Compressor>) -> Result<(), Failure> {
        let Frozen { database, key, deadline_ms, usage, value, charged, ahead } = frozen;
        let head = EntryHead { key: &key, expire_at_ms: deadline_ms, usage };
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        write::select_db(&mut scratch, database);
        let mut rest = ahead;
        let result = match value {
            Shared::Flat(_) => {
                if self.snapshot.options.compression {
                    compressor.get_or_insert_default();
                }
                write::string_entry(&mut scratch, &head, StrRef::Shared(&value), compressor.as_mut());
                self.write(&scratch).map_err(failure)
            }
            Shared::Tree(tree) => {
                write::large_string_entry(&mut scratch, &head, tree.len());
                self.write(&scratch).map_err(failure).and_then(|()| {
                    // One unit of `ahead` is one heap byte; spread over the length, so that a walk may go on in time.
                    let (heap, len) = (ahead, tree.len().max(1));
                    let mut drain = tree.into_drain();
                    let (mut passed, mut freed) = (0, 0);
                    while let Some(piece) = drain.next() {
                        match piece.data() {
                            Some(data) => self.write(data).map_err(failure)?,
                            None => self.zeros(piece.len()).map_err(failure)?,
                        }
                        passed += piece.len();
                        freed += piece.release() + drain.take_freed();
                        if passed >= CATCH_UP {
                            let share = (heap as u128 * passed as u128 / len as u128) as u64;
                            let share = share.min(rest);
                            rest -= share;
                            self.snapshot.drained(share, freed);
                            (passed, freed) = (0, 0);
                            if self.snapshot.queue.is_aborted() {
                                return Err(Failure::Cancelled);
                            }
                        }
                    }
                    self.snapshot.drained(0, freed);
                    Ok(())
                })
            }
        };
        self.scratch = scratch;
        self.snapshot.frozen_done(charged, rest);
        result
    }

    fn zeros(&mut self, mut count: u64) -> io::Result<()> {
        while count > 0 {
            let piece = count.min(ZEROS.len() as u64);
            self.write(&ZEROS[..piece as usize])?;
            count -= piece;
        }
        Ok(())
    }
}
