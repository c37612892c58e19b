//! What happens when the machine is short of something, and what listening sockets look like.

mod rig;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use net::{Config, Reactor, ReactorKind, TcpOptions, bind_tcp, bind_unix};
use rig::{Mode, Rig, pattern, read_exactly};

/// Two receive buffers of 64 bytes for fifty busy clients: with io_uring most receives find none and must be
/// armed again.
#[test]
fn two_small_buffers_are_enough() {
    for kind in rig::KINDS {
        let rig =
            Rig::with(Config { kind, input_buffers: 2, input_buffer_bytes: 64, ..Config::default() }, 1);
        let mut clients: Vec<TcpStream> = (0..50).map(|_| rig.connect()).collect();
        for round in 0..20 {
            for (i, client) in clients.iter_mut().enumerate() {
                client.write_all(&pattern(1000 + i, round)).unwrap();
            }
            for (i, client) in clients.iter_mut().enumerate() {
                assert!(read_exactly(client, 1000 + i) == pattern(1000 + i, round));
            }
        }
        assert!(rig.facts.most_input.load(Ordering::Relaxed) <= 128);
        // A paused client must not keep a buffer.
        rig.set(Mode::PauseOn(b'P'));
        for client in &mut clients {
            client.write_all(b"P").unwrap();
            read_exactly(client, 1);
            client.write_all(b"held").unwrap();
        }
        thread::sleep(Duration::from_millis(20));
        rig.set(Mode::Echo);
        let mut other = rig.connect();
        other.write_all(b"served").unwrap();
        assert_eq!(read_exactly(&mut other, 6), b"served");
        rig.resume_once();
        for client in &mut clients {
            assert_eq!(read_exactly(client, 4), b"held");
        }
    }
}

#[test]
fn one_buffer_and_a_hundred_megabytes() {
    for kind in rig::KINDS {
        let rig = Rig::with(
            Config { kind, input_buffers: 1, input_buffer_bytes: 16 << 10, ..Config::default() },
            1,
        );
        let mut client = rig.connect();
        let mut writer = client.try_clone().unwrap();
        let writing = thread::spawn(move || {
            for block in 0..100 {
                writer.write_all(&pattern(1 << 20, block)).unwrap();
            }
        });
        for block in 0..100 {
            assert!(read_exactly(&mut client, 1 << 20) == pattern(1 << 20, block), "block {block}");
        }
        writing.join().unwrap();
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    for (input_buffers, input_buffer_bytes) in [(0, 1024), (3, 1024), (2, 1), (2, 2 << 20)] {
        let config = Config { input_buffers, input_buffer_bytes, ..Config::default() };
        assert!(Reactor::new(config).is_err());
    }
    assert!(Reactor::new(Config { gather: Duration::from_secs(1), ..Config::default() }).is_err());
}

#[test]
fn auto_takes_what_there_is() {
    let reactor = Reactor::new(Config::default()).unwrap();
    match reactor.kind() {
        ReactorKind::IoUring => assert_eq!(reactor.fallback_reason(), None),
        ReactorKind::Epoll => {
            assert!(reactor.fallback_reason().unwrap().starts_with("io_uring is not usable here: "))
        }
        ReactorKind::Auto => panic!("undecided"),
    }
}

#[test]
fn binds_like_redis() {
    let options = TcpOptions::default();
    let bound = bind_tcp(&["127.0.0.1", "::1"], 0, options).unwrap();
    assert_eq!(bound.listeners.len(), 2);
    assert!(bound.listeners[1].address().unwrap().is_ipv6());
    assert!(bound.warnings.is_empty());

    // An address that is not of this machine (TEST-NET-1).
    let absent = bind_tcp(&["192.0.2.1"], 0, options).err().unwrap();
    let text =
        "Could not create server TCP listening socket 192.0.2.1:0: bind: Cannot assign requested address";
    assert_eq!(absent.to_string(), text);
    assert_eq!(absent.kind(), std::io::ErrorKind::AddrNotAvailable);
    let bound = bind_tcp(&["127.0.0.1", "-192.0.2.1"], 0, options).unwrap();
    assert_eq!(bound.listeners.len(), 1);
    assert_eq!(bound.warnings, [text]);

    // All or none.
    let port = bound.listeners[0].port().unwrap();
    let error = bind_tcp(&["127.0.0.2", "127.0.0.1"], port, options).err().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "Could not create server TCP listening socket 127.0.0.1:{port}: bind: Address already in use"
        )
    );
    assert!(TcpStream::connect(("127.0.0.2", port)).is_err());

    // Both wildcards on one port, reached over both families.
    let first = bind_tcp(&["*"], 0, options).unwrap();
    let port = first.listeners[0].port().unwrap();
    let second = bind_tcp(&["::*"], port, options).unwrap();
    TcpStream::connect(("127.0.0.1", port)).unwrap();
    TcpStream::connect(("::1", port)).unwrap();
    let taken = bind_tcp(&["*"], port, options).err().unwrap();
    assert_eq!(
        taken.to_string(),
        format!("Could not create server TCP listening socket *:{port}: bind: Address already in use")
    );
    drop((first, second));
    // Names are resolved.
    let named = bind_tcp(&["localhost"], 0, options).unwrap();
    assert!(named.listeners[0].address().unwrap().is_ipv4());
    let text = bind_tcp(&["no.such.name.invalid"], 1, options).err().unwrap().to_string();
    assert!(
        text.starts_with("Could not create server TCP listening socket no.such.name.invalid:1: "),
        "{text}"
    );
}

#[test]
fn unix_sockets_replace_dead_ones_only_and_go_with_their_server() {
    let folder = std::env::temp_dir().join(format!("net-unix-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("socket");
    // A dead server's file.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let listener = bind_unix(&path, Some(0o600), 16).unwrap();
    let file = std::fs::metadata(&path).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    assert_eq!(listener.path(), Some(&*path));
    UnixStream::connect(&path).unwrap();
    // Another server has taken the place: its file stays.
    let other = bind_unix(&path, None, 16).unwrap();
    drop(listener);
    assert!(path.exists());
    drop(other);
    assert!(!path.exists());
    // What is no socket is not removed.
    std::fs::write(&path, "precious").unwrap();
    let error = bind_unix(&path, None, 16).err().unwrap();
    assert_eq!(error.to_string(), "Failed opening Unix socket: bind: Address already in use");
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    let missing = bind_unix(&folder.join("no/such"), None, 16).err().unwrap();
    assert_eq!(missing.to_string(), "Failed opening Unix socket: bind: No such file or directory");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Accepted sockets have the options although nobody sets them on each.
#[test]
fn accepted_sockets_inherit_their_options() {
    use rustix::net::sockopt;
    for kind in rig::KINDS {
        let rig = Rig::new(kind);
        let options = TcpOptions { keepalive_s: 100, ..TcpOptions::default() };
        let bound = bind_tcp(&["127.0.0.1"], 0, options).unwrap();
        let port = bound.listeners[0].port().unwrap();
        rig.handle().add_listeners(bound.listeners.clone());
        for expected in [Some(100), None] {
            let before = rig.facts.descriptors.lock().unwrap().len();
            let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
            client.write_all(b"x").unwrap();
            client.read_exact(&mut [0]).unwrap();
            let descriptor = rig.facts.descriptors.lock().unwrap()[before];
            // SAFETY: the connection is open as long as `client` is.
            let socket = unsafe { std::os::fd::BorrowedFd::borrow_raw(descriptor) };
            assert!(sockopt::tcp_nodelay(socket).unwrap());
            assert_eq!(sockopt::socket_keepalive(socket).unwrap(), expected.is_some());
            if let Some(seconds) = expected {
                assert_eq!(sockopt::tcp_keepidle(socket).unwrap(), Duration::from_secs(seconds));
                assert_eq!(sockopt::tcp_keepintvl(socket).unwrap(), Duration::from_secs(seconds / 3));
                assert_eq!(sockopt::tcp_keepcnt(socket).unwrap(), 3);
            }
            bound.listeners[0].set_keepalive(0).unwrap();
        }
    }
}
