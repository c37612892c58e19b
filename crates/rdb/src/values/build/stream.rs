//! Building a stream: its nodes, copied as they are after a check of their own, then its groups one by one.
//!
//! What the reader has checked of groups is not checked again: names that come twice change nothing here.
//!
//! Faults: a node that is unsound in ways that only its reader minds ([`value::stream::Damage`]) is [`Fault::Structure`].

use value::Large;
use value::stream::{Damage, Group, Info, Stream, StreamBuilder, StreamId};

use super::{Built, OUT_OF_TURN};
use crate::error::Fault;
use crate::listpack;
use crate::object::{self, StreamConsumer, StreamGroup, StreamInfo, StreamNode, StreamPending};

pub(super) struct StreamBuild {
    state: State,
    /// The name of the group and the number of the consumer that are being read.
    group: Vec<u8>,
    consumer: Option<u32>,
    /// The stream is from before 7.0, when groups did not count what they read: it is worked out.
    is_old: bool,
}

enum State {
    Nodes(StreamBuilder),
    Groups(Box<Stream>),
}

/// An ID as the value has it.
fn id_of(id: object::StreamId) -> StreamId {
    StreamId::new(id.ms, id.seq)
}

impl StreamBuild {
    pub(super) fn begin() -> Self {
        Self { state: State::Nodes(StreamBuilder::new()), group: Vec::new(), consumer: None, is_old: false }
    }

    /// Takes a node, for which it is put together in `space`.
    pub(super) fn node(&mut self, node: StreamNode<'_>, space: &mut Vec<u8>) -> Result<(), Fault> {
        let State::Nodes(builder) = &mut self.state else { return Err(OUT_OF_TURN) };
        space.clear();
        listpack::append(space, node.body, node.count);
        match builder.push(id_of(node.id), space) {
            Ok(_) => Ok(()),
            Err(damage) => Err(Fault::Structure { what: text(damage) }),
        }
    }

    pub(super) fn info(&mut self, info: &StreamInfo) -> Result<(), Fault> {
        let State::Nodes(builder) = &mut self.state else { return Err(OUT_OF_TURN) };
        let stream = std::mem::take(builder).finish(Info {
            last_id: id_of(info.last_id),
            first_id: StreamId::MIN,
            max_deleted_id: id_of(info.max_deleted_id),
            entries_added: info.entries_added,
        });
        self.state = State::Groups(Box::new(stream));
        self.is_old = info.first_id.is_none();
        Ok(())
    }

    pub(super) fn group(&mut self, group: &StreamGroup<'_>) -> Result<(), Fault> {
        let State::Groups(stream) = &mut self.state else { return Err(OUT_OF_TURN) };
        let last_id = id_of(group.last_id);
        let entries_read = match self.is_old {
            true => stream.log().distance_from_start(last_id),
            false => group.entries_read,
        };
        stream.create_group(group.name, last_id, entries_read);
        self.group.clear();
        self.group.extend_from_slice(group.name);
        self.consumer = None;
        Ok(())
    }

    /// Changes the group that is being read.
    fn edit<R>(&mut self, change: impl FnOnce(&mut Group) -> R) -> Result<R, Fault> {
        let State::Groups(stream) = &mut self.state else { return Err(OUT_OF_TURN) };
        stream.edit_group(&self.group, |_, group| change(group)).ok_or(OUT_OF_TURN)
    }

    pub(super) fn pending(&mut self, pending: &StreamPending) -> Result<(), Fault> {
        let delivered_at_ms = pending.delivered_at_ms.max(0) as u64;
        self.edit(|group| group.load_pending(id_of(pending.id), delivered_at_ms, pending.deliveries))
    }

    pub(super) fn consumer(&mut self, consumer: &StreamConsumer<'_>) -> Result<(), Fault> {
        self.consumer = self.edit(|group| {
            let number = group.create_consumer(consumer.name, consumer.seen_at_ms)?;
            group.touch_consumer(number, consumer.seen_at_ms, Some(consumer.active_at_ms));
            Some(number)
        })?;
        Ok(())
    }

    pub(super) fn owned(&mut self, id: object::StreamId) -> Result<(), Fault> {
        let consumer = self.consumer.ok_or(OUT_OF_TURN)?;
        if self.edit(|group| group.load_owner(id_of(id), consumer))? { Ok(()) } else { Err(OUT_OF_TURN) }
    }

    pub(super) fn finish(self) -> Option<Built<'static>> {
        match self.state {
            State::Groups(stream) => Some(Built::Large(Large::Stream(stream))),
            // Not ended.
            State::Nodes(_) => None,
        }
    }
}

fn text(damage: Damage) -> &'static str {
    match damage {
        Damage::Listpack(_) => "a stream's node that is no listpack",
        Damage::Master => "a stream's node with a damaged master entry",
        Damage::Entry => "a damaged entry in a stream's node",
        Damage::Count => "a stream's node with another number of entries than it says",
        Damage::Order => "a stream whose entries do not ascend",
    }
}
