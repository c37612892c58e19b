//! HyperLogLog: estimates of how many different elements were added, in strings with the layout of [`value::hyperloglog`].
//!
//! Values are Redis's to the byte, and so are the answers. Here are the arguments, the errors and where the bytes go.

mod pfadd;
mod pfcount;
mod pfdebug;
mod pfmerge;
mod pfselftest;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use engine::{Command, Error};
use keyspace::Occupied;
use value::hyperloglog::{HEADER, REGISTERS, encoding};
use value::number::IntText;
use value::string::{Shared, StrRef};

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] =
    &[&pfadd::PFADD, &pfcount::PFCOUNT, &pfdebug::PFDEBUG, &pfmerge::PFMERGE, &pfselftest::PFSELFTEST];

const NOT_HYPERLOGLOG: Error = Error::fixed("WRONGTYPE Key is not a valid HyperLogLog string value.");

const CORRUPTED: Error = Error::fixed("INVALIDOBJ Corrupted HLL object detected");

const TOO_LONG: Error =
    Error::fixed("INVALIDOBJ Corrupted HLL object detected, it is longer than any can be");

/// Longest HyperLogLog: sparse with an opcode of two bytes for every register.
const BYTES_MAX: u64 = (HEADER + 2 * REGISTERS) as u64;

/// The bytes of a string that is a HyperLogLog, as far as its header tells.
fn bytes_of(value: StrRef<'_>) -> Result<Cow<'_, [u8]>, Error> {
    if value.len() > BYTES_MAX {
        // Not copied to find out: a long string may lie in many pieces.
        let mut digits = IntText::new(0);
        let header: Vec<u8> = value.read(..HEADER as u64, &mut digits).flatten().copied().collect();
        return Err(if encoding(&header).is_some() { TOO_LONG } else { NOT_HYPERLOGLOG });
    }
    let bytes = value.to_cow();
    if encoding(&bytes).is_some() { Ok(bytes) } else { Err(NOT_HYPERLOGLOG) }
}

/// Gives an existing key new bytes.
fn store(entry: &mut Occupied<'_>, bytes: Vec<u8>) {
    entry.set_value(crate::bitmap::new_value(&Shared::from_vec(bytes)));
}
