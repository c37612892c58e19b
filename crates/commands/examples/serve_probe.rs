use engine::{CommandTable, Engine, Worker};
use keyspace::{Keyspace, Options, WorkerId};
use std::sync::Arc;
#[global_allocator]
static A: keyspace::Allocator = keyspace::Allocator;
fn main() {
    let port: u16 = std::env::args().nth(1).unwrap().parse().unwrap();
    let n = 2;
    let keyspace = Arc::new(Keyspace::new(Options { stripes: 1024, databases: 16, workers: n }));
    let loaded = config::Loader::load(
        None,
        None,
        format!("port {port}\nenable-debug-command yes\nenable-module-command yes\nsave \"\"").as_bytes(),
    )
    .unwrap();
    let engine =
        Arc::new(Engine::new(keyspace, config::Live::new(loaded), CommandTable::new(commands::all()), n));
    let mut reactors = net::Reactor::group(net::Config::default(), n).unwrap();
    let bound = net::bind_tcp(&["127.0.0.1"], port, net::TcpOptions::default()).unwrap();
    reactors[0].listen(bound.listeners);
    let mut t = vec![];
    for (i, r) in reactors.into_iter().enumerate() {
        engine.workers[i].mailbox.attach(r.handle());
        let w = Worker::new(engine.clone(), WorkerId(i));
        t.push(std::thread::spawn(move || drop(r.run(w).unwrap())));
    }
    for t in t {
        t.join().unwrap();
    }
}
