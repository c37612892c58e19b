//! Measures a stream of a million entries: heap bytes for an entry, nanoseconds for an operation.
//!
//! `cargo run --release -p value --example measure_streams [entries]`. Ranges begin at random entries, so that memory misses are included; bytes are
//! those of the allocator's size classes. It measures no server: requests and replies come on top.

use std::hint::black_box;

use value::stream::{Keep, NodeLimits, Stream, StreamBuilder, StreamId, Trim, validate_node};

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

/// A text of 8 bytes.
fn text(number: u64) -> [u8; 8] {
    let mut text = *b"v0000000";
    let mut rest = number;
    for digit in text[1..].iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    text
}

/// The ID of an entry: two in a millisecond.
fn nth(entry: u64) -> StreamId {
    StreamId::new(1_700_000_000_000 + entry / 2, entry % 2)
}

fn append(stream: &mut Stream, entry: u64) {
    let values = [text(mix(entry)), text(mix(entry + 1)), text(entry)];
    let fields: [&[u8]; 3] = [b"sensor:a", b"sensor:b", b"sensor:c"];
    let pairs = fields.into_iter().zip(values.iter().map(|value| &value[..]));
    stream.log_mut().append(nth(entry), pairs, NodeLimits::default()).expect("IDs ascend");
}

fn reading(stream: &Stream, entries: u64) {
    let times = 300_000;
    for count in [1, 10, 100] {
        let times = times / count;
        report(&format!("XRANGE of {count}"), times, || {
            for i in 0..times {
                let some = stream.log().range(nth(mix(i) % entries), StreamId::MAX).take(count as usize);
                black_box(some.flat_map(|entry| entry.fields).map(|(a, b)| a.len() + b.len()).sum::<usize>());
            }
        });
    }
    report("XREVRANGE of 10", times, || {
        for i in 0..times {
            let some = stream.log().range_back(StreamId::MIN, nth(mix(i) % entries)).take(10);
            black_box(some.flat_map(|entry| entry.fields).map(|(a, b)| a.len() + b.len()).sum::<usize>());
        }
    });
    report("walking all, for an entry", entries, || {
        let all = stream.log().range(StreamId::MIN, StreamId::MAX);
        black_box(all.flat_map(|entry| entry.fields).map(|(a, b)| a.len() + b.len()).sum::<usize>());
    });
}

/// What a save and a load cost for each node.
fn converting(stream: &Stream) {
    let (log, mut spelled) = (stream.log(), Vec::new());
    report("spelling a node as a listpack", log.node_count(), || {
        for node in log.nodes() {
            spelled.clear();
            node.append_listpack(&mut spelled);
            black_box(&spelled);
        }
    });
    let listpacks: Vec<_> = log.nodes().map(|node| (node.master_id(), node.listpack())).collect();
    report("checking a listpack", log.node_count(), || {
        for (master, listpack) in &listpacks {
            black_box(validate_node(*master, listpack).is_ok());
        }
    });
    let mut builder = StreamBuilder::new();
    report("checking it and making a node of it", log.node_count(), || {
        for (master, listpack) in &listpacks {
            black_box(builder.push(*master, listpack).is_ok());
        }
    });
}

fn groups(stream: &mut Stream, entries: u64) {
    stream.create_group(b"group", StreamId::MIN, Some(0));
    let before = stream.heap_bytes();
    let mut read = 0;
    report("XREADGROUP of 10, for an entry", entries, || {
        while read < entries {
            let name = [b'c', b'0' + (read / 10 % 4) as u8];
            stream.edit_group(b"group", |log, group| {
                group.create_consumer(&name, 0);
                let consumer = group.consumer_named(&name).expect("just made").number();
                let next = group.last_id.next().unwrap_or(StreamId::MAX);
                for entry in log.range(next, StreamId::MAX).take(10) {
                    black_box(entry.fields.map(|(a, b)| a.len() + b.len()).sum::<usize>());
                    group.advance(log, entry.id);
                    group.deliver(entry.id, consumer, 1_700_000_000_000);
                    read += 1;
                }
            });
        }
    });
    let bytes = (stream.heap_bytes() - before) as f64;
    println!("{:<44}{:>9.1} bytes", "  a pending entry", bytes / entries as f64);
    let frozen = stream.clone();
    let copied = stream.copied_bytes();
    report("XACK at random while frozen", 1000, || {
        for i in 0..1000 {
            stream.edit_group(b"group", |_, group| group.acknowledge(nth(mix(i) % entries)));
        }
    });
    println!("{:<44}{:>9} bytes", "  copied by one", (stream.copied_bytes() - copied) / 1000);
    drop(frozen);
    report("XACK in order", entries / 2, || {
        for entry in 0..entries / 2 {
            stream.edit_group(b"group", |_, group| group.acknowledge(nth(entry)));
        }
    });
}

fn main() {
    let entries = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    println!("stream of {entries} entries of 3 fields of 8 bytes with values of 8 bytes");
    let mut stream = Stream::new();
    report("XADD", entries, || {
        for entry in 0..entries {
            append(&mut stream, entry);
        }
    });
    println!("{:<44}{:>9.1} bytes", "  an entry", stream.heap_bytes() as f64 / entries as f64);
    let listpacks: usize = stream.log().nodes().map(|node| node.listpack_len()).sum();
    println!("{:<44}{:>9.1} bytes", "  of that listpacks", listpacks as f64 / entries as f64);
    reading(&stream, entries);
    converting(&stream);
    groups(&mut stream, entries);
    let trim = Trim { keep: Keep::Length(entries), is_approximate: true, limit: 0 };
    report("XADD MAXLEN ~", entries / 4, || {
        for entry in 0..entries / 4 {
            append(&mut stream, entries + entry);
            black_box(stream.log_mut().trim(trim).removed);
        }
    });
    let trim = Trim { is_approximate: false, ..trim };
    report("XADD MAXLEN =", entries / 4, || {
        for entry in 0..entries / 4 {
            append(&mut stream, entries + entries / 4 + entry);
            black_box(stream.log_mut().trim(trim).removed);
        }
    });
    report("XDEL at random", entries / 10, || {
        for i in 0..entries / 10 {
            black_box(stream.log_mut().delete(nth(entries / 2 + mix(i) % entries)));
        }
    });
}
