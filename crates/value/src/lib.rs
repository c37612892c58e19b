//! Types and encodings of values: the copy-on-write trees behind large ones, and the grammar of numbers.
//!
//! This crate knows no key, no command, no wire format and does no I/O. A value is either small (it lies inside
//! its keyspace entry and only borrowed views of it are seen here) or shared (it lives here, behind reference
//! counts, and freezing it is a clone). There is no unsafe code.
//!
//! | Module | Content |
//! |---|---|
//! | [`bits`] | counting, finding, combining bits; the integers of BITFIELD |
//! | [`block_tree`] | a string of any size as a radix tree of shared blocks |
//! | [`directory`] | the hash-ordered radix directory behind large sets, hashes and member indexes |
//! | [`fields`] | hashes, small and large |
//! | [`hyperloglog`] | Redis's HyperLogLog, which is a string with a layout |
//! | [`large`] | a large value of any type, for those who keep, freeze and free it |
//! | [`list`] | lists, small and large |
//! | [`member_hash`](mod@member_hash) | the hash of members and fields |
//! | [`member_leaf`] | the packed leaf of sets and hashes |
//! | [`near`] | the way to a member of a large collection, for batches of searches |
//! | [`number`] | numbers as Redis reads and prints them |
//! | [`ordered`] | the copy-on-write B+tree with counts behind lists, sorted sets and streams |
//! | [`packed`] | a flat block of short elements: small collections, leaves of lists |
//! | `room` | sizes of nodes' buffers |
//! | [`score_index`] | from a member's hash to its score |
//! | [`set`] | sets, small and large |
//! | [`stream`] | streams: entries, consumer groups, what is pending |
//! | [`string`] | what a string value is, borrowed ([`StrRef`]) and shared ([`Shared`]) |
//! | [`zset`] | sorted sets, small and large |
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod bits;
pub mod block_tree;
pub mod directory;
pub mod fields;
pub mod gaps;
pub mod hyperloglog;
pub mod large;
pub mod list;
pub mod member_hash;
pub mod member_leaf;
pub mod near;
pub mod number;
pub mod ordered;
pub mod packed;
mod room;
pub mod score_index;
pub mod set;
pub mod stream;
pub mod string;
pub mod zset;

pub use block_tree::{BlockTree, SharedSlice};
pub use large::{Large, LargeMut, LargeRef};
pub use member_hash::member_hash;
pub use score_index::ScoreIndex;
pub use stream::{Stream, StreamId};
pub use string::{Shared, StrRef};
