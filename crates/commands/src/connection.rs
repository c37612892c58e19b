//! The connection: identity, protocol, database.

mod ping;

use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[&ping::PING];
