//! Freeing a tree a bounded number of nodes at a time, so that whoever frees it can do other things between.
//! Frees only what nobody else holds; shared nodes just lose a reference.

use std::sync::Arc;

use super::Leaf;
use super::node::{Child, Children, Inner};

/// What is left of a tree, or of parts of one, that is being freed. Dropping it frees the rest at once.
pub struct Teardown<L: Leaf> {
    /// Nodes still to be freed; an inner node is replaced by its children. At most the fan-out times the depth, and what
    /// a removal of a range unhooked.
    rest: Vec<Child<L>>,
}

impl<L: Leaf> Teardown<L> {
    pub(super) fn new(root: Option<Arc<Inner<L>>>) -> Self {
        Self { rest: root.map(Child::Inner).into_iter().collect() }
    }

    pub(super) fn push(&mut self, child: Child<L>) {
        self.rest.push(child);
    }

    /// Adds what another one still has to free.
    pub fn append(&mut self, other: Self) {
        self.rest.extend(other.rest);
    }

    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Frees at most `nodes` nodes (a leaf of 2 to 4 KB each, mostly). True when nothing is left.
    pub fn step(&mut self, nodes: usize) -> bool {
        for _ in 0..nodes {
            match self.rest.pop() {
                None => return true,
                Some(Child::Leaf(leaf)) => drop(leaf),
                Some(Child::Inner(inner)) => match Arc::into_inner(inner).map(|inner| inner.children) {
                    None => {}
                    Some(Children::Leaves(leaves)) => self.rest.extend(leaves.into_iter().map(Child::Leaf)),
                    Some(Children::Inners(inners)) => self.rest.extend(inners.into_iter().map(Child::Inner)),
                },
            }
        }
        self.rest.is_empty()
    }
}
