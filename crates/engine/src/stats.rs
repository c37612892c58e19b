//! Counters of one worker, and of the whole server as their sums.
//!
//! Each worker writes its own and anybody may read them: a relaxed load and store each, no shared cache line, no lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// A counter with one writer.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds; only its owner calls this.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// The present value.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Back to zero (CONFIG RESETSTAT); an addition at the same moment may be lost.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// What a worker counts.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)+
        }

        /// Sums over all workers.
        #[derive(Clone, Copy, Debug, Default)]
        pub struct Totals {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl Totals {
            /// Adds one worker's counters.
            pub fn add(&mut self, counters: &Counters) {
                $(self.$name += counters.$name.get();)+
            }
        }

        impl Counters {
            /// Sets everything back.
            pub fn reset(&self) {
                $(self.$name.reset();)+
            }
        }
    };
}

counters! {
    /// Commands executed.
    commands,
    /// Connections accepted.
    connections,
    /// Connections refused for want of room.
    rejected_connections,
    /// Keys found by reads.
    hits,
    /// Keys not found by reads.
    misses,
    /// Keys removed at their deadline.
    expired_keys,
    /// Fields of hashes removed at their deadline.
    expired_fields,
    /// Bytes received.
    input_bytes,
    /// Bytes queued to be sent.
    output_bytes,
    /// Turns with input.
    reads,
    /// Turns with output.
    writes,
    /// Error replies.
    error_replies,
    /// Wrong AUTH and HELLO.
    auth_failures,
    /// Clients closed for reading too slowly.
    output_limit_disconnections,
    /// Clients closed for sending too much at once.
    query_limit_disconnections,
    /// Changes of the data set since the start.
    dirty,
    /// Turns of the event loop.
    loops,
    /// Microseconds spent in turns.
    loop_micros,
}

/// Latency histogram of one command: powers of two of nanoseconds, each cut in 4.
const BUCKETS: usize = 128;

/// What is known of one command on one worker.
#[derive(Debug, Default)]
pub struct CommandStats {
    /// Times executed.
    pub calls: Counter,
    /// Nanoseconds in all.
    pub nanos: Counter,
    /// Times refused before execution.
    pub rejected: Counter,
    /// Times it answered with an error.
    pub failed: Counter,
    histogram: Box<[Counter]>,
}

/// The bucket of a duration.
fn bucket(nanos: u64) -> usize {
    let nanos = nanos.max(4);
    let octave = 63 - nanos.leading_zeros() as usize;
    let quarter = (nanos >> (octave - 2)) as usize & 3;
    (octave * 4 + quarter).min(BUCKETS - 1)
}

impl CommandStats {
    /// With room for a histogram.
    pub fn with_histogram() -> CommandStats {
        CommandStats {
            histogram: (0..BUCKETS).map(|_| Counter::default()).collect(),
            ..CommandStats::default()
        }
    }

    /// Notes one execution.
    #[inline]
    pub fn note(&self, nanos: u64, track: bool) {
        self.calls.add(1);
        self.nanos.add(nanos);
        if track && let Some(counter) = self.histogram.get(bucket(nanos)) {
            counter.add(1);
        }
    }

    /// Sets everything back.
    pub fn reset(&self) {
        self.calls.reset();
        self.nanos.reset();
        self.rejected.reset();
        self.failed.reset();
        self.reset_histogram();
    }

    /// Sets the histogram back.
    pub fn reset_histogram(&self) {
        self.histogram.iter().for_each(Counter::reset);
    }
}

/// A command's figures over all workers.
#[derive(Clone, Debug, Default)]
pub struct CommandTotals {
    /// Times executed.
    pub calls: u64,
    /// Nanoseconds in all.
    pub nanos: u64,
    /// Times refused before execution.
    pub rejected: u64,
    /// Times it answered with an error.
    pub failed: u64,
    histogram: Vec<u64>,
}

impl CommandTotals {
    /// Adds one worker's figures.
    pub fn add(&mut self, stats: &CommandStats) {
        self.calls += stats.calls.get();
        self.nanos += stats.nanos.get();
        self.rejected += stats.rejected.get();
        self.failed += stats.failed.get();
        self.histogram.resize(BUCKETS, 0);
        for (sum, counter) in self.histogram.iter_mut().zip(&stats.histogram) {
            *sum += counter.get();
        }
    }

    /// Executions in the histogram.
    pub fn samples(&self) -> u64 {
        self.histogram.iter().sum()
    }

    /// How many executions took at most so many nanoseconds, for each bucket that is not empty: (upper bound, count up to there).
    pub fn cumulative(&self) -> Vec<(u64, u64)> {
        let mut sum = 0;
        let mut all = Vec::new();
        for (index, &count) in self.histogram.iter().enumerate().filter(|(_, count)| **count > 0) {
            sum += count;
            let (octave, quarter) = (index / 4, index as u64 % 4);
            let upper = if octave < 2 { 4 } else { (4 + quarter + 1) << (octave - 2) };
            all.push((upper, sum));
        }
        all
    }

    /// The duration in nanoseconds that `percent` of the executions stayed under.
    pub fn percentile(&self, percent: f64) -> u64 {
        let wanted = (self.samples() as f64 * percent / 100.0).ceil() as u64;
        let cumulative = self.cumulative();
        cumulative.iter().find(|(_, sum)| *sum >= wanted).or(cumulative.last()).map_or(0, |(upper, _)| *upper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_a_quarter_octave() {
        let stats = CommandStats::with_histogram();
        (1..=1000u64).for_each(|n| stats.note(n * 1000, true));
        let mut totals = CommandTotals::default();
        totals.add(&stats);
        assert_eq!((totals.calls, totals.samples(), totals.nanos), (1000, 1000, 500_500_000));
        for (percent, exact) in [(50.0, 500_000.0), (99.0, 990_000.0), (100.0, 1_000_000.0)] {
            let got = totals.percentile(percent) as f64;
            assert!(got >= exact && got <= exact * 1.26, "p{percent}: {got}");
        }
        stats.reset();
        assert_eq!(stats.calls.get(), 0);
    }
}
