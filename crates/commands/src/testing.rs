//! One helper for all unit tests of commands: a script of requests and the replies they must get.
//!
//! The requests go through a real reactor over a socket pair, so they take the way of every request.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use engine::{CommandTable, Engine, Worker};
use keyspace::{Keyspace, Options, WorkerId};

/// A server of one reactor inside the test process.
pub struct Server {
    handle: net::Handle,
    /// The engine, to look at from the side.
    pub engine: Arc<Engine>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Starts one with the default configuration and DEBUG enabled.
    pub fn start() -> Server {
        let keyspace = Arc::new(Keyspace::new(Options { stripes: 16, databases: 16, workers: 1 }));
        let loaded =
            config::Loader::load(None, None, b"enable-debug-command yes").expect("a sound configuration");
        let live = Arc::new(config::Live::new(loaded));
        let engine = Arc::new(Engine::new(keyspace, live, CommandTable::new(crate::all()), 1));
        let reactor = net::Reactor::new(net::Config::default()).expect("a reactor");
        let handle = reactor.handle();
        engine.workers[0].mailbox.attach(handle.clone());
        let worker = Worker::new(Arc::clone(&engine), WorkerId(0));
        let run = move || drop(reactor.run(worker).expect("the reactor runs"));
        Server { handle, engine, thread: Some(std::thread::spawn(run)) }
    }

    /// A new connection.
    pub fn connect(&self) -> Client {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        self.handle.adopt(theirs);
        Client::over(ours)
    }

    /// Sends each request on a new connection; what the log then has to say, a line for each effect.
    pub fn effects_of(&self, requests: &[&str]) -> Vec<String> {
        let mut reader = self.engine.log.reader();
        let mut client = self.connect();
        for request in requests {
            client.send(request);
            client.reply();
        }
        let mut bytes = Vec::new();
        while reader.read(&mut bytes, 1 << 20).expect("a short log") > 0 {}
        let text = bytes.escape_ascii().to_string();
        let effects = text.split('*').skip(1).map(|effect| {
            let words: Vec<&str> = effect.split(r"\r\n").skip(2).step_by(2).collect();
            words.join(" ")
        });
        effects.filter(|effect| !effect.starts_with("SELECT")).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the reactor ended well");
        }
    }
}

/// A connection to a [`Server`].
pub struct Client {
    socket: UnixStream,
    received: Vec<u8>,
}

impl Client {
    /// A connection to any server that speaks RESP.
    pub fn over(socket: UnixStream) -> Client {
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
        Client { socket, received: Vec::new() }
    }

    /// Sends a request written as on redis-cli's command line.
    pub fn send(&mut self, line: &str) {
        let words = resp::split_words(line.as_bytes()).expect("balanced quotes");
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        self.send_args(&words);
    }

    /// Sends a request.
    pub fn send_args(&mut self, args: &[&[u8]]) {
        let mut request = Vec::new();
        let mut writer = resp::Writer { out: &mut request, protocol: resp::Protocol::Resp2 };
        writer.array(args.len());
        args.iter().for_each(|arg| writer.bulk(arg));
        self.socket.write_all(&request).expect("the server reads");
    }

    /// The next reply: lines joined by a space; an array's elements follow its header.
    pub fn reply(&mut self) -> String {
        let line = self.line();
        let (kind, rest) = line.split_at(1);
        let elements = match kind {
            "$" | "=" => {
                return match rest.parse::<usize>() {
                    Ok(len) => format!("{line} {}", self.bytes(len).escape_ascii())
                        .replace("\\'", "'")
                        .replace("\\\"", "\""),
                    Err(_) => line,
                };
            }
            "*" | ">" | "~" => rest.parse().unwrap_or(0),
            "%" => rest.parse::<usize>().unwrap_or(0) * 2,
            _ => 0,
        };
        (0..elements).fold(line, |all, _| format!("{all} {}", self.reply()))
    }

    /// Sends each request and compares the replies; see [`check`].
    pub fn check(&mut self, script: &[(&str, &str)]) {
        for (request, expected) in script {
            self.send(request);
            let reply = self.reply();
            assert!(
                *expected == "?" || reply == *expected,
                "{request}\n  got      {reply}\n  expected {expected}"
            );
        }
    }

    /// Waits for the end of the connection; false if something else comes first.
    pub fn is_closed(&mut self) -> bool {
        let end = match self.read(&mut [0; 64]) {
            Ok(len) => len == 0,
            // The server closed while bytes of ours were still unread.
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        };
        self.received.is_empty() && end
    }

    /// Reads; a read that the kernel broke off is begun anew.
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.socket.read(buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    fn more(&mut self) {
        let mut buffer = [0; 4096];
        let len = self.read(&mut buffer).expect("a reply in time");
        assert!(len > 0, "the server closed the connection");
        self.received.extend_from_slice(&buffer[..len]);
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.received.windows(2).position(|w| w == b"\r\n") {
                let line = self.received.drain(..end + 2).take(end).collect::<Vec<u8>>();
                return String::from_utf8_lossy(&line).into_owned();
            }
            self.more();
        }
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        while self.received.len() < len + 2 {
            self.more();
        }
        self.received.drain(..len + 2).take(len).collect()
    }
}

/// Sends each request on one connection to a fresh server and compares what the log is told: requests joined by `;`, their words by a
/// space. `?` accepts anything.
pub fn check_effects(script: &[(&str, &str)]) {
    let server = Server::start();
    let mut reader = server.engine.log.reader();
    let mut client = server.connect();
    for (request, expected) in script {
        client.send(request);
        let reply = client.reply();
        let mut bytes = Vec::new();
        reader.read(&mut bytes, usize::MAX).expect("the log holds it");
        let mut told = Vec::new();
        let (mut parser, mut rest) = (resp::Parser::default(), &bytes[..]);
        let limits = resp::Limits { bulk_bytes_max: 1 << 30, authenticated: true };
        while let Ok(Some((_, len))) = parser.parse(rest, limits) {
            let words = parser.args().iter().map(|range| rest[range.clone()].escape_ascii().to_string());
            told.push(words.collect::<Vec<_>>().join(" "));
            rest = &rest[len..];
            parser.reset();
        }
        let told = told.join(";");
        assert!(
            *expected == "?" || told == *expected,
            "{request} => {reply}\n  told     {told}\n  expected {expected}"
        );
    }
}

/// Sends each request on one connection to a fresh server and compares the replies. `$5 hello` is a bulk string, `*2 :1 :2` an array;
/// a lone `?` accepts any reply.
pub fn check(script: &[(&str, &str)]) {
    Server::start().connect().check(script);
}
