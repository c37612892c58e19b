//! The way to a member of a large collection, so that a batch of searches can ask for the memory of all of them before the first one begins.
//!
//! ```text
//!   Start ──> Child ──> Leaf: fragments, places ──> Member: the element itself ──> Done
//!               │ ^
//!               v │    a level further down
//!              Entry
//! ```
//! Each station is reached through the one before, and quick to look at when that is near. Changes nothing, and what it names makes no difference but in
//! time.

/// How far a search has been prepared. The numbers are those of pages on the way that are near.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Station {
    /// The upper two levels of pages, which are few, are taken to be near.
    Start,
    /// So is a page, but for the entry in it that counts.
    Entry(u8),
    /// And that entry.
    Child(u8),
    /// What the leaf is searched by is near.
    Member,
    /// All of it.
    Done,
}

/// A member or field that is about to be looked for.
#[derive(Clone, Copy, Debug)]
pub struct Sought {
    /// Its hash ([`crate::member_hash()`]).
    pub hash: u64,
    /// Whether it will be added, changed or removed.
    pub is_changed: bool,
    /// How far its search has been prepared.
    pub station: Station,
}

impl Sought {
    /// A member with this hash.
    pub fn new(hash: u64, is_changed: bool) -> Sought {
        Sought { hash, is_changed, station: Station::Start }
    }
}
