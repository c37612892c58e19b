//! Measures how requests per second grow with the number of reactors when no load and no kernel stand in the way.
//!
//! `cargo run --profile dist -p commands --example measure_scaling [rounds [milliseconds [keys]]]`. Each thread is a reactor on a core
//! of its own whose input is made up beforehand: in each turn 16 requests from each of 8 connections, keys drawn from all. They take
//! the whole way from the receive buffer to the output, which is thrown away; only the socket calls are missing.
//!
//! All counts of reactors work on the same keys, in turn, and medians over the rounds are printed:
//! ```text
//! COMMANDS THREADS   requests/s  ratio   nanoseconds  ratio   ratio  ratio
//!                    (by the clock)      (of CPU, each)       (apart: by the clock, by CPU)
//! ```
//! One reactor is alone with the data, takes no locks, and is what the others are compared with; `1+` is one of several, which does,
//! while the others have nothing to do. `apart` is for as many threads that
//! share nothing, each alone with keys of its own: what the machine itself gives. What else runs on the machine spoils figures by the
//! clock; those by CPU time (requests per second of it, times the threads) miss only what threads wait asleep.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use engine::{CommandTable, Engine, Worker};
use keyspace::{Keyspace, Options, WorkerId};
use net::ClosedLoop;

#[global_allocator]
static ALLOCATOR: keyspace::Allocator = keyspace::Allocator;

/// Connections of each reactor.
const CONNECTIONS: usize = 8;
/// Requests of each connection in a turn.
const PIPELINE: usize = 16;
/// Bytes of a value.
const VALUE_BYTES: usize = 64;
/// Turns prepared for each thread: some MB of requests, so that they are not found in the cache.
const TURNS: usize = 512;
/// Most threads, as the server's default has it.
const THREADS_MAX: usize = 8;
/// Time for the background to join pages and to give back what filling left over.
const SETTLE: Duration = Duration::from_secs(3);

#[derive(Clone, Copy)]
enum Mix {
    Get,
    Set,
    Half,
}

impl Mix {
    fn name(self) -> &'static str {
        match self {
            Mix::Get => "GET",
            Mix::Set => "SET",
            Mix::Half => "GET+SET",
        }
    }

    fn is_set(self, random: &mut fastrand::Rng) -> bool {
        match self {
            Mix::Get => false,
            Mix::Set => true,
            Mix::Half => random.bool(),
        }
    }
}

/// The input of a turn, connection by connection, and the bytes of the replies that it must get.
struct Turn {
    bytes: Vec<u8>,
    ends: [usize; CONNECTIONS],
    reply_bytes: usize,
}

impl Turn {
    /// `next` says for each request whether it is a SET, and of which key.
    fn new(random: &mut fastrand::Rng, mut next: impl FnMut(&mut fastrand::Rng) -> (bool, u64)) -> Turn {
        let mut turn = Turn { bytes: Vec::new(), ends: [0; CONNECTIONS], reply_bytes: 0 };
        for connection in 0..CONNECTIONS {
            for _ in 0..PIPELINE {
                let (is_set, index) = next(random);
                let key = key(index);
                if is_set {
                    let value: [u8; VALUE_BYTES] = std::array::from_fn(|_| random.alphanumeric() as u8);
                    append(&mut turn.bytes, &[b"SET", key.as_bytes(), &value]);
                    turn.reply_bytes += "+OK\r\n".len();
                } else {
                    append(&mut turn.bytes, &[b"GET", key.as_bytes()]);
                    turn.reply_bytes += "$64\r\n\r\n".len() + VALUE_BYTES;
                }
            }
            turn.ends[connection] = turn.bytes.len();
        }
        turn
    }

    fn inputs(&self) -> [&[u8]; CONNECTIONS] {
        std::array::from_fn(|index| {
            let from = index.checked_sub(1).map_or(0, |former| self.ends[former]);
            &self.bytes[from..self.ends[index]]
        })
    }
}

/// 16 bytes.
fn key(index: u64) -> String {
    // An odd factor, so that no two indices meet.
    format!("{:016x}", index.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn append(out: &mut Vec<u8>, args: &[&[u8]]) {
    let mut writer = resp::Writer { out, protocol: resp::Protocol::Resp2 };
    writer.array(args.len());
    args.iter().for_each(|arg| writer.bulk(arg));
}

fn keyspace(workers: usize) -> Arc<Keyspace> {
    Arc::new(Keyspace::new(Options { stripes: 1024, databases: 16, workers }))
}

fn engine(keyspace: Arc<Keyspace>, reactors: usize) -> Arc<Engine> {
    let loaded = config::Loader::load(None, None, b"").expect("the defaults are sound");
    let live = Arc::new(config::Live::new(loaded));
    Arc::new(Engine::new(keyspace, live, CommandTable::new(commands::all()), reactors))
}

fn reactor(engine: &Arc<Engine>, id: usize) -> ClosedLoop<Worker> {
    let worker = Worker::new(Arc::clone(engine), WorkerId(id));
    let reactor = ClosedLoop::new(worker, CONNECTIONS).expect("enough descriptors");
    engine.workers[id].mailbox.attach(reactor.handle());
    reactor
}

fn fill(engine: &Arc<Engine>, keys: u64) {
    let mut reactor = reactor(engine, 0);
    let mut random = fastrand::Rng::with_seed(1);
    let mut index = 0;
    while index < keys {
        let turn = Turn::new(&mut random, |_| {
            index += 1;
            (true, (index - 1) % keys)
        });
        reactor.turn(&turn.inputs());
    }
}

fn pin(core: usize) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(core);
    // Refused only where the core is not ours; then the run is merely less steady.
    let _ = rustix::thread::sched_setaffinity(None, &set);
}

/// What reactors did together.
#[derive(Clone, Copy, Default)]
struct Rate {
    /// Requests per second.
    by_clock: f64,
    /// Requests per second of CPU time, of each reactor, added up.
    by_cpu: f64,
}

impl std::iter::Sum for Rate {
    fn sum<I: Iterator<Item = Rate>>(rates: I) -> Rate {
        rates.fold(Rate::default(), |sum, rate| Rate {
            by_clock: sum.by_clock + rate.by_clock,
            by_cpu: sum.by_cpu + rate.by_cpu,
        })
    }
}

/// CPU time of this thread so far in seconds.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// What these reactors do together, each the engine's reactor of that number.
fn run(reactors: &[(Arc<Engine>, usize)], mix: Mix, keys: u64, time: Duration) -> Rate {
    let (ready, stop) = (Barrier::new(reactors.len() + 1), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for (core, (engine, id)) in reactors.iter().enumerate() {
            let (ready, stop) = (&ready, &stop);
            threads.push(scope.spawn(move || {
                pin(core);
                let mut random = fastrand::Rng::with_seed(core as u64 + 2);
                let turns: Vec<Turn> = (0..TURNS)
                    .map(|_| Turn::new(&mut random, |random| (mix.is_set(random), random.u64(..keys))))
                    .collect();
                let mut reactor = reactor(engine, *id);
                ready.wait();
                let (begin, cpu, mut count) = (Instant::now(), cpu_seconds(), 0);
                for turn in turns.iter().cycle() {
                    let replied = reactor.turn(&turn.inputs());
                    assert_eq!(replied, turn.reply_bytes, "every request gets its reply");
                    count += (CONNECTIONS * PIPELINE) as u32;
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
                Rate {
                    by_clock: f64::from(count) / begin.elapsed().as_secs_f64(),
                    by_cpu: f64::from(count) / (cpu_seconds() - cpu),
                }
            }));
        }
        ready.wait();
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().map(|thread| thread.join().expect("a reactor that runs")).sum()
    })
}

fn median(rates: &[Rate]) -> Rate {
    let of = |figure: fn(&Rate) -> f64| {
        let mut values: Vec<f64> = rates.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    Rate { by_clock: of(|rate| rate.by_clock), by_cpu: of(|rate| rate.by_cpu) }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().ok());
    let mut number = |default| arguments.next().flatten().unwrap_or(default).max(1);
    let (rounds, time, keys) = (number(5), Duration::from_millis(number(1000)), number(1_000_000));
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get()).min(THREADS_MAX);
    let counts: Vec<usize> = (1..=cores).filter(|n| n.is_power_of_two() || *n == cores).collect();

    // As the server does.
    keyspace::set_background_thread(true);
    keyspace::huge::set(true);
    let shared = keyspace(cores);
    let together: Vec<Arc<Engine>> = counts.iter().map(|n| engine(Arc::clone(&shared), *n)).collect();
    let mut apart = vec![Arc::clone(&together[0])];
    apart.extend((1..cores).map(|_| engine(keyspace(1), 1)));
    apart.iter().for_each(|engine| fill(engine, keys));
    std::thread::sleep(SETTLE);

    // Label, engine, how many of its reactors run.
    let mut cases = vec![("1".to_string(), &together[0], 1)];
    if let [_, .., largest] = &together[..] {
        cases.push(("1+".to_string(), largest, 1));
    }
    cases.extend(counts.iter().zip(&together).skip(1).map(|(n, engine)| (n.to_string(), engine, *n)));
    for mix in [Mix::Get, Mix::Set, Mix::Half] {
        let mut rates = vec![(Vec::new(), Vec::new()); cases.len()];
        for _ in 0..rounds {
            for ((_, engine, count), rates) in cases.iter().zip(&mut rates) {
                let reactors: Vec<_> = (0..*count).map(|id| (Arc::clone(engine), id)).collect();
                rates.0.push(run(&reactors, mix, keys, time));
                let alone: Vec<_> = apart[..*count].iter().map(|engine| (Arc::clone(engine), 0)).collect();
                rates.1.push(run(&alone, mix, keys, time));
            }
        }
        let medians: Vec<_> =
            rates.iter().map(|(together, apart)| (median(together), median(apart))).collect();
        let (first, first_apart) = medians[0];
        for ((label, _, count), (together, apart)) in cases.iter().zip(&medians) {
            println!(
                "{} {label} {:.0} {:.2} {:.0} {:.2} {:.2} {:.2}",
                mix.name(),
                together.by_clock,
                together.by_clock / first.by_clock,
                1e9 * *count as f64 / together.by_cpu,
                together.by_cpu / first.by_cpu,
                apart.by_clock / first_apart.by_clock,
                apart.by_cpu / first_apart.by_cpu,
            );
        }
    }
}
