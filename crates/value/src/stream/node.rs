//! A stream's node: the leaf of its tree, a listpack in the layout that Redis's nodes have in memory and in RDB files.
//!
//! ```text
//!   listpack  [ bytes u32 ][ elements u16 ] master entry, entries ... [ 0xFF ]   room
//!   master    live  deleted  number of fields  field ...  0
//!   entry     flags  ms - master's ms  seq - master's seq  [ number of fields ]  ( [ field ] value )*  elements of this entry
//!   flags     1 deleted   2 the master's fields, which are then not repeated, nor is their number
//!   buffer    [ listpack ] room [ mark ] ... [ mark ]                one for every eighth entry, the first one last
//!   mark      [ ms - master's ms, at most 2^32 - 1: u32 ][ position u16 ]
//! ```
//! Marks are no part of the node's layout: without them half a node is walked to find an entry, which is what Redis does. Those of entries
//! behind the first 64 KB are left out; there it is walked.
//!
//! The master ID is that of the first entry the node ever had. Nothing but the first two numbers and the flags ever changes; entries are
//! only added at the end. When a node is full, and when a new one begins, is [`NodeLimits`]' affair.
//!
//! Invariants:
//!  1. The bytes are a valid node ([`super::validate_node`]); `live` is the master entry's number.
//!  2. IDs ascend strictly; none is below the master ID.
//!  3. Mark `i` is that of entry `8 (i + 1)`, counted from 0, deleted ones included.
//!  4. Nodes are never joined and never split: what Redis would have in one node is in one node.

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

/// A listpack without elements.
const EMPTY: [u8; 7] = [7, 0, 0, 0, 0, 0, 0xFF];

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

/// Entries from one mark to the next.
const STRIDE: u32 = 8;

/// Bytes of a mark.
const MARK: usize = 6;

/// Milliseconds from a master ID, as marks have them.
fn elapsed(id: StreamId, master: StreamId) -> u32 {
    u32::try_from(id.ms.saturating_sub(master.ms)).unwrap_or(u32::MAX)
}

/// The milliseconds of a mark.
#[inline]
fn elapsed_in(mark: &[u8; MARK]) -> u32 {
    mark.first_chunk().map_or(0, |ms| u32::from_le_bytes(*ms))
}

/// The position of a mark.
#[inline]
fn position_in(mark: &[u8; MARK]) -> usize {
    mark.last_chunk().map_or(0, |at| usize::from(u16::from_le_bytes(*at)))
}

/// A node: entries in order of their IDs. A handle on a shared buffer.
#[derive(Clone, Debug, Default)]
pub struct StreamNode {
    /// The listpack, room, and marks. Empty when there is no entry.
    bytes: Arc<[u8]>,
    master: StreamId,
    used: u32,
    live: u32,
    deleted: u32,
    /// Fields of the master entry.
    fields: u32,
    /// Positions in the block of the master's first field and of the first entry.
    fields_at: u32,
    entries_at: u32,
    marks: u32,
}

impl StreamNode {
    /// A node without entries and with room for so many bytes.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self { bytes: zeroed(capacity_for(bytes)), ..Self::default() }
    }

    /// A node of a listpack that [`super::validate_node`] has found good.
    pub(super) fn from_listpack(master: StreamId, listpack: &[u8]) -> Self {
        let block = Packed::new(listpack.get(SIZE_FIELD..listpack.len() - 1).unwrap_or_default());
        let Some(head) = Master::read(block) else { return Self::default() };
        let entries_at = head.end(block).unwrap_or(block.end());
        let mut node = Self {
            master,
            used: listpack.len() as u32,
            live: head.live as u32,
            deleted: head.deleted as u32,
            fields: head.fields as u32,
            fields_at: head.fields_at as u32,
            entries_at: entries_at as u32,
            ..Self::default()
        };
        let marked = Places::new(block, master).skip(STRIDE as usize).step_by(STRIDE as usize);
        let marks: Vec<_> =
            marked.map_while(|place| Some((place.id, u16::try_from(place.at).ok()?))).collect();
        node.bytes = zeroed(capacity_for(listpack.len() + marks.len() * MARK));
        Arc::make_mut(&mut node.bytes)[..listpack.len()].copy_from_slice(listpack);
        marks.into_iter().for_each(|(id, at)| node.push_mark(id, at));
        node
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
    #[inline]
    pub(super) fn places(&self) -> Places<'_> {
        Places::of(self.block(), self.master, self.fields, self.fields_at, self.entries_at)
    }

    /// The entries from that with an ID, or the first above it, to the end.
    pub(super) fn places_from(&self, id: StreamId) -> Places<'_> {
        let mut places = self.places();
        if let Some(mark) = self.marks().get(self.marks_above(id)) {
            places.resume(position_in(mark));
        }
        places.seek(id);
        places
    }

    /// The entries from the first to that with an ID, or the last below it.
    pub(super) fn places_to(&self, id: StreamId) -> Places<'_> {
        let mut places = self.places();
        if let Some(mark) = self.marks_above(id).checked_sub(1).and_then(|last| self.marks().get(last)) {
            places.end_at(position_in(mark));
        }
        places.seek_back(id);
        places
    }

    /// How many marks are those of entries above an ID.
    fn marks_above(&self, id: StreamId) -> usize {
        let (marks, ms) = (self.marks(), elapsed(id, self.master));
        let above = wide_partition_point(marks.len(), |at| elapsed_in(&marks[at]) > ms);
        // Only entries of the same millisecond have to be looked at themselves.
        let equal = marks[above..].iter().take_while(|mark| elapsed_in(mark) == ms).count();
        let is_above = |mark: &[u8; MARK]| self.places().id_at(position_in(mark)) > Some(id);
        above + marks[above..above + equal].partition_point(is_above)
    }

    /// The position of the entry with an ID, if it is not deleted.
    pub(super) fn position(&self, id: StreamId) -> Option<usize> {
        self.places_from(id).next().filter(|place| place.id == id && place.is_live()).map(|place| place.at)
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
        limits.entries_max == 0 || ((self.live + self.deleted) as usize) < limits.entries_max
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
        let mut put = |element: Element, out: &mut Scratch| {
            element.encode(out);
            elements += 1;
        };
        if self.used == 0 {
            self.start();
        }
        let is_same = if self.used() == EMPTY.len() {
            self.master = id;
            [1, 0, fields as i64].into_iter().for_each(|number| put(Element::Int(number), &mut out));
            self.fields = fields as u32;
            self.fields_at = (HEADER + out.len()) as u32;
            pairs.clone().for_each(|(field, _)| put(Element::of(field), &mut out));
            put(Element::Int(0), &mut out);
            self.entries_at = (HEADER + out.len()) as u32;
            true
        } else {
            self.has_fields(fields, pairs.clone().map(|(field, _)| field))
        };
        let (ms, seq) = id.minus(self.master);
        let flags = if is_same { SAME_FIELDS } else { 0 };
        [flags, ms, seq].into_iter().for_each(|number| put(Element::Int(number), &mut out));
        if !is_same {
            put(Element::Int(fields as i64), &mut out);
        }
        for (field, value) in pairs {
            if !is_same {
                put(Element::of(field), &mut out);
            }
            put(Element::of(value), &mut out);
        }
        let of_entry = if is_same { fields + 3 } else { 2 * fields + 4 };
        put(Element::Int(of_entry as i64), &mut out);
        self.push(out.as_bytes(), elements);
        let before = self.live + self.deleted;
        self.live += 1;
        if before > 0 {
            self.put_live();
            if before.is_multiple_of(STRIDE)
                && self.marks + 1 == before / STRIDE
                && let Ok(mark) = u16::try_from(self.block().end() - out.len())
            {
                self.push_mark(id, mark);
            }
        }
    }

    /// Adds encoded elements at the end.
    fn push(&mut self, elements: &[u8], count: usize) {
        let (used, new) = (self.used(), self.used() + elements.len());
        let count = self.block().count().saturating_add(count).min(usize::from(u16::MAX)) as u16;
        if new + self.marks as usize * MARK > self.bytes.len() {
            self.resize(capacity_for(new + self.marks as usize * MARK));
        }
        let bytes = Arc::make_mut(&mut self.bytes);
        bytes[..COUNT_FIELD].copy_from_slice(&(new as u32).to_le_bytes());
        bytes[COUNT_FIELD..COUNT_FIELD + 2].copy_from_slice(&count.to_le_bytes());
        bytes[used - 1..new - 1].copy_from_slice(elements);
        bytes[new - 1] = 0xFF;
        self.used = new as u32;
    }

    /// Writes how many entries are live.
    fn put_live(&mut self) {
        let first = SIZE_FIELD + HEADER;
        // Up to 127 it is one byte that is its own value.
        if self.live < 128 && self.bytes[first] < 128 {
            Arc::make_mut(&mut self.bytes)[first] = self.live as u8;
        } else {
            self.put_int(HEADER, i64::from(self.live));
        }
    }

    /// The marks as they lie in memory: the last one first.
    fn marks(&self) -> &[[u8; MARK]] {
        self.bytes[self.bytes.len() - self.marks as usize * MARK..].as_chunks().0
    }

    fn push_mark(&mut self, id: StreamId, position: u16) {
        let needed = self.used() + (self.marks as usize + 1) * MARK;
        if needed > self.bytes.len() {
            self.resize(capacity_for(needed));
        }
        self.marks += 1;
        let at = self.bytes.len() - self.marks as usize * MARK;
        let (ms, position) = (elapsed(id, self.master).to_le_bytes(), position.to_le_bytes());
        let bytes = Arc::make_mut(&mut self.bytes);
        bytes[at..at + 4].copy_from_slice(&ms);
        bytes[at + 4..at + MARK].copy_from_slice(&position);
    }

    /// Whether these are the master's fields.
    fn has_fields<'p>(&self, count: usize, mut fields: impl Iterator<Item = &'p [u8]>) -> bool {
        if self.fields as usize != count {
            return false;
        }
        let block = self.block();
        let mut there = block.iter_between(self.fields_at as usize, block.end());
        fields.all(|field| there.next().is_some_and(|(_, there)| there == Element::of(field)))
    }

    /// Makes a listpack without elements of a node without bytes.
    fn start(&mut self) {
        if self.bytes.len() < EMPTY.len() {
            self.bytes = zeroed(capacity_for(64));
        }
        Arc::make_mut(&mut self.bytes)[..EMPTY.len()].copy_from_slice(&EMPTY);
        self.used = EMPTY.len() as u32;
    }

    fn resize(&mut self, capacity: usize) {
        let (used, marks) = (self.used(), self.marks as usize * MARK);
        let mut buffer = zeroed(capacity);
        let bytes = Arc::make_mut(&mut buffer);
        bytes[..used].copy_from_slice(&self.bytes[..used]);
        bytes[capacity - marks..].copy_from_slice(&self.bytes[self.bytes.len() - marks..]);
        self.bytes = buffer;
    }

    /// What the buffer would be if it had no room for more.
    fn tight(&self) -> usize {
        capacity_for(self.used() + self.marks as usize * MARK)
    }

    /// Gives room back to which nothing will be added.
    pub(super) fn shrink(&mut self) {
        if self.has_spare() {
            self.resize(self.tight());
        }
    }

    /// Whether [`Self::shrink`] gives back anything.
    pub(super) fn has_spare(&self) -> bool {
        self.tight() < self.bytes.len()
    }

    /// Replaces the number at a position of the block.
    fn put_int(&mut self, at: usize, value: i64) {
        let Some(end) = self.block().after(at) else { return };
        let mut number = Scratch::new();
        Element::Int(value).encode(&mut number);
        let (old, new) = (end - at, number.len());
        if old == new {
            let at = SIZE_FIELD + at;
            Arc::make_mut(&mut self.bytes)[at..at + new].copy_from_slice(number.as_bytes());
            return;
        }
        let (used, marks) = (self.used(), self.marks as usize * MARK);
        let all = used - old + new;
        if all + marks > self.bytes.len() {
            self.resize(capacity_for(all + marks));
        }
        let bytes = Arc::make_mut(&mut self.bytes);
        bytes.copy_within(SIZE_FIELD + end..used, SIZE_FIELD + at + new);
        bytes[SIZE_FIELD + at..SIZE_FIELD + at + new].copy_from_slice(number.as_bytes());
        bytes[..SIZE_FIELD].copy_from_slice(&(all as u32).to_le_bytes());
        self.used = all as u32;
        self.move_positions(at, new as i32 - old as i32);
    }

    /// Keeps positions right after bytes at `at` have become more or fewer.
    fn move_positions(&mut self, at: usize, by: i32) {
        for position in [&mut self.fields_at, &mut self.entries_at] {
            if *position as usize > at {
                *position = position.saturating_add_signed(by);
            }
        }
        let marks = self.marks as usize * MARK;
        let bytes = Arc::make_mut(&mut self.bytes);
        let start = bytes.len() - marks;
        let mut lost = 0;
        for mark in bytes[start..].as_chunks_mut::<MARK>().0 {
            let position = position_in(mark);
            if position > at {
                // The last marks may leave the 64 KB that they can express.
                match u16::try_from(position as i32 + by) {
                    Ok(position) => mark[4..].copy_from_slice(&position.to_le_bytes()),
                    Err(_) => lost += 1,
                }
            }
        }
        self.marks -= lost;
    }

    /// Marks live entries that `chosen` accepts as deleted, until it returns `None`. Begins at the entry at `from`. Returns how many.
    pub(super) fn mark_deleted(
        &mut self,
        mut from: Option<usize>,
        mut chosen: impl FnMut(StreamId) -> Option<bool>,
    ) -> u32 {
        let mut marked = 0;
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
        self.live -= marked;
        self.deleted += marked;
        if marked > 0
            && let Some(at) = self.block().after(HEADER)
        {
            self.put_int(at, i64::from(self.deleted));
            self.put_live();
        }
        marked
    }

    /// Verifies the invariants and panics with the broken one.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn check(&self) {
        match super::validate_node(self.master, self.listpack()) {
            Ok(summary) => {
                assert_eq!((summary.live, summary.deleted), (self.live, self.deleted), "invariant 1")
            }
            Err(damage) => panic!("invariants 1 and 2: {damage:?}"),
        }
        let again = Self::from_listpack(self.master, self.listpack());
        let positions = |node: &Self| (node.fields, node.fields_at, node.entries_at);
        assert_eq!(positions(&again), positions(self), "invariant 1");
        let known = again.marks().len() - self.marks().len();
        assert_eq!(again.marks()[known..], *self.marks(), "invariant 3");
        assert!(known == 0 || self.used > u32::from(u16::MAX), "invariant 3");
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

    // Invariant 4.
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
        self.mark_deleted(None, |id| Some(ids.binary_search(&id).is_ok()));
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
