//! A stream's node: the leaf of its tree, a listpack in the layout that Redis's nodes have in memory and in RDB files.
//!
//! ```text
//!   listpack  [ bytes u32 ][ elements u16 ] master entry, entries ... [ 0xFF ]   room
//!   master    live  deleted  number of fields  field ...  0
//!   entry     flags  ms - master's ms  seq - master's seq  [ number of fields ]  ( [ field ] value )*  elements of this entry
//!   flags     1 deleted   2 the master's fields, which are then not repeated, nor is their number
//! ```
//! The master ID is that of the first entry the node ever had. Nothing but the first two numbers and the flags ever changes; entries are
//! only added at the end. When a node is full, and when a new one begins, is [`NodeLimits`]' affair.
//!
//! Invariants:
//!  1. The bytes are a valid node ([`super::validate_node`]); `live` is the master entry's number.
//!  2. IDs ascend strictly; none is below the master ID.
//!  3. Nodes are never joined and never split: what Redis would have in one node is in one node.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::ordered::{KeyedLeaf, Leaf, wide_partition_point};
use crate::packed::{Element, HEADER, Packed, Scratch, size_class};
use crate::room::{ARC_HEADER, capacity_for, zeroed};

use super::StreamId;
use super::entries::{DELETED, Master, Place, Places, SAME_FIELDS};

/// Most bytes of texts that one entry may have, and most of a node without another limit.
pub const NODE_BYTES_MAX: usize = 1 << 30;

/// Bytes of a listpack before the block that its elements are.
const SIZE_FIELD: usize = 4;

/// Offset of the number of elements.
const COUNT_FIELD: usize = 4;

/// When a node is full: `stream-node-max-bytes` and `stream-node-max-entries`, 0 for no limit.
#[derive(Clone, Copy, Debug)]
pub struct NodeLimits {
    /// Most bytes of the listpack and of a new entry's texts.
    pub bytes_max: usize,
    /// Most entries, deleted ones included.
    pub entries_max: usize,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self { bytes_max: 4096, entries_max: 100 }
    }
}

impl NodeLimits {
    fn bytes(self) -> usize {
        if self.bytes_max == 0 { NODE_BYTES_MAX } else { self.bytes_max.min(NODE_BYTES_MAX) }
    }
}

/// A node: entries in order of their IDs. A handle on a shared buffer.
#[derive(Clone, Debug, Default)]
pub struct StreamNode {
    /// The listpack, and room behind it. Empty when there is no entry.
    bytes: Arc<[u8]>,
    used: u32,
    live: u32,
    master: StreamId,
}

impl StreamNode {
    /// A node without entries and with room for so many bytes.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self { bytes: zeroed(capacity_for(bytes)), ..Self::default() }
    }

    /// A node of a listpack that [`super::validate_node`] has found good, with as many live entries.
    pub(super) fn from_listpack(master: StreamId, listpack: &[u8], live: u32) -> Self {
        let mut bytes = zeroed(capacity_for(listpack.len()));
        Arc::make_mut(&mut bytes)[..listpack.len()].copy_from_slice(listpack);
        Self { bytes, used: listpack.len() as u32, live, master }
    }

    /// The ID to which those of the entries are relative; RDB writes it before the listpack.
    pub fn master_id(&self) -> StreamId {
        self.master
    }

    /// The whole listpack.
    pub fn listpack(&self) -> &[u8] {
        &self.bytes[..self.used as usize]
    }

    /// The elements of the listpack, without its header and end.
    pub fn body(&self) -> &[u8] {
        self.block().body()
    }

    /// How many elements the listpack says that it has; 65535 means as many or more.
    pub fn elements(&self) -> u16 {
        self.block().count() as u16
    }

    /// The elements, as a block behind the listpack's size field.
    pub(super) fn block(&self) -> Packed<'_> {
        let end = (self.used as usize).saturating_sub(1);
        Packed::new(self.bytes.get(SIZE_FIELD..end).unwrap_or_default())
    }

    /// The entries, deleted ones included.
    pub(super) fn places(&self) -> Places<'_> {
        Places::new(self.block(), self.master)
    }

    /// The ID of the last entry, also of one that is deleted.
    pub(super) fn last_id(&self) -> StreamId {
        self.places().next_back().map_or(self.master, |place| place.id)
    }

    /// Bytes of the listpack.
    pub(super) fn used(&self) -> usize {
        self.used as usize
    }

    /// Whether an entry of so many bytes of texts goes into this node.
    pub(super) fn has_room(&self, limits: NodeLimits, texts: usize) -> bool {
        if self.used() + texts >= limits.bytes() {
            return false;
        }
        let entries = || Master::read(self.block()).map_or(i64::MAX, |master| master.live + master.deleted);
        limits.entries_max == 0 || entries() < limits.entries_max as i64
    }

    /// Adds an entry; its ID must be above all others.
    pub(super) fn append<'p>(
        &mut self,
        id: StreamId,
        pairs: impl Iterator<Item = (&'p [u8], &'p [u8])> + Clone,
    ) {
        let fields = pairs.clone().count();
        let mut out = Scratch::new();
        let mut elements = 0;
        let mut put = |element: Element| {
            element.encode(&mut out);
            elements += 1;
        };
        let is_same = if self.used == 0 {
            self.start();
            self.master = id;
            [1, 0, fields as i64].into_iter().for_each(|number| put(Element::Int(number)));
            pairs.clone().for_each(|(field, _)| put(Element::of(field)));
            put(Element::Int(0));
            true
        } else {
            self.put_int(HEADER, i64::from(self.live) + 1);
            self.has_fields(fields, pairs.clone().map(|(field, _)| field))
        };
        self.live += 1;
        let (ms, seq) = id.minus(self.master);
        let flags = if is_same { SAME_FIELDS } else { 0 };
        [flags, ms, seq].into_iter().for_each(|number| put(Element::Int(number)));
        if !is_same {
            put(Element::Int(fields as i64));
        }
        for (field, value) in pairs {
            if !is_same {
                put(Element::of(field));
            }
            put(Element::of(value));
        }
        let of_entry = if is_same { fields + 3 } else { 2 * fields + 4 };
        put(Element::Int(of_entry as i64));
        self.splice(self.used() - 1, 0, out.as_bytes());
        let count = self.block().count().saturating_add(elements).min(usize::from(u16::MAX));
        Arc::make_mut(&mut self.bytes)[COUNT_FIELD..COUNT_FIELD + 2]
            .copy_from_slice(&(count as u16).to_le_bytes());
    }

    /// Whether these are the master's fields.
    fn has_fields<'p>(&self, count: usize, mut fields: impl Iterator<Item = &'p [u8]>) -> bool {
        let block = self.block();
        let Some(master) = Master::read(block).filter(|master| master.fields == count) else { return false };
        let mut there = block.iter_between(master.fields_at, block.end());
        fields.all(|field| there.next().is_some_and(|(_, there)| there == Element::of(field)))
    }

    /// Makes a listpack without elements of a node without bytes.
    fn start(&mut self) {
        const EMPTY: [u8; 7] = [7, 0, 0, 0, 0, 0, 0xFF];
        if self.bytes.len() < EMPTY.len() {
            self.bytes = zeroed(capacity_for(64));
        }
        Arc::make_mut(&mut self.bytes)[..EMPTY.len()].copy_from_slice(&EMPTY);
        self.used = EMPTY.len() as u32;
    }

    /// Replaces bytes of the listpack.
    fn splice(&mut self, at: usize, remove: usize, insert: &[u8]) {
        let used = self.used();
        let new = used - remove + insert.len();
        if new > self.bytes.len() {
            self.resize(capacity_for(new));
        }
        let bytes = Arc::make_mut(&mut self.bytes);
        if insert.len() != remove {
            bytes.copy_within(at + remove..used, at + insert.len());
            bytes[..SIZE_FIELD].copy_from_slice(&(new as u32).to_le_bytes());
        }
        bytes[at..at + insert.len()].copy_from_slice(insert);
        self.used = new as u32;
    }

    fn resize(&mut self, capacity: usize) {
        let used = self.used();
        let mut bytes = zeroed(capacity);
        Arc::make_mut(&mut bytes)[..used].copy_from_slice(&self.bytes[..used]);
        self.bytes = bytes;
    }

    /// Gives room back to which nothing will be added.
    pub(super) fn shrink(&mut self) {
        let capacity = capacity_for(self.used());
        if capacity < self.bytes.len() {
            self.resize(capacity);
        }
    }

    /// Whether [`Self::shrink`] gives back anything.
    pub(super) fn has_spare(&self) -> bool {
        capacity_for(self.used()) < self.bytes.len()
    }

    /// Replaces the number at a position of the block.
    fn put_int(&mut self, at: usize, value: i64) {
        let Some(end) = self.block().after(at) else { return };
        let mut number = Scratch::new();
        Element::Int(value).encode(&mut number);
        self.splice(SIZE_FIELD + at, end - at, number.as_bytes());
    }

    /// Marks live entries that `chosen` accepts as deleted, until it returns `None`. Returns how many.
    pub(super) fn mark_deleted(&mut self, mut chosen: impl FnMut(StreamId) -> Option<bool>) -> u32 {
        let mut marked = 0;
        let mut from = None;
        loop {
            let mut places = self.places();
            if let Some(from) = from {
                places.resume(from);
            }
            let mut wanted = |place: &Place| match chosen(place.id) {
                Some(chosen) => chosen.then_some(Some(*place)),
                None => Some(None),
            };
            let place = places.by_ref().filter(|place| place.is_live()).find_map(|place| wanted(&place));
            let Some(place) = place.flatten() else { break };
            // What follows the flags may move if they were spelled at greater length than needed.
            let behind = self.used() - places.at();
            self.put_int(place.at, place.flags | DELETED);
            from = Some(self.used() - behind);
            marked += 1;
        }
        if marked > 0
            && let Some(master) = Master::read(self.block())
        {
            self.live -= marked;
            self.put_int(master.deleted_at, master.deleted + i64::from(marked));
            self.put_int(HEADER, i64::from(self.live));
        }
        marked
    }

    /// Verifies the invariants and panics with the broken one.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn check(&self) {
        match super::validate_node(self.master, self.listpack()) {
            Ok(summary) => assert_eq!(summary.live, self.live, "invariant 1"),
            Err(damage) => panic!("invariants 1 and 2: {damage:?}"),
        }
    }
}

impl Leaf for StreamNode {
    type Separator = StreamId;

    fn len(&self) -> usize {
        self.live as usize
    }

    fn heap_bytes(&self) -> usize {
        size_class(self.bytes.len() + ARC_HEADER)
    }

    fn is_shared(&self) -> bool {
        self.used > 0 && Arc::strong_count(&self.bytes) > 1
    }

    fn own(&mut self) -> u64 {
        if !self.is_shared() {
            return 0;
        }
        Arc::make_mut(&mut self.bytes);
        self.heap_bytes() as u64
    }

    // Invariant 3.
    fn is_overfull(&self) -> bool {
        false
    }

    fn is_underfull(&self) -> bool {
        false
    }

    fn joins(&self, _right: &Self) -> bool {
        false
    }

    fn middle(&self) -> usize {
        (self.len() / 2).max(1)
    }

    /// Both parts keep all bytes, the other part's entries marked as deleted.
    fn split_off(&mut self, at: usize) -> Self {
        let mut right = self.clone();
        right.remove_range(0, at);
        self.remove_range(at, self.len());
        right
    }

    fn absorb(&mut self, right: &Self) {
        let mut places = right.places();
        while let Some(entry) = places.next_live() {
            let texts: Vec<_> = entry.fields.map(|(field, value)| (field.to_vec(), value.to_vec())).collect();
            self.append(entry.id, texts.iter().map(|(field, value)| (&field[..], &value[..])));
        }
    }

    fn remove_range(&mut self, from: usize, to: usize) {
        let live: Vec<_> = self.places().filter(|place| place.is_live()).map(|place| place.id).collect();
        let ids = live.get(from..to.min(live.len())).unwrap_or_default();
        self.mark_deleted(|id| Some(ids.binary_search(&id).is_ok()));
    }

    fn separator(_left: &Self, right: &Self) -> StreamId {
        right.master
    }
}

impl KeyedLeaf for StreamNode {
    type Key<'k> = StreamId;

    #[inline]
    fn compare(separator: &StreamId, key: StreamId) -> Ordering {
        separator.cmp(&key)
    }

    #[inline]
    fn slot(separators: &[StreamId], key: StreamId) -> usize {
        wide_partition_point(separators.len(), |at| separators[at] <= key)
    }

    fn search(&self, key: StreamId) -> Result<usize, usize> {
        let mut below = 0;
        for place in self.places() {
            if place.id >= key {
                return if place.id == key && place.is_live() { Ok(below) } else { Err(below) };
            }
            below += usize::from(place.is_live());
        }
        Err(below)
    }
}
