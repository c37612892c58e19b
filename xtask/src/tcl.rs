//! `cargo xtask tcl`: Redis 7.0's own test suite against our server.
//!
//! The suite comes from Debian's source package, fetched by apt with lists and cache of its own below
//! `target/redis-src`. The suite starts servers as `src/redis-server CONFIG`; a small script in that place starts ours.
//! Tests that may fail are listed in `xtask/tcl-allowed.txt`, each with its reason; a listed test that passes is
//! reported, so that the list shrinks. Some are edited to do with what this version has, see `edits`.
//!
//! ```text
//!   target/redis-src/redis-7.0.x   as fetched, never touched
//!   target/redis-src/run-PID-N     a copy for each lane, removed at the end: edited tests, scripts in src/, the servers' files in tests/tmp
//! ```
//! Units run side by side in [`LANES`] lanes, each with folder, suite process and ports of its own. What a unit has started is ended
//! by the suite, by pid, or with its process group when it takes too long.

mod edits;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use system_tests::server;

use crate::args::Args;
use crate::group;
use crate::setup;

/// What `tcl` understands.
pub const USAGE: &str = "tcl [--server PATH] [--verbose] [--tags WORDS] [unit/type/string ...]";

/// The units that have to pass, by the features that exist. Those that take longest come first.
const UNITS: &[&str] = &[
    "unit/hyperloglog",
    "unit/type/set",
    "integration/corrupt-dump",
    "unit/sort",
    "unit/type/zset",
    "unit/geo",
    "unit/type/list-3",
    "unit/type/stream",
    "unit/scan",
    "unit/type/string",
    "integration/corrupt-dump-fuzzer",
    "integration/rdb",
    "unit/introspection",
    "unit/expire",
    "unit/info",
    "unit/other",
    "unit/type/list-2",
    "unit/type/stream-cgroups",
    "unit/type/hash",
    "unit/type/list",
    "integration/convert-zipmap-hash-on-load",
    "integration/convert-ziplist-hash-on-load",
    "integration/convert-ziplist-zset-on-load",
    "unit/type/incr",
    "unit/bitops",
    "unit/bitfield",
    "unit/keyspace",
    "unit/protocol",
    "unit/querybuf",
    "unit/printver",
    "unit/slowlog",
    "unit/latency-monitor",
    "unit/lazyfree",
    "unit/auth",
    "unit/dump",
    "unit/info-command",
    "unit/introspection-2",
    "unit/limits",
    "unit/oom-score-adj",
    "unit/pause",
    "unit/quit",
    "unit/shutdown",
    "integration/logging",
];
/// Units that run at the same time. Timing matters to some, so no more than the smallest machine has cores.
const LANES: usize = 2;
/// The beginning of the name of a lane's folder; the process and the lane's number follow.
const LANE_FOLDER: &str = "run-";
/// Ports of a lane.
const LANE_PORTS: u32 = 100;
/// A unit that takes longer has hung; the slowest needs about a minute.
const UNIT_MAX: Duration = Duration::from_secs(300);
/// The Debian release that has Redis 7.0.
const RELEASE: &str = "bookworm";
const ALLOWED: &str = "xtask/tcl-allowed.txt";

/// Runs the task.
pub fn run(mut args: Args) -> Result<(), String> {
    let given = args.value("server")?;
    let verbose = args.flag("verbose");
    let tags = args.value("tags")?;
    let mut units = args.positional();
    args.finish()?;
    if units.is_empty() {
        units = UNITS.iter().map(|unit| unit.to_string()).collect();
    }
    let binary = given.map_or_else(server::ours, |path| Ok(PathBuf::from(path)))?;
    let suite = fetch()?;
    let allowed = Allowed::read(&server::checkout().join(ALLOWED))?;
    remove_leftovers();
    let lanes = (0..LANES.min(units.len()))
        .map(|number| Lane::prepare(&suite, &binary, number))
        .collect::<Result<Vec<Lane>, String>>()?;
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally::default());
    let failures: Vec<String> = std::thread::scope(|scope| {
        let work = |lane: &Lane| {
            while let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
                let results = lane.run_unit(unit, tags.as_deref(), &allowed)?;
                let mut tally = tally.lock().map_err(|_| "another lane has failed".to_string())?;
                tally.report(unit, &results, &allowed, verbose);
            }
            Ok(())
        };
        let threads: Vec<_> = lanes.iter().map(|lane| scope.spawn(move || work(lane))).collect();
        let ends =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a lane died".into())));
        ends.filter_map(|end: Result<(), String>| end.err()).collect()
    });
    if let Some(reason) = failures.into_iter().next() {
        return Err(reason);
    }
    let tally = tally.into_inner().map_err(|_| "a lane has failed".to_string())?;
    println!("{} passed, {} failed as allowed, {} failed", tally.passed, tally.excused, tally.failed);
    if tally.failed == 0 { Ok(()) } else { Err(format!("{} unexpected failures", tally.failed)) }
}

/// What came of all units so far.
#[derive(Default)]
struct Tally {
    passed: usize,
    excused: usize,
    failed: usize,
}

impl Tally {
    /// Counts and prints what came of a unit.
    fn report(&mut self, unit: &str, results: &[(String, Outcome)], allowed: &Allowed, verbose: bool) {
        let of = |outcome| results.iter().filter(move |(_, came)| *came == outcome).map(|(name, _)| name);
        let (excused, unexpected): (Vec<_>, Vec<_>) =
            of(Outcome::Failed).partition(|name| allowed.reason(unit, name).is_some());
        let passed = of(Outcome::Passed).count();
        println!("{unit}: {passed} passed, {} failed as allowed, {} failed", excused.len(), unexpected.len());
        if verbose {
            results.iter().for_each(|(name, outcome)| println!("  {outcome:?}: {name}"));
        }
        unexpected.iter().for_each(|name| println!("  FAILED: {name}"));
        for name in of(Outcome::Passed) {
            if let Some(reason) = allowed.reason(unit, name) {
                println!("  passes although {ALLOWED} excuses it ({reason}): {name}");
            }
        }
        // A row without a test hides nothing today, but may tomorrow.
        let stale: Vec<&str> = allowed.without_test(unit, results).collect();
        stale.iter().for_each(|name| println!("  FAILED: {ALLOWED} excuses what is no test: {name}"));
        self.passed += passed;
        self.excused += excused.len();
        self.failed += unexpected.len() + stale.len();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// A copy of the suite, edited, with our server in it.
struct Lane {
    folder: PathBuf,
    first_port: u32,
}

impl Lane {
    fn prepare(suite: &Path, binary: &Path, number: usize) -> Result<Lane, String> {
        let name = format!("{LANE_FOLDER}{}-{number}", std::process::id());
        let folder = server::target().join("redis-src").join(name);
        fs::create_dir_all(folder.join("src")).map_err(|error| format!("{}: {error}", folder.display()))?;
        // From here on it is removed at the end, whatever happens.
        let lane = Lane { folder, first_port: first_port(number) };
        let folder = &lane.folder;
        setup::run(Command::new("cp").arg("-r").arg(suite.join("tests")).arg(folder))?;
        edits::apply(folder)?;
        install_wrapper(folder, binary)?;
        Ok(lane)
    }

    /// Runs one unit with a suite process of its own, so that a crash in one unit is not one of all.
    fn run_unit(
        &self,
        unit: &str,
        tags: Option<&str>,
        allowed: &Allowed,
    ) -> Result<Vec<(String, Outcome)>, String> {
        let mut command = Command::new("tclsh");
        // The suite takes 32 ports below the first for itself.
        command
            .args([
                "tests/test_helper.tcl",
                "--single",
                unit,
                "--durable",
                "--clients",
                "1",
                "--timeout",
                "300",
            ])
            .args(["--baseport", &(self.first_port + 32).to_string()])
            .args(["--portcount", &(LANE_PORTS - 40).to_string()])
            .current_dir(&self.folder);
        if let Some(tags) = tags {
            command.args(["--tags", tags]);
        }
        for name in allowed.skipped(unit) {
            command.args(["--skiptest", &name]);
        }
        let folder = server::target().join("xtask-test");
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let log = folder.join(format!("tcl-{}.log", unit.replace('/', "-")));
        let failed = |error: std::io::Error| format!("{}: {error}", log.display());
        let status =
            group::run(&mut command, &fs::File::create(&log).map_err(failed)?, UNIT_MAX).map_err(failed)?;
        let text = fs::read(&log).map_err(failed)?;
        let text = String::from_utf8_lossy(&text);
        if status.is_none() {
            println!("{unit}: still running after {} s, ended; see {}", UNIT_MAX.as_secs(), log.display());
        }
        let mut results = parse(&text);
        // Units that only print have no tests; one that did not even get to its end has failed all the same.
        if !text.contains("All tests passed")
            && !results.iter().any(|(_, outcome)| *outcome == Outcome::Failed)
        {
            results.push(("the unit runs to its end".to_string(), Outcome::Failed));
        }
        Ok(results)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // What cannot be removed now is by the next run.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Runs at the same time keep apart; the suite itself passes over ports that are taken.
fn first_port(number: usize) -> u32 {
    21_000 + (std::process::id() % 40) * 200 + number as u32 * LANE_PORTS
}

/// Removes the folders of runs that were killed.
fn remove_leftovers() {
    let entries = fs::read_dir(server::target().join("redis-src")).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix(LANE_FOLDER).and_then(|rest| rest.split('-').next());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Reads the suite's report. A name that appears several times fails if it fails once.
fn parse(text: &str) -> Vec<(String, Outcome)> {
    let mut results: BTreeMap<String, Outcome> = BTreeMap::new();
    let mut order = Vec::new();
    for line in text.lines().map(strip_colours) {
        let Some((tag, rest)) = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) else {
            continue;
        };
        let outcome = match tag {
            "ok" => Outcome::Passed,
            "err" | "exception" | "timeout" => Outcome::Failed,
            "skip" | "ignore" => Outcome::Skipped,
            _ => continue,
        };
        // `name (12 ms)` when it passes, `name in tests/unit/x.tcl` when it fails.
        let name = rest.rsplit_once(" in tests/").map_or(rest, |(name, _)| name);
        let name = match name.rsplit_once(" (") {
            Some((before, tail)) if tail.ends_with("ms)") => before,
            _ => name,
        };
        let name = name.trim().to_string();
        match results.get_mut(&name) {
            Some(old) if outcome == Outcome::Failed => *old = outcome,
            Some(_) => {}
            None => {
                order.push(name.clone());
                results.insert(name, outcome);
            }
        }
    }
    order
        .into_iter()
        .map(|name| (name.clone(), results.get(&name).copied().unwrap_or(Outcome::Failed)))
        .collect()
}

fn strip_colours(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('\u{1b}') {
        out += &rest[..at];
        rest = rest[at..].find('m').map_or("", |end| &rest[at + end + 1..]);
    }
    out + rest
}

/// The excuses: `unit | test name or * | reason`, one on a line.
struct Allowed {
    rows: Vec<(String, String, String)>,
}

impl Allowed {
    fn read(path: &Path) -> Result<Allowed, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Allowed::parse(&text)
    }

    fn parse(text: &str) -> Result<Allowed, String> {
        let mut rows = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            // The reason stands after the last bar; names of tests may hold bars of their own.
            let cells =
                line.split_once(" | ").and_then(|(unit, rest)| Some((unit, rest.rsplit_once(" | ")?)));
            let Some((unit, (name, reason))) = cells else {
                return Err(format!("{ALLOWED}: not `unit | test | reason`: {line}"));
            };
            rows.push((unit.trim().to_string(), name.trim().to_string(), reason.trim().to_string()));
        }
        Ok(Allowed { rows })
    }

    /// Tests of a unit that must not even be tried, as the suite wants to be told: a name, or a regular expression behind a slash.
    fn skipped(&self, unit: &str) -> impl Iterator<Item = String> {
        let rows = self.rows.iter().filter(move |row| row.0 == unit && row.2.starts_with("skipped:"));
        rows.map(|(_, name, _)| match name.strip_suffix('*') {
            None => name.clone(),
            Some(prefix) => {
                let escape = |c: char| if c.is_alphanumeric() { vec![c] } else { vec!['\\', c] };
                format!("/^{}", prefix.chars().flat_map(escape).collect::<String>())
            }
        })
    }

    fn reason(&self, unit: &str, name: &str) -> Option<&str> {
        let fits = |(of, test, _): &&(String, String, String)| of == unit && is_meant(test, name);
        self.rows.iter().find(fits).map(|(_, _, reason)| reason.as_str())
    }

    /// Rows of a unit that fit none of its results.
    fn without_test<'a>(
        &'a self,
        unit: &str,
        results: &[(String, Outcome)],
    ) -> impl Iterator<Item = &'a str> {
        let stale = move |(of, test, _): &&'a (String, String, String)| {
            of == unit && !results.iter().any(|(name, _)| is_meant(test, name))
        };
        self.rows.iter().filter(stale).map(|(_, test, _)| test.as_str())
    }
}

/// Whether a row's test, a name or its beginning and `*`, is the one called `name`.
fn is_meant(test: &str, name: &str) -> bool {
    test == name || test.strip_suffix('*').is_some_and(|prefix| name.starts_with(prefix))
}

/// The folder of the suite, fetched if it is not there.
fn fetch() -> Result<PathBuf, String> {
    let base = server::target().join("redis-src");
    if let Some(found) = unpacked(&base) {
        return Ok(found);
    }
    println!("fetching Redis 7.0's source package");
    for folder in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(base.join(folder)).map_err(|error| error.to_string())?;
    }
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let list = format!("deb-src [signed-by={keyring}] http://deb.debian.org/debian {RELEASE} main\n");
    fs::write(base.join("sources.list"), list).map_err(|error| error.to_string())?;
    let options = [
        format!("Dir::Etc::sourcelist={}", base.join("sources.list").display()),
        "Dir::Etc::sourceparts=/dev/null".to_string(),
        format!("Dir::State::lists={}", base.join("lists").display()),
        format!("Dir::Cache={}", base.join("cache").display()),
        // The sandbox user of apt may not enter a home directory.
        "APT::Sandbox::User=root".to_string(),
    ];
    let apt = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        options.iter().for_each(|option| {
            command.args(["-o", option]);
        });
        setup::run(command.args(words).current_dir(&base))
    };
    apt(&["update"])?;
    apt(&["source", "--download-only", "redis"])?;
    let tarball = fs::read_dir(&base)
        .map_err(|error| error.to_string())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with(".orig.tar.gz"))
        .ok_or("apt has brought no .orig.tar.gz")?;
    // Moved into its place when it is complete, so that an interrupted run leaves nothing that looks like a suite.
    let fresh = base.join("unpacking");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(|error| error.to_string())?;
    }
    fs::create_dir_all(&fresh).map_err(|error| error.to_string())?;
    setup::run(Command::new("tar").arg("-xzf").arg(tarball).arg("-C").arg(&fresh))?;
    let found = unpacked(&fresh).ok_or("the source package holds no test suite")?;
    let place = base.join(found.file_name().unwrap_or_default());
    fs::rename(&found, &place).map_err(|error| format!("{}: {error}", place.display()))?;
    unpacked(&base).ok_or_else(|| "the source package holds no test suite".to_string())
}

fn unpacked(base: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(base).ok()?;
    let is_suite = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("redis-") && path.join("tests/test_helper.tcl").is_file()
    };
    entries.flatten().map(|entry| entry.path()).find(is_suite)
}

/// Puts scripts in the places where the suite expects what it has built.
fn install_wrapper(folder: &Path, binary: &Path) -> Result<(), String> {
    // Not resolved further: a program may depend on the name it is called by.
    let binary = std::path::absolute(binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    let cli = setup::find("redis-cli").ok_or("redis-cli is not installed")?;
    let benchmark = setup::find("redis-benchmark").ok_or("redis-benchmark is not installed")?;
    for (name, target) in [("redis-server", binary), ("redis-cli", cli), ("redis-benchmark", benchmark)] {
        let path = folder.join("src").join(name);
        let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", target.display());
        fs::write(&path, script).map_err(|error| format!("{}: {error}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_suites_report() {
        let text = "[ok]: SET and GET an item (1 ms)\n\u{1b}[0;31m[err]\u{1b}[0m: GETEX (x) in tests/unit/type/string.tcl\nExpected 1\n\
                    [skip]: big: large memory flag not provided\n[ok]: twice (0 ms)\n[err]: twice in tests/unit/a.tcl\n[1/1 done]: unit (1 s)\n";
        let expected = [
            ("SET and GET an item", Outcome::Passed),
            ("GETEX (x)", Outcome::Failed),
            ("big: large memory flag not provided", Outcome::Skipped),
            ("twice", Outcome::Failed),
        ];
        assert_eq!(parse(text), expected.map(|(name, outcome)| (name.to_string(), outcome)));
    }

    #[test]
    fn excuses_only_what_is_listed() {
        let allowed =
            Allowed::parse("# why\nunit/a | one | because | it is\nunit/a | two* | lists\n").unwrap();
        assert_eq!(allowed.reason("unit/a", "two more"), Some("lists"));
        assert_eq!(allowed.reason("unit/b", "two more"), None);
        assert_eq!(allowed.reason("unit/a", "three"), None);
        let results =
            [("one | because".to_string(), Outcome::Passed), ("three".to_string(), Outcome::Failed)];
        assert_eq!(allowed.without_test("unit/a", &results).collect::<Vec<_>>(), ["two*"]);
        assert_eq!(allowed.without_test("unit/b", &results).count(), 0);
        let skipped =
            Allowed::parse("a | one (1) | skipped: x\na | two b* | skipped: x\na | three | x").unwrap();
        assert_eq!(skipped.skipped("a").collect::<Vec<_>>(), ["one (1)", r"/^two\ b"]);
        assert!(Allowed::parse("unit/a one").is_err());
    }
}
