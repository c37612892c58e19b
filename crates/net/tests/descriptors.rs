//! The process runs out of descriptors. Alone in its binary, because the limit is the whole process's.

mod rig;

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use rig::{Rig, read_exactly, wait_for};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn accepting_rests_when_there_are_no_descriptors() {
    let before = getrlimit(Resource::Nofile);
    for kind in rig::KINDS {
        let rig = Rig::new(kind);
        let mut served = rig.connect();
        served.write_all(b"x").unwrap();
        read_exactly(&mut served, 1);
        let bound = net::bind_tcp(&["127.0.0.1"], 0, net::TcpOptions::default()).unwrap();
        let address = bound.listeners[0].address().unwrap();
        // The clients have their descriptors already; the kernel completes their connections although nobody
        // accepts.
        let (family, stream) = (rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM);
        let sockets: Vec<_> = (0..20).map(|_| rustix::net::socket(family, stream, None).unwrap()).collect();
        let used = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
        setrlimit(Resource::Nofile, Rlimit { current: Some(used + 4), maximum: before.maximum }).unwrap();
        // A multishot accept keeps the limit of the time when it was armed, so the listener is added now.
        rig.handle().add_listeners(bound.listeners);
        let mut clients: Vec<TcpStream> = Vec::new();
        for socket in sockets {
            rustix::net::connect(&socket, &address).unwrap();
            clients.push(socket.into());
        }
        wait_for("a warning", || !rig.facts.warnings.lock().unwrap().is_empty());
        assert_eq!(
            rig.facts.warnings.lock().unwrap()[0],
            "Accepting client connection: accept: Too many open files"
        );
        let iterations = rig.facts.iterations.load(Ordering::Relaxed);
        thread::sleep(Duration::from_millis(500));
        let spent = rig.facts.iterations.load(Ordering::Relaxed) - iterations;
        assert!(spent <= 25, "{spent} iterations in half a second: it spins");
        // Those that are there are served meanwhile.
        served.write_all(b"y").unwrap();
        assert_eq!(read_exactly(&mut served, 1), b"y");
        setrlimit(Resource::Nofile, before).unwrap();
        for client in &mut clients {
            client.write_all(b"z").unwrap();
            assert_eq!(read_exactly(client, 1), b"z");
        }
    }
}
