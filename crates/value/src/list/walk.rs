//! Walking a list of either form from an index, and looking for a text. A large list costs one descent for each leaf; where a leaf has no block, the
//! text of an element is put together in a buffer that serves for all, so that elements are shown rather than returned.

use std::ops::Range;

use super::{End, LargeList, ListRef};
use crate::ordered::Leaf;
use crate::packed::{Element, Packed};

impl<'a> ListRef<'a> {
    /// Shows up to `max` elements from an index to the tail.
    pub fn for_each_from(self, index: u64, max: u64, mut show: impl FnMut(Element)) {
        match self {
            Self::Small(block) => {
                elements_from(Packed::new(block), index).take(saturated(max)).for_each(show);
            }
            Self::Large(list) => {
                let (mut next, mut left, mut text) = (index, max, Vec::new());
                while left > 0
                    && let Some(found) = list.tree().leaf_at(next)
                {
                    let at = (next - found.start) as usize;
                    let shown = found.leaf.show_from(at, left, &mut text, &mut show);
                    left -= shown;
                    next = found.start + found.leaf.len() as u64;
                }
            }
        }
    }

    /// Shows up to `max` elements from an index back to the head.
    pub fn for_each_back_from(self, index: u64, max: u64, mut show: impl FnMut(Element)) {
        match self {
            Self::Small(block) => {
                elements_back_from(Packed::new(block), index).take(saturated(max)).for_each(show);
            }
            Self::Large(list) => {
                let (mut left, mut scratch) = (saturated(max), Vec::new());
                let mut next = list.len().checked_sub(1).map(|last| last.min(index));
                while left > 0
                    && let Some(found) = next.and_then(|index| list.tree().leaf_at(index).zip(Some(index)))
                {
                    let (found, index) = found;
                    let block = found.leaf.packed(&mut scratch);
                    for element in elements_back_from(block, index - found.start).take(left) {
                        show(element);
                        left -= 1;
                    }
                    next = found.start.checked_sub(1);
                }
            }
        }
    }

    /// Up to `max` elements from an index to the tail. What is not there as a block is made in `arena`, leaf by leaf.
    pub fn collect_from<'e>(self, index: u64, max: u64, arena: &'e mut Vec<u8>) -> Vec<Element<'e>>
    where
        'a: 'e,
    {
        let count = self.len().saturating_sub(index).min(max);
        let mut elements = Vec::with_capacity(count as usize);
        match self {
            Self::Small(block) => {
                elements.extend(elements_from(Packed::new(block), index).take(saturated(max)));
            }
            Self::Large(list) => {
                let end = index + count;
                let wanted = || list.tree().leaves_from(index).take_while(|found| found.start < end);
                arena.clear();
                wanted()
                    .filter(|found| found.leaf.is_short())
                    .for_each(|found| found.leaf.append_block(arena));
                let mut made: &'e [u8] = arena;
                for found in wanted() {
                    let block = found.leaf.block().unwrap_or_else(|| {
                        let block;
                        (block, made) = made.split_at(found.leaf.block_len());
                        block
                    });
                    let first = index.saturating_sub(found.start);
                    let left = count as usize - elements.len();
                    elements.extend(elements_from(Packed::new(block), first).take(left));
                }
            }
        }
        elements
    }

    /// Shows the indexes of the elements of a range that have this text, from its head or its tail on, until `visit` returns false.
    pub fn matches(self, wanted: Element, range: Range<u64>, from: End, mut visit: impl FnMut(u64) -> bool) {
        match self {
            Self::Small(block) => {
                let all = Packed::new(block).iter().map(|(_, element)| element);
                let mut visit = |index: u64, there| there != wanted || visit(index);
                match from {
                    End::Head => {
                        let mut range = (range.start..range.end).zip(all.skip(saturated(range.start)));
                        _ = range.all(|(index, there)| visit(index, there));
                    }
                    End::Tail => {
                        let behind = self.len().saturating_sub(range.end);
                        let mut range = range.rev().zip(all.rev().skip(saturated(behind)));
                        _ = range.all(|(index, there)| visit(index, there));
                    }
                }
            }
            Self::Large(list) => match from {
                End::Head => matches_up(list, wanted, range, visit),
                End::Tail => matches_down(list, wanted, range, visit),
            },
        }
    }
}

fn matches_up(list: &LargeList, wanted: Element, range: Range<u64>, mut visit: impl FnMut(u64) -> bool) {
    let (mut scratch, mut goes_on) = (Vec::new(), true);
    for found in list.tree().leaves_from(range.start) {
        if !goes_on || found.start >= range.end {
            return;
        }
        found.leaf.matches(wanted, &mut scratch, |at| {
            let index = found.start + at as u64;
            goes_on = index < range.end && (index < range.start || visit(index));
            goes_on
        });
    }
}

fn matches_down(list: &LargeList, wanted: Element, range: Range<u64>, mut visit: impl FnMut(u64) -> bool) {
    let Some(last) = range.end.min(list.len()).checked_sub(1) else { return };
    let (mut scratch, mut there) = (Vec::new(), Vec::new());
    for found in list.tree().leaves_back_from(last) {
        if found.start + found.leaf.len() as u64 <= range.start {
            return;
        }
        found.leaf.matches(wanted, &mut scratch, |at| {
            there.push(found.start + at as u64);
            true
        });
        for index in there.drain(..).rev().filter(|index| range.contains(index)) {
            if !visit(index) {
                return;
            }
        }
    }
}

/// The elements of a block from an index to its end.
pub(super) fn elements_from(block: Packed, index: u64) -> impl Iterator<Item = Element> {
    let at = usize::try_from(index).ok().and_then(|index| block.position(index));
    block.iter_between(at.unwrap_or(block.end()), block.end()).map(|(_, element)| element)
}

/// The elements of a block from an index back to its start; all of them where there is no such index.
fn elements_back_from(block: Packed, index: u64) -> impl Iterator<Item = Element> {
    let behind = usize::try_from(index).ok().and_then(|at| block.position(at.checked_add(1)?));
    block.iter_between(block.start(), behind.unwrap_or(block.end())).rev().map(|(_, element)| element)
}

/// A number of elements as the standard library counts.
fn saturated(elements: u64) -> usize {
    usize::try_from(elements).unwrap_or(usize::MAX)
}
