//! A stream's node: the leaf of its tree, with what Redis has in one node, in a layout of its own.
//!
//! ```text
//!   buffer    fields of the master entry, entries ...      room      [ mark ] ... [ mark ]
//!             `--------------- used --------------'                  one for each group but the first, the last one first
//!   mark      [ ms - master's ms, at most 2^32 - 1: u32 ][ position of the group's first entry u32 ]
//! ```
//! `entries.rs` draws an entry, `convert.rs` the listpack that RDB files have for a node. No bytes of it are here, but how many they would be is counted
//! with every change, since Redis's limits are limits of them.
//!
//! The master ID is that of the first entry the node ever had. Of what is written nothing ever changes but the flag of an entry that is deleted; entries
//! are only added at the end. When a node is full, and when a new one begins, is [`NodeLimits`]' affair.
//!
//! Invariants:
//!  1. The listpack that is made of it is a valid node ([`super::validate_node`]), with `live` and `deleted` entries, of `listpack_len` bytes; making a
//!     node of that gives the same bytes.
//!  2. IDs ascend strictly; none is below the master ID.
//!  3. Mark `i` is that of entry `8 (i + 1)`, counted from 0, deleted ones included.
//!  4. `last` is the last ID, unless that is too far from the master ID.
//!  5. Nodes are never joined and never split: what Redis would have in one node is in one node.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::ordered::{KeyedLeaf, Leaf, wide_partition_point};
use crate::packed::{Bare, Element, LISTPACK_OVERHEAD, Scratch, size_class};
use crate::room::{ARC_HEADER, capacity_for, zeroed};

use super::StreamId;
use super::entries::{self, DELETED, Groups, Mark, Places, PlacesBack, SAME_FIELDS, STRIDE, Spot, View};

/// Most bytes of texts that one entry may have, and most of a node without another limit.
pub const NODE_BYTES_MAX: usize = 1 << 30;

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

/// Bytes of a mark.
const MARK: usize = size_of::<Mark>();

/// A node: entries in order of their IDs. A handle on a shared buffer.
#[derive(Clone, Debug, Default)]
pub struct StreamNode {
    /// Fields, entries, room, and marks.
    bytes: Arc<[u8]>,
    master: StreamId,
    used: u32,
    /// Bytes of the listpack without the numbers of live and deleted entries.
    spelled: u32,
    live: u32,
    deleted: u32,
    /// Fields of the master entry.
    fields: u32,
    /// Position of the first entry.
    entries_at: u32,
    /// The last ID.
    last: Near,
    /// Elements of the listpack; 65535 for as many or more.
    elements: u16,
}

/// An ID not far behind a node's master ID, in little room; without it each entry that is added would begin with a walk through a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Near {
    /// A `u32`, which as one would be aligned and make the handle longer.
    ms: [u8; 4],
    seq: u16,
}

impl Near {
    /// What stands for an ID that is not near.
    const FAR: Self = Self { ms: [0; 4], seq: u16::MAX };

    fn new(id: StreamId, master: StreamId) -> Self {
        let (ms, seq) = (id.ms.wrapping_sub(master.ms), id.seq.wrapping_sub(Self::seq_from(id.ms, master)));
        match (u32::try_from(ms), u16::try_from(seq)) {
            (Ok(ms), Ok(seq)) if seq < u16::MAX => Self { ms: ms.to_le_bytes(), seq },
            _ => Self::FAR,
        }
    }

    fn id(self, master: StreamId) -> Option<StreamId> {
        let ms = master.ms.wrapping_add(u32::from_le_bytes(self.ms).into());
        let seq = Self::seq_from(ms, master).wrapping_add(self.seq.into());
        (self != Self::FAR).then_some(StreamId { ms, seq })
    }

    fn seq_from(ms: u64, master: StreamId) -> u64 {
        if ms == master.ms { master.seq } else { 0 }
    }
}

impl StreamNode {
    /// A node without entries and with room for so many bytes.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self { bytes: zeroed(capacity_for(bytes)), ..Self::default() }
    }

    /// The ID to which those of the entries are relative in the listpack; RDB writes it before that.
    pub fn master_id(&self) -> StreamId {
        self.master
    }

    /// Bytes of the listpack.
    pub fn listpack_len(&self) -> usize {
        let number = |number: u32| Element::Int(number.into()).encoded_len();
        self.spelled as usize + number(self.live) + number(self.deleted)
    }

    /// How many elements the listpack says that it has; 65535 means as many or more.
    pub fn elements(&self) -> u16 {
        self.elements
    }

    /// How many entries are not deleted, how many are, and how many fields the master has.
    pub(super) fn counts(&self) -> [u32; 3] {
        [self.live, self.deleted, self.fields]
    }

    /// Number of entries, deleted ones included.
    pub(super) fn count(&self) -> u32 {
        self.live + self.deleted
    }

    /// Bytes of the buffer that are in use.
    pub(super) fn in_use(&self) -> usize {
        self.used as usize + self.marks_bytes()
    }

    fn marks_bytes(&self) -> usize {
        (self.count().saturating_sub(1) / STRIDE) as usize * MARK
    }

    pub(super) fn view(&self) -> View<'_> {
        let bytes = self.bytes.get(..self.used as usize).unwrap_or_default();
        View { bytes, master: self.master, fields: self.fields, count: self.count() }
    }

    fn groups(&self) -> Groups<'_> {
        let marks = self.bytes.get(self.bytes.len() - self.marks_bytes()..).unwrap_or_default();
        Groups { entries_at: self.entries_at, marks: marks.as_chunks().0 }
    }

    /// The entries, deleted ones included.
    #[inline]
    pub(super) fn places(&self) -> Places<'_> {
        Places::new(self.view(), self.groups().spot(0))
    }

    /// The entries from that with an ID, or the first above it, to the end.
    pub(super) fn places_from(&self, id: StreamId) -> Places<'_> {
        let (view, groups) = (self.view(), self.groups());
        let mut places = Places::new(view, groups.spot(groups.find(view, id)));
        places.seek(id);
        places
    }

    /// The entries from the last to the first.
    #[inline]
    pub(super) fn places_back(&self) -> PlacesBack<'_> {
        let groups = self.groups();
        PlacesBack::new(self.view(), groups, groups.len())
    }

    /// The entries from that with an ID, or the last below it, back to the first.
    pub(super) fn places_back_from(&self, id: StreamId) -> PlacesBack<'_> {
        let (view, groups) = (self.view(), self.groups());
        let mut places = PlacesBack::new(view, groups, groups.find(view, id) + 1);
        places.seek(id);
        places
    }

    /// Where the entry with an ID is, if it is not deleted.
    pub(super) fn spot_of(&self, id: StreamId) -> Option<Spot> {
        let mut places = self.places_from(id);
        let spot = places.spot();
        places.next().filter(|place| place.id == id && place.is_live()).map(|_| spot)
    }

    /// The ID of the last entry, also of one that is deleted.
    #[inline]
    pub(super) fn last_id(&self) -> StreamId {
        self.last.id(self.master).unwrap_or_else(|| self.find_last_id())
    }

    fn find_last_id(&self) -> StreamId {
        let groups = self.groups();
        let mut places = Places::new(self.view(), groups.spot(groups.len() - 1));
        places.by_ref().for_each(drop);
        if self.count() == 0 { self.master } else { places.spot().before }
    }

    /// Whether an entry of so many bytes of texts goes into this node.
    pub(super) fn has_room(&self, limits: NodeLimits, texts: usize) -> bool {
        if self.listpack_len() + texts >= limits.bytes() {
            return false;
        }
        limits.entries_max == 0 || (self.count() as usize) < limits.entries_max
    }

    /// Adds an entry; its ID must be above all others.
    pub(super) fn append<'p>(
        &mut self,
        id: StreamId,
        pairs: impl Iterator<Item = (&'p [u8], &'p [u8])> + Clone,
    ) {
        let names = pairs.clone().map(|(field, _)| Element::of(field));
        let fields = names.clone().count() as u32;
        if self.count() == 0 {
            let mut out = Scratch::new();
            self.begin(id, fields, names.clone(), &mut out);
            self.put(out.as_bytes(), None);
        }
        if self.has_fields(fields, names) {
            self.push(id, None, pairs.map(|(_, value)| Element::of(value)));
        } else {
            let both = pairs.flat_map(|(field, value)| [Element::of(field), Element::of(value)]);
            self.push(id, Some(fields), both);
        }
    }

    /// Gives a node without entries its master ID and fields, and appends these to `out`.
    pub(super) fn begin<'p>(
        &mut self,
        master: StreamId,
        fields: u32,
        names: impl Iterator<Item = Element<'p>>,
        out: &mut Scratch,
    ) {
        let names: usize = names.map(|name| name.encode_spelled(out)).sum();
        // The number of fields, they, and a zero.
        let spelled = Element::Int(fields.into()).encoded_len() + names + Element::Int(0).encoded_len();
        self.master = master;
        self.fields = fields;
        self.entries_at = out.len() as u32;
        self.spelled = (LISTPACK_OVERHEAD + spelled) as u32;
        // With the numbers of entries before.
        self.elements = u16::try_from(fields.saturating_add(4)).unwrap_or(u16::MAX);
    }

    /// Adds an entry with the master's fields and `elements` for values, or with `own` fields and those and values for elements.
    fn push<'p>(&mut self, id: StreamId, own: Option<u32>, elements: impl Iterator<Item = Element<'p>>) {
        let mut out = Scratch::new();
        let mark = self.encode_head(id, self.last_id(), true, own, self.used as usize, &mut out);
        let elements = elements.map(|element| element.encode_spelled(&mut out)).sum();
        self.put(out.as_bytes(), mark);
        self.note(id, true, own, elements);
    }

    /// Appends what stands before the fields and values of the next entry, which will be at a position, behind the entry with the ID `before`. Returns its
    /// mark if it gets one.
    #[inline]
    pub(super) fn encode_head(
        &self,
        id: StreamId,
        before: StreamId,
        is_live: bool,
        own: Option<u32>,
        at: usize,
        out: &mut Scratch,
    ) -> Option<Mark> {
        let begins_group = self.count().is_multiple_of(STRIDE);
        let before = if begins_group { self.master } else { before };
        let flags = if is_live { 0 } else { DELETED } | if own.is_none() { SAME_FIELDS } else { 0 };
        entries::encode_head(id, before, flags, own, out);
        (begins_group && self.count() > 0).then(|| entries::mark(id, self.master, at as u32))
    }

    /// Counts an entry whose bytes are there, and whose fields and values are so many bytes of the listpack.
    #[inline]
    pub(super) fn note(&mut self, id: StreamId, is_live: bool, own: Option<u32>, elements: usize) {
        let number = |number: i64| Element::Int(number).encoded_len();
        let (ms, seq) = id.minus(self.master);
        let behind = elements_of(own, self.fields);
        let own = own.map_or(0, |own| number(own.into()));
        // The flags take as much as a zero.
        self.spelled += (number(0) + number(ms) + number(seq) + own + elements + number(behind)) as u32;
        let all = u16::try_from(behind + 1).unwrap_or(u16::MAX);
        self.elements = self.elements.saturating_add(all);
        self.last = Near::new(id, self.master);
        *(if is_live { &mut self.live } else { &mut self.deleted }) += 1;
    }

    /// Gives a node whose entries are all noted its buffer: what is in use of it, and the marks.
    pub(super) fn fill(&mut self, bytes: &[u8], marks: &[Mark]) {
        self.bytes = zeroed(capacity_for(bytes.len() + size_of_val(marks)));
        let buffer = Arc::make_mut(&mut self.bytes);
        buffer[..bytes.len()].copy_from_slice(bytes);
        let places = buffer.rchunks_exact_mut(MARK);
        places.zip(marks).for_each(|(place, mark)| place.copy_from_slice(mark));
        self.used = bytes.len() as u32;
    }

    /// Adds bytes at the end, and a mark before the others.
    fn put(&mut self, bytes: &[u8], mark: Option<Mark>) {
        let (used, marks) = (self.used as usize, self.marks_bytes());
        let needed = used + bytes.len() + marks + mark.map_or(0, |mark| mark.len());
        if needed > self.bytes.len() {
            self.resize(capacity_for(needed));
        }
        let buffer = Arc::make_mut(&mut self.bytes);
        buffer[used..used + bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len() as u32;
        if let Some(mark) = mark {
            let end = buffer.len() - marks;
            buffer[end - MARK..end].copy_from_slice(&mark);
        }
    }

    /// Whether these are the master's fields.
    fn has_fields<'p>(&self, count: u32, mut names: impl Iterator<Item = Element<'p>>) -> bool {
        let mut there = Bare::new(&self.bytes, 0);
        self.fields == count && names.all(|name| there.next() == Some(name))
    }

    fn resize(&mut self, capacity: usize) {
        let (used, marks) = (self.used as usize, self.marks_bytes());
        let mut buffer = zeroed(capacity);
        let bytes = Arc::make_mut(&mut buffer);
        bytes[..used].copy_from_slice(&self.bytes[..used]);
        bytes[capacity - marks..].copy_from_slice(&self.bytes[self.bytes.len() - marks..]);
        self.bytes = buffer;
    }

    /// Gives room back to which nothing will be added.
    pub(super) fn shrink(&mut self) {
        if self.has_spare() {
            self.resize(capacity_for(self.in_use()));
        }
    }

    /// Whether [`Self::shrink`] gives back anything.
    pub(super) fn has_spare(&self) -> bool {
        capacity_for(self.in_use()) < self.bytes.len()
    }

    /// Marks live entries that `chosen` accepts as deleted, until it returns `None`. Begins at a spot. Returns how many.
    pub(super) fn mark_deleted(
        &mut self,
        mut spot: Spot,
        mut chosen: impl FnMut(StreamId) -> Option<bool>,
    ) -> u32 {
        let (used, master, fields, count) = (self.used as usize, self.master, self.fields, self.count());
        let buffer = Arc::make_mut(&mut self.bytes);
        let mut marked = 0;
        while let Some(bytes) = buffer.get(..used)
            && let Some(place) = (View { bytes, master, fields, count }).step(&mut spot)
        {
            if !place.is_live() {
                continue;
            }
            match chosen(place.id) {
                Some(true) => {
                    buffer[place.at as usize] |= DELETED;
                    marked += 1;
                }
                Some(false) => {}
                None => break,
            }
        }
        self.live -= marked;
        self.deleted += marked;
        marked
    }

    /// Verifies the invariants and panics with the broken one.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn check(&self) {
        let listpack = self.listpack();
        match super::validate_node(self.master, &listpack) {
            Ok(summary) => {
                assert_eq!((summary.live, summary.deleted), (self.live, self.deleted), "invariant 1")
            }
            Err(damage) => panic!("invariants 1 and 2: {damage:?}"),
        }
        assert_eq!(listpack.len(), self.listpack_len(), "invariant 1");
        assert_eq!(self.last_id(), self.find_last_id(), "invariant 4");
        let again = Self::from_listpack(self.master, &listpack);
        let kept = |node: &Self| (node.counts(), node.entries_at, node.spelled, node.elements);
        assert_eq!(kept(&again), kept(self), "invariant 1");
        assert_eq!(again.view().bytes, self.view().bytes, "invariant 1");
        assert_eq!(again.groups().marks, self.groups().marks, "invariant 3");
    }
}

/// The number behind an entry in a listpack: how many elements it has but for this one.
pub(super) fn elements_of(own: Option<u32>, master_fields: u32) -> i64 {
    own.map_or(3 + i64::from(master_fields), |own| 4 + 2 * i64::from(own))
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

    // Invariant 5.
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
        let start = self.places().spot();
        self.mark_deleted(start, |id| Some(ids.binary_search(&id).is_ok()));
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
