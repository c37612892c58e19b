//! Frozen values that wait for the writer, and putting away what only they hold when memory is short.
//!
//! Every change of a frozen value copies a leaf, and the former one stays in memory until the writer comes to it. With values of
//! hundreds of megabytes written at random that fills any budget in a moment, and to wait for the writer takes as long as writing all of them. So such leaves
//! go, spelled as they will stand in the file, to a [`Spill`] beside it, and are read from there in their turn.
//!
//! Each sweep over a value goes in its order, so that what is read back lies in order too, but for as many runs as there were sweeps.
//!
//! Faults: where there is no spill, or it is full, nothing is put away any more, and whoever needs memory waits for the writer.

use std::collections::VecDeque;
use std::io;

use keyspace::{Background, HugePagePart};
use rdb::values::{Draining, Store};
use rdb::{Compressor, EntryHead, ObjectWriter, Usage};

use crate::options::{Sink, Spill};
use crate::queue::Frozen;
use crate::snapshot::Snapshot;

/// Values with fewer bytes are left alone: they are written soon.
const LARGE: u64 = if cfg!(any(test, feature = "shuttle")) { 1 } else { 1 << 20 };

/// The part of the budget that the spill's buffers may take. With what else is always there, a quarter at most, it has to stay below the half from
/// which on the walk waits: nothing would ever release it.
const SPILL_SHARE: u64 = 8;

/// Bytes after which it is looked whether there is room now.
const PORTION: u64 = 256 * 1024;

/// After a sweep over everything had nothing to put away, so many more bytes have to be held back before the next.
const RETRY: u64 = if cfg!(any(test, feature = "shuttle")) { 0 } else { 1 << 20 };

/// A frozen value on its way into the file.
pub(crate) struct Job {
    pub(crate) database: u32,
    key: Box<[u8]>,
    deadline_ms: Option<i64>,
    usage: Usage,
    pub(crate) draining: Draining,
    pub(crate) charged: u64,
    pub(crate) ahead: u64,
    /// How much of `ahead` was given back on the way.
    pub(crate) told: u64,
}

impl Job {
    pub(crate) fn of(frozen: Frozen) -> Job {
        let Frozen { database, key, deadline_ms, usage, value, charged, ahead } = frozen;
        Job { database, key, deadline_ms, usage, draining: Draining::begin(value), charged, ahead, told: 0 }
    }

    pub(crate) fn head(&self) -> EntryHead<'_> {
        EntryHead { key: &self.key, expire_at_ms: self.deadline_ms, usage: self.usage }
    }
}

/// Where leaves are put away.
enum Place {
    /// It has not been needed yet.
    Unasked(HugePagePart),
    Open(Box<dyn Spill>),
    /// There is none, or it takes no more but can be read.
    Shut(Option<Box<dyn Spill>>),
}

/// See the module.
pub(crate) struct Relief {
    /// Values that were taken from the queue before their turn.
    waiting: VecDeque<Job>,
    place: Place,
    /// Whose leaves are put away next.
    turn: usize,
    /// What was held back when there was last nothing to put away.
    fruitless_at: Option<u64>,
}

impl Relief {
    pub(crate) fn new() -> Relief {
        Relief { waiting: VecDeque::new(), place: Place::Shut(None), turn: 0, fruitless_at: None }
    }

    /// Gives it memory for a spill; before, nothing is put away.
    pub(crate) fn lend(&mut self, memory: HugePagePart) {
        self.place = Place::Unasked(memory);
    }

    /// The value whose turn has come, if it was taken from the queue before.
    pub(crate) fn next(&mut self) -> Option<Job> {
        self.waiting.pop_front()
    }

    /// Puts leaves away until there is room or there are none, those of `current` among them.
    pub(crate) fn make_room(
        &mut self,
        snapshot: &Snapshot,
        sink: &mut dyn Sink,
        current: &mut Job,
        compressor: &mut Option<Compressor>,
        background: &mut Background,
    ) {
        if !snapshot.budget.is_filling() || matches!(self.place, Place::Shut(_)) {
            return;
        }
        let held = snapshot.held_bytes();
        if let Some(before) = self.fruitless_at
            && held < before + RETRY
        {
            self.fruitless_at = Some(before.min(held));
            return;
        }
        self.waiting.extend(snapshot.queue.take_large(LARGE).into_iter().map(Job::of));
        if let Place::Unasked(_) = self.place
            && let Place::Unasked(memory) = std::mem::replace(&mut self.place, Place::Shut(None))
            && let Ok(spill) = sink.spill(memory, snapshot.budget.limit_bytes() / SPILL_SHARE)
        {
            snapshot.budget.charge(spill.memory_bytes());
            self.place = Place::Open(spill);
        }
        let Place::Open(spill) = &mut self.place else { return };
        let mut store = Keeping { spill: &mut **spill, has_failed: false, background };
        let mut writer = ObjectWriter::for_file(snapshot.version(), compressor.as_mut());
        // Values in a row that had nothing to put away, and what the present one had.
        let (mut without, mut freed_of_value) = (0, 0);
        while snapshot.budget.is_filling() && !store.has_failed && without <= self.waiting.len() {
            self.turn %= self.waiting.len() + 1;
            let job = match self.waiting.get_mut(self.turn) {
                Some(job) => job,
                None => &mut *current,
            };
            let freed = job.draining.put_away(PORTION, &mut writer, &mut store);
            freed_of_value += freed;
            if job.draining.is_around() {
                self.turn += 1;
                without = if freed_of_value == 0 { without + 1 } else { 0 };
                freed_of_value = 0;
            }
            snapshot.drained(0, freed);
            store.background.breathe();
            if snapshot.queue.is_aborted() {
                return;
            }
        }
        self.fruitless_at = (without > self.waiting.len()).then(|| snapshot.held_bytes());
        if store.has_failed
            && let Place::Open(spill) = std::mem::replace(&mut self.place, Place::Shut(None))
        {
            self.place = Place::Shut(Some(spill));
        }
    }

    /// Appends what was put away.
    pub(crate) fn recall(&mut self, place: u64, bytes: u32, out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.place {
            Place::Open(spill) | Place::Shut(Some(spill)) => spill.read(place, bytes as usize, out),
            Place::Unasked(_) | Place::Shut(None) => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// A spill as long as it takes something.
struct Keeping<'a> {
    spill: &'a mut dyn Spill,
    has_failed: bool,
    background: &'a mut Background,
}

impl Store for Keeping<'_> {
    fn keep(&mut self, bytes: &[u8]) -> Option<u64> {
        self.background.breathe();
        let kept = self.spill.append(bytes);
        self.has_failed |= kept.is_err();
        kept.ok()
    }
}
