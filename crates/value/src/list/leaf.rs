//! A leaf of a large list: a block of elements, or its short form once nothing is added to it. What the tree asks of leaves, and which form
//! a leaf has when.
//!
//! ```text
//!   Ordered ... -> ListLeaf  Block  -> Arc<Vec>  [ count u16 ][ element ][ element ] ...   the body of a listpack
//!                            Short  -> Arc<[u8]> what `alphabet` makes of it
//! ```
//! Whatever its form, a leaf is the block: bounds, sizes and what is written of it are those of the block, so that its form is nobody's affair but of those who
//! read elements. What adds to a leaf or takes a part of it makes it a block; a change of single elements keeps its form where that is possible.
//!
//! Invariants: those of blocks and of the short form; and
//!  1. a leaf has at most [`LEAF_BYTES`] bytes as a block and [`LEAF_COUNT`] elements, or it is a single element.

use std::sync::Arc;

use super::alphabet::{self, Coded};
use super::large::{LEAF_BYTES, LEAF_COUNT};
use super::walk::elements_from;
use super::{End, small};

use crate::ordered::Leaf;
use crate::packed::{self, Element, LISTPACK_OVERHEAD, Packed, size_class};
use crate::room::ARC_HEADER;

/// A leaf: a handle on its elements.
#[derive(Clone, Debug)]
pub struct ListLeaf {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Block(Arc<Vec<u8>>),
    Short(Arc<[u8]>),
}

// The smaller handle lies where the larger one has its length.
const _: () = assert!(size_of::<ListLeaf>() == 16);

impl Default for ListLeaf {
    fn default() -> Self {
        Self::from_block(packed::EMPTY.to_vec())
    }
}

impl ListLeaf {
    /// A leaf of the elements of a block.
    pub(super) fn from_block(block: Vec<u8>) -> Self {
        Self { form: Form::Block(Arc::new(block)) }
    }

    /// A leaf of one element.
    pub(super) fn of(element: Element) -> Self {
        let mut block = Vec::with_capacity(packed::HEADER + element.encoded_len());
        block.extend_from_slice(&packed::EMPTY);
        packed::push_back(&mut block, element);
        Self::from_block(block)
    }

    /// The elements; made in `scratch` where they are not there as a block.
    pub fn packed<'a>(&'a self, scratch: &'a mut Vec<u8>) -> Packed<'a> {
        match &self.form {
            Form::Block(block) => Packed::new(block),
            Form::Short(bytes) => {
                scratch.clear();
                Coded::new(bytes).append_block(scratch);
                Packed::new(scratch)
            }
        }
    }

    /// The block, if it has that form.
    pub(super) fn block(&self) -> Option<&[u8]> {
        match &self.form {
            Form::Block(block) => Some(block),
            Form::Short(_) => None,
        }
    }

    /// Appends the elements as a block.
    pub(super) fn append_block(&self, out: &mut Vec<u8>) {
        match &self.form {
            Form::Block(block) => out.extend_from_slice(block),
            Form::Short(bytes) => Coded::new(bytes).append_block(out),
        }
    }

    /// Length as a block.
    pub(super) fn block_len(&self) -> usize {
        match &self.form {
            Form::Block(block) => block.len(),
            Form::Short(bytes) => Coded::new(bytes).block_len(),
        }
    }

    /// Length of the elements as they stand in a listpack, without its header and end.
    pub fn body_len(&self) -> usize {
        self.block_len() - packed::HEADER
    }

    /// Size of the listpack with these elements.
    pub fn listpack_len(&self) -> usize {
        self.body_len() + LISTPACK_OVERHEAD
    }

    /// Whether it has the short form.
    pub(super) fn is_short(&self) -> bool {
        matches!(self.form, Form::Short(_))
    }

    /// Whether trying the short form makes sense.
    pub(super) fn may_be_put_away(&self) -> bool {
        !self.is_short() && !self.is_shared() && !self.is_overfull() && self.len() >= alphabet::COUNT_MIN
    }

    /// Gives it the short form if that saves memory. A leaf that a clone holds too stays: it would be there twice.
    pub(super) fn put_away(&mut self) {
        if let Form::Block(block) = &self.form
            && Arc::strong_count(block) == 1
            && let Some(bytes) = alphabet::encode(block)
        {
            self.form = Form::Short(bytes);
        }
    }

    /// The block, for changing: made if there is none, a copy if it is shared.
    pub(super) fn block_mut(&mut self) -> &mut Vec<u8> {
        if let Form::Short(bytes) = &self.form {
            let mut block = Vec::new();
            Coded::new(bytes).append_block(&mut block);
            block.shrink_to(size_class(block.len()));
            *self = Self::from_block(block);
        }
        match &mut self.form {
            Form::Block(block) => Arc::make_mut(block),
            Form::Short(_) => unreachable!("made a block above"),
        }
    }

    /// Changes the elements. A leaf that had the short form has it again afterwards, unless the tree is going to split it.
    fn change<R>(&mut self, change: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let was_short = self.is_short();
        let result = change(self.block_mut());
        if was_short && !self.is_overfull() {
            self.put_away();
        }
        result
    }

    /// Puts an element before the one with an index, in its place (`removes`), or only takes that one out, if it has the short form and keeps it.
    fn splice(&mut self, index: usize, removes: bool, element: Option<Element>) -> bool {
        match &mut self.form {
            Form::Short(bytes) => alphabet::splice(bytes, index, removes, element),
            Form::Block(_) => false,
        }
    }

    /// Replaces the element with an index, which it must have.
    pub(super) fn set(&mut self, index: usize, element: Element) {
        if !self.splice(index, true, Some(element)) {
            self.change(|block| small::set(block, index, element));
        }
    }

    /// Puts an element in so that it gets the index.
    pub(super) fn insert(&mut self, index: usize, element: Element) {
        if !self.splice(index, false, Some(element)) {
            self.change(|block| small::insert(block, index, element));
        }
    }

    /// Removes up to `max` elements with this text, from the head or the tail on. Returns how many.
    pub(super) fn remove_matching(&mut self, from: End, element: Element, max: u64) -> u64 {
        /// Up to so many are taken out of the short form one by one.
        const FEW: usize = 4;
        if let Form::Short(bytes) = &self.form {
            let mut found = Vec::new();
            Coded::new(bytes).matches(element, &mut Vec::new(), |index| {
                found.push(index);
                from == End::Tail || (found.len() as u64) < max
            });
            let wanted = found.len().min(usize::try_from(max).unwrap_or(usize::MAX));
            if wanted <= FEW {
                // From the right to the left, so that indexes stay what they are.
                let found = &found[found.len() - wanted..];
                let removed = found.iter().rev().take_while(|&&index| self.splice(index, true, None)).count();
                if removed == wanted {
                    return removed as u64;
                }
                let left = (wanted - removed) as u64;
                // From the same end: to the right of what is left to remove, none is left.
                return removed as u64
                    + self.change(|block| small::remove_matching(block, from, element, left));
            }
        }
        self.change(|block| small::remove_matching(block, from, element, max))
    }

    /// Whether elements of so many bytes can be added without making it overfull.
    pub(super) fn fits(&self, bytes: usize) -> bool {
        self.block_len() + bytes <= LEAF_BYTES && self.len() < LEAF_COUNT
    }

    /// Shows the element with an index.
    pub(super) fn get<R>(&self, index: usize, show: impl FnOnce(Element) -> R) -> Option<R> {
        match &self.form {
            Form::Block(block) => Packed::new(block).element(index).map(show),
            Form::Short(bytes) => {
                Coded::new(bytes).walk_from(index, &mut Vec::with_capacity(128)).next().map(show)
            }
        }
    }

    /// Shows up to `max` elements from an index on. Returns how many. `scratch` is for their texts.
    pub(super) fn show_from(
        &self,
        index: usize,
        max: u64,
        scratch: &mut Vec<u8>,
        mut show: impl FnMut(Element),
    ) -> u64 {
        let mut shown = 0;
        match &self.form {
            Form::Block(block) => {
                let mut elements = elements_from(Packed::new(block), index as u64);
                while shown < max
                    && let Some(element) = elements.next()
                {
                    show(element);
                    shown += 1;
                }
            }
            Form::Short(bytes) => {
                let mut elements = Coded::new(bytes).walk_from(index, scratch);
                while shown < max
                    && let Some(element) = elements.next()
                {
                    show(element);
                    shown += 1;
                }
            }
        }
        shown
    }

    /// Shows the indexes of the elements with this text in ascending order, until `visit` returns false. `scratch` is for the text as it stands here.
    pub(super) fn matches(
        &self,
        wanted: Element,
        scratch: &mut Vec<u8>,
        mut visit: impl FnMut(usize) -> bool,
    ) {
        match &self.form {
            Form::Block(block) => {
                let mut all = Packed::new(block).iter().enumerate();
                _ = all.all(|(index, (_, element))| element != wanted || visit(index));
            }
            Form::Short(bytes) => Coded::new(bytes).matches(wanted, scratch, visit),
        }
    }

    /// Whether an element has this text.
    pub(super) fn contains(&self, wanted: Element, scratch: &mut Vec<u8>) -> bool {
        match &self.form {
            Form::Block(block) => {
                let block = Packed::new(block);
                block.find(wanted, block.start(), 1).is_some()
            }
            Form::Short(bytes) => {
                let mut is_there = false;
                Coded::new(bytes).matches(wanted, scratch, |_| {
                    is_there = true;
                    false
                });
                is_there
            }
        }
    }

    /// Verifies the invariants and panics with the broken one.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn check(&self) {
        match &self.form {
            Form::Block(block) => assert_eq!(packed::validate(block), Ok(())),
            Form::Short(bytes) => Coded::new(bytes).check(),
        }
    }
}

impl Leaf for ListLeaf {
    type Separator = ();

    fn len(&self) -> usize {
        match &self.form {
            Form::Block(block) => Packed::new(block).count(),
            Form::Short(bytes) => Coded::new(bytes).count(),
        }
    }

    fn heap_bytes(&self) -> usize {
        match &self.form {
            Form::Block(block) => {
                size_class(block.capacity()) + size_class(size_of::<Vec<u8>>() + ARC_HEADER)
            }
            Form::Short(bytes) => size_class(bytes.len() + ARC_HEADER),
        }
    }

    fn is_shared(&self) -> bool {
        match &self.form {
            Form::Block(block) => Arc::strong_count(block) > 1,
            Form::Short(bytes) => Arc::strong_count(bytes) > 1,
        }
    }

    fn own(&mut self) -> u64 {
        if !self.is_shared() {
            return 0;
        }
        let copied = self.heap_bytes() as u64;
        match &mut self.form {
            Form::Block(block) => _ = Arc::make_mut(block),
            Form::Short(bytes) => *bytes = Arc::from(&bytes[..]),
        }
        copied
    }

    fn is_overfull(&self) -> bool {
        self.block_len() > LEAF_BYTES || self.len() > LEAF_COUNT
    }

    fn is_underfull(&self) -> bool {
        self.block_len() < LEAF_BYTES / 4 && self.len() < LEAF_COUNT / 4
    }

    fn joins(&self, right: &Self) -> bool {
        self.block_len() + right.block_len() <= LEAF_BYTES && self.len() + right.len() <= LEAF_COUNT
    }

    fn middle(&self) -> usize {
        // A leaf that is split is overfull, so it is a block.
        let Form::Block(block) = &self.form else { return (self.len() / 2).max(1) };
        let half = block.len() / 2;
        let before = Packed::new(block).iter().take_while(|&(at, _)| at <= half).count();
        // The element across the middle goes right, unless it is the first.
        (before - 1).max(1)
    }

    /// Both parts get the short form: they mostly lie amidst a list, and an end that does not is made a block again by the next change.
    fn split_off(&mut self, at: usize) -> Self {
        let count = self.len() - at;
        let left = self.block_mut();
        let (from, end) = (Packed::new(left).position(at).unwrap_or(left.len()), left.len());
        let mut block = Vec::with_capacity(size_class(packed::HEADER + end - from));
        block.extend_from_slice(&(count as u16).to_le_bytes());
        block.extend_from_slice(&left[from..]);
        packed::remove_between(left, from, end, count);
        self.put_away();
        let mut right = Self::from_block(block);
        right.put_away();
        right
    }

    /// The whole gets the short form if the right part had it: beside the tail's leaf, to which elements are being added, it stays a block.
    fn absorb(&mut self, right: &Self) {
        let count = self.len() + right.len();
        let block = self.block_mut();
        match &right.form {
            Form::Block(right) => {
                block.reserve_exact(right.len());
                block.extend_from_slice(Packed::new(right).body());
            }
            Form::Short(bytes) => Coded::new(bytes).append_body(block),
        }
        block[..packed::HEADER].copy_from_slice(&(count as u16).to_le_bytes());
        if right.is_short() {
            block.shrink_to(size_class(block.len()));
            self.put_away();
        }
    }

    fn remove_range(&mut self, from: usize, to: usize) {
        let block = self.block_mut();
        let list = Packed::new(block);
        if let (Some(start), Some(end)) = (list.position(from), list.position(to)) {
            packed::remove_between(block, start, end, to - from);
        }
    }

    fn separator(_: &Self, _: &Self) {}
}
