//! A resumable parser of requests: bytes in, slices out, nothing copied but the words of inline requests.
//!
//! Holds no bytes. The caller keeps the bytes from the request's start on and shows them again, with more behind them,
//! until the request is complete; the parser remembers how far it came, so a request that arrives byte by byte costs
//! no more than its length.
//!
//! Invariants
//! - P1: `args` are ranges inside the bytes seen so far, relative to the request's start.
//! - P2: nothing is allocated for a count or length that was only announced; `args` grows as arguments arrive.

use std::ops::Range;

use crate::words::split_words;

/// Longest inline request and longest line that announces a length.
const LINE_MAX: usize = 64 * 1024;

/// What a client may send.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest argument in bytes (`proto-max-bulk-len`).
    pub bulk_bytes_max: u64,
    /// Before AUTH only 10 arguments of 16 KiB are taken.
    pub authenticated: bool,
}

/// Why a connection is closed; displays as Redis's error text without `-ERR `.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// More than 64 KiB without a line end.
    TooBigInline,
    /// An inline request with an open quote.
    UnbalancedQuotes,
    /// More than 64 KiB in the line that announces the number of arguments.
    TooBigCountLine,
    /// Not a number, or too large.
    InvalidMultibulkLength,
    /// More arguments than a client may send before AUTH.
    UnauthenticatedMultibulkLength,
    /// Something else where an argument should begin.
    ExpectedDollar(u8),
    /// More than 64 KiB in the line that announces an argument's length.
    TooBigBulkLine,
    /// Not a number, negative or over the limit.
    InvalidBulkLength,
    /// A longer argument than a client may send before AUTH.
    UnauthenticatedBulkLength,
}

impl ProtocolError {
    /// The error's text, in bytes since it may quote one that the client sent.
    pub fn text(self) -> Vec<u8> {
        let text: &[u8] = match self {
            ProtocolError::TooBigInline => b"too big inline request",
            ProtocolError::UnbalancedQuotes => b"unbalanced quotes in request",
            ProtocolError::TooBigCountLine => b"too big mbulk count string",
            ProtocolError::InvalidMultibulkLength => b"invalid multibulk length",
            ProtocolError::UnauthenticatedMultibulkLength => b"unauthenticated multibulk length",
            ProtocolError::ExpectedDollar(_) => b"expected '$', got '",
            ProtocolError::TooBigBulkLine => b"too big bulk count string",
            ProtocolError::InvalidBulkLength => b"invalid bulk length",
            ProtocolError::UnauthenticatedBulkLength => b"unauthenticated bulk length",
        };
        let mut all = b"Protocol error: ".to_vec();
        all.extend_from_slice(text);
        if let ProtocolError::ExpectedDollar(byte) = self {
            // Redis replaces line ends in error replies with spaces.
            all.push(if matches!(byte, b'\r' | b'\n') { b' ' } else { byte });
            all.push(b'\'');
        }
        all
    }
}

/// A complete request.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// Arguments are [`Parser::args`], ranges of the bytes shown.
    Slices,
    /// An inline request's words, unquoted.
    Words(Vec<Vec<u8>>),
    /// Nothing to execute (an empty line, `*0`, `*-1`).
    Empty,
}

/// The state of one connection's parser.
#[derive(Debug, Default)]
pub struct Parser {
    args: Vec<Range<usize>>,
    /// Arguments still to come; None before the count was read.
    remaining: Option<usize>,
    /// Length of the argument being received.
    bulk: Option<usize>,
    /// How far the bytes have been understood.
    at: usize,
    /// How far they have been searched for the end of the present line.
    searched: usize,
}

impl Parser {
    /// The arguments of the request that [`parse`](Self::parse) just completed (P1).
    pub fn args(&self) -> &[Range<usize>] {
        &self.args
    }

    /// Forgets the request, to begin with the next one at the byte behind it.
    #[inline]
    pub fn reset(&mut self) {
        self.args.clear();
        self.remaining = None;
        self.bulk = None;
        self.at = 0;
        self.searched = 0;
    }

    /// Bytes of memory that the parser holds on to.
    pub fn memory_bytes(&self) -> usize {
        self.args.capacity() * size_of::<Range<usize>>()
    }

    /// Whether it waits for a request's first byte.
    #[inline]
    pub fn is_fresh(&self) -> bool {
        self.remaining.is_none() && self.searched == 0
    }

    /// Gives back what a request of many arguments has made the parser hold.
    pub fn shrink(&mut self) {
        if self.args.capacity() > 1024 && self.args.is_empty() {
            self.args = Vec::new();
        }
    }

    /// How many bytes the request will have at least, as far as is known; the caller need not try again before.
    pub fn wanted(&self) -> usize {
        self.bulk.map_or(self.at + 1, |len| self.at + len + 2)
    }

    /// Looks at the bytes from the request's start on. `Ok(None)`: more is needed. `Ok(Some((request, len)))`: the request is the first `len` bytes.
    #[inline]
    pub fn parse(&mut self, bytes: &[u8], limits: Limits) -> Result<Option<(Request, usize)>, ProtocolError> {
        let mut remaining = match self.remaining {
            Some(remaining) => remaining,
            None => {
                if bytes.is_empty() {
                    return Ok(None);
                }
                if bytes[0] != b'*' {
                    return self.parse_inline(bytes);
                }
                let Some(line) = self.line(bytes, ProtocolError::TooBigCountLine)? else { return Ok(None) };
                let count = number(&bytes[line.start + 1..line.end])
                    .filter(|&count| count <= i64::from(i32::MAX))
                    .ok_or(ProtocolError::InvalidMultibulkLength)?;
                if count > 10 && !limits.authenticated {
                    return Err(ProtocolError::UnauthenticatedMultibulkLength);
                }
                if count <= 0 {
                    return Ok(Some((Request::Empty, self.at)));
                }
                self.remaining = Some(count as usize);
                count as usize
            }
        };
        while remaining > 0 {
            let len = match self.bulk {
                Some(len) => len,
                None => {
                    match bytes.get(self.at) {
                        None => return Ok(None),
                        Some(b'$') => {}
                        Some(&other) => {
                            // Redis looks at the byte only once the line has arrived.
                            let line = self.line(bytes, ProtocolError::TooBigBulkLine)?;
                            return line.map_or(Ok(None), |_| Err(ProtocolError::ExpectedDollar(other)));
                        }
                    }
                    let Some(line) = self.line(bytes, ProtocolError::TooBigBulkLine)? else {
                        return Ok(None);
                    };
                    let len = number(&bytes[line.start + 1..line.end])
                        .filter(|&len| len >= 0 && len as u64 <= limits.bulk_bytes_max)
                        .ok_or(ProtocolError::InvalidBulkLength)?;
                    if len > 16384 && !limits.authenticated {
                        return Err(ProtocolError::UnauthenticatedBulkLength);
                    }
                    self.bulk = Some(len as usize);
                    len as usize
                }
            };
            if bytes.len() < self.at + len + 2 {
                return Ok(None);
            }
            self.args.push(self.at..self.at + len);
            self.at += len + 2;
            self.searched = self.at;
            self.bulk = None;
            remaining -= 1;
            self.remaining = Some(remaining);
        }
        Ok(Some((Request::Slices, self.at)))
    }

    /// The line at `at`, without its end, once that has arrived; `at` then stands behind it.
    #[inline]
    fn line(&mut self, bytes: &[u8], too_big: ProtocolError) -> Result<Option<Range<usize>>, ProtocolError> {
        let start = self.at;
        // Lines are mostly 2 to 4 bytes long: a plain loop is the fastest search.
        let mut at = self.searched.max(start);
        while at < bytes.len() && bytes[at] != b'\r' {
            at += 1;
        }
        self.searched = at;
        if at + 1 >= bytes.len() {
            return if at - start > LINE_MAX { Err(too_big) } else { Ok(None) };
        }
        self.at = at + 2;
        self.searched = self.at;
        Ok(Some(start..at))
    }

    fn parse_inline(&mut self, bytes: &[u8]) -> Result<Option<(Request, usize)>, ProtocolError> {
        let Some(end) = bytes[self.searched..].iter().position(|&b| b == b'\n').map(|n| n + self.searched)
        else {
            self.searched = bytes.len();
            return if bytes.len() > LINE_MAX { Err(ProtocolError::TooBigInline) } else { Ok(None) };
        };
        let line = &bytes[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let words = split_words(line).ok_or(ProtocolError::UnbalancedQuotes)?;
        let request = if words.is_empty() { Request::Empty } else { Request::Words(words) };
        Ok(Some((request, end + 1)))
    }
}

/// Takes a request that is there from end to end, as nearly all are: adds its arguments to `args` and returns its length. `None`, and nothing
/// added, for whatever needs a closer look: what is incomplete, inline, empty, malformed, or over a limit. That is for a [`Parser`].
#[inline]
pub fn parse_whole<'b>(bytes: &'b [u8], limits: Limits, args: &mut Vec<&'b [u8]>) -> Option<usize> {
    let before = args.len();
    let len = if limits.authenticated { whole(bytes, limits.bulk_bytes_max, args) } else { None };
    if len.is_none() {
        args.truncate(before);
    }
    len
}

#[inline]
fn whole<'b>(bytes: &'b [u8], bulk_bytes_max: u64, args: &mut Vec<&'b [u8]>) -> Option<usize> {
    let (count, mut at) = header(bytes, 0, b'*')?;
    if count == 0 {
        return None;
    }
    for _ in 0..count {
        let (len, from) = header(bytes, at, b'$')?;
        let end = from + len;
        at = end + 2;
        if at > bytes.len() || len as u64 > bulk_bytes_max {
            return None;
        }
        args.push(&bytes[from..end]);
    }
    Some(at)
}

/// The number of the line at `at` that begins with `kind`, and where the line behind it begins; only of what is written plainly, in
/// up to nine digits.
#[inline]
fn header(bytes: &[u8], at: usize, kind: u8) -> Option<(usize, usize)> {
    match bytes.get(at..)? {
        [first, a @ b'0'..=b'9', b'\r', _, ..] if *first == kind => Some((usize::from(a - b'0'), at + 4)),
        [first, a @ b'1'..=b'9', b @ b'0'..=b'9', b'\r', _, ..] if *first == kind => {
            Some((usize::from((a - b'0') * 10 + (b - b'0')), at + 5))
        }
        [first, rest @ ..] if *first == kind => {
            let digits =
                rest.iter().take(10).position(|&byte| byte == b'\r').filter(|&end| end + 1 < rest.len())?;
            let number = number(&rest[..digits]).and_then(|number| usize::try_from(number).ok())?;
            Some((number, at + 1 + digits + 2))
        }
        _ => None,
    }
}

/// A decimal number as Redis reads one in the protocol: an optional minus, no leading zeros, no spaces, 64 bits.
#[inline]
fn number(digits: &[u8]) -> Option<i64> {
    match digits {
        [d @ b'0'..=b'9'] => Some(i64::from(d - b'0')),
        [a @ b'1'..=b'9', b @ b'0'..=b'9'] => Some(i64::from((a - b'0') * 10 + (b - b'0'))),
        _ => {
            let (negative, digits) = match digits {
                [b'-', rest @ ..] => (true, rest),
                _ => (false, digits),
            };
            if digits.is_empty() || digits.len() > 19 || digits[0] == b'0' {
                return None;
            }
            let mut value: u64 = 0;
            for digit in digits {
                value = value
                    .checked_mul(10)?
                    .checked_add(u64::from(digit.checked_sub(b'0').filter(|d| *d < 10)?))?;
            }
            if negative { 0i64.checked_sub_unsigned(value) } else { i64::try_from(value).ok() }
        }
    }
}

#[cfg(test)]
#[path = "parser/tests.rs"]
mod tests;
