//! Serving: the engine is built from the settings, the reactors run, and the end is decided here.
//!
//! ```text
//!   settings ──> keyspace, command table ──> Engine ──> a Worker for each reactor thread
//!                                                          ^ listeners on the first
//!   signals, SHUTDOWN ──> this thread ──> stops the reactors ──> exit status
//! ```

use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;

use config::{Config, ReactorChoice};
use engine::{CommandTable, Engine, Worker};
use keyspace::{Keyspace, Options, WorkerId};
use net::{Listener, Reactor, ReactorKind, TcpOptions};

use crate::shell::Shell;

/// Workers beside the reactors: the thread that loads and saves.
const OTHER_WORKERS: usize = 1;

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
    threads: Vec<JoinHandle<()>>,
}

fn start(shell: &Shell) -> Result<Server, String> {
    let config = shell.live.load();
    let reactors = config.threads.reactors;
    let keyspace = Arc::new(Keyspace::new(Options {
        stripes: config.threads.stripes,
        databases: config.threads.databases,
        workers: reactors + OTHER_WORKERS,
    }));
    keyspace::set_background_thread(true);
    let mut table = CommandTable::new(commands::all());
    for rename in &config.security.renames {
        table.rename(&rename.from, rename.to.as_deref())?;
    }
    let engine = Arc::new(Engine::new(keyspace, Arc::clone(&shell.live), table, reactors));
    let listeners = listen(&config)?;
    let mut group = Reactor::group(reactor_config(&config), reactors)
        .map_err(|e| format!("Can't start reactors: {e}"))?;
    group[0].listen(listeners);
    if let Some(reason) = group[0].fallback_reason() {
        journal::notice!("io_uring is not available here ({reason}): using epoll");
    }
    for (reactor, share) in group.iter().zip(&engine.workers) {
        share.mailbox.attach(reactor.handle());
    }
    shell.initialized();
    let threads =
        group.into_iter().enumerate().map(|(id, reactor)| run_reactor(&engine, id, reactor)).collect();
    Ok(Server { engine, threads })
}

fn run_reactor(engine: &Arc<Engine>, id: usize, reactor: Reactor) -> JoinHandle<()> {
    let worker = Worker::new(Arc::clone(engine), WorkerId(id));
    let run = move || {
        let _guard = crash::guard_thread();
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

fn listen(config: &Config) -> Result<Vec<Listener>, String> {
    let network = &config.network;
    let mut listeners = Vec::new();
    if network.port != 0 {
        let addresses: Vec<String> = network
            .bind
            .iter()
            .map(|bind| format!("{}{}", if bind.optional { "-" } else { "" }, bind.address))
            .collect();
        let options =
            TcpOptions { backlog: network.tcp_backlog as i32, keepalive_s: network.tcp_keepalive_seconds };
        let bound = net::bind_tcp(&addresses, network.port, options).map_err(|error| {
            journal::warning!("{error}");
            "Failed listening on port, aborting.".to_string()
        })?;
        bound.warnings.iter().for_each(|warning| journal::warning!("{warning}"));
        listeners.extend(bound.listeners);
    }
    if let Some(path) = &network.unix_socket {
        let mode = (network.unix_socket_mode != 0).then_some(network.unix_socket_mode);
        listeners
            .push(net::bind_unix(path, mode, network.tcp_backlog as i32).map_err(|error| error.to_string())?);
    }
    if listeners.is_empty() {
        return Err("Configured to not listen anywhere, exiting.".into());
    }
    Ok(listeners)
}

impl Server {
    fn run(self, shell: &Shell) -> ExitCode {
        shell.ready();
        if shell.signals.terminations.recv().is_err() {
            return ExitCode::FAILURE;
        }
        shell.supervisor.stopping();
        journal::notice!("User requested shutdown...");
        self.engine.send_all(|| engine::mailbox::Message::Stop);
        for thread in self.threads {
            let _ = thread.join();
        }
        journal::notice!("Evenkeel is now ready to exit, bye bye...");
        ExitCode::SUCCESS
    }
}
