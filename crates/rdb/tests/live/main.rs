//! This crate against real servers: their files and payloads read here, ours read there.
//!
//! See [`server::reference_servers`] for which servers; without any, each test prints that it was skipped. Values
//! come from a seed that is printed and can be set as FUZZ_SEED.

#[path = "../model/model.rs"]
mod model;
mod objects;
#[path = "../model/old.rs"]
mod old;
mod server;
mod verdict;

use std::collections::BTreeMap;
use std::process::Command;

use rdb::write::{self, EntryHead};
use rdb::{Compressor, Entry, Event, Limits, Reader, Usage, crc64, dump};
use server::{Folder, Reply, Server, reference_servers};
use value::{Shared, StrRef};

/// Key with database, to value and expiry.
type Model = BTreeMap<(u64, Vec<u8>), (Vec<u8>, Option<i64>)>;

fn rng() -> fastrand::Rng {
    let seed = std::env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}");
    fastrand::Rng::with_seed(seed)
}

/// A value of some kind: integers, noise, text that repeats itself a little or a lot.
fn random_value(rng: &mut fastrand::Rng) -> Vec<u8> {
    let len = match rng.u8(0..20) {
        0 => rng.usize(0..100_000),
        1..=5 => rng.usize(0..3000),
        _ => rng.usize(0..200),
    };
    match rng.u8(0..6) {
        0 => (rng.i64(..) >> rng.u32(0..64)).to_string().into_bytes(),
        1 => (0..len).map(|_| rng.u8(..)).collect(),
        2 => vec![rng.u8(..); len],
        3 => {
            let alphabet = rng.u8(2..20);
            (0..len).map(|_| b'a' + rng.u8(0..alphabet)).collect()
        }
        _ => {
            let mut data: Vec<u8> = (0..len / 4 + 1).map(|_| rng.u8(..)).collect();
            while data.len() < len {
                let from = rng.usize(0..data.len());
                let to = (from + rng.usize(1..300)).min(data.len());
                data.extend_from_within(from..to);
                data.push(rng.u8(..));
            }
            data
        }
    }
}

fn random_model(rng: &mut fastrand::Rng) -> Model {
    let mut model = Model::new();
    for i in 0..600 {
        let key = match rng.u8(0..4) {
            0 => i.to_string().into_bytes(),
            1 => format!("user:{i}:{}", "x".repeat(rng.usize(0..80))).into_bytes(),
            _ => [&format!("{i}-").into_bytes()[..], &random_value(rng)[..]].concat(),
        };
        let expiry = rng.bool().then(|| 4_000_000_000_000 + rng.i64(0..1_000_000_000));
        let db = [0, 0, 0, 3, 15][rng.usize(0..5)];
        model.insert((db, key), (random_value(rng), expiry));
    }
    model.insert((0, b"large text".to_vec()), (b"0123456789 ".repeat(100_000), None));
    model.insert((0, b"large noise".to_vec()), ((0..1_000_000).map(|_| rng.u8(..)).collect(), None));
    model
}

fn read_file(file: &[u8]) -> Model {
    let mut reader = Reader::new(file, Limits::default()).unwrap();
    let (mut model, mut db, mut checked) = (Model::new(), 0, false);
    while let Some(event) = reader.next_event().unwrap() {
        match event {
            Event::SelectDb(number) => db = number,
            Event::Entry(Entry { key, value, expire_at_ms, .. }) => {
                let value = value.as_str().to_cow().into_owned();
                assert!(model.insert((db, key.to_vec()), (value, expire_at_ms)).is_none());
            }
            Event::End(checksum) => checked = checksum == rdb::read::Checksum::Verified,
            _ => {}
        }
    }
    assert!(checked, "the checksum vouches for the file");
    model
}

fn written_file(model: &Model) -> Vec<u8> {
    let mut out = Vec::new();
    let mut compressor = Compressor::new();
    write::header(&mut out, rdb::VERSION);
    write::aux(&mut out, b"redis-ver", b"7.2.4");
    write::aux_int(&mut out, b"redis-bits", 64);
    write::aux_int(&mut out, b"ctime", 1_700_000_000);
    write::aux_int(&mut out, b"used-mem", 1_000_000);
    write::aux_int(&mut out, b"aof-base", 0);
    write::aux(&mut out, b"evenkeel-ver", b"0.1.0");
    let mut db = None;
    for (i, ((number, key), (value, expiry))) in model.iter().enumerate() {
        if db != Some(*number) {
            db = Some(*number);
            write::select_db(&mut out, *number as u32);
            let entries = model.keys().filter(|key| key.0 == *number).count() as u64;
            write::resize_db(&mut out, entries, 0);
        }
        let usage = [Usage::Unknown, Usage::IdleSeconds(77), Usage::Frequency(5)][i % 3];
        let head = EntryHead { key, expire_at_ms: *expiry, usage };
        match Shared::from_slice(value) {
            Shared::Tree(tree) => {
                write::large_string_entry(&mut out, &head, tree.len());
                tree.chunks().for_each(|chunk| out.extend_from_slice(chunk));
            }
            flat => write::string_entry(&mut out, &head, StrRef::Shared(&flat), Some(&mut compressor)),
        }
    }
    // In two blocks, as several threads would digest them.
    let (a, b) = out.split_at(out.len() / 3);
    let checksum = crc64::combine(crc64::crc64(a), crc64::crc64(b), b.len() as u64);
    let checksum = crc64::combine(checksum, crc64::crc64(&write::END), 1);
    write::end(&mut out, checksum);
    out
}

#[test]
fn their_files_are_read_here() {
    let mut rng = rng();
    for program in reference_servers() {
        let model = random_model(&mut rng);
        let folder = Folder::new();
        let mut server = Server::start(&program, &folder);
        let mut db = 0;
        for ((number, key), (value, expiry)) in &model {
            if db != *number {
                db = *number;
                server.ask_text(&format!("SELECT {db}"));
            }
            let set: Vec<&[u8]> = vec![b"SET", key, value];
            assert_eq!(server.ask(&[&set]), [Reply::Line("+OK".into())]);
            if let Some(expiry) = expiry {
                server.ask(&[&[b"PEXPIREAT", key, expiry.to_string().as_bytes()]]);
            }
        }
        assert_eq!(server.ask_text("SAVE"), Reply::Line("+OK".into()));
        let file = std::fs::read(folder.dump()).unwrap();
        assert!(read_file(&file) == model, "{program}: content differs");
        println!("{program}: {} entries in {} bytes", model.len(), file.len());
    }
}

#[test]
fn our_files_are_read_there() {
    let mut rng = rng();
    for program in reference_servers() {
        let model = random_model(&mut rng);
        let file = written_file(&model);
        assert!(read_file(&file) == model, "our own reader");
        let folder = Folder::new();
        std::fs::write(folder.dump(), &file).unwrap();
        let mut server = Server::start(&program, &folder);
        let mut db = 0;
        for ((number, key), (value, expiry)) in &model {
            if db != *number {
                db = *number;
                server.ask_text(&format!("SELECT {db}"));
            }
            let replies = server.ask(&[&[b"GET", key], &[b"PEXPIRETIME", key]]);
            assert!(replies[0] == Reply::Bulk(value.clone()), "{program}: {}", key.escape_ascii());
            assert_eq!(replies[1], Reply::Line(format!(":{}", expiry.unwrap_or(-1))));
        }
        for db in [0, 3, 15] {
            server.ask_text(&format!("SELECT {db}"));
            let count = model.keys().filter(|key| key.0 == db).count();
            assert_eq!(server.ask_text("DBSIZE"), Reply::Line(format!(":{count}")));
        }
    }
}

#[test]
fn our_files_pass_redis_check_rdb() {
    let folder = Folder::new();
    std::fs::write(folder.dump(), written_file(&random_model(&mut rng()))).unwrap();
    match Command::new("redis-check-rdb").arg(folder.dump()).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && text.contains("RDB looks OK"), "{text}");
        }
        Err(_) => println!("SKIPPED: no redis-check-rdb on PATH"),
    }
}

#[test]
fn dumps_have_the_same_bytes() {
    let mut rng = rng();
    for program in reference_servers() {
        let folder = Folder::new();
        let mut server = Server::start(&program, &folder);
        let mut compressor = Compressor::new();
        let (mut compressed, mut total) = (0, 0);
        for _ in 0..3000 {
            let value = random_value(&mut rng);
            let theirs = match &server.ask(&[&[b"SET", b"k", &value], &[b"DUMP", b"k"]])[1] {
                Reply::Bulk(payload) => payload.clone(),
                other => panic!("{other:?}"),
            };
            let mut ours = Vec::new();
            dump::string(&mut ours, StrRef::Bytes(&value), rdb::VERSION, Some(&mut compressor));
            // The footer's version, and with it the checksum, is that of Redis 7.0 in ours.
            let same_version = theirs[theirs.len() - 10..theirs.len() - 8] == rdb::VERSION.to_le_bytes();
            let footer = if same_version { 0 } else { 10 };
            assert!(
                ours[..ours.len() - footer] == theirs[..theirs.len() - footer],
                "{program}: DUMP differs for a value of {} bytes: {}",
                value.len(),
                value[..value.len().min(300)].escape_ascii()
            );
            let mut scratch = Vec::new();
            let loaded = dump::load(&theirs, Limits::default(), &mut scratch).unwrap();
            assert!(loaded.as_str().to_cow() == value);
            total += 1;
            compressed += usize::from(theirs[1] == 0xc3);
            let restored = server.ask(&[&[b"RESTORE", b"r", b"0", &ours, b"REPLACE"], &[b"GET", b"r"]]);
            assert!(restored[1] == Reply::Bulk(value), "{program}: {:?}", restored[0]);
        }
        println!("{program}: {total} dumps, {compressed} of them compressed");
        assert!(compressed > 1000);
    }
}
