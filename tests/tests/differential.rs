//! The differential test: our server (or `EVENKEEL_SERVER`) against a reference (`EVENKEEL_ORACLE`).
//!
//! `EVENKEEL_SEED` repeats a run, `EVENKEEL_ROUNDS` makes it longer, `EVENKEEL_ONLY` limits it to commands
//! that start with one of these words, separated by commas. `EVENKEEL_OPTIONS` is given to both servers (`--set-max-listpack-entries 4`).

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use system_tests::oracle::Oracle;
use system_tests::{Random, Server, ServerOptions, server};

const ROUND_REQUESTS: usize = 400;
/// Stop looking after so many different ones.
const DIFFERENCES_MAX: usize = 25;

/// Limits that collections pass soon, of those that every reference has.
const LOW: &str = "--hash-max-listpack-entries 4 --zset-max-listpack-entries 4 --set-max-intset-entries 6 \
    --list-max-listpack-size 3 --stream-node-max-entries 3 --hll-sparse-max-bytes 200";

fn start(binary: std::path::PathBuf) -> Server {
    start_with(binary, &std::env::var("EVENKEEL_OPTIONS").unwrap_or_default())
}

fn start_with(binary: std::path::PathBuf, options: &str) -> Server {
    ServerOptions::new(binary).args("--enable-debug-command yes").args(options).start().unwrap()
}

fn rounds() -> u64 {
    std::env::var("EVENKEEL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(150)
}

#[test]
fn replies_equal_those_of_the_reference() {
    compare(start(server::ours().unwrap()), start(server::reference().unwrap()), rounds());
}

#[test]
fn replies_equal_where_collections_are_large_soon() {
    let start = |binary| start_with(binary, LOW);
    compare(start(server::ours().unwrap()), start(server::reference().unwrap()), rounds() / 3);
}

fn compare(ours: Server, reference: Server, rounds: u64) {
    let mut oracle =
        Oracle::new(ours.addr(), reference.addr(), std::env::var_os("EVENKEEL_ORACLE_SHARED").is_none())
            .unwrap();
    if let Ok(prefixes) = std::env::var("EVENKEEL_ONLY") {
        oracle.only(&prefixes);
    }
    let seed = Random::seed();
    println!("seed {seed}; left out: {:?}", oracle.skipped);
    let mut differences = std::collections::BTreeMap::new();
    for round in 0..rounds {
        if let Some(difference) = oracle.round(seed + round, ROUND_REQUESTS).unwrap() {
            differences.entry(difference.kind()).or_insert(difference);
        }
        if differences.len() == DIFFERENCES_MAX {
            break;
        }
    }
    println!("{} requests compared; excused: {:#?}", oracle.compared, oracle.excused);
    let report: String = differences.values().map(|difference| format!("{difference}\n")).collect();
    assert!(differences.is_empty(), "{} kinds of difference:\n{report}", differences.len());
    assert!(oracle.compared + oracle.parted > rounds * ROUND_REQUESTS as u64 / 2);
}

/// What the oracle calls a difference must not appear between two servers of the same kind.
#[test]
fn the_reference_agrees_with_itself() {
    let (a, b) = (start(server::reference().unwrap()), start(server::reference().unwrap()));
    let mut oracle = Oracle::new(a.addr(), b.addr(), false).unwrap();
    let seed = Random::seed();
    println!("seed {seed}");
    for round in 0..20 {
        if let Some(difference) = oracle.round(seed + round, ROUND_REQUESTS).unwrap() {
            panic!("{difference}");
        }
    }
    assert!(oracle.excused.is_empty(), "{:?}", oracle.excused);
}

/// The canary: a reference behind a proxy that alters one kind of reply must be caught and pinned down.
#[test]
fn an_altered_reply_is_caught() {
    let (a, b) = (start(server::reference().unwrap()), start(server::reference().unwrap()));
    let proxy = altering_proxy(a.addr());
    let mut oracle = Oracle::new(proxy, b.addr(), true).unwrap();
    let difference = (2..50).find_map(|seed| oracle.round(seed * 2 + 1, ROUND_REQUESTS).unwrap());
    let difference = difference.expect("the altered reply was not noticed");
    assert_eq!(difference.reference, b":7\r\n");
    assert_eq!(difference.ours, b":8\r\n");
    assert!(difference.requests.len() <= 5, "not shrunk: {difference}");
}

/// Forwards everything, but turns each reply `:7` into `:8`.
fn altering_proxy(target: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(target).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            thread::spawn(move || alter(server, client));
        }
    });
    addr
}

fn alter(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 65536];
    while let Ok(got @ 1..) = from.read(&mut buffer) {
        if &buffer[..got] == b":7\r\n" {
            buffer[1] = b'8';
        }
        if to.write_all(&buffer[..got]).is_err() {
            return;
        }
    }
}
