//! The gate under loom: every interleaving, and every reordering that the memory model allows, of a few threads at it.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release -p keyspace --test gate_loom --target-dir target/loom`, or `cargo xtask test --only gate`;
//! empty without that flag.
//!
//! What the gate protects is stood for by one cell for each worker: a worker touches its own while it is inside, an exclusive
//! entry touches all. Loom reports two accesses to a cell of which none happens before the other, and threads that wait for ever.
//! Bound: [`PREEMPTIONS`] switches away from a thread that could go on, in any one execution; blocking and yielding are free.

#![cfg(loom)]

use keyspace::{Gate, WorkerId};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

/// Four take some ten seconds. Three have found each of these faults when it was put in: an entry without its fence, an
/// exit without release, an exclusive entry that does not wait for its turn, or a fall of the flag that wakes nobody.
const PREEMPTIONS: usize = 4;

/// The gate and what it protects.
struct World {
    gate: Gate,
    cells: Vec<UnsafeCell<u32>>,
}

// SAFETY: whether access to the cells is exclusive is what the models find out; loom tracks every access.
unsafe impl Sync for World {}
// SAFETY: as above.
unsafe impl Send for World {}

impl World {
    fn new(workers: usize) -> Arc<World> {
        Arc::new(World {
            gate: Gate::new(workers),
            cells: (0..workers).map(|_| UnsafeCell::new(0)).collect(),
        })
    }

    /// Counts one up in a worker's own cell; the worker is inside.
    fn touch(&self, worker: usize) {
        // SAFETY: a data race is reported by loom before the pointer is used.
        self.cells[worker].with_mut(|cell| unsafe { *cell += 1 });
    }

    fn work(&self, worker: usize) {
        let _inside = self.gate.enter(WorkerId(worker));
        self.touch(worker);
    }

    fn alone(&self) {
        let _alone = self.gate.enter_exclusive();
        (0..self.cells.len()).for_each(|worker| self.touch(worker));
    }

    /// What the cells have been counted up to.
    fn counts(&self) -> Vec<u32> {
        let _alone = self.gate.enter_exclusive();
        // SAFETY: as in `touch`.
        self.cells.iter().map(|cell| cell.with(|cell| unsafe { *cell })).collect()
    }
}

fn model(run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(run);
}

fn spawn(world: &Arc<World>, run: impl FnOnce(&World) + 'static) -> thread::JoinHandle<()> {
    let world = Arc::clone(world);
    thread::spawn(move || run(&world))
}

#[test]
fn a_worker_and_an_exclusive_entry() {
    model(|| {
        let world = World::new(1);
        let worker = spawn(&world, |world| {
            world.work(0);
            world.work(0);
        });
        world.alone();
        worker.join().unwrap();
        assert_eq!(world.counts(), [3]);
    });
}

#[test]
fn two_workers_and_an_exclusive_entry() {
    model(|| {
        let world = World::new(2);
        let workers = [0, 1].map(|worker| spawn(&world, move |world| world.work(worker)));
        world.alone();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        assert_eq!(world.counts(), [2, 2]);
    });
}

#[test]
fn two_exclusive_entries_and_a_worker() {
    model(|| {
        let world = World::new(1);
        let other = spawn(&world, World::alone);
        let worker = spawn(&world, |world| world.work(0));
        world.alone();
        other.join().unwrap();
        worker.join().unwrap();
        assert_eq!(world.counts(), [3]);
    });
}

#[test]
fn a_worker_that_lets_an_exclusive_entry_pass() {
    model(|| {
        let world = World::new(1);
        let worker = spawn(&world, |world| {
            let inside = world.gate.enter(WorkerId(0));
            world.touch(0);
            if world.gate.is_wanted() {
                world.gate.yield_shared(WorkerId(0));
            }
            world.touch(0);
            drop(inside);
            world.work(0);
        });
        world.alone();
        worker.join().unwrap();
        assert_eq!(world.counts(), [4]);
    });
}

/// As a reactor does: what a worker sees inside is what the last exclusive entry left.
#[test]
fn what_an_exclusive_entry_did_is_seen_by_all_who_enter_later() {
    model(|| {
        let world = World::new(2);
        let other = spawn(&world, World::alone);
        let seen = {
            let _inside = world.gate.enter(WorkerId(1));
            // SAFETY: as in `touch`. Both cells may be read here, since nobody else is inside but perhaps the other entry, alone.
            [0, 1].map(|cell: usize| world.cells[cell].with(|cell| unsafe { *cell }))
        };
        assert_eq!(seen[0], seen[1], "half of an exclusive entry's work was seen");
        other.join().unwrap();
    });
}

/// As an index's blocks are given up: the owner publishes another one, notes who is inside, and destroys the former when they have left.
#[test]
fn what_is_given_up_after_a_stamp_is_looked_at_by_nobody() {
    model(|| {
        let world = World::new(2);
        let published = Arc::new(AtomicUsize::new(0));
        let shown = Arc::clone(&published);
        let looker = spawn(&world, move |world| {
            for _ in 0..2 {
                let _inside = world.gate.enter(WorkerId(1));
                let cell = shown.load(Ordering::Acquire);
                // SAFETY: as in `touch`.
                let _ = world.cells[cell].with(|cell| unsafe { *cell });
            }
        });
        let mut stamp = Vec::new();
        {
            let _inside = world.gate.enter(WorkerId(0));
            published.store(1, Ordering::Release);
            world.gate.stamp(WorkerId(0), &mut stamp);
        }
        if world.gate.have_left(&stamp) {
            world.touch(0);
        }
        looker.join().unwrap();
        assert!(world.gate.have_left(&stamp));
    });
}
