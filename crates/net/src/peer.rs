//! Who is at the other end of a connection, in the form in which CLIENT LIST and protected mode ask for it.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::net::{SocketAddrAny, SocketAddrUnix};

/// The two ends of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A TCP connection.
    Tcp {
        /// The client's address.
        remote: SocketAddr,
        /// Our address.
        local: SocketAddr,
    },
    /// A unix socket; the path is that of our listening socket (empty for an unnamed pair).
    Unix {
        /// Path of the listening socket.
        path: Box<Path>,
    },
}

impl Peer {
    /// Asks the kernel who is at the other end. Fails when the peer is gone already.
    pub(crate) fn of(socket: impl AsFd) -> rustix::io::Result<Peer> {
        let local = rustix::net::getsockname(&socket)?;
        if let Ok(unix) = SocketAddrUnix::try_from(local.clone()) {
            return Ok(Peer::Unix { path: unix_path(&unix).into() });
        }
        let remote = rustix::net::getpeername(&socket)?.ok_or(rustix::io::Errno::NOTCONN)?;
        Ok(Peer::Tcp { remote: inet(remote)?, local: inet(local)? })
    }

    /// Whether the client is on this machine: a unix socket or a loopback address.
    pub fn is_local(&self) -> bool {
        match self {
            Peer::Tcp { remote, .. } => remote.ip().to_canonical().is_loopback(),
            Peer::Unix { .. } => true,
        }
    }

    /// The `laddr` of CLIENT LIST: our end, in the same form as [`Display`](fmt::Display) gives the other
    /// one.
    pub fn local(&self) -> String {
        match self {
            Peer::Tcp { local, .. } => local.to_string(),
            Peer::Unix { .. } => self.to_string(),
        }
    }
}

/// The `addr` of CLIENT LIST: `1.2.3.4:5`, `[::1]:5`, or `/path:0`.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Tcp { remote, .. } => remote.fmt(f),
            Peer::Unix { path } => write!(f, "{}:0", path.display()),
        }
    }
}

fn inet(address: SocketAddrAny) -> rustix::io::Result<SocketAddr> {
    SocketAddr::try_from(address)
}

fn unix_path(address: &SocketAddrUnix) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    address
        .path_bytes()
        .map(|bytes| PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec())))
        .unwrap_or_default()
}
