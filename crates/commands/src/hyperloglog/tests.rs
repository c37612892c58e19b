//! Random requests to all HyperLogLog commands, compared with a live redis-server: replies and the values' bytes.

use crate::reference::{compare, words};
use crate::testing::Server;

const COUNT: usize = 5_000;

/// Where the header says how the registers lie.
const ENCODING_BITS: std::ops::Range<u32> = 32..40;

fn key(rng: &mut fastrand::Rng) -> char {
    rng.char('a'..='e')
}

fn request(rng: &mut fastrand::Rng) -> Vec<Vec<u8>> {
    let key = key(rng);
    match rng.u8(0..40) {
        0 => words(&format!("SET {key} {}", ["12", "HYLL", "HYLLandmorebytesthanthat"][rng.usize(0..3)])),
        // Only in the header, and not the byte that says how the registers lie there: what a server does with broken registers half-way is its own affair.
        1 | 2 => {
            let bit = rng.u32(0..128);
            let bit = bit + if ENCODING_BITS.contains(&bit) { 8 } else { 0 };
            words(&format!("SETBIT {key} {bit} {}", rng.u8(0..2)))
        }
        3 => words(&format!("PFDEBUG TODENSE {key}")),
        4 => words(&format!("PFDEBUG ENCODING {key}")),
        5..8 => words(&format!("PFDEBUG DECODE {key}")),
        8 => words(&format!("PFDEBUG GETREG {key}")),
        // A fresh one, as most of what was there before is soon dense or no HyperLogLog any more.
        9 | 10 => words(&format!("BITOP AND {key} nothing")),
        11 => words(&format!("PFMERGE {key}")),
        12..15 => words(&format!("PFMERGE {key} {} {}", self::key(rng), self::key(rng))),
        15..19 => words(&format!("PFCOUNT {key}")),
        19 | 20 => words(&format!("PFCOUNT {key} {} {}", self::key(rng), self::key(rng))),
        21..25 => words(&format!("GET {key}")),
        kind => {
            // Few elements keep it sparse and make them meet; many of a small range join runs of equal registers.
            let count = [1, 5, 300][usize::from(kind % 3)];
            let mut add = words(&format!("PFADD {key}"));
            for _ in 0..rng.usize(0..count) {
                let range = [50, 3000, u32::MAX][rng.usize(0..3)];
                let mut element = rng.u32(0..range).to_string().into_bytes();
                element.resize(element.len() + rng.usize(0..20), b'x');
                add.push(element);
            }
            add
        }
    }
}

#[test]
fn replies_and_bytes_are_those_of_a_live_server() {
    compare(COUNT, request);
}

#[test]
fn changes_are_propagated_and_so_is_a_count_that_is_kept() {
    let server = Server::start();
    let effects = server.effects_of(&[
        "PFADD k a",
        "PFADD k a",
        "PFCOUNT k",
        "PFCOUNT k",
        "PFCOUNT k k",
        "PFMERGE d k",
        "PFDEBUG DECODE k",
        "PFDEBUG TODENSE k",
        "PFDEBUG TODENSE k",
        "PFDEBUG GETREG d",
        "PFDEBUG GETREG d",
    ]);
    let expected = ["PFADD k a", "PFCOUNT k", "PFMERGE d k", "PFDEBUG TODENSE k", "PFDEBUG GETREG d"];
    assert_eq!(effects, expected);
}

#[test]
fn the_sparse_limit_is_the_configured_one() {
    let server = Server::start();
    let mut client = server.connect();
    let mut ask = |request: &str| {
        client.send(request);
        client.reply()
    };
    let set = |bytes: &str| {
        let words: [&[u8]; 2] = [b"hll-sparse-max-bytes", bytes.as_bytes()];
        server.engine.config.set(&words, config::Context::default()).expect("a sound value");
    };
    set("20");
    assert_eq!(ask("PFADD small a"), ":1");
    assert_eq!(ask("PFDEBUG ENCODING small"), "+dense", "21 bytes are needed");
    set("21");
    assert_eq!(ask("PFADD k a"), ":1");
    assert_eq!(ask("PFDEBUG ENCODING k"), "+sparse");
    assert_eq!(ask("PFADD k b"), ":1");
    assert_eq!(ask("PFDEBUG ENCODING k"), "+dense");
    assert_eq!(ask("PFCOUNT k small"), ":2");
}
