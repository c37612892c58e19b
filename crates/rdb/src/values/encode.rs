//! Writing a whole value into a vector. For values of bounded size, and for DUMP, whose payload is one string anyway.

use value::fields::{FieldsForm, FieldsRef};
use value::list::{Encoding, LargeList, ListRef};
use value::member_leaf::NO_DEADLINE;
use value::packed::Packed;
use value::set::SetRef;
use value::zset::ZsetRef;

use crate::element::Element;
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
}

/// Whether a collection can only be written in a version that knows deadlines of fields.
pub fn has_deadlines(object: ObjectRef<'_>) -> bool {
    matches!(object, ObjectRef::Hash(hash) if hash.earliest() != NO_DEADLINE)
}

/// Appends a collection, which must not be empty. The bytes of a small one are copied as they are where the version has them so.
pub fn whole(writer: &mut ObjectWriter<'_>, out: &mut Vec<u8>, place: Place<'_>, object: ObjectRef<'_>) {
    match object {
        ObjectRef::List(list) => whole_list(writer, out, place, list),
        ObjectRef::Set(set) => whole_set(writer, out, place, set),
        ObjectRef::Zset(zset) => whole_zset(writer, out, place, zset),
        ObjectRef::Hash(hash) => whole_hash(writer, out, place, hash),
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
            writer.list(out, place, large.leaves().count() as u64);
            large.leaves().for_each(|leaf| list_leaf(writer, out, leaf));
        }
    }
}

/// All elements of a large list that clients know as one listpack.
pub(super) fn one_node(list: &LargeList) -> Option<Vec<u8>> {
    if list.encoding() != Encoding::Listpack {
        return None;
    }
    let mut body = Vec::new();
    for leaf in list.leaves() {
        if body.len() + leaf.body().len() > WHOLE_LIST_MAX {
            return None;
        }
        body.extend_from_slice(leaf.body());
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
