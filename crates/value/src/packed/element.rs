//! One element: an integer or bytes, how it is encoded, and what it reads as. Knows nothing of the block around it.

use std::cmp::Ordering;

use crate::number::{IntText, parse_i64};

/// An element of a block.
///
/// Integers and bytes are different only in storage: `Int(12)` is the text `12`. `==` compares storage, which by
/// invariant 3 of the module is the same as comparing texts for elements that were made by [`Element::of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    /// A text that is a strictly spelled integer.
    Int(i64),
    /// Any other text.
    Bytes(&'a [u8]),
}

/// Room for an integer's digits, so that [`Element::text`] needs no allocation.
pub type Digits = Option<IntText>;

impl<'a> Element<'a> {
    /// The element for a text.
    pub fn of(text: &'a [u8]) -> Self {
        match text {
            // Most texts are told apart by one byte; nothing longer than 20 bytes is an integer.
            [b'0'..=b'9' | b'-', ..] if text.len() <= 20 => {
                parse_i64(text).map_or(Self::Bytes(text), Self::Int)
            }
            _ => Self::Bytes(text),
        }
    }

    /// The text; an integer's digits are written to `digits`.
    pub fn text<'t>(self, digits: &'t mut Digits) -> &'t [u8]
    where
        'a: 't,
    {
        match self {
            Self::Int(value) => digits.insert(IntText::new(value)).as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// Length of the text in bytes.
    pub fn len(self) -> usize {
        match self {
            Self::Int(value) => IntText::new(value).as_bytes().len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// Whether the text is empty.
    pub fn is_empty(self) -> bool {
        matches!(self, Self::Bytes([]))
    }

    /// Appends the text to `out`.
    pub fn append_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.text(&mut None));
    }

    /// The text in a vector of its own.
    pub fn to_vec(self) -> Vec<u8> {
        self.text(&mut None).to_vec()
    }

    /// Compares texts byte by byte, as memcmp and then length do.
    pub fn cmp_text(self, other: &[u8]) -> Ordering {
        self.text(&mut None).cmp(other)
    }

    /// Bytes that the element occupies in a block.
    pub fn encoded_len(self) -> usize {
        match self {
            Self::Int(value) => int_len(value) + 1,
            Self::Bytes(bytes) => text_encoded_len(bytes.len()),
        }
    }

    /// Appends the element as it stands in a block.
    pub(crate) fn encode(self, out: &mut Scratch) {
        // Most elements are short: their encoding, length and back length are a byte each.
        match self {
            Self::Int(value @ 0..=127) => {
                if let Some([encoding, back]) = out.next(2) {
                    (*encoding, *back) = (value as u8, 1);
                    return;
                }
            }
            Self::Bytes(bytes) if bytes.len() < 64 => {
                if let Some([header, text @ .., back]) = out.next(bytes.len() + 2) {
                    (*header, *back) = (0x80 | bytes.len() as u8, 1 + bytes.len() as u8);
                    text.copy_from_slice(bytes);
                    return;
                }
            }
            _ => {}
        }
        let body = self.encode_bare(out);
        out.extend(BackLength::of(body).as_bytes());
    }

    /// Appends the element without its back length. Returns how many bytes that were.
    #[inline]
    pub(crate) fn encode_bare(self, out: &mut Scratch) -> usize {
        if let Self::Bytes(bytes) = self
            && bytes.len() < 64
            && let Some([header, text @ ..]) = out.next(bytes.len() + 1)
        {
            *header = 0x80 | bytes.len() as u8;
            text.copy_from_slice(bytes);
            return bytes.len() + 1;
        }
        let start = out.len();
        match self {
            Self::Int(value) => encode_int(value, out),
            Self::Bytes(bytes) => {
                let (header, len) = text_header(bytes.len());
                out.extend(&header[..len]);
                out.extend(bytes);
            }
        }
        out.len() - start
    }

    /// An integer's bytes without its back length, and how many there are.
    #[inline]
    pub(crate) fn int_bytes(value: i64) -> ([u8; 9], usize) {
        let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
        let len = int_len(value);
        let bytes = match len {
            1 => [a, 0, 0, 0, 0, 0, 0, 0, 0],
            2 => [0xC0 | b & 0x1F, a, 0, 0, 0, 0, 0, 0, 0],
            3 => [0xF1, a, b, 0, 0, 0, 0, 0, 0],
            4 => [0xF2, a, b, c, 0, 0, 0, 0, 0],
            5 => [0xF3, a, b, c, d, 0, 0, 0, 0],
            _ => [0xF4, a, b, c, d, e, f, g, h],
        };
        (bytes, len)
    }

    /// As `encode_bare`. Returns how many bytes there were with the back length.
    #[inline]
    pub(crate) fn encode_spelled(self, out: &mut Scratch) -> usize {
        let body = self.encode_bare(out);
        body + back_len(body)
    }
}

fn int_len(value: i64) -> usize {
    match value {
        0..=127 => 1,
        -4096..=4095 => 2,
        -0x8000..=0x7FFF => 3,
        -0x80_0000..=0x7F_FFFF => 4,
        -0x8000_0000..=0x7FFF_FFFF => 5,
        _ => 9,
    }
}

fn encode_int(value: i64, out: &mut Scratch) {
    let (bytes, len) = Element::int_bytes(value);
    out.extend(&bytes[..len]);
}

/// Bytes that a text of `len` bytes occupies in a block.
pub(crate) fn text_encoded_len(len: usize) -> usize {
    let body = text_header_len(len) + len;
    body + back_len(body)
}

fn text_header_len(len: usize) -> usize {
    match len {
        0..=63 => 1,
        64..=4095 => 2,
        _ => 5,
    }
}

/// The bytes in front of a text of `len` bytes, and how many there are.
#[inline]
pub(crate) fn text_header(len: usize) -> ([u8; 5], usize) {
    let [a, b, c, d] = (len as u32).to_le_bytes();
    let header_len = text_header_len(len);
    let bytes = match header_len {
        1 => [0x80 | a, 0, 0, 0, 0],
        2 => [0xE0 | b, a, 0, 0, 0],
        _ => [0xF0, a, b, c, d],
    };
    (bytes, header_len)
}

/// Bytes of the back length of an element of `len` bytes. The limits are the listpack's own, one lower than 7-bit groups need.
pub(super) fn back_len(len: usize) -> usize {
    match len {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    }
}

/// The back length of an element.
pub(crate) struct BackLength {
    bytes: [u8; 5],
    len: usize,
}

impl BackLength {
    /// That of an element of so many bytes.
    #[inline]
    pub(crate) fn of(body: usize) -> Self {
        let mut back = Self { bytes: [body as u8, 0, 0, 0, 0], len: 1 };
        if body > 127 {
            back.len = back_len(body);
            for (at, byte) in back.bytes[..back.len].iter_mut().enumerate() {
                let more = if at == 0 { 0 } else { 0x80 };
                *byte = (body >> (7 * (back.len - 1 - at))) as u8 & 0x7F | more;
            }
        }
        back
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Writes what stands around a text of `len` bytes in a block, and has `fill` write the text: for one that does not lie in one piece. `fill` is given all that
/// is behind the header; what it writes behind the text must not count. Returns the bytes of the element.
#[inline]
pub(crate) fn put_text_around(out: &mut [u8], len: usize, fill: impl FnOnce(&mut [u8])) -> usize {
    if len < 64 {
        out[0] = 0x80 | len as u8;
        fill(&mut out[1..]);
        out[len + 1] = 1 + len as u8;
        return len + 2;
    }
    let (header, header_len) = text_header(len);
    out[..header_len].copy_from_slice(&header[..header_len]);
    fill(&mut out[header_len..]);
    let end = header_len + len;
    let back = BackLength::of(end);
    let back = back.as_bytes();
    out[end..end + back.len()].copy_from_slice(back);
    end + back.len()
}

/// Bytes on the stack while they are few: what is inserted into a block has to be contiguous first.
pub(crate) struct Scratch {
    short: [u8; Self::SHORT],
    len: usize,
    /// All bytes, once they are more than `short` holds.
    long: Vec<u8>,
}

impl Scratch {
    const SHORT: usize = 192;

    pub(crate) fn new() -> Self {
        Self { short: [0; Self::SHORT], len: 0, long: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Forgets all bytes.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.long.clear();
    }

    /// The next bytes, to be written by the caller, if there is room without an allocation.
    #[inline]
    fn next(&mut self, len: usize) -> Option<&mut [u8]> {
        if !self.long.is_empty() {
            return None;
        }
        let next = self.short.get_mut(self.len..self.len + len)?;
        self.len += len;
        Some(next)
    }

    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if self.long.is_empty() && end <= Self::SHORT {
            self.short[self.len..end].copy_from_slice(bytes);
        } else {
            if self.long.is_empty() {
                self.long.reserve(end + 16);
                self.long.extend_from_slice(&self.short[..self.len]);
            }
            self.long.extend_from_slice(bytes);
        }
        self.len = end;
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        if self.long.is_empty() { &self.short[..self.len] } else { &self.long }
    }
}

/// Reads the element at `at`: itself and where its back length begins. `None` if the bytes end before it does.
#[inline]
pub(crate) fn decode(bytes: &[u8], at: usize) -> Option<(Element<'_>, usize)> {
    let first = *bytes.get(at)?;
    let int = |data: &[u8]| {
        // Sign-extends: the highest byte is moved to the top and shifted back.
        let mut wide = [0; 8];
        wide[8 - data.len()..].copy_from_slice(data);
        i64::from_le_bytes(wide) >> (64 - 8 * data.len())
    };
    let string = |header: usize, len: usize| {
        let start = at + header;
        let end = start.checked_add(len)?;
        Some((Element::Bytes(bytes.get(start..end)?), end))
    };
    match first {
        0..=0x7F => Some((Element::Int(i64::from(first)), at + 1)),
        0x80..=0xBF => string(1, usize::from(first & 0x3F)),
        0xC0..=0xDF => {
            let value = i64::from(first & 0x1F) << 8 | i64::from(*bytes.get(at + 1)?);
            Some((Element::Int(value << 51 >> 51), at + 2))
        }
        0xE0..=0xEF => string(2, usize::from(first & 0x0F) << 8 | usize::from(*bytes.get(at + 1)?)),
        0xF0 => {
            let len = bytes.get(at + 1..at + 5)?.try_into().ok()?;
            string(5, u32::from_le_bytes(len) as usize)
        }
        0xF1 => Some((Element::Int(int(bytes.get(at + 1..at + 3)?)), at + 3)),
        0xF2 => Some((Element::Int(int(bytes.get(at + 1..at + 4)?)), at + 4)),
        0xF3 => Some((Element::Int(int(bytes.get(at + 1..at + 5)?)), at + 5)),
        0xF4 => Some((Element::Int(int(bytes.get(at + 1..at + 9)?)), at + 9)),
        0xF5..=0xFF => None,
    }
}

/// Where the element ends that begins at `at`, its back length included. Does not look at its data.
#[inline]
pub(super) fn skip(bytes: &[u8], at: usize) -> Option<usize> {
    let body = body_len(bytes, at)?;
    Some(at + body + back_len(body))
}

/// Bytes of the element that begins at `at`, its back length left out. Does not look at its data.
#[inline]
pub(super) fn body_len(bytes: &[u8], at: usize) -> Option<usize> {
    Some(match *bytes.get(at)? {
        0..=0x7F => 1,
        head @ 0x80..=0xBF => 1 + usize::from(head & 0x3F),
        0xC0..=0xDF => 2,
        head @ 0xE0..=0xEF => 2 + (usize::from(head & 0x0F) << 8 | usize::from(*bytes.get(at + 1)?)),
        0xF0 => 5 + u32::from_le_bytes(bytes.get(at + 1..at + 5)?.try_into().ok()?) as usize,
        0xF1 => 3,
        0xF2 => 4,
        0xF3 => 5,
        0xF4 => 9,
        0xF5..=0xFF => return None,
    })
}

/// Where the element begins that ends at `end`, read from its back length.
#[inline]
pub(super) fn skip_back(bytes: &[u8], end: usize) -> Option<usize> {
    let mut body = 0;
    for group in 0..5 {
        let byte = *bytes.get(end.checked_sub(group + 1)?)?;
        body |= usize::from(byte & 0x7F) << (7 * group);
        if byte & 0x80 == 0 {
            return end.checked_sub(group + 1 + body);
        }
    }
    None
}
