//! A stream's entries, and what it remembers of those that are gone. Knows no consumer group.
//!
//! Invariants: those of the tree and of its nodes; and
//!  1. every node has a live entry (Redis keeps one without if trimming made it so; no command shows the difference);
//!  2. `first_id` is that of the first live entry, `0-0` if there is none; no entry is above `last_id`;
//!  3. `node_count` is the number of nodes.

use std::fmt;

use crate::ordered::{Edit, KeyedLeaf, Leaf, Ordered, Teardown};

use super::entries::Entry;
use super::node::NODE_BYTES_MAX;
use super::range::{Range, RangeBack};
use super::{NodeLimits, StreamId, StreamNode, StreamTeardown};

/// The entries of a stream. `Clone` is O(1).
#[derive(Clone, Default)]
pub struct Log {
    pub(super) nodes: Ordered<StreamNode>,
    pub(super) node_count: u64,
    pub(super) info: Info,
}

/// What a stream remembers beside its entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// The highest ID that any entry had.
    pub last_id: StreamId,
    /// The first entry's ID, `0-0` if there is none.
    pub first_id: StreamId,
    /// The highest ID that was deleted other than by trimming.
    pub max_deleted_id: StreamId,
    /// How many entries were ever added.
    pub entries_added: u64,
}

/// Why an entry was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// The ID is not above the last one.
    NotAbove,
    /// The texts have more than [`NODE_BYTES_MAX`] bytes.
    TooLarge,
}

/// What to keep of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So many entries, the last ones.
    Length(u64),
    /// Entries with this ID or a higher one.
    From(StreamId),
}

/// How to trim a stream.
#[derive(Clone, Copy, Debug)]
pub struct Trim {
    /// What to keep at least.
    pub keep: Keep,
    /// Whether only whole nodes are removed.
    pub is_approximate: bool,
    /// Most entries to remove, 0 for no limit. Counts whole nodes only.
    pub limit: u64,
}

/// What trimming did.
pub struct Trimmed {
    /// How many entries were removed.
    pub removed: u64,
    /// The nodes that are gone, to be freed a bounded number at a time, or at once if it is dropped.
    pub nodes: Teardown<StreamNode>,
}

impl Trimmed {
    /// The nodes that are gone, for who frees parts of streams.
    pub fn into_teardown(self) -> StreamTeardown {
        StreamTeardown::of_nodes(self.nodes)
    }
}

impl Log {
    /// Number of entries.
    pub fn len(&self) -> u64 {
        self.nodes.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Number of nodes.
    pub fn node_count(&self) -> u64 {
        self.node_count
    }

    /// What it remembers beside its entries.
    pub fn info(&self) -> Info {
        self.info
    }

    /// The nodes in order.
    pub fn nodes(&self) -> impl Iterator<Item = &StreamNode> {
        self.nodes.leaves_from(0).map(|found| found.leaf)
    }

    /// The entries with IDs from `start` to `end`, both included, ascending.
    pub fn range(&self, start: StreamId, end: StreamId) -> Range<'_> {
        Range::new(&self.nodes, start, end)
    }

    /// The entries with IDs from `start` to `end`, both included, descending.
    pub fn range_back(&self, start: StreamId, end: StreamId) -> RangeBack<'_> {
        RangeBack::new(&self.nodes, start, end)
    }

    /// The entry with an ID.
    pub fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        self.range(id, id).next()
    }

    /// Whether there is an entry with this ID.
    pub fn contains(&self, id: StreamId) -> bool {
        self.get(id).is_some()
    }

    /// The first entry.
    pub fn first(&self) -> Option<Entry<'_>> {
        self.range(StreamId::MIN, StreamId::MAX).next()
    }

    /// The last entry.
    pub fn last(&self) -> Option<Entry<'_>> {
        self.range_back(StreamId::MIN, StreamId::MAX).next()
    }

    /// Adds an entry of fields and values.
    pub fn append<'p>(
        &mut self,
        id: StreamId,
        pairs: impl Iterator<Item = (&'p [u8], &'p [u8])> + Clone,
        limits: NodeLimits,
    ) -> Result<(), AppendError> {
        enum Step {
            Added,
            Placed,
            Shrunk,
        }
        if id <= self.info.last_id {
            return Err(AppendError::NotAbove);
        }
        let texts: usize = pairs.clone().map(|(field, value)| field.len() + value.len()).sum();
        if texts > NODE_BYTES_MAX {
            return Err(AppendError::TooLarge);
        }
        loop {
            let pairs = pairs.clone();
            let step = self.nodes.edit_last(|mut leaf| {
                let there = leaf.get();
                let len = there.len();
                if len == 0 {
                    let mut node = StreamNode::default();
                    node.append(id, pairs);
                    return Edit::Place(node, 0, Step::Placed);
                }
                if there.has_room(limits, texts) {
                    leaf.own().append(id, pairs);
                    return Edit::Done(Step::Added, len);
                }
                if there.has_spare() && !there.is_shared() {
                    leaf.own().shrink();
                    return Edit::Done(Step::Shrunk, len);
                }
                // The next node will be about as long as this one.
                let mut node = StreamNode::with_room(there.in_use().min(ROOM_MAX));
                node.append(id, pairs);
                Edit::Place(node, len, Step::Placed)
            });
            match step {
                Step::Shrunk => continue,
                Step::Placed => self.node_count += 1,
                Step::Added => {}
            }
            break;
        }
        if self.len() == 1 {
            self.info.first_id = id;
        }
        self.info.last_id = id;
        self.info.entries_added += 1;
        Ok(())
    }

    /// Removes the entry with an ID. False if there is none.
    pub fn delete(&mut self, id: StreamId) -> bool {
        let Some(found) = self.nodes.leaf_for(id) else { return false };
        let Some(spot) = found.leaf.spot_of(id) else { return false };
        if found.leaf.len() == 1 {
            let start = found.start;
            drop(self.nodes.remove_range(start, start + 1));
            self.node_count -= 1;
        } else {
            self.nodes.edit_key(id, |mut leaf, _| {
                leaf.own().mark_deleted(spot, |there| (there == id).then_some(true));
                Edit::Done((), 0)
            });
        }
        self.info.max_deleted_id = self.info.max_deleted_id.max(id);
        if id == self.info.first_id {
            self.find_first();
        }
        true
    }

    /// Finds the first entry, which is not before the old one.
    fn find_first(&mut self) {
        let first = self.range(self.info.first_id, StreamId::MAX).next();
        self.info.first_id = first.map_or(StreamId::MIN, |entry| entry.id);
    }

    /// Removes entries from the start.
    pub fn trim(&mut self, trim: Trim) -> Trimmed {
        let (mut whole, mut nodes, mut is_partial) = (0, 0, false);
        for found in self.nodes.leaves_from(0) {
            let (left, live) = (self.len() - whole, found.leaf.len() as u64);
            if matches!(trim.keep, Keep::Length(length) if left <= length)
                || trim.limit > 0 && whole + live > trim.limit
            {
                break;
            }
            let goes = match trim.keep {
                Keep::Length(length) => left - live >= length,
                Keep::From(id) => found.leaf.last_id() < id,
            };
            if !goes {
                is_partial = !trim.is_approximate;
                break;
            }
            whole += live;
            nodes += 1;
        }
        let mut trimmed = Trimmed { removed: whole, nodes: self.nodes.remove_range(0, whole) };
        self.node_count -= nodes;
        if is_partial {
            self.trim_first(trim.keep, &mut trimmed);
        }
        if trimmed.removed > 0 {
            self.find_first();
        }
        trimmed
    }

    /// Removes entries of the first node.
    fn trim_first(&mut self, keep: Keep, trimmed: &mut Trimmed) {
        let Some(first) = self.nodes.first_leaf() else { return };
        let live = first.len() as u64;
        let gone = match keep {
            Keep::Length(length) => self.len().saturating_sub(length).min(live),
            Keep::From(id) => first.search(id).unwrap_or_else(|below| below) as u64,
        };
        if gone == 0 {
            return;
        }
        trimmed.removed += gone;
        // Usually the first ID is still that of this node's first live entry, and what lies before need not be passed.
        let from = first.places_from(self.info.first_id).spot();
        if gone == live {
            // Invariant 1: what lies behind its live entries is deleted.
            trimmed.nodes.append(self.nodes.remove_range(0, live));
            self.node_count -= 1;
            return;
        }
        self.nodes.edit_first(|mut leaf| {
            let mut left = gone;
            leaf.own().mark_deleted(from, |_| {
                left = left.checked_sub(1)?;
                Some(true)
            });
            Edit::Done((), 0)
        });
    }

    /// XSETID: sets what it remembers, but not the first ID. The caller has checked that no entry is above `last_id`.
    pub fn set_info(
        &mut self,
        last_id: StreamId,
        entries_added: Option<u64>,
        max_deleted_id: Option<StreamId>,
    ) {
        self.info.last_id = last_id;
        self.info.entries_added = entries_added.unwrap_or(self.info.entries_added);
        self.info.max_deleted_id = max_deleted_id.unwrap_or(self.info.max_deleted_id);
    }

    /// Whether something with this ID or a higher one was deleted.
    pub fn has_tombstone_from(&self, id: StreamId) -> bool {
        !self.is_empty() && !self.info.max_deleted_id.is_zero() && id <= self.info.max_deleted_id
    }

    /// How many entries were ever added up to that with an ID, if that can be told without counting.
    pub fn distance_from_start(&self, id: StreamId) -> Option<u64> {
        let Info { last_id, first_id, max_deleted_id, entries_added } = self.info;
        if entries_added == 0 {
            return Some(0);
        }
        if self.is_empty() && id <= last_id {
            return Some(entries_added);
        }
        // What is before a tombstone cannot be told, but of the ID before all others.
        if !id.is_zero() && id < max_deleted_id || id > last_id {
            return None;
        }
        if id == last_id {
            return Some(entries_added);
        }
        if max_deleted_id.is_zero() || max_deleted_id < first_id {
            let before_first = entries_added.wrapping_sub(self.len());
            if id < first_id {
                return Some(before_first);
            }
            if id == first_id {
                return Some(before_first.wrapping_add(1));
            }
        }
        None
    }

    /// Verifies the invariants and panics with the broken one.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        let mut last = None;
        let mut nodes = 0;
        self.nodes.check(StreamNode::check);
        self.nodes.check_separators(|left, separator, right| {
            left.last_id() < *separator && *separator <= right.master_id()
        });
        for place in self.nodes().inspect(|_| nodes += 1).flat_map(StreamNode::places) {
            assert!(last < Some(place.id), "IDs ascend");
            last = Some(place.id);
        }
        assert!(last <= Some(self.info.last_id), "invariant 2");
        let first = self.first().map_or(StreamId::MIN, |entry| entry.id);
        assert_eq!(self.info.first_id, first, "invariant 2");
        assert_eq!(self.node_count, nodes, "invariant 3");
    }
}

/// Most room that a new node gets in advance.
const ROOM_MAX: usize = 4096;

impl fmt::Debug for Log {
    /// Shape only; the content may be of any size.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("nodes", &self.nodes).field("info", &self.info).finish()
    }
}
