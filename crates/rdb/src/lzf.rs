//! LZF, the compression of RDB strings: output equal to Redis's, byte for byte, and a hardened expansion.
//!
//! ```text
//!  000LLLLL bytes          a literal run of L + 1 bytes (1 to 32)
//!  LLLooooo oooooooo       a copy of L + 2 bytes (3 to 8) from o + 1 bytes back (1 to 8192)
//!  111ooooo LLLLLLLL oooooooo   a copy of L + 9 bytes (9 to 264)
//! ```
//!
//! Equal output matters because DUMP payloads are compared and cached by clients. It means the same hash, the same
//! table size, the same choice of what to insert after a copy, and giving up at the same point; the tests compare
//! with a running redis-server.
//!
//! The [`Compressor`] keeps its table between calls instead of clearing 256 KiB for each value: entries carry the
//! position in everything it has seen, so those of earlier inputs are recognized as too low.

mod expand;

pub use expand::{ExpandFault, Expander, expand};

/// Redis compresses only strings longer than this.
pub const WORTH_TRYING: usize = 20;

const HASH_BITS: u32 = 16;
const DISTANCE_MAX: usize = 1 << 13;
const COPY_MAX: usize = 264;
const LITERALS_MAX: usize = 32;

/// Consecutive failures after which the adaptive policy starts to pass inputs over.
const PATIENCE: u32 = 8;

/// Most inputs passed over between two attempts.
const PAUSE_MAX: u32 = 1024;

/// Compression state: a hash table of 256 KiB, an output buffer, and a memory of what paid recently.
pub struct Compressor {
    /// Hash of three bytes to `origin + position`. Slots below `origin` belong to earlier inputs.
    table: Box<[u32]>,
    /// Where the current input starts, counted over all inputs.
    origin: u32,
    out: Vec<u8>,
    failures: u32,
    /// Inputs to pass over before the next attempt, and how many that was the last time.
    pause: u32,
    pause_last: u32,
}

impl Default for Compressor {
    fn default() -> Self {
        Self::new()
    }
}

impl Compressor {
    /// A compressor; allocates its table.
    pub fn new() -> Self {
        Self {
            table: vec![0; 1 << HASH_BITS].into_boxed_slice(),
            origin: 1,
            out: Vec::new(),
            failures: 0,
            pause: 0,
            pause_last: 0,
        }
    }

    /// Compresses `data` if Redis would: longer than 20 bytes, and at least 4 bytes saved. The output stays valid
    /// until the next call. Inputs of 2 GiB and more are not compressed.
    pub fn compress(&mut self, data: &[u8]) -> Option<&[u8]> {
        (data.len() > WORTH_TRYING && self.fill(data, data.len() - 4)).then_some(&self.out)
    }

    /// As [`Compressor::compress`], but stops trying while recent attempts did not pay: after 8 failures in a row
    /// it passes over 16 inputs, then 32 and so on to 1024 between single attempts; one success ends that.
    pub fn compress_adaptive(&mut self, data: &[u8]) -> Option<&[u8]> {
        if data.len() <= WORTH_TRYING {
            return None;
        }
        if self.pause > 0 {
            self.pause -= 1;
            return None;
        }
        if self.fill(data, data.len() - 4) {
            (self.failures, self.pause_last) = (0, 0);
            return Some(&self.out);
        }
        self.failures += 1;
        if self.failures >= PATIENCE {
            self.failures = PATIENCE - 1;
            self.pause_last = (self.pause_last * 2).clamp(16, PAUSE_MAX);
            self.pause = self.pause_last;
        }
        None
    }

    /// Compresses into `self.out`; false if the result would be longer than `limit`, judged as Redis judges it.
    fn fill(&mut self, data: &[u8], limit: usize) -> bool {
        let Ok(length) = u32::try_from(data.len()) else { return false };
        if length > i32::MAX as u32 {
            return false;
        }
        if self.origin > u32::MAX - length {
            self.table.fill(0);
            self.origin = 1;
        }
        let origin = self.origin;
        self.origin += length;
        self.out.clear();
        self.out.reserve(limit + 8);
        let Ok(table) = <&mut [u32; 1 << HASH_BITS]>::try_from(&mut self.table[..]) else { return false };
        encode(data, limit, table, origin, &mut self.out)
    }
}

/// The three bytes at `at`, as the number that is hashed.
#[inline(always)]
fn triple(data: &[u8], at: usize) -> u32 {
    match data[at..] {
        [a, b, c, ..] => u32::from(a) << 16 | u32::from(b) << 8 | u32::from(c),
        _ => 0,
    }
}

#[inline(always)]
fn slot(triple: u32) -> usize {
    ((triple >> (24 - HASH_BITS)).wrapping_sub(triple.wrapping_mul(5)) & ((1 << HASH_BITS) - 1)) as usize
}

fn encode(
    data: &[u8],
    limit: usize,
    table: &mut [u32; 1 << HASH_BITS],
    origin: u32,
    out: &mut Vec<u8>,
) -> bool {
    // Where Redis's loop ends: it needs three bytes to hash.
    let end = data.len().saturating_sub(2);
    let (mut at, mut anchor) = (0, 0);
    while at < end {
        let here = triple(data, at);
        let entry = &mut table[slot(here)];
        // The input's first byte is never the start of a copy, there as here.
        let candidate = entry.saturating_sub(origin) as usize;
        *entry = origin + at as u32;
        if candidate == 0 || at - candidate > DISTANCE_MAX || triple(data, candidate) != here {
            at += 1;
            continue;
        }
        let length = copy_length(data, candidate, at);
        if !literals_fit(out.len(), at - anchor, limit) || !copy_fits(out.len(), at - anchor, limit) {
            return false;
        }
        push_literals(out, &data[anchor..at]);
        push_copy(out, at - candidate - 1, length);
        at += length;
        anchor = at;
        if at >= end {
            break;
        }
        // Of the copied positions only the last two are remembered.
        for behind in [at - 2, at - 1] {
            table[slot(triple(data, behind))] = origin + behind as u32;
        }
    }
    let pending = at - anchor;
    if !literals_fit(out.len(), pending, limit) || written_with(out.len(), pending) + 3 > limit {
        return false;
    }
    push_literals(out, &data[anchor..]);
    true
}

/// Output length while a run of so many literals is open: Redis has its header byte written already, and opens the
/// next run as soon as one is full.
fn written_with(written: usize, literals: usize) -> usize {
    written + literals + literals / LITERALS_MAX + 1
}

/// Whether each literal of a run was still inside the limit when Redis would have written it.
fn literals_fit(written: usize, literals: usize, limit: usize) -> bool {
    literals == 0 || written_with(written, literals - 1) < limit
}

/// Whether Redis would find enough room for a copy behind the literals; it asks for one byte more than needed.
fn copy_fits(written: usize, literals: usize, limit: usize) -> bool {
    let header_undone = usize::from(literals.is_multiple_of(LITERALS_MAX));
    written_with(written, literals) - header_undone + 4 < limit
}

/// How many bytes from `at` on equal those from `candidate` on; the first three are known to. Redis leaves the last
/// two bytes of an input uncopied, unless about 19 are left.
fn copy_length(data: &[u8], candidate: usize, at: usize) -> usize {
    let longest = (data.len() - at - 2).min(COPY_MAX);
    let longest = longest.max(if longest > 16 { 19 } else { 3 });
    let (old, new) = (&data[candidate..candidate + longest], &data[at..at + longest]);
    let mut length = 3;
    for (old, new) in old[3..].chunks_exact(8).zip(new[3..].chunks_exact(8)) {
        let difference = word(old) ^ word(new);
        if difference != 0 {
            return length + (difference.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    while length < longest && old[length] == new[length] {
        length += 1;
    }
    length
}

fn word(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn push_literals(out: &mut Vec<u8>, literals: &[u8]) {
    for run in literals.chunks(LITERALS_MAX) {
        out.push(run.len() as u8 - 1);
        out.extend_from_slice(run);
    }
}

fn push_copy(out: &mut Vec<u8>, distance: usize, length: usize) {
    let (high, low, length) = ((distance >> 8) as u8, distance as u8, length - 2);
    if length < 7 {
        out.extend_from_slice(&[(length as u8) << 5 | high, low]);
    } else {
        out.extend_from_slice(&[7 << 5 | high, (length - 7) as u8, low]);
    }
}

#[cfg(test)]
mod tests;
