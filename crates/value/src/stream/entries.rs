//! Reading the entries of one node, from both ends. Allocates nothing; changes nothing.
//!
//! Every function here ends early on bytes that are no valid node, and panics on none.

use crate::packed::{self, Element, HEADER, Packed};

use super::StreamId;

/// The entry is a tombstone.
pub(super) const DELETED: i64 = 1;

/// The entry has the fields of the master entry, which are not repeated.
pub(super) const SAME_FIELDS: i64 = 2;

/// An entry of a stream.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Its ID.
    pub id: StreamId,
    /// Its fields and values, in order.
    pub fields: Fields<'a>,
}

/// The fields and values of an entry.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    /// The master entry's fields, if the entry has the same.
    names: Option<packed::Iter<'a>>,
    values: packed::Iter<'a>,
    left: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Element<'a>, Element<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (_, name) = match &mut self.names {
            Some(names) => names.next()?,
            None => self.values.next()?,
        };
        Some((name, self.values.next()?.1))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// The master entry: what a node knows of all its entries. Positions are those of the node's block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Master {
    pub live: i64,
    pub deleted: i64,
    pub fields: usize,
    /// Position of the first field.
    pub fields_at: usize,
}

/// One entry as it stands in a node, live or deleted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Position of its flags.
    pub at: usize,
    pub flags: i64,
    pub id: StreamId,
    pub fields: usize,
    /// Position of its first field or value.
    data_at: usize,
}

impl Place {
    pub fn is_live(self) -> bool {
        self.flags & DELETED == 0
    }
}

fn int(block: Packed, at: usize) -> Option<i64> {
    match block.get(at)? {
        Element::Int(value) => Some(value),
        Element::Bytes(_) => None,
    }
}

/// The number at a position, and the position behind it.
#[inline]
fn number(block: Packed, at: usize) -> Option<(i64, usize)> {
    // The lengths that most numbers have: up to 127, and up to 4095.
    match *block.bytes().get(at..at + 3)? {
        [value @ 0..=0x7F, _, _] => Some((i64::from(value), at + 2)),
        [high @ 0xC0..=0xCF, low, _] => Some((i64::from(high & 0x0F) << 8 | i64::from(low), at + 3)),
        _ => Some((int(block, at)?, block.after(at)?)),
    }
}

fn skip(block: Packed, mut at: usize, count: usize) -> Option<usize> {
    for _ in 0..count {
        at = block.after(at)?;
    }
    Some(at)
}

impl Master {
    pub fn read(block: Packed) -> Option<Self> {
        let deleted_at = block.after(HEADER)?;
        let fields_at = block.after(deleted_at)?;
        Some(Self {
            live: int(block, HEADER)?,
            deleted: int(block, deleted_at)?,
            fields: usize::try_from(int(block, fields_at)?).ok()?,
            fields_at: block.after(fields_at)?,
        })
    }

    /// Position of the first entry: behind the fields and a zero.
    pub fn end(self, block: Packed) -> Option<usize> {
        skip(block, self.fields_at, self.fields.checked_add(1)?)
    }
}

/// A walk over the entries of a node, deleted ones included.
#[derive(Clone, Debug)]
pub(super) struct Places<'a> {
    block: Packed<'a>,
    id: StreamId,
    fields: usize,
    fields_at: usize,
    from: usize,
    to: usize,
}

impl<'a> Places<'a> {
    /// All entries of the node with a master ID.
    pub fn new(block: Packed<'a>, id: StreamId) -> Self {
        let none = Self { block, id, fields: 0, fields_at: 0, from: 0, to: 0 };
        let Some(master) = Master::read(block) else { return none };
        let Some(from) = master.end(block) else { return none };
        Self { fields: master.fields, fields_at: master.fields_at, from, to: block.end(), ..none }
    }

    /// All entries of a node of which more is known.
    #[inline]
    pub fn of(block: Packed<'a>, id: StreamId, fields: u32, fields_at: u32, entries_at: u32) -> Self {
        let (fields, fields_at, from) = (fields as usize, fields_at as usize, entries_at as usize);
        Self { block, id, fields, fields_at, from, to: block.end() }
    }

    /// The ID of the entry at a position.
    pub fn id_at(&self, at: usize) -> Option<StreamId> {
        self.read(at).map(|place| place.id)
    }

    /// The same walk between two positions.
    pub fn between(&self, from: usize, to: usize) -> Self {
        Self { from, to, ..self.clone() }
    }

    /// Position of what comes next.
    pub fn at(&self) -> usize {
        self.from
    }

    /// Goes to the entry at a position.
    pub fn resume(&mut self, at: usize) {
        self.from = at;
    }

    /// Ends before the entry at a position.
    pub fn end_at(&mut self, at: usize) {
        self.to = at;
    }

    #[inline]
    fn read(&self, at: usize) -> Option<Place> {
        let (flags, at_ms) = number(self.block, at)?;
        let (ms, at_seq) = number(self.block, at_ms)?;
        let (seq, mut data_at) = number(self.block, at_seq)?;
        let mut fields = self.fields;
        if flags & SAME_FIELDS == 0 {
            let (own, behind) = number(self.block, data_at)?;
            (fields, data_at) = (usize::try_from(own).ok()?, behind);
        }
        Some(Place { at, flags, id: self.id.plus(ms, seq), fields, data_at })
    }

    /// The entry at the front and the position behind it.
    #[inline]
    fn front(&self) -> Option<(Place, usize)> {
        if self.from >= self.to {
            return None;
        }
        let place = self.read(self.from)?;
        let elements =
            if place.flags & SAME_FIELDS != 0 { place.fields } else { place.fields.checked_mul(2)? };
        Some((place, skip(self.block, place.data_at, elements + 1)?))
    }

    #[inline]
    fn back(&self) -> Option<Place> {
        if self.from >= self.to {
            return None;
        }
        // The entry's last element says how many others it has.
        let mut at = self.block.before(self.to)?;
        for _ in 0..int(self.block, at)? {
            at = self.block.before(at).filter(|&at| at >= self.from)?;
        }
        self.read(at)
    }

    /// Goes to the first entry with this ID or a higher one.
    pub fn seek(&mut self, id: StreamId) {
        while let Some((place, end)) = self.front()
            && place.id < id
        {
            self.from = end;
        }
    }

    /// Passes over the entries at the end that have a higher ID.
    pub fn seek_back(&mut self, id: StreamId) {
        while let Some(place) = self.back()
            && place.id > id
        {
            self.to = place.at;
        }
    }

    /// What an entry of this node holds.
    pub fn entry(&self, place: Place) -> Entry<'a> {
        let end = self.block.end();
        let names = (place.flags & SAME_FIELDS != 0).then(|| self.block.iter_between(self.fields_at, end));
        let values = self.block.iter_between(place.data_at, end);
        Entry { id: place.id, fields: Fields { names, values, left: place.fields } }
    }

    /// The next entry that is not deleted.
    #[inline]
    pub fn next_live(&mut self) -> Option<Entry<'a>> {
        loop {
            let place = self.next()?;
            if place.is_live() {
                return Some(self.entry(place));
            }
        }
    }

    /// The last entry that is not deleted.
    #[inline]
    pub fn next_live_back(&mut self) -> Option<Entry<'a>> {
        loop {
            let place = self.next_back()?;
            if place.is_live() {
                return Some(self.entry(place));
            }
        }
    }
}

impl Iterator for Places<'_> {
    type Item = Place;

    #[inline]
    fn next(&mut self) -> Option<Place> {
        let (place, end) = self.front()?;
        self.from = end;
        Some(place)
    }
}

impl DoubleEndedIterator for Places<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Place> {
        let place = self.back()?;
        self.to = place.at;
        Some(place)
    }
}
