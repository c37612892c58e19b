//! Random requests to all HyperLogLog commands, compared with a live redis-server: replies and the values' bytes.

use crate::reference::{compare, words};

const COUNT: usize = 5_000;

fn key(rng: &mut fastrand::Rng) -> char {
    rng.char('a'..='e')
}

fn request(rng: &mut fastrand::Rng) -> Vec<Vec<u8>> {
    let key = key(rng);
    match rng.u8(0..40) {
        0 => words(&format!("SET {key} {}", ["12", "HYLL", "HYLLandmorebytesthanthat"][rng.usize(0..3)])),
        // Only in the header: what a server does with broken registers half-way is its own affair.
        1 | 2 => words(&format!("SETBIT {key} {} {}", rng.u32(0..128), rng.u8(0..2))),
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
