//! Finds the moments in which the machine itself did not run, so that they are not taken for the server's.
//!
//! A virtual machine is stopped by its host when it has used up what it may use; writing to its disk counts there, too. On such
//! a machine everything waits for 20 ms at a time while both cores and the disk are busy, whoever writes. A thread on each core sleeps
//! for [`TICK`] at the highest priority. Nothing that a process does can keep it from waking up in time; when it is late by
//! [`LATE`], its core stood still.
//!
//! Without the right to real-time priority nothing is found, and nothing is subtracted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::load;

/// How long a watcher sleeps.
const TICK: Duration = Duration::from_millis(1);
/// Lateness that the kernel's own work explains. What is longer was a standstill.
const LATE: Duration = Duration::from_millis(1);

/// From when to when a core stood still.
#[derive(Clone, Copy, Debug)]
struct Span {
    core: usize,
    from: Instant,
    to: Instant,
}

/// Standstills that were found.
#[derive(Clone, Debug, Default)]
pub struct Standstills {
    spans: Vec<Span>,
}

impl Standstills {
    /// How much of the time from `from` to `to` one core at least stood still.
    pub fn within(&self, from: Instant, to: Instant) -> Duration {
        let mut spans: Vec<(Instant, Instant)> = self
            .spans
            .iter()
            .map(|span| (span.from.max(from), span.to.min(to)))
            .filter(|(from, to)| from < to)
            .collect();
        spans.sort_unstable();
        let mut total = Duration::ZERO;
        let mut covered = from;
        for (from, to) in spans {
            total += to.saturating_duration_since(from.max(covered));
            covered = covered.max(to);
        }
        total
    }

    /// How long `core` stood still altogether.
    pub fn of_core(&self, core: usize) -> Duration {
        self.spans.iter().filter(|span| span.core == core).map(|span| span.to - span.from).sum()
    }
}

/// Watches cores until it is dropped.
pub struct Watch {
    found: Arc<Mutex<Standstills>>,
    /// The last call of [`Watch::take`].
    since: Mutex<Instant>,
    stop: Arc<AtomicBool>,
    watchers: Vec<JoinHandle<()>>,
}

impl Watch {
    /// Begins to watch.
    pub fn cores(cores: impl IntoIterator<Item = usize>) -> Watch {
        let (found, stop) = (Arc::<Mutex<Standstills>>::default(), Arc::<AtomicBool>::default());
        let watchers = cores
            .into_iter()
            .map(|core| {
                let (found, stop) = (found.clone(), stop.clone());
                thread::spawn(move || watch(core, &found, &stop))
            })
            .collect();
        Watch { found, since: Mutex::new(Instant::now()), stop, watchers }
    }

    /// Takes what was found since the last call.
    pub fn take(&self) -> Standstills {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = std::mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner));
        // One that is under way when a phase begins is known when it ends.
        found.spans.iter_mut().for_each(|span| span.from = span.from.max(*since).min(span.to));
        *since = Instant::now();
        found
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for watcher in self.watchers.drain(..) {
            // One that panicked has nothing left to clean up.
            let _ = watcher.join();
        }
    }
}

fn watch(core: usize, found: &Mutex<Standstills>, stop: &AtomicBool) {
    load::pin_thread(core);
    if !load::make_real_time() {
        return;
    }
    while !stop.load(Ordering::Relaxed) {
        let due = Instant::now() + TICK;
        thread::sleep(TICK);
        let woken = Instant::now();
        if woken.saturating_duration_since(due) > LATE {
            let span = Span { core, from: due, to: woken };
            found.lock().unwrap_or_else(PoisonError::into_inner).spans.push(span);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standstills_are_counted_once_and_only_where_they_were() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let span = |core, from, to| Span { core, from: at(from), to: at(to) };
        let found = Standstills { spans: vec![span(1, 30, 50), span(0, 10, 40), span(0, 90, 95)] };
        let within = |from, to| found.within(at(from), at(to)).as_millis();
        assert_eq!(within(0, 100), 45);
        assert_eq!(within(0, 10), 0);
        assert_eq!(within(20, 35), 15);
        assert_eq!(within(45, 92), 7);
        assert_eq!(found.of_core(0), Duration::from_millis(35));
    }
}
