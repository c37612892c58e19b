//! Commands on sorted sets.

use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[];
