//! How long a snapshot's walk takes for an entry, when entries are met in the order of their hashes: all over memory.
//!
//! `cargo run --release -p keyspace --example measure_walk [entries] [value bytes]`

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use keyspace::{Entry, EntryView, Keyspace, NewValue, Options, PreImage, TakenTable, ValueRef, WorkerId};
use value::StrRef;

#[global_allocator]
static ALLOCATOR: keyspace::Allocator = keyspace::Allocator;

const WORKER: WorkerId = WorkerId(0);
/// Entries of a stay under a stripe's lock.
const STAY: usize = 300;

/// Nobody writes during the walk.
struct Nothing;

impl PreImage for Nothing {
    fn pre_image(&self, _: WorkerId, _: u32, _: EntryView<'_>) {}
    fn held_back(&self, _: u64) {}
    fn take_table(&self, table: TakenTable) -> Option<TakenTable> {
        Some(table)
    }
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|word| word.parse().expect("a number"));
    let entries: usize = numbers.next().unwrap_or(3_000_000);
    let value = vec![b'x'; numbers.next().unwrap_or(200)];
    let keyspace = Keyspace::new(Options { workers: 1, databases: 1, stripes: 1024 });
    let mut access = keyspace.exclusive(WORKER);
    // In an order that has nothing to do with the hash, as over the wire.
    for number in 0..entries {
        let name = format!("key:{number:012}").into_bytes();
        match access.entry(0, keyspace.key(&name)) {
            Entry::Vacant(vacant) => drop(vacant.insert(NewValue::Bytes(&value), None, 0)),
            Entry::Occupied(_) => unreachable!("every number once"),
        }
    }
    drop(access);
    let mut block: Vec<u8> = Vec::with_capacity(256 * 1024);
    for round in 0..5 {
        keyspace.exclusive(WORKER).cut(Arc::new(Nothing));
        let (begin, mut seen) = (Instant::now(), 0);
        for stripe in 0..keyspace.stripes() {
            let mut from = Some(0);
            while let Some(position) = from {
                let mut inside = keyspace.enter(WORKER);
                let mut access = inside.lock_stripe(stripe);
                from = access.walk_owed(0, stripe, position, STAY, |entry| {
                    seen += 1;
                    block.extend_from_slice(entry.key);
                    if let ValueRef::String(StrRef::Bytes(bytes)) = entry.value {
                        block.extend_from_slice(bytes);
                    }
                    if block.len() > 200 * 1024 {
                        black_box(&block);
                        block.clear();
                    }
                    true
                });
            }
        }
        let each = begin.elapsed().as_nanos() / seen.max(1);
        println!("round {round}: {seen} entries, {each} ns each");
        keyspace.exclusive(WORKER).detach_sink();
    }
}
