//! Walking the entries of a range of IDs, in either direction. Nothing is allocated; each node costs one descent.

use crate::ordered::{Found, Leaf, Ordered};

use super::entries::{Entry, Places, PlacesBack};
use super::{StreamId, StreamNode};

/// The entries of a range, ascending.
#[derive(Clone)]
pub struct Range<'a> {
    nodes: &'a Ordered<StreamNode>,
    /// What is left of the current node.
    places: Option<Places<'a>>,
    next: Next,
    end: StreamId,
}

/// The entries of a range, descending.
#[derive(Clone)]
pub struct RangeBack<'a> {
    nodes: &'a Ordered<StreamNode>,
    places: Option<PlacesBack<'a>>,
    next: Next,
    start: StreamId,
}

/// Where to go on behind the current node. Most ranges end in their first node, so that is found without counting.
#[derive(Clone, Copy)]
enum Next {
    /// At the neighbour of the node of this ID.
    BesideNodeOf(StreamId),
    /// At the node of the entry with this index.
    Index(u64),
}

impl Next {
    /// The node, forward or backward.
    fn find<'a>(self, nodes: &'a Ordered<StreamNode>, is_forward: bool) -> Option<Found<'a, StreamNode>> {
        let index = match self {
            Self::Index(index) => index,
            Self::BesideNodeOf(id) => behind(&nodes.leaf_for(id)?, is_forward)?,
        };
        nodes.leaf_at(index)
    }
}

/// The index of the first entry behind a node, or of the last before it.
fn behind(found: &Found<'_, StreamNode>, is_forward: bool) -> Option<u64> {
    if is_forward { Some(found.start + found.leaf.len() as u64) } else { found.start.checked_sub(1) }
}

impl<'a> Range<'a> {
    pub(super) fn new(nodes: &'a Ordered<StreamNode>, start: StreamId, end: StreamId) -> Self {
        let node = nodes.leaf_of(start).filter(|_| start <= end);
        let places = node.map(|node| node.places_from(start));
        Self { nodes, places, next: Next::BesideNodeOf(start), end }
    }

    fn enter_next(&mut self) {
        let found = self.next.find(self.nodes, true);
        self.next = Next::Index(found.as_ref().and_then(|found| behind(found, true)).unwrap_or(u64::MAX));
        self.places = found.map(|found| found.leaf.places());
    }
}

impl<'a> Iterator for Range<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            match self.places.as_mut()?.next_live() {
                Some(entry) if entry.id > self.end => self.places = None,
                Some(entry) => return Some(entry),
                None => self.enter_next(),
            }
        }
    }
}

impl<'a> RangeBack<'a> {
    pub(super) fn new(nodes: &'a Ordered<StreamNode>, start: StreamId, end: StreamId) -> Self {
        let node = nodes.leaf_of(end).filter(|_| start <= end);
        let places = node.map(|node| node.places_back_from(end));
        Self { nodes, places, next: Next::BesideNodeOf(end), start }
    }

    fn enter_next(&mut self) {
        let found = self.next.find(self.nodes, false);
        self.next = Next::Index(found.as_ref().and_then(|found| behind(found, false)).unwrap_or(u64::MAX));
        self.places = found.map(|found| found.leaf.places_back());
    }
}

impl<'a> Iterator for RangeBack<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            match self.places.as_mut()?.next_live() {
                Some(entry) if entry.id < self.start => self.places = None,
                Some(entry) => return Some(entry),
                None => self.enter_next(),
            }
        }
    }
}
