//! Saves, failures and loads through real files, read back by this crate and by redis-server.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use keyspace::{Entry, NewValue, ValueRef};
use rdb::Usage;
use snapshot::Progress;

use super::*;
use crate::{LoadError, LoadOptions, Loaded, Loading, load_file};

const WORKER: WorkerId = WorkerId(0);
const FAR: i64 = 4_000_000_000_000;

type Content = BTreeMap<(u32, Vec<u8>), (Vec<u8>, Option<i64>)>;

/// A directory that is removed with what is in it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        let name = format!("evenkeel-saver-{}-{}", std::process::id(), fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[derive(Default)]
struct Recorder {
    log: Mutex<Vec<String>>,
    news: Mutex<Vec<News>>,
    rings: AtomicU64,
}

impl Recorder {
    /// What has been told since the last time, without the outcomes' figures.
    fn news(&self) -> Vec<String> {
        let spell = |news| match news {
            News::Finished(kind, outcome) => format!("Finished({kind:?}, {:?})", outcome.result),
            other => format!("{other:?}"),
        };
        self.news.lock().drain(..).map(spell).collect()
    }
}

impl Host for Recorder {
    fn log(&self, _: Level, text: &str) {
        self.log.lock().push(text.to_owned());
    }

    fn tell(&self, _: SaveId, news: News) {
        self.news.lock().push(news);
    }

    fn ready(&self) {
        self.rings.fetch_add(1, Ordering::SeqCst);
    }

    fn aux(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        vec![(b"redis-ver".to_vec(), b"7.2.4".to_vec()), (b"redis-bits".to_vec(), b"64".to_vec())]
    }

    fn usage(&self) -> Option<UsageOf> {
        Some(Box::new(|clock| Usage::IdleSeconds(u64::from(clock))))
    }

    fn at_cut(&self, _: &mut Access<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
        vec![(b"aof-base".to_vec(), b"0".to_vec())]
    }

    fn wake(&self) {}
}

fn saver_in(scratch: &Scratch) -> (Saver, Arc<Recorder>) {
    let host = Arc::new(Recorder::default());
    let config = Config {
        directory: scratch.0.clone(),
        file_name: "dump.rdb".into(),
        points: vec![SavePoint { seconds: 0, changes: 1000 }],
        stop_writes_on_error: true,
        compression: true,
        checksum: true,
        version: rdb::VERSION,
        budget_bytes: 64 << 20,
    };
    (Saver::new(Arc::clone(&host) as Arc<dyn Host>, config), host)
}

/// Calls `settle` when the saver rings for it, until there is news.
fn settle(saver: &Saver, host: &Recorder, store: &Keyspace) {
    let until = Instant::now() + Duration::from_secs(20);
    while host.news.lock().is_empty() {
        assert!(Instant::now() < until, "it never comes");
        if host.rings.swap(0, Ordering::SeqCst) > 0 {
            saver.settle(store, WORKER);
        }
        std::thread::yield_now();
    }
}

/// Begins a save and makes its cut.
fn begin(saver: &Saver, host: &Recorder, store: &Keyspace) -> Arc<Snapshot> {
    assert_eq!(saver.begin(store, Kind::Background, |_, _| ()), Ok(Begun::Starting));
    settle(saver, host, store);
    assert_eq!(host.news(), ["Begun(Background)"]);
    saver.current().expect("it runs")
}

fn keyspace(databases: u32) -> Keyspace {
    Keyspace::new(keyspace::Options { stripes: 64, databases, workers: 2 })
}

fn set(keyspace: &Keyspace, database: u32, name: &[u8], value: NewValue<'_>, deadline: Option<i64>) {
    let key = keyspace.key(name);
    match keyspace.enter(WORKER).lock_key(key.hash).entry(database, key) {
        Entry::Occupied(mut entry) => entry.set_value(value),
        Entry::Vacant(entry) => drop(entry.insert(value, deadline, 7)),
    }
}

/// Strings of every form, in three databases.
fn fill(keyspace: &Keyspace) {
    let mut rng = fastrand::Rng::with_seed(7);
    for number in 0..3000u32 {
        let name = format!("key:{number}");
        let database = number % 3;
        let deadline = number.is_multiple_of(5).then(|| FAR + i64::from(number));
        let value = match number % 7 {
            0 => NewValue::Int(rng.i64(..)),
            1 => NewValue::Int(rng.i64(-200..200)),
            2 => NewValue::Bytes(&[b'a'; 300]),
            _ => {
                let bytes: Vec<u8> = (0..rng.usize(..500)).map(|_| rng.u8(..)).collect();
                set(keyspace, database, name.as_bytes(), NewValue::Bytes(&bytes), deadline);
                continue;
            }
        };
        set(keyspace, database, name.as_bytes(), value, deadline);
    }
    let large: Vec<u8> = (0..300_000u32).map(|i| (i / 5) as u8).collect();
    set(keyspace, 0, b"tree", NewValue::Bytes(&large), None);
    set(keyspace, 0, b"flat", NewValue::Bytes(&large[..30_000]), Some(FAR));
    set(keyspace, 2, b"\x00\r\n\xff binary", NewValue::Bytes(b"\x00\r\n"), None);
    set(keyspace, 1, b"empty", NewValue::Bytes(b""), None);
}

fn content(keyspace: &Keyspace) -> Content {
    let access = keyspace.exclusive(WORKER);
    let mut all = Content::new();
    for database in 0..keyspace.databases() {
        for stripe in 0..keyspace.stripes() {
            access.walk(database, stripe, 0, usize::MAX, |view| {
                let ValueRef::String(value) = view.value else { panic!("strings only") };
                assert_eq!(view.clock, 7);
                all.insert((database, view.key.to_vec()), (value.to_cow().into_owned(), view.deadline_ms));
            });
        }
    }
    all
}

fn load(path: &Path, keyspace: &Keyspace) -> Result<Loaded, LoadError> {
    load_slowly(path, keyspace, &|| 0, &mut || true)
}

fn load_slowly(
    path: &Path,
    keyspace: &Keyspace,
    key_delay_us: &dyn Fn() -> i64,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<Loaded, LoadError> {
    let loading = Loading::new();
    let mut progress = || {
        assert!(loading.is_active());
        assert!(loading.bytes_loaded() <= loading.bytes_total());
        goes_on()
    };
    let options = LoadOptions {
        drop_expired: true,
        any_version: false,
        thresholds: rdb::values::Thresholds::default(),
        clock_of: &|usage| match usage {
            Usage::IdleSeconds(seconds) => seconds as u32,
            _ => 7,
        },
        key_delay_us,
        progress: &mut progress,
        aux: &mut |_, _| {},
    };
    let result = load_file(path, keyspace, WORKER, &loading, options);
    assert!(!loading.is_active());
    if let Ok(loaded) = &result {
        assert_eq!((loading.keys_loaded(), loading.keys_expired()), (loaded.keys, loaded.expired));
        assert_eq!(loading.bytes_loaded(), loading.bytes_total());
    }
    result
}

#[test]
fn a_save_is_loaded_back_and_recorded() {
    let scratch = Scratch::new();
    let (saver, host) = saver_in(&scratch);
    let store = keyspace(16);
    fill(&store);
    saver.note_changes(500);
    let before = saver.last_save_at();
    assert_eq!(saver.status().last_seconds, -1);
    let snapshot = begin(&saver, &host, &store);
    assert_eq!(saver.begin(&store, Kind::Background, |_, _| ()), Err(Refusal::InProgress));
    let status = saver.status();
    assert!(status.is_running && !status.is_draining);
    assert_eq!((status.keys_total, status.last_is_ok, status.kind), (3004, true, Some(Kind::Background)));
    // Changes after the cut are not in the file.
    saver.note_changes(20);
    set(&store, 0, b"key:0", NewValue::Bytes(b"later"), None);
    while saver.is_active() {
        let progress = snapshot.step(&mut store.enter(WORKER), Duration::from_millis(1));
        if progress == Progress::NeedsDetach {
            saver.tick(&store, WORKER);
        }
    }
    assert_eq!(host.news(), ["Finished(Background, Ok(3004))"]);
    assert!(saver.current().is_none());
    let status = saver.status();
    assert_eq!((status.changes, status.saves, status.last_keys, status.last_is_ok), (20, 1, 3004, true));
    assert!(status.last_seconds >= 0 && status.last_save_at >= before && status.last_cut_usec < 1_000_000);
    assert_eq!(status.next_retry_at, 0);
    assert_eq!(scratch.names(), ["dump.rdb"]);
    let log = host.log.lock().clone();
    assert_eq!(log.first().unwrap(), "Background saving started");
    assert!(log.contains(&"DB saved on disk".into()));
    assert_eq!(log.last().unwrap(), "Background saving terminated with success");

    let loaded = keyspace(16);
    let result = load(&saver.config().path(), &loaded).unwrap();
    assert_eq!((result.found, result.keys, result.expired, result.version), (true, 3004, 0, 10));
    let mut expected = content(&store);
    let Some((value, _)) = expected.get_mut(&(0, b"key:0".to_vec())) else { panic!("key:0") };
    *value = content(&loaded)[&(0, b"key:0".to_vec())].0.clone();
    assert!(content(&loaded) == expected);
}

#[test]
fn a_load_is_slowed_down_while_asked_to_and_can_be_given_up() {
    let scratch = Scratch::new();
    let (saver, _) = saver_in(&scratch);
    let store = keyspace(16);
    fill(&store);
    saver.save(&store, WORKER, Kind::Foreground).unwrap();
    let path = saver.config().path();
    let asked = std::cell::Cell::new(0);
    let delay = |first: i64, times: u32| {
        asked.set(asked.get() + 1);
        if asked.get() <= times { first } else { 0 }
    };
    let result = load_slowly(&path, &keyspace(16), &|| delay(20, u32::MAX), &mut || true).unwrap();
    assert_eq!(result.keys, 3004);
    assert!(result.duration >= Duration::from_micros(3004 * 20), "{:?}", result.duration);
    assert!(asked.get() > 3004);
    for first in [20, -7] {
        asked.set(0);
        assert_eq!(load_slowly(&path, &keyspace(16), &|| delay(first, 60), &mut || true).unwrap().keys, 3004);
        assert!(asked.get() < 80, "without a delay many keys are one stretch: asked {} times", asked.get());
    }

    let mut calls = 0;
    let half = keyspace(16);
    let mut goes_on = || {
        calls += 1;
        calls < 2
    };
    let given_up = load_slowly(&path, &half, &|| 0, &mut goes_on);
    assert!(matches!(given_up, Err(LoadError::GivenUp)), "{given_up:?}");
    assert!((1..3004).contains(&content(&half).len()));
}

/// Needs no second file system: the temporary file is a link to a device that is always full.
#[test]
fn a_full_disk_blocks_writes_until_a_save_is_good() {
    let scratch = Scratch::new();
    let (saver, host) = saver_in(&scratch);
    let store = keyspace(16);
    fill(&store);
    let outcome = saver.save(&store, WORKER, Kind::Foreground).unwrap();
    let good = std::fs::read(saver.config().path()).unwrap();
    assert_eq!(outcome.bytes, good.len() as u64);
    let temporary = scratch.0.join(format!("temp-{}.rdb", std::process::id()));
    for failures in 1..=3 {
        std::os::unix::fs::symlink("/dev/full", &temporary).unwrap();
        saver.note_changes(7);
        let refusal = saver.save(&store, WORKER, Kind::Background).unwrap_err();
        assert_eq!(refusal, Refusal::Failed("write: No space left on device".into()));
        let status = saver.status();
        assert!(!status.last_is_ok && status.is_blocking_writes);
        assert_eq!(status.last_error.as_deref(), Some("write: No space left on device"));
        let pause = status.next_retry_at - unix_seconds();
        let expected = RETRY_SECONDS << (failures - 1);
        assert!((expected - 2..=expected).contains(&pause), "{pause} after {failures} failures");
        // A save point is due, but the pause holds it back.
        saver.note_changes(5000);
        host.news();
        saver.tick(&store, WORKER);
        assert!(saver.current().is_none() && !saver.status().is_running && host.news().is_empty());
    }
    assert!(Path::new("/dev/full").exists());
    assert_eq!(scratch.names(), ["dump.rdb"]);
    assert!(std::fs::read(saver.config().path()).unwrap() == good, "the former file is untouched");
    assert!(host.log.lock().contains(&"Background saving error".into()));
    // Without save points nobody relies on saving, so writes go on.
    let config = saver.config();
    saver.set_config(Config { points: Vec::new(), ..config.clone() });
    assert!(!saver.is_blocking_writes());
    saver.set_config(config);
    assert!(saver.is_blocking_writes());
    saver.save(&store, WORKER, Kind::Foreground).unwrap();
    let status = saver.status();
    assert!(status.last_is_ok && !status.is_blocking_writes && status.next_retry_at == 0);
    assert_eq!((status.changes, status.last_error, status.saves), (0, None, 2));
    load(&saver.config().path(), &keyspace(16)).unwrap();
}

#[test]
fn a_directory_that_is_missing_is_named() {
    let scratch = Scratch::new();
    let (saver, host) = saver_in(&scratch);
    let directory = scratch.0.join("gone");
    saver.set_config(Config { directory, ..saver.config() });
    let store = keyspace(1);
    assert_eq!(saver.begin(&store, Kind::Background, |_, _| ()), Ok(Begun::Starting));
    assert!(saver.status().is_running);
    settle(&saver, &host, &store);
    let Some(News::Refused(Kind::Background, text)) = host.news.lock().pop() else { panic!("accepted") };
    assert!(!saver.status().is_running);
    assert!(text.starts_with("Failed opening the temp RDB file temp-"), "{text}");
    assert_eq!(host.log.lock().last(), Some(&text));
    assert!(saver.is_blocking_writes());
    assert!(!saver.is_active());
}

#[test]
fn a_cancelled_save_leaves_nothing_and_the_next_waits_for_its_marks() {
    let scratch = Scratch::new();
    let (saver, host) = saver_in(&scratch);
    let store = keyspace(16);
    fill(&store);
    assert!(!saver.cancel());
    begin(&saver, &host, &store);
    assert!(saver.cancel());
    assert!(!saver.cancel(), "it is cancelled already");
    assert!(saver.status().is_draining && !saver.status().is_running);
    assert_eq!(saver.begin(&store, Kind::Background, |_, _| ()), Ok(Begun::Queued));
    assert!(saver.status().is_scheduled);
    let snapshot = saver.current().unwrap();
    assert!(snapshot.run_to_end(&store, WORKER).result.is_err());
    assert_eq!(scratch.names(), Vec::<String>::new());
    // The tick records the end and begins what was queued.
    saver.tick(&store, WORKER);
    assert_eq!(host.news(), ["Finished(Background, Err(Cancelled))"]);
    assert!(!saver.is_blocking_writes(), "to cancel is no failure");
    assert!(host.log.lock().contains(&"Background saving cancelled".into()));
    settle(&saver, &host, &store);
    let snapshot = saver.current().expect("the queued one");
    assert_eq!(snapshot.run_to_end(&store, WORKER).result, Ok(3004));
    saver.settle(&store, WORKER);
    assert_eq!(host.news(), ["Begun(Background)", "Finished(Background, Ok(3004))"]);
    assert_eq!(load(&saver.config().path(), &keyspace(16)).unwrap().keys, 3004);
}

/// Between BGSAVE and the cut there is nothing yet, but it counts as a save that is running.
#[test]
fn a_save_is_cancelled_before_its_cut() {
    let scratch = Scratch::new();
    let (saver, host) = saver_in(&scratch);
    let store = keyspace(16);
    fill(&store);
    for is_prepared in [false, true] {
        assert_eq!(saver.begin(&store, Kind::Background, |_, _| ()), Ok(Begun::Starting));
        let status = saver.status();
        assert!(status.is_running && status.current_seconds == 0 && status.kind == Some(Kind::Background));
        assert_eq!(saver.begin(&store, Kind::Background, |_, _| ()), Err(Refusal::InProgress));
        assert_eq!(saver.save(&store, WORKER, Kind::Reload).err(), Some(Refusal::InProgress));
        while is_prepared && host.rings.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        assert!(saver.cancel());
        assert!(!saver.cancel(), "it is cancelled already");
        settle(&saver, &host, &store);
        assert_eq!(host.news(), ["CalledOff(Background)"]);
        assert!(!saver.is_blocking_writes() && !saver.is_active() && !saver.status().is_running);
    }
    // A shutdown does not wait for the reactors to make the cut.
    assert_eq!(saver.begin(&store, Kind::Background, |_, _| ()), Ok(Begun::Starting));
    assert_eq!(saver.save(&store, WORKER, Kind::Shutdown).unwrap().result, Ok(3004));
    assert_eq!(host.news(), ["CalledOff(Background)", "Begun(Shutdown)", "Finished(Shutdown, Ok(3004))"]);
    assert_eq!(scratch.names(), ["dump.rdb"]);
}

/// Whoever waits for a queued save gets an answer, whatever comes between.
#[test]
fn a_queued_foreground_save_is_not_forgotten() {
    let scratch = Scratch::new();
    let (saver, host) = saver_in(&scratch);
    let store = keyspace(16);
    fill(&store);
    let first = begin(&saver, &host, &store);
    assert!(saver.cancel());
    assert_eq!(saver.begin(&store, Kind::Foreground, |_, _| ()), Ok(Begun::Queued));
    assert_eq!(saver.begin(&store, Kind::Background, |_, _| ()), Ok(Begun::Queued));
    assert!(!saver.cancel());
    assert!(first.run_to_end(&store, WORKER).result.is_err());
    saver.set_config(Config { directory: scratch.0.join("gone"), ..saver.config() });
    saver.tick(&store, WORKER);
    assert_eq!(host.news(), ["Finished(Background, Err(Cancelled))"]);
    settle(&saver, &host, &store);
    assert!(matches!(host.news.lock()[..], [News::Refused(Kind::Foreground, _)]), "{:?}", host.news());
    assert!(!saver.is_blocking_writes(), "only a background save makes for a bad status");
}

#[test]
fn a_shutdown_cancels_what_runs_and_saves() {
    let scratch = Scratch::new();
    let (saver, host) = saver_in(&scratch);
    let store = keyspace(16);
    fill(&store);
    let first = begin(&saver, &host, &store);
    assert_eq!(saver.save(&store, WORKER, Kind::Foreground).err(), Some(Refusal::InProgress));
    set(&store, 0, b"last", NewValue::Bytes(b"moment"), None);
    assert_eq!(saver.save(&store, WORKER, Kind::Shutdown).unwrap().result, Ok(3005));
    assert_eq!(first.outcome().unwrap().result, Err(Failure::Cancelled));
    assert_eq!(load(&saver.config().path(), &keyspace(16)).unwrap().keys, 3005);
    assert_eq!(scratch.names(), ["dump.rdb"]);
}

#[test]
fn a_process_that_ends_leaves_no_temporary_file() {
    let scratch = Scratch::new();
    let store = keyspace(16);
    fill(&store);
    for is_cut in [true, false] {
        let (saver, host) = saver_in(&scratch);
        assert!(saver.abandon(Duration::ZERO), "nothing runs");
        // What lies under the temporary name is written over, so the save has a file with a name.
        std::fs::write(scratch.0.join(format!("temp-{}.rdb", std::process::id())), b"left").unwrap();
        match is_cut {
            true => drop(begin(&saver, &host, &store)),
            false => assert_eq!(saver.begin(&store, Kind::Background, |_, _| ()), Ok(Begun::Starting)),
        }
        assert_eq!(scratch.names().len(), 1);
        assert!(saver.abandon(Duration::from_secs(20)));
        assert_eq!(scratch.names(), Vec::<String>::new());
        // The marks, for the next saver of the same keyspace.
        if let Some(snapshot) = saver.current() {
            assert!(snapshot.run_to_end(&store, WORKER).result.is_err());
        }
    }
}

#[test]
fn a_save_point_begins_a_save() {
    let scratch = Scratch::new();
    let (saver, host) = saver_in(&scratch);
    let store = keyspace(1);
    saver.note_changes(999);
    let until = Instant::now() + Duration::from_millis(2200);
    while Instant::now() < until {
        saver.tick(&store, WORKER);
        assert!(!saver.status().is_running);
        std::thread::sleep(Duration::from_millis(100));
    }
    saver.note_changes(1);
    saver.tick(&store, WORKER);
    settle(&saver, &host, &store);
    let snapshot = saver.current().expect("a save");
    assert_eq!(host.log.lock()[0], "1000 changes in 0 seconds. Saving...");
    assert_eq!(snapshot.run_to_end(&store, WORKER).result, Ok(0));
    saver.settle(&store, WORKER);
    assert_eq!(host.news(), ["Begun(SavePoint)", "Finished(SavePoint, Ok(0))"]);
    assert_eq!(saver.changes(), 0);
    saver.schedule();
    saver.tick(&store, WORKER);
    settle(&saver, &host, &store);
    assert!(saver.current().is_some(), "a scheduled save needs no changes");
    saver.current().unwrap().run_to_end(&store, WORKER);
}

/// An image from parts, with a right checksum.
fn image(body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    rdb::write::header(&mut out, rdb::VERSION);
    body(&mut out);
    out.extend_from_slice(&rdb::write::END);
    let checksum = rdb::crc64::crc64(&out);
    out.pop();
    rdb::write::end(&mut out, checksum);
    out
}

fn entry(out: &mut Vec<u8>, key: &[u8], expire_at_ms: Option<i64>) {
    let head = rdb::EntryHead { key, expire_at_ms, usage: Usage::Unknown };
    rdb::write::string_entry(out, &head, value::StrRef::Bytes(b"v"), None);
}

#[test]
fn what_cannot_be_loaded_is_named_with_its_place() {
    let scratch = Scratch::new();
    let path = scratch.0.join("x.rdb");
    let store = || keyspace(4);
    assert_eq!(load(&path, &store()).unwrap(), Loaded::default());
    let check = |bytes: &[u8], expected: &str| {
        std::fs::write(&path, bytes).unwrap();
        let text = load(&path, &store()).unwrap_err().to_string();
        assert!(text.starts_with(expected), "{text}");
    };
    let good = image(|out| {
        rdb::write::select_db(out, 3);
        entry(out, b"a", None);
        entry(out, b"old", Some(1000));
        entry(out, b"b", Some(FAR));
    });
    std::fs::write(&path, &good).unwrap();
    let loaded = load(&path, &store()).unwrap();
    assert_eq!((loaded.keys, loaded.expired), (2, 1));
    // An empty set between two keys: the file is good without it.
    let with_empty = image(|out| {
        rdb::write::select_db(out, 3);
        entry(out, b"a", None);
        out.extend_from_slice(b"\x02\x04void\x00");
        entry(out, b"b", None);
    });
    std::fs::write(&path, &with_empty).unwrap();
    let loaded = load(&path, &store()).unwrap();
    assert_eq!((loaded.keys, loaded.expired, loaded.empty), (2, 0, 1));
    check(
        &image(|out| rdb::write::select_db(out, 4)),
        "at byte 9: the file has a database 4, but this server has only 4. Start it with --databases 5",
    );
    check(
        &image(|out| {
            entry(out, b"twice", None);
            entry(out, b"twice", None);
        }),
        "at byte 18: RDB has duplicated key 'twice' in DB 0.",
    );
    let mut damaged = good.clone();
    damaged[15] ^= 1;
    check(&damaged, &format!("at byte {}: the checksum is", good.len() - 8));
    for cut in 0..good.len() {
        std::fs::write(&path, &good[..cut]).unwrap();
        assert!(load(&path, &store()).is_err(), "cut to {cut} bytes");
    }
    check(b"*1\r\n$4\r\nPING\r\n", "at byte 0: expected REDIS or VALKEY");
    assert!(load(&scratch.0, &store()).is_err(), "a directory");
}

/// A redis-server on a free port, ended with the test.
struct Redis {
    child: Child,
    stream: BufReader<TcpStream>,
}

impl Redis {
    /// `None`, with a printed line, where there is none.
    fn start(directory: &Path) -> Option<Redis> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--dbfilename", "dump.rdb", "--dir"])
            .arg(directory)
            .stdout(Stdio::null())
            .spawn();
        let Ok(mut child) = child else {
            println!("skipped: there is no redis-server");
            return None;
        };
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
                return Some(Redis { child, stream: BufReader::new(stream) });
            }
            if Instant::now() > until || child.try_wait().unwrap().is_some() {
                let _ = child.kill();
                panic!("redis-server did not start: it may have refused the file");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A command's reply: a line without its type, or a bulk string; `None` for nil.
    fn ask(&mut self, words: &[&[u8]]) -> Option<Vec<u8>> {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend(format!("${}\r\n", word.len()).bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        self.stream.get_mut().write_all(&request).unwrap();
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let line = line.trim_end();
        match line.strip_prefix('$') {
            Some("-1") => None,
            Some(len) => {
                let mut bulk = vec![0; len.parse::<usize>().unwrap() + 2];
                self.stream.read_exact(&mut bulk).unwrap();
                bulk.truncate(bulk.len() - 2);
                Some(bulk)
            }
            None => Some(line.as_bytes()[1..].to_vec()),
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn files_pass_to_redis_and_back() {
    let scratch = Scratch::new();
    let (saver, _) = saver_in(&scratch);
    let store = keyspace(16);
    fill(&store);
    saver.save(&store, WORKER, Kind::Foreground).unwrap();
    let Some(mut redis) = Redis::start(&scratch.0) else { return };
    let all = content(&store);
    for database in 0..3u32 {
        assert_eq!(redis.ask(&[b"SELECT", database.to_string().as_bytes()]), Some(b"OK".to_vec()));
        let here: Vec<_> = all.iter().filter(|((number, _), _)| *number == database).collect();
        assert_eq!(redis.ask(&[b"DBSIZE"]), Some(here.len().to_string().into_bytes()));
        for ((_, key), (value, deadline)) in here {
            assert!(redis.ask(&[b"GET", key]).as_ref() == Some(value), "{}", key.escape_ascii());
            let expected = deadline.unwrap_or(-1).to_string().into_bytes();
            assert_eq!(redis.ask(&[b"PEXPIRETIME", key]), Some(expected));
        }
    }
    // And back: it writes the file anew, in its own order and spelling.
    redis.ask(&[b"SET", b"theirs", b"12345678901234567890"]);
    assert_eq!(redis.ask(&[b"SAVE"]), Some(b"OK".to_vec()));
    let back = keyspace(16);
    load(&saver.config().path(), &back).unwrap();
    let mut expected = all;
    expected.insert((2, b"theirs".to_vec()), (b"12345678901234567890".to_vec(), None));
    assert!(content(&back) == expected);
}

/// News of one save are no news of the next, though that may be asked for before they are told; and a save that somebody waits for is not
/// forgotten over another one.
#[test]
fn every_save_has_a_name_of_its_own() {
    let scratch = Scratch::new();
    let (saver, host) = saver_in(&scratch);
    let store = keyspace(16);
    fill(&store);
    let names = Mutex::new(Vec::new());
    let ask = |kind| saver.begin(&store, kind, |id, begun| names.lock().push((id, begun)));
    assert_eq!(ask(Kind::Background), Ok(Begun::Starting));
    assert_eq!(ask(Kind::Background), Err(Refusal::InProgress));
    settle(&saver, &host, &store);
    assert!(saver.cancel());
    // Two wait for the same one, which a third does not push aside.
    for _ in 0..2 {
        assert_eq!(ask(Kind::Foreground), Ok(Begun::Queued));
    }
    assert!(saver.current().unwrap().run_to_end(&store, WORKER).result.is_err());
    saver.settle(&store, WORKER);
    assert_eq!(ask(Kind::Background), Ok(Begun::Starting));
    assert!(saver.status().is_scheduled);
    host.news();
    settle(&saver, &host, &store);
    saver.current().unwrap().run_to_end(&store, WORKER);
    host.news();
    saver.tick(&store, WORKER);
    assert_eq!(host.news(), ["Finished(Background, Ok(3004))"]);
    settle(&saver, &host, &store);
    assert_eq!(host.news(), ["Begun(Foreground)"]);
    let [(first, _), (queued, _), (same, _), (second, _)] = names.lock()[..] else {
        panic!("four are named")
    };
    assert!(first != queued && queued == same && second != queued && second != first);
    assert_eq!(saver.state.lock().running.as_ref().map(|running| running.id), Some(queued));
    saver.current().unwrap().run_to_end(&store, WORKER);
}
