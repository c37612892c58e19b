//! Random requests to all bitmap commands, compared with a live redis-server.

use crate::reference::{compare, words};
use crate::testing::Server;

const COUNT: usize = 10_000;

/// A key of a few, so that requests meet.
fn key(rng: &mut fastrand::Rng) -> char {
    rng.char('a'..='d')
}

/// A position that is mostly inside short strings.
fn position(rng: &mut fastrand::Rng) -> i64 {
    match rng.u8(0..20) {
        0 => rng.i64(..),
        1 => rng.i64(-100_000..100_000),
        2..6 => rng.i64(-3000..3000),
        _ => rng.i64(-70..70),
    }
}

/// A bit offset; now and then far behind the end of what can be inside an entry, or in one piece.
fn offset(rng: &mut fastrand::Rng) -> String {
    match rng.u8(0..40) {
        0 => rng.u64(0..900_000).to_string(),
        1 => rng.u64(0..100_000).to_string(),
        2 => "-1".into(),
        3 => format!("#{}", rng.i64(..)),
        4..8 => format!("#{}", rng.u8(0..50)),
        _ => rng.u64(0..2000).to_string(),
    }
}

fn field(rng: &mut fastrand::Rng) -> String {
    let bits = if rng.u8(0..20) == 0 { rng.u8(0..70) } else { rng.u8(1..64) };
    format!("{}{bits}", if rng.bool() { 'i' } else { 'u' })
}

fn number(rng: &mut fastrand::Rng) -> i64 {
    match rng.u8(0..4) {
        0 => rng.i64(..),
        1 => [i64::MIN, i64::MAX, -1, 0, 1][rng.usize(0..5)],
        _ => rng.i64(-300..300),
    }
}

fn range(rng: &mut fastrand::Rng) -> String {
    match rng.u8(0..5) {
        0 => String::new(),
        1 => format!(" {} {}", position(rng), position(rng)),
        2 => format!(" {} {} BYTE", position(rng), position(rng)),
        3 => format!(" {} {} bit", position(rng), position(rng)),
        _ => format!(" {} {} BIT", position(rng), position(rng).saturating_mul(8)),
    }
}

fn operation(rng: &mut fastrand::Rng) -> String {
    let (field, offset) = (field(rng), offset(rng));
    match rng.u8(0..5) {
        0 => format!(" GET {field} {offset}"),
        1 => format!(" SET {field} {offset} {}", number(rng)),
        2 => format!(" OVERFLOW {}", ["WRAP", "sat", "FAIL"][rng.usize(0..3)]),
        _ => format!(" INCRBY {field} {offset} {}", number(rng)),
    }
}

fn request(rng: &mut fastrand::Rng) -> Vec<Vec<u8>> {
    let key = key(rng);
    match rng.u8(0..20) {
        0 => {
            let fill = [0, 0xFF, rng.u8(..)][rng.usize(0..3)];
            let len = [10, 300, 5000, 70_000][rng.usize(0..4)];
            let value =
                if rng.bool() { vec![fill; rng.usize(0..len)] } else { number(rng).to_string().into() };
            let mut set = words(&format!("SET {key}"));
            set.push(value);
            set
        }
        1 => words(&format!("GET {key}")),
        2..6 => words(&format!("SETBIT {key} {} {}", offset(rng), rng.u8(0..2))),
        6..8 => words(&format!("GETBIT {key} {}", offset(rng))),
        8..11 => words(&format!("BITCOUNT {key}{}", range(rng))),
        11..14 => {
            // Redis 7.0 looks for the key before the range.
            let range = range(rng);
            words(&format!("BITPOS {key} {}{range}", rng.u8(0..2)))
        }
        14..16 => {
            let sources: String = (0..rng.usize(1..5)).map(|_| format!(" {}", self::key(rng))).collect();
            let operation = ["AND", "OR", "XOR", "NOT"][rng.usize(0..4)];
            words(&format!("BITOP {operation} {key}{sources}"))
        }
        16 => {
            let fields: String =
                (0..rng.usize(0..4)).map(|_| format!(" GET {} {}", field(rng), offset(rng))).collect();
            words(&format!("BITFIELD_RO {key}{fields}"))
        }
        _ => {
            let operations: String = (0..rng.usize(0..6)).map(|_| operation(rng)).collect();
            words(&format!("BITFIELD {key}{operations}"))
        }
    }
}

#[test]
fn replies_are_those_of_a_live_server() {
    compare(COUNT, request);
}

#[test]
fn only_changes_are_propagated() {
    let server = Server::start();
    let effects = server.effects_of(&[
        "SETBIT k 1 1",
        "SETBIT k 1 1",
        "SETBIT k 1 0",
        "BITFIELD k GET u8 0",
        "BITFIELD k SET u8 0 7",
        "BITFIELD k SET u8 0 7",
        "BITFIELD new OVERFLOW FAIL SET u8 0 256",
        "BITFIELD new OVERFLOW FAIL SET u8 0 256",
        "BITCOUNT k",
        "BITOP AND none nothing",
        "BITOP NOT d k",
        "BITOP AND d nothing",
    ]);
    let expected = [
        "SETBIT k 1 1",
        "SETBIT k 1 0",
        "BITFIELD k SET u8 0 7",
        "BITFIELD new OVERFLOW FAIL SET u8 0 256",
        "BITOP NOT d k",
        "BITOP AND d nothing",
    ];
    assert_eq!(effects, expected);
}

#[test]
fn lengths_around_every_form_of_a_string() {
    // Inside the entry up to 4096 bytes, in one piece up to 65536, in blocks beyond.
    for len in [1u64, 4095, 4096, 4097, 8192, 65_535, 65_536, 65_537, 200_000] {
        let server = Server::start();
        let mut client = server.connect();
        let mut ask = |request: String| {
            client.send(&request);
            client.reply()
        };
        let last = len * 8 - 1;
        assert_eq!(ask("SET k 1".into()), "+OK");
        assert_eq!(ask(format!("SETBIT k {last} 1")), if len == 1 { ":1" } else { ":0" });
        assert_eq!(ask(format!("BITFIELD k INCRBY u2 {} 2", last - 1)), "*1 :3");
        assert_eq!(ask("BITOP OR d k".into()), format!(":{len}"));
        let ones = if len == 1 { 4 } else { 5 };
        assert_eq!(ask("BITCOUNT d".into()), format!(":{ones}"));
        assert_eq!(
            ask(format!("BITPOS d 1 {}", len - 1)),
            format!(":{}", if len == 1 { 2 } else { last - 1 })
        );
        assert_eq!(ask(format!("SETBIT k {last} 0")), ":1");
        assert_eq!(ask(format!("GETBIT k {last}")), ":0");
        assert_eq!(ask(format!("GETBIT d {last}")), ":1", "the copy is one");
    }
}
