//! What a snapshot costs for an entry when nobody writes, with a sink that keeps nothing: time, and processor time of the thread that walks.
//!
//! `cargo run --release -p snapshot --example measure_snapshot [entries] [value bytes]`

use std::io;
use std::time::{Duration, Instant};

use keyspace::{Entry, Keyspace, NewValue, Options, WorkerId};
use snapshot::{Sink, Snapshot};

#[global_allocator]
static ALLOCATOR: keyspace::Allocator = keyspace::Allocator;

const WORKER: WorkerId = WorkerId(0);

/// Takes everything at once.
struct Nowhere;

impl Sink for Nowhere {
    fn write(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn abort(&mut self) {}
}

/// Processor time of the main thread.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").expect("/proc");
    Duration::from_nanos(stat.split(' ').next().and_then(|word| word.parse().ok()).expect("a number"))
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|word| word.parse().expect("a number"));
    let entries: usize = numbers.next().unwrap_or(3_000_000);
    let mut value = vec![0; numbers.next().unwrap_or(200)];
    let keyspace = Keyspace::new(Options { workers: 1, databases: 1, stripes: 1024 });
    let mut access = keyspace.exclusive(WORKER);
    // In an order that has nothing to do with the hash, as over the wire.
    for number in 0..entries {
        value.fill_with(|| fastrand::u8(..));
        let name = format!("key:{number:012}").into_bytes();
        match access.entry(0, keyspace.key(&name)) {
            Entry::Vacant(vacant) => drop(vacant.insert(NewValue::Bytes(&value), None, 0)),
            Entry::Occupied(_) => unreachable!("every number once"),
        }
    }
    drop(access);
    for round in 0..5 {
        let prepared = Snapshot::prepare(&keyspace, Default::default(), Box::new(Nowhere));
        let snapshot = prepared.expect("a thread").cut(&keyspace, WORKER, |_| Vec::new());
        let (begin, before) = (Instant::now(), processor_time());
        let outcome = snapshot.run_to_end(&keyspace, WORKER);
        assert_eq!(outcome.result, Ok(entries as u64));
        let each = |time: Duration| time.as_nanos() / entries as u128;
        println!(
            "round {round}: {} ns each, {} of them here",
            each(begin.elapsed()),
            each(processor_time() - before)
        );
    }
}
