//! The stream of effects is the data: whoever applies it to an image taken at a cut has, at any later offset, the same data.
//!
//! ```text
//!  clients ──> reactors of server A ──> keyspace A          keyspace B <── one reactor of server B
//!   (writers.rs)          └── effects ──> log ──> reader ──> replayer ──────────┘
//!                                                           (replayer.rs)
//! ```
//! At sampled moments the gate of A is held exclusively: its data and the log's end are noted. When the replayer has applied exactly so
//! much, B's data must be the same: keys, values, deadlines. Every request of the stream must succeed on B, and transactions must be well
//! formed. New rounds begin with new readers, at cuts while clients write. A canary drops one effect and must be found out.
//!
//! `EVENKEEL_SECONDS` makes it longer, `EVENKEEL_SEED` repeats what clients send (their threads' order stays the system's).

mod replayer;
mod server;
mod writers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::Flags;

use crate::replayer::{Replayer, Sample};
use crate::server::{Server, encode, image};
use crate::writers::Writers;

/// Time between two samples.
const BETWEEN: Duration = Duration::from_millis(60);
/// How long a round lasts from its cut on.
const ROUND: Duration = Duration::from_millis(700);

/// What a run has seen.
#[derive(Default)]
struct Seen {
    samples: usize,
    effects: u64,
    transactions: u64,
}

/// Clients write to a server of so many reactors for a while, and the stream is followed; `drop_one`: the canary.
fn follow(reactors: usize, clients: usize, time: Duration, drop_one: bool) -> Result<Seen, String> {
    let seed = std::env::var("EVENKEEL_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}, {reactors} reactors");
    let server = Server::start(reactors, false);
    let lag = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let writers = Writers::start(&server, clients, seed, &lag, &stop);
    let mut seen = Seen::default();
    let begin = Instant::now();
    let mut result = Ok(());
    while result.is_ok() && (begin.elapsed() < time || (drop_one && begin.elapsed() < 20 * time)) {
        result = round(&server, &lag, &mut seen, drop_one);
    }
    stop.store(true, Ordering::Relaxed);
    writers.join();
    result.map(|()| seen)
}

/// A reader that begins at a cut, and samples while it follows.
fn round(server: &Server, lag: &Arc<AtomicU64>, seen: &mut Seen, drop_one: bool) -> Result<(), String> {
    let engine = &server.engine;
    let (replayer, samples) = {
        let access = engine.keyspace.exclusive(server.outsider());
        let reader = engine.log.reader();
        let image = image(&access);
        drop(access);
        Replayer::start(&engine.log, reader, image, Arc::clone(lag), drop_one)
    };
    if drop_one {
        // In a database that no client uses, so that nothing hides it but FLUSHALL.
        let (mut client, mut requests) = (server.connect(0), Vec::new());
        [&["SELECT", "9"], &["INCR", "canary"]].iter().for_each(|words| encode(&mut requests, *words));
        client.send(&requests);
        assert_eq!((client.reply(), client.reply()[0]), (b"+OK".to_vec(), b':'));
    }
    let begin = Instant::now();
    while begin.elapsed() < ROUND && !replayer.has_ended() {
        std::thread::sleep(BETWEEN);
        let access = engine.keyspace.exclusive(server.outsider());
        // Handed over while nobody can write, so that the replayer cannot have read beyond.
        samples.send(Sample { offset: engine.log.end(), image: image(&access) });
        seen.samples += 1;
    }
    samples.end();
    let counts = replayer.join()?;
    lag.store(0, Ordering::Relaxed);
    seen.effects += counts.effects;
    seen.transactions += counts.transactions;
    Ok(())
}

fn seconds(default: u64) -> Duration {
    let seconds = std::env::var("EVENKEEL_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(default))
}

#[test]
fn the_stream_makes_the_same_data_with_several_reactors() {
    let seen = follow(3, 6, seconds(5), false).unwrap_or_else(|text| panic!("{text}"));
    println!("{} samples, {} effects, {} transactions", seen.samples, seen.effects, seen.transactions);
    assert!(seen.samples >= 20 && seen.effects > 5_000 && seen.transactions > 20);
}

#[test]
fn the_stream_makes_the_same_data_with_one_reactor() {
    let seen = follow(1, 3, seconds(2), false).unwrap_or_else(|text| panic!("{text}"));
    println!("{} samples, {} effects, {} transactions", seen.samples, seen.effects, seen.transactions);
    assert!(seen.samples >= 5 && seen.effects > 1_000 && seen.transactions > 5);
}

/// The canary: an effect that does not arrive is noticed at the next sample.
#[test]
fn a_lost_effect_is_found() {
    let found = follow(2, 4, seconds(2), true).err().expect("one effect was dropped");
    println!("{found}");
    assert!(found.contains("the data differ"), "{found}");
}

/// Whoever adds a command that writes adds it to what the clients send.
#[test]
fn clients_send_every_command_that_writes() {
    let sent = writers::names();
    for command in commands::all() {
        let writes = command.flags.has(Flags::WRITE) || command.flags.has(Flags::MAY_REPLICATE);
        assert!(!writes || sent.contains(command.name), "{} is not sent", command.name);
    }
}
