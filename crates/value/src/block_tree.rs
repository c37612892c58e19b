//! A string of any size as a copy-on-write radix tree of shared blocks: clone in O(1), change in O(depth).
//!
//! It is a plain sequence of bytes: it knows nothing of commands, bits, encodings or limits on a string's size.
//!
//! ```text
//!   BlockTree { len, height 2, root }
//!                              |
//!                        Inner::Inners [ 0 | 1 | . | ... | 63 ]        a child covers 256 KiB
//!                              /     \    `-- absent: 256 KiB of zeros, costs nothing
//!         Inner::Leaves [ 0 | 1 | .. ]  Inner::Leaves [ ... ]          a child covers 4 KiB
//!                        /     \
//!                 4 KiB block   4 KiB block                            every arrow is an Arc
//! ```
//!
//! Depth: 1 inner level to 256 KiB, 2 to 16 MiB, 3 to 1 GiB, 4 to 64 GiB, 5 to 4 TiB, 9 for any 64-bit length.
//!
//! Invariants (checked by [`BlockTree::check`]):
//!  1. `height` is the smallest that covers `len`; equal lengths have equal shapes.
//!  2. Every byte of a block at or beyond `len` is zero, and no node lies wholly beyond `len`.
//!     So growing is only a matter of raising `len`.
//!  3. `leaves` and `inners` count the present nodes of this tree; a node shared with a clone counts in both.
//!  4. A node reachable from more than one tree or [`SharedSlice`] is never changed: every change goes through
//!     `own`, which copies a shared node first.
//!  5. A block that was never written with anything but zeros may be absent; a present block may be all zero.
//!
//! Bounds: the slowest change of one byte copies one block and one inner node per level; recursion is as deep as
//! the tree, at most 9. No operation allocates in proportion to a hole.

mod drain;
mod iter;
mod node;
mod teardown;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::RangeBounds;
use std::sync::Arc;

pub use drain::{Drain, Piece};
pub(crate) use iter::clip;
pub use iter::{Chunks, Run, Runs, SharedSlice, SharedSlices};
pub use node::BLOCK;
pub use teardown::Teardown;

use node::{BLOCK_BITS, INNER_HEAP, Inner, LEAF_HEAP, Leaf, child_end, height_for, slot_of};

/// The longest string: offsets and lengths stay inside `i64`, as Redis's do.
pub const LEN_MAX: u64 = i64::MAX as u64;

/// A run of zeros to compare with and to show for holes.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// A copy-on-write string of 0 to [`LEN_MAX`] bytes. `Clone` is O(1) and is how a value is frozen.
#[derive(Clone)]
pub struct BlockTree {
    len: u64,
    root: Option<Arc<Inner>>,
    height: u32,
    census: Census,
}

/// What a tree consists of; kept beside the root so that a descent can update it.
#[derive(Clone, Copy, Default)]
struct Census {
    leaves: u64,
    inners: u64,
    /// Bytes copied because a node was shared, since the tree was made.
    copied: u64,
}

/// What lies at an offset.
enum Found<'a> {
    Leaf(&'a Arc<Leaf>),
    /// Zeros up to this offset (which may lie beyond the string's end).
    Hole(u64),
}

/// Children that exist, and how many of them somebody else holds too.
fn count_shared<T>(children: &[Option<Arc<T>>]) -> (u64, u64) {
    children.iter().flatten().fold((0, 0), |(present, shared), child| {
        (present + 1, shared + u64::from(Arc::strong_count(child) > 1))
    })
}

impl Default for BlockTree {
    fn default() -> Self {
        Self { len: 0, root: None, height: 1, census: Census::default() }
    }
}

impl BlockTree {
    /// An empty string; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A string with a copy of `data`. Blocks of zeros become holes.
    pub fn from_slice(data: &[u8]) -> Self {
        let mut tree = Self::new();
        tree.append(data);
        tree
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the length is 0.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Heap bytes reached from this tree, in O(1). Blocks shared with clones are counted in each of them; the
    /// allocator's rounding is not.
    pub fn heap_bytes(&self) -> u64 {
        self.census.leaves * LEAF_HEAP + self.census.inners * INNER_HEAP
    }

    /// Bytes copied so far because a clone or a [`SharedSlice`] held what was to be changed. The difference between
    /// two readings bounds what a clone taken between them holds back.
    pub fn copied_bytes(&self) -> u64 {
        self.census.copied
    }

    /// Heap bytes of this tree that clones hold too, in O(1): looks at the root and its children only, so a child that
    /// is shared in part does not count.
    pub fn shared_bytes_estimate(&self) -> u64 {
        let Some(root) = &self.root else { return 0 };
        if Arc::strong_count(root) > 1 {
            return self.heap_bytes();
        }
        let (present, shared) = match &**root {
            Inner::Leaves(leaves) => count_shared(leaves),
            Inner::Inners(inners) => count_shared(inners),
        };
        self.heap_bytes().checked_div(present).unwrap_or(0) * shared
    }

    /// The content in order, in pieces that are let go one by one: a clone that is only read once need not hold the
    /// whole tree until its end.
    pub fn into_drain(self) -> Drain {
        Drain::new(self.root, self.height, self.len)
    }

    /// The byte at `offset`, `None` at and beyond the end.
    pub fn byte(&self, offset: u64) -> Option<u8> {
        if offset >= self.len {
            return None;
        }
        Some(match self.find(offset) {
            Found::Leaf(leaf) => leaf.bytes()[in_block(offset)],
            Found::Hole(_) => 0,
        })
    }

    /// The bytes of `range` (cut to the length) in pieces: of a block each, or of up to 64 KiB in a hole.
    pub fn read(&self, range: impl RangeBounds<u64>) -> Chunks<'_> {
        Chunks::new(self.runs(range))
    }

    /// The whole string in pieces.
    pub fn chunks(&self) -> Chunks<'_> {
        self.read(..)
    }

    /// Like [`BlockTree::read`], but a hole is one run whatever its size, so that it can be skipped.
    pub fn runs(&self, range: impl RangeBounds<u64>) -> Runs<'_> {
        Runs::new(self, range)
    }

    /// The bytes of `range` (cut to the length) as handles which keep their blocks alive and unchanged.
    /// While one exists, a write to its block copies that block.
    pub fn shared(&self, range: impl RangeBounds<u64>) -> SharedSlices<'_> {
        SharedSlices::new(self.runs(range))
    }

    /// Appends the bytes of `range` (cut to the length) to `out`.
    pub fn copy_range_to(&self, range: impl RangeBounds<u64>, out: &mut Vec<u8>) {
        for run in self.runs(range) {
            match run {
                Run::Data(data) => out.extend_from_slice(data),
                Run::Zeros(count) => out.resize(out.len() + count as usize, 0),
            }
        }
    }

    /// The whole string as one vector.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len as usize);
        self.copy_range_to(.., &mut out);
        out
    }

    /// Writes `data` at `offset`, extending the string with zeros as needed. Empty `data` changes nothing, also
    /// beyond the end. `offset + data.len()` must not exceed [`LEN_MAX`]; callers hold far lower limits.
    pub fn write(&mut self, offset: u64, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        let end = offset + data.len() as u64;
        if end > self.len {
            self.grow(end);
        }
        let (mut at, mut rest) = (offset, data);
        while !rest.is_empty() {
            let start = in_block(at);
            let (piece, tail) = rest.split_at(rest.len().min(BLOCK - start));
            self.write_in_block(at, start, piece);
            at += piece.len() as u64;
            rest = tail;
        }
    }

    /// Adds `data` at the end.
    pub fn append(&mut self, data: &[u8]) {
        self.write(self.len, data);
    }

    /// The byte at `offset` for changing, `None` at and beyond the end. Materializes the block of a hole.
    pub fn byte_mut(&mut self, offset: u64) -> Option<&mut u8> {
        if offset >= self.len {
            return None;
        }
        let slot = leaf_slot(&mut self.root, self.height, &mut self.census, offset);
        Some(&mut leaf_mut(slot, &mut self.census).bytes_mut()[in_block(offset)])
    }

    /// Makes the string exactly `len` bytes long: cuts it, or extends it with zeros at no cost.
    pub fn resize_zero(&mut self, len: u64) {
        if len > self.len {
            self.grow(len);
        } else {
            self.truncate(len);
        }
    }

    /// Cuts the string to `len` bytes; does nothing if it is not longer.
    pub fn truncate(&mut self, len: u64) {
        if len >= self.len {
            return;
        }
        if len == 0 {
            *self =
                Self { census: Census { copied: self.census.copied, ..Census::default() }, ..Self::new() };
            return;
        }
        if let Some(root) = &mut self.root {
            cut(root, self.height, len - 1, &mut self.census);
        }
        self.len = len;
        let height = height_for(len);
        while self.height > height {
            if let Some(root) = self.root.take() {
                self.census.inners -= 1;
                self.root = first_child(root);
            }
            self.height -= 1;
        }
        let tail = in_block(len);
        if tail != 0 && matches!(self.find(len), Found::Leaf(_)) {
            let slot = leaf_slot(&mut self.root, self.height, &mut self.census, len);
            leaf_mut(slot, &mut self.census).bytes_mut()[tail..].fill(0);
        }
    }

    /// Hands the nodes over to be freed a bounded number at a time. Dropping the tree instead frees all at once.
    pub fn into_teardown(self) -> Teardown {
        Teardown::new(self.root)
    }

    /// Whether the string has exactly these bytes.
    pub fn eq_bytes(&self, other: &[u8]) -> bool {
        if self.len != other.len() as u64 {
            return false;
        }
        let mut rest = other;
        self.chunks().all(|chunk| {
            let (head, tail) = rest.split_at(chunk.len());
            rest = tail;
            chunk == head
        })
    }

    fn write_in_block(&mut self, at: u64, start: usize, piece: &[u8]) {
        if piece[0] == 0 && piece == &ZEROS[..piece.len()] && matches!(self.find(at), Found::Hole(_)) {
            return;
        }
        let slot = leaf_slot(&mut self.root, self.height, &mut self.census, at);
        if piece.len() == BLOCK {
            // The old content does not matter: never copy a shared block only to overwrite all of it.
            match slot {
                Some(leaf) if Arc::strong_count(leaf) == 1 => {}
                Some(leaf) => {
                    self.census.copied += LEAF_HEAP;
                    *leaf = Arc::new(Leaf::from_full(piece));
                    return;
                }
                None => {
                    self.census.leaves += 1;
                    *slot = Some(Arc::new(Leaf::from_full(piece)));
                    return;
                }
            }
        }
        leaf_mut(slot, &mut self.census).bytes_mut()[start..start + piece.len()].copy_from_slice(piece);
    }

    /// Raises the length; the new bytes are a hole (invariant 2).
    fn grow(&mut self, len: u64) {
        let height = height_for(len);
        while self.height < height {
            self.height += 1;
            if let Some(old) = self.root.take() {
                let mut root = Inner::empty(self.height);
                if let Inner::Inners(children) = &mut root {
                    children[0] = Some(old);
                }
                self.census.inners += 1;
                self.root = Some(Arc::new(root));
            }
        }
        self.len = len;
    }

    fn find(&self, offset: u64) -> Found<'_> {
        let mut level = self.height;
        let Some(mut node) = self.root.as_deref() else { return Found::Hole(u64::MAX) };
        loop {
            let slot = slot_of(offset, level);
            match node {
                Inner::Leaves(leaves) => {
                    return match &leaves[slot] {
                        Some(leaf) => Found::Leaf(leaf),
                        None => Found::Hole(child_end(offset, level)),
                    };
                }
                Inner::Inners(inners) => match &inners[slot] {
                    Some(inner) => node = inner,
                    None => return Found::Hole(child_end(offset, level)),
                },
            }
            level -= 1;
        }
    }

    /// Verifies the invariants of the module header and panics with the broken one. For tests and debug builds;
    /// takes time in proportion to the nodes.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        fn walk(node: &Inner, level: u32, start: u64, len: u64) {
            let span = 1u64 << node::slot_shift(level);
            for slot in 0..node::FAN {
                let from = start.saturating_add(span.saturating_mul(slot as u64));
                match node {
                    Inner::Leaves(leaves) => {
                        assert_eq!(level, 1, "blocks hang on level 1");
                        if let Some(leaf) = &leaves[slot] {
                            assert!(from < len, "a block lies beyond the end");
                            let used = (len - from).min(BLOCK as u64) as usize;
                            assert!(leaf.bytes()[used..].iter().all(|&b| b == 0), "bytes beyond the end");
                        }
                    }
                    Inner::Inners(inners) => {
                        assert!(level > 1, "inner nodes hang above level 1");
                        if let Some(inner) = &inners[slot] {
                            assert!(from < len, "a node lies beyond the end");
                            walk(inner, level - 1, from, len);
                        }
                    }
                }
            }
        }
        assert_eq!(self.height, height_for(self.len), "height");
        assert!(self.height <= node::LEVEL_MAX);
        let counted = self.root.as_ref().map_or((0, 0), |root| root.count());
        assert_eq!(counted, (self.census.leaves, self.census.inners), "census");
        if let Some(root) = &self.root {
            walk(root, self.height, 0, self.len);
        }
    }
}

/// Where in its block an offset lies.
fn in_block(offset: u64) -> usize {
    offset as usize & (BLOCK - 1)
}

/// The node for changing: in place if nobody else holds it, else a copy in its stead (invariant 4).
fn own<'a, T: Clone>(node: &'a mut Arc<T>, heap: u64, census: &mut Census) -> &'a mut T {
    if Arc::strong_count(node) != 1 {
        census.copied += heap;
    }
    Arc::make_mut(node)
}

/// The place of the block that covers `offset`, with all nodes above it present and owned.
fn leaf_slot<'a>(
    root: &'a mut Option<Arc<Inner>>,
    height: u32,
    census: &mut Census,
    offset: u64,
) -> &'a mut Option<Arc<Leaf>> {
    let mut level = height;
    let mut slot = root;
    loop {
        let node = slot.get_or_insert_with(|| {
            census.inners += 1;
            Arc::new(Inner::empty(level))
        });
        match own(node, INNER_HEAP, census) {
            Inner::Leaves(leaves) => return &mut leaves[slot_of(offset, level)],
            Inner::Inners(inners) => slot = &mut inners[slot_of(offset, level)],
        }
        level -= 1;
    }
}

/// The block in a slot for changing, made if absent.
fn leaf_mut<'a>(slot: &'a mut Option<Arc<Leaf>>, census: &mut Census) -> &'a mut Leaf {
    let leaf = slot.get_or_insert_with(|| {
        census.leaves += 1;
        Arc::new(Leaf::zeroed())
    });
    own(leaf, LEAF_HEAP, census)
}

/// Removes all nodes that lie wholly behind the offset `last`.
fn cut(node: &mut Arc<Inner>, level: u32, last: u64, census: &mut Census) {
    let slot = slot_of(last, level);
    match own(node, INNER_HEAP, census) {
        Inner::Leaves(leaves) => {
            census.leaves -= leaves[slot + 1..].iter_mut().filter_map(Option::take).count() as u64;
        }
        Inner::Inners(inners) => {
            for gone in inners[slot + 1..].iter_mut().filter_map(Option::take) {
                let (leaves, nodes) = gone.count();
                census.leaves -= leaves;
                census.inners -= nodes;
            }
            if let Some(inner) = &mut inners[slot] {
                cut(inner, level - 1, last, census);
            }
        }
    }
}

/// The first child of a root whose other children are absent.
fn first_child(root: Arc<Inner>) -> Option<Arc<Inner>> {
    match &*root {
        Inner::Inners(children) => children[0].clone(),
        Inner::Leaves(_) => unreachable!("only roots above level 1 are taken off"),
    }
}

impl PartialEq for BlockTree {
    /// Compares content. Subtrees that both share are passed over.
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && same(&self.root, &other.root)
    }
}

impl Eq for BlockTree {}

/// Whether two subtrees of the same level have the same content.
fn same(a: &Option<Arc<Inner>>, b: &Option<Arc<Inner>>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) if Arc::ptr_eq(a, b) => true,
        (Some(a), Some(b)) => match (&**a, &**b) {
            (Inner::Leaves(a), Inner::Leaves(b)) => a.iter().zip(b).all(|(a, b)| same_leaf(a, b)),
            (Inner::Inners(a), Inner::Inners(b)) => a.iter().zip(b).all(|(a, b)| same(a, b)),
            _ => unreachable!("equal lengths have equal shapes (invariant 1)"),
        },
        (Some(one), None) | (None, Some(one)) => is_zero(one),
    }
}

fn same_leaf(a: &Option<Arc<Leaf>>, b: &Option<Arc<Leaf>>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a.bytes() == b.bytes(),
        (Some(one), None) | (None, Some(one)) => one.bytes()[..] == ZEROS[..BLOCK],
    }
}

fn is_zero(node: &Inner) -> bool {
    match node {
        Inner::Leaves(leaves) => leaves.iter().flatten().all(|leaf| leaf.bytes()[..] == ZEROS[..BLOCK]),
        Inner::Inners(inners) => inners.iter().flatten().all(|inner| is_zero(inner)),
    }
}

impl From<&[u8]> for BlockTree {
    fn from(data: &[u8]) -> Self {
        Self::from_slice(data)
    }
}

impl fmt::Debug for BlockTree {
    /// Shape only; the content may be of any size.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockTree")
            .field("len", &self.len)
            .field("height", &self.height)
            .field("blocks", &self.census.leaves)
            .field("block_bits", &BLOCK_BITS)
            .finish()
    }
}
