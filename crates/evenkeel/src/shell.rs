//! The process around the server: everything between the start of the program and the start of the engine, and after its end.
//!
//! It does not serve: `serve` in `main` does, with a [`Shell`] in its hands.
//!
//! Order at start: working directory, log, crash reports, banner and notes, limit of open files, score, pid file, signals. What
//! a CONFIG SET changes of these is carried out by [`ProcessApplier`].

use std::path::Path;
use std::sync::Arc;

use config::{Applier, ApplyError, Change, Config, Live, Loaded, Note, Supervision};

use crate::invocation::{Name, PROGRAM};
use crate::limits::{self, OomScore};
use crate::pidfile::PidFile;
use crate::restart::Start;
use crate::signals::SignalWatch;
use crate::supervisor::Supervisor;
use crate::{banner, crash_report, log_setup};

/// A process that is ready to serve.
pub(crate) struct Shell {
    /// Settings.
    pub(crate) live: Arc<Live>,
    /// Signals that ask for the end.
    pub(crate) signals: SignalWatch,
    /// Who wants to hear about readiness.
    pub(crate) supervisor: Supervisor,
    /// Removed with the shell.
    _pidfile: Option<PidFile>,
    /// The main thread's stack for crash reports.
    _guard: crash::ThreadGuard,
}

impl Shell {
    /// Prepares the process. `files` is true if any configuration was given.
    ///
    /// # Errors
    /// A line for the log: the process cannot go on.
    pub(crate) fn prepare(loaded: Loaded, name: Name, start: Start, files: bool) -> Result<Shell, String> {
        let notes = loaded.notes.clone();
        let live = Arc::new(Live::new(loaded));
        let config = live.load();
        let dir = &config.snapshot.dir;
        std::env::set_current_dir(dir)
            .map_err(|error| format!("Can't chdir to '{}': {error}", dir.display()))?;
        log_setup::apply(&config, start == Start::Background);
        crash_report::install(&live);
        let guard = crash::guard_thread();
        banner::starting();
        say_configuration(files, &notes);
        let supervisor = Supervisor::find(config.process.supervised);
        if config.process.supervised == Supervision::Systemd && config.process.daemonize {
            journal::notice!("daemonize is ignored: the server is supervised");
        }
        let fit = limits::fit_open_files(config.network.clients_max);
        if fit < config.network.clients_max {
            limits::warn_of_fewer_clients(config.network.clients_max, fit);
            live.lower_clients_max(fit);
        }
        let score = OomScore::default();
        if let Err(error) = score.set(&config) {
            journal::warning!("{error}");
        }
        let pidfile = match (&config.process.pidfile, start) {
            (Some(path), _) => PidFile::write(path),
            (None, Start::Background) => PidFile::write(Path::new(name.default_pidfile())),
            (None, _) => None,
        };
        let signals =
            SignalWatch::install().map_err(|error| format!("Can't install signal handlers: {error}"))?;
        live.add_applier(Box::new(ProcessApplier { score, background: start == Start::Background }));
        banner::running(&config);
        Ok(Shell { live, signals, supervisor, _pidfile: pidfile, _guard: guard })
    }

    /// Listeners and threads are there; loading may begin. Redis's test-suite waits for this line.
    pub(crate) fn initialized(&self) {
        journal::notice!("Server initialized");
        self.supervisor.status("Loading");
    }

    /// The server accepts connections: says so to the log and to the supervisor.
    pub(crate) fn ready(&self) {
        let network = &self.live.load().network;
        if network.port != 0 {
            journal::notice!("Ready to accept connections tcp");
        }
        if network.unix_socket.is_some() {
            journal::notice!("Ready to accept connections unix");
        }
        self.supervisor.ready();
    }
}

fn say_configuration(files: bool, notes: &[Note]) {
    if files {
        journal::notice!("Configuration loaded");
    } else {
        journal::warning!(
            "Warning: no config file specified, using the default config. In order to specify a config file use \
             {} /path/to/evenkeel.conf",
            PROGRAM.split(' ').next().unwrap_or(PROGRAM).to_lowercase()
        );
    }
    say_notes(notes);
}

/// Logs what values do less here than elsewhere. Also for the notes of a CONFIG SET.
pub(crate) fn say_notes(notes: &[Note]) {
    for note in notes {
        journal::notice!("Option {}: {}", note.option, note.text);
    }
}

/// Carries out changes of options about the process.
struct ProcessApplier {
    score: OomScore,
    background: bool,
}

impl Applier for ProcessApplier {
    fn apply(&self, change: &Change<'_>) -> Result<(), ApplyError> {
        let new: &Config = change.new;
        if change.touches("maxclients") {
            let asked = new.network.clients_max;
            let fit = limits::fit_open_files(asked);
            if fit < asked {
                let reason = format!(
                    "The operating system is not able to handle the specified number of clients, try with {fit}"
                );
                return Err(ApplyError { option: "maxclients", reason });
            }
        }
        if change.touches("dir") {
            std::env::set_current_dir(&new.snapshot.dir)
                .map_err(|error| ApplyError { option: "dir", reason: error.to_string() })?;
        }
        if change.touches_any(&["oom-score-adj", "oom-score-adj-values"]) {
            self.score.set(new).map_err(|_| ApplyError {
                option: "oom-score-adj",
                reason: "Failed to apply new oom_score_adj configuration, check server logs.".into(),
            })?;
        }
        if change.touches_any(&["loglevel", "log-format", "log-timestamp-format"]) {
            log_setup::apply(new, self.background);
        }
        if change.touches("crash-log-enabled") {
            crash::set_enabled(new.process.crash_log);
        }
        Ok(())
    }
}
