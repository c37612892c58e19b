//! The wire protocol: what is accepted, what is refused with which words, and when the connection is closed.
//!
//! Every expected text is what redis-server 7.0 says; the whole file passes with it as the server.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use system_tests::client::encode;
use system_tests::{Client, Reply, Server};

/// Sends bytes and expects exactly these bytes, with the connection still open after them.
fn answers(server: &Server, sent: &[u8], expected: &str) {
    let mut client = server.client();
    client.send_raw(sent).unwrap();
    client.send(&["ECHO", "the end"]).unwrap();
    let mut got = Vec::new();
    while !got.ends_with(b"$7\r\nthe end\r\n") {
        got.extend(client.read_raw().unwrap_or_else(|error| panic!("{}: {error}", sent.escape_ascii())));
    }
    got.truncate(got.len() - b"$7\r\nthe end\r\n".len());
    assert_eq!(String::from_utf8_lossy(&got), expected, "sent {}", sent.escape_ascii());
}

/// Sends bytes and expects exactly these bytes, and then the end of the connection.
fn closes(server: &Server, sent: &[u8], expected: &str) {
    let mut client = server.client();
    // The server may close while we are still sending; what counts is what it said.
    let _ = client.send_raw(sent);
    let got = client.read_to_end().unwrap();
    let shown = sent[..sent.len().min(60)].escape_ascii();
    assert_eq!(String::from_utf8_lossy(&got), expected, "sent {shown}");
}

#[test]
fn inline_commands() {
    let server = Server::ours();
    answers(&server, b"PING\r\n", "+PONG\r\n");
    answers(&server, b"PING\n", "+PONG\r\n");
    answers(&server, b"  PING   hello  \r\n", "$5\r\nhello\r\n");
    answers(&server, b"SET k \"a b\\x41\\n\"\r\nGET k\r\n", "+OK\r\n$5\r\na bA\n\r\n");
    answers(&server, b"ECHO 'it\\'s \\n'\r\n", "$7\r\nit's \\n\r\n");
    answers(&server, b"ECHO \"\"\r\n", "$0\r\n\r\n");
    answers(&server, b"\r\n\r\n   \r\nPING\r\n", "+PONG\r\n");
    let unbalanced = "-ERR Protocol error: unbalanced quotes in request\r\n";
    closes(&server, b"SET k \"abc\r\n", unbalanced);
    closes(&server, b"SET k 'abc\r\n", unbalanced);
    closes(&server, b"SET k \"abc\"def\r\n", unbalanced);
    closes(&server, &b"a".repeat(70_000), "-ERR Protocol error: too big inline request\r\n");
}

#[test]
fn malformed_requests() {
    let server = Server::ours();
    closes(&server, b"*abc\r\n", "-ERR Protocol error: invalid multibulk length\r\n");
    closes(&server, b"*3000000000\r\n", "-ERR Protocol error: invalid multibulk length\r\n");
    closes(&server, b"*1\r\n+PING\r\n", "-ERR Protocol error: expected '$', got '+'\r\n");
    closes(&server, b"*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n");
    closes(&server, b"*1\r\n$x\r\n", "-ERR Protocol error: invalid bulk length\r\n");
    closes(&server, b"*1\r\n$536870913\r\n", "-ERR Protocol error: invalid bulk length\r\n");
    let digits = [b"*".as_slice(), &b"1".repeat(70_000)].concat();
    closes(&server, &digits, "-ERR Protocol error: too big mbulk count string\r\n");
    let digits = [b"*1\r\n$".as_slice(), &b"1".repeat(70_000)].concat();
    closes(&server, &digits, "-ERR Protocol error: too big bulk count string\r\n");
    // What came before the error is answered first.
    closes(
        &server,
        b"PING\r\n*1\r\n:1\r\nPING\r\n",
        "+PONG\r\n-ERR Protocol error: expected '$', got ':'\r\n",
    );
    answers(&server, b"*0\r\n*-1\r\n*-5\r\n", "");
}

#[test]
fn before_authentication_little_is_accepted() {
    let server = Server::ours_with("--requirepass secret");
    closes(&server, b"*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n");
    closes(&server, b"*1\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n");
    let mut client = server.client();
    assert_eq!(client.run("GET k").text(), "NOAUTH Authentication required.");
    assert_eq!(
        client.run("AUTH wrong").text(),
        "WRONGPASS invalid username-password pair or user is disabled."
    );
    assert_eq!(client.run("AUTH secret").text(), "OK");
    assert_eq!(client.run("GET k"), Reply::Nil);
    let mut client = server.client();
    // How HELLO is spelled out further on differs between 7.0 and 7.2.
    let text = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO ";
    assert!(client.run("HELLO 3").text().starts_with(text));
    assert!(matches!(client.run("HELLO 3 AUTH default secret"), Reply::Map(_)));
}

#[test]
fn errors_quote_the_command_safely() {
    let server = Server::ours();
    answers(&server, b"*1\r\n$3\r\nfoo\r\n", "-ERR unknown command 'foo', with args beginning with: \r\n");
    answers(
        &server,
        b"*3\r\n$3\r\nf\r\n\r\n$3\r\nbar\r\n$1\r\n\n\r\n",
        "-ERR unknown command 'f  ', with args beginning with: 'bar' ' ' \r\n",
    );
    answers(&server, b"*1\r\n$3\r\nget\r\n", "-ERR wrong number of arguments for 'get' command\r\n");
    let long = "x".repeat(1000);
    let request = format!("*1\r\n$1000\r\n{long}\r\n");
    let expected = format!("-ERR unknown command '{}', with args beginning with: \r\n", &long[..128]);
    answers(&server, request.as_bytes(), &expected);
}

#[test]
fn byte_at_a_time() {
    let server = Server::ours();
    let mut client = server.client();
    for byte in b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n\r\n\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n" {
        client.send_raw(&[*byte]).unwrap();
    }
    assert_eq!(client.read_raw().unwrap(), b"+OK\r\n");
    assert_eq!(client.read_raw().unwrap(), b"$4\r\n\r\n\r\n\r\n");
    assert_eq!(client.read_raw().unwrap(), b"+PONG\r\n");
}

#[test]
fn deep_pipelines_keep_their_order() {
    let server = Server::ours();
    let mut client = server.client();
    let commands: Vec<Vec<String>> = (0..50_000).map(|n| vec!["ECHO".to_string(), n.to_string()]).collect();
    // Written by a thread of its own: neither side may wait for the other for ever.
    let mut bytes = Vec::new();
    commands.iter().for_each(|command| system_tests::client::encode(&mut bytes, command));
    let mut writer = client.stream().try_clone().unwrap();
    let sender = std::thread::spawn(move || writer.write_all(&bytes));
    for n in 0..50_000 {
        assert_eq!(client.read().unwrap().text(), n.to_string());
    }
    sender.join().unwrap().unwrap();
}

/// Input that comes in several reads must not wait for more input that does not come.
#[test]
fn a_lone_pipeline_is_not_kept_waiting() {
    let server = Server::ours();
    let mut client = server.client();
    for depth in [1, 10, 100, 300, 1000, 3000] {
        let command = vec!["SET".to_string(), "key".to_string(), "v".repeat(60)];
        let commands = vec![command; depth];
        let fastest = (0..5).map(|_| {
            let begin = std::time::Instant::now();
            client.pipeline(&commands).unwrap();
            begin.elapsed()
        });
        let fastest = fastest.min().unwrap_or_default();
        assert!(fastest < Duration::from_millis(30), "{depth} requests took {fastest:?}");
    }
}

#[test]
fn hello_and_the_two_protocols() {
    let server = Server::ours();
    let mut client = server.client();
    assert!(matches!(client.run("HELLO"), Reply::Array(items) if items.len() == 14));
    let Reply::Map(fields) = client.run("HELLO 3 SETNAME tester") else { panic!("HELLO 3 is no map") };
    let names: Vec<String> = fields.iter().map(|(name, _)| name.text()).collect();
    assert_eq!(names, ["server", "version", "proto", "id", "mode", "role", "modules"]);
    assert_eq!(client.run("CLIENT GETNAME").text(), "tester");
    assert_eq!(client.run("HELLO 4").text(), "NOPROTO unsupported protocol version");
    assert_eq!(client.run("HELLO x").text(), "ERR Protocol version is not an integer or out of range");
    client.send(&["GET", "missing"]).unwrap();
    assert_eq!(client.read_raw().unwrap(), b"_\r\n");
    client.send(&["CONFIG", "GET", "port"]).unwrap();
    assert!(client.read_raw().unwrap().starts_with(b"%1\r\n"));
    assert_eq!(client.run("RESET").text(), "RESET");
    client.send(&["GET", "missing"]).unwrap();
    assert_eq!(client.read_raw().unwrap(), b"$-1\r\n");
}

#[test]
fn large_values_and_slow_readers() {
    let server = Server::ours();
    let mut client = server.client();
    let value: Vec<u8> = (0..20_000_000u32).map(|n| (n % 251) as u8).collect();
    assert_eq!(client.call(&[b"SET".as_slice(), b"big", &value]).unwrap().text(), "OK");
    let mut slow = server.client();
    for _ in 0..5 {
        slow.send(&["GET", "big"]).unwrap();
    }
    // Others are served while 100 MB wait for a reader that does not read.
    for _ in 0..100 {
        assert_eq!(client.run("PING").text(), "PONG");
    }
    for _ in 0..5 {
        assert!(slow.read().unwrap().bulk() == Some(&value[..]));
    }
}

#[test]
fn half_closed_connections_get_their_replies() {
    let server = Server::ours();
    let mut client = server.client();
    client.send_raw(b"PING\r\nPING\r\n").unwrap();
    client.stream().shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.read_to_end().unwrap(), b"+PONG\r\n+PONG\r\n");
}

#[test]
fn quit_closes_after_its_reply() {
    closes(&Server::ours(), b"PING\r\nQUIT\r\nPING\r\n", "+PONG\r\n+OK\r\n");
}

#[test]
fn limits_on_clients_and_buffers() {
    let server = Server::ours_with("--maxclients 10 --client-query-buffer-limit 1mb");
    let mut clients: Vec<_> = (0..10).map(|_| server.client()).collect();
    clients.iter_mut().for_each(|client| assert_eq!(client.run("PING").text(), "PONG"));
    closes(&server, b"", "-ERR max number of clients reached\r\n");
    drop(clients.pop());
    // The place of the one that left becomes free when the server has noticed.
    std::thread::sleep(Duration::from_millis(200));
    let mut client = server.client();
    client.send_raw(b"*2\r\n$4\r\nECHO\r\n$100000000\r\n").unwrap();
    let chunk = vec![b'x'; 1 << 20];
    // The server closes long before all of it is sent.
    let refused = (0..100).any(|_| client.send_raw(&chunk).is_err());
    assert!(refused || client.read_to_end().unwrap().is_empty());
    assert_eq!(clients[0].run("PING").text(), "PONG");
}

#[test]
fn idle_connections_end_at_the_timeout() {
    let server = Server::ours_with("--timeout 1");
    let mut idle = server.client();
    assert_eq!(idle.run("PING").text(), "PONG");
    idle.set_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(idle.read_to_end().unwrap(), b"");
}

#[test]
fn a_thousand_idle_connections() {
    let server = Server::ours();
    let idle: Vec<_> = (0..1000).map(|_| server.client()).collect();
    let mut client = server.client();
    assert_eq!(client.run("PING").text(), "PONG");
    let connected: u32 = server.info("connected_clients").unwrap().parse().unwrap();
    assert!(connected >= idle.len() as u32, "{connected}");
}

#[test]
fn reply_modes() {
    let server = Server::ours();
    let mut client = server.client();
    client.send_raw(b"CLIENT REPLY OFF\r\nSET k 1\r\nINCR k\r\nCLIENT REPLY ON\r\nGET k\r\n").unwrap();
    assert_eq!(client.read().unwrap().text(), "OK");
    assert_eq!(client.read().unwrap().text(), "2");
    client.send_raw(b"CLIENT REPLY SKIP\r\nINCR k\r\nGET k\r\n").unwrap();
    assert_eq!(client.read().unwrap().text(), "3");
    assert!(client.is_silent(Duration::from_millis(50)).unwrap());
}

#[test]
fn monitor_shows_what_others_do() {
    let server = Server::ours();
    let mut watcher = server.client();
    assert_eq!(watcher.run("MONITOR").text(), "OK");
    let mut client = server.client();
    client.call(&[b"SET".as_slice(), b"k", b"a\n\"\x01"]).unwrap();
    let line = watcher.read().unwrap().text();
    assert!(line.contains(" [0 127.0.0.1:") && line.ends_with("] \"SET\" \"k\" \"a\\n\\\"\\x01\""), "{line}");
}

#[test]
fn unix_socket() {
    let server = Server::ours_with("--unixsocket ./server.sock --unixsocketperm 700");
    let mut stream = UnixStream::connect(server.dir().join("server.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(b"PING\r\n").unwrap();
    let mut reply = [0; 7];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"+PONG\r\n");
}

/// Replies that come later than the command has been executed go by CLIENT REPLY, too.
#[test]
fn who_wants_no_reply_hears_nothing_of_a_save() {
    let server = Server::ours();
    let mut client = server.client();
    let mut sent = Vec::new();
    for command in ["SAVE", "BGSAVE"] {
        encode(&mut sent, &["CLIENT", "REPLY", "SKIP"]);
        encode(&mut sent, &[command]);
    }
    encode(&mut sent, &["PING"]);
    encode(&mut sent, &["CLIENT", "REPLY", "OFF"]);
    encode(&mut sent, &["SAVE"]);
    encode(&mut sent, &["CLIENT", "REPLY", "ON"]);
    client.send_raw(&sent).unwrap();
    assert_eq!(client.read().unwrap().text(), "PONG");
    assert_eq!(client.read().unwrap().text(), "OK");
    server.wait_for_save();
    assert_eq!(client.run("LASTSAVE").int().map(|at| at > 0), Some(true));
}

/// What stands behind a BGSAVE in a pipeline is executed in portions, each request once and in its order, whatever its end is like.
#[test]
fn a_pipeline_goes_on_behind_bgsave() {
    let server = Server::ours_with("--io-threads 1");
    let set = |index| vec!["SET".to_string(), format!("key:{index}"), "x".repeat(500)];
    let replies = server.client().pipeline(&(0..2000).map(set).collect::<Vec<_>>()).unwrap();
    assert!(replies.iter().all(|reply| reply.text() == "OK"));
    let mut others: Vec<Client> = (0..4).map(|_| server.client()).collect();
    let mut count = 0;
    for round in 0..20 {
        let mut client = server.client();
        // Seen while it is stopped, all of it is one turn's.
        let process = Pid::from_raw(server.pid() as i32).unwrap();
        kill_process(process, Signal::STOP).unwrap();
        for (index, other) in others.iter_mut().enumerate() {
            (0..50).for_each(|_| other.send(&["INCR".to_string(), format!("other:{index}")]).unwrap());
        }
        let mut sent = Vec::new();
        (0..30).for_each(|_| encode(&mut sent, &["INCR", "count"]));
        encode(&mut sent, &["BGSAVE"]);
        (0..200).for_each(|_| encode(&mut sent, &["INCR", "count"]));
        let cut = match round % 3 {
            // The last request comes in two parts.
            0 => sent.len() - 5,
            // It is malformed.
            1 => {
                sent.extend_from_slice(b"*1\r\n!\r\n");
                sent.len()
            }
            _ => sent.len(),
        };
        client.send_raw(&sent[..cut]).unwrap();
        kill_process(process, Signal::CONT).unwrap();
        std::thread::sleep(Duration::from_millis(10));
        client.send_raw(&sent[cut..]).unwrap();
        for index in 0..231 {
            let reply = client.read().unwrap();
            if index == 30 {
                assert_eq!(reply.text(), "Background saving started");
            } else {
                count += 1;
                assert_eq!(reply.int(), Some(count), "round {round}, reply {index}");
            }
        }
        if round % 3 == 1 {
            assert_eq!(client.read().unwrap().text(), "ERR Protocol error: expected '$', got '!'");
            assert_eq!(client.read_to_end().unwrap(), b"");
        } else {
            assert_eq!(client.run("PING").text(), "PONG");
        }
        for other in &mut others {
            (1..=50).for_each(|n| assert_eq!(other.read().unwrap().int(), Some(round * 50 + n)));
        }
        server.wait_for_save();
    }
}
