//! Hashes: small ones as a packed block of fields and values, large ones as a directory of fields.
//!
//! It knows Redis's rules of encodings, but neither commands, nor the clock, nor where a small hash's block lies. Small hashes are
//! read through [`FieldsRef`] and changed by the functions of [`small`]; large ones by the methods of [`LargeFields`].
//!
//! ```text
//!   FieldsForm::Listpack     [ field ][ value ]             in the order in which they came
//!   FieldsForm::ListpackEx   [ field ][ value ][ deadline ] in the order of deadlines; without one (0): last
//! ```
//!
//! A small hash whose fields have deadlines stays small, in Redis 8's own layout, so that RDB files need no conversion and the
//! order of fields in replies is the same: in sessions with a few fields each, a large form would cost some 200 bytes more. Expired
//! fields are then those in front. A large hash keeps the earliest deadline of each page beside it, so the earliest of all is
//! known at its root, and a leaf without deadlines pays nothing.
//!
//! The encoding that clients see is separate from the form, as in [`crate::set`].

mod large;
pub mod small;
#[cfg(test)]
mod tests;

pub use large::{FieldsLeaf, LargeFields};

use crate::directory::Cursor;
use crate::member_hash::member_hash;
use crate::member_leaf::{Elements, NO_DEADLINE};
use crate::packed::{self, Element, Packed};

/// What clients are told about a hash's encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldsEncoding {
    /// Few short fields.
    Listpack,
    /// Few short fields, one of which had a deadline.
    ListpackEx,
    /// Anything.
    Hashtable,
}

impl FieldsEncoding {
    /// The name in the reply of OBJECT ENCODING.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listpack => "listpack",
            Self::ListpackEx => "listpackex",
            Self::Hashtable => "hashtable",
        }
    }
}

/// What the block of a small hash holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldsForm {
    /// Fields and values.
    Listpack,
    /// Fields, values and deadlines.
    ListpackEx,
}

impl FieldsForm {
    /// Elements for each field.
    pub fn stride(self) -> usize {
        match self {
            Self::Listpack => 2,
            Self::ListpackEx => 3,
        }
    }

    /// The encoding that a small hash of this form has.
    pub fn encoding(self) -> FieldsEncoding {
        match self {
            Self::Listpack => FieldsEncoding::Listpack,
            Self::ListpackEx => FieldsEncoding::ListpackEx,
        }
    }

    /// Bytes that a deadline occupies at most.
    fn stamp_bytes_max(self) -> usize {
        match self {
            Self::Listpack => 0,
            Self::ListpackEx => Element::Int(i64::MAX).encoded_len(),
        }
    }
}

/// The configured limits of small encodings.
#[derive(Clone, Copy, Debug)]
pub struct FieldsLimits {
    /// `hash-max-listpack-entries`
    pub entries_max: u64,
    /// `hash-max-listpack-value`, in bytes, for fields too
    pub value_max: usize,
}

impl FieldsLimits {
    fn allows(&self, text: &[u8]) -> bool {
        text.len() <= self.value_max
    }
}

/// A field with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name.
    pub field: Element<'a>,
    /// Its value.
    pub value: Element<'a>,
    /// In milliseconds since 1970, or [`NO_DEADLINE`].
    pub deadline: u64,
}

/// The block of a small hash to read.
#[derive(Clone, Copy, Debug)]
pub struct SmallFields<'a> {
    packed: Packed<'a>,
    form: FieldsForm,
}

impl<'a> SmallFields<'a> {
    /// Views a block.
    pub fn new(bytes: &'a [u8], form: FieldsForm) -> Self {
        Self { packed: Packed::new(bytes), form }
    }

    /// The elements of the block.
    pub fn packed(self) -> Packed<'a> {
        self.packed
    }

    /// Its form.
    pub fn form(self) -> FieldsForm {
        self.form
    }

    /// Number of fields.
    pub fn len(self) -> u64 {
        (self.packed.count() / self.form.stride()) as u64
    }

    /// Whether there is no field.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Position of a field.
    fn find(self, field: Element) -> Option<usize> {
        self.packed.find(field, self.packed.start(), self.form.stride())
    }

    /// Positions of all fields.
    fn positions(self) -> impl Iterator<Item = usize> + 'a {
        let stride = self.form.stride();
        self.packed.iter().map(|(at, _)| at).step_by(stride)
    }

    /// The deadline of the field at a position.
    fn deadline_at(self, at: usize) -> u64 {
        if self.form == FieldsForm::Listpack {
            return NO_DEADLINE;
        }
        let at = self.packed.after(at).and_then(|at| self.packed.after(at));
        deadline_of(at.and_then(|at| self.packed.get(at)))
    }

    /// A field with value and deadline.
    pub fn get(self, field: Element) -> Option<Field<'a>> {
        self.at(self.find(field)?)
    }

    fn at(self, at: usize) -> Option<Field<'a>> {
        let value = self.packed.get(self.packed.after(at)?)?;
        Some(Field { field: self.packed.get(at)?, value, deadline: self.deadline_at(at) })
    }

    /// All fields in the order of the block.
    pub fn iter(self) -> SmallIter<'a> {
        SmallIter { elements: self.packed.iter(), form: self.form }
    }
}

fn deadline_of(stamp: Option<Element>) -> u64 {
    match stamp {
        Some(Element::Int(stamp)) if stamp > 0 => stamp as u64,
        _ => NO_DEADLINE,
    }
}

/// The fields of a small hash.
pub struct SmallIter<'a> {
    elements: packed::Iter<'a>,
    form: FieldsForm,
}

impl<'a> Iterator for SmallIter<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let (_, field) = self.elements.next()?;
        let (_, value) = self.elements.next()?;
        let deadline = match self.form {
            FieldsForm::Listpack => NO_DEADLINE,
            FieldsForm::ListpackEx => deadline_of(self.elements.next().map(|(_, stamp)| stamp)),
        };
        Some(Field { field, value, deadline })
    }
}

/// A hash to read. Fields past their deadlines are shown like others: compare with the clock, or take them out first.
#[derive(Clone, Copy, Debug)]
pub enum FieldsRef<'a> {
    /// A packed block.
    Small(SmallFields<'a>),
    /// A large hash.
    Large(&'a LargeFields),
}

impl<'a> FieldsRef<'a> {
    /// Views the block of a small hash.
    pub fn small(bytes: &'a [u8], form: FieldsForm) -> Self {
        Self::Small(SmallFields::new(bytes, form))
    }

    /// Number of fields.
    pub fn len(self) -> u64 {
        match self {
            Self::Small(small) => small.len(),
            Self::Large(large) => large.len(),
        }
    }

    /// Whether there is no field.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The encoding that clients are told.
    pub fn encoding(self) -> FieldsEncoding {
        match self {
            Self::Small(small) => small.form.encoding(),
            Self::Large(large) => large.encoding(),
        }
    }

    /// The value of a field.
    pub fn get(self, field: &[u8]) -> Option<Element<'a>> {
        match self {
            Self::Small(small) => small.get(Element::of(field)).map(|found| found.value),
            Self::Large(large) => large.get(member_hash(field), field).map(Element::Bytes),
        }
    }

    /// Whether there is such a field.
    pub fn contains(self, field: &[u8]) -> bool {
        self.deadline(field).is_some()
    }

    /// The deadline of a field, [`NO_DEADLINE`] if it has none. `None` if there is no such field.
    pub fn deadline(self, field: &[u8]) -> Option<u64> {
        match self {
            Self::Small(small) => small.find(Element::of(field)).map(|at| small.deadline_at(at)),
            Self::Large(large) => large.deadline(member_hash(field), field),
        }
    }

    /// Earliest deadline of a field, [`NO_DEADLINE`] if none has one. O(1).
    pub fn earliest(self) -> u64 {
        match self {
            // They are in order.
            Self::Small(small) => small.deadline_at(small.packed.start()),
            Self::Large(large) => large.earliest(),
        }
    }

    /// The field with a rank in the order of iteration. `None` beyond the end.
    pub fn at_rank(self, rank: u64) -> Option<Field<'a>> {
        match self {
            Self::Small(small) => {
                let index = usize::try_from(rank).ok()?.checked_mul(small.form.stride())?;
                small.at(small.packed.position(index)?)
            }
            Self::Large(large) => large.at_rank(rank).map(Field::from),
        }
    }

    /// All fields: in the order of the block, or of hashes. Texts of a large hash are bytes even where they spell an integer.
    pub fn iter(self) -> FieldsIter<'a> {
        match self {
            Self::Small(small) => FieldsIter::Small(small.iter()),
            Self::Large(large) => FieldsIter::Large(large.iter()),
        }
    }

    /// Shows fields from `cursor` on and returns the cursor to go on from: all at once of a small hash, at least `count_min` of a
    /// large one, each exactly once.
    pub fn scan(self, cursor: Cursor, count_min: u64, mut show: impl FnMut(Field<'a>)) -> Cursor {
        match self {
            Self::Small(small) => {
                small.iter().for_each(show);
                0
            }
            Self::Large(large) => large.scan(cursor, count_min, |item| show(item.into())),
        }
    }
}

impl<'a> From<crate::member_leaf::Item<'a, 2>> for Field<'a> {
    fn from(item: crate::member_leaf::Item<'a, 2>) -> Self {
        let [field, value] = item.parts;
        Self { field: Element::Bytes(field), value: Element::Bytes(value), deadline: item.deadline }
    }
}

/// The fields of a hash.
pub enum FieldsIter<'a> {
    /// Of a packed block.
    Small(SmallIter<'a>),
    /// Of a large hash.
    Large(Elements<'a, 2>),
}

impl<'a> Iterator for FieldsIter<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        match self {
            Self::Small(iter) => iter.next(),
            Self::Large(iter) => iter.next().map(Field::from),
        }
    }
}
