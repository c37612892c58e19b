//! Where the server listens: at start, and when CONFIG SET changes it.
//!
//! New addresses are bound before the old ones are given up where that is possible (another port); the same port on other
//! addresses has to be given up first, and is taken up again if the new ones fail.

use std::sync::{Mutex, PoisonError};

use config::{Applier, ApplyError, Change, Config};
use net::{Handle, Listener, TcpOptions};

/// Everything that the settings name.
pub(crate) fn all(config: &Config) -> Result<Vec<Listener>, String> {
    let network = &config.network;
    let mut listeners = tcp(config).map_err(|error| {
        journal::warning!("{error}");
        "Failed listening on port, aborting.".to_string()
    })?;
    if let Some(path) = &network.unix_socket {
        let mode = (network.unix_socket_mode != 0).then_some(network.unix_socket_mode);
        let listener = net::bind_unix(path, mode, network.tcp_backlog as i32);
        listeners.push(listener.map_err(|error| error.to_string())?);
    }
    if listeners.is_empty() {
        return Err("Configured to not listen anywhere, exiting.".into());
    }
    Ok(listeners)
}

fn tcp(config: &Config) -> Result<Vec<Listener>, net::BindError> {
    let network = &config.network;
    if network.port == 0 {
        return Ok(Vec::new());
    }
    let addresses: Vec<String> = network
        .bind
        .iter()
        .map(|bind| format!("{}{}", if bind.optional { "-" } else { "" }, bind.address))
        .collect();
    let options =
        TcpOptions { backlog: network.tcp_backlog as i32, keepalive_s: network.tcp_keepalive_seconds };
    let bound = net::bind_tcp(&addresses, network.port, options)?;
    bound.warnings.iter().for_each(|warning| journal::warning!("{warning}"));
    Ok(bound.listeners)
}

/// Carries out changes of `port`, `bind` and `tcp-keepalive`.
pub(crate) struct ListenApplier {
    reactor: Handle,
    /// The TCP listeners in use.
    tcp: Mutex<Vec<Listener>>,
}

impl ListenApplier {
    /// `reactor` is the one that accepts, `listeners` what it was given.
    pub(crate) fn new(reactor: Handle, listeners: Vec<Listener>) -> ListenApplier {
        let tcp = listeners.into_iter().filter(|listener| listener.path().is_none()).collect();
        ListenApplier { reactor, tcp: Mutex::new(tcp) }
    }
}

impl Applier for ListenApplier {
    fn apply(&self, change: &Change<'_>) -> Result<(), ApplyError> {
        let mut current = self.tcp.lock().unwrap_or_else(PoisonError::into_inner);
        if change.touches("tcp-keepalive") {
            for listener in current.iter() {
                let seconds = change.new.network.tcp_keepalive_seconds;
                if let Err(error) = listener.set_keepalive(seconds) {
                    journal::warning!("tcp-keepalive: {error}");
                }
            }
        }
        if !change.touches_any(&["port", "bind"]) {
            return Ok(());
        }
        let same_port = change.old.network.port == change.new.network.port;
        if same_port {
            self.reactor.remove_listeners(std::mem::take(&mut *current));
        }
        match tcp(change.new) {
            Ok(listeners) => {
                self.reactor.add_listeners(listeners.clone());
                let former = std::mem::replace(&mut *current, listeners);
                self.reactor.remove_listeners(former);
                Ok(())
            }
            Err(error) => {
                journal::warning!("{error}");
                if same_port && let Ok(listeners) = tcp(change.old) {
                    self.reactor.add_listeners(listeners.clone());
                    *current = listeners;
                }
                Err(if change.touches("port") {
                    ApplyError {
                        option: "port",
                        reason: "Unable to listen on this port. Check server logs.".into(),
                    }
                } else {
                    ApplyError { option: "bind", reason: "Failed to bind to specified addresses.".into() }
                })
            }
        }
    }
}
