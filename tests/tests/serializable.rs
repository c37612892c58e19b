//! Several clients, a few keys, many threads in the server: some single order must explain all replies.

use std::thread;
use std::time::Instant;

use system_tests::linear::{Ask, Event, KEYS, Told, is_serializable};
use system_tests::{Client, Random, Reply, Server};

const CLIENTS: usize = 5;
const REQUESTS: usize = 400;
const HISTORIES: usize = 15;

#[test]
fn one_order_explains_all_replies() {
    let server = Server::ours_with("--io-threads 4");
    let seed = Random::seed();
    println!("seed {seed}");
    for history in 0..HISTORIES {
        server.client().run("FLUSHALL");
        let clock = Instant::now();
        let events: Vec<Vec<Event>> = thread::scope(|scope| {
            let run = |number: usize| {
                let mut client = server.client();
                let mut random = Random::new(seed ^ (history * CLIENTS + number) as u64);
                move || {
                    (0..REQUESTS).map(|count| one(&mut client, &mut random, number, count, clock)).collect()
                }
            };
            let threads: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(run(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(is_serializable(&events), "history {history} of seed {seed} has no order:\n{events:#?}");
        assert_ne!(server.client().run("DBSIZE").int(), None);
    }
}

fn one(client: &mut Client, random: &mut Random, number: usize, count: usize, clock: Instant) -> Event {
    // Values differ for each request, so that a reply says where it came from; increments stay below the step.
    let value = (((number * REQUESTS + count) as i64) + 1) << 20;
    let key = random.index(KEYS);
    let ask = match random.below(12) {
        0..=2 => Ask::Get(key),
        3 | 4 => Ask::Set(key, value),
        5 => Ask::Swap(key, value),
        6 => Ask::Incr(key),
        7 => Ask::Del(key),
        8 => Ask::GetAll,
        9 => Ask::SetAll(std::array::from_fn(|index| value + index as i64)),
        10 => Ask::SetAllNew(std::array::from_fn(|index| value + index as i64)),
        _ => Ask::Rename(key, (key + 1) % KEYS),
    };
    let words = words(&ask);
    let sent = clock.elapsed().as_nanos() as u64;
    let reply = client.call(&words).unwrap();
    let heard = clock.elapsed().as_nanos() as u64;
    let told = told(&reply).unwrap_or_else(|| panic!("{words:?} was answered {reply:?}"));
    Event { ask, told, sent, heard }
}

fn words(ask: &Ask) -> Vec<String> {
    let key = |index: usize| format!("key{index}");
    let pairs = |values: &[i64; KEYS]| -> Vec<String> {
        values.iter().enumerate().flat_map(|(index, value)| [key(index), value.to_string()]).collect()
    };
    let of = |name: &str, rest: Vec<String>| [vec![name.to_string()], rest].concat();
    match ask {
        Ask::Get(k) => of("GET", vec![key(*k)]),
        Ask::Set(k, value) => of("SET", vec![key(*k), value.to_string()]),
        Ask::Swap(k, value) => of("SET", vec![key(*k), value.to_string(), "GET".into()]),
        Ask::Incr(k) => of("INCR", vec![key(*k)]),
        Ask::Del(k) => of("DEL", vec![key(*k)]),
        Ask::GetAll => of("MGET", (0..KEYS).map(key).collect()),
        Ask::SetAll(values) => of("MSET", pairs(values)),
        Ask::SetAllNew(values) => of("MSETNX", pairs(values)),
        Ask::Rename(from, to) => of("RENAME", vec![key(*from), key(*to)]),
    }
}

fn told(reply: &Reply) -> Option<Told> {
    let value = |reply: &Reply| match reply {
        Reply::Nil => Some(None),
        Reply::Bulk(bytes) => Some(std::str::from_utf8(bytes).ok()?.parse().ok()),
        _ => None,
    };
    match reply {
        Reply::Simple(_) => Some(Told::Done),
        Reply::Int(number) => Some(Told::Number(*number)),
        Reply::Error(text) => text.starts_with(b"ERR no such key").then_some(Told::Refused),
        Reply::Array(items) => {
            let values: Option<Vec<Option<i64>>> = items.iter().map(value).collect();
            Some(Told::Values(values?.try_into().ok()?))
        }
        other => value(other).map(Told::Value),
    }
}
