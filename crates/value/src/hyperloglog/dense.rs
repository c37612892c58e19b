//! The dense form: registers of 6 bits, four in three bytes. Slices here begin behind the header.

use super::{Change, REGISTERS, Registers};

const _: () = assert!(REGISTERS.is_multiple_of(4), "registers come in groups of four");

/// Calls `each` with every register.
#[inline]
pub(super) fn each(packed: &[u8], mut each: impl FnMut(usize, u8)) {
    for (group, bytes) in packed.as_chunks::<3>().0.iter().enumerate() {
        let four = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
        for number in 0..4 {
            each(group * 4 + number, (four >> (number * 6)) as u8 & 63);
        }
    }
}

/// One register; 0 where there is none.
pub(super) fn get(packed: &[u8], index: usize) -> u8 {
    let at = index / 4 * 3;
    packed.get(at..at + 3).map_or(0, |bytes| {
        (u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) >> (index % 4 * 6)) as u8 & 63
    })
}

/// Overwrites one register; does nothing where there is none.
pub fn set(packed: &mut [u8], index: usize, rank: u8) {
    let (at, shift) = (index / 4 * 3, index % 4 * 6);
    if let Some(bytes) = packed.get_mut(at..at + 3) {
        let four = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
        let four = four & !(63 << shift) | u32::from(rank & 63) << shift;
        bytes.copy_from_slice(&four.to_le_bytes()[..3]);
    }
}

/// Raises one register.
pub(super) fn raise(packed: &mut [u8], index: usize, rank: u8) -> Change {
    if get(packed, index) >= rank {
        return Change::None;
    }
    set(packed, index, rank);
    Change::Done
}

/// Overwrites all registers.
pub(super) fn pack(packed: &mut [u8], registers: &Registers) {
    for (bytes, four) in packed.as_chunks_mut::<3>().0.iter_mut().zip(registers.as_chunks::<4>().0) {
        let four = four.iter().rev().fold(0, |all, &rank| all << 6 | u32::from(rank & 63));
        bytes.copy_from_slice(&four.to_le_bytes()[..3]);
    }
}
