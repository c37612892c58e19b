//! The time-out of a blocking command, in seconds with a fraction.

use engine::Error;
use value::number::parse_f64;

const NOT_A_NUMBER: Error = Error::fixed("ERR timeout is not a float or out of range");
const OUT_OF_RANGE: Error = Error::fixed("ERR timeout is out of range");
const NEGATIVE: Error = Error::fixed("ERR timeout is negative");

/// When a command that begins at `now_ms` has waited long enough, in milliseconds since the epoch; `None` for never.
pub(crate) fn deadline_ms(arg: &[u8], now_ms: i64) -> Result<Option<i64>, Error> {
    let ms = (parse_f64(arg).ok_or(NOT_A_NUMBER)? * 1000.0).ceil();
    if ms < 0.0 {
        return Err(NEGATIVE);
    }
    // The conversion saturates, and the addition then overflows.
    match ms as i64 {
        0 => Ok(None),
        ms => now_ms.checked_add(ms).map(Some).ok_or(OUT_OF_RANGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines() {
        let text = |arg: &str| match deadline_ms(arg.as_bytes(), 1000) {
            Ok(deadline) => format!("{deadline:?}"),
            Err(error) => format!("{error:?}"),
        };
        for (arg, expected) in [
            ("0", "None"),
            ("-0.0001", "None"),
            ("0.0001", "Some(1001)"),
            ("1.5", "Some(2500)"),
            ("0x10", "Some(17000)"),
            ("-1", "ERR timeout is negative"),
            ("-inf", "ERR timeout is negative"),
            ("inf", "ERR timeout is out of range"),
            ("1e30", "ERR timeout is out of range"),
            ("9223372036854775", "ERR timeout is out of range"),
            ("x", "ERR timeout is not a float or out of range"),
            ("", "ERR timeout is not a float or out of range"),
        ] {
            assert_eq!(text(arg), expected, "{arg}");
        }
    }
}
