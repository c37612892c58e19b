//! Streams: entries in order of their IDs, and consumer groups that read them.
//!
//! It knows no command, no clock and no reply: IDs are made, times are told and options are read by the commands. There is one form for streams of any
//! size, always called `stream`.
//!
//! ```text
//!   Stream { log, groups, idempotence }                             clone: O(1), that is how it is frozen
//!      log     ID -> entry     Ordered ... -> StreamNode            what Redis has in one node, in less room
//!      groups  name -> Group   Shelf                                one slice while few, a tree when many
//!                 pending      Ordered ... -> RecordLeaf            ID, consumer, time, count
//!                 consumers    Shelf -> Consumer { pending: Ordered ... -> RecordLeaf }
//!      idempotence, a box if there is any: producer -> its own name of an entry -> ID
//! ```
//! Everything is shared between clones and copied where it is changed, node by node: an acknowledgement after a freeze copies a leaf and the way to it in
//! two trees, however much is pending.
//!
//! | Module | Content |
//! |---|---|
//! | `id` | IDs |
//! | `node`, `entries` | the layout of a node: changing it, reading it |
//! | `convert` | the listpack that RDB files have for a node |
//! | `log`, `range` | the entries of a stream: adding, deleting, trimming; walking a range |
//! | `group` | consumer groups, consumers, what is pending |
//! | `idempotence` | what producers call their entries, so that each is taken once |
//! | `shelf`, `records` | the two kinds of copy-on-write maps that these are made of |
//! | `validate` | nodes from outside |
//! | `drain` | reading for the last time, and freeing |
//!
//! Tested beside a plain model here, and in `tests/redis_streams.rs` beside what a real server recorded. `examples/measure_streams.rs` measures: entries of
//! three fields with values of 8 bytes take 31.6 bytes each, of which 28 are values and their lengths (Valkey 9.1.2: 41.7); an entry that is pending takes
//! 49 (Valkey: 138).

mod convert;
mod drain;
mod entries;
mod group;
mod id;
mod idempotence;
mod log;
mod node;
mod range;
mod records;
mod shelf;
#[cfg(test)]
mod tests;
mod validate;

use std::fmt;

pub use drain::{ConsumerDrain, GroupDrain, StreamDrain, StreamTeardown};
pub use entries::{Entry, Fields};
pub use group::{Consumer, Group, Pending, UNOWNED};
pub use id::StreamId;
pub use idempotence::{Idempotence, IdempotenceLimits};
pub use log::{AppendError, Info, Keep, Log, Trim, Trimmed};
pub use node::{NODE_BYTES_MAX, NodeLimits, StreamNode};
pub use range::{Range, RangeBack};
pub use records::RecordLeaf;
pub use validate::{Damage, NodeSummary, StreamBuilder, validate_node};

use shelf::Shelf;

/// A stream. `Clone` is O(1) and is how it is frozen.
#[derive(Clone, Default)]
pub struct Stream {
    log: Log,
    groups: Shelf<Group>,
    idempotence: Option<Box<Idempotence>>,
}

impl Stream {
    /// A stream without entries and groups; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The entries, to read.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The entries, to change.
    pub fn log_mut(&mut self) -> &mut Log {
        &mut self.log
    }

    /// Number of groups.
    pub fn groups_len(&self) -> u64 {
        self.groups.len()
    }

    /// The groups in order of their names.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter()
    }

    /// The group with a name.
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(name)
    }

    /// Adds a group that has read up to `last_id`. False if there is one with this name.
    pub fn create_group(&mut self, name: &[u8], last_id: StreamId, entries_read: Option<u64>) -> bool {
        self.groups.insert(Group::new(name, last_id, entries_read))
    }

    /// Removes a group. What it occupied is freed by the returned teardown, at once if it is dropped.
    pub fn destroy_group(&mut self, name: &[u8]) -> Option<StreamTeardown> {
        self.groups.remove(name).map(StreamTeardown::of_group)
    }

    /// Changes a group with `change`, which sees the entries too. `None` if there is none.
    pub fn edit_group<R>(&mut self, name: &[u8], change: impl FnOnce(&Log, &mut Group) -> R) -> Option<R> {
        let log = &self.log;
        self.groups.edit(name, |group| change(log, group))
    }

    /// What producers have sent before; `None` if none was ever noted and no limits were set.
    pub fn idempotence(&self) -> Option<&Idempotence> {
        self.idempotence.as_deref()
    }

    /// The entry that a producer gave a name to before, though it may be gone. It is counted as repeated.
    pub fn repeated(&mut self, producer: &[u8], name: &[u8], now_ms: u64) -> Option<StreamId> {
        self.idempotence.as_mut()?.repeat(producer, name, now_ms)
    }

    /// Notes what a producer calls an entry that was just added. If it is the stream's first such name, `limits` count from now on.
    pub fn note_produced(&mut self, producer: &[u8], name: &[u8], id: StreamId, limits: IdempotenceLimits) {
        self.idempotence.get_or_insert_with(|| Box::new(Idempotence::new(limits))).note(producer, name, id);
    }

    /// Sets how long names of entries are known, and how many. If that is changed, all are forgotten; they are freed by the returned teardown, at once
    /// if it is dropped.
    pub fn limit_idempotence(&mut self, limits: IdempotenceLimits) -> Option<StreamTeardown> {
        let idempotence = self.idempotence.get_or_insert_with(|| Box::new(Idempotence::new(limits)));
        idempotence.limit(limits).map(StreamTeardown::of_idempotence)
    }

    fn of_idempotence(&self, bytes: impl Fn(&Idempotence) -> u64) -> u64 {
        self.idempotence.as_deref().map_or(0, bytes)
    }

    /// Heap bytes, in O(1); nodes that a clone holds too are counted in both.
    pub fn heap_bytes(&self) -> u64 {
        let idempotence = self.of_idempotence(Idempotence::heap_bytes);
        self.log.nodes.heap_bytes() + self.groups.heap_bytes() + idempotence
    }

    /// Bytes copied so far because a clone held what was to be changed.
    pub fn copied_bytes(&self) -> u64 {
        let idempotence = self.of_idempotence(Idempotence::copied_bytes);
        self.log.nodes.copied_bytes() + self.groups.copied_bytes() + idempotence
    }

    /// Heap bytes that clones hold too, estimated from the roots.
    pub fn shared_bytes_estimate(&self) -> u64 {
        let idempotence = self.of_idempotence(Idempotence::shared_bytes_estimate);
        self.log.nodes.shared_bytes_estimate() + self.groups.shared_bytes_estimate() + idempotence
    }

    /// Everything in the order of an RDB file, let go piece by piece.
    pub fn into_drain(self) -> StreamDrain {
        StreamDrain::new(self)
    }

    /// Hands the nodes over to be freed a bounded number at a time.
    pub fn into_teardown(self) -> StreamTeardown {
        StreamTeardown::of_stream(self)
    }

    /// Verifies the invariants and panics with the broken one.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        self.log.check();
        self.groups.check();
        if let Some(idempotence) = self.idempotence() {
            idempotence.check();
        }
        for group in self.groups() {
            group.check();
            assert!(shelf::Item::heap_bytes(group) <= self.heap_bytes());
        }
    }
}

impl fmt::Debug for Stream {
    /// Shape only; the content may be of any size.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("log", &self.log).field("groups", &self.groups_len()).finish()
    }
}
