//! `cargo xtask bench`: CPU time per request, requests per second and bytes per key, ours against a reference.
//!
//! Method: the server with `io-threads 1` on core 0, the load (module `load`) on core 1. Both servers run and
//! are filled; for every command and pipeline depth the two are measured in turn, several rounds, and medians are
//! shown. CPU time is that of all threads of the server process. It never compares figures of different runs.

mod scaling;
mod types;

use std::path::{Path, PathBuf};

use system_tests::{Server, ServerOptions, procfs, server};

use crate::args::Args;
use crate::load::{self, Order, Standard, Verb};
use crate::report::{self, Table, median, thousands};

/// What `bench` understands.
pub const USAGE: &str = "bench [--against PATH] [--server PATH] [--profile dist|release] [--requests N] [--rounds N]
      [--commands GET,SET,INCR,MSET] [--pipelines 1,16,64] [--speed] [--bytes] [--types] [--scaling] [--quick] [--urgent] [--write]";

/// Keys that the speed figures run over.
const KEYS: u64 = 1_000_000;
/// Bytes of a value in the speed figures.
const VALUE_BYTES: usize = 64;
/// Keys that the memory figures are taken over.
const MEMORY_KEYS: u64 = 3_000_000;
/// Connections at every pipeline depth.
const CONNECTIONS: usize = 50;

struct Plan {
    ours: PathBuf,
    against: PathBuf,
    requests: u64,
    rounds: u64,
    verbs: Vec<Verb>,
    pipelines: Vec<u32>,
    memory_keys: u64,
    /// Servers and load go before everything else that runs on this machine.
    urgent: bool,
}

/// Runs the task.
pub fn run(mut args: Args) -> Result<(), String> {
    let quick = args.flag("quick");
    let (write, scaling) = (args.flag("write"), args.flag("scaling"));
    let (speed, bytes, types) = (args.flag("speed"), args.flag("bytes"), args.flag("types"));
    let plan = Plan {
        ours: our_binary(&mut args)?,
        against: args.value("against")?.map_or_else(server::reference, |path| Ok(PathBuf::from(path)))?,
        requests: args.number("requests", if quick { 400_000 } else { 2_000_000 })?,
        rounds: args.number("rounds", if quick { 1 } else { 3 })?,
        verbs: verbs(args.list("commands")?)?,
        pipelines: pipelines(args.list("pipelines")?)?,
        urgent: args.flag("urgent"),
        memory_keys: if quick { MEMORY_KEYS / 10 } else { MEMORY_KEYS },
    };
    args.finish()?;
    let all = !(speed || bytes || scaling || types);
    let mut sections = Vec::new();
    if (speed && !types) || all {
        sections.push(("bench-speed", speed_table(&plan)?));
    }
    if (bytes && !types) || all {
        sections.push(("bench-bytes", bytes_table(&plan)?));
    }
    if types {
        // With --speed or --bytes beside it, only that half.
        if speed || !bytes {
            sections.push(("bench-types-speed", types::speed_table(&plan)?));
        }
        if bytes || !speed {
            sections.push(("bench-types-bytes", types::bytes_table(&plan)?));
        }
    }
    if scaling {
        sections.push(("bench-scaling", scaling::over_the_wire(&plan)?));
        sections.push(("bench-scaling-in-process", scaling::in_process(plan.rounds)?));
    }
    for (name, text) in sections {
        println!("{text}");
        if write {
            report::write_section(name, &text)?;
        }
    }
    Ok(())
}

/// `--server PATH`, or `EVENKEEL_SERVER`, or a fresh build with `--profile` (dist by default).
pub fn our_binary(args: &mut Args) -> Result<PathBuf, String> {
    let profile = args.value("profile")?.unwrap_or_else(|| "dist".to_string());
    if let Some(path) = args.value("server")? {
        return Ok(PathBuf::from(path));
    }
    if let Some(path) = std::env::var_os("EVENKEEL_SERVER") {
        return Ok(PathBuf::from(path));
    }
    let status = std::process::Command::new("cargo")
        .args(["build", "--profile", &profile, "-p", "evenkeel"])
        .current_dir(server::checkout())
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err(format!("cargo build --profile {profile} failed"));
    }
    Ok(server::target().join(profile).join("evenkeel"))
}

fn verbs(names: Option<Vec<String>>) -> Result<Vec<Verb>, String> {
    let all = [Verb::Get, Verb::Set, Verb::Incr, Verb::Mset];
    let Some(names) = names else { return Ok(all.to_vec()) };
    names
        .iter()
        .map(|name| {
            let matches = |verb: &&Verb| verb.name().split(' ').next() == Some(&name.to_ascii_uppercase());
            all.iter().find(matches).copied().ok_or_else(|| format!("--commands: no load for {name}"))
        })
        .collect()
}

fn pipelines(depths: Option<Vec<String>>) -> Result<Vec<u32>, String> {
    let Some(depths) = depths else { return Ok(vec![1, 16, 64]) };
    let parse = |text: &String| match text.parse() {
        Ok(depth) if (1..=10_000).contains(&depth) => Ok(depth),
        _ => Err(format!("--pipelines: not a depth: {text}")),
    };
    depths.iter().map(parse).collect()
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
struct Sample {
    cpu_ns_per_request: f64,
    requests_per_second: f64,
}

impl Sample {
    fn busy_percent(&self) -> f64 {
        self.cpu_ns_per_request * self.requests_per_second / 1e7
    }
}

fn speed_table(plan: &Plan) -> Result<String, String> {
    let pair = [start_pinned(&plan.ours, 1, plan.urgent)?, start_pinned(&plan.against, 1, plan.urgent)?];
    let names = [name_of(&pair[0], &plan.ours), name_of(&pair[1], &plan.against)];
    for server in &pair {
        fill(server, Verb::Set, KEYS, VALUE_BYTES)?;
        if plan.verbs.contains(&Verb::Incr) {
            fill(server, Verb::Incr, KEYS, 0)?;
        }
    }
    let mut table = Table::new(&[
        "".to_string(),
        "pipeline".to_string(),
        format!("{} ns CPU/request", names[0]),
        format!("{} ns CPU/request", names[1]),
        "ratio".to_string(),
        format!("{} requests/s", names[0]),
        format!("{} requests/s", names[1]),
        "ratio".to_string(),
    ]);
    for &verb in &plan.verbs {
        for &pipeline in &plan.pipelines {
            let samples = alternate(plan, &pair, verb, pipeline)?;
            let cpu = samples
                .each_ref()
                .map(|s| median(&s.iter().map(|s| s.cpu_ns_per_request).collect::<Vec<_>>()));
            let rate = samples
                .each_ref()
                .map(|s| median(&s.iter().map(|s| s.requests_per_second).collect::<Vec<_>>()));
            table.row(&[
                verb.name().to_string(),
                pipeline.to_string(),
                thousands(cpu[0]),
                thousands(cpu[1]),
                format!("{:.2}", cpu[0] / cpu[1]),
                thousands(rate[0]),
                thousands(rate[1]),
                format!("{:.2}", rate[0] / rate[1]),
            ]);
        }
    }
    Ok(format!(
        "{}\n{CONNECTIONS} connections, {} keys of 16 bytes, values of {VALUE_BYTES} bytes, server on one core with io-threads 1, \
         load on the other, median of {} alternating rounds. {}\n",
        table.markdown(),
        thousands(KEYS as f64),
        plan.rounds,
        report::facts()
    ))
}

fn alternate(plan: &Plan, pair: &[Server; 2], verb: Verb, pipeline: u32) -> Result<[Vec<Sample>; 2], String> {
    let base = if pipeline == 1 { plan.requests / 4 } else { plan.requests };
    let requests = if verb == Verb::Mset { base / 5 } else { base };
    let mut samples = [Vec::new(), Vec::new()];
    for round in 0..plan.rounds {
        for (index, server) in pair.iter().enumerate() {
            samples[index].push(measure(server, plan.urgent, verb, pipeline, (requests, round))?);
        }
    }
    // A server that is not busy waits for the load, and its rate says nothing; its CPU time still does.
    let busy = samples.each_ref().map(|s| median(&s.iter().map(Sample::busy_percent).collect::<Vec<_>>()));
    eprintln!(
        "measured {} at pipeline {pipeline}; servers busy {:.0} %, {:.0} %",
        verb.name(),
        busy[0],
        busy[1]
    );
    Ok(samples)
}

fn measure(
    server: &Server,
    urgent: bool,
    verb: Verb,
    pipeline: u32,
    (requests, seed): (u64, u64),
) -> Result<Sample, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", verb.name());
    let mut traffic = Standard::new(verb, Order::Random, KEYS, VALUE_BYTES, requests, seed);
    let before = procfs::cpu_ns(server.pid()).map_err(failed)?;
    let outcome = on_load_core(urgent, || load::drive(server.addr(), CONNECTIONS, pipeline, &mut traffic))
        .map_err(failed)?
        .checked()?;
    let cpu = procfs::cpu_ns(server.pid()).map_err(failed)? - before;
    if verb == Verb::Get && outcome.nils > 0 {
        return Err(format!("{} of {} GETs found nothing", outcome.nils, outcome.replies));
    }
    Ok(Sample {
        cpu_ns_per_request: cpu as f64 / outcome.replies as f64,
        requests_per_second: outcome.replies as f64 / outcome.seconds,
    })
}

/// Runs the load in a thread of its own, so that pinning does not stick to later children of this process.
fn on_load_core<R: Send>(urgent: bool, run: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            load::pin_thread(1);
            if urgent && !load::make_real_time() {
                eprintln!("no real-time priority for the load: the run is as steady as the machine is quiet");
            }
            run()
        });
        load.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Starts a server on core 0 (on all cores with more than one thread).
fn start_pinned(binary: &Path, threads: usize, urgent: bool) -> Result<Server, String> {
    let mut options = ServerOptions::new(binary).arg("--io-threads", &threads.to_string());
    if urgent {
        options = options.wrapper("chrt --fifo 1");
    }
    if cores() > 1 && threads == 1 {
        options = options.cores("0");
    }
    options.start().map_err(|error| error.to_string())
}

fn fill(server: &Server, verb: Verb, keys: u64, value_bytes: usize) -> Result<(), String> {
    let mut traffic = Standard::fill(verb, keys, value_bytes);
    let outcome = on_load_core(false, || load::drive(server.addr(), 8, 32, &mut traffic));
    outcome.map_err(|error| format!("filling: {error}"))?.checked().map(|_| ())
}

fn bytes_table(plan: &Plan) -> Result<String, String> {
    let cases = [
        ("16-byte key, 16-byte value", Verb::Set, 16),
        ("the same with a TTL", Verb::SetTtl, 16),
        ("16-byte key, 100-byte value", Verb::Set, 100),
    ];
    let mut rows = Vec::new();
    let mut names = [String::new(), String::new()];
    for (label, verb, value_bytes) in cases {
        let mut bytes = [0.0; 2];
        for (index, binary) in [&plan.ours, &plan.against].into_iter().enumerate() {
            let server = start_pinned(binary, 1, plan.urgent)?;
            names[index] = name_of(&server, binary);
            bytes[index] = bytes_per_key(&server, verb, plan.memory_keys, value_bytes)?;
        }
        rows.push([
            label.to_string(),
            format!("{:.1}", bytes[0]),
            format!("{:.1}", bytes[1]),
            format!("{:.2}", bytes[0] / bytes[1]),
        ]);
        eprintln!("measured {label}");
    }
    let mut table =
        Table::new(&["bytes per key".to_string(), names[0].clone(), names[1].clone(), "ratio".to_string()]);
    rows.iter().for_each(|row| table.row(row));
    let keys = thousands(plan.memory_keys as f64);
    Ok(format!(
        "{}\nResident memory above the empty server, {keys} keys, random text values. {}\n",
        table.markdown(),
        report::facts()
    ))
}

/// Resident bytes above the empty server for each key.
fn bytes_per_key(server: &Server, verb: Verb, keys: u64, value_bytes: usize) -> Result<f64, String> {
    let resident = || procfs::memory(server.pid()).map(|m| m.resident).map_err(|error| error.to_string());
    // One round of connections first: their buffers belong to the empty server.
    fill(server, verb, 100, value_bytes)?;
    server.client().run("FLUSHALL");
    std::thread::sleep(std::time::Duration::from_millis(300));
    let empty = resident()?;
    fill(server, verb, keys, value_bytes)?;
    let full = settled(&resident)?;
    let size = server.client().run("DBSIZE").int();
    if size != Some(keys as i64) {
        return Err(format!("filled {keys} keys, DBSIZE says {size:?}"));
    }
    Ok(full.saturating_sub(empty) as f64 / keys as f64)
}

/// Waits until resident memory stays within a thousandth for three seconds: a pending rehash or purge has had its turn.
fn settled(resident: &impl Fn() -> Result<u64, String>) -> Result<u64, String> {
    let mut last = resident()?;
    let mut still = 0;
    for _ in 0..60 {
        std::thread::sleep(std::time::Duration::from_secs(1));
        let now = resident()?;
        still = if now.abs_diff(last) <= last / 1000 { still + 1 } else { 0 };
        last = now;
        if still == 3 {
            break;
        }
    }
    Ok(last)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

/// Name and version as the server itself gives them.
pub fn name_of(server: &Server, binary: &Path) -> String {
    for (field, name) in
        [("evenkeel_version", "Evenkeel"), ("valkey_version", "Valkey"), ("redis_version", "Redis")]
    {
        if let Some(version) = server.info(field) {
            return format!("{name} {}", version.trim());
        }
    }
    binary.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
