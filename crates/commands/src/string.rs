//! Strings: bytes of up to `proto-max-bulk-len`, or an integer.

mod deadline;
mod get;
mod set;

pub use deadline::{DeadlineWord, Unit};
use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[&get::GET, &set::SET];
