//! Tells whoever started the server when it is ready: systemd by a datagram, Upstart by stopping itself once.
//!
//! It does not decide when that is (the engine does). A message that cannot be delivered is logged once and otherwise
//! ignored: it is the supervisor that will notice.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

use config::Supervision;

/// The supervisor, found out from the option and the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Supervisor {
    /// Nobody.
    Nobody,
    /// systemd, listening at this socket (`@` in front: abstract).
    Systemd(String),
    /// Upstart.
    Upstart,
}

impl Supervisor {
    /// Reads the environment. What was asked for and is not there is logged.
    pub(crate) fn find(mode: Supervision) -> Supervisor {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::choose(mode, variable("NOTIFY_SOCKET"), variable("UPSTART_JOB"))
    }

    fn choose(mode: Supervision, notify: Option<String>, job: Option<String>) -> Supervisor {
        match (mode, notify, job) {
            (Supervision::No, ..) | (Supervision::Auto, None, None) => Supervisor::Nobody,
            (Supervision::Upstart | Supervision::Auto, _, Some(_)) => Supervisor::Upstart,
            (Supervision::Systemd | Supervision::Auto, Some(socket), _) => Supervisor::Systemd(socket),
            (Supervision::Systemd, None, _) => {
                journal::warning!("systemd supervision requested, but NOTIFY_SOCKET not found");
                Supervisor::Nobody
            }
            (Supervision::Upstart, _, None) => {
                journal::warning!("upstart supervision requested, but UPSTART_JOB not found");
                Supervisor::Nobody
            }
        }
    }

    /// The server accepts connections.
    pub(crate) fn ready(&self) {
        match self {
            Supervisor::Nobody => {}
            Supervisor::Systemd(socket) => notify(socket, "STATUS=Ready to accept connections\nREADY=1\n"),
            Supervisor::Upstart => {
                journal::notice!("supervised by upstart, will stop to signal readiness");
                let stopped =
                    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
                if let Err(error) = stopped {
                    journal::warning!("Failed to signal readiness to upstart: {error}");
                }
            }
        }
    }

    /// What the server is doing (loading, saving), for `systemctl status`.
    pub(crate) fn status(&self, status: &str) {
        if let Supervisor::Systemd(socket) = self {
            notify(socket, &format!("STATUS={status}\n"));
        }
    }

    /// The server is about to end; it may take a while to save.
    pub(crate) fn stopping(&self) {
        if let Supervisor::Systemd(socket) = self {
            notify(socket, "STATUS=Shutting down\nSTOPPING=1\n");
        }
    }
}

fn notify(socket: &str, message: &str) {
    let address = match socket.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(Path::new(socket)),
    };
    let sent = address
        .and_then(|address| UnixDatagram::unbound()?.send_to_addr(message.as_bytes(), &address))
        .map(|_| ());
    if let Err(error) = sent {
        journal::warning!("Failed to notify systemd at {socket}: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_it_is() {
        let socket = || Some("/run/x".to_owned());
        let job = || Some("evenkeel".to_owned());
        let systemd = Supervisor::Systemd("/run/x".to_owned());
        for (mode, notify, upstart, expected) in [
            (Supervision::No, socket(), job(), Supervisor::Nobody),
            (Supervision::Systemd, socket(), job(), systemd.clone()),
            (Supervision::Systemd, None, job(), Supervisor::Nobody),
            (Supervision::Upstart, socket(), job(), Supervisor::Upstart),
            (Supervision::Upstart, socket(), None, Supervisor::Nobody),
            (Supervision::Auto, socket(), None, systemd),
            (Supervision::Auto, None, job(), Supervisor::Upstart),
            (Supervision::Auto, None, None, Supervisor::Nobody),
        ] {
            assert_eq!(Supervisor::choose(mode, notify, upstart), expected);
        }
    }

    #[test]
    fn systemd_hears_by_path_and_by_abstract_name() {
        let path = std::env::temp_dir().join(format!("evenkeel-notify-{}", std::process::id()));
        let name = format!("evenkeel-notify-{}", std::process::id());
        let by_path = UnixDatagram::bind(&path).expect("bound");
        let by_name =
            UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).expect("a name")).expect("bound");
        for (listener, address) in [(by_path, path.display().to_string()), (by_name, format!("@{name}"))] {
            let supervisor = Supervisor::Systemd(address);
            let heard = || {
                let mut buffer = [0; 200];
                let length = listener.recv(&mut buffer).expect("a message");
                String::from_utf8_lossy(&buffer[..length]).into_owned()
            };
            supervisor.ready();
            assert_eq!(heard(), "STATUS=Ready to accept connections\nREADY=1\n");
            supervisor.status("Loading");
            assert_eq!(heard(), "STATUS=Loading\n");
            supervisor.stopping();
            assert_eq!(heard(), "STATUS=Shutting down\nSTOPPING=1\n");
        }
        std::fs::remove_file(path).expect("removed");
    }
}
