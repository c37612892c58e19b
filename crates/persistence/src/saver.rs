//! The service that saves: begins, cancels and ends saves, watches the save points, and remembers what came of it all.
//!
//! It walks nothing and writes nothing: reactors call [`Snapshot::step`] on [`Saver::current`], the snapshot's thread opens the file, looks at what memory is
//! left, and writes.
//!
//! ```text
//!  begin ──> starting ──(prepared: Host::ready; settle cuts)──> running ──(detached; settle)──> recorded: last save, status,
//!    │           │ no file, no thread, cancelled                                                ^   dirty counter, retry time
//!    │           └──────────────────────────────────────────────────────────────────────────────┤
//!    └ while marks are being settled: queued, begun by tick
//! ```
//! What comes of it is told to [`Host::tell`], once for each save: begun or not, and if it was begun, how it ended.
//!
//! Locks: `state` is held for a few instructions only, never while the gate is entered, a file is opened or the host is called; so it
//! may be asked for from inside the gate. Begin, save, settle, tick and cancel are called outside the gate.
//!
//! Faults: a save that fails leaves the former file in place. After failures automatic saves wait 5 seconds (Redis's delay), doubled
//! with each further failure up to [`RETRY_SECONDS_MAX`]; one success ends that.

mod status;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keyspace::{Access, Keyspace, WorkerId};
use parking_lot::{Mutex, RwLock};
use snapshot::{Failure, Options, Outcome, Prepared, Preparing, Sink, Snapshot, UsageOf};

use crate::file::FileSink;
use crate::point::SavePoint;
use crate::spare;

pub use status::Status;

/// The least that a snapshot plans with, however little memory is left: some blocks for each worker.
const BUDGET_MIN: u64 = 8 << 20;

/// Seconds after a failed save before an automatic one is tried again.
const RETRY_SECONDS: i64 = 5;

/// The longest such pause.
const RETRY_SECONDS_MAX: i64 = 160;

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Redis's `notice`.
    Notice,
    /// Redis's `warning`.
    Warning,
}

/// What a saver needs from the server around it. Called without any lock held, except [`Host::at_cut`].
pub trait Host: Send + Sync {
    /// Writes a line to the log.
    fn log(&self, level: Level, text: &str);

    /// Something came of a save.
    fn tell(&self, save: SaveId, news: News);

    /// Facts for the file's start: `redis-ver`, `redis-bits`, `ctime`, `used-mem`, in Redis's order. Called by the snapshot's thread.
    fn aux(&self) -> Vec<(Vec<u8>, Vec<u8>)>;

    /// How entries' use is spelled in the file; `None` if the eviction policy is neither LRU nor LFU. Called by the snapshot's thread.
    fn usage(&self) -> Option<UsageOf>;

    /// A save is ready for its cut, or will not be begun: a worker should call [`Saver::settle`] soon.
    fn ready(&self);

    /// Inside the cut, all workers outside the gate: notes what belongs to this moment (the log's offset) and returns further facts
    /// for the file's start. Takes microseconds.
    fn at_cut(&self, access: &mut Access<'_>) -> Vec<(Vec<u8>, Vec<u8>)>;

    /// A worker that sleeps although a save runs should look at it again. Called by the snapshot's thread.
    fn wake(&self);
}

/// What the options say.
#[derive(Clone, Debug)]
pub struct Config {
    /// `dir`.
    pub directory: PathBuf,
    /// `dbfilename`.
    pub file_name: String,
    /// `save`.
    pub points: Vec<SavePoint>,
    /// `stop-writes-on-bgsave-error`.
    pub stop_writes_on_error: bool,
    /// `rdbcompression`.
    pub compression: bool,
    /// `rdbchecksum`.
    pub checksum: bool,
    /// `rdb-version`.
    pub version: u16,
    /// `snapshot-memory-budget`.
    pub budget_bytes: u64,
}

impl Config {
    /// The file's final place.
    pub fn path(&self) -> PathBuf {
        self.directory.join(&self.file_name)
    }
}

/// Why a save was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// BGSAVE.
    Background,
    /// SAVE.
    Foreground,
    /// The server ends.
    Shutdown,
    /// A save point is due.
    SavePoint,
    /// DEBUG RELOAD.
    Reload,
}

impl Kind {
    fn is_background(self) -> bool {
        matches!(self, Kind::Background | Kind::SavePoint)
    }
}

/// What [`Saver::begin`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is being prepared; [`News`] follow.
    Starting,
    /// It starts as soon as the marks of the former, failed or cancelled one are settled.
    Queued,
}

/// Why no save begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// One is running.
    InProgress,
    /// It failed before the cut; the reason.
    Failed(String),
}

/// Names a save from the moment it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SaveId(u64);

/// What comes of a save, whoever asked for it. The first one or two, in this order.
#[derive(Clone, Debug)]
pub enum News {
    /// The cut is made.
    Begun(Kind),
    /// There will be no file: it failed before the cut; the reason.
    Refused(Kind, String),
    /// It was stopped before the cut.
    CalledOff(Kind),
    /// How it ended.
    Finished(Kind, Outcome),
}

/// A save before its cut.
struct Starting {
    id: SaveId,
    kind: Kind,
    /// None while its thread is being started or a worker makes the cut, and where that is left to who waits in [`Saver::save`].
    preparing: Option<Preparing>,
    is_cancelled: bool,
}

struct Running {
    id: SaveId,
    snapshot: Arc<Snapshot>,
    kind: Kind,
    started_at: i64,
    /// Changes counted at the cut.
    dirty: u64,
}

#[derive(Default)]
struct State {
    starting: Option<Starting>,
    running: Option<Running>,
    scheduled: Option<(SaveId, Kind)>,
    last_id: SaveId,
    last: Last,
}

impl State {
    fn next_id(&mut self) -> SaveId {
        self.last_id.0 += 1;
        self.last_id
    }
}

/// What came of the saves so far.
struct Last {
    saved_at: i64,
    tried_at: i64,
    is_ok: bool,
    error: Option<String>,
    background_seconds: i64,
    failures: u32,
    saves: u64,
    cut: Duration,
    cut_wait: Duration,
    budget_peak_bytes: u64,
    keys: u64,
    bytes: u64,
}

impl Default for Last {
    fn default() -> Last {
        Last {
            // As Redis: a server that has just started counts as saved.
            saved_at: unix_seconds(),
            tried_at: 0,
            is_ok: true,
            error: None,
            background_seconds: -1,
            failures: 0,
            saves: 0,
            cut: Duration::ZERO,
            cut_wait: Duration::ZERO,
            budget_peak_bytes: 0,
            keys: 0,
            bytes: 0,
        }
    }
}

impl Last {
    /// When the next automatic save may be tried; 0 when it need not wait.
    fn retry_at(&self) -> i64 {
        match self.failures {
            0 => 0,
            n => {
                let pause = RETRY_SECONDS << (n - 1).min(16);
                self.tried_at.saturating_add(pause.min(RETRY_SECONDS_MAX))
            }
        }
    }
}

/// See the module.
pub struct Saver {
    host: Arc<dyn Host>,
    config: RwLock<Config>,
    state: Mutex<State>,
    /// A snapshot is attached: what reactors look at after each batch.
    is_active: AtomicBool,
    /// Writes are refused with MISCONF.
    blocks_writes: AtomicBool,
    dirty: AtomicU64,
}

fn unix_seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64)
}

impl Saver {
    /// A saver that has not saved yet.
    pub fn new(host: Arc<dyn Host>, config: Config) -> Saver {
        Saver {
            host,
            config: RwLock::new(config),
            state: Mutex::new(State::default()),
            is_active: AtomicBool::new(false),
            blocks_writes: AtomicBool::new(false),
            dirty: AtomicU64::new(0),
        }
    }

    /// What the options say.
    pub fn config(&self) -> Config {
        self.config.read().clone()
    }

    /// Whether save points are set.
    pub fn has_points(&self) -> bool {
        !self.config.read().points.is_empty()
    }

    /// Changes options (CONFIG SET). A save that runs keeps those it began with.
    pub fn set_config(&self, config: Config) {
        *self.config.write() = config;
        let is_ok = self.state.lock().last.is_ok;
        self.judge_writes(is_ok);
    }

    /// Counts changes (`dirty` in Redis's words). Batches should be counted once.
    #[inline]
    pub fn note_changes(&self, count: u64) {
        self.dirty.fetch_add(count, Ordering::Relaxed);
    }

    /// Changes since the last save (`rdb_changes_since_last_save`).
    pub fn changes(&self) -> u64 {
        self.dirty.load(Ordering::Relaxed)
    }

    /// The counter starts anew: the content was replaced by a loaded file's.
    pub fn reset_changes(&self) {
        self.dirty.store(0, Ordering::Relaxed);
    }

    /// Whether writes get MISCONF: the last background save failed, save points are set, and `stop-writes-on-bgsave-error` is on.
    #[inline]
    pub fn is_blocking_writes(&self) -> bool {
        self.blocks_writes.load(Ordering::Relaxed)
    }

    fn judge_writes(&self, is_ok: bool) {
        let config = self.config.read();
        let blocks = !is_ok && config.stop_writes_on_error && !config.points.is_empty();
        self.blocks_writes.store(blocks, Ordering::Relaxed);
    }

    /// Whether there is a snapshot to walk or to settle; one relaxed load.
    #[inline]
    pub fn is_active(&self) -> bool {
        self.is_active.load(Ordering::Relaxed)
    }

    /// The snapshot to walk.
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        if !self.is_active() {
            return None;
        }
        self.state.lock().running.as_ref().map(|running| Arc::clone(&running.snapshot))
    }

    /// LASTSAVE: seconds since the epoch of the last good save.
    pub fn last_save_at(&self) -> i64 {
        self.state.lock().last.saved_at
    }

    /// Begins a save: its thread starts. `note` is told its name before anything can come of it, and before it is certain that a thread can be had. Outside the
    /// gate.
    pub fn begin(
        &self,
        keyspace: &Keyspace,
        kind: Kind,
        note: impl FnOnce(SaveId, Begun),
    ) -> Result<Begun, Refusal> {
        let (id, begun) = self.claim(kind, note)?;
        if begun == Begun::Queued {
            return Ok(begun);
        }
        let host = Arc::clone(&self.host);
        let preparing = self
            .prepare(keyspace, move || host.ready())
            .map_err(|error| Refusal::Failed(self.refuse(kind, &error)))?;
        let is_due = self.state.lock().starting.as_mut().is_some_and(|starting| {
            debug_assert_eq!(starting.id, id);
            let preparing = starting.preparing.insert(preparing);
            preparing.is_over() || starting.is_cancelled
        });
        // Who was rung for before this could be seen has found nothing.
        if is_due {
            self.host.ready();
        }
        Ok(begun)
    }

    /// Decides whether a save may begin, and if so that nobody else begins one. `note` is called under the lock: nothing has come of it yet.
    fn claim(&self, kind: Kind, note: impl FnOnce(SaveId, Begun)) -> Result<(SaveId, Begun), Refusal> {
        let mut state = self.state.lock();
        let (id, begun) = match &state.running {
            Some(running) if running.snapshot.status().is_draining => {
                // Somebody waits for a foreground save, so nothing takes its place.
                let id = match state.scheduled {
                    Some((id, scheduled)) if scheduled == kind || scheduled == Kind::Foreground => id,
                    _ => {
                        let id = state.next_id();
                        state.scheduled = Some((id, kind));
                        id
                    }
                };
                (id, Begun::Queued)
            }
            Some(_) => return Err(Refusal::InProgress),
            None if state.starting.is_some() => return Err(Refusal::InProgress),
            None => {
                let scheduled = state.scheduled.take();
                let id = match scheduled {
                    Some((id, scheduled)) if scheduled == kind => id,
                    _ => state.next_id(),
                };
                // It follows when this one has ended.
                state.scheduled = scheduled.filter(|&(_, other)| other == Kind::Foreground && other != kind);
                state.starting = Some(Starting { id, kind, preparing: None, is_cancelled: false });
                state.last.tried_at = unix_seconds();
                (id, Begun::Starting)
            }
        };
        note(id, begun);
        Ok((id, begun))
    }

    /// Starts the thread that opens the file, counts what memory is left, and waits for the cut.
    fn prepare(
        &self,
        keyspace: &Keyspace,
        ready: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Preparing> {
        let (config, host) = (self.config(), Arc::clone(&self.host));
        let plan = move || {
            let sink = FileSink::create(&config.directory, &config.file_name)?;
            let budget_bytes = budget(&*host, config.budget_bytes);
            let (aux, usage) = (host.aux(), host.usage());
            let options = Options {
                budget_bytes,
                compression: config.compression,
                checksum: config.checksum,
                version: config.version,
                aux,
                usage,
                wake: Some(Box::new(move || host.wake())),
                ..Options::default()
            };
            Ok((options, Box::new(sink) as Box<dyn Sink>))
        };
        Preparing::begin(keyspace, plan, ready).map_err(|error| {
            let text = format!("Can't save in background: thread: {}", crate::reason(&error));
            std::io::Error::new(error.kind(), text)
        })
    }

    /// Makes the cut of the save that has been claimed.
    fn cut(
        &self,
        keyspace: &Keyspace,
        worker: WorkerId,
        (id, kind): (SaveId, Kind),
        prepared: Prepared,
    ) -> Arc<Snapshot> {
        let mut dirty = 0;
        let snapshot = prepared.cut(keyspace, worker, |access| {
            dirty = self.changes();
            self.host.at_cut(access)
        });
        let running =
            Running { id, snapshot: Arc::clone(&snapshot), kind, started_at: unix_seconds(), dirty };
        let is_cancelled = {
            let mut state = self.state.lock();
            state.running = Some(running);
            self.is_active.store(true, Ordering::Release);
            state.starting.take().is_some_and(|starting| starting.is_cancelled)
        };
        if kind.is_background() {
            self.host.log(Level::Notice, "Background saving started");
        }
        self.host.tell(id, News::Begun(kind));
        if is_cancelled {
            snapshot.cancel();
        }
        snapshot
    }

    /// The save that has been claimed is not begun, for this reason.
    fn refuse(&self, kind: Kind, error: &std::io::Error) -> String {
        let text = crate::reason(error);
        let (starting, is_ok) = {
            let mut state = self.state.lock();
            Self::note_failure(&mut state.last, kind, &text);
            (state.starting.take(), state.last.is_ok)
        };
        drop(starting);
        self.judge_writes(is_ok);
        self.host.log(Level::Warning, &text);
        text
    }

    /// The save that has been claimed was stopped before its cut.
    fn call_off(&self, id: SaveId, kind: Kind) {
        let starting = {
            let mut state = self.state.lock();
            state.last.error = Some("cancelled".into());
            state.starting.take()
        };
        drop(starting);
        self.host.log(Level::Notice, "Background saving cancelled");
        self.host.tell(id, News::CalledOff(kind));
    }

    /// Goes on with a save that is ready for its cut.
    fn settle_start(&self, keyspace: &Keyspace, worker: WorkerId) {
        let (id, kind, prepared) = {
            let mut state = self.state.lock();
            let Some(starting) = &mut state.starting else { return };
            let (id, kind) = (starting.id, starting.kind);
            let Some(preparing) = &starting.preparing else { return };
            if starting.is_cancelled {
                // Nobody else finds it then.
                let unwanted = starting.preparing.take();
                drop(state);
                drop(unwanted);
                return self.call_off(id, kind);
            }
            let Some(prepared) = preparing.take() else { return };
            starting.preparing = None;
            (id, kind, prepared)
        };
        match prepared {
            Ok(prepared) => drop(self.cut(keyspace, worker, (id, kind), prepared)),
            Err(error) => {
                let text = self.refuse(kind, &error);
                self.host.tell(id, News::Refused(kind, text));
            }
        }
    }

    /// As in Redis, only a save in the background makes for a bad status: whoever waits for a save learns of its failure at once.
    fn note_failure(last: &mut Last, kind: Kind, text: &str) {
        last.error = Some(text.to_owned());
        if kind.is_background() {
            last.is_ok = false;
            last.failures = last.failures.saturating_add(1);
        }
    }

    /// Makes the cut if a save is ready for it, or ends the running one if it is ready for that ([`snapshot::Progress::NeedsDetach`]), and records what
    /// came of it. Outside the gate.
    pub fn settle(&self, keyspace: &Keyspace, worker: WorkerId) {
        self.settle_start(keyspace, worker);
        self.settle_end(keyspace, worker);
    }

    fn settle_end(&self, keyspace: &Keyspace, worker: WorkerId) -> Option<()> {
        let snapshot = self.current()?;
        snapshot.detach(keyspace, worker);
        let outcome = snapshot.outcome()?.clone();
        let status = snapshot.status();
        let (id, kind, is_ok) = {
            let mut state = self.state.lock();
            // Somebody else may have recorded it meanwhile.
            let running = state.running.take_if(|running| Arc::ptr_eq(&running.snapshot, &snapshot))?;
            self.is_active.store(false, Ordering::Release);
            let now = unix_seconds();
            let last = &mut state.last;
            last.cut = status.cut;
            last.cut_wait = status.cut_wait;
            last.budget_peak_bytes = outcome.budget_peak_bytes;
            if running.kind.is_background() {
                last.background_seconds = now - running.started_at;
            }
            match &outcome.result {
                Ok(keys) => {
                    last.is_ok = true;
                    last.error = None;
                    last.failures = 0;
                    last.saved_at = now;
                    last.saves += 1;
                    last.keys = *keys;
                    last.bytes = outcome.bytes;
                    let less = |dirty: u64| Some(dirty.saturating_sub(running.dirty));
                    let _ = self.dirty.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
                }
                // As in Redis, to stop a save is not a failure: writes go on.
                Err(Failure::Cancelled) => last.error = Some("cancelled".into()),
                Err(Failure::Io(text)) => Self::note_failure(last, running.kind, text),
            }
            (running.id, running.kind, last.is_ok)
        };
        self.judge_writes(is_ok);
        self.log_end(kind, &outcome);
        self.host.tell(id, News::Finished(kind, outcome));
        Some(())
    }

    fn log_end(&self, kind: Kind, outcome: &Outcome) {
        let log = |level, text: &str| self.host.log(level, text);
        match &outcome.result {
            Ok(_) => {
                log(Level::Notice, "DB saved on disk");
                if kind.is_background() {
                    let peak = outcome.budget_peak_bytes >> 20;
                    log(Level::Notice, &format!("Snapshot: at most {peak} MB of memory used"));
                    log(Level::Notice, "Background saving terminated with success");
                }
            }
            Err(Failure::Cancelled) => log(Level::Notice, "Background saving cancelled"),
            Err(Failure::Io(text)) => {
                log(Level::Warning, &format!("Write error while saving DB to the disk: {text}"));
                if kind.is_background() {
                    log(Level::Warning, "Background saving error");
                }
                let retry = self.status().next_retry_at - unix_seconds();
                if retry > 0 {
                    log(
                        Level::Warning,
                        &format!("The next automatic save is tried in {retry} seconds at the earliest"),
                    );
                }
            }
        }
    }

    /// Saves and returns when that is done: SHUTDOWN, DEBUG RELOAD. Outside the gate. At shutdown a save that is starting or running is
    /// cancelled first; otherwise it refuses.
    pub fn save(&self, keyspace: &Keyspace, worker: WorkerId, kind: Kind) -> Result<Outcome, Refusal> {
        loop {
            let former = self.current();
            match self.claim(kind, |_, _| ()) {
                Ok((id, Begun::Starting)) => return self.save_claimed(keyspace, worker, id, kind),
                Ok((id, Begun::Queued)) => {
                    self.state.lock().scheduled.take_if(|queued| *queued == (id, kind));
                }
                Err(Refusal::InProgress) if kind == Kind::Shutdown => drop(self.cancel()),
                Err(refusal) => return Err(refusal),
            }
            if let Some(snapshot) = former.or_else(|| self.current()) {
                snapshot.run_to_end(keyspace, worker);
            }
            self.settle(keyspace, worker);
            std::thread::yield_now();
        }
    }

    fn save_claimed(
        &self,
        keyspace: &Keyspace,
        worker: WorkerId,
        id: SaveId,
        kind: Kind,
    ) -> Result<Outcome, Refusal> {
        let prepared = self.prepare(keyspace, || ()).and_then(Preparing::wait);
        let is_cancelled = self.state.lock().starting.as_ref().is_some_and(|starting| starting.is_cancelled);
        let snapshot = match prepared {
            Ok(prepared) if !is_cancelled => self.cut(keyspace, worker, (id, kind), prepared),
            Ok(_) => {
                self.call_off(id, kind);
                return Err(Refusal::Failed(Failure::Cancelled.to_string()));
            }
            Err(error) => return Err(Refusal::Failed(self.refuse(kind, &error))),
        };
        let outcome = snapshot.run_to_end(keyspace, worker);
        // Another worker may be the one who records it; then it is being recorded right now.
        self.settle(keyspace, worker);
        match outcome.result {
            Ok(_) => Ok(outcome),
            Err(failure) => Err(Refusal::Failed(failure.to_string())),
        }
    }

    /// BGSAVE SCHEDULE, and BGSAVE inside EXEC: a save begins at the next tick that finds none running.
    pub fn schedule(&self) {
        let mut state = self.state.lock();
        if state.scheduled.is_none() {
            state.scheduled = Some((state.next_id(), Kind::Background));
        }
    }

    /// Stops the save that is starting or running and forgets a scheduled one, unless a client waits for that. False when there was nothing to stop, or it
    /// is being put in place.
    pub fn cancel(&self) -> bool {
        let (running, scheduled, starting) = {
            let mut state = self.state.lock();
            let running = state.running.as_ref().map(|running| Arc::clone(&running.snapshot));
            let scheduled = state.scheduled.take_if(|(_, kind)| *kind != Kind::Foreground);
            let starting = state
                .starting
                .as_mut()
                .is_some_and(|starting| !std::mem::replace(&mut starting.is_cancelled, true));
            (running, scheduled.is_some(), starting)
        };
        if starting {
            self.host.ready();
        }
        let stopped = running.is_some_and(|snapshot| !snapshot.status().is_draining && snapshot.cancel());
        stopped || scheduled || starting
    }

    /// Before the process ends without a save: stops the running one and waits, at most for `limit`, until its temporary file is
    /// gone. False when that took too long. No worker needs to walk meanwhile.
    pub fn abandon(&self, limit: Duration) -> bool {
        let preparing = self.state.lock().starting.as_mut().and_then(|starting| starting.preparing.take());
        self.cancel();
        let is_gone = preparing.is_none_or(|preparing| {
            preparing.wait_for(limit).is_some_and(|result| match result {
                Ok(prepared) => prepared.give_up(limit),
                Err(_) => true,
            })
        });
        is_gone && self.current().is_none_or(|snapshot| snapshot.wait_for_writer(limit))
    }

    /// What has to be done from time to time, ten times a second or more often, by one worker outside the gate: cuts and ends what is ready,
    /// begins what is scheduled or due.
    pub fn tick(&self, keyspace: &Keyspace, worker: WorkerId) {
        self.settle(keyspace, worker);
        let now = unix_seconds();
        let due = {
            let state = self.state.lock();
            if state.running.is_some() || state.starting.is_some() {
                return;
            }
            match state.scheduled {
                Some((_, Kind::Foreground)) => Some((Kind::Foreground, None)),
                // Redis holds a scheduled save back after a failure, too.
                Some((_, kind)) if now >= state.last.retry_at() => Some((kind, None)),
                _ if now < state.last.retry_at() => None,
                _ => {
                    let since = now - state.last.saved_at;
                    let changes = self.changes();
                    let config = self.config.read();
                    let point = config.points.iter().find(|point| point.is_due(changes, since));
                    point.map(|&point| (Kind::SavePoint, Some(point)))
                }
            }
        };
        let Some((kind, point)) = due else { return };
        if let Some(SavePoint { seconds, changes }) = point {
            let text = format!("{changes} changes in {seconds} seconds. Saving...");
            self.host.log(Level::Notice, &text);
        }
        // It has been logged and recorded; those who wait for a foreground save have to hear of it too.
        let mut name = None;
        if let Err(Refusal::Failed(text)) = self.begin(keyspace, kind, |id, _| name = Some(id))
            && let Some(id) = name
        {
            self.host.tell(id, News::Refused(kind, text));
        }
    }
}

/// What a snapshot may take: what is configured, or half of what is left for the process if that is less. The other half is for what
/// grows meanwhile.
fn budget(host: &dyn Host, configured: u64) -> u64 {
    let Some(spare) = spare::bytes().filter(|spare| spare / 2 < configured) else { return configured };
    let budget = (spare / 2).clamp(BUDGET_MIN.min(configured), configured);
    let text = format!(
        "{} MB of memory are left: the snapshot takes {} MB at most, instead of {} MB",
        spare >> 20,
        budget >> 20,
        configured >> 20
    );
    host.log(Level::Notice, &text);
    budget
}

#[cfg(test)]
mod tests;
