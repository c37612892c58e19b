//! Reading a tree once, from start to end, and letting go of each leaf behind the reader.
//!
//! A clone holds every node: whoever changes the original copies what he changes. A drain holds only what lies ahead of it, since
//! it takes inner nodes apart on the way down (copying the references of those that are still shared).

use std::ops::Deref;
use std::sync::Arc;

use super::Leaf;
use super::node::{Child, Children, Inner};

/// What is left of a tree that is read for the last time.
pub struct Drain<L: Leaf> {
    /// What lies ahead, the next one last. At most the fan-out times the depth.
    ahead: Vec<Child<L>>,
    remaining: u64,
    freed: u64,
}

/// A leaf of a drained tree.
pub struct Drained<L: Leaf> {
    leaf: L,
}

impl<L: Leaf> Deref for Drained<L> {
    type Target = L;

    fn deref(&self) -> &L {
        &self.leaf
    }
}

impl<L: Leaf> Drained<L> {
    /// Lets go of the leaf. Returns the heap bytes that this freed: 0 if somebody else still holds it.
    pub fn release(self) -> u64 {
        if self.leaf.is_shared() { 0 } else { self.leaf.heap_bytes() as u64 }
    }
}

impl<L: Leaf> Drain<L> {
    pub(super) fn new(root: Option<Arc<Inner<L>>>) -> Self {
        let remaining = root.as_ref().map_or(0, |root| root.len);
        Self { ahead: root.map(Child::Inner).into_iter().collect(), remaining, freed: 0 }
    }

    /// Elements not yet handed out.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Heap bytes of inner nodes freed since the last call, because nobody else held them.
    pub fn take_freed(&mut self) -> u64 {
        std::mem::take(&mut self.freed)
    }
}

impl<L: Leaf> Iterator for Drain<L> {
    type Item = Drained<L>;

    fn next(&mut self) -> Option<Drained<L>> {
        loop {
            match self.ahead.pop()? {
                Child::Leaf(leaf) => {
                    self.remaining -= leaf.len() as u64;
                    return Some(Drained { leaf });
                }
                Child::Inner(inner) => {
                    let children = match Arc::try_unwrap(inner) {
                        Ok(inner) => {
                            self.freed += inner.own_heap();
                            inner.children
                        }
                        Err(shared) => shared.children.clone(),
                    };
                    match children {
                        Children::Leaves(leaves) => {
                            self.ahead.extend(leaves.into_iter().rev().map(Child::Leaf));
                        }
                        Children::Inners(inners) => {
                            self.ahead.extend(inners.into_iter().rev().map(Child::Inner));
                        }
                    }
                }
            }
        }
    }
}
