//! The headline itself: millions of small keys overwritten flat out while they are saved.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use system_tests::{Client, Random, Reply, Server, ServerOptions, server};

use super::course::{self, Load};
use super::probe::Probe;
use super::versions::{Fill, Judge, Overwrite, Verdict, Versions, share};
use super::{Findings, Saved, Settings, Watched};
use crate::bench;
use crate::load;
use crate::report::{megabytes, thousands};

/// Connections that overwrite.
pub const LANES: usize = 8;
/// The connections and the probe write disjoint shares of the keys.
const WRITERS: usize = LANES + 1;

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
    let load = Load {
        lanes: LANES,
        traffic: Overwrite::new(versions.clone(), WRITERS, stop.clone(), done.clone()),
        probe: KeyProbe::new(versions.clone()),
        stop,
        done,
    };
    let bounds: [&dyn Fn() -> Vec<u32>; 2] = [&|| versions.acknowledged_now(), &|| versions.sent_now()];
    let (course, [lower, upper]) = course::run(&mut watched, settings, load, bounds)?;
    drop(watched);

    let exact = match &course.saved {
        Saved::Yes { .. } => judge(binary, dir, versions.clone(), lower, upper)?.describe(settings.keys),
        _ => "no file".to_string(),
    };
    let mut findings = course.rows(name, exact);
    if let Some(slowed) = slowness(settings, dir, &course.saved) {
        findings.push(("disk", slowed));
    }
    Ok(findings)
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

    fn answered(&mut self, kind: usize, _reply: &Reply) {
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

/// For a slowed disk: whether the save really was as slow as that disk.
fn slowness(settings: &Settings, dir: &Path, saved: &Saved) -> Option<String> {
    settings.slow.as_ref()?;
    let Saved::Yes { seconds } = saved else { return Some("slowed".to_string()) };
    let bytes = std::fs::metadata(dir.join("dump.rdb")).map_or(0, |file| file.len());
    let rate = bytes as f64 / seconds;
    let label = if rate <= super::SLOW_BYTES_PER_SECOND as f64 * 1.2 { "" } else { "NOT SLOWED: " };
    Some(format!("{label}{} written at {}/s", megabytes(bytes as f64), megabytes(rate)))
}
