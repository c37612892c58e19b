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

/// Writes the codes of a text, and up to seven bytes more. `None` if a character is no symbol. `out` must have room for a word behind the codes.
#[inline]
pub(super) fn put_codes(bits: usize, text: &[u8], codes: &Codes, out: &mut [u8]) -> Option<usize> {
    match bits {
        4 => put::<4>(text, codes, out),
        5 => put::<5>(text, codes, out),
        _ => put::<BITS_MAX>(text, codes, out),
    }
}

#[inline]
fn put<const BITS: usize>(text: &[u8], codes: &Codes, out: &mut [u8]) -> Option<usize> {
    let (mut at, mut all) = (0, 0);
    let mut join = |group: &[u8], at: usize| {
        let word = group.iter().enumerate().fold(0, |word, (at, &symbol)| {
            let code = codes[usize::from(symbol)];
            all |= code;
            word | u64::from(code) << (at * BITS)
        });
        out[at..at + 8].copy_from_slice(&word.to_le_bytes());
    };
    let (groups, rest) = text.as_chunks::<GROUP>();
    for group in groups {
        join(group, at);
        at += BITS;
    }
    if !rest.is_empty() {
        join(rest, at);
        at += packed_len(rest.len(), BITS);
    }
    // No code of a symbol has the highest bit.
    (all & 0x80 == 0).then_some(at)
}

/// Writes the text of so many characters whose codes begin at `at`, and up to seven bytes more, for which `out` must have room. What lies behind the codes
/// is read and passed over.
#[inline]
pub(super) fn put_text(
    bits: usize,
    bytes: &[u8],
    at: usize,
    chars: usize,
    symbols: &Symbols,
    out: &mut [u8],
) {
    match bits {
        4 => expand::<4>(bytes, at, chars, symbols, out),
        5 => expand::<5>(bytes, at, chars, symbols, out),
        _ => expand::<BITS_MAX>(bytes, at, chars, symbols, out),
    }
}

#[inline]
fn expand<const BITS: usize>(bytes: &[u8], mut at: usize, chars: usize, symbols: &Symbols, out: &mut [u8]) {
    let (groups, _) = out.as_chunks_mut::<GROUP>();
    for group in &mut groups[..chars.div_ceil(GROUP)] {
        let word = word_at(bytes, at);
        at += BITS;
        // In one register: eight bytes stored one by one could not be read as a word at once.
        let text = (0..GROUP).fold(0, |text, char| {
            let code = (word >> (char * BITS)) as usize & ((1 << BITS) - 1);
            text | u64::from(symbols[code]) << (char * 8)
        });
        *group = text.to_le_bytes();
    }
}

/// The eight bytes at an offset, zeros behind the end.
#[inline]
fn word_at(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match (rest.first_chunk(), bytes.last_chunk()) {
        (Some(word), _) => u64::from_le_bytes(*word),
        // Fewer than eight: the end of the last eight.
        (None, Some(last)) => {
            let missing = 8 - rest.len() as u32;
            u64::from_le_bytes(*last).checked_shr(8 * missing).unwrap_or(0)
        }
        (None, None) => {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(word)
        }
    }
}

/// What texts have in common at one end. Most often it is short, and compared and copied as a word.
pub(super) struct Affix<'a> {
    bytes: &'a [u8],
    /// The first bytes, and which of them count.
    word: u64,
    mask: u64,
}

impl<'a> Affix<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mask = if bytes.len() < 8 { (1 << (8 * bytes.len())) - 1 } else { u64::MAX };
        Self { bytes, word: word_at(bytes, 0) & mask, mask }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether it stands at an offset of a text.
    #[inline]
    pub(super) fn stands_at(&self, text: &[u8], at: usize) -> bool {
        match self.bytes.len() {
            0 => true,
            1..=8 => text.len() >= at + self.bytes.len() && word_at(text, at) & self.mask == self.word,
            len => text.get(at..at + len) == Some(self.bytes),
        }
    }

    /// Writes it, and up to eight bytes more, for which `out` must have room.
    #[inline]
    pub(super) fn put(&self, out: &mut [u8]) {
        match self.bytes.len() {
            0..=8 => out[..8].copy_from_slice(&self.word.to_le_bytes()),
            len => out[..len].copy_from_slice(self.bytes),
        }
    }
}
