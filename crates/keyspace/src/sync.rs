//! The synchronisation that gate and stripes stand on: std's and parking_lot's, or a model checker's.
//!
//! With `--cfg loom` the gate alone is built, and every reordering of its atomics is tried. With the feature `shuttle` everything is
//! built, and thousands of schedules of whole programs are tried: each operation here is a place where the scheduler may go to another thread.
//!
//! Loom takes a SeqCst store or load for a release or an acquire and knows the total order only of fences, so that the store-buffer case
//! has to be written with a fence there ([`announce`](chosen::announce)); x86 and ARM are cheaper off with the SeqCst store itself.

#[cfg(not(any(loom, feature = "shuttle")))]
mod chosen {
    pub(crate) use std::sync::atomic::{AtomicU32, Ordering};
    pub(crate) use std::thread::yield_now;

    pub(crate) use parking_lot::MutexGuard;

    use parking_lot::RawMutex;
    use parking_lot::lock_api::RawMutex as _;

    /// A lock of one byte that is taken and given back by hand.
    pub(crate) struct RawLock(RawMutex);

    impl RawLock {
        #[inline]
        pub(crate) fn new() -> RawLock {
            RawLock(RawMutex::INIT)
        }

        #[inline]
        pub(crate) fn lock(&self) {
            self.0.lock();
        }

        /// # Safety
        /// The caller holds the lock.
        #[inline]
        pub(crate) unsafe fn unlock(&self) {
            // SAFETY: this method's own contract.
            unsafe { self.0.unlock() }
        }
    }

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

#[cfg(all(feature = "shuttle", not(loom)))]
mod chosen {
    pub(crate) use shuttle::sync::MutexGuard;
    pub(crate) use shuttle::sync::atomic::{AtomicU32, Ordering};
    pub(crate) use shuttle::thread::yield_now;

    pub(crate) fn announce(flag: &AtomicU32) {
        flag.store(1, Ordering::SeqCst);
    }

    pub(crate) fn is_announced(flag: &AtomicU32) -> bool {
        flag.load(Ordering::SeqCst) != 0
    }

    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(shuttle::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("no model panics while holding a lock")
        }
    }

    pub(crate) struct Condvar(shuttle::sync::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Condvar {
            Condvar(shuttle::sync::Condvar::new())
        }

        pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(guard).expect("no model panics while holding a lock")
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }

    /// Made of a mutex, since shuttle's can only be given back by their guards.
    pub(crate) struct RawLock {
        held: Mutex<bool>,
        free: Condvar,
    }

    impl RawLock {
        pub(crate) fn new() -> RawLock {
            RawLock { held: Mutex::new(false), free: Condvar::new() }
        }

        pub(crate) fn lock(&self) {
            let mut held = self.held.lock();
            while *held {
                held = self.free.wait(held);
            }
            *held = true;
        }

        /// # Safety
        /// The caller holds the lock.
        pub(crate) unsafe fn unlock(&self) {
            let was_held = std::mem::replace(&mut *self.held.lock(), false);
            // A model whose execution has failed unwinds through here.
            assert!(was_held || std::thread::panicking(), "a lock is given back that is not held");
            self.free.notify_all();
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
