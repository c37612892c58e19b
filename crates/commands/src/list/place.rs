//! Changing a list where it lies: as a block inside its entry, or as a tree of its own; and when it goes from one to the other.
//!
//! | Form | Name | When |
//! |---|---|---|
//! | block | `listpack` | up to [`BLOCK_MAX`] bytes, as long as `list-max-listpack-size` allows |
//! | tree | `listpack` | longer, where that setting allows it |
//! | tree | `quicklist` | beyond the setting, until half of it is reached again |
//!
//! Knows no reply and no effect.

use engine::{Data, Error};
use keyspace::{Entry, Form, NewValue, Occupied, OwnedValue, ValueType};
use value::large::Teardown;
use value::list::{Encoding, End, LargeList, Limit, ListBuilder, ListRef, small};
use value::packed::{self, BLOCK_MAX, Element};
use value::{Large, LargeMut};

/// A tree that is called `listpack` becomes a block when it is that small: far enough below [`BLOCK_MAX`] not to go to and fro.
const SHRUNK_BYTES: usize = BLOCK_MAX / 2;

/// A list in the keyspace, to be changed.
pub(super) struct List<'a> {
    entry: Occupied<'a>,
    limit: Limit,
}

/// The list at `key`.
pub(super) fn find<'b>(
    data: &'b mut Data<'_>,
    key: &'b [u8],
    limit: Limit,
) -> Result<Option<List<'b>>, Error> {
    Ok(match data.write_as(key, ValueType::List)? {
        Entry::Occupied(entry) => Some(List { entry, limit }),
        Entry::Vacant(_) => None,
    })
}

/// Adds texts one after the other at an end of the list at `key`, which is made if need be. Returns its length.
pub(super) fn push(
    data: &mut Data<'_>,
    key: &[u8],
    limit: Limit,
    end: End,
    texts: &[&[u8]],
) -> Result<u64, Error> {
    let fresh = data.clock.fresh();
    match data.write_as(key, ValueType::List)? {
        Entry::Occupied(entry) => Ok(List { entry, limit }.push(end, texts)),
        Entry::Vacant(vacant) => {
            let bytes = texts.iter().map(|text| text.len()).sum();
            let exceeded = limit.exceeded_by(ListRef::Small(&packed::EMPTY), bytes, texts.len() as u64);
            let value = match end {
                End::Head => built(texts.iter().rev().copied(), exceeded),
                End::Tail => built(texts.iter().copied(), exceeded),
            };
            value.put(|value| vacant.insert(value, None, fresh));
            Ok(texts.len() as u64)
        }
    }
}

/// A list of texts as a whole, called what Redis calls one that was filled at its tail and then made as small as possible.
pub(crate) fn of_texts<'t>(limit: Limit, texts: impl Iterator<Item = &'t [u8]> + Clone) -> OwnedValue {
    built(texts.clone(), !limit.is_one_node(texts))
}

/// A list of texts, head first.
fn built<'t>(texts: impl Iterator<Item = &'t [u8]> + Clone, quicklist: bool) -> OwnedValue {
    let elements = texts.map(Element::of);
    let body: usize = elements.clone().map(Element::encoded_len).sum();
    if !quicklist && packed::HEADER + body <= BLOCK_MAX {
        let mut block = Vec::with_capacity(packed::HEADER + body);
        block.extend_from_slice(&packed::EMPTY);
        elements.for_each(|element| packed::push_back(&mut block, element));
        return OwnedValue::Block(ValueType::List, Form::Packed, block);
    }
    let mut builder = ListBuilder::new();
    elements.for_each(|element| builder.push(element));
    OwnedValue::Large(Large::List(Box::new(builder.finish(named(quicklist)))))
}

fn named(quicklist: bool) -> Encoding {
    if quicklist { Encoding::Quicklist } else { Encoding::Listpack }
}

impl List<'_> {
    /// The list, to read.
    pub(super) fn read(&self) -> ListRef<'_> {
        self.entry.value().list().unwrap_or(ListRef::Small(&packed::EMPTY))
    }

    /// Number of elements.
    pub(super) fn len(&self) -> u64 {
        self.read().len()
    }

    /// Gets ready for texts that are about to be put in, by a conversion if they are too much for the present form or name. Redis does
    /// so before it knows whether they will be.
    pub(super) fn expect(&mut self, texts: &[&[u8]]) {
        let texts_bytes = texts.iter().map(|text| text.len()).sum();
        let list = self.read();
        let exceeded = || self.limit.exceeded_by(list, texts_bytes, texts.len() as u64);
        match list {
            ListRef::Small(block) => {
                let exceeded = exceeded();
                let encoded: usize = texts.iter().map(|text| Element::of(text).encoded_len()).sum();
                if exceeded || block.len() + encoded > BLOCK_MAX {
                    let large = LargeList::from_small(block, named(exceeded));
                    self.entry.set_value(NewValue::Large(Large::List(Box::new(large))));
                }
            }
            ListRef::Large(large) => {
                if large.encoding() == Encoding::Listpack && exceeded() {
                    self.large(|large| large.set_encoding(Encoding::Quicklist));
                }
            }
        }
    }

    /// Adds texts one after the other at an end. Returns the length.
    pub(super) fn push(&mut self, end: End, texts: &[&[u8]]) -> u64 {
        self.expect(texts);
        if let Some(mut block) = self.entry.block() {
            if let [text] = texts {
                small::push(&mut block, end, Element::of(text));
            } else {
                let mut elements: Vec<Element> = texts.iter().map(|text| Element::of(text)).collect();
                match end {
                    End::Head => {
                        elements.reverse();
                        packed::insert_all(&mut block, packed::HEADER, &elements);
                    }
                    End::Tail => packed::extend(&mut block, &elements),
                }
            }
        } else {
            self.large(|large| texts.iter().for_each(|text| large.push(end, Element::of(text))));
        }
        self.len()
    }

    /// Removes the element at an end after showing it to `take`. Whoever has removed enough calls [`settle`](Self::settle).
    pub(super) fn pop<R>(&mut self, end: End, take: impl FnOnce(Element) -> R) -> Option<R> {
        match self.entry.block() {
            Some(mut block) => small::pop(&mut block, end, take),
            None => self.large(|large| large.pop(end, take)).flatten(),
        }
    }

    /// Replaces the element with an index that the list has.
    pub(super) fn set(&mut self, index: u64, text: &[u8]) {
        let element = Element::of(text);
        match self.entry.block() {
            Some(mut block) => _ = small::set(&mut block, index as usize, element),
            None => _ = self.large(|large| large.set(index, element)),
        }
    }

    /// Puts a text before (or behind) the first element that is equal to `pivot`. False if there is none.
    pub(super) fn insert(&mut self, pivot: &[u8], behind: bool, text: &[u8]) -> bool {
        let (pivot, element) = (Element::of(pivot), Element::of(text));
        let index = match self.read() {
            ListRef::Small(block) => small::index_of(block, pivot).map(|index| index as u64),
            ListRef::Large(large) => large.index_of(pivot),
        };
        let Some(index) = index.map(|index| index + u64::from(behind)) else { return false };
        match self.entry.block() {
            Some(mut block) => small::insert(&mut block, index as usize, element),
            None => _ = self.large(|large| large.insert(index, element)),
        }
        true
    }

    /// Removes up to `max` elements that are equal to `text`, from the head or the tail on. Returns how many.
    pub(super) fn remove_matching(&mut self, from: End, text: &[u8], max: u64) -> u64 {
        let element = Element::of(text);
        match self.entry.block() {
            Some(mut block) => small::remove_matching(&mut block, from, element, max),
            None => self.large(|large| large.remove_matching(from, element, max)).unwrap_or(0),
        }
    }

    /// Keeps only the elements with indexes `from` up to `to`. What a large list loses is returned, to be freed.
    pub(super) fn trim(&mut self, from: u64, to: u64) -> Option<Teardown> {
        match self.entry.block() {
            Some(mut block) => {
                small::trim(&mut block, from as usize, to as usize);
                None
            }
            None => self.large(|large| Teardown::List(large.trim(from, to))),
        }
    }

    /// Removes `count` elements at an end, of as many or more. What a large list loses is returned, to be freed.
    pub(super) fn trim_end(&mut self, end: End, count: u64) -> Option<Teardown> {
        let len = self.len();
        match end {
            End::Head => self.trim(count, len),
            End::Tail => self.trim(0, len.saturating_sub(count)),
        }
    }

    /// Ends a change that took elements out or made some smaller: an empty list goes, one that has shrunk enough changes name or form.
    pub(super) fn settle(mut self) {
        let list = self.read();
        if list.is_empty() {
            return self.entry.remove();
        }
        let ListRef::Large(large) = list else { return };
        if large.encoding() == Encoding::Quicklist && !self.limit.shrunk(list) {
            return;
        }
        let block = list.listpack_len(SHRUNK_BYTES).and_then(|_| large.to_small());
        match block {
            Some(block) => self.entry.set_value(NewValue::list(&block)),
            None if large.encoding() == Encoding::Quicklist => {
                self.large(|large| large.set_encoding(Encoding::Listpack));
            }
            None => {}
        }
    }

    fn large<R>(&mut self, change: impl FnOnce(&mut LargeList) -> R) -> Option<R> {
        let change = |large: LargeMut<'_>| match large {
            LargeMut::List(large) => Some(change(large)),
            _ => None,
        };
        self.entry.large_mut(change).flatten()
    }
}
