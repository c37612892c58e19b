//! The entries of one node: how the head of one is spelled, and reading them from both ends. Allocates nothing; changes nothing.
//!
//! ```text
//!   entry    head  [ difference of ms ]  [ seq, or difference of it ]  [ number of fields ]  ( [ field ] value )*
//!   head     bit 0: deleted   bit 1: the master's fields, which are then not repeated, nor is their number
//!            bits 2 to 7, the ID against that of the entry before:
//!              0 to 7    the same ms, seq + so much                        61   the same ms, seq + varint
//!              8 to 60   ms + 1 to 53, seq 0                               62   ms + varint, seq 0
//!                                                                          63   ms + varint, seq as varint
//!   varint   7 bits a byte, the lowest first; bit 7 says that more follow
//! ```
//! Every eighth entry, the first included, is spelled against the master ID instead, so that a walk can begin there: it begins a *group*. Fields and
//! values are elements without back lengths. Where an entry ends is known only when its values have been passed, so the way back is one
//! group at a time: forward through it, remembering where its entries are.
//!
//! Every function here ends early on bytes that are no valid node, and panics on none.

use crate::packed::{Bare, Element, Scratch};

use super::StreamId;

/// The entry is a tombstone.
pub(super) const DELETED: u8 = 1;

/// The entry has the fields of the master entry, which are not repeated.
pub(super) const SAME_FIELDS: u8 = 2;

/// Entries of a group.
pub(super) const STRIDE: u32 = 8;

/// The highest code for the same millisecond.
const SAME_MS: u64 = 7;
/// The highest code for a millisecond behind.
const NEAR_MS: u64 = 60;
const SAME_MS_FAR_SEQ: u64 = 61;
const FAR_MS: u64 = 62;
const FAR_MS_AND_SEQ: u64 = 63;

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
    names: Option<Bare<'a>>,
    values: Bare<'a>,
    left: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Element<'a>, Element<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = match &mut self.names {
            Some(names) => names.next()?,
            None => self.values.next()?,
        };
        Some((name, self.values.next()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// Appends what stands before an entry's fields and values. `own` is how many fields it has if they are not the master's.
pub(super) fn encode_head(id: StreamId, before: StreamId, flags: u8, own: Option<u32>, out: &mut Scratch) {
    let (ms, seq) = (id.ms.wrapping_sub(before.ms), id.seq.wrapping_sub(before.seq));
    let head = |code: u64, out: &mut Scratch| out.extend(&[(code as u8) << 2 | flags]);
    match (ms, id.seq) {
        (0, _) if seq <= SAME_MS => head(seq, out),
        (0, _) => {
            head(SAME_MS_FAR_SEQ, out);
            encode_varint(seq, out);
        }
        (_, 0) if ms <= NEAR_MS - SAME_MS => head(SAME_MS + ms, out),
        (_, 0) => {
            head(FAR_MS, out);
            encode_varint(ms, out);
        }
        (_, seq) => {
            head(FAR_MS_AND_SEQ, out);
            encode_varint(ms, out);
            encode_varint(seq, out);
        }
    }
    if let Some(fields) = own {
        encode_varint(fields.into(), out);
    }
}

fn encode_varint(mut number: u64, out: &mut Scratch) {
    while number > 0x7F {
        out.extend(&[number as u8 | 0x80]);
        number >>= 7;
    }
    out.extend(&[number as u8]);
}

/// The number at a position, and the position behind it.
#[inline]
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    match *bytes.get(at)? {
        low @ 0..=0x7F => Some((low.into(), at + 1)),
        _ => long_varint(bytes, at),
    }
}

fn long_varint(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut number = 0;
    for group in 0..10 {
        let byte = *bytes.get(at)?;
        at += 1;
        number |= u64::from(byte & 0x7F) << (7 * group);
        if byte & 0x80 == 0 {
            return Some((number, at));
        }
    }
    None
}

/// One entry as it stands in a node, live or deleted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub id: StreamId,
    /// Position of its head.
    pub at: u32,
    /// Position of its first field or value.
    pub data_at: u32,
    pub fields: u32,
    pub flags: u8,
}

impl Place {
    #[inline]
    pub fn is_live(self) -> bool {
        self.flags & DELETED == 0
    }

    #[inline]
    pub fn has_masters_fields(self) -> bool {
        self.flags & SAME_FIELDS != 0
    }

    /// Elements that its fields and values are.
    #[inline]
    pub fn elements(self) -> usize {
        let fields = self.fields as usize;
        if self.has_masters_fields() { fields } else { 2 * fields }
    }
}

/// Where a walk is: before the entry with an index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub at: u32,
    pub index: u32,
    /// The ID of the entry before; of no meaning at the start of a group.
    pub before: StreamId,
}

/// What a node's entries are read from.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    /// The master's fields and the entries.
    pub bytes: &'a [u8],
    pub master: StreamId,
    /// Fields of the master entry.
    pub fields: u32,
    /// Number of entries.
    pub count: u32,
}

impl<'a> View<'a> {
    /// The entry at a spot.
    #[inline]
    pub fn read(self, spot: Spot) -> Option<Place> {
        let Spot { at, index, before } = spot;
        let head = *self.bytes.get(at as usize)?;
        let before = if index.is_multiple_of(STRIDE) { self.master } else { before };
        let mut data_at = at as usize + 1;
        let mut next = || {
            let (number, behind) = varint(self.bytes, data_at)?;
            data_at = behind;
            Some(number)
        };
        let (ms, seq) = match u64::from(head >> 2) {
            code @ 0..=SAME_MS => (before.ms, before.seq.wrapping_add(code)),
            SAME_MS_FAR_SEQ => (before.ms, before.seq.wrapping_add(next()?)),
            FAR_MS => (before.ms.wrapping_add(next()?), 0),
            FAR_MS_AND_SEQ => (before.ms.wrapping_add(next()?), next()?),
            code => (before.ms.wrapping_add(code - SAME_MS), 0),
        };
        let flags = head & (DELETED | SAME_FIELDS);
        let fields =
            if flags & SAME_FIELDS != 0 { self.fields } else { u32::try_from(next()?).unwrap_or(u32::MAX) };
        Some(Place { id: StreamId { ms, seq }, at, data_at: data_at as u32, fields, flags })
    }

    /// The entry at a spot, which goes on to the next.
    #[inline]
    pub fn step(self, spot: &mut Spot) -> Option<Place> {
        if spot.index >= self.count {
            return None;
        }
        let place = self.read(*spot)?;
        let mut data = Bare::new(self.bytes, place.data_at as usize);
        data.skip_many(place.elements())?;
        *spot = Spot { at: data.at() as u32, index: spot.index + 1, before: place.id };
        Some(place)
    }

    /// What an entry of this node holds.
    #[inline]
    pub fn entry(self, place: Place) -> Entry<'a> {
        let names = place.has_masters_fields().then(|| Bare::new(self.bytes, 0));
        let values = Bare::new(self.bytes, place.data_at as usize);
        Entry { id: place.id, fields: Fields { names, values, left: place.fields as usize } }
    }

    /// The next of these entries of this node that is not deleted.
    #[inline]
    fn live_of(self, places: &mut impl Iterator<Item = Place>) -> Option<Entry<'a>> {
        places.find(|place| place.is_live()).map(|place| self.entry(place))
    }
}

/// A walk over the entries of a node, deleted ones included.
#[derive(Clone, Debug)]
pub(super) struct Places<'a> {
    view: View<'a>,
    spot: Spot,
}

impl<'a> Places<'a> {
    #[inline]
    pub fn new(view: View<'a>, spot: Spot) -> Self {
        Self { view, spot }
    }

    /// Where the walk is.
    #[inline]
    pub fn spot(&self) -> Spot {
        self.spot
    }

    /// Goes to the first entry with this ID or a higher one.
    #[inline]
    pub fn seek(&mut self, id: StreamId) {
        let mut next = self.spot;
        while let Some(place) = self.view.step(&mut next)
            && place.id < id
        {
            self.spot = next;
        }
    }

    /// The next entry that is not deleted.
    #[inline]
    pub fn next_live(&mut self) -> Option<Entry<'a>> {
        self.view.live_of(self)
    }
}

impl Iterator for Places<'_> {
    type Item = Place;

    #[inline]
    fn next(&mut self) -> Option<Place> {
        self.view.step(&mut self.spot)
    }
}

/// Where the groups of a node begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Groups<'a> {
    /// Position of the first entry.
    pub entries_at: u32,
    /// A mark for each group but the first, the last one first.
    pub marks: &'a [Mark],
}

/// Milliseconds from the master ID to a group's first entry, at most 2^32 - 1, and the entry's position.
pub(super) type Mark = [u8; 8];

/// The mark of an entry.
pub(super) fn mark(id: StreamId, master: StreamId, at: u32) -> Mark {
    (u64::from(elapsed(id, master)) << 32 | u64::from(at)).to_be_bytes()
}

/// Milliseconds from a master ID, as marks have them.
fn elapsed(id: StreamId, master: StreamId) -> u32 {
    u32::try_from(id.ms.saturating_sub(master.ms)).unwrap_or(u32::MAX)
}

/// The milliseconds of a mark.
#[inline]
fn elapsed_in(mark: &Mark) -> u32 {
    (u64::from_be_bytes(*mark) >> 32) as u32
}

/// Marks up to which every eighth is looked at.
const WIDE_MAX: usize = 64;

impl Groups<'_> {
    /// How many there are, in a node with entries.
    pub fn len(&self) -> usize {
        self.marks.len() + 1
    }

    /// Where a group begins.
    #[inline]
    pub fn spot(&self, group: usize) -> Spot {
        let mark = self.marks.len().checked_sub(group).and_then(|at| self.marks.get(at));
        let at = mark.map_or(self.entries_at, |mark| u64::from_be_bytes(*mark) as u32);
        Spot { at, index: group as u32 * STRIDE, before: StreamId::MIN }
    }

    /// The last group that does not begin above an ID, else the first one.
    #[inline]
    pub fn find(&self, view: View, id: StreamId) -> usize {
        let (marks, ms) = (self.marks, elapsed(id, view.master));
        let mut above = if marks.len() <= WIDE_MAX {
            crate::ordered::wide_partition_point(marks.len(), |at| elapsed_in(&marks[at]) > ms)
        } else {
            marks.partition_point(|mark| elapsed_in(mark) > ms)
        };
        // Only entries of the same millisecond have to be looked at themselves.
        if marks.get(above).is_some_and(|mark| elapsed_in(mark) == ms) {
            let id_of = |mark: &Mark| {
                let spot = Spot { at: u64::from_be_bytes(*mark) as u32, index: 0, before: view.master };
                view.read(spot).map(|place| place.id)
            };
            above += marks[above..].partition_point(|mark| elapsed_in(mark) == ms && id_of(mark) > Some(id));
        }
        marks.len() - above
    }
}

/// A walk over the entries of a node from the last to the first, deleted ones included.
#[derive(Clone, Debug)]
pub(super) struct PlacesBack<'a> {
    view: View<'a>,
    groups: Groups<'a>,
    /// Groups that were not read yet.
    left: usize,
    /// What is left of the group that was read last.
    near: [Place; STRIDE as usize],
    near_len: usize,
}

impl<'a> PlacesBack<'a> {
    /// From the end of the first `left` groups on.
    pub fn new(view: View<'a>, groups: Groups<'a>, left: usize) -> Self {
        Self { view, groups, left, near: [Place::default(); _], near_len: 0 }
    }

    /// The last entry.
    #[inline]
    fn peek(&mut self) -> Option<Place> {
        if self.near_len == 0 {
            self.left = self.left.checked_sub(1)?;
            let mut spot = self.groups.spot(self.left);
            for place in &mut self.near {
                let Some(next) = self.view.step(&mut spot) else { break };
                *place = next;
                self.near_len += 1;
            }
        }
        self.near.get(self.near_len.checked_sub(1)?).copied()
    }

    /// Passes over the entries at the end that have a higher ID.
    pub fn seek(&mut self, id: StreamId) {
        while let Some(place) = self.peek()
            && place.id > id
        {
            self.near_len -= 1;
        }
    }

    /// The last entry that is not deleted.
    #[inline]
    pub fn next_live(&mut self) -> Option<Entry<'a>> {
        self.view.live_of(self)
    }
}

impl Iterator for PlacesBack<'_> {
    type Item = Place;

    #[inline]
    fn next(&mut self) -> Option<Place> {
        let place = self.peek()?;
        self.near_len -= 1;
        Some(place)
    }
}
