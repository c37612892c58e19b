//! What a snapshot tells: where it stands, what a step found, how it ended. Declarations only.

use std::fmt;
use std::time::Duration;

/// Why there is no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The sink reported this.
    Io(String),
    /// Somebody asked for it.
    Cancelled,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Io(reason) => f.write_str(reason),
            Failure::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// How a snapshot ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Entries in the file, or why there is none.
    pub result: Result<u64, Failure>,
    /// Bytes written.
    pub bytes: u64,
    /// From the cut to the end.
    pub duration: Duration,
    /// Most bytes occupied at any time.
    pub budget_peak_bytes: u64,
}

/// What a call of [`crate::Snapshot::step`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// There is more to walk: call again.
    Worked,
    /// The writer has to catch up first; [`crate::Options::wake`] says when.
    Throttled,
    /// Nothing to walk: other workers have the rest, or the writer is ending the file.
    Waiting,
    /// Call [`crate::Snapshot::detach`], outside the gate.
    NeedsDetach,
    /// It is over.
    Over,
}

/// Where a snapshot stands.
#[derive(Clone, Debug)]
pub struct Status {
    /// Entries emitted.
    pub keys_done: u64,
    /// Entries at the cut; counted just before it.
    pub keys_total: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Bytes occupied now.
    pub budget_used_bytes: u64,
    /// Most bytes occupied so far.
    pub budget_peak_bytes: u64,
    /// The budget.
    pub budget_bytes: u64,
    /// Bytes that writers' copies hold back for frozen values, part of those occupied.
    pub held_back_bytes: u64,
    /// Flushed tables waiting to be emitted, bytes; not part of the budget, since they were there at the cut.
    pub tables_bytes: u64,
    /// Blocks and frozen values that wait for the writer.
    pub queued: (usize, usize),
    /// Since the cut.
    pub elapsed: Duration,
    /// How long the cut kept everybody outside.
    pub cut: Duration,
    /// How long the cut waited for batches in progress.
    pub cut_wait: Duration,
    /// Marks are being settled after a failure or a cancellation.
    pub is_draining: bool,
}
