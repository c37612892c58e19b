//! A value behind a lock that one thread takes all the time and others hardly ever.
//!
//! Its lock is given back by a plain store. The exchange that ends other locks waits until everything that was stored before it has reached the
//! cache; behind a copy to memory that is not near, that takes longer than the copy (measured: 5 % of the thread during a snapshot).

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};

use crate::sync::RawLock;

/// A value behind such a lock.
pub struct OwnLock<T> {
    /// Held while a guard lives.
    lock: RawLock,
    value: UnsafeCell<T>,
}

// SAFETY: only the holder of the one guard reaches the value, and the guards' lifetimes follow each other.
unsafe impl<T: Send> Sync for OwnLock<T> {}

impl<T> OwnLock<T> {
    /// An unlocked value.
    pub fn new(value: T) -> OwnLock<T> {
        OwnLock { lock: RawLock::new(), value: UnsafeCell::new(value) }
    }

    /// Waits for the lock and takes it. Not twice by one thread.
    #[inline]
    pub fn lock(&self) -> OwnGuard<'_, T> {
        self.lock.lock();
        OwnGuard(self)
    }
}

impl<T: Default> Default for OwnLock<T> {
    fn default() -> OwnLock<T> {
        OwnLock::new(T::default())
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
        // SAFETY: this guard holds it.
        unsafe { self.0.lock.unlock() };
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
