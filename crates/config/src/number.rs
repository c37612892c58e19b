//! Reads the number forms of redis.conf: strict integers, octal modes, memory sizes, percentages.
//!
//! It does not check an option's own bounds (`option` does) and knows no option.

/// A decimal 64-bit integer in its one canonical spelling: no sign `+`, no leading zeros, no blanks.
pub(crate) fn integer(text: &[u8]) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let canonical = match digits {
        [b'0'] => !negative,
        [b'1'..=b'9', more @ ..] => more.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !canonical || digits.len() > 20 {
        return None;
    }
    let magnitude = digits.iter().fold(0i128, |sum, digit| sum * 10 + i128::from(digit - b'0'));
    let value = if negative { -magnitude } else { magnitude };
    (i128::from(i64::MIN)..=i128::from(i64::MAX)).contains(&value).then_some(value)
}

/// An integer as C's `strtoll` reads it when nothing may follow: blanks and a sign may stand in front, leading
/// zeros are allowed. Used by `save` and `client-output-buffer-limit`, which redis-server reads that way.
pub(crate) fn loose_integer(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii_start();
    if text.is_empty() {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// An octal number such as a file mode; at most 64 bits.
pub(crate) fn octal(text: &[u8]) -> Option<i128> {
    if text.is_empty() || text.len() > 20 || !text.iter().all(|digit| matches!(digit, b'0'..=b'7')) {
        return None;
    }
    Some(text.iter().fold(0, |sum, digit| sum * 8 + i128::from(digit - b'0')))
}

/// A memory size in bytes: digits and one of no unit, `b`, `k` (1000), `kb` (1024), `m`, `mb`, `g`, `gb`, in
/// any case. No digits at all read as 0, as redis-server has it. Refused above 2^64-1: redis-server wraps
/// around there, which can only be a typing error.
pub(crate) fn memory(text: &[u8]) -> Option<i128> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, unit) = text.split_at(digits);
    let factor: i128 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    if digits.len() > 20 {
        return None;
    }
    let count = digits.iter().fold(0i128, |sum, digit| sum * 10 + i128::from(digit - b'0'));
    let bytes = count * factor;
    (bytes <= i128::from(u64::MAX)).then_some(bytes)
}

/// `text` is `n%` with a canonical integer n >= 0.
pub(crate) fn percent(text: &[u8]) -> Option<i128> {
    match text {
        [number @ .., b'%'] if !number.is_empty() => integer(number).filter(|value| *value >= 0),
        _ => None,
    }
}

/// The shortest spelling of `bytes` that [`memory`] reads back: whole gb, mb or kb where they fit.
pub(crate) fn memory_text(bytes: i128) -> String {
    for (shift, unit) in [(30, "gb"), (20, "mb"), (10, "kb")] {
        if bytes > 0 && bytes % (1 << shift) == 0 {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

/// A finite number for `latency-tracking-info-percentiles`.
pub(crate) fn float(text: &[u8]) -> Option<f64> {
    if text.first().is_none_or(|byte| crate::words::is_blank(*byte)) {
        return None;
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!value.is_nan()).then_some(value)
}

/// `value` with at most six decimals and no trailing zeros: the form CONFIG GET and INFO print percentiles in.
pub(crate) fn float_text(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_strict() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i128::from(i64::MAX))),
            ("-9223372036854775808", Some(i128::from(i64::MIN))),
            ("9223372036854775808", None),
            ("99999999999999999999999999999999999999999999", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("+7", None),
            ("007", None),
            (" 7", None),
            ("7 ", None),
            ("0x10", None),
            ("1.5", None),
        ] {
            assert_eq!(integer(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn memory_sizes() {
        for (text, expected) in [
            ("", Some(0)),
            ("100", Some(100)),
            ("1b", Some(1)),
            ("1k", Some(1000)),
            ("1Kb", Some(1024)),
            ("1m", Some(1_000_000)),
            ("1MB", Some(1 << 20)),
            ("1g", Some(1_000_000_000)),
            ("2gb", Some(2 << 30)),
            ("18446744073709551615", Some(i128::from(u64::MAX))),
            ("18446744073709551616", None),
            ("99999999999gb", None),
            ("-1", None),
            ("1x", None),
            ("1 gb", None),
            ("1.5gb", None),
        ] {
            assert_eq!(memory(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn memory_text_reads_back() {
        for bytes in [0, 1, 1000, 1024, 1536, 1 << 20, 3 << 30, 100 << 20, i128::from(u64::MAX)] {
            assert_eq!(memory(memory_text(bytes).as_bytes()), Some(bytes));
        }
        assert_eq!(memory_text(64 << 20), "64mb");
    }

    #[test]
    fn percentages_and_octals() {
        assert_eq!(percent(b"5%"), Some(5));
        assert_eq!(percent(b"-5%"), None);
        assert_eq!(percent(b"%"), None);
        assert_eq!(percent(b"5"), None);
        assert_eq!(octal(b"777"), Some(0o777));
        assert_eq!(octal(b"9"), None);
        assert_eq!(octal(b""), None);
    }

    #[test]
    fn floats() {
        assert_eq!(float_text(99.9), "99.9");
        assert_eq!(float_text(50.0), "50");
        assert_eq!(float(b"x"), None);
        assert_eq!(float(b" 1"), None);
        assert_eq!(float(b"99.95"), Some(99.95));
    }
}
