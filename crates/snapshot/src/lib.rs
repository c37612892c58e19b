//! The snapshot: an exact image of the keyspace at one moment, encoded as RDB while everybody goes on writing.
//!
//! It opens no file and knows no command: bytes go to a [`Sink`], and when a snapshot is taken is decided elsewhere.
//!
//! ```text
//!   reactors (any thread with a WorkerId)                      thread "snapshot"
//!   step():  stripe by stripe, entries still owed ---+
//!   pre_image(): an entry about to change -----------+--> lane (one block for each worker)
//!                                                    |      | full: 64 KiB, still in the cache: crc64 and copy
//!                                                    |      +--> stage (two parts in a huge page) --> Sink
//!            large values: frozen, O(1) ----------+  |      |                ^
//!                                                 |  |      | no room        | in their turn
//!                                                 |  |      +--> queue.blocks +
//!                                                 +--+---------> queue.frozen +
//!   wait_for_room() <---------------- budget <------------- what has been written is given back
//!                                                           leaves only the frozen hold --> spill --> stage, in their turn
//! ```
//!
//! **The reactors are the walkers.** On one core a walker thread of its own would preempt the reactor for whole slices of
//! the scheduler (1.4 to 4 ms); a reactor that walks for a fraction of each batch's time delays nobody by more than that.
//! Only I/O, and the encoding of large values that comes with it, has a thread of its own: it sleeps in the kernel mostly.
//!
//! **A block is a self-contained piece of RDB**: it starts with SELECTDB and switches databases as needed. So blocks of
//! several workers stand in the file in any order, and no worker waits for another.
//!
//! Invariants
//! - S1: an entry is emitted exactly once, as it was at the cut: by the walk or by its pre-image, whichever comes first under the
//!   lock of its stripe; the entry's mark remembers that it was.
//! - S2: a snapshot is complete when every stripe's task and every flushed table's task is finished. From then on no pre-image comes,
//!   since every entry is settled, and the lanes may be emptied into the queue.
//! - S3: what a snapshot occupies is charged to its budget when it is allocated and released when it is given back.
//! - S4: after a failure or a cancellation nothing is encoded, but the walk goes on until every mark is equal; only then can the
//!   next snapshot be cut.
//! - S5: between two pieces of one entry nothing else comes into the file: the writer reserves the stage while it passes on what it may
//!   have to divide.
//!
//! Locks: pool, lane, queue and budget are leaves that may be taken under a stripe's lock; the order among them is lane before queue;
//! nobody holds one across I/O or a wait for another. The queue's is held while a block of 64 KiB is digested and copied.
//!
//! | Module | Content |
//! |---|---|
//! | [`Preparing`], [`Prepared`] | a snapshot before its cut |
//! | [`Snapshot`] | its life from then on: step, detach, outcome |
//! | [`Options`], [`Sink`] | what it is told |
//! | [`Status`], [`Progress`], [`Outcome`] | what it tells |
//! | `budget` | what it may occupy, and waiting for room |
//! | `lane` | a worker's block and how an entry gets into it |
//! | `queue` | what the writer has to do |
//! | `relief` | puts away what only frozen values hold |
//! | `stage` | the file's next bytes and their checksum |
//! | `tasks` | what the walkers have to do |
//! | `writer` | what the thread does after the cut: encodes large values and writes |
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod budget;
mod lane;
mod options;
mod outcome;
mod prepare;
mod queue;
mod relief;
mod snapshot;
mod stage;
mod sync;
mod tasks;
mod writer;

pub use options::{Options, Sink, Spill, UsageOf};
pub use outcome::{Failure, Outcome, Progress, Status};
pub use prepare::{Plan, Prepared, Preparing};
pub use snapshot::{BUDGET_BYTES_MIN, Snapshot};
