//! Payloads in the layouts of old servers, made by hand. Tests nothing itself.
#![allow(dead_code, reason = "each of the test programs that include this uses a part")]

use crate::model::{Bytes, Consumer, Entry, Group, Object, Stream};
use rdb::Element;
use rdb::object::{StreamId, StreamInfo, StreamPending};

/// A payload's type and value with what it holds.
pub struct Case {
    pub name: &'static str,
    pub body: Bytes,
    pub version: u16,
    pub object: Object,
}

/// A string up to 16383 bytes long, as it is.
pub fn string(bytes: &[u8]) -> Bytes {
    let mut out = match bytes.len() {
        len @ 0..64 => vec![len as u8],
        len => vec![0x40 | (len >> 8) as u8, len as u8],
    };
    out.extend_from_slice(bytes);
    out
}

/// A ziplist of texts, which become integers where they spell one, as Redis 2.6 to 6.2 made them.
pub fn ziplist(texts: &[&[u8]]) -> Bytes {
    let (mut entries, mut before, mut last) = (Vec::new(), 0usize, 0);
    for text in texts {
        let mut entry = if before < 254 {
            vec![before as u8]
        } else {
            [&[254], &(before as u32).to_le_bytes()[..]].concat()
        };
        match Element::Bytes(text).normal() {
            Element::Int(value @ 0..=12) => entry.push(0xf1 + value as u8),
            Element::Int(value) => {
                let (head, size) = match value {
                    -128..=127 => (0xfe, 1),
                    -32_768..=32_767 => (0xc0, 2),
                    -8_388_608..=8_388_607 => (0xf0, 3),
                    -2_147_483_648..=2_147_483_647 => (0xd0, 4),
                    _ => (0xe0, 8),
                };
                entry.push(head);
                entry.extend(&value.to_le_bytes()[..size]);
            }
            Element::Bytes(text) => {
                match text.len() {
                    len @ 0..64 => entry.push(len as u8),
                    len @ 64..16_384 => entry.extend([0x40 | (len >> 8) as u8, len as u8]),
                    len => {
                        entry.push(0x80);
                        entry.extend((len as u32).to_be_bytes());
                    }
                }
                entry.extend_from_slice(text);
            }
        }
        last = entries.len();
        before = entry.len();
        entries.extend(entry);
    }
    let mut out = ((entries.len() + 11) as u32).to_le_bytes().to_vec();
    out.extend(((last + 10) as u32).to_le_bytes());
    out.extend((texts.len() as u16).to_le_bytes());
    out.extend(entries);
    out.push(0xff);
    out
}

const TEXTS: [&[u8]; 12] = [
    b"0",
    b"12",
    b"13",
    b"-128",
    b"128",
    b"-32769",
    b"8388608",
    b"2147483648",
    b"-9223372036854775808",
    b"",
    b"text",
    b"007",
];

fn pairs() -> Vec<(Bytes, Bytes)> {
    let mut pairs: Vec<(Bytes, Bytes)> =
        TEXTS.iter().enumerate().map(|(i, text)| (format!("f{i}").into_bytes(), text.to_vec())).collect();
    pairs.push((b"long".to_vec(), vec![b'l'; 300]));
    pairs.push((b"after long".to_vec(), b"1".to_vec()));
    pairs
}

fn hash(pairs: &[(Bytes, Bytes)]) -> Object {
    Object::Hash(pairs.iter().map(|(field, value)| (field.clone(), (value.clone(), None))).collect())
}

fn zset(pairs: &[(&str, f64)]) -> Object {
    Object::Zset(pairs.iter().map(|(member, score)| (member.as_bytes().to_vec(), score.to_bits())).collect())
}

fn body(kind: u8, parts: &[&[u8]]) -> Bytes {
    [&[kind], &parts.concat()[..]].concat()
}

pub fn cases() -> Vec<Case> {
    let long = vec![b'x'; 17_000];
    let texts: Vec<Bytes> = TEXTS.iter().map(|text| text.to_vec()).collect();
    let list = || Object::List(texts.clone());
    let mut cases = Vec::new();
    let mut case = |name, version, body, object| cases.push(Case { name, body, version, object });

    let elements: Bytes = TEXTS.iter().flat_map(|text| string(text)).collect();
    case("linked list", 1, body(1, &[&[12], &elements]), list());
    case("list as ziplist", 4, body(10, &[&string(&ziplist(&TEXTS))]), list());
    let nodes = [string(&ziplist(&TEXTS[..5])), string(&ziplist(&[])), string(&ziplist(&TEXTS[5..]))];
    case("quicklist of ziplists", 7, body(14, &[&[3], &nodes.concat()]), list());
    let packed_long = ziplist(&[&long, b"1"]);
    let head = [0x80, 0, 0, (packed_long.len() >> 8) as u8, packed_long.len() as u8];
    case(
        "ziplist with a long entry",
        4,
        body(10, &[&head, &packed_long]),
        Object::List(vec![long.clone(), b"1".to_vec()]),
    );

    case("set", 1, body(2, &[&[12], &elements]), Object::Set(texts.iter().cloned().collect()));
    for (name, bytes) in [
        ("intset of 16 bits", &b"\x02\0\0\0\x02\0\0\0\xff\xff\x05\0"[..]),
        ("intset of 32 bits", b"\x04\0\0\0\x02\0\0\0\xff\xff\xff\xff\x05\0\0\0"),
        ("intset of 64 bits", b"\x08\0\0\0\x02\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x05\0\0\0\0\0\0\0"),
    ] {
        let object = Object::Set([b"-1".to_vec(), b"5".to_vec()].into());
        case(name, 4, body(11, &[&string(bytes)]), object);
    }

    let scores = b"\x06\x01a\x011\x01b\x03-.5\x01c\xff\x01d\xfe\x01e\x141.7976931348623e+308\x01f\x04 2e1";
    let object = zset(&[
        ("a", 1.0),
        ("b", -0.5),
        ("c", f64::NEG_INFINITY),
        ("d", f64::INFINITY),
        ("e", 1.7976931348623e308),
        ("f", 20.0),
    ]);
    case("sorted set with scores as text", 1, body(3, &[scores]), object);
    let entries: [&[u8]; 8] = [b"low", b"-inf", b"a", b"0.10000000000000001", b"b", b"5", b"c", b"1e+300"];
    let object = zset(&[("low", f64::NEG_INFINITY), ("a", 0.1), ("b", 5.0), ("c", 1e300)]);
    case("sorted set as ziplist", 4, body(12, &[&string(&ziplist(&entries))]), object);

    let pairs = pairs();
    let spelled: Bytes =
        pairs.iter().flat_map(|(field, value)| [string(field), string(value)].concat()).collect();
    case("hash", 1, body(4, &[&[pairs.len() as u8], &spelled]), hash(&pairs));
    let flat: Vec<&[u8]> = pairs.iter().flat_map(|(field, value)| [field.as_slice(), value]).collect();
    case("hash as ziplist", 4, body(13, &[&string(&ziplist(&flat))]), hash(&pairs));
    let mut zipmap = vec![pairs.len() as u8];
    for (i, (field, value)) in pairs.iter().enumerate() {
        zipmap.push(field.len() as u8);
        zipmap.extend(field);
        match value.len() {
            len @ 0..254 => zipmap.push(len as u8),
            len => {
                zipmap.push(254);
                zipmap.extend((len as u32).to_le_bytes());
            }
        }
        zipmap.push((i % 3) as u8);
        zipmap.extend(value);
        zipmap.extend(vec![b'?'; i % 3]);
    }
    zipmap.push(0xff);
    case("hash as zipmap", 1, body(9, &[&string(&zipmap)]), hash(&pairs));

    case("stream of version 1", 9, STREAM_1.to_vec(), stream_1());
    cases
}

/// Entries 1-1 and 1-3 with f, 1-2 deleted; a group that has delivered 1-1 and 1-3 to a consumer.
const STREAM_1: &[u8] = b"\x0f\x01\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\
    \x38\x38\0\0\0\x16\0\x02\x01\x01\x01\x01\x01\x81f\x02\x00\x01\
    \x02\x01\x00\x01\x00\x01\x81v\x02\x04\x01\
    \x03\x01\x00\x01\x01\x01\x81w\x02\x04\x01\
    \x00\x01\x00\x01\x02\x01\x01\x01\x81g\x02\x81x\x02\x06\x01\xff\
    \x02\x01\x03\
    \x01\x03grp\x01\x03\x02\
    \0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\x01\0\0\0\0\0\0\0\x01\
    \0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x03\x02\0\0\0\0\0\0\0\x40\x50\
    \x02\x01a\x07\0\0\0\0\0\0\0\x00\x01b\x08\0\0\0\0\0\0\0\x02\
    \0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\
    \0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x03";

fn stream_1() -> Object {
    let id = |seq| StreamId { ms: 1, seq };
    let entry = |seq, is_deleted, field: &str, value: &str| Entry {
        id: id(seq),
        is_deleted,
        fields: vec![(field.into(), value.into())],
    };
    Object::Stream(Stream {
        entries: vec![entry(1, false, "f", "v"), entry(2, true, "f", "w"), entry(3, false, "g", "x")],
        info: StreamInfo {
            length: 2,
            counted: 2,
            last_id: id(3),
            first_id: None,
            max_deleted_id: StreamId::default(),
            entries_added: 2,
        },
        groups: vec![Group {
            name: b"grp".to_vec(),
            last_id: id(3),
            entries_read: None,
            pending: vec![
                StreamPending { id: id(1), delivered_at_ms: 1, deliveries: 1 },
                StreamPending { id: id(3), delivered_at_ms: 2, deliveries: 80 },
            ],
            consumers: vec![
                Consumer { name: b"a".to_vec(), seen_at_ms: 7, active_at_ms: 7, owned: vec![] },
                Consumer { name: b"b".to_vec(), seen_at_ms: 8, active_at_ms: 8, owned: vec![id(1), id(3)] },
            ],
            unowned: vec![],
        }],
    })
}
