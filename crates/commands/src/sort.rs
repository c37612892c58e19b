//! SORT and SORT_RO: the elements of a list, a set or a sorted set in another order.
//!
//! | Module | Content |
//! |---|---|
//! | `declaration` | the two commands |
//! | `options` | what can be asked for, and which keys that names |
//! | `order` | elements with what they are sorted by |
//! | `pattern` | values found through patterns such as `weight_*` and `object_*->name` |
//!
//! Patterns name keys that nobody knows before the elements have been seen. With such a pattern the gate is held exclusively; without, only
//! the stripes of the key and of the destination are.

mod declaration;
mod options;
mod order;
mod pattern;
#[cfg(test)]
mod tests;

use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[&declaration::SORT, &declaration::SORT_RO];
