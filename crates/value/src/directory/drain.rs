//! Reading a directory for the last time, and freeing one a bounded number of nodes at a time.
//!
//! A drain lets go of each page when it goes down into it and of each leaf when its reader drops it, so that a frozen value gives
//! back what it holds while it is being encoded. Pages that are still shared are copied, up to 128 references each.

use std::sync::Arc;

use super::Leaf;
use super::page::{Child, Page};
use crate::gaps::{Gaps, Part, Sweep, Verdict};

/// What is left of a directory that is read for the last time. Yields the leaves in hash order, empty ones left out.
pub struct Drain<L: Leaf> {
    /// Children still to come, from the root down. At most as deep as the tree.
    path: Vec<std::vec::IntoIter<Child<L>>>,
    root: Option<Child<L>>,
    /// Heap bytes not yet handed out or freed.
    heap: u64,
    freed: u64,
    /// Rank of what comes next.
    rank: u64,
    gaps: Gaps,
}

impl<L: Leaf> Child<L> {
    fn sweep(&mut self, sweep: &mut Sweep<'_, L>) {
        match self {
            Child::Leaf(leaf) => {
                let is_fixed = || leaf.is_empty() || leaf.is_vacant() || leaf.is_shared();
                if sweep.leaf(leaf, leaf.len() as u64, is_fixed) {
                    leaf.vacate();
                }
            }
            // Below a page that others hold too, nothing is only ours.
            Child::Page { page, len, .. } => {
                if sweep.passes(*len, || Arc::strong_count(page) > 1) {
                    return;
                }
                let Some(page) = Arc::get_mut(page) else { return };
                for child in page.children_mut() {
                    if sweep.stopped {
                        return;
                    }
                    child.sweep(sweep);
                }
            }
        }
    }
}

impl<L: Leaf> Drain<L> {
    pub(super) fn new(root: Child<L>, heap: u64) -> Self {
        Self { path: Vec::new(), root: Some(root), heap, freed: 0, rank: 0, gaps: Gaps::default() }
    }

    /// Shows the leaves ahead that nobody else holds, in order, from the one with rank `from` on, and takes out those that `judge` sends away; looks at
    /// about 2000 at most. Returns where to go on, `None` behind the last leaf.
    pub fn take_out(&mut self, from: u64, judge: &mut dyn FnMut(&L) -> Verdict) -> Option<u64> {
        let mut sweep = Sweep::new(&mut self.gaps, self.rank, from, judge);
        let ahead = self.path.iter_mut().rev().flat_map(|children| children.as_mut_slice());
        for child in self.root.iter_mut().chain(ahead) {
            if sweep.stopped {
                break;
            }
            child.sweep(&mut sweep);
        }
        sweep.ended()
    }

    /// Heap bytes that lie ahead of the reader.
    pub fn remaining_bytes(&self) -> u64 {
        self.heap
    }

    /// Heap bytes of pages and of [released](Drain::release) leaves freed since the last call, because nobody else held them.
    pub fn take_freed(&mut self) -> u64 {
        std::mem::take(&mut self.freed)
    }

    /// Lets go of a leaf that was handed out.
    pub fn release(&mut self, leaf: L) {
        if !leaf.is_shared() {
            self.freed += leaf.heap_bytes();
        }
    }

    fn descend(&mut self, page: Arc<Page<L>>) {
        let bytes = page.heap_bytes();
        self.heap = self.heap.saturating_sub(bytes);
        let children = match Arc::try_unwrap(page) {
            Ok(page) => {
                self.freed += bytes;
                page.into_children()
            }
            Err(shared) => shared.children().to_vec(),
        };
        self.path.push(children.into_iter());
    }
}

impl<L: Leaf> Iterator for Drain<L> {
    type Item = L;

    /// The next leaf; those that were taken out are passed over.
    fn next(&mut self) -> Option<L> {
        loop {
            if let Part::Leaf(leaf) = self.next_part()? {
                return Some(leaf);
            }
        }
    }
}

impl<L: Leaf> Drain<L> {
    /// The next leaf, or what is in the place of one that was taken out.
    pub fn next_part(&mut self) -> Option<Part<L>> {
        loop {
            let child = match self.root.take() {
                Some(root) => root,
                None => match self.path.last_mut()?.next() {
                    Some(child) => child,
                    None => {
                        self.path.pop();
                        continue;
                    }
                },
            };
            match child {
                Child::Leaf(leaf) if leaf.is_empty() => {}
                Child::Leaf(leaf) if leaf.is_vacant() => {
                    let Some(gap) = self.gaps.take(self.rank) else { continue };
                    self.rank += gap.len;
                    return Some(Part::Gap(gap));
                }
                Child::Leaf(leaf) => {
                    self.heap = self.heap.saturating_sub(leaf.heap_bytes());
                    self.rank += leaf.len() as u64;
                    return Some(Part::Leaf(leaf));
                }
                Child::Page { page, .. } => self.descend(page),
            }
        }
    }
}

/// What is left of a directory that is being freed. Dropping it frees the rest at once. What clones share only loses a
/// reference.
pub struct Teardown<L: Leaf> {
    path: Vec<std::vec::IntoIter<Child<L>>>,
}

impl<L: Leaf> Teardown<L> {
    pub(super) fn new(root: Child<L>) -> Self {
        Self { path: vec![vec![root].into_iter()] }
    }

    /// Frees about `nodes_max` allocations, more only by those of one leaf. True when nothing is left.
    pub fn step(&mut self, nodes_max: usize) -> bool {
        let mut left = nodes_max;
        while let Some(children) = self.path.last_mut() {
            if children.len() == 0 {
                self.path.pop();
                continue;
            }
            if left == 0 {
                return false;
            }
            match children.next() {
                Some(Child::Leaf(leaf)) => left = left.saturating_sub(leaf.allocations()),
                Some(Child::Page { page, .. }) => {
                    left -= 1;
                    if let Some(page) = Arc::into_inner(page) {
                        self.path.push(page.into_children().into_iter());
                    }
                }
                None => {}
            }
        }
        true
    }
}
