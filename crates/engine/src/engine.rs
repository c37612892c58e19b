//! The server as its threads share it. Each concern keeps its own state; this is only where they meet.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use keyspace::{Keyspace, WorkerId};
use log::Log;
use parking_lot::Mutex;

use crate::clients::Clients;
use crate::command::{Command, Flags};
use crate::commandlog::CommandLogs;
use crate::error::Error;
use crate::figures::{PersistenceFigures, Samples};
use crate::latency::LatencyMonitor;
use crate::mailbox::{Mailbox, Message};
use crate::persistence::Persistence;
use crate::stats::{CommandStats, CommandTotals, Counters, Totals};
use crate::table::CommandTable;

/// Bytes of effects that readers may lag behind.
const LOG_BYTES: usize = 64 << 20;

/// Error codes that are counted one by one; more are counted together, as an attacker could invent them.
const ERROR_CODES_MAX: usize = 128;

/// What one reactor shows to the others. Written with every request, so no two of them share a cache line.
#[repr(align(128))]
pub struct WorkerShare {
    /// Its counters.
    pub counters: Counters,
    /// Its figures for each command, by [`Registered::id`](crate::table::Registered::id).
    pub commands: Vec<CommandStats>,
    /// Its letter box.
    pub mailbox: Mailbox,
}

/// The server.
pub struct Engine {
    /// All keys.
    pub keyspace: Arc<Keyspace>,
    /// The settings in force.
    pub config: Arc<config::Live>,
    /// Every command.
    pub commands: CommandTable,
    /// The stream of effects.
    pub log: Arc<Log>,
    /// Who is connected.
    pub clients: Clients,
    /// One for each reactor.
    pub workers: Vec<WorkerShare>,
    /// Facts about this run.
    pub run: Run,
    /// Whether deadlines are looked after by the clock (DEBUG SET-ACTIVE-EXPIRE).
    pub active_expire: AtomicBool,
    /// Whether RESTORE takes payloads whose checksum is wrong (DEBUG SET-SKIP-CHECKSUM-VALIDATION).
    pub skip_payload_checksum: AtomicBool,
    /// Connections in MONITOR mode.
    pub monitors: AtomicU64,
    /// Set while something forbids some commands: the data set is loading, or a save has failed.
    pub has_trouble: AtomicBool,
    /// The data set is being loaded.
    pub loading: AtomicBool,
    /// Slow commands, large requests, large replies.
    pub command_logs: CommandLogs,
    /// Nanoseconds that reactors spent on deadlines.
    pub expire_nanos: AtomicU64,
    /// Figures that are sampled by the clock.
    pub samples: Samples,
    /// Saving and loading, once they are wired in.
    pub persistence: OnceLock<Arc<dyn Persistence>>,
    /// What took long.
    pub latency: LatencyMonitor,
    errors: Mutex<BTreeMap<Vec<u8>, u64>>,
}

/// Facts about this run of the server.
pub struct Run {
    /// 40 hexadecimal digits, new for every start.
    pub id: String,
    /// Names the stream of effects to replicas; 40 hexadecimal digits.
    pub replication_id: String,
    /// What the reactors wait with (`io_uring`, `epoll`), once they run.
    pub reactor: OnceLock<&'static str>,
    /// When it started.
    pub started: Instant,
    /// When it started, ms since the epoch.
    pub started_ms: i64,
    /// When the statistics were last set back, ms since the epoch.
    pub stats_since_ms: AtomicI64,
}

/// Milliseconds since the epoch.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}

impl Engine {
    /// A server with these commands and settings, not serving yet.
    pub fn new(
        keyspace: Arc<Keyspace>,
        config: Arc<config::Live>,
        commands: CommandTable,
        reactors: usize,
    ) -> Engine {
        let workers = (0..reactors)
            .map(|_| WorkerShare {
                counters: Counters::default(),
                commands: (0..commands.count()).map(|_| CommandStats::with_histogram()).collect(),
                mailbox: Mailbox::default(),
            })
            .collect();
        let started_ms = now_ms();
        keyspace.set_clock_ms(started_ms);
        let run = Run {
            id: identity(),
            replication_id: identity(),
            reactor: OnceLock::new(),
            started: Instant::now(),
            started_ms,
            stats_since_ms: AtomicI64::new(started_ms),
        };
        Engine {
            keyspace,
            config,
            commands,
            log: Arc::new(Log::new(LOG_BYTES)),
            clients: Clients::default(),
            workers,
            run,
            active_expire: AtomicBool::new(true),
            skip_payload_checksum: AtomicBool::new(false),
            monitors: AtomicU64::new(0),
            has_trouble: AtomicBool::new(false),
            loading: AtomicBool::new(false),
            command_logs: CommandLogs::default(),
            expire_nanos: AtomicU64::new(0),
            samples: Samples::default(),
            persistence: OnceLock::new(),
            latency: LatencyMonitor::default(),
            errors: Mutex::default(),
        }
    }

    /// Whether the server's state forbids a command.
    #[cold]
    pub(crate) fn check_trouble(&self, command: &Command) -> Result<(), Error> {
        if self.loading.load(Ordering::Relaxed) && !command.flags.has(Flags::LOADING) {
            return Err(Error::LOADING);
        }
        let writes = command.flags.has(Flags::WRITE) || command.name == "ping";
        if writes && self.persistence.get().is_some_and(|p| p.is_blocking_writes()) {
            return Err(Error::MISCONF);
        }
        Ok(())
    }

    /// Looks again at whether something forbids commands.
    pub fn judge_trouble(&self) {
        let misconf = self.persistence.get().is_some_and(|p| p.is_blocking_writes());
        self.has_trouble.store(misconf || self.loading.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Says whether the data set is being loaded.
    pub fn set_loading(&self, loading: bool) {
        self.loading.store(loading, Ordering::Relaxed);
        self.judge_trouble();
    }

    /// Counters summed over all reactors.
    pub fn totals(&self) -> Totals {
        self.workers.iter().fold(Totals::default(), |mut totals, worker| {
            totals.add(&worker.counters);
            totals
        })
    }

    /// A command's figures summed over all reactors.
    pub fn command_totals(&self, id: usize) -> CommandTotals {
        self.workers.iter().filter_map(|w| w.commands.get(id)).fold(
            CommandTotals::default(),
            |mut totals, stats| {
                totals.add(stats);
                totals
            },
        )
    }

    /// What persistence has to say, or that nothing was ever saved.
    pub fn persistence_info(&self) -> PersistenceFigures {
        match self.persistence.get() {
            Some(persistence) => persistence.figures(),
            None => PersistenceFigures {
                last_save_s: self.run.started_ms / 1000,
                changes_since_save: self.totals().dirty,
                ..PersistenceFigures::default()
            },
        }
    }

    /// Persistence, while there is a snapshot to walk or to settle.
    #[inline]
    pub(crate) fn saving(&self) -> Option<&dyn Persistence> {
        self.persistence.get().map(|persistence| &**persistence).filter(|persistence| persistence.is_active())
    }

    /// Counts an error reply by its code word.
    pub fn count_error(&self, code: &[u8]) {
        let mut errors = self.errors.lock();
        if let Some(count) = errors.get_mut(code) {
            *count += 1;
        } else if errors.len() < ERROR_CODES_MAX {
            errors.insert(code.to_vec(), 1);
        } else {
            *errors.entry(b"OTHER".to_vec()).or_default() += 1;
        }
    }

    /// Error replies by code word.
    pub fn error_counts(&self) -> Vec<(Vec<u8>, u64)> {
        self.errors.lock().iter().map(|(code, count)| (code.clone(), *count)).collect()
    }

    /// CONFIG RESETSTAT.
    pub fn reset_statistics(&self) {
        for worker in &self.workers {
            worker.counters.reset();
            worker.commands.iter().for_each(CommandStats::reset);
        }
        self.errors.lock().clear();
        self.keyspace.reset_reclaim_count();
        self.expire_nanos.store(0, Ordering::Relaxed);
        self.samples.reset();
        self.run.stats_since_ms.store(now_ms(), Ordering::Relaxed);
    }

    /// Leaves a message for a reactor.
    pub fn send(&self, worker: WorkerId, message: Message) {
        if let Some(share) = self.workers.get(worker.0) {
            share.mailbox.send(message);
        }
    }

    /// Leaves a message for every reactor.
    pub fn send_all(&self, message: impl Fn() -> Message) {
        self.workers.iter().for_each(|worker| worker.mailbox.send(message()));
    }
}

/// 40 hexadecimal digits that no other run has.
fn identity() -> String {
    (0..40).map(|_| fastrand::digit(16)).collect()
}
