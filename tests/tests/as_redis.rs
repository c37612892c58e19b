//! Behaviour at the edges of saving, settings and clients that a script may rely on. What one request and its reply show is
//! compared with a real server elsewhere (`differential.rs`).

use std::time::Duration;

use system_tests::{Client, Reply, Server, ServerOptions, server};

fn with_save_points() -> Server {
    let dir = server::fresh_dir().unwrap();
    ServerOptions::new(server::ours().unwrap()).dir(dir).arg("--save", "3600 1000000").start().unwrap()
}

fn field(server: &Server, name: &str) -> u64 {
    server.info(name).unwrap().trim().parse().unwrap()
}

fn line_of(client: &mut Client, name: &str) -> String {
    let list = client.run("CLIENT LIST").text();
    list.lines().find(|line| line.contains(&format!(" name={name} "))).unwrap_or_default().to_string()
}

fn gauge(line: &str, name: &str) -> u64 {
    let found = line.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    found.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {line}"))
}

/// Otherwise a restart would bring back what FLUSHALL has removed.
#[test]
fn flushall_is_saved_before_it_is_answered() {
    let server = with_save_points();
    let mut client = server.client();
    client.run("SET a 1");
    assert_eq!(client.run("SAVE").text(), "OK");
    let file = server.dir().join("dump.rdb");
    let full = std::fs::read(&file).unwrap();
    client.run("MSET b 2 c 3");
    // What is behind it in the pipeline is executed after it.
    let words = |line: &str| line.split(' ').map(String::from).collect::<Vec<_>>();
    let replies = client.pipeline(&[words("FLUSHALL"), words("DBSIZE"), words("SET d 4")]).unwrap();
    assert_eq!(replies, [Reply::Simple(b"OK".to_vec()), Reply::Int(0), Reply::Simple(b"OK".to_vec())]);
    assert!(std::fs::read(&file).unwrap().len() < full.len());
    assert_eq!(field(&server, "rdb_changes_since_last_save"), 1);
    // Without save points nobody relies on the file.
    assert_eq!(client.call(&["CONFIG", "SET", "save", ""]).unwrap().text(), "OK");
    let kept = std::fs::metadata(&file).unwrap().modified().unwrap();
    assert_eq!(client.run("FLUSHALL").text(), "OK");
    assert_eq!(field(&server, "rdb_changes_since_last_save"), 2);
    assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), kept);
}

/// The client that asked for a save learns of its failure at once; only one in the background has to make itself heard.
#[test]
fn only_a_failed_background_save_refuses_writes() {
    let server = with_save_points();
    let mut client = server.client();
    std::fs::create_dir(server.dir().join("dump.rdb")).unwrap();
    assert!(client.run("SAVE").is_error());
    assert_eq!(client.run("SET a 1").text(), "OK");
    assert_eq!(client.run("FLUSHALL").text(), "OK");
    assert_eq!(client.run("SET a 1").text(), "OK");
    assert!(!client.run("BGSAVE").is_error());
    server.wait_for_save();
    assert!(client.run("SET a 2").text().starts_with("MISCONF"));
    std::fs::remove_dir(server.dir().join("dump.rdb")).unwrap();
    assert_eq!(client.run("SAVE").text(), "OK");
    assert_eq!(client.run("SET a 2").text(), "OK");
}

/// Also inside one pipeline, which is executed in one batch.
#[test]
fn a_setting_holds_from_the_next_request_on() {
    let server = Server::ours();
    let mut client = server.client();
    let request = "*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$16\r\nmaxmemory-policy\r\n$11\r\nallkeys-lfu\r\n\
                   *3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n*3\r\n$6\r\nOBJECT\r\n$4\r\nFREQ\r\n$1\r\nk\r\n\
                   *4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$16\r\nmaxmemory-policy\r\n$10\r\nnoeviction\r\n\
                   *3\r\n$6\r\nOBJECT\r\n$4\r\nFREQ\r\n$1\r\nk\r\n";
    client.send_raw(request.as_bytes()).unwrap();
    let replies: Vec<Reply> = (0..5).map(|_| client.read().unwrap()).collect();
    assert!(replies[2].int().is_some(), "{replies:?}");
    assert!(replies[4].is_error(), "{replies:?}");
}

#[test]
fn a_query_buffer_is_counted_while_it_is_in_use() {
    let server = Server::ours();
    let (mut client, mut other) = (server.client(), server.client());
    other.run("CLIENT SETNAME other");
    let line = line_of(&mut client, "other");
    let total = gauge(&line, "qbuf") + gauge(&line, "qbuf-free");
    assert!((16384..32768).contains(&total), "{line}");
    assert!(line.contains(" obl=0 ") && line.contains(" events=r "), "{line}");
    let own_memory = gauge(&line, "tot-mem");
    assert!(own_memory < 16384, "receive buffers belong to the reactor: {line}");
    let large = vec![b'x'; 400_000];
    other.call(&[b"SET".as_slice(), b"k", &large]).unwrap();
    let line = line_of(&mut client, "other");
    assert!(gauge(&line, "qbuf-free") > 32768, "{line}");
    assert!(gauge(&line, "tot-mem") < 32768, "nothing of a large request is kept: {line}");
    other.run("PING");
    let line = line_of(&mut client, "other");
    assert!(gauge(&line, "qbuf-free") < 32768, "{line}");
    std::thread::sleep(Duration::from_millis(2100));
    let line = line_of(&mut client, "other");
    assert_eq!((gauge(&line, "qbuf"), gauge(&line, "qbuf-free")), (0, 0), "{line}");
}

#[test]
fn a_pause_of_writes_keeps_what_expires() {
    let server = Server::ours();
    let (mut client, mut other) = (server.client(), server.client());
    client.run("PFADD h a");
    client.run("CLIENT PAUSE 10000 WRITE");
    other.send(&["PFCOUNT", "h"]).unwrap();
    assert!(other.is_silent(Duration::from_millis(200)).unwrap(), "PFCOUNT may write");
    client.run("CLIENT UNPAUSE");
    assert_eq!(other.read().unwrap().int(), Some(1));
    client.run("SET k v PX 150");
    client.run("CLIENT PAUSE 10000 WRITE");
    std::thread::sleep(Duration::from_millis(300));
    for request in ["GET k", "EXISTS k", "TTL k", "KEYS k*", "TYPE k", "MEMORY USAGE k"] {
        let reply = client.run(request);
        let is_absent =
            matches!(reply.int(), Some(0 | -2)) || reply.text() == "none" || reply.bulk().is_none();
        assert!(is_absent && reply.items().is_empty(), "{request}: {reply:?}");
    }
    assert_eq!(field(&server, "expired_keys"), 0);
    assert_eq!(client.run("DBSIZE").int(), Some(2));
    client.run("CLIENT UNPAUSE");
    assert_eq!(client.run("GET k").bulk(), None);
    assert_eq!(field(&server, "expired_keys"), 1);
}
