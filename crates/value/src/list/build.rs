//! Building a list from its head to its tail, with full leaves, of which all but the first and the last get their short form.

use crate::ordered::{Builder, Leaf};
use crate::packed::{self, Element, Packed, size_class};

use super::large::{LEAF_BYTES, LEAF_COUNT};
use super::{Encoding, LargeList, ListLeaf};

/// A list that is being built from its head to its tail, with full leaves.
#[derive(Default)]
pub struct ListBuilder {
    leaves: Builder<ListLeaf>,
    leaf: ListLeaf,
    /// Whether the first leaf is among those that are full.
    has_first: bool,
}

impl ListBuilder {
    /// A list without elements.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an element at the tail.
    pub fn push(&mut self, element: Element) {
        if !self.leaf.is_empty() && !self.leaf.fits(element.encoded_len()) {
            self.close();
        }
        let block = self.leaf.block_mut();
        if block.capacity() < LEAF_BYTES && block.len() > LEAF_BYTES / 16 {
            block.reserve_exact(LEAF_BYTES - block.len());
        }
        packed::push_back(block, element);
    }

    /// Adds the elements of a block, or of a part of a large list, at the tail.
    pub fn extend(&mut self, block: Packed) {
        for (_, element) in block.iter() {
            self.push(element);
        }
    }

    /// Adds the elements of a listpack's body, which must be sound and have canonical spellings, at the tail. What fills a good part of
    /// a leaf is copied as it is.
    pub fn push_body(&mut self, body: &[u8], count: u16) {
        let mut block = Vec::with_capacity(packed::HEADER + body.len());
        block.extend_from_slice(&count.to_le_bytes());
        block.extend_from_slice(body);
        let whole = Packed::new(&block);
        let (mut from, mut elements) = (whole.start(), 0);
        for (at, element) in whole.iter() {
            let end = at + element.encoded_len();
            if elements > 0 && (end - from + packed::HEADER > LEAF_BYTES || elements == LEAF_COUNT) {
                self.push_part(&block[from..at], elements);
                (from, elements) = (at, 0);
            }
            elements += 1;
        }
        self.push_part(&block[from..], elements);
    }

    /// Adds what fits in a leaf.
    fn push_part(&mut self, body: &[u8], count: usize) {
        if self.leaf.len() + count <= LEAF_COUNT && self.leaf.block_len() + body.len() <= LEAF_BYTES {
            let total = (self.leaf.len() + count) as u16;
            let block = self.leaf.block_mut();
            if block.len() + body.len() > block.capacity() {
                block.reserve_exact(LEAF_BYTES - block.len());
            }
            block.extend_from_slice(body);
            block[..packed::HEADER].copy_from_slice(&total.to_le_bytes());
            return;
        }
        if !self.leaf.is_empty() {
            self.close();
        }
        let mut block = Vec::with_capacity(size_class(packed::HEADER + body.len()));
        block.extend_from_slice(&(count as u16).to_le_bytes());
        block.extend_from_slice(body);
        self.leaf = ListLeaf::from_block(block);
    }

    /// Adds the leaf, which is full, to the others.
    fn close(&mut self) {
        let mut full = std::mem::take(&mut self.leaf);
        if std::mem::replace(&mut self.has_first, true) {
            full.put_away();
        }
        if !full.is_short() {
            let block = full.block_mut();
            block.shrink_to(size_class(block.len()));
        }
        self.leaves.push(full);
    }

    /// The finished list.
    pub fn finish(mut self, encoding: Encoding) -> LargeList {
        let block = self.leaf.block_mut();
        block.shrink_to(size_class(block.len()));
        self.leaves.push(self.leaf);
        LargeList::of_tree(self.leaves.finish(), encoding)
    }
}
