//! Writing objects: each call appends one part, so a collection of any size is written in pieces of the caller's choice.
//!
//! ```text
//!  list    list(nodes)   ( list_node | list_plain )*       or by a ListPacker
//!  set     packed_set | intset | set(count)   set_member*
//!  zset    packed_zset         | zset(count)  zset_member*
//!  hash    packed_hash         | hash(count)  hash_field*  | expiring_hash(count)  expiring_field*
//!  stream  stream(nodes)  stream_node*  stream_info  stream_groups(count)
//!          ( stream_group  stream_pending*  stream_consumers(count)  ( stream_consumer  stream_owned* )* )*
//! ```
//!
//! The layouts are those that Redis 7.2 and Valkey 8 write (version 11). For version 10 those of Redis 7.0 take the
//! place of the two that it does not know: packed sets become plain ones, streams lose the active times of consumers.
//! Hashes whose fields expire are written as Valkey 9 does, which Valkey reads at any version; a payload or file with
//! one should say version 80, because Redis gives the number another meaning.
//!
//! The counts have to be kept: nothing here checks that as many parts follow as were announced.

use value::set::intset::Intset;

use super::{COMPRESS_MAX, EntryHead, head_of, integer, length, packed, string};
use crate::element::Element;
use crate::intset;
use crate::listpack;
use crate::lzf::Compressor;
use crate::wire::Wire;

/// First version that has packed sets and active times of consumers.
const SINCE_7_2: u16 = 11;

/// Where an object stands.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// In a file, behind this.
    Entry(&'a EntryHead<'a>),
    /// At the start of a DUMP payload, which [`dump::finish`](crate::dump::finish) ends.
    Payload,
}

/// Writes objects. Holds nothing of the object between calls, so it can be made anew for each call.
pub struct ObjectWriter<'c> {
    version: u16,
    compressor: Option<&'c mut Compressor>,
    is_adaptive: bool,
    /// Space for putting a listpack together before it is compressed.
    scratch: Vec<u8>,
}

impl<'c> ObjectWriter<'c> {
    /// For a file of this version: strings and nodes of 21 bytes to [`COMPRESS_MAX`] are compressed with the
    /// compressor's adaptive policy.
    pub fn for_file(version: u16, compressor: Option<&'c mut Compressor>) -> Self {
        Self { version, compressor, is_adaptive: true, scratch: Vec::new() }
    }

    /// For a DUMP payload of this version: everything is compressed where that saves anything, like in Redis.
    pub fn for_payload(version: u16, compressor: Option<&'c mut Compressor>) -> Self {
        Self { version, compressor, is_adaptive: false, scratch: Vec::new() }
    }

    /// With space that another writer left behind, so that none has to be allocated.
    pub fn with_space(self, space: Vec<u8>) -> Self {
        Self { scratch: space, ..self }
    }

    /// The space, for the next writer.
    pub fn into_space(self) -> Vec<u8> {
        self.scratch
    }

    /// The compressor, for strings.
    pub(crate) fn compressor(&mut self) -> Option<&mut Compressor> {
        self.compressor.as_deref_mut()
    }

    /// The version written for.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// Begins a list of so many nodes.
    pub fn list(&mut self, out: &mut Vec<u8>, place: Place<'_>, nodes: u64) {
        self.head(out, place, Wire::ListQuicklist2);
        length(out, nodes);
    }

    /// A node of a list with these listpack elements, at most 8 KiB or so; must not be empty.
    pub fn list_node(&mut self, out: &mut Vec<u8>, body: &[u8], count: u64) {
        length(out, 2);
        self.listpack(out, body, count);
    }

    /// A node of a list that is one long element; must not be empty.
    pub fn list_plain(&mut self, out: &mut Vec<u8>, element: &[u8]) {
        length(out, 1);
        self.raw(out, element);
    }

    /// The beginning of a node of a list that is one long element of so many bytes, which the caller lets follow.
    pub fn list_plain_large(&mut self, out: &mut Vec<u8>, len: u64) {
        length(out, 1);
        length(out, len);
    }

    /// Begins a set of so many members.
    pub fn set(&mut self, out: &mut Vec<u8>, place: Place<'_>, count: u64) {
        self.head(out, place, Wire::Set);
        length(out, count);
    }

    /// A member of a set.
    pub fn set_member(&mut self, out: &mut Vec<u8>, member: Element<'_>) {
        self.element(out, member);
    }

    /// A set of integers, which ascend.
    pub fn intset(&mut self, out: &mut Vec<u8>, place: Place<'_>, members: &[i64]) {
        self.head(out, place, Wire::SetIntset);
        let mut whole = std::mem::take(&mut self.scratch);
        whole.clear();
        intset::append(&mut whole, members);
        self.raw(out, &whole);
        self.scratch = whole;
    }

    /// A set of integers that is kept as it is written.
    pub fn packed_intset(&mut self, out: &mut Vec<u8>, place: Place<'_>, members: Intset<'_>) {
        self.head(out, place, Wire::SetIntset);
        let mut whole = std::mem::take(&mut self.scratch);
        whole.clear();
        members.append_rdb(&mut whole);
        self.raw(out, &whole);
        self.scratch = whole;
    }

    /// A set of these listpack elements. Not empty.
    pub fn packed_set(&mut self, out: &mut Vec<u8>, place: Place<'_>, body: &[u8], count: u64) {
        if self.version >= SINCE_7_2 {
            self.head(out, place, Wire::SetListpack);
            self.listpack(out, body, count);
        } else {
            self.set(out, place, count);
            listpack::Iter::new(body).for_each(|member| self.set_member(out, member));
        }
    }

    /// Begins a sorted set of so many members. Redis inserts fastest if they come by descending score.
    pub fn zset(&mut self, out: &mut Vec<u8>, place: Place<'_>, count: u64) {
        self.head(out, place, Wire::Zset);
        length(out, count);
    }

    /// A member of a sorted set.
    pub fn zset_member(&mut self, out: &mut Vec<u8>, member: Element<'_>, score: f64) {
        self.element(out, member);
        out.extend_from_slice(&score.to_le_bytes());
    }

    /// A sorted set of these listpack elements, members and scores in turn, ascending by score and member. Not empty.
    pub fn packed_zset(&mut self, out: &mut Vec<u8>, place: Place<'_>, body: &[u8], count: u64) {
        self.head(out, place, Wire::ZsetListpack);
        self.listpack(out, body, count);
    }

    /// Begins a hash of so many fields.
    pub fn hash(&mut self, out: &mut Vec<u8>, place: Place<'_>, count: u64) {
        self.head(out, place, Wire::Hash);
        length(out, count);
    }

    /// A field of a hash.
    pub fn hash_field(&mut self, out: &mut Vec<u8>, field: Element<'_>, value: Element<'_>) {
        self.element(out, field);
        self.element(out, value);
    }

    /// A hash of these listpack elements, fields and values in turn. Not empty.
    pub fn packed_hash(&mut self, out: &mut Vec<u8>, place: Place<'_>, body: &[u8], count: u64) {
        self.head(out, place, Wire::HashListpack);
        self.listpack(out, body, count);
    }

    /// Begins a hash of so many fields of which at least one expires.
    pub fn expiring_hash(&mut self, out: &mut Vec<u8>, place: Place<'_>, count: u64) {
        self.head(out, place, Wire::HashExpiring);
        length(out, count);
    }

    /// A field of such a hash, with the Unix time in milliseconds at which it expires.
    pub fn expiring_field(
        &mut self,
        out: &mut Vec<u8>,
        field: Element<'_>,
        value: Element<'_>,
        expire_at_ms: Option<u64>,
    ) {
        self.hash_field(out, field, value);
        self.field_expiry(out, expire_at_ms);
    }

    /// What stands behind field and value in such a hash, for a caller that lets the bytes of a
    /// [large value](Self::large_element) follow itself.
    pub fn field_expiry(&mut self, out: &mut Vec<u8>, expire_at_ms: Option<u64>) {
        let stored = expire_at_ms.map_or(-1, |at| i64::try_from(at).unwrap_or(i64::MAX));
        out.extend_from_slice(&stored.to_le_bytes());
    }

    /// One member, field or value, for a caller that writes fields and values apart.
    pub fn element(&mut self, out: &mut Vec<u8>, element: Element<'_>) {
        match element.normal() {
            Element::Int(value) => integer(out, value),
            Element::Bytes(bytes) => self.raw(out, bytes),
        }
    }

    /// The beginning of a member, field or value of so many bytes, which the caller lets follow: for strings that are
    /// not in one piece.
    pub fn large_element(&mut self, out: &mut Vec<u8>, len: u64) {
        length(out, len);
    }

    pub(super) fn head(&self, out: &mut Vec<u8>, place: Place<'_>, wire: Wire) {
        match place {
            Place::Entry(head) => head_of(out, head, wire.number()),
            Place::Payload => out.push(wire.number()),
        }
    }

    /// Appends bytes, compressed if that is allowed and pays.
    fn raw(&mut self, out: &mut Vec<u8>, bytes: &[u8]) {
        let is_spelled = match &mut self.compressor {
            Some(compressor) if !self.is_adaptive => packed(out, compressor.compress(bytes), bytes.len()),
            Some(compressor) if bytes.len() <= COMPRESS_MAX => {
                packed(out, compressor.compress_adaptive(bytes), bytes.len())
            }
            _ => false,
        };
        if !is_spelled {
            length(out, bytes.len() as u64);
            out.extend_from_slice(bytes);
        }
    }

    /// Appends a listpack as a string.
    pub(super) fn listpack(&mut self, out: &mut Vec<u8>, body: &[u8], count: u64) {
        self.spelled(out, body.len() + listpack::FRAME, |out| listpack::append(out, body, count));
    }

    /// Appends a string of `len` bytes that `append` appends.
    pub(super) fn spelled(&mut self, out: &mut Vec<u8>, len: usize, append: impl FnOnce(&mut Vec<u8>)) {
        if self.compressor.is_none() {
            length(out, len as u64);
            return append(out);
        }
        let mut whole = std::mem::take(&mut self.scratch);
        whole.clear();
        append(&mut whole);
        self.raw(out, &whole);
        self.scratch = whole;
    }

    /// Appends a name as Redis spells it.
    pub(super) fn name(&mut self, out: &mut Vec<u8>, name: &[u8]) {
        if self.is_adaptive {
            string(out, name, None);
        } else {
            string(out, name, self.compressor.as_deref_mut());
        }
    }

    /// Whether consumers have active times.
    pub(super) fn has_active_times(&self) -> bool {
        self.version >= SINCE_7_2
    }
}
