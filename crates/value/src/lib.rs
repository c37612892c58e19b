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
//! | [`hyperloglog`] | Redis's HyperLogLog, which is a string with a layout |
//! | [`list`] | lists, small and large |
//! | [`ordered`] | the copy-on-write B+tree with counts behind lists, sorted sets and streams |
//! | [`packed`] | a flat block of short elements: small collections, leaves of lists |
//! | [`string`] | what a string value is, borrowed ([`StrRef`]) and shared ([`Shared`]) |
//! | [`number`] | numbers as Redis reads and prints them |
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod bits;
pub mod block_tree;
pub mod hyperloglog;
pub mod list;
pub mod number;
pub mod ordered;
pub mod packed;
pub mod string;

pub use block_tree::{BlockTree, SharedSlice};
pub use string::{Shared, StrRef};
