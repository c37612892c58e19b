//! A real server in a temporary folder, spoken to in RESP, stopped on drop.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The servers to test against: `redis-server` and `valkey-server` on PATH, and those that the environment variable
/// EVENKEEL_REFERENCE_SERVERS names, separated by colons. Prints a line if there is none.
pub fn reference_servers() -> Vec<String> {
    let named = std::env::var("EVENKEEL_REFERENCE_SERVERS").unwrap_or_default();
    let named = named.split(':').filter(|path| !path.is_empty()).map(String::from);
    let servers: Vec<String> = ["redis-server".to_string(), "valkey-server".to_string()]
        .into_iter()
        .chain(named)
        .filter(|program| {
            Command::new(program)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok()
        })
        .collect();
    if servers.is_empty() {
        println!("SKIPPED: no redis-server or valkey-server on PATH");
    }
    servers
}

/// A folder of its own, removed on drop.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("rdb-live-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn dump(&self) -> PathBuf {
        self.0.join("dump.rdb")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub struct Server {
    process: Child,
    stream: BufReader<TcpStream>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Line(String),
    Bulk(Vec<u8>),
    Array(Vec<Reply>),
    Nil,
}

impl Reply {
    /// The texts of an array, an integer's digits among them.
    pub fn texts(&self) -> Vec<Vec<u8>> {
        let Reply::Array(items) = self else { panic!("{self:?}") };
        items.iter().map(Reply::text).collect()
    }

    /// A text, or an integer's digits.
    pub fn text(&self) -> Vec<u8> {
        match self {
            Reply::Bulk(text) => text.clone(),
            Reply::Line(line) => line.trim_start_matches([':', '+']).as_bytes().to_vec(),
            other => panic!("{other:?}"),
        }
    }

    pub fn is_error(&self) -> bool {
        matches!(self, Reply::Line(line) if line.starts_with('-'))
    }
}

impl Server {
    /// Starts `program` on the folder's `dump.rdb`, if there is one, and waits until it has loaded it.
    pub fn start(program: &str, folder: &Folder) -> Self {
        Self::start_with(program, folder, &[])
    }

    /// The same, with more arguments.
    pub fn start_with(program: &str, folder: &Folder, arguments: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut process = Command::new(program)
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--databases",
                "16",
                "--dir",
            ])
            .arg(&folder.0)
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let stream = loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
                break stream;
            }
            assert!(process.try_wait().unwrap().is_none(), "{program} refused to start");
            assert!(Instant::now() < deadline, "{program} does not listen");
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut server = Self { process, stream: BufReader::new(stream) };
        while server.ask_text("PING") != Reply::Line("+PONG".into()) {
            assert!(Instant::now() < deadline, "{program} does not finish loading");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    pub fn ask_text(&mut self, command: &str) -> Reply {
        let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        self.ask(&[&words]).remove(0)
    }

    /// Sends commands, a bounded number at a time so that neither side's buffers fill, and returns their replies.
    pub fn ask(&mut self, commands: &[&[&[u8]]]) -> Vec<Reply> {
        let mut replies = Vec::new();
        for batch in commands.chunks(50) {
            let mut request = Vec::new();
            for command in batch {
                request.extend(format!("*{}\r\n", command.len()).into_bytes());
                for argument in *command {
                    request.extend(format!("${}\r\n", argument.len()).into_bytes());
                    request.extend_from_slice(argument);
                    request.extend(b"\r\n");
                }
            }
            self.stream.get_mut().write_all(&request).unwrap();
            replies.extend(batch.iter().map(|_| self.reply()).collect::<Vec<_>>());
        }
        replies
    }

    /// Sends one command. `None` if the server does not survive it or does not answer within seconds.
    pub fn try_ask(&mut self, command: &[&[u8]]) -> Option<Reply> {
        let mut request = format!("*{}\r\n", command.len()).into_bytes();
        for argument in command {
            request.extend(format!("${}\r\n", argument.len()).into_bytes());
            request.extend_from_slice(argument);
            request.extend(b"\r\n");
        }
        self.stream.get_ref().set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        self.stream.get_mut().write_all(&request).ok()?;
        self.stream.fill_buf().ok().filter(|bytes| !bytes.is_empty())?;
        Some(self.reply())
    }

    fn reply(&mut self) -> Reply {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let line = line.trim_end().to_string();
        match line.strip_prefix('$') {
            Some("-1") => Reply::Nil,
            Some(len) => {
                let mut body = vec![0; len.parse::<usize>().unwrap() + 2];
                self.stream.read_exact(&mut body).unwrap();
                body.truncate(body.len() - 2);
                Reply::Bulk(body)
            }
            None => match line.strip_prefix('*') {
                Some("-1") => Reply::Nil,
                Some(count) => {
                    let count = count.parse::<usize>().unwrap();
                    Reply::Array((0..count).map(|_| self.reply()).collect())
                }
                None => Reply::Line(line),
            },
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
