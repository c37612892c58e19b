//! Reading a block tree once, from start to end, and letting go of each block behind the reader.
//!
//! A clone holds every node: whoever changes the original copies what he changes. A drain holds only what lies ahead of it, since
//! it takes inner nodes apart on the way down (copying those that are still shared, 64 references each).
//! Tested in `tests.rs` beside this file's folder.

use std::sync::Arc;

use super::node::{BLOCK, FAN, INNER_HEAP, Inner, LEAF_HEAP, Leaf, slot_shift};

/// What is left of a tree that is read for the last time.
pub struct Drain {
    /// Nodes on the way to the next block: the node, its level, the next child. At most as deep as the tree.
    path: Vec<(Inner, u32, usize)>,
    at: u64,
    len: u64,
    freed: u64,
}

/// A piece of a drained tree: a block's bytes, or zeros that occupy no memory.
pub struct Piece {
    leaf: Option<Arc<Leaf>>,
    len: u64,
}

impl Piece {
    /// The bytes; `None` for [`len`](Self::len) zeros.
    pub fn data(&self) -> Option<&[u8]> {
        self.leaf.as_deref().map(|leaf| &leaf.bytes()[..self.len as usize])
    }

    /// How many bytes it stands for, at least 1.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Never: a piece has at least one byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Lets go of the block. Returns the heap bytes that this freed: 0 if somebody else still holds it.
    pub fn release(self) -> u64 {
        self.leaf.and_then(Arc::into_inner).map_or(0, |_| LEAF_HEAP)
    }
}

impl Drain {
    pub(super) fn new(root: Option<Arc<Inner>>, height: u32, len: u64) -> Self {
        let mut drain = Self { path: Vec::new(), at: 0, len, freed: 0 };
        if let Some(root) = root {
            drain.descend(root, height);
        }
        drain
    }

    /// Bytes not yet handed out.
    pub fn remaining(&self) -> u64 {
        self.len - self.at
    }

    /// Heap bytes of inner nodes freed since the last call, because nobody else held them.
    pub fn take_freed(&mut self) -> u64 {
        std::mem::take(&mut self.freed)
    }

    fn descend(&mut self, node: Arc<Inner>, level: u32) {
        let node = match Arc::try_unwrap(node) {
            Ok(node) => {
                self.freed += INNER_HEAP;
                node
            }
            Err(shared) => (*shared).clone(),
        };
        self.path.push((node, level, 0));
    }
}

impl Iterator for Drain {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        loop {
            let left = self.len - self.at;
            if left == 0 {
                self.path.clear();
                return None;
            }
            let Some((node, level, next)) = self.path.last_mut() else {
                self.at = self.len;
                return Some(Piece { leaf: None, len: left });
            };
            let (slot, level) = (*next, *level);
            if slot == FAN {
                self.path.pop();
                continue;
            }
            *next += 1;
            let leaf = match node {
                Inner::Leaves(leaves) => leaves[slot].take(),
                Inner::Inners(inners) => match inners[slot].take() {
                    Some(inner) => {
                        self.descend(inner, level - 1);
                        continue;
                    }
                    None => None,
                },
            };
            let span = if leaf.is_some() { BLOCK as u64 } else { 1 << slot_shift(level) };
            let len = span.min(left);
            self.at += len;
            return Some(Piece { leaf, len });
        }
    }
}
