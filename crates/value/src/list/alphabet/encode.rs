//! Making the short form of a block: what its texts have in common, which symbols they are made of, and whether that is worth it.
//!
//! The first few elements tell what to expect of the others: texts of too many symbols are found out there, and else they are encoded in the
//! same pass in which it shows that the rest is like them. If it is not, a second one looks at all of them before.

use std::sync::Arc;

use super::bits::{Affix, Codes, NO_CODE, bits_for, put_codes};
use super::{HEAD, MARK_EVERY};
use crate::list::large::LEAF_BYTES;
use crate::packed::{Element, HEADER, Packed, size_class, text_header};
use crate::room::ARC_HEADER;

/// Fewest elements of a leaf: with fewer, what could be saved is the time spent on it.
pub(in crate::list) const COUNT_MIN: usize = 8;

/// So many elements are looked at first.
const SAMPLE: usize = 16;

/// Most bytes of what texts have in common at either end.
const AFFIX_MAX: usize = u8::MAX as usize;

/// The short form of a block, `None` if it would not save a size class.
pub(in crate::list) fn encode(block: &[u8]) -> Option<Arc<[u8]>> {
    let packed = Packed::new(block);
    if packed.count() < COUNT_MIN || block.len() > LEAF_BYTES {
        return None;
    }
    let elements = packed.iter().map(|(_, element)| element);
    // More elements have no less symbols and no more in common, and mostly just as many.
    let sample = Survey::of(elements.clone().take(SAMPLE))?;
    let form = match sample.encode(packed) {
        Some(form) => form,
        None => Survey::of(elements)?.encode(packed)?,
    };
    (size_class(form.len() + ARC_HEADER) < size_class(block.len())).then(|| Arc::from(form))
}

/// Writes an integer as a block has it, without its back length. Returns its length.
pub(super) fn put_int(value: i64, out: &mut [u8]) -> usize {
    let (bytes, len) = Element::int_bytes(value);
    out[..len].copy_from_slice(&bytes[..len]);
    len
}

/// Writes the header of a text of so many characters, fewer than 4096. Returns its length.
#[inline]
pub(super) fn put_header(chars: usize, out: &mut [u8]) -> usize {
    if chars < 64 {
        out[0] = 0x80 | chars as u8;
        return 1;
    }
    let (header, len) = text_header(chars);
    out[..len].copy_from_slice(&header[..len]);
    len
}

/// What is known of elements before they are encoded.
struct Survey<'a> {
    /// What all texts begin with.
    prefix: Affix<'a>,
    /// What all texts end with, behind the prefix.
    suffix: Affix<'a>,
    codes: Codes,
    /// The symbols, ascending, as many as `count` says.
    symbols: [u8; 256],
    count: usize,
    bits: usize,
}

impl<'a> Survey<'a> {
    /// `None` if there are too many symbols.
    fn of(elements: impl Iterator<Item = Element<'a>> + Clone) -> Option<Self> {
        let (prefix, suffix) = affixes(elements.clone());
        let mut seen = [false; 256];
        for element in elements {
            if let Element::Bytes(text) = element {
                let middle = &text[prefix.len()..text.len() - suffix.len()];
                middle.iter().for_each(|&symbol| seen[usize::from(symbol)] = true);
            }
        }
        let (mut codes, mut symbols, mut count) = ([NO_CODE; 256], [0; 256], 0);
        // Without branches, since no processor foresees which symbols there are.
        for (symbol, (code, is_seen)) in (0..=255).zip(codes.iter_mut().zip(seen)) {
            symbols[count & 0xFF] = symbol;
            *code = if is_seen { count as u8 } else { NO_CODE };
            count += usize::from(is_seen);
        }
        let bits = bits_for(count)?;
        let (prefix, suffix) = (Affix::new(prefix), Affix::new(suffix));
        Some(Self { prefix, suffix, codes, symbols, count, bits })
    }

    /// The short form of a block. `None` if an element does not have the common beginning and end or is not made of the symbols.
    fn encode(&self, block: Packed<'_>) -> Option<Vec<u8>> {
        let (prefix, suffix) = (self.prefix.len(), self.suffix.len());
        let marks_at = HEAD + self.count + prefix + suffix;
        let mut at = marks_at + 2 * ((block.count() - 1) / MARK_EVERY);
        // No element is longer than in the block. A word more, which is written behind the last codes.
        let mut out = vec![0; at + block.bytes().len() + 8];
        out[..HEADER].copy_from_slice(&block.bytes()[..HEADER]);
        out[HEADER..4].copy_from_slice(&(block.bytes().len() as u16).to_le_bytes());
        out[4..HEAD].copy_from_slice(&[self.bits, self.count, prefix, suffix].map(|n| n as u8));
        let head = [&self.symbols[..self.count], self.prefix.bytes(), self.suffix.bytes()];
        head.iter().fold(HEAD, |at, part| {
            out[at..at + part.len()].copy_from_slice(part);
            at + part.len()
        });
        let (bytes, mut from, mut index) = (block.bytes(), block.start(), 0);
        while from < bytes.len() {
            if index % MARK_EVERY == 0 && index > 0 {
                let mark = marks_at + 2 * (index / MARK_EVERY - 1);
                out[mark..mark + 2].copy_from_slice(&(at as u16).to_le_bytes());
            }
            index += 1;
            // The common case costs a fourth less if it does not go through an element.
            if let first @ 0x80..=0xBF = bytes[from] {
                let end = from + 1 + usize::from(first & 0x3F);
                at += self.put_text(&bytes[from + 1..end], &mut out[at..])?;
                from = end + 1;
                continue;
            }
            let element = block.get(from)?;
            at += match element {
                Element::Int(value) => put_int(value, &mut out[at..]),
                Element::Bytes(text) => self.put_text(text, &mut out[at..])?,
            };
            from += element.encoded_len();
        }
        out.truncate(at);
        Some(out)
    }

    /// Writes a text. Returns its length here.
    #[inline]
    fn put_text(&self, text: &[u8], out: &mut [u8]) -> Option<usize> {
        let prefix = self.prefix.len();
        let end = text.len().checked_sub(self.suffix.len()).filter(|&end| end >= prefix)?;
        if !self.prefix.stands_at(text, 0) || !self.suffix.stands_at(text, end) {
            return None;
        }
        let header = put_header(end - prefix, out);
        Some(header + put_codes(self.bits, &text[prefix..end], &self.codes, &mut out[header..])?)
    }
}

/// What all texts begin and end with. The two do not overlap in any of them.
fn affixes<'a>(elements: impl Iterator<Item = Element<'a>>) -> (&'a [u8], &'a [u8]) {
    let mut texts = elements.filter_map(|element| match element {
        Element::Bytes(text) => Some(text),
        Element::Int(_) => None,
    });
    let Some(first) = texts.next() else { return (&[], &[]) };
    let mut prefix = &first[..first.len().min(AFFIX_MAX)];
    let mut suffix = &first[first.len() - prefix.len()..];
    let mut shortest = first.len();
    for text in texts {
        let same = |(a, b): &(&u8, &u8)| a == b;
        prefix = &prefix[..prefix.iter().zip(text).take_while(same).count()];
        let ends = suffix.iter().rev().zip(text.iter().rev()).take_while(same).count();
        suffix = &suffix[suffix.len() - ends..];
        shortest = shortest.min(text.len());
    }
    (prefix, &suffix[suffix.len().saturating_sub(shortest - prefix.len())..])
}
