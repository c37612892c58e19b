//! The two node types of a block tree and the arithmetic that finds the way to a block. Knows no length.

use std::sync::Arc;

/// A block holds `1 << BLOCK_BITS` bytes.
pub(super) const BLOCK_BITS: u32 = 12;

/// Bytes in a block (4 KiB).
///
/// Measured with one byte changed at 20,000 random places of a 256 MiB string, first and after a freeze:
///
/// | Block | change in place, median | change of a frozen block, median | held back by the clone | free all |
/// |---|---|---|---|---|
/// | 4 KiB | 0.66 us | 2.3 us | 68 MB | 33 ms |
/// | 8 KiB | 0.69 us | 4.1 us | 117 MB | 15 ms |
/// | 16 KiB | 0.65 us | 7.7 us | 180 MB | 17 ms |
///
/// Filling and reading did not differ beyond the noise. What counts is the slowest write during a snapshot and what
/// the snapshot holds back, so the smallest wins; freeing goes in slices anyway. The data is boxed apart from its
/// reference count because 4096 + 16 bytes would be served from the allocator's 5120-byte class: a fifth wasted.
pub const BLOCK: usize = 1 << BLOCK_BITS;

/// An inner node has `1 << FAN_BITS` children.
pub(super) const FAN_BITS: u32 = 6;

/// Children of an inner node. Copying a shared inner node raises this many reference counts, each in a cache line
/// of its own; 128 would save a level only between 1 and 8 GiB and double that cost.
pub(super) const FAN: usize = 1 << FAN_BITS;

/// Highest level there can be: 12 + 9 * 6 bits cover any 64-bit offset.
#[cfg(any(test, debug_assertions))]
pub(super) const LEVEL_MAX: u32 = 9;

/// One block of data.
#[derive(Clone)]
pub(super) struct Leaf(Box<[u8; BLOCK]>);

impl Leaf {
    /// A block of zeros.
    pub(super) fn zeroed() -> Self {
        Self::from_boxed(vec![0u8; BLOCK].into_boxed_slice())
    }

    /// A block with exactly these bytes, which must be [`BLOCK`] many.
    pub(super) fn from_full(data: &[u8]) -> Self {
        Self::from_boxed(data.into())
    }

    fn from_boxed(data: Box<[u8]>) -> Self {
        match data.try_into() {
            Ok(data) => Self(data),
            Err(_) => unreachable!("both callers pass exactly one block"),
        }
    }

    pub(super) fn bytes(&self) -> &[u8; BLOCK] {
        &self.0
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8; BLOCK] {
        &mut self.0
    }
}

/// An inner node: level 1 has blocks below it, every higher level inner nodes of the level below.
/// An absent child stands for zeros over its whole span.
#[derive(Clone)]
pub(super) enum Inner {
    Leaves([Option<Arc<Leaf>>; FAN]),
    Inners([Option<Arc<Inner>>; FAN]),
}

impl Inner {
    /// A node without children.
    pub(super) fn empty(level: u32) -> Self {
        if level == 1 { Self::Leaves([const { None }; FAN]) } else { Self::Inners([const { None }; FAN]) }
    }

    /// Blocks and inner nodes in this subtree, this node included.
    pub(super) fn count(&self) -> (u64, u64) {
        match self {
            Self::Leaves(leaves) => (leaves.iter().flatten().count() as u64, 1),
            Self::Inners(inners) => inners.iter().flatten().fold((0, 1), |(leaves, nodes), inner| {
                let (l, n) = inner.count();
                (leaves + l, nodes + n)
            }),
        }
    }
}

/// Bytes that one block takes on the heap: the data, and its reference-counted pointer.
pub(super) const LEAF_HEAP: u64 = (BLOCK + 2 * size_of::<usize>() + size_of::<Leaf>()) as u64;

/// Bytes that one inner node takes on the heap.
pub(super) const INNER_HEAP: u64 = (2 * size_of::<usize>() + size_of::<Inner>()) as u64;

/// The lowest offset bit that a node of `level` looks at to choose a child. Always below 64.
pub(super) fn slot_shift(level: u32) -> u32 {
    BLOCK_BITS + FAN_BITS * (level - 1)
}

/// Which child of a node of `level` covers `offset`.
pub(super) fn slot_of(offset: u64, level: u32) -> usize {
    (offset >> slot_shift(level)) as usize & (FAN - 1)
}

/// The first offset after the child of a node of `level` that covers `offset`; saturates at the top.
pub(super) fn child_end(offset: u64, level: u32) -> u64 {
    (offset | ((1u64 << slot_shift(level)) - 1)).saturating_add(1)
}

/// Levels of inner nodes that a string of `len` bytes needs, at least 1.
pub(super) fn height_for(len: u64) -> u32 {
    let last = len.saturating_sub(1);
    let mut height = 1;
    while last.checked_shr(slot_shift(height + 1)).unwrap_or(0) != 0 {
        height += 1;
    }
    height
}
