//! Rounding an exact value to a binary floating-point format, half to even, with gradual underflow.

/// A binary format: values are `mantissa * 2^exponent` with a mantissa below `2^bits`.
pub(super) struct Format {
    /// Bits of the mantissa, at most 64.
    pub bits: u32,
    /// Exponent of subnormal and of the smallest normal values.
    pub exponent_min: i32,
    /// Exponent of the largest values.
    pub exponent_max: i32,
}

/// IEEE double.
pub(super) const DOUBLE: Format = Format { bits: 53, exponent_min: -1074, exponent_max: 971 };

/// The x87 extended format, which is `long double` on x86-64.
pub(super) const EXTENDED: Format = Format { bits: 64, exponent_min: -16445, exponent_max: 16320 };

/// Rounds `(value + less than one if sticky) * 2^exponent`. With `sticky`, `value` must have more bits than the
/// format. Returns mantissa and exponent; the mantissa is 0 where the value underflows. `None` on overflow.
pub(super) fn round(value: u128, sticky: bool, exponent: i64, format: &Format) -> Option<(u64, i32)> {
    if value == 0 {
        return Some((0, format.exponent_min));
    }
    let length = i64::from(128 - value.leading_zeros());
    let mut target = (exponent + length - i64::from(format.bits)).max(i64::from(format.exponent_min));
    let drop = target - exponent;
    let mut kept = if drop <= 0 {
        debug_assert!(!sticky, "digits are missing");
        value << -drop
    } else if drop > 128 {
        0
    } else {
        let drop = drop as u32;
        let kept = value.checked_shr(drop).unwrap_or(0);
        let half = 1u128 << (drop - 1);
        let rest = value & (half | (half - 1));
        let up = rest > half || rest == half && (sticky || kept & 1 == 1);
        kept + u128::from(up)
    };
    if kept >> format.bits != 0 {
        kept >>= 1;
        target += 1;
    }
    (target <= i64::from(format.exponent_max)).then_some((kept as u64, target as i32))
}
