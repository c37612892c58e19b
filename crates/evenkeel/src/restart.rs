//! Starts the program anew, once, before it has data or threads: to get a name of its own, or to go into the background.
//!
//! It never forks. A new name is an `execve` of ourselves; the background is a process made by `posix_spawn` (which glibc does
//! with `CLONE_VM | CLONE_VFORK`: nothing is copied), which then makes itself leader of a new session.
//!
//! ```text
//!   first start: arguments read, configuration checked, errors on the terminal
//!     | daemonize yes: spawn anew, end with 0          | else, if a title is wanted: exec anew
//!     v                                                v
//!   second start: EVENKEEL_START=background            second start: EVENKEEL_START=titled
//!     setsid, serve                                      serve
//! ```
//!
//! The second start has its title as argument zero and no other arguments, so `ps` shows the title and no password; the
//! true arguments come in `EVENKEEL_ARGUMENTS`, quoted as in a configuration line. It is read in full before anything else.
//! If starting anew fails the first start goes on without the title; only `daemonize` cannot do without.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

const START: &str = "EVENKEEL_START";
const ARGUMENTS: &str = "EVENKEEL_ARGUMENTS";

/// Longest list of arguments that is handed on: one variable of the environment may have 128 KB.
const ARGUMENTS_BYTES_MAX: usize = 100 * 1024;

/// Which start this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// By the user.
    First,
    /// By ourselves, to have a title.
    Titled,
    /// By ourselves, to be in the background.
    Background,
}

/// The arguments, argument zero first, and which start this is.
pub(crate) fn arguments() -> (Start, Vec<OsString>) {
    let start = match std::env::var_os(START).as_deref().map(OsStr::as_bytes) {
        Some(b"titled") => Start::Titled,
        Some(b"background") => Start::Background,
        _ => Start::First,
    };
    let handed_on = std::env::var_os(ARGUMENTS).and_then(|line| config::words::split(line.as_bytes()));
    match handed_on {
        Some(words) if start != Start::First => (start, words.into_iter().map(OsString::from_vec).collect()),
        _ => (Start::First, std::env::args_os().collect()),
    }
}

/// Becomes the same program with `title` as its name. Only returns if that is not possible.
pub(crate) fn with_title(title: &str, arguments: &[OsString]) {
    if let Some(mut command) = anew("titled", title, arguments) {
        // It returns only on failure, and then life goes on without a title.
        let _ = command.exec();
    }
}

/// Starts the same program in the background, handing `stdin` on to it. Returns its process id.
pub(crate) fn in_background(
    title: &str,
    arguments: &[OsString],
    stdin: Option<&[u8]>,
) -> std::io::Result<u32> {
    let Some(mut command) = anew("background", title, arguments) else {
        return Err(std::io::Error::other("the program's own file or its arguments cannot be handed on"));
    };
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.spawn()?;
    if let (Some(mut pipe), Some(text)) = (child.stdin.take(), stdin) {
        pipe.write_all(text)?;
    }
    Ok(child.id())
}

/// The second start in the background: leaves the terminal's session.
pub(crate) fn leave_session() {
    // It fails only for a process that leads a group already, which has left it then.
    let _ = rustix::process::setsid();
}

fn anew(start: &str, title: &str, arguments: &[OsString]) -> Option<Command> {
    let program = std::env::current_exe().ok()?;
    let mut line = Vec::new();
    for argument in arguments {
        config::words::quote(argument.as_bytes(), &mut line);
        line.push(b' ');
    }
    if line.len() > ARGUMENTS_BYTES_MAX {
        return None;
    }
    let mut command = Command::new(program);
    command.arg0(title).env(START, start).env(ARGUMENTS, OsString::from_vec(line));
    Some(command)
}
