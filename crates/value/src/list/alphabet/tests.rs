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
    assert!(form.len() < block_of(texts).len());
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
fn splices_are_those_of_a_vector() {
    let (mut done, mut refused) = (0, 0);
    for seed in 0..60 {
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let text = |rng: &mut fastrand::Rng| match rng.u32(0..40) {
            0 => b"job:-".to_vec(),
            1 => rng.i64(-9000..9000).to_string().into_bytes(),
            2 => format!("job:{}", rng.u32(..)).into_bytes(),
            3 if rng.u32(0..9) == 0 => vec![b'-'; rng.usize(0..2000)],
            4..8 => format!("job:{}-", "0".repeat(rng.usize(0..200))).into_bytes(),
            _ => format!("job:{:010}-", rng.u32(..)).into_bytes(),
        };
        let mut texts: Vec<_> =
            (0..rng.usize(8..130)).map(|_| format!("job:{:010}-", rng.u32(..)).into_bytes()).collect();
        let Some(mut form) = encode(&block_of(&texts)) else { continue };
        for _ in 0..400 {
            let before = form.to_vec();
            let held = rng.bool().then(|| form.clone());
            let index = rng.usize(0..texts.len());
            let (removes, puts) = match rng.u32(0..if texts.len() > 150 { 20 } else { 10 }) {
                0..4 => (true, true),
                4..8 => (false, true),
                _ => (true, false),
            };
            let new = puts.then(|| text(&mut rng));
            if splice(&mut form, index, removes, new.as_deref().map(Element::of)) {
                texts.splice(index..index + usize::from(removes), new);
                done += 1;
            } else {
                assert_eq!(form[..], before);
                refused += 1;
            }
            assert!(held.is_none_or(|held| held[..] == before), "what is shared stays");
            Coded::new(&form).check();
            let mut block = Vec::new();
            Coded::new(&form).append_block(&mut block);
            assert_eq!(block, block_of(&texts));
        }
        compare(&form, &texts);
    }
    assert!(done > 3000 && refused > 300, "{done}, {refused}");
}
