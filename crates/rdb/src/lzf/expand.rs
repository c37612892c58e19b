//! Expanding LZF: whole inputs, or piece by piece with 8 KiB of what was put out kept for copies.
//!
//! Hostile input cannot reach outside what was produced, nor produce more than declared; memory follows the bytes
//! that arrive, not the declared length.

use super::DISTANCE_MAX;

/// Longest item of the compressed form: a run of 32 literals with its header.
const ITEM_MAX: usize = 33;

/// Why an input does not expand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpandFault {
    /// It ends inside an item.
    Cut,
    /// A copy reaches back before the start.
    BeforeStart,
    /// It holds more than the declared length.
    TooLong,
    /// It holds less than the declared length.
    TooShort,
}

impl ExpandFault {
    /// What is wrong, as the end of a sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Cut => "the compressed string ends inside an item",
            Self::BeforeStart => "the compressed string refers to bytes before its start",
            Self::TooLong => "the compressed string holds more bytes than declared",
            Self::TooShort => "the compressed string holds fewer bytes than declared",
        }
    }
}

/// Appends to `out` what `input` expands to, exactly `length` bytes. On a fault `out` has an unspecified tail.
pub fn expand(input: &[u8], length: usize, out: &mut Vec<u8>) -> Result<(), ExpandFault> {
    let start = out.len();
    // Not more than the input can hold, whatever is declared.
    out.reserve(length.min(input.len().saturating_mul(88)));
    let used = decode(input, out, start, start.saturating_add(length))?;
    if used < input.len() {
        return Err(ExpandFault::Cut);
    }
    if out.len() - start == length { Ok(()) } else { Err(ExpandFault::TooShort) }
}

/// Expands an input that comes in pieces.
pub struct Expander {
    /// Up to 8 KiB already handed over, then what has not been.
    out: Vec<u8>,
    handed: usize,
    /// Bytes that may still come out.
    left: u64,
}

impl Expander {
    /// For an input that declares so many bytes.
    pub fn new(length: u64) -> Self {
        Self { out: Vec::new(), handed: 0, left: length }
    }

    /// Expands a piece and hands the bytes to `sink`. Returns how much of the piece was used: all but an incomplete
    /// item of at most 32 bytes, which has to be offered again with what follows it.
    pub fn feed(&mut self, piece: &[u8], mut sink: impl FnMut(&[u8])) -> Result<usize, ExpandFault> {
        let before = self.out.len();
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let used = decode(piece, &mut self.out, 0, before.saturating_add(most))?;
        self.left -= (self.out.len() - before) as u64;
        sink(&self.out[self.handed..]);
        let keep = self.out.len().min(DISTANCE_MAX);
        self.out.drain(..self.out.len() - keep);
        self.handed = keep;
        Ok(used)
    }

    /// To be called when all input was used: whether everything declared came out.
    pub fn finish(&self) -> Result<(), ExpandFault> {
        if self.left == 0 { Ok(()) } else { Err(ExpandFault::TooShort) }
    }
}

/// Appends what the complete items of `input` expand to and returns their length. Copies may reach back to `start`,
/// and `out` does not grow over `limit`.
fn decode(input: &[u8], out: &mut Vec<u8>, start: usize, limit: usize) -> Result<usize, ExpandFault> {
    let mut rest = input;
    loop {
        let (length, distance, tail) = match *rest {
            [] => break,
            [control @ 0..32, ref tail @ ..] => {
                let count = usize::from(control) + 1;
                let Some((literals, tail)) = tail.split_at_checked(count) else { break };
                if count > limit - out.len() {
                    return Err(ExpandFault::TooLong);
                }
                out.extend_from_slice(literals);
                rest = tail;
                continue;
            }
            [control @ 224..=255, length, low, ref tail @ ..] => {
                (usize::from(length) + 9, usize::from(control & 31) << 8 | usize::from(low), tail)
            }
            [control @ 32..224, low, ref tail @ ..] => {
                (usize::from(control >> 5) + 2, usize::from(control & 31) << 8 | usize::from(low), tail)
            }
            _ => break,
        };
        if length > limit - out.len() {
            return Err(ExpandFault::TooLong);
        }
        let from = (out.len() - start).checked_sub(distance + 1).ok_or(ExpandFault::BeforeStart)? + start;
        copy_within(out, from, length);
        rest = tail;
    }
    debug_assert!(rest.len() < ITEM_MAX);
    Ok(input.len() - rest.len())
}

/// Appends `length` bytes from `from` on; where that runs into the end, what has just been appended repeats.
fn copy_within(out: &mut Vec<u8>, from: usize, length: usize) {
    let mut left = length;
    while left > 0 {
        // Everything from `from` to the end is a whole number of periods, so it can be copied as one piece.
        let piece = left.min(out.len() - from);
        out.extend_from_within(from..from + piece);
        left -= piece;
    }
}
