//! Bitmaps: strings seen as bits, bit 0 being the most significant one of the first byte.
//!
//! Counting, finding and combining is done by [`value::bits`]; here are the arguments, the limits and where the bytes go.

mod bitcount;
mod bitfield;
mod bitop;
mod bitpos;
mod getbit;
mod place;
mod range;
mod setbit;
#[cfg(test)]
mod tests;

use engine::{Argument, ArgumentKind, Command, Error};
use value::number::parse_i64;

pub(crate) use place::{new_value, string as string_of, write_at};

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[
    &bitcount::BITCOUNT,
    &bitfield::BITFIELD,
    &bitfield::BITFIELD_RO,
    &bitop::BITOP,
    &bitpos::BITPOS,
    &getbit::GETBIT,
    &setbit::SETBIT,
];

/// `[start [end [BYTE | BIT]]]`
const RANGE: Argument = Argument::block(
    "range",
    &[
        Argument::new("start", ArgumentKind::Integer),
        Argument::block(
            "end-unit-block",
            &[
                Argument::new("end", ArgumentKind::Integer),
                Argument::one_of("unit", &[Argument::token("byte", "BYTE"), Argument::token("bit", "BIT")])
                    .optional()
                    .since("7.0.0"),
            ],
        )
        .optional(),
    ],
)
.optional();

const OFFSET: Error = Error::fixed("ERR bit offset is not an integer or out of range");

/// A bit offset inside the longest string that is allowed (`bytes_max`). `width` of a field allows the form `#n`, the nth field of that width.
fn bit_offset(arg: &[u8], width: Option<u32>, bytes_max: u64) -> Result<u64, Error> {
    let offset = match (width, arg) {
        (Some(width), [b'#', number @ ..]) => {
            parse_i64(number).and_then(|number| number.checked_mul(i64::from(width)))
        }
        _ => parse_i64(arg),
    };
    offset.and_then(|offset| u64::try_from(offset).ok()).filter(|offset| offset / 8 < bytes_max).ok_or(OFFSET)
}
