//! Commands on geospatial indexes, which are sorted sets.

use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[];
