//! Tests of all of HyperLogLog against plain models, and against values that redis-server 7.0 made.

use super::*;

fn add_all(bytes: &mut Vec<u8>, elements: impl Iterator<Item = String>, sparse_bytes_max: u64) {
    for element in elements {
        let (index, rank) = place(element.as_bytes());
        raise(bytes, index, rank, sparse_bytes_max, &mut Cursor::default()).unwrap();
    }
}

fn registers_of(bytes: &[u8]) -> Registers {
    let mut registers = [0; REGISTERS];
    merge_into(&mut registers, bytes).unwrap();
    registers
}

#[test]
fn both_forms_hold_what_a_model_holds() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for sparse_bytes_max in [0, 100, 3000, 100_000] {
        let mut bytes = empty();
        let mut model = [0; REGISTERS];
        let spread = [64, 2000, REGISTERS][rng.usize(0..3)];
        for round in 0..6000 {
            let (index, rank) = (rng.usize(0..spread), rng.u8(1..=33).min(rng.u8(1..=33)));
            let raises = would_raise(&bytes, index, rank).unwrap();
            assert_eq!(raises, model[index] < rank);
            let change = raise(&mut bytes, index, rank, sparse_bytes_max, &mut Cursor::default()).unwrap();
            assert_eq!(change == Change::Done, raises);
            model[index] = model[index].max(rank);
            if encoding(&bytes) == Some(Encoding::Sparse) {
                assert!(bytes.len() as u64 <= sparse_bytes_max.max(HEADER as u64 + 2));
            }
            if round % 500 == 0 {
                assert_eq!(registers_of(&bytes), model);
                assert_eq!(count(&bytes).unwrap(), count_registers(&model));
                let dense = to_dense(&bytes).unwrap();
                assert_eq!(encoding(&dense), Some(Encoding::Dense));
                assert_eq!(registers_of(&dense), model);
                assert_eq!(count(&dense).unwrap(), count_registers(&model));
            }
        }
    }
}

#[test]
fn a_cursor_changes_nothing_but_the_time() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for _ in 0..20 {
        let mut with = empty();
        add_all(&mut with, (0..rng.usize(0..900)).map(|n| format!("{seed}:{n}")), 3000);
        let mut without = with.clone();
        let mut cursor = Cursor::default();
        let step = rng.usize(1..20);
        for index in (0..REGISTERS).step_by(step) {
            let rank = rng.u8(1..4);
            raise(&mut with, index, rank, 1 << 20, &mut cursor).unwrap();
            raise(&mut without, index, rank, 1 << 20, &mut Cursor::default()).unwrap();
        }
        assert!(with == without);
    }
}

#[test]
fn the_error_stays_near_what_the_theory_says() {
    let mut bytes = empty();
    let mut added = 0;
    for wanted in [10u64, 100, 1000, 10_000, 100_000] {
        add_all(&mut bytes, (added..wanted).map(|n| n.to_string()), 3000);
        added = wanted;
        let error = (count(&bytes).unwrap() as f64 - wanted as f64).abs() / wanted as f64;
        // Four standard errors of 1.04 / sqrt(16384).
        assert!(error < 4.0 * 0.008125, "{wanted}: {error}");
    }
    assert_eq!(encoding(&bytes), Some(Encoding::Dense));
}

#[test]
fn extremes() {
    assert_eq!(count(&empty()), Ok(0));
    assert_eq!(count_registers(&[0; REGISTERS]), 0);
    assert_eq!(count_registers(&[51; REGISTERS]), 1 << 63);
    let mut dense = to_dense(&empty()).unwrap();
    dense[HEADER..].fill(0xFF);
    assert_eq!(registers_of(&dense), [63; REGISTERS]);
    assert_eq!(count(&dense), Ok(1 << 63));
}

#[test]
fn the_cached_count() {
    let mut bytes = empty();
    let header = |bytes: &[u8]| <[u8; HEADER]>::try_from(&bytes[..HEADER]).unwrap();
    assert_eq!(cached_count(&header(&bytes)), Some(0));
    invalidate_cache(&mut bytes);
    assert_eq!(cached_count(&header(&bytes)), None);
    bytes[8..16].copy_from_slice(&cache_of(77));
    assert_eq!(cached_count(&header(&bytes)), Some(77));
    invalidate_cache(&mut [1, 2]);
}

#[test]
fn what_is_not_a_hyperloglog() {
    let good = empty();
    assert_eq!(encoding(&good), Some(Encoding::Sparse));
    assert_eq!(encoding(&good[..15]), None);
    let mut dense = to_dense(&good).unwrap();
    dense.push(0);
    assert_eq!(encoding(&dense), None, "one byte too many");
    let mut other = good.clone();
    other[4] = 2;
    assert_eq!(encoding(&other), None);
    other = good.clone();
    other[0] = b'h';
    assert_eq!(encoding(&other), None);
}

#[test]
fn corrupted_registers_are_refused_and_never_panic() {
    for tail in
        [&b""[..], b"\x7f", b"\x7f\xff\x00", b"\x7f\xff\x7f\xff", b"\x00", b"\x7f\xfe", b"\x7f\xfd\x83"]
    {
        let mut bytes = empty();
        bytes.truncate(HEADER);
        bytes.extend_from_slice(tail);
        assert_eq!(count(&bytes), Err(Corrupted), "{tail:?}");
        assert_eq!(to_dense(&bytes), Err(Corrupted));
        assert_eq!(merge_into(&mut [0; REGISTERS], &bytes), Err(Corrupted));
    }
    let mut short = empty();
    short[HEADER] = 0;
    assert_eq!(raise(&mut short, REGISTERS - 1, 1, 3000, &mut Cursor::default()), Err(Corrupted));
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for _ in 0..2000 {
        let mut bytes = empty();
        bytes.truncate(HEADER);
        bytes.extend((0..rng.usize(0..40)).map(|_| rng.u8(..)));
        let _ = count(&bytes);
        for _ in 0..10 {
            let (index, rank) = (rng.usize(0..REGISTERS), rng.u8(1..52));
            if raise(&mut bytes, index, rank, 3000, &mut Cursor::default()).is_err() {
                break;
            }
        }
    }
}
