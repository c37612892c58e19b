//! A lock for what one thread uses all the time and others hardly ever.
//!
//! It is given back by a plain store. The exchange that ends other locks waits until everything that was stored before it has reached the
//! cache; behind a copy to memory that is not near, that takes longer than the copy (measured: 5 % of the thread during a snapshot).
//!
//! Whoever finds it taken gives his time slice away until it is free: nobody keeps it for more than a few hundred microseconds.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};

use crate::sync::{AtomicU32, Ordering, yield_now};

/// A value behind such a lock.
#[derive(Default)]
pub struct OwnLock<T> {
    /// 1 while a guard lives.
    held: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: only the holder of the one guard reaches the value, and the guards' lifetimes follow each other.
unsafe impl<T: Send> Sync for OwnLock<T> {}

impl<T> OwnLock<T> {
    /// An unlocked value.
    pub fn new(value: T) -> OwnLock<T> {
        OwnLock { held: AtomicU32::new(0), value: UnsafeCell::new(value) }
    }

    /// Waits for the lock and takes it. Not twice by one thread.
    #[inline]
    pub fn lock(&self) -> OwnGuard<'_, T> {
        while self.held.swap(1, Ordering::Acquire) == 1 {
            yield_now();
        }
        OwnGuard(self)
    }
}

/// Gives the lock back when it is dropped.
pub struct OwnGuard<'a, T>(&'a OwnLock<T>);

impl<T> Deref for OwnGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this is the only guard.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for OwnGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this is the only guard, and it is borrowed mutably.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for OwnGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.held.store(0, Ordering::Release);
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let lock = OwnLock::new(0u64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| *lock.lock() += 1));
            }
        });
        assert_eq!(*lock.lock(), 40_000);
    }
}
