//! Listening sockets: bound here with the texts that Redis's users know, accepted from by the first reactor.
//!
//! Options that every connection needs (TCP_NODELAY, keepalive) are set on the listening socket: Linux hands
//! them down to accepted ones, which saves five system calls per connection.

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType, sockopt};

/// How TCP sockets listen.
#[derive(Clone, Copy, Debug)]
pub struct TcpOptions {
    /// `tcp-backlog`: connections that may wait to be accepted (the kernel caps it at somaxconn).
    pub backlog: i32,
    /// `tcp-keepalive` in seconds; 0 switches it off.
    pub keepalive_s: u32,
}

impl Default for TcpOptions {
    fn default() -> TcpOptions {
        TcpOptions { backlog: 511, keepalive_s: 300 }
    }
}

/// A listening socket; clones are the same socket. A unix socket's file is removed with it.
#[derive(Clone)]
pub struct Listener {
    inner: Arc<Inner>,
}

struct Inner {
    socket: OwnedFd,
    place: Place,
    shut: AtomicBool,
}

enum Place {
    Tcp(SocketAddr),
    /// The path, and device and inode of the file that we made.
    Unix {
        path: PathBuf,
        file: Option<(u64, u64)>,
    },
}

/// The listeners that [`bind_tcp`] made, and what went wrong without being fatal.
#[derive(Default)]
pub struct Bound {
    /// One per address.
    pub listeners: Vec<Listener>,
    /// Texts for the log, one per address that was passed over.
    pub warnings: Vec<String>,
}

/// A listening socket could not be made. Its text is the one that Redis logs.
#[derive(Debug)]
pub struct BindError {
    text: String,
    kind: io::ErrorKind,
}

impl BindError {
    /// The kind of the system's error.
    pub fn kind(&self) -> io::ErrorKind {
        self.kind
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for BindError {}

/// Binds `port` on every address of a `bind` list and listens: `*` is every IPv4 address, `::*` every IPv6
/// address, names are resolved, and an address with a leading `-` may be absent from this machine. Either all
/// are bound or, on an error, none. Port 0 lets the system choose (see [`Listener::port`]).
pub fn bind_tcp<A: AsRef<str>>(addresses: &[A], port: u16, options: TcpOptions) -> Result<Bound, BindError> {
    let mut bound = Bound::default();
    for address in addresses {
        let (name, optional) = match address.as_ref().strip_prefix('-') {
            Some(name) => (name, true),
            None => (address.as_ref(), false),
        };
        match bind_name(name, port, options) {
            Ok(listener) => bound.listeners.push(listener),
            Err((text, errno)) => {
                let text = format!("Could not create server TCP listening socket {name}:{port}: {text}");
                let unsupported = [
                    Errno::NOPROTOOPT,
                    Errno::PROTONOSUPPORT,
                    Errno::SOCKTNOSUPPORT,
                    Errno::PFNOSUPPORT,
                    Errno::AFNOSUPPORT,
                ];
                let absent = optional && errno == Some(Errno::ADDRNOTAVAIL);
                if absent || errno.is_some_and(|errno| unsupported.contains(&errno)) {
                    bound.warnings.push(text);
                    continue;
                }
                bound.listeners.iter().for_each(Listener::shut);
                return Err(BindError {
                    text,
                    kind: errno.map_or(io::ErrorKind::Other, |errno| errno.kind()),
                });
            }
        }
    }
    Ok(bound)
}

/// Listens on a unix socket at `path`, replacing a socket file that a dead server left. `mode` is
/// `unixsocketperm`.
pub fn bind_unix(path: &Path, mode: Option<u32>, backlog: i32) -> Result<Listener, BindError> {
    let failed = |step: &str, errno: Errno| BindError {
        text: format!("Failed opening Unix socket: {step}: {}", describe(errno)),
        kind: errno.kind(),
    };
    if fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
        // Whether it could be removed shows when binding.
        let _ = fs::remove_file(path);
    }
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .map_err(|errno| failed("creating socket", errno))?;
    let address = SocketAddrUnix::new(path).map_err(|errno| failed("bind", errno))?;
    rustix::net::bind(&socket, &address).map_err(|errno| failed("bind", errno))?;
    let file = fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()));
    let inner =
        Inner { socket, place: Place::Unix { path: path.to_owned(), file }, shut: AtomicBool::new(false) };
    let listener = Listener { inner: Arc::new(inner) };
    if let Some(mode) = mode {
        // Before anybody can connect.
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|error| {
            failed("chmod", error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))
        })?;
    }
    rustix::net::listen(&listener.inner.socket, backlog).map_err(|errno| failed("listen", errno))?;
    Ok(listener)
}

type StepError = (String, Option<Errno>);

fn bind_name(name: &str, port: u16, options: TcpOptions) -> Result<Listener, StepError> {
    let candidates: Vec<SocketAddr> = match name {
        "*" => vec![(Ipv4Addr::UNSPECIFIED, port).into()],
        "::*" => vec![(Ipv6Addr::UNSPECIFIED, port).into()],
        name => match name.parse::<IpAddr>() {
            Ok(ip) => vec![(ip, port).into()],
            Err(_) => {
                // As Redis: a name with a colon is asked for as IPv6, any other as IPv4.
                let wants_v6 = name.contains(':');
                let found = (name, port).to_socket_addrs().map_err(|error| {
                    let text = error.to_string();
                    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
                    (text.to_owned(), None)
                })?;
                found.filter(|address| address.is_ipv6() == wants_v6).collect()
            }
        },
    };
    let mut last = ("unable to bind socket, errno: 0".to_owned(), None);
    for address in candidates {
        match bind_one(address, options) {
            Ok(listener) => return Ok(listener),
            Err((step, errno)) => last = (format!("{step}: {}", describe(errno)), Some(errno)),
        }
    }
    Err(last)
}

fn bind_one(address: SocketAddr, options: TcpOptions) -> Result<Listener, (&'static str, Errno)> {
    let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let socket = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .map_err(|errno| ("socket", errno))?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true).map_err(|errno| ("setsockopt", errno))?;
    }
    sockopt::set_socket_reuseaddr(&socket, true).map_err(|errno| ("setsockopt SO_REUSEADDR", errno))?;
    sockopt::set_tcp_nodelay(&socket, true).map_err(|errno| ("setsockopt TCP_NODELAY", errno))?;
    set_keepalive(&socket, options.keepalive_s).map_err(|errno| ("setsockopt SO_KEEPALIVE", errno))?;
    rustix::net::bind(&socket, &address).map_err(|errno| ("bind", errno))?;
    rustix::net::listen(&socket, options.backlog).map_err(|errno| ("listen", errno))?;
    let local = rustix::net::getsockname(&socket).and_then(SocketAddr::try_from).unwrap_or(address);
    let inner = Inner { socket, place: Place::Tcp(local), shut: AtomicBool::new(false) };
    Ok(Listener { inner: Arc::new(inner) })
}

/// The first probe after `seconds` of silence, then two more at a third of that: the peer is dead after about
/// twice that time.
fn set_keepalive(socket: impl AsFd, seconds: u32) -> rustix::io::Result<()> {
    sockopt::set_socket_keepalive(&socket, seconds > 0)?;
    if seconds > 0 {
        sockopt::set_tcp_keepidle(&socket, Duration::from_secs(seconds.into()))?;
        sockopt::set_tcp_keepintvl(&socket, Duration::from_secs((seconds / 3).max(1).into()))?;
        sockopt::set_tcp_keepcnt(&socket, 3)?;
    }
    Ok(())
}

/// The system's text for an error, without the number that Rust adds.
fn describe(errno: Errno) -> String {
    let text = io::Error::from(errno).to_string();
    match text.rfind(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

impl Listener {
    /// The TCP port, if it is a TCP socket.
    pub fn port(&self) -> Option<u16> {
        self.address().map(|address| address.port())
    }

    /// The TCP address, if it is a TCP socket.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.inner.place {
            Place::Tcp(address) => Some(*address),
            Place::Unix { .. } => None,
        }
    }

    /// The path, if it is a unix socket.
    pub fn path(&self) -> Option<&Path> {
        match &self.inner.place {
            Place::Tcp(_) => None,
            Place::Unix { path, .. } => Some(path),
        }
    }

    /// Changes `tcp-keepalive` (seconds, 0 is off) for connections accepted from now on.
    pub fn set_keepalive(&self, seconds: u32) -> io::Result<()> {
        match &self.inner.place {
            Place::Tcp(_) => Ok(set_keepalive(&self.inner.socket, seconds)?),
            Place::Unix { .. } => Ok(()),
        }
    }

    /// Refuses connections from now on, whoever accepts from it, and frees the address; a unix socket's file
    /// is removed.
    pub(crate) fn shut(&self) {
        self.inner.shut();
    }

    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.inner.socket.as_fd()
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.inner.shut.load(Ordering::Relaxed)
    }

    pub(crate) fn is_same(&self, other: &Listener) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Inner {
    fn shut(&self) {
        if self.shut.swap(true, Ordering::Relaxed) {
            return;
        }
        // An address in LISTEN cannot be bound again; one that was shut down can, although the descriptor is
        // still open.
        let _ = rustix::net::shutdown(&self.socket, Shutdown::Both);
        if let Place::Unix { path, file: Some(ours) } = &self.place {
            // Only the file that we made: another server may have taken the place.
            if fs::symlink_metadata(path).is_ok_and(|file| (file.dev(), file.ino()) == *ours) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shut();
    }
}
