//! Save points: `save <seconds> <changes>`.

/// A save is due this many seconds after the last one, if there were that many changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds since the last save.
    pub seconds: u64,
    /// Changes since then.
    pub changes: u64,
}

impl SavePoint {
    /// Whether a save is due.
    pub fn is_due(&self, changes: u64, seconds_since_save: i64) -> bool {
        // More than, not at least: as Redis has it.
        changes >= self.changes && i128::from(seconds_since_save) > i128::from(self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_needs_time_and_changes() {
        let point = SavePoint { seconds: 60, changes: 100 };
        assert!(point.is_due(100, 61));
        assert!(!point.is_due(100, 60));
        assert!(!point.is_due(99, 10_000));
        assert!(!point.is_due(u64::MAX, -5), "the clock was set back");
    }
}
