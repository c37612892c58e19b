//! The words that commands on fields share: `FIELDS numfields field [field ...]`, and times.

use engine::{Args, Error};
use value::number::parse_i64;

use crate::number::integer;
use crate::string::Unit;

const NO_FIELDS_WORD: Error =
    Error::fixed("ERR Mandatory argument FIELDS is missing or not at the right position");

const NOT_AS_MANY: Error = Error::fixed("ERR The `numfields` parameter must match the number of arguments");

/// What a number of fields has to be, as most commands say it.
pub(super) const NOT_POSITIVE: Error = Error::fixed("ERR Number of fields must be a positive integer");

const NEGATIVE_TIME: Error = Error::fixed("ERR invalid expire time, must be >= 0");

/// Latest deadline of a field that Redis accepts, in milliseconds since the epoch: the year 4199.
pub(super) const DEADLINE_MAX: i64 = (1 << 46) - 1;

/// The fields behind `FIELDS numfields`, which must be all that is left.
pub(super) fn fields<'a>(words: Args<'a>, not_positive: Error) -> Result<Args<'a>, Error> {
    let [word, count, fields @ ..] = words else { return Err(NO_FIELDS_WORD) };
    if !word.eq_ignore_ascii_case(b"FIELDS") {
        return Err(NO_FIELDS_WORD);
    }
    let count = parse_i64(count).filter(|count| *count > 0).ok_or(not_positive)?;
    if usize::try_from(count) == Ok(fields.len()) { Ok(fields) } else { Err(NOT_AS_MANY) }
}

/// A deadline in milliseconds since the epoch; `command` for the error.
pub(super) fn deadline(number: &[u8], unit: Unit, now_ms: i64, command: &str) -> Result<i64, Error> {
    let number = integer(number)?;
    if number < 0 {
        return Err(NEGATIVE_TIME);
    }
    let ms = if unit.seconds { number.checked_mul(1000) } else { Some(number) };
    let at = if unit.absolute { ms } else { ms.and_then(|ms| ms.checked_add(now_ms)) };
    at.filter(|at| *at <= DEADLINE_MAX).ok_or_else(|| Error::invalid_expire(command))
}
