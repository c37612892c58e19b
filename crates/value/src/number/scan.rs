//! The grammar of C's strtod and strtold in the C locale, demanding that the whole text is a number.
//!
//! `[sign] ( digits [. digits] [e [sign] digits] | 0x hex [. hex] [p [sign] digits] | inf | infinity )`, letters in
//! either case, at least one digit in the mantissa. White space never matches: strtod would skip it in front, but
//! Redis refuses it there. `nan` and `nan(...)` match in C; Redis refuses the value, so they do not match here.

/// Exponents are cut to this magnitude; far more than any text that fits in memory could compensate.
const EXPONENT_LIMIT: i64 = 1 << 50;

/// A text taken apart.
pub(super) struct Scanned<'a> {
    pub negative: bool,
    pub body: Body<'a>,
}

/// What follows the sign.
pub(super) enum Body<'a> {
    Infinity,
    /// `whole.fraction * 10^exponent`, decimal digits.
    Decimal {
        whole: &'a [u8],
        fraction: &'a [u8],
        exponent: i64,
    },
    /// `whole.fraction * 2^exponent`, hexadecimal digits.
    Hex {
        whole: &'a [u8],
        fraction: &'a [u8],
        exponent: i64,
    },
}

/// Takes `text` apart, `None` if any of it does not belong to a number.
pub(super) fn scan(text: &[u8]) -> Option<Scanned<'_>> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let body = if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
        Body::Infinity
    } else if let [b'0', b'x' | b'X', rest @ ..] = rest {
        let (whole, fraction, rest) = mantissa(rest, u8::is_ascii_hexdigit)?;
        Body::Hex { whole, fraction, exponent: exponent(rest, b'p')? }
    } else {
        let (whole, fraction, rest) = mantissa(rest, u8::is_ascii_digit)?;
        Body::Decimal { whole, fraction, exponent: exponent(rest, b'e')? }
    };
    Some(Scanned { negative, body })
}

/// Digits before and after the point, and what follows; `None` without any digit.
fn mantissa(text: &[u8], is_digit: fn(&u8) -> bool) -> Option<(&[u8], &[u8], &[u8])> {
    let (whole, rest) = split_digits(text, is_digit);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => split_digits(rest, is_digit),
        rest => (&[][..], rest),
    };
    (!whole.is_empty() || !fraction.is_empty()).then_some((whole, fraction, rest))
}

fn split_digits(text: &[u8], is_digit: fn(&u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !is_digit(byte)).unwrap_or(text.len()))
}

/// The exponent behind `letter` up to the end of the text; 0 if there is nothing.
fn exponent(text: &[u8], letter: u8) -> Option<i64> {
    let [first, rest @ ..] = text else { return Some(0) };
    if first.to_ascii_lowercase() != letter {
        return None;
    }
    let (negative, digits) = match rest {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value =
        digits.iter().fold(0, |value, digit| (value * 10 + i64::from(digit - b'0')).min(EXPONENT_LIMIT));
    Some(if negative { -value } else { value })
}

/// A hexadecimal mantissa as `(bits + less than one if sticky) * 2^exponent`; `None` for zero.
pub(super) fn hex_value(whole: &[u8], fraction: &[u8], exponent: i64) -> Option<(u128, bool, i64)> {
    let (mut bits, mut sticky) = (0u128, false);
    // Binary digits kept behind the point count against the exponent, whole digits dropped count for it.
    let mut exponent = exponent;
    for (digit, in_fraction) in
        whole.iter().map(|digit| (digit, false)).chain(fraction.iter().map(|digit| (digit, true)))
    {
        let digit = (*digit as char).to_digit(16)?;
        if bits >> 124 == 0 {
            bits = bits << 4 | u128::from(digit);
            exponent -= if in_fraction { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            exponent += if in_fraction { 0 } else { 4 };
        }
    }
    (bits != 0).then_some((bits, sticky, exponent))
}
