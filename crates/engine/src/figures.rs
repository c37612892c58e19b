//! Figures that no single counter has: rates over the last seconds, memory, processor time, and what persistence reports.
//!
//! It reads files of `/proc/self` and nothing else. How INFO prints them is the `commands` crate's business.
//!
//! Locks: one mutex each for rates and memory, leaves, held for microseconds. A thread behind the reactors takes the samples.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{io, thread};

use keyspace::Background;
use parking_lot::Mutex;

use crate::engine::{Engine, now_ms};
use crate::stats::Totals;

/// Samples that a rate is the average of; with one every 100 ms it covers 1.6 s, as in Redis.
const RATE_SAMPLES: usize = 16;

/// Between two samples.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);

/// How far the thread that takes samples stands behind the reactors.
const SAMPLER_NICE: i32 = 5;

/// Clock ticks per second in `/proc/self/stat`: the kernel's USER_HZ, 100 on every architecture that we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Things per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Commands executed.
    pub commands: f64,
    /// Bytes received.
    pub input_bytes: f64,
    /// Bytes sent.
    pub output_bytes: f64,
    /// Turns of the event loops.
    pub loops: f64,
    /// Microseconds of a turn.
    pub loop_micros: f64,
}

/// Memory of the process in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryFigures {
    /// The allocator's figures.
    pub allocator: keyspace::AllocatorStats,
    /// Handed out by the allocator: `used_memory`.
    pub used: u64,
    /// The most that ever was.
    pub peak: u64,
    /// Handed out when the server had started.
    pub startup: u64,
    /// Resident pages of the process.
    pub resident: u64,
}

/// Processor time in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Processor {
    /// In the kernel.
    pub system: f64,
    /// In the program.
    pub user: f64,
    /// In the kernel, by children.
    pub children_system: f64,
    /// In their programs.
    pub children_user: f64,
}

/// What INFO persistence shows. Whoever saves fills it, see [`Persistence`].
#[derive(Clone, Debug)]
pub struct PersistenceFigures {
    /// A save runs in the background.
    pub save_running: bool,
    /// When the last good save ended, seconds since the epoch.
    pub last_save_s: i64,
    /// Changes since then.
    pub changes_since_save: u64,
    /// Whether the last background save went well.
    pub last_save_ok: bool,
    /// How long it took, if there was one.
    pub last_save_seconds: Option<i64>,
    /// For how long the present one runs.
    pub current_save_seconds: Option<i64>,
    /// Saves that went well.
    pub saves: u64,
    /// Keys that the present save has done.
    pub keys_done: u64,
    /// Keys that it has to do.
    pub keys_total: u64,
    /// Bytes of extra memory that it needs now, and needed at most.
    pub extra_bytes: u64,
    /// See `extra_bytes`.
    pub extra_bytes_peak: u64,
    /// The most that the last save needed.
    pub last_extra_bytes: u64,
    /// Keys that loading found expired.
    pub loaded_expired: u64,
    /// Keys that loading took over.
    pub loaded_keys: u64,
    /// Further lines: names and values, in order.
    pub more: Vec<(&'static str, String)>,
}

impl Default for PersistenceFigures {
    fn default() -> PersistenceFigures {
        PersistenceFigures {
            save_running: false,
            last_save_s: 0,
            changes_since_save: 0,
            last_save_ok: true,
            last_save_seconds: None,
            current_save_seconds: None,
            saves: 0,
            keys_done: 0,
            keys_total: 0,
            extra_bytes: 0,
            extra_bytes_peak: 0,
            last_extra_bytes: 0,
            loaded_expired: 0,
            loaded_keys: 0,
            more: Vec::new(),
        }
    }
}

#[derive(Default)]
struct Rated {
    last: Option<(i64, Totals)>,
    samples: [Rates; RATE_SAMPLES],
    next: usize,
}

/// Figures that are sampled ten times a second, by a thread of their own: asking the allocator takes up to a millisecond, for which no client shall wait.
#[derive(Default)]
pub struct Samples {
    rates: Mutex<Rated>,
    memory: Mutex<MemoryFigures>,
    peak_clients: AtomicU64,
}

impl Samples {
    /// Starts the thread that takes samples as long as the engine lives. Fails where the system refuses one.
    pub fn keep_taking(engine: &Arc<Engine>) -> io::Result<()> {
        let engine = Arc::downgrade(engine);
        let run = move || {
            Background::default().enter(SAMPLER_NICE);
            while let Some(engine) = engine.upgrade() {
                engine.samples.take(&engine, now_ms());
                drop(engine);
                thread::sleep(SAMPLE_INTERVAL);
            }
        };
        thread::Builder::new().name("samples".into()).spawn(run).map(drop)
    }

    /// Takes one sample of everything.
    fn take(&self, engine: &Engine, now_ms: i64) {
        self.peak_clients.fetch_max(engine.clients.connected(), Ordering::Relaxed);
        self.memory();
        let totals = engine.totals();
        let mut rated = self.rates.lock();
        if let Some((then_ms, then)) = rated.last
            && now_ms > then_ms
        {
            let seconds = (now_ms - then_ms) as f64 / 1000.0;
            // After a reset of the statistics the counters are smaller than before.
            let grown = |now: u64, then: u64| now.saturating_sub(then) as f64;
            let loops = grown(totals.loops, then.loops);
            let at = rated.next;
            rated.samples[at] = Rates {
                commands: grown(totals.commands, then.commands) / seconds,
                input_bytes: grown(totals.input_bytes, then.input_bytes) / seconds,
                output_bytes: grown(totals.output_bytes, then.output_bytes) / seconds,
                loops: loops / seconds,
                loop_micros: grown(totals.loop_micros, then.loop_micros) / loops.max(1.0),
            };
            rated.next = (at + 1) % RATE_SAMPLES;
        }
        rated.last = Some((now_ms, totals));
    }

    /// Rates over the last samples.
    pub fn rates(&self) -> Rates {
        let rated = self.rates.lock();
        let mean = |of: fn(&Rates) -> f64| rated.samples.iter().map(of).sum::<f64>() / RATE_SAMPLES as f64;
        Rates {
            commands: mean(|r| r.commands),
            input_bytes: mean(|r| r.input_bytes),
            output_bytes: mean(|r| r.output_bytes),
            loops: mean(|r| r.loops),
            loop_micros: mean(|r| r.loop_micros),
        }
    }

    /// Forgets the rates (CONFIG RESETSTAT).
    pub(crate) fn reset(&self) {
        *self.rates.lock() = Rated::default();
    }

    /// Memory as it is now. Takes 0.1 ms or more, since the allocator adds up what its arenas have.
    pub fn memory(&self) -> MemoryFigures {
        let allocator = keyspace::allocator_stats();
        let resident = resident_bytes().unwrap_or(allocator.resident);
        let used = allocator.allocated;
        let mut memory = self.memory.lock();
        memory.allocator = allocator;
        memory.used = used;
        memory.peak = memory.peak.max(used);
        memory.startup = if memory.startup == 0 { used } else { memory.startup };
        memory.resident = resident;
        *memory
    }

    /// The most clients that were ever connected at a time, as far as samples saw.
    pub fn peak_clients(&self) -> u64 {
        self.peak_clients.load(Ordering::Relaxed)
    }
}

/// Resident bytes of the process.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// Processor time of the process, and of the calling thread.
pub fn processor() -> (Processor, Processor) {
    let read =
        |path| std::fs::read_to_string(path).ok().and_then(|text| parse_stat(&text)).unwrap_or_default();
    (read("/proc/self/stat"), read("/proc/thread-self/stat"))
}

/// Reads `utime stime cutime cstime`, which stand 12 words behind the name in parentheses.
fn parse_stat(text: &str) -> Option<Processor> {
    let (_, behind) = text.rsplit_once(')')?;
    let mut ticks = behind.split_ascii_whitespace().skip(11).map(|word| word.parse::<f64>());
    let mut next = || ticks.next()?.ok().map(|ticks| ticks / TICKS_PER_SECOND);
    let (user, system) = (next()?, next()?);
    Some(Processor { user, system, children_user: next()?, children_system: next()? })
}

/// Memory of the machine in bytes.
pub fn machine_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().split(' ').next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Name, release and architecture of the system, as `uname` tells them.
pub fn system_name() -> String {
    let name = rustix::system::uname();
    let [system, release, machine] =
        [name.sysname(), name.release(), name.machine()].map(|text| text.to_string_lossy().into_owned());
    format!("{system} {release} {machine}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_line_may_have_any_name() {
        let line = "12 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 125 30 40 20 0 1";
        let cpu = parse_stat(line).unwrap();
        assert_eq!((cpu.user, cpu.system, cpu.children_user, cpu.children_system), (2.5, 1.25, 0.3, 0.4));
        assert!(parse_stat("nothing").is_none());
    }

    #[test]
    fn memory_is_read_and_peaks_stay() {
        let samples = Samples::default();
        let before = samples.memory();
        assert!(before.resident > 0 && before.startup == before.used);
        let block = vec![1u8; 8 << 20];
        assert!(samples.memory().peak >= before.used);
        drop(block);
        assert!(samples.memory().startup == before.startup);
        assert!(machine_bytes() > 1 << 20);
    }
}
