//! The directory against std's maps through its simplest leaf, that of scores: random changes, freezes, scans, drains,
//! with hashes that spread well, that crowd together, and that are equal.

use std::collections::BTreeMap;

use super::*;
use crate::gaps::{Part, Verdict};
use crate::score_index::ScoreIndex;

type Model = BTreeMap<u32, Vec<u64>>;

fn hash_of(key: u64, kind: usize) -> u64 {
    let mixed = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    match kind {
        0 => mixed,
        1 => mixed & 0x0000_0FFF_0000_0000,
        2 => mixed & 0x7000_0007_0000_0000,
        _ => mixed | 0xFFFF_FFF0_0000_0000,
    }
}

/// Mostly small whole scores; some that leaves need more bytes for.
fn any_score(rng: &mut fastrand::Rng) -> f64 {
    match rng.usize(..100) {
        0 => f64::from(rng.u32(..1000)) + 0.5,
        1 => -f64::from(rng.u32(1..1000)),
        2..5 => rng.u64(..1 << 42) as f64,
        _ => f64::from(rng.u32(..1000)),
    }
}

fn content(index: &ScoreIndex) -> Model {
    let mut model = Model::new();
    index.scan(0, u64::MAX, |fragment, score| model.entry(fragment).or_default().push(score.to_bits()));
    model.values_mut().for_each(|scores| scores.sort_unstable());
    model
}

fn sorted(model: &Model) -> Model {
    let mut model = model.clone();
    model.values_mut().for_each(|scores| scores.sort_unstable());
    model
}

fn fuzz(seed: u64, kind: usize, steps: usize) {
    println!("seed {seed}, kind {kind}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut index, mut model) = (ScoreIndex::new(), Model::new());
    let mut live: Vec<(u64, f64)> = Vec::new();
    let mut frozen: Vec<(ScoreIndex, Model)> = Vec::new();
    let mut growing = true;
    for step in 0..steps {
        if rng.usize(..3000) == 0 {
            growing = !growing;
        }
        let remove = rng.usize(..10) < if growing { 2 } else { 8 };
        match rng.usize(..20) {
            0..15 if !remove => {
                let (hash, score) = (hash_of(rng.u64(..200_000), kind), any_score(&mut rng));
                index.insert(hash, score);
                model.entry((hash >> 32) as u32).or_default().push(score.to_bits());
                live.push((hash, score));
            }
            0..15 if !live.is_empty() => {
                let (hash, score) = live.swap_remove(rng.usize(..live.len()));
                assert!(index.remove(hash, score));
                let scores = model.get_mut(&((hash >> 32) as u32)).unwrap();
                scores.swap_remove(scores.iter().position(|&s| s == score.to_bits()).unwrap());
                if scores.is_empty() {
                    model.remove(&((hash >> 32) as u32));
                }
            }
            15..18 if !live.is_empty() => {
                let at = rng.usize(..live.len());
                let (hash, old) = live[at];
                let new = any_score(&mut rng);
                assert!(index.replace(hash, old, new));
                live[at].1 = new;
                let scores = model.get_mut(&((hash >> 32) as u32)).unwrap();
                *scores.iter_mut().find(|s| **s == old.to_bits()).unwrap() = new.to_bits();
                let mut found: Vec<u64> = index.candidates(hash).map(f64::to_bits).collect();
                let mut expected = scores.clone();
                found.sort_unstable();
                expected.sort_unstable();
                assert_eq!(found, expected);
            }
            18 => assert!(!index.remove(hash_of(rng.u64(..), kind), -0.25)),
            _ if rng.usize(..20) == 0 => {
                if frozen.len() > 3 || (!frozen.is_empty() && rng.bool()) {
                    let (clone, then) = frozen.swap_remove(rng.usize(..frozen.len()));
                    clone.check();
                    assert_eq!(content(&clone), then);
                    let mut seen = 0;
                    let mut drain = clone.into_drain();
                    let (mut away, mut from) = (0, 0);
                    loop {
                        if rng.usize(..3) == 0 {
                            let next = drain.take_out(from, &mut |leaf| match rng.usize(..8) {
                                0 => Verdict::Stop,
                                1..4 => Verdict::Stay,
                                _ => {
                                    away += leaf.len();
                                    Verdict::Go { place: 0, bytes: leaf.len() as u32 }
                                }
                            });
                            from = next.unwrap_or(0);
                        }
                        match drain.next_part() {
                            Some(Part::Leaf(leaf)) => {
                                seen += leaf.len();
                                drain.release(leaf);
                            }
                            Some(Part::Gap(gap)) => {
                                assert_eq!(gap.len, u64::from(gap.bytes));
                                seen += gap.bytes as usize;
                                away -= gap.bytes as usize;
                            }
                            None => break,
                        }
                    }
                    assert_eq!(away, 0, "everything that was taken out has left a gap");
                    assert_eq!(seen, then.values().map(Vec::len).sum::<usize>());
                } else {
                    frozen.push((index.clone(), sorted(&model)));
                }
            }
            _ => {}
        }
        assert_eq!(index.len(), live.len() as u64);
        if step % 997 == 0 {
            index.check();
            assert_eq!(content(&index), sorted(&model));
        }
    }
    index.check();
    for (clone, then) in frozen {
        clone.check();
        assert_eq!(content(&clone), then);
    }
    for (hash, score) in live {
        assert!(index.remove(hash, score));
    }
    index.check();
    assert_eq!((index.len(), index.heap_bytes()), (0, 0), "an empty index holds nothing");
}

#[test]
fn model_fuzz() {
    for seed in 0..4 {
        for kind in 0..4 {
            fuzz(seed, kind, 25_000);
        }
    }
}

#[test]
fn a_scan_shows_what_stays_exactly_once() {
    for kind in 0..4 {
        let mut rng = fastrand::Rng::with_seed(kind as u64);
        let mut index = ScoreIndex::new();
        let stays: Vec<u64> = (0..3000).map(|key| hash_of(key, kind)).collect();
        for (score, &hash) in stays.iter().enumerate() {
            index.insert(hash, score as f64);
        }
        let mut others: Vec<u64> = Vec::new();
        let mut seen = vec![0; stays.len()];
        let mut cursor = 0;
        let mut round = 0;
        loop {
            cursor = index.scan(cursor, rng.u64(1..50), |_, score| {
                if score >= 0.0 {
                    seen[score as usize] += 1;
                }
            });
            if cursor == 0 {
                break;
            }
            // Waves of other items make everything cut and join again.
            round += 1;
            for _ in 0..600 {
                if round % 8 < 4 {
                    let hash = hash_of(rng.u64(..), kind);
                    index.insert(hash, -1.0);
                    others.push(hash);
                } else if let Some(hash) = others.pop() {
                    assert!(index.remove(hash, -1.0));
                }
            }
        }
        index.check();
        assert!(round > 1, "more than one call");
        assert!(seen.iter().all(|&times| times == 1), "kind {kind}: {seen:?}");
    }
}

#[test]
fn a_freeze_costs_nothing_and_a_change_copies_a_path() {
    let mut index = ScoreIndex::new();
    for key in 0..100_000 {
        index.insert(hash_of(key, 0), 1.0);
    }
    assert_eq!((index.copied_bytes(), index.shared_bytes_estimate()), (0, 0));
    let per_item = index.heap_bytes() as f64 / 100_000.0;
    assert!(per_item < 14.5, "{per_item} bytes an item");
    let frozen = index.clone();
    assert_eq!(index.shared_bytes_estimate(), index.heap_bytes());
    assert!(index.replace(hash_of(7, 0), 1.0, 2.0));
    assert!(index.copied_bytes() < 12 * 1024, "{} bytes copied", index.copied_bytes());
    assert!(index.shared_bytes_estimate() < index.heap_bytes());
    assert_eq!(frozen.candidates(hash_of(7, 0)).next(), Some(1.0));
    drop(frozen);
    let copied = index.copied_bytes();
    assert!(index.replace(hash_of(7, 0), 2.0, 3.0));
    assert_eq!(index.copied_bytes(), copied, "nobody else holds it any more");
}

#[test]
fn teardown_goes_in_slices_and_spares_what_is_shared() {
    let mut index = ScoreIndex::new();
    for key in 0..100_000 {
        index.insert(hash_of(key, 0), key as f64);
    }
    let frozen = index.clone();
    index.insert(1, 1.0);
    let mut teardown = index.into_teardown();
    while !teardown.step(5) {}
    frozen.check();
    assert_eq!(frozen.len(), 100_000);
    let mut teardown = frozen.into_teardown();
    let mut steps = 1;
    while !teardown.step(10) {
        steps += 1;
    }
    assert!(steps > 20, "{steps}");
}

#[test]
fn a_drain_of_the_only_holder_frees_everything_on_the_way() {
    let mut index = ScoreIndex::new();
    for key in 0..20_000 {
        index.insert(hash_of(key, 0), key as f64);
    }
    let heap = index.heap_bytes();
    let mut drain = index.into_drain();
    let (mut last, mut freed) = (heap, 0);
    while let Some(leaf) = drain.next() {
        drain.release(leaf);
        assert!(drain.remaining_bytes() < last);
        last = drain.remaining_bytes();
        freed += drain.take_freed();
    }
    assert_eq!((freed, drain.remaining_bytes()), (heap, 0));
}

#[test]
fn ranks_are_the_hash_order() {
    let mut index = Directory::<crate::score_index::ScoreLeaf>::new();
    assert!(index.at_rank(0).is_none());
    let mut positions: Vec<u32> = (0..5000).map(|key| (hash_of(key, 0) >> 32) as u32).collect();
    for &position in &positions {
        index.change(position, |leaf| leaf.insert(position, 0, 0.0));
    }
    positions.sort_unstable();
    for (rank, &position) in positions.iter().enumerate() {
        let (leaf, at) = index.at_rank(rank as u64).unwrap();
        assert_eq!(leaf.position(at), position);
    }
    assert!(index.at_rank(5000).is_none());
}
