//! Serving: the engine is built from the settings, the reactors run, and the end is decided here.
//!
//! ```text
//!   settings ──> keyspace, command table ──> Engine ──> a Worker for each reactor thread
//!                                                          ^ listeners on the first
//!   signals, SHUTDOWN ──> this thread ──> stops the reactors ──> exit status
//! ```

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use config::{Applier, ApplyError, Change, Config, ReactorChoice};
use engine::figures::Samples;
use engine::mailbox::Message;
use engine::{CommandTable, Ending, Engine, Persistence, Worker};
use keyspace::{Keyspace, Options, WorkerId};
use net::{Reactor, ReactorKind};
use persistence::LoadError;

use crate::listen::{self, ListenApplier};
use crate::saving::{Saving, is_cancelled};
use crate::shell::Shell;
use crate::signals::Termination;

/// Workers beside the reactors: the thread that loads and saves.
const OTHER_WORKERS: usize = 1;

/// How often this thread looks whether a signal has come.
const SIGNAL_CHECK: Duration = Duration::from_millis(50);

/// Serves until a signal or a command ends the server.
pub(crate) fn serve(shell: &Shell) -> ExitCode {
    match start(shell) {
        Ok(server) => server.run(shell),
        Err(reason) => {
            journal::warning!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// A server whose reactors run.
struct Server {
    engine: Arc<Engine>,
    saving: Arc<Saving>,
    /// Endings that clients and signals ask for.
    endings: Receiver<Ending>,
    /// This thread, when it enters the gate.
    worker: WorkerId,
    threads: Vec<JoinHandle<()>>,
}

fn start(shell: &Shell) -> Result<Server, String> {
    let config = shell.live.load();
    let reactors = config.threads.reactors;
    // Before much memory is touched. Where the kernel refuses, it hands them out as on any other system.
    if config.memory.disable_thp && !keyspace::huge::only_where_advised() && !config.memory.huge_pages {
        keyspace::huge::nowhere();
    }
    let keyspace = Arc::new(Keyspace::new(Options {
        stripes: config.threads.stripes,
        databases: config.threads.databases,
        workers: reactors + OTHER_WORKERS,
    }));
    keyspace::set_background_thread(true);
    keyspace::huge::set(config.memory.huge_pages);
    shell.live.add_applier(Box::new(HugePagesApplier));
    let mut table = CommandTable::new(commands::all());
    for rename in &config.security.renames {
        table.rename(&rename.from, rename.to.as_deref())?;
    }
    let (asked, endings) = channel();
    let saving = Arc::new(Saving::new(Arc::clone(&keyspace), &config, asked));
    let engine = Arc::new(Engine::new(keyspace, Arc::clone(&shell.live), table, reactors));
    saving.attach(&engine);
    let _ = engine.persistence.set(Arc::clone(&saving) as Arc<dyn Persistence>);
    shell
        .live
        .add_applier(Box::new(SavingApplier { saving: Arc::clone(&saving), engine: Arc::clone(&engine) }));
    // Until the file is loaded; commands that may not run meanwhile are told so.
    engine.set_loading(true);
    let listeners = listen::all(&config)?;
    let mut group = Reactor::group(reactor_config(&config), reactors)
        .map_err(|e| format!("Can't start reactors: {e}"))?;
    shell.live.add_applier(Box::new(ListenApplier::new(group[0].handle(), listeners.clone())));
    group[0].listen(listeners);
    if let Some(reason) = group[0].fallback_reason() {
        journal::notice!("io_uring is not available here ({reason}): using epoll");
    }
    let _ = engine.run.reactor.set(match group[0].kind() {
        ReactorKind::Epoll => "epoll",
        _ => "io_uring",
    });
    for (reactor, share) in group.iter().zip(&engine.workers) {
        share.mailbox.attach(reactor.handle());
    }
    Samples::keep_taking(&engine).map_err(|e| format!("Can't start a thread: {e}"))?;
    shell.initialized();
    let threads =
        group.into_iter().enumerate().map(|(id, reactor)| run_reactor(&engine, id, reactor)).collect();
    Ok(Server { engine, saving, endings, worker: WorkerId(reactors), threads })
}

/// Switches the joining of pages on and off.
struct HugePagesApplier;

impl Applier for HugePagesApplier {
    fn apply(&self, change: &Change<'_>) -> Result<(), ApplyError> {
        keyspace::huge::set(change.new.memory.huge_pages);
        Ok(())
    }
}

/// Tells saving about changed options, and has it judged at once whether writes are refused from here on.
struct SavingApplier {
    saving: Arc<Saving>,
    engine: Arc<Engine>,
}

impl Applier for SavingApplier {
    fn apply(&self, change: &Change<'_>) -> Result<(), ApplyError> {
        self.saving.set_config(change.new);
        self.engine.judge_trouble();
        Ok(())
    }
}

fn run_reactor(engine: &Arc<Engine>, id: usize, reactor: Reactor) -> JoinHandle<()> {
    let worker = Worker::new(Arc::clone(engine), WorkerId(id));
    let run = move || {
        let _guard = crash::guard_thread();
        keyspace::pause_in_arena();
        if let Err(error) = reactor.run(worker) {
            journal::warning!("A reactor failed: {error}");
            std::process::exit(1);
        }
    };
    // The system refused a thread at start-up: there is no server without its reactors.
    std::thread::Builder::new().name(format!("reactor-{id}")).spawn(run).expect("a thread for a reactor")
}

fn reactor_config(config: &Config) -> net::Config {
    let kind = match config.threads.reactor {
        ReactorChoice::Auto => ReactorKind::Auto,
        ReactorChoice::IoUring => ReactorKind::IoUring,
        ReactorChoice::Epoll => ReactorKind::Epoll,
    };
    net::Config { kind, ..net::Config::default() }
}

/// The end that a signal asks for.
fn signalled(shell: &Shell) -> Option<Ending> {
    let termination = shell.signals.terminations.try_recv().ok()?;
    let config = shell.live.load();
    let flags = match termination {
        Termination::Interrupt => config.shutdown.on_sigint,
        Termination::Terminate => config.shutdown.on_sigterm,
    };
    let save = if flags.save() { Some(true) } else { flags.nosave().then_some(false) };
    Some(Ending { save, force: flags.force(), client: None })
}

impl Server {
    fn run(self, shell: &Shell) -> ExitCode {
        match self.load(shell) {
            Ok(None) => {
                shell.ready();
                self.serve(shell);
            }
            // What is in memory is a part of what is on disk: there is nothing to save.
            Ok(Some(ending)) => {
                let _ = self.end(shell, Ending { save: Some(false), ..ending });
            }
            Err(error) => {
                journal::warning!("Fatal error loading the DB, check server logs. Exiting: {error}");
                return ExitCode::FAILURE;
            }
        }
        journal::notice!("Evenkeel is now ready to exit, bye bye...");
        ExitCode::SUCCESS
    }

    /// Until the end.
    fn serve(&self, shell: &Shell) {
        loop {
            let ending = self.next_ending(shell);
            if self.end(shell, ending) {
                break;
            }
            shell.signals.not_ending();
        }
    }

    /// Loads the file, unless it is told to end meanwhile.
    fn load(&self, shell: &Shell) -> Result<Option<Ending>, LoadError> {
        let mut ending = None;
        shell.signals.set_loading(true);
        let loaded = self.saving.load(self.worker, &mut || {
            ending = signalled(shell).or_else(|| self.endings.try_recv().ok());
            ending.is_some()
        });
        shell.signals.set_loading(false);
        let loaded = match loaded {
            Err(LoadError::GivenUp) => return Ok(ending),
            loaded => loaded?,
        };
        if loaded.found {
            let empty = match loaded.empty {
                0 => String::new(),
                empty => format!(", empty keys skipped: {empty}"),
            };
            journal::notice!(
                "Done loading RDB, keys loaded: {}, keys expired: {}{empty}.",
                loaded.keys,
                loaded.expired
            );
            journal::notice!("DB loaded from disk: {:.3} seconds", loaded.duration.as_secs_f64());
        }
        Ok(None)
    }

    /// Waits until a signal or a client asks for the end.
    fn next_ending(&self, shell: &Shell) -> Ending {
        loop {
            if let Some(ending) = signalled(shell) {
                return ending;
            }
            match self.endings.recv_timeout(SIGNAL_CHECK) {
                Ok(ending) => return ending,
                Err(RecvTimeoutError::Timeout) => {}
                // The saving that holds the other end lives as long as this server.
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(SIGNAL_CHECK),
            }
        }
    }

    /// Ends the server if it may; false if it goes on.
    fn end(&self, shell: &Shell, ending: Ending) -> bool {
        journal::notice!("User requested shutdown...");
        shell.supervisor.stopping();
        self.saving.begin_end();
        // Nobody's write may come after the save.
        let pause = &self.engine.clients.pause;
        pause.begin(i64::MAX / 2, true, engine::now_ms());
        let save = ending.save.unwrap_or_else(|| self.saving.has_save_points());
        let outcome = if save {
            journal::notice!("Saving the final RDB snapshot before exiting.");
            self.saving.save_at_end(self.worker)
        } else {
            self.saving.abandon();
            Ok(())
        };
        let called_off = self.saving.finish_end();
        match outcome {
            Err(reason) if !ending.force || called_off => {
                if !is_cancelled(&reason) {
                    journal::warning!("Error trying to save the DB, can't exit: {reason}");
                }
                self.go_on(ending);
                return false;
            }
            Err(reason) => journal::warning!("Error trying to save the DB, exiting anyway: {reason}"),
            Ok(()) if called_off => {
                self.go_on(ending);
                return false;
            }
            Ok(()) => {}
        }
        self.engine.send_all(|| Message::Stop);
        while self.threads.iter().any(|thread| !thread.is_finished()) {
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// The end was called off, or saving failed.
    fn go_on(&self, ending: Ending) {
        self.engine.clients.pause.end();
        self.engine.send_all(|| Message::Unpaused);
        if let Some((worker, client)) = ending.client {
            let reply = b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n".to_vec();
            self.engine.send(worker, Message::Reply(client, reply));
        }
    }
}
