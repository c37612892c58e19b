//! Making the short form of a block: what its texts have in common, which symbols they are made of, and whether that is worth it.
//!
//! Most of the time goes into looking at every character twice. Texts of too many symbols are found out by the first few, so that
//! a leaf of random bytes costs a tenth of a microsecond.

use std::sync::Arc;

use super::bits::{Codes, NO_CODE, append_codes, bits_for};
use super::{HEAD, MARK_EVERY};
use crate::list::large::LEAF_BYTES;
use crate::packed::{Element, HEADER, Packed, Scratch, size_class, text_header_len};
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
    // More elements have no less symbols and no more in common.
    Survey::of(elements.clone().take(SAMPLE))?;
    let survey = Survey::of(elements.clone())?;
    let class = size_class(block.len());
    let marks = (packed.count() - 1) / MARK_EVERY;
    let head = HEAD + survey.symbols + survey.prefix.len() + survey.suffix.len() + 2 * marks;
    let least = head + survey.fixed + survey.chars * survey.bits / 8;
    if size_class(least + ARC_HEADER) >= class {
        return None;
    }
    // Room for the bytes that texts fill only in part, and for a word behind the last one.
    let mut out = Vec::with_capacity(least + packed.count() + 8);
    out.extend_from_slice(&block[..HEADER]);
    out.extend_from_slice(&(block.len() as u16).to_le_bytes());
    let (prefix, suffix) = (survey.prefix, survey.suffix);
    out.extend_from_slice(&[survey.bits as u8, survey.symbols as u8, prefix.len() as u8, suffix.len() as u8]);
    out.extend((0..=255).filter(|&symbol| survey.codes[usize::from(symbol)] != NO_CODE));
    out.extend_from_slice(prefix);
    out.extend_from_slice(suffix);
    let marks_at = out.len();
    out.resize(head, 0);
    for (index, element) in elements.enumerate() {
        if index > 0 && index % MARK_EVERY == 0 {
            let (mark, at) = (marks_at + 2 * (index / MARK_EVERY - 1), out.len() as u16);
            out[mark..mark + 2].copy_from_slice(&at.to_le_bytes());
        }
        match element {
            Element::Int(_) => append_int(element, &mut out),
            Element::Bytes(text) => {
                let text = &text[prefix.len()..text.len() - suffix.len()];
                append_header(text.len(), &mut out);
                append_codes(survey.bits, text, &survey.codes, &mut out);
            }
        }
    }
    (size_class(out.len() + ARC_HEADER) < class).then(|| Arc::from(out))
}

/// Appends an integer as a block has it, without its back length.
pub(super) fn append_int(element: Element, out: &mut Vec<u8>) {
    let mut scratch = Scratch::new();
    element.encode(&mut scratch);
    if let [integer @ .., _] = scratch.as_bytes() {
        out.extend_from_slice(integer);
    }
}

/// Appends the header of a text of so many characters, fewer than 4096.
#[inline]
pub(super) fn append_header(chars: usize, out: &mut Vec<u8>) {
    if chars < 64 {
        out.push(0x80 | chars as u8);
    } else {
        out.extend_from_slice(&[0xE0 | (chars >> 8) as u8, chars as u8]);
    }
}

/// What is known of a block's elements before they are encoded.
struct Survey<'a> {
    /// What all texts begin with.
    prefix: &'a [u8],
    /// What all texts end with, behind the prefix.
    suffix: &'a [u8],
    codes: Codes,
    symbols: usize,
    bits: usize,
    /// Characters between prefix and suffix.
    chars: usize,
    /// Bytes of all else: headers and integers.
    fixed: usize,
}

impl<'a> Survey<'a> {
    /// `None` if there are too many symbols.
    fn of(elements: impl Iterator<Item = Element<'a>> + Clone) -> Option<Self> {
        let (prefix, suffix) = affixes(elements.clone());
        let affixes = prefix.len() + suffix.len();
        let mut seen = [false; 256];
        let (mut chars, mut fixed) = (0, 0);
        for element in elements {
            match element {
                Element::Int(_) => fixed += element.encoded_len() - 1,
                Element::Bytes(text) => {
                    let text = &text[prefix.len()..text.len() - suffix.len()];
                    text.iter().for_each(|&symbol| seen[usize::from(symbol)] = true);
                    chars += text.len();
                    fixed += text_header_len(text.len());
                }
            }
        }
        let symbols = seen.iter().filter(|&&is_seen| is_seen).count();
        let bits = bits_for(symbols)?;
        let mut codes = [NO_CODE; 256];
        let of_seen = codes.iter_mut().zip(seen).filter(|&(_, is_seen)| is_seen);
        of_seen.zip(0..).for_each(|((code, _), next)| *code = next);
        debug_assert!(affixes <= 2 * AFFIX_MAX);
        Some(Self { prefix, suffix, codes, symbols, bits, chars, fixed })
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
