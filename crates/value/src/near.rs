//! The way to a member of a large collection, so that a batch of searches can ask for the memory of all of them before the first one begins.
//!
//! ```text
//!   Path ──> the place of the leaf in its page    Leaf ──> fragments, lengths    Member ──> the element itself
//! ```
//! Each station is reached through the one before: it is quick to look at when that is near. Changes nothing, and what it names makes no difference but in
//! time.

/// How far a search has been prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Station {
    /// Nothing is near but the top of the tree.
    Path,
    /// The way to the leaf is.
    Leaf,
    /// What the leaf is searched by is.
    Member,
}

impl Station {
    /// All of them, in their order.
    pub const ALL: [Station; 3] = [Station::Path, Station::Leaf, Station::Member];
}

/// A member or field that is about to be looked for.
#[derive(Clone, Copy, Debug)]
pub struct Sought {
    /// Its hash ([`crate::member_hash()`]).
    pub hash: u64,
    /// Whether it will be added, changed or removed.
    pub is_changed: bool,
}
