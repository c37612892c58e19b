//! Round trips, hostile input, the adaptive policy; equality with Redis's output is in `tests/live.rs`.

use super::*;

fn round_trip(compressor: &mut Compressor, data: &[u8]) -> Option<usize> {
    let packed = compressor.compress(data)?.to_vec();
    assert!(packed.len() <= data.len() - 4);
    let mut out = b"before".to_vec();
    expand(&packed, data.len(), &mut out).unwrap();
    assert_eq!(&out[6..], data);
    // Piece by piece, in pieces of every awkward size.
    for size in [1, 2, 3, 7, 33, 1000] {
        let (mut expander, mut whole, mut pending) =
            (Expander::new(data.len() as u64), Vec::new(), Vec::new());
        for piece in packed.chunks(size) {
            pending.extend_from_slice(piece);
            let used = expander.feed(&pending, |bytes| whole.extend_from_slice(bytes)).unwrap();
            pending.drain(..used);
        }
        assert!(pending.is_empty());
        expander.finish().unwrap();
        assert_eq!(whole, data);
    }
    Some(packed.len())
}

#[test]
fn known_bytes() {
    // As Redis 7.0 dumps it.
    let mut compressor = Compressor::new();
    let packed = compressor.compress(&[b'a'; 100]).unwrap();
    assert_eq!(packed, b"\x01aa\xe0\x57\x00\x01aa");
    assert_eq!(compressor.compress(&[b'a'; 20]), None, "20 bytes are not tried");
    assert_eq!(compressor.compress(b"abcdefghijklmnopqrstuvwxyz"), None);
}

#[test]
fn round_trips() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut compressor = Compressor::new();
    let mut shrunk = 0;
    for _ in 0..300 {
        let alphabet = rng.u8(1..=255);
        let mut data: Vec<u8> = (0..rng.usize(0..3000)).map(|_| rng.u8(0..alphabet)).collect();
        for _ in 0..rng.usize(0..6) {
            let from = rng.usize(0..=data.len());
            let to = (from + rng.usize(0..600)).min(data.len());
            data.extend_from_within(from..to);
        }
        shrunk += usize::from(round_trip(&mut compressor, &data).is_some());
    }
    assert!(shrunk > 50, "{shrunk}");
    let long: Vec<u8> = (0..200_000u32).flat_map(|i| (i / 3).to_le_bytes()).collect();
    assert!(round_trip(&mut compressor, &long).unwrap() < long.len() / 2);
}

#[test]
fn the_table_survives_its_counter_s_end() {
    let mut compressor = Compressor::new();
    let data = vec![b'q'; 1000];
    let packed = compressor.compress(&data).unwrap().to_vec();
    compressor.origin = u32::MAX - 500;
    assert_eq!(compressor.compress(&data).unwrap(), packed);
    assert_eq!(compressor.origin, 1001);
}

#[test]
fn hostile_input_is_refused() {
    let try_expand = |input: &[u8], length| expand(input, length, &mut Vec::new());
    assert_eq!(try_expand(b"", 0), Ok(()));
    assert_eq!(try_expand(b"", 1), Err(ExpandFault::TooShort));
    assert_eq!(try_expand(b"\x01a", 2), Err(ExpandFault::Cut));
    assert_eq!(try_expand(b"\x01aa", 1), Err(ExpandFault::TooLong));
    assert_eq!(try_expand(b"\x00a\x20", 9), Err(ExpandFault::Cut));
    assert_eq!(try_expand(b"\x00a\xe0\x01", 9), Err(ExpandFault::Cut));
    assert_eq!(try_expand(b"\x00a\x20\x00", 4), Ok(()));
    assert_eq!(try_expand(b"\x00a\x20\x01", 4), Err(ExpandFault::BeforeStart));
    assert_eq!(try_expand(b"\x20\x00", 4), Err(ExpandFault::BeforeStart));
    assert_eq!(try_expand(b"\x00a\xe0\xff\x00", 100), Err(ExpandFault::TooLong));
    let mut out = vec![0; 10];
    assert_eq!(expand(b"\x20\x00", 3, &mut out), Err(ExpandFault::BeforeStart), "not into what was there");
    let mut out = Vec::new();
    assert_eq!(expand(b"\x00a", usize::MAX, &mut out), Err(ExpandFault::TooShort));
    assert!(out.capacity() < 1000);
}

#[test]
fn random_input_never_panics() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for _ in 0..20_000 {
        let input: Vec<u8> = (0..rng.usize(0..60)).map(|_| rng.u8(..)).collect();
        let length = rng.usize(0..400);
        let mut out = Vec::new();
        let whole = expand(&input, length, &mut out);
        let mut streamed = Vec::new();
        let mut expander = Expander::new(length as u64);
        let pieces = expander
            .feed(&input, |bytes| streamed.extend_from_slice(bytes))
            .and_then(|used| if used < input.len() { Err(ExpandFault::Cut) } else { expander.finish() });
        assert_eq!(whole, pieces);
        if whole.is_ok() {
            assert_eq!(out.len(), length);
            assert_eq!(out, streamed);
        }
    }
}

#[test]
fn random_data_is_hardly_tried_and_text_is_found_again() {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut compressor = Compressor::new();
    let before = compressor.origin;
    for _ in 0..10_000 {
        let noise: Vec<u8> = (0..200).map(|_| rng.u8(..)).collect();
        assert_eq!(compressor.compress_adaptive(&noise), None);
    }
    let attempts = (compressor.origin - before) / 200;
    assert!(attempts < 60, "{attempts}");
    let text = b"the same words over and over, the same words over and over";
    let found = (0..5000).filter(|_| compressor.compress_adaptive(text).is_some()).count();
    assert!(found >= 5000 - PAUSE_MAX as usize, "{found}");
    assert_eq!(compressor.compress_adaptive(b"short"), None);
}
