//! The search for a position among a leaf's fragments from a good guess.
//!
//! Hashes are spread evenly, so among a hundred fragments one is within 8 places of where it should be nine times in ten. A
//! window of 16 around the guess is compared as a whole, without a branch for each step; what lies outside is found by
//! halving.

/// Fragments that are compared at once.
pub const WINDOW: usize = 16;

/// The first index of the window around `guess` among `len` fragments, which are at least as many as the window.
#[inline]
pub fn window_start(guess: usize, len: usize) -> usize {
    guess.saturating_sub(WINDOW / 2).min(len - WINDOW)
}

/// Index of the first of `fragments`, which ascend, that is not below `position`.
#[inline]
pub fn lower_bound<T: Copy>(
    fragments: &[T],
    guess: usize,
    position: u32,
    read: impl Fn(T) -> u32 + Copy,
) -> usize {
    if fragments.len() >= WINDOW {
        let start = window_start(guess, fragments.len());
        if let Some((window, _)) = fragments[start..].split_first_chunk::<WINDOW>() {
            let below =
                window.iter().map(|&fragment| u32::from(read(fragment) < position)).sum::<u32>() as usize;
            // Something in the window is below, or nothing can be before it; and the same at its end.
            if (below > 0 || start == 0) && (below < WINDOW || start + WINDOW == fragments.len()) {
                return start + below;
            }
        }
    }
    fragments.partition_point(|&fragment| read(fragment) < position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_guess_finds_the_bound() {
        let mut rng = fastrand::Rng::with_seed(1);
        for len in [0, 1, 15, 16, 17, 40, 200] {
            for spread in [3, 100, u32::MAX] {
                let mut fragments: Vec<u32> = (0..len).map(|_| rng.u32(..spread)).collect();
                fragments.sort_unstable();
                for _ in 0..200 {
                    let position = rng.u32(..spread);
                    let expected = fragments.iter().filter(|&&fragment| fragment < position).count();
                    let guess = rng.usize(..300);
                    assert_eq!(lower_bound(&fragments, guess, position, |fragment| fragment), expected);
                }
            }
        }
    }
}
