//! Snapshots under one thread and under many, compared with the keyspace as it was at the cut.

use std::collections::BTreeMap;
use std::io;

use keyspace::{Entry, HugePagePart, NewValue};
use rdb::values::{Builder, Thresholds};
use rdb::{Event, Limits, Reader};

use super::*;
use crate::options::{Sink, Spill};
use crate::prepare::Preparing;
use crate::stage::PART_BYTES;

#[path = "tests/collections.rs"]
mod collections;
#[path = "tests/moments.rs"]
mod moments;
use collections::{change_collection, new_collection, spelled, spelled_built};

const DATABASES: u32 = 3;

pub(super) type Content = BTreeMap<(u32, Vec<u8>), (Vec<u8>, Option<i64>)>;

/// Keeps the image in memory; may be slow, or fail after so many bytes.
#[derive(Clone, Default)]
struct Memory {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// The last part has come.
    has_last: bool,
    finished: Arc<AtomicBool>,
    aborted: Arc<AtomicBool>,
    /// Bytes per second; 0 is unlimited.
    rate: u64,
    fail_after: Option<usize>,
    fail_finish: bool,
}

impl Sink for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.rate > 0 {
            std::thread::sleep(Duration::from_secs_f64(bytes.len() as f64 / self.rate as f64));
        }
        // As its declaration promises.
        assert!(!self.has_last && bytes.len() <= PART_BYTES && !bytes.is_empty());
        self.has_last = bytes.len() < PART_BYTES;
        let mut all = self.bytes.lock();
        if self.fail_after.is_some_and(|max| all.len() + bytes.len() > max) {
            return Err(io::Error::from_raw_os_error(28));
        }
        all.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.fail_finish {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.finished.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn abort(&mut self) {
        self.aborted.store(true, Ordering::SeqCst);
        self.bytes.lock().clear();
    }

    fn spill(&mut self, _: HugePagePart, memory_bytes_max: u64) -> io::Result<Box<dyn Spill>> {
        Ok(Box::new(MemorySpill { kept: Vec::new(), memory_bytes: memory_bytes_max }))
    }
}

/// Keeps in memory what is put away; is full now and then. Claims all the memory that it may have, and the walk has to go on nevertheless.
struct MemorySpill {
    kept: Vec<u8>,
    memory_bytes: u64,
}

impl Spill for MemorySpill {
    fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        if self.kept.len() > 1 << 20 {
            return Err(io::Error::from_raw_os_error(28));
        }
        self.kept.extend_from_slice(bytes);
        Ok((self.kept.len() - bytes.len()) as u64)
    }

    fn read(&mut self, place: u64, len: usize, out: &mut Vec<u8>) -> io::Result<()> {
        out.extend_from_slice(&self.kept[place as usize..][..len]);
        Ok(())
    }

    fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }
}

/// Reads an image back; refuses a key that comes twice.
fn parse(image: &[u8]) -> Content {
    let mut reader = Reader::new(image, Limits::default()).expect("a header");
    let (mut all, mut database) = (Content::new(), u32::MAX);
    let mut builder = Builder::new(Thresholds::default(), None);
    while let Some(event) = reader.next_part().expect("a good image") {
        match event {
            Event::SelectDb(number) => database = number as u32,
            Event::Entry(entry) => {
                let content = (spelled(ValueRef::String(entry.value.as_str())), entry.expire_at_ms);
                let twice = all.insert((database, entry.key.to_vec()), content);
                assert!(twice.is_none(), "{} came twice", entry.key.escape_ascii());
            }
            Event::Object(head) => {
                let (key, deadline_ms) = (head.key.to_vec(), head.expire_at_ms);
                assert!(reader.object(&mut builder).expect("a good object"));
                let content = spelled_built(&builder.take().expect("not empty"));
                let twice = all.insert((database, key.clone()), (content, deadline_ms));
                assert!(twice.is_none(), "{} came twice", key.escape_ascii());
            }
            Event::Aux { .. } | Event::ResizeDb { .. } => {}
            Event::End(checksum) => assert_eq!(checksum, rdb::read::Checksum::Verified),
            other => panic!("{other:?}"),
        }
    }
    all
}

/// Everything, under the gate.
fn dump(access: &Access<'_>) -> Content {
    let mut all = Content::new();
    for database in 0..access.keyspace().databases() {
        for stripe in 0..access.keyspace().stripes() {
            let end = access.walk(database, stripe, 0, usize::MAX, |view| {
                all.insert((database, view.key.to_vec()), (spelled(view.value), view.deadline_ms));
            });
            assert_eq!(end, None);
        }
    }
    all
}

fn small(budget_bytes: u64) -> Options {
    Options { budget_bytes, ..Options::default() }
}

/// Cuts, and notes what the keyspace was.
fn cut(keyspace: &Keyspace, worker: WorkerId, options: Options, sink: &Memory) -> (Arc<Snapshot>, Content) {
    let sink: Box<dyn Sink> = Box::new(sink.clone());
    let prepared = Snapshot::prepare(keyspace, options, sink).expect("a thread");
    let mut content = Content::new();
    let snapshot = prepared.cut(keyspace, worker, |access| {
        content = dump(access);
        Vec::new()
    });
    (snapshot, content)
}

/// One random change, of any kind that commands make.
fn change(keyspace: &Keyspace, worker: WorkerId, keys: u32, rng: &mut fastrand::Rng) {
    let database = rng.u32(..DATABASES);
    let name = format!("key:{}", rng.u32(..keys)).into_bytes();
    let key = keyspace.key(&name);
    let value = |rng: &mut fastrand::Rng| {
        let len = match rng.u8(..) {
            0..220 => rng.usize(..100),
            220..250 => rng.usize(..6000),
            _ => rng.usize(50_000..120_000),
        };
        let byte = rng.u8(..);
        (0..len).map(|i| byte.wrapping_add((i / 7) as u8)).collect::<Vec<u8>>()
    };
    if rng.u32(..2000) == 0 {
        let mut access = keyspace.exclusive(worker);
        if rng.bool() {
            access.swap_databases(database, rng.u32(..DATABASES));
        } else {
            access.flush(database);
        }
        return;
    }
    let mut inside = keyspace.enter(worker);
    match rng.u8(..) {
        0..90 => {
            let bytes = value(rng);
            let value = match rng.bool() {
                true => keyspace::OwnedValue::Bytes(bytes),
                false => new_collection(rng),
            };
            let deadline = (rng.u8(..4) == 0).then(|| rng.i64(1..5_000));
            let mut access = inside.lock_key(key.hash);
            match access.entry(database, key) {
                Entry::Occupied(mut entry) => {
                    value.put(|value| entry.set_value(value));
                    entry.set_deadline_ms(deadline);
                }
                Entry::Vacant(entry) => drop(value.put(|value| entry.insert(value, deadline, 0))),
            }
        }
        90..130 => {
            let mut access = inside.lock_key(key.hash);
            if let Entry::Occupied(entry) = access.entry(database, key) {
                change_collection(entry, rng);
            }
        }
        130..160 => {
            let mut access = inside.lock_key(key.hash);
            if let Entry::Occupied(entry) = access.entry(database, key) {
                entry.remove();
            }
        }
        160..200 => {
            let mut access = inside.lock_key(key.hash);
            if let Entry::Occupied(mut entry) = access.entry(database, key) {
                if entry.value().string().is_none() {
                    return change_collection(entry, rng);
                }
                match entry.inline_mut() {
                    Some(inline) => inline.iter_mut().for_each(|byte| *byte ^= 1),
                    None => drop(entry.shared_mut(|shared| shared.write(rng.u64(..100_000), b"in place"))),
                }
            }
        }
        200..230 => {
            // RENAME and MOVE: taken from here, put there.
            let (other_name, target) =
                (format!("key:{}", rng.u32(..keys)).into_bytes(), rng.u32(..DATABASES));
            let other = keyspace.key(&other_name);
            let mut access = inside.lock_keys([key.hash, other.hash].into_iter());
            let Entry::Occupied(entry) = access.entry(database, key) else { return };
            let deadline = entry.deadline_ms();
            // Moved, or a string put together anew.
            let moved = match entry.value() {
                ValueRef::String(moved) if rng.bool() => {
                    let moved = moved.to_shared();
                    entry.remove();
                    keyspace::OwnedValue::Large(value::Large::String(Box::new(moved)))
                }
                _ => entry.take(),
            };
            match access.entry(target, other) {
                Entry::Occupied(mut entry) => {
                    moved.put(|value| entry.set_value(value));
                    entry.set_deadline_ms(deadline);
                }
                Entry::Vacant(entry) => drop(moved.put(|value| entry.insert(value, deadline, 0))),
            }
        }
        230..240 => {
            let mut access = inside.lock_key(key.hash);
            if let Entry::Occupied(mut entry) = access.entry(database, key) {
                entry.set_deadline_ms(rng.bool().then(|| rng.i64(1..5_000)));
            }
        }
        _ => {
            let stripe = rng.usize(..keyspace.stripes());
            let mut access = inside.lock_stripe(stripe);
            access.expire_due(stripe, rng.i64(..200), 10, &mut |_, _| {});
        }
    }
}

fn keyspace(stripes: usize, workers: usize) -> Keyspace {
    Keyspace::new(keyspace::Options { stripes, databases: DATABASES, workers })
}

/// Raises the flag when it goes.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn every_image_is_the_keyspace_at_its_cut() {
    const WORKERS: usize = 4;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for stripes in [1, 4, 64] {
        let keyspace = keyspace(stripes, WORKERS + 1);
        let stop = AtomicBool::new(false);
        let running: Mutex<Option<Arc<Snapshot>>> = Mutex::new(None);
        // Small, then large, then small again: the index grows and shrinks.
        let keys = AtomicU64::new(100);
        std::thread::scope(|scope| {
            for worker in 0..WORKERS {
                let mut rng = rng.fork();
                let (keyspace, stop, running, keys) = (&keyspace, &stop, &running, &keys);
                scope.spawn(move || {
                    let worker = WorkerId(worker);
                    while !stop.load(Ordering::Relaxed) {
                        for _ in 0..rng.usize(1..60) {
                            change(keyspace, worker, keys.load(Ordering::Relaxed) as u32, &mut rng);
                        }
                        let snapshot = running.lock().clone();
                        if let Some(snapshot) = snapshot {
                            let slice = Duration::from_micros(rng.u64(1..200));
                            let progress = snapshot.step(&mut keyspace.enter(worker), slice);
                            if progress == Progress::NeedsDetach {
                                snapshot.detach(keyspace, worker);
                            }
                            snapshot.wait_for_room();
                        }
                    }
                });
            }
            let main = WorkerId(WORKERS);
            // A failed assertion must end the writers too.
            let _stop = Stop(&stop);
            for round in 0..12 {
                keys.store([100, 3000, 20_000, 50][round % 4], Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(rng.u64(5..60)));
                let sink = Memory::default();
                let (snapshot, expected) = cut(&keyspace, main, small(4 << 20), &sink);
                *running.lock() = Some(Arc::clone(&snapshot));
                if round % 5 == 4 {
                    std::thread::sleep(Duration::from_micros(rng.u64(1..3000)));
                    let cancelled = snapshot.cancel();
                    let outcome = snapshot.run_to_end(&keyspace, main);
                    assert_eq!(outcome.result.is_err(), cancelled);
                    assert_eq!(sink.aborted.load(Ordering::SeqCst), cancelled);
                } else {
                    let outcome = snapshot.run_to_end(&keyspace, main);
                    assert_eq!(outcome.result, Ok(expected.len() as u64), "round {round}");
                    assert!(sink.finished.load(Ordering::SeqCst));
                    assert!(parse(&sink.bytes.lock()) == expected, "round {round}: another content");
                    assert_eq!(outcome.bytes, sink.bytes.lock().len() as u64);
                }
                let status = snapshot.status();
                assert_eq!((status.held_back_bytes, status.tables_bytes, status.queued), (0, 0, (0, 0)));
                *running.lock() = None;
            }
        });
    }
}

/// One thread, so that a seed determines everything but how far the writer is.
#[test]
fn every_schedule_gives_the_content_of_the_cut() {
    for _ in 0..60 {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let worker = WorkerId(0);
        let keyspace = keyspace(1 << rng.u32(..4), 1);
        let keys = rng.u32(1..400);
        for _ in 0..3 {
            for _ in 0..rng.usize(..2000) {
                change(&keyspace, worker, keys, &mut rng);
            }
            let sink = Memory::default();
            let (snapshot, expected) = cut(&keyspace, worker, small(4 << 20), &sink);
            let cancel_after = (rng.u8(..4) == 0).then(|| rng.usize(..100));
            let mut steps = 0;
            let mut stalled = false;
            let outcome = loop {
                if cancel_after == Some(steps) {
                    snapshot.cancel();
                }
                steps += 1;
                // While the writer is ending, the schedule's random numbers must not depend on its speed.
                if !stalled {
                    for _ in 0..rng.usize(..8) {
                        change(&keyspace, worker, keys, &mut rng);
                    }
                }
                // Bound first: the gate must be left before anybody detaches.
                let progress = snapshot.step(&mut keyspace.enter(worker), Duration::ZERO);
                match progress {
                    Progress::Worked | Progress::Throttled => {}
                    Progress::Waiting => stalled = true,
                    Progress::NeedsDetach => {
                        assert!(snapshot.outcome().is_none());
                        break snapshot.detach(&keyspace, worker).expect("the first to detach");
                    }
                    Progress::Over => panic!("over before it was detached"),
                }
            };
            assert!(snapshot.detach(&keyspace, worker).is_none());
            let after = snapshot.step(&mut keyspace.enter(worker), Duration::ZERO);
            assert_eq!(after, Progress::Over);
            match outcome.result {
                Ok(count) => {
                    assert_eq!(count, expected.len() as u64);
                    assert!(parse(&sink.bytes.lock()) == expected, "another content");
                }
                Err(failure) => {
                    assert_eq!(failure, Failure::Cancelled);
                    assert!(cancel_after.is_some() && sink.aborted.load(Ordering::SeqCst));
                }
            }
        }
    }
}

fn set(keyspace: &Keyspace, worker: WorkerId, database: u32, name: &[u8], value: NewValue<'_>) {
    let key = keyspace.key(name);
    match keyspace.enter(worker).lock_key(key.hash).entry(database, key) {
        Entry::Occupied(mut entry) => entry.set_value(value),
        Entry::Vacant(entry) => drop(entry.insert(value, None, 0)),
    }
}

fn fill(keyspace: &Keyspace, keys: usize, len: usize) {
    for number in 0..keys {
        let value: Vec<u8> = (0..len).map(|_| fastrand::u8(..)).collect();
        set(keyspace, WorkerId(0), 0, format!("key:{number}").as_bytes(), NewValue::Bytes(&value));
    }
}

#[test]
fn after_a_full_disk_the_next_save_is_good() {
    let (keyspace, worker) = (keyspace(16, 1), WorkerId(0));
    fill(&keyspace, 4000, 1000);
    set(&keyspace, worker, 1, b"large", NewValue::Bytes(&vec![7; 3 << 20]));
    for (fail_after, fail_finish, text) in [
        (Some(0), false, "No space left on device (os error 28)"),
        (Some(900_000), false, "No space left on device (os error 28)"),
        (None, true, "Input/output error (os error 5)"),
    ] {
        let sink = Memory { fail_after, fail_finish, ..Memory::default() };
        let (snapshot, _) = cut(&keyspace, worker, Options::default(), &sink);
        let outcome = snapshot.run_to_end(&keyspace, worker);
        assert_eq!(outcome.result, Err(Failure::Io(text.into())));
        assert!(sink.aborted.load(Ordering::SeqCst));
        assert!(snapshot.status().is_draining);
        assert!(!snapshot.cancel(), "nothing is left to cancel");
        // Every mark is equal again: this one finds every key, once.
        let sink = Memory::default();
        let (snapshot, expected) = cut(&keyspace, worker, Options::default(), &sink);
        assert_eq!(snapshot.run_to_end(&keyspace, worker).result, Ok(4001));
        assert!(parse(&sink.bytes.lock()) == expected);
    }
}

/// Waits for what another thread does.
fn comes(what: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !what() {
        assert!(Instant::now() < until, "it never comes");
        std::thread::yield_now();
    }
}

#[test]
fn a_snapshot_that_is_not_cut_leaves_nothing() {
    let keyspace = keyspace(4, 1);
    let sink = Memory::default();
    let boxed: Box<dyn Sink> = Box::new(sink.clone());
    drop(Snapshot::prepare(&keyspace, Options::default(), boxed).expect("a thread"));
    comes(|| sink.aborted.load(Ordering::SeqCst));
}

/// Whoever prepares one hears of its end, whatever that is; nothing is left of one that nobody wants any more.
#[test]
fn what_cannot_be_prepared_is_told() {
    let (keyspace, told) = (keyspace(4, 1), Arc::new(AtomicBool::new(false)));
    let ready = || {
        let told = Arc::clone(&told);
        move || told.store(true, Ordering::SeqCst)
    };
    let failing = Preparing::begin(&keyspace, || Err(io::Error::other("no disk")), ready()).unwrap();
    assert_eq!(failing.wait().err().unwrap().to_string(), "no disk");
    comes(|| told.swap(false, Ordering::SeqCst));
    let panicking = Preparing::begin(&keyspace, || panic!("in the plan"), ready()).unwrap();
    assert_eq!(panicking.wait().err().unwrap().to_string(), "the snapshot's thread panicked");
    comes(|| told.swap(false, Ordering::SeqCst));

    let (sink, (go_on, waits)) = (Memory::default(), std::sync::mpsc::channel::<()>());
    let boxed: Box<dyn Sink> = Box::new(sink.clone());
    let plan = move || {
        let _ = waits.recv();
        Ok((Options::default(), boxed))
    };
    let unwanted = Preparing::begin(&keyspace, plan, ready()).unwrap();
    assert!(unwanted.take().is_none());
    drop(unwanted);
    drop(go_on);
    comes(|| sink.aborted.load(Ordering::SeqCst));
    assert!(!told.load(Ordering::SeqCst));
}

#[test]
fn the_file_s_start_tells_facts_and_sizes() {
    let (keyspace, worker) = (keyspace(4, 1), WorkerId(0));
    set(&keyspace, worker, 0, b"a", NewValue::Int(1));
    set(&keyspace, worker, 2, b"b", NewValue::Int(2));
    keyspace.exclusive(worker).swap_databases(0, 1);
    let sink = Memory::default();
    let options = Options {
        aux: vec![(b"redis-ver".to_vec(), b"7.2.4".to_vec())],
        usage: Some(Box::new(|clock| Usage::Frequency(clock as u8 + 9))),
        ..Options::default()
    };
    let boxed: Box<dyn Sink> = Box::new(sink.clone());
    let prepared = Snapshot::prepare(&keyspace, options, boxed).expect("a thread");
    let snapshot = prepared.cut(&keyspace, worker, |_| vec![(b"repl-offset".to_vec(), b"77".to_vec())]);
    assert_eq!(snapshot.run_to_end(&keyspace, worker).result, Ok(2));
    let image = sink.bytes.lock().clone();
    let start = b"REDIS0010\xfa\x09redis-ver\x057.2.4\xfa\x0brepl-offset\xc0\x4d\xfe\x01\xfb\x01\x00\xfe\x02\xfb\x01\x00\xfe";
    assert_eq!(image[..start.len()].escape_ascii().to_string(), start.escape_ascii().to_string());
    let entries: [&[u8]; 2] = [b"\xfe\x01\xf9\x09\x00\x01a\xc0\x01", b"\xfe\x02\xf9\x09\x00\x01b\xc0\x02"];
    for entry in entries {
        assert!(image.windows(entry.len()).any(|window| window == entry), "{}", image.escape_ascii());
    }
}

/// A disk that hangs ends the save, not the server: who waits for room goes on, and the next save is good.
#[test]
fn a_sink_that_hangs_is_given_up() {
    struct Hanging(Arc<AtomicBool>);
    impl Sink for Hanging {
        fn write(&mut self, _: &[u8]) -> io::Result<()> {
            while self.0.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(())
        }
        fn finish(&mut self) -> io::Result<()> {
            panic!("never complete")
        }
        fn abort(&mut self) {}
    }
    let (keyspace, worker) = (keyspace(16, 1), WorkerId(0));
    fill(&keyspace, 4000, 3000);
    let hangs = Arc::new(AtomicBool::new(true));
    let options = Options { stall_max: Duration::from_millis(600), ..small(4 << 20) };
    let sink = Box::new(Hanging(Arc::clone(&hangs)));
    let prepared = Snapshot::prepare(&keyspace, options, sink).expect("a thread");
    let snapshot = prepared.cut(&keyspace, worker, |_| Vec::new());
    let mut waited = Duration::ZERO;
    for number in 0..4000 {
        set(&keyspace, worker, 0, format!("key:{number}").as_bytes(), NewValue::Int(number));
        waited += snapshot.wait_for_room();
    }
    assert!(waited >= Duration::from_millis(600) && waited < Duration::from_secs(20), "{waited:?}");
    let status = snapshot.status();
    assert!(status.is_draining && status.budget_peak_bytes < status.budget_bytes + (1 << 20));
    // The writer is still in the kernel: no new save until it comes back.
    assert_eq!(snapshot.step(&mut keyspace.enter(worker), Duration::from_secs(9)), Progress::Waiting);
    hangs.store(false, Ordering::SeqCst);
    let outcome = snapshot.run_to_end(&keyspace, worker);
    let text = "the disk took nothing for 0.6 seconds while the budget was used up";
    assert_eq!(outcome.result, Err(Failure::Io(text.into())));
    let sink = Memory::default();
    let (snapshot, expected) = cut(&keyspace, worker, Options::default(), &sink);
    assert_eq!(snapshot.run_to_end(&keyspace, worker).result, Ok(4000));
    assert!(parse(&sink.bytes.lock()) == expected);
}

/// Overwrites flat out from several threads while the sink takes 5 MB/s: nobody gets further ahead than his batch.
#[test]
fn the_budget_is_exceeded_by_a_batch_at_most() {
    const WORKERS: usize = 3;
    const BATCH: usize = 20;
    const VALUE: usize = 3000;
    let keyspace = keyspace(64, WORKERS + 1);
    fill(&keyspace, 5000, VALUE);
    let main = WorkerId(WORKERS);
    let sink = Memory { rate: 5_000_000, ..Memory::default() };
    let (snapshot, expected) = cut(&keyspace, main, small(6 << 20), &sink);
    let waited = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (keyspace, snapshot, waited) = (&keyspace, &snapshot, &waited);
            scope.spawn(move || {
                let worker = WorkerId(worker);
                let value: Vec<u8> = (0..VALUE).map(|_| fastrand::u8(..)).collect();
                while snapshot.outcome().is_none() {
                    for _ in 0..BATCH {
                        let name = format!("key:{}", fastrand::usize(..5000));
                        set(keyspace, worker, 0, name.as_bytes(), NewValue::Bytes(&value));
                    }
                    waited.fetch_add(snapshot.wait_for_room().as_micros() as u64, Ordering::Relaxed);
                }
            });
        }
        let outcome = snapshot.run_to_end(&keyspace, main);
        assert_eq!(outcome.result, Ok(5000));
    });
    let status = snapshot.status();
    // A batch is encoded into blocks, which are charged whole when they are begun.
    let batch = (BATCH * (VALUE + 64) + snapshot.block_bytes) as u64;
    let bound = status.budget_bytes + WORKERS as u64 * batch;
    assert!(status.budget_peak_bytes <= bound, "{} > {bound}", status.budget_peak_bytes);
    assert!(status.budget_peak_bytes > status.budget_bytes * 3 / 4, "the test did not reach the bound");
    assert!(waited.load(Ordering::Relaxed) > 100_000, "nobody had to wait");
    assert!(parse(&sink.bytes.lock()) == expected);
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("/proc");
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("pages") * 4096
}

#[test]
fn what_is_over_occupies_nothing() {
    const SNAPSHOTS: u64 = 40;
    let (keyspace, worker) = (keyspace(4, 1), WorkerId(0));
    fill(&keyspace, 1000, 100);
    let (mut over, mut before) = (Vec::new(), 0);
    for number in 0..SNAPSHOTS {
        let sink = Memory { fail_finish: number % 2 == 0, ..Memory::default() };
        let (snapshot, _) = cut(&keyspace, worker, Options::default(), &sink);
        assert_eq!(snapshot.run_to_end(&keyspace, worker).result.is_err(), sink.fail_finish);
        over.push(snapshot);
        if number == 0 {
            before = resident_bytes();
        }
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < SNAPSHOTS * (keyspace::HUGE_PAGE_BYTES as u64 / 4), "{grown} bytes more");
}

/// SETBIT and APPEND on a string of 64 MiB while it is being written slowly: copies are counted and bounded, and given back.
#[test]
fn a_large_string_is_changed_while_it_is_written() {
    const LEN: u64 = 64 << 20;
    let (keyspace, writer, main) = (keyspace(4, 2), WorkerId(0), WorkerId(1));
    let content: Vec<u8> = (0..LEN).map(|i| (i >> 12) as u8 | 1).collect();
    set(&keyspace, writer, 0, b"large", NewValue::Bytes(&content));
    /// Compares what comes instead of keeping it: this test is about memory.
    struct Compare {
        expected: Vec<u8>,
        at: usize,
        passed: Arc<AtomicU64>,
    }
    impl Sink for Compare {
        fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
            if self.at == 0 {
                let head = b"\x05large\x80\x04\0\0\0";
                let at = bytes.windows(head.len()).position(|window| window == head);
                bytes = &bytes[at.expect("the first part has the key") + head.len()..];
            }
            let expected = &self.expected[self.at..];
            let bytes = &bytes[..bytes.len().min(expected.len())];
            assert!(bytes == &expected[..bytes.len()], "at {}", self.at);
            self.at += bytes.len();
            self.passed.store(self.at as u64, Ordering::SeqCst);
            std::thread::sleep(Duration::from_micros(60));
            Ok(())
        }
        fn finish(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn abort(&mut self) {}
    }
    let passed = Arc::new(AtomicU64::new(0));
    let sink = Box::new(Compare { expected: content, at: 0, passed: Arc::clone(&passed) });
    let prepared = Snapshot::prepare(&keyspace, small(8 << 20), sink).expect("a thread");
    let before = resident_bytes();
    let snapshot = prepared.cut(&keyspace, main, |_| Vec::new());
    let (mut highest, mut waits) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(snapshot.run_to_end(&keyspace, main).result, Ok(1)));
        let mut round = 0u64;
        while snapshot.outcome().is_none() {
            let key = keyspace.key(b"large");
            if let Entry::Occupied(mut entry) = keyspace.enter(writer).lock_key(key.hash).entry(0, key) {
                entry.shared_mut(|shared| {
                    *shared.byte_mut(fastrand::u64(..LEN)).expect("inside") = 0;
                    if round.is_multiple_of(64) {
                        shared.append(b"more");
                    }
                });
            }
            round += 1;
            waits += u64::from(snapshot.wait_for_room() > Duration::ZERO);
            if round.is_multiple_of(256) {
                highest = highest.max(resident_bytes());
            }
        }
    });
    assert_eq!(passed.load(Ordering::SeqCst), LEN);
    let status = snapshot.status();
    assert!(waits > 0, "the bound was not reached");
    assert!(status.budget_peak_bytes <= status.budget_bytes + (64 << 10), "{}", status.budget_peak_bytes);
    // All blocks are changed many times over: unbounded, this would be 64 MiB.
    let grown = highest.saturating_sub(before);
    assert!(grown < status.budget_bytes + (16 << 20), "{} MiB more", grown >> 20);
    assert_eq!(status.held_back_bytes, 0);
}
