//! The headline itself: millions of small keys overwritten flat out while they are saved.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use system_tests::{Client, Random, Server, ServerOptions, server};

use super::probe::{self, Board, Latencies, Probe};
use super::standstill::{Standstills, Watch};
use super::versions::{Fill, Judge, Overwrite, Verdict, Versions, share};
use super::{Findings, Saved, Settings, Watched};
use crate::bench;
use crate::load;
use crate::report::{megabytes, thousands};

/// Connections that overwrite.
pub const LANES: usize = 8;
/// Requests in each batch.
pub const PIPELINE: u32 = 16;
/// The connections and the probe write disjoint shares of the keys.
const WRITERS: usize = LANES + 1;
/// Before the limit is set the server runs under load for this long, so that its buffers have their size.
const WARM_UP: Duration = Duration::from_secs(2);

/// Runs the whole scenario against one server.
pub fn measure(binary: &Path, settings: &Settings) -> Result<Findings, String> {
    let dir = server::fresh_dir().map_err(|error| error.to_string())?;
    let findings = in_dir(binary, settings, &dir);
    // What is left in the temporary directory when this fails is found by its name.
    let _ = std::fs::remove_dir_all(&dir);
    findings
}

fn in_dir(binary: &Path, settings: &Settings, dir: &Path) -> Result<Findings, String> {
    let mut watched = Watched::start(binary, dir, settings)?;
    let name = bench::name_of(&watched.server, binary);
    let versions = Arc::new(Versions::new(settings.keys, settings.value_bytes));
    let addr = watched.server.addr();
    eprintln!("{name}: filling {} keys", thousands(settings.keys as f64));
    let mut fill = Fill::new(versions.clone(), LANES);
    load::drive(addr, LANES, 64, &mut fill).map_err(|error| error.to_string())?.checked()?;

    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let board = Arc::new(Board::default());
    let overwriting = {
        let mut traffic = Overwrite::new(versions.clone(), WRITERS, stop.clone(), done.clone());
        thread::spawn(move || {
            load::pin_thread(1);
            load::drive(addr, LANES, PIPELINE, &mut traffic)
        })
    };
    let probing = {
        let (board, mut probe) = (board.clone(), KeyProbe::new(versions.clone()));
        thread::spawn(move || probe::run(addr, &board, &mut probe))
    };
    let watch = Watch::cores([0, 1]);
    let mut phases = Phases { done: &done, board: &board, watch: &watch };
    thread::sleep(WARM_UP);
    let limit = watched.limit(settings.headroom)?;
    phases.start();
    let begin = Instant::now();
    thread::sleep(settings.before);
    let before = phases.end(begin.elapsed());

    eprintln!("{name}: saving");
    let memory_before = watched.reset_peak();
    let lower = versions.acknowledged_now();
    let asked = Instant::now();
    let mut control = watched.server.client();
    let answer = control.call(&["BGSAVE"]).map_err(|error| error.to_string())?;
    let upper = versions.sent_now();
    let saved = if answer.is_error() { Saved::Failed(answer.text()) } else { watched.wait_for_save(asked) };
    let during = phases.end(asked.elapsed());
    let extra = watched.peak().saturating_sub(memory_before);
    let cut = if matches!(saved, Saved::ServerDied(_)) { String::new() } else { watched.cut() };
    stop.store(true, Ordering::Relaxed);
    board.stop();
    let load_result = overwriting.join().map_err(|_| "the load has panicked")?;
    let probe_result = probing.join().map_err(|_| "the probe has panicked")?;
    if !matches!(saved, Saved::ServerDied(_)) {
        load_result.map_err(|error| format!("load: {error}"))?.checked()?;
        probe_result.map_err(|error| format!("probe: {error}"))?;
    }
    drop(watched);

    let (result, seconds) = match &saved {
        Saved::Yes { seconds } => ("saved".to_string(), format!("{seconds:.1} s")),
        Saved::Failed(why) | Saved::ServerDied(why) => (why.clone(), String::new()),
    };
    let exact = match &saved {
        Saved::Yes { .. } => describe(judge(binary, dir, versions, lower, upper)?, settings.keys),
        _ => "no file".to_string(),
    };
    let slowed = slowness(settings, dir, &saved);
    let compare = |kind: usize, of: &dyn Fn(&Latencies) -> f64| {
        probe::compare(&before.latencies[kind], &during.latencies[kind], of)
    };
    let running = |kind: usize| {
        let [b, d] = [&before, &during].map(|phase| phase.latencies[kind].without(&phase.standstills));
        probe::compare(&b, &d, Latencies::slowest_ms)
    };
    let late = |latencies: &Latencies| latencies.quantile_ms(0.999);
    let mut findings = vec![
        ("", name),
        ("result", result),
        ("memory limit", limit),
        ("memory before (anonymous)", megabytes(memory_before as f64)),
        (
            "extra memory at the peak",
            format!(
                "{} ({:+.0} %)",
                megabytes(extra as f64),
                extra as f64 * 100.0 / memory_before.max(1) as f64
            ),
        ),
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
        ("slowest GET, before -> during", compare(0, &Latencies::slowest_ms)),
        ("slowest SET, before -> during", compare(1, &Latencies::slowest_ms)),
        ("slowest GET without standstills", running(0)),
        ("slowest SET without standstills", running(1)),
        ("99.9 % of GETs within", compare(0, &late)),
        ("99.9 % of SETs within", compare(1, &late)),
        ("probes before / during", format!("{} / {}", before.count(), during.count())),
        ("the save took", seconds),
        ("its start took", cut),
        ("the file", exact),
    ];
    if let Some(slowed) = slowed {
        findings.push(("disk", slowed));
    }
    if !board.is_real_time() {
        findings
            .push(("probe priority", "normal: latencies include waiting for the load's core".to_string()));
    }
    Ok(findings)
}

fn percent(share: f64) -> String {
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

/// GET and SET on the probe's own share of the keys; its SETs count in the file like all others.
struct KeyProbe {
    versions: Arc<Versions>,
    random: Random,
    index: usize,
}

impl KeyProbe {
    fn new(versions: Arc<Versions>) -> KeyProbe {
        KeyProbe { versions, random: Random::new(5), index: 0 }
    }
}

impl Probe for KeyProbe {
    fn request(&mut self, kind: usize, out: &mut Vec<u8>) {
        self.index = share(&mut self.random, self.versions.keys(), WRITERS, LANES);
        if kind == 0 {
            system_tests::client::encode(out, &[b"GET".as_slice(), &load::key(0, self.index as u64)]);
        } else {
            self.versions.push_set(out, self.index);
        }
    }

    fn answered(&mut self, kind: usize) {
        if kind == 1 {
            self.versions.acknowledge(self.index, self.versions.newest(self.index));
        }
    }
}

/// Loads the file with a second process and looks at every key.
fn judge(
    binary: &Path,
    dir: &Path,
    versions: Arc<Versions>,
    lower: Vec<u32>,
    upper: Vec<u32>,
) -> Result<Verdict, String> {
    let mut options = ServerOptions::new(binary).dir(dir);
    options.start_timeout = Duration::from_secs(300);
    let second: Server = options.start().map_err(|error| format!("loading the file: {error}"))?;
    let size = Client::connect(second.addr()).and_then(|mut client| client.call(&["DBSIZE"]));
    let size = size.map_err(|error| error.to_string())?.int();
    let keys = versions.keys();
    if size != Some(keys as i64) {
        eprintln!("the file has {size:?} keys, expected {keys}");
    }
    let mut judge = Judge::new(versions, lower, upper, LANES);
    load::drive(second.addr(), LANES, 64, &mut judge).map_err(|error| error.to_string())?.checked()?;
    Ok(judge.verdict)
}

fn describe(verdict: Verdict, keys: usize) -> String {
    if verdict.is_exact(keys) {
        return "exact".to_string();
    }
    let Verdict { right, missing, malformed, too_old, too_new } = verdict;
    format!(
        "NOT EXACT: {right} right, {missing} missing, {malformed} malformed, {too_old} too old, {too_new} too new"
    )
}

/// For a slowed disk: whether the save really was as slow as that disk.
fn slowness(settings: &Settings, dir: &Path, saved: &Saved) -> Option<String> {
    settings.slow.as_ref()?;
    let Saved::Yes { seconds } = saved else { return Some("slowed".to_string()) };
    let bytes = std::fs::metadata(dir.join("dump.rdb")).map_or(0, |file| file.len());
    let rate = bytes as f64 / seconds;
    let label = if rate <= super::SLOW_BYTES_PER_SECOND as f64 * 1.2 { "" } else { "NOT SLOWED: " };
    Some(format!("{label}{} written at {}/s", megabytes(bytes as f64), megabytes(rate)))
}
