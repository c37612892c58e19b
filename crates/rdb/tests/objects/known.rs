//! Payloads as Redis 7.0 and Valkey 9.1 answer DUMP, read and written to the byte.

use std::collections::BTreeMap;

use super::load;
use super::model::{Collect, Consumer, Entry, Form, Group, Object, Stream, write};
use rdb::listpack::Body;
use rdb::object::{StreamId, StreamInfo, StreamPending};
use rdb::{Compressor, Element, Limits, ObjectWriter, Place, dump};

/// Writes `object` for the payload's version and compares.
fn check(theirs: &[u8], object: &Object, form: Form) {
    assert_eq!(load(theirs).unwrap(), *object);
    let version = u16::from_le_bytes(theirs[theirs.len() - 10..theirs.len() - 8].try_into().unwrap());
    let (mut ours, mut compressor) = (Vec::new(), Compressor::new());
    let mut writer = ObjectWriter::for_payload(version, Some(&mut compressor));
    write(object, &mut writer, &mut ours, Place::Payload, form);
    dump::finish(&mut ours, 0, version);
    assert_eq!(ours.escape_ascii().to_string(), theirs.escape_ascii().to_string());
}

#[test]
fn of_redis_7_0() {
    // RPUSH l a 1 -5000 bb
    let list = ["a", "1", "-5000", "bb"].map(|text| text.into()).to_vec();
    let theirs = b"\x12\x01\x02\x14\x14\x00\x00\x00\x04\x00\x81a\x02\x01\x01\xf1x\xec\x03\x82bb\x03\xff\
                   \n\x00e\n\xfb]\x98\xd9So";
    check(theirs, &Object::List(list), Form::Packed);
    // SADD i 3 -1 70000
    let set = ["3", "-1", "70000"].map(|text| text.into()).into();
    let theirs = b"\x0b\x14\x04\x00\x00\x00\x03\x00\x00\x00\xff\xff\xff\xff\x03\x00\x00\x00p\x11\x01\x00\
                   \n\x00\xfa\xf9\x07k\xa1\x02\xfb\x14";
    check(theirs, &Object::Set(set), Form::Packed);
    // SADD s x, which has no packed form there.
    let theirs = b"\x02\x01\x01x\n\x00\xff\xe8\x80\xbav\x0c/\t";
    check(theirs, &Object::Set([b"x".to_vec()].into()), Form::Packed);
    // ZADD z 1 a 0.1 b -inf c
    let zset = [("a", 1.0), ("b", 0.1), ("c", f64::NEG_INFINITY)];
    let zset = zset.map(|(member, score)| (member.into(), f64::to_bits(score))).into();
    let theirs =
        b"\x11\xc3$-\x16-\x00\x00\x00\x06\x00\x81c\x02\x84-inf\x05\x81b\x02\x930.10\xe0\x05\x00\x071\x14\
                   \x81a\x02\x01\x01\xff\n\x00\x8dhA\xb7Zk\x12\xa1";
    check(theirs, &Object::Zset(zset), Form::Packed);
    // HSET h f v n 12
    let hash = [("f", "v"), ("n", "12")].map(|(field, value)| (field.into(), (value.into(), None)));
    let theirs = b"\x10\x12\x12\x00\x00\x00\x04\x00\x81f\x02\x81v\x02\x81n\x02\x0c\x01\xff\n\x00\x016\x94\x81\xd3[\x89t";
    check(theirs, &Object::Hash(hash.into()), Form::Packed);
}

#[test]
fn a_stream_of_redis_7_0() {
    // XADD x 5-1 f v, 5-2 f w, 6-0 g 1; XDEL x 5-2; XGROUP CREATE x grp 0; one entry delivered to con.
    let theirs = b"\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x0188\x00\x00\x00\x16\x00\
        \x02\x01\x01\x01\x01\x01\x81f\x02\x00\x01\x02\x01\x00\x01\x00\x01\x81v\x02\x04\x01\
        \x03\x01\x00\x01\x01\x01\x81w\x02\x04\x01\x00\x01\x01\x01\xdf\xff\x02\x01\x01\x81g\x02\x01\x01\x06\x01\xff\
        \x02\x06\x00\x05\x01\x05\x02\x03\x01\x03grp\x05\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\
        \x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x019\xcb\x8a\x16\xa2\x01\x00\x00\x01\
        \x01\x03con9\xcb\x8a\x16\xa2\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x01\
        \n\x00\xeb56J\x05\xbfZo";
    let id = |ms, seq| StreamId { ms, seq };
    let entry = |id, is_deleted, field: &str, value: &str| Entry {
        id,
        is_deleted,
        fields: vec![(field.into(), value.into())],
    };
    let at = 0x01a2_168a_cb39;
    let consumer =
        Consumer { name: b"con".to_vec(), seen_at_ms: at, active_at_ms: at, owned: vec![id(5, 1)] };
    let stream = Stream {
        entries: vec![
            entry(id(5, 1), false, "f", "v"),
            entry(id(5, 2), true, "f", "w"),
            entry(id(6, 0), false, "g", "1"),
        ],
        info: StreamInfo {
            length: 2,
            counted: 2,
            last_id: id(6, 0),
            first_id: Some(id(5, 1)),
            max_deleted_id: id(5, 2),
            entries_added: 3,
        },
        groups: vec![Group {
            name: b"grp".to_vec(),
            last_id: id(5, 1),
            entries_read: None,
            pending: vec![StreamPending { id: id(5, 1), delivered_at_ms: at, deliveries: 1 }],
            consumers: vec![consumer],
            unowned: vec![],
        }],
    };
    check(theirs, &Object::Stream(stream), Form::Packed);
}

#[test]
fn of_valkey_9_1() {
    // SADD s x 1
    let theirs = b"\x14\x0c\x0c\x00\x00\x00\x02\x00\x81x\x02\x01\x01\xffP\x00\xc3\x04f \x95\x05}\xee";
    let mut body = Body::new();
    body.push(Element::Bytes(b"x"));
    body.push(Element::Bytes(b"1"));
    let mut ours = Vec::new();
    ObjectWriter::for_payload(80, None).packed_set(&mut ours, Place::Payload, body.bytes(), body.count());
    dump::finish(&mut ours, 0, 80);
    assert_eq!(ours, theirs);
    // HSET h a 1 b 2 c x; HEXPIRE h 100000 FIELDS 1 b
    let theirs = b"\x16\x03\x01a\xc0\x01\xff\xff\xff\xff\xff\xff\xff\xff\x01b\xc0\x02\xfcx_\x1c\xa2\x01\x00\x00\x01c\x01x\
                   \xff\xff\xff\xff\xff\xff\xff\xffP\x00\xc5\xaf\x18\xce>\x1d\xa3\x13";
    let fields = [("a", "1", None), ("b", "2", Some(0x01a2_1c5f_78fc)), ("c", "x", None)];
    let fields = fields.map(|(field, value, expiry)| (field.into(), (value.into(), expiry)));
    check(theirs, &Object::Hash(BTreeMap::from(fields)), Form::Plain);
}

#[test]
fn of_redis_8_0_with_field_expiry() {
    // HSET h a 1 b 2 c x; b expires at 2000000000123, c 100 ms later; packed and not.
    let packed =
        b"\x19{ J\xa9\xd1\x01\x00\x00--\x00\x00\x00\t\x00\x81b\x02\x02\x01\xf4{ J\xa9\xd1\x01\x00\x00\t\
                   \x81c\x02\x81x\x02\xf4\xdf J\xa9\xd1\x01\x00\x00\t\x81a\x02\x01\x01\x00\x01\xff\
                   \x0c\x00\xd0\x0c\x9dL\xf9\x0e\xab\xff";
    let plain = b"\x18{ J\xa9\xd1\x01\x00\x00\x03@e\x01c\x01x\x00\x01a\xc0\x01\x01\x01b\xc0\x02\
                  \x0c\x00cv\x8d\xea\x1du\xeb\x8c";
    let fields = [("a", "1", None), ("b", "2", Some(2_000_000_000_123)), ("c", "x", Some(2_000_000_000_223))];
    let hash =
        Object::Hash(fields.map(|(field, value, expiry)| (field.into(), (value.into(), expiry))).into());
    assert_eq!(load(packed).unwrap(), hash);
    assert_eq!(load(plain).unwrap(), hash);
}

#[test]
fn packed_nodes_are_offered_only_if_canonical() {
    let offered = |body: &[u8]| {
        let mut sink = Collect::new(true);
        dump::load_object(&super::payload(body, 11), Limits::default(), &mut sink).unwrap();
        sink.packed
    };
    assert_eq!(offered(b"\x10\x0b\x0b\0\0\0\x02\0\x01\x01\x02\x01\xff"), 1, "a hash");
    assert_eq!(
        offered(b"\x10\x0d\x0d\0\0\0\x02\0\x01\x01\xf1\x02\0\x03\xff"),
        0,
        "an integer wider than needed"
    );
    assert_eq!(offered(b"\x10\x0c\x0c\0\0\0\x02\0\x811\x02\x02\x01\xff"), 0, "an integer as text");
    assert_eq!(offered(b"\x10\x0b\x0b\0\0\0\xff\xff\x01\x01\x02\x01\xff"), 0, "a count that is missing");
    assert_eq!(offered(b"\x11\x0f\x0f\0\0\0\x04\0\x01\x01\x02\x01\x02\x01\x02\x01\xff"), 1, "a sorted set");
    assert_eq!(
        offered(b"\x11\x0f\x0f\0\0\0\x04\0\x02\x01\x02\x01\x01\x01\x02\x01\xff"),
        0,
        "members not sorted"
    );
    assert_eq!(
        offered(b"\x11\x0f\x0f\0\0\0\x04\0\x01\x01\x02\x01\x02\x01\x01\x01\xff"),
        0,
        "scores not sorted"
    );
    assert_eq!(offered(b"\x11\x0c\x0c\0\0\0\x02\0\x01\x01\x81x\x02\xff"), 0, "a score that is none");
}
