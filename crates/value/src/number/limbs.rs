//! Unsigned integers of any size: only what exact conversion of numbers needs. Not fast, and only used where 128
//! bits do not suffice.
//!
//! Bounds: texts of long doubles are below 5 KiB, so numbers stay below 40,000 bits and a conversion below a
//! millisecond.

use std::cmp::Ordering;

/// The largest power of ten in a limb, and its exponent.
const TEN_19: u64 = 10_000_000_000_000_000_000;

/// Little-endian, without leading zero limbs.
#[derive(Clone)]
pub(super) struct Limbs(Vec<u64>);

impl Limbs {
    pub(super) fn new(value: u64) -> Self {
        let mut limbs = Self(vec![value]);
        limbs.trim();
        limbs
    }

    /// The number that these decimal digits spell.
    pub(super) fn from_digits(digits: impl Iterator<Item = u8>) -> Self {
        let mut limbs = Self::new(0);
        let (mut part, mut scale) = (0, 1);
        for digit in digits {
            part = part * 10 + u64::from(digit - b'0');
            scale *= 10;
            if scale == TEN_19 {
                limbs.mul_add(scale, part);
                (part, scale) = (0, 1);
            }
        }
        limbs.mul_add(scale, part);
        limbs
    }

    /// Multiplies by `10^exponent`.
    pub(super) fn mul_pow10(&mut self, exponent: u32) {
        for _ in 0..exponent / 19 {
            self.mul_add(TEN_19, 0);
        }
        self.mul_add(10u64.pow(exponent % 19), 0);
    }

    fn mul_add(&mut self, factor: u64, addend: u64) {
        let mut carry = addend;
        for limb in &mut self.0 {
            let product = u128::from(*limb) * u128::from(factor) + u128::from(carry);
            (*limb, carry) = (product as u64, (product >> 64) as u64);
        }
        self.0.push(carry);
        self.trim();
    }

    /// Divides, returning the remainder.
    fn div_rem(&mut self, divisor: u64) -> u64 {
        let mut rest = 0u64;
        for limb in self.0.iter_mut().rev() {
            let part = u128::from(rest) << 64 | u128::from(*limb);
            *limb = (part / u128::from(divisor)) as u64;
            rest = (part % u128::from(divisor)) as u64;
        }
        self.trim();
        rest
    }

    pub(super) fn shl(&mut self, bits: u32) {
        let small = bits % 64;
        if small != 0 {
            let mut carry = 0;
            for limb in &mut self.0 {
                (*limb, carry) = (*limb << small | carry, *limb >> (64 - small));
            }
            self.0.push(carry);
        }
        self.0.splice(0..0, std::iter::repeat_n(0, (bits / 64) as usize));
        self.trim();
    }

    pub(super) fn bit_length(&self) -> u32 {
        self.0.last().map_or(0, |top| self.0.len() as u32 * 64 - top.leading_zeros())
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    /// Subtracts something not larger.
    fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        let padded = other.0.iter().copied().chain(std::iter::repeat(0));
        for (limb, theirs) in self.0.iter_mut().zip(padded) {
            let (difference, under_a) = limb.overflowing_sub(theirs);
            let (difference, under_b) = difference.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (difference, under_a || under_b);
        }
        debug_assert!(!borrow);
        self.trim();
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// The leading bits as `(value + less than one if the flag is set) * 2^exponent`.
    pub(super) fn leading(&self) -> (u128, bool, i64) {
        let shift = self.bit_length().saturating_sub(128);
        let (whole, bits) = ((shift / 64) as usize, shift % 64);
        let limb = |index: usize| u128::from(self.0.get(index).copied().unwrap_or(0));
        let mut value = limb(whole) >> bits | limb(whole + 1) << (64 - bits);
        if bits != 0 {
            value |= limb(whole + 2) << (128 - bits);
        }
        let dropped_limbs = self.0.iter().take(whole).any(|&limb| limb != 0);
        let dropped_bits = limb(whole) & ((1u128 << bits) - 1) != 0;
        (value, dropped_limbs || dropped_bits, i64::from(shift))
    }

    /// `self / divisor` as `(quotient + less than one if the flag is set) * 2^exponent` with a quotient of at least
    /// 66 bits. Neither may be zero.
    pub(super) fn divide(mut self, mut divisor: Self) -> (u128, bool, i64) {
        /// Steps of the division; each gives a bit.
        const STEPS: u32 = 68;
        // Make the divisor one bit longer than what is divided, so that the first bit is 0 and the second or the
        // third is 1.
        let exponent = i64::from(self.bit_length()) - i64::from(divisor.bit_length()) - 1;
        if exponent >= 0 {
            self.shl(0);
            divisor.shl(exponent as u32 + 2);
        } else {
            self.shl((-exponent) as u32);
            divisor.shl(2);
        }
        let mut quotient = 0u128;
        for _ in 0..STEPS {
            self.shl(1);
            quotient <<= 1;
            if self.compare(&divisor) != Ordering::Less {
                self.subtract(&divisor);
                quotient |= 1;
            }
        }
        (quotient, !self.0.is_empty(), exponent + 2 - i64::from(STEPS))
    }

    /// The decimal digits.
    pub(super) fn into_decimal(mut self) -> String {
        let mut parts = Vec::new();
        while !self.0.is_empty() {
            parts.push(self.div_rem(TEN_19));
        }
        let mut text = parts.pop().unwrap_or(0).to_string();
        for part in parts.iter().rev() {
            text.push_str(&format!("{part:019}"));
        }
        text
    }
}
