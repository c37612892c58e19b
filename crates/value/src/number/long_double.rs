//! The x87 80-bit `long double` of INCRBYFLOAT and HINCRBYFLOAT, in integer arithmetic: parse, add, print.
//!
//! A finite number is `mantissa * 2^exponent` with 64 bits of mantissa. All three operations round exactly once,
//! half to even, as glibc and the x87 do. Common inputs take 128-bit paths; only texts of more than 19 digits or
//! far from 1 need big integers.
//!
//! Nothing here is NaN: Redis refuses the text `nan`, and refuses a sum that would be NaN or infinite.

use super::IntText;
use super::limbs::Limbs;
use super::round::{EXTENDED, round};
use super::scan::{Body, hex_value, scan};

/// Redis copies the text into a buffer of 5 KiB with a closing zero; longer ones are no valid float.
const TEXT_MAX: usize = 5 * 1024 - 1;

/// Digits printed behind the point.
const PLACES: u32 = 17;

/// An 80-bit extended number, finite or infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LongDouble {
    negative: bool,
    magnitude: Magnitude,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Magnitude {
    Infinite,
    /// The top bit of `mantissa` is set unless `exponent` is the smallest there is.
    Finite {
        mantissa: u64,
        exponent: i32,
    },
}

const ZERO: Magnitude = Magnitude::Finite { mantissa: 0, exponent: EXTENDED.exponent_min };

impl LongDouble {
    /// Parses as Redis does: C's strtold on the whole text, without white space, NaN, overflow, or a result of zero
    /// that is not exact. Infinities parse.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > TEXT_MAX {
            return None;
        }
        let scanned = scan(text)?;
        let magnitude = match scanned.body {
            Body::Infinity => Magnitude::Infinite,
            Body::Decimal { whole, fraction, exponent } => decimal(whole, fraction, exponent)?,
            Body::Hex { whole, fraction, exponent } => match hex_value(whole, fraction, exponent) {
                None => ZERO,
                Some((bits, sticky, exponent)) => rounded(bits, sticky, exponent)?,
            },
        };
        Some(Self { negative: scanned.negative, magnitude })
    }

    /// An integer, exactly.
    pub fn from_i64(value: i64) -> Self {
        let magnitude = round(u128::from(value.unsigned_abs()), false, 0, &EXTENDED);
        let (mantissa, exponent) = magnitude.unwrap_or((0, EXTENDED.exponent_min));
        Self { negative: value < 0, magnitude: Magnitude::Finite { mantissa, exponent } }
    }

    /// Whether it is not infinite.
    pub fn is_finite(self) -> bool {
        self.magnitude != Magnitude::Infinite
    }

    /// The sum; `None` if it is NaN or infinite ("increment would produce NaN or Infinity").
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let (
            Magnitude::Finite { mantissa: m_a, exponent: e_a },
            Magnitude::Finite { mantissa: m_b, exponent: e_b },
        ) = (self.magnitude, other.magnitude)
        else {
            return None;
        };
        let ((high, e_high, high_negative), (low, e_low, low_negative)) = if e_a >= e_b {
            ((m_a, e_a, self.negative), (m_b, e_b, other.negative))
        } else {
            ((m_b, e_b, other.negative), (m_a, e_a, self.negative))
        };
        // 62 bits below the mantissas take part exactly, what lies below them only as "more than nothing".
        let exponent = i64::from(e_high) - 62;
        let high = u128::from(high) << 62;
        let low = u128::from(low) << 62;
        let distance = e_high.abs_diff(e_low);
        let shifted = low.checked_shr(distance).unwrap_or(0);
        let sticky = shifted.checked_shl(distance) != Some(low) && low != 0;
        let (sum, negative) = if high_negative == low_negative {
            (high + shifted, high_negative)
        } else if high >= shifted {
            // With something below, the true difference lies between two integers: the lower one, and sticky.
            (high - shifted - u128::from(sticky), high_negative)
        } else {
            (shifted - high, low_negative)
        };
        let (mantissa, exponent) = round(sum, sticky, exponent, &EXTENDED)?;
        // An exact zero from different signs is positive.
        let negative = if sum == 0 { self.negative && other.negative } else { negative };
        Some(Self { negative, magnitude: Magnitude::Finite { mantissa, exponent } })
    }

    /// Appends the number as Redis prints it for people: `%.17Lf` without trailing zeros, a trailing point, and the
    /// sign of zero. At most 4952 bytes; an infinity prints as `inf` or `-inf`.
    pub fn append_human(self, out: &mut Vec<u8>) {
        let start = out.len();
        if self.negative {
            out.push(b'-');
        }
        match self.magnitude {
            Magnitude::Infinite => out.extend_from_slice(b"inf"),
            Magnitude::Finite { mantissa, exponent } if exponent <= 0 => {
                append_fixed(out, mantissa, -exponent)
            }
            Magnitude::Finite { mantissa, exponent } => {
                let mut value = Limbs::new(mantissa);
                value.shl(exponent as u32);
                out.extend_from_slice(value.into_decimal().as_bytes());
            }
        }
        if out[start..] == *b"-0" {
            out.remove(start);
        }
    }

    /// See [`LongDouble::append_human`].
    pub fn to_human(self) -> Vec<u8> {
        let mut out = Vec::new();
        self.append_human(&mut out);
        out
    }
}

/// Prints `mantissa / 2^shift` rounded to [`PLACES`] decimal places, half to even, without trailing zeros.
fn append_fixed(out: &mut Vec<u8>, mantissa: u64, shift: i32) {
    const SCALE: u64 = 10u64.pow(PLACES);
    // Below 2^64 * 2^57.
    let scaled = u128::from(mantissa) * u128::from(SCALE);
    let units = match shift as u32 {
        0 => scaled,
        shift @ 1..128 => {
            let half = 1u128 << (shift - 1);
            let rest = scaled & (half | (half - 1));
            let units = scaled >> shift;
            units + u128::from(rest > half || rest == half && units & 1 == 1)
        }
        // Less than 2^-6 of a unit.
        _ => 0,
    };
    let whole = (units / u128::from(SCALE)) as u64;
    let mut fraction = (units % u128::from(SCALE)) as u64;
    out.extend_from_slice(IntText::unsigned(whole).as_bytes());
    if fraction != 0 {
        let mut places = PLACES as usize;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            places -= 1;
        }
        out.push(b'.');
        let digits = IntText::unsigned(fraction);
        out.extend(std::iter::repeat_n(b'0', places - digits.as_bytes().len()));
        out.extend_from_slice(digits.as_bytes());
    }
}

/// Rounds to the format; `None` on overflow, and on underflow to zero.
fn rounded(value: u128, sticky: bool, exponent: i64) -> Option<Magnitude> {
    match round(value, sticky, exponent, &EXTENDED)? {
        (0, _) => None,
        (mantissa, exponent) => Some(Magnitude::Finite { mantissa, exponent }),
    }
}

/// `whole.fraction * 10^exponent`.
fn decimal(whole: &[u8], fraction: &[u8], exponent: i64) -> Option<Magnitude> {
    let digit_at = |index: usize| whole.get(index).or_else(|| fraction.get(index - whole.len()));
    let count = whole.len() + fraction.len();
    let digits = (0..count).filter_map(digit_at).copied();
    let Some(first) = digits.clone().position(|digit| digit != b'0') else { return Some(ZERO) };
    let last = (0..count).rev().filter_map(digit_at).position(|&digit| digit != b'0').unwrap_or(0);
    let used = count - first - last;
    let digits = digits.skip(first).take(used);
    // The number is `digits * 10^exponent`, and below 10^(exponent + used).
    let exponent = exponent - fraction.len() as i64 + last as i64;
    let magnitude = exponent + used as i64;
    if !(-4960..=4940).contains(&magnitude) {
        return None;
    }
    if used <= 19 && (-18..=19).contains(&exponent) {
        let value = digits.fold(0u64, |value, digit| value * 10 + u64::from(digit - b'0'));
        let power = 10u64.pow(exponent.unsigned_abs() as u32);
        if exponent >= 0 {
            return rounded(u128::from(value) * u128::from(power), false, 0);
        }
        // 127 bits divided by at most 60 leave more than the 64 that are kept.
        let shift = u128::from(value).leading_zeros() - 1;
        let scaled = u128::from(value) << shift;
        let power = u128::from(power);
        return rounded(scaled / power, scaled % power != 0, -i64::from(shift));
    }
    let mut value = Limbs::from_digits(digits);
    let (value, sticky, exponent) = if exponent >= 0 {
        value.mul_pow10(exponent as u32);
        value.leading()
    } else {
        let mut power = Limbs::new(1);
        power.mul_pow10(exponent.unsigned_abs() as u32);
        value.divide(power)
    };
    rounded(value, sticky, exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn human(text: &str) -> String {
        let parsed = LongDouble::parse(text.as_bytes());
        parsed.map_or("refused".to_string(), |value| String::from_utf8(value.to_human()).unwrap())
    }

    fn sum(a: &str, b: &str) -> String {
        let (a, b) = (LongDouble::parse(a.as_bytes()).unwrap(), LongDouble::parse(b.as_bytes()).unwrap());
        assert_eq!(a.checked_add(b), b.checked_add(a));
        a.checked_add(b).map_or("refused".to_string(), |sum| String::from_utf8(sum.to_human()).unwrap())
    }

    #[test]
    fn prints_what_it_parses() {
        for (text, printed) in [
            ("0", "0"),
            ("-0", "0"),
            ("3", "3"),
            ("-3.0", "-3"),
            ("0.1", "0.1"),
            ("1e3", "1000"),
            ("10.5", "10.5"),
            ("3.0e3", "3000"),
            ("0x1p3", "8"),
            ("0x.8", "0.5"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551617", "18446744073709551616"),
            ("-1e-20", "0"),
            ("1e-17", "0.00000000000000001"),
            ("5e-18", "0"),
            ("inf", "inf"),
            ("-Infinity", "-inf"),
            ("1e5000", "refused"),
            ("1e-5000", "refused"),
            ("1e-4950", "0"),
            ("1e-4951", "refused"),
            ("nan", "refused"),
            ("1 ", "refused"),
            ("", "refused"),
        ] {
            assert_eq!(human(text), printed, "{text}");
        }
        assert_eq!(human("1e4932").len(), 4933);
        assert_eq!(human(&format!("1{}", "0".repeat(TEXT_MAX - 1))), "refused", "too large a number");
        assert_eq!(human(&format!("{}1", "0".repeat(TEXT_MAX - 1))), "1");
        assert_eq!(human(&format!("{}1", "0".repeat(TEXT_MAX))), "refused", "too long a text");
    }

    #[test]
    fn sums_by_example() {
        assert_eq!(sum("10.50", "0.1"), "10.6");
        assert_eq!(sum("1", "-1"), "0");
        assert_eq!(sum("-1", "-0x1p-64"), "-1", "a tie goes to even");
        assert_eq!(sum("18446744073709551615", "0.25"), "18446744073709551615");
        assert_eq!(sum("18446744073709551615", "0.5"), "18446744073709551616");
        assert_eq!(sum("18446744073709551616", "-1e-300"), "18446744073709551616");
        assert_eq!(sum("1.18e4932", "1.18e4932"), "refused", "overflow");
        assert_eq!(sum("inf", "1"), "refused");
        assert_eq!(sum("inf", "-inf"), "refused");
        assert_eq!(LongDouble::from_i64(i64::MIN).to_human(), i64::MIN.to_string().as_bytes());
        assert_eq!(LongDouble::from_i64(0).to_human(), b"0");
    }

    #[test]
    fn short_and_long_spellings_agree() {
        // The same number by the 128-bit path and, padded with a far digit that does not change it, by the other.
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..5000 {
            let digits = rng.u64(..) >> rng.u32(1..60);
            let exponent = rng.i32(-18..19);
            let short = format!("{digits}e{exponent}");
            let long = format!("{digits}{}e{}", "0".repeat(30), exponent - 30);
            let value = LongDouble::parse(short.as_bytes()).unwrap();
            assert_eq!(LongDouble::parse(long.as_bytes()), Some(value), "{short}");
            if digits != 0 {
                let mut by_limbs = Limbs::from_digits(digits.to_string().bytes());
                let (bits, sticky, exponent) = if exponent >= 0 {
                    by_limbs.mul_pow10(exponent as u32);
                    by_limbs.leading()
                } else {
                    let mut power = Limbs::new(1);
                    power.mul_pow10(-exponent as u32);
                    by_limbs.divide(power)
                };
                assert_eq!(rounded(bits, sticky, exponent), Some(value.magnitude), "{short}");
            }
        }
    }
}
