//! The server itself.

mod debug;
mod digest;

use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[&debug::DEBUG];
