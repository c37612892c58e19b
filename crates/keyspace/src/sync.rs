//! The synchronisation that gate and stripes stand on: std's and parking_lot's, or a model checker's.
//!
//! With `--cfg loom` the gate alone is built, and every reordering of its atomics is tried. With the feature `shuttle` everything is
//! built, and thousands of schedules of whole programs are tried: each operation here is a place where the scheduler may go to another thread.
//!
//! Loom takes a SeqCst store or load for a release or an acquire and knows the total order only of fences, so that the store-buffer case
//! has to be written with a fence there ([`announce`](chosen::announce)); x86 and ARM are cheaper off with the SeqCst store itself.

#[cfg(not(any(loom, feature = "shuttle")))]
mod chosen {
    use std::sync::atomic::AtomicBool;
    pub(crate) use std::sync::atomic::{AtomicU32, Ordering, fence};
    pub(crate) use std::thread::yield_now;
    use std::time::Duration;

    pub(crate) use parking_lot::MutexGuard;

    /// A lock of one byte that is taken and given back by hand.
    ///
    /// It is taken for each request, nearly always free, and so made for that case: giving it back is a store, where a
    /// mutex that knows of sleepers needs a second locked instruction. Who finds it held looks again by himself, soon at first (a
    /// request holds it for some 100 ns), then more and more seldom, up to [`REST_MAX`](RawLock::REST_MAX): a command on a very
    /// large value may hold it for milliseconds.
    pub(crate) struct RawLock(AtomicBool);

    impl RawLock {
        #[inline]
        pub(crate) fn new() -> RawLock {
            RawLock(AtomicBool::new(false))
        }

        #[inline]
        pub(crate) fn lock(&self) {
            if !self.try_lock() {
                self.wait();
            }
        }

        #[inline]
        fn try_lock(&self) -> bool {
            self.0.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
        }

        /// Looks this often, some microseconds long, before the processor is left to others.
        const SPINS: u32 = 200;
        /// Then offers it this often to others, before it sleeps.
        const YIELDS: u32 = 20;
        /// First and longest sleep between two looks.
        const REST: Duration = Duration::from_micros(10);
        const REST_MAX: Duration = Duration::from_micros(500);

        #[cold]
        fn wait(&self) {
            let (mut looks, mut rest) = (0, Self::REST);
            loop {
                if !self.0.load(Ordering::Relaxed) && self.try_lock() {
                    return;
                }
                looks += 1;
                if looks <= Self::SPINS {
                    std::hint::spin_loop();
                } else if looks <= Self::SPINS + Self::YIELDS {
                    yield_now();
                } else {
                    std::thread::sleep(rest);
                    rest = (rest * 2).min(Self::REST_MAX);
                }
            }
        }

        /// Whether somebody holds it now. Who sees it free sees what all who held it before have done.
        #[inline]
        pub(crate) fn is_held(&self) -> bool {
            self.0.load(Ordering::Acquire)
        }

        /// # Safety
        /// The caller holds the lock.
        #[inline]
        pub(crate) unsafe fn unlock(&self) {
            debug_assert!(self.0.load(Ordering::Relaxed), "a lock is given back that is not held");
            self.0.store(false, Ordering::Release);
        }
    }

    /// A place where a model's scheduler may go to another thread, between two steps that no lock joins.
    #[inline]
    pub(crate) fn pass() {}

    /// Stores what others look for before they go on, so that the loads that follow here do not overtake it.
    #[inline]
    pub(crate) fn announce(cell: &AtomicU32, value: u32) {
        cell.store(value, Ordering::SeqCst);
    }

    /// The value, of the same total order as [`announce`].
    #[inline]
    pub(crate) fn announced(cell: &AtomicU32) -> u32 {
        cell.load(Ordering::SeqCst)
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
    use std::sync::PoisonError;

    pub(crate) use shuttle::sync::MutexGuard;
    pub(crate) use shuttle::sync::atomic::{AtomicU32, Ordering, fence};
    pub(crate) use shuttle::thread::yield_now;

    pub(crate) fn pass() {
        yield_now();
    }

    pub(crate) fn announce(cell: &AtomicU32, value: u32) {
        cell.store(value, Ordering::SeqCst);
    }

    pub(crate) fn announced(cell: &AtomicU32) -> u32 {
        cell.load(Ordering::SeqCst)
    }

    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(shuttle::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            // Poisoned only where a model's execution has failed, which then unwinds through here.
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    pub(crate) struct Condvar(shuttle::sync::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Condvar {
            Condvar(shuttle::sync::Condvar::new())
        }

        pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
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

        pub(crate) fn is_held(&self) -> bool {
            *self.held.lock()
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

    pub(crate) fn announce(cell: &AtomicU32, value: u32) {
        cell.store(value, Ordering::Release);
        fence(Ordering::SeqCst);
    }

    pub(crate) fn announced(cell: &AtomicU32) -> u32 {
        cell.load(Ordering::Acquire)
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

#[cfg(all(test, not(any(loom, feature = "shuttle"))))]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Adding by hand loses counts unless the lock keeps the others out; now and then it is held for so long that they sleep.
    #[test]
    fn one_at_a_time_however_long() {
        let (lock, count) = (RawLock::new(), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for turn in 0..5000 {
                        lock.lock();
                        let seen = count.load(Ordering::Relaxed);
                        if turn % 1000 == 0 {
                            std::thread::sleep(Duration::from_millis(2));
                        }
                        count.store(seen + 1, Ordering::Relaxed);
                        // SAFETY: taken above.
                        unsafe { lock.unlock() };
                    }
                });
            }
        });
        assert_eq!(count.load(Ordering::Relaxed), 20_000);
    }
}
