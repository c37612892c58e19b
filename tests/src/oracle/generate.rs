//! Random requests from the table, biased to edges.
//!
//! It never produces a request that would make a server hold more than a few hundred kilobytes, wait, close the
//! connection or stop answering.

use super::table::{Arg, Compare, Row};
use crate::random::Random;

/// Keys that all requests share; few, so that commands meet each other's results.
pub const KEYS: &[&str] = &["k0", "k1", "k2", "k3", "hll", "\u{0}\r\n"];
/// Requests that are sent only as the table has them: broken ones could stop, pause or close a server, leave to chance what is
/// removed, or set a deadline so near that one server sees it pass and the other does not, or make
/// scores of more digits than all versions print alike.
const NEVER_BROKEN: &[&str] = &[
    "SHUTDOWN",
    "CLIENT PAUSE",
    "CONFIG SET",
    "DEBUG SLEEP",
    "WAIT",
    "CLIENT REPLY",
    "BGSAVE",
    "HELLO",
    "BLPOP",
    "BRPOP",
    "BLMOVE",
    "BRPOPLPUSH",
    "BLMPOP",
    "SPOP",
    "SRANDMEMBER",
    "BZPOPMIN",
    "BZPOPMAX",
    "BZMPOP",
    "ZRANDMEMBER",
    "HRANDFIELD",
    "SORT",
    "ZADD",
    "ZINCRBY",
    "HINCRBYFLOAT",
    "PEXPIRE",
    "PSETEX",
    "XREAD",
];
/// The key of a sorted set whose scores stay equal; a broken ZADD would change one.
const EQUAL_SCORES: &[u8] = b"lex";
/// Longest payload pool.
const PAYLOADS_MAX: usize = 64;

/// One request and how its replies are to be compared.
#[derive(Clone, Debug)]
pub struct Request {
    /// The words.
    pub words: Vec<Vec<u8>>,
    /// How to compare.
    pub compare: Compare,
}

/// Makes requests; the same seed and rows give the same requests, as long as the payloads offered are the same.
pub struct Generator {
    random: Random,
    rows: Vec<Row>,
    weight_sum: u64,
    payloads: Vec<Vec<u8>>,
}

impl Generator {
    /// Chooses among these rows.
    pub fn new(seed: u64, rows: Vec<Row>) -> Generator {
        let weight_sum = rows.iter().map(|row| u64::from(row.weight)).sum();
        Generator { random: Random::new(seed), rows, weight_sum, payloads: Vec::new() }
    }

    /// Offers a payload that DUMP has returned, for RESTORE.
    pub fn offer_payload(&mut self, payload: &[u8]) {
        if self.payloads.len() == PAYLOADS_MAX {
            self.payloads.remove(0);
        }
        self.payloads.push(payload.to_vec());
    }

    /// The next request.
    pub fn request(&mut self) -> Request {
        let mut at = self.random.below(self.weight_sum);
        let row = self.rows.iter().copied().find(|row| match at.checked_sub(u64::from(row.weight)) {
            Some(rest) => {
                at = rest;
                false
            }
            None => true,
        });
        let Some(row) = row else {
            return Request { words: vec![b"PING".to_vec()], compare: Compare::Exact };
        };
        let mut words: Vec<Vec<u8>> = row.name.split(' ').map(|word| self.any_case(word)).collect();
        self.expand(row.args, &mut words);
        if row.compare == Compare::Scan {
            words.insert(row.cursor_index(), b"0".to_vec());
        } else if !NEVER_BROKEN.contains(&row.name)
            && !words.iter().any(|word| word == EQUAL_SCORES)
            && self.random.one_in(25)
        {
            self.mutate(&mut words);
        }
        Request { words, compare: row.compare }
    }

    /// Breaks a request: one word missing, doubled, or replaced.
    fn mutate(&mut self, words: &mut Vec<Vec<u8>>) {
        let at = self.random.index(words.len());
        match self.random.below(4) {
            0 if words.len() > 1 => {
                words.pop();
            }
            1 => words.push(words[at].clone()),
            2 if at > 0 => words[at] = self.value(),
            _ => {
                let value = self.value();
                words.push(value);
            }
        }
    }

    fn expand(&mut self, args: &[Arg], out: &mut Vec<Vec<u8>>) {
        for arg in args {
            match *arg {
                Arg::Word(word) => out.push(self.any_case(word)),
                Arg::Maybe(rest) => {
                    if self.random.one_in(2) {
                        self.expand(rest, out);
                    }
                }
                Arg::OneOf(choices) => {
                    let choice = choices[self.random.index(choices.len())];
                    self.expand(choice, out);
                }
                Arg::Some(rest, max) => (0..=self.random.below(max)).for_each(|_| self.expand(rest, out)),
                Arg::Any(rest, max) => (0..self.random.below(max + 1)).for_each(|_| self.expand(rest, out)),
                leaf => {
                    let word = self.leaf(leaf);
                    out.push(word);
                }
            }
        }
    }

    fn leaf(&mut self, arg: Arg) -> Vec<u8> {
        let text = match arg {
            Arg::Key => return self.random.pick(KEYS).as_bytes().to_vec(),
            Arg::Value => return self.value(),
            Arg::Payload => return self.payload(),
            Arg::Int => return self.int(),
            Arg::Count => (1 + self.random.below(20)).to_string(),
            Arg::Float => return self.float(),
            Arg::Offset => return self.offset(1),
            Arg::BitOffset => return self.offset(8),
            Arg::Index => return self.index(),
            Arg::Bit => self.random.pick(&["0", "1", "0", "1", "0", "1", "2", "x", "-1", ""]).to_string(),
            Arg::Seconds => self.expiry("9223372036854775", 1),
            Arg::Millis => self.expiry("9223372036854775807", 1000),
            Arg::UnixSeconds => self.moment("9223372036854775", 1),
            Arg::UnixMillis => self.moment("9223372036854775807", 1000),
            Arg::Glob => self
                .random
                .pick(&["*", "k*", "k?", "k[0-1]", "k[^0]", "h*l", "", "[", "\\k0", "**", "k[", "k0*?"])
                .to_string(),
            Arg::Name => {
                self.random.pick(&["a", "worker-1", "", "two words", "new\nline", "\u{e9}"]).to_string()
            }
            Arg::Db => {
                self.random.pick(&["0", "0", "1", "2", "15", "16", "-1", "x", "9999999999"]).to_string()
            }
            Arg::FieldType => match self.random.below(12) {
                0 => self.random.pick(&["u64", "i65", "i0", "u0", "x8", "", "i-1", "8"]).to_string(),
                n => format!("{}{}", if n % 2 == 0 { "i" } else { "u" }, 1 + self.random.below(63)),
            },
            Arg::FieldOffset => match self.random.below(10) {
                0 => self.random.pick(&["-1", "#-1", "x", "#", "4294967296", "#4294967295"]).to_string(),
                n if n < 4 => format!("#{}", self.random.below(100)),
                _ => self.random.below(2000).to_string(),
            },
            // Composite pieces never get here; a word keeps the request well formed if one does.
            _ => String::new(),
        };
        text.into_bytes()
    }

    fn any_case(&mut self, word: &str) -> Vec<u8> {
        match self.random.below(4) {
            0 => word.to_ascii_lowercase().into_bytes(),
            1 => {
                let flip = |byte: u8, upper: bool| {
                    if upper { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() }
                };
                word.bytes().map(|byte| flip(byte, self.random.one_in(2))).collect()
            }
            _ => word.as_bytes().to_vec(),
        }
    }

    fn value(&mut self) -> Vec<u8> {
        match self.random.below(20) {
            0 => Vec::new(),
            1..=4 => self.int(),
            5 | 6 => self.float(),
            7 | 8 => {
                let len = self.random.index(60);
                self.random.bytes(len)
            }
            // Around the border between embedded and raw strings, and of compression in files.
            9 => vec![b'e'; 18 + self.random.index(5)],
            10 => vec![b'r'; 42 + self.random.index(5)],
            11 if self.random.one_in(8) => {
                let len =
                    *[16_383usize, 65_535, 65_536, 65_537, 140_000].get(self.random.index(5)).unwrap_or(&1);
                let mut long = vec![b'a'; len];
                self.random.fill_text(&mut long[..len / 2]);
                long
            }
            12 => {
                let len = 100 + self.random.index(900);
                let mut text = vec![0; len];
                self.random.fill_text(&mut text);
                text
            }
            _ => self
                .random
                .pick(&["a", "foo", "bar", "ohmytext", "mynewtext", "0", "1", "nx", "k0"])
                .as_bytes()
                .to_vec(),
        }
    }

    fn int(&mut self) -> Vec<u8> {
        let text = match self.random.below(12) {
            0 => self
                .random
                .pick(&["9223372036854775807", "-9223372036854775808", "9223372036854775806"])
                .to_string(),
            1 => self
                .random
                .pick(&["9223372036854775808", "-9223372036854775809", "18446744073709551615"])
                .to_string(),
            2 => self
                .random
                .pick(&["", " 1", "1 ", "+1", "-0", "007", "0x10", "1e3", "x", "1\u{0}", "--1", "-"])
                .to_string(),
            3 => self
                .random
                .pick(&["2147483647", "-2147483648", "4294967296", "10000", "9999", "-1"])
                .to_string(),
            4 => (self.random.bits() as i64).to_string(),
            _ => (self.random.below(2000) as i64 - 1000).to_string(),
        };
        text.into_bytes()
    }

    fn float(&mut self) -> Vec<u8> {
        let text = match self.random.below(8) {
            0 => self
                .random
                .pick(&["inf", "-inf", "nan", "+inf", "Infinity", "1e308", "-1e308", "1e-400", "1e5000"])
                .to_string(),
            1 => self
                .random
                .pick(&["", " 1.5", "1.5 ", "0x1p3", "1.", ".5", "-.5e1", "1e", "x", "-0", "-0.0", "5.0e3"])
                .to_string(),
            2 => format!("{}", f64::from_bits(self.random.bits())),
            3 => format!("{}e{}", self.random.below(1000), self.random.below(40) as i64 - 20),
            _ => format!("{}.{}", self.random.below(2000) as i64 - 1000, self.random.below(1000)),
        };
        text.into_bytes()
    }

    /// Offsets in units of 1/`scale` bytes: small, near block borders, or beyond what is allowed.
    fn offset(&mut self, scale: u64) -> Vec<u8> {
        let text = match self.random.below(12) {
            0 => self
                .random
                .pick(&["-1", "x", "", "9223372036854775807", "4294967296", "536870912000"])
                .to_string(),
            1 => (self.random.below(5) * 65_536 * scale / 2 + self.random.below(20)).to_string(),
            _ => self.random.below(300 * scale).to_string(),
        };
        text.into_bytes()
    }

    fn index(&mut self) -> Vec<u8> {
        match self.random.below(8) {
            0 => self.int(),
            _ => (self.random.below(240) as i64 - 120).to_string().into_bytes(),
        }
    }

    /// A relative expiry: at once or refused, or at least a thousand seconds away.
    fn expiry(&mut self, largest: &str, scale: u64) -> String {
        match self.random.below(12) {
            0 => self.random.pick(&["0", "-1", "x", "", "1.5", "-9223372036854775808"]).to_string(),
            1 => largest.to_string(),
            2 => self
                .random
                .pick(&["9223372036854775808", "9223372036854770000", "-9223372036854775"])
                .to_string(),
            _ => ((1000 + self.random.below(1_000_000)) * scale).to_string(),
        }
    }

    /// An absolute expiry: in the past, refused, or years away.
    fn moment(&mut self, largest: &str, scale: u64) -> String {
        match self.random.below(12) {
            0 => self.random.pick(&["0", "-1", "x", "", "1.5", "1"]).to_string(),
            1 => largest.to_string(),
            2 => (1_000_000_000 * scale).to_string(),
            _ => ((4_000_000_000 + self.random.below(1_000_000)) * scale).to_string(),
        }
    }

    fn payload(&mut self) -> Vec<u8> {
        if self.payloads.is_empty() {
            return self.value();
        }
        let at = self.random.index(self.payloads.len());
        let mut payload = self.payloads[at].clone();
        if self.random.one_in(5) && payload.len() > 1 {
            // A zero in front would leave the checksum as it is.
            let at = 1 + self.random.index(payload.len() - 1);
            match self.random.below(3) {
                0 => payload.truncate(at),
                1 => payload[at] ^= 1 << self.random.below(8),
                _ => payload.insert(at, 0),
            }
        }
        payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::table::ROWS;

    #[test]
    fn repeatable_and_bounded() {
        let rows: Vec<Row> = ROWS.iter().flat_map(|family| family.iter().copied()).collect();
        let (mut a, mut b) = (Generator::new(3, rows.clone()), Generator::new(3, rows));
        for _ in 0..20_000 {
            let (x, y) = (a.request(), b.request());
            assert_eq!(x.words, y.words);
            assert!(x.words.iter().map(Vec::len).sum::<usize>() < 1_000_000);
        }
    }
}
