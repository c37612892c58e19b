//! Walking through the elements of a leaf, or of all leaves.

use std::ops::Range;

use super::MemberLeaf;
use crate::directory::{Directory, Leaf, Leaves};

/// So many elements are probably on so many cache lines that the leaf's lines are fetched in order before they are read in another.
const FETCHED_MIN: usize = 32;

/// An element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a, const PARTS: usize> {
    /// Its place in hash order.
    pub position: u32,
    /// Member, or field and value.
    pub parts: [&'a [u8]; PARTS],
    /// In milliseconds since 1970, or [`NO_DEADLINE`].
    pub deadline: u64,
}

/// The elements of a range of a leaf.
pub struct Items<'a, const PARTS: usize> {
    leaf: &'a MemberLeaf<PARTS>,
    range: Range<usize>,
}

impl<'a, const PARTS: usize> Items<'a, PARTS> {
    pub(super) fn new(leaf: &'a MemberLeaf<PARTS>, range: Range<usize>) -> Self {
        let range = range.start.min(leaf.n())..range.end.min(leaf.n());
        if range.len() >= FETCHED_MIN {
            leaf.fetch();
        }
        Self { leaf, range }
    }
}

impl<'a, const PARTS: usize> Iterator for Items<'a, PARTS> {
    type Item = Item<'a, PARTS>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.range.next()?;
        let leaf = self.leaf;
        Some(Item {
            position: leaf.position(index),
            parts: leaf.parts(index),
            deadline: leaf.deadline(index),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }
}

impl<const PARTS: usize> ExactSizeIterator for Items<'_, PARTS> {}

/// All elements of a directory in hash order.
pub struct Elements<'a, const PARTS: usize> {
    leaves: Leaves<'a, MemberLeaf<PARTS>>,
    items: Option<Items<'a, PARTS>>,
}

impl<'a, const PARTS: usize> Elements<'a, PARTS> {
    /// Starts at the first element.
    pub fn new(directory: &'a Directory<MemberLeaf<PARTS>>) -> Self {
        Self { leaves: directory.leaves_from(0), items: None }
    }
}

impl<'a, const PARTS: usize> Iterator for Elements<'a, PARTS> {
    type Item = Item<'a, PARTS>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.items.as_mut().and_then(Iterator::next) {
                return Some(item);
            }
            let leaf = self.leaves.next()?;
            self.items = Some(leaf.items(0..leaf.len()));
        }
    }
}
