//! Snapshots under one thread and under many, compared with the keyspace as it was at the cut.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use keyspace::{Entry, NewValue};
use rdb::{Event, Limits, Reader};

use super::*;

const DATABASES: u32 = 3;

pub(super) type Content = BTreeMap<(u32, Vec<u8>), (Vec<u8>, Option<i64>)>;

/// Keeps the image in memory; may be slow, or fail after so many bytes.
#[derive(Clone, Default)]
struct Memory {
    bytes: Arc<Mutex<Vec<u8>>>,
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

    fn memory_bytes(&self) -> u64 {
        0
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
                let ValueRef::String(value) = view.value;
                all.insert((database, view.key.to_vec()), (value.to_cow().into_owned(), view.deadline_ms));
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
    let prepared = Snapshot::prepare(&mut keyspace.enter(worker), options, sink).expect("a thread");
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
            let value = value(rng);
            let deadline = (rng.u8(..4) == 0).then(|| rng.i64(1..5_000));
            let mut access = inside.lock_key(key.hash);
            match access.entry(database, key) {
                Entry::Occupied(mut entry) => {
                    entry.set_value(NewValue::Bytes(&value));
                    entry.set_deadline_ms(deadline);
                }
                Entry::Vacant(entry) => drop(entry.insert(NewValue::Bytes(&value), deadline, 0)),
            }
        }
        90..160 => {
            let mut access = inside.lock_key(key.hash);
            if let Entry::Occupied(entry) = access.entry(database, key) {
                entry.remove();
            }
        }
        160..200 => {
            let mut access = inside.lock_key(key.hash);
            if let Entry::Occupied(mut entry) = access.entry(database, key) {
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
            let ValueRef::String(moved) = entry.value();
            let (moved, deadline) = (moved.to_shared(), entry.deadline_ms());
            entry.remove();
            match access.entry(target, other) {
                Entry::Occupied(mut entry) => {
                    entry.set_value(NewValue::Shared(moved));
                    entry.set_deadline_ms(deadline);
                }
                Entry::Vacant(entry) => drop(entry.insert(NewValue::Shared(moved), deadline, 0)),
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
            stop.store(true, Ordering::Relaxed);
        });
    }
}
