//! One string of 500 MB that is changed bit by bit and appended to while it is saved.
//!
//! The changes come from one connection and are numbered, so the file must hold exactly the result of the first
//! `n` of them for some `n` between what was acknowledged when BGSAVE was sent and what was sent when it was answered.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use system_tests::{Client, Random, Reply, ServerOptions, server};

use super::probe::{self, Board, Latencies, Probe};
use super::standstill::Watch;
use super::{Findings, Saved, Settings, Watched};
use crate::bench;
use crate::report::megabytes;

const KEY: &str = "big";
/// Bytes of the string: leaves room for appends below the limit of 512 MB.
const BYTES: usize = 500 << 20;
const CHUNK: usize = 1 << 20;
/// What APPEND adds. Its bytes, like all of the string's, have their highest bit clear until SETBIT sets it.
const TAIL: &[u8] = b"appended:";

/// Runs the scenario against one server.
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
    let base = base_chunk();
    let mut client = watched.server.client();
    for _ in 0..BYTES / CHUNK {
        client.call(&[b"APPEND".as_slice(), KEY.as_bytes(), &base]).map_err(|error| error.to_string())?;
    }
    let limit = watched.limit(settings.headroom)?;
    let (board, counts) = (Arc::new(Board::default()), Arc::new(Counts::default()));
    let probing = {
        let (addr, board, mut probe) = (watched.server.addr(), board.clone(), BigProbe::new(counts.clone()));
        thread::spawn(move || probe::run(addr, &board, &mut probe))
    };
    thread::sleep(Duration::from_millis(500));
    let watch = Watch::cores([0, 1]);
    board.take();
    watch.take();
    thread::sleep(settings.before);
    let (before, still_before) = (board.take(), watch.take());
    let memory_before = watched.reset_peak();
    let lower = counts.acknowledged.load(Ordering::Acquire);
    let asked = Instant::now();
    let answer = client.call(&["BGSAVE"]).map_err(|error| error.to_string())?;
    let upper = counts.sent.load(Ordering::Acquire);
    let saved = if answer.is_error() { Saved::Failed(answer.text()) } else { watched.wait_for_save(asked) };
    let (during, still_during) = (board.take(), watch.take());
    let extra = watched.peak().saturating_sub(memory_before);
    board.stop();
    let probed = probing.join().map_err(|_| "the probe has panicked")?;
    let (result, seconds) = match &saved {
        Saved::Yes { seconds } => ("saved".to_string(), format!("{seconds:.1} s")),
        Saved::Failed(why) | Saved::ServerDied(why) => (why.clone(), String::new()),
    };
    let cut = if matches!(saved, Saved::ServerDied(_)) { String::new() } else { watched.cut() };
    if !matches!(saved, Saved::ServerDied(_)) {
        probed.map_err(|error| format!("probe: {error}"))?;
    }
    drop(watched);
    let file = match &saved {
        Saved::Yes { .. } => judge(binary, dir, lower, upper)?,
        _ => "no file".to_string(),
    };
    let compare = |kind: usize| probe::compare(&before[kind], &during[kind], Latencies::slowest_ms);
    let running = |kind: usize| {
        let (b, d) = (before[kind].without(&still_before), during[kind].without(&still_during));
        probe::compare(&b, &d, Latencies::slowest_ms)
    };
    let median = |kind: usize| {
        format!("{:.3} -> {:.3} ms", before[kind].quantile_ms(0.5), during[kind].quantile_ms(0.5))
    };
    let mut findings = vec![
        ("", name),
        ("result", result),
        ("memory limit", limit),
        ("memory before (anonymous)", megabytes(memory_before as f64)),
        ("extra memory at the peak", megabytes(extra as f64)),
        ("slowest SETBIT, before -> during", compare(0)),
        ("slowest APPEND, before -> during", compare(1)),
        ("slowest SETBIT without the machine's standstills", running(0)),
        ("slowest APPEND without the machine's standstills", running(1)),
        ("median SETBIT, before -> during", median(0)),
        ("median APPEND, before -> during", median(1)),
        ("probes before / during", format!("{} / {}", before[0].count() * 2, during[0].count() * 2)),
        ("the save took", seconds),
        ("its start took", cut),
        ("the file", file),
    ];
    if !board.is_real_time() {
        findings.push(("probe priority", "normal".to_string()));
    }
    Ok(findings)
}

fn base_chunk() -> Vec<u8> {
    let mut base = vec![0; CHUNK];
    Random::new(17).fill_text(&mut base);
    base
}

#[derive(Default)]
struct Counts {
    sent: AtomicUsize,
    acknowledged: AtomicUsize,
}

struct BigProbe {
    counts: Arc<Counts>,
}

impl BigProbe {
    fn new(counts: Arc<Counts>) -> BigProbe {
        BigProbe { counts }
    }
}

/// The byte whose highest bit change number `change` sets; every second change is an append instead.
fn target_byte(change: usize) -> usize {
    Random::new(change as u64).index(BYTES)
}

impl Probe for BigProbe {
    fn request(&mut self, kind: usize, out: &mut Vec<u8>) {
        let change = self.counts.sent.fetch_add(1, Ordering::Release);
        if kind == 0 {
            let bit = (target_byte(change) * 8).to_string();
            system_tests::client::encode(out, &["SETBIT", KEY, &bit, "1"]);
        } else {
            system_tests::client::encode(out, &[b"APPEND", KEY.as_bytes(), TAIL]);
        }
    }

    fn answered(&mut self, _kind: usize, _reply: &Reply) {
        self.counts.acknowledged.fetch_add(1, Ordering::Release);
    }
}

/// Loads the file with a second process and compares it with the result of every possible prefix of changes.
fn judge(binary: &Path, dir: &Path, lower: usize, upper: usize) -> Result<String, String> {
    let mut options = ServerOptions::new(binary).dir(dir);
    options.start_timeout = Duration::from_secs(120);
    let second = options.start().map_err(|error| format!("loading the file: {error}"))?;
    let mut client = second.client();
    let loaded = read(&mut client).map_err(|error| error.to_string())?;
    Ok((lower..=upper).find(|&changes| loaded == model(changes)).map_or_else(
        || format!("NOT EXACT: equals no state between change {lower} and {upper}"),
        |_| "exact".to_string(),
    ))
}

fn read(client: &mut Client) -> std::io::Result<Vec<u8>> {
    let length = client.call(&["STRLEN", KEY])?.int().unwrap_or(0) as usize;
    let mut all = Vec::with_capacity(length);
    for from in (0..length).step_by(CHUNK) {
        let part = client.call(&["GETRANGE", KEY, &from.to_string(), &(from + CHUNK - 1).to_string()])?;
        all.extend_from_slice(part.bulk().unwrap_or_default());
    }
    Ok(all)
}

/// The string after the first `changes` changes: even ones set a bit, odd ones append.
fn model(changes: usize) -> Vec<u8> {
    let mut string = base_chunk().repeat(BYTES / CHUNK);
    for change in 0..changes {
        if change % 2 == 0 {
            string[target_byte(change)] |= 0x80;
        } else {
            string.extend_from_slice(TAIL);
        }
    }
    string
}
