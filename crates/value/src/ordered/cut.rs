//! Removing a range of elements by index: whole subtrees are unhooked, the two leaves at its ends are cut.
//! What is unhooked is handed over to be freed in slices.

use std::sync::Arc;

use super::node::{Children, Inner, own, own_leaf};
use super::{Leaf, Ordered, Teardown};

impl<L: Leaf> Ordered<L> {
    /// Removes the elements with indexes `from` up to `to` (cut to the length) in time of the tree's depth and the number of inner nodes'
    /// children. What they occupied is freed by the returned teardown, at once if it is dropped.
    pub fn remove_range(&mut self, from: u64, to: u64) -> Teardown<L> {
        let to = to.min(self.len());
        let mut removed = Teardown::new(None);
        if from >= to {
            return removed;
        }
        if from == 0 && to == self.len() {
            return Teardown::new(self.root.take());
        }
        if let Some(root) = &mut self.root {
            cut(root, from, to, &mut removed, &mut self.copied);
        }
        self.settle_root();
        removed
    }
}

/// Removes the elements `from` up to `to` of a node that keeps at least one.
fn cut<L: Leaf>(node: &mut Arc<Inner<L>>, from: u64, to: u64, removed: &mut Teardown<L>, copied: &mut u64) {
    let inner = own(node, copied);
    let (mut slot, mut start) = (0, 0);
    let mut first_touched = None;
    while slot < inner.fan() && start < to {
        let count = inner.counts[slot];
        let end = start + count;
        if end <= from {
            slot += 1;
        } else if from <= start && end <= to {
            first_touched.get_or_insert(slot);
            removed.push(inner.remove(slot));
        } else {
            first_touched.get_or_insert(slot);
            let (from, to) = (from.saturating_sub(start), to.min(end) - start);
            let before = match &mut inner.children {
                Children::Leaves(leaves) => {
                    let before = leaves[slot].heap_bytes() as u64;
                    own_leaf(&mut leaves[slot], copied).remove_range(from as usize, to as usize);
                    before
                }
                Children::Inners(inners) => {
                    let before = inners[slot].heap();
                    cut(&mut inners[slot], from, to, removed, copied);
                    before
                }
            };
            inner.refresh(slot, before);
            slot += 1;
        }
        start = end;
    }
    // At most the child before the gap and the one behind it have become small.
    if let Some(first) = first_touched {
        for slot in [first + 1, first] {
            if slot < inner.fan() {
                inner.settle(slot, copied);
            }
        }
    }
}
