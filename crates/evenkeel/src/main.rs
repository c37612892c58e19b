//! The one binary: reads its arguments and settings, prepares the process, and serves.
//!
//! It holds no data and executes no command. `main` decides what was asked for, `start` prepares, [`serve`] is where the
//! engine is wired in; the exit status is decided here and nowhere else.
#![forbid(unsafe_code)]

mod banner;
mod crash_report;
mod invocation;
mod limits;
mod listen;
mod log_setup;
mod pidfile;
mod restart;
mod saving;
mod serve;
mod shell;
mod signals;
mod supervisor;
mod system_check;
mod title;

use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use config::{CommandLine, Config, LoadError, Loader, Supervision};

use crate::invocation::{Name, VERSION};
use crate::restart::Start;
use crate::shell::Shell;

#[global_allocator]
static ALLOCATOR: keyspace::Allocator = keyspace::Allocator;

fn main() -> ExitCode {
    let (start_kind, arguments) = restart::arguments();
    let (zero, rest) = match arguments.split_first() {
        Some((zero, rest)) => (zero.clone(), rest.to_vec()),
        None => (OsString::from("evenkeel"), Vec::new()),
    };
    let name = Name::of(&zero);
    match config::parse_command_line(&rest) {
        CommandLine::Version => {
            println!("{}", name.version());
            ExitCode::SUCCESS
        }
        CommandLine::Help => {
            eprint!("{}", invocation::help(&zero.to_string_lossy()));
            ExitCode::FAILURE
        }
        CommandLine::TestMemory => {
            eprintln!("This program does not test memory. Use memtester, or memtest86+ at the next boot.");
            ExitCode::FAILURE
        }
        CommandLine::CheckSystem => {
            let (findings, well) = system_check::check_system();
            print!("{findings}");
            if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        CommandLine::Sentinel => {
            eprintln!(
                "This server is no Sentinel. Stock redis-sentinel and valkey-sentinel are separate programs."
            );
            ExitCode::FAILURE
        }
        CommandLine::Serve { file, stdin, options } => {
            start(name, start_kind, &arguments, file.as_deref(), stdin, &options)
        }
    }
}

/// Loads the configuration, starts the program anew where that is needed, prepares the process and serves.
fn start(
    name: Name,
    start: Start,
    arguments: &[OsString],
    file: Option<&Path>,
    stdin: bool,
    options: &[u8],
) -> ExitCode {
    if start == Start::Background {
        restart::leave_session();
    }
    let more = stdin.then(read_stdin);
    let loaded = match Loader::load(file, more.as_deref(), options) {
        Ok(loaded) => loaded,
        Err(error) => return refuse(&error),
    };
    let config = Config::from(&loaded.settings);
    if start == Start::First {
        let program = arguments.first().map(|zero| zero.to_string_lossy().into_owned()).unwrap_or_default();
        let title = match config.process.set_title {
            true => title::title(&config, &program, loaded.file.as_deref()),
            false => program,
        };
        // A supervisor wants the process that it started; under one there is no going into the background.
        if config.process.daemonize && config.process.supervised == Supervision::No {
            return match restart::in_background(&title, arguments, more.as_deref()) {
                Ok(_) => ExitCode::SUCCESS,
                Err(error) => fatal(&format!("Can't start in the background: {error}")),
            };
        }
        // Standard input has been read; the next start could not read it again.
        if config.process.set_title && !stdin {
            restart::with_title(&title, arguments);
        }
    }
    let given = file.is_some() || stdin || !options.is_empty();
    match Shell::prepare(loaded, name, start, given) {
        Ok(shell) => serve::serve(&shell),
        Err(reason) => fatal(&reason),
    }
}

fn read_stdin() -> Vec<u8> {
    journal::warning!("Reading config from stdin");
    let mut text = Vec::new();
    // What could be read counts, as with redis-server; a line cut off in the middle is an error of its own.
    let _ = std::io::stdin().lock().take(config::TEXT_BYTES_MAX).read_to_end(&mut text);
    text
}

fn refuse(error: &LoadError) -> ExitCode {
    match error {
        LoadError::Unreadable { .. } => journal::warning!("{error}"),
        LoadError::Invalid { .. } => eprint!("{}", error.report("Evenkeel", VERSION)),
    }
    ExitCode::FAILURE
}

fn fatal(reason: &str) -> ExitCode {
    journal::warning!("{reason}");
    ExitCode::FAILURE
}
