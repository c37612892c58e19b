//! Counting and finding bits, in slices and over the runs of a string.

use crate::block_tree::Run;
use crate::number::IntText;
use crate::string::StrRef;

/// Words that are added side by side, so that the compiler can use wide registers.
const LANES: usize = 8;

/// Bytes that `count_ones` takes in one round: 8 words for each lane.
const ROUND: usize = 8 * 8 * LANES;

/// A word for each lane.
type Wide = [u64; LANES];

/// Number of set bits.
///
/// Carry-save adders (Harley, Seal) add the bits of 8 words at each position at once, so that only the carries with the weight 8 have
/// to be counted: 8 GB/s instead of 5 on a machine without an instruction for it.
pub fn count_ones(bytes: &[u8]) -> u64 {
    let (rounds, rest) = bytes.as_chunks::<ROUND>();
    let (mut ones, mut twos, mut fours) = ([0; LANES], [0; LANES], [0; LANES]);
    let mut eights = 0;
    for round in rounds {
        let w = |number| lanes(round, number);
        let (a, b, c, d, carry);
        (ones, a) = add(ones, w(0), w(1));
        (ones, b) = add(ones, w(2), w(3));
        (twos, c) = add(twos, a, b);
        let (a, b);
        (ones, a) = add(ones, w(4), w(5));
        (ones, b) = add(ones, w(6), w(7));
        (twos, d) = add(twos, a, b);
        (fours, carry) = add(fours, c, d);
        eights += ones_in(carry);
    }
    let rest: u64 = rest.iter().map(|byte| u64::from(byte.count_ones())).sum();
    8 * eights + 4 * ones_in(fours) + 2 * ones_in(twos) + ones_in(ones) + rest
}

/// The lanes' words with this number in a round.
#[inline]
fn lanes(round: &[u8; ROUND], number: usize) -> Wide {
    let words = &round.as_chunks::<8>().0[number * LANES..];
    std::array::from_fn(|lane| u64::from_ne_bytes(words[lane]))
}

/// Sum and carry of three bits at every position.
#[inline]
fn add(a: Wide, b: Wide, c: Wide) -> (Wide, Wide) {
    let sum = std::array::from_fn(|lane| a[lane] ^ b[lane] ^ c[lane]);
    let carry = std::array::from_fn(|lane| (a[lane] & b[lane]) | ((a[lane] ^ b[lane]) & c[lane]));
    (sum, carry)
}

fn ones_in(wide: Wide) -> u64 {
    wide.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// Position of the first bit that is `bit`.
pub fn find_first(bytes: &[u8], bit: bool) -> Option<u64> {
    // What is looked for becomes a set bit.
    let flip = if bit { 0 } else { u64::MAX };
    let (full, rest) = bytes.as_chunks::<8>();
    for (number, word) in full.iter().enumerate() {
        let word = u64::from_be_bytes(*word) ^ flip;
        if word != 0 {
            return Some(number as u64 * 64 + u64::from(word.leading_zeros()));
        }
    }
    let base = full.len() as u64 * 64;
    rest.iter().enumerate().find_map(|(number, &byte)| {
        let byte = byte ^ flip as u8;
        (byte != 0).then(|| base + number as u64 * 8 + u64::from(byte.leading_zeros()))
    })
}

/// Number of set bits among the bits `start..end`; what lies beyond the string's end is not there.
pub fn count_in(string: StrRef<'_>, start: u64, end: u64) -> u64 {
    let mut total = 0;
    visit(string, start, end, |piece| {
        if let Some(data) = piece.data {
            let (from, to) = ((piece.low / 8) as usize, piece.high.div_ceil(8) as usize);
            total += count_ones(&data[from..to]);
            total -= u64::from((data[from] & !(0xFF >> (piece.low % 8))).count_ones());
            if piece.high % 8 != 0 {
                total -= u64::from((data[to - 1] & (0xFF >> (piece.high % 8))).count_ones());
            }
        }
        false
    });
    total
}

/// Position in the string of the first bit among `start..end` that is `bit`.
pub fn find_in(string: StrRef<'_>, bit: bool, start: u64, end: u64) -> Option<u64> {
    let mut found = None;
    visit(string, start, end, |piece| {
        let place = match piece.data {
            Some(data) => find_between(data, bit, piece.low, piece.high),
            None => (!bit).then_some(piece.low),
        };
        found = place.map(|place| piece.base + place);
        found.is_some()
    });
    found
}

/// The first bit of `low..high` that is `bit`; the range lies inside and is not empty.
fn find_between(data: &[u8], bit: bool, low: u64, high: u64) -> Option<u64> {
    let from = (low / 8) as usize;
    let first = if bit { data[from] } else { !data[from] } & (0xFF >> (low % 8));
    let place = if first != 0 {
        from as u64 * 8 + u64::from(first.leading_zeros())
    } else {
        (from as u64 + 1) * 8 + find_first(&data[from + 1..], bit)?
    };
    (place < high).then_some(place)
}

/// The part of a range of bits that lies in one run.
struct Piece<'a> {
    /// Bit address of the run's first bit.
    base: u64,
    /// The run's bytes; `None` in a hole.
    data: Option<&'a [u8]>,
    /// The range's bits in this run, relative to `base`: `low..high`, not empty.
    low: u64,
    high: u64,
}

/// Shows the bits `start..end` run by run until `each` returns true.
fn visit(string: StrRef<'_>, start: u64, end: u64, mut each: impl FnMut(Piece<'_>) -> bool) {
    let end = end.min(string.len().saturating_mul(8));
    if start >= end {
        return;
    }
    let mut digits = IntText::new(0);
    let mut base = start / 8 * 8;
    for run in string.runs(start / 8..end.div_ceil(8), &mut digits) {
        let (data, bytes) = match run {
            Run::Data(data) => (Some(data), data.len() as u64),
            Run::Zeros(count) => (None, count),
        };
        let high = (end - base).min(bytes * 8);
        if each(Piece { base, data, low: start.saturating_sub(base), high }) {
            return;
        }
        base += bytes * 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::string::Shared;

    fn bit(bytes: &[u8], at: u64) -> bool {
        bytes[(at / 8) as usize] >> (7 - at % 8) & 1 == 1
    }

    fn check(string: StrRef<'_>, bytes: &[u8], start: u64, end: u64) {
        let end_in = end.min(bytes.len() as u64 * 8);
        let ones = (start..end_in).filter(|&at| bit(bytes, at)).count() as u64;
        assert_eq!(count_in(string, start, end), ones, "{start}..{end}");
        for wanted in [false, true] {
            let first = (start..end_in).find(|&at| bit(bytes, at) == wanted);
            assert_eq!(find_in(string, wanted, start, end), first, "{wanted} in {start}..{end}");
        }
    }

    #[test]
    fn slices_match_a_model() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..1000 {
            let fill = [0, 0xFF, rng.u8(..)][rng.usize(0..3)];
            let mut bytes = vec![fill; rng.usize(0..2000)];
            for _ in 0..rng.usize(0..4) {
                let len = bytes.len();
                if len > 0 {
                    bytes[rng.usize(0..len)] = rng.u8(..);
                }
            }
            assert_eq!(count_ones(&bytes), bytes.iter().map(|b| u64::from(b.count_ones())).sum::<u64>());
            let (start, end) = (rng.u64(0..17_000), rng.u64(0..17_000));
            check(StrRef::Bytes(&bytes), &bytes, start, end);
        }
        check(StrRef::Int(-120), b"-120", 3, 30);
    }

    #[test]
    fn trees_match_a_model() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..30 {
            let len = rng.usize(70_000..90_000);
            let mut bytes = vec![0; len];
            let mut tree = Shared::new();
            tree.resize_zero(len as u64);
            for _ in 0..rng.usize(0..20) {
                let at = rng.usize(0..len - 700);
                let data = vec![[0xFF, rng.u8(..)][rng.usize(0..2)]; rng.usize(1..700)];
                tree.write(at as u64, &data);
                bytes[at..at + data.len()].copy_from_slice(&data);
            }
            assert!(matches!(tree, Shared::Tree(_)));
            for _ in 0..10 {
                let (start, end) = (rng.u64(0..len as u64 * 8), rng.u64(0..len as u64 * 9));
                check(StrRef::Shared(&tree), &bytes, start, end);
            }
        }
    }

    #[test]
    fn holes_are_passed_over() {
        let mut tree = Shared::new();
        tree.write(1 << 40, &[1]);
        let string = StrRef::Shared(&tree);
        assert_eq!(find_in(string, true, 5, u64::MAX), Some((1 << 43) + 7));
        assert_eq!(find_in(string, false, 5, u64::MAX), Some(5));
        assert_eq!(count_in(string, 0, u64::MAX), 1);
        assert_eq!(find_in(string, false, (1 << 43) + 7, u64::MAX), None);
    }
}
