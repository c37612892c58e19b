//! Damaged payloads and files: an error or an object, never a panic, and no memory that the bytes do not justify.

use super::damage_samples::{damage, samples};
use super::model::{Collect, Random};
use super::{load, payload};
use rdb::object::Discard;
use rdb::{Event, Limits, Reader, dump};

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
