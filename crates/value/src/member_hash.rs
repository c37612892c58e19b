//! The hash by which members of sets, fields of hashes and members of sorted sets are ordered and found.
//!
//! It has nothing to do with the hash of keys: a member's hash is the same in every collection of the process, so that one
//! computed for a member can be used in all of them (SINTER of ten sets hashes each member once).
//!
//! The seed is drawn once for each process, so that clients cannot aim members at one leaf, and nothing that is
//! written to disk depends on it. Tests may fix it before the first use.

use std::sync::OnceLock;

use ahash::RandomState;

static STATE: OnceLock<RandomState> = OnceLock::new();

/// The hash of a member or field.
#[inline]
pub fn member_hash(member: &[u8]) -> u64 {
    spread(STATE.get_or_init(RandomState::new).hash_one(member))
}

/// Makes the low hashes half as dense as the high ones, about as `log2(1 + x)` does for `x` in 0 to 1.
///
/// Were all equally dense, all leaves of a directory would be as full as each other: they would fill, pass from one of the
/// allocator's classes to the next and be cut nearly at the same time, and each time leave the slabs of a class behind, sparsely
/// occupied. So there is a leaf of any fill at any time, and what one leaves another takes
/// (`docs/decisions/0012-resident-bytes.md`).
#[inline]
fn spread(hash: u64) -> u64 {
    // x + 88/256 x (1 - x): ascends, slope 1.34 at the low end, 0.66 at the high one.
    let high = hash >> 32;
    hash.saturating_add(((high * (u64::from(u32::MAX) - high)) >> 8) * 88)
}

/// The part of a hash that collections store and order by: its upper half.
#[inline]
pub fn fragment(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// A hash with this fragment: as good as the member's own wherever only its fragment counts, as in all collections here.
#[inline]
pub fn hash_of_fragment(fragment: u32) -> u64 {
    u64::from(fragment) << 32
}

/// Makes the hash the same in every run. Returns false when it was already in use, and then changes nothing.
pub fn fix_seed(seed: u64) -> bool {
    STATE
        .set(RandomState::with_seeds(seed, !seed, seed.rotate_left(17), seed.wrapping_mul(0x9E37_79B9)))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_stays_the_same_and_spreads() {
        assert_eq!(member_hash(b"member"), member_hash(b"member"));
        let mut fragments: Vec<u32> =
            (0..10_000u32).map(|i| fragment(member_hash(&i.to_le_bytes())) >> 12).collect();
        fragments.sort_unstable();
        fragments.dedup();
        assert!(fragments.len() > 9_900, "{} of 10000 upper 20 bits differ", fragments.len());
        assert!(!fix_seed(1), "it is in use");
    }

    #[test]
    fn spreading_keeps_the_order_and_doubles_the_density() {
        let step = u64::MAX / 4096;
        let spread_out: Vec<u64> = (0..=4096).map(|i| spread(i * step)).collect();
        assert!(spread_out.is_sorted_by(|a, b| a < b));
        assert_eq!((spread(0), spread(u64::MAX)), (0, u64::MAX), "both ends stay");
        let width = |at: usize| (spread_out[at + 1] - spread_out[at]) as f64 / step as f64;
        let ratio = width(0) / width(4095);
        assert!((1.95..2.1).contains(&ratio), "{ratio}");
        assert!((0.98..1.02).contains(&width(2048)));
    }

    #[test]
    fn leaves_of_every_fill_exist_at_any_size() {
        // Leaves of a directory cover 2^-d of all positions: what they hold is to be anything between half and all of the most.
        for elements in [300_000u64, 400_000, 500_000] {
            let mut held = [0u32; 2048];
            (0..elements).for_each(|i| held[(fragment(member_hash(&i.to_le_bytes())) >> 21) as usize] += 1);
            let mean = elements as f64 / 2048.0;
            let thin = held.iter().filter(|&&held| f64::from(held) < 0.85 * mean).count();
            let thick = held.iter().filter(|&&held| f64::from(held) > 1.15 * mean).count();
            assert!(thin > 2048 / 5 && thick > 2048 / 5, "{thin} thin, {thick} thick");
        }
    }
}
