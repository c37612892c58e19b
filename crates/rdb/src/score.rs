//! Scores as old files spell them: the number at the start of a text, as C's scanf and strtod find it.

use value::number::parse_f64;

/// The double that `text` begins with, white space before it apart, as strtod finds it; `None` if it begins with
/// none. NaN is found too.
pub(crate) fn leading_double(text: &[u8]) -> Option<f64> {
    find(text, false)
}

/// The same, as scanf finds it: an exponent that has begun must have digits.
pub(crate) fn scanned_double(text: &[u8]) -> Option<f64> {
    find(text, true)
}

fn find(text: &[u8], needs_exponent: bool) -> Option<f64> {
    let text = text.trim_ascii_start();
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1.0, rest),
        [b'+', rest @ ..] => (1.0, rest),
        rest => (1.0, rest),
    };
    let starts = |word: &[u8]| digits.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if starts(b"inf") {
        return Some(sign * f64::INFINITY);
    }
    if starts(b"nan") {
        return Some(f64::NAN);
    }
    if starts(b"0x") {
        let is_part = |byte: &u8| byte.is_ascii_hexdigit() || b".+-pPxX".contains(byte);
        let longest = digits.iter().take(64).take_while(|byte| is_part(byte)).count();
        return (3..=longest)
            .rev()
            .find_map(|len| parse_f64(&digits[..len]))
            .or(Some(0.0))
            .map(|value| sign * value);
    }
    let count = |from: usize| {
        digits.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let whole = count(0);
    let mut end = whole;
    if digits.get(end) == Some(&b'.') {
        let fraction = count(end + 1);
        if whole + fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    } else if whole == 0 {
        return None;
    }
    if let Some(b'e' | b'E') = digits.get(end) {
        let signs = usize::from(matches!(digits.get(end + 1), Some(b'+' | b'-')));
        let exponent = count(end + 1 + signs);
        if exponent == 0 && needs_exponent {
            return None;
        }
        if exponent > 0 {
            end += 1 + signs + exponent;
        }
    }
    let value: f64 = str::from_utf8(&digits[..end]).ok()?.parse().ok()?;
    Some(sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_in_front_is_found() {
        for (text, value) in [
            ("1", 1.0),
            (" -2.5z", -2.5),
            ("+.5", 0.5),
            ("7.", 7.0),
            ("1e3x", 1000.0),
            ("1e+", 1.0),
            ("1e999", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
            ("Infinity", f64::INFINITY),
            ("0x1p4", 16.0),
            ("0xz", 0.0),
            ("0.1000000000000000055", 0.1),
        ] {
            assert_eq!(leading_double(text.as_bytes()), Some(value), "{text}");
            let scanned = (text != "1e+").then_some(value);
            assert_eq!(scanned_double(text.as_bytes()), scanned, "{text}");
        }
        assert!(leading_double(b"nan").unwrap().is_nan());
        for text in ["", "z", ".", "-", "e5", " "] {
            assert_eq!(leading_double(text.as_bytes()), None, "{text}");
        }
    }
}
