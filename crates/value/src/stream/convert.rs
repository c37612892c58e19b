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
//! Bounds: spelling allocates nothing, gathers a kilobyte, and passes long elements on from where they lie. A node of 4 KB takes 5 to 6 us to spell and 12 us
//! to make, beside 8 us for the check.

use std::convert::Infallible;

use crate::packed::{BackLength, Bare, Element, HEADER, Packed, Scratch};

use super::node::elements_of;
use super::{StreamId, StreamNode, entries};

/// Bits of the flags, which a node's own are.
const DELETED: i64 = entries::DELETED as i64;
const SAME_FIELDS: i64 = entries::SAME_FIELDS as i64;

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
pub(super) struct Spelled {
    pub id: StreamId,
    pub is_live: bool,
    /// How many fields it has, if they are not the master's.
    own: Option<u32>,
    /// Positions of its first field or value, and behind the last.
    from: usize,
    to: usize,
}

/// The block that a listpack is behind its size.
pub(super) fn block_of(listpack: &[u8]) -> Option<Packed<'_>> {
    listpack.get(4..listpack.len().checked_sub(1)?).map(Packed::new)
}

/// The number at a position, which goes on behind it.
#[inline]
fn number(block: Packed, at: &mut usize) -> Option<i64> {
    let Element::Int(number) = block.get(*at)? else { return None };
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

impl Iterator for SpelledEntries<'_> {
    type Item = Spelled;

    /// The next entry, if it is one and says rightly how many elements it has.
    fn next(&mut self) -> Option<Spelled> {
        let (block, mut at) = (self.block, self.at);
        let (flags, ms) = (number(block, &mut at)?, number(block, &mut at)?);
        let seq = number(block, &mut at)?;
        let own = match flags & SAME_FIELDS {
            0 => Some(u32::try_from(number(block, &mut at)?).ok()?),
            _ => None,
        };
        let elements = own.map_or(self.fields as usize, |own| 2 * own as usize);
        let to = skip(block, at, elements)?;
        let mut end = to;
        if number(block, &mut end)? != elements_of(own, self.fields) {
            return None;
        }
        self.at = end;
        Some(Spelled { id: self.id.plus(ms, seq), is_live: flags & DELETED == 0, own, from: at, to })
    }
}

/// Appends an element without its back length, as Redis would store it. Returns how many bytes it is with it.
fn append_canonical(element: Element, out: &mut Vec<u8>) -> usize {
    let mut spelled = Scratch::new();
    let bytes = canonical(element).encode_spelled(&mut spelled);
    out.extend_from_slice(spelled.as_bytes());
    bytes
}

fn canonical(element: Element) -> Element {
    match element {
        Element::Bytes(text) => Element::of(text),
        number => number,
    }
}

/// Appends the first of these elements without its back length, if it is a small number or a short text that is no number. Returns how many bytes it is with it.
#[inline]
fn append_short(spelled: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let step = spelled.first_chunk::<STEP>()?;
    if step[0] <= 0x7F {
        out.push(step[0]);
        return Some(2);
    }
    let len = usize::from(step[0].wrapping_sub(0x80)) + 1;
    if len > STEP || matches!(step[1], b'0'..=b'9' | b'-') {
        return None;
    }
    out.extend_from_slice(step);
    out.truncate(out.len() - STEP + len);
    Some(len + 1)
}

impl StreamNode {
    /// A node of a listpack that [`super::validate_node`] has found good.
    pub(super) fn from_listpack(master: StreamId, listpack: &[u8]) -> Self {
        let mut node = Self::default();
        let Some(block) = block_of(listpack) else { return node };
        let Some(head) = Master::read(block) else { return node };
        let (mut bytes, mut marks) = (Vec::with_capacity(listpack.len()), Vec::new());
        let mut out = Scratch::new();
        let names = block.iter_between(head.fields_at, head.zero_at);
        node.begin(master, head.fields, names.map(|(_, name)| canonical(name)), &mut out);
        bytes.extend_from_slice(out.as_bytes());
        let mut before = master;
        for entry in SpelledEntries::new(block, master, head) {
            out.clear();
            marks.extend(node.encode_head(entry.id, before, entry.is_live, entry.own, bytes.len(), &mut out));
            bytes.extend_from_slice(out.as_bytes());
            let (mut at, mut elements) = (entry.from, 0);
            while at < entry.to {
                let rest = block.bytes().get(at..).unwrap_or_default();
                if let Some(spelled) = append_short(rest, &mut bytes) {
                    (at, elements) = (at + spelled, elements + spelled);
                } else {
                    let (Some(element), Some(end)) = (block.get(at), block.after(at)) else { break };
                    (at, elements) = (end, elements + append_canonical(element, &mut bytes));
                }
            }
            node.note(entry.id, entry.is_live, entry.own, elements);
            before = entry.id;
        }
        node.fill(&bytes, &marks);
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

    /// Hands the listpack over in pieces of about a kilobyte, longer elements from where they lie, until an error.
    pub fn spell<E>(&self, put: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let view = self.view();
        let mut out = Spool { held: [0; HELD], len: 0, put };
        out.bytes(&(self.listpack_len() as u32).to_le_bytes())?;
        out.bytes(&self.elements().to_le_bytes())?;
        self.counts().into_iter().try_for_each(|count| out.number(count.into()))?;
        out.elements(Bare::new(view.bytes, 0), view.fields as usize)?;
        out.number(0)?;
        for place in self.places() {
            let own = (!place.has_masters_fields()).then_some(place.fields);
            let (ms, seq) = place.id.minus(view.master);
            let numbers = [Some(place.flags.into()), Some(ms), Some(seq), own.map(i64::from)];
            numbers.into_iter().flatten().try_for_each(|number| out.number(number))?;
            out.elements(Bare::new(view.bytes, place.data_at as usize), place.elements())?;
            out.number(elements_of(own, view.fields))?;
        }
        out.bytes(&[0xFF])?;
        out.flush()
    }
}

/// Bytes that are gathered before they are handed over.
const HELD: usize = 1024;

/// Bytes that are copied at once, since that takes no loop, though an element be shorter.
const STEP: usize = 16;

/// Gathers short pieces.
struct Spool<'p, F> {
    held: [u8; HELD],
    len: usize,
    put: &'p mut F,
}

impl<E, F: FnMut(&[u8]) -> Result<(), E>> Spool<'_, F> {
    fn flush(&mut self) -> Result<(), E> {
        let len = std::mem::take(&mut self.len);
        (self.put)(&self.held[..len])
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), E> {
        if bytes.len() > HELD - self.len {
            self.flush()?;
        }
        match self.held.get_mut(self.len..self.len + bytes.len()) {
            Some(there) => there.copy_from_slice(bytes),
            None => return (self.put)(bytes),
        }
        self.len += bytes.len();
        Ok(())
    }

    /// An integer as an element.
    #[inline]
    fn number(&mut self, number: i64) -> Result<(), E> {
        if let 0..=127 = number
            && let Some([spelled, back]) = self.held.get_mut(self.len..self.len + 2)
        {
            (*spelled, *back) = (number as u8, 1);
            self.len += 2;
            return Ok(());
        }
        let (bytes, len) = Element::int_bytes(number);
        self.bytes(&bytes[..len])?;
        self.bytes(BackLength::of(len).as_bytes())
    }

    /// Elements with the back lengths that they have in a listpack.
    #[inline]
    fn elements(&mut self, mut elements: Bare, count: usize) -> Result<(), E> {
        for _ in 0..count {
            let (rest, Some(spelled)) = (elements.rest(), elements.next_spelled()) else { break };
            let len = spelled.len();
            if len < STEP
                && let Some(step) = rest.first_chunk::<STEP>()
                && let Some(there) = self.held.get_mut(self.len..self.len + STEP)
            {
                there.copy_from_slice(step);
                there[len] = len as u8;
                self.len += len + 1;
                continue;
            }
            self.bytes(spelled)?;
            self.bytes(BackLength::of(len).as_bytes())?;
        }
        Ok(())
    }
}
