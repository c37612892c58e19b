//! Lock sets and the gate around real tables, under thousands of schedules: whoever holds a set of stripes is alone with them, whoever
//! holds the gate exclusively is alone with everything, and nobody waits for ever.
//!
//! `cargo test -p keyspace --features shuttle --test locks_shuttle`, or `cargo xtask test --only model`; empty without the feature.
//! `EVENKEEL_ROUNDS` makes it longer. A failure prints its schedule, which `shuttle::replay` takes.
//!
//! The keys are accounts. A transfer reads all of its accounts, lets the scheduler go elsewhere, and only then writes what it read plus and minus
//! something; so two that are inside the same stripe at once lose a change, and the sum says so.

#![cfg(feature = "shuttle")]

use std::sync::Arc;

use keyspace::{Access, Entry, Keyspace, NewValue, Options, ValueRef, WorkerId};
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;
use value::StrRef;

const ACCOUNTS: u32 = 6;
const WORKERS: usize = 3;
const START: i64 = 100;

fn rounds(default: usize) -> usize {
    std::env::var("EVENKEEL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn name(account: u32) -> Vec<u8> {
    format!("account:{account}").into_bytes()
}

fn get(access: &Access<'_>, account: u32) -> i64 {
    match access.get(0, access.keyspace().key(&name(account))).map(|view| view.value) {
        Some(ValueRef::String(StrRef::Int(sum))) => sum,
        other => panic!("account {account} holds {other:?}"),
    }
}

fn put(access: &mut Access<'_>, account: u32, sum: i64) {
    let name = name(account);
    let key = access.keyspace().key(&name);
    match access.entry(0, key) {
        Entry::Occupied(mut entry) => entry.set_value(NewValue::Int(sum)),
        Entry::Vacant(entry) => drop(entry.insert(NewValue::Int(sum), None, 0)),
    }
}

/// Moves money among three accounts, with the others looking for a gap.
fn transfer(access: &mut Access<'_>, accounts: [u32; 3]) {
    let [a, b, c] = accounts.map(|account| get(access, account));
    thread::yield_now();
    if accounts[0] != accounts[1] && accounts[1] != accounts[2] && accounts[0] != accounts[2] {
        put(access, accounts[0], a - 2);
        thread::yield_now();
        put(access, accounts[1], b + 1);
        put(access, accounts[2], c + 1);
    }
}

fn any() -> u32 {
    thread_rng().gen_range(0..ACCOUNTS)
}

fn sum(access: &Access<'_>) -> i64 {
    (0..ACCOUNTS)
        .map(|account| {
            thread::yield_now();
            get(access, account)
        })
        .sum()
}

fn hashes(keyspace: &Keyspace, accounts: &[u32]) -> Vec<keyspace::KeyHash> {
    accounts.iter().map(|&account| keyspace.hash(&name(account))).collect()
}

/// One thing that a command or a reactor does.
fn act(keyspace: &Keyspace, worker: WorkerId, careless: bool) {
    let all: Vec<u32> = (0..ACCOUNTS).collect();
    match thread_rng().gen_range(0..8) {
        0..4 => {
            let accounts = [any(), any(), any()];
            let mut inside = keyspace.enter(worker);
            if careless {
                // The canary: each account under its own lock, one after the other.
                for (account, change) in [(accounts[0], -1), (accounts[1], 1)] {
                    let read = get(&inside.lock_key(keyspace.hash(&name(account))), account);
                    put(&mut inside.lock_key(keyspace.hash(&name(account))), account, read + change);
                }
            } else {
                transfer(&mut inside.lock_keys(hashes(keyspace, &accounts).into_iter()), accounts);
            }
        }
        4 => {
            let mut access = keyspace.exclusive(worker);
            assert_eq!(sum(&access), START * i64::from(ACCOUNTS), "seen with the gate held");
            transfer(&mut access, [any(), any(), any()]);
        }
        5 => {
            let mut inside = keyspace.enter(worker);
            let access = inside.lock_keys(hashes(keyspace, &all).into_iter());
            assert_eq!(sum(&access), START * i64::from(ACCOUNTS), "seen with all stripes held");
        }
        6 => {
            // A command in slices: stripe after stripe, and the gate for whoever waits in between.
            let mut inside = keyspace.enter(worker);
            let mut access = inside.lock_none();
            let mut met = 0;
            for stripe in 0..keyspace.stripes() {
                access.hold_only(stripe);
                thread::yield_now();
                access.walk(0, stripe, 0, usize::MAX, |_| met += 1);
            }
            assert_eq!(met, ACCOUNTS, "accounts are never removed");
        }
        _ => {
            let mut access = keyspace.enter_alone(worker);
            transfer(&mut access.lock_none(), [any(), any(), any()]);
        }
    }
}

fn program(careless: bool) {
    let keyspace = Arc::new(Keyspace::new(Options { stripes: 4, databases: 1, workers: WORKERS }));
    {
        let mut access = keyspace.exclusive(WorkerId(0));
        (0..ACCOUNTS).for_each(|account| put(&mut access, account, START));
    }
    let threads: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let keyspace = Arc::clone(&keyspace);
            thread::spawn(move || (0..3).for_each(|_| act(&keyspace, WorkerId(worker), careless)))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no act panics"));
    let access = keyspace.exclusive(WorkerId(0));
    assert_eq!(sum(&access), START * i64::from(ACCOUNTS), "at the end");
}

#[test]
fn who_holds_stripes_is_alone_with_them() {
    shuttle::check_random(|| program(false), rounds(3000));
}

/// Few switches at the worst places, instead of many anywhere.
#[test]
fn who_holds_stripes_is_alone_with_them_pct() {
    shuttle::check_pct(|| program(false), rounds(2000), 3);
}

/// The canary: a transfer without a lock set must be found out.
#[test]
fn carelessness_is_found() {
    let found = std::panic::catch_unwind(|| shuttle::check_random(|| program(true), 3000));
    assert!(found.is_err());
}
