//! Sends lines to the system log daemon: one datagram each, in the form of the C library's `syslog` (RFC 3164).
//!
//! It keeps no connection: a daemon that was restarted is found again with the next line. A daemon that is not
//! there, or that does not keep up, costs the line and no waiting: the socket does not block.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::Level;

const SOCKET: &str = "/dev/log";

/// Which part of the system a line is from; the daemon sorts by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facility {
    /// user
    User,
    /// local0 to local7
    Local(u8),
}

pub(crate) fn send(program: &str, facility: Facility, level: Level, message: &str) {
    send_to(Path::new(SOCKET), program, facility, level, message);
}

fn send_to(socket: &Path, program: &str, facility: Facility, level: Level, message: &str) {
    let stamp = jiff::Zoned::now().strftime("%b %e %H:%M:%S").to_string();
    let line = format!("<{}>{stamp} {program}[{}]: {message}", priority(facility, level), std::process::id());
    let Ok(out) = UnixDatagram::unbound() else { return };
    if out.set_nonblocking(true).is_ok() {
        // No daemon, or one that does not keep up: the line is lost, as the module header says.
        let _ = out.send_to(line.as_bytes(), socket);
    }
}

/// Facility times eight plus severity.
fn priority(facility: Facility, level: Level) -> u32 {
    let facility = match facility {
        Facility::User => 1,
        Facility::Local(number) => 16 + u32::from(number.min(7)),
    };
    let severity = match level {
        Level::Debug => 7,
        Level::Verbose => 6,
        Level::Notice => 5,
        Level::Warning | Level::Nothing => 4,
    };
    facility * 8 + severity
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_in_the_form_of_syslog() {
        let path = std::env::temp_dir().join(format!("evenkeel-syslog-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let daemon = UnixDatagram::bind(&path).expect("bound");
        send_to(&path, "evenkeel", Facility::Local(0), Level::Warning, "hello");
        let mut buffer = [0; 256];
        let length = daemon.recv(&mut buffer).expect("received");
        let line = String::from_utf8_lossy(&buffer[..length]);
        std::fs::remove_file(&path).expect("removed");
        assert!(line.starts_with("<132>"), "{line}");
        assert!(line.ends_with(&format!(" evenkeel[{}]: hello", std::process::id())), "{line}");
        assert_eq!(priority(Facility::User, Level::Debug), 15);
    }

    #[test]
    fn no_daemon_is_no_error() {
        send_to(Path::new("/nosuch/socket"), "evenkeel", Facility::User, Level::Notice, "lost");
    }
}
