//! A save is exactly the state at one moment, while clients write in every way there is.
//!
//! Each writer owns two databases and works through a known sequence of changes, so its part of a file must equal the
//! result of its first `n` changes for an `n` between what was acknowledged when BGSAVE was sent and what had been
//! sent when it was answered. Across writers the cut must be consistent: if a change of one writer was answered before a change
//! of another was sent, no file holds the later one without the earlier.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::Shutdown;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use system_tests::contents::{self, Contents};
use system_tests::random::mix;
use system_tests::{Client, Random, Reply, Server, ServerOptions, server};

const WRITERS: usize = 4;
const SAVES: usize = 12;

/// One change, by its writer's number of it: the same number is always the same change.
#[derive(Clone, Debug)]
enum Change {
    Set(usize, Vec<u8>),
    SetWithDeadline(usize, Vec<u8>, i64),
    Append(usize, Vec<u8>),
    SetRange(usize, usize, Vec<u8>),
    Incr(usize),
    Del(usize),
    Rename(usize, usize),
    Copy(usize, usize),
    Move(usize),
    Persist(usize),
    Burst(usize, usize),
    Shrink(usize, usize),
    FlushDb,
    SwapDb,
}

/// The change number `number` of writer `writer`.
fn change(writer: usize, number: usize) -> Change {
    let mut random = Random::new(mix((writer * 1_000_000 + number) as u64 + 7));
    let key = random.index(400);
    let len = if random.one_in(40) { 100_000 } else { random.index(300) };
    let mut text = vec![0; len];
    random.fill_text(&mut text);
    match random.below(40) {
        0..=9 => Change::Set(key, text),
        10..=13 => Change::SetWithDeadline(key, text, 4_000_000_000_000 + number as i64),
        14..=17 => Change::Append(key, text[..text.len().min(50)].to_vec()),
        18..=20 => Change::SetRange(key, random.index(2000), text[..text.len().min(50)].to_vec()),
        21..=23 => Change::Incr(400 + random.index(20)),
        24..=27 => Change::Del(key),
        28 | 29 => Change::Rename(key, random.index(400)),
        30 | 31 => Change::Copy(key, random.index(400)),
        32 | 33 => Change::Move(key),
        34 | 35 => Change::Persist(key),
        // Grows and shrinks the index.
        36 | 37 => Change::Burst(1000 + 100 * random.index(30), 100),
        38 => Change::Shrink(1000 + 100 * random.index(30), 100),
        _ if random.one_in(5) => Change::FlushDb,
        _ => Change::SwapDb,
    }
}

fn name(key: usize) -> Vec<u8> {
    format!("key:{key}").into_bytes()
}

/// The words of a change; the connection has the writer's first database selected.
fn words(writer: usize, change: &Change) -> Vec<Vec<u8>> {
    let of = |words: &[&[u8]]| words.iter().map(|word| word.to_vec()).collect::<Vec<_>>();
    let other = (writer * 2 + 1).to_string().into_bytes();
    match change {
        Change::Set(key, value) => of(&[b"SET", &name(*key), value]),
        Change::SetWithDeadline(key, value, at) => {
            of(&[b"SET", &name(*key), value, b"PXAT", at.to_string().as_bytes()])
        }
        Change::Append(key, value) => of(&[b"APPEND", &name(*key), value]),
        Change::SetRange(key, at, value) => of(&[b"SETRANGE", &name(*key), at.to_string().as_bytes(), value]),
        Change::Incr(key) => of(&[b"INCR", &name(*key)]),
        Change::Del(key) => of(&[b"DEL", &name(*key)]),
        Change::Rename(from, to) => of(&[b"RENAME", &name(*from), &name(*to)]),
        Change::Copy(from, to) => of(&[b"COPY", &name(*from), &name(*to), b"REPLACE"]),
        Change::Move(key) => of(&[b"MOVE", &name(*key), &other]),
        Change::Persist(key) => of(&[b"PERSIST", &name(*key)]),
        Change::Burst(first, count) => {
            let pairs = (*first..first + count).flat_map(|key| [name(key), b"burst".to_vec()]);
            std::iter::once(b"MSET".to_vec()).chain(pairs).collect()
        }
        Change::Shrink(first, count) => {
            std::iter::once(b"DEL".to_vec()).chain((*first..first + count).map(name)).collect()
        }
        Change::FlushDb => of(&[b"FLUSHDB"]),
        Change::SwapDb => of(&[b"SWAPDB", (writer * 2).to_string().as_bytes(), &other]),
    }
}

type Database = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

/// What a writer's two databases must hold.
#[derive(Default)]
struct Model {
    databases: [Database; 2],
}

impl Model {
    fn apply(&mut self, change: &Change) {
        let [first, second] = &mut self.databases;
        match change {
            Change::Set(key, value) => {
                first.insert(name(*key), (value.clone(), None));
            }
            Change::SetWithDeadline(key, value, at) => {
                first.insert(name(*key), (value.clone(), Some(*at)));
            }
            Change::Append(key, value) => first.entry(name(*key)).or_default().0.extend_from_slice(value),
            // An empty value creates nothing and changes nothing.
            Change::SetRange(_, _, value) if value.is_empty() => {}
            Change::SetRange(key, at, value) => {
                let string = &mut first.entry(name(*key)).or_default().0;
                string.resize(string.len().max(at + value.len()), 0);
                string[*at..at + value.len()].copy_from_slice(value);
            }
            Change::Incr(key) => {
                let string = &mut first.entry(name(*key)).or_default().0;
                let old: i64 = std::str::from_utf8(string).unwrap().parse().unwrap_or(0);
                *string = (old + 1).to_string().into_bytes();
            }
            Change::Del(key) => {
                first.remove(&name(*key));
            }
            Change::Rename(from, to) => {
                if let Some(value) = first.remove(&name(*from)) {
                    first.insert(name(*to), value);
                }
            }
            Change::Copy(from, to) => {
                // Copying a key onto itself is refused.
                if from != to
                    && let Some(value) = first.get(&name(*from)).cloned()
                {
                    first.insert(name(*to), value);
                }
            }
            Change::Move(key) => {
                if !second.contains_key(&name(*key))
                    && let Some(value) = first.remove(&name(*key))
                {
                    second.insert(name(*key), value);
                }
            }
            Change::Persist(key) => {
                if let Some(value) = first.get_mut(&name(*key)) {
                    value.1 = None;
                }
            }
            Change::Burst(from, count) => {
                first.extend((*from..from + count).map(|key| (name(key), (b"burst".to_vec(), None))));
            }
            Change::Shrink(from, count) => (*from..from + count).for_each(|key| {
                first.remove(&name(key));
            }),
            Change::FlushDb => first.clear(),
            Change::SwapDb => self.databases.swap(0, 1),
        }
    }

    fn equals(&self, databases: &[Database; 2]) -> bool {
        self.databases == *databases
    }
}

/// When each change of a writer was sent and answered, in nanoseconds of one clock.
#[derive(Default)]
struct Journal {
    sent: Vec<u64>,
    heard: Vec<u64>,
}

/// One file and what the journals said around its BGSAVE.
struct Taken {
    file: std::path::PathBuf,
    lower: Vec<usize>,
    upper: Vec<usize>,
}

fn write(server: &Server, writer: usize, journal: &Mutex<Journal>, clock: Instant, stop: &AtomicBool) {
    let mut client = server.client();
    client.run(&format!("SELECT {}", writer * 2));
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let change = change(writer, number);
        journal.lock().unwrap().sent.push(clock.elapsed().as_nanos() as u64);
        let reply = client.call(&words(writer, &change)).unwrap();
        let missing = reply.text() == "ERR no such key" || reply.text().contains("objects are the same");
        assert!(!reply.is_error() || missing, "{change:?}: {reply:?}");
        journal.lock().unwrap().heard.push(clock.elapsed().as_nanos() as u64);
        number += 1;
    }
}

/// BGSAVE, several times, each file kept under a name of its own.
fn save_repeatedly(server: &Server, journals: &[Mutex<Journal>]) -> Vec<Taken> {
    let mut client = server.client();
    let count =
        |pick: fn(&Journal) -> usize| journals.iter().map(|journal| pick(&journal.lock().unwrap())).collect();
    (0..SAVES)
        .map(|index| {
            thread::sleep(Duration::from_millis(150));
            let lower = count(|journal| journal.heard.len());
            let reply = client.run("BGSAVE");
            let upper = count(|journal| journal.sent.len());
            assert!(!reply.is_error(), "{reply:?}");
            wait_for_save(&mut client);
            let file = server.dir().join(format!("save-{index}.rdb"));
            fs::copy(server.dir().join("dump.rdb"), &file).unwrap();
            Taken { file, lower, upper }
        })
        .collect()
}

fn wait_for_save(client: &mut Client) {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let info = client.run("INFO persistence").text();
        let field = |name: &str| server::info_field(&info, name).unwrap_or_default();
        if field("rdb_bgsave_in_progress") == "0" {
            assert_eq!(field("rdb_last_bgsave_status"), "ok");
            return;
        }
        assert!(Instant::now() < until, "the save does not end");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Loads a file with a second server; the two databases of each writer.
fn load(file: &std::path::Path) -> Vec<[Database; 2]> {
    let dir = server::fresh_dir().unwrap();
    fs::copy(file, dir.join("dump.rdb")).unwrap();
    let second = ServerOptions::new(server::ours().unwrap()).dir(&dir).start().unwrap();
    let all: Contents = contents::read(&mut second.client(), WRITERS as u32 * 2).unwrap();
    drop(second);
    fs::remove_dir_all(dir).unwrap();
    let mut parts: Vec<[Database; 2]> = (0..WRITERS).map(|_| Default::default()).collect();
    for ((db, key), value) in all {
        parts[db as usize / 2][db as usize % 2].insert(key, value);
    }
    parts
}

/// For each file and writer, the numbers of changes whose result the file equals.
fn fitting(writer: usize, taken: &[Taken], files: &[Vec<[Database; 2]>]) -> Vec<Vec<usize>> {
    let mut fits = vec![Vec::new(); taken.len()];
    let mut model = Model::default();
    let last = taken.iter().map(|taken| taken.upper[writer]).max().unwrap_or(0);
    for number in 0..=last {
        for (index, taken) in taken.iter().enumerate() {
            if (taken.lower[writer]..=taken.upper[writer]).contains(&number)
                && model.equals(&files[index][writer])
            {
                fits[index].push(number);
            }
        }
        model.apply(&change(writer, number));
    }
    fits
}

#[test]
fn each_file_is_one_moment() {
    let server = Server::ours_with("--io-threads 4");
    let journals: Vec<Mutex<Journal>> = (0..WRITERS).map(|_| Mutex::default()).collect();
    let (stop, clock) = (AtomicBool::new(false), Instant::now());
    let taken = thread::scope(|scope| {
        for (writer, journal) in journals.iter().enumerate() {
            let (server, stop) = (&server, &stop);
            scope.spawn(move || write(server, writer, journal, clock, stop));
        }
        let taken =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| save_repeatedly(&server, &journals)));
        stop.store(true, Ordering::Relaxed);
        taken.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    let files: Vec<Vec<[Database; 2]>> = taken.iter().map(|taken| load(&taken.file)).collect();
    let fits: Vec<Vec<Vec<usize>>> = (0..WRITERS).map(|writer| fitting(writer, &taken, &files)).collect();
    for (index, taken) in taken.iter().enumerate() {
        for (writer, fits) in fits.iter().enumerate() {
            let range = taken.lower[writer]..=taken.upper[writer];
            assert!(
                !fits[index].is_empty(),
                "file {index}: writer {writer}'s part is no state of changes {range:?}"
            );
        }
        for (a, b) in (0..WRITERS).flat_map(|a| (0..WRITERS).map(move |b| (a, b))).filter(|(a, b)| a != b) {
            // The most that can be in the file of `a`, the least of `b`: only a certain violation counts.
            let (most, least) =
                (fits[a][index].last().copied().unwrap(), fits[b][index].first().copied().unwrap());
            if least == 0 {
                continue;
            }
            let sent = journals[b].lock().unwrap().sent[least - 1];
            let answered = journals[a].lock().unwrap().heard.partition_point(|&heard| heard < sent);
            assert!(
                answered <= most,
                "file {index}: writer {b}'s change {least} without writer {a}'s {answered}"
            );
        }
    }
    let total: usize = journals.iter().map(|journal| journal.lock().unwrap().heard.len()).sum();
    println!("{total} changes, {} files", taken.len());
    assert!(total > 1000);
}

/// The canary of the model: a file with one change too few is no state in the range.
#[test]
fn a_missing_change_is_noticed() {
    let mut model = Model::default();
    (0..500).for_each(|number| model.apply(&change(0, number)));
    let file = vec![vec![std::mem::take(&mut model.databases)]];
    let taken = |lower, upper| [Taken { file: "x".into(), lower: vec![lower], upper: vec![upper] }];
    assert!(fitting(0, &taken(490, 505), &file)[0].contains(&500));
    assert!(fitting(0, &taken(520, 530), &file)[0].is_empty());
    let mut damaged = file;
    let key = damaged[0][0][0].keys().next().unwrap().clone();
    damaged[0][0][0].remove(&key);
    assert!(fitting(0, &taken(490, 505), &damaged)[0].is_empty());
}

/// While saves run, a turn executes only a portion of a pipeline. All of it is executed nevertheless, in its order, also for clients that
/// have ended their side.
#[test]
fn pipelines_are_executed_whole_while_saves_run() {
    // epoll sends at once, so a connection that is closed too early loses its replies for certain.
    for options in ["", "--reactor epoll"] {
        pipelines_while_saves_run(&Server::ours_with(options));
    }
}

fn pipelines_while_saves_run(server: &Server) {
    const CLIENTS: usize = 6;
    const REQUESTS: usize = 4000;
    let mut control = server.client();
    control.run("CONFIG SET snapshot-memory-budget 8mb");
    let fields: Vec<String> = (0..20_000).map(|n| format!("field:{n:012}")).collect();
    for name in ["hash:0", "hash:1"] {
        for chunk in fields.chunks(1000) {
            let mut words = vec!["HSET".to_string(), name.to_string()];
            words.extend(chunk.iter().flat_map(|field| [field.clone(), "value".to_string()]));
            assert!(!control.call(&words).unwrap().is_error());
        }
    }
    let mut keys = Vec::new();
    (0..30_000).for_each(|n| keys.push(vec!["SET".to_string(), format!("key:{n}"), "x".repeat(200)]));
    control.pipeline(&keys).unwrap();
    let stop = AtomicBool::new(false);
    let saves = thread::scope(|scope| {
        let saving = scope.spawn(|| {
            let mut client = server.client();
            let mut saves = 0;
            while !stop.load(Ordering::Relaxed) {
                assert!(!client.run("BGSAVE").is_error());
                wait_for_save(&mut client);
                saves += 1;
            }
            saves
        });
        let clients: Vec<_> = (0..CLIENTS)
            .map(|id| {
                let fields = &fields;
                scope.spawn(move || {
                    for round in 0..3 {
                        let mut client = server.client();
                        let counter = format!("counter:{id}:{round}");
                        let mut bytes = Vec::new();
                        for n in 0..REQUESTS {
                            let field = &fields[(n * 7919 + id * 31) % fields.len()];
                            let hash = format!("hash:{}", n % 2);
                            system_tests::client::encode(&mut bytes, &["INCR", &counter]);
                            system_tests::client::encode(
                                &mut bytes,
                                &["HINCRBY", &hash, &format!("{field}n"), "1"],
                            );
                        }
                        let mut sending = client.stream().try_clone().unwrap();
                        let sender = thread::spawn(move || {
                            sending.write_all(&bytes).unwrap();
                            sending.shutdown(Shutdown::Write).unwrap();
                        });
                        for n in 1..=REQUESTS as i64 {
                            assert_eq!(client.read().unwrap().int(), Some(n));
                            assert!(client.read().unwrap().int().is_some());
                        }
                        assert!(client.read().is_err(), "the connection is closed behind the last reply");
                        sender.join().unwrap();
                    }
                })
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
        stop.store(true, Ordering::Relaxed);
        saving.join().unwrap()
    });
    assert!(saves > 0, "there was a save");
    let sum: i64 = ["hash:0", "hash:1"]
        .iter()
        .flat_map(|hash| match control.run(&format!("HVALS {hash}")) {
            Reply::Array(values) => values,
            other => panic!("{other:?}"),
        })
        .filter_map(|value| value.text().parse::<i64>().ok())
        .sum();
    assert_eq!(sum, (CLIENTS * 3 * REQUESTS) as i64, "every request was executed once");
}
