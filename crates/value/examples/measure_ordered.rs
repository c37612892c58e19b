//! Measures lists and sorted sets of a million elements: heap bytes for an element, nanoseconds for an operation.
//!
//! `cargo run --release -p value --example measure_ordered [elements [zsets|lists]]`. Operations hit random elements, so that memory misses are
//! included; bytes are those of the allocator's size classes. It measures no server: requests and replies come on top.

use std::hint::black_box;

use value::list::{End, LargeList, ListRef};
use value::packed::Element;
use value::zset::{self, Bound, LargeZset, ZsetRef};

fn report(name: &str, operations: u64, work: impl FnOnce()) {
    let start = cpu_ns();
    work();
    println!("{name:<44}{:>9.0} ns", (cpu_ns() - start) as f64 / operations as f64);
}

/// Processor time of this thread, which other programs disturb less than the clock on the wall.
fn cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// Spreads numbers over all others of its size.
fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    number ^ (number >> 29)
}

/// A text of 20 bytes, made rather than read from memory, as a request has it at hand.
fn member(mut number: u64) -> [u8; 20] {
    let mut text = *b"member:0000000000000";
    for digit in text[7..].iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    text
}

/// A million elements of which a clone is kept while this many are changed.
const CHANGED: u64 = 1000;

fn zsets(elements: u64) {
    println!("sorted set of {elements} elements, members of 20 bytes");
    let nth = |i: u64| member(mix(i) % 10_000_000_000_000);
    let pick = |i: u64| nth(mix(i + 77) % elements);
    for (name, score) in [
        ("random doubles", (|i| mix(i) as f64 / 1e3) as fn(u64) -> f64),
        ("integers to 1e6", |i| (mix(i) % 1_000_000) as f64),
        ("ascending", |i| i as f64),
        ("all equal", |_| 0.0),
    ] {
        let mut zset = LargeZset::default();
        report(&format!("ZADD new, {name}"), elements, || {
            for i in 0..elements {
                zset.set(&nth(i), score(i));
            }
        });
        let (all, index) = (zset.heap_bytes() as f64, zset.index_bytes() as f64);
        let count = zset.len() as f64;
        println!("{:<44}{:>9.1} bytes, index {:.1}", "  an element", all / count, index / count);
    }
    let mut zset = LargeZset::default();
    for i in 0..elements {
        zset.set(&nth(i), (mix(i) % 1_000_000) as f64);
    }
    let times = 300_000;
    report("ZSCORE", times, || {
        for i in 0..times {
            black_box(zset.score(&pick(i)));
        }
    });
    report("ZRANK", times, || {
        for i in 0..times {
            black_box(zset.rank(&pick(i)));
        }
    });
    report("ZADD changing a score to a random one", times, || {
        for i in 0..times {
            zset.set(&pick(i), (mix(i + 5) % 1_000_000) as f64);
        }
    });
    report("ZINCRBY 1", times, || {
        for i in 0..times {
            zset.modify(&pick(i), |old| Some(old + 1.0));
        }
    });
    report("ZRANGE of 10 by rank", times, || {
        for i in 0..times {
            let rank = mix(i) % zset.len();
            black_box(ZsetRef::Large(&zset).iter_from(rank).take(10).map(|item| item.1).sum::<f64>());
        }
    });
    report("ZCOUNT", times, || {
        for i in 0..times {
            let low = (mix(i) % 1_000_000) as f64;
            let low_rank = zset.rank_of(Bound::BeforeScore(low));
            black_box(zset.rank_of(Bound::AfterScore(low + 1000.0)) - low_rank);
        }
    });
    report("walking all", elements, || {
        black_box(ZsetRef::Large(&zset).iter_from(0).map(|item| item.1).sum::<f64>());
    });
    let frozen = zset.clone();
    let copied = zset.copied_bytes();
    report("ZADD changing a score while frozen", CHANGED, || {
        for i in 0..CHANGED {
            zset.set(&pick(i), i as f64);
        }
    });
    println!("{:<44}{:>9} bytes", "  copied by one", (zset.copied_bytes() - copied) / CHANGED);
    drop(frozen);
    report("ZPOPMIN", times, || {
        for _ in 0..times {
            black_box(zset.pop(zset::End::Min, |member, _| member.len()));
        }
    });
    report("ZREM", times, || {
        for i in 0..times {
            black_box(zset.remove(&pick(i)));
        }
    });
    let left = zset.len() as f64;
    println!(
        "{:<44}{:>9.1} bytes of {left}",
        "  an element of what is left",
        zset.heap_bytes() as f64 / left
    );
}

/// The text of an element.
type Text = fn(u64) -> Vec<u8>;

/// Texts of 16 to 36 bytes, of few symbols and of many.
const TEXTS: [(&str, Text); 5] = [
    ("a name and 10 digits", |i| format!("value:{:010}", mix(i) % 10_000_000_000).into_bytes()),
    ("16 hex digits and -mem", |i| format!("{:016x}-mem", mix(i)).into_bytes()),
    ("UUIDs", |i| {
        let (a, b) = (mix(i), mix(i + 1) >> 16);
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a >> 32,
            a >> 16 & 0xFFFF,
            a & 0xFFF,
            a >> 20 & 0xFFF,
            b
        )
        .into_bytes()
    }),
    ("22 of 62 characters", |i| {
        let symbols = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        (0..22).map(|at| symbols[(mix(i * 32 + at) % 62) as usize]).collect()
    }),
    ("20 random bytes", |i| (0..20).map(|at| mix(i * 32 + at) as u8).collect()),
];

fn lists(elements: u64) {
    for (name, text) in TEXTS {
        println!("list of {elements} elements, {name}");
        list(&(0..elements).map(text).collect::<Vec<_>>());
    }
}

fn list(texts: &[Vec<u8>]) {
    let elements = texts.len() as u64;
    for end in [End::Head, End::Tail] {
        let mut list = LargeList::default();
        report(&format!("push {end:?}"), elements, || {
            for text in texts {
                list.push(end, Element::of(text));
            }
        });
        println!("{:<44}{:>9.1} bytes", "  an element", list.heap_bytes() as f64 / elements as f64);
        let other = if end == End::Head { End::Tail } else { End::Head };
        report(&format!("pop {other:?} and push {end:?}"), elements, || {
            for text in texts {
                black_box(list.pop(other, |element| element.len()));
                list.push(end, Element::of(text));
            }
        });
        report(&format!("pop {end:?}"), elements / 2, || {
            for _ in 0..elements / 2 {
                black_box(list.pop(end, |element| element.len()));
            }
        });
    }
    let mut list = LargeList::default();
    for text in texts {
        list.push(End::Tail, Element::of(text));
    }
    let times = 300_000;
    report("LINDEX", times, || {
        for i in 0..times {
            black_box(list.get(mix(i) % elements, |element| element.len()));
        }
    });
    report("LSET", times, || {
        for i in 0..times {
            list.set(mix(i) % elements, Element::of(&texts[i as usize % texts.len()]));
        }
    });
    report("LRANGE of 100", times, || {
        for i in 0..times {
            let mut len = 0;
            ListRef::Large(&list).for_each_from(mix(i) % elements, 100, |element| len += element.len());
            black_box(len);
        }
    });
    report("walking all", elements, || {
        let mut len = 0;
        ListRef::Large(&list).for_each_from(0, u64::MAX, |element| len += element.len());
        black_box(len);
    });
    report("LPOS of what is not there, for an element", elements, || {
        black_box(list.index_of(Element::of(&[&texts[0][..8], b"\xFF"].concat())));
    });
    report("LINSERT at a random index", times, || {
        for i in 0..times {
            list.insert(mix(i) % list.len(), Element::of(&texts[i as usize % texts.len()]));
        }
    });
    println!("{:<44}{:>9.1} bytes", "  an element", list.heap_bytes() as f64 / list.len() as f64);
}

/// What one read from memory costs here and now, to judge the other numbers by: a chain of reads through 64 MB.
fn memory() {
    let slots = 1u64 << 24;
    // A full-period congruential step visits every slot.
    let next: Vec<u32> = (0..slots).map(|i| ((i * 1_664_525 + 1_013_904_223) % slots) as u32).collect();
    let (mut at, times) = (0, 1_000_000);
    report("a read from memory that waits for the last", times, || {
        for _ in 0..times {
            at = next[at as usize];
        }
    });
    black_box(at);
}

fn main() {
    memory();
    let elements = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let wanted = std::env::args().nth(2);
    if wanted.as_deref() != Some("lists") {
        zsets(elements);
    }
    if wanted.as_deref() != Some("zsets") {
        lists(elements);
    }
}
