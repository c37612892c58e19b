//! Measures what a save and a load cost: `cargo run --release -p persistence --example save_load [keys] [value bytes] [directory]`.
//!
//! Prints CPU seconds of the walk and of the writer apart, the cut, the longest single slice, and the speed of loading.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyspace::{Access, Entry, Keyspace, NewValue, WorkerId};
use persistence::{Config, Host, Kind, Level, LoadOptions, Loading, News, SaveId, Saver, load_file};
use snapshot::{Progress, UsageOf};

const WORKER: WorkerId = WorkerId(0);

struct Quiet;

impl Host for Quiet {
    fn log(&self, _: Level, text: &str) {
        println!("  log: {text}");
    }

    fn aux(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        vec![(b"redis-ver".to_vec(), b"7.2.4".to_vec())]
    }

    fn usage(&self) -> Option<UsageOf> {
        None
    }

    fn at_cut(&self, _: &mut Access<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
        Vec::new()
    }

    fn tell(&self, _: SaveId, _: News) {}

    fn ready(&self) {}

    fn wake(&self) {}
}

/// CPU seconds of the threads of this process whose name begins with `name`.
fn cpu_seconds(name: &str) -> f64 {
    let mut sum = 0.0;
    for task in std::fs::read_dir("/proc/self/task").expect("/proc").flatten() {
        let comm = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        if comm.starts_with(name) {
            let stat = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            sum += stat.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9;
        }
    }
    sum
}

fn keyspace() -> Keyspace {
    Keyspace::new(keyspace::Options { stripes: 1024, databases: 16, workers: 2 })
}

fn main() {
    let mut args = std::env::args().skip(1);
    let keys: u64 = args.next().map_or(3_000_000, |arg| arg.parse().expect("keys"));
    let len: usize = args.next().map_or(200, |arg| arg.parse().expect("value bytes"));
    let directory = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let store = keyspace();
    let mut rng = fastrand::Rng::with_seed(1);
    let mut value = vec![0; len];
    let start = Instant::now();
    for number in 0..keys {
        rng.fill(&mut value);
        let name = format!("key:{number:012}");
        let key = store.key(name.as_bytes());
        let mut inside = store.enter(WORKER);
        let mut access = inside.lock_key(key.hash);
        if let Entry::Vacant(entry) = access.entry(0, key) {
            entry.insert(NewValue::Bytes(&value), None, 0);
        }
    }
    println!("filled {keys} keys in {:.2} s", start.elapsed().as_secs_f64());

    let config = Config {
        directory: directory.clone(),
        file_name: "save_load.rdb".into(),
        points: Vec::new(),
        stop_writes_on_error: true,
        compression: true,
        checksum: true,
        version: rdb::VERSION,
        budget_bytes: 64 << 20,
    };
    let saver = Saver::new(Arc::new(Quiet), config.clone());
    for _ in 0..2 {
        let (before, start) = (cpu_seconds("save_load"), Instant::now());
        saver.begin(&store, Kind::Background, |_, _| ()).expect("a save");
        let begun = start.elapsed();
        let snapshot = loop {
            saver.settle(&store, WORKER);
            match saver.current() {
                Some(snapshot) => break snapshot,
                None => std::thread::yield_now(),
            }
        };
        let (mut longest, mut writer) = (Duration::ZERO, 0.0f64);
        loop {
            let slice = Instant::now();
            let progress = snapshot.step(&mut store.enter(WORKER), Duration::from_micros(200));
            longest = longest.max(slice.elapsed());
            match progress {
                Progress::Worked => {}
                Progress::Throttled | Progress::Waiting => {
                    writer = writer.max(cpu_seconds("snapshot"));
                    std::thread::sleep(Duration::from_micros(300));
                }
                Progress::NeedsDetach => break,
                Progress::Over => unreachable!("settled below"),
            }
        }
        saver.settle(&store, WORKER);
        let outcome = snapshot.outcome().expect("an end");
        let status = saver.status();
        println!(
            "save: {:.2} s, {} MB, walk {:.2} CPU s, writer {:.2} CPU s, begin {} us, cut {} us + {} us wait, \
             longest slice {} us, peak {:.1} MB, {:?}",
            start.elapsed().as_secs_f64(),
            outcome.bytes >> 20,
            cpu_seconds("save_load") - before,
            writer,
            begun.as_micros(),
            status.last_cut_usec,
            status.last_cut_wait_usec,
            longest.as_micros(),
            outcome.budget_peak_bytes as f64 / 1048576.0,
            outcome.result,
        );
    }
    drop(store);

    let store = keyspace();
    let loading = Loading::new();
    let options = LoadOptions {
        drop_expired: true,
        any_version: false,
        thresholds: rdb::values::Thresholds::default(),
        clock_of: &|_| 0,
        key_delay_us: &|| 0,
        progress: &mut || true,
        aux: &mut |_, _| {},
    };
    let before = cpu_seconds("save_load");
    let loaded = load_file(&config.path(), &store, WORKER, &loading, options).expect("a good file");
    let seconds = loaded.duration.as_secs_f64();
    println!(
        "load: {} keys in {seconds:.2} s, {:.2} CPU s, {:.2} M keys/s",
        loaded.keys,
        cpu_seconds("save_load") - before,
        loaded.keys as f64 / seconds / 1e6
    );
    if std::env::var_os("KEEP").is_none() {
        std::fs::remove_file(config.path()).expect("the file");
    }
}
