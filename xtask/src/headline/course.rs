//! What every save under full load has in common: warm up, limit, a phase before, BGSAVE, a phase during it.
//!
//! ```text
//!   load and probe run ........................................................................ stop
//!   settle | WARM_UP | limit | --- before --- | lower bounds, BGSAVE answered, upper bounds | --- during --- |
//! ```
//!
//! What is loaded, probed and judged is the caller's; this module knows neither keys nor values.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::probe::{self, Board, Latencies, Probe};
use super::standstill::{Standstills, Watch};
use super::{Findings, Saved, Settings, Watched};
use crate::load::{self, Traffic};
use crate::report::{megabytes, thousands};

/// Requests in each batch.
pub const PIPELINE: u32 = 16;
/// Before the limit is set the server runs under load for this long, so that its buffers have their size.
const WARM_UP: Duration = Duration::from_secs(8);

/// What runs beside the save.
pub struct Load<T, P> {
    /// Connections of the traffic.
    pub lanes: usize,
    /// What they send.
    pub traffic: T,
    /// What the probe sends.
    pub probe: P,
    /// Ends the traffic.
    pub stop: Arc<AtomicBool>,
    /// Requests that the traffic has had answered.
    pub done: Arc<AtomicU64>,
}

/// What was measured.
pub struct Course {
    /// What became of the save.
    pub saved: Saved,
    limit: String,
    memory_before: u64,
    extra: u64,
    cut: String,
    before: Phase,
    during: Phase,
    real_time: bool,
}

/// Runs the load and saves in the middle of it; also what `bounds` said just before BGSAVE and just after its answer.
pub fn run<T, P, B>(
    watched: &mut Watched,
    settings: &Settings,
    load: Load<T, P>,
    bounds: [&dyn Fn() -> B; 2],
) -> Result<(Course, [B; 2]), String>
where
    T: Traffic + Send + 'static,
    P: Probe + Send + 'static,
{
    watched.settle();
    let Load { lanes, mut traffic, mut probe, stop, done } = load;
    let (addr, board) = (watched.server.addr(), Arc::new(Board::default()));
    let loading = thread::spawn(move || {
        load::pin_thread(1);
        load::drive(addr, lanes, PIPELINE, &mut traffic)
    });
    let probing = {
        let board = board.clone();
        thread::spawn(move || probe::run(addr, &board, &mut probe))
    };
    let watch = Watch::cores([0, 1]);
    // This thread must not take the server's core from it either. Those that it has started choose theirs.
    let _aside = load::Pinned::to(1);
    let mut phases = Phases { done: &done, board: &board, watch: &watch };
    thread::sleep(WARM_UP);
    let limit = watched.limit(settings.headroom)?;
    phases.start();
    let begin = Instant::now();
    thread::sleep(settings.before);
    let before = phases.end(begin.elapsed());

    eprintln!("saving");
    let memory_before = watched.reset_peak();
    let lower = bounds[0]();
    let asked = Instant::now();
    let mut control = watched.server.client();
    let answer = control.call(&["BGSAVE"]).map_err(|error| error.to_string())?;
    let upper = bounds[1]();
    let saved = if answer.is_error() { Saved::Failed(answer.text()) } else { watched.wait_for_save(asked) };
    let during = phases.end(asked.elapsed());
    let extra = watched.peak().saturating_sub(memory_before);
    let died = matches!(saved, Saved::ServerDied(_));
    let cut = if died { String::new() } else { watched.cut() };
    stop.store(true, Ordering::Relaxed);
    board.stop();
    let load_result = loading.join().map_err(|_| "the load has panicked")?;
    let probe_result = probing.join().map_err(|_| "the probe has panicked")?;
    if !died {
        load_result.map_err(|error| format!("load: {error}"))?.checked()?;
        probe_result.map_err(|error| format!("probe: {error}"))?;
    }
    let real_time = board.is_real_time();
    Ok((Course { saved, limit, memory_before, extra, cut, before, during, real_time }, [lower, upper]))
}

impl Course {
    /// The table's column; `exact` says what was found in the file.
    pub fn rows(&self, name: String, exact: String) -> Findings {
        let (before, during) = (&self.before, &self.during);
        let (result, seconds) = match &self.saved {
            Saved::Yes { seconds } => ("saved".to_string(), format!("{seconds:.1} s")),
            Saved::Failed(why) | Saved::ServerDied(why) => (why.clone(), String::new()),
        };
        let share = self.extra as f64 * 100.0 / self.memory_before.max(1) as f64;
        let mut rows = vec![
            ("", name),
            ("result", result),
            ("memory limit", self.limit.clone()),
            ("memory before (anonymous)", megabytes(self.memory_before as f64)),
            ("extra memory at the peak", format!("{} ({share:+.0} %)", megabytes(self.extra as f64))),
            ("requests/s before", thousands(before.rate)),
            (
                "requests/s during",
                format!("{} ({:.0} %)", thousands(during.rate), during.rate * 100.0 / before.rate),
            ),
            (
                "the machine stood still for",
                format!(
                    "{} -> {} of the time",
                    percent(1.0 - before.running_share()),
                    percent(1.0 - during.running_share())
                ),
            ),
            (
                "requests/s while it ran",
                format!(
                    "{} -> {} ({})",
                    thousands(before.running_rate()),
                    thousands(during.running_rate()),
                    percent(during.running_rate() / before.running_rate())
                ),
            ),
        ];
        rows.extend(self.latency_rows());
        rows.extend([("the save took", seconds), ("its start took", self.cut.clone()), ("the file", exact)]);
        if !self.real_time {
            rows.push((
                "probe priority",
                "normal: latencies include waiting for the load's core".to_string(),
            ));
        }
        rows
    }

    fn latency_rows(&self) -> Findings {
        let (before, during) = (&self.before, &self.during);
        let compare = |kind: usize, of: &dyn Fn(&Latencies) -> f64| {
            probe::compare(&before.latencies[kind], &during.latencies[kind], of)
        };
        let running = |kind: usize| {
            let [b, d] = [before, during].map(|phase| phase.latencies[kind].without(&phase.standstills));
            probe::compare(&b, &d, Latencies::slowest_ms)
        };
        let late = |latencies: &Latencies| latencies.quantile_ms(0.999);
        vec![
            ("slowest read, before -> during", compare(0, &Latencies::slowest_ms)),
            ("slowest write, before -> during", compare(1, &Latencies::slowest_ms)),
            ("slowest read without standstills", running(0)),
            ("slowest write without standstills", running(1)),
            ("99.9 % of reads within", compare(0, &late)),
            ("99.9 % of writes within", compare(1, &late)),
            ("probes before / during", format!("{} / {}", before.count(), during.count())),
        ]
    }
}

/// A share as a percentage.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// One phase's figures.
struct Phase {
    rate: f64,
    latencies: [Latencies; 2],
    elapsed: Duration,
    standstills: Standstills,
}

impl Phase {
    fn count(&self) -> usize {
        self.latencies.iter().map(Latencies::count).sum()
    }

    /// The share of the time in which the server's core ran.
    fn running_share(&self) -> f64 {
        1.0 - self.standstills.of_core(0).as_secs_f64() / self.elapsed.as_secs_f64()
    }

    fn running_rate(&self) -> f64 {
        self.rate / self.running_share()
    }
}

struct Phases<'a> {
    done: &'a AtomicU64,
    board: &'a Board,
    watch: &'a Watch,
}

impl Phases<'_> {
    fn start(&mut self) {
        self.done.store(0, Ordering::Relaxed);
        self.board.take();
        self.watch.take();
    }

    /// The figures since the last start or end.
    fn end(&mut self, elapsed: Duration) -> Phase {
        let done = self.done.swap(0, Ordering::Relaxed);
        Phase {
            rate: done as f64 / elapsed.as_secs_f64(),
            latencies: self.board.take(),
            elapsed,
            standstills: self.watch.take(),
        }
    }
}
