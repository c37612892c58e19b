//! A value of any type that lives outside its entry: what all of them offer alike, for those who keep, freeze, count and free values.
//!
//! Knows nothing of what the types mean; commands use the types themselves.

use crate::fields::LargeFields;
use crate::list::LargeList;
use crate::near::{Sought, Station};
use crate::set::LargeSet;
use crate::stream::{Stream, StreamTeardown};
use crate::string::Shared;
use crate::zset::LargeZset;
use crate::{block_tree, directory, fields, list, ordered, set, zset};

/// A large value, owned. `Clone` freezes it, in O(1).
#[derive(Clone, Debug)]
pub enum Large {
    /// A string.
    String(Box<Shared>),
    /// A list.
    List(Box<LargeList>),
    /// A set.
    Set(Box<LargeSet>),
    /// A sorted set.
    Zset(Box<LargeZset>),
    /// A hash.
    Hash(Box<LargeFields>),
    /// A stream.
    Stream(Box<Stream>),
}

/// A large value, to look at.
#[derive(Clone, Copy, Debug)]
pub enum LargeRef<'a> {
    /// A string.
    String(&'a Shared),
    /// A list.
    List(&'a LargeList),
    /// A set.
    Set(&'a LargeSet),
    /// A sorted set.
    Zset(&'a LargeZset),
    /// A hash.
    Hash(&'a LargeFields),
    /// A stream.
    Stream(&'a Stream),
}

/// A large value, to change.
#[derive(Debug)]
pub enum LargeMut<'a> {
    /// A string.
    String(&'a mut Shared),
    /// A list.
    List(&'a mut LargeList),
    /// A set.
    Set(&'a mut LargeSet),
    /// A sorted set.
    Zset(&'a mut LargeZset),
    /// A hash.
    Hash(&'a mut LargeFields),
    /// A stream.
    Stream(&'a mut Stream),
}

/// Does the same with whatever type it is.
macro_rules! each {
    ($of:ident, $self:expr, $value:ident => $do:expr) => {
        match $self {
            $of::String($value) => $do,
            $of::List($value) => $do,
            $of::Set($value) => $do,
            $of::Zset($value) => $do,
            $of::Hash($value) => $do,
            $of::Stream($value) => $do,
        }
    };
}

impl Large {
    /// To look at.
    pub fn as_ref(&self) -> LargeRef<'_> {
        match self {
            Large::String(value) => LargeRef::String(value),
            Large::List(value) => LargeRef::List(value),
            Large::Set(value) => LargeRef::Set(value),
            Large::Zset(value) => LargeRef::Zset(value),
            Large::Hash(value) => LargeRef::Hash(value),
            Large::Stream(value) => LargeRef::Stream(value),
        }
    }

    /// What is left to free, in slices; None for a value that is one allocation, which is freed at once.
    pub fn into_teardown(self) -> Option<Teardown> {
        Some(match self {
            Large::String(value) => Teardown::String(value.into_teardown()?),
            Large::List(value) => Teardown::List(value.into_teardown()),
            Large::Set(value) => Teardown::Set(value.into_teardown()),
            Large::Zset(value) => Teardown::Zset(value.into_teardown()),
            Large::Hash(value) => Teardown::Hash(value.into_teardown()),
            Large::Stream(value) => Teardown::Stream(Box::new(value.into_teardown())),
        })
    }
}

impl LargeRef<'_> {
    /// Bytes on the heap, in O(1): nodes, and the head itself. What clones share is counted in each.
    pub fn heap_bytes(self) -> u64 {
        each!(LargeRef, self, value => value.heap_bytes() + size_of_val(value) as u64)
    }

    /// Bytes copied so far because a clone held what was to be changed.
    pub fn copied_bytes(self) -> u64 {
        each!(LargeRef, self, value => value.copied_bytes())
    }

    /// Bytes that clones hold too, estimated from what is near the root, in O(1).
    pub fn shared_bytes_estimate(self) -> u64 {
        match self {
            // A flat string is charged to whoever freezes it.
            LargeRef::String(Shared::Flat(_)) => 0,
            LargeRef::String(Shared::Tree(tree)) => tree.shared_bytes_estimate(),
            LargeRef::List(value) => value.shared_bytes_estimate(),
            LargeRef::Set(value) => value.shared_bytes_estimate(),
            LargeRef::Zset(value) => value.shared_bytes_estimate(),
            LargeRef::Hash(value) => value.shared_bytes_estimate(),
            LargeRef::Stream(value) => value.shared_bytes_estimate(),
        }
    }

    /// Names the cache lines, by an address in each, that a search for this member or field looks at next; see [`crate::near`]. A value
    /// without members has none.
    #[inline]
    pub fn lines_near(self, sought: &mut Sought, line: &mut impl FnMut(*const u8)) {
        match self {
            LargeRef::Set(value) => value.lines_near(sought, line),
            LargeRef::Zset(value) => value.lines_near(sought, line),
            LargeRef::Hash(value) => value.lines_near(sought, line),
            LargeRef::String(_) | LargeRef::List(_) | LargeRef::Stream(_) => sought.station = Station::Done,
        }
    }

    /// A clone, in O(1), to be read through once by a drain and for nothing else: it keeps only what that needs.
    pub fn image(self) -> Large {
        match self {
            LargeRef::Zset(value) => Large::Zset(Box::new(value.image())),
            other => other.freeze(),
        }
    }

    /// A clone, in O(1).
    pub fn freeze(self) -> Large {
        match self {
            LargeRef::String(value) => Large::String(Box::new(value.clone())),
            LargeRef::List(value) => Large::List(Box::new(value.clone())),
            LargeRef::Set(value) => Large::Set(Box::new(value.clone())),
            LargeRef::Zset(value) => Large::Zset(Box::new(value.clone())),
            LargeRef::Hash(value) => Large::Hash(Box::new(value.clone())),
            LargeRef::Stream(value) => Large::Stream(Box::new(value.clone())),
        }
    }
}

impl<'a> LargeMut<'a> {
    /// Only to look at.
    pub fn into_ref(self) -> LargeRef<'a> {
        match self {
            LargeMut::String(value) => LargeRef::String(value),
            LargeMut::List(value) => LargeRef::List(value),
            LargeMut::Set(value) => LargeRef::Set(value),
            LargeMut::Zset(value) => LargeRef::Zset(value),
            LargeMut::Hash(value) => LargeRef::Hash(value),
            LargeMut::Stream(value) => LargeRef::Stream(value),
        }
    }
}

/// A large value being freed.
pub enum Teardown {
    /// A string.
    String(block_tree::Teardown),
    /// A list.
    List(ordered::Teardown<list::ListLeaf>),
    /// A set.
    Set(directory::Teardown<set::SetLeaf>),
    /// A sorted set.
    Zset(zset::ZsetTeardown),
    /// A hash.
    Hash(directory::Teardown<fields::FieldsLeaf>),
    /// A stream, or a part of one.
    Stream(Box<StreamTeardown>),
}

impl Teardown {
    /// Frees about `nodes_max` nodes. Returns true when nothing is left.
    pub fn step(&mut self, nodes_max: usize) -> bool {
        each!(Teardown, self, value => value.step(nodes_max))
    }
}

impl std::fmt::Debug for LargeSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LargeSet({} members)", self.len())
    }
}

impl std::fmt::Debug for LargeFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LargeFields({} fields)", self.len())
    }
}
