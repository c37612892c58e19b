//! Threads that work behind the reactors, often on the same core: they give way in time and take less than their share when it is contended.
//!
//! A scheduler that preempts by its tick lets a thread go on for 1 to 4 ms once it runs, and a client whose request came meanwhile
//! waits for as long. So such a thread gives way by itself every [`BREATH`]. With a slice that is as short, giving way costs it
//! that slice and no more: Linux 6.18 takes whole slices from who yields, and its own are of milliseconds.
//!
//! Measured with five collections of three million elements each, written at random flat out over 8 connections while they are saved, on
//! one core: the reactor waited for the writer 0.1 to 0.2 ms at a time instead of 1 to 3 ms.
//!
//! Faults: where a slice cannot be asked for (a sandbox), the thread runs as any other.

use std::thread;
use std::time::{Duration, Instant};

/// How long a thread goes on before it gives way.
const BREATH: Duration = Duration::from_micros(100);

/// How long a thread pauses that does not only give way.
pub(crate) const PAUSE: Duration = Duration::from_micros(50);

/// The slice that is asked for; the shortest that the kernel grants.
const SLICE: Duration = Duration::from_micros(100);

/// A thread's place behind the reactors.
#[derive(Default)]
pub struct Background {
    has_entered: bool,
    /// When it last gave way; none where it cannot.
    since: Option<Instant>,
}

impl Background {
    /// Puts the calling thread behind the reactors for the rest of its life, if it is not there. `nice` is from 0 to 19, more takes less
    /// (setpriority(2)).
    pub fn enter(&mut self, nice: i32) {
        if !std::mem::replace(&mut self.has_entered, true) {
            self.since = ask_for(nice, SLICE).then(Instant::now);
        }
    }

    /// Gives way if the thread has gone on for long enough.
    #[inline]
    pub fn breathe(&mut self) {
        if let Some(since) = &mut self.since
            && since.elapsed() >= BREATH
        {
            thread::yield_now();
            *since = Instant::now();
        }
    }
}

/// Pauses in work for which giving way is not enough: a scheduler that owes a thread time lets it go on for milliseconds, however far it stands behind.
#[derive(Clone, Copy)]
pub(crate) struct Pauses {
    /// The end of the last one.
    since: Option<Instant>,
}

impl Pauses {
    pub(crate) const fn new() -> Pauses {
        Pauses { since: None }
    }

    /// Sleeps if the thread has gone on for [`BREATH`] since the last pause.
    pub(crate) fn pause_if_due(&mut self) {
        if self.since.is_none_or(|since| since.elapsed() >= BREATH) {
            thread::sleep(PAUSE);
            self.since = Some(Instant::now());
        }
    }
}

/// Asks the kernel for niceness and slice of the calling thread; false where it refuses. Before Linux 6.12 the slice is ignored, and
/// giving way takes nothing.
fn ask_for(nice: i32, slice: Duration) -> bool {
    // SAFETY: all fields are integers, for which zero is a value: the policy is SCHED_OTHER then.
    let mut wanted: libc::sched_attr = unsafe { std::mem::zeroed() };
    wanted.size = size_of::<libc::sched_attr>() as u32;
    wanted.sched_nice = nice;
    wanted.sched_runtime = slice.as_nanos() as u64;
    // SAFETY: the kernel reads as many bytes as `size` says from `wanted`; 0 stands for the calling thread (sched_setattr(2)).
    let rc = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const wanted, 0) };
    rc == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_goes_behind_alone() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let behind = thread::spawn(move || {
            let mut background = Background::default();
            background.breathe();
            assert!(nice() == before && background.since.is_none(), "it has not entered");
            background.enter(before + 3);
            let is_granted = background.since.is_some();
            assert!(!is_granted || nice() == before + 3);
            let start = Instant::now();
            while background.since.is_some_and(|since| since <= start) && start.elapsed() < 10_000 * BREATH {
                background.breathe();
            }
            assert!(background.since.is_none_or(|since| since > start), "it gave way");
        });
        behind.join().unwrap();
        assert_eq!(nice(), before);
    }
}
