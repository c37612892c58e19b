//! Making a value of what a reader hands over: small or large as the limits say, and called what Redis would call it after loading.
//!
//! It does not check what the reader has checked; it finds members and fields that come twice, which only who has them all can.
//!
//! Faults: a member or field that comes twice is [`Fault::Structure`]; pending entries that no consumer owns are refused by name. Bounds: beside the value itself
//! there is one packed block, and for a sorted set that comes in descending order what stands in `zset`.

mod hash;
mod list;
mod set;
mod stream;
mod zset;

use value::Large;
use value::fields::{FieldsForm, FieldsLimits};
use value::list::Limit;
use value::set::{SetForm, SetLimits};

use crate::element::Element;
use crate::error::Fault;
use crate::object::{
    Kind, ObjectSink, Packed, StreamConsumer, StreamGroup, StreamId, StreamInfo, StreamNode, StreamPending,
    Taken,
};
use hash::HashBuild;
use list::ListBuild;
use set::SetBuild;
use stream::StreamBuild;
use zset::ZsetBuild;

/// The configured limits of small encodings.
#[derive(Clone, Copy, Debug)]
pub struct Thresholds {
    /// Of lists.
    pub list: Limit,
    /// Of sets.
    pub set: SetLimits,
    /// Of hashes.
    pub hash: FieldsLimits,
    /// `zset-max-listpack-entries`
    pub zset_entries_max: u64,
    /// `zset-max-listpack-value`, in bytes
    pub zset_value_max: usize,
}

impl Default for Thresholds {
    /// Those of a server that was not told others.
    fn default() -> Self {
        Self {
            list: Limit::new(-2),
            set: SetLimits { intset_entries_max: 512, listpack_entries_max: 128, listpack_value_max: 64 },
            hash: FieldsLimits { entries_max: 128, value_max: 64 },
            zset_entries_max: 128,
            zset_value_max: 64,
        }
    }
}

/// The block of a small collection.
#[derive(Clone, Copy, Debug)]
pub enum Small<'a> {
    /// Of a list.
    List(&'a [u8]),
    /// Of a set.
    Set(SetForm, &'a [u8]),
    /// Of a sorted set.
    Zset(&'a [u8]),
    /// Of a hash.
    Hash(FieldsForm, &'a [u8]),
}

/// A value that has been built.
#[derive(Debug)]
pub enum Built<'a> {
    /// The block of a small one.
    Small(Small<'a>),
    /// A large one.
    Large(Large),
}

/// Takes one object after the other. After [`ObjectSink::end`] the value is to be had from [`Builder::take`].
pub struct Builder {
    thresholds: Thresholds,
    drop_before_ms: Option<u64>,
    /// Space for the block of a small collection or the node of a stream, used again and again.
    block: Vec<u8>,
    state: State,
}

enum State {
    Empty,
    List(ListBuild),
    Set(SetBuild),
    Zset(ZsetBuild),
    Hash(HashBuild),
    Stream(Box<StreamBuild>),
}

const TWICE: Fault = Fault::Structure { what: "a collection that has an element twice" };
const OUT_OF_TURN: Fault = Fault::Structure { what: "an element of another kind of collection" };

impl Builder {
    /// With limits of encodings, and the Unix time in milliseconds before which fields count as expired and are left out (`None`
    /// keeps them).
    pub fn new(thresholds: Thresholds, drop_before_ms: Option<u64>) -> Self {
        Self { thresholds, drop_before_ms, block: Vec::new(), state: State::Empty }
    }

    /// The value that was completed last; `None` if all of its fields had expired.
    pub fn take(&mut self) -> Option<Built<'_>> {
        match std::mem::replace(&mut self.state, State::Empty) {
            State::Empty => None,
            State::List(list) => Some(list.finish(&self.block, &self.thresholds)),
            State::Set(set) => Some(set.finish(&self.block)),
            State::Zset(zset) => zset.finish(&self.block),
            State::Hash(hash) => hash.finish(&mut self.block),
            State::Stream(stream) => stream.finish(),
        }
    }

    fn stream(&mut self) -> Result<&mut StreamBuild, Fault> {
        let State::Stream(stream) = &mut self.state else { return Err(OUT_OF_TURN) };
        Ok(stream)
    }
}

impl ObjectSink for Builder {
    fn begin(&mut self, kind: Kind, count: Option<u64>) -> Result<(), Fault> {
        self.state = match kind {
            Kind::List => State::List(ListBuild::begin(&mut self.block)),
            Kind::Set => State::Set(SetBuild::begin(count, &self.thresholds, &mut self.block)),
            Kind::Zset => State::Zset(ZsetBuild::begin(count, &self.thresholds, &mut self.block)),
            Kind::Hash => State::Hash(HashBuild::begin(count, &self.thresholds, &mut self.block)),
            Kind::Stream => State::Stream(Box::new(StreamBuild::begin())),
        };
        Ok(())
    }

    fn packed(&mut self, node: Packed<'_>) -> Result<Taken, Fault> {
        let Self { thresholds, block, .. } = self;
        Ok(match &mut self.state {
            State::List(list) => list.packed(node, block),
            State::Set(set) => set.packed(node, thresholds, block),
            State::Zset(zset) => zset.packed(node, thresholds, block),
            State::Hash(hash) => hash.packed(node, thresholds, block),
            State::Empty | State::Stream(_) => Taken::No,
        })
    }

    fn list_element(&mut self, element: Element<'_>) -> Result<(), Fault> {
        let State::List(list) = &mut self.state else { return Err(OUT_OF_TURN) };
        list.push(element.into(), &mut self.block);
        Ok(())
    }

    fn set_member(&mut self, member: Element<'_>) -> Result<(), Fault> {
        let State::Set(set) = &mut self.state else { return Err(OUT_OF_TURN) };
        member.with_text(|member| set.add(member, &self.thresholds, &mut self.block))
    }

    fn zset_member(&mut self, member: Element<'_>, score: f64) -> Result<(), Fault> {
        let State::Zset(zset) = &mut self.state else { return Err(OUT_OF_TURN) };
        member.with_text(|member| zset.add(member, score, &self.thresholds, &mut self.block))
    }

    fn hash_field(
        &mut self,
        field: Element<'_>,
        value: Element<'_>,
        expire_at_ms: Option<u64>,
    ) -> Result<(), Fault> {
        let State::Hash(hash) = &mut self.state else { return Err(OUT_OF_TURN) };
        if let (Some(now), Some(deadline)) = (self.drop_before_ms, expire_at_ms)
            && deadline < now
        {
            return Ok(());
        }
        field.with_text(|field| {
            value.with_text(|value| {
                hash.add(field, value, expire_at_ms, &self.thresholds.hash, &mut self.block)
            })
        })
    }

    fn stream_node(&mut self, node: StreamNode<'_>) -> Result<(), Fault> {
        let State::Stream(stream) = &mut self.state else { return Err(OUT_OF_TURN) };
        stream.node(node, &mut self.block)
    }

    fn stream_info(&mut self, info: &StreamInfo) -> Result<(), Fault> {
        self.stream()?.info(info)
    }

    fn stream_group(&mut self, group: &StreamGroup<'_>) -> Result<(), Fault> {
        self.stream()?.group(group)
    }

    fn stream_pending(&mut self, pending: &StreamPending) -> Result<(), Fault> {
        self.stream()?.pending(pending)
    }

    fn stream_consumer(&mut self, consumer: &StreamConsumer<'_>) -> Result<(), Fault> {
        self.stream()?.consumer(consumer)
    }

    fn stream_owned(&mut self, id: StreamId) -> Result<(), Fault> {
        self.stream()?.owned(id)
    }

    fn stream_unowned(&mut self, _: StreamId) -> Result<(), Fault> {
        Err(Fault::Feature { name: "a stream's pending entry that no consumer owns" })
    }

    fn end(&mut self) -> Result<(), Fault> {
        match &mut self.state {
            State::Zset(zset) => zset.end(),
            _ => Ok(()),
        }
    }
}

/// Makes a block of a listpack's body. The caller has seen that it is short enough.
fn copy_body(node: Packed<'_>, block: &mut Vec<u8>) {
    block.clear();
    block.extend_from_slice(&(node.count as u16).to_le_bytes());
    block.extend_from_slice(node.body);
}

/// Whether a listpack's body fits in the block of a small collection.
fn fits(node: Packed<'_>) -> bool {
    node.body.len() + value::packed::HEADER <= value::packed::BLOCK_MAX
}
