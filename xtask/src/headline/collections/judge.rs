//! Loads the file of the collections with a second process and judges every element.
//!
//! ```text
//!   hash, zset, list   acknowledged when BGSAVE is sent <= version in the file <= sent when it has been answered
//!   set                a member is there or not as in one of these versions
//!   stream             so for the version of its last entry; before it every entry that it kept then, and no other
//! ```
//!
//! What the file has beyond the elements that were written counts as malformed.

use std::path::Path;
use std::time::Duration;

use system_tests::{Client, Reply, ServerOptions};

use super::super::elements::{Kind, member};
use super::super::versions::Verdict;
use super::{Bounds, Model, STREAMS, is_present};

/// Elements that one command reads.
const CHUNK: usize = 1000;

/// What the table says about the file; one that cannot be loaded is a finding, too.
pub fn judge(binary: &Path, dir: &Path, model: &Model, lower: &Bounds, upper: &Bounds) -> String {
    load_and_judge(binary, dir, model, lower, upper).unwrap_or_else(|error| {
        eprintln!("{error}");
        let reason = error.trim().lines().last().unwrap_or_default();
        format!("NOT EXACT: {}", reason.rsplit_once("Exiting: ").map_or(reason, |(_, why)| why))
    })
}

fn load_and_judge(
    binary: &Path,
    dir: &Path,
    model: &Model,
    lower: &Bounds,
    upper: &Bounds,
) -> Result<String, String> {
    let mut options = ServerOptions::new(binary).dir(dir);
    options.start_timeout = Duration::from_secs(300);
    let second = options.start().map_err(|error| format!("loading the file: {error}"))?;
    let mut client = second.client();
    let verdicts = all(&mut client, model, lower, upper).map_err(|error| error.to_string())?;
    let wrong: Vec<String> = verdicts
        .iter()
        .filter(|(_, verdict, expected)| !verdict.is_exact(*expected))
        .map(|(name, verdict, expected)| format!("{name}: {}", verdict.describe(*expected)))
        .collect();
    let judged: usize = verdicts.iter().map(|(_, _, expected)| expected).sum();
    eprintln!("judged {judged} elements");
    Ok(if wrong.is_empty() { "exact".to_string() } else { wrong.join("; ") })
}

/// Name, verdict and number of elements of each collection.
type Judged = (&'static str, Verdict, usize);

fn all(client: &mut Client, model: &Model, lower: &Bounds, upper: &Bounds) -> std::io::Result<Vec<Judged>> {
    let mut verdicts = Vec::new();
    for &kind in &Kind::ALL[..4] {
        let mut judge = ElementJudge::new(model, kind, &lower[kind as usize], &upper[kind as usize]);
        for from in (0..model.elements).step_by(CHUNK) {
            let to = (from + CHUNK).min(model.elements);
            let reply = client.call(&read_command(kind, from, to))?;
            judge.chunk(from, to, reply.items());
        }
        let size = client.call(&[kind.count_command(), kind.name()])?.int();
        verdicts.push((kind.name(), judge.finish(size), model.elements));
    }
    let streams = if model.streams { STREAMS.as_slice() } else { &[] };
    for (stream, key) in streams.iter().copied().enumerate() {
        let at = Kind::Stream as usize;
        let mut judge = StreamJudge::new(model, stream, lower[at][stream], upper[at][stream]);
        let mut from = "-".to_string();
        loop {
            let entries = client.call(&["XRANGE", key, &from, "+", "COUNT", &CHUNK.to_string()])?;
            let Some(last) = entries.items().last() else { break };
            from = format!("({}", last.items().first().map(Reply::text).unwrap_or_default());
            judge.entries(entries.items());
        }
        let size = client.call(&[Kind::Stream.count_command(), key])?.int();
        verdicts.push((key, judge.finish(size), model.stream_len(stream)));
    }
    Ok(verdicts)
}

fn read_command(kind: Kind, from: usize, to: usize) -> Vec<Vec<u8>> {
    let name = match kind {
        Kind::Hash => "HMGET",
        Kind::Zset => "ZMSCORE",
        Kind::Set => "SMISMEMBER",
        Kind::List | Kind::Stream => "LRANGE",
    };
    let mut command = vec![name.as_bytes().to_vec(), kind.name().as_bytes().to_vec()];
    if kind == Kind::List {
        command.extend([from, to - 1].map(|place| place.to_string().into_bytes()));
    } else {
        command.extend((from..to).map(|index| member(index).to_vec()));
    }
    command
}

/// Judges the elements of hash, sorted set, list and set.
struct ElementJudge<'a> {
    model: &'a Model,
    kind: Kind,
    lower: &'a [u32],
    upper: &'a [u32],
    /// Elements that the file has.
    found: u64,
    verdict: Verdict,
}

impl<'a> ElementJudge<'a> {
    fn new(model: &'a Model, kind: Kind, lower: &'a [u32], upper: &'a [u32]) -> ElementJudge<'a> {
        ElementJudge { model, kind, lower, upper, found: 0, verdict: Verdict::default() }
    }

    /// The replies for the elements `from..to`.
    fn chunk(&mut self, from: usize, to: usize, replies: &[Reply]) {
        for index in from..to {
            let reply = replies.get(index - from).unwrap_or(&Reply::Nil);
            let (lower, upper) = (self.lower[index], self.upper[index]);
            if self.kind == Kind::Set {
                self.member(reply, lower, upper);
            } else if *reply == Reply::Nil {
                self.verdict.missing += 1;
            } else {
                self.found += 1;
                let version = self.model.version_of(self.kind, index, reply);
                self.verdict.count(version, lower, upper);
            }
        }
    }

    fn member(&mut self, reply: &Reply, lower: u32, upper: u32) {
        let present = *reply == Reply::Int(1);
        self.found += u64::from(present);
        // Two versions that follow each other differ, so more than two need not be looked at.
        if (lower..=upper).take(2).any(|version| is_present(version) == present) {
            self.verdict.right += 1;
        } else if present {
            self.verdict.malformed += 1;
        } else {
            self.verdict.missing += 1;
        }
    }

    /// `size` is what the server says how many elements there are.
    fn finish(mut self, size: Option<i64>) -> Verdict {
        self.verdict.malformed += size.map_or(1, |size| (size as u64).abs_diff(self.found));
        self.verdict
    }
}

/// Judges the entries of a stream, which come in their order.
struct StreamJudge<'a> {
    model: &'a Model,
    stream: usize,
    lower: u32,
    upper: u32,
    found: u64,
    last: Option<u32>,
    verdict: Verdict,
}

impl<'a> StreamJudge<'a> {
    fn new(model: &'a Model, stream: usize, lower: u32, upper: u32) -> StreamJudge<'a> {
        StreamJudge { model, stream, lower, upper, found: 0, last: None, verdict: Verdict::default() }
    }

    fn entries(&mut self, entries: &[Reply]) {
        for entry in entries {
            self.found += 1;
            let version = self.model.entry_version(self.stream, entry);
            match (version, self.last) {
                (None, _) => self.verdict.malformed += 1,
                (Some(version), Some(last)) if version <= last => self.verdict.malformed += 1,
                (Some(version), Some(last)) => {
                    self.verdict.missing += u64::from(version - last - 1);
                    self.verdict.right += 1;
                }
                (Some(_), None) => self.verdict.right += 1,
            }
            self.last = version.or(self.last);
        }
    }

    /// `size` is what the server says how many entries there are.
    fn finish(mut self, size: Option<i64>) -> Verdict {
        self.verdict.malformed += size.map_or(1, |size| (size as u64).abs_diff(self.found));
        // The bounds hold for the newest entry; if it is right then all are.
        let right = self.verdict.right;
        self.verdict.count(self.last, self.lower, self.upper);
        self.verdict.right = right;
        // Each state has all entries that the stream keeps: too few have lost their oldest, too many have not been trimmed.
        let kept = self.model.stream_len(self.stream) as u64;
        if self.verdict.is_exact(self.found as usize) {
            self.verdict.missing += kept.saturating_sub(self.found);
            self.verdict.malformed += self.found.saturating_sub(kept);
        }
        self.verdict
    }
}

#[cfg(test)]
mod tests;
