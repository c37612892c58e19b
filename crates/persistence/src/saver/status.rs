//! What INFO persistence shows of saving. Gathers numbers, decides nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Kind, Saver, unix_seconds};

/// Everything INFO persistence needs about saving. Times are seconds since the epoch.
#[derive(Clone, Debug)]
pub struct Status {
    /// `rdb_changes_since_last_save`.
    pub changes: u64,
    /// A save is starting or running and not given up (`rdb_bgsave_in_progress`).
    pub is_running: bool,
    /// A failed or cancelled save's marks are being settled.
    pub is_draining: bool,
    /// Why the running one was asked for.
    pub kind: Option<Kind>,
    /// A save is scheduled.
    pub is_scheduled: bool,
    /// Writes are refused.
    pub is_blocking_writes: bool,
    /// When the running one began; 0 if none runs.
    pub started_at: i64,
    /// `rdb_current_bgsave_time_sec`; -1 if none runs.
    pub current_seconds: i64,
    /// `current_save_keys_processed`.
    pub keys_done: u64,
    /// `current_save_keys_total`.
    pub keys_total: u64,
    /// Bytes written by the running one.
    pub bytes_written: u64,
    /// Estimate of the running one's rest, from its speed so far; -1 while it is unknown or none runs.
    pub seconds_left: i64,
    /// `snapshot-memory-budget` in effect.
    pub budget_bytes: u64,
    /// Bytes that the running one occupies.
    pub budget_used_bytes: u64,
    /// Most bytes that the running one, or else the last one, has occupied.
    pub budget_peak_bytes: u64,
    /// `rdb_last_save_time`.
    pub last_save_at: i64,
    /// `rdb_last_bgsave_status`: true is `ok`.
    pub last_is_ok: bool,
    /// Why the last attempt left no file.
    pub last_error: Option<String>,
    /// `rdb_last_bgsave_time_sec`; -1 before the first.
    pub last_seconds: i64,
    /// `rdb_last_cut_usec`: how long the last cut kept everybody outside.
    pub last_cut_usec: u64,
    /// `rdb_last_cut_wait_usec`: how long it waited for batches in progress.
    pub last_cut_wait_usec: u64,
    /// `rdb_saves`: good saves since the start.
    pub saves: u64,
    /// Keys in the last good file.
    pub last_keys: u64,
    /// Bytes of the last good file.
    pub last_bytes: u64,
    /// When the next automatic save may be tried after a failure; 0 if nothing holds it back.
    pub next_retry_at: i64,
}

impl Saver {
    /// Where saving stands. May be called inside the gate.
    pub fn status(&self) -> Status {
        let now = unix_seconds();
        let state = self.state.lock();
        let running = state
            .running
            .as_ref()
            .map(|running| (Arc::clone(&running.snapshot), running.kind, running.started_at));
        let starting = state.starting.as_ref().map(|starting| starting.kind);
        let last = &state.last;
        let mut status = Status {
            changes: self.dirty.load(Ordering::Relaxed),
            is_running: starting.is_some(),
            is_draining: false,
            kind: starting,
            is_scheduled: state.scheduled.is_some(),
            is_blocking_writes: self.is_blocking_writes(),
            started_at: if starting.is_some() { now } else { 0 },
            current_seconds: if starting.is_some() { 0 } else { -1 },
            keys_done: 0,
            keys_total: 0,
            bytes_written: 0,
            seconds_left: -1,
            budget_bytes: 0,
            budget_used_bytes: 0,
            budget_peak_bytes: last.budget_peak_bytes,
            last_save_at: last.saved_at,
            last_is_ok: last.is_ok,
            last_error: last.error.clone(),
            last_seconds: last.background_seconds,
            last_cut_usec: last.cut.as_micros() as u64,
            last_cut_wait_usec: last.cut_wait.as_micros() as u64,
            saves: last.saves,
            last_keys: last.keys,
            last_bytes: last.bytes,
            next_retry_at: last.retry_at(),
        };
        drop(state);
        status.budget_bytes = self.config.read().budget_bytes;
        let Some((snapshot, kind, started_at)) = running else { return status };
        let snapshot = snapshot.status();
        status.is_running = !snapshot.is_draining;
        status.is_draining = snapshot.is_draining;
        status.kind = Some(kind);
        status.started_at = started_at;
        status.current_seconds = (now - started_at).max(0);
        status.keys_done = snapshot.keys_done;
        status.keys_total = snapshot.keys_total.max(snapshot.keys_done);
        status.bytes_written = snapshot.bytes_written;
        status.budget_bytes = snapshot.budget_bytes;
        status.budget_used_bytes = snapshot.budget_used_bytes;
        status.budget_peak_bytes = snapshot.budget_peak_bytes;
        status.last_cut_usec = snapshot.cut.as_micros() as u64;
        status.last_cut_wait_usec = snapshot.cut_wait.as_micros() as u64;
        if snapshot.keys_done > 0 {
            let left = (status.keys_total - status.keys_done) as f64 / snapshot.keys_done as f64;
            status.seconds_left = (snapshot.elapsed.as_secs_f64() * left).ceil() as i64;
        }
        status
    }
}
