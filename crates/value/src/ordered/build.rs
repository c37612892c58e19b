//! Building a tree from leaves in order, level by level, with full inner nodes. Loading uses it: no search, no split.

use std::sync::Arc;

use super::node::{Child, FAN, Inner};
use super::{Leaf, Ordered};

/// A tree that is being built from its first leaf to its last. Until it is finished it holds a reference for each leaf.
pub struct Builder<L: Leaf> {
    leaves: Vec<L>,
}

impl<L: Leaf> Default for Builder<L> {
    fn default() -> Self {
        Self { leaves: Vec::new() }
    }
}

impl<L: Leaf> Builder<L> {
    /// A tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next leaf. An empty one is passed over. The caller fills leaves well, keeps them in order and none overfull.
    pub fn push(&mut self, leaf: L) {
        if !leaf.is_empty() {
            self.leaves.push(leaf);
        }
    }

    /// The finished tree.
    pub fn finish(self) -> Ordered<L> {
        let mut separators: Vec<_> =
            self.leaves.windows(2).map(|pair| L::separator(&pair[0], &pair[1])).collect();
        let mut level: Vec<_> = self.leaves.into_iter().map(Child::Leaf).collect();
        while let Some(first) = level.first() {
            if level.len() == 1
                && let Child::Inner(root) = first
            {
                return Ordered { root: Some(root.clone()), copied: 0 };
            }
            let mut above = Vec::with_capacity(level.len().div_ceil(FAN));
            let mut between = Vec::with_capacity(above.capacity());
            let mut behind = std::mem::take(&mut separators).into_iter();
            let mut children = level.into_iter();
            while let Some(first) = children.next() {
                let mut node = Inner::above(first);
                for child in children.by_ref().take(FAN - 1) {
                    if let Some(separator) = behind.next() {
                        node.push(child, separator);
                    }
                }
                above.push(Child::Inner(Arc::new(node)));
                // Between two nodes stands the separator between the last child of one and the first of the other.
                between.extend(behind.next());
            }
            (level, separators) = (above, between);
        }
        Ordered::new()
    }
}
