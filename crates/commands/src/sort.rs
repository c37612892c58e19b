//! Commands on SORT and SORT_RO.

use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[];
