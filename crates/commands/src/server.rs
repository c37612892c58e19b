//! The server: settings, figures, logs, documentation, clocks.

mod command;
mod commandlog;
mod config;
mod debug;
mod digest;
mod info;
mod latency;
mod lolwut;
mod module;
mod monitor;
mod role;
mod slowlog;
mod time;

use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[
    &command::COMMAND,
    &commandlog::COMMANDLOG,
    &self::config::CONFIG,
    &debug::DEBUG,
    &info::INFO,
    &latency::LATENCY,
    &lolwut::LOLWUT,
    &module::MODULE,
    &monitor::MONITOR,
    &role::ROLE,
    &slowlog::SLOWLOG,
    &time::TIME,
];
