//! Writing streams, part by part; `read/stream.rs` draws the layout. Counts are the caller's to keep.

use super::length;
use super::objects::{ObjectWriter, Place};
use crate::object::{StreamConsumer, StreamGroup, StreamId, StreamInfo, StreamPending};
use crate::wire::Wire;

/// A node's master ID, as a text.
fn node_id(out: &mut Vec<u8>, id: StreamId) {
    length(out, 16);
    out.extend_from_slice(&id.to_bytes());
}

impl ObjectWriter<'_> {
    /// Begins a stream of so many nodes.
    pub fn stream(&mut self, out: &mut Vec<u8>, place: Place<'_>, nodes: u64) {
        self.head(out, place, if self.has_active_times() { Wire::Stream3 } else { Wire::Stream2 });
        length(out, nodes);
    }

    /// The next node: its master ID and its listpack elements, laid out as
    /// [`StreamNode`](crate::object::StreamNode) shows.
    pub fn stream_node(&mut self, out: &mut Vec<u8>, id: StreamId, body: &[u8], count: u64) {
        node_id(out, id);
        self.listpack(out, body, count);
    }

    /// The same, where `append` appends the node's listpack of `len` bytes.
    pub fn stream_node_spelled(
        &mut self,
        out: &mut Vec<u8>,
        id: StreamId,
        len: usize,
        append: impl FnOnce(&mut Vec<u8>),
    ) {
        node_id(out, id);
        self.spelled(out, len, append);
    }

    /// The beginning of a node whose listpack has so many bytes, which the caller lets follow.
    pub fn stream_node_large(&mut self, out: &mut Vec<u8>, id: StreamId, len: u64) {
        node_id(out, id);
        length(out, len);
    }

    /// What the stream knows about itself; behind its nodes.
    pub fn stream_info(&mut self, out: &mut Vec<u8>, info: &StreamInfo) {
        length(out, info.length);
        for id in [info.last_id, info.first_id.unwrap_or_default(), info.max_deleted_id] {
            length(out, id.ms);
            length(out, id.seq);
        }
        length(out, info.entries_added);
    }

    /// How many consumer groups follow.
    pub fn stream_groups(&mut self, out: &mut Vec<u8>, count: u64) {
        length(out, count);
    }

    /// Begins a consumer group with so many pending entries.
    pub fn stream_group(&mut self, out: &mut Vec<u8>, group: &StreamGroup<'_>, pending: u64) {
        self.name(out, group.name);
        length(out, group.last_id.ms);
        length(out, group.last_id.seq);
        length(out, group.entries_read.unwrap_or(u64::MAX));
        length(out, pending);
    }

    /// The group's next pending entry; their IDs ascend.
    pub fn stream_pending(&mut self, out: &mut Vec<u8>, pending: &StreamPending) {
        out.extend_from_slice(&pending.id.to_bytes());
        out.extend_from_slice(&pending.delivered_at_ms.to_le_bytes());
        length(out, pending.deliveries);
    }

    /// How many consumers the group has.
    pub fn stream_consumers(&mut self, out: &mut Vec<u8>, count: u64) {
        length(out, count);
    }

    /// Begins a consumer that owns so many pending entries.
    pub fn stream_consumer(&mut self, out: &mut Vec<u8>, consumer: &StreamConsumer<'_>, owned: u64) {
        self.name(out, consumer.name);
        out.extend_from_slice(&consumer.seen_at_ms.to_le_bytes());
        if self.has_active_times() {
            out.extend_from_slice(&consumer.active_at_ms.to_le_bytes());
        }
        length(out, owned);
    }

    /// The consumer's next pending entry; their IDs ascend, and each is one of the group's.
    pub fn stream_owned(&mut self, out: &mut Vec<u8>, id: StreamId) {
        out.extend_from_slice(&id.to_bytes());
    }
}
