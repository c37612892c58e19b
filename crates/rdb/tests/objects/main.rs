//! Objects written and read here, in files and payloads, whole and in pieces, old layouts made by hand, and damaged ones.
//!
//! Values come from a seed that is printed and can be set as FUZZ_SEED.

mod damage;
mod damage_samples;
mod known;
#[path = "../model/model.rs"]
mod model;
#[path = "../model/old.rs"]
mod old;

use std::io::Read;

use model::{Collect, Form, Object, Random, as_of_version_10, write};
use rdb::write::EntryHead;
use rdb::{
    Compressor, Element, Event, Fault, Kind, Limits, ObjectWriter, Place, Progress, Reader, Usage, crc64,
    dump,
};

/// A source that hands out a few bytes at a time.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(buffer.len()).min(self.0.len());
        let (head, tail) = self.0.split_at(count);
        buffer[..count].copy_from_slice(head);
        self.0 = tail;
        Ok(count)
    }
}

fn sign(file: &mut Vec<u8>) {
    let mut signed = file.clone();
    signed.extend(rdb::write::END);
    rdb::write::end(file, crc64::crc64(&signed));
}

/// A payload of this version around a type and a value.
pub fn payload(body: &[u8], version: u16) -> Vec<u8> {
    let mut payload = body.to_vec();
    dump::finish(&mut payload, 0, version);
    payload
}

fn load(payload: &[u8]) -> Result<Object, rdb::Error> {
    let mut whole = Collect::new(true);
    let mut single = Collect::new(false);
    let results = [
        dump::load_object(payload, Limits::default(), &mut whole),
        dump::load_object(payload, Limits::default(), &mut single),
    ];
    match results {
        [Ok(()), Ok(())] => {
            let (whole, single) = (whole.finish(), single.finish());
            assert_eq!(whole, single, "the same whether taken whole or one by one");
            Ok(whole)
        }
        [Err(error), Err(_)] => Err(error),
        other => panic!("{other:?}"),
    }
}

#[test]
fn payloads_come_back() {
    let mut random = Random::new();
    let mut compressor = Compressor::new();
    for round in 0..200 {
        let mut objects = random.objects();
        objects.push(random.hash(true));
        for object in objects {
            for form in [Form::Packed, Form::Plain] {
                for version in [10, 11, 80] {
                    let compressor = (round % 2 == 0).then_some(&mut compressor);
                    let mut out = b"before".to_vec();
                    let mut writer = ObjectWriter::for_payload(version, compressor);
                    write(&object, &mut writer, &mut out, Place::Payload, form);
                    dump::finish(&mut out, 6, version);
                    let loaded = load(&out[6..]).unwrap();
                    if version == 10 {
                        assert_eq!(loaded, as_of_version_10(&object));
                    } else {
                        assert_eq!(loaded, object);
                    }
                }
            }
        }
    }
}

#[test]
fn files_come_back_in_any_pieces() {
    let mut random = Random::new();
    let mut objects = Vec::new();
    for _ in 0..20 {
        objects.extend(random.objects());
        objects.push(random.hash(true));
    }
    let mut compressor = Compressor::new();
    let mut file = Vec::new();
    rdb::write::header(&mut file, 80);
    let mut writer = ObjectWriter::for_file(80, Some(&mut compressor));
    for (i, object) in objects.iter().enumerate() {
        let usage = [Usage::Unknown, Usage::IdleSeconds(5), Usage::Frequency(3)][i % 3];
        let key = i.to_string();
        let head = EntryHead { key: key.as_bytes(), expire_at_ms: (i % 2 == 0).then_some(1 << 41), usage };
        write(object, &mut writer, &mut file, Place::Entry(&head), [Form::Packed, Form::Plain][i % 2]);
    }
    sign(&mut file);
    for piece in [usize::MAX, 1, 4096] {
        let mut reader = Reader::new(Dribble(&file, piece), Limits::default()).unwrap();
        for (i, object) in objects.iter().enumerate() {
            match reader.next_part().unwrap().unwrap() {
                Event::Object(head) => {
                    assert_eq!(head.key, i.to_string().as_bytes());
                    assert_eq!(head.expire_at_ms, (i % 2 == 0).then_some(1 << 41));
                    assert_eq!(
                        head.usage,
                        [Usage::Unknown, Usage::IdleSeconds(5), Usage::Frequency(3)][i % 3]
                    );
                }
                other => panic!("{other:?}"),
            }
            // Every other object is passed over, some of them half-way.
            if i % 2 == 0 {
                let mut sink = Collect::new(i % 4 == 0);
                assert!(reader.object(&mut sink).unwrap());
                assert_eq!(sink.finish(), *object);
            } else if i % 3 == 0 {
                reader.object_piece(&mut Collect::new(true)).unwrap();
            }
        }
        assert!(matches!(reader.next_part().unwrap(), Some(Event::End(rdb::read::Checksum::Verified))));
        assert!(reader.next_part().unwrap().is_none());
    }
}

#[test]
fn a_large_collection_comes_in_bounded_pieces() {
    let mut file = Vec::new();
    rdb::write::header(&mut file, 10);
    let mut writer = ObjectWriter::for_file(10, None);
    let head = EntryHead { key: b"k", expire_at_ms: None, usage: Usage::Unknown };
    writer.set(&mut file, Place::Entry(&head), 200_000);
    (0..200_000).for_each(|i| writer.set_member(&mut file, Element::Int(i)));
    sign(&mut file);
    let mut reader = Reader::new(&file[..], Limits::default()).unwrap();
    assert!(matches!(reader.next_part(), Ok(Some(Event::Object(head))) if head.kind == Kind::Set));
    let mut sink = Collect::new(true);
    let mut pieces = 0;
    loop {
        let before = reader.offset();
        let progress = reader.object_piece(&mut sink).unwrap();
        assert!(reader.offset() - before < 70_000);
        pieces += 1;
        if progress == Progress::Complete {
            break;
        }
    }
    assert!(pieces > 8, "{pieces}");
    assert_eq!(sink.count, Some(200_000));
    assert_eq!(sink.finish(), Object::Set((0..200_000).map(|i| i.to_string().into_bytes()).collect()));
}

#[test]
fn old_layouts_are_read() {
    for case in old::cases() {
        let loaded = load(&payload(&case.body, case.version));
        assert_eq!(loaded.as_ref().ok(), Some(&case.object), "{}: {:?}", case.name, loaded.as_ref().err());
    }
}

#[test]
fn streams_of_later_redis_are_read() {
    // Without nodes; a group with two pending entries, of which a consumer owns the first; a producer with a message.
    let head = b"\x00\x00\x05\x00\x00\x00\x00\x00\x02\x01\x03grp\x05\x00\x02\x02";
    let id = |seq: u8| [&[0; 7][..], &[1], &[0; 7], &[seq]].concat();
    let pending = |seq| [&id(seq)[..], b"\x07\0\0\0\0\0\0\0\x01"].concat();
    let times = [7, 0, 0, 0, 0, 0, 0, 0].repeat(2);
    let producers = b"\x40\x64\x40\x64\x01\x01p\x01\x03msg\x05\x00\x09\x01";
    let group = [&head[..], &pending(1), &pending(2), b"\x01\x01c", &times].concat();
    let version_4 = [b"\x1a", &group[..], b"\x02", &id(1), &id(2), producers].concat();
    let version_5 = [b"\x1b", &group[..], b"\x01", &id(1), b"\x01", &id(2), producers].concat();
    for (body, unowned) in [(version_4, 0), (version_5, 1)] {
        // What follows is not taken for a part of it.
        let mut file = [b"REDIS0014", &body[..1], b"\x01k", &body[1..], b"\x00\x01s\x01v"].concat();
        sign(&mut file);
        let mut reader = Reader::new(&file[..], Limits::default()).unwrap();
        reader.next_part().unwrap();
        let mut sink = Collect::new(true);
        assert!(reader.object(&mut sink).unwrap());
        let Object::Stream(stream) = sink.finish() else { panic!() };
        assert_eq!(stream.groups[0].unowned.len(), unowned);
        assert_eq!(stream.groups[0].consumers[0].owned.len(), 2 - unowned);
        assert!(matches!(reader.next_part(), Ok(Some(Event::Entry(entry))) if entry.key == b"s"));
        assert!(matches!(reader.next_part(), Ok(Some(Event::End(_)))));
    }
}

#[test]
fn what_redis_refuses_is_refused() {
    let refused = [
        ("empty list", &b"\x12\x00"[..]),
        ("empty set", b"\x02\x00"),
        ("empty hash", b"\x04\x00"),
        ("empty sorted set", b"\x05\x00"),
        ("list of empty nodes", b"\x12\x01\x02\x07\x07\0\0\0\0\0\xff"),
        ("empty packed hash", b"\x10\x07\x07\0\0\0\0\0\xff"),
        ("empty packed set", b"\x14\x07\x07\0\0\0\0\0\xff"),
        ("empty intset", b"\x0b\x08\x02\0\0\0\0\0\0\0"),
        ("empty zipmap", b"\x09\x02\x00\xff"),
        ("plain node without bytes", b"\x12\x01\x01\x00"),
        ("unknown kind of node", b"\x12\x01\x03\x01a"),
        ("duplicate in a set", b"\x02\x02\x01a\x01a"),
        ("duplicate in two spellings", b"\x02\x02\xc0\x05\x015"),
        ("duplicate in a packed set", b"\x14\x0b\x0b\0\0\0\x02\0\x01\x01\x01\x01\xff"),
        ("odd packed hash", b"\x10\x09\x09\0\0\0\x01\0\x01\x01\xff"),
        ("score that is NaN", b"\x05\x01\x01a\0\0\0\0\0\0\xf8\x7f"),
        ("score that is NaN, as text", b"\x03\x01\x01a\xfd"),
        ("score without digits", b"\x03\x01\x01a\x00"),
        ("stream with a length but no nodes", b"\x0f\x00\x01\x00\x00\x00"),
        ("expiry before 1970", b"\x16\x01\x01a\x01b\xfe\xff\xff\xff\xff\xff\xff\xff"),
    ];
    for (name, body) in refused {
        let error = load(&payload(body, 11)).expect_err(name);
        assert!(matches!(error.fault, Fault::Structure { .. }), "{name}: {error}");
    }
    let empty_stream = load(&payload(b"\x0f\x00\x00\x00\x00\x00", 11));
    assert!(matches!(empty_stream, Ok(Object::Stream(_))));
}

#[test]
fn an_empty_collection_in_a_file_is_reported_and_passed() {
    let mut file = b"REDIS0010\x02\x01k\x00\x12\x01l\x01\x02\x07\x07\0\0\0\0\0\xff\x00\x01s\x01v".to_vec();
    sign(&mut file);
    let mut reader = Reader::new(&file[..], Limits::default()).unwrap();
    for key in [b"k", b"l"] {
        assert!(matches!(reader.next_part(), Ok(Some(Event::Object(head))) if head.key == key));
        let mut sink = Collect::new(true);
        assert_eq!(reader.object_piece(&mut sink).unwrap(), Progress::Empty);
        assert!(!sink.is_ended);
    }
    assert!(matches!(reader.next_part(), Ok(Some(Event::Entry(entry))) if entry.key == b"s"));
    assert!(matches!(reader.next_part(), Ok(Some(Event::End(_)))));
}

#[test]
fn an_error_tells_offset_and_key() {
    let mut file = b"REDIS0010\x02\x03key\x01\x01v\x0b\x03bad\x08\x02\0\0\0\0\0\0\0".to_vec();
    sign(&mut file);
    let mut reader = Reader::new(&file[..], Limits::default()).unwrap();
    reader.next_part().unwrap();
    reader.next_part().unwrap();
    let error = reader.object(&mut Collect::new(true)).unwrap_err();
    assert_eq!((error.offset, reader.key()), (22, &b"bad"[..]));
    assert!(error.to_string().starts_with("at byte 22: found an intset"), "{error}");
}

#[test]
fn values_of_modules_are_passed_over_on_request() {
    // A value of type 7 with one of each primitive, then one of a pre-release, which does not describe itself.
    let mut file = b"REDIS0010\xf7\x81\x04\x10\x41\x04\x10\x41\x04\x03\x02\x01\x00\x07\x01m\x81\x04\x10\x41\x04\x10\x41\x04\x03".to_vec();
    file.extend(b"\x01\x09\x02\x40\x80\x03ffff\x04dddddddd\x05\x02ab\x00\x00\x01k\x01v\x06\x01m");
    sign(&mut file);
    let mut reader = Reader::new(&file[..], Limits::default()).unwrap();
    assert!(matches!(reader.next_part(), Ok(Some(Event::ModuleAux { .. }))));
    let error = reader.next_part().unwrap_err();
    assert!(matches!(error.fault, Fault::Type { number: 7, .. }), "{error}");
    let limits = Limits { skip_modules: true, ..Limits::default() };
    let mut reader = Reader::new(&file[..], limits).unwrap();
    assert!(matches!(reader.next_part(), Ok(Some(Event::SkippedModule { key: b"m", .. }))));
    assert!(matches!(reader.next_part(), Ok(Some(Event::Entry(entry))) if entry.key == b"k"));
    assert_eq!(reader.modules_skipped(), 2);
    let error = reader.next_part().unwrap_err();
    assert!(matches!(error.fault, Fault::Type { number: 6, .. }), "{error}");
}

#[test]
fn a_caller_that_knows_strings_only_is_not_given_others() {
    let mut file = b"REDIS0010\x02\x01k\x01\x01v".to_vec();
    sign(&mut file);
    let error = Reader::new(&file[..], Limits::default()).unwrap().next_event().unwrap_err();
    assert!(matches!(error.fault, Fault::Type { number: 2, .. }), "{error}");
    assert!(dump::load(&payload(b"\x02\x01\x01v", 10), Limits::default(), &mut Vec::new()).is_err());
    assert_eq!(dump::kind(&payload(b"\x02\x01\x01v", 10)).unwrap(), Some(Kind::Set));
    assert_eq!(dump::kind(&payload(b"\x00\x01v", 10)).unwrap(), None);
}
