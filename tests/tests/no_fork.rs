//! The server never forks: not to save, not to reload, not to shut down, not to become a daemon with data in it.

use std::time::{Duration, Instant};

use system_tests::{Server, ServerOptions, server, trace};

/// Runs everything that other servers fork for; the lines of the record that show a fork.
fn life(binary: std::path::PathBuf) -> (Vec<String>, bool) {
    let folder = server::fresh_dir().unwrap();
    let record = folder.join("calls");
    let options = ServerOptions::new(binary).args("--enable-debug-command yes --io-threads 2");
    let mut traced = options.wrapper(&trace::wrapper(&record)).start().unwrap();
    let mut client = traced.client();
    for index in 0..2000 {
        client.run(&format!("SET key{index} value"));
    }
    let saved = || client_info(&traced, "rdb_saves");
    let before = saved();
    assert_eq!(client.run("BGSAVE").text(), "Background saving started");
    wait_until(|| saved() > before && client_info(&traced, "rdb_bgsave_in_progress") == 0);
    assert_eq!(client.run("SAVE").text(), "OK");
    assert_eq!(client.run("DEBUG RELOAD").text(), "OK");
    // A save point fires.
    let before = saved();
    assert_eq!(client.call(&["CONFIG", "SET", "save", "1 1"]).unwrap().text(), "OK");
    client.run("SET another value");
    wait_until(|| saved() > before && client_info(&traced, "rdb_bgsave_in_progress") == 0);
    client.run("FLUSHALL ASYNC");
    // The connection ends with the server.
    let _ = client.call(&["SHUTDOWN", "SAVE"]);
    let status = traced.wait(Duration::from_secs(20)).unwrap();
    assert!(status.success(), "{status}: {}", traced.log());
    let result = (trace::forks(&record), trace::saw_threads(&record));
    std::fs::remove_dir_all(folder).unwrap();
    result
}

fn client_info(server: &Server, field: &str) -> u64 {
    server.info(field).and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "waited in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn never_forks() {
    let (forks, saw_threads) = life(server::ours().unwrap());
    assert!(saw_threads, "the trace shows nothing");
    assert_eq!(forks, Vec::<String>::new());
}

/// The canary: a server that forks to save is caught.
#[test]
fn a_forking_server_is_caught() {
    let (forks, _) = life(server::reference().unwrap());
    assert!(forks.len() >= 2, "{forks:?}");
}
