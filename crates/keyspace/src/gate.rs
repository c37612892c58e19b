//! The gate: every worker is inside it *shared* while it executes a batch; a rare operation enters *exclusive* and is alone.
//!
//! Protects nothing by itself: inside the gate the stripes' locks still order workers among themselves.
//!
//! ```text
//!  worker i                              exclusive entry
//!  --------                              ---------------
//!  inside[i] += 1, so odd   (SeqCst)     lock `turn`
//!  raised?  --no--> go in                raised = 1          (SeqCst)
//!     |                                  for each i: wait until inside[i] is even
//!    yes                                 ... alone ...
//!  inside[i] += 1; wait for the flag     raised = 0; wake who waits; unlock `turn`
//!  to fall; from the top
//! ```
//! The two SeqCst stores and the loads that follow them cannot both miss each other: either the worker sees the flag, or
//! the exclusive entry sees the worker (the store-buffer case, checked under loom in `tests/gate_loom.rs`).
//!
//! Invariants
//! - G1: while an [`ExclusiveGuard`] lives, no [`SharedGuard`] does, and no other ExclusiveGuard.
//! - G2: a worker uses only its own count, and is not inside when it asks for the exclusive side (it would wait for itself).
//! - G3: when [`Gate::have_left`] says so of a [`Gate::stamp`], then no worker goes on with anything that it began inside before the
//!   stamp, and those who came later see what the stamp's maker had stored.
//!
//! Cost: shared entry is a store, a fence and a load on the worker's own cache line. Exclusive entry is the longest batch in progress.

use crate::sync::{AtomicU32, Condvar, Mutex, Ordering, announce, announced, fence, yield_now};

/// How often a worker has entered and left, odd while it is inside; on a cache line of its own.
#[repr(align(128))]
struct Count(AtomicU32);

fn is_inside(count: u32) -> bool {
    count % 2 == 1
}

/// Which worker asks; each thread that executes commands or walks the keyspace has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerId(pub usize);

/// The gate around a keyspace.
pub struct Gate {
    inside: Box<[Count]>,
    raised: AtomicU32,
    turn: Mutex<()>,
    fallen: Condvar,
}

/// Inside the gate together with other workers, until dropped.
#[must_use]
pub struct SharedGuard<'a> {
    count: &'a AtomicU32,
}

/// Alone inside the gate, until dropped.
#[must_use]
pub struct ExclusiveGuard<'a> {
    gate: &'a Gate,
}

impl Gate {
    /// A gate for `workers` workers.
    pub fn new(workers: usize) -> Gate {
        Gate {
            inside: (0..workers).map(|_| Count(AtomicU32::new(0))).collect(),
            raised: AtomicU32::new(0),
            turn: Mutex::new(()),
            fallen: Condvar::new(),
        }
    }

    /// How many workers the gate knows.
    pub fn workers(&self) -> usize {
        self.inside.len()
    }

    /// Enters shared. Waits while somebody is inside exclusively.
    pub fn enter(&self, worker: WorkerId) -> SharedGuard<'_> {
        let count = &self.inside[worker.0].0;
        let mut before = count.load(Ordering::Relaxed);
        debug_assert!(!is_inside(before), "G2");
        loop {
            announce(count, before.wrapping_add(1));
            if announced(&self.raised) == 0 {
                return SharedGuard { count };
            }
            before = before.wrapping_add(2);
            count.store(before, Ordering::Release);
            self.wait_for_fall();
        }
    }

    /// True when an exclusive entry waits or is inside: a worker in a long batch leaves soon when it sees this.
    pub fn is_wanted(&self) -> bool {
        self.raised.load(Ordering::Relaxed) != 0
    }

    /// Lets an exclusive entry that waits pass, and goes in again: the worker's [`SharedGuard`] lives on. The caller holds no
    /// stripe, and what it knew from before may have changed.
    #[cold]
    pub fn yield_shared(&self, worker: WorkerId) {
        leave(&self.inside[worker.0].0);
        self.wait_for_fall();
        // The guard that lives already will leave.
        std::mem::forget(self.enter(worker));
    }

    #[cold]
    fn wait_for_fall(&self) {
        let mut turn = self.turn.lock();
        while announced(&self.raised) != 0 {
            turn = self.fallen.wait(turn);
        }
    }

    /// Enters exclusively: waits for its turn among exclusive entries, then for every worker to leave. The caller is
    /// not inside (G2).
    pub fn enter_exclusive(&self) -> ExclusiveGuard<'_> {
        // `turn` is given back while waiting for workers: they take it to wait for the flag to fall.
        let mut turn = self.turn.lock();
        while announced(&self.raised) != 0 {
            turn = self.fallen.wait(turn);
        }
        announce(&self.raised, 1);
        drop(turn);
        for count in &self.inside {
            let mut spins = 0u32;
            while is_inside(announced(&count.0)) {
                spins += 1;
                if spins < 64 {
                    std::hint::spin_loop()
                } else {
                    yield_now()
                }
                #[cfg(loom)]
                yield_now();
            }
        }
        ExclusiveGuard { gate: self }
    }

    /// Notes in `stamp` who is inside now but for this worker: the counts of those who are, 0 for the others.
    pub fn stamp(&self, worker: WorkerId, stamp: &mut Vec<u32>) {
        // Either a worker's count is seen here, or the worker sees what was stored before.
        fence(Ordering::SeqCst);
        stamp.clear();
        stamp.extend(self.inside.iter().enumerate().map(|(number, count)| {
            let count = announced(&count.0);
            if number != worker.0 && is_inside(count) { count } else { 0 }
        }));
    }

    /// Whether each that a stamp has noted has left since, be it for a moment.
    pub fn have_left(&self, stamp: &[u32]) -> bool {
        let has_left = |(count, &noted): (&Count, &u32)| noted == 0 || announced(&count.0) != noted;
        self.inside.iter().zip(stamp).all(has_left)
    }
}

fn leave(count: &AtomicU32) {
    let inside = count.load(Ordering::Relaxed);
    debug_assert!(is_inside(inside), "G2");
    count.store(inside.wrapping_add(1), Ordering::Release);
}

impl Drop for SharedGuard<'_> {
    fn drop(&mut self) {
        leave(self.count);
    }
}

impl Drop for ExclusiveGuard<'_> {
    fn drop(&mut self) {
        let _turn = self.gate.turn.lock();
        self.gate.raised.store(0, Ordering::Release);
        self.gate.fallen.notify_all();
    }
}
