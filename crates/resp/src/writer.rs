//! Replies in RESP2 or RESP3, appended to a byte vector.
//!
//! Types that RESP2 lacks are written as Redis writes them there: a map as a flat array, a double as a bulk string, a boolean as 0 or 1.

use std::io::Write;

/// The version that a client chose with HELLO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// RESP2, the default.
    #[default]
    Resp2,
    /// RESP3.
    Resp3,
}

/// Appends replies to `out`.
pub struct Writer<'a> {
    /// Where the bytes go.
    pub out: &'a mut Vec<u8>,
    /// In which version.
    pub protocol: Protocol,
}

impl Writer<'_> {
    #[inline]
    fn line(&mut self, kind: u8, text: &[u8]) {
        self.out.reserve(text.len() + 3);
        self.out.push(kind);
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\r\n");
    }

    #[inline]
    fn counted(&mut self, kind: u8, count: i64) {
        match count {
            // Nearly all, and cheaper as a few bytes of known number.
            0..10 => self.out.extend_from_slice(&[kind, b'0' + count as u8, b'\r', b'\n']),
            10..100 => {
                let (tens, ones) = (count as u8 / 10, count as u8 % 10);
                self.out.extend_from_slice(&[kind, b'0' + tens, b'0' + ones, b'\r', b'\n']);
            }
            _ => {
                let mut digits = itoa::Buffer::new();
                self.line(kind, digits.format(count).as_bytes());
            }
        }
    }

    fn is_resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }

    /// `+OK`
    #[inline]
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// `+text`; the text has no line end.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// `-text`. Line ends inside are replaced by spaces, as Redis does.
    pub fn error(&mut self, text: &[u8]) {
        let clean: Vec<u8> =
            text.iter().map(|&b| if matches!(b, b'\r' | b'\n') { b' ' } else { b }).collect();
        self.line(b'-', &clean);
    }

    /// `:number`
    #[inline]
    pub fn integer(&mut self, number: i64) {
        self.counted(b':', number);
    }

    /// `$len`, the bytes.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.out.reserve(bytes.len() + 16);
        self.counted(b'$', bytes.len() as i64);
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    /// The header of a bulk string whose `len` bytes and line end the caller adds.
    pub fn bulk_header(&mut self, len: u64) {
        self.counted(b'$', len as i64);
    }

    /// An integer as a bulk string.
    pub fn bulk_integer(&mut self, number: i64) {
        let mut digits = itoa::Buffer::new();
        self.bulk(digits.format(number).as_bytes());
    }

    /// The absent value: `$-1` or `_`.
    #[inline]
    pub fn null(&mut self) {
        self.out.extend_from_slice(if self.is_resp3() { b"_\r\n" } else { b"$-1\r\n" });
    }

    /// The absent array: `*-1` or `_`.
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(if self.is_resp3() { b"_\r\n" } else { b"*-1\r\n" });
    }

    /// The header of an array of `len` replies.
    pub fn array(&mut self, len: usize) {
        self.counted(b'*', len as i64);
    }

    /// The header of a map of `pairs` pairs.
    pub fn map(&mut self, pairs: usize) {
        if self.is_resp3() { self.counted(b'%', pairs as i64) } else { self.counted(b'*', pairs as i64 * 2) }
    }

    /// The header of a set of `len` replies.
    pub fn set(&mut self, len: usize) {
        self.counted(if self.is_resp3() { b'~' } else { b'*' }, len as i64);
    }

    /// The header of an out-of-band message of `len` replies; an array in RESP2.
    pub fn push(&mut self, len: usize) {
        self.counted(if self.is_resp3() { b'>' } else { b'*' }, len as i64);
    }

    /// A truth value.
    pub fn boolean(&mut self, value: bool) {
        match (self.is_resp3(), value) {
            (true, true) => self.out.extend_from_slice(b"#t\r\n"),
            (true, false) => self.out.extend_from_slice(b"#f\r\n"),
            (false, value) => self.integer(i64::from(value)),
        }
    }

    /// A double, given in Redis's text form.
    pub fn double_text(&mut self, text: &str) {
        if self.is_resp3() { self.line(b',', text.as_bytes()) } else { self.bulk(text.as_bytes()) }
    }

    /// A verbatim string of the given three-letter format.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        if self.is_resp3() {
            self.counted(b'=', text.len() as i64 + 4);
            let _ = write!(self.out, "{format}:");
            self.out.extend_from_slice(text);
            self.out.extend_from_slice(b"\r\n");
        } else {
            self.bulk(text);
        }
    }

    /// An integer of any size, in decimal.
    pub fn big_number(&mut self, digits: &str) {
        if self.is_resp3() { self.line(b'(', digits.as_bytes()) } else { self.bulk(digits.as_bytes()) }
    }

    /// The header of an attribute of `pairs` pairs; nothing in RESP2, where the caller leaves the attribute out.
    pub fn attribute(&mut self, pairs: usize) {
        self.counted(b'|', pairs as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(write: impl Fn(&mut Writer<'_>), resp2: &str, resp3: &str) {
        for (protocol, expected) in [(Protocol::Resp2, resp2), (Protocol::Resp3, resp3)] {
            let mut out = Vec::new();
            write(&mut Writer { out: &mut out, protocol });
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{protocol:?}");
        }
    }

    #[test]
    fn every_type_in_both_versions() {
        check(|w| w.ok(), "+OK\r\n", "+OK\r\n");
        check(|w| w.simple("PONG"), "+PONG\r\n", "+PONG\r\n");
        check(|w| w.error(b"ERR a\r\nb"), "-ERR a  b\r\n", "-ERR a  b\r\n");
        check(|w| w.integer(-12), ":-12\r\n", ":-12\r\n");
        check(|w| w.integer(7), ":7\r\n", ":7\r\n");
        check(|w| w.bulk(b"hello world"), "$11\r\nhello world\r\n", "$11\r\nhello world\r\n");
        check(
            |w| w.bulk_integer(i64::MIN),
            "$20\r\n-9223372036854775808\r\n",
            "$20\r\n-9223372036854775808\r\n",
        );
        check(|w| w.null(), "$-1\r\n", "_\r\n");
        check(|w| w.null_array(), "*-1\r\n", "_\r\n");
        check(|w| w.map(2), "*4\r\n", "%2\r\n");
        check(|w| w.set(3), "*3\r\n", "~3\r\n");
        check(|w| w.push(3), "*3\r\n", ">3\r\n");
        check(|w| w.boolean(true), ":1\r\n", "#t\r\n");
        check(|w| w.boolean(false), ":0\r\n", "#f\r\n");
        check(|w| w.double_text("1.5"), "$3\r\n1.5\r\n", ",1.5\r\n");
        check(|w| w.verbatim("txt", b"ab"), "$2\r\nab\r\n", "=6\r\ntxt:ab\r\n");
        check(|w| w.big_number("123"), "$3\r\n123\r\n", "(123\r\n");
    }
}
