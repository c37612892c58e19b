//! Ziplists and zipmaps: what Redis before 7.0 and before 2.6 packed small collections into. Checks and walks them;
//! nothing writes them any more.
//!
//! ```text
//!  ziplist: bytes: u32 le | offset of the last entry: u32 le | entries: u16 le (65535: count them) | entry* | ff
//!  entry:   length of the entry before (1 byte, or fe and u32 le) | encoding | data
//!
//!  00llllll, 01llllll llllllll, 10______ u32 be   string of that length
//!  c0 d0 e0 f0 fe                                 integer of 16, 32, 64, 24, 8 bits, le
//!  f1 to fd                                       integer 0 to 12
//!
//!  zipmap:  pairs: u8 (254 and above: count them) | (length field length unused value unused*)* | ff
//!  length:  1 byte up to 253, or fe and u32 le
//! ```

use crate::element::Element;

const HEADER: usize = 10;
const END: u8 = 0xff;
const COUNT_UNKNOWN: u16 = u16::MAX;

/// A ziplist that has been checked.
#[derive(Clone, Copy, Debug)]
pub struct Checked<'a> {
    /// Entries without header and end.
    body: &'a [u8],
    /// How many there are.
    pub count: u64,
}

impl<'a> Checked<'a> {
    /// The elements in order.
    pub fn iter(&self) -> impl Iterator<Item = Element<'a>> + Clone + use<'a> {
        let mut rest = self.body;
        std::iter::from_fn(move || {
            let (element, size, _) = decode(rest)?;
            rest = rest.get(size..)?;
            Some(element)
        })
    }
}

/// Checks a ziplist in depth.
pub fn check(bytes: &[u8]) -> Result<Checked<'_>, &'static str> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or("a ziplist shorter than its header")?;
    let [a, b, c, d, e, f, g, h, i, j] = *header;
    let (end, body) = rest.split_last().ok_or("a ziplist without an end")?;
    if u32::from_le_bytes([a, b, c, d]) as usize != bytes.len() {
        return Err("a ziplist whose header has another length");
    }
    if *end != END {
        return Err("a ziplist without an end");
    }
    let last = u32::from_le_bytes([e, f, g, h]) as usize;
    if last > bytes.len() - 1 {
        return Err("a ziplist whose last entry is behind its end");
    }
    let (mut at, mut count, mut size_before) = (0, 0, 0);
    while at < body.len() {
        let (_, size, before) = body.get(at..).and_then(decode).ok_or("a damaged entry in a ziplist")?;
        if before != size_before {
            return Err("an entry in a ziplist that has another length for the one before it");
        }
        (at, size_before) = (at + size, size);
        count += 1;
    }
    if count > 0 && HEADER + at - size_before != last {
        return Err("a ziplist whose header has another last entry");
    }
    let stored = u16::from_le_bytes([i, j]);
    if stored != COUNT_UNKNOWN && u64::from(stored) != count {
        return Err("a ziplist whose header has another number of entries");
    }
    Ok(Checked { body, count })
}

/// The entry at the start: its element, its length, and the length that it has for the entry before.
fn decode(bytes: &[u8]) -> Option<(Element<'_>, usize, usize)> {
    let (before, head) = match *bytes {
        [0xfe, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]) as usize, 5),
        [before @ 0..0xfe, ..] => (usize::from(before), 1),
        _ => return None,
    };
    let rest = bytes.get(head..)?;
    let text =
        |from: usize, len: usize| Some((Element::Bytes(rest.get(from..from.checked_add(len)?)?), from + len));
    let int = |value: i64, size: usize| Some((Element::Int(value), size));
    let (element, size) = match *rest {
        [len @ 0..=0x3f, ..] => text(1, usize::from(len)),
        [high @ 0x40..=0x7f, low, ..] => text(2, usize::from(high & 0x3f) << 8 | usize::from(low)),
        [0x80..=0xbf, a, b, c, d, ..] => text(5, u32::from_be_bytes([a, b, c, d]) as usize),
        [0xc0, a, b, ..] => int(i64::from(i16::from_le_bytes([a, b])), 3),
        [0xd0, a, b, c, d, ..] => int(i64::from(i32::from_le_bytes([a, b, c, d])), 5),
        [0xe0, a, b, c, d, e, f, g, h, ..] => int(i64::from_le_bytes([a, b, c, d, e, f, g, h]), 9),
        [0xf0, a, b, c, ..] => int(i64::from(i32::from_le_bytes([0, a, b, c]) >> 8), 4),
        [0xfe, a, ..] => int(i64::from(i8::from_le_bytes([a])), 2),
        [small @ 0xf1..=0xfd, ..] => int(i64::from(small) - 0xf1, 1),
        _ => None,
    }?;
    Some((element, head + size, before))
}

/// The pairs of a checked zipmap.
#[derive(Clone, Debug)]
pub struct Pairs<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (field, rest) = zipmap_text(self.rest, false)?;
        let (value, rest) = zipmap_text(rest, true)?;
        self.rest = rest;
        Some((field, value))
    }
}

/// A text with its length in front, and what follows it; behind a value's length stands how many bytes behind it
/// are unused.
fn zipmap_text(bytes: &[u8], is_value: bool) -> Option<(&[u8], &[u8])> {
    let (len, rest) = match *bytes {
        // In front of a field the other one is the end.
        [long @ 0xfe..=0xff, a, b, c, d, ref rest @ ..] if is_value || long == 0xfe => {
            (u32::from_le_bytes([a, b, c, d]) as usize, rest)
        }
        [len @ 0..0xfe, ref rest @ ..] => (usize::from(len), rest),
        _ => return None,
    };
    let (unused, rest) = match (is_value, rest) {
        (true, [unused, rest @ ..]) => (usize::from(*unused), rest),
        (true, []) => return None,
        (false, rest) => (0, rest),
    };
    let (text, rest) = rest.split_at_checked(len)?;
    Some((text, rest.get(unused..)?))
}

/// Checks a zipmap in depth and returns its number of pairs, which is not 0, with the pairs.
pub fn check_zipmap(bytes: &[u8]) -> Result<(u64, Pairs<'_>), &'static str> {
    let [stored, body @ .., END] = bytes else { return Err("a zipmap without an end") };
    let (mut rest, mut count) = (body, 0);
    // Redis ends at the first end byte, even if more follows.
    while !matches!(rest, [] | [END, ..]) {
        let mut pairs = Pairs { rest };
        pairs.next().ok_or("a damaged pair in a zipmap")?;
        rest = pairs.rest;
        count += 1;
    }
    if count == 0 {
        return Err("a zipmap without pairs");
    }
    if *stored < 254 && u64::from(*stored) != count {
        return Err("a zipmap whose header has another number of pairs");
    }
    Ok((count, Pairs { rest: body }))
}

#[cfg(test)]
mod tests;
