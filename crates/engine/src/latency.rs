//! The latency monitor: what took longer than `latency-monitor-threshold`, by kind of event (LATENCY).
//!
//! Locks: one mutex, a leaf, taken only for events over the threshold and by who asks.
//! Bounds: [`SAMPLES_MAX`] samples for each of a handful of events whose names are ours.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;

/// Samples kept of one event.
const SAMPLES_MAX: usize = 160;

/// The worst of one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Seconds since the epoch.
    pub at_s: i64,
    /// How long it took.
    pub milliseconds: u64,
}

/// What is known of one event.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The oldest first.
    pub samples: VecDeque<Sample>,
    /// The worst since the last reset.
    pub worst_ms: u64,
}

/// The events seen so far.
#[derive(Default)]
pub struct LatencyMonitor(Mutex<BTreeMap<&'static str, Series>>);

impl LatencyMonitor {
    /// Notes that an event took so long. Of several in one second the worst is kept.
    pub fn note(&self, event: &'static str, milliseconds: u64, at_s: i64) {
        let mut events = self.0.lock();
        let series = events.entry(event).or_default();
        series.worst_ms = series.worst_ms.max(milliseconds);
        if let Some(last) = series.samples.back_mut().filter(|last| last.at_s == at_s) {
            last.milliseconds = last.milliseconds.max(milliseconds);
            return;
        }
        if series.samples.len() == SAMPLES_MAX {
            series.samples.pop_front();
        }
        series.samples.push_back(Sample { at_s, milliseconds });
    }

    /// All events by name.
    pub fn all(&self) -> Vec<(&'static str, Series)> {
        self.0.lock().iter().map(|(event, series)| (*event, series.clone())).collect()
    }

    /// One event.
    pub fn get(&self, event: &[u8]) -> Option<Series> {
        self.0.lock().iter().find(|(name, _)| name.as_bytes() == event).map(|(_, series)| series.clone())
    }

    /// Forgets the events that `forget` names; returns how many.
    pub fn reset(&self, forget: impl Fn(&str) -> bool) -> usize {
        let mut events = self.0.lock();
        let before = events.len();
        events.retain(|event, _| !forget(event));
        before - events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_a_second_is_kept() {
        let monitor = LatencyMonitor::default();
        for (at_s, ms) in [(1, 5), (1, 9), (1, 7), (2, 3)] {
            monitor.note("command", ms, at_s);
        }
        let series = monitor.get(b"command").unwrap();
        let samples: Vec<_> = series.samples.iter().map(|s| (s.at_s, s.milliseconds)).collect();
        assert_eq!((samples, series.worst_ms), (vec![(1, 9), (2, 3)], 9));
        (10..200).for_each(|s| monitor.note("command", 1, s));
        assert_eq!(monitor.get(b"command").unwrap().samples.len(), SAMPLES_MAX);
        assert_eq!(monitor.reset(|event| event == "nothing"), 0);
        assert_eq!(monitor.reset(|_| true), 1);
        assert!(monitor.get(b"command").is_none());
    }
}
