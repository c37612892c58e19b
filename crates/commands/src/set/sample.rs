//! Fair choice: which members of a set of known size are taken, by their ranks.

/// From this share of all ranks on, looking at each of them costs less than drawing and sorting.
const DENSE: u64 = 16;

/// One rank below `len`.
pub fn rank(len: u64) -> u64 {
    if len == 0 { 0 } else { fastrand::u64(..len) }
}

/// `count` different ranks below `len`, ascending; all of them if there are not more. Every choice is equally likely.
pub fn ranks(count: u64, len: u64) -> Vec<u64> {
    if count >= len {
        (0..len).collect()
    } else if count.saturating_mul(DENSE) >= len {
        select(count, len)
    } else {
        draw(count, len)
    }
}

/// Each rank in turn is taken with the probability that is left for it: as many as are still wanted among those that are left.
fn select(count: u64, len: u64) -> Vec<u64> {
    let mut ranks = Vec::new();
    let mut wanted = count;
    for rank in 0..len {
        if wanted == 0 {
            break;
        }
        if fastrand::u64(..len - rank) < wanted {
            ranks.push(rank);
            wanted -= 1;
        }
    }
    ranks
}

/// Ranks are drawn until enough different ones have come. A repeated one is as if it had not been drawn, which prefers no choice.
fn draw(count: u64, len: u64) -> Vec<u64> {
    let mut ranks = Vec::new();
    while (ranks.len() as u64) < count {
        (ranks.len() as u64..count).for_each(|_| ranks.push(fastrand::u64(..len)));
        ranks.sort_unstable();
        ranks.dedup();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_wanted_all_different() {
        for (count, len) in
            [(0, 0), (0, 5), (1, 1), (3, 3), (9, 3), (1, 100), (5, 100), (6, 100), (99, 100), (1000, 1 << 40)]
        {
            let ranks = ranks(count, len);
            assert_eq!(ranks.len() as u64, count.min(len));
            assert!(ranks.is_sorted_by(|a, b| a < b) && ranks.iter().all(|rank| *rank < len));
        }
    }

    /// Each of the 10 subsets of three of five comes up equally often, whichever way they are chosen.
    #[test]
    fn every_choice_is_equally_likely() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        fastrand::seed(seed);
        for choose in [select, draw] {
            let mut seen = std::collections::HashMap::new();
            const DRAWS: u32 = 50_000;
            for _ in 0..DRAWS {
                *seen.entry(choose(3, 5)).or_insert(0u32) += 1;
            }
            assert_eq!(seen.len(), 10);
            let expected = f64::from(DRAWS) / 10.0;
            let chi: f64 = seen.values().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
            // Nine degrees of freedom: once in ten million runs above 47.
            assert!(chi < 47.0, "{chi} {seen:?}");
        }
    }
}
