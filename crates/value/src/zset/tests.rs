//! Both forms of a sorted set against a map and a sorted vector, and the bytes of the small form against a server.

use std::collections::{BTreeMap, HashMap};

use super::*;
use crate::large::LargeRef;
use crate::packed;

enum Zset {
    Small(Vec<u8>),
    Large(LargeZset),
}

/// Members with their scores, and the same in order.
#[derive(Clone, Default)]
struct Model {
    scores: BTreeMap<Vec<u8>, f64>,
}

impl Model {
    fn ordered(&self) -> Vec<(Vec<u8>, f64)> {
        let mut all: Vec<_> = self.scores.iter().map(|(member, &score)| (member.clone(), score)).collect();
        all.sort_by(|a, b| a.1.partial_cmp(&b.1).unwrap().then_with(|| a.0.cmp(&b.0)));
        all
    }
}

impl Zset {
    fn view(&self) -> ZsetRef<'_> {
        match self {
            Self::Small(block) => ZsetRef::Small(block),
            Self::Large(zset) => ZsetRef::Large(zset),
        }
    }

    fn set(&mut self, member: &[u8], score: f64) -> Option<f64> {
        match self {
            Self::Small(block) => small::set(block, member, score),
            Self::Large(zset) => zset.set(member, score),
        }
    }

    fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match self {
            Self::Small(block) => small::remove(block, member),
            Self::Large(zset) => zset.remove(member),
        }
    }

    fn pop(&mut self, end: End) -> Option<(Vec<u8>, f64)> {
        match self {
            Self::Small(block) => small::pop(block, end, |member, score| (member.to_vec(), score)),
            Self::Large(zset) => zset.pop(end, |member, score| (member.to_vec(), score)),
        }
    }

    fn remove_range(&mut self, from: u64, to: u64) {
        match self {
            Self::Small(block) => {
                small::remove_range(block, from, to);
            }
            Self::Large(zset) => drop(zset.remove_range(from, to)),
        }
    }

    fn content(&self) -> Vec<(Vec<u8>, f64)> {
        self.view().iter_from(0).map(|(member, score)| (member.to_vec(), score)).collect()
    }

    fn check(&self, model: &Model) {
        match self {
            Self::Small(block) => assert_eq!(packed::validate(block), Ok(())),
            Self::Large(zset) => zset.check(),
        }
        assert_eq!(self.content(), model.ordered());
    }
}

fn random_member(rng: &mut fastrand::Rng, range: u32) -> Vec<u8> {
    match rng.u32(0..200) {
        0 => vec![b'G'; rng.usize(1000..9000)],
        1..10 => vec![b'm'; rng.usize(0..300)],
        10..50 => rng.u32(0..range).to_string().into_bytes(),
        _ => format!("member:{:06}", rng.u32(0..range)).into_bytes(),
    }
}

fn random_score(rng: &mut fastrand::Rng, ties: bool) -> f64 {
    match rng.u32(0..if ties { 8 } else { 20 }) {
        0..6 => 0.0,
        6 => f64::from(rng.i32(-3..3)),
        7 => f64::INFINITY,
        8 => f64::NEG_INFINITY,
        9 => rng.f64() * 1e300,
        10 => -rng.f64(),
        11 => f64::from(rng.u32(..)),
        _ => f64::from(rng.i32(-500..500)) / 4.0,
    }
}

fn same_as_vector(zset: &Zset, model: &Model, rng: &mut fastrand::Rng, ties: bool) {
    let all = model.ordered();
    let rank = rng.usize(0..=all.len());
    let some: Vec<_> = zset.view().iter_from(rank as u64).take(9).map(|(m, s)| (m.to_vec(), s)).collect();
    assert!(some.iter().eq(all.iter().skip(rank).take(9)));
    let some: Vec<_> = zset.view().iter_back_from(rank as u64).map(|(m, s)| (m.to_vec(), s)).collect();
    assert!(some.iter().eq(all.iter().take(rank + 1).rev()));
    let score = random_score(rng, ties);
    let below = all.iter().filter(|item| item.1 < score).count() as u64;
    assert_eq!(zset.view().rank_of(Bound::BeforeScore(score)), below);
    let not_above = all.iter().filter(|item| item.1 <= score).count() as u64;
    assert_eq!(zset.view().rank_of(Bound::AfterScore(score)), not_above);
    if let Some((member, score)) = all.get(rank) {
        assert_eq!(zset.view().rank(member), Some((rank as u64, *score)));
    }
}

fn fuzz(seed: u64, mut zset: Zset, steps: u32, range: u32) {
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let ties = rng.bool();
    let mut model = Model::default();
    let mut frozen: Vec<(LargeZset, Model)> = Vec::new();
    for step in 0..steps {
        let growing = (step / (steps / 4)).is_multiple_of(2);
        let member = random_member(&mut rng, range);
        match rng.u32(0..if growing { 20 } else { 40 }) {
            0..12 => {
                let score = random_score(&mut rng, ties);
                assert_eq!(zset.set(&member, score), model.scores.insert(member, score));
            }
            12 | 13 => {
                // A small step, as ZINCRBY makes.
                let old = model.scores.get(&member).copied();
                let new = old.map(|old| old + 0.25);
                match &mut zset {
                    Zset::Large(zset) => assert_eq!(zset.modify(&member, |old| Some(old + 0.25)), old),
                    Zset::Small(block) => {
                        new.and_then(|new| small::set(block, &member, new));
                    }
                }
                if let Some(new) = new {
                    model.scores.insert(member, new);
                }
            }
            14 => assert_eq!(zset.view().score(&member), model.scores.get(&member).copied()),
            15 if rng.u32(0..6) == 0 => same_as_vector(&zset, &model, &mut rng, ties),
            16 if rng.u32(0..60) == 0 => {
                let all = model.ordered();
                let from = rng.usize(0..=all.len());
                let to = (from + rng.usize(0..all.len() / 4 + 2)).min(all.len());
                for (member, _) in &all[from..to] {
                    model.scores.remove(member);
                }
                zset.remove_range(from as u64, to as u64);
            }
            17 => {
                if let Zset::Large(zset) = &zset {
                    if rng.u32(0..20) == 0 {
                        frozen.push((zset.clone(), model.clone()));
                    }
                    if frozen.len() > 2 {
                        let (zset, model) = frozen.swap_remove(rng.usize(0..frozen.len()));
                        Zset::Large(zset).check(&model);
                    }
                }
            }
            18 if rng.u32(0..5) == 0 => {
                let all = model.ordered();
                let (end, expected) =
                    if rng.bool() { (End::Min, all.first()) } else { (End::Max, all.last()) };
                let popped = zset.pop(end);
                assert_eq!(popped.as_ref(), expected);
                if let Some((member, _)) = popped {
                    model.scores.remove(&member);
                }
            }
            _ => assert_eq!(zset.remove(&member), model.scores.remove(&member)),
        }
        if step % 100 == 0 {
            zset.check(&model);
        }
    }
    zset.check(&model);
    if let Zset::Large(zset) = &zset {
        let block = zset.to_small().unwrap();
        Zset::Small(block.clone()).check(&model);
        let again = LargeZset::from_small(&block, Encoding::Skiplist);
        Zset::Large(again).check(&model);
    }
}

#[test]
fn small_behaves_like_a_map() {
    for seed in 0..20 {
        fuzz(seed, Zset::Small(packed::EMPTY.to_vec()), 800, 60);
    }
}

#[test]
fn large_behaves_like_a_map() {
    for seed in 100..116 {
        fuzz(seed, Zset::Large(LargeZset::default()), 6000, 1200);
    }
}

#[test]
fn lexical_bounds_cut_where_a_vector_is_cut() {
    let mut rng = fastrand::Rng::with_seed(5);
    let (mut zset, mut small) = (LargeZset::default(), packed::EMPTY.to_vec());
    let mut members = Vec::new();
    for _ in 0..3000 {
        let member = random_member(&mut rng, 1000);
        if zset.set(&member, 7.0).is_none() {
            small::insert(&mut small, &member, 7.0);
            members.push(member);
        }
    }
    zset.check();
    for _ in 0..300 {
        let bound = random_member(&mut rng, 1000);
        let before = members.iter().filter(|member| **member < bound).count() as u64;
        let through = members.iter().filter(|member| **member <= bound).count() as u64;
        for view in [ZsetRef::Large(&zset), ZsetRef::Small(&small)] {
            assert_eq!(view.rank_of(Bound::BeforeMember(&bound)), before);
            assert_eq!(view.rank_of(Bound::AfterMember(&bound)), through);
        }
    }
}

#[test]
fn a_scan_shows_exactly_once_what_stays() {
    for (seed, ties) in [(1, false), (2, true)] {
        let mut rng = fastrand::Rng::with_seed(seed);
        let score = |rng: &mut fastrand::Rng| if ties { 0.0 } else { f64::from(rng.u32(0..10_000)) };
        let mut zset = LargeZset::default();
        for number in 0..5000 {
            zset.set(format!("stays:{number}").as_bytes(), score(&mut rng));
        }
        let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
        let (mut cursor, mut calls) = (0, 0);
        loop {
            cursor = zset.scan(cursor, 10, |member, _| *seen.entry(member.to_vec()).or_default() += 1);
            calls += 1;
            if cursor == 0 {
                break;
            }
            for _ in 0..20 {
                zset.set(format!("comes:{}", rng.u32(0..20_000)).as_bytes(), score(&mut rng));
                zset.remove(format!("comes:{}", rng.u32(0..20_000)).as_bytes());
                zset.set(format!("stays:{}", rng.u32(0..5000)).as_bytes(), score(&mut rng));
            }
        }
        assert!(calls > 20, "{calls}");
        for number in 0..5000 {
            assert_eq!(seen.get(format!("stays:{number}").as_bytes()), Some(&1));
        }
    }
}

#[test]
fn freezing_and_freeing_are_bounded() {
    let mut zset = LargeZset::default();
    for number in 0..100_000u32 {
        zset.set(format!("member:{number:013}").as_bytes(), f64::from(number.wrapping_mul(2_654_435_761)));
    }
    let frozen = zset.clone();
    zset.set(b"member:0000000000005", 17.0);
    let (copied, image) = (zset.copied_bytes(), LargeRef::Zset(&zset).image());
    zset.set(b"member:0000000000006", 17.0);
    assert!(zset.copied_bytes() > copied, "the image holds the tree");
    drop(image);
    // Two leaves and three inner nodes of the tree, a leaf and three pages of the index.
    assert!(zset.copied_bytes() < 60_000, "{}", zset.copied_bytes());
    drop(zset);
    let image = frozen.image();
    drop(frozen);
    let held = image.heap_bytes();
    let mut drain = image.into_drain();
    let (mut elements, mut freed) = (0, 0);
    while let Some(leaf) = drain.next() {
        elements += crate::ordered::Leaf::len(&*leaf);
        freed += leaf.release() + drain.take_freed();
    }
    assert_eq!(elements, 100_000);
    assert_eq!(freed + drain.take_freed(), held);
    let mut zset = LargeZset::default();
    for number in 0..10_000u32 {
        zset.set(&number.to_le_bytes(), 1.0);
    }
    let mut teardown = zset.into_teardown();
    let mut steps = 0;
    while !teardown.step(8) {
        steps += 1;
    }
    assert!(steps > 5, "{steps}");
}

#[test]
fn elements_in_order_fill_leaves() {
    let mut zset = LargeZset::default();
    for number in 0..50_000u32 {
        zset.set(format!("member:{number:013}").as_bytes(), f64::from(number));
    }
    let tree_bytes = (zset.heap_bytes() - zset.index_bytes()) as f64 / 50_000.0;
    assert!(tree_bytes < 32.0, "{tree_bytes}");
}

#[test]
fn both_zeros_are_kept() {
    let mut zset = LargeZset::default();
    zset.set(b"a", -0.0);
    assert_eq!(zset.score(b"a").map(f64::to_bits), Some((-0.0f64).to_bits()));
    zset.set(b"a", 0.0);
    assert_eq!(zset.score(b"a").map(f64::to_bits), Some(0));
    zset.check();
    let mut small = packed::EMPTY.to_vec();
    small::set(&mut small, b"a", -0.0);
    assert_eq!(Packed::new(&small).element(1), Some(Element::Int(0)));
}

/// The listpack inside `DUMP` of the sorted set in the next test, from redis-server 8.0.6.
const SERVER_HEX: &str = "870000001a00816502842d696e66058163020001816b028431652d370581690283302e31048161\
    02010181620283312e3504816a0292332e30303030303030303030303030303034130c010501816702f4ffffffffffff0f0009\
    816602f4000000000000100009816c02f450f330a64b9bb601098168028531652b32300681640283696e6604ff";

#[test]
fn a_small_one_has_the_bytes_of_a_listpack() {
    let mut block = packed::EMPTY.to_vec();
    for (member, score) in [
        ("a", 1.0),
        ("b", 1.5),
        ("c", -0.0),
        ("d", f64::INFINITY),
        ("e", f64::NEG_INFINITY),
        ("f", 4_503_599_627_370_496.0),
        ("g", 4_503_599_627_370_495.0),
        ("h", 1e20),
        ("i", 0.1),
        ("j", 3.000_000_000_000_000_4),
        ("k", 1e-7),
        ("l", 123_456_789_012_345_680.0),
        ("12", 5.0),
    ] {
        small::set(&mut block, member.as_bytes(), score);
    }
    let mut listpack = Vec::new();
    Packed::new(&block).append_listpack(&mut listpack);
    let hex: String = listpack.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, SERVER_HEX);
}

#[test]
fn frozen_values_may_be_read_on_other_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<LargeZset>();
    shared::<crate::ordered::Drain<leaf::ZsetLeaf>>();
    shared::<ZsetTeardown>();
    shared::<crate::list::LargeList>();
}
