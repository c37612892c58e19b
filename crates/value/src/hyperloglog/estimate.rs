//! From a histogram of the registers to a number of elements: Ertl's improved raw estimator, which needs no bias correction.
//!
//! The order of the floating-point operations is Redis's, so that the last digit is, too.

use super::{RANK_BITS, REGISTERS};

/// 1 / (2 ln 2), with the digits that Redis gives it.
#[allow(clippy::excessive_precision)]
const ALPHA_INF: f64 = 0.721347520444481703680;

/// The number of elements behind registers of which `histogram[n]` have the value n. Values above 51 cannot be and do not count.
pub(super) fn estimate(histogram: &[u32; 64]) -> u64 {
    let m = REGISTERS as f64;
    let full = histogram[RANK_BITS as usize + 1];
    let mut z = m * tau((m - f64::from(full)) / m);
    for value in (1..=RANK_BITS as usize).rev() {
        z += f64::from(histogram[value]);
        z *= 0.5;
    }
    z += m * sigma(f64::from(histogram[0]) / m);
    let estimate = (ALPHA_INF * m * m / z).round();
    // All registers full to the brim: Redis's conversion of infinity, on the processors that it runs on most.
    if estimate.is_finite() { estimate as u64 } else { 1 << 63 }
}

/// Corrects for registers that are still 0.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if before == z {
            return z;
        }
    }
}

/// Corrects for registers that are full.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if before == z {
            return z / 3.0;
        }
    }
}
