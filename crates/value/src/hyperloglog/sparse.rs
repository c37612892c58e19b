//! The sparse form: runs of equal registers.
//!
//! ```text
//!  ZERO   00nnnnnn            n + 1 registers of 0            (1 to 64)
//!  XZERO  01nnnnnn nnnnnnnn   n + 1 registers of 0            (1 to 16384)
//!  VAL    1vvvvvnn            n + 1 registers of v + 1        (1 to 4 of 1 to 32)
//! ```
//! How an opcode is split and which neighbours are joined afterwards decides the bytes; both follow Redis, whose replicas
//! would otherwise hold other bytes than ours, and change to the dense form at another time.

use super::{Change, Corrupted, HEADER, REGISTERS, Registers};

/// The longest ZERO.
const ZERO_MAX: u32 = 64;
/// The longest VAL.
const VALUE_RUN_MAX: u32 = 4;
/// The greatest register that VAL can write.
const VALUE_MAX: u8 = 32;
/// Opcodes that are looked at for joining, from the one before the change on.
const JOIN_SCAN: usize = 5;

/// A run of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// Zeros in one byte.
    Zero(u32),
    /// Zeros in two bytes.
    ExtraZero(u32),
    /// So many registers of this value.
    Value(u8, u32),
}

impl Opcode {
    /// Zeros in as few bytes as possible.
    pub(super) fn zeros(run: u32) -> Opcode {
        if run > ZERO_MAX { Opcode::ExtraZero(run) } else { Opcode::Zero(run) }
    }

    /// The first opcode of `bytes`; `None` if there is none in full.
    fn read(bytes: &[u8]) -> Option<Opcode> {
        let first = *bytes.first()?;
        Some(match first >> 6 {
            0 => Opcode::Zero(u32::from(first & 63) + 1),
            1 => Opcode::ExtraZero((u32::from(first & 63) << 8 | u32::from(*bytes.get(1)?)) + 1),
            _ => Opcode::Value((first >> 2 & 31) + 1, u32::from(first & 3) + 1),
        })
    }

    /// Registers.
    fn run(self) -> u32 {
        match self {
            Opcode::Zero(run) | Opcode::ExtraZero(run) | Opcode::Value(_, run) => run,
        }
    }

    /// The registers' value.
    fn value(self) -> u8 {
        match self {
            Opcode::Zero(_) | Opcode::ExtraZero(_) => 0,
            Opcode::Value(value, _) => value,
        }
    }

    /// Bytes.
    fn len(self) -> usize {
        if matches!(self, Opcode::ExtraZero(_)) { 2 } else { 1 }
    }

    /// Its bytes, of which [`Opcode::len`] count.
    fn encoded(self) -> [u8; 2] {
        match self {
            Opcode::Zero(run) => [(run - 1) as u8, 0],
            Opcode::ExtraZero(run) => [64 | ((run - 1) >> 8) as u8, (run - 1) as u8],
            Opcode::Value(value, run) => [128 | (value - 1) << 2 | (run - 1) as u8, 0],
        }
    }

    pub(super) fn append_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.encoded()[..self.len()]);
    }

    /// The same registers' value over another number of them.
    fn with_run(self, run: u32) -> Opcode {
        match self {
            Opcode::Zero(_) | Opcode::ExtraZero(_) => Opcode::zeros(run),
            Opcode::Value(value, _) => Opcode::Value(value, run),
        }
    }
}

/// The opcodes of a sparse one (header included), right or wrong. A last one that is cut off is shown with a zero behind it, which
/// is what Redis finds behind its strings.
pub fn opcodes(bytes: &[u8]) -> impl Iterator<Item = Opcode> {
    let mut rest = bytes.get(HEADER..).unwrap_or_default();
    std::iter::from_fn(move || {
        let opcode = Opcode::read(rest).or_else(|| Opcode::read(&[*rest.first()?, 0]))?;
        rest = rest.get(opcode.len()..).unwrap_or_default();
        Some(opcode)
    })
}

/// Calls `each` with the first register of every opcode and the opcode; an error unless all are 16384 registers in full.
fn each_run(bytes: &[u8], mut each: impl FnMut(usize, Opcode)) -> Result<(), Corrupted> {
    let (mut index, mut at) = (0, HEADER);
    while at < bytes.len() {
        let opcode = Opcode::read(&bytes[at..]).ok_or(Corrupted)?;
        let end = index + opcode.run() as usize;
        if end > REGISTERS {
            return Err(Corrupted);
        }
        each(index, opcode);
        index = end;
        at += opcode.len();
    }
    if index == REGISTERS { Ok(()) } else { Err(Corrupted) }
}

pub(super) fn merge_into(registers: &mut Registers, bytes: &[u8]) -> Result<(), Corrupted> {
    each_run(bytes, |index, opcode| {
        if let Opcode::Value(value, run) = opcode {
            let raised = &mut registers[index..index + run as usize];
            raised.iter_mut().for_each(|register| *register = value.max(*register));
        }
    })
}

pub(super) fn histogram(bytes: &[u8], histogram: &mut [u32; 64]) -> Result<(), Corrupted> {
    each_run(bytes, |_, opcode| histogram[usize::from(opcode.value())] += opcode.run())
}

/// One register.
pub(super) fn get(bytes: &[u8], index: usize) -> Result<u8, Corrupted> {
    let found = find(bytes, index, &mut Cursor::default())?;
    Ok(found.opcode.value())
}

/// Where the last search ended, to begin the next one for a greater register there. A fresh one begins at the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    /// Bytes from the first opcode to the one before the last found.
    at: usize,
    /// Its first register.
    first: usize,
}

/// The opcode that covers a register.
struct Covering {
    /// Offset and first register of the opcode before it.
    before: Option<(usize, usize)>,
    at: usize,
    /// Its first register.
    first: usize,
    opcode: Opcode,
}

fn find(bytes: &[u8], index: usize, cursor: &mut Cursor) -> Result<Covering, Corrupted> {
    let mut found = find_from(bytes, index, *cursor)?;
    // The opcode before the wanted one has to be known, so the one that the cursor points to cannot be it.
    if found.before.is_none() && cursor.at > 0 {
        found = find_from(bytes, index, Cursor::default())?;
    }
    *cursor = found.before.map_or_else(Cursor::default, |(at, first)| Cursor { at: at - HEADER, first });
    Ok(found)
}

fn find_from(bytes: &[u8], index: usize, cursor: Cursor) -> Result<Covering, Corrupted> {
    let from = if cursor.first <= index { cursor } else { Cursor::default() };
    let (mut at, mut first, mut before) = (HEADER + from.at, from.first, None);
    loop {
        let opcode = bytes.get(at..).and_then(Opcode::read).ok_or(Corrupted)?;
        let end = first + opcode.run() as usize;
        if index < end {
            return Ok(Covering { before, at, first, opcode });
        }
        before = Some((at, first));
        at += opcode.len();
        first = end;
    }
}

/// Raises a register. `None`, having changed nothing, if the sparse form cannot hold the result.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    index: usize,
    rank: u8,
    bytes_max: u64,
    cursor: &mut Cursor,
) -> Result<Option<Change>, Corrupted> {
    if rank > VALUE_MAX {
        return Ok(None);
    }
    let found = find(bytes, index, cursor)?;
    if found.opcode.value() >= rank {
        return Ok(Some(Change::None));
    }
    let mut split = Vec::with_capacity(5);
    let left = (index - found.first) as u32;
    let right = found.opcode.run() - left - 1;
    if left > 0 {
        found.opcode.with_run(left).append_to(&mut split);
    }
    Opcode::Value(rank, 1).append_to(&mut split);
    if right > 0 {
        found.opcode.with_run(right).append_to(&mut split);
    }
    let old = found.at..found.at + found.opcode.len();
    if split.len() > old.len() && (bytes.len() + split.len() - old.len()) as u64 > bytes_max {
        return Ok(None);
    }
    bytes.splice(old, split);
    join(bytes, found.before.map_or(HEADER, |(at, _)| at));
    super::invalidate_cache(bytes);
    Ok(Some(Change::Done))
}

/// Joins neighbours of equal value from offset `at` on.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOIN_SCAN {
        let Some(opcode) = bytes.get(at..).and_then(Opcode::read) else { return };
        if let Opcode::Value(value, run) = opcode
            && let Some(Opcode::Value(next_value, next_run)) = Opcode::read(&bytes[at + 1..])
            && value == next_value
            && run + next_run <= VALUE_RUN_MAX
        {
            bytes.remove(at);
            bytes[at] = Opcode::Value(value, run + next_run).encoded()[0];
            // The joined one may be joined again.
            continue;
        }
        at += opcode.len();
    }
}
