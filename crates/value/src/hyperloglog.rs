//! Redis's HyperLogLog: how many different elements a string with this layout has seen, within 0.81 %.
//!
//! Layout, hash and estimator are Redis's to the bit, so that values can be exchanged with it and answers are equal. It knows no key and
//! no command; the settings it needs are parameters.
//!
//! ```text
//!  0      4          5..8     8                          16
//!  +------+----------+--------+--------------------------+-----------------------
//!  | HYLL | encoding | unused | cached count, u64 LE     | registers
//!  +------+----------+--------+--------------------------+-----------------------
//!           0 dense             bit 63: it is out of date
//!           1 sparse
//!
//!  dense:  16384 registers of 6 bits, the first in the low bits of the first byte; 12304 bytes in all
//!  sparse: a run of equal registers in each opcode                                     (module `sparse`)
//! ```
//! An element's hash chooses a register by its low 14 bits; the register keeps the greatest number of trailing zeros, plus 1, that the
//! other 50 bits of any hash had (1 to 51).
//!
//! Bounds: a sparse value is as long as the caller allows (Redis: 3000 bytes by default). Every byte may come from a
//! client: what does not describe exactly 16384 registers is [`Corrupted`], and nothing here panics on it.
//!
//! Sources: Flajolet et al. 2007; Heule et al. 2013 (64-bit hash, sparse form); Ertl, arXiv:1702.01284 (the estimator);
//! Appleby's MurmurHash64A. Tested against values made by redis-server in `tests` and by the commands' tests.

mod dense;
mod estimate;
mod sparse;
#[cfg(test)]
mod tests;

pub use dense::set as dense_set;
pub use sparse::{Cursor, Opcode, opcodes};

/// Registers of every HyperLogLog.
pub const REGISTERS: usize = 1 << INDEX_BITS;

/// Bytes in front of the registers.
pub const HEADER: usize = 16;

/// Bytes of a dense one.
pub const DENSE_BYTES: usize = HEADER + REGISTERS * 6 / 8;

const INDEX_BITS: u32 = 14;
const RANK_BITS: u32 = 64 - INDEX_BITS;
const MAGIC: &[u8] = b"HYLL";
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
const SEED: u64 = 0xadc8_3b19;

/// How the registers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// One after the other.
    Dense,
    /// As runs.
    Sparse,
}

impl Encoding {
    /// The word that PFDEBUG answers.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Dense => "dense",
            Encoding::Sparse => "sparse",
        }
    }
}

/// The registers are not those of a HyperLogLog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupted;

/// All registers, each in a byte: what several HyperLogLogs are merged in.
pub type Registers = [u8; REGISTERS];

/// The encoding, if the bytes begin like a HyperLogLog and have a length that it can have.
pub fn encoding(bytes: &[u8]) -> Option<Encoding> {
    if bytes.len() < HEADER || !bytes.starts_with(MAGIC) {
        return None;
    }
    match bytes[4] {
        DENSE if bytes.len() == DENSE_BYTES => Some(Encoding::Dense),
        SPARSE => Some(Encoding::Sparse),
        _ => None,
    }
}

/// One that has seen nothing, sparse; its cached count, 0, is valid.
pub fn empty() -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    bytes[..4].copy_from_slice(MAGIC);
    bytes[4] = SPARSE;
    Opcode::zeros(REGISTERS as u32).append_to(&mut bytes);
    bytes
}

/// The count kept in the header, if it is up to date.
pub fn cached_count(header: &[u8; HEADER]) -> Option<u64> {
    let mut card = [0; 8];
    card.copy_from_slice(&header[8..]);
    let count = u64::from_le_bytes(card);
    (count >> 63 == 0).then_some(count)
}

/// The header's last 8 bytes for an up-to-date count.
pub fn cache_of(count: u64) -> [u8; 8] {
    count.to_le_bytes()
}

/// Marks the count kept in the header as out of date. Does nothing to bytes that are too short for a header.
pub fn invalidate_cache(bytes: &mut [u8]) {
    if let Some(byte) = bytes.get_mut(HEADER - 1) {
        *byte |= 0x80;
    }
}

/// Which register an element belongs to, and the number it asks for there.
pub fn place(element: &[u8]) -> (usize, u8) {
    let hash = murmur(element, SEED);
    let index = hash as usize % REGISTERS;
    // The extra bit ends the search: at most 51.
    let rank = (hash >> INDEX_BITS | 1 << RANK_BITS).trailing_zeros() + 1;
    (index, rank as u8)
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The register had this number or a greater one.
    None,
    /// The bytes were changed.
    Done,
}

/// Raises register `index` to `rank`, in whichever encoding. `sparse_bytes_max` is the length beyond which a sparse
/// one becomes dense; `cursor` remembers the place for the next, greater index. Leaves the cached count alone except for
/// marking it when a sparse value changed in place, as Redis does.
pub fn raise(
    bytes: &mut Vec<u8>,
    index: usize,
    rank: u8,
    sparse_bytes_max: u64,
    cursor: &mut Cursor,
) -> Result<Change, Corrupted> {
    match encoding(bytes).ok_or(Corrupted)? {
        Encoding::Dense => Ok(dense::raise(&mut bytes[HEADER..], index, rank)),
        Encoding::Sparse => match sparse::raise(bytes, index, rank, sparse_bytes_max, cursor)? {
            Some(change) => Ok(change),
            None => {
                *bytes = to_dense(bytes)?;
                Ok(dense::raise(&mut bytes[HEADER..], index, rank))
            }
        },
    }
}

/// Whether raising register `index` to `rank` would change something.
pub fn would_raise(bytes: &[u8], index: usize, rank: u8) -> Result<bool, Corrupted> {
    match encoding(bytes).ok_or(Corrupted)? {
        Encoding::Dense => Ok(dense::get(&bytes[HEADER..], index) < rank),
        Encoding::Sparse => sparse::get(bytes, index).map(|present| present < rank),
    }
}

/// The same in dense form, header included.
pub fn to_dense(bytes: &[u8]) -> Result<Vec<u8>, Corrupted> {
    if encoding(bytes).ok_or(Corrupted)? == Encoding::Dense {
        return Ok(bytes.to_vec());
    }
    let mut registers = [0; REGISTERS];
    sparse::merge_into(&mut registers, bytes)?;
    let mut dense = vec![0; DENSE_BYTES];
    dense[..HEADER].copy_from_slice(&bytes[..HEADER]);
    dense[4] = DENSE;
    dense::pack(&mut dense[HEADER..], &registers);
    Ok(dense)
}

/// Raises every register to the one in `bytes`.
pub fn merge_into(registers: &mut Registers, bytes: &[u8]) -> Result<(), Corrupted> {
    match encoding(bytes).ok_or(Corrupted)? {
        Encoding::Dense => {
            dense::each(&bytes[HEADER..], |index, rank| registers[index] = registers[index].max(rank));
            Ok(())
        }
        Encoding::Sparse => sparse::merge_into(registers, bytes),
    }
}

/// Overwrites the registers of a dense one.
pub fn store_dense(bytes: &mut [u8], registers: &Registers) -> Result<(), Corrupted> {
    match encoding(bytes) {
        Some(Encoding::Dense) => {
            dense::pack(&mut bytes[HEADER..], registers);
            Ok(())
        }
        _ => Err(Corrupted),
    }
}

/// The estimated number of different elements. Does not look at the cached count.
pub fn count(bytes: &[u8]) -> Result<u64, Corrupted> {
    let mut histogram = [0; 64];
    match encoding(bytes).ok_or(Corrupted)? {
        Encoding::Dense => dense::each(&bytes[HEADER..], |_, rank| histogram[usize::from(rank & 63)] += 1),
        Encoding::Sparse => sparse::histogram(bytes, &mut histogram)?,
    }
    Ok(estimate::estimate(&histogram))
}

/// The estimated number of different elements behind merged registers.
pub fn count_registers(registers: &Registers) -> u64 {
    let mut histogram = [0; 64];
    registers.iter().for_each(|&rank| histogram[usize::from(rank & 63)] += 1);
    estimate::estimate(&histogram)
}

/// MurmurHash64A with words read in little-endian order.
fn murmur(key: &[u8], seed: u64) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    const R: u32 = 47;
    let mut hash = seed ^ (key.len() as u64).wrapping_mul(M);
    let (words, tail) = key.as_chunks::<8>();
    for word in words {
        let mut word = u64::from_le_bytes(*word).wrapping_mul(M);
        word ^= word >> R;
        hash = (hash ^ word.wrapping_mul(M)).wrapping_mul(M);
    }
    if !tail.is_empty() {
        let mut last = [0; 8];
        last[..tail.len()].copy_from_slice(tail);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(M);
    }
    hash = (hash ^ hash >> R).wrapping_mul(M);
    hash ^ hash >> R
}
