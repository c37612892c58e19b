//! Reading a tree once, from start to end, and letting go of each leaf behind the reader.
//!
//! A clone holds every node: whoever changes the original copies what he changes. A drain holds only what lies ahead of it, since
//! it takes inner nodes apart on the way down (copying the references of those that are still shared).

use std::ops::Deref;
use std::sync::Arc;

use super::Leaf;
use super::node::{Child, Children, Inner};
use crate::gaps::{Gaps, Part, Sweep, Verdict};

/// What is left of a tree that is read for the last time.
pub struct Drain<L: Leaf> {
    /// What lies ahead, the next one last. At most the fan-out times the depth.
    ahead: Vec<Child<L>>,
    remaining: u64,
    freed: u64,
    /// Rank of what comes next.
    rank: u64,
    gaps: Gaps,
}

impl<L: Leaf> Child<L> {
    fn sweep(&mut self, sweep: &mut Sweep<'_, L>) {
        match self {
            Child::Leaf(leaf) => sweep_leaf(leaf, sweep),
            Child::Inner(inner) => sweep_inner(inner, sweep),
        }
    }
}

fn sweep_leaf<L: Leaf>(leaf: &mut L, sweep: &mut Sweep<'_, L>) {
    // Invariant 1: only what was taken out leaves an empty one.
    let is_gone = leaf.is_empty();
    let len = if is_gone { sweep.gone() } else { leaf.len() as u64 };
    if sweep.leaf(leaf, len, || is_gone || leaf.is_shared()) {
        *leaf = L::default();
    }
}

fn sweep_inner<L: Leaf>(inner: &mut Arc<Inner<L>>, sweep: &mut Sweep<'_, L>) {
    // Below a node that others hold too, nothing is only ours.
    if sweep.passes(inner.len, || Arc::strong_count(inner) > 1) {
        return;
    }
    let Some(inner) = Arc::get_mut(inner) else { return };
    match &mut inner.children {
        Children::Leaves(leaves) => {
            for leaf in leaves {
                if sweep.stopped {
                    return;
                }
                sweep_leaf(leaf, sweep);
            }
        }
        Children::Inners(inners) => {
            for inner in inners {
                if sweep.stopped {
                    return;
                }
                sweep_inner(inner, sweep);
            }
        }
    }
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
        let ahead = root.map(Child::Inner).into_iter().collect();
        Self { ahead, remaining, freed: 0, rank: 0, gaps: Gaps::default() }
    }

    /// Shows the leaves ahead that nobody else holds, in order, from the one with rank `from` on, and takes out those that `judge` sends away; looks at
    /// about 2000 at most. Returns where to go on, `None` behind the last leaf.
    pub fn take_out(&mut self, from: u64, judge: &mut dyn FnMut(&L) -> Verdict) -> Option<u64> {
        let mut sweep = Sweep::new(&mut self.gaps, self.rank, from, judge);
        for child in self.ahead.iter_mut().rev() {
            if sweep.stopped {
                break;
            }
            child.sweep(&mut sweep);
        }
        sweep.ended()
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

    /// The next leaf; those that were taken out are passed over.
    fn next(&mut self) -> Option<Drained<L>> {
        loop {
            if let Part::Leaf(leaf) = self.next_part()? {
                return Some(leaf);
            }
        }
    }
}

impl<L: Leaf> Drain<L> {
    /// The next leaf, or what is in the place of one that was taken out.
    pub fn next_part(&mut self) -> Option<Part<Drained<L>>> {
        loop {
            match self.ahead.pop()? {
                // Invariant 1: only what was taken out leaves an empty one.
                Child::Leaf(leaf) if leaf.is_empty() => {
                    let Some(gap) = self.gaps.take(self.rank) else { continue };
                    self.remaining -= gap.len;
                    self.rank += gap.len;
                    return Some(Part::Gap(gap));
                }
                Child::Leaf(leaf) => {
                    self.remaining -= leaf.len() as u64;
                    self.rank += leaf.len() as u64;
                    return Some(Part::Leaf(Drained { leaf }));
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
