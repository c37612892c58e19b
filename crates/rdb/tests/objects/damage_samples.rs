//! Payloads of all layouts, and how they are damaged. Tests nothing itself.

use crate::model::{Form, Random, write};
use crate::old;
use rdb::{Compressor, ObjectWriter, Place};

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
