//! `cargo xtask headline`: a save under full write load in a container with little head room.
//!
//! Fill, limit the server's memory to a little above what it has, overwrite flat out, BGSAVE, and judge the
//! file. The server, its save and (for Redis) its child share core 0; load and probes share core 1. The same is
//! done to a reference server, and one table shows both.
//!
//! What is measured where: throughput and exactness in [`versions`], latency in [`probe`], times in which the machine itself did not run in [`standstill`], memory from the cgroup
//! (anonymous memory of all its processes), else from `/proc`. With `--big` big values take the place of many keys: one huge
//! string in [`big`], five collections in [`collections`], and in [`removal`] what it costs to remove one.

mod big;
mod collections;
mod course;
mod elements;
mod machine;
mod overwrite;
mod probe;
mod removal;
mod standstill;
mod versions;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use system_tests::{Server, ServerOptions, procfs, server};

use crate::args::Args;
use crate::bench;
use crate::cgroup::MemoryGroup;
use crate::load;
use crate::report::{self, Table};
use machine::KernelSetting;

/// What `headline` understands.
pub const USAGE: &str = "headline [--server PATH] [--profile dist|release] [--against PATH] [--alone] [--keys N] [--value-bytes N]
      [--headroom PERCENT] [--seconds N] [--no-limit] [--overcommit2] [--thp] [--slow-disk] [--urgent] [--write]
      [--big [--parts string,collections,removal] [--elements N] [--removal-elements N] [--reference-elements N]
         [--no-streams] [--canary]]";

/// How fast the slowed disk is.
const SLOW_BYTES_PER_SECOND: u64 = 5_000_000;

/// How long a server may take to arrange its memory after it was filled.
const SETTLE_MAX: Duration = Duration::from_secs(60);

/// A save that takes longer counts as failed.
const SAVE_MAX: Duration = Duration::from_secs(600);

/// What one run does.
pub struct Settings {
    /// Number of keys.
    pub keys: usize,
    /// Bytes of each value.
    pub value_bytes: usize,
    /// Memory limit above resident size in percent; none for no limit.
    pub headroom: Option<u64>,
    /// Elements of each collection that is saved.
    pub elements: usize,
    /// Leaves streams out though the server may know them.
    pub no_streams: bool,
    /// Judges the saved collections by bounds that were taken too early, so the file must be found inexact.
    pub canary: bool,
    /// Elements of a collection that is removed: ours, the reference's.
    pub removal_elements: [usize; 2],
    /// Length of the phase before the save.
    pub before: Duration,
    /// The library that slows the disk.
    pub slow: Option<PathBuf>,
    /// The server goes before everything else that runs on this machine.
    pub urgent: bool,
}

/// What was found out about one server: a cell for each row label, in order.
pub type Findings = Vec<(&'static str, String)>;

/// Runs the task.
pub fn run(mut args: Args) -> Result<(), String> {
    let (big, slow) = (args.flag("big"), args.flag("slow-disk"));
    let (overcommit, thp) = (args.flag("overcommit2"), args.flag("thp"));
    let (write, alone) = (args.flag("write"), args.flag("alone"));
    let elements = args.number("elements", 3_000_000)?;
    let removal = args.number("removal-elements", elements * 10 / 3)?;
    let reference = args.number("reference-elements", removal.min(1_000_000))?;
    let parts = args.list("parts")?;
    let settings = Settings {
        elements: elements as usize,
        no_streams: args.flag("no-streams"),
        canary: args.flag("canary"),
        removal_elements: [removal as usize, reference as usize],
        keys: args.number("keys", if slow { 1_000_000 } else { 3_000_000 })? as usize,
        value_bytes: args.number("value-bytes", 200)? as usize,
        headroom: (!args.flag("no-limit")).then_some(args.number("headroom", 10)?),
        before: Duration::from_secs(args.number("seconds", 5)?),
        urgent: args.flag("urgent"),
        slow: if slow { Some(machine::slow_disk_library()?) } else { None },
    };
    let mut binaries = vec![bench::our_binary(&mut args)?];
    if let Some(path) = args.value("against")? {
        binaries.push(PathBuf::from(path));
    } else if !alone {
        binaries.push(server::reference()?);
    }
    args.finish()?;

    let mut variant = Vec::new();
    let mut kept = Vec::new();
    if overcommit {
        kept.push(KernelSetting::change("/proc/sys/vm/overcommit_memory", "2")?);
        variant.push("overcommit2");
    }
    if thp {
        kept.push(KernelSetting::change("/sys/kernel/mm/transparent_hugepage/enabled", "always")?);
        variant.push("thp");
    }
    variant.extend(slow.then_some("slow-disk"));

    let mut sections = Vec::new();
    for part in parts_of(big, parts)? {
        sections.push((part.section(), part.run(&binaries, &settings, &variant)?));
    }
    drop(kept);
    for (section, table) in sections {
        let text = format!("{table}\n{}\n", report::facts());
        println!("{text}");
        if write {
            let name = std::iter::once(section).chain(variant.iter().copied()).collect::<Vec<_>>().join("-");
            report::write_section(&name, &text)?;
        }
    }
    Ok(())
}

/// The scenarios, each with a table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Keys,
    String,
    Collections,
    Removal,
}

/// What to run: the keys, or of the big values those that were named, or all.
fn parts_of(big: bool, names: Option<Vec<String>>) -> Result<Vec<Part>, String> {
    let all = [("string", Part::String), ("collections", Part::Collections), ("removal", Part::Removal)];
    match (big, names) {
        (false, None) => Ok(vec![Part::Keys]),
        (false, Some(_)) => Err("--parts goes with --big".to_string()),
        (true, None) => Ok(all.iter().map(|(_, part)| *part).collect()),
        (true, Some(names)) => {
            let find = |name: &String| all.iter().find(|(known, _)| known == name).map(|(_, part)| *part);
            names.iter().map(|name| find(name).ok_or_else(|| format!("--parts: no part {name}"))).collect()
        }
    }
}

impl Part {
    /// Its section of docs/benchmarks.md.
    fn section(self) -> &'static str {
        match self {
            Part::Keys => "headline",
            Part::String => "headline-big",
            Part::Collections => "headline-collections",
            Part::Removal => "headline-removal",
        }
    }

    /// The table with a column for each server, and what it is about.
    fn run(self, binaries: &[PathBuf], settings: &Settings, variant: &[&str]) -> Result<String, String> {
        let each = |measure: fn(&Path, &Settings) -> Result<Findings, String>| {
            let columns =
                binaries.iter().map(|binary| measure(binary, settings)).collect::<Result<Vec<_>, _>>()?;
            Ok::<String, String>(table(&columns))
        };
        let table = match self {
            Part::Keys => each(overwrite::measure)?,
            Part::String => each(big::measure)?,
            Part::Collections => each(collections::measure)?,
            Part::Removal => {
                // The first is ours; the other is the reference.
                let measure = |(binary, elements)| removal::measure(binary, settings, elements);
                let columns =
                    binaries.iter().map(PathBuf::as_path).zip(settings.removal_elements).map(measure);
                table(&columns.collect::<Result<Vec<_>, _>>()?)
            }
        };
        Ok(format!("{table}\n{}", describe(self, settings, variant)))
    }
}

fn table<L: AsRef<str>>(columns: &[Vec<(L, String)>]) -> String {
    let cells = |index: usize| columns.iter().map(move |column| column.get(index));
    let mut heading = vec![String::new()];
    heading.extend(cells(0).map(|cell| cell.map_or_else(String::new, |(_, text)| text.clone())));
    let mut table = Table::new(&heading);
    for index in 1..columns.iter().map(Vec::len).max().unwrap_or(0) {
        let label = cells(index).flatten().next().map_or("", |(label, _)| label.as_ref());
        let mut row = vec![label.to_string()];
        row.extend(cells(index).map(|cell| cell.map_or_else(String::new, |(_, text)| text.clone())));
        table.row(&row);
    }
    table.markdown()
}

fn describe(part: Part, settings: &Settings, variant: &[&str]) -> String {
    let placed = "server and save on one core, load and probes on the other, begun when the server's memory was no longer being joined into \
                  huge pages";
    let what = match part {
        Part::Keys => format!(
            "{} keys of {} bytes, overwritten at random over {} connections at pipeline {}; {placed}. Reads are GET, writes SET.",
            report::thousands(settings.keys as f64),
            settings.value_bytes,
            overwrite::LANES,
            course::PIPELINE
        ),
        Part::String => {
            "One string of 500 MB; SETBIT and APPEND one at a time before and during BGSAVE.".to_string()
        }
        Part::Collections => format!(
            "A hash, a sorted set, a list, a set and a stream of {} elements of {} bytes each, written at random over {} connections at \
             pipeline {}; {placed}. Reads are HGET, ZSCORE, LINDEX, SISMEMBER, XRANGE of one entry; writes HSET, ZADD, LSET, SADD or \
             SREM, XADD with MAXLEN.",
            report::thousands(settings.elements as f64),
            elements::ELEMENT_BYTES,
            collections::LANES,
            course::PIPELINE
        ),
        Part::Removal => format!(
            "Milliseconds: how long the caller waited / the slowest of GET and SET of a small key meanwhile and for 1 s after, without \
             the machine's standstills. In brackets the same with a PING just before, which is what the machine itself does to a request. \
             Elements have {} bytes; a new collection for each removal, and a small one removed in the same way before.",
            elements::ELEMENT_BYTES
        ),
    };
    let variant =
        if variant.is_empty() { String::new() } else { format!(" Variant: {}.", variant.join(", ")) };
    format!("{what}{variant}")
}

/// A server in its memory group (where the machine allows one), with its memory watched.
pub struct Watched {
    /// The server; declared before the group, so that it has ended when the group is removed.
    pub server: Server,
    group: Result<Arc<MemoryGroup>, String>,
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    sampler: Option<thread::JoinHandle<()>>,
}

impl Watched {
    /// Starts a server on core 0 inside a new memory group, without a limit yet.
    pub fn start(binary: &Path, dir: &Path, settings: &Settings) -> Result<Watched, String> {
        let group = if settings.headroom.is_some() {
            MemoryGroup::create("headline").map(Arc::new)
        } else {
            Err("none asked for".to_string())
        };
        let mut options = ServerOptions::new(binary).dir(dir).args("--io-threads 1");
        if let Ok(group) = &group {
            options.wrapper.extend(group.wrapper());
        }
        if thread::available_parallelism().map_or(1, |n| n.get()) > 1 {
            options = options.cores("0");
        }
        if settings.urgent {
            options = options.wrapper("setsid");
        }
        if let Some(library) = &settings.slow {
            options = options
                .env("LD_PRELOAD", &library.to_string_lossy())
                .env("EVENKEEL_SLOW_BYTES_PER_SECOND", &SLOW_BYTES_PER_SECOND.to_string());
        }
        let server = options.start().map_err(|error| error.to_string())?;
        if settings.urgent {
            // Weighs the session that `setsid` has made against other sessions; inside it nothing changes, so the
            // server's own threads share the core as they always do.
            let path = format!("/proc/{}/autogroup", server.pid());
            std::fs::write(&path, "-20").map_err(|error| format!("--urgent: {path}: {error}"))?;
        }
        let (peak, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let sampler = {
            let (group, peak, stop, pid) = (group.clone().ok(), peak.clone(), stop.clone(), server.pid());
            thread::spawn(move || {
                load::pin_thread(1);
                while !stop.load(Ordering::Relaxed) {
                    peak.fetch_max(anonymous(group.as_deref(), pid), Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(5));
                }
            })
        };
        Ok(Watched { server, group, peak, stop, sampler: Some(sampler) })
    }

    /// Waits until the server's memory is no longer being joined into huge pages, at most [`SETTLE_MAX`]: what is measured is a server that has
    /// had its data for a while.
    pub fn settle(&self) {
        const QUIET: Duration = Duration::from_secs(3);
        let (begin, mut last) = (Instant::now(), (0, Instant::now()));
        while begin.elapsed() < SETTLE_MAX && last.1.elapsed() < QUIET {
            thread::sleep(Duration::from_millis(500));
            let now = procfs::huge_bytes(self.server.pid());
            if now != last.0 {
                last = (now, Instant::now());
            }
        }
    }

    /// Limits the group to resident size plus head room; what to say about it in the table.
    pub fn limit(&self, headroom: Option<u64>) -> Result<String, String> {
        let resident = procfs::memory(self.server.pid()).map_err(|error| error.to_string())?.resident;
        match (&self.group, headroom) {
            (Ok(group), Some(percent)) => {
                let limit = resident + resident * percent / 100;
                group.set_limit(limit)?;
                Ok(format!("{} (+{percent} %)", report::megabytes(limit as f64)))
            }
            (Err(reason), _) => Ok(format!("no limit: {reason}")),
            (Ok(_), None) => Ok("no limit".to_string()),
        }
    }

    /// Anonymous memory now; the peak starts anew from here.
    pub fn reset_peak(&self) -> u64 {
        let now = anonymous(self.group.as_ref().ok().map(Arc::as_ref), self.server.pid());
        self.peak.store(now, Ordering::Relaxed);
        now
    }

    /// The highest anonymous memory since [`Watched::reset_peak`].
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }

    /// Processes that the kernel has killed in the group.
    pub fn kills(&self) -> u64 {
        self.group.as_ref().map_or(0, |group| group.kills())
    }

    /// Waits until the save that was just asked for has ended; what became of it.
    pub fn wait_for_save(&mut self, asked: Instant) -> Saved {
        while asked.elapsed() < SAVE_MAX {
            if let Some(status) = self.server.exited() {
                let by = if self.kills() > 0 { "by the kernel for want of memory" } else { "" };
                return Saved::ServerDied(format!("server killed {by} ({status})"));
            }
            let info = system_tests::Client::connect(self.server.addr())
                .and_then(|mut c| c.call(&["INFO", "persistence"]));
            if let Ok(info) = info.map(|reply| reply.text())
                && server::info_field(&info, "rdb_bgsave_in_progress").as_deref() == Some("0")
            {
                let field = |name: &str| server::info_field(&info, name).unwrap_or_default();
                if field("rdb_last_bgsave_status") != "ok" {
                    let by =
                        if self.kills() > 0 { ": child killed by the kernel for want of memory" } else { "" };
                    return Saved::Failed(format!("save failed{by}"));
                }
                return Saved::Yes { seconds: asked.elapsed().as_secs_f64() };
            }
            thread::sleep(Duration::from_millis(20));
        }
        Saved::Failed("save did not end".to_string())
    }

    /// How long the start of the save stopped everybody: the cut, or the fork.
    pub fn cut(&self) -> String {
        let info = self.server.client().run("INFO everything").text();
        let field = |name: &str| server::info_field(&info, name);
        match (field("rdb_last_cut_usec"), field("latest_fork_usec")) {
            (Some(us), _) => format!("{us} us (cut)"),
            (None, Some(us)) => format!("{us} us (fork)"),
            (None, None) => "not reported".to_string(),
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(sampler) = self.sampler.take() {
            // A sampler that panicked has nothing left to clean up.
            let _ = sampler.join();
        }
        // A forked child outlives its parent and would keep the group busy.
        for child in procfs::children(self.server.pid()) {
            if let Some(pid) = rustix::process::Pid::from_raw(child as i32) {
                // It may have ended in the meantime.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        self.server.kill();
    }
}

fn anonymous(group: Option<&MemoryGroup>, pid: u32) -> u64 {
    let from_group = group.and_then(MemoryGroup::anonymous);
    from_group.unwrap_or_else(|| procfs::memory_with_children(pid).map_or(0, |memory| memory.anonymous))
}

/// What became of a save.
pub enum Saved {
    /// The file is there.
    Yes {
        /// From asking to the end.
        seconds: f64,
    },
    /// The server lives but has no file, and why.
    Failed(String),
    /// The server is gone, and why.
    ServerDied(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_chosen_by_name() {
        let named = |names: &[&str]| Some(names.iter().map(|name| name.to_string()).collect());
        assert_eq!(parts_of(false, None), Ok(vec![Part::Keys]));
        assert_eq!(parts_of(true, None), Ok(vec![Part::String, Part::Collections, Part::Removal]));
        assert_eq!(parts_of(true, named(&["removal"])), Ok(vec![Part::Removal]));
        assert!(parts_of(true, named(&["strings"])).is_err());
        assert!(parts_of(false, named(&["string"])).is_err());
    }
}
