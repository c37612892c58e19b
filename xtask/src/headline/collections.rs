//! Five big collections, one of each type, written at random flat out while they are saved.
//!
//! Every element has exactly one writer, a connection or the probe, as `versions` explains. A stream has one
//! writer as a whole, since its IDs must rise: one connection does nothing but XADD, and the probe has a smaller
//! stream of its own.
//!
//! ```text
//!   connection 0        XADD stream
//!   connection 1..=7    elements with index % 8 == connection - 1 of hash, zset, list and set
//!   probe               elements with index % 8 == 7, and XADD stream:probe
//! ```
//!
//! How the file is judged is in [`judge`]. A server without streams is measured without them.

mod judge;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use system_tests::{Random, Reply, Server, server};

use super::course::{self, Load};
use super::elements::{self, ELEMENT_BYTES, Kind, member, push_head, push_value};
use super::probe::Probe;
use super::versions::{Versions, share};
use super::{Findings, Saved, Settings, Watched};
use crate::bench;
use crate::load::{Traffic, push_bulk};
use crate::report::thousands;

/// Connections that write.
pub const LANES: usize = 8;
/// The connection that writes the stream.
const STREAM_LANE: usize = 0;
/// Writers of the other four types: the other connections and the probe.
const WRITERS: usize = LANES;
/// The probe's number among the writers, and that of its stream.
const PROBE: usize = WRITERS - 1;
const STREAMS: [&str; 2] = ["stream", "stream:probe"];
const PROBE_STREAM: usize = 1;

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
    eprintln!("{name}: filling collections of {} elements", thousands(settings.elements as f64));
    let model =
        Arc::new(Model::new(settings.elements, !settings.no_streams && has_streams(&watched.server)?));
    model.fill(&watched.server)?;
    let filled = settings.canary.then(|| model.sent_now());
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let load = Load {
        lanes: LANES,
        traffic: Writes::new(model.clone(), stop.clone(), done.clone()),
        probe: ElementProbe { model: model.clone(), random: Random::new(5), turn: 0, index: 0, newest: 0 },
        stop,
        done,
    };
    let bounds: [&dyn Fn() -> Bounds; 2] = [&|| model.acknowledged_now(), &|| model.sent_now()];
    let (course, [lower, upper]) = course::run(&mut watched, settings, load, bounds)?;
    drop(watched);
    let file = match &course.saved {
        Saved::Yes { .. } => judge::judge(binary, dir, &model, &lower, &filled.unwrap_or(upper)),
        _ => "no file".to_string(),
    };
    let mut findings = course.rows(name, file);
    findings.push(("replies that cannot be", model.surprises.load(Ordering::Relaxed).to_string()));
    let streams = match (model.streams, settings.no_streams) {
        (true, _) => "measured",
        (false, true) => "left out as asked",
        (false, false) => "left out: the server does not know XADD",
    };
    findings.push(("streams", streams.to_string()));
    Ok(findings)
}

/// Whether the server knows streams at all.
pub fn has_streams(server: &Server) -> Result<bool, String> {
    let mut client = server.client();
    let reply = client.call(&["XADD", "streams?", "1-0", "v", "1"]).map_err(|error| error.to_string())?;
    client.call(&["DEL", "streams?"]).map_err(|error| error.to_string())?;
    if reply.is_error() && !reply.text().starts_with("ERR unknown command") {
        return Err(format!("XADD: {}", reply.text()));
    }
    Ok(!reply.is_error())
}

/// A version for every element, in the order of [`Kind::ALL`].
type Bounds = [Vec<u32>; 5];

/// What has been sent and acknowledged.
struct Model {
    elements: usize,
    streams: bool,
    /// One of each kind in the order of [`Kind::ALL`]; that of the streams counts each stream as one element.
    versions: [Versions; 5],
    /// Replies that a server with the right elements does not give.
    surprises: AtomicU64,
}

impl Model {
    fn new(elements: usize, streams: bool) -> Model {
        let count = |kind| if kind == Kind::Stream { STREAMS.len() } else { elements };
        let versions = Kind::ALL.map(|kind| Versions::new(count(kind), ELEMENT_BYTES));
        Model { elements, streams, versions, surprises: AtomicU64::new(0) }
    }

    fn versions(&self, kind: Kind) -> &Versions {
        &self.versions[kind as usize]
    }

    fn kinds(&self) -> &'static [Kind] {
        if self.streams { &Kind::ALL } else { &Kind::ALL[..4] }
    }

    /// Entries that a stream keeps.
    fn stream_len(&self, stream: usize) -> usize {
        if stream == PROBE_STREAM { self.elements / WRITERS } else { self.elements }
    }

    fn fill(&self, server: &Server) -> Result<(), String> {
        for &kind in &Kind::ALL[..4] {
            let versions = self.versions(kind);
            elements::fill(server.addr(), kind, kind.name(), (self.elements, 0), versions)?;
            (0..self.elements).for_each(|index| versions.filled(index, 1));
        }
        let streams = if self.streams { STREAMS.as_slice() } else { &[] };
        for (stream, key) in streams.iter().enumerate() {
            let (versions, len) = (self.versions(Kind::Stream), self.stream_len(stream));
            elements::fill(server.addr(), Kind::Stream, key, (len, stream), versions)?;
            versions.filled(stream, len as u32);
        }
        Ok(())
    }

    fn acknowledged_now(&self) -> Bounds {
        self.versions.each_ref().map(Versions::acknowledged_now)
    }

    fn sent_now(&self) -> Bounds {
        self.versions.each_ref().map(Versions::sent_now)
    }

    /// Appends the command that makes the next version of an element; that version.
    fn push_write(&self, out: &mut Vec<u8>, kind: Kind, index: usize) -> u32 {
        let versions = self.versions(kind);
        let version = versions.next(index);
        match kind {
            Kind::Hash => {
                push_head(out, 4, "HSET", kind.name());
                push_bulk(out, &member(index));
                push_value(out, versions, index, version);
            }
            Kind::Zset => {
                push_head(out, 4, "ZADD", kind.name());
                push_bulk(out, elements::score(index, version).to_string().as_bytes());
                push_bulk(out, &member(index));
            }
            Kind::List => {
                push_head(out, 4, "LSET", kind.name());
                push_bulk(out, index.to_string().as_bytes());
                push_value(out, versions, index, version);
            }
            Kind::Set => {
                push_head(out, 3, if is_present(version) { "SADD" } else { "SREM" }, kind.name());
                push_bulk(out, &member(index));
            }
            Kind::Stream => {
                let len_max = Some(self.stream_len(index));
                elements::push_xadd(out, STREAMS[index], versions, (index, version), len_max);
            }
        }
        version
    }

    /// Appends the command that reads one element; of a stream a random entry, whose version is returned.
    fn push_read(&self, out: &mut Vec<u8>, kind: Kind, index: usize, random: &mut Random) -> u32 {
        let newest = self.versions(kind).newest(index);
        let (name, words) = match kind {
            Kind::Hash => ("HGET", 3),
            Kind::Zset => ("ZSCORE", 3),
            Kind::List => ("LINDEX", 3),
            Kind::Set => ("SISMEMBER", 3),
            Kind::Stream => {
                let version = newest - random.index(self.stream_len(index)) as u32;
                push_head(out, 4, "XRANGE", STREAMS[index]);
                (0..2).for_each(|_| push_bulk(out, elements::stream_id(version).as_bytes()));
                return version;
            }
        };
        push_head(out, words, name, kind.name());
        match kind {
            Kind::List => push_bulk(out, index.to_string().as_bytes()),
            _ => push_bulk(out, &member(index)),
        }
        newest
    }

    /// The version that a reply to a read of an element carries; of a member of the set, whether it may have `version`.
    fn version_of(&self, kind: Kind, index: usize, reply: &Reply) -> Option<u32> {
        match kind {
            Kind::Hash | Kind::List => self.versions(kind).judge(index, reply.bulk()?),
            Kind::Zset => elements::judge_score(index, reply.bulk()?),
            // Of a member only the parity is known.
            Kind::Set => u32::try_from(reply.int()?).ok(),
            Kind::Stream => self.entry_version(index, reply),
        }
    }

    /// The version of a stream's entry; none when it is not what was sent for its ID.
    fn entry_version(&self, stream: usize, entry: &Reply) -> Option<u32> {
        let [id, fields] = entry.items() else { return None };
        let [name, value] = fields.items() else { return None };
        let version = self.versions(Kind::Stream).judge(stream, value.bulk()?)?;
        let right = name.bulk()? == b"v" && id.bulk()? == elements::stream_id(version).as_bytes();
        right.then_some(version)
    }

    fn surprise(&self, surprised: bool) {
        self.surprises.fetch_add(u64::from(surprised), Ordering::Relaxed);
    }
}

/// Whether the member of the set is there in a version.
fn is_present(version: u32) -> bool {
    version % 2 == 1
}

/// The first line of the reply to a write; that of XADD depends on its ID.
fn expected(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::Hash | Kind::Zset => b":0",
        Kind::List => b"+OK",
        Kind::Set => b":1",
        Kind::Stream => b"$",
    }
}

/// Writes flat out until told to stop.
struct Writes {
    model: Arc<Model>,
    in_flight: Vec<VecDeque<(Kind, u32, u32)>>,
    random: Random,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
}

impl Writes {
    fn new(model: Arc<Model>, stop: Arc<AtomicBool>, done: Arc<AtomicU64>) -> Writes {
        let in_flight = (0..LANES).map(|_| VecDeque::new()).collect();
        Writes { model, in_flight, random: Random::new(99), stop, done }
    }
}

impl Traffic for Writes {
    fn grant(&mut self, connection: usize, want: u32) -> u32 {
        let silent = connection == STREAM_LANE && !self.model.streams;
        if silent || self.stop.load(Ordering::Relaxed) { 0 } else { want }
    }

    fn push(&mut self, out: &mut Vec<u8>, connection: usize) {
        let (kind, index) = if connection == STREAM_LANE {
            (Kind::Stream, 0)
        } else {
            let kind = Kind::ALL[self.random.index(4)];
            (kind, share(&mut self.random, self.model.elements, WRITERS, connection - 1))
        };
        let version = self.model.push_write(out, kind, index);
        self.in_flight[connection].push_back((kind, index as u32, version));
    }

    fn replied(&mut self, connection: usize, head: &[u8]) {
        let Some((kind, index, version)) = self.in_flight[connection].pop_front() else { return };
        if head.first() == Some(&b'-') {
            return;
        }
        self.model.surprise(!head.starts_with(expected(kind)));
        self.model.versions(kind).acknowledge(index as usize, version);
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reads and writes on the probe's share, one type after the other. It knows what each read must answer.
struct ElementProbe {
    model: Arc<Model>,
    random: Random,
    turn: usize,
    index: usize,
    newest: u32,
}

impl ElementProbe {
    fn kind(&self) -> Kind {
        let kinds = self.model.kinds();
        kinds[self.turn / 2 % kinds.len()]
    }
}

impl Probe for ElementProbe {
    fn request(&mut self, kind: usize, out: &mut Vec<u8>) {
        let of = self.kind();
        self.index = match of {
            Kind::Stream => PROBE_STREAM,
            _ => share(&mut self.random, self.model.elements, WRITERS, PROBE),
        };
        self.newest = if kind == 0 {
            self.model.push_read(out, of, self.index, &mut self.random)
        } else {
            self.model.push_write(out, of, self.index)
        };
    }

    fn answered(&mut self, kind: usize, reply: &Reply) {
        let of = self.kind();
        self.turn += 1;
        if kind == 1 {
            self.model.versions(of).acknowledge(self.index, self.newest);
            return;
        }
        let expected = if of == Kind::Set { u32::from(is_present(self.newest)) } else { self.newest };
        let reply = if of == Kind::Stream { reply.items().first() } else { Some(reply) };
        let found = reply.and_then(|reply| self.model.version_of(of, self.index, reply));
        self.model.surprise(found != Some(expected));
    }
}
