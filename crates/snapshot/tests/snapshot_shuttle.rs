//! Mark and cursor under thousands of schedules: whatever writers do between the cut and the end, and whoever walks, the image is the
//! data at the cut; after a cancellation the next snapshot is exact too.
//!
//! `cargo test -p snapshot --features shuttle --test snapshot_shuttle`, or `cargo xtask test --only model`; empty without the feature.
//! `EVENKEEL_ROUNDS` makes it longer. Every lock and atomic of keyspace and snapshot is a place where the scheduler may go to another thread.
//! A walk's slices also end by the real clock, so a printed schedule may not repeat a failure exactly.

#![cfg(feature = "shuttle")]

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyspace::{Access, Entry, Keyspace, NewValue, OwnedValue, ValueRef, WorkerId};
use rdb::{Event, Limits, Reader};
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;
use snapshot::{Failure, Options, Progress, Sink, Snapshot};

const DATABASES: u32 = 2;
const STRIPES: usize = 2;
const WRITERS: usize = 2;
const KEYS: u32 = 16;
/// A value that is kept as a tree of nodes.
const LARGE: usize = 66_000;

type Content = BTreeMap<(u32, Vec<u8>), (Vec<u8>, Option<i64>)>;
/// The snapshot that is running, for writers to walk or to cancel.
type Running = Arc<Mutex<Option<Arc<Snapshot>>>>;

fn rounds(default: usize) -> usize {
    std::env::var("EVENKEEL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn draw(below: u32) -> u32 {
    thread_rng().gen_range(0..below)
}

/// Keeps the image in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Sink for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        thread::yield_now();
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        thread::yield_now();
        Ok(())
    }

    fn abort(&mut self) {
        self.0.lock().unwrap().clear();
    }
}

/// Reads an image back; refuses a key that comes twice.
fn parse(image: &[u8]) -> Content {
    let mut reader = Reader::new(image, Limits::default()).expect("a header");
    let (mut all, mut database) = (Content::new(), u32::MAX);
    while let Some(event) = reader.next_event().expect("a good image") {
        match event {
            Event::SelectDb(number) => database = number as u32,
            Event::Entry(entry) => {
                let content = (entry.value.as_str().to_cow().into_owned(), entry.expire_at_ms);
                let twice = all.insert((database, entry.key.to_vec()), content);
                assert!(twice.is_none(), "{} came twice", entry.key.escape_ascii());
            }
            _ => {}
        }
    }
    all
}

/// Everything, under the gate.
fn dump(access: &Access<'_>) -> Content {
    let mut all = Content::new();
    for database in 0..DATABASES {
        for stripe in 0..STRIPES {
            access.walk(database, stripe, 0, usize::MAX, |view| {
                let ValueRef::String(value) = view.value else { panic!("strings only") };
                all.insert((database, view.key.to_vec()), (value.to_cow().into_owned(), view.deadline_ms));
            });
        }
    }
    all
}

fn name() -> Vec<u8> {
    format!("key:{}", draw(KEYS)).into_bytes()
}

fn put(access: &mut Access<'_>, database: u32, name: &[u8], value: NewValue<'_>) {
    let key = access.keyspace().key(name);
    match access.entry(database, key) {
        Entry::Occupied(mut entry) => entry.set_value(value),
        Entry::Vacant(entry) => drop(entry.insert(value, None, 0)),
    }
}

/// One change, of any kind that commands make.
fn change(keyspace: &Keyspace, worker: WorkerId) {
    let (database, name) = (draw(DATABASES), name());
    let key = keyspace.key(&name);
    let value = [draw(250) as u8; 20];
    let kind = draw(14);
    if kind < 2 {
        let mut access = keyspace.exclusive(worker);
        match kind {
            0 => access.swap_databases(0, 1),
            _ => drop(access.flush(database)),
        }
        return;
    }
    let mut inside = keyspace.enter(worker);
    if kind < 4 {
        // RENAME and MOVE: taken from here, put there.
        let other_name = self::name();
        let other = keyspace.key(&other_name);
        let mut access = inside.lock_keys([key.hash, other.hash].into_iter());
        let Entry::Occupied(entry) = access.entry(database, key) else { return };
        thread::yield_now();
        match entry.take() {
            OwnedValue::Int(number) => put(&mut access, 1 - database, &other_name, NewValue::Int(number)),
            OwnedValue::Bytes(bytes) | OwnedValue::Raw(bytes) => {
                put(&mut access, 1 - database, &other_name, NewValue::Bytes(&bytes));
            }
            OwnedValue::Large(large) => put(&mut access, 1 - database, &other_name, NewValue::Large(large)),
            OwnedValue::Block(..) => panic!("strings only"),
        }
        return;
    }
    if kind == 4 || kind > 11 {
        // A command in slices, which lets an exclusive entry pass in between: perhaps a cut.
        let mut access = inside.lock_none();
        for stripe in 0..STRIPES {
            access.hold_only(stripe);
            access.expire_due(stripe, 7000, 3, &mut |_, _| {});
        }
        return;
    }
    let mut access = inside.lock_key(key.hash);
    thread::yield_now();
    match (kind, access.entry(database, key)) {
        (5, Entry::Occupied(entry)) => entry.remove(),
        (6, Entry::Occupied(mut entry)) => entry.set_deadline_ms(Some(i64::from(draw(10)) * 1000)),
        (7 | 8, Entry::Occupied(mut entry)) => match entry.inline_mut() {
            Some(inline) => inline.iter_mut().for_each(|byte| *byte ^= 1),
            None => drop(entry.shared_mut(|shared| shared.write(u64::from(draw(LARGE as u32)), b"changed"))),
        },
        _ => put(&mut access, database, &name, NewValue::Bytes(&value)),
    }
}

/// What a reactor does: batches, slices of the walk, and sometimes its client cancels.
fn serve(keyspace: &Keyspace, worker: WorkerId, running: &Running, may_cancel: bool) {
    for _ in 0..6 {
        let now = running.lock().unwrap().clone();
        match (now, draw(8)) {
            (Some(snapshot), 0..3) => {
                if snapshot.step(&mut keyspace.enter(worker), Duration::from_micros(20))
                    == Progress::NeedsDetach
                {
                    snapshot.detach(keyspace, worker);
                }
            }
            (Some(snapshot), 3) if may_cancel => drop(snapshot.cancel()),
            _ => change(keyspace, worker),
        }
    }
}

/// Two snapshots, one after the other, each compared with what was there at its cut.
fn program(may_cancel: bool) {
    let workers = WRITERS + 1;
    let keyspace =
        Arc::new(Keyspace::new(keyspace::Options { stripes: STRIPES, databases: DATABASES, workers }));
    let driver = WorkerId(WRITERS);
    {
        let mut access = keyspace.exclusive(driver);
        for number in 0..KEYS {
            let name = format!("key:{number}").into_bytes();
            put(&mut access, number % 2, &name, NewValue::Bytes(b"at first"));
            let key = keyspace.key(&name);
            if let (0, Entry::Occupied(mut entry)) = (number % 3, access.entry(number % 2, key)) {
                entry.set_deadline_ms(Some(i64::from(number) * 1000));
            }
        }
        put(&mut access, 0, b"key:0", NewValue::Bytes(&vec![7; LARGE]));
    }
    let running = Running::default();
    let writers: Vec<_> = (0..WRITERS)
        .map(|worker| {
            let (keyspace, running) = (Arc::clone(&keyspace), Arc::clone(&running));
            thread::spawn(move || serve(&keyspace, WorkerId(worker), &running, may_cancel))
        })
        .collect();
    for _ in 0..2 {
        let memory = Memory::default();
        let options = Options { compression: false, ..Options::default() };
        let prepared = Snapshot::prepare(&keyspace, options, Box::new(memory.clone())).expect("a thread");
        let mut content = Content::new();
        let snapshot = prepared.cut(&keyspace, driver, |access| {
            content = dump(access);
            Vec::new()
        });
        *running.lock().unwrap() = Some(Arc::clone(&snapshot));
        let outcome = snapshot.run_to_end(&keyspace, driver);
        *running.lock().unwrap() = None;
        match outcome.result {
            Ok(keys) => {
                let image = parse(&memory.0.lock().unwrap());
                assert_eq!(keys, content.len() as u64);
                assert!(image == content, "the image is not the data at the cut");
            }
            Err(failure) => {
                assert!(may_cancel && failure == Failure::Cancelled, "{failure}");
                assert!(memory.0.lock().unwrap().is_empty(), "the sink was aborted");
            }
        }
    }
    writers.into_iter().for_each(|writer| writer.join().expect("no writer panics"));
}

fn config() -> shuttle::Config {
    let mut config = shuttle::Config::new();
    // Encoding has buffers on its stack.
    config.stack_size = 1 << 20;
    config
}

fn random(program: fn(), rounds: usize) {
    let scheduler = shuttle::scheduler::RandomScheduler::new(rounds);
    shuttle::Runner::new(scheduler, config()).run(program);
}

#[test]
fn the_image_is_the_data_at_the_cut() {
    random(|| program(false), rounds(4000));
}

#[test]
fn the_next_image_is_exact_after_a_cancellation() {
    random(|| program(true), rounds(4000));
}

/// Few switches at the worst places, instead of many anywhere.
#[test]
fn the_image_is_the_data_at_the_cut_pct() {
    let scheduler = shuttle::scheduler::PctScheduler::new(3, rounds(2000));
    shuttle::Runner::new(scheduler, config()).run(|| program(true));
}
