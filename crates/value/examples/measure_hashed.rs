//! Measures the hash-ordered collections: bytes per element, and nanoseconds per operation on random elements.
//!
//! It measures the processor time of one thread, in the process itself: no server, no protocol. Neighbours still cost it cache. Run it with
//! `cargo run --release -p value --example measure_hashed [elements]`. The time of an operation includes to make the
//! member's text and to hash it.

use std::hint::black_box;

use value::fields::{FieldsEncoding, LargeFields};
use value::member_hash;
use value::score_index::ScoreIndex;
use value::set::{LargeSet, SetEncoding};

const MEMBER: usize = 20;
const OPERATIONS: u64 = 1_000_000;

/// Processor time of this process so far in nanoseconds, from Linux; 0 elsewhere.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

/// Nanoseconds of processor time for each of `count` since `start`.
fn nanos_each(start: u64, count: u64) -> f64 {
    (cpu_ns() - start) as f64 / count.max(1) as f64
}

/// A member of 20 bytes for a number.
fn member(number: u64) -> [u8; MEMBER] {
    let mut text = *b"member:0000000000000";
    let (mut at, mut rest) = (MEMBER, number);
    while rest > 0 {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    text
}

/// Runs `operation` on random numbers below `elements` and prints the mean time.
fn measure(name: &str, elements: u64, mut operation: impl FnMut(u64)) {
    let mut rng = fastrand::Rng::with_seed(1);
    let start = cpu_ns();
    for _ in 0..OPERATIONS {
        operation(rng.u64(..elements));
    }
    let nanos = nanos_each(start, OPERATIONS);
    println!("  {name:<28} {nanos:8.0} ns");
}

fn per_element(name: &str, bytes: u64, elements: u64) {
    println!("{name}: {:.1} bytes an element", bytes as f64 / elements as f64);
}

fn fields(elements: u64) {
    let mut hash = LargeFields::new(FieldsEncoding::Hashtable);
    let start = cpu_ns();
    for number in 0..elements {
        let field = member(number);
        hash.insert(member_hash(&field), &field, &number.to_le_bytes(), false);
    }
    let build = nanos_each(start, elements);
    per_element("hash, field 20, value 8", hash.heap_bytes(), elements);
    println!("  {:<28} {build:8.0} ns", "HSET new");
    measure("HGET", elements, |number| {
        let field = member(number);
        black_box(hash.get(member_hash(&field), &field));
    });
    measure("HGET absent", elements, |number| {
        let field = member(number + elements);
        black_box(hash.get(member_hash(&field), &field));
    });
    measure("HSET same length", elements, |number| {
        let field = member(number);
        hash.insert(member_hash(&field), &field, b"12345678", false);
    });
    measure("HRANDFIELD", elements, |number| {
        black_box(hash.at_rank(number));
    });
    measure("HDEL and HSET", elements, |number| {
        let field = member(number);
        let hash_of = member_hash(&field);
        hash.remove(hash_of, &field);
        hash.insert(hash_of, &field, b"12345678", false);
    });
    let start = cpu_ns();
    let sum: usize = hash.iter().map(|item| item.parts[1].len()).sum();
    let nanos = nanos_each(start, elements);
    println!("  {:<28} {nanos:8.1} ns an element ({sum})", "HGETALL");
    let frozen = hash.clone();
    measure("HSET while frozen", elements, |number| {
        let field = member(number);
        hash.insert(member_hash(&field), &field, b"87654321", false);
    });
    println!("  copied meanwhile             {:8} bytes of {}", hash.copied_bytes(), frozen.heap_bytes());
    drop(frozen);
    for number in (0..elements).step_by(10) {
        let field = member(number);
        hash.set_deadline(member_hash(&field), &field, number + 1);
    }
    per_element("  with a deadline in 10 %", hash.heap_bytes(), elements);
    let start = cpu_ns();
    let due = hash.take_due(elements, 10_000, |field, _| {
        black_box(field);
    });
    println!("  {:<28} {:8.0} ns", "expire", nanos_each(start, due as u64));
}

fn set(elements: u64) {
    let mut set = LargeSet::new(SetEncoding::Hashtable);
    let start = cpu_ns();
    for number in 0..elements {
        let text = member(number);
        set.insert(member_hash(&text), &text);
    }
    let build = nanos_each(start, elements);
    per_element("set, member 20", set.heap_bytes(), elements);
    println!("  {:<28} {build:8.0} ns", "SADD new");
    measure("SISMEMBER", elements, |number| {
        let text = member(number);
        black_box(set.contains(member_hash(&text), &text));
    });
    measure("SRANDMEMBER", elements, |number| {
        black_box(set.at_rank(number));
    });
    let mut out = Vec::new();
    let mut left = elements;
    measure("SPOP", u64::MAX, |number| {
        out.clear();
        left = left.saturating_sub(1);
        set.take_rank(number % (left + 1), &mut out);
    });
}

fn scores(elements: u64) {
    let mut index = ScoreIndex::new();
    let start = cpu_ns();
    for number in 0..elements {
        index.insert(member_hash(&member(number)), number as f64);
    }
    let build = nanos_each(start, elements);
    per_element("index of scores", index.heap_bytes(), elements);
    println!("  {:<28} {build:8.0} ns", "insert");
    measure("candidates", elements, |number| {
        black_box(index.candidates(member_hash(&member(number))).sum::<f64>());
    });
    measure("replace", elements, |number| {
        let hash = member_hash(&member(number));
        index.replace(hash, number as f64, number as f64);
    });
}

fn main() {
    let elements = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    measure("(member and hash alone)", elements, |number| {
        black_box(member_hash(&member(number)));
    });
    fields(elements);
    set(elements);
    scores(elements);
}
