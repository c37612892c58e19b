//! What the engine asks of whoever saves and loads; the `persistence` crate does it, the binary brings the two together.
//!
//! The reactors walk a running snapshot in slices between their batches; everything here is called outside the gate unless it says otherwise.

use std::time::Duration;

use keyspace::{Inside, WorkerId};
use net::ConnId;

use crate::error::Error;
use crate::figures::PersistenceFigures;

/// What a slice of a snapshot's walk found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// There is more: go on soon.
    More,
    /// Nothing to do for now.
    Idle,
    /// The snapshot is ready to be ended: call [`Persistence::settle`].
    Settle,
}

/// How the server is to end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ending {
    /// Save, do not save, or as the save points say.
    pub save: Option<bool>,
    /// Even if saving fails.
    pub force: bool,
    /// Who asked and hears of it if it fails.
    pub client: Option<(WorkerId, ConnId)>,
}

/// Saving and loading.
pub trait Persistence: Send + Sync {
    /// What INFO shows. May be called inside the gate.
    fn figures(&self) -> PersistenceFigures;

    /// Whether a snapshot is to be walked or settled: one relaxed load, asked after every batch.
    fn is_active(&self) -> bool;

    /// Walks the snapshot for about `slice`.
    fn step(&self, inside: &mut Inside<'_>, slice: Duration) -> Walk;

    /// Cuts a snapshot that is ready for it, or ends one.
    fn settle(&self, worker: WorkerId);

    /// Whether a running snapshot holds nearly as much memory as its budget allows, so that [`Self::wait_for_room`] would soon wait.
    fn is_short(&self) -> bool;

    /// Waits while a running snapshot holds more memory than its budget.
    fn wait_for_room(&self);

    /// Ten times a second, by one reactor: save points, what is scheduled, what has ended.
    fn tick(&self, worker: WorkerId);

    /// Counts changes of the data set.
    fn note_changes(&self, changes: u64);

    /// Whether writes are refused because a save failed. May be called inside the gate.
    fn is_blocking_writes(&self) -> bool;

    /// When the last good save ended, seconds since the epoch.
    fn last_save_s(&self) -> i64;

    /// Begins a save in the background; with `schedule` it may also begin later. The text is the reply's; without one the client gets it
    /// when the cut is made.
    fn save_in_background(
        &self,
        worker: WorkerId,
        client: ConnId,
        schedule: bool,
    ) -> Result<Option<&'static str>, Error>;

    /// Gives up the save that is running or scheduled; false if there is none.
    fn cancel(&self) -> bool;

    /// Begins a save for a client, who gets the reply when it has ended.
    fn save_for(&self, worker: WorkerId, client: ConnId) -> Result<(), Error>;

    /// Whether save points are set. May be called inside the gate.
    fn has_save_points(&self) -> bool;

    /// After FLUSHALL: begins a save, so that the old data do not come back with a restart. True if `client` gets its `+OK` when that
    /// has ended; false if it is to be answered now, because it wants no reply or another save is running, which one more will
    /// follow.
    fn save_flushed(&self, worker: WorkerId, client: Option<ConnId>) -> bool;

    /// Saves if `save`, empties the keyspace unless `keep`, loads the file. Nobody else is served meanwhile.
    fn reload(&self, worker: WorkerId, save: bool, keep: bool) -> Result<(), Error>;

    /// Asks for the end of the server.
    fn end(&self, ending: Ending);

    /// Calls an ending off; false if none is under way.
    fn call_off_end(&self) -> bool;
}
