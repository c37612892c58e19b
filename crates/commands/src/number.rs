//! Numbers among a command's arguments, with the errors that Redis answers.

use engine::Error;
use value::number::{parse_f64, parse_i64};

/// A 64-bit integer.
pub fn integer(arg: &[u8]) -> Result<i64, Error> {
    parse_i64(arg).ok_or(Error::NOT_AN_INTEGER)
}

/// A 64-bit integer within `range`; outside of it the error is that of a number out of range.
pub fn integer_in(arg: &[u8], range: std::ops::RangeInclusive<i64>) -> Result<i64, Error> {
    integer(arg)
        .and_then(|number| if range.contains(&number) { Ok(number) } else { Err(Error::OUT_OF_RANGE) })
}

/// A double.
pub fn double(arg: &[u8]) -> Result<f64, Error> {
    parse_f64(arg).ok_or(Error::NOT_A_FLOAT)
}
