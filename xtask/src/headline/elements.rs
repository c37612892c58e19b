//! The elements of big collections: how each of the five types is filled, written and read one element at a time.
//!
//! An element has a number and a version. Hash and list hold the value of the version (`VVVVVVVV:` and text, see
//! `versions`), the sorted set a score that encodes it, the set's member is there when it is odd, and the newest
//! entry of a stream has it as its ID. Who may write which element is the caller's business.

use std::io;
use std::net::SocketAddr;

use super::versions::Versions;
use crate::load::{self, Traffic, push_bulk, push_number};

/// Bytes of fields, members, values and list elements.
pub const ELEMENT_BYTES: usize = 20;
/// Elements that one command of filling adds.
const BATCH: usize = 100;
/// Versions take the lower bits of a score; with the random bits above them it stays below 2^51, which doubles hold exactly.
const SCORE_VERSION_BITS: u32 = 32;

/// The five types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Fields with versioned values.
    Hash,
    /// Members with scores that encode the version.
    Zset,
    /// Versioned elements at fixed places.
    List,
    /// Members that come and go.
    Set,
    /// Numbered entries, of which the newest are kept.
    Stream,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 5] = [Kind::Hash, Kind::Zset, Kind::List, Kind::Set, Kind::Stream];

    /// What the tables call it; also its collection's key.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Hash => "hash",
            Kind::Zset => "zset",
            Kind::List => "list",
            Kind::Set => "set",
            Kind::Stream => "stream",
        }
    }

    /// The command that counts its elements.
    pub fn count_command(self) -> &'static str {
        match self {
            Kind::Hash => "HLEN",
            Kind::Zset => "ZCARD",
            Kind::List => "LLEN",
            Kind::Set => "SCARD",
            Kind::Stream => "XLEN",
        }
    }
}

/// The field or member with a number.
pub fn member(index: usize) -> [u8; ELEMENT_BYTES] {
    let mut out = *b"mem:................";
    for (to, from) in out[4..].iter_mut().zip(load::key(0, index as u64)) {
        *to = from;
    }
    out
}

/// The score of a member's version. Its upper bits are random, so that each version lies elsewhere in the order.
pub fn score(index: usize, version: u32) -> u64 {
    let place = system_tests::random::mix(index as u64 ^ (u64::from(version) << 32)) & 0x7ffff;
    place << SCORE_VERSION_BITS | u64::from(version)
}

/// The version that a score encodes; none when it was never sent for the member.
pub fn judge_score(index: usize, text: &[u8]) -> Option<u32> {
    let number: u64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let version = number as u32;
    (score(index, version) == number).then_some(version)
}

/// The ID of a stream's entry.
pub fn stream_id(version: u32) -> String {
    format!("{version}-0")
}

/// Appends the head of a command with `args` words, and its first two.
pub fn push_head(out: &mut Vec<u8>, args: usize, name: &str, key: &str) {
    push_number(out, b'*', args as u64);
    push_bulk(out, name.as_bytes());
    push_bulk(out, key.as_bytes());
}

/// Appends the versioned value as one argument.
pub fn push_value(out: &mut Vec<u8>, values: &Versions, index: usize, version: u32) {
    push_number(out, b'$', ELEMENT_BYTES as u64);
    values.push_value(out, index, version);
    out.extend_from_slice(b"\r\n");
}

/// Appends XADD of version `version` of stream number `index`, trimmed to `len_max` entries where given.
pub fn push_xadd(
    out: &mut Vec<u8>,
    key: &str,
    values: &Versions,
    (index, version): (usize, u32),
    len_max: Option<usize>,
) {
    push_head(out, if len_max.is_some() { 8 } else { 5 }, "XADD", key);
    if let Some(len_max) = len_max {
        [b"MAXLEN".as_slice(), b"=", len_max.to_string().as_bytes()]
            .iter()
            .for_each(|arg| push_bulk(out, arg));
    }
    push_bulk(out, stream_id(version).as_bytes());
    push_bulk(out, b"v");
    push_value(out, values, index, version);
}

/// Fills one collection with version 1 of the elements `0..count`; of stream number `index` the entries `1..=count`.
pub fn fill(
    addr: SocketAddr,
    kind: Kind,
    key: &str,
    (count, index): (usize, usize),
    values: &Versions,
) -> Result<(), String> {
    let each = if kind == Kind::Stream { 1 } else { BATCH };
    let mut fill = Fill { kind, key, values, count, index, each, granted: 0, next: 0 };
    let pipeline = if kind == Kind::Stream { 256 } else { 8 };
    // One connection, since a list's elements must come in their order.
    let outcome: io::Result<_> = load::drive(addr, 1, pipeline, &mut fill);
    outcome.map_err(|error| error.to_string())?.checked().map(|_| ())
}

struct Fill<'a> {
    kind: Kind,
    key: &'a str,
    values: &'a Versions,
    count: usize,
    index: usize,
    each: usize,
    granted: usize,
    next: usize,
}

impl Traffic for Fill<'_> {
    fn grant(&mut self, _connection: usize, want: u32) -> u32 {
        let granted = (self.count.div_ceil(self.each) - self.granted).min(want as usize);
        self.granted += granted;
        granted as u32
    }

    fn push(&mut self, out: &mut Vec<u8>, _connection: usize) {
        let from = self.next;
        let to = (from + self.each).min(self.count);
        self.next = to;
        let (name, words) = match self.kind {
            Kind::Hash => ("HSET", 2),
            Kind::Zset => ("ZADD", 2),
            Kind::List => ("RPUSH", 1),
            Kind::Set => ("SADD", 1),
            Kind::Stream => {
                return push_xadd(out, self.key, self.values, (self.index, from as u32 + 1), None);
            }
        };
        push_head(out, 2 + (to - from) * words, name, self.key);
        for index in from..to {
            match self.kind {
                Kind::Hash => push_bulk(out, &member(index)),
                Kind::Zset => push_bulk(out, score(index, 1).to_string().as_bytes()),
                _ => {}
            }
            match self.kind {
                Kind::Zset | Kind::Set => push_bulk(out, &member(index)),
                _ => push_value(out, self.values, index, 1),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_exact_and_carry_their_version() {
        for (index, version) in [(0, 1), (7, 2), (2_999_999, u32::MAX)] {
            let number = score(index, version);
            assert_eq!(number as f64 as u64, number);
            assert_eq!(judge_score(index, number.to_string().as_bytes()), Some(version));
            assert_eq!(judge_score(index + 1, number.to_string().as_bytes()), None);
        }
    }

    #[test]
    fn filling_is_well_formed_and_complete() {
        let values = Versions::new(0, ELEMENT_BYTES);
        for kind in Kind::ALL {
            let each = if kind == Kind::Stream { 1 } else { BATCH };
            let (key, count) = (kind.name(), 250);
            let mut fill = Fill { kind, key, values: &values, count, index: 0, each, granted: 0, next: 0 };
            let (mut out, commands) = (Vec::new(), fill.grant(0, 1000));
            (0..commands).for_each(|_| fill.push(&mut out, 0));
            assert_eq!((fill.next, fill.grant(0, 1)), (count, 0));
            let mut at = 0;
            for _ in 0..commands {
                at += system_tests::client::reply_end(&out[at..]).unwrap().unwrap();
            }
            assert_eq!(at, out.len(), "{key}");
        }
    }
}
