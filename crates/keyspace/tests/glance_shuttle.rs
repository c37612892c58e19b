//! Glances at an index without its lock, under thousands of schedules, while others fill, empty and flush it: what counts as a sighting is what a
//! search under the lock finds, and nobody looks at a block that was given back.
//!
//! `cargo test -p keyspace --features shuttle --test glance_shuttle`, or `cargo xtask test --only model`; empty without the feature.
//! `EVENKEEL_ROUNDS` makes it longer. Blocks of indexes that are given back in such a build are overwritten and not used again, and a
//! glance that meets one panics (`crates/keyspace/src/index/glance.rs`).
//!
//! One stripe, so that all meet there. Buckets have eight slots, so two dozen keys make the segment grow several times, and their removal shrink
//! and forget it; with [`SPLIT`] keys there before, it is cut in two, and the directory becomes longer.

#![cfg(feature = "shuttle")]

use std::sync::Arc;

use keyspace::{Access, Entry, Expected, Keyspace, NewValue, Options, ValueRef, WorkerId};
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;
use value::StrRef;

const WORKERS: usize = 3;

/// So many keys that a dozen more split the segment.
const SPLIT: u32 = 930;

fn rounds(default: usize) -> usize {
    std::env::var("EVENKEEL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn name(number: u32) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

/// Gives a key a value, longer or shorter than the former, so that its entry moves.
fn put(access: &mut Access<'_>, number: u32, turn: u32) {
    let (name, value) = (name(number), "x".repeat(turn as usize * 40 % 300));
    let value = format!("{number}:{turn}:{value}").into_bytes();
    let key = access.keyspace().key(&name);
    match access.entry(0, key) {
        Entry::Occupied(mut entry) => entry.set_value(NewValue::Bytes(&value)),
        Entry::Vacant(entry) => drop(entry.insert(NewValue::Bytes(&value), None, 0)),
    }
}

fn remove(access: &mut Access<'_>, number: u32) {
    let name = name(number);
    if let Entry::Occupied(entry) = access.entry(0, access.keyspace().key(&name)) {
        entry.remove();
    }
}

fn text(value: ValueRef<'_>) -> Vec<u8> {
    match value {
        ValueRef::String(StrRef::Bytes(bytes)) => bytes.to_vec(),
        other => panic!("a key holds {other:?}"),
    }
}

/// A batch of searches, as a reactor makes them: glances at all keys, then a search for each under its lock. Returns how many were seen.
fn batch(keyspace: &Keyspace, worker: WorkerId, numbers: &[u32]) -> u32 {
    let names: Vec<_> = numbers.iter().map(|&number| name(number)).collect();
    let mut inside = keyspace.enter(worker);
    let mut keys: Vec<_> = names.iter().map(|name| Expected::new(0, keyspace.hash(name))).collect();
    inside.prefetch(&mut keys);
    let mut seen = 0;
    for (name, expected) in names.iter().zip(&keys) {
        let key = keyspace.key(name);
        let access = inside.lock_key(keyspace.hash(name));
        let found = access.get(0, key.seen(expected.seen())).map(|view| text(view.value));
        assert_eq!(found, access.get(0, key).map(|view| text(view.value)), "{}", name.escape_ascii());
        assert!(found.is_none_or(|text| text.starts_with(&[&name[4..], b":"].concat())));
        seen += u32::from(expected.seen().is_some());
    }
    seen
}

/// One thing that somebody does with the keys from `first` on.
fn act(keyspace: &Keyspace, worker: WorkerId, first: u32) {
    let random = |below: u32| first + thread_rng().gen_range(0..below);
    match thread_rng().gen_range(0..12) {
        0..2 => assert!(batch(keyspace, worker, &[random(24), random(24), random(24)]) <= 3),
        2..4 => (0..3).for_each(|_| assert!(batch(keyspace, worker, &[random(2)]) <= 1)),
        9..11 => {
            // Few keys that change often.
            let mut inside = keyspace.enter(worker);
            for turn in 0..6 {
                let number = random(2);
                put(&mut inside.lock_key(keyspace.hash(&name(number))), number, turn);
            }
        }
        4..7 => {
            let turn = thread_rng().gen_range(0..9);
            let mut inside = keyspace.enter(worker);
            for number in first..first + 24 {
                put(&mut inside.lock_key(keyspace.hash(&name(number))), number, turn);
            }
        }
        7..9 => {
            let mut inside = keyspace.enter(worker);
            for number in first..first + 24 {
                remove(&mut inside.lock_key(keyspace.hash(&name(number))), number);
            }
        }
        _ if first == 0 => drop(keyspace.exclusive(worker).flush(0)),
        _ => {}
    }
}

fn program(first: u32) {
    let keyspace = Arc::new(Keyspace::new(Options { stripes: 1, databases: 1, workers: WORKERS }));
    {
        let mut access = keyspace.exclusive(WorkerId(0));
        (0..first).for_each(|number| put(&mut access, number, 1));
    }
    let threads: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let keyspace = Arc::clone(&keyspace);
            thread::spawn(move || (0..3).for_each(|_| act(&keyspace, WorkerId(worker), first)))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no act panics"));
    // When nobody changes anything, what is there is seen.
    {
        let mut access = keyspace.exclusive(WorkerId(0));
        access.flush(0);
        put(&mut access, first, 2);
    }
    assert_eq!(batch(&keyspace, WorkerId(0), &[first]), 1);
    // One that is absent is seen too if it has the tag of one that is there.
    assert!((1..=2).contains(&batch(&keyspace, WorkerId(0), &[first, first + 1])));
}

#[test]
fn glances_at_an_index_that_comes_and_goes() {
    shuttle::check_random(|| program(0), rounds(3000));
}

/// Few switches at the worst places, instead of many anywhere.
#[test]
fn glances_at_an_index_that_comes_and_goes_pct() {
    shuttle::check_pct(|| program(0), rounds(2000), 3);
}

#[test]
fn glances_at_a_segment_that_is_split_and_merged() {
    shuttle::check_random(|| program(SPLIT), rounds(300));
}
