//! Writing a whole value into a vector. For values of bounded size, and for DUMP, whose payload is one string anyway.

use value::fields::{FieldsForm, FieldsRef};
use value::list::{Encoding, LargeList, ListRef};
use value::member_leaf::NO_DEADLINE;
use value::packed::Packed;
use value::set::SetRef;
use value::stream::{self, Group, Stream, StreamNode};
use value::zset::ZsetRef;

use crate::element::Element;
use crate::object::{StreamConsumer, StreamGroup, StreamId, StreamInfo, StreamPending};
use crate::write::{ObjectWriter, Place, is_long};

/// Most bytes that a large list which is called a listpack is written in one node with, so that it is called the same when read.
/// The largest size that `list-max-listpack-size` can ask for.
pub(super) const WHOLE_LIST_MAX: usize = 64 * 1024;

/// A collection to be written.
#[derive(Clone, Copy, Debug)]
pub enum ObjectRef<'a> {
    /// A list.
    List(ListRef<'a>),
    /// A set.
    Set(SetRef<'a>),
    /// A sorted set.
    Zset(ZsetRef<'a>),
    /// A hash.
    Hash(FieldsRef<'a>),
    /// A stream.
    Stream(&'a Stream),
}

/// Whether a collection can only be written in a version that knows deadlines of fields.
pub fn has_deadlines(object: ObjectRef<'_>) -> bool {
    matches!(object, ObjectRef::Hash(hash) if hash.earliest() != NO_DEADLINE)
}

/// Appends a collection, which must not be empty unless it is a stream. The bytes of a small one are copied as they are where the version has them so.
pub fn whole(writer: &mut ObjectWriter<'_>, out: &mut Vec<u8>, place: Place<'_>, object: ObjectRef<'_>) {
    match object {
        ObjectRef::List(list) => whole_list(writer, out, place, list),
        ObjectRef::Set(set) => whole_set(writer, out, place, set),
        ObjectRef::Zset(zset) => whole_zset(writer, out, place, zset),
        ObjectRef::Hash(hash) => whole_hash(writer, out, place, hash),
        ObjectRef::Stream(stream) => whole_stream(writer, out, place, stream),
    }
}

fn whole_list(writer: &mut ObjectWriter<'_>, out: &mut Vec<u8>, place: Place<'_>, list: ListRef<'_>) {
    match list {
        ListRef::Small(block) => {
            let packed = Packed::new(block);
            writer.list(out, place, 1);
            writer.list_node(out, packed.body(), packed.count() as u64);
        }
        ListRef::Large(large) => {
            if let Some(body) = one_node(large) {
                writer.list(out, place, 1);
                return writer.list_node(out, &body, large.len());
            }
            writer.list(out, place, large.leaf_count());
            let mut scratch = Vec::new();
            large.leaves().for_each(|leaf| list_leaf(writer, out, leaf.packed(&mut scratch)));
        }
    }
}

/// All elements of a large list that clients know as one listpack.
pub(super) fn one_node(list: &LargeList) -> Option<Vec<u8>> {
    if list.encoding() != Encoding::Listpack {
        return None;
    }
    let (mut body, mut scratch) = (Vec::new(), Vec::new());
    for leaf in list.leaves() {
        if body.len() + leaf.body_len() > WHOLE_LIST_MAX {
            return None;
        }
        body.extend_from_slice(leaf.packed(&mut scratch).body());
    }
    Some(body)
}

/// A leaf as a node: packed, or plain if it is one long element.
fn list_leaf(writer: &mut ObjectWriter<'_>, out: &mut Vec<u8>, leaf: Packed<'_>) {
    match long_element(leaf) {
        Some(bytes) => writer.list_plain(out, bytes),
        None => writer.list_node(out, leaf.body(), leaf.count() as u64),
    }
}

/// The element of a leaf that is written as a plain node.
pub(super) fn long_element(leaf: Packed<'_>) -> Option<&[u8]> {
    if leaf.count() != 1 {
        return None;
    }
    match Element::from(leaf.element(0)?) {
        element @ Element::Bytes(bytes) if is_long(element) => Some(bytes),
        _ => None,
    }
}

fn whole_set(writer: &mut ObjectWriter<'_>, out: &mut Vec<u8>, place: Place<'_>, set: SetRef<'_>) {
    match set {
        SetRef::Ints(ints) => writer.packed_intset(out, place, ints),
        SetRef::Packed(packed) => writer.packed_set(out, place, packed.body(), packed.count() as u64),
        SetRef::Large(_) => {
            writer.set(out, place, set.len());
            set.iter().for_each(|member| writer.set_member(out, member.into()));
        }
    }
}

fn whole_zset(writer: &mut ObjectWriter<'_>, out: &mut Vec<u8>, place: Place<'_>, zset: ZsetRef<'_>) {
    match zset {
        ZsetRef::Small(block) => {
            let packed = Packed::new(block);
            writer.packed_zset(out, place, packed.body(), packed.count() as u64);
        }
        ZsetRef::Large(_) => {
            writer.zset(out, place, zset.len());
            zset.iter_from(0).for_each(|(member, score)| writer.zset_member(out, member.into(), score));
        }
    }
}

fn whole_hash(writer: &mut ObjectWriter<'_>, out: &mut Vec<u8>, place: Place<'_>, hash: FieldsRef<'_>) {
    if hash.earliest() != NO_DEADLINE {
        writer.expiring_hash(out, place, hash.len());
        for field in hash.iter() {
            let deadline = (field.deadline != NO_DEADLINE).then_some(field.deadline);
            writer.expiring_field(out, field.field.into(), field.value.into(), deadline);
        }
        return;
    }
    match hash {
        FieldsRef::Small(small) if small.form() == FieldsForm::Listpack => {
            let packed = small.packed();
            writer.packed_hash(out, place, packed.body(), packed.count() as u64);
        }
        _ => {
            writer.hash(out, place, hash.len());
            hash.iter().for_each(|field| writer.hash_field(out, field.field.into(), field.value.into()));
        }
    }
}

/// An ID as the codec has it.
pub(super) fn spelled(id: stream::StreamId) -> StreamId {
    StreamId { ms: id.ms, seq: id.seq }
}

/// What a stream of so many entries remembers, as the codec has it.
pub(super) fn info_of(length: u64, info: stream::Info) -> StreamInfo {
    StreamInfo {
        length,
        counted: length,
        last_id: spelled(info.last_id),
        first_id: Some(spelled(info.first_id)),
        max_deleted_id: spelled(info.max_deleted_id),
        entries_added: info.entries_added,
    }
}

/// Something pending, as the codec has it.
pub(super) fn pending_of(pending: stream::Pending) -> StreamPending {
    StreamPending {
        id: spelled(pending.id),
        // 48 bits.
        delivered_at_ms: pending.delivered_at_ms as i64,
        deliveries: pending.deliveries,
    }
}

fn whole_stream(writer: &mut ObjectWriter<'_>, out: &mut Vec<u8>, place: Place<'_>, stream: &Stream) {
    let log = stream.log();
    writer.stream(out, place, log.node_count());
    log.nodes().for_each(|node| whole_node(writer, out, node));
    writer.stream_info(out, &info_of(log.len(), log.info()));
    writer.stream_groups(out, stream.groups_len());
    stream.groups().for_each(|group| whole_group(writer, out, group));
}

/// Appends a node as a whole.
pub(super) fn whole_node(writer: &mut ObjectWriter<'_>, out: &mut Vec<u8>, node: &StreamNode) {
    let append = |out: &mut Vec<u8>| node.append_listpack(out);
    writer.stream_node_spelled(out, spelled(node.master_id()), node.listpack_len(), append);
}

fn whole_group(writer: &mut ObjectWriter<'_>, out: &mut Vec<u8>, group: &Group) {
    let (last_id, entries_read) = (spelled(group.last_id), group.entries_read);
    let head = StreamGroup { name: group.name(), last_id, entries_read };
    writer.stream_group(out, &head, group.pending_len());
    let all = stream::StreamId::MIN;
    group.pending_from(all).for_each(|pending| writer.stream_pending(out, &pending_of(pending)));
    writer.stream_consumers(out, group.consumers_len());
    for consumer in group.consumers() {
        let (seen_at_ms, active_at_ms) = (consumer.seen_at_ms, consumer.active_at_ms);
        let head = StreamConsumer { name: consumer.name(), seen_at_ms, active_at_ms };
        writer.stream_consumer(out, &head, consumer.pending_len());
        consumer.pending_from(all).for_each(|id| writer.stream_owned(out, spelled(id)));
    }
}
