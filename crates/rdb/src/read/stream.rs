//! Reading streams, one node, group, consumer or pending entry at a time.
//!
//! ```text
//!  nodes  ( master ID as a string of 16 bytes, listpack as a string )*
//!  length  last ID: ms seq                                   all numbers are lengths, if not said otherwise
//!  v2: first ID: ms seq  highest deleted ID: ms seq  entries added
//!  groups ( name  last ID: ms seq  v2: entries read (2^64 - 1: unknown)
//!           pending   ( ID: 16 bytes  delivered at: i64 le  deliveries )*
//!           consumers ( name  seen at: i64 le  v3: active at: i64 le  owned ( ID: 16 bytes )* )*
//!           v5: unowned ( ID: 16 bytes )* )*
//!  v4: seconds  most  producers ( name  messages ( name  ID: ms seq )* )*  added  duplicates
//! ```
//!
//! What version 4 adds, the memory of idempotent producers (XADD IDMP of Redis 8.6), is passed over. Versions 4 and 5 are known
//! from other projects' readers, which agree, not from a server.
//!
//! Bounds: the names of groups and of one group's consumers and the IDs of one group's pending entries are kept, at most
//! about three times the bytes that they have in the file.

use std::collections::HashSet;
use std::io::Read;

use super::input::Input;
use super::object::{Scratch, structure};
use crate::element::Element;
use crate::error::{Error, Fault};
use crate::listpack;
use crate::object::{
    ObjectSink, StreamConsumer, StreamGroup, StreamId, StreamInfo, StreamNode, StreamPending,
};

/// What follows.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Nodes { left: u64 },
    Info,
    Groups { left: u64 },
    Pending { left: u64 },
    Consumers,
    ConsumersLeft { left: u64 },
    Owned { left: u64, consumers: u64 },
    Unowned { left: u64 },
    GroupEnd,
    Producers { left: u64 },
    Messages { left: u64, producers: u64 },
    Done,
}

/// Where in a stream the reading stands.
pub(super) struct StreamCursor {
    version: u8,
    stage: Stage,
    has_nodes: bool,
    node_last: Option<StreamId>,
    entry_last: Option<StreamId>,
    live: u64,
    groups_left: u64,
    group_names: HashSet<Vec<u8>>,
    consumer_names: HashSet<Vec<u8>>,
    /// Pending entries of the current group, ascending, and whether a consumer owns them.
    pending: Vec<(StreamId, bool)>,
    owned: u64,
    owned_last: Option<StreamId>,
}

impl StreamCursor {
    pub(super) fn new(version: u8, nodes: u64) -> Self {
        Self {
            version,
            stage: Stage::Nodes { left: nodes },
            has_nodes: nodes > 0,
            node_last: None,
            entry_last: None,
            live: 0,
            groups_left: 0,
            group_names: HashSet::new(),
            consumer_names: HashSet::new(),
            pending: Vec::new(),
            owned: 0,
            owned_last: None,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// Reads and hands over one part.
    pub(super) fn step<R: Read, S: ObjectSink + ?Sized>(
        &mut self,
        input: &mut Input<R>,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<(), Error> {
        self.stage = match self.stage {
            Stage::Nodes { left: 0 } => Stage::Info,
            Stage::Nodes { left } => {
                self.node(input, scratch, sink)?;
                Stage::Nodes { left: left - 1 }
            }
            Stage::Info => {
                self.info(input, sink)?;
                Stage::Groups { left: input.length("a number of consumer groups")? }
            }
            Stage::Groups { left: 0 } if self.version < 4 => Stage::Done,
            Stage::Groups { left: 0 } => {
                for expected in ["how long producers are remembered", "how many messages are remembered"] {
                    input.length(expected)?;
                }
                Stage::Producers { left: input.length("a number of producers")? }
            }
            Stage::Groups { left } => {
                self.groups_left = left - 1;
                self.group(input, scratch, sink)?;
                Stage::Pending { left: input.length("a number of pending entries")? }
            }
            Stage::Pending { left: 0 } => Stage::Consumers,
            Stage::Pending { left } => {
                self.pending(input, sink)?;
                Stage::Pending { left: left - 1 }
            }
            Stage::Consumers => Stage::ConsumersLeft { left: input.length("a number of consumers")? },
            Stage::ConsumersLeft { left: 0 } if self.version < 5 => Stage::GroupEnd,
            Stage::ConsumersLeft { left: 0 } => {
                Stage::Unowned { left: input.length("a number of unowned entries")? }
            }
            Stage::Unowned { left: 0 } => Stage::GroupEnd,
            Stage::Unowned { left } => {
                let (at, id) = self.claimed(input)?;
                sink.stream_unowned(id).map_err(|fault| Error::new(at, fault))?;
                Stage::Unowned { left: left - 1 }
            }
            Stage::GroupEnd => {
                if self.owned != self.pending.len() as u64 {
                    return structure(input.offset(), "a pending entry that no consumer owns");
                }
                let at = input.offset();
                sink.stream_group_end().map_err(|fault| Error::new(at, fault))?;
                Stage::Groups { left: self.groups_left }
            }
            Stage::ConsumersLeft { left } => {
                self.consumer(input, scratch, sink)?;
                let owned = input.length("a number of pending entries")?;
                Stage::Owned { left: owned, consumers: left - 1 }
            }
            Stage::Owned { left: 0, consumers } => Stage::ConsumersLeft { left: consumers },
            Stage::Owned { left, consumers } => {
                let at = input.offset();
                let last = self.owned_last;
                let (_, id) = self.claimed(input)?;
                if last.is_some_and(|last| last >= id) {
                    return structure(at, "a consumer whose pending entries do not ascend");
                }
                self.owned_last = Some(id);
                sink.stream_owned(id).map_err(|fault| Error::new(at, fault))?;
                Stage::Owned { left: left - 1, consumers }
            }
            Stage::Producers { left: 0 } => {
                input.length("a number of messages added")?;
                input.length("a number of duplicates")?;
                Stage::Done
            }
            Stage::Producers { left } => {
                input.string("the name of a producer", &mut scratch.first)?;
                Stage::Messages { left: input.length("a number of messages")?, producers: left - 1 }
            }
            Stage::Messages { left: 0, producers } => Stage::Producers { left: producers },
            Stage::Messages { left, producers } => {
                input.string("the name of a message", &mut scratch.first)?;
                stream_id(input)?;
                Stage::Messages { left: left - 1, producers }
            }
            Stage::Done => Stage::Done,
        };
        Ok(())
    }

    fn node<R: Read, S: ObjectSink + ?Sized>(
        &mut self,
        input: &mut Input<R>,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<(), Error> {
        let at = input.offset();
        let Scratch { first: key, second: node } = scratch;
        input.string("the ID of a stream's node", key)?;
        let Ok(id) = <[u8; 16]>::try_from(key.as_slice()) else {
            return structure(at, "a stream's node whose ID has no 16 bytes");
        };
        let id = StreamId::from_bytes(id);
        if self.node_last.is_some_and(|last| last >= id) {
            return structure(at, "a stream whose nodes do not ascend");
        }
        self.node_last = Some(id);
        let at = input.offset();
        let refused = |fault| Error::new(at, fault);
        input.string("a stream's node", node)?;
        let (node, last) =
            check(id, node, self.entry_last).map_err(|what| refused(Fault::Structure { what }))?;
        self.entry_last = last;
        self.live += node.live;
        sink.stream_node(node).map_err(refused)
    }

    fn info<R: Read, S: ObjectSink + ?Sized>(
        &mut self,
        input: &mut Input<R>,
        sink: &mut S,
    ) -> Result<(), Error> {
        let at = input.offset();
        let length = input.length("a stream's length")?;
        let mut info =
            StreamInfo { length, counted: self.live, entries_added: length, ..StreamInfo::default() };
        info.last_id = stream_id(input)?;
        if self.version >= 2 {
            info.first_id = Some(stream_id(input)?);
            info.max_deleted_id = stream_id(input)?;
            info.entries_added = input.length("a stream's number of entries added")?;
        }
        if length > 0 && !self.has_nodes {
            return structure(at, "a stream with a length but no entries");
        }
        sink.stream_info(&info).map_err(|fault| Error::new(at, fault))
    }

    fn group<R: Read, S: ObjectSink + ?Sized>(
        &mut self,
        input: &mut Input<R>,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<(), Error> {
        let at = input.offset();
        let name = &mut scratch.first;
        input.string("the name of a consumer group", name)?;
        let last_id = stream_id(input)?;
        let mut entries_read = None;
        if self.version >= 2 {
            let stored = input.length("a consumer group's number of entries read")?;
            entries_read = (stored != u64::MAX).then_some(stored);
        }
        if !self.group_names.insert(name.clone()) {
            return structure(at, "a consumer group that comes twice");
        }
        self.consumer_names.clear();
        self.pending.clear();
        self.owned = 0;
        sink.stream_group(&StreamGroup { name, last_id, entries_read }).map_err(|fault| Error::new(at, fault))
    }

    fn pending<R: Read, S: ObjectSink + ?Sized>(
        &mut self,
        input: &mut Input<R>,
        sink: &mut S,
    ) -> Result<(), Error> {
        let at = input.offset();
        let id = StreamId::from_bytes(input.array("the ID of a pending entry")?);
        let delivered_at_ms = i64::from_le_bytes(input.array("the time of a delivery")?);
        let deliveries = input.length("a number of deliveries")?;
        if self.pending.last().is_some_and(|&(last, _)| last >= id) {
            return structure(at, "a consumer group whose pending entries do not ascend");
        }
        self.pending.push((id, false));
        sink.stream_pending(&StreamPending { id, delivered_at_ms, deliveries })
            .map_err(|fault| Error::new(at, fault))
    }

    fn consumer<R: Read, S: ObjectSink + ?Sized>(
        &mut self,
        input: &mut Input<R>,
        scratch: &mut Scratch,
        sink: &mut S,
    ) -> Result<(), Error> {
        let at = input.offset();
        let name = &mut scratch.first;
        input.string("the name of a consumer", name)?;
        let seen_at_ms = i64::from_le_bytes(input.array("the time at which a consumer was seen")?);
        let mut active_at_ms = seen_at_ms;
        if self.version >= 3 {
            active_at_ms = i64::from_le_bytes(input.array("the time at which a consumer was active")?);
        }
        if !self.consumer_names.insert(name.clone()) {
            return structure(at, "a consumer that comes twice");
        }
        self.owned_last = None;
        sink.stream_consumer(&StreamConsumer { name, seen_at_ms, active_at_ms })
            .map_err(|fault| Error::new(at, fault))
    }

    /// Reads the ID of a pending entry that nobody has owned so far, which is owned from now on or said not to be. With its offset.
    fn claimed<R: Read>(&mut self, input: &mut Input<R>) -> Result<(u64, StreamId), Error> {
        let at = input.offset();
        let id = StreamId::from_bytes(input.array("the ID of a pending entry")?);
        let place = self.pending.binary_search_by_key(&id, |&(id, _)| id);
        match place.ok().and_then(|place| self.pending.get_mut(place)) {
            None => structure(at, "an entry that is pending for a consumer but not in its group"),
            Some((_, true)) => structure(at, "a pending entry that two consumers own"),
            Some((_, is_owned)) => {
                *is_owned = true;
                self.owned += 1;
                Ok((at, id))
            }
        }
    }
}

fn stream_id<R: Read>(input: &mut Input<R>) -> Result<StreamId, Error> {
    let expected = "the ID of a stream's entry";
    Ok(StreamId { ms: input.length(expected)?, seq: input.length(expected)? })
}

/// Checks a node in depth, its entries' IDs against `last`, the one before. Returns the last ID with it.
fn check(
    id: StreamId,
    listpack: &[u8],
    mut last: Option<StreamId>,
) -> Result<(StreamNode<'_>, Option<StreamId>), &'static str> {
    const WRONG: &str = "a damaged entry in a stream's node";
    let checked = listpack::check(listpack)?;
    if checked.count == 0 {
        return Err("a stream's node without content");
    }
    let mut elements = checked.iter();
    let live = count(&mut elements).ok_or("a stream's node without a number of entries")?;
    let deleted = count(&mut elements).ok_or("a stream's node without a number of deleted entries")?;
    let fields = count(&mut elements).ok_or("a stream's node without a number of fields")?;
    if !pass_over(&mut elements, fields) || count(&mut elements) != Some(0) {
        return Err("a stream's node with damaged fields");
    }
    let node = StreamNode { id, body: checked.body, count: checked.count, live };
    let mut entries = live.checked_add(deleted).ok_or(WRONG)?;
    let mut alive = 0u64;
    while entries > 0 {
        entries -= 1;
        let mut number = || elements.next().and_then(Element::as_int);
        let (flags, ms, seq) = (number().ok_or(WRONG)?, number().ok_or(WRONG)?, number().ok_or(WRONG)?);
        let own = StreamId { ms: id.ms.wrapping_add(ms as u64), seq: id.seq.wrapping_add(seq as u64) };
        if last.is_some_and(|last| last >= own) {
            return Err("a stream whose entries do not ascend");
        }
        last = Some(own);
        let expected = if flags & 2 != 0 {
            pass_over(&mut elements, fields).then(|| fields.checked_add(3))
        } else {
            let fields = count(&mut elements).ok_or(WRONG)?;
            let pairs = fields.checked_mul(2).ok_or(WRONG)?;
            pass_over(&mut elements, pairs).then(|| pairs.checked_add(4))
        };
        if expected.flatten().is_none() || count(&mut elements) != expected.flatten() {
            return Err(WRONG);
        }
        alive += u64::from(flags & 1 == 0);
    }
    if elements.next().is_some() {
        return Err("a stream's node with more elements than its entries have");
    }
    if alive != live {
        return Err("a stream's node with another number of deleted entries than it says");
    }
    Ok((node, last))
}

/// A number that is not negative.
fn count(elements: &mut listpack::Iter<'_>) -> Option<u64> {
    elements.next()?.as_int().and_then(|number| u64::try_from(number).ok())
}

/// Passes over elements; false if there are not so many.
fn pass_over(elements: &mut listpack::Iter<'_>, count: u64) -> bool {
    (0..count).all(|_| elements.next().is_some())
}
