//! Texts in 4, 5 or 6 bits a character: characters to codes and back, eight at a time. Knows nothing of elements.
//!
//! Eight characters are a group. Whatever the bits, a group fills whole bytes: as many as a character has bits. The first character lies lowest; what
//! the last group leaves of its last byte is zero, so that equal texts are equal bytes.

/// Characters of a group.
const GROUP: usize = 8;

/// Most bits of a character.
const BITS_MAX: usize = 6;

/// Most symbols that codes tell apart.
pub(super) const SYMBOLS_MAX: usize = 1 << BITS_MAX;

/// The symbols by code.
pub(super) type Symbols = [u8; SYMBOLS_MAX];

/// The codes by symbol, [`NO_CODE`] for what is no symbol.
pub(super) type Codes = [u8; 256];

/// No symbol has this code.
pub(super) const NO_CODE: u8 = 0xFF;

/// The bits that so many symbols need, if there are few enough.
pub(super) fn bits_for(symbols: usize) -> Option<usize> {
    match symbols {
        0..=16 => Some(4),
        17..=32 => Some(5),
        33..=SYMBOLS_MAX => Some(6),
        _ => None,
    }
}

/// Bytes of so many characters.
#[inline]
pub(super) fn packed_len(chars: usize, bits: usize) -> usize {
    (chars * bits).div_ceil(8)
}

/// Appends the codes of a text, all of whose characters must be symbols.
#[inline]
pub(super) fn append_codes(bits: usize, text: &[u8], codes: &Codes, out: &mut Vec<u8>) {
    match bits {
        4 => append::<4>(text, codes, out),
        5 => append::<5>(text, codes, out),
        _ => append::<BITS_MAX>(text, codes, out),
    }
}

#[inline]
fn append<const BITS: usize>(text: &[u8], codes: &Codes, out: &mut Vec<u8>) {
    let join = |group: &[u8]| {
        group.iter().enumerate().fold(0, |word, (at, &symbol)| {
            let code = codes[usize::from(symbol)] & ((1 << BITS) - 1);
            word | u64::from(code) << (at * BITS)
        })
    };
    let (groups, rest) = text.as_chunks::<GROUP>();
    for group in groups {
        out.extend_from_slice(&join(group).to_le_bytes()[..BITS]);
    }
    if !rest.is_empty() {
        // The whole word is cheaper to append than a part of it whose size is not known.
        out.extend_from_slice(&join(rest).to_le_bytes());
        out.truncate(out.len() - (8 - packed_len(rest.len(), BITS)));
    }
}

/// Appends the text of so many characters whose codes begin at `at`. What lies behind them is read and passed over.
#[inline]
pub(super) fn append_text(
    bits: usize,
    bytes: &[u8],
    at: usize,
    chars: usize,
    symbols: &Symbols,
    out: &mut Vec<u8>,
) {
    match bits {
        4 => expand::<4>(bytes, at, chars, symbols, out),
        5 => expand::<5>(bytes, at, chars, symbols, out),
        _ => expand::<BITS_MAX>(bytes, at, chars, symbols, out),
    }
}

#[inline]
fn expand<const BITS: usize>(
    bytes: &[u8],
    at: usize,
    chars: usize,
    symbols: &Symbols,
    out: &mut Vec<u8>,
) {
    let groups = chars.div_ceil(GROUP);
    out.reserve(groups * GROUP);
    for group in 0..groups {
        let word = word_at(bytes, at + group * BITS);
        // In one register: eight bytes stored one by one could not be read as a word at once.
        let text = (0..GROUP).fold(0, |text, char| {
            let code = (word >> (char * BITS)) as usize & ((1 << BITS) - 1);
            text | u64::from(symbols[code]) << (char * 8)
        });
        out.extend_from_slice(&text.to_le_bytes());
    }
    out.truncate(out.len() - (groups * GROUP - chars));
}

/// The eight bytes at an offset, zeros behind the end.
#[inline]
fn word_at(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(word)
        }
    }
}
