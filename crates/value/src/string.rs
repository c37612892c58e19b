//! What a string value is: borrowed from wherever it lies ([`StrRef`]), or living here on its own ([`Shared`]).
//!
//! It does not decide encodings that clients see (`int`, `embstr`, `raw`); that is the keyspace's knowledge of
//! where a value lies.
//!
//! The rule for a [`Shared`] string's form: it is flat up to [`FLAT_MAX`] bytes and becomes a tree when a change
//! makes it longer. It becomes flat again only when it is cut to [`FLAT_AGAIN`] bytes or less, a quarter of the
//! limit, so that a string which swings around the limit is not converted each time.
//!
//! Bounds: changing a frozen flat string copies it, 64 KiB at most; changing a frozen tree copies one block and its
//! path.

use std::borrow::Cow;
use std::ops::RangeBounds;
use std::sync::Arc;

use crate::block_tree::{BlockTree, Chunks, Run, Runs, SharedSlice, SharedSlices, Teardown, clip};
use crate::number::IntText;

/// Longest flat string in bytes.
pub const FLAT_MAX: usize = 64 * 1024;

/// A tree cut to this length in bytes or less becomes flat.
pub const FLAT_AGAIN: usize = FLAT_MAX / 4;

/// A string on its own, that can be frozen in O(1) by `clone`.
#[derive(Clone, Debug)]
pub enum Shared {
    /// At most [`FLAT_MAX`] bytes.
    Flat(Arc<Vec<u8>>),
    /// Any length above [`FLAT_AGAIN`].
    Tree(BlockTree),
}

impl Default for Shared {
    fn default() -> Self {
        Self::Flat(Arc::default())
    }
}

impl Shared {
    /// An empty string.
    pub fn new() -> Self {
        Self::default()
    }

    /// A string with a copy of `data`.
    pub fn from_slice(data: &[u8]) -> Self {
        if data.len() > FLAT_MAX {
            Self::Tree(BlockTree::from_slice(data))
        } else {
            Self::Flat(Arc::new(data.to_vec()))
        }
    }

    /// A string that takes `data` over where it may stay flat, and copies it where it may not.
    pub fn from_vec(data: Vec<u8>) -> Self {
        if data.len() > FLAT_MAX { Self::from_slice(&data) } else { Self::Flat(Arc::new(data)) }
    }

    /// A string with the content of `tree`, which is copied into flat form if it is short enough for it.
    pub fn from_tree(tree: BlockTree) -> Self {
        let mut shared = Self::Tree(tree);
        shared.flatten();
        shared
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Flat(flat) => flat.len() as u64,
            Self::Tree(tree) => tree.len(),
        }
    }

    /// Whether the length is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The whole string as one slice, if it lies in one piece.
    pub fn as_flat(&self) -> Option<&[u8]> {
        match self {
            Self::Flat(flat) => Some(flat),
            Self::Tree(_) => None,
        }
    }

    /// Heap bytes reached from here, in O(1); what clones share is counted in each.
    pub fn heap_bytes(&self) -> u64 {
        match self {
            Self::Flat(flat) => (flat.capacity() + size_of::<Vec<u8>>() + 2 * size_of::<usize>()) as u64,
            Self::Tree(tree) => tree.heap_bytes(),
        }
    }

    /// Bytes of a tree copied so far because a clone held what was to be changed; see [`BlockTree::copied_bytes`].
    pub fn copied_bytes(&self) -> u64 {
        match self {
            Self::Flat(_) => 0,
            Self::Tree(tree) => tree.copied_bytes(),
        }
    }

    /// The byte at `offset`, `None` at and beyond the end.
    pub fn byte(&self, offset: u64) -> Option<u8> {
        match self {
            Self::Flat(flat) => flat.get(usize::try_from(offset).ok()?).copied(),
            Self::Tree(tree) => tree.byte(offset),
        }
    }

    /// The bytes of `range` (cut to the length) in pieces.
    pub fn read(&self, range: impl RangeBounds<u64>) -> Chunks<'_> {
        match self {
            Self::Flat(flat) => Chunks::flat(flat_range(flat, range)),
            Self::Tree(tree) => tree.read(range),
        }
    }

    /// The whole string in pieces.
    pub fn chunks(&self) -> Chunks<'_> {
        self.read(..)
    }

    /// The bytes of `range` (cut to the length) as handles which keep their memory alive and unchanged.
    pub fn shared(&self, range: impl RangeBounds<u64>) -> SharedSlices<'_> {
        match self {
            Self::Flat(flat) => {
                let (start, end) = clip(range, flat.len() as u64);
                SharedSlices::flat(SharedSlice::of_flat(flat, start as usize, end as usize))
            }
            Self::Tree(tree) => tree.shared(range),
        }
    }

    /// Appends the bytes of `range` (cut to the length) to `out`.
    pub fn copy_range_to(&self, range: impl RangeBounds<u64>, out: &mut Vec<u8>) {
        match self {
            Self::Flat(flat) => out.extend_from_slice(flat_range(flat, range)),
            Self::Tree(tree) => tree.copy_range_to(range, out),
        }
    }

    /// The whole string as one vector.
    pub fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::Flat(flat) => flat.to_vec(),
            Self::Tree(tree) => tree.to_vec(),
        }
    }

    /// Whether the string has exactly these bytes.
    pub fn eq_bytes(&self, other: &[u8]) -> bool {
        match self {
            Self::Flat(flat) => flat.as_slice() == other,
            Self::Tree(tree) => tree.eq_bytes(other),
        }
    }

    /// Writes `data` at `offset`, extending the string with zeros as needed. Empty `data` changes nothing.
    /// `offset + data.len()` must not exceed [`crate::block_tree::LEN_MAX`].
    pub fn write(&mut self, offset: u64, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        let end = offset + data.len() as u64;
        match self.room_for(end) {
            Place::Flat(flat) => {
                let (start, end) = (offset as usize, end as usize);
                // Appending must not first fill with zeros what it then overwrites.
                if start >= flat.len() {
                    flat.resize(start, 0);
                    flat.extend_from_slice(data);
                } else {
                    flat.resize(flat.len().max(end), 0);
                    flat[start..end].copy_from_slice(data);
                }
            }
            Place::Tree(tree) => tree.write(offset, data),
        }
    }

    /// Adds `data` at the end.
    pub fn append(&mut self, data: &[u8]) {
        self.write(self.len(), data);
    }

    /// The byte at `offset` for changing, `None` at and beyond the end.
    pub fn byte_mut(&mut self, offset: u64) -> Option<&mut u8> {
        match self {
            Self::Flat(flat) => {
                let offset = usize::try_from(offset).ok().filter(|&offset| offset < flat.len())?;
                Arc::make_mut(flat).get_mut(offset)
            }
            Self::Tree(tree) => tree.byte_mut(offset),
        }
    }

    /// Makes the string exactly `len` bytes long: cuts it, or extends it with zeros.
    pub fn resize_zero(&mut self, len: u64) {
        if len < self.len() {
            self.truncate(len);
        } else {
            match self.room_for(len) {
                Place::Flat(flat) => flat.resize(len as usize, 0),
                Place::Tree(tree) => tree.resize_zero(len),
            }
        }
    }

    /// Cuts the string to `len` bytes; does nothing if it is not longer. May turn a tree flat (see the module).
    pub fn truncate(&mut self, len: u64) {
        match self {
            Self::Flat(flat) if len < flat.len() as u64 => Arc::make_mut(flat).truncate(len as usize),
            Self::Flat(_) => {}
            Self::Tree(tree) => {
                tree.truncate(len);
                self.flatten();
            }
        }
    }

    /// Hands a tree over to be freed a bounded number of nodes at a time; `None` for a flat string, whose freeing
    /// is a single call to the allocator.
    pub fn into_teardown(self) -> Option<Teardown> {
        match self {
            Self::Flat(_) => None,
            Self::Tree(tree) => Some(tree.into_teardown()),
        }
    }

    /// The content for changing, in the form that a string of `len` bytes or more has to have.
    fn room_for(&mut self, len: u64) -> Place<'_> {
        if let Self::Flat(flat) = self
            && len > FLAT_MAX as u64
        {
            *self = Self::Tree(BlockTree::from_slice(flat));
        }
        match self {
            Self::Flat(flat) => Place::Flat(Arc::make_mut(flat)),
            Self::Tree(tree) => Place::Tree(tree),
        }
    }

    fn flatten(&mut self) {
        if let Self::Tree(tree) = self
            && tree.len() <= FLAT_AGAIN as u64
        {
            *self = Self::Flat(Arc::new(tree.to_vec()));
        }
    }
}

enum Place<'a> {
    Flat(&'a mut Vec<u8>),
    Tree(&'a mut BlockTree),
}

fn flat_range(flat: &[u8], range: impl RangeBounds<u64>) -> &[u8] {
    let (start, end) = clip(range, flat.len() as u64);
    &flat[start as usize..end as usize]
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tree(a), Self::Tree(b)) => a == b,
            (Self::Flat(flat), other) | (other, Self::Flat(flat)) => other.eq_bytes(flat),
        }
    }
}

impl Eq for Shared {}

/// A string value, borrowed from where it lies.
#[derive(Clone, Copy, Debug)]
pub enum StrRef<'a> {
    /// An integer kept as such; its bytes are its decimal digits.
    Int(i64),
    /// Bytes inside a keyspace entry, a request or a reply.
    Bytes(&'a [u8]),
    /// A string on its own.
    Shared(&'a Shared),
}

impl<'a> StrRef<'a> {
    /// Length in bytes (of the digits for an integer).
    pub fn len(self) -> u64 {
        match self {
            Self::Int(value) => IntText::new(value).as_bytes().len() as u64,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Shared(shared) => shared.len(),
        }
    }

    /// Whether the length is 0.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The bytes in pieces. `digits` is where an integer's digits are put.
    pub fn chunks<'b>(self, digits: &'b mut IntText) -> Chunks<'b>
    where
        'a: 'b,
    {
        self.read(.., digits)
    }

    /// The bytes of `range` (cut to the length) in pieces. `digits` is where an integer's digits are put.
    pub fn read<'b>(self, range: impl RangeBounds<u64>, digits: &'b mut IntText) -> Chunks<'b>
    where
        'a: 'b,
    {
        match self {
            Self::Int(value) => {
                *digits = IntText::new(value);
                Chunks::flat(flat_range(digits.as_bytes(), range))
            }
            Self::Bytes(bytes) => Chunks::flat(flat_range(bytes, range)),
            Self::Shared(shared) => shared.read(range),
        }
    }

    /// Like [`StrRef::read`], but a tree's hole is one run whatever its size, so that it can be skipped.
    pub fn runs<'b>(self, range: impl RangeBounds<u64>, digits: &'b mut IntText) -> StrRuns<'b>
    where
        'a: 'b,
    {
        match self {
            Self::Shared(Shared::Tree(tree)) => StrRuns::Tree(tree.runs(range)),
            other => StrRuns::Flat(other.read(range, digits)),
        }
    }

    /// Appends the bytes of `range` (cut to the length) to `out`.
    pub fn copy_range_to(self, range: impl RangeBounds<u64>, out: &mut Vec<u8>) {
        match self {
            Self::Int(value) => out.extend_from_slice(flat_range(IntText::new(value).as_bytes(), range)),
            Self::Bytes(bytes) => out.extend_from_slice(flat_range(bytes, range)),
            Self::Shared(shared) => shared.copy_range_to(range, out),
        }
    }

    /// The bytes in one piece: borrowed where they lie in one, else copied (a tree is copied whole).
    pub fn to_cow(self) -> Cow<'a, [u8]> {
        match self {
            Self::Int(value) => Cow::Owned(IntText::new(value).as_bytes().to_vec()),
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
            Self::Shared(shared) => match shared.as_flat() {
                Some(flat) => Cow::Borrowed(flat),
                None => Cow::Owned(shared.to_vec()),
            },
        }
    }

    /// A string on its own with the same bytes; shares them where they already are one.
    pub fn to_shared(self) -> Shared {
        match self {
            Self::Int(value) => Shared::from_slice(IntText::new(value).as_bytes()),
            Self::Bytes(bytes) => Shared::from_slice(bytes),
            Self::Shared(shared) => shared.clone(),
        }
    }

    /// The byte at `offset`, `None` at and beyond the end.
    pub fn byte(self, offset: u64) -> Option<u8> {
        match self {
            Self::Int(value) => IntText::new(value).as_bytes().get(usize::try_from(offset).ok()?).copied(),
            Self::Bytes(bytes) => bytes.get(usize::try_from(offset).ok()?).copied(),
            Self::Shared(shared) => shared.byte(offset),
        }
    }
}

/// Iterator over the runs of a range of a string; see [`StrRef::runs`].
#[derive(Clone)]
pub enum StrRuns<'a> {
    /// A string in one piece.
    Flat(Chunks<'a>),
    /// A tree, block by block.
    Tree(Runs<'a>),
}

impl<'a> Iterator for StrRuns<'a> {
    type Item = Run<'a>;

    fn next(&mut self) -> Option<Run<'a>> {
        match self {
            Self::Flat(chunks) => chunks.next().map(Run::Data),
            Self::Tree(runs) => runs.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_becomes_a_tree_above_the_limit_and_flat_far_below() {
        let mut string = Shared::from_slice(&vec![1; FLAT_MAX]);
        assert!(string.as_flat().is_some());
        string.append(b"x");
        assert!(matches!(string, Shared::Tree(_)));
        assert_eq!(string.len(), FLAT_MAX as u64 + 1);
        string.truncate(FLAT_AGAIN as u64 + 1);
        assert!(matches!(string, Shared::Tree(_)), "not converted while it may grow again");
        string.truncate(FLAT_AGAIN as u64);
        assert_eq!(string.as_flat(), Some(&vec![1; FLAT_AGAIN][..]));
        string.write(1 << 32, b"y");
        assert_eq!(string.len(), (1 << 32) + 1);
        assert!(string.heap_bytes() < 64 * 1024);
        let mut string = Shared::new();
        string.resize_zero(FLAT_MAX as u64 + 1);
        assert!(matches!(string, Shared::Tree(_)));
        assert_eq!(Shared::from_tree(BlockTree::from_slice(b"abc")).as_flat(), Some(&b"abc"[..]));
        assert!(matches!(Shared::from_vec(vec![0; FLAT_MAX + 1]), Shared::Tree(_)));
    }

    #[test]
    fn a_clone_is_frozen_in_both_forms() {
        for len in [100, 3 * FLAT_MAX] {
            let mut string = Shared::from_slice(&vec![5; len]);
            let frozen = string.clone();
            string.write(3, b"zz");
            *string.byte_mut(10).unwrap() = 0;
            assert!(frozen.eq_bytes(&vec![5; len]));
            assert!(string != frozen);
            assert_eq!(string.byte(4), Some(b'z'));
            assert_eq!(string.byte(10), Some(0));
        }
    }

    #[test]
    fn forms_with_equal_content_are_equal() {
        let mut tree = Shared::from_slice(&vec![5; FLAT_MAX + 1]);
        tree.truncate(FLAT_MAX as u64);
        let flat = Shared::from_slice(&vec![5; FLAT_MAX]);
        assert!(matches!((&tree, &flat), (Shared::Tree(_), Shared::Flat(_))));
        assert_eq!(tree, flat);
        assert_eq!(flat, tree);
        assert!(flat != Shared::from_slice(&vec![5; FLAT_MAX - 1]));
    }

    #[test]
    fn every_view_of_a_string_shows_the_same_bytes() {
        let tree = Shared::from_slice(&vec![7; FLAT_MAX * 2]);
        let flat = Shared::from_slice(b"12345");
        let mut digits = IntText::new(0);
        for (view, bytes) in [
            (StrRef::Int(-12), b"-12".to_vec()),
            (StrRef::Bytes(b""), vec![]),
            (StrRef::Bytes(b"abc"), b"abc".to_vec()),
            (StrRef::Shared(&flat), b"12345".to_vec()),
            (StrRef::Shared(&tree), vec![7; FLAT_MAX * 2]),
        ] {
            assert_eq!(view.len(), bytes.len() as u64);
            assert_eq!(view.is_empty(), bytes.is_empty());
            assert_eq!(view.to_cow(), bytes);
            assert_eq!(view.to_shared().to_vec(), bytes);
            assert_eq!(view.chunks(&mut digits).collect::<Vec<_>>().concat(), bytes);
            assert_eq!(
                view.read(1..3, &mut digits).collect::<Vec<_>>().concat(),
                bytes[1.min(bytes.len())..3.min(bytes.len())]
            );
            let runs = view.runs(1.., &mut digits).map(|run| match run {
                Run::Data(data) => data.to_vec(),
                Run::Zeros(count) => vec![0; count as usize],
            });
            assert_eq!(runs.collect::<Vec<_>>().concat(), bytes[1.min(bytes.len())..]);
            assert_eq!(view.byte(1), bytes.get(1).copied());
            assert_eq!(view.byte(u64::MAX), None);
            let mut out = b"+".to_vec();
            view.copy_range_to(1.., &mut out);
            assert_eq!(out[1..], bytes[1.min(bytes.len())..]);
        }
        let shared: Vec<_> = flat.shared(1..3).collect();
        assert_eq!(shared.len(), 1);
        assert_eq!(shared[0].as_ref(), b"23");
        assert_eq!(flat.shared(9..).count(), 0);
        assert_eq!(tree.shared(..).map(|slice| slice.len()).sum::<usize>(), FLAT_MAX * 2);
    }

    #[test]
    fn changes_match_a_vector() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut string, mut model) = (Shared::new(), Vec::new());
        for _ in 0..2000 {
            let at = rng.usize(0..100_000);
            let data: Vec<u8> = (0..rng.usize(0..2000)).map(|_| rng.u8(..)).collect();
            match rng.u8(0..5) {
                0 if !data.is_empty() => {
                    string.write(at as u64, &data);
                    model.resize(model.len().max(at + data.len()), 0);
                    model[at..at + data.len()].copy_from_slice(&data);
                }
                1 => {
                    string.append(&data);
                    model.extend(&data);
                }
                2 => {
                    string.truncate(at as u64);
                    model.truncate(at);
                }
                3 => {
                    string.resize_zero(at as u64);
                    model.resize(at, 0);
                }
                _ => match (string.byte_mut(at as u64), model.get_mut(at)) {
                    (Some(a), Some(b)) => (*a, *b) = (b'q', b'q'),
                    (a, b) => assert_eq!(a.is_none(), b.is_none()),
                },
            }
            assert_eq!(string.len(), model.len() as u64);
            assert!(string.eq_bytes(&model));
            assert!(string.len() <= FLAT_MAX as u64 || matches!(string, Shared::Tree(_)));
        }
    }
}
