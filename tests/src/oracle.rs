//! The differential oracle: the same commands to two servers, replies compared byte for byte.
//!
//! ```text
//!   table      what can be sent: a grammar for each command, and how its replies are compared
//!   lists      rows of the list commands and of SORT
//!   zsets      rows of the sorted sets and of places
//!   generate   random requests from the table, biased to edges
//!   compare    normalises what may differ (clocks, orders) and nothing else
//!   differ     runs rounds on two servers, finds the first difference, shrinks the sequence
//!   allowed    known differences between versions, each with its reason
//! ```
//!
//! It knows nothing about either server but its address. Both start each round empty; requests go to both one
//! by one, so there is no race to excuse a difference.

pub mod allowed;
pub mod compare;
pub mod differ;
pub mod generate;
mod groups;
mod hashes;
pub mod lists;
mod sets;
mod streams;
pub mod table;
pub mod zsets;

pub use differ::{Difference, Oracle};
