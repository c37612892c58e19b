//! Brings the engine and the `persistence` crate together: saves for clients, by the clock and at the end; loads at start.
//!
//! ```text
//!   reactors ── engine::Persistence ──> Saving ──> persistence::Saver ──> Snapshot
//!                                         │                  │ Host: ready, News
//!                                         └── who waits <────┘──> reactors' letter boxes
//!   main thread <── Ending
//! ```
//! Locks: `waiting` is a leaf, also taken under the saver's. Nothing here is called inside the gate but what [`engine::Persistence`] says may be.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use engine::figures::PersistenceFigures;
use engine::mailbox::Message;
use engine::{Clock, Ending, Engine, Error, Persistence, Walk, now_ms};
use keyspace::{Access, Inside, Keyspace, WorkerId};
use net::ConnId;
use persistence::{
    Begun, Config, Host, Kind, Level, LoadError, LoadOptions, Loaded, Loading, News, Refusal, SaveId,
    SavePoint, Saver,
};
use rdb::Usage;
use snapshot::{Failure, Progress, UsageOf};

/// How long the end waits for the temporary file of a save that is given up.
const ABANDON_MAX: Duration = Duration::from_secs(2);

/// Saving and loading for one server.
pub(crate) struct Saving {
    keyspace: Arc<Keyspace>,
    engine: Arc<OnceLock<Weak<Engine>>>,
    saver: Saver,
    loading: Loading,
    loaded: Mutex<Loaded>,
    waiting: Arc<Waiting>,
    endings: Sender<Ending>,
    /// Set by SHUTDOWN ABORT while an ending is under way.
    ending: AtomicBool,
    called_off: AtomicBool,
}

/// A client whose reply comes when a save has begun or ended.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Waiter {
    save: SaveId,
    worker: WorkerId,
    client: ConnId,
    what_for: WhatFor,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WhatFor {
    /// BGSAVE: the cut.
    Begin,
    /// SAVE: the end.
    End,
    /// FLUSHALL: the end, but it has done its work however that is.
    EndOrNot,
}

/// Those who wait.
#[derive(Default)]
struct Waiting(Mutex<Vec<Waiter>>);

impl Waiting {
    fn list(&self) -> MutexGuard<'_, Vec<Waiter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes those out who wait for this save and for whom there is a reply.
    fn take(&self, save: SaveId, reply: impl Fn(WhatFor) -> Option<Vec<u8>>) -> Vec<(Waiter, Vec<u8>)> {
        let mut replies = Vec::new();
        self.list().retain(|&waiter| {
            let reply = if waiter.save == save { reply(waiter.what_for) } else { None };
            let stays = reply.is_none();
            replies.extend(reply.map(|reply| (waiter, reply)));
            stays
        });
        replies
    }
}

/// What the saver needs from the server.
struct ServerHost {
    engine: Arc<OnceLock<Weak<Engine>>>,
    waiting: Arc<Waiting>,
}

fn engine_of(engine: &OnceLock<Weak<Engine>>) -> Option<Arc<Engine>> {
    engine.get().and_then(Weak::upgrade)
}

impl Host for ServerHost {
    fn log(&self, level: Level, text: &str) {
        match level {
            Level::Notice => journal::notice!("{text}"),
            Level::Warning => journal::warning!("{text}"),
        }
    }

    /// Answers who waits for that.
    fn tell(&self, save: SaveId, news: News) {
        use WhatFor as W;
        let begun = || Some(b"+Background saving started\r\n".to_vec());
        let ok = || Some(b"+OK\r\n".to_vec());
        let error = |text: &str| Some(format!("-ERR{text}\r\n").into_bytes());
        let replies = self.waiting.take(save, |what_for| match (&news, what_for) {
            // To stop a save is no failure of the command that began it.
            (News::Begun(_) | News::CalledOff(_), W::Begin) => begun(),
            (News::Refused(_, text), W::Begin) => error(&format!(" Background save failed: {text}")),
            (News::Finished(..), W::Begin) | (News::Begun(_), _) => None,
            (News::Refused(_, text), W::End) => error(&format!(" {text}")),
            (News::CalledOff(_), W::End) => error(""),
            (News::Finished(_, outcome), W::End) if outcome.result.is_err() => error(""),
            (News::Finished(..), W::End) | (_, W::EndOrNot) => ok(),
        });
        if let Some(engine) = engine_of(&self.engine) {
            for (Waiter { worker, client, .. }, reply) in replies {
                engine.send(worker, Message::Reply(client, reply));
            }
        }
    }

    fn aux(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let pair = |name: &str, value: String| (name.as_bytes().to_vec(), value.into_bytes());
        vec![
            pair("redis-ver", "7.2.4".into()),
            pair("redis-bits", "64".into()),
            pair("ctime", (now_ms() / 1000).to_string()),
            pair("used-mem", keyspace::allocator_stats().allocated.to_string()),
            pair("aof-base", "0".into()),
        ]
    }

    fn usage(&self) -> Option<UsageOf> {
        let engine = engine_of(&self.engine)?;
        let config = engine.config.load();
        use config::EvictionPolicy as P;
        let clock = Clock::new(now_ms(), lfu(&config));
        match config.memory.policy {
            P::AllkeysLru | P::VolatileLru => {
                Some(Box::new(move |field| Usage::IdleSeconds(u64::from(clock.idle_seconds(field)))))
            }
            P::AllkeysLfu | P::VolatileLfu => {
                Some(Box::new(move |field| Usage::Frequency(clock.frequency(field).min(255) as u8)))
            }
            _ => None,
        }
    }

    fn at_cut(&self, _: &mut Access<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
        Vec::new()
    }

    fn ready(&self) {
        if let Some(engine) = engine_of(&self.engine) {
            engine.send(WorkerId(0), Message::Settle);
        }
    }

    fn wake(&self) {
        if let Some(engine) = engine_of(&self.engine) {
            for worker in &engine.workers {
                worker.mailbox.ring();
            }
        }
    }
}

fn lfu(config: &config::Config) -> Option<engine::clock::Lfu> {
    use config::EvictionPolicy as P;
    let memory = &config.memory;
    matches!(memory.policy, P::AllkeysLfu | P::VolatileLfu).then_some(engine::clock::Lfu {
        log_factor: memory.lfu_log_factor,
        decay_minutes: memory.lfu_decay_minutes,
    })
}

/// What the options say about saving.
pub(crate) fn save_config(config: &config::Config) -> Config {
    let snapshot = &config.snapshot;
    Config {
        directory: snapshot.dir.clone(),
        file_name: snapshot.file_name.to_string_lossy().into_owned(),
        points: snapshot
            .save
            .iter()
            .map(|point| SavePoint { seconds: point.seconds, changes: point.changes })
            .collect(),
        stop_writes_on_error: snapshot.stop_writes_on_error,
        compression: snapshot.compression,
        version: snapshot.version.number(),
        checksum: snapshot.checksum,
        budget_bytes: snapshot.memory_budget_bytes,
    }
}

impl Saving {
    /// Saving for `keyspace` as `config` says; endings that clients ask for go to `endings`.
    pub(crate) fn new(keyspace: Arc<Keyspace>, config: &config::Config, endings: Sender<Ending>) -> Saving {
        let engine = Arc::new(OnceLock::new());
        let waiting = Arc::default();
        let host = Arc::new(ServerHost { engine: Arc::clone(&engine), waiting: Arc::clone(&waiting) });
        Saving {
            keyspace,
            engine,
            saver: Saver::new(host, save_config(config)),
            loading: Loading::new(),
            loaded: Mutex::default(),
            waiting,
            endings,
            ending: AtomicBool::new(false),
            called_off: AtomicBool::new(false),
        }
    }

    /// Tells it the engine that it serves.
    pub(crate) fn attach(&self, engine: &Arc<Engine>) {
        let _ = self.engine.set(Arc::downgrade(engine));
    }

    /// Takes over changed options.
    pub(crate) fn set_config(&self, config: &config::Config) {
        self.saver.set_config(save_config(config));
    }

    /// Loads the configured file into the keyspace, unless `is_given_up` says so meanwhile. While it does, and after it was given up, commands get
    /// LOADING.
    pub(crate) fn load(
        &self,
        worker: WorkerId,
        is_given_up: &mut dyn FnMut() -> bool,
    ) -> Result<Loaded, LoadError> {
        let Some(engine) = engine_of(&self.engine) else { return Ok(Loaded::default()) };
        engine.set_loading(true);
        let loaded = self.load_file(&engine, &self.saver.config().path(), worker, is_given_up);
        engine.set_loading(matches!(loaded, Err(LoadError::GivenUp)));
        if let Ok(loaded) = &loaded {
            self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone_from(loaded);
            self.saver.reset_changes();
        }
        loaded
    }

    fn load_file(
        &self,
        engine: &Engine,
        path: &Path,
        worker: WorkerId,
        is_given_up: &mut dyn FnMut() -> bool,
    ) -> Result<Loaded, LoadError> {
        let config = engine.config.load();
        let clock = Clock::new(now_ms(), lfu(&config));
        let counts = clock.is_lfu();
        let clock_of = move |usage: Usage| match usage {
            Usage::IdleSeconds(seconds) if !counts => clock.from_idle(seconds.min(0x00FF_FFFF) as u32),
            Usage::Frequency(counter) if counts => clock.from_frequency(counter),
            _ => clock.fresh(),
        };
        let options = LoadOptions {
            drop_expired: true,
            any_version: config.snapshot.version_check == config::VersionCheck::Relaxed,
            thresholds: commands::keys::thresholds(&config.encoding),
            clock_of: &clock_of,
            key_delay_us: &|| engine.config.load().snapshot.key_load_delay.into(),
            progress: &mut || {
                self.keyspace.set_clock_ms(now_ms());
                !is_given_up()
            },
            aux: &mut |_, _| {},
        };
        persistence::load_file(path, &self.keyspace, worker, &self.loading, options)
    }

    /// The end's save: a running one is given up for it.
    pub(crate) fn save_at_end(&self, worker: WorkerId) -> Result<(), String> {
        match self.saver.save(&self.keyspace, worker, Kind::Shutdown) {
            Ok(_) => Ok(()),
            Err(Refusal::Failed(text)) => Err(text),
            Err(Refusal::InProgress) => Err("a save is in progress".into()),
        }
    }

    /// Gives up a running save, without another one.
    pub(crate) fn abandon(&self) {
        self.saver.abandon(ABANDON_MAX);
    }

    /// Whether save points are configured.
    pub(crate) fn has_save_points(&self) -> bool {
        self.saver.has_points()
    }

    /// An ending is under way.
    pub(crate) fn begin_end(&self) {
        self.called_off.store(false, Ordering::SeqCst);
        self.ending.store(true, Ordering::SeqCst);
    }

    /// It is over; true if it was called off.
    pub(crate) fn finish_end(&self) -> bool {
        self.ending.store(false, Ordering::SeqCst);
        self.called_off.load(Ordering::SeqCst)
    }

    /// Begins a save that a client waits for, unless it is told at once that the save is scheduled.
    fn begin_for(
        &self,
        kind: Kind,
        worker: WorkerId,
        client: Option<ConnId>,
        what_for: WhatFor,
    ) -> Result<Begun, Refusal> {
        let mut noted = None;
        let begun = self.saver.begin(&self.keyspace, kind, |save, begun| {
            let waits = begun == Begun::Starting || what_for != WhatFor::Begin;
            noted = client.filter(|_| waits).map(|client| Waiter { save, worker, client, what_for });
            self.waiting.list().extend(noted);
        });
        if begun.is_err() {
            self.waiting.list().retain(|&waits| Some(waits) != noted);
        }
        begun
    }
}

fn unix(seconds: i64) -> String {
    seconds.to_string()
}

impl Persistence for Saving {
    fn figures(&self) -> PersistenceFigures {
        let status = self.saver.status();
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut more = vec![
            ("rdb_last_cut_usec", status.last_cut_usec.to_string()),
            ("rdb_last_cut_wait_usec", status.last_cut_wait_usec.to_string()),
            ("snapshot_bytes_written", status.bytes_written.to_string()),
            ("snapshot_seconds_left", status.seconds_left.to_string()),
            ("snapshot_memory_budget", status.budget_bytes.to_string()),
            ("snapshot_memory_used", status.budget_used_bytes.to_string()),
            ("snapshot_memory_peak", status.budget_peak_bytes.to_string()),
            ("snapshot_last_keys", status.last_keys.to_string()),
            ("snapshot_last_bytes", status.last_bytes.to_string()),
            ("snapshot_next_retry_time", unix(status.next_retry_at)),
            ("snapshot_last_error", status.last_error.clone().unwrap_or_default()),
        ];
        if self.loading.is_active() {
            let now = now_ms() / 1000;
            let (total, done) = (self.loading.bytes_total(), self.loading.bytes_loaded());
            let percent = done as f64 * 100.0 / total.max(1) as f64;
            more.push(("loading_start_time", unix(self.loading.started_at())));
            more.push(("loading_total_bytes", total.to_string()));
            more.push(("loading_rdb_used_mem", "0".into()));
            more.push(("loading_loaded_bytes", done.to_string()));
            more.push(("loading_loaded_perc", format!("{percent:.2}")));
            more.push(("loading_eta_seconds", self.loading.eta_seconds(now).to_string()));
        }
        PersistenceFigures {
            save_running: status.is_running,
            last_save_s: status.last_save_at,
            changes_since_save: status.changes,
            last_save_ok: status.last_is_ok,
            last_save_seconds: (status.last_seconds >= 0).then_some(status.last_seconds),
            current_save_seconds: (status.current_seconds >= 0).then_some(status.current_seconds),
            saves: status.saves,
            keys_done: status.keys_done,
            keys_total: status.keys_total,
            extra_bytes: status.budget_used_bytes,
            extra_bytes_peak: status.budget_peak_bytes,
            last_extra_bytes: status.budget_peak_bytes,
            loaded_expired: loaded.expired,
            loaded_keys: loaded.keys,
            more,
        }
    }

    fn is_active(&self) -> bool {
        self.saver.is_active()
    }

    fn step(&self, inside: &mut Inside<'_>, slice: Duration) -> Walk {
        let Some(snapshot) = self.saver.current() else { return Walk::Idle };
        match snapshot.step(inside, slice) {
            Progress::Worked => Walk::More,
            Progress::Throttled | Progress::Waiting => Walk::Idle,
            Progress::NeedsDetach | Progress::Over => Walk::Settle,
        }
    }

    fn settle(&self, worker: WorkerId) {
        self.saver.settle(&self.keyspace, worker);
    }

    fn is_short(&self) -> bool {
        self.saver.current().is_some_and(|snapshot| snapshot.is_short())
    }

    fn wait_for_room(&self) {
        if let Some(snapshot) = self.saver.current() {
            snapshot.wait_for_room();
        }
    }

    fn tick(&self, worker: WorkerId) {
        self.saver.tick(&self.keyspace, worker);
    }

    fn note_changes(&self, changes: u64) {
        self.saver.note_changes(changes);
    }

    fn is_blocking_writes(&self) -> bool {
        self.saver.is_blocking_writes()
    }

    fn last_save_s(&self) -> i64 {
        self.saver.last_save_at()
    }

    fn save_in_background(
        &self,
        worker: WorkerId,
        client: ConnId,
        schedule: bool,
    ) -> Result<Option<&'static str>, Error> {
        match self.begin_for(Kind::Background, worker, Some(client), WhatFor::Begin) {
            Ok(Begun::Starting) => Ok(None),
            Ok(Begun::Queued) => Ok(Some("Background saving scheduled")),
            Err(Refusal::InProgress) if schedule => {
                self.saver.schedule();
                Ok(Some("Background saving scheduled"))
            }
            Err(Refusal::InProgress) => Err(Error::fixed("ERR Background save already in progress")),
            Err(Refusal::Failed(reason)) => Err(Error::new(format!("ERR Background save failed: {reason}"))),
        }
    }

    fn cancel(&self) -> bool {
        self.saver.cancel()
    }

    fn save_for(&self, worker: WorkerId, client: ConnId) -> Result<(), Error> {
        match self.begin_for(Kind::Foreground, worker, Some(client), WhatFor::End) {
            Ok(_) => Ok(()),
            Err(Refusal::InProgress) => Err(Error::fixed("ERR Background save already in progress")),
            Err(Refusal::Failed(reason)) => Err(Error::new(format!("ERR {reason}"))),
        }
    }

    fn has_save_points(&self) -> bool {
        self.saver.has_points()
    }

    fn save_flushed(&self, worker: WorkerId, client: Option<ConnId>) -> bool {
        match self.begin_for(Kind::Foreground, worker, client, WhatFor::EndOrNot) {
            Ok(_) => client.is_some(),
            Err(Refusal::InProgress) => {
                self.saver.schedule();
                false
            }
            // It has been logged; the keys are gone from memory all the same.
            Err(Refusal::Failed(_)) => false,
        }
    }

    fn reload(&self, worker: WorkerId, save: bool, keep: bool) -> Result<(), Error> {
        let Some(engine) = engine_of(&self.engine) else { return Ok(()) };
        let failed = |text: String| {
            journal::warning!("DEBUG RELOAD: {text}");
            Error::fixed("ERR Error trying to load the RDB dump, check server logs.")
        };
        // From here on everybody else gets LOADING; what was executing ends before the gate is had.
        engine.set_loading(true);
        let done = (|| {
            drop(self.keyspace.exclusive(worker));
            if save {
                self.saver
                    .save(&self.keyspace, worker, Kind::Reload)
                    .map_err(|refusal| failed(format!("{refusal:?}")))?;
            }
            if !keep {
                let mut access = self.keyspace.exclusive(worker);
                for database in 0..self.keyspace.databases() {
                    access.flush(database);
                }
            }
            self.load(worker, &mut || false).map_err(|error| failed(error.to_string()))
        })();
        engine.set_loading(false);
        done.map(drop)
    }

    fn end(&self, ending: Ending) {
        let _ = self.endings.send(ending);
    }

    fn call_off_end(&self) -> bool {
        let under_way = self.ending.load(Ordering::SeqCst);
        if under_way {
            self.called_off.store(true, Ordering::SeqCst);
            self.saver.cancel();
        }
        under_way
    }
}

/// Whether a save failed because it was called off.
pub(crate) fn is_cancelled(reason: &str) -> bool {
    reason == Failure::Cancelled.to_string()
}
