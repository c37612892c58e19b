//! Ziplists and zipmaps from hand-made bytes, whole and damaged.

use super::*;

/// With a header around entries, of which the last has this length.
fn framed(entries: &[u8], count: u16, last: usize) -> Vec<u8> {
    let mut bytes = ((entries.len() + 11) as u32).to_le_bytes().to_vec();
    bytes.extend(((HEADER + entries.len() - last) as u32).to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(entries);
    bytes.push(END);
    bytes
}

const ENTRIES: &[u8] = b"\x00\x03abc\x05\xf5\x02\xfe\x80\x03\xc0\x00\x80\x04\xf0\xff\xff\x7f\x05\xd0\x00\x00\x00\x80\
                         \x06\xe0\xff\xff\xff\xff\xff\xff\xff\x7f\x0a\x40\x01z\x04\x80\0\0\0\x02yy\xfe\x08\x00\x00\x00\xfd";

#[test]
fn every_encoding_is_read() {
    let bytes = framed(ENTRIES, 10, 6);
    let checked = check(&bytes).unwrap();
    let elements: Vec<_> = checked.iter().collect();
    assert_eq!(
        elements,
        [
            Element::Bytes(b"abc"),
            Element::Int(4),
            Element::Int(-128),
            Element::Int(-32_768),
            Element::Int(8_388_607),
            Element::Int(-2_147_483_648),
            Element::Int(i64::MAX),
            Element::Bytes(b"z"),
            Element::Bytes(b"yy"),
            Element::Int(12)
        ]
    );
}

#[test]
fn damage_is_refused() {
    let good = framed(b"\x00\x01a\x03\xf2", 2, 2);
    assert_eq!(check(&good).unwrap().iter().count(), 2);
    for len in 0..good.len() {
        assert!(check(&good[..len]).is_err());
    }
    for at in [0, 4, 8, 10, 13, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        assert!(check(&bytes).is_err(), "{at}");
    }
    for (entries, last) in [(&b"\x00\xff"[..], 2), (b"\x00\x02a", 3), (b"\x00\xc1\x01", 3), (b"\xff\x01a", 3)]
    {
        assert!(check(&framed(entries, 1, last)).is_err(), "{entries:x?}");
    }
    assert_eq!(check(&framed(b"", 0, 0)).unwrap().count, 0);
}

#[test]
fn zipmaps_are_read() {
    let pairs = |bytes: &'static [u8]| {
        check_zipmap(bytes).map(|(count, pairs)| (count, pairs.take(count as usize).collect::<Vec<_>>()))
    };
    let ab = (&b"a"[..], &b"b"[..]);
    assert_eq!(pairs(b"\x01\x01a\x01\x00b\xff"), Ok((1, vec![ab])));
    assert_eq!(pairs(b"\x02\x01a\x01\x02b??\xfe\x01\0\0\0c\x00\x00\xff"), Ok((2, vec![ab, (b"c", b"")])));
    assert_eq!(pairs(b"\xfe\x01a\x01\x00b\xff"), Ok((1, vec![ab])));
    for bytes in [
        &b""[..],
        b"\xff",
        b"\x00\xff",
        b"\x01\xff",
        b"\x02\x01a\x01\x00b\xff",
        b"\x01\x01a\x02\x00b\xff",
        b"\x01\x01a\x01\x01b\xff",
        b"\x01\x01a\x01\x00b",
        b"\x01\xfe\xff\xff\xff\xffa\x01\x00b\xff",
    ] {
        assert!(check_zipmap(bytes).is_err(), "{bytes:x?}");
    }
}
