//! Changing a block in place: each function is one splice of its bytes and an update of its count.
//!
//! Positions must be those of elements (or the end) of the same block, unchanged since. Elements must be made by
//! [`Element::of`] or read from a block. The caller bounds the block's size and count.

use super::element::{Scratch, skip};
use super::{Block, Element, HEADER, Packed};

/// Adds an element at the end.
pub fn push_back<B: Block + ?Sized>(block: &mut B, element: Element) {
    insert(block, block.bytes().len(), element);
}

/// Adds an element at the start.
pub fn push_front<B: Block + ?Sized>(block: &mut B, element: Element) {
    insert(block, HEADER, element);
}

/// Adds elements at the end.
pub fn extend<B: Block + ?Sized>(block: &mut B, elements: &[Element]) {
    insert_all(block, block.bytes().len(), elements);
}

/// Puts an element before the one at `at`.
pub fn insert<B: Block + ?Sized>(block: &mut B, at: usize, element: Element) {
    insert_all(block, at, &[element]);
}

/// Puts elements before the one at `at`, keeping their order.
pub fn insert_all<B: Block + ?Sized>(block: &mut B, at: usize, elements: &[Element]) {
    let mut scratch = Scratch::new();
    for element in elements {
        element.encode(&mut scratch);
    }
    block.splice(at, 0, scratch.as_bytes());
    add_count(block, elements.len() as isize);
}

/// Puts another element in the place of the one at `at`.
pub fn replace<B: Block + ?Sized>(block: &mut B, at: usize, element: Element) {
    replace_all(block, at, &[element]);
}

/// Puts other elements in the place of as many from `at` on.
pub fn replace_all<B: Block + ?Sized>(block: &mut B, at: usize, elements: &[Element]) {
    let mut scratch = Scratch::new();
    let mut end = at;
    for element in elements {
        element.encode(&mut scratch);
        end = skip(block.bytes(), end).unwrap_or(end);
    }
    block.splice(at, end - at, scratch.as_bytes());
}

/// Removes up to `count` elements from `at` on. Returns how many.
pub fn remove<B: Block + ?Sized>(block: &mut B, at: usize, count: usize) -> usize {
    let (mut end, mut removed) = (at, 0);
    while removed < count {
        let Some(next) = skip(block.bytes(), end) else { break };
        end = next;
        removed += 1;
    }
    remove_between(block, at, end, removed);
    removed
}

/// Removes the `count` elements from one position up to another.
pub fn remove_between<B: Block + ?Sized>(block: &mut B, from: usize, to: usize, count: usize) {
    block.splice(from, to - from, &[]);
    add_count(block, -(count as isize));
}

fn add_count<B: Block + ?Sized>(block: &mut B, change: isize) {
    let count = Packed::new(block.bytes()).count().saturating_add_signed(change);
    debug_assert!(count <= super::COUNT_MAX, "invariant 1: a block of {count} elements");
    block.bytes_mut()[..HEADER].copy_from_slice(&(count as u16).to_le_bytes());
}
