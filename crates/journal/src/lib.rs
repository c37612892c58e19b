//! The log: one line for each event, in the format that Redis's users and their tools read.
//!
//! It decides nothing about what is worth a line and keeps no lines. All crates may use it; before [`configure`] lines go to
//! standard output, so tests and early start-up need no set-up.
//!
//! ```text
//!   12345:M 20 Nov 2026 19:21:32.123 * Ready to accept connections
//!   pid   role  local time           level: . debug  - verbose  * notice  # warning
//! ```
//!
//! Locks: one reader-writer lock around the set-up, held shared while a line is written. A line is written by one `write`
//! call, so lines of several threads never mix.
//!
//! Faults: a line that cannot be written is lost (there is nowhere to say so); the server goes on.
//!
//! Bounds: a message is cut at [`MESSAGE_BYTES_MAX`]; control characters are escaped, so one event is one line
//! whatever it contains.
#![forbid(unsafe_code)]

mod line;
mod system_log;

use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{PoisonError, RwLock, TryLockError};

pub use line::{Format, Timestamp};
pub use system_log::Facility;

/// Longest message; what is longer is cut.
pub const MESSAGE_BYTES_MAX: usize = 8192;

/// How important a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// A lot, for development.
    Debug = 0,
    /// Many rarely useful lines.
    Verbose = 1,
    /// What one wants in production.
    Notice = 2,
    /// Only what is critical.
    Warning = 3,
    /// As a threshold: log nothing.
    Nothing = 4,
}

/// What the server is at the moment; a letter in every line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// `M`: takes writes.
    Master = 0,
    /// `S`: replicates another server.
    Replica = 1,
    /// `C`: a process that starts the server and ends.
    Starter = 2,
}

/// Where lines go and how they look.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// File to append to, opened anew for each line; [`None`]: standard output.
    pub file: Option<PathBuf>,
    /// Write to `file` or standard output at all (a daemon without a file does not).
    pub silent: bool,
    /// Layout of a line.
    pub format: Format,
    /// Layout of its time.
    pub timestamp: Timestamp,
    /// Also send lines to the system log, under this program name and facility.
    pub system_log: Option<(String, Facility)>,
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Notice as u8);
static ROLE: AtomicU8 = AtomicU8::new(Role::Master as u8);
static SETUP: RwLock<Setup> = RwLock::new(Setup {
    file: None,
    silent: false,
    format: Format::Legacy,
    timestamp: Timestamp::Legacy,
    system_log: None,
});

/// Sets where lines go from now on.
pub fn configure(setup: Setup) {
    *SETUP.write().unwrap_or_else(PoisonError::into_inner) = setup;
}

/// Sets the least important level that is written.
pub fn set_level(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// Sets the role that lines show.
pub fn set_role(role: Role) {
    ROLE.store(role as u8, Ordering::Relaxed);
}

/// True if lines of `level` are written: ask before preparing a costly message.
#[must_use]
pub fn enabled(level: Level) -> bool {
    level as u8 >= LEVEL.load(Ordering::Relaxed)
}

/// Writes one line, if `level` is enabled. The macros [`debug!`], [`verbose!`], [`notice!`] and [`warning!`] call this.
pub fn log(level: Level, message: fmt::Arguments<'_>) {
    if !enabled(level) {
        return;
    }
    let message = message.to_string();
    let message = line::one_line(&message);
    let setup = SETUP.read().unwrap_or_else(PoisonError::into_inner);
    if !setup.silent {
        let stamp = line::stamp(setup.timestamp);
        let line = line::layout(setup.format, std::process::id(), role(), &stamp, level, &message);
        // A lost line must not stop the server, and there is nobody to tell.
        let _ = append(&setup, line.as_bytes());
    }
    if let Some((program, facility)) = &setup.system_log {
        system_log::send(program, *facility, level, &message);
    }
}

/// Writes text as it is, without pid, time and level: banners and crash reports. If the set-up is being changed at this
/// very moment the text goes to standard error; so a crash report never waits for a lock.
pub fn raw(text: &[u8]) {
    let setup = match SETUP.try_read() {
        Ok(setup) => setup,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => {
            let _ = io::stderr().write_all(text);
            return;
        }
    };
    if !setup.silent {
        let _ = append(&setup, text);
    }
}

fn append(setup: &Setup, text: &[u8]) -> io::Result<()> {
    match &setup.file {
        Some(path) => std::fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(text),
        None => {
            let mut out = io::stdout().lock();
            out.write_all(text)?;
            out.flush()
        }
    }
}

fn role() -> Role {
    match ROLE.load(Ordering::Relaxed) {
        1 => Role::Replica,
        2 => Role::Starter,
        _ => Role::Master,
    }
}

/// Logs a line of level debug.
#[macro_export]
macro_rules! debug {
    ($($message:tt)+) => { $crate::log($crate::Level::Debug, ::core::format_args!($($message)+)) };
}

/// Logs a line of level verbose.
#[macro_export]
macro_rules! verbose {
    ($($message:tt)+) => { $crate::log($crate::Level::Verbose, ::core::format_args!($($message)+)) };
}

/// Logs a line of level notice.
#[macro_export]
macro_rules! notice {
    ($($message:tt)+) => { $crate::log($crate::Level::Notice, ::core::format_args!($($message)+)) };
}

/// Logs a line of level warning.
#[macro_export]
macro_rules! warning {
    ($($message:tt)+) => { $crate::log($crate::Level::Warning, ::core::format_args!($($message)+)) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test for all that is global to the process: it would disturb others beside it.
    #[test]
    fn lines_reach_the_file_of_the_moment() {
        let path = std::env::temp_dir().join(format!("evenkeel-journal-{}", std::process::id()));
        let moved = path.with_extension("moved");
        configure(Setup { file: Some(path.clone()), ..Setup::default() });
        set_level(Level::Verbose);
        debug!("too small");
        verbose!("first {}", 1);
        std::fs::rename(&path, &moved).expect("the line made the file");
        set_role(Role::Replica);
        warning!("second\nforged line");
        raw(b"banner\n");
        set_level(Level::Nothing);
        warning!("nobody wants this");
        set_level(Level::Notice);
        set_role(Role::Master);
        configure(Setup::default());
        let first = std::fs::read_to_string(&moved).expect("the first line is there");
        let second = std::fs::read_to_string(&path).expect("the file was made anew");
        let pid = std::process::id();
        assert!(first.starts_with(&format!("{pid}:M ")) && first.ends_with(" - first 1\n"), "{first}");
        assert!(second.starts_with(&format!("{pid}:S ")), "{second}");
        assert!(second.ends_with(" # second\\nforged line\nbanner\n"), "{second}");
        assert_eq!(second.lines().count(), 2);
        for path in [path, moved] {
            std::fs::remove_file(path).expect("removed");
        }
    }
}
