//! Damaged payloads: what a real server with `sanitize-dump-payload yes` accepts and refuses, we accept and refuse.
//!
//! Differences that are meant are listed in [`is_stricter`]. A server that does not survive a payload is started anew.

use rdb::{Limits, dump};

use crate::model::{Collect, Object, Random};
use crate::server::{Folder, Reply, Server, reference_servers};

#[path = "../objects/damage_samples.rs"]
mod damage_samples;

/// What is refused here although Redis accepts it: see the header of `read/object.rs`.
fn is_stricter(error: &rdb::Error) -> bool {
    let text = error.to_string();
    [
        "do not ascend",
        "two consumers",
        "score that is no number",
        "another number of elements",
        "another number of deleted entries",
        "expected the length",
        "the end came",
    ]
    .iter()
    .any(|what| text.contains(what))
}

/// Compares what the server makes of a payload that both accept. Streams are left out, since a server adds to old
/// ones what they lack, and so are hashes whose fields may have expired. Returns how many were compared.
fn compare(server: &mut Server, ours: &Object) -> u32 {
    let has_expiry = matches!(ours, Object::Hash(hash) if hash.values().any(|(_, expiry)| expiry.is_some()));
    if has_expiry || matches!(ours, Object::Stream(_)) {
        return 0;
    }
    let Some(Reply::Bulk(theirs)) = server.try_ask(&[b"DUMP", b"k"]) else { return 0 };
    let mut sink = Collect::new(false);
    dump::load_object(&theirs, Limits::default(), &mut sink).unwrap();
    let (mut ours, mut theirs) = (ours.clone(), sink.finish());
    // Redis does not always keep the sign of a zero.
    for object in [&mut ours, &mut theirs] {
        if let Object::Zset(zset) = object {
            zset.values_mut().filter(|bits| **bits == (-0.0f64).to_bits()).for_each(|bits| *bits = 0);
        }
    }
    assert_eq!(ours, theirs);
    1
}

fn has_another_length(object: &Option<Object>) -> bool {
    matches!(object, Some(Object::Stream(stream)) if stream.info.length != stream.info.counted)
}

/// Whether a server whose own payloads have version `theirs` gives an object type the meaning that it has here in a
/// payload of `version`.
fn is_comparable(kind: u8, version: u16, theirs: u16) -> bool {
    let is_known = match theirs {
        10 => version <= 10,
        80.. => version != 12,
        _ => version <= 12,
    };
    is_known
        && match kind {
            1..=5 | 9..=19 => true,
            20 | 21 => theirs > 10,
            22 => (theirs == 80) == (version != 12),
            23..=25 => theirs == 12 && version == 12,
            _ => false,
        }
}

#[test]
fn damage_is_judged_alike() {
    let mut random = Random::new();
    let samples = damage_samples::samples(&mut random);
    for program in reference_servers() {
        let folder = Folder::new();
        let arguments = ["--sanitize-dump-payload", "yes"];
        let mut server = Server::start_with(&program, &folder, &arguments);
        let (mut accepted, mut same, mut refused, mut stricter, mut milder, mut died) = (0, 0, 0, 0, 0, 0);
        let Reply::Bulk(probe) = server.ask(&[&[b"SET", b"p", b"x"], &[b"DUMP", b"p"]]).remove(1) else {
            panic!()
        };
        let theirs_version = u16::from_le_bytes([probe[probe.len() - 10], probe[probe.len() - 9]]);
        let rounds = std::env::var("FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(8000);
        for _ in 0..rounds {
            let (body, version) = &samples[random.0.usize(0..samples.len())];
            let mut payload = damage_samples::damage(&mut random.0, body);
            if !is_comparable(payload[0], *version, theirs_version) {
                continue;
            }
            // Redis goes on into the footer if a value is cut; here it finds something else first.
            payload.extend((0..400).map(|_| random.0.u8(..)));
            dump::finish(&mut payload, 0, *version);
            let mut sink = Collect::new(true);
            let ours = dump::load_object(&payload, Limits::default(), &mut sink);
            let restore: [&[u8]; 5] = [b"RESTORE", b"k", b"0", &payload, b"REPLACE"];
            let Some(theirs) = server.try_ask(&restore) else {
                died += 1;
                server = Server::start_with(&program, &folder, &arguments);
                continue;
            };
            match (&ours, theirs == Reply::Line("+OK".into())) {
                (Ok(()), true) => {
                    accepted += 1;
                    if accepted % 4 == 0 {
                        same += compare(&mut server, &sink.finish());
                    }
                }
                (Err(_), false) => refused += 1,
                (Err(error), true) if is_stricter(error) => stricter += 1,
                // Valkey compares a stream's length with its nodes, Redis does not.
                (Ok(()), false) if theirs_version == 80 && has_another_length(&sink.object) => milder += 1,
                (ours, _) => {
                    panic!(
                        "{program}: ours {ours:?}, theirs {theirs:?}: {}",
                        payload[..payload.len() - 410].escape_ascii()
                    )
                }
            }
        }
        println!(
            "{program}: {accepted} accepted ({same} compared), {refused} refused, {stricter} refused here only, {milder} there only, \
             {died} killed it"
        );
        assert!(accepted > 100 && refused > 1000 && stricter < accepted / 10);
    }
}
