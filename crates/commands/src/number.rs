//! Numbers among a command's arguments, with the errors that Redis answers.

use engine::Error;
use value::number::{parse_f64, parse_i64};

/// The error for the least integer where only its absolute value would count.
const LEAST: Error = Error::fixed(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);

/// A 64-bit integer.
pub fn integer(arg: &[u8]) -> Result<i64, Error> {
    parse_i64(arg).ok_or(Error::NOT_AN_INTEGER)
}

/// A 64-bit integer within `range`; outside of it the error is that of a number out of range.
pub fn integer_in(arg: &[u8], range: std::ops::RangeInclusive<i64>) -> Result<i64, Error> {
    integer(arg)
        .and_then(|number| if range.contains(&number) { Ok(number) } else { Err(Error::OUT_OF_RANGE) })
}

/// A count whose sign says how to count: all but the least integer, which has no absolute value.
pub fn signed_count(arg: &[u8]) -> Result<i64, Error> {
    let count = integer(arg)?;
    if count == i64::MIN { Err(LEAST) } else { Ok(count) }
}

/// A double.
pub fn double(arg: &[u8]) -> Result<f64, Error> {
    parse_f64(arg).ok_or(Error::NOT_A_FLOAT)
}
