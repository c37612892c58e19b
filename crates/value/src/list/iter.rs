//! Walking a list of either form from an index. Nothing is allocated; a large list costs one descent for each leaf.

use crate::packed::{self, Element, Packed};

use super::{LargeList, ListRef};

/// The elements from an index to the tail.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    leaf: packed::Iter<'a>,
    /// A large list, and the index of the first element behind the leaf.
    rest: Option<(&'a LargeList, u64)>,
}

/// The elements from an index back to the head.
#[derive(Clone, Debug)]
pub struct IterBack<'a> {
    leaf: packed::Iter<'a>,
    /// A large list, and the index of the last element before the leaf if there is one.
    rest: Option<(&'a LargeList, u64)>,
}

/// An iterator without elements.
fn nothing<'a>() -> packed::Iter<'a> {
    Packed::new(&[]).iter()
}

impl<'a> Iter<'a> {
    pub(super) fn new(list: ListRef<'a>, index: u64) -> Self {
        match list {
            ListRef::Small(block) => {
                let block = Packed::new(block);
                let at = usize::try_from(index).ok().and_then(|index| block.position(index));
                Self { leaf: block.iter_between(at.unwrap_or(block.end()), block.end()), rest: None }
            }
            ListRef::Large(list) => {
                let mut iter = Self { leaf: nothing(), rest: None };
                iter.enter(list, index);
                iter
            }
        }
    }

    fn enter(&mut self, list: &'a LargeList, index: u64) -> bool {
        self.rest = None;
        let Some(found) = list.tree().leaf_at(index) else { return false };
        let block = found.leaf.packed();
        let at = block.position((index - found.start) as usize).unwrap_or(block.end());
        self.leaf = block.iter_between(at, block.end());
        self.rest = Some((list, found.start + block.count() as u64));
        true
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        loop {
            if let Some((_, element)) = self.leaf.next() {
                return Some(element);
            }
            let (list, index) = self.rest?;
            if !self.enter(list, index) {
                return None;
            }
        }
    }
}

impl<'a> IterBack<'a> {
    pub(super) fn new(list: ListRef<'a>, index: u64) -> Self {
        match list {
            ListRef::Small(block) => {
                let block = Packed::new(block);
                let behind =
                    usize::try_from(index).ok().and_then(|index| block.position(index.checked_add(1)?));
                Self { leaf: block.iter_between(block.start(), behind.unwrap_or(block.end())), rest: None }
            }
            ListRef::Large(list) => {
                let mut iter = Self { leaf: nothing(), rest: None };
                iter.enter(list, index.min(list.len().saturating_sub(1)));
                iter
            }
        }
    }

    fn enter(&mut self, list: &'a LargeList, index: u64) -> bool {
        self.rest = None;
        let Some(found) = list.tree().leaf_at(index) else { return false };
        let block = found.leaf.packed();
        let behind = block.position((index - found.start) as usize + 1).unwrap_or(block.end());
        self.leaf = block.iter_between(block.start(), behind);
        self.rest = found.start.checked_sub(1).map(|before| (list, before));
        true
    }
}

impl<'a> Iterator for IterBack<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        loop {
            if let Some((_, element)) = self.leaf.next_back() {
                return Some(element);
            }
            let (list, index) = self.rest?;
            if !self.enter(list, index) {
                return None;
            }
        }
    }
}
