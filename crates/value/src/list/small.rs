//! Changes of a small list: a block of elements, head first. Every function is one or two moves of the block's bytes.

use crate::packed::{self, Block, Element, Packed};

use super::End;

/// Adds an element at an end.
pub fn push<B: Block + ?Sized>(block: &mut B, end: End, element: Element) {
    match end {
        End::Head => packed::push_front(block, element),
        End::Tail => packed::push_back(block, element),
    }
}

/// Removes the element at an end after showing it to `take`. `None` if there is none.
pub fn pop<B: Block + ?Sized, R>(block: &mut B, end: End, take: impl FnOnce(Element) -> R) -> Option<R> {
    let list = Packed::new(block.bytes());
    let at = match end {
        End::Head => list.start(),
        End::Tail => list.before(list.end())?,
    };
    let taken = take(list.get(at)?);
    packed::remove(block, at, 1);
    Some(taken)
}

/// Replaces the element with an index. False if there is none.
pub fn set<B: Block + ?Sized>(block: &mut B, index: usize, element: Element) -> bool {
    let list = Packed::new(block.bytes());
    let Some(at) = list.position(index).filter(|&at| at < list.end()) else { return false };
    packed::replace(block, at, element);
    true
}

/// Puts an element in so that it gets the index, which is at most the length.
pub fn insert<B: Block + ?Sized>(block: &mut B, index: usize, element: Element) {
    if let Some(at) = Packed::new(block.bytes()).position(index) {
        packed::insert(block, at, element);
    }
}

/// The index of the first element with this text.
pub fn index_of(block: &[u8], element: Element) -> Option<usize> {
    Packed::new(block).iter().position(|(_, there)| there == element)
}

/// Removes up to `max` elements with this text, from the head or the tail on. Returns how many.
pub fn remove_matching<B: Block + ?Sized>(block: &mut B, from: End, element: Element, max: u64) -> u64 {
    let mut removed = 0;
    let mut at = match from {
        End::Head => Packed::new(block.bytes()).start(),
        End::Tail => Packed::new(block.bytes()).end(),
    };
    while removed < max {
        let list = Packed::new(block.bytes());
        let found = match from {
            End::Head => list.find(element, at, 1),
            End::Tail => {
                let mut before = list.iter_between(list.start(), at);
                before.by_ref().rev().find(|&(_, there)| there == element).map(|(at, _)| at)
            }
        };
        let Some(found) = found else { break };
        at = found;
        removed += packed::remove(block, at, 1) as u64;
    }
    removed
}

/// Keeps only the elements with indexes `from` up to `to`.
pub fn trim<B: Block + ?Sized>(block: &mut B, from: usize, to: usize) {
    let list = Packed::new(block.bytes());
    let count = list.count();
    let (from, to) = (from.min(count), to.clamp(from.min(count), count));
    if let Some(at) = list.position(to) {
        let end = list.end();
        packed::remove_between(block, at, end, count - to);
    }
    if let Some(at) = Packed::new(block.bytes()).position(from) {
        packed::remove_between(block, packed::HEADER, at, from);
    }
}
