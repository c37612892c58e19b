//! Sets: small ones as a sorted block of integers or a packed block, large ones as a directory of members.
//!
//! It knows Redis's rules of encodings, but neither commands nor where a small set's block lies. Small sets are read through
//! [`SetRef`] and changed by the functions of [`small`]; large ones by the methods of [`LargeSet`].
//!
//! The encoding that clients see is separate from the form: a small set's form is its encoding, a large set remembers one. It is
//! `hashtable` unless the configured limits allow more than a block of [`BLOCK_MAX`](crate::packed::BLOCK_MAX) bytes holds;
//! then a large set goes on as the `intset` or `listpack` that it was.
//! The one difference to be seen: members of such an intset come in hash order, not in ascending order.

pub mod intset;
mod large;
pub mod small;
#[cfg(test)]
mod tests;

pub use large::{LargeMembers, LargeSet, SetLeaf};

use crate::directory::Cursor;
use crate::member_hash::member_hash;
use crate::number::parse_i64;
use crate::packed::{self, Element, Packed};
use intset::Intset;

/// What clients are told about a set's encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetEncoding {
    /// Integers only.
    Intset,
    /// Few short members.
    Listpack,
    /// Anything.
    Hashtable,
}

impl SetEncoding {
    /// The name in the reply of OBJECT ENCODING.
    pub fn name(self) -> &'static str {
        match self {
            Self::Intset => "intset",
            Self::Listpack => "listpack",
            Self::Hashtable => "hashtable",
        }
    }
}

/// What the block of a small set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetForm {
    /// Sorted integers: [`intset`].
    Intset,
    /// Elements: [`crate::packed`].
    Listpack,
}

impl SetForm {
    /// The block of an empty set.
    pub fn empty(self) -> Vec<u8> {
        match self {
            Self::Intset => intset::EMPTY.to_vec(),
            Self::Listpack => packed::EMPTY.to_vec(),
        }
    }
}

/// The configured limits of small encodings.
#[derive(Clone, Copy, Debug)]
pub struct SetLimits {
    /// `set-max-intset-entries`
    pub intset_entries_max: u64,
    /// `set-max-listpack-entries`
    pub listpack_entries_max: u64,
    /// `set-max-listpack-value`, in bytes
    pub listpack_value_max: usize,
}

impl SetLimits {
    /// The encoding after a member came to `count` others, the longest of which in question is `longest` bytes long.
    fn listpack_or_hashtable(&self, count: u64, longest: usize) -> SetEncoding {
        if count < self.listpack_entries_max && longest <= self.listpack_value_max {
            SetEncoding::Listpack
        } else {
            SetEncoding::Hashtable
        }
    }
}

/// A set to read.
#[derive(Clone, Copy, Debug)]
pub enum SetRef<'a> {
    /// A block of integers.
    Ints(Intset<'a>),
    /// A packed block.
    Packed(Packed<'a>),
    /// A large set.
    Large(&'a LargeSet),
}

impl<'a> SetRef<'a> {
    /// Views the block of a small set.
    pub fn small(bytes: &'a [u8], form: SetForm) -> Self {
        match form {
            SetForm::Intset => Self::Ints(Intset::new(bytes)),
            SetForm::Listpack => Self::Packed(Packed::new(bytes)),
        }
    }

    /// Number of members.
    pub fn len(self) -> u64 {
        match self {
            Self::Ints(set) => set.len() as u64,
            Self::Packed(set) => set.count() as u64,
            Self::Large(set) => set.len(),
        }
    }

    /// Whether there is no member.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The encoding that clients are told.
    pub fn encoding(self) -> SetEncoding {
        match self {
            Self::Ints(_) => SetEncoding::Intset,
            Self::Packed(_) => SetEncoding::Listpack,
            Self::Large(set) => set.encoding(),
        }
    }

    /// Whether `member` is in the set.
    pub fn contains(self, member: &[u8]) -> bool {
        match self {
            Self::Large(set) => set.contains(member_hash(member), member),
            _ => self.contains_element(Element::of(member)),
        }
    }

    /// Whether a member is in the set whose hash is known: to look for it in many sets.
    pub fn contains_hashed(self, hash: u64, member: &[u8]) -> bool {
        match self {
            Self::Large(set) => set.contains(hash, member),
            _ => self.contains_element(Element::of(member)),
        }
    }

    /// Whether a member of another set is in this one; digits are only written where a hash needs them. Where the other set's
    /// hashes are at hand, [`SetRef::contains_hashed`] is faster.
    pub fn contains_element(self, member: Element) -> bool {
        match (self, member) {
            (Self::Ints(set), Element::Int(value)) => set.contains(value),
            // A set read from elsewhere may hold integers as bytes.
            (Self::Ints(set), Element::Bytes(text)) => {
                parse_i64(text).is_some_and(|value| set.contains(value))
            }
            // The same goes for members of a large set, which are bytes always.
            (Self::Packed(set), Element::Bytes(text)) => {
                set.find(Element::of(text), set.start(), 1).is_some()
            }
            (Self::Packed(set), _) => set.find(member, set.start(), 1).is_some(),
            (Self::Large(set), _) => {
                let mut digits = None;
                let member = member.text(&mut digits);
                set.contains(member_hash(member), member)
            }
        }
    }

    /// The member with a rank in the order of iteration. `None` beyond the end.
    pub fn at_rank(self, rank: u64) -> Option<Element<'a>> {
        match self {
            Self::Ints(set) => set.get(usize::try_from(rank).ok()?).map(Element::Int),
            Self::Packed(set) => set.element(usize::try_from(rank).ok()?),
            Self::Large(set) => set.at_rank(rank).map(Element::Bytes),
        }
    }

    /// All members: integers of a small set in ascending order, else in the order of the block or of hashes. Members of a large set
    /// are bytes even where they spell an integer.
    pub fn iter(self) -> Members<'a> {
        match self {
            Self::Ints(set) => Members::Ints { set, next: 0 },
            Self::Packed(set) => Members::Packed(set.iter()),
            Self::Large(set) => Members::Large(set.iter_hashed()),
        }
    }

    /// All members, each with a hash for [`SetRef::contains_hashed`] of other sets: those of a large set are stored and come
    /// in hash order, so that lookups in other large sets walk through them instead of jumping about.
    pub fn iter_hashed(self) -> impl Iterator<Item = (u64, Element<'a>)> {
        let mut members = self.iter();
        std::iter::from_fn(move || {
            if let Members::Large(large) = &mut members {
                return large.next().map(|(hash, member)| (hash, Element::Bytes(member)));
            }
            let member = members.next()?;
            Some((member_hash(member.text(&mut None)), member))
        })
    }

    /// Shows members from `cursor` on and returns the cursor to go on from: all at once of a small set, at least `count_min` of a
    /// large one, each exactly once.
    pub fn scan(self, cursor: Cursor, count_min: u64, mut show: impl FnMut(Element<'a>)) -> Cursor {
        match self {
            Self::Large(set) => set.scan(cursor, count_min, |member| show(Element::Bytes(member))),
            _ => {
                self.iter().for_each(show);
                0
            }
        }
    }
}

/// The members of a set.
pub enum Members<'a> {
    /// Of a block of integers.
    Ints {
        /// The block.
        set: Intset<'a>,
        /// Index of the next one.
        next: usize,
    },
    /// Of a packed block.
    Packed(packed::Iter<'a>),
    /// Of a large set.
    Large(LargeMembers<'a>),
}

impl<'a> Iterator for Members<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        match self {
            Self::Ints { set, next } => {
                *next += 1;
                set.get(*next - 1).map(Element::Int)
            }
            Self::Packed(iter) => iter.next().map(|(_, element)| element),
            Self::Large(iter) => iter.next().map(|(_, member)| Element::Bytes(member)),
        }
    }
}

/// The order in which to look a member up in several sets, so that most are refused early: the smallest set first. SINTER walks
/// through the first and asks the others; SUNION hashes each member once.
pub fn by_size(sets: &mut [SetRef]) {
    sets.sort_by_key(|set| set.len());
}
