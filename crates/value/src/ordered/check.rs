//! Verifying the invariants of a tree, for tests and debug builds.

use super::node::{Children, FAN, Inner};
use super::{Leaf, Ordered};

impl<L: Leaf> Ordered<L> {
    /// Verifies the invariants of the module header that do not need keys, and panics with the broken one; `leaf` checks each leaf. Takes
    /// time in proportion to the nodes.
    pub fn check(&self, mut leaf: impl FnMut(&L)) {
        let Some(root) = &self.root else { return };
        assert!(root.len > 0, "invariant 1: an empty tree has no root");
        assert!(
            root.fan() > 1 || matches!(root.children, Children::Leaves(_)),
            "invariant 1: a needless root"
        );
        walk(root, &mut leaf);
    }

    /// Verifies invariant 3: `holds` says whether a separator is above all of the left leaf and not above the right one's first.
    pub fn check_separators(&self, mut holds: impl FnMut(&L, &L::Separator, &L) -> bool) {
        let Some(root) = &self.root else { return };
        let mut last = None;
        separators(root, &mut last, None, &mut holds);
    }
}

/// Returns the height above the leaves.
fn walk<L: Leaf>(node: &Inner<L>, check: &mut impl FnMut(&L)) -> usize {
    let fan = node.fan();
    assert!((1..=FAN).contains(&fan), "invariant 1: {fan} children");
    assert_eq!(node.separators.len(), fan - 1, "separators");
    assert_eq!(node.children.len(), fan, "children");
    let (lens, heap, height): (Vec<u64>, u64, usize) = match &node.children {
        Children::Leaves(leaves) => {
            for leaf in leaves {
                assert!(!leaf.is_empty(), "invariant 1: an empty leaf");
                assert!(leaf.len() == 1 || !leaf.is_overfull(), "invariant 5");
                check(leaf);
            }
            let heap = leaves.iter().map(|leaf| leaf.heap_bytes() as u64).sum();
            (leaves.iter().map(|leaf| leaf.len() as u64).collect(), heap, 0)
        }
        Children::Inners(inners) => {
            let heights: Vec<_> = inners.iter().map(|inner| walk(inner, check)).collect();
            assert!(heights.iter().all(|&height| height == heights[0]), "invariant 1: depths");
            let heap = inners.iter().map(|inner| inner.heap()).sum();
            (inners.iter().map(|inner| inner.len).collect(), heap, heights[0] + 1)
        }
    };
    assert_eq!(node.counts, lens, "invariant 2: counts");
    assert_eq!(node.len, lens.iter().sum::<u64>(), "invariant 2: len");
    assert_eq!(node.beneath, heap, "invariant 2: heap");
    assert_eq!(node.own_heap(), node.measured_heap(), "invariant 2: own heap");
    let pointed: usize = node.separators.iter().map(L::separator_heap).sum();
    assert_eq!(node.separators_heap, pointed, "invariant 2: separators");
    height
}

/// Walks the leaves in order; `below` is the separator in front of this node.
fn separators<'a, L: Leaf>(
    node: &'a Inner<L>,
    last: &mut Option<&'a L>,
    below: Option<&'a L::Separator>,
    holds: &mut impl FnMut(&L, &L::Separator, &L) -> bool,
) {
    let bounds = std::iter::once(below).chain(node.separators.iter().map(Some));
    match &node.children {
        Children::Leaves(leaves) => {
            for (leaf, bound) in leaves.iter().zip(bounds) {
                if let (Some(left), Some(bound)) = (*last, bound) {
                    assert!(holds(left, bound, leaf), "invariant 3");
                }
                *last = Some(leaf);
            }
        }
        Children::Inners(inners) => {
            for (inner, bound) in inners.iter().zip(bounds) {
                separators(inner, last, bound, holds);
            }
        }
    }
}
