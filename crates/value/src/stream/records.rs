//! A copy-on-write ordered set of records of a fixed size that begin with an ID: what is pending in a group, and for a consumer.
//!
//! ```text
//!   Ordered ... -> RecordLeaf -> [ record ][ record ] ... room       record  [ ID: 16 bytes, big endian ][ rest ]
//! ```
//! What the rest means is the caller's affair.
//!
//! Invariant: records ascend strictly by ID.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::ordered::{Edit, KeyedLeaf, Leaf, Ordered, wide_partition_point};
use crate::packed::size_class;
use crate::room::{ARC_HEADER, capacity_for};

use super::StreamId;

/// Bytes of an ID.
pub(super) const ID: usize = 16;

/// Most bytes of a leaf.
const LEAF_BYTES: usize = 4096 - ARC_HEADER;

/// A run of records of `N` bytes.
#[derive(Clone, Debug)]
pub struct RecordLeaf<const N: usize> {
    /// Room, records, room: what is acknowledged goes mostly at the front.
    records: Arc<[[u8; N]]>,
    start: u32,
    count: u32,
}

impl<const N: usize> Default for RecordLeaf<N> {
    fn default() -> Self {
        Self { records: Arc::from([]), start: 0, count: 0 }
    }
}

/// The ID of a record.
#[inline]
pub(super) fn id_of<const N: usize>(record: &[u8; N]) -> StreamId {
    record.first_chunk().map_or(StreamId::MIN, |id| StreamId::from_bytes(*id))
}

impl<const N: usize> RecordLeaf<N> {
    const MAX: usize = LEAF_BYTES / N;

    /// The records in order.
    pub(super) fn records(&self) -> &[[u8; N]] {
        &self.records[self.start as usize..][..self.count as usize]
    }

    /// Copies records into a buffer of the right size.
    fn build(parts: [&[[u8; N]]; 2], more: usize) -> Self {
        let count = parts[0].len() + parts[1].len();
        if count + more == 0 {
            return Self::default();
        }
        let room = capacity_for((count + more) * N) / N - count;
        let filled = parts.into_iter().flatten().copied();
        let records: Vec<_> = filled.chain(std::iter::repeat_n([0; N], room)).collect();
        Self { records: records.into(), start: 0, count: count as u32 }
    }

    fn insert(&mut self, at: usize, record: [u8; N]) {
        let count = self.count as usize;
        if self.start as usize + count == self.records.len() {
            *self = Self::build([self.records(), &[]], 1);
        }
        let start = self.start as usize;
        let records = &mut Arc::make_mut(&mut self.records)[start..];
        records.copy_within(at..count, at + 1);
        records[at] = record;
        self.count += 1;
    }

    fn set(&mut self, at: usize, record: [u8; N]) {
        Arc::make_mut(&mut self.records)[self.start as usize + at] = record;
    }
}

impl<const N: usize> Leaf for RecordLeaf<N> {
    type Separator = StreamId;

    fn len(&self) -> usize {
        self.count as usize
    }

    fn heap_bytes(&self) -> usize {
        if self.records.is_empty() { 0 } else { size_class(self.records.len() * N + ARC_HEADER) }
    }

    fn is_shared(&self) -> bool {
        self.count > 0 && Arc::strong_count(&self.records) > 1
    }

    fn own(&mut self) -> u64 {
        if !self.is_shared() {
            return 0;
        }
        Arc::make_mut(&mut self.records);
        self.heap_bytes() as u64
    }

    fn is_overfull(&self) -> bool {
        self.len() > Self::MAX
    }

    fn is_underfull(&self) -> bool {
        self.len() < Self::MAX / 4
    }

    fn joins(&self, right: &Self) -> bool {
        self.len() + right.len() <= Self::MAX / 4 * 3
    }

    fn middle(&self) -> usize {
        self.len() / 2
    }

    fn split_off(&mut self, at: usize) -> Self {
        let right = Self::build([&self.records()[at..], &[]], 0);
        *self = Self::build([&self.records()[..at], &[]], 0);
        right
    }

    fn absorb(&mut self, right: &Self) {
        *self = Self::build([self.records(), right.records()], 0);
    }

    /// Gives back room when a quarter is unused.
    fn remove_range(&mut self, from: usize, to: usize) {
        let (count, left) = (self.len(), self.len() - (to - from));
        if left < self.records.len() / 4 * 3 {
            *self = Self::build([&self.records()[..from], &self.records()[to..]], 0);
        } else {
            let start = self.start as usize;
            if from > count - to {
                Arc::make_mut(&mut self.records)[start..].copy_within(to..count, from);
            } else {
                // Fewer records lie before the gap than behind it.
                Arc::make_mut(&mut self.records)[start..].copy_within(..from, to - from);
                self.start += (to - from) as u32;
            }
            self.count = left as u32;
        }
    }

    fn separator(_left: &Self, right: &Self) -> StreamId {
        id_of(&right.records()[0])
    }
}

impl<const N: usize> KeyedLeaf for RecordLeaf<N> {
    type Key<'k> = StreamId;

    #[inline]
    fn compare(separator: &StreamId, key: StreamId) -> Ordering {
        separator.cmp(&key)
    }

    #[inline]
    fn slot(separators: &[StreamId], key: StreamId) -> usize {
        wide_partition_point(separators.len(), |at| separators[at] <= key)
    }

    #[inline]
    fn search(&self, key: StreamId) -> Result<usize, usize> {
        let records = self.records();
        // What is delivered comes behind all that was delivered before.
        if records.last().is_none_or(|last| id_of(last) < key) {
            return Err(records.len());
        }
        let at = wide_partition_point(records.len(), |at| id_of(&records[at]) < key);
        if records.get(at).is_some_and(|record| id_of(record) == key) { Ok(at) } else { Err(at) }
    }
}

/// Records by ID.
pub(super) type Records<const N: usize> = Ordered<RecordLeaf<N>>;

/// The record with an ID.
pub(super) fn get<const N: usize>(tree: &Records<N>, id: StreamId) -> Option<&[u8; N]> {
    let leaf = tree.leaf_for(id)?.leaf;
    leaf.records().get(leaf.search(id).ok()?)
}

/// Puts a record in, in the place of one with its ID if there is one. Returns that.
pub(super) fn put<const N: usize>(tree: &mut Records<N>, record: [u8; N]) -> Option<[u8; N]> {
    let id = id_of(&record);
    tree.edit_key(id, |mut leaf, _| match leaf.get().search(id) {
        Ok(at) => {
            let old = leaf.get().records()[at];
            if old != record {
                leaf.own().set(at, record);
            }
            Edit::Done(Some(old), at)
        }
        Err(at) => {
            leaf.own().insert(at, record);
            Edit::Done(None, at)
        }
    })
}

/// Takes a record out.
pub(super) fn remove<const N: usize>(tree: &mut Records<N>, id: StreamId) -> Option<[u8; N]> {
    tree.edit_key(id, |mut leaf, _| {
        let Ok(at) = leaf.get().search(id) else { return Edit::Done(None, 0) };
        let old = leaf.get().records()[at];
        leaf.own().remove_range(at, at + 1);
        Edit::Done(Some(old), at)
    })
}

/// The records from an ID on.
pub(super) fn from<const N: usize>(tree: &Records<N>, id: StreamId) -> impl Iterator<Item = &[u8; N]> {
    let first = tree.leaf_for(id).map(|found| {
        let (Ok(at) | Err(at)) = found.leaf.search(id);
        (&found.leaf.records()[at..], found.start + found.leaf.len() as u64)
    });
    let (records, next) = first.unwrap_or_default();
    records.iter().chain(tree.leaves_from(next).flat_map(|found| found.leaf.records()))
}

/// Verifies the invariant and panics if it is broken.
#[cfg(any(test, debug_assertions))]
pub(super) fn check<const N: usize>(tree: &Records<N>) {
    tree.check(|leaf| assert!(leaf.records().is_sorted_by(|a, b| id_of(a) < id_of(b)), "records ascend"));
    tree.check_separators(|left, separator, right| {
        let last = id_of(&left.records()[left.len() - 1]);
        last < *separator && *separator <= id_of(&right.records()[0])
    });
}
