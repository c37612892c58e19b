//! A small seeded random generator for tests and load.
//!
//! It is not for secrets. The same seed gives the same sequence on every machine, so a failing run can be
//! repeated from the printed seed.

use std::time::{SystemTime, UNIX_EPOCH};

/// SplitMix64: 64 bits of state, every seed is good, and `mix` alone is a bijection on 64-bit numbers
/// (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
const TEXT: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Random {
    /// A generator that will repeat the same sequence for the same seed.
    pub fn new(seed: u64) -> Random {
        Random { state: seed }
    }

    /// The seed from the environment variable `EVENKEEL_SEED`, or one from the clock. Print it.
    pub fn seed() -> u64 {
        if let Some(seed) = std::env::var("EVENKEEL_SEED").ok().and_then(|text| text.parse().ok()) {
            return seed;
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        mix(since.as_nanos() as u64 ^ (u64::from(std::process::id()) << 40)) >> 16
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        mix(self.state)
    }

    /// A number in `0..bound`; 0 for a bound of 0. The bias is below bound / 2^64.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// An index into a collection of `len` elements (0 when it is empty).
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// True once in `n` times on average.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One element of a non-empty slice.
    pub fn pick<'a, T: ?Sized>(&mut self, from: &'a [&'a T]) -> &'a T {
        from[self.index(from.len())]
    }

    /// Fills a slice with printable text of 6 random bits per byte, which no compressor makes much smaller.
    pub fn fill_text(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(10) {
            let mut bits = self.bits();
            for byte in chunk {
                *byte = TEXT[(bits & 63) as usize];
                bits >>= 6;
            }
        }
    }

    /// Arbitrary bytes, zero and newline included.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.bits() as u8).collect()
    }
}

/// The finaliser of SplitMix64: a bijection, so different numbers give different results.
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_sequence() {
        let (mut a, mut b) = (Random::new(7), Random::new(7));
        assert!((0..100).all(|_| a.bits() == b.bits()));
        assert_ne!(Random::new(7).bits(), Random::new(8).bits());
    }

    #[test]
    fn below_stays_below_and_reaches_all() {
        let mut random = Random::new(1);
        let mut seen = [false; 7];
        for _ in 0..1000 {
            seen[random.below(7) as usize] = true;
        }
        assert_eq!(seen, [true; 7]);
        assert_eq!(random.below(0), 0);
    }
}
