//! Block trees against a vector as the model, with freezes taken and dropped at random, and edge cases by name.

use super::node::FAN;
use super::*;

fn patterned(len: usize, seed: u64) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(seed);
    (0..len).map(|_| rng.u8(..)).collect()
}

fn collect(chunks: Chunks<'_>) -> Vec<u8> {
    chunks.flat_map(|chunk| chunk.iter().copied()).collect()
}

#[test]
fn empty_tree_has_nothing() {
    let mut tree = BlockTree::new();
    tree.check();
    assert!(tree.is_empty());
    assert_eq!(tree.heap_bytes(), 0);
    assert_eq!(tree.byte(0), None);
    assert_eq!(tree.byte_mut(0), None);
    assert_eq!(tree.chunks().count(), 0);
    assert_eq!(tree.shared(..).count(), 0);
    tree.write(1 << 30, b"");
    assert_eq!(tree.len(), 0, "an empty write changes nothing, also beyond the end");
    tree.truncate(0);
    tree.resize_zero(0);
    assert!(tree.into_teardown().step(0));
}

#[test]
fn content_survives_at_block_and_node_edges() {
    let node = BLOCK * FAN;
    for len in [1, BLOCK - 1, BLOCK, BLOCK + 1, node - 1, node, node + 1, 3 * node + 17] {
        let data = patterned(len, len as u64);
        let tree = BlockTree::from_slice(&data);
        tree.check();
        assert_eq!(tree.len(), len as u64);
        assert!(tree.eq_bytes(&data));
        assert_eq!(tree.to_vec(), data);
        assert_eq!(tree.byte(len as u64 - 1), data.last().copied());
        assert_eq!(tree.byte(len as u64), None);
        let shared: Vec<u8> = tree.shared(..).flat_map(|slice| slice.to_vec()).collect();
        assert_eq!(shared, data);
    }
}

#[test]
fn ranges_are_cut_to_the_length() {
    let data = patterned(3 * BLOCK + 5, 1);
    let tree = BlockTree::from_slice(&data);
    for (from, to) in [(0, 0), (5, 5), (0, BLOCK), (BLOCK - 1, BLOCK + 1), (7, 3 * BLOCK + 5)] {
        assert_eq!(collect(tree.read(from as u64..to as u64)), data[from..to]);
    }
    assert_eq!(collect(tree.read(10..=10)), data[10..=10]);
    assert_eq!(collect(tree.read(10..u64::MAX)), data[10..]);
    assert_eq!(tree.read(u64::MAX..).count(), 0);
    #[expect(clippy::reversed_empty_ranges, reason = "callers compute ranges from clients' offsets")]
    let reversed = tree.read(10..4);
    assert_eq!(reversed.count(), 0);
}

#[test]
fn a_bit_far_beyond_the_end_costs_a_path() {
    let mut tree = BlockTree::new();
    tree.resize_zero(512 << 20);
    *tree.byte_mut((512 << 20) - 1).unwrap() = 1;
    tree.check();
    assert!(tree.heap_bytes() < 12 * 1024, "{}", tree.heap_bytes());
    assert_eq!(tree.byte(1 << 28), Some(0));
    assert_eq!(tree.runs(..).count(), 2, "one hole, then one block");
    assert_eq!(tree.chunks().map(|chunk| chunk.len() as u64).sum::<u64>(), 512 << 20);
}

#[test]
fn any_length_is_possible() {
    for len in [1 << 40, LEN_MAX] {
        let mut tree = BlockTree::new();
        tree.write(len - 1, b"z");
        tree.check();
        assert_eq!(tree.len(), len);
        assert_eq!(tree.byte(len - 1), Some(b'z'));
        assert_eq!(tree.byte(len - 2), Some(0));
        let frozen = tree.clone();
        tree.truncate(3);
        tree.check();
        assert_eq!(tree.to_vec(), [0; 3]);
        assert_eq!(frozen.byte(len - 1), Some(b'z'));
        frozen.check();
    }
}

#[test]
fn zeros_written_into_a_hole_leave_it_a_hole() {
    let mut tree = BlockTree::new();
    tree.append(&vec![0; 10 * BLOCK]);
    assert_eq!(tree.heap_bytes(), 0);
    tree.write(3 * BLOCK as u64, &[1]);
    let held = tree.heap_bytes();
    tree.write(0, &vec![0; 10 * BLOCK]);
    assert_eq!(tree.heap_bytes(), held);
    assert!(tree.eq_bytes(&vec![0; 10 * BLOCK]), "a present block is overwritten with zeros");
    tree.check();
}

#[test]
fn cutting_clears_what_growing_would_show() {
    let mut tree = BlockTree::from_slice(&vec![7; 2 * BLOCK]);
    tree.truncate(BLOCK as u64 + 3);
    tree.resize_zero(2 * BLOCK as u64);
    tree.check();
    let mut model = vec![7; BLOCK + 3];
    model.resize(2 * BLOCK, 0);
    assert!(tree.eq_bytes(&model));
}

#[test]
fn a_clone_is_frozen_and_only_what_changes_is_copied() {
    let data = patterned(4 << 20, 9);
    let mut tree = BlockTree::from_slice(&data);
    let frozen = tree.clone();
    assert_eq!(tree.copied_bytes(), 0);
    for offset in 0..100 {
        tree.write(offset, b"x");
    }
    assert_eq!(tree.copied_bytes(), LEAF_HEAP + 2 * INNER_HEAP, "one block and its path, once");
    assert!(frozen.eq_bytes(&data));
    assert!(tree != frozen);
    tree.write(0, &data[..100]);
    assert!(tree == frozen);
    drop(frozen);
    let before = tree.copied_bytes();
    tree.write(1 << 20, b"y");
    assert_eq!(tree.copied_bytes(), before, "nothing is copied once the clone is gone");
}

#[test]
fn a_shared_slice_keeps_its_bytes() {
    let mut tree = BlockTree::from_slice(&[1; 100]);
    let slice = tree.shared(10..20).next().unwrap();
    tree.write(0, &[2; 100]);
    assert_eq!(slice.as_ref(), [1; 10]);
    drop(tree);
    assert_eq!(std::thread::spawn(move || slice.to_vec()).join().unwrap(), [1; 10]);
}

#[test]
fn equality_sees_through_holes() {
    let mut hole = BlockTree::new();
    hole.resize_zero(5 << 20);
    let mut zeros = hole.clone();
    *zeros.byte_mut(0).unwrap() = 1;
    assert!(hole != zeros);
    *zeros.byte_mut(0).unwrap() = 0;
    assert_eq!(hole, zeros);
    assert_eq!(zeros, hole);
    *zeros.byte_mut(5 << 19).unwrap() = 1;
    assert_ne!(hole, zeros);
    assert_ne!(zeros, hole);
    zeros.truncate(5 << 19);
    assert!(hole != zeros, "lengths differ");
}

#[test]
fn teardown_frees_a_bounded_number_of_nodes_a_step() {
    let tree = BlockTree::from_slice(&vec![1; 200 * BLOCK]);
    let kept = tree.clone();
    let mut shared = tree.into_teardown();
    assert!(shared.step(1), "a shared root only loses a reference");
    let probe = kept.find(0);
    let Found::Leaf(leaf) = probe else { panic!("written") };
    let witness = Arc::downgrade(leaf);
    let mut teardown = kept.into_teardown();
    let mut steps = 0;
    while !teardown.step(10) {
        steps += 1;
        assert!(steps < 100);
    }
    assert_eq!(steps, 20, "200 blocks and 4 inner nodes, 10 a step");
    assert!(witness.upgrade().is_none());
}

/// Random changes to a tree and to a vector, with frozen clones that must keep what they had.
fn fuzz(seed: u64, rounds: usize, len_max: u64) {
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut tree, mut model) = (BlockTree::new(), Vec::<u8>::new());
    let mut frozen: Vec<(BlockTree, Vec<u8>)> = Vec::new();
    let mut slices: Vec<(SharedSlice, Vec<u8>)> = Vec::new();
    for round in 0..rounds {
        let at = if rng.bool() { rng.u64(0..=model.len() as u64) } else { rng.u64(0..len_max) };
        let size = match rng.u8(0..4) {
            0 => rng.usize(0..4),
            1 => rng.usize(0..300),
            2 => BLOCK * rng.usize(0..3),
            _ => rng.usize(0..3 * BLOCK),
        };
        match rng.u8(0..12) {
            0..=3 => {
                let mut data = vec![0; size];
                if rng.u8(0..4) != 0 {
                    rng.fill(&mut data);
                }
                let at = if rng.bool() { at / BLOCK as u64 * BLOCK as u64 } else { at };
                tree.write(at, &data);
                if size > 0 {
                    let end = at as usize + size;
                    model.resize(model.len().max(end), 0);
                    model[at as usize..end].copy_from_slice(&data);
                }
            }
            4 => {
                let data = patterned(size, rng.u64(..));
                tree.append(&data);
                model.extend(&data);
            }
            5 => {
                tree.truncate(at);
                model.truncate(at as usize);
            }
            6 => {
                tree.resize_zero(at);
                model.resize(at as usize, 0);
            }
            7 => match (tree.byte_mut(at), model.get_mut(at as usize)) {
                (Some(ours), Some(theirs)) => {
                    *ours ^= 0x5a;
                    *theirs ^= 0x5a;
                }
                (None, None) => {}
                other => panic!("round {round}: {other:?}"),
            },
            8 => frozen.push((tree.clone(), model.clone())),
            9 if !frozen.is_empty() => {
                let (old, was) = frozen.swap_remove(rng.usize(..frozen.len()));
                assert!(old.eq_bytes(&was), "round {round}: a frozen tree changed");
                old.check();
                assert_eq!(old == tree, was == model, "round {round}: equality");
                match rng.u8(..3) {
                    0 => {
                        let mut teardown = old.into_teardown();
                        while !teardown.step(rng.usize(1..40)) {}
                    }
                    1 => check_drain(old, &was),
                    _ => {}
                }
            }
            10 => {
                let end = at + size as u64;
                slices.extend(tree.shared(at..end).map(|slice| (slice.clone(), slice.to_vec())));
                let mut out = vec![1, 2, 3];
                tree.copy_range_to(at..end, &mut out);
                let (from, to) = ((at as usize).min(model.len()), (end as usize).min(model.len()));
                assert_eq!(out[3..], model[from..to], "round {round}: copied range");
                assert_eq!(tree.byte(at), model.get(at as usize).copied());
            }
            _ => {
                for (slice, was) in slices.drain(..) {
                    assert_eq!(slice.as_ref(), was, "round {round}: a shared slice changed");
                }
            }
        }
        assert_eq!(tree.len(), model.len() as u64, "round {round}");
        if round % 16 == 0 {
            tree.check();
            assert!(tree.eq_bytes(&model), "round {round}: content");
        }
    }
    tree.check();
    assert!(tree.eq_bytes(&model));
    drop(frozen);
    drop(slices);
}

#[test]
fn model_fuzz() {
    let seed = std::env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    fuzz(seed, 1500, 40 * BLOCK as u64);
    fuzz(seed ^ 1, 400, (BLOCK * FAN * 3) as u64);
}

/// Drains a tree and compares what comes with its content.
fn check_drain(tree: BlockTree, was: &[u8]) {
    let mut drain = tree.into_drain();
    let mut at = 0;
    while let Some(piece) = drain.next() {
        let part = &was[at..at + piece.len() as usize];
        match piece.data() {
            Some(data) => assert_eq!(data, part, "drained at {at}"),
            None => assert!(part.iter().all(|&byte| byte == 0), "a hole at {at}"),
        }
        at += part.len();
        assert_eq!(drain.remaining(), (was.len() - at) as u64);
        piece.release();
    }
    assert_eq!(at, was.len());
}

#[test]
fn a_drain_lets_go_of_what_it_has_passed() {
    let bytes = (BLOCK * FAN * 2 + 77) as u64;
    let mut tree = BlockTree::from_slice(&vec![9; bytes as usize]);
    assert_eq!(tree.shared_bytes_estimate(), 0);
    let frozen = tree.clone();
    assert_eq!(tree.shared_bytes_estimate(), tree.heap_bytes());
    let mut drain = frozen.into_drain();
    // One block is changed ahead of the drain: it alone is copied, and freed when the drain has passed it.
    *tree.byte_mut(BLOCK as u64 * 3).unwrap() = 1;
    let copied = tree.copied_bytes();
    assert!(copied >= BLOCK as u64);
    let mut freed = 0;
    for _ in 0..FAN {
        freed += drain.next().unwrap().release();
    }
    freed += drain.take_freed();
    assert!((BLOCK as u64..=copied).contains(&freed), "{freed} of {copied}");
    // Behind the drain nothing is copied any more.
    tree.write(BLOCK as u64, b"behind");
    tree.write(BLOCK as u64 * 60, b"behind");
    assert_eq!(tree.copied_bytes(), copied);
    assert!(tree.shared_bytes_estimate() < tree.heap_bytes());
    assert_eq!(drain.map(Piece::release).sum::<u64>(), 0);
    assert_eq!(tree.shared_bytes_estimate(), 0);
}
