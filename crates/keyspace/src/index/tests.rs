//! The index against a model: an ordered map of positions.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use super::*;

/// Pointers are numbers here; their positions are looked up on the side.
#[derive(Default)]
struct Model {
    positions: HashMap<u64, u64>,
    next: u64,
}

impl Model {
    fn pointer(&mut self, position: u64) -> u64 {
        self.next += 8;
        self.positions.insert(self.next, position);
        self.next
    }
}

fn insert(index: &mut Index, model: &mut Model, position: u64) -> u64 {
    let pointer = model.pointer(position);
    index.insert(position, pointer, Onlookers::NONE, |p| model.positions[&p]);
    pointer
}

fn remove(index: &mut Index, model: &mut Model, pointer: u64) {
    let position = model.positions.remove(&pointer).unwrap();
    let (location, found) = index.find(position, |p| p == pointer).unwrap();
    assert_eq!(found, pointer);
    index.remove(location, Onlookers::NONE);
}

#[test]
fn grows_and_shrinks_like_the_model() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut index, mut model) = (Index::new(38), Model::default());
    let mut live = Vec::new();
    for phase in 0..6 {
        for step in 0..12_000 {
            let grow = if phase % 2 == 0 { rng.u8(..) < 230 } else { rng.u8(..) < 20 };
            if grow || live.is_empty() {
                live.push(insert(&mut index, &mut model, rng.u64(..)));
            } else {
                let victim = live.swap_remove(rng.usize(..live.len()));
                remove(&mut index, &mut model, victim);
            }
            if step % 1000 == 0 {
                index.check(|p| model.positions[&p]);
            }
        }
        index.check(|p| model.positions[&p]);
        assert_eq!(index.len(), live.len());
        assert_eq!(index.pointers().count(), live.len());
    }
    for pointer in live {
        remove(&mut index, &mut model, pointer);
    }
    assert_eq!((index.len(), index.bytes()), (0, 0));
}

#[test]
fn a_walk_meets_what_stays_exactly_once() {
    for round in 0..60 {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut index, mut model) = (Index::new(38), Model::default());
        let stays: Vec<u64> =
            (0..rng.usize(1..3000)).map(|_| insert(&mut index, &mut model, rng.u64(..))).collect();
        let mut others = Vec::new();
        let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
        let mut cursor = Some(0);
        while let Some(from) = cursor {
            let left = Cell::new(rng.usize(1..50));
            cursor = index.walk(from, |p| {
                *seen.entry(p).or_default() += 1;
                left.set(left.get().saturating_sub(1));
                left.get() > 0
            });
            assert!(cursor.is_none_or(|c| c > from));
            // Grow in some rounds, shrink in others.
            for _ in 0..rng.usize(..200) {
                if others.is_empty() || rng.u8(..) < if round % 2 == 0 { 200 } else { 60 } {
                    others.push(insert(&mut index, &mut model, rng.u64(..)));
                } else {
                    remove(&mut index, &mut model, others.swap_remove(rng.usize(..others.len())));
                }
            }
        }
        for pointer in stays {
            assert_eq!(seen.get(&pointer), Some(&1));
        }
        assert!(seen.values().all(|&times| times == 1), "something was returned twice");
    }
}

#[test]
fn equal_positions_are_kept_apart_by_the_caller() {
    let (mut index, mut model) = (Index::new(4), Model::default());
    // More equal positions than a segment holds: growth past the usual bound.
    let all: Vec<u64> = (0..3000).map(|_| insert(&mut index, &mut model, 42)).collect();
    index.check(|p| model.positions[&p]);
    let mut seen = 0;
    let mut cursor = Some(0);
    while let Some(from) = cursor {
        cursor = index.walk(from, |_| {
            seen += 1;
            false
        });
    }
    assert_eq!(seen, 3000);
    for pointer in all {
        remove(&mut index, &mut model, pointer);
    }
    assert_eq!(index.len(), 0);
}

#[test]
fn load_stays_high_and_probes_short() {
    let mut rng = fastrand::Rng::with_seed(7);
    let (mut index, mut model) = (Index::new(38), Model::default());
    let mut worst: f64 = 0.0;
    let mut sum = 0.0;
    let mut samples = 0;
    for n in 1..=60_000usize {
        insert(&mut index, &mut model, rng.u64(..));
        if n >= 1000 && n % 500 == 0 {
            let per_key = index.bytes() as f64 / n as f64;
            worst = worst.max(per_key);
            sum += per_key;
            samples += 1;
        }
    }
    let mean = sum / f64::from(samples);
    println!("index bytes per key: mean {mean:.2}, worst {worst:.2}");
    assert!(mean < 10.0 && worst < 11.5, "mean {mean:.2}, worst {worst:.2}");
}

#[test]
fn random_is_fair() {
    let mut rng = fastrand::Rng::with_seed(9);
    let (mut index, mut model) = (Index::new(38), Model::default());
    let all: Vec<u64> = (0..500).map(|_| insert(&mut index, &mut model, rng.u64(..))).collect();
    let mut counts: HashMap<u64, f64> = HashMap::new();
    for _ in 0..500 * 200 {
        *counts.entry(index.random(|n| rng.usize(..n)).unwrap()).or_default() += 1.0;
    }
    // Chi-square with 499 degrees of freedom: 1 in 10,000 above 624.
    let chi: f64 = all.iter().map(|p| (counts[p] - 200.0) * (counts[p] - 200.0) / 200.0).sum();
    assert!(chi < 624.0, "chi-square {chi}");
}
