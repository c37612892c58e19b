//! What a snapshot may occupy: counting, and waiting until there is room. Knows nothing of what the bytes are.
//!
//! ```text
//!   0 ............ limit / 2 ............ limit ............ limit + one batch
//!   walk and write    | only pre-images     | workers wait before their next batch
//!                ^ from 3 / 8 of the limit on, what only frozen values hold is put away
//! ```
//! `ahead` counts the bytes of frozen values that are not yet encoded. They cost nothing by themselves, but every change of
//! one costs a copy; so the walk freezes no more while that many are ahead of the writer.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::sync::{AtomicI64, AtomicU32, Condvar, Mutex};

/// How often a waiter looks again although nothing was released: he may be waiting for a writer that hangs.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

pub(crate) struct Budget {
    limit: i64,
    used: AtomicI64,
    peak: AtomicI64,
    ahead: AtomicI64,
    waiting: AtomicU32,
    turn: Mutex<()>,
    changed: Condvar,
}

impl Budget {
    pub(crate) fn new(limit_bytes: u64) -> Budget {
        Budget {
            limit: limit_bytes.min(i64::MAX as u64) as i64,
            used: AtomicI64::new(0),
            peak: AtomicI64::new(0),
            ahead: AtomicI64::new(0),
            waiting: AtomicU32::new(0),
            turn: Mutex::new(()),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn charge(&self, bytes: u64) {
        let used = self.used.fetch_add(bytes as i64, Ordering::SeqCst) + bytes as i64;
        if used > self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(used, Ordering::Relaxed);
        }
    }

    pub(crate) fn release(&self, bytes: u64) {
        self.used.fetch_sub(bytes as i64, Ordering::SeqCst);
        self.notify();
    }

    pub(crate) fn go_ahead(&self, bytes: u64) {
        self.ahead.fetch_add(bytes as i64, Ordering::SeqCst);
    }

    pub(crate) fn catch_up(&self, bytes: u64) {
        self.ahead.fetch_sub(bytes as i64, Ordering::SeqCst);
        self.notify();
    }

    /// Wakes whoever waits, so that he looks again.
    pub(crate) fn notify(&self) {
        // Either the waiter's count is seen here, or the waiter sees the new state: both sides are SeqCst, and the
        // waiter looks while it holds the lock.
        if self.waiting.load(Ordering::SeqCst) > 0 {
            let _turn = self.turn.lock();
            self.changed.notify_all();
        }
    }

    /// Whether the walk has to pause.
    pub(crate) fn is_tight(&self) -> bool {
        self.used.load(Ordering::SeqCst) > self.limit / 2
            || self.ahead.load(Ordering::SeqCst) > self.limit / 4
    }

    /// Whether what only frozen values hold should be put away: before the walk has to pause.
    pub(crate) fn is_filling(&self) -> bool {
        // In tests at once, so that there is always something to put away.
        let share = if cfg!(any(test, feature = "shuttle")) { 0 } else { 3 };
        self.used.load(Ordering::SeqCst) > self.limit / 8 * share
    }

    /// Whether workers will soon have to wait.
    pub(crate) fn is_short(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.limit / 4 * 3
    }

    /// Whether workers have to wait.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.used.load(Ordering::SeqCst) > self.limit
    }

    /// Waits while `blocked` says so; it is asked again whenever something was released, and every [`LOOK_AGAIN`].
    pub(crate) fn wait_while(&self, mut blocked: impl FnMut(&Budget) -> bool) {
        if !blocked(self) {
            return;
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut turn = self.turn.lock();
        while blocked(self) {
            // Timed out or not: `blocked` decides.
            let _ = self.changed.wait_for(&mut turn, LOOK_AGAIN);
        }
        drop(turn);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn limit_bytes(&self) -> u64 {
        self.limit as u64
    }

    pub(crate) fn used_bytes(&self) -> u64 {
        self.used.load(Ordering::Relaxed).max(0) as u64
    }

    pub(crate) fn peak_bytes(&self) -> u64 {
        self.peak.load(Ordering::Relaxed).max(0) as u64
    }
}
