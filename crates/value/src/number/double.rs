//! Doubles: scores and float arguments.
//!
//! Redis to 7.0 prints them with `%.17g`, Redis from 7.2 and Valkey with the fewest digits that read back equal.
//! (Redis's own algorithm for the latter gives one digit more than needed for about one number in a thousand; here
//! it is always the fewest.)

use std::io::Write;

use super::integer::append_i64;
use super::round::{DOUBLE, round};
use super::scan::{Body, hex_value, scan};

/// Parses a double as Redis does for scores and float arguments: C's strtod on the whole text, without white space,
/// NaN, overflow, or a result of zero that is not exact. Infinities parse.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let scanned = scan(text)?;
    let (magnitude, is_zero) = magnitude(text, &scanned.body)?;
    let is_infinity = matches!(scanned.body, Body::Infinity);
    if (magnitude.is_infinite() && !is_infinity) || (magnitude == 0.0 && !is_zero) {
        return None;
    }
    Some(if scanned.negative { -magnitude } else { magnitude })
}

/// Parses a double as Redis does for the bounds of a range of scores: C's strtod up to the first zero byte, behind white space. What is too
/// large is infinite, what is too small is 0, and no text at all is 0, too. No NaN.
pub fn parse_f64_bound(text: &[u8]) -> Option<f64> {
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(0.0);
    }
    let blank = |byte: &u8| !matches!(byte, b' ' | b'\t'..=b'\r');
    let text = &text[text.iter().position(blank)?..];
    let scanned = scan(text)?;
    let (magnitude, _) = magnitude(text, &scanned.body)?;
    Some(if scanned.negative { -magnitude } else { magnitude })
}

/// The absolute value, which may have become infinite or 0, and whether it is exactly 0.
fn magnitude(text: &[u8], body: &Body<'_>) -> Option<(f64, bool)> {
    Some(match body {
        Body::Infinity => (f64::INFINITY, false),
        Body::Decimal { whole, fraction, .. } => {
            let value: f64 = str::from_utf8(text).ok()?.parse().ok()?;
            (value.abs(), whole.iter().chain(*fraction).all(|&digit| digit == b'0'))
        }
        Body::Hex { whole, fraction, exponent } => match hex_value(whole, fraction, *exponent) {
            None => (0.0, true),
            Some((bits, sticky, exponent)) => match round(bits, sticky, exponent, &DOUBLE) {
                None => (f64::INFINITY, false),
                Some((0, _)) => (0.0, false),
                Some((mantissa, exponent)) => (assemble(mantissa, exponent), false),
            },
        },
    })
}

/// The double `mantissa * 2^exponent`, which must be exact and in range.
fn assemble(mantissa: u64, exponent: i32) -> f64 {
    let implicit = 1u64 << (DOUBLE.bits - 1);
    if mantissa < implicit {
        f64::from_bits(mantissa)
    } else {
        let biased = (exponent - DOUBLE.exponent_min + 1) as u64;
        f64::from_bits(biased << (DOUBLE.bits - 1) | (mantissa & (implicit - 1)))
    }
}

/// Appends `value` as C's `%.17g` prints it (RESP2 and RESP3 doubles and scores of Redis to 7.0).
pub fn append_f64_fixed17(out: &mut Vec<u8>, value: f64) {
    if append_special(out, value) {
        return;
    }
    let mut text = [0; 32];
    let (digits, exponent) = scientific(&mut text, format_args!("{:.16e}", value.abs()));
    let kept = digits.iter().rposition(|&digit| digit != b'0').map_or(1, |last| last + 1);
    let digits = &digits[..kept];
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if (-4..17).contains(&exponent) {
        append_positional(out, digits, exponent);
    } else {
        append_exponential(out, digits, exponent, 2);
    }
}

/// Appends `value` with the fewest digits that read back equal, in the layout of Redis from 7.2 and Valkey.
pub fn append_f64_shortest(out: &mut Vec<u8>, value: f64) {
    if append_special(out, value) {
        return;
    }
    let mut text = [0; 32];
    let (digits, exponent) = scientific(&mut text, format_args!("{:e}", value.abs()));
    if value.is_sign_negative() {
        out.push(b'-');
    }
    // The power of ten of the last digit decides between the layouts.
    let last = exponent - (digits.len() as i32 - 1);
    let positional =
        if last >= 0 { exponent < digits.len() as i32 + 7 } else { last > -7 || exponent.abs() < 4 };
    if positional {
        append_positional(out, digits, exponent);
    } else {
        append_exponential(out, digits, exponent, 1);
    }
}

/// Integral doubles up to this magnitude are printed as integers: half of the largest 64-bit integer, as a double.
const INTEGRAL_MAX: f64 = (1u64 << 62) as f64;

/// The integer that a double is, if Redis from 7.2 prints and stores it as one. `-0` is not told from `0`.
pub fn as_integer(value: f64) -> Option<i64> {
    (value.abs() <= INTEGRAL_MAX && value.trunc() == value).then_some(value as i64)
}

/// Appends `value` as Redis from 7.2 and Valkey print scores: an integer in full, any other as [`append_f64_shortest`] does.
pub fn append_f64(out: &mut Vec<u8>, value: f64) {
    match as_integer(value) {
        Some(integer) if integer != 0 => append_i64(out, integer),
        _ => append_f64_shortest(out, value),
    }
}

fn append_special(out: &mut Vec<u8>, value: f64) -> bool {
    let text: &[u8] = if value.is_nan() {
        b"nan"
    } else if value == f64::INFINITY {
        b"inf"
    } else if value == f64::NEG_INFINITY {
        b"-inf"
    } else {
        return false;
    };
    out.extend_from_slice(text);
    true
}

/// Digits (without the point) and decimal exponent of what std prints in scientific notation.
fn scientific<'a>(text: &'a mut [u8; 32], arguments: std::fmt::Arguments<'_>) -> (&'a [u8], i32) {
    let mut space = &mut text[..];
    // 17 digits, a point and an exponent of at most 4 characters fit; a shortfall would show as a wrong number in
    // the tests.
    let _ = space.write_fmt(arguments);
    let used = 32 - space.len();
    let split = text[..used].iter().position(|&byte| byte == b'e').unwrap_or(used);
    let exponent = str::from_utf8(&text[(split + 1).min(used)..used]).ok().and_then(|text| text.parse().ok());
    let mut count = split;
    if split > 1 {
        text.copy_within(2..split, 1);
        count = split - 1;
    }
    (&text[..count], exponent.unwrap_or(0))
}

/// `123.45`, `0.00123`, `12300`: `exponent` is that of the first digit.
fn append_positional(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', (-exponent - 1) as usize));
        out.extend_from_slice(digits);
        return;
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        out.extend_from_slice(digits);
        out.extend(std::iter::repeat_n(b'0', whole - digits.len()));
    } else {
        out.extend_from_slice(&digits[..whole]);
        out.push(b'.');
        out.extend_from_slice(&digits[whole..]);
    }
}

/// `1.2345e+20` with an exponent of at least `width` digits.
fn append_exponential(out: &mut Vec<u8>, digits: &[u8], exponent: i32, width: usize) {
    out.push(digits[0]);
    if digits.len() > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits[1..]);
    }
    out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
    let _ = write!(out, "{:0width$}", exponent.unsigned_abs());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar_is_that_of_strtod() {
        for (text, value) in [
            ("inf", Some(f64::INFINITY)),
            ("+inf", Some(f64::INFINITY)),
            ("-INFinity", Some(f64::NEG_INFINITY)),
            ("0x10", Some(16.0)),
            ("0X1P-3", Some(0.125)),
            ("0x.8", Some(0.5)),
            ("-0x1.8p1", Some(-3.0)),
            ("0x0p99999", Some(0.0)),
            ("+1", Some(1.0)),
            ("1.", Some(1.0)),
            (".5", Some(0.5)),
            ("1E+2", Some(100.0)),
            ("01", Some(1.0)),
            ("0e99999", Some(0.0)),
            ("1e-320", Some(1e-320)),
            ("0x1p-1074", Some(5e-324)),
            ("0x1.8p-1075", Some(5e-324)),
            ("0x1.fffffffffffff8p0", Some(2.0)),
            ("0x1.fffffffffffff7p0", Some(1.9999999999999998)),
            ("0x1.fffffffffffffp1023", Some(f64::MAX)),
            ("0x1.fffffffffffff8p1023", None),
            ("0x1p-1075", None),
            ("0x1p-99999999999999999999", None),
            ("1e400", None),
            ("1e-400", None),
            ("", None),
            ("-", None),
            (".", None),
            ("e5", None),
            ("1e", None),
            ("1e+", None),
            ("0x", None),
            ("0x.", None),
            ("0x1p", None),
            ("1_0", None),
            (" 1", None),
            ("1 ", None),
            ("nan", None),
            ("-nan", None),
            ("nan(12)", None),
            ("infi", None),
            ("1\u{0}", None),
            ("--1", None),
        ] {
            assert_eq!(parse_f64(text.as_bytes()), value, "{text:?}");
        }
        assert!(parse_f64(b"-0").is_some_and(|zero| zero.is_sign_negative()));
        assert_eq!(parse_f64(&[b'1', 0xff]), None);
    }

    #[test]
    fn both_layouts_by_example() {
        for (value, fixed17, shortest) in [
            (0.0, "0", "0"),
            (-0.0, "-0", "-0"),
            (3.0, "3", "3"),
            (0.1, "0.10000000000000001", "0.1"),
            (-1.5, "-1.5", "-1.5"),
            (1e-5, "1.0000000000000001e-05", "0.00001"),
            (0.0001, "0.0001", "0.0001"),
            (1e16, "10000000000000000", "1e+16"),
            (1e17, "1e+17", "1e+17"),
            (1e-7, "9.9999999999999995e-08", "1e-7"),
            (123e21, "1.23e+23", "1.23e+23"),
            (1e100, "1e+100", "1e+100"),
            (1.25e-200, "1.25e-200", "1.25e-200"),
            (5e-324, "4.9406564584124654e-324", "5e-324"),
            (f64::MAX, "1.7976931348623157e+308", "1.7976931348623157e+308"),
            (f64::INFINITY, "inf", "inf"),
            (f64::NEG_INFINITY, "-inf", "-inf"),
            (f64::NAN, "nan", "nan"),
        ] {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            append_f64_fixed17(&mut a, value);
            append_f64_shortest(&mut b, value);
            assert_eq!(String::from_utf8_lossy(&a), fixed17);
            assert_eq!(String::from_utf8_lossy(&b), shortest);
        }
    }

    #[test]
    fn scores_that_are_integers_are_printed_in_full() {
        for (value, text) in [
            (1e15, "1000000000000000"),
            (-1e17, "-100000000000000000"),
            (1_152_921_504_606_846_976.0, "1152921504606846976"),
            (4_611_686_018_427_387_904.0, "4611686018427387904"),
            (5_611_686_018_427_387_904.0, "5611686018427388000"),
            (9e18, "9e+18"),
            (1e19, "1e+19"),
            (0.0, "0"),
            (-0.0, "-0"),
            (1e-7, "1e-7"),
            (2.5, "2.5"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let mut out = Vec::new();
            append_f64(&mut out, value);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }

    #[test]
    fn bounds_are_read_as_c_reads_them() {
        for (text, value) in [
            ("", Some(0.0)),
            ("  1.5", Some(1.5)),
            ("\n\u{b}\u{c}\r\t2", Some(2.0)),
            ("1\u{0}x", Some(1.0)),
            ("\u{0}", Some(0.0)),
            (" ", None),
            ("1 ", None),
            ("x", None),
            ("nan", None),
            ("1e400", Some(f64::INFINITY)),
            ("-1e400", Some(f64::NEG_INFINITY)),
            ("1e-400", Some(0.0)),
            ("-inf", Some(f64::NEG_INFINITY)),
            ("0x10", Some(16.0)),
            ("0x1p99999", Some(f64::INFINITY)),
            ("0x1p-99999", Some(0.0)),
        ] {
            assert_eq!(parse_f64_bound(text.as_bytes()), value, "{text:?}");
        }
    }

    #[test]
    fn both_forms_read_back_equal() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..20_000 {
            let value = f64::from_bits(rng.u64(..));
            if value.is_nan() {
                continue;
            }
            for append in [append_f64_fixed17, append_f64_shortest] {
                let mut text = Vec::new();
                append(&mut text, value);
                assert_eq!(parse_f64(&text), Some(value));
            }
        }
    }
}
