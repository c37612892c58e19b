//! Commands on streams.

mod arguments;
mod place;
mod reply;
mod xlen;

use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[&xlen::XLEN];
