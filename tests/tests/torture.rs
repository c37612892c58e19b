//! Kill -9 at any moment: what was saved is there, whole, and nothing else.
//!
//! `EVENKEEL_TORTURE_SECONDS` makes it longer than its default of ten seconds.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use system_tests::{Client, Random, Server, ServerOptions, server};

const KEYS: usize = 20;
const PADDING: usize = 20_000;

fn start(dir: &Path) -> Server {
    ServerOptions::new(server::ours().unwrap()).dir(dir).args("--io-threads 2").start().unwrap()
}

/// Writes one generation to all keys in one command.
fn write_generation(client: &mut Client, generation: u64) {
    let padding = "p".repeat(PADDING);
    let mut words = vec!["MSET".to_string()];
    for key in 0..KEYS {
        words.extend([format!("key:{key}"), format!("{generation}:{padding}")]);
    }
    assert_eq!(client.call(&words).unwrap().text(), "OK");
}

/// The generation that a server holds; panics unless all keys have the same.
fn generation_of(server: &Server) -> u64 {
    let mut client = server.client();
    let words: Vec<String> =
        std::iter::once("MGET".to_string()).chain((0..KEYS).map(|key| format!("key:{key}"))).collect();
    let reply = client.call(&words).unwrap();
    let found: Vec<u64> = reply
        .items()
        .iter()
        .map(|item| item.text().split(':').next().and_then(|text| text.parse().ok()).unwrap_or(0))
        .collect();
    assert!(found.iter().all(|generation| *generation == found[0]), "torn: {found:?}");
    found[0]
}

#[test]
fn killed_at_any_moment() {
    let seconds =
        std::env::var("EVENKEEL_TORTURE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let seed = Random::seed();
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let dir = server::fresh_dir().unwrap();
    let until = Instant::now() + Duration::from_secs(seconds);
    let (mut generation, mut saved, mut rounds) = (0, 0, 0);
    while Instant::now() < until {
        let mut server = start(&dir);
        let found = generation_of(&server);
        assert!(
            found >= saved && found <= generation,
            "round {rounds}: has {found}, saved {saved}, written {generation}"
        );
        // What is on disk after a restart counts as saved from now on.
        saved = found;
        let kill_after = Duration::from_micros(random.below(60_000));
        let mut client = server.client();
        let begin = Instant::now();
        while begin.elapsed() < kill_after {
            generation += 1;
            write_generation(&mut client, generation);
            match random.below(4) {
                0 => {
                    // Refused only while a background save is running.
                    let reply = client.run("SAVE");
                    match reply.is_error() {
                        true => assert_eq!(reply.text(), "ERR Background save already in progress"),
                        false => saved = generation,
                    }
                }
                1 => {
                    client.run("BGSAVE");
                }
                _ => {}
            }
        }
        // Often in the middle of a save.
        client.run("BGSAVE");
        std::thread::sleep(Duration::from_micros(random.below(5000)));
        server.kill();
        rounds += 1;
    }
    let left = fs::read_dir(&dir).unwrap().count();
    println!("{rounds} kills, {generation} generations, {left} files left");
    assert!(rounds > 5);
    fs::remove_dir_all(&dir).unwrap();
}
