//! Lists: a flat block while small, a tree of blocks when large, and how Redis names the two.
//!
//! It knows no command and no reply. Which of the two forms a list has is the caller's choice: a small list that outgrows
//! [`packed::BLOCK_MAX`](crate::packed::BLOCK_MAX) has to become large, whatever it is called; the name follows [`Limit`].
//!
//! | Module | Content |
//! |---|---|
//! | `small` | changes of a small list, in place |
//! | `large` | the large list |
//! | `leaf` | its leaves, and which of two forms they have when |
//! | `alphabet` | the short form of a leaf |
//! | `build` | building a large list |
//! | `walk` | walking either from an index, forward and backward, and looking for a text |
//! | `limit` | when a list is called `listpack` and when `quicklist` |

mod alphabet;
mod build;
mod large;
mod leaf;
mod limit;
pub mod small;
#[cfg(test)]
mod tests;
mod walk;

pub use build::ListBuilder;
pub use large::LargeList;
pub use leaf::ListLeaf;
pub use limit::{Encoding, Limit};

use crate::packed::{Element, Packed};

/// One of a list's ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where LPUSH adds.
    Head,
    /// Where RPUSH adds.
    Tail,
}

/// A list to read, in either form.
#[derive(Clone, Copy, Debug)]
pub enum ListRef<'a> {
    /// The bytes of a block.
    Small(&'a [u8]),
    /// A large list.
    Large(&'a LargeList),
}

impl<'a> ListRef<'a> {
    /// Number of elements.
    pub fn len(self) -> u64 {
        match self {
            Self::Small(block) => Packed::new(block).count() as u64,
            Self::Large(list) => list.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Shows the element with an index. `None` if there is none.
    pub fn get<R>(self, index: u64, show: impl FnOnce(Element) -> R) -> Option<R> {
        match self {
            Self::Small(block) => Packed::new(block).element(usize::try_from(index).ok()?).map(show),
            Self::Large(list) => list.get(index, show),
        }
    }

    /// The size of one listpack with all elements if it is at most `max`. Looks at no more leaves than that takes.
    pub fn listpack_len(self, max: usize) -> Option<usize> {
        let len = match self {
            Self::Small(block) => Packed::new(block).listpack_len(),
            Self::Large(list) => return list.listpack_len(max),
        };
        (len <= max).then_some(len)
    }
}
