//! A snapshot's life from the cut on: walked in slices by whoever has time, written by its own thread, detached, over. What comes before is
//! [`crate::prepare`]'s.
//!
//! ```text
//!  prepare ── cut ──> walking ── complete ──> writing the rest ── file done ──> NeedsDetach ── detach ──> Over
//!     │                  │ error or cancel                                          ^
//!     └ dropped: nothing └────> settling marks without encoding ────────────────────┘
//! ```
//! Locks held on entry: none, but for [`PreImage`]'s calls (a stripe's, or the gate exclusively). Invariants S1 to S4 are the
//! crate's. Faults: the sink's errors end up in [`Snapshot::outcome`]; the keyspace is never touched by one. A sink that hangs
//! while workers wait for room is given up after [`Options::stall_max`], and they go on. Crash in the middle:
//! what the sink has written is not a complete file, and its owner has not put it in place.
//!
//! Bounds: under a stripe's lock a walk stays [`HOLD`] or [`HOLD_BYTES`], whichever comes first. Cut: a flag, a map of databases and a
//! pointer, plus what the caller's closure does.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use keyspace::{
    Access, EntryView, HUGE_PAGE_BYTES, Inside, Keyspace, OwnLock, PreImage, TakenTable, ValueRef, WorkerId,
};
use rdb::values::ObjectRef;
use rdb::{Usage, write};
use value::member_leaf::NO_DEADLINE;
use value::{LargeRef, Shared, StrRef};

use crate::budget::Budget;
use crate::lane::{Lane, Settings, Small};
use crate::options::Options;
use crate::outcome::{Failure, Outcome, Progress, Status};
use crate::queue::{Frozen, Queue};
use crate::sync::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Mutex, thread};
use crate::tasks::{Pool, Task};

/// Size of a block in bytes, where the budget allows it.
const BLOCK_BYTES: usize = 64 * 1024;

/// A smaller budget, in bytes, is raised to this; with many workers to more (see [`Status::budget_bytes`]).
pub const BUDGET_BYTES_MIN: u64 = 4 * 1024 * 1024;

/// Smallest size of a block.
const BLOCK_BYTES_MIN: usize = 16 * 1024;

/// What a worker's compressor occupies, rounded up.
const COMPRESSOR_BYTES: u64 = 300 * 1024;

/// Longest stay under a stripe's lock.
const HOLD: Duration = Duration::from_micros(100);

/// Most bytes of keys and values that are encoded or frozen during one stay under a stripe's lock.
const HOLD_BYTES: u64 = 128 * 1024;

/// Most entries looked at during one stay under a stripe's lock; few in tests, so that much happens between two stays.
const HOLD_ENTRIES: usize = if cfg!(any(test, feature = "shuttle")) { 5 } else { 1024 };

/// Work between two looks at the clock: so many entries, each counting once more for every KiB (which may be compressed).
const CLOCK_EVERY: u64 = 16;

/// What a frozen value's place in the queue is charged, beside its key.
const FROZEN_BYTES: u64 = 256;

/// What is known from the cut on.
struct Cut {
    /// Logical database of each physical one.
    logical: Vec<u32>,
    /// Entries and entries with a deadline of each physical database, counted just before the cut.
    sizes: Vec<(u64, u64)>,
    /// Facts noted inside the cut.
    aux: Vec<(Vec<u8>, Vec<u8>)>,
    at: Instant,
    /// Version in which the file is written.
    version: u16,
}

const RUNNING: u8 = 0;
const DRAINING: u8 = 1;

/// One snapshot. Shared by the walkers, the keyspace (as its sink of pre-images) and the writer.
pub struct Snapshot {
    pub(crate) options: Options,
    pub(crate) queue: Queue,
    pub(crate) budget: Budget,
    block_bytes: usize,
    lanes: Box<[AlignedLane]>,
    pool: Mutex<Pool>,
    mode: AtomicU8,
    cut: OnceLock<Cut>,
    /// Nanoseconds that the cut took and waited; written after it.
    cut_ns: AtomicU64,
    cut_wait_ns: AtomicU64,
    bytes_written: AtomicU64,
    frozen_outstanding: AtomicUsize,
    /// A hash was emitted that has fields with deadlines.
    has_field_deadlines: AtomicBool,
    held: AtomicI64,
    /// It was given up since the sink took nothing.
    stalled: AtomicBool,
    writer_result: OnceLock<Result<(), Failure>>,
    outcome: OnceLock<Outcome>,
}

/// On cache lines of its own: each worker writes its lane for every entry.
#[repr(align(128))]
#[derive(Default)]
struct AlignedLane(OwnLock<Lane>);

impl Snapshot {
    /// One that waits for its cut.
    pub(crate) fn new(options: Options, workers: usize, stripes: usize) -> Snapshot {
        let workers = workers.max(1) as u64;
        let asked = options.budget_bytes.max(BUDGET_BYTES_MIN);
        // So that a small budget is not raised for what is always there.
        let block_bytes = (asked / (32 * workers.max(4))) as usize;
        let block_bytes = block_bytes.clamp(BLOCK_BYTES_MIN, BLOCK_BYTES).next_multiple_of(4096);
        // What is always there; the walk pauses at half of the budget, so the standing part is held at a quarter.
        let standing = HUGE_PAGE_BYTES as u64
            + workers * (COMPRESSOR_BYTES + block_bytes as u64)
            + 8 * block_bytes as u64;
        let budget = Budget::new(asked.max(4 * standing));
        budget.charge(standing - workers * block_bytes as u64);
        Snapshot {
            options,
            queue: Queue::default(),
            budget,
            block_bytes,
            lanes: (0..workers).map(|_| AlignedLane::default()).collect(),
            pool: Mutex::new(Pool::new(stripes)),
            mode: AtomicU8::new(RUNNING),
            cut: OnceLock::new(),
            cut_ns: AtomicU64::new(0),
            cut_wait_ns: AtomicU64::new(0),
            bytes_written: AtomicU64::new(0),
            frozen_outstanding: AtomicUsize::new(0),
            has_field_deadlines: AtomicBool::new(false),
            held: AtomicI64::new(0),
            stalled: AtomicBool::new(false),
            writer_result: OnceLock::new(),
            outcome: OnceLock::new(),
        }
    }

    /// Becomes what the keyspace sends its pre-images to. `sizes` are those of [`Cut`].
    pub(crate) fn attach(
        self: Arc<Self>,
        access: &mut Access<'_>,
        aux: Vec<(Vec<u8>, Vec<u8>)>,
        sizes: Vec<(u64, u64)>,
    ) {
        // No other version has a place for deadlines of fields; the version stands before the first entry.
        let version = match access.cut_field_deadlines() {
            true => self.options.version.max(rdb::format::FIELD_DEADLINES_VERSION),
            false => self.options.version,
        };
        let logical = access.cut(Arc::clone(&self) as Arc<dyn PreImage>);
        // Nobody emits anything before the gate is left, so nobody reads this before it is set.
        let _ = self.cut.set(Cut { logical, sizes, aux, at: Instant::now(), version });
    }

    /// The gate is left: the cut took so long, and had waited so long for it. The writer may begin.
    pub(crate) fn open(&self, took: Duration, waited: Duration) {
        let ns = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.cut_ns.store(ns(took), Ordering::Relaxed);
        self.cut_wait_ns.store(ns(waited), Ordering::Relaxed);
        self.queue.open();
    }

    /// Walks for about `slice`. Any worker may call this, also several at once, while it is inside the gate and holds no stripe.
    pub fn step(&self, inside: &mut Inside<'_>, slice: Duration) -> Progress {
        if self.outcome.get().is_some() {
            return Progress::Over;
        }
        let start = Instant::now();
        loop {
            let running = self.is_running();
            if running && self.budget.is_tight() {
                return Progress::Throttled;
            }
            let task = self.pool.lock().take();
            let Some(mut task) = task else { return self.nothing_to_walk() };
            let mut finished = false;
            while !finished {
                finished = self.work(inside, &mut task, slice.saturating_sub(start.elapsed()));
                let pause = start.elapsed() >= slice
                    || inside.keyspace().is_exclusive_wanted()
                    || (running && self.budget.is_tight());
                if pause && !finished {
                    self.pool.lock().park(task);
                    return Progress::Worked;
                }
            }
            let stripe = match task {
                Task::Stripe { stripe, .. } => Some(stripe),
                Task::Table { taken, .. } => {
                    inside.keyspace().free_table(*taken);
                    None
                }
            };
            if self.pool.lock().finish(stripe) {
                self.walk_complete();
                return self.nothing_to_walk();
            }
            if start.elapsed() >= slice || inside.keyspace().is_exclusive_wanted() {
                return Progress::Worked;
            }
        }
    }

    /// One stay under a stripe's lock, or one slice of a flushed table, for `limit` at most. True when the task is finished.
    fn work(&self, inside: &mut Inside<'_>, task: &mut Task, limit: Duration) -> bool {
        let running = self.is_running();
        let worker = inside.worker();
        let databases = inside.keyspace().databases();
        let parity = inside.keyspace().parity();
        let mut stay = Stay::begin(limit);
        match task {
            Task::Stripe { stripe, physical, position } => {
                let mut access = inside.lock_stripe(*stripe);
                let mut lane = self.lane(worker).lock();
                while *physical < databases {
                    let (logical, limit) = (self.logical(*physical), stay.entries_left);
                    let next = access.walk_owed(*physical, *stripe, *position, limit, |entry| {
                        if running {
                            stay.go_on(self.emit(&mut lane, logical, &entry))
                        } else {
                            stay.go_on(0)
                        }
                    });
                    match next {
                        Some(next) => {
                            *position = next;
                            return false;
                        }
                        None => (*physical, *position) = (*physical + 1, 0),
                    }
                    if stay.is_over() {
                        return *physical >= databases;
                    }
                }
                true
            }
            Task::Table { taken, position } => {
                if !running {
                    return true;
                }
                let logical = self.logical(taken.database);
                let mut lane = self.lane(worker).lock();
                let next = taken.walk_owed(*position, parity, stay.entries_left, |entry| {
                    stay.go_on(self.emit(&mut lane, logical, &entry))
                });
                *position = next.unwrap_or(0);
                next.is_none()
            }
        }
    }

    /// Whether the budget is nearly used up: more than three quarters of it.
    pub fn is_short(&self) -> bool {
        self.budget.is_short()
    }

    /// Blocks while the budget is exceeded. For a worker after a batch: outside the gate, holding nothing. Returns how long it waited.
    pub fn wait_for_room(&self) -> Duration {
        if !self.budget.is_exceeded() {
            return Duration::ZERO;
        }
        let start = Instant::now();
        self.wait_for_writer_to_pass(Budget::is_exceeded);
        start.elapsed()
    }

    /// Waits while the budget is in a state that only the writer ends; gives the save up if the writer hangs.
    fn wait_for_writer_to_pass(&self, blocked: impl Fn(&Budget) -> bool) {
        let mut moved = (self.bytes_written.load(Ordering::Relaxed), Instant::now());
        self.budget.wait_while(|budget| {
            let written = self.bytes_written.load(Ordering::Relaxed);
            if written != moved.0 {
                moved = (written, Instant::now());
            }
            if !self.is_running() || !blocked(budget) {
                return false;
            }
            if moved.1.elapsed() < self.options.stall_max {
                return true;
            }
            self.stalled.store(true, Ordering::SeqCst);
            if self.queue.abort() {
                self.mode.store(DRAINING, Ordering::SeqCst);
                return false;
            }
            // The writer has just come to its end.
            true
        });
        if !self.is_running() {
            // Others that wait need not find out for themselves.
            self.budget.notify();
        }
    }

    /// Walks to the end and detaches: SAVE, and a server that ends. Other workers may step at the same time.
    pub fn run_to_end(&self, keyspace: &Keyspace, worker: WorkerId) -> Outcome {
        const SLICE: Duration = Duration::from_millis(1);
        loop {
            let progress = self.step(&mut keyspace.enter(worker), SLICE);
            match progress {
                Progress::Worked => {}
                Progress::Throttled => self.wait_for_writer_to_pass(Budget::is_tight),
                Progress::Waiting => self.budget.wait_while(|_| {
                    let pool = self.pool.lock();
                    pool.is_complete() && self.writer_result.get().is_none()
                }),
                Progress::NeedsDetach => drop(self.detach(keyspace, worker)),
                Progress::Over => {}
            }
            if let Some(outcome) = self.outcome.get() {
                return outcome.clone();
            }
            if progress == Progress::Waiting {
                // The rest is with other workers.
                thread::yield_now();
            }
        }
    }

    /// Ends it: the keyspace sends no more pre-images, and the next snapshot may be cut. For a worker outside the gate, after
    /// [`Progress::NeedsDetach`]. The first call returns the outcome, calls too early and later ones return `None`.
    pub fn detach(&self, keyspace: &Keyspace, worker: WorkerId) -> Option<Outcome> {
        if !self.is_settled() || self.outcome.get().is_some() {
            return None;
        }
        let mut access = keyspace.exclusive(worker);
        // Two workers may have come here; only inside is it known who is first. The second must not take the sink of
        // the next snapshot away.
        if self.outcome.get().is_some() {
            return None;
        }
        access.detach_sink();
        if self.is_running() && !self.has_field_deadlines.load(Ordering::Relaxed) {
            keyspace.no_field_deadlines();
        }
        let outcome = Outcome {
            result: match self.writer_result.get() {
                Some(Ok(())) => Ok(self.keys_done()),
                Some(Err(failure)) => Err(failure.clone()),
                None => Err(Failure::Cancelled),
            },
            bytes: self.bytes_written.load(Ordering::Relaxed),
            duration: self.elapsed(),
            budget_peak_bytes: self.budget.peak_bytes(),
        };
        let _ = self.outcome.set(outcome.clone());
        drop(access);
        Some(outcome)
    }

    /// Gives up: the file is removed and the marks are settled. False when it is too late, since the file is being ended.
    pub fn cancel(&self) -> bool {
        let in_time = self.queue.abort();
        if in_time {
            self.mode.store(DRAINING, Ordering::SeqCst);
            self.budget.notify();
        }
        in_time
    }

    /// How it ended, once it is detached.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.get()
    }

    /// Waits until the writer has ended, at most for `limit`: before a process exits after [`cancel`](Self::cancel), so that the
    /// sink is aborted. True when it has. Marks need not be settled for that.
    pub fn wait_for_writer(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while self.writer_result.get().is_none() {
            if Instant::now() >= until {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// What the writer came to, known before the snapshot is detached: the file is in place, or why it is not.
    pub fn writer_result(&self) -> Option<&Result<(), Failure>> {
        self.writer_result.get()
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        Status {
            keys_done: self.keys_done(),
            keys_total: self.cut.get().map_or(0, |cut| cut.sizes.iter().map(|size| size.0).sum()),
            bytes_written: self.bytes_written.load(Ordering::Relaxed),
            budget_used_bytes: self.budget.used_bytes(),
            budget_peak_bytes: self.budget.peak_bytes(),
            budget_bytes: self.budget.limit_bytes(),
            held_back_bytes: self.held_bytes(),
            tables_bytes: self.pool.lock().tables_bytes(),
            queued: self.queue.len(),
            elapsed: self.elapsed(),
            cut: Duration::from_nanos(self.cut_ns.load(Ordering::Relaxed)),
            cut_wait: Duration::from_nanos(self.cut_wait_ns.load(Ordering::Relaxed)),
            is_draining: !self.is_running(),
        }
    }

    fn elapsed(&self) -> Duration {
        self.cut.get().map_or(Duration::ZERO, |cut| cut.at.elapsed())
    }

    fn keys_done(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.0.lock().entries).sum()
    }

    fn is_running(&self) -> bool {
        self.mode.load(Ordering::SeqCst) == RUNNING
    }

    /// Walk and writer have both ended.
    fn is_settled(&self) -> bool {
        self.writer_result.get().is_some() && self.pool.lock().is_complete()
    }

    fn nothing_to_walk(&self) -> Progress {
        if self.outcome.get().is_some() {
            Progress::Over
        } else if self.is_settled() {
            Progress::NeedsDetach
        } else {
            Progress::Waiting
        }
    }

    /// S2: every lane's rest goes to the writer.
    fn walk_complete(&self) {
        for lane in &self.lanes {
            let mut lane = lane.0.lock();
            if self.is_running() {
                lane.ship(&self.settings());
            }
            lane.discard(&self.budget);
        }
        self.queue.complete();
    }

    fn lane(&self, worker: WorkerId) -> &OwnLock<Lane> {
        // A worker that the gate does not know could not have come here.
        &self.lanes[worker.0].0
    }

    fn settings(&self) -> Settings<'_> {
        Settings {
            queue: &self.queue,
            budget: &self.budget,
            block_bytes: self.block_bytes,
            compression: self.options.compression,
            version: self.version(),
        }
    }

    /// The version in which the file is written; known from the cut on.
    pub(crate) fn version(&self) -> u16 {
        self.cut.get().map_or(self.options.version, |cut| cut.version)
    }

    fn logical(&self, physical: u32) -> u32 {
        let cut = self.cut.get().expect("entries are shown only after the cut");
        cut.logical[physical as usize]
    }

    /// Puts an entry on its way into the file (S1). Returns roughly how many bytes that took.
    #[inline]
    fn emit(&self, lane: &mut Lane, database: u32, entry: &EntryView<'_>) -> u64 {
        let usage = match &self.options.usage {
            Some(usage_of) => usage_of(entry.clock),
            None => Usage::Unknown,
        };
        lane.entries += 1;
        match entry.value {
            ValueRef::String(StrRef::Shared(shared)) => {
                self.freeze(database, entry, LargeRef::String(shared), usage)
            }
            ValueRef::String(value) => {
                lane.encode(database, entry, Small::String(value), usage, &self.settings());
                entry.key.len() as u64 + value.len() + 16
            }
            _ => self.emit_collection(lane, database, entry, usage),
        }
    }

    fn emit_collection(&self, lane: &mut Lane, database: u32, entry: &EntryView<'_>, usage: Usage) -> u64 {
        if matches!(entry.value, ValueRef::Hash(hash) if hash.earliest() != NO_DEADLINE) {
            self.has_field_deadlines.store(true, Ordering::Relaxed);
        }
        if let Some(large) = entry.value.large() {
            return self.freeze(database, entry, large, usage);
        }
        let object = match entry.value {
            ValueRef::List(list) => ObjectRef::List(list),
            ValueRef::Set(set) => ObjectRef::Set(set),
            ValueRef::Zset(zset) => ObjectRef::Zset(zset),
            ValueRef::Hash(hash) => ObjectRef::Hash(hash),
            // A large one; frozen above.
            ValueRef::String(_) | ValueRef::Stream(_) => return 0,
        };
        lane.encode(database, entry, Small::Object(object), usage, &self.settings());
        entry.key.len() as u64 + entry.block().map_or(0, |(_, block)| block.len() as u64) + 16
    }

    fn freeze(&self, database: u32, entry: &EntryView<'_>, large: LargeRef<'_>, usage: Usage) -> u64 {
        // A flat string is copied whole when it is changed: charged at once. The nodes of everything else are charged as
        // they are copied, through `held_back`.
        let value = large.image();
        let heap = value.as_ref().heap_bytes();
        let charged = FROZEN_BYTES
            + entry.key.len() as u64
            + match large {
                LargeRef::String(Shared::Flat(_)) => heap,
                _ => 0,
            };
        self.budget.charge(charged);
        self.budget.go_ahead(heap);
        self.frozen_outstanding.fetch_add(1, Ordering::SeqCst);
        let frozen = Frozen {
            database,
            key: entry.key.into(),
            deadline_ms: entry.deadline_ms,
            usage,
            value,
            charged,
            ahead: heap,
        };
        if !self.queue.push_frozen(frozen) {
            self.frozen_done(charged, heap);
        }
        // O(1) for the value; the key is copied.
        FROZEN_BYTES + entry.key.len() as u64
    }

    // --- The writer's side ---

    /// Appends the file's start.
    pub(crate) fn header(&self, out: &mut Vec<u8>) {
        let Some(cut) = self.cut.get() else { return };
        write::header(out, cut.version);
        for (name, value) in self.options.aux.iter().chain(&cut.aux) {
            write::aux(out, name, value);
        }
        let mut sizes: Vec<_> = cut.logical.iter().zip(&cut.sizes).filter(|(_, size)| size.0 > 0).collect();
        sizes.sort_unstable();
        for (&logical, &(keys, deadlines)) in sizes {
            write::select_db(out, logical);
            write::resize_db(out, keys, deadlines);
        }
    }

    /// What frozen values hold that nobody else does.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.held.load(Ordering::Relaxed).max(0) as u64
    }

    /// A block has been written.
    pub(crate) fn block_done(&self, capacity: u64) {
        self.make_room(|budget| budget.release(capacity));
    }

    /// Gives something back to the budget, and wakes walkers if that lets them go on.
    fn make_room(&self, give_back: impl FnOnce(&Budget)) {
        let was_tight = self.budget.is_tight();
        give_back(&self.budget);
        if was_tight && !self.budget.is_tight() {
            self.wake();
        }
    }

    /// So many of a frozen value's bytes have been written, and so many were freed that only it had held.
    pub(crate) fn drained(&self, ahead: u64, freed: u64) {
        self.make_room(|budget| {
            budget.catch_up(ahead);
            self.give_back_held(freed);
        });
    }

    pub(crate) fn note_written(&self, bytes: u64) {
        self.bytes_written.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A frozen value has been written, or will never be. `ahead` is what is still counted for it.
    pub(crate) fn frozen_done(&self, charged: u64, ahead: u64) {
        self.make_room(|budget| {
            budget.catch_up(ahead);
            budget.release(charged);
            if self.frozen_outstanding.fetch_sub(1, Ordering::SeqCst) == 1 {
                // Nothing is frozen: whatever was counted too much (nodes that replies held too) ends here.
                let held = self.held.swap(0, Ordering::SeqCst);
                budget.release(held.max(0) as u64);
            }
        });
    }

    /// Nodes that only a frozen value held have been freed.
    fn give_back_held(&self, bytes: u64) {
        let give = |held: i64| Some(held - (bytes as i64).min(held.max(0)));
        if let Ok(before) = self.held.fetch_update(Ordering::SeqCst, Ordering::SeqCst, give) {
            self.budget.release(bytes.min(before.max(0) as u64));
        }
    }

    /// The writer's last act.
    pub(crate) fn writer_ended(&self, result: Result<(), Failure>) {
        let result = match result {
            Err(Failure::Cancelled) if self.stalled.load(Ordering::SeqCst) => {
                let seconds = self.options.stall_max.as_secs_f32();
                Err(Failure::Io(format!(
                    "the disk took nothing for {seconds} seconds while the budget was used up"
                )))
            }
            result => result,
        };
        if result.is_err() {
            self.mode.store(DRAINING, Ordering::SeqCst);
        }
        let (frozen, blocks) = self.queue.close();
        for frozen in frozen {
            self.frozen_done(frozen.charged, frozen.ahead);
        }
        for block in blocks {
            self.budget.release(block.capacity() as u64);
        }
        let _ = self.writer_result.set(result);
        self.budget.notify();
        self.wake();
    }

    pub(crate) fn wake(&self) {
        if let Some(wake) = &self.options.wake {
            wake();
        }
    }
}

impl PreImage for Snapshot {
    fn pre_image(&self, worker: WorkerId, database: u32, entry: EntryView<'_>) {
        if self.is_running() {
            let logical = self.logical(database);
            self.emit(&mut self.lane(worker).lock(), logical, &entry);
        }
    }

    fn held_back(&self, bytes: u64) {
        if self.frozen_outstanding.load(Ordering::SeqCst) == 0 || !self.is_running() {
            return;
        }
        // One removed value of any size never fills the budget alone: its bytes were there at the cut, and
        // to wait for all of them would take as long as writing them.
        let bytes = bytes.min(self.budget.limit_bytes() / 2);
        self.held.fetch_add(bytes as i64, Ordering::SeqCst);
        self.budget.charge(bytes);
    }

    fn take_table(&self, table: TakenTable) -> Option<TakenTable> {
        if self.is_running() { self.pool.lock().accept(table) } else { Some(table) }
    }
}

/// One stay under a lock, and what it may still do.
struct Stay {
    start: Instant,
    limit: Duration,
    entries_left: usize,
    bytes: u64,
    until_clock: u64,
    over: bool,
}

impl Stay {
    fn begin(limit: Duration) -> Stay {
        Stay {
            start: Instant::now(),
            limit: limit.min(HOLD),
            entries_left: HOLD_ENTRIES,
            bytes: 0,
            until_clock: CLOCK_EVERY,
            over: false,
        }
    }

    /// Notes an entry that took `bytes`; true when there is time for another.
    fn go_on(&mut self, bytes: u64) -> bool {
        self.bytes += bytes;
        self.until_clock = self.until_clock.saturating_sub(1 + bytes / 1024);
        if self.until_clock == 0 {
            self.until_clock = CLOCK_EVERY;
            self.over |= self.start.elapsed() >= self.limit;
        }
        self.over |= self.bytes >= HOLD_BYTES;
        !self.over
    }

    fn is_over(&self) -> bool {
        self.over || self.start.elapsed() >= self.limit
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
