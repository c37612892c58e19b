//! Freeing a block tree a bounded number of nodes at a time, so that whoever frees it can do other things between.
//! Frees only what nobody else holds; shared nodes just lose a reference.

use std::sync::Arc;

use super::node::{FAN, Inner};

/// What is left of a tree that is being freed. Dropping it frees the rest at once.
pub struct Teardown {
    /// Nodes on the way to the next one to free, each with the number of children already gone. Depth at most 9.
    path: Vec<(Inner, usize)>,
}

impl Teardown {
    pub(super) fn new(root: Option<Arc<Inner>>) -> Self {
        let path = root.and_then(Arc::into_inner).map(|root| (root, 0));
        Self { path: path.into_iter().collect() }
    }

    /// Frees at most `nodes` nodes (a block of 4 KiB each, mostly). True when nothing is left.
    pub fn step(&mut self, nodes: usize) -> bool {
        let mut left = nodes;
        while let Some((node, next)) = self.path.last_mut() {
            let slot = *next;
            if slot == FAN {
                self.path.pop();
                continue;
            }
            if left == 0 {
                return false;
            }
            *next += 1;
            match node {
                Inner::Leaves(leaves) => {
                    if leaves[slot].take().is_some() {
                        left -= 1;
                    }
                }
                Inner::Inners(inners) => {
                    if let Some(inner) = inners[slot].take() {
                        left -= 1;
                        if let Some(inner) = Arc::into_inner(inner) {
                            self.path.push((inner, 0));
                        }
                    }
                }
            }
        }
        true
    }
}
