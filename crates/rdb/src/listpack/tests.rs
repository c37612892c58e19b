//! Listpacks against a plain vector, and damaged ones.

use super::*;

fn packed(elements: &[Element<'_>]) -> Vec<u8> {
    let (mut body, mut out) = (Body::new(), Vec::new());
    elements.iter().for_each(|&element| body.push(element));
    append(&mut out, body.bytes(), body.count());
    out
}

#[test]
fn known_bytes() {
    // As Redis 7.0 has it in the DUMP of HSET h a 1 b -300 (backlens 1 to 2).
    let bytes =
        packed(&[Element::Bytes(b"a"), Element::Int(1), Element::Bytes(b"b"), Element::Bytes(b"-300")]);
    assert_eq!(bytes, b"\x12\x00\x00\x00\x04\x00\x81a\x02\x01\x01\x81b\x02\xde\xd4\x02\xff");
}

#[test]
fn elements_come_back() {
    let mut elements = vec![Element::Bytes(b""), Element::Bytes(b"01")];
    let lens = [1, 63, 64, 126, 127, 128, 4095, 4096, 16_380, 16_390, 2_097_140, 2_097_160];
    let texts: Vec<Vec<u8>> = lens.iter().map(|&len| vec![b'x'; len]).collect();
    elements.extend(texts.iter().map(|text| Element::Bytes(text)));
    for bits in 0..64 {
        for value in
            [1i64 << bits, (1i64 << bits).wrapping_sub(1), (1i64 << bits).wrapping_neg(), !(1i64 << bits)]
        {
            elements.push(Element::Int(value));
        }
    }
    let bytes = packed(&elements);
    let checked = check(&bytes).unwrap();
    assert!(checked.canonical);
    assert_eq!(checked.count, elements.len() as u64);
    assert!(checked.iter().eq(elements.iter().copied()));
    let size: usize = elements.iter().map(|&element| encoded_size(element)).sum();
    assert_eq!(size, checked.body.len());
}

#[test]
fn more_elements_than_the_header_counts() {
    for count in [65_534, 65_535, 70_000] {
        let bytes = packed(&vec![Element::Int(1); count]);
        let checked = check(&bytes).unwrap();
        assert_eq!((checked.count, checked.canonical), (count as u64, true));
    }
}

#[test]
fn accepted_though_not_canonical() {
    for body in [&b"\xf1\x01\x00\x03"[..], b"\x811\x02", b"\xe0\x01a\x03", b"\x80\x81"] {
        let mut bytes = Vec::new();
        append(&mut bytes, body, 1);
        // The last one has a backlen that is right only together with the zeros before it.
        assert!(!check(&bytes).unwrap().canonical, "{body:x?}");
    }
    let mut bytes = packed(&[Element::Int(1)]);
    bytes[4..6].copy_from_slice(b"\xff\xff");
    assert!(!check(&bytes).unwrap().canonical);
}

#[test]
fn damage_is_refused() {
    let good = packed(&[Element::Int(1), Element::Bytes(b"abc"), Element::Int(70_000)]);
    for len in 0..good.len() {
        assert!(check(&good[..len]).is_err());
    }
    for at in [0, 1, 2, 3, 4, 5, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        assert!(check(&bytes).is_err(), "{at}");
    }
    for body in [
        &b"\xf5\x01"[..],
        b"\xff\x01",
        b"\x01\x02",
        b"\x83ab\x03",
        b"\x82ab\x83",
        b"\xf0\xff\xff\xff\xffa\x06",
        b"\x01",
    ] {
        let mut bytes = Vec::new();
        append(&mut bytes, body, 1);
        assert!(check(&bytes).is_err(), "{body:x?}");
    }
}

#[test]
fn scores_are_spelled_as_redis_spells_them() {
    let mut body = Body::new();
    for score in [1.0, -0.0, 0.1, f64::INFINITY, 1e300] {
        body.push_score(score, 10);
    }
    body.push_score(0.1, 11);
    let elements: Vec<_> = Iter::new(body.bytes()).map(|element| element.to_cow().into_owned()).collect();
    let expected = ["1", "0", "0.10000000000000001", "inf", "1.0000000000000001e+300", "0.1"];
    assert_eq!(elements, expected.map(|text| text.as_bytes().to_vec()));
}
