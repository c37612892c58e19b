//! Removing a big collection: how long the caller waits, and how long everyone else.
//!
//! ```text
//!   probe        GET and SET of a small key, as fast as it can ...........................................
//!   caller       100 ms | PING | 1 s, then 100 ms | DEL, UNLINK, RENAME or SET over it, FLUSHALL | 1 s
//! ```
//!
//! Each removal gets a collection that was filled for it. A copy would be cheaper, but a server may let it share what
//! it holds with the original, and removing it would then free nothing.
//! Just before, a PING stands in the removal's place: what the machine itself does to a request. And a small collection is removed in the same way: on a
//! virtual machine code that has not run for some seconds can take a millisecond to come.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use system_tests::{Client, Reply, Server, client, server};

use super::collections::has_streams;
use super::elements::{self, ELEMENT_BYTES, Kind};
use super::probe::{self, Board, Probe, in_ms};
use super::standstill::Watch;
use super::versions::Versions;
use super::{Settings, Watched};
use crate::bench;
use crate::load;
use crate::report::thousands;

/// How long others are watched before the removal, and after it has been answered.
const BEFORE: Duration = Duration::from_millis(100);
const AFTER: Duration = Duration::from_secs(1);
/// Memory is given back in the background; the next collection is filled when no more comes, at the latest after this.
const SETTLE_MAX: Duration = Duration::from_secs(60);

/// The removals, with the names that the table has for them.
const REMOVALS: [(&str, &[&str]); 5] = [
    ("DEL", &["DEL", BIG]),
    ("UNLINK", &["UNLINK", BIG]),
    ("RENAME over it", &["RENAME", "other", BIG]),
    ("SET over it", &["SET", BIG, "1"]),
    ("FLUSHALL", &["FLUSHALL"]),
];
const BIG: &str = "big";
/// What is removed before, for practice: enough for a tree.
const SMALL: &str = "practice";
const SMALL_ELEMENTS: usize = 3000;

/// A cell for each removal of each type, after the name of the server.
pub type Findings = Vec<(String, String)>;

/// Runs all removals of collections of `elements` elements against one server.
pub fn measure(binary: &Path, settings: &Settings, elements: usize) -> Result<Findings, String> {
    let dir = server::fresh_dir().map_err(|error| error.to_string())?;
    let findings = in_dir(binary, settings, elements, &dir);
    // What is left in the temporary directory when this fails is found by its name.
    let _ = std::fs::remove_dir_all(&dir);
    findings
}

fn in_dir(binary: &Path, settings: &Settings, elements: usize, dir: &Path) -> Result<Findings, String> {
    let watched = Watched::start(binary, dir, settings)?;
    let server = &watched.server;
    let name = bench::name_of(server, binary);
    let streams = !settings.no_streams && has_streams(server)?;
    let mut findings = vec![
        (String::new(), name.clone()),
        ("elements of each collection".to_string(), thousands(elements as f64)),
    ];
    let values = Versions::new(0, ELEMENT_BYTES);
    for kind in Kind::ALL {
        eprintln!("{name}: removing a {} of {} elements", kind.name(), thousands(elements as f64));
        for (label, command) in REMOVALS {
            let cell = if kind == Kind::Stream && !streams {
                "left out".to_string()
            } else {
                elements::fill(server.addr(), kind, BIG, (elements, 0), &values)?;
                practice(server, kind, command, &values)?;
                let cell = removal(server, kind, elements, command)?;
                settle(server);
                cell
            };
            findings.push((format!("{}: {label}", kind.name()), cell));
        }
    }
    Ok(findings)
}

/// Removes a small collection as `command` removes the big one; instead of all there is, all that another database has.
fn practice(server: &Server, kind: Kind, command: &[&str], values: &Versions) -> Result<(), String> {
    elements::fill(server.addr(), kind, SMALL, (SMALL_ELEMENTS, 0), values)?;
    let mut client = server.client();
    set_small(&mut client)?;
    let mut run = |words: &[&str]| {
        let reply = client.call(words).map_err(|error| error.to_string())?;
        accepted(&words.join(" "), &reply)
    };
    if command == ["FLUSHALL"] {
        run(&["MOVE", SMALL, "1"])?;
        run(&["SELECT", "1"])?;
        return run(&["FLUSHDB"]);
    }
    let words: Vec<&str> = command.iter().map(|&word| if word == BIG { SMALL } else { word }).collect();
    run(&words)?;
    run(&["DEL", SMALL])
}

/// One removal: what the table says about it.
fn removal(server: &Server, kind: Kind, elements: usize, command: &[&str]) -> Result<String, String> {
    let mut control = server.client();
    set_small(&mut control)?;
    let mut count = || control.call(&[kind.count_command(), BIG]).map_err(|error| error.to_string());
    let size = count()?;
    if size.int() != Some(elements as i64) {
        return Err(format!("{} of the filled {}: {}", kind.count_command(), kind.name(), size.text()));
    }
    let idle = watched_call(server.addr(), &["PING"])?;
    let removed = watched_call(server.addr(), command)?;
    if count()?.int().is_some_and(|left| left > 0) {
        return Err(format!("{} has not removed the {}", command.join(" "), kind.name()));
    }
    let still = if removed.still.is_zero() {
        String::new()
    } else {
        format!(", the machine stood still for {:.3} of it", in_ms(removed.still))
    };
    let [caller, others] = [removed.caller, removed.others].map(in_ms);
    let [ping, others_of_ping] = [idle.caller, idle.others].map(in_ms);
    Ok(format!("{caller:.3} (PING {ping:.3}{still}) / {others:.3} ({others_of_ping:.3})"))
}

fn set_small(control: &mut Client) -> Result<(), String> {
    for key in ["small", "other"] {
        control.call(&["SET", key, "1"]).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// How long everybody waited while a command was executed.
struct Waits {
    caller: Duration,
    /// How much of that the machine stood still.
    still: Duration,
    /// The slowest request of others, meanwhile and for [`AFTER`], without the machine's standstills.
    others: Duration,
}

/// Executes a command while others are watched.
fn watched_call(addr: SocketAddr, command: &[&str]) -> Result<Waits, String> {
    let failed = |error: std::io::Error| error.to_string();
    let board = Arc::new(Board::default());
    let probing = {
        let board = board.clone();
        thread::spawn(move || probe::run(addr, &board, &mut SmallProbe))
    };
    let watch = Watch::cores([0, 1]);
    // The probe and the watchers need a moment for their priority.
    thread::sleep(BEFORE);
    board.take();
    watch.take();
    let words: Vec<String> = command.iter().map(|word| word.to_string()).collect();
    let calling = thread::spawn(move || call(addr, &words));
    let (begin, took) = calling.join().map_err(|_| "the caller has panicked")?.map_err(failed)?;
    thread::sleep(AFTER);
    let (latencies, standstills) = (board.take(), watch.take());
    board.stop();
    probing.join().map_err(|_| "the probe has panicked")?.map_err(failed)?;
    let slowest = latencies.iter().filter_map(|kind| kind.without(&standstills).slowest());
    let others = slowest.max().ok_or("the probe was never answered")?;
    Ok(Waits { caller: took, still: standstills.within(begin, begin + took), others })
}

/// Waits a little, then sends one command; when that was, and how long it took.
fn call(addr: SocketAddr, words: &[String]) -> std::io::Result<(Instant, Duration)> {
    load::pin_thread(1);
    // Without the right to it the caller may wait for the probe's core; the figure can only be too high.
    load::make_real_time();
    let mut client = Client::connect(addr)?;
    // Removing takes seconds on servers that do it at once.
    client.set_timeout(Duration::from_secs(300))?;
    thread::sleep(BEFORE);
    let mut request = Vec::new();
    client::encode(&mut request, words);
    let begin = Instant::now();
    client.send_raw(&request)?;
    let reply = client.read()?;
    let took = begin.elapsed();
    accepted(&words.join(" "), &reply).map_err(std::io::Error::other)?;
    Ok((begin, took))
}

fn accepted(words: &str, reply: &Reply) -> Result<(), String> {
    if reply.is_error() { Err(format!("{words}: {}", reply.text())) } else { Ok(()) }
}

/// Empties the server and waits until it gives no more memory back.
fn settle(server: &Server) {
    server.client().run("FLUSHALL");
    let used = || server.info("used_memory").and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0);
    let begin = Instant::now();
    let mut last = used();
    while begin.elapsed() < SETTLE_MAX {
        thread::sleep(Duration::from_millis(300));
        let now = used();
        // What a few connections and counters change is no collection.
        if now + (1 << 20) > last {
            return;
        }
        last = now;
    }
}

/// GET and SET of one small key without a pause.
struct SmallProbe;

impl Probe for SmallProbe {
    const PAUSE: Duration = Duration::ZERO;

    fn request(&mut self, kind: usize, out: &mut Vec<u8>) {
        let words: &[&str] = if kind == 0 { &["GET", "small"] } else { &["SET", "small", "1"] };
        client::encode(out, words);
    }

    fn answered(&mut self, _kind: usize, _reply: &Reply) {}
}
