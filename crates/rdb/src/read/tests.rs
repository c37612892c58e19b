//! Reading what this crate writes, what old and foreign servers write, and what nobody should have written.

use super::*;
use crate::crc64::crc64;
use crate::lzf::Compressor;
use crate::write::{self, EntryHead};

/// An entry as owned data.
#[derive(Clone, Debug, PartialEq)]
struct Plain {
    db: u64,
    key: Vec<u8>,
    value: Vec<u8>,
    expire_at_ms: Option<i64>,
    usage: Usage,
}

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

fn read_all(source: impl Read) -> Result<(Vec<Plain>, Checksum), Error> {
    let mut reader = Reader::new(source, Limits { string_max: 1 << 24, ..Limits::default() })?;
    let (mut entries, mut db) = (Vec::new(), 0);
    loop {
        match reader.next_event()?.expect("a file ends with its end") {
            Event::Entry(entry) => entries.push(Plain {
                db,
                key: entry.key.to_vec(),
                value: entry.value.as_str().to_cow().into_owned(),
                expire_at_ms: entry.expire_at_ms,
                usage: entry.usage,
            }),
            Event::SelectDb(number) => db = number,
            Event::End(checksum) => {
                assert!(reader.next_event()?.is_none());
                return Ok((entries, checksum));
            }
            _ => {}
        }
    }
}

fn sign(file: &mut Vec<u8>) {
    let mut signed = file.clone();
    signed.extend(write::END);
    write::end(file, crc64(&signed));
}

fn written(entries: &[Plain]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut compressor = Compressor::new();
    write::header(&mut out, crate::VERSION);
    write::aux(&mut out, b"redis-ver", b"7.2.4");
    write::aux_int(&mut out, b"ctime", 1_700_000_000);
    write::function(&mut out, b"#!lua name=f", Some(&mut compressor));
    let mut db = None;
    for entry in entries {
        if db != Some(entry.db) {
            write::select_db(&mut out, entry.db as u32);
            write::resize_db(&mut out, 1, 0);
            db = Some(entry.db);
        }
        let head = EntryHead { key: &entry.key, expire_at_ms: entry.expire_at_ms, usage: entry.usage };
        let shared = Shared::from_slice(&entry.value);
        match &shared {
            Shared::Flat(_) => {
                write::string_entry(&mut out, &head, StrRef::Shared(&shared), Some(&mut compressor));
            }
            Shared::Tree(tree) => {
                write::large_string_entry(&mut out, &head, tree.len());
                tree.chunks().for_each(|chunk| out.extend_from_slice(chunk));
            }
        }
    }
    sign(&mut out);
    out
}

fn plain(key: &str, value: &[u8]) -> Plain {
    Plain { db: 0, key: key.into(), value: value.into(), expire_at_ms: None, usage: Usage::Unknown }
}

fn sample() -> Vec<Plain> {
    vec![
        plain("a", b"hello"),
        plain("12", b"-5"),
        plain("", b""),
        plain("packed", &[b'p'; 300]),
        Plain { expire_at_ms: Some(1 << 41), usage: Usage::Frequency(9), ..plain("t", b"123456789012") },
        Plain { db: 7, usage: Usage::IdleSeconds(100_000), ..plain("i", &[0xff; 70]) },
        Plain { db: 7, expire_at_ms: Some(-1), ..plain("long ago", b"70000") },
    ]
}

#[test]
fn what_is_written_is_read() {
    let mut entries = sample();
    let mut rng = fastrand::Rng::with_seed(1);
    entries.push(plain("tree", &(0..300_000).map(|_| rng.u8(..)).collect::<Vec<_>>()));
    entries.push(plain("tree of zeros", &vec![0; 1 << 20]));
    let file = written(&entries);
    for piece in [usize::MAX, 1, 7, 4096] {
        assert_eq!(read_all(Dribble(&file, piece)).unwrap(), (entries.clone(), Checksum::Verified));
    }
}

#[test]
fn compressed_large_strings_are_read() {
    let long: Vec<u8> = (0..400_000u32).flat_map(|i| (i / 5).to_le_bytes()).collect();
    let mut file = Vec::new();
    write::header(&mut file, 10);
    file.push(TYPE_STRING);
    file.extend(b"\x01k");
    write::dumped_string(&mut file, StrRef::Bytes(&long), Some(&mut Compressor::new()));
    assert!(file.len() < long.len() / 2);
    sign(&mut file);
    for piece in [usize::MAX, 1, 31] {
        let (entries, checksum) = read_all(Dribble(&file, piece)).unwrap();
        assert_eq!(checksum, Checksum::Verified);
        assert!(entries[0].value == long);
    }
    let mut reader = Reader::new(&file[..], Limits { string_max: 1000, ..Limits::default() }).unwrap();
    let error = reader.next_event().unwrap_err();
    assert!(matches!(error.fault, Fault::TooLong { length: 1_600_000, limit: 1000 }), "{error}");
}

#[test]
fn every_event_is_reported() {
    let mut file = b"REDIS0012".to_vec();
    write::aux(&mut file, b"n", b"1");
    file.extend(b"\xf5\x01f");
    // A module type "rdb-check" of version 3, then UINT 2, then one value of each kind.
    let number = b"rdb-check".iter().fold(0u64, |number, &letter| {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        number << 6 | alphabet.iter().position(|&other| other == letter).unwrap() as u64
    }) << 10
        | 3;
    file.extend(b"\xf7\x81");
    file.extend(number.to_be_bytes());
    file.extend(b"\x02\x01\x01\x09\x02\x40\x80\x03ffff\x04dddddddd\x05\x02ab\x00");
    write::select_db(&mut file, 2);
    write::resize_db(&mut file, 3, 1);
    file.extend(b"\xf4\x07\x03\x01");
    file.extend(b"\x00\x01k\xc0\x05");
    file.extend(b"\xff\0\0\0\0\0\0\0\0rest");
    let mut reader = Reader::new(&file[..], Limits::default()).unwrap();
    let mut seen = Vec::new();
    while let Some(event) = reader.next_event().unwrap() {
        seen.push(format!("{event:?}"));
    }
    assert_eq!(
        seen,
        [
            "Aux { name: [110], value: [49] }",
            "Function([102])",
            "ModuleAux { module: \"rdb-check\" }",
            "SelectDb(2)",
            "ResizeDb { entries: 3, expiries: 1 }",
            "SlotInfo { slot: 7, entries: 3, expiries: 1 }",
            &format!(
                "Entry(Entry {{ key: [107], value: Int(5), expire_at_ms: None, usage: Unknown, offset: {} }})",
                file.len() - 18
            ),
            "End(Disabled)",
        ]
    );
    assert_eq!(reader.offset(), file.len() as u64 - 4);
    assert_eq!(reader.into_rest().0, b"rest");
}

#[test]
fn old_files_are_read() {
    // Redis 2.x: no checksum, expiry in seconds, 32-bit lengths.
    let file = b"REDIS0002\xfe\x00\xfd\x00\x00\x00\x40\x00\x03key\x80\x00\x00\x00\x02ab\x00\x01x\xc2\xff\xff\xff\x7f\xff";
    let (entries, checksum) = read_all(&file[..]).unwrap();
    assert_eq!(checksum, Checksum::Absent);
    let first = Plain { expire_at_ms: Some((1 << 30) * 1000), ..plain("key", b"ab") };
    assert_eq!(entries, [first, plain("x", b"2147483647")]);
    for version in 1..=REDIS_VERSION_MAX {
        let mut file = format!("REDIS{version:04}").into_bytes();
        file.extend(b"\x00\x01k\x01v");
        sign(&mut file);
        let (entries, checksum) = read_all(&file[..]).unwrap();
        assert_eq!(entries, [plain("k", b"v")]);
        assert_eq!(checksum, if version < 5 { Checksum::Absent } else { Checksum::Verified });
    }
}

/// The error of a file with this header and body.
fn error_of(file: &[u8]) -> Error {
    read_all(file).expect_err("should be refused")
}

#[test]
fn foreign_versions_are_refused_by_name() {
    for (header, version) in
        [("REDIS0000", 0), ("REDIS0016", 16), ("REDIS0080", 80), ("VALKEY011", 11), ("VALKEY082", 82)]
    {
        match error_of(header.as_bytes()) {
            Error { offset: 0, fault: Fault::Version { number, .. } } => assert_eq!(number, version),
            other => panic!("{other}"),
        }
    }
    for header in ["REDIS", "REDIS00", ""] {
        let error = error_of(header.as_bytes());
        assert!(matches!(error.fault, Fault::Cut { .. }) && error.offset == header.len() as u64, "{error}");
    }
    for header in ["REDIS001x", "RADIS0010", "VALKEY0 0", "\x1f\x0b\x08garbage"] {
        assert!(matches!(error_of(header.as_bytes()).fault, Fault::NotRdb { .. }), "{header}");
    }
}

#[test]
fn what_is_not_supported_is_refused_with_type_key_and_offset() {
    let mut file = b"REDIS0010".to_vec();
    file.extend(b"\xfc\0\0\0\0\0\0\0\0\x12\x06mylist\x01");
    let error = error_of(&file);
    assert_eq!(
        error.to_string(),
        "at byte 18: the key \"mylist\" is a list (quicklist) (type 18), which is not supported. \
         Delete or convert this key on the server that wrote the file and save again."
    );
    for (file, fault) in [
        (&b"REDIS0012\x16\x01h"[..], "the key \"h\" is a hash with field expiry (pre-release) (type 22)"),
        (b"VALKEY080\x16\x01h", "the key \"h\" is a hash with field expiry (type 22)"),
        (b"VALKEY080\xf3", "the file has an unfinished slot import"),
        (b"REDIS0013\xf3", "the file has metadata that a module attached to a key"),
        (b"REDIS0010\xf6", "the file has functions as release candidates"),
        (b"REDIS0010\x08", "found the byte 8"),
        (b"REDIS0010\x64", "found the byte 100"),
        (b"VALKEY080\x18", "found the byte 24"),
        (b"REDIS0010\xf7\x05\x01", "data of the module type \"AAAAAAAAA\" of an unknown form"),
        (b"REDIS0010\x00\x82", "expected the length of a key, found the byte 130"),
        (b"REDIS0010\x00\xc9", "expected a key, found a string of the unknown encoding 9"),
        (b"REDIS0010\xfe\xc0\x00", "expected the length of a database number, found the byte 192"),
        (b"REDIS0010\x00\x01k\xc3\x03\x08\x00a\x20", "the compressed string ends inside an item"),
    ] {
        let error = error_of(file).to_string();
        assert!(error.contains(fault), "{error}");
    }
}

#[test]
fn a_declared_length_allocates_nothing() {
    for body in [
        &b"REDIS0010\x00\x01k\x81\x00\xff\xff\xff\xff\xff\xff\xff"[..],
        b"REDIS0010\x00\x81\x00\x00\x00\x10\x00\x00\x00\x00",
        b"REDIS0010\x00\x01k\xc3\x81\x00\x00\xff\xff\xff\xff\xff\xff\x81\x00\x00\xff\xff\xff\xff\xff\xff",
        b"REDIS0010\xf5\xc3\x05\x81\x00\x00\xff\xff\xff\xff\xff\xff\x00aaaa",
    ] {
        let mut reader = Reader::new(body, Limits::default()).unwrap();
        let error = reader.next_event().unwrap_err();
        assert!(matches!(error.fault, Fault::Cut { .. } | Fault::Compressed(_)), "{error}");
        assert!(reader.key.capacity() + reader.value.capacity() < 1 << 20);
    }
}

#[test]
fn every_truncation_is_an_error_at_the_cut() {
    let file = written(&sample());
    for len in 0..file.len() {
        for piece in [usize::MAX, 3] {
            match read_all(Dribble(&file[..len], piece)) {
                Err(Error { offset, fault: Fault::Cut { .. } }) => assert_eq!(offset, len as u64),
                other => panic!("{len}: {other:?}"),
            }
        }
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let file = written(&sample());
    for at in 0..file.len() {
        for change in [1, 0x80, 0xff, 0x20] {
            let mut damaged = file.clone();
            damaged[at] ^= change;
            assert!(read_all(&damaged[..]).is_err(), "byte {at} changed by {change:#x}");
        }
    }
}

#[test]
fn random_damage_never_panics() {
    let seed = std::env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let file = written(&sample());
    let (body, header) = (&file[9..file.len() - 9], &file[..9]);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut damaged = body.to_vec();
        for _ in 0..rng.usize(1..6) {
            let at = rng.usize(0..damaged.len());
            match rng.u8(0..5) {
                0 => damaged[at] = rng.u8(..),
                1 => damaged[at] ^= 1 << rng.u8(0..8),
                2 => drop(damaged.splice(at..at, [rng.u8(..), rng.u8(..)])),
                3 => drop(damaged.drain(at..(at + rng.usize(1..9)).min(damaged.len() - 1).max(at))),
                _ => {
                    let from = rng.usize(0..body.len());
                    let piece = &body[from..(from + rng.usize(0..40)).min(body.len())];
                    damaged.splice(at..at, piece.iter().copied());
                }
            }
        }
        // Half of them without a checksum that would notice, so that the parser has to cope.
        let mut whole = header.to_vec();
        whole.extend(damaged);
        if rng.bool() {
            whole.extend(b"\xff\0\0\0\0\0\0\0\0");
        } else {
            sign(&mut whole);
        }
        accepted += usize::from(read_all(Dribble(&whole, rng.usize(1..100))).is_ok());
    }
    assert!(accepted > 100, "most damage hits content, which nothing can notice here: {accepted}");
}

#[test]
fn an_io_error_is_passed_on_and_an_interruption_is_not() {
    struct Failing(u8);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 => Err(std::io::ErrorKind::Interrupted.into()),
                2 => {
                    buffer[..9].copy_from_slice(b"REDIS0010");
                    Ok(9)
                }
                _ => Err(std::io::Error::other("disk on fire")),
            }
        }
    }
    let error = Reader::new(Failing(0), Limits::default()).unwrap().next_event().unwrap_err();
    assert_eq!(error.offset, 9);
    assert!(error.to_string().contains("disk on fire"), "{error}");
}
