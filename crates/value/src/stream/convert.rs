//! The listpack that Redis has for a node, in memory and in RDB files: reading one from outside, making a node of it, and spelling a node as one. It does
//! not say what is wrong with a damaged one; that is `validate.rs`.
//!
//! ```text
//!   listpack  [ bytes u32 ][ elements u16 ] master entry, entries ... [ 0xFF ]
//!   master    live  deleted  number of fields  field ...  0
//!   entry     flags  ms - master's ms  seq - master's seq  [ number of fields ]  ( [ field ] value )*  elements of this entry
//!   flags     1 deleted   2 the master's fields, which are then not repeated, nor is their number
//! ```
//! What Redis writes comes out again to the byte. Where others spelled something at greater length than needed, or integers as texts, it comes out as
//! Redis would spell it.
//!
//! Bounds: spelling allocates nothing, and passes long elements on from where they lie. It costs about as much as copying element by element: decision 0011
//! has the measurements.

use std::convert::Infallible;

use crate::packed::{self, BackLength, Bare, Element, HEADER, Packed, Scratch};

use super::node::{elements_of, numbers_in_front};
use super::{StreamId, StreamNode};

/// Bits of the flags.
const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

/// The master entry of a listpack. Positions are those of the block behind the listpack's size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Master {
    pub live: i64,
    pub deleted: i64,
    pub fields: u32,
    /// Position of the first field.
    fields_at: usize,
    /// Position of the zero behind the fields.
    pub zero_at: usize,
}

/// An entry of a listpack, live or deleted.
#[derive(Clone, Debug)]
pub(super) struct Spelled<'a> {
    pub id: StreamId,
    pub is_live: bool,
    /// How many fields it has, if they are not the master's.
    own: Option<u32>,
    /// Its fields and values.
    elements: packed::Iter<'a>,
}

/// The block that a listpack is behind its size.
pub(super) fn block_of(listpack: &[u8]) -> Option<Packed<'_>> {
    listpack.get(4..listpack.len().checked_sub(1)?).map(Packed::new)
}

#[inline]
fn int(block: Packed, at: usize) -> Option<i64> {
    match block.get(at)? {
        Element::Int(value) => Some(value),
        Element::Bytes(_) => None,
    }
}

/// The number at a position, which goes on behind it.
#[inline]
fn number(block: Packed, at: &mut usize) -> Option<i64> {
    let number = int(block, *at)?;
    *at = block.after(*at)?;
    Some(number)
}

fn skip(block: Packed, mut at: usize, count: usize) -> Option<usize> {
    for _ in 0..count {
        at = block.after(at)?;
    }
    Some(at)
}

impl Master {
    pub fn read(block: Packed) -> Option<Self> {
        let mut at = HEADER;
        let (live, deleted) = (number(block, &mut at)?, number(block, &mut at)?);
        let fields = u32::try_from(number(block, &mut at)?).ok()?;
        Some(Self { live, deleted, fields, fields_at: at, zero_at: skip(block, at, fields as usize)? })
    }
}

/// The entries of a listpack.
#[derive(Clone, Debug)]
pub(super) struct SpelledEntries<'a> {
    block: Packed<'a>,
    id: StreamId,
    fields: u32,
    at: usize,
}

impl<'a> SpelledEntries<'a> {
    pub fn new(block: Packed<'a>, id: StreamId, master: Master) -> Self {
        let at = block.after(master.zero_at).unwrap_or(block.end());
        Self { block, id, fields: master.fields, at }
    }

    /// Whether all bytes were entries.
    pub fn is_at_end(&self) -> bool {
        self.at == self.block.end()
    }
}

impl<'a> Iterator for SpelledEntries<'a> {
    type Item = Spelled<'a>;

    /// The next entry, if it is one and says rightly how many elements it has.
    fn next(&mut self) -> Option<Spelled<'a>> {
        let (block, mut at) = (self.block, self.at);
        let (flags, ms) = (number(block, &mut at)?, number(block, &mut at)?);
        let seq = number(block, &mut at)?;
        let own = match flags & SAME_FIELDS {
            0 => Some(u32::try_from(number(block, &mut at)?).ok()?),
            _ => None,
        };
        let elements = own.map_or(self.fields as usize, |own| 2 * own as usize);
        let mut end = skip(block, at, elements)?;
        let elements = block.iter_between(at, end);
        if number(block, &mut end)? != elements_of(own, self.fields) {
            return None;
        }
        self.at = end;
        Some(Spelled { id: self.id.plus(ms, seq), is_live: flags & DELETED == 0, own, elements })
    }
}

/// The element as Redis would store it.
fn canonical(element: Element) -> Element {
    match element {
        Element::Bytes(text) => Element::of(text),
        number => number,
    }
}

impl StreamNode {
    /// A node of a listpack that [`super::validate_node`] has found good.
    pub(super) fn from_listpack(master: StreamId, listpack: &[u8]) -> Self {
        let Some(block) = block_of(listpack) else { return Self::default() };
        let Some(head) = Master::read(block) else { return Self::default() };
        // It is rarely longer than the listpack, and grows then.
        let mut node = Self::with_room(listpack.len());
        let names = block.iter_between(head.fields_at, head.zero_at);
        node.begin(master, head.fields, names.map(|(_, name)| canonical(name)));
        let mut before = master;
        for entry in SpelledEntries::new(block, master, head) {
            let elements = entry.elements.map(|(_, element)| canonical(element));
            node.push(entry.id, before, entry.is_live, entry.own, elements);
            before = entry.id;
        }
        node.shrink();
        node
    }

    /// Appends the listpack.
    pub fn append_listpack(&self, out: &mut Vec<u8>) {
        out.reserve(self.listpack_len());
        let Ok(()) = self.spell(&mut |bytes| {
            out.extend_from_slice(bytes);
            Ok::<(), Infallible>(())
        });
    }

    /// The listpack in a vector of its own.
    pub fn listpack(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.append_listpack(&mut out);
        out
    }

    /// Hands the listpack over piece by piece, until an error. Most pieces are short.
    pub fn spell<E>(&self, put: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let (view, master) = (self.view(), self.master_id());
        let mut numbers = Scratch::new();
        numbers.extend(&(self.listpack_len() as u32).to_le_bytes());
        numbers.extend(&self.elements().to_le_bytes());
        self.counts().into_iter().for_each(|count| Element::Int(count.into()).encode(&mut numbers));
        put(numbers.as_bytes())?;
        spell_elements(Bare::new(view.bytes, 0), view.fields as usize, put)?;
        numbers.clear();
        Element::Int(0).encode(&mut numbers);
        for place in self.places() {
            // The number behind the entry before stands with those in front of this one.
            let own = (!place.has_masters_fields()).then_some(place.fields);
            let in_front = numbers_in_front(place.id, master, place.flags, own);
            in_front.into_iter().flatten().for_each(|number| Element::Int(number).encode(&mut numbers));
            put(numbers.as_bytes())?;
            spell_elements(Bare::new(view.bytes, place.data_at as usize), place.elements(), put)?;
            numbers.clear();
            Element::Int(elements_of(own, view.fields)).encode(&mut numbers);
        }
        numbers.extend(&[0xFF]);
        put(numbers.as_bytes())
    }
}

/// Hands over elements with the back lengths that they have in a listpack.
#[inline]
fn spell_elements<E>(
    mut elements: Bare,
    count: usize,
    put: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    for _ in 0..count {
        let Some(spelled) = elements.next_spelled() else { break };
        put(spelled)?;
        put(BackLength::of(spelled.len()).as_bytes())?;
    }
    Ok(())
}
