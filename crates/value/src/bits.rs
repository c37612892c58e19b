//! Bits of strings: counting and finding them, combining whole strings, and integers of any width at any bit.
//!
//! Bit 0 is the most significant one of byte 0, as everywhere in Redis. It knows no command and no limit on a string's size.
//!
//! | Module | Content |
//! |---|---|
//! | `search` | BITCOUNT and BITPOS over a range of bits |
//! | `combine` | BITOP over any number of strings |
//! | `field` | BITFIELD's integers |
//!
//! Cost: a hole of a tree is passed over in one step by counting, finding and (if every source has it) combining.
//! Tested against bit-by-bit models in each module, and against live servers by the commands' tests.

mod combine;
mod field;
mod search;

pub use combine::{Operation, combine};
pub use field::{FIELD_BYTES, FieldType, Overflow};
pub use search::{count_in, count_ones, find_first, find_in};
