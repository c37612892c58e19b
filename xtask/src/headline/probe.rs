//! The latency probe: one connection that does one thing at a time and remembers how long each took.
//!
//! It runs on the load's core with real-time priority where that is permitted, so that what it measures is the
//! server and not its own waiting for a core.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use system_tests::{Client, Reply};

use super::standstill::Standstills;
use crate::load;

/// Pause between two probes; about a thousand probes per second and kind.
const PAUSE: Duration = Duration::from_micros(400);

/// Latencies of one kind of command in one phase.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    probes: Vec<(Instant, Duration)>,
}

impl Latencies {
    /// The slowest, if there was any.
    pub fn slowest(&self) -> Option<Duration> {
        self.probes.iter().map(|probe| probe.1).max()
    }

    /// The slowest in milliseconds.
    pub fn slowest_ms(&self) -> f64 {
        self.slowest().map_or(0.0, in_ms)
    }

    /// The given quantile in milliseconds.
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        let mut sorted: Vec<Duration> = self.probes.iter().map(|probe| probe.1).collect();
        sorted.sort_unstable();
        let at = ((sorted.len() as f64 * quantile) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(at).copied().map_or(0.0, in_ms)
    }

    /// How many probes there were.
    pub fn count(&self) -> usize {
        self.probes.len()
    }

    /// The same probes without the time for which the machine stood still meanwhile.
    pub fn without(&self, standstills: &Standstills) -> Latencies {
        let running = |&(begin, took): &(Instant, Duration)| {
            (begin, took.saturating_sub(standstills.within(begin, begin + took)))
        };
        Latencies { probes: self.probes.iter().map(running).collect() }
    }
}

/// A duration in milliseconds.
pub fn in_ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// What became of one kind from one phase to the next: `of` says what of it.
pub fn compare(before: &Latencies, during: &Latencies, of: impl Fn(&Latencies) -> f64) -> String {
    format!("{:.2} -> {:.2} ms", of(before), of(during))
}

/// Where the probe thread leaves its results; the phases take them out.
#[derive(Default)]
pub struct Board {
    latencies: Mutex<[Latencies; 2]>,
    stop: AtomicBool,
    real_time: AtomicBool,
}

impl Board {
    /// Takes what was measured since the last call: the two kinds in the order of the probe's commands.
    pub fn take(&self) -> [Latencies; 2] {
        std::mem::take(&mut *self.latencies.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// Ends the probe thread after its current command.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether the probe got real-time priority.
    pub fn is_real_time(&self) -> bool {
        self.real_time.load(Ordering::Relaxed)
    }
}

/// What the probe sends, alternating between kind 0 and kind 1.
pub trait Probe {
    /// Pause between two probes.
    const PAUSE: Duration = PAUSE;

    /// Builds the next command of a kind.
    fn request(&mut self, kind: usize, out: &mut Vec<u8>);
    /// Its reply came, and is no error.
    fn answered(&mut self, kind: usize, reply: &Reply);
}

/// Probes until stopped or until the connection ends (a killed server is no error of the probe).
pub fn run<P: Probe>(addr: SocketAddr, board: &Board, probe: &mut P) -> io::Result<()> {
    load::pin_thread(1);
    board.real_time.store(load::make_real_time(), Ordering::Relaxed);
    let mut client = Client::connect(addr)?;
    let mut request = Vec::new();
    let mut kind = 0;
    while !board.stop.load(Ordering::Relaxed) {
        request.clear();
        probe.request(kind, &mut request);
        let begin = Instant::now();
        client.send_raw(&request)?;
        let reply = client.read()?;
        let took = begin.elapsed();
        if reply.is_error() {
            return Err(io::Error::other(format!("the probe was answered {}", reply.text())));
        }
        probe.answered(kind, &reply);
        board.latencies.lock().unwrap_or_else(|poisoned| poisoned.into_inner())[kind]
            .probes
            .push((begin, took));
        kind = 1 - kind;
        if !P::PAUSE.is_zero() {
            std::thread::sleep(P::PAUSE);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles() {
        let now = Instant::now();
        let latencies = Latencies { probes: (1..=1000).map(|us| (now, Duration::from_micros(us))).collect() };
        assert_eq!(latencies.slowest_ms(), 1.0);
        assert_eq!(latencies.quantile_ms(0.5), 0.501);
        assert_eq!(Latencies::default().quantile_ms(0.5), 0.0);
    }
}
