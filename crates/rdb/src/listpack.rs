//! Listpacks: what small collections, list nodes and stream nodes are spelled as. Checks them, walks them, builds
//! them; knows no object type.
//!
//! ```text
//!  total bytes: u32 le | elements: u16 le (65535: count them) | element* | ff
//!  element: encoding and data | length of that, backwards ("backlen")
//!
//!  0vvvvvvv                     integer 0 to 127
//!  10llllll bytes               string of up to 63 bytes
//!  110vvvvv vvvvvvvv            integer of 13 bits, signed
//!  1110llll llllllll bytes      string of up to 4095 bytes
//!  f0 u32 le, bytes             longer string
//!  f1 f2 f3 f4                  integer of 16, 24, 32, 64 bits, le, follows
//! ```
//!
//! The *body* is the elements without header and end. What the checks accept is what Redis's own deep check accepts;
//! it leaves some room (an integer spelled wider than needed, or as text), so a checked listpack also tells whether
//! it is [canonical](Checked::canonical): the bytes that Redis would write.

use crate::element::Element;

/// Bytes of header and end around a body.
pub const FRAME: usize = 7;

/// Bytes before the body.
const HEADER: usize = 6;

const END: u8 = 0xff;

/// The count that says nothing.
const COUNT_UNKNOWN: u16 = u16::MAX;

/// A listpack that has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked<'a> {
    /// Its elements.
    pub body: &'a [u8],
    /// How many there are.
    pub count: u64,
    /// Whether each element is spelled as Redis spells it, so that equal elements have equal bytes.
    pub canonical: bool,
}

impl<'a> Checked<'a> {
    /// The elements in order.
    pub fn iter(&self) -> Iter<'a> {
        Iter { rest: self.body }
    }
}

/// Checks a whole listpack in depth. What is wrong is told as a message's end.
pub fn check(listpack: &[u8]) -> Result<Checked<'_>, &'static str> {
    let (header, rest) =
        listpack.split_first_chunk::<HEADER>().ok_or("a listpack shorter than its header")?;
    let [a, b, c, d, e, f] = *header;
    let (end, body) = rest.split_last().ok_or("a listpack without an end")?;
    if u32::from_le_bytes([a, b, c, d]) as usize != listpack.len() {
        return Err("a listpack whose header has another length");
    }
    if *end != END {
        return Err("a listpack without an end");
    }
    let (mut rest, mut count, mut canonical) = (body, 0, true);
    while !rest.is_empty() {
        // Backlens may be read back into what stands before, as Redis does.
        let before = &listpack[..listpack.len() - 1 - rest.len()];
        let (_, exact, tail) = entry(before, rest).ok_or("a damaged element in a listpack")?;
        canonical &= exact;
        count += 1;
        rest = tail;
    }
    let stored = u16::from_le_bytes([e, f]);
    if stored != COUNT_UNKNOWN && u64::from(stored) != count {
        return Err("a listpack whose header has another number of elements");
    }
    canonical &= u64::from(stored) == count.min(u64::from(COUNT_UNKNOWN));
    Ok(Checked { body, count, canonical })
}

/// The elements of a body. Ends early at a damaged element, so give it checked bytes.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iter<'a> {
    /// Over a body.
    pub fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    /// What has not been walked yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (element, size) = decode(self.rest)?;
        self.rest = self.rest.get(size + backlen_size(size)..)?;
        Some(element)
    }
}

/// An element with the bytes of encoding and data.
#[inline]
fn decode(bytes: &[u8]) -> Option<(Element<'_>, usize)> {
    let text = |from: usize, len: usize| {
        Some((Element::Bytes(bytes.get(from..from.checked_add(len)?)?), from + len))
    };
    match *bytes {
        [value @ 0..=0x7f, ..] => Some((Element::Int(i64::from(value)), 1)),
        [head @ 0x80..=0xbf, ..] => text(1, usize::from(head & 0x3f)),
        [head @ 0xc0..=0xdf, low, ..] => {
            let value = i16::from(head & 0x1f) << 8 | i16::from(low);
            Some((Element::Int(i64::from(value << 3 >> 3)), 2))
        }
        [head @ 0xe0..=0xef, low, ..] => text(2, usize::from(head & 0x0f) << 8 | usize::from(low)),
        [0xf0, a, b, c, d, ..] => text(5, u32::from_le_bytes([a, b, c, d]) as usize),
        [0xf1, a, b, ..] => Some((Element::Int(i64::from(i16::from_le_bytes([a, b]))), 3)),
        [0xf2, a, b, c, ..] => Some((Element::Int(i64::from(i32::from_le_bytes([0, a, b, c]) >> 8)), 4)),
        [0xf3, a, b, c, d, ..] => Some((Element::Int(i64::from(i32::from_le_bytes([a, b, c, d]))), 5)),
        [0xf4, a, b, c, d, e, f, g, h, ..] => {
            Some((Element::Int(i64::from_le_bytes([a, b, c, d, e, f, g, h])), 9))
        }
        _ => None,
    }
}

/// The element at the start of `rest`, whether it is spelled canonically, and what follows it.
fn entry<'a>(before: &[u8], rest: &'a [u8]) -> Option<(Element<'a>, bool, &'a [u8])> {
    let (element, size) = decode(rest)?;
    let whole = size + backlen_size(size);
    let spelled = rest.get(..whole)?;
    let mut expected = [0; 5];
    let exact = spelled.get(size..)? == backlen(size, &mut expected);
    if !exact && backlen_decoded(before, spelled) != Some(size) {
        return None;
    }
    let shortest = match element {
        Element::Int(value) => size == int_size(value),
        Element::Bytes(text) => {
            size == text_head_size(text.len()) + text.len() && element.normal() == element
        }
    };
    Some((element, exact && shortest, rest.get(whole..)?))
}

/// The backlen that ends with `spelled`, read as Redis reads it: backwards, until a byte without the high bit.
fn backlen_decoded(before: &[u8], spelled: &[u8]) -> Option<usize> {
    let mut value = 0u64;
    for (i, &byte) in spelled.iter().rev().chain(before.iter().rev()).take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return usize::try_from(value).ok();
        }
    }
    None
}

fn backlen_size(size: usize) -> usize {
    match size {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

fn backlen(size: usize, space: &mut [u8; 5]) -> &[u8] {
    let count = backlen_size(size);
    for (i, byte) in space[..count].iter_mut().enumerate() {
        let group = (size >> (7 * (count - 1 - i))) as u8 & 0x7f;
        *byte = if i == 0 { group } else { group | 0x80 };
    }
    &space[..count]
}

fn int_size(value: i64) -> usize {
    match value {
        0..=127 => 1,
        -4096..=4095 => 2,
        -32_768..=32_767 => 3,
        -8_388_608..=8_388_607 => 4,
        -2_147_483_648..=2_147_483_647 => 5,
        _ => 9,
    }
}

fn text_head_size(len: usize) -> usize {
    match len {
        0..64 => 1,
        64..4096 => 2,
        _ => 5,
    }
}

/// A body under construction.
#[derive(Clone, Debug, Default)]
pub struct Body {
    bytes: Vec<u8>,
    count: u64,
}

impl Body {
    /// Without elements.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an element, in the spelling that Redis chooses. Must be shorter than 4 GiB.
    pub fn push(&mut self, element: Element<'_>) {
        match element.normal() {
            Element::Int(value) => self.push_int(value),
            Element::Bytes(text) => self.push_text(text),
        }
    }

    /// Appends a score as Redis does: an integer if it is one, else its digits, in the style of the version:
    /// 17 digits up to 10, from 11 on the fewest that read back equal.
    pub fn push_score(&mut self, score: f64, version: u16) {
        // Half the range of 64 bits, as in Redis; there every double is an integer.
        const WHOLE_MAX: f64 = (i64::MAX / 2) as f64;
        if (-WHOLE_MAX..=WHOLE_MAX).contains(&score) && score == (score as i64) as f64 {
            return self.push_int(score as i64);
        }
        let mut text = Vec::with_capacity(32);
        if version < 11 {
            value::number::append_f64_fixed17(&mut text, score);
        } else {
            value::number::append_f64_shortest(&mut text, score);
        }
        self.push_text(&text);
    }

    fn push_int(&mut self, value: i64) {
        let size = int_size(value);
        match size {
            1 => self.bytes.push(value as u8),
            2 => self.bytes.extend_from_slice(&[0xc0 | (value >> 8) as u8 & 0x1f, value as u8]),
            _ => {
                self.bytes.push(match size {
                    3 => 0xf1,
                    4 => 0xf2,
                    5 => 0xf3,
                    _ => 0xf4,
                });
                self.bytes.extend_from_slice(&value.to_le_bytes()[..size - 1]);
            }
        }
        self.end_element(size);
    }

    fn push_text(&mut self, text: &[u8]) {
        let len = text.len();
        match text_head_size(len) {
            1 => self.bytes.push(0x80 | len as u8),
            2 => self.bytes.extend_from_slice(&[0xe0 | (len >> 8) as u8, len as u8]),
            _ => {
                self.bytes.push(0xf0);
                self.bytes.extend_from_slice(&(len as u32).to_le_bytes());
            }
        }
        self.bytes.extend_from_slice(text);
        self.end_element(text_head_size(len) + len);
    }

    fn end_element(&mut self, size: usize) {
        self.bytes.extend_from_slice(backlen(size, &mut [0; 5]));
        self.count += 1;
    }

    /// Appends the elements of another body.
    pub fn append(&mut self, other: &Body) {
        self.bytes.extend_from_slice(&other.bytes);
        self.count += other.count;
    }

    /// The elements' bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many elements there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Removes all elements and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }
}

/// Bytes that an element takes in a body.
pub fn encoded_size(element: Element<'_>) -> usize {
    let size = match element.normal() {
        Element::Int(value) => int_size(value),
        Element::Bytes(text) => text_head_size(text.len()) + text.len(),
    };
    size + backlen_size(size)
}

/// What stands before a body: total length and number of elements.
pub(crate) fn header(body: &[u8], count: u64) -> [u8; HEADER] {
    let [a, b, c, d] = ((body.len() + FRAME) as u32).to_le_bytes();
    let [e, f] = u16::try_from(count).unwrap_or(COUNT_UNKNOWN).to_le_bytes();
    [a, b, c, d, e, f]
}

/// Appends a whole listpack. The body must be shorter than 4 GiB less [`FRAME`].
pub fn append(out: &mut Vec<u8>, body: &[u8], count: u64) {
    out.extend_from_slice(&header(body, count));
    out.extend_from_slice(body);
    out.push(END);
}

#[cfg(test)]
mod tests;
