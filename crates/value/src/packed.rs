//! A flat sequence of short elements in one block of bytes: the body of every small collection and of a list's leaf.
//!
//! The elements are encoded exactly as in a listpack, so a block becomes one by adding its header and its end byte. What the elements
//! mean (fields and values, members and scores), how many are too many, and where the block lies is the caller's affair.
//!
//! ```text
//!   block     [ count u16 ][ element ][ element ] ...
//!   element   [ encoding, length ][ data ][ back length ]
//!   listpack  [ bytes u32 ][ count u16 ][ element ][ element ] ... [ 0xFF ]
//!
//!   0xxxxxxx                7-bit unsigned integer      10xxxxxx             string of up to 63 bytes
//!   110xxxxx x8             13-bit signed integer       1110xxxx x8          string of up to 4095 bytes
//!   F1 x16, F2 x24, F3 x32, F4 x64  signed integers     F0 x32               string of any length
//! ```
//! Integers of 16 bits and more are little endian; the length of 12 bits and the 13-bit integer are big endian. The
//! back length is the size of what precedes it, in 1 to 5 bytes of 7 bits, to be read backwards.
//!
//! Invariants ([`validate`] checks them; every function here keeps them):
//!  1. The count is the number of elements; they fill the block to its last byte.
//!  2. A back length is that of its element, in as many bytes as a listpack would have.
//!  3. A text that is a strictly spelled 64-bit integer is stored as that integer ([`Element::of`] sees to it), so equal elements
//!     compare equal without their digits being printed.
//!
//! A position is the offset of an element's first byte in the block, or the block's length for "behind the last".
//! Bytes that break the invariants cause no panic when read: a walk ends early.
//!
//! Bounds: a block has at most [`COUNT_MAX`] elements; what is kept in an entry is at most [`BLOCK_MAX`] bytes long.

mod bare;
mod element;
mod modify;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use bare::Bare;
pub(crate) use element::{BackLength, Scratch, decode, put_text_around, text_encoded_len, text_header};
pub use element::{Digits, Element};
pub use modify::{
    extend, insert, insert_all, push_back, push_front, remove, remove_between, replace, replace_all,
};
pub use read::{Damage, Iter, Packed, from_listpack, validate, validate_listpack};

/// Size from which a small collection has to become a large one, whatever its thresholds say. Bounds the bytes that one insertion
/// moves and a snapshot encodes under a stripe's lock.
pub const BLOCK_MAX: usize = 8 * 1024;

/// Most elements of a block. Callers stop far below it ([`BLOCK_MAX`]).
pub const COUNT_MAX: usize = u16::MAX as usize;

/// Bytes before the first element.
pub const HEADER: usize = 2;

/// Bytes that a listpack has in addition to its elements.
pub const LISTPACK_OVERHEAD: usize = 7;

/// A block without elements.
pub const EMPTY: [u8; HEADER] = [0; HEADER];

/// Bytes that grow and shrink in place: a vector, or the value inside a keyspace entry.
pub trait Block {
    /// All bytes.
    fn bytes(&self) -> &[u8];

    /// All bytes, for changing in place.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// Replaces `remove` bytes at `at` by `insert`. The range must lie inside the block.
    fn splice(&mut self, at: usize, remove: usize, insert: &[u8]);
}

impl Block for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }

    /// Grows to the next of the allocator's size classes rather than by doubling, and gives memory back when a
    /// third is unused.
    fn splice(&mut self, at: usize, remove: usize, insert: &[u8]) {
        let old = self.len();
        let new = old - remove + insert.len();
        if new > old {
            if new > self.capacity() {
                self.reserve_exact(size_class(new) - old);
            }
            self.resize(new, 0);
            self.copy_within(at + remove..old, at + insert.len());
        } else if new < old {
            self.copy_within(at + remove..old, at + insert.len());
            self.truncate(new);
            if self.capacity() > 64 && new < self.capacity() / 3 * 2 {
                self.shrink_to(size_class(new));
            }
        }
        self[at..at + insert.len()].copy_from_slice(insert);
    }
}

/// The size that the allocator hands out for a request of `bytes`: steps of 8 to 128, then 4 steps for each doubling.
pub const fn size_class(bytes: usize) -> usize {
    if bytes <= 128 {
        return (bytes + 7) & !7;
    }
    // The step is an eighth of the next power of two at or above `bytes`.
    let step = bytes.next_power_of_two() / 8;
    bytes.div_ceil(step) * step
}
