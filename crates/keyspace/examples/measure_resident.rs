//! Measures where the resident bytes of large collections are: counted, handed out by the allocator, in its pages, in the process.
//!
//! `cargo run --release -p keyspace --example measure_resident KIND [elements [bins]]`, KIND one of hash, set, integers, zset, list, lpush, index. It fills
//! one collection as `cargo xtask bench --types` does, without a server around it; `bins` adds the allocator's report.

use keyspace::{allocator_report, allocator_stats, purge};
use value::fields::{FieldsEncoding, LargeFields};
use value::list::{End, LargeList};
use value::packed::Element;
use value::set::{LargeSet, SetEncoding};
use value::zset::LargeZset;
use value::{ScoreIndex, member_hash};

#[global_allocator]
static ALLOCATOR: keyspace::Allocator = keyspace::Allocator;

/// Resident bytes of this process, from Linux; 0 elsewhere.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// Processor time of this process so far in nanoseconds, from Linux; 0 elsewhere.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

/// Spreads numbers over all others of its size.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A member of 20 bytes.
fn member(index: u64) -> [u8; 20] {
    let mut out = *b"0123456789abcdef-mem";
    let mut bits = mix((2 << 40) ^ index);
    for digit in &mut out[..16] {
        *digit = b"0123456789abcdef"[(bits & 15) as usize];
        bits >>= 4;
    }
    out
}

/// What was filled, kept until it has been measured.
enum Filled {
    Hash(LargeFields),
    Set(LargeSet),
    Zset(LargeZset),
    List(LargeList),
    Index(ScoreIndex),
}

impl Filled {
    fn heap_bytes(&self) -> u64 {
        match self {
            Filled::Hash(hash) => hash.heap_bytes(),
            Filled::Set(set) => set.heap_bytes(),
            Filled::Zset(zset) => zset.heap_bytes(),
            Filled::List(list) => list.heap_bytes(),
            Filled::Index(index) => index.heap_bytes(),
        }
    }
}

fn fill(kind: &str, elements: u64) -> Option<Filled> {
    Some(match kind {
        "hash" => {
            let mut hash = LargeFields::new(FieldsEncoding::Hashtable);
            for index in 0..elements {
                let field = member(index);
                hash.insert(member_hash(&field), &field, &member(index + (1 << 30))[..8], false);
            }
            Filled::Hash(hash)
        }
        "set" | "integers" => {
            let mut set = LargeSet::new(SetEncoding::Hashtable);
            for index in 0..elements {
                let text = member(index);
                let integer = (mix(index) >> 20).to_string();
                let text = if kind == "set" { &text[..] } else { integer.as_bytes() };
                set.insert(member_hash(text), text);
            }
            Filled::Set(set)
        }
        "zset" => {
            let mut zset = LargeZset::default();
            for index in 0..elements {
                zset.set(&member(index), (mix(index ^ 0x5555) >> 24) as f64);
            }
            Filled::Zset(zset)
        }
        "list" | "lpush" => {
            let end = if kind == "list" { End::Tail } else { End::Head };
            let mut list = LargeList::default();
            for index in 0..elements {
                list.push(end, Element::of(&member(index)));
            }
            Filled::List(list)
        }
        "index" => {
            let mut scores = ScoreIndex::new();
            for index in 0..elements {
                scores.insert(member_hash(&member(index)), index as f64);
            }
            Filled::Index(scores)
        }
        _ => return None,
    })
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().unwrap_or_default();
    let elements = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    // A few pages of the allocator's own are there before anything is filled.
    drop(fill(&kind, 10_000));
    purge();
    let (before, empty) = (allocator_stats(), resident());
    let start = cpu_ns();
    let Some(filled) = fill(&kind, elements) else {
        eprintln!("hash, set, integers, zset, list, lpush or index?");
        return;
    };
    let nanos = cpu_ns() - start;
    let dirty = resident();
    purge();
    let (after, full) = (allocator_stats(), resident());
    let each = |bytes: u64| bytes as f64 / elements as f64;
    println!(
        "{kind}: counted {:.1}, allocated {:.1}, active {:.1}, metadata {:.1}, resident {:.1}, before purging {:.1}; {:.0} ns",
        each(filled.heap_bytes()),
        each(after.allocated - before.allocated),
        each(after.active - before.active),
        each(after.metadata - before.metadata),
        each(full - empty),
        each(dirty - empty),
        each(nanos),
    );
    if arguments.next().is_some() {
        println!("{}", allocator_report());
    }
}
