//! The gate: every worker is inside it *shared* while it executes a batch; a rare operation enters *exclusive* and is alone.
//!
//! Protects nothing by itself: inside the gate the stripes' locks still order workers among themselves.
//!
//! ```text
//!  worker i                              exclusive entry
//!  --------                              ---------------
//!  inside[i] = 1   (SeqCst)              lock `turn`
//!  raised?  --no--> go in                raised = 1          (SeqCst)
//!     |                                  for each i: wait until inside[i] == 0
//!    yes                                 ... alone ...
//!  inside[i] = 0; wait for the flag      raised = 0; wake who waits; unlock `turn`
//!  to fall; from the top
//! ```
//! The two SeqCst stores and the loads that follow them cannot both miss each other: either the worker sees the flag, or
//! the exclusive entry sees the worker (the store-buffer case, checked under loom in `tests/gate_loom.rs`).
//!
//! Invariants
//! - G1: while an [`ExclusiveGuard`] lives, no [`SharedGuard`] does, and no other ExclusiveGuard.
//! - G2: a worker uses only its own flag, and is not inside when it asks for the exclusive side (it would wait for itself).
//!
//! Cost: shared entry is a store, a fence and a load on the worker's own cache line. Exclusive entry is the longest batch in progress.

use crate::sync::{AtomicU32, Condvar, Mutex, Ordering, announce, is_announced, yield_now};

/// A flag on a cache line of its own.
#[repr(align(128))]
struct Flag(AtomicU32);

/// Which worker asks; each thread that executes commands or walks the keyspace has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerId(pub usize);

/// The gate around a keyspace.
pub struct Gate {
    inside: Box<[Flag]>,
    raised: AtomicU32,
    turn: Mutex<()>,
    fallen: Condvar,
}

/// Inside the gate together with other workers, until dropped.
#[must_use]
pub struct SharedGuard<'a> {
    flag: &'a AtomicU32,
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
            inside: (0..workers).map(|_| Flag(AtomicU32::new(0))).collect(),
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
        let flag = &self.inside[worker.0].0;
        debug_assert_eq!(flag.load(Ordering::Relaxed), 0, "G2");
        loop {
            announce(flag);
            if !is_announced(&self.raised) {
                return SharedGuard { flag };
            }
            flag.store(0, Ordering::Release);
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
        let flag = &self.inside[worker.0].0;
        debug_assert_eq!(flag.load(Ordering::Relaxed), 1, "G2");
        flag.store(0, Ordering::Release);
        self.wait_for_fall();
        // The guard that lives already will clear the flag.
        std::mem::forget(self.enter(worker));
    }

    #[cold]
    fn wait_for_fall(&self) {
        let mut turn = self.turn.lock();
        while is_announced(&self.raised) {
            turn = self.fallen.wait(turn);
        }
    }

    /// Enters exclusively: waits for its turn among exclusive entries, then for every worker to leave. The caller is
    /// not inside (G2).
    pub fn enter_exclusive(&self) -> ExclusiveGuard<'_> {
        // `turn` is given back while waiting for workers: they take it to wait for the flag to fall.
        let mut turn = self.turn.lock();
        while is_announced(&self.raised) {
            turn = self.fallen.wait(turn);
        }
        announce(&self.raised);
        drop(turn);
        for flag in &self.inside {
            let mut spins = 0u32;
            while is_announced(&flag.0) {
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
}

impl Drop for SharedGuard<'_> {
    fn drop(&mut self) {
        self.flag.store(0, Ordering::Release);
    }
}

impl Drop for ExclusiveGuard<'_> {
    fn drop(&mut self) {
        let _turn = self.gate.turn.lock();
        self.gate.raised.store(0, Ordering::Release);
        self.gate.fallen.notify_all();
    }
}
