//! The synchronisation that the gate stands on: std's, or loom's when it is model-checked (`--cfg loom`).
//!
//! Loom takes a SeqCst store or load for a release or an acquire and knows the total order only of fences, so that the store-buffer case
//! has to be written with a fence there ([`announce`](chosen::announce)); x86 and ARM are cheaper off with the SeqCst store itself.

#[cfg(not(loom))]
mod chosen {
    pub(crate) use std::sync::atomic::{AtomicU32, Ordering};
    pub(crate) use std::thread::yield_now;

    pub(crate) use parking_lot::MutexGuard;

    /// Stores what others look for before they go on, so that the loads that follow here do not overtake it.
    #[inline]
    pub(crate) fn announce(flag: &AtomicU32) {
        flag.store(1, Ordering::SeqCst);
    }

    /// The value, of the same total order as [`announce`].
    #[inline]
    pub(crate) fn is_announced(flag: &AtomicU32) -> bool {
        flag.load(Ordering::SeqCst) != 0
    }

    /// A mutex with one way to lock it under both implementations.
    pub(crate) struct Mutex<T>(parking_lot::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(parking_lot::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock()
        }
    }

    /// A condition variable that takes and returns the guard, as std's and loom's do.
    pub(crate) struct Condvar(parking_lot::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Condvar {
            Condvar(parking_lot::Condvar::new())
        }

        pub(crate) fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(&mut guard);
            guard
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

#[cfg(loom)]
mod chosen {
    pub(crate) use loom::sync::MutexGuard;
    pub(crate) use loom::sync::atomic::{AtomicU32, Ordering, fence};
    pub(crate) use loom::thread::yield_now;

    pub(crate) fn announce(flag: &AtomicU32) {
        flag.store(1, Ordering::Release);
        fence(Ordering::SeqCst);
    }

    pub(crate) fn is_announced(flag: &AtomicU32) -> bool {
        flag.load(Ordering::Acquire) != 0
    }

    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("no model panics while holding a lock")
        }
    }

    pub(crate) struct Condvar(loom::sync::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Condvar {
            Condvar(loom::sync::Condvar::new())
        }

        pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(guard).expect("no model panics while holding a lock")
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

pub(crate) use chosen::*;
