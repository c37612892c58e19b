//! Damaged payloads and files: an error or an object, never a panic, and no memory that the bytes do not justify.

use super::model::{Collect, Form, Random, write};
use super::{load, old, payload};
use rdb::object::Discard;
use rdb::{Compressor, Event, Limits, ObjectWriter, Place, Reader, dump};

/// Types and values of all layouts.
pub fn samples(random: &mut Random) -> Vec<(Vec<u8>, u16)> {
    let mut samples: Vec<_> = old::cases().into_iter().map(|case| (case.body, case.version)).collect();
    let mut compressor = Compressor::new();
    for round in 0..6 {
        let mut objects = random.objects();
        objects.push(random.hash(true));
        for object in objects {
            let version = [10, 11, 80][round % 3];
            let compressor = (round % 2 == 0).then_some(&mut compressor);
            let mut out = Vec::new();
            let mut writer = ObjectWriter::for_payload(version, compressor);
            write(&object, &mut writer, &mut out, Place::Payload, [Form::Packed, Form::Plain][round % 2]);
            samples.push((out, version));
        }
    }
    // Redis's hashes with field expiry, released and not.
    samples.push((b"\x18{ J\xa9\xd1\x01\0\0\x02\x05\x01c\x01x\x01\x01b\xc0\x02".to_vec(), 12));
    samples.push((b"\x16\x02\x05\x01c\x01x\x00\x01b\xc0\x02".to_vec(), 12));
    let packed = b"\x16\x16\0\0\0\x06\0\x81b\x02\x02\x01\x07\x01\x81c\x02\x81x\x02\x00\x01\xff";
    samples.push(([b"\x19{ J\xa9\xd1\x01\0\0", &packed[..]].concat(), 12));
    samples.push(([b"\x17", &packed[..]].concat(), 12));
    samples
}

pub fn damage(rng: &mut fastrand::Rng, body: &[u8]) -> Vec<u8> {
    let mut damaged = body.to_vec();
    for _ in 0..rng.usize(1..5) {
        let at = rng.usize(0..damaged.len());
        match rng.u8(0..6) {
            0 => damaged[at] = rng.u8(..),
            1 => damaged[at] ^= 1 << rng.u8(0..8),
            2 => damaged[at] = damaged[at].wrapping_add(1),
            3 => drop(damaged.splice(at..at, [rng.u8(..), rng.u8(..)])),
            4 => drop(damaged.drain(at..(at + rng.usize(1..9)).min(damaged.len() - 1).max(at))),
            _ => {
                let from = rng.usize(0..body.len());
                let piece = &body[from..(from + rng.usize(0..40)).min(body.len())];
                damaged.splice(at..at, piece.iter().copied());
            }
        }
    }
    damaged
}

#[test]
fn samples_are_whole() {
    for (body, version) in samples(&mut Random::new()) {
        load(&payload(&body, version)).unwrap_or_else(|error| panic!("{error}: {}", body.escape_ascii()));
    }
}

#[test]
fn every_truncation_is_an_error() {
    for (body, version) in samples(&mut Random::new()) {
        let step = (body.len() / 300).max(1);
        for len in (0..body.len()).step_by(step) {
            assert!(load(&payload(&body[..len], version)).is_err(), "{len} of {}", body.escape_ascii());
        }
    }
}

#[test]
fn random_damage_never_panics() {
    let mut random = Random::new();
    let samples = samples(&mut random);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..60_000 {
        let (body, version) = &samples[random.0.usize(0..samples.len())];
        let payload = payload(&damage(&mut random.0, body), *version);
        match dump::load_object(&payload, Limits::default(), &mut Collect::new(random.0.bool())) {
            Ok(()) => accepted += 1,
            Err(_) => refused += 1,
        }
    }
    println!("{accepted} accepted, {refused} refused");
    assert!(accepted > 500 && refused > 20_000, "{accepted} {refused}");
}

#[test]
fn damage_in_files_never_panics() {
    let mut random = Random::new();
    let samples = samples(&mut random);
    for _ in 0..10_000 {
        let (body, version) = &samples[random.0.usize(0..samples.len())];
        let magic = if *version == 80 { "VALKEY080".into() } else { format!("REDIS{version:04}") };
        let mut file = [magic.as_bytes(), &body[..1], b"\x01k", &body[1..], b"\xff\0\0\0\0\0\0\0\0"].concat();
        let tail = damage(&mut random.0, &file[9..]);
        file.splice(9.., tail);
        let Ok(mut reader) = Reader::new(&file[..], Limits { skip_modules: true, ..Limits::default() })
        else {
            continue;
        };
        while let Ok(Some(event)) = reader.next_part() {
            if matches!(event, Event::Object(_)) && reader.object(&mut Discard).is_err() {
                break;
            }
        }
    }
}

#[test]
fn declared_sizes_allocate_nothing() {
    let huge = b"\x81\x00\x00\x0f\xff\xff\xff\xff\xff";
    for kind in [1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 24, 25] {
        let body = [&[kind][..], &huge[..], b"\x02\x01", &huge[..], b"abc"].concat();
        assert!(load(&payload(&body, 12)).is_err());
    }
}
