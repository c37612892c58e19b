//! The short form of a leaf that nothing is added to: its texts without what they all begin and end with, in 4, 5 or 6 bits a character.
//!
//! What is in lists mostly has few different bytes within a leaf: identifiers, UUIDs, digits behind a name, base64, words. Which leaves have this form is the
//! leaf's and the list's affair.
//!
//! | Module | Content |
//! |---|---|
//! | `bits` | texts to codes and back |
//! | `encode` | making the form of a block |
//! | `splice` | changing one element |
//!
//! ```text
//!   form     [ count u16 ][ length as a block u16 ][ bits u8 ][ symbols u8 ][ prefix u8 ][ suffix u8 ]
//!            [ symbols ][ prefix ][ suffix ][ mark u16 ] ... [ element ][ element ] ...
//!   element  [ integer as in a block ]  or  [ 10xxxxxx ][ codes ]  or  [ 1110xxxx x8 ][ codes ]
//! ```
//! A text's header has the number of its characters between prefix and suffix; their codes fill whole bytes. There are no back lengths. A mark is the
//! offset of every 32nd element but the first, so that an index costs at most 31 steps.
//!
//! Invariants ([`Coded::check`]):
//!  1. It has an element, and the count and the length of the block that [`Coded::append_block`] makes. That block has at most
//!     [`LEAF_BYTES`](super::large::LEAF_BYTES) bytes and [`LEAF_COUNT`](super::large::LEAF_COUNT) elements.
//!  2. Symbols ascend and are at most 2 to the power of `bits`; bits left over are zero. So equal texts are equal bytes within a leaf.
//!  3. Its size class is below the block's, but where texts were replaced by others that need as many bytes here.
//!
//! A change of one element may leave symbols that no text has any more.

mod bits;
mod encode;
mod splice;
#[cfg(test)]
mod tests;

pub(super) use encode::{COUNT_MIN, encode};
pub(super) use splice::splice;

use bits::{Affix, NO_CODE, SYMBOLS_MAX, Symbols, packed_len, put_codes, put_text};
use encode::{put_header, put_int};

use crate::packed::{self, Element, HEADER};

/// Bytes before the symbols.
const HEAD: usize = 8;

/// Bytes that may be written behind a text.
const SLACK: usize = 16;

/// Elements from one mark to the next.
const MARK_EVERY: usize = 32;

/// The form to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coded<'a> {
    bytes: &'a [u8],
}

/// What stands before the elements.
struct Head<'a> {
    bits: usize,
    symbols: &'a [u8],
    prefix: Affix<'a>,
    suffix: Affix<'a>,
    /// Offset of the marks.
    marks: usize,
    /// Offset of the first element.
    body: usize,
}

impl Head<'_> {
    /// The symbols by code.
    fn table(&self) -> Symbols {
        let mut table = [0; SYMBOLS_MAX];
        table[..self.symbols.len()].copy_from_slice(self.symbols);
        table
    }

    /// Writes a text, and up to [`SLACK`] bytes more.
    #[inline]
    fn put_text(&self, bytes: &[u8], codes: usize, chars: usize, symbols: &Symbols, out: &mut [u8]) {
        let prefix = self.prefix.len();
        self.prefix.put(out);
        put_text(self.bits, bytes, codes, chars, symbols, &mut out[prefix..]);
        self.suffix.put(&mut out[prefix + chars..]);
    }
}

/// Makes room for so many bytes.
#[inline]
fn grow(text: &mut Vec<u8>, len: usize) {
    if text.len() < len {
        text.resize(len.next_power_of_two().max(128), 0);
    }
}

/// What an element is made of.
enum Part {
    Int(i64),
    /// So many characters, whose codes begin there.
    Text(usize, usize),
}

/// Where the element at `at` ends, and what it is made of.
#[inline]
fn part(bytes: &[u8], at: usize, bits: usize) -> Option<(Part, usize)> {
    let (chars, codes) = match *bytes.get(at)? {
        first @ 0x80..=0xBF => (usize::from(first & 0x3F), at + 1),
        first @ 0xE0..=0xEF => (usize::from(first & 0x0F) << 8 | usize::from(*bytes.get(at + 1)?), at + 2),
        _ => {
            let (Element::Int(value), end) = packed::decode(bytes, at)? else { return None };
            return Some((Part::Int(value), end));
        }
    };
    Some((Part::Text(chars, codes), codes + packed_len(chars, bits)))
}

/// Where the element at `at` ends.
#[inline]
fn skip(bytes: &[u8], at: usize, bits: usize) -> Option<usize> {
    match *bytes.get(at)? {
        first @ 0x80..=0xBF => Some(at + 1 + packed_len(usize::from(first & 0x3F), bits)),
        _ => part(bytes, at, bits).map(|(_, end)| end),
    }
}

impl<'a> Coded<'a> {
    /// Views what [`encode`] made.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    fn u16_at(self, at: usize) -> usize {
        match self.bytes.get(at..at + 2) {
            Some(&[low, high]) => usize::from(u16::from_le_bytes([low, high])),
            _ => 0,
        }
    }

    /// Number of elements.
    pub(super) fn count(self) -> usize {
        self.u16_at(0)
    }

    /// Length of the block with the same elements.
    pub(super) fn block_len(self) -> usize {
        self.u16_at(2)
    }

    fn head(self) -> Head<'a> {
        let &[_, _, _, _, bits, symbols, prefix, suffix, ref rest @ ..] = self.bytes else {
            unreachable!("invariant 1: encoded here")
        };
        let (symbols, rest) = rest.split_at(usize::from(symbols));
        let (prefix, rest) = rest.split_at(usize::from(prefix));
        let (suffix, rest) = rest.split_at(usize::from(suffix));
        let marks = self.bytes.len() - rest.len();
        let body = marks + 2 * (self.count().saturating_sub(1) / MARK_EVERY);
        let (prefix, suffix) = (Affix::new(prefix), Affix::new(suffix));
        Head { bits: usize::from(bits), symbols, prefix, suffix, marks, body }
    }

    /// Where the element with an index begins; the end for the number of elements.
    fn position(self, head: &Head<'_>, index: usize) -> Option<usize> {
        let mark = index.min(self.count() - 1) / MARK_EVERY;
        let mut at = if mark == 0 { head.body } else { self.u16_at(head.marks + 2 * (mark - 1)) };
        for _ in mark * MARK_EVERY..index {
            at = skip(self.bytes, at, head.bits)?;
        }
        Some(at)
    }

    /// The elements from an index on. Their texts are put together in `text`, one at a time.
    pub(super) fn walk_from<'t>(self, index: usize, text: &'t mut Vec<u8>) -> Walk<'a, 't> {
        let head = self.head();
        let at = self.position(&head, index).unwrap_or(self.bytes.len());
        let symbols = head.table();
        grow(text, head.prefix.len() + 8);
        head.prefix.put(text);
        Walk { bytes: self.bytes, at, head, symbols, text }
    }

    /// Appends the elements as a block has them, without its count.
    pub(super) fn append_body(self, out: &mut Vec<u8>) {
        let head = self.head();
        let symbols = head.table();
        let (mut at, mut to, end) = (head.body, out.len(), out.len() + self.block_len() - HEADER);
        // Room for what is written behind a text.
        out.reserve_exact(end + SLACK - to);
        out.resize(end + SLACK, 0);
        while let Some((part, next)) = part(self.bytes, at, head.bits) {
            match part {
                Part::Int(_) => {
                    let len = next - at;
                    out[to..to + len].copy_from_slice(&self.bytes[at..next]);
                    // The back length of at most nine bytes.
                    out[to + len] = len as u8;
                    to += len + 1;
                }
                Part::Text(chars, codes) => {
                    let len = chars + head.prefix.len() + head.suffix.len();
                    to += packed::put_text_around(&mut out[to..], len, |out| {
                        head.put_text(self.bytes, codes, chars, &symbols, out);
                    });
                }
            }
            at = next;
        }
        out.truncate(end);
    }

    /// Appends the block with the same elements.
    pub(super) fn append_block(self, out: &mut Vec<u8>) {
        out.reserve(self.block_len() + SLACK);
        out.extend_from_slice(&self.bytes[..HEADER]);
        self.append_body(out);
    }

    /// Shows the indexes of the elements with this text in ascending order, until `visit` returns false. `scratch` is for the text as it stands here.
    pub(super) fn matches(
        self,
        wanted: Element,
        scratch: &mut Vec<u8>,
        mut visit: impl FnMut(usize) -> bool,
    ) {
        let head = self.head();
        if !spell(&head, wanted, scratch) {
            return;
        }
        let mut at = head.body;
        for index in 0..self.count() {
            if self.bytes[at..].starts_with(scratch) && !visit(index) {
                return;
            }
            let Some(end) = skip(self.bytes, at, head.bits) else { return };
            at = end;
        }
    }

    /// Verifies the invariants and panics with the broken one.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn check(self) {
        let mut block = Vec::new();
        self.append_block(&mut block);
        assert_eq!(packed::validate(&block), Ok(()), "invariant 1");
        assert_eq!(block.len(), self.block_len(), "invariant 1: length");
        let head = self.head();
        let (mut at, mut spelled) = (head.body, Vec::new());
        for (index, (_, element)) in packed::Packed::new(&block).iter().enumerate() {
            assert_eq!(self.position(&head, index), Some(at), "marks");
            assert!(spell(&head, element, &mut spelled), "invariant 2: symbols");
            assert!(self.bytes[at..].starts_with(&spelled), "invariant 2: one spelling");
            at += spelled.len();
        }
        assert_eq!(at, self.bytes.len(), "invariant 1: elements");
        assert!(head.symbols.is_sorted_by(|a, b| a < b), "invariant 2: order");
        assert!(head.symbols.len() <= 1 << head.bits && self.count() > 0, "invariants 1 and 2");
    }
}

/// Makes `out` the bytes that an element has in a leaf with that head. False if the leaf cannot have it.
fn spell(head: &Head<'_>, element: Element, out: &mut Vec<u8>) -> bool {
    let len = match element {
        Element::Int(value) => {
            grow(out, 16);
            Some(put_int(value, out))
        }
        Element::Bytes(text) => spell_text(head, text, out),
    };
    out.truncate(len.unwrap_or(0));
    len.is_some()
}

fn spell_text(head: &Head<'_>, text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let middle = text.strip_prefix(head.prefix.bytes())?.strip_suffix(head.suffix.bytes())?;
    if middle.len() >= 1 << 12 {
        return None;
    }
    let mut codes = [NO_CODE; 256];
    head.symbols.iter().zip(0..).for_each(|(&symbol, code)| codes[usize::from(symbol)] = code);
    grow(out, middle.len() + SLACK);
    let header = put_header(middle.len(), out);
    Some(header + put_codes(head.bits, middle, &codes, &mut out[header..])?)
}

/// The elements of a part of a leaf.
pub(super) struct Walk<'a, 't> {
    bytes: &'a [u8],
    at: usize,
    head: Head<'a>,
    symbols: Symbols,
    /// Begins with the prefix.
    text: &'t mut Vec<u8>,
}

impl Walk<'_, '_> {
    /// The next element, whose text is there until the next call.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Element<'_>> {
        let (part, end) = part(self.bytes, self.at, self.head.bits)?;
        self.at = end;
        Some(match part {
            Part::Int(value) => Element::Int(value),
            Part::Text(chars, codes) => {
                let prefix = self.head.prefix.len();
                let len = prefix + chars + self.head.suffix.len();
                grow(self.text, len + SLACK);
                put_text(self.head.bits, self.bytes, codes, chars, &self.symbols, &mut self.text[prefix..]);
                self.head.suffix.put(&mut self.text[prefix + chars..]);
                Element::Bytes(&self.text[..len])
            }
        })
    }
}
