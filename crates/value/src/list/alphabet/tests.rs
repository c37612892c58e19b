//! The short form of random blocks against the blocks, and of blocks for which it is not worth it.

use super::*;
use crate::packed::{Packed, push_back};

fn block_of(texts: &[Vec<u8>]) -> Vec<u8> {
    let mut block = packed::EMPTY.to_vec();
    texts.iter().for_each(|text| push_back(&mut block, Element::of(text)));
    block
}

/// Reads a form in every way and compares with the texts it was made of.
fn compare(form: &[u8], texts: &[Vec<u8>]) {
    let coded = Coded::new(form);
    coded.check();
    let mut block = b"before".to_vec();
    coded.append_block(&mut block);
    assert_eq!(block.split_off(6), block_of(texts));
    assert_eq!(coded.count(), texts.len());
    let mut text = b"old".to_vec();
    for from in 0..=texts.len() {
        let mut walk = coded.walk_from(from, &mut text);
        for expected in texts[from..].iter().take(3) {
            assert_eq!(walk.next().map(Element::to_vec).as_ref(), Some(expected), "from {from}");
        }
        assert!(from + 3 < texts.len() || walk.next().is_none());
    }
    for wanted in texts {
        let mut found = Vec::new();
        coded.matches(Element::of(wanted), &mut text, |index| {
            found.push(index);
            true
        });
        assert!((0..texts.len()).filter(|&index| texts[index] == *wanted).eq(found), "{wanted:?}");
        let mut other = wanted.clone();
        match other.last_mut() {
            Some(last) => *last ^= 1,
            None => other.push(0),
        }
        let mut found = false;
        coded.matches(Element::of(&other), &mut text, |_| {
            found = true;
            false
        });
        assert_eq!(found, texts.contains(&other), "{other:?}");
    }
}

#[test]
fn random_blocks_come_back_as_they_were() {
    let (mut coded, mut bits) = (0, [0; 7]);
    for seed in 0..600 {
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let symbols: Vec<u8> = (0..rng.usize(1..=70)).map(|_| rng.u8(..)).collect();
        let longest = [3, 20, 40, 150, 400][rng.usize(..5)];
        let affix = |rng: &mut fastrand::Rng| -> Vec<u8> {
            let len = if rng.bool() { 0 } else { rng.usize(..12) };
            (0..len).map(|_| rng.u8(..)).collect()
        };
        let (prefix, suffix) = (affix(&mut rng), affix(&mut rng));
        let ints = rng.u32(0..4);
        let (mut texts, mut len) = (Vec::new(), HEADER);
        loop {
            let text = if rng.u32(0..8) < ints {
                (rng.i64(..) >> rng.u32(0..63)).to_string().into_bytes()
            } else {
                let middle = (0..rng.usize(0..=longest)).map(|_| symbols[rng.usize(..symbols.len())]);
                prefix.iter().copied().chain(middle).chain(suffix.iter().copied()).collect()
            };
            len += Element::of(&text).encoded_len();
            if len > 4096 || texts.len() == 512 {
                break;
            }
            texts.push(text);
        }
        if let Some(form) = encode(&block_of(&texts)) {
            compare(&form, &texts);
            coded += 1;
            bits[usize::from(form[4])] += 1;
        }
    }
    assert!(coded > 300 && bits[4..].iter().all(|&times| times > 50), "{coded}, {bits:?}");
}

#[test]
fn edges() {
    let long = |char: u8, len| vec![char; len];
    // One element of several KB among empty ones.
    let mut texts = vec![Vec::new(); 300];
    texts[7] = long(b'a', 3000);
    compare(&encode(&block_of(&texts)).unwrap(), &texts);
    // All equal, shorter and longer than what is kept of a common beginning.
    for len in [5, 254, 255, 256, 260] {
        let texts = vec![long(b'x', len); 3900 / (len + 4)];
        compare(&encode(&block_of(&texts)).unwrap(), &texts);
    }
    // What is common at the beginning and at the end overlaps in the shortest.
    let texts: Vec<_> = (0..250).map(|n| long(b'a', 4 + n % 9)).collect();
    compare(&encode(&block_of(&texts)).unwrap(), &texts);
    let mut texts: Vec<_> = (0..150).map(|n| format!("abcab:{n:08}:bcabc").into_bytes()).collect();
    texts[77] = b"abcabc".to_vec();
    compare(&encode(&block_of(&texts)).unwrap(), &texts);
    // Integers only.
    let texts: Vec<_> = (0..512).map(|n| (n * 7).to_string().into_bytes()).collect();
    compare(&encode(&block_of(&texts)).unwrap(), &texts);
}

#[test]
fn what_saves_nothing_stays_a_block() {
    let mut rng = fastrand::Rng::with_seed(1);
    let random: Vec<Vec<u8>> = (0..100).map(|_| (0..30).map(|_| rng.u8(..)).collect()).collect();
    assert_eq!(encode(&block_of(&random)), None);
    // Many symbols, but not among the first.
    let mut late: Vec<Vec<u8>> = vec![b"0123456789".to_vec(); 200];
    late.push((0..200).collect());
    assert_eq!(encode(&block_of(&late)), None);
    // Few elements, and more than a leaf has.
    assert_eq!(encode(&block_of(&vec![b"0000000000".to_vec(); COUNT_MIN - 1])), None);
    assert_eq!(encode(&block_of(&vec![b"0000000000".to_vec(); 400])), None);
    assert_eq!(encode(&packed::EMPTY), None);
    assert_eq!(Packed::new(&block_of(&late)).count(), 201);
}

#[test]
#[ignore]
fn speed() {
    let mix = |number: u64| {
        let number = (number ^ (number >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        number ^ (number >> 29)
    };
    for kind in 0..4 {
        let text = |i: u64| match kind {
            0 => format!("{:016x}-mem", mix(i)).into_bytes(),
            1 => format!("value:{:010}", mix(i) % 10_000_000_000).into_bytes(),
            2 => { let symbols = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
            (0..22).map(|at| symbols[(mix(i * 32 + at) % 62) as usize]).collect() }
            _ => (0..20).map(|at| mix(i * 32 + at) as u8).collect(),
        };
        let mut texts = Vec::new(); let mut len = 2;
        while len < 4096 - 30 { texts.push(text(texts.len() as u64)); len += texts[texts.len()-1].len() + 2; }
        let block = block_of(&texts);
        let start = cpu();
        for _ in 0..20000 { std::hint::black_box(encode(std::hint::black_box(&block))); }
        println!("{kind}: encode {} ns an element", (cpu() - start) as f64 / 20000.0 / texts.len() as f64);
        let Some(form) = encode(&block) else { continue };
        let start = cpu();
        for _ in 0..20000 { let mut out = Vec::new(); Coded::new(std::hint::black_box(&form)).append_block(&mut out); std::hint::black_box(&out); }
        println!("{kind}: unpack {} ns an element", (cpu() - start) as f64 / 20000.0 / texts.len() as f64);
        let start = cpu();
        for _ in 0..20000 { let mut out = Vec::new(); let mut walk = Coded::new(std::hint::black_box(&form)).walk_from(0, &mut out); while let Some(e) = walk.next() { std::hint::black_box(e); } }
        println!("{kind}: walk {} ns an element", (cpu() - start) as f64 / 20000.0 / texts.len() as f64);
    }
}

fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}
