//! Integers of 1 to 64 bits at any bit of a string, with their overflow.

/// Bytes that a field can touch: 64 bits that begin at the last bit of a byte.
pub const FIELD_BYTES: usize = 9;

/// Kind and width of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldType {
    signed: bool,
    bits: u32,
}

/// What becomes of a number that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Its low bits.
    Wrap,
    /// The nearest one that fits.
    Saturate,
    /// Nothing.
    Fail,
}

impl FieldType {
    /// A type of 1 to 64 bits (63 if unsigned, so that every value is an `i64`).
    pub fn new(signed: bool, bits: i64) -> Option<FieldType> {
        let bits_max = if signed { 64 } else { 63 };
        (1..=bits_max).contains(&bits).then_some(FieldType { signed, bits: bits as u32 })
    }

    /// Width.
    pub fn bits(self) -> u32 {
        self.bits
    }

    fn max(self) -> i128 {
        let magnitude_bits = if self.signed { self.bits - 1 } else { self.bits };
        (1i128 << magnitude_bits) - 1
    }

    fn min(self) -> i128 {
        if self.signed { -self.max() - 1 } else { 0 }
    }

    /// The field that begins at bit `shift` (0 to 7) of `bytes`.
    pub fn get(self, bytes: [u8; FIELD_BYTES], shift: u32) -> i64 {
        let raw = (wide(bytes) << shift >> (128 - self.bits)) as u64;
        self.wrapped(raw)
    }

    /// Writes the low bits of `value` into the field that begins at bit `shift` (0 to 7) of `bytes`.
    pub fn set(self, bytes: &mut [u8; FIELD_BYTES], shift: u32, value: i64) {
        let mask = u128::MAX << (128 - self.bits) >> shift;
        let placed = (value as u128) << (128 - self.bits) >> shift;
        let all = wide(*bytes) & !mask | placed;
        bytes.copy_from_slice(&all.to_be_bytes()[..FIELD_BYTES]);
    }

    /// `value` with an overflow handled, `None` where it fails. To an unsigned type a negative number is one above
    /// its greatest.
    pub fn fit(self, value: i64, overflow: Overflow) -> Option<i64> {
        if !self.signed {
            return self.limited(i128::from(value as u64), overflow);
        }
        // Redis measures the distance to the maximum in 64 bits. From the lowest numbers it does not fit, and they saturate
        // at the wrong end.
        let distance = self.max() - i128::from(value);
        if self.bits < 64 && distance > i128::from(i64::MAX) && overflow == Overflow::Saturate {
            return Some(self.max() as i64);
        }
        self.limited(i128::from(value), overflow)
    }

    /// `value + increment` with an overflow handled, `None` where it fails.
    pub fn add(self, value: i64, increment: i64, overflow: Overflow) -> Option<i64> {
        self.limited(i128::from(value) + i128::from(increment), overflow)
    }

    fn limited(self, value: i128, overflow: Overflow) -> Option<i64> {
        if (self.min()..=self.max()).contains(&value) {
            return Some(value as i64);
        }
        match overflow {
            Overflow::Wrap => Some(self.wrapped(value as u64)),
            Overflow::Saturate => Some(value.clamp(self.min(), self.max()) as i64),
            Overflow::Fail => None,
        }
    }

    /// The number whose low bits are those of `raw`.
    fn wrapped(self, raw: u64) -> i64 {
        let unused = 64 - self.bits;
        if self.signed { (raw << unused) as i64 >> unused } else { (raw << unused >> unused) as i64 }
    }
}

/// The bytes as the upper ones of a wide number.
fn wide(bytes: [u8; FIELD_BYTES]) -> u128 {
    let mut all = [0; 16];
    all[..FIELD_BYTES].copy_from_slice(&bytes);
    u128::from_be_bytes(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(signed: bool, bits: i64) -> FieldType {
        FieldType::new(signed, bits).unwrap()
    }

    #[test]
    fn widths() {
        assert_eq!(FieldType::new(false, 64), None);
        assert_eq!(FieldType::new(true, 65), None);
        assert_eq!(FieldType::new(true, 0), None);
        assert_eq!(field(true, 64).bits(), 64);
    }

    #[test]
    fn what_was_set_is_got_and_the_rest_stays() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..20_000 {
            let signed = rng.bool();
            let kind = field(signed, rng.i64(1..=if signed { 64 } else { 63 }));
            let shift = rng.u32(0..8);
            let before: [u8; FIELD_BYTES] = std::array::from_fn(|_| rng.u8(..));
            let value = kind.fit(rng.i64(..), Overflow::Wrap).unwrap();
            let mut after = before;
            kind.set(&mut after, shift, value);
            assert_eq!(kind.get(after, shift), value);
            let inside = shift..shift + kind.bits();
            for bit in (0..72).filter(|bit| !inside.contains(bit)) {
                let at = |bytes: &[u8]| bytes[bit as usize / 8] >> (7 - bit % 8) & 1;
                assert_eq!(at(&before), at(&after), "{kind:?} at {shift} changed bit {bit}");
            }
        }
    }

    #[test]
    fn overflows() {
        use Overflow::{Fail, Saturate, Wrap};
        let (i8, u8, wide) = (field(true, 8), field(false, 8), field(true, 64));
        assert_eq!([Wrap, Saturate, Fail].map(|o| i8.add(100, 100, o)), [Some(-56), Some(127), None]);
        assert_eq!([Wrap, Saturate, Fail].map(|o| i8.add(-100, -100, o)), [Some(56), Some(-128), None]);
        assert_eq!([Wrap, Saturate, Fail].map(|o| u8.add(250, 10, o)), [Some(4), Some(255), None]);
        assert_eq!([Wrap, Saturate, Fail].map(|o| u8.add(5, -10, o)), [Some(251), Some(0), None]);
        assert_eq!([Wrap, Saturate, Fail].map(|o| u8.fit(-1, o)), [Some(255), Some(255), None]);
        assert_eq!([Wrap, Saturate, Fail].map(|o| i8.fit(-200, o)), [Some(56), Some(-128), None]);
        assert_eq!(
            [Wrap, Saturate, Fail].map(|o| wide.add(i64::MAX, 1, o)),
            [Some(i64::MIN), Some(i64::MAX), None]
        );
        assert_eq!(i8.fit(i64::MIN + 127, Saturate), Some(127), "as Redis does it");
        assert_eq!(i8.fit(i64::MIN + 128, Saturate), Some(-128));
        assert_eq!(wide.fit(i64::MIN, Saturate), Some(i64::MIN));
        assert_eq!(wide.add(i64::MIN, -1, Wrap), Some(i64::MAX));
        assert_eq!(field(false, 63).add(i64::MAX, i64::MAX, Wrap), Some(i64::MAX - 1));
        assert_eq!(i8.add(-128, 255, Fail), Some(127));
    }
}
