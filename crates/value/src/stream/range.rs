//! Walking the entries of a range of IDs, in either direction. Nothing is allocated; each node costs one descent.

use crate::ordered::{Found, Leaf, Ordered};

use super::entries::{Entry, Places};
use super::{StreamId, StreamNode};

/// The entries of a range, ascending.
#[derive(Clone)]
pub struct Range<'a> {
    nodes: &'a Ordered<StreamNode>,
    /// What is left of the current node.
    places: Option<Places<'a>>,
    /// Index of the next node's first entry.
    next: u64,
    end: StreamId,
}

/// The entries of a range, descending.
#[derive(Clone)]
pub struct RangeBack<'a> {
    nodes: &'a Ordered<StreamNode>,
    places: Option<Places<'a>>,
    /// Index of the entry before the current node, if there is one.
    next: Option<u64>,
    start: StreamId,
}

impl<'a> Range<'a> {
    pub(super) fn new(nodes: &'a Ordered<StreamNode>, start: StreamId, end: StreamId) -> Self {
        let mut range = Self { nodes, places: None, next: 0, end };
        if let Some(found) = nodes.leaf_for(start).filter(|_| start <= end) {
            range.enter(found).seek(start);
        }
        range
    }

    fn enter(&mut self, found: Found<'a, StreamNode>) -> &mut Places<'a> {
        self.next = found.start + found.leaf.len() as u64;
        self.places.insert(found.leaf.places())
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
                None => match self.nodes.leaf_at(self.next) {
                    Some(found) => _ = self.enter(found),
                    None => self.places = None,
                },
            }
        }
    }
}

impl<'a> RangeBack<'a> {
    pub(super) fn new(nodes: &'a Ordered<StreamNode>, start: StreamId, end: StreamId) -> Self {
        let mut range = Self { nodes, places: None, next: None, start };
        if let Some(found) = nodes.leaf_for(end).filter(|_| start <= end) {
            range.enter(found).seek_back(end);
        }
        range
    }

    fn enter(&mut self, found: Found<'a, StreamNode>) -> &mut Places<'a> {
        self.next = found.start.checked_sub(1);
        self.places.insert(found.leaf.places())
    }
}

impl<'a> Iterator for RangeBack<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            match self.places.as_mut()?.next_live_back() {
                Some(entry) if entry.id < self.start => self.places = None,
                Some(entry) => return Some(entry),
                None => match self.next.and_then(|next| self.nodes.leaf_at(next)) {
                    Some(found) => _ = self.enter(found),
                    None => self.places = None,
                },
            }
        }
    }
}
