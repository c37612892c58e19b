//! `cargo xtask bench --types`: CPU time per request and resident bytes per element of lists, sets, hashes, sorted sets and streams.
//!
//! The method is that of the tables of strings: both servers run and are filled, every row is measured on both in turn, several rounds,
//! and medians are shown. A row is left out, and named, where a server does not know its command.

use std::path::Path;

use system_tests::random::Random;
use system_tests::{Server, client, procfs};

use super::{Plan, name_of, on_load_core, settled, start_pinned};
use crate::load::{self, Traffic, key};
use crate::report::{self, Table, median, thousands};

/// Elements of a large collection.
const ELEMENTS: u64 = 1_000_000;
/// A small hash for each so many elements of a large one.
const ELEMENTS_PER_SMALL: u64 = 10;
/// Fields of a small hash.
const SMALL_FIELDS: u64 = 5;
const PIPELINE: u32 = 16;
const CONNECTIONS: usize = 50;
/// Entries that XREADGROUP and XRANGE are asked for, and members that ZRANGE is.
const SLICE: u64 = 10;

/// What a server is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    SmallHashes,
    Hash,
    Zset,
    List,
    Set,
    IntegerSet,
    Stream,
}

impl Kind {
    const ALL: [Kind; 7] =
        [Kind::SmallHashes, Kind::Hash, Kind::Zset, Kind::List, Kind::Set, Kind::IntegerSet, Kind::Stream];

    /// The command that fills it.
    fn command(self) -> &'static str {
        match self {
            Kind::SmallHashes | Kind::Hash => "HSET",
            Kind::Zset => "ZADD",
            Kind::List => "RPUSH",
            Kind::Set | Kind::IntegerSet => "SADD",
            Kind::Stream => "XADD",
        }
    }

    /// How it is called in the table of bytes.
    fn label(self) -> &'static str {
        match self {
            Kind::SmallHashes => "field of a hash of 5: 2 bytes, value of 8",
            Kind::Hash => "field of a large hash: 20 bytes, value of 8",
            Kind::Zset => "member of a large sorted set: 20 bytes",
            Kind::List => "element of a long list: 20 bytes",
            Kind::Set => "member of a large set: 20 bytes",
            Kind::IntegerSet => "member of a large set: an integer",
            Kind::Stream => "entry of a long stream: one field of 1 byte, value of 8",
        }
    }

    /// Elements, where a large collection has `elements`.
    fn elements(self, elements: u64) -> u64 {
        if self == Kind::SmallHashes { elements / ELEMENTS_PER_SMALL * SMALL_FIELDS } else { elements }
    }

    /// The request that adds element number `index`.
    fn push(self, out: &mut Vec<u8>, index: u64) {
        match self {
            Kind::SmallHashes => {
                let field = format!("f{}", index % SMALL_FIELDS);
                request(out, &[b"HSET", &key(1, index / SMALL_FIELDS), field.as_bytes(), &value(index)]);
            }
            Kind::Hash => request(out, &[b"HSET", b"hash", &member(index), &value(index)]),
            Kind::Zset => {
                let score = Random::new(index).below(1 << 40).to_string();
                request(out, &[b"ZADD", b"zset", score.as_bytes(), &member(index)]);
            }
            Kind::List => request(out, &[b"RPUSH", b"list", &member(index)]),
            Kind::Set => request(out, &[b"SADD", b"set", &member(index)]),
            Kind::IntegerSet => {
                let integer = (system_tests::random::mix(index) >> 20).to_string();
                request(out, &[b"SADD", b"integers", integer.as_bytes()]);
            }
            Kind::Stream => {
                let id = format!("{}-0", index + 1);
                request(out, &[b"XADD", b"stream", id.as_bytes(), b"f", &value(index)]);
            }
        }
    }
}

fn request(out: &mut Vec<u8>, words: &[&[u8]]) {
    client::encode(out, words);
}

/// A member, field or element of 20 bytes.
fn member(index: u64) -> [u8; 20] {
    let mut out = *b"0123456789abcdef-mem";
    out[..16].copy_from_slice(&key(2, index));
    out
}

/// A value of 8 bytes.
fn value(index: u64) -> [u8; 8] {
    let mut out = [0; 8];
    out.copy_from_slice(&key(3, index)[..8]);
    out
}

/// What a request is made of.
struct Draw<'a> {
    out: &'a mut Vec<u8>,
    random: &'a mut Random,
    /// Number of this request among all of its row, all rounds counted.
    number: u64,
    /// Elements of the collection.
    elements: u64,
}

impl Draw<'_> {
    /// A member that is there.
    fn member(&mut self) -> [u8; 20] {
        member(self.random.below(self.elements))
    }

    fn send(&mut self, words: &[&[u8]]) {
        request(self.out, words);
    }
}

/// A row of the table of CPU time.
struct Row {
    label: &'static str,
    kind: Kind,
    push: fn(&mut Draw<'_>),
    /// Sent before each measurement.
    prepare: &'static [&'static str],
    /// Whether each request consumes [`SLICE`] elements, so that there may be no more requests than that allows.
    consumes: bool,
}

const fn row(label: &'static str, kind: Kind, push: fn(&mut Draw<'_>)) -> Row {
    Row { label, kind, push, prepare: &[], consumes: false }
}

impl Row {
    fn command(&self) -> &'static str {
        self.label.split([' ', ',']).next().unwrap_or_default()
    }
}

/// In this order: what RPOP and SPOP take is what LPUSH and SADD have added before.
const ROWS: &[Row] = &[
    row("HSET, small hashes", Kind::SmallHashes, |draw| {
        let index = draw.random.below(draw.elements);
        Kind::SmallHashes.push(draw.out, index);
    }),
    row("HGET, small hashes", Kind::SmallHashes, |draw| {
        let index = draw.random.below(draw.elements);
        let field = format!("f{}", index % SMALL_FIELDS);
        draw.send(&[b"HGET", &key(1, index / SMALL_FIELDS), field.as_bytes()]);
    }),
    row("HSET, large hash", Kind::Hash, |draw| {
        let index = draw.random.below(draw.elements);
        draw.send(&[b"HSET", b"hash", &member(index), &value(index + draw.number)]);
    }),
    row("HGET, large hash", Kind::Hash, |draw| {
        let field = draw.member();
        draw.send(&[b"HGET", b"hash", &field]);
    }),
    row("ZADD, new score", Kind::Zset, |draw| {
        let (score, member) = (draw.random.below(1 << 40).to_string(), draw.member());
        draw.send(&[b"ZADD", b"zset", score.as_bytes(), &member]);
    }),
    row("ZRANK", Kind::Zset, |draw| {
        let member = draw.member();
        draw.send(&[b"ZRANK", b"zset", &member]);
    }),
    row("ZRANGE, 10 members", Kind::Zset, |draw| {
        let start = draw.random.below(draw.elements.saturating_sub(SLICE).max(1));
        let end = start + SLICE - 1;
        draw.send(&[b"ZRANGE", b"zset", start.to_string().as_bytes(), end.to_string().as_bytes()]);
    }),
    row("ZINCRBY", Kind::Zset, |draw| {
        let (step, member) = (draw.random.below(1 << 30).to_string(), draw.member());
        draw.send(&[b"ZINCRBY", b"zset", step.as_bytes(), &member]);
    }),
    row("LPUSH", Kind::List, |draw| draw.send(&[b"LPUSH", b"list", &member(draw.number)])),
    row("RPOP", Kind::List, |draw| draw.send(&[b"RPOP", b"list"])),
    row("LINDEX, in the middle", Kind::List, |draw| {
        draw.send(&[b"LINDEX", b"list", (draw.elements / 2).to_string().as_bytes()]);
    }),
    row("SADD, new member", Kind::Set, |draw| {
        draw.send(&[b"SADD", b"set", &member(draw.elements + draw.number)]);
    }),
    row("SPOP", Kind::Set, |draw| draw.send(&[b"SPOP", b"set"])),
    row("SISMEMBER", Kind::Set, |draw| {
        let member = draw.member();
        draw.send(&[b"SISMEMBER", b"set", &member]);
    }),
    row("XADD", Kind::Stream, |draw| draw.send(&[b"XADD", b"stream", b"*", b"f", &value(draw.number)])),
    row("XRANGE, 10 entries", Kind::Stream, |draw| {
        let from = draw.random.below(draw.elements.saturating_sub(SLICE).max(1)) + 1;
        let count = SLICE.to_string();
        draw.send(&[b"XRANGE", b"stream", from.to_string().as_bytes(), b"+", b"COUNT", count.as_bytes()]);
    }),
    Row {
        prepare: &[
            "XGROUP CREATE stream readers 0",
            "XGROUP DESTROY stream readers",
            "XGROUP CREATE stream readers 0",
        ],
        consumes: true,
        ..row("XREADGROUP, 10 entries", Kind::Stream, |draw| {
            let count = SLICE.to_string();
            draw.send(&[
                b"XREADGROUP",
                b"GROUP",
                b"readers",
                b"one",
                b"COUNT",
                count.as_bytes(),
                b"STREAMS",
                b"stream",
                b">",
            ]);
        })
    },
];

/// Requests of one kind, so many of them.
struct Requests<'a, F: FnMut(&mut Vec<u8>, &mut Random, u64)> {
    push: &'a mut F,
    random: Random,
    next: u64,
    end: u64,
    granted: u64,
}

impl<'a, F: FnMut(&mut Vec<u8>, &mut Random, u64)> Requests<'a, F> {
    fn new(push: &'a mut F, seed: u64, from: u64, count: u64) -> Self {
        Requests { push, random: Random::new(seed), next: from, end: from + count, granted: from }
    }
}

impl<F: FnMut(&mut Vec<u8>, &mut Random, u64)> Traffic for Requests<'_, F> {
    fn grant(&mut self, _connection: usize, want: u32) -> u32 {
        let granted = (self.end - self.granted).min(u64::from(want));
        self.granted += granted;
        granted as u32
    }

    fn push(&mut self, out: &mut Vec<u8>, _connection: usize) {
        (self.push)(out, &mut self.random, self.next);
        self.next += 1;
    }
}

/// Fills a server; with one connection where the order matters.
fn fill(server: &Server, kind: Kind, elements: u64) -> Result<(), String> {
    let connections = if kind == Kind::Stream { 1 } else { 8 };
    let mut push = |out: &mut Vec<u8>, _: &mut Random, index| kind.push(out, index);
    let mut traffic = Requests::new(&mut push, 0, 0, elements);
    let outcome = on_load_core(false, || load::drive(server.addr(), connections, 64, &mut traffic));
    outcome.map_err(|error| format!("filling by {}: {error}", kind.command()))?.checked().map(|_| ())
}

/// Whether a server has a command.
fn knows(server: &Server, command: &str) -> bool {
    let reply = server.client().run(&format!("COMMAND INFO {command}"));
    reply.items().first().is_some_and(|info| !info.items().is_empty())
}

/// Those of both servers, and a line about what was left out.
fn left_out(names: &[&str]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(" Left out, unknown to a server: {}.", names.join(", "))
    }
}

/// The elements of a large collection under a plan.
fn elements(plan: &Plan) -> u64 {
    // As many times fewer as keys: what `--quick` says.
    ELEMENTS * plan.memory_keys / super::MEMORY_KEYS
}

/// CPU time per request.
pub fn speed_table(plan: &Plan) -> Result<String, String> {
    let pair = [start_pinned(&plan.ours, 1, plan.urgent)?, start_pinned(&plan.against, 1, plan.urgent)?];
    let names = [name_of(&pair[0], &plan.ours), name_of(&pair[1], &plan.against)];
    let known = |command| pair.iter().all(|server| knows(server, command));
    let (rows, unknown): (Vec<&Row>, Vec<&Row>) =
        ROWS.iter().partition(|row| known(row.command()) && known(row.kind.command()));
    let elements = elements(plan);
    let mut filled = Vec::new();
    let mut table = Table::new(&[
        "",
        &format!("{} ns CPU/request", names[0]),
        &format!("{} ns CPU/request", names[1]),
        "ratio",
    ]);
    for row in rows {
        let elements = row.kind.elements(elements);
        if !filled.contains(&row.kind) {
            filled.push(row.kind);
            pair.iter().try_for_each(|server| fill(server, row.kind, elements))?;
        }
        let mut samples = [Vec::new(), Vec::new()];
        for round in 0..plan.rounds {
            for (server, samples) in pair.iter().zip(&mut samples) {
                samples.push(measure(plan, server, row, elements, round)?);
            }
        }
        let cpu = samples.each_ref().map(|samples| median(samples));
        table.row(&[
            row.label.to_string(),
            thousands(cpu[0]),
            thousands(cpu[1]),
            format!("{:.2}", cpu[0] / cpu[1]),
        ]);
        eprintln!("measured {}", row.label);
    }
    let unknown: Vec<&str> = unknown.iter().map(|row| row.command()).collect();
    Ok(format!(
        "{}\n{} small hashes of {SMALL_FIELDS} fields; everything else on one collection of {} elements of 20 bytes. Pipeline {PIPELINE}, \
         {CONNECTIONS} connections, server on one core with io-threads 1, load on the other, median of {} alternating rounds.{} {}\n",
        table.markdown(),
        thousands((elements / ELEMENTS_PER_SMALL) as f64),
        thousands(elements as f64),
        plan.rounds,
        left_out(&unknown),
        report::facts()
    ))
}

fn measure(plan: &Plan, server: &Server, row: &Row, elements: u64, round: u64) -> Result<f64, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", row.label);
    for request in row.prepare {
        // Whether a group was there before does not matter.
        server.client().run(request);
    }
    let most = if row.consumes { elements / SLICE } else { u64::MAX };
    // A fourth of what strings get, so that what is pushed does not change the size much.
    let requests = (plan.requests / 4).min(most);
    let mut push = |out: &mut Vec<u8>, random: &mut Random, number| {
        (row.push)(&mut Draw { out, random, number, elements });
    };
    let mut traffic = Requests::new(&mut push, round + 1, round * requests, requests);
    let before = procfs::cpu_ns(server.pid()).map_err(failed)?;
    let outcome =
        on_load_core(plan.urgent, || load::drive(server.addr(), CONNECTIONS, PIPELINE, &mut traffic))
            .map_err(failed)?
            .checked()?;
    let cpu = procfs::cpu_ns(server.pid()).map_err(failed)? - before;
    if outcome.nils > 0 {
        return Err(format!("{}: {} of {} replies were nil", row.label, outcome.nils, outcome.replies));
    }
    Ok(cpu as f64 / outcome.replies as f64)
}

/// Resident bytes per element.
pub fn bytes_table(plan: &Plan) -> Result<String, String> {
    let binaries: [&Path; 2] = [&plan.ours, &plan.against];
    let elements = elements(plan);
    let mut names = [String::new(), String::new()];
    let (mut rows, mut unknown) = (Vec::new(), Vec::new());
    for kind in Kind::ALL {
        let mut bytes = [None; 2];
        for (index, binary) in binaries.into_iter().enumerate() {
            let server = start_pinned(binary, 1, plan.urgent)?;
            names[index] = name_of(&server, binary);
            if knows(&server, kind.command()) {
                bytes[index] = Some(bytes_per_element(&server, kind, kind.elements(elements))?);
            }
        }
        let [Some(ours), Some(theirs)] = bytes else {
            unknown.push(kind.command());
            continue;
        };
        rows.push([
            kind.label().to_string(),
            format!("{ours:.1}"),
            format!("{theirs:.1}"),
            format!("{:.2}", ours / theirs),
        ]);
        eprintln!("measured {}", kind.label());
    }
    let mut table = Table::new(&["bytes per", &names[0], &names[1], "ratio"]);
    rows.iter().for_each(|row| table.row(row));
    Ok(format!(
        "{}\nResident memory above the empty server, for each element: {} small hashes (with their keys of 16 bytes), {} elements of everything \
         else.{} {}\n",
        table.markdown(),
        thousands((elements / ELEMENTS_PER_SMALL) as f64),
        thousands(elements as f64),
        left_out(&unknown),
        report::facts()
    ))
}

/// Resident bytes above the empty server for each element.
fn bytes_per_element(server: &Server, kind: Kind, elements: u64) -> Result<f64, String> {
    let resident = || procfs::memory(server.pid()).map(|m| m.resident).map_err(|error| error.to_string());
    // One round of connections first: their buffers belong to the empty server.
    fill(server, kind, 100)?;
    server.client().run("FLUSHALL");
    std::thread::sleep(std::time::Duration::from_millis(300));
    let empty = resident()?;
    fill(server, kind, elements)?;
    let full = settled(&resident)?;
    Ok(full.saturating_sub(empty) as f64 / elements as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_well_formed() {
        for kind in Kind::ALL {
            let mut out = Vec::new();
            kind.push(&mut out, 12_345);
            assert_eq!(client::reply_end(&out).unwrap(), Some(out.len()), "{kind:?}");
        }
        for row in ROWS {
            let (mut out, mut random) = (Vec::new(), Random::new(1));
            (row.push)(&mut Draw { out: &mut out, random: &mut random, number: 7, elements: 1000 });
            assert_eq!(client::reply_end(&out).unwrap(), Some(out.len()), "{}", row.label);
            let name = format!("\r\n{}\r\n", row.command());
            assert!(String::from_utf8_lossy(&out).contains(&name), "{}", row.label);
        }
    }

    #[test]
    fn as_many_requests_as_asked_for_in_order() {
        let mut push = |out: &mut Vec<u8>, _: &mut Random, number: u64| out.push(number as u8);
        let mut requests = Requests::new(&mut push, 1, 5, 4);
        let mut out = Vec::new();
        assert_eq!((requests.grant(0, 3), requests.grant(1, 3), requests.grant(0, 3)), (3, 1, 0));
        (0..4).for_each(|_| requests.push(&mut out, 0));
        assert_eq!(out, [5, 6, 7, 8]);
    }
}
