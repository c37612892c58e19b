//! Reading a frozen stream once, letting go of what lies behind the reader; and freeing one a bounded number of nodes at a time.
//!
//! The order is that of an RDB file: nodes, then groups one by one, of each its pending entries and then its consumers. Names that producers gave
//! their entries are in no file.

use crate::gaps::{Part, Verdict};
use crate::ordered::{self, Drained};

use super::group::{Consumer, Group, Number, PENDING, Pending};
use super::idempotence::IdempotenceTeardown;
use super::records::{ID, RecordLeaf, id_of};
use super::shelf::ShelfDrain;
use super::{Info, Stream, StreamId, StreamNode};

/// A stream that is read for the last time.
pub struct StreamDrain {
    /// What the stream remembers beside its entries.
    pub info: Info,
    /// Number of entries that the stream has.
    pub len: u64,
    /// Number of nodes that the stream has.
    pub node_count: u64,
    nodes: ordered::Drain<StreamNode>,
    groups: ShelfDrain<Group>,
}

/// A group of a stream that is read for the last time.
pub struct GroupDrain {
    /// The ID of the last entry that was delivered.
    pub last_id: StreamId,
    /// How many entries were read, if known.
    pub entries_read: Option<u64>,
    pending: ordered::Drain<RecordLeaf<PENDING>>,
    numbers: ShelfDrain<Number>,
    group: Group,
}

/// A consumer of a group that is read for the last time.
pub struct ConsumerDrain {
    /// When it last asked for something.
    pub seen_at_ms: i64,
    /// When it last got something; -1 for never.
    pub active_at_ms: i64,
    pending: ordered::Drain<RecordLeaf<ID>>,
    consumer: Consumer,
}

impl StreamDrain {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            info: stream.log.info(),
            len: stream.log.len(),
            node_count: stream.log.node_count(),
            nodes: stream.log.nodes.into_drain(),
            groups: stream.groups.into_drain(),
        }
    }

    /// The next node, to be released when it has been written, or what is in the place of one that was taken out.
    pub fn next_node(&mut self) -> Option<Part<Drained<StreamNode>>> {
        self.nodes.next_part()
    }

    /// Takes nodes out of what lies ahead: see [`ordered::Drain::take_out`].
    pub fn take_out(&mut self, from: u64, judge: &mut dyn FnMut(&StreamNode) -> Verdict) -> Option<u64> {
        self.nodes.take_out(from, judge)
    }

    /// Heap bytes of inner nodes freed since the last call, because nobody else held them.
    pub fn take_freed(&mut self) -> u64 {
        self.nodes.take_freed()
    }

    /// Groups not yet handed out.
    pub fn groups_remaining(&self) -> u64 {
        self.groups.remaining()
    }

    /// The next group in order of names.
    pub fn next_group(&mut self) -> Option<GroupDrain> {
        self.groups.next().map(|mut group| GroupDrain {
            last_id: group.last_id,
            entries_read: group.entries_read,
            pending: std::mem::take(&mut group.pending).into_drain(),
            numbers: group.drain_consumers(),
            group,
        })
    }
}

impl GroupDrain {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        self.group.name()
    }

    /// Pending entries not yet handed out.
    pub fn pending_remaining(&self) -> u64 {
        self.pending.remaining()
    }

    /// The next leaf of pending entries.
    pub fn next_pending(&mut self) -> Option<Drained<RecordLeaf<PENDING>>> {
        self.pending.next()
    }

    /// Consumers not yet handed out.
    pub fn consumers_remaining(&self) -> u64 {
        self.numbers.remaining()
    }

    /// The next consumer in order of names.
    pub fn next_consumer(&mut self) -> Option<ConsumerDrain> {
        loop {
            let number = self.numbers.next()?;
            if let Some(mut consumer) = self.group.take_consumer(&number) {
                return Some(ConsumerDrain {
                    seen_at_ms: consumer.seen_at_ms,
                    active_at_ms: consumer.active_at_ms,
                    pending: std::mem::take(&mut consumer.pending).into_drain(),
                    consumer,
                });
            }
        }
    }

    /// Heap bytes of inner nodes freed since the last call, because nobody else held them.
    pub fn take_freed(&mut self) -> u64 {
        self.pending.take_freed()
    }
}

impl ConsumerDrain {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        self.consumer.name()
    }

    /// IDs not yet handed out.
    pub fn pending_remaining(&self) -> u64 {
        self.pending.remaining()
    }

    /// The next leaf of IDs of pending entries.
    pub fn next_pending(&mut self) -> Option<Drained<RecordLeaf<ID>>> {
        self.pending.next()
    }

    /// Heap bytes of inner nodes freed since the last call, because nobody else held them.
    pub fn take_freed(&mut self) -> u64 {
        self.pending.take_freed()
    }
}

impl RecordLeaf<PENDING> {
    /// The pending entries of a leaf.
    pub fn pending(&self) -> impl ExactSizeIterator<Item = Pending> {
        self.records().iter().map(Pending::from_record)
    }
}

impl RecordLeaf<ID> {
    /// The IDs of a leaf.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = StreamId> {
        self.records().iter().map(id_of)
    }
}

/// What is left of a stream, or of one of its groups, that is being freed. Dropping it frees the rest at once.
pub struct StreamTeardown {
    nodes: ordered::Teardown<StreamNode>,
    pending: ordered::Teardown<RecordLeaf<PENDING>>,
    ids: ordered::Teardown<RecordLeaf<ID>>,
    consumers: Option<ShelfDrain<Consumer>>,
    /// Names of the consumers being freed; no more than names.
    numbers: Option<ShelfDrain<Number>>,
    groups: Option<ShelfDrain<Group>>,
    idempotence: Option<Box<IdempotenceTeardown>>,
}

impl StreamTeardown {
    pub(super) fn of_stream(stream: Stream) -> Self {
        let groups = Some(stream.groups.into_drain());
        let idempotence = stream.idempotence.map(|it| Box::new(it.into_teardown()));
        Self { nodes: stream.log.nodes.into_teardown(), groups, idempotence, ..Self::nothing() }
    }

    pub(super) fn of_group(group: Group) -> Self {
        let mut teardown = Self::nothing();
        teardown.take(group);
        teardown
    }

    pub(super) fn of_nodes(nodes: ordered::Teardown<StreamNode>) -> Self {
        Self { nodes, ..Self::nothing() }
    }

    pub(super) fn of_idempotence(idempotence: IdempotenceTeardown) -> Self {
        Self { idempotence: Some(Box::new(idempotence)), ..Self::nothing() }
    }

    fn nothing() -> Self {
        Self {
            nodes: ordered::Ordered::new().into_teardown(),
            pending: ordered::Ordered::new().into_teardown(),
            ids: ordered::Ordered::new().into_teardown(),
            consumers: None,
            numbers: None,
            groups: None,
            idempotence: None,
        }
    }

    fn take(&mut self, group: Group) {
        self.pending = group.pending.into_teardown();
        self.consumers = Some(group.consumers.into_drain());
        self.numbers = Some(group.numbers.into_drain());
    }

    /// Frees about `nodes_max` nodes. True when nothing is left.
    pub fn step(&mut self, nodes_max: usize) -> bool {
        if !self.nodes.is_done() {
            self.nodes.step(nodes_max);
            return false;
        }
        for _ in 0..nodes_max {
            if !self.pending.is_done() {
                self.pending.step(1);
            } else if !self.ids.is_done() {
                self.ids.step(1);
            } else if let Some(consumer) = self.consumers.as_mut().and_then(Iterator::next) {
                self.ids = consumer.pending.into_teardown();
            } else if self.numbers.as_mut().and_then(Iterator::next).is_some() {
                self.consumers = None;
            } else if let Some(group) = self.groups.as_mut().and_then(Iterator::next) {
                self.take(group);
            } else if !self.idempotence.as_mut().is_some_and(|it| it.step()) {
                return true;
            }
        }
        false
    }
}
