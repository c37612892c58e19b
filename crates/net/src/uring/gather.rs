//! How many completions to wait for: one, unless input comes so densely that waiting for several saves
//! wake-ups.
//!
//! A wake-up costs several microseconds of processor time (leaving idle, switching, and an interrupt that the
//! sender pays), as much as serving a request or two. At tens of thousands of requests a second a reactor
//! that wakes for each of them spends most of its time on that, and its batches are too small to prefetch
//! anything. So the recent rate of input decides: the reactor waits for as many as the part of the rate above
//! [`DENSE`] brings within a horizon (200 us by default), but for no longer than the horizon, and for at most
//! half of the recently active connections, because clients that wait for replies must be able to work while
//! the reactor does. At or below [`DENSE`] it never waits for more than one: a server with time to spare
//! answers at once, and the busier it is, the more it gathers.
//!
//! Measured with `examples/echo.rs` on two cores of a virtual machine, 50 connections of redis-benchmark on the
//! other core, alternating runs: unpipelined 19 requests a turn instead of 2, 3.9 us of processor time a request
//! instead of 4.3 (Valkey 9.1: 5.3) and 147,000 requests a second instead of 123,000; at pipeline 16 239 ns instead
//! of 269 (Valkey: 497). The timer that ends the wait is why small gatherings are not worth it: on a virtual machine
//! setting and clearing it costs about 2 us.

use std::time::{Duration, Instant};

/// Rates are taken over this time.
const WINDOW: Duration = Duration::from_millis(1);

/// Inputs per second up to which each is served as soon as it comes (about a third of what one reactor can
/// serve unpipelined).
const DENSE: u128 = 50_000;

pub(crate) struct Gather {
    horizon: Duration,
    started: Instant,
    window: u32,
    inputs: usize,
    active: usize,
    want: usize,
}

impl Gather {
    /// A horizon of zero switches gathering off.
    pub(crate) fn new(horizon: Duration, now: Instant) -> Gather {
        Gather { horizon, started: now, window: 1, inputs: 0, active: 0, want: 1 }
    }

    pub(crate) fn is_on(&self) -> bool {
        !self.horizon.is_zero()
    }

    /// Input came for the connection that keeps `seen` for us (the last window in which it had some; 0 at
    /// first).
    #[inline]
    pub(crate) fn note(&mut self, seen: &mut u32) {
        self.inputs += 1;
        if *seen != self.window {
            *seen = self.window;
            self.active += 1;
        }
    }

    /// To be called once per iteration.
    #[inline]
    pub(crate) fn advance(&mut self, now: Instant) {
        let elapsed = now.duration_since(self.started);
        if elapsed < WINDOW {
            return;
        }
        let per_second = self.inputs as u128 * 1_000_000_000 / elapsed.as_nanos();
        let expected = per_second.saturating_sub(DENSE) * self.horizon.as_micros() / 1_000_000;
        self.want = (expected as usize).min(self.active / 2).max(1);
        self.started = now;
        self.window = self.window.wrapping_add(1).max(1);
        self.inputs = 0;
        self.active = 0;
    }

    /// Completions of input to wait for, at least one.
    pub(crate) fn want(&self) -> usize {
        self.want
    }

    /// How long to wait for more than one.
    pub(crate) fn patience_us(&self) -> u32 {
        self.horizon.as_micros() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays `per_ms` inputs from `clients` connections for a few windows; returns what is wanted then.
    fn want_at(per_ms: usize, clients: usize) -> usize {
        let start = Instant::now();
        let mut gather = Gather::new(Duration::from_micros(200), start);
        let mut seen = vec![0; clients];
        for ms in 1..5 {
            for i in 0..per_ms {
                gather.note(&mut seen[i % clients]);
            }
            gather.advance(start + Duration::from_millis(ms));
        }
        gather.want()
    }

    #[test]
    fn waits_for_several_only_when_input_is_dense() {
        assert_eq!(want_at(10, 50), 1, "10,000 a second: answered at once");
        assert_eq!(want_at(50, 50), 1);
        assert_eq!(want_at(60, 50), 2);
        assert_eq!(want_at(150, 50), 20);
        assert_eq!(want_at(1000, 50), 25, "half of the active connections at most");
        assert_eq!(want_at(150, 1), 1, "a single client is never kept waiting");
        assert_eq!(want_at(150, 3), 1);
        assert_eq!(want_at(150, 8), 4);
    }

    #[test]
    fn forgets_when_input_ceases() {
        let start = Instant::now();
        let mut gather = Gather::new(Duration::from_micros(200), start);
        let mut seen = [0; 50];
        for i in 0..200 {
            gather.note(&mut seen[i % 50]);
        }
        gather.advance(start + WINDOW);
        assert!(gather.want() > 1);
        gather.advance(start + 3 * WINDOW);
        assert_eq!(gather.want(), 1);
    }
}
