//! The tree against a sorted vector, with leaves of a few numbers so that every shape occurs soon.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::*;
use crate::gaps::{Part, Verdict};

const MAX: usize = 6;

/// A leaf of up to six numbers; a number of 1000 and more counts as larger than a leaf.
#[derive(Clone, Default, Debug)]
struct Numbers(Arc<Vec<u32>>);

impl Numbers {
    /// For changing: nobody else may hold them by now.
    fn numbers(&mut self) -> &mut Vec<u32> {
        Arc::get_mut(&mut self.0).expect("invariant 4")
    }

    fn weight(&self) -> usize {
        self.0.iter().map(|&number| if number >= 1_000_000 { 10 } else { 1 }).sum()
    }
}

impl Leaf for Numbers {
    type Separator = Box<[u32]>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn heap_bytes(&self) -> usize {
        self.0.capacity() * 4
    }

    fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    fn own(&mut self) -> u64 {
        let copied = if self.is_shared() { self.heap_bytes() as u64 } else { 0 };
        Arc::make_mut(&mut self.0);
        copied
    }

    fn is_overfull(&self) -> bool {
        self.weight() > MAX
    }

    fn is_underfull(&self) -> bool {
        self.weight() < MAX / 3
    }

    fn joins(&self, right: &Self) -> bool {
        self.weight() + right.weight() <= MAX
    }

    fn middle(&self) -> usize {
        self.0.len() / 2
    }

    fn split_off(&mut self, at: usize) -> Self {
        Self(Arc::new(self.numbers().split_off(at)))
    }

    fn absorb(&mut self, right: &Self) {
        self.numbers().extend_from_slice(&right.0);
    }

    fn remove_range(&mut self, from: usize, to: usize) {
        self.numbers().drain(from..to);
    }

    fn separator(_: &Self, right: &Self) -> Box<[u32]> {
        right.0[..1].into()
    }

    fn separator_heap(separator: &Box<[u32]>) -> usize {
        separator.len() * 4
    }
}

impl KeyedLeaf for Numbers {
    type Key<'k> = u32;

    fn compare(separator: &Box<[u32]>, key: u32) -> Ordering {
        separator[0].cmp(&key)
    }

    fn search(&self, key: u32) -> Result<usize, usize> {
        self.0.binary_search(&key)
    }
}

fn content(tree: &Ordered<Numbers>) -> Vec<u32> {
    tree.leaves_from(0).flat_map(|found| found.leaf.0.iter().copied()).collect()
}

fn check(tree: &Ordered<Numbers>, keyed: bool) {
    tree.check(|leaf| assert!(!keyed || leaf.0.is_sorted()));
    assert_eq!(tree.leaf_count(), tree.leaves_from(0).count() as u64);
    if keyed {
        tree.check_separators(|left, separator, right| {
            *left.0.last().unwrap() < separator[0] && separator[0] <= right.0[0]
        });
    }
}

#[test]
fn keyed_behaves_like_a_sorted_vector() {
    for seed in 0..40 {
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut tree, mut model) = (Ordered::<Numbers>::new(), Vec::<u32>::new());
        let mut frozen = Vec::new();
        let range = [200, 3000, 100_000][rng.usize(0..3)];
        for step in 0..4000 {
            let growing = step / 1000 % 2 == 0;
            let key = match rng.u32(0..20) {
                0 => 1_000_000 + rng.u32(0..range),
                1..4 => model.last().map_or(5, |last| (last + 1) % 2_000_000),
                _ => rng.u32(0..range),
            };
            match model.binary_search(&key) {
                Ok(at) if !growing || rng.bool() => {
                    model.remove(at);
                    let rank = tree.edit_key(key, |mut leaf, start| {
                        let at = leaf.get().search(key).unwrap();
                        leaf.own().numbers().remove(at);
                        Edit::Done(start + at as u64, at)
                    });
                    assert_eq!(rank, at as u64);
                }
                Ok(at) => assert_eq!(tree.search(key), Ok(at as u64)),
                Err(at) => {
                    assert!(!tree.contains(key));
                    assert_eq!(tree.search(key), Err(at as u64));
                    model.insert(at, key);
                    let place = key >= 1_000_000 || rng.u32(0..50) == 0;
                    tree.edit_key(key, |mut leaf, _| {
                        let at = leaf.get().search(key).unwrap_err();
                        if place {
                            return Edit::Place(Numbers(Arc::new(vec![key])), at, ());
                        }
                        leaf.own().numbers().insert(at, key);
                        Edit::Done((), at)
                    });
                }
            }
            if rng.u32(0..if growing { 300 } else { 60 }) == 0 {
                let from = rng.usize(0..=model.len());
                let to = rng.usize(from..=model.len()).min(from + rng.usize(0..60));
                model.drain(from..to);
                let mut gone = tree.remove_range(from as u64, to as u64);
                while !gone.step(3) {}
            }
            if rng.u32(0..200) == 0 {
                frozen.push((tree.clone(), model.clone()));
            }
            if frozen.len() > 3 {
                let (copy, model) = frozen.swap_remove(rng.usize(0..frozen.len()));
                check(&copy, true);
                assert_eq!(content(&copy), model);
                assert_eq!(drained(copy, &mut rng), model);
            }
            if step % 20 == 0 {
                check(&tree, true);
                assert_eq!(tree.len(), model.len() as u64);
            }
        }
        assert_eq!(content(&tree), model);
        let mut builder = Builder::new();
        for part in model.chunk_by(|&a, &b| a / 4 == b / 4 && b < 1_000_000) {
            builder.push(Numbers(Arc::new(part.to_vec())));
        }
        let built = builder.finish();
        check(&built, true);
        assert_eq!(content(&built), model);
        let mut teardown = tree.into_teardown();
        while !teardown.step(5) {}
    }
}

#[test]
fn positional_behaves_like_a_deque() {
    for seed in 0..40 {
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut tree, mut model) = (Ordered::<Numbers>::new(), VecDeque::<u32>::new());
        for step in 0..5000u32 {
            let grow = step / 1250 % 2 == 0;
            let index = rng.usize(0..=model.len());
            match rng.u32(0..if grow { 6 } else { 10 }) {
                0 => {
                    model.push_front(step);
                    tree.edit_first(|mut leaf| {
                        leaf.own().numbers().insert(0, step);
                        Edit::Done((), 0)
                    });
                }
                1 => {
                    model.push_back(step);
                    tree.edit_last(|mut leaf| {
                        let at = leaf.get().len();
                        leaf.own().numbers().push(step);
                        Edit::Done((), at)
                    });
                }
                2 | 3 => {
                    model.insert(index, step);
                    tree.edit_gap(index as u64, |mut leaf, at| {
                        leaf.own().numbers().insert(at, step);
                        Edit::Done((), at)
                    });
                }
                4 => {
                    model.insert(index, 1_000_000);
                    tree.edit_gap(index as u64, |_, at| {
                        Edit::Place(Numbers(Arc::new(vec![1_000_000])), at, ())
                    });
                }
                5 if index < model.len() => {
                    let found = tree.leaf_at(index as u64).unwrap();
                    assert_eq!(found.leaf.0[index - found.start as usize], model[index]);
                }
                6..10 if index < model.len() => {
                    let there = model.remove(index).unwrap();
                    let got = tree.edit_at(index as u64, |mut leaf, at| {
                        let got = leaf.own().numbers().remove(at);
                        Edit::Done(got, at)
                    });
                    assert_eq!(got, there);
                }
                _ => {}
            }
            if step % 20 == 0 {
                check(&tree, false);
            }
        }
        assert!(content(&tree).iter().eq(model.iter()));
        if let Some(last) = tree.len().checked_sub(1) {
            let mut back: Vec<u32> = Vec::new();
            for found in tree.leaves_back_from(last) {
                back.extend(found.leaf.0.iter().rev().copied());
            }
            assert!(back.iter().eq(model.iter().rev()));
        }
        assert_eq!(tree.first_leaf().map(|leaf| leaf.0[0]), model.front().copied());
        assert_eq!(tree.last_leaf().and_then(|leaf| leaf.0.last()), model.back());
    }
}

#[test]
fn leaves_filled_from_an_end_are_left_full() {
    for front in [false, true] {
        let mut tree = Ordered::<Numbers>::new();
        for number in 0..50_000 {
            let put = |leaf: &mut Numbers| {
                let at = if front { 0 } else { leaf.len() };
                leaf.numbers().insert(at, number);
                at
            };
            if front {
                tree.edit_first(|mut leaf| Edit::Done((), put(leaf.own())));
            } else {
                tree.edit_last(|mut leaf| Edit::Done((), put(leaf.own())));
            }
        }
        let leaves = tree.leaves_from(0).count();
        assert_eq!(leaves, 50_000_usize.div_ceil(MAX));
        check(&tree, false);
    }
}

#[test]
fn a_frozen_tree_costs_only_what_is_changed() {
    let mut builder = Builder::new();
    for start in 0..10_000 {
        builder.push(Numbers(Arc::new((start * 5..start * 5 + 5).collect())));
    }
    let mut tree = builder.finish();
    assert_eq!(tree.shared_bytes_estimate(), 0);
    let frozen = tree.clone();
    assert_eq!(tree.shared_bytes_estimate(), tree.heap_bytes());
    tree.edit_at(25_000, |mut leaf, at| {
        leaf.own().numbers()[at] += 0;
        Edit::Done((), at)
    });
    assert!(tree.copied_bytes() < 16_000, "{}", tree.copied_bytes());
    assert!(tree.shared_bytes_estimate() > tree.heap_bytes() / 2);
    drop(frozen);
    let before = tree.copied_bytes();
    tree.edit_at(1, |mut leaf, at| {
        leaf.own();
        Edit::Done((), at)
    });
    assert_eq!(tree.copied_bytes(), before);
    let freed: u64 = {
        let mut drain = tree.into_drain();
        let mut freed = 0;
        while let Some(leaf) = drain.next() {
            freed += leaf.release() + drain.take_freed();
        }
        freed
    };
    assert!(freed > 10_000 * 20);
}

/// What a drain hands out, or has put in the place of leaves that are taken out now and then. Each is kept under its place.
fn drained(tree: Ordered<Numbers>, rng: &mut fastrand::Rng) -> Vec<u32> {
    let (mut kept, mut all, mut from) = (Vec::new(), Vec::new(), 0);
    let mut drain = tree.into_drain();
    loop {
        if rng.u8(..3) == 0 {
            let next = drain.take_out(from, &mut |leaf| match rng.u8(..8) {
                0 => Verdict::Stop,
                1..4 => Verdict::Stay,
                _ => {
                    assert!(!leaf.is_shared());
                    kept.push(Some(leaf.0.to_vec()));
                    Verdict::Go { place: kept.len() as u64 - 1, bytes: leaf.len() as u32 }
                }
            });
            assert!(next.is_none_or(|next| next >= from), "it goes on where it stopped");
            from = next.unwrap_or(0);
        }
        match drain.next_part() {
            Some(Part::Leaf(leaf)) => all.extend_from_slice(&leaf.0),
            Some(Part::Gap(gap)) => {
                let leaf = kept[gap.place as usize].take().expect("handed out once");
                assert_eq!((leaf.len() as u64, gap.bytes), (gap.len, leaf.len() as u32));
                all.extend(leaf);
            }
            None => break,
        }
    }
    assert!(kept.iter().all(Option::is_none), "everything that was taken out was handed out");
    assert_eq!(drain.remaining(), 0);
    all
}

#[test]
fn only_what_nobody_else_holds_is_taken_out() {
    let mut builder = Builder::new();
    for start in 0..10_000 {
        builder.push(Numbers(Arc::new((start * 5..start * 5 + 5).collect())));
    }
    let mut tree = builder.finish();
    let frozen = tree.clone();
    for at in [1, 2, 25_000] {
        tree.edit_at(at, |mut leaf, at| {
            leaf.own().numbers()[at] += 1_000_000;
            Edit::Done((), at)
        });
    }
    let mut drain = frozen.into_drain();
    let mut seen = Vec::new();
    let mut look = |leaf: &Numbers| {
        seen.push(leaf.0[0]);
        Verdict::Stay
    };
    assert_eq!(drain.take_out(0, &mut look), None);
    assert_eq!(seen, [0, 25_000], "two leaves were changed");
}

#[test]
fn one_call_looks_at_no_more_than_a_bounded_number_of_leaves() {
    const LEAVES: u64 = 10_000;
    let mut builder = Builder::new();
    for leaf in 0..LEAVES as u32 {
        builder.push(Numbers(Arc::new(vec![leaf; 5])));
    }
    let mut tree = builder.finish();
    let frozen = tree.clone();
    // Below every inner node something is changed, so that none is passed over.
    let changed: Vec<u32> = (0..LEAVES as u32).step_by(10).collect();
    for &leaf in &changed {
        tree.edit_at(u64::from(leaf) * 5, |mut leaf, at| {
            leaf.own().numbers()[at] += 1_000_000;
            Edit::Done((), at)
        });
    }
    let mut drain = frozen.into_drain();
    let (mut seen, mut from, mut calls) = (Vec::new(), Some(0), 0);
    while let Some(rank) = from {
        let mut look = |leaf: &Numbers| {
            seen.push(leaf.0[0]);
            Verdict::Stay
        };
        from = drain.take_out(rank, &mut look);
        calls += 1;
        assert!(from.is_none_or(|next| next > rank && next - rank <= 5 * 2100), "{rank} to {from:?}");
    }
    assert_eq!(calls, LEAVES.div_ceil(2048));
    assert_eq!(seen, changed, "nothing is left out between two calls, or seen twice");
}
