//! Runs rounds of requests on two servers, finds the first difference, and makes the sequence short.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;

use super::allowed::{self, Kind};
use super::compare::{agree, show};
use super::generate::{Generator, Request};
use super::table::{Compare, ROWS, Row, cursor_index};
use crate::client::{Client, Reply, parse};

/// Replays at most this often to make a failing sequence shorter.
const REPLAYS_MAX: usize = 300;
/// Databases that requests reach.
const DATABASES: &[&str] = &["0", "1", "2", "15"];
/// A SCAN that needs more calls than this does not end.
const SCAN_CALLS_MAX: usize = 10_000;

/// Two servers to compare.
pub struct Oracle {
    ours: SocketAddr,
    reference: SocketAddr,
    kinds: [Kind; 2],
    rows: Vec<Row>,
    /// Rows that were left out because a server does not have them.
    pub skipped: Vec<&'static str>,
    /// Requests compared so far.
    pub compared: u64,
    /// Differences excused by [`allowed`], by reason.
    pub excused: BTreeSet<&'static str>,
    /// Requests that were left out because the servers had parted before.
    pub parted: u64,
}

/// What to make of two replies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// They agree, or may differ.
    Fine,
    /// They may differ, but the servers hold different data now.
    Parted,
    /// They must not.
    Differ,
}

/// The first difference of a round.
#[derive(Debug)]
pub struct Difference {
    /// Seed of the round.
    pub seed: u64,
    /// The shortest sequence found that still shows it; the last request is the one that differs.
    pub requests: Vec<Vec<Vec<u8>>>,
    /// What ours replied.
    pub ours: Vec<u8>,
    /// What the reference replied.
    pub reference: Vec<u8>,
}

impl Difference {
    /// What kind of difference it is: the command and how the replies begin. Many sequences show the same one.
    pub fn kind(&self) -> String {
        let command =
            self.requests.last().and_then(|words| words.first()).map(|word| word.to_ascii_uppercase());
        let begin = |raw: &[u8]| show(&raw[..raw.len().min(12)]);
        format!("{} {} {}", show(&command.unwrap_or_default()), begin(&self.ours), begin(&self.reference))
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(out, "replies differ (seed {}):", self.seed)?;
        for request in &self.requests {
            let words: Vec<String> = request.iter().map(|word| show(word)).collect();
            writeln!(out, "  {}", words.join(" "))?;
        }
        writeln!(out, "  ours:      {}", show(&self.ours))?;
        write!(out, "  reference: {}", show(&self.reference))
    }
}

/// Connections to both servers in the same state.
struct Pair {
    ours: Client,
    reference: Client,
}

impl Oracle {
    /// Finds out which rows both servers have. With `all_of_ours` a row that only ours lacks is kept, so that what
    /// is missing shows up as a difference.
    pub fn new(ours: SocketAddr, reference: SocketAddr, all_of_ours: bool) -> io::Result<Oracle> {
        let mut pair = Pair { ours: Client::connect(ours)?, reference: Client::connect(reference)? };
        let kinds = [Kind::of(&mut pair.ours)?, Kind::of(&mut pair.reference)?];
        let mut rows = Vec::new();
        let mut skipped = Vec::new();
        for row in ROWS.iter().flat_map(|family| family.iter().copied()) {
            let later_type = !all_of_ours || matches!(row.name, "LPUSH" | "SADD" | "HSET" | "ZADD");
            let has = has_row(&mut pair.reference, &row)? && (!later_type || has_row(&mut pair.ours, &row)?);
            if has {
                rows.push(row);
            } else {
                skipped.push(if row.probe.is_empty() { row.name } else { row.probe });
            }
        }
        Ok(Oracle { ours, reference, kinds, rows, skipped, compared: 0, excused: BTreeSet::new(), parted: 0 })
    }

    /// Limits the oracle to rows whose name starts with one of these, separated by commas, for looking closer at some commands.
    pub fn only(&mut self, prefixes: &str) {
        self.rows.retain(|row| prefixes.split(',').any(|prefix| row.name.starts_with(prefix)));
    }

    /// One round: both servers emptied, `length` requests, then all keys compared.
    pub fn round(&mut self, seed: u64, length: usize) -> io::Result<Option<Difference>> {
        let mut generator = Generator::new(seed, self.rows.clone());
        let mut pair = self.connect(seed)?;
        let mut sent: Vec<Request> = Vec::new();
        for done in 1..=length {
            let request = generator.request();
            sent.push(request.clone());
            let (ours, reference) = pair.exchange(&request)?;
            self.compared += 1;
            if request.words[0].eq_ignore_ascii_case(b"DUMP")
                && let Ok(Reply::Bulk(payload)) = parse(&reference)
            {
                generator.offer_payload(&payload);
            }
            match self.judge(&request, &ours, &reference) {
                Verdict::Fine => {}
                Verdict::Parted => {
                    self.parted += (length - done) as u64;
                    return Ok(None);
                }
                Verdict::Differ => return Ok(Some(self.shrink(seed, sent, ours, reference)?)),
            }
        }
        self.compare_contents(seed, &mut pair, sent)
    }

    /// Compares every key of every database that requests reach.
    fn compare_contents(
        &mut self,
        seed: u64,
        pair: &mut Pair,
        sent: Vec<Request>,
    ) -> io::Result<Option<Difference>> {
        let request =
            |compare, words: &[&[u8]]| Request { words: words.iter().map(|w| w.to_vec()).collect(), compare };
        for db in DATABASES {
            let mut all = sent.clone();
            let select = request(Compare::Exact, &[b"SELECT", db.as_bytes()]);
            pair.exchange(&select)?;
            all.push(select);
            let keys = request(Compare::Unordered, &[b"KEYS", b"*"]);
            let (ours, reference) = pair.exchange(&keys)?;
            if self.judge(&keys, &ours, &reference) == Verdict::Differ {
                all.push(keys);
                return Ok(Some(self.shrink(seed, all, ours, reference)?));
            }
            for key in parse(&reference)?.items().iter().filter_map(Reply::bulk) {
                // The others' digests have other digits of large scores than 7.0's and ours, and not all know deadlines of fields.
                let kind = parse(&pair.exchange(&request(Compare::Exact, &[b"TYPE", key]))?.1)?.text();
                let contents = match (self.kinds[1], kind.as_str()) {
                    (Kind::Valkey | Kind::Redis8, "zset") => {
                        request(Compare::Exact, &[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"])
                    }
                    (Kind::Valkey, "hash") => request(Compare::Unordered, &[b"HGETALL", key]),
                    _ => request(Compare::Exact, &[b"DEBUG", b"DIGEST-VALUE", key]),
                };
                for check in [
                    request(Compare::Exact, &[b"TYPE", key]),
                    request(Compare::Exact, &[b"OBJECT", b"ENCODING", key]),
                    request(Compare::Near(2000), &[b"PEXPIRETIME", key]),
                    request(Compare::Exact, &[b"GET", key]),
                    request(Compare::Exact, &[b"LRANGE", key, b"0", b"-1"]),
                    contents,
                ] {
                    let (ours, reference) = pair.exchange(&check)?;
                    self.compared += 1;
                    if self.judge(&check, &ours, &reference) == Verdict::Differ {
                        all.push(check);
                        return Ok(Some(self.shrink(seed, all, ours, reference)?));
                    }
                }
            }
        }
        Ok(None)
    }

    fn judge(&mut self, request: &Request, ours: &[u8], reference: &[u8]) -> Verdict {
        if agree(request.compare, ours, reference) {
            return Verdict::Fine;
        }
        match allowed::excuse(&request.words, [(self.kinds[0], ours), (self.kinds[1], reference)]) {
            Some(excuse) => {
                self.excused.insert(excuse.why);
                if excuse.parts { Verdict::Parted } else { Verdict::Fine }
            }
            None => Verdict::Differ,
        }
    }

    fn connect(&self, seed: u64) -> io::Result<Pair> {
        let mut pair =
            Pair { ours: Client::connect(self.ours)?, reference: Client::connect(self.reference)? };
        for client in [&mut pair.ours, &mut pair.reference] {
            client.call(&["FLUSHALL"])?;
            // Half of the rounds speak RESP3.
            if seed.is_multiple_of(2) {
                client.call(&["HELLO", "3"])?;
            }
        }
        Ok(pair)
    }

    /// Removes ever smaller pieces as long as the last request still differs.
    fn shrink(
        &mut self,
        seed: u64,
        sent: Vec<Request>,
        ours: Vec<u8>,
        reference: Vec<u8>,
    ) -> io::Result<Difference> {
        let mut best = sent;
        let mut replies = (ours, reference);
        let mut replays = 0;
        let mut piece = best.len() / 2;
        while piece > 0 && replays < REPLAYS_MAX {
            let mut from = 0;
            let mut removed = false;
            while from + 1 < best.len() && replays < REPLAYS_MAX {
                let to = (from + piece).min(best.len() - 1);
                let shorter: Vec<Request> = [&best[..from], &best[to..]].concat();
                replays += 1;
                match self.replay(seed, &shorter)? {
                    Some(found) => {
                        (best, replies, removed) = (shorter, found, true);
                    }
                    None => from = to,
                }
            }
            if !removed || piece > 1 {
                piece /= 2;
            }
        }
        let requests = best.into_iter().map(|request| request.words).collect();
        Ok(Difference { seed, requests, ours: replies.0, reference: replies.1 })
    }

    /// The replies to the last request if they differ and no earlier ones do.
    fn replay(&mut self, seed: u64, requests: &[Request]) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
        let mut pair = self.connect(seed)?;
        for (index, request) in requests.iter().enumerate() {
            let (ours, reference) = pair.exchange(request)?;
            match self.judge(request, &ours, &reference) {
                Verdict::Fine => {}
                Verdict::Parted => return Ok(None),
                Verdict::Differ => {
                    return Ok((index + 1 == requests.len()).then_some((ours, reference)));
                }
            }
        }
        Ok(None)
    }
}

impl Pair {
    fn exchange(&mut self, request: &Request) -> io::Result<(Vec<u8>, Vec<u8>)> {
        if request.compare == Compare::Scan {
            return Ok((scan(&mut self.ours, &request.words)?, scan(&mut self.reference, &request.words)?));
        }
        if request.words[0].eq_ignore_ascii_case(b"DEBUG") && request.words.len() > 2 {
            // DIGEST-VALUE and OBJECT show keys past their deadline until something has noticed.
            let touch: Vec<&[u8]> = std::iter::once(b"EXISTS".as_slice())
                .chain(request.words[2..].iter().map(Vec::as_slice))
                .collect();
            self.ours.call(&touch)?;
            self.reference.call(&touch)?;
        }
        self.ours.send(&request.words)?;
        self.reference.send(&request.words)?;
        let words = || request.words.iter().map(|word| show(word)).collect::<Vec<_>>().join(" ");
        let failed = |who: &str, error: io::Error| {
            io::Error::new(error.kind(), format!("{who} on {}: {error}", words()))
        };
        let ours = self.ours.read_raw().map_err(|error| failed("ours", error))?;
        let reference = self.reference.read_raw().map_err(|error| failed("the reference", error))?;
        Ok((ours, reference))
    }
}

/// Follows a cursor to the end; the keys found, sorted, as text. An error reply is returned as it is.
fn scan(client: &mut Client, words: &[Vec<u8>]) -> io::Result<Vec<u8>> {
    let mut words = words.to_vec();
    let at = cursor_index(&words[0]);
    let mut found = BTreeSet::new();
    for _ in 0..SCAN_CALLS_MAX {
        client.send(&words)?;
        let raw = client.read_raw()?;
        let reply = parse(&raw)?;
        let [cursor, keys] = reply.items() else { return Ok(raw) };
        found.extend(keys.items().iter().map(|key| key.text()));
        words[at] = cursor.text().into_bytes();
        if words[at] == b"0" {
            return Ok(format!("{found:?}").into_bytes());
        }
    }
    Err(io::Error::other("SCAN does not come to an end"))
}

fn has_row(client: &mut Client, row: &Row) -> io::Result<bool> {
    if row.probe.is_empty() {
        return Ok(true);
    }
    let words: Vec<&str> = row.probe.split(' ').collect();
    let reply = client.call(&words)?;
    client.call(&["DEL", "probe"])?;
    let text = reply.text().to_ascii_lowercase();
    let unknown = ["unknown", "syntax error", "don't know"].iter().any(|sign| text.contains(sign));
    Ok(!(reply.is_error() && unknown))
}
