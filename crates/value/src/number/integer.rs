//! 64-bit integers: the strict grammar in which every value has exactly one spelling, and printing.
//!
//! Strict means: an optional `-`, then digits without a leading zero; or `0`. No `+`, no spaces, no `-0`.
//! Only such a string may be kept as an integer, because printing it gives the same bytes back.

/// Two digits for each number below 100.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut i = 0;
    while i < 100 {
        pairs[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    pairs
};

/// Longest spelling of a 64-bit integer (`-9223372036854775808`, `18446744073709551615`).
const TEXT_MAX: usize = 20;

/// An integer's decimal digits, on the stack.
#[derive(Clone, Copy, Debug)]
pub struct IntText {
    bytes: [u8; TEXT_MAX],
    start: u8,
}

impl IntText {
    /// The digits of `value`.
    pub fn new(value: i64) -> Self {
        let mut text = Self::unsigned(value.unsigned_abs());
        if value < 0 {
            text.start -= 1;
            text.bytes[text.start as usize] = b'-';
        }
        text
    }

    /// The digits of `value`.
    pub fn unsigned(mut value: u64) -> Self {
        let mut bytes = [0; TEXT_MAX];
        let mut start = TEXT_MAX;
        while value >= 100 {
            start -= 2;
            bytes[start..start + 2].copy_from_slice(&PAIRS[(value % 100) as usize]);
            value /= 100;
        }
        if value >= 10 {
            start -= 2;
            bytes[start..start + 2].copy_from_slice(&PAIRS[value as usize]);
        } else {
            start -= 1;
            bytes[start] = b'0' + value as u8;
        }
        Self { bytes, start: start as u8 }
    }

    /// The digits.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start as usize..]
    }
}

/// Appends the digits of `value`.
pub fn append_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(IntText::new(value).as_bytes());
}

/// Appends the digits of `value`.
pub fn append_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(IntText::unsigned(value).as_bytes());
}

/// Parses a strictly spelled `i64`.
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', digits @ ..] => match magnitude(digits)? {
            0 => None,
            value if value <= i64::MIN.unsigned_abs() => Some((value as i64).wrapping_neg()),
            _ => None,
        },
        digits => i64::try_from(magnitude(digits)?).ok(),
    }
}

/// Parses a strictly spelled `u64`.
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    magnitude(text)
}

fn magnitude(digits: &[u8]) -> Option<u64> {
    match digits {
        [] => return None,
        [b'0'] => return Some(0),
        [b'0', ..] => return None,
        _ if digits.len() > TEXT_MAX => return None,
        _ => {}
    }
    let mut value = 0u64;
    for &digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_spelling_of_each_integer_parses() {
        for (text, value) in [
            ("0", Some(0)),
            ("1", Some(1)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("18446744073709551615", None),
            ("99999999999999999999", None),
            ("-99999999999999999999", None),
            ("100000000000000000000000", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("+1", None),
            ("01", None),
            ("-01", None),
            ("00", None),
            (" 1", None),
            ("1 ", None),
            ("1a", None),
            ("1.0", None),
            ("--1", None),
            ("\u{0}", None),
        ] {
            assert_eq!(parse_i64(text.as_bytes()), value, "{text:?}");
        }
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_u64(b"18446744073709551616"), None);
        assert_eq!(parse_u64(b"-1"), None);
    }

    #[test]
    fn printing_matches_std_and_parses_back() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let edges = (0..63).flat_map(|bit| [1i64 << bit, (1i64 << bit) - 1, -(1i64 << bit)]);
        let powers = (0..19).flat_map(|n| [10i64.pow(n), 10i64.pow(n) - 1, -(10i64.pow(n))]);
        let random = (0..10_000).map(|_| rng.i64(..) >> rng.u32(0..64)).collect::<Vec<_>>();
        for value in edges.chain(powers).chain(random).chain([i64::MIN, i64::MAX, 0]) {
            let text = IntText::new(value);
            assert_eq!(text.as_bytes(), value.to_string().as_bytes());
            assert_eq!(parse_i64(text.as_bytes()), Some(value));
            let unsigned = value as u64;
            assert_eq!(IntText::unsigned(unsigned).as_bytes(), unsigned.to_string().as_bytes());
        }
    }
}
