//! The service that saves: begins, cancels and ends saves, watches the save points, and remembers what came of it all.
//!
//! It walks nothing and writes nothing: reactors call [`Snapshot::step`] on [`Saver::current`], the snapshot's thread writes.
//!
//! ```text
//!  begin ──> starting ──> running ──(detached)──> recorded: last save, status, dirty counter, retry time
//!    │           │ no file, no thread                ^
//!    │           └───────────────────────────────────┤
//!    └ while marks are being settled: queued, begun by tick
//! ```
//! Locks: `state` is held for a few instructions only, never while the gate is entered, a file is opened or the host is called; so it
//! may be asked for from inside the gate. Begin, save, settle and tick are called outside the gate.
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
use snapshot::{Failure, Options, Outcome, Snapshot, UsageOf};

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

    /// Facts for the file's start: `redis-ver`, `redis-bits`, `ctime`, `used-mem`, in Redis's order.
    fn aux(&self) -> Vec<(Vec<u8>, Vec<u8>)>;

    /// How entries' use is spelled in the file; `None` if the eviction policy is neither LRU nor LFU.
    fn usage(&self) -> Option<UsageOf>;

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
#[derive(Clone)]
pub enum Begun {
    /// It runs.
    Started(Arc<Snapshot>),
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

/// A save that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Why it was asked for.
    pub kind: Kind,
    /// How it ended.
    pub outcome: Outcome,
}

struct Running {
    snapshot: Arc<Snapshot>,
    kind: Kind,
    started_at: i64,
    /// Changes counted at the cut.
    dirty: u64,
}

#[derive(Default)]
struct State {
    /// Somebody is between the decision to begin and the cut.
    starting: bool,
    running: Option<Running>,
    scheduled: Option<Kind>,
    last: Last,
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

    /// Begins a save. Outside the gate.
    pub fn begin(&self, keyspace: &Keyspace, worker: WorkerId, kind: Kind) -> Result<Begun, Refusal> {
        {
            let mut state = self.state.lock();
            if let Some(running) = &state.running {
                if !running.snapshot.status().is_draining {
                    return Err(Refusal::InProgress);
                }
                // Somebody waits for a foreground save, so nothing takes its place.
                if state.scheduled != Some(Kind::Foreground) {
                    state.scheduled = Some(kind);
                }
                return Ok(Begun::Queued);
            }
            if state.starting {
                return Err(Refusal::InProgress);
            }
            state.starting = true;
            state.scheduled = None;
            state.last.tried_at = unix_seconds();
        }
        let config = self.config();
        match self.start(keyspace, worker, &config) {
            Ok((snapshot, dirty)) => {
                let running =
                    Running { snapshot: Arc::clone(&snapshot), kind, started_at: unix_seconds(), dirty };
                {
                    let mut state = self.state.lock();
                    state.starting = false;
                    state.running = Some(running);
                    self.is_active.store(true, Ordering::Release);
                }
                if kind.is_background() {
                    self.host.log(Level::Notice, "Background saving started");
                }
                Ok(Begun::Started(snapshot))
            }
            Err(error) => {
                let text = crate::reason(&error);
                let is_ok = {
                    let mut state = self.state.lock();
                    state.starting = false;
                    Self::note_failure(&mut state.last, kind, &text);
                    state.last.is_ok
                };
                self.judge_writes(is_ok);
                self.host.log(Level::Warning, &text);
                Err(Refusal::Failed(text))
            }
        }
    }

    /// What a snapshot may take: what is configured, or half of what is left for the process if that is less. The other half is for what
    /// grows meanwhile.
    fn budget(&self, configured: u64) -> u64 {
        let Some(spare) = spare::bytes().filter(|spare| spare / 2 < configured) else { return configured };
        let budget = (spare / 2).clamp(BUDGET_MIN.min(configured), configured);
        let text = format!(
            "{} MB of memory are left: the snapshot takes {} MB at most, instead of {} MB",
            spare >> 20,
            budget >> 20,
            configured >> 20
        );
        self.host.log(Level::Notice, &text);
        budget
    }

    /// Opens the file, starts the writer and cuts.
    fn start(
        &self,
        keyspace: &Keyspace,
        worker: WorkerId,
        config: &Config,
    ) -> std::io::Result<(Arc<Snapshot>, u64)> {
        let sink = FileSink::create(&config.directory, &config.file_name)?;
        let host = Arc::clone(&self.host);
        let options = Options {
            budget_bytes: self.budget(config.budget_bytes),
            compression: config.compression,
            checksum: config.checksum,
            version: config.version,
            aux: self.host.aux(),
            usage: self.host.usage(),
            wake: Some(Box::new(move || host.wake())),
            ..Options::default()
        };
        let prepared =
            Snapshot::prepare(&mut keyspace.enter(worker), options, Box::new(sink)).map_err(|error| {
                let text = format!("Can't save in background: thread: {}", crate::reason(&error));
                std::io::Error::new(error.kind(), text)
            })?;
        let mut dirty = 0;
        let snapshot = prepared.cut(keyspace, worker, |access| {
            dirty = self.changes();
            self.host.at_cut(access)
        });
        Ok((snapshot, dirty))
    }

    /// As in Redis, only a save in the background makes for a bad status: whoever waits for a save learns of its failure at once.
    fn note_failure(last: &mut Last, kind: Kind, text: &str) {
        last.error = Some(text.to_owned());
        if kind.is_background() {
            last.is_ok = false;
            last.failures = last.failures.saturating_add(1);
        }
    }

    /// Ends the running save if it is ready for that ([`snapshot::Progress::NeedsDetach`]), and records what came of it. Outside the
    /// gate. The first to call it then gets the result.
    pub fn settle(&self, keyspace: &Keyspace, worker: WorkerId) -> Option<Finished> {
        let snapshot = self.current()?;
        snapshot.detach(keyspace, worker);
        let outcome = snapshot.outcome()?.clone();
        let status = snapshot.status();
        let (kind, is_ok) = {
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
            (running.kind, last.is_ok)
        };
        self.judge_writes(is_ok);
        self.log_end(kind, &outcome);
        Some(Finished { kind, outcome })
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

    /// Saves and returns when that is done: SAVE, SHUTDOWN, DEBUG RELOAD. Outside the gate. At shutdown a running save is
    /// cancelled first; otherwise it refuses.
    pub fn save(&self, keyspace: &Keyspace, worker: WorkerId, kind: Kind) -> Result<Outcome, Refusal> {
        loop {
            let former = self.current();
            match self.begin(keyspace, worker, kind) {
                Ok(Begun::Started(snapshot)) => {
                    let outcome = snapshot.run_to_end(keyspace, worker);
                    // Another worker may be the one who records it; then it is being recorded right now.
                    self.settle(keyspace, worker);
                    return match outcome.result {
                        Ok(_) => Ok(outcome),
                        Err(failure) => Err(Refusal::Failed(failure.to_string())),
                    };
                }
                Ok(Begun::Queued) => {
                    self.state.lock().scheduled.take_if(|queued| *queued == kind);
                }
                Err(Refusal::InProgress) if kind == Kind::Shutdown => {
                    if let Some(snapshot) = &former {
                        snapshot.cancel();
                    }
                }
                Err(refusal) => return Err(refusal),
            }
            if let Some(snapshot) = former.or_else(|| self.current()) {
                snapshot.run_to_end(keyspace, worker);
                self.settle(keyspace, worker);
            }
            std::thread::yield_now();
        }
    }

    /// BGSAVE SCHEDULE, and BGSAVE inside EXEC: a save begins at the next tick that finds none running.
    pub fn schedule(&self) {
        self.state.lock().scheduled.get_or_insert(Kind::Background);
    }

    /// Stops the running save and forgets a scheduled one, unless a client waits for that. False when there was nothing to stop, or it is being put in place.
    pub fn cancel(&self) -> bool {
        let (running, scheduled) = {
            let mut state = self.state.lock();
            let running = state.running.as_ref().map(|running| Arc::clone(&running.snapshot));
            let scheduled = state.scheduled.take_if(|kind| *kind != Kind::Foreground);
            (running, scheduled.is_some())
        };
        running.is_some_and(|snapshot| !snapshot.status().is_draining && snapshot.cancel()) || scheduled
    }

    /// Before the process ends without a save: stops the running one and waits, at most for `limit`, until its temporary file is
    /// gone. False when that took too long. No worker needs to walk meanwhile.
    pub fn abandon(&self, limit: Duration) -> bool {
        self.cancel();
        self.current().is_none_or(|snapshot| snapshot.wait_for_writer(limit))
    }

    /// What has to be done from time to time, ten times a second or more often, by one worker outside the gate: ends what is ready,
    /// begins what is scheduled or due.
    pub fn tick(&self, keyspace: &Keyspace, worker: WorkerId) -> Option<Finished> {
        let finished = self.settle(keyspace, worker);
        let now = unix_seconds();
        let due = {
            let state = self.state.lock();
            if state.running.is_some() || state.starting {
                return finished;
            }
            match state.scheduled {
                Some(Kind::Foreground) => Some((Kind::Foreground, None)),
                // Redis holds a scheduled save back after a failure, too.
                Some(kind) if now >= state.last.retry_at() => Some((kind, None)),
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
        if let Some((kind, point)) = due {
            if let Some(SavePoint { seconds, changes }) = point {
                let text = format!("{changes} changes in {seconds} seconds. Saving...");
                self.host.log(Level::Notice, &text);
            }
            // A refusal has been logged and recorded; those who wait for a foreground save have to hear of it too.
            if let Err(Refusal::Failed(text)) = self.begin(keyspace, worker, kind)
                && kind == Kind::Foreground
            {
                let result = Err(Failure::Io(text));
                let outcome = Outcome { result, bytes: 0, duration: Duration::ZERO, budget_peak_bytes: 0 };
                return Some(Finished { kind, outcome });
            }
        }
        finished
    }
}

#[cfg(test)]
mod tests;
