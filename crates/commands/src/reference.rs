//! A live redis-server beside the test's own server: both get the same requests, and must answer the same.
//!
//! Tests that use it say so and pass where no redis-server is installed.

use std::collections::VecDeque;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::testing::{Client, Server};

/// Requests shown when a reply differs.
const RECENT: usize = 5;

/// A redis-server of the test's own, stopped when dropped.
struct Reference {
    process: Child,
    directory: PathBuf,
}

impl Reference {
    /// Starts one; `None` if it is not installed.
    fn start() -> Option<Reference> {
        let name = format!("evenkeel-reference-{}-{:x}", std::process::id(), fastrand::u64(..));
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir(&directory).expect("a temporary directory");
        let process = Command::new("redis-server")
            .args(["--port", "0", "--unixsocket", "socket", "--save", "", "--enable-debug-command", "yes"])
            .arg("--dir")
            .arg(&directory)
            .current_dir(&directory)
            .stdout(Stdio::null())
            .spawn();
        match process {
            Ok(process) => Some(Reference { process, directory }),
            Err(_) => {
                std::fs::remove_dir_all(&directory).expect("the directory is ours");
                None
            }
        }
    }

    fn connect(&self) -> Client {
        let socket = self.directory.join("socket");
        for _ in 0..500 {
            if let Ok(socket) = UnixStream::connect(&socket) {
                return Client::over(socket);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("redis-server does not listen");
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to stop.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Draws `count` requests from `draw`, sends each to both servers and compares the replies.
pub fn compare(count: usize, mut draw: impl FnMut(&mut fastrand::Rng) -> Vec<Vec<u8>>) {
    let Some(reference) = Reference::start() else {
        println!("skipped: redis-server is not installed");
        return;
    };
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let server = Server::start();
    let (mut ours, mut theirs) = (server.connect(), reference.connect());
    let mut recent = VecDeque::new();
    for _ in 0..count {
        let request = draw(&mut rng);
        let words: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
        ours.send_args(&words);
        theirs.send_args(&words);
        let (our_reply, their_reply) = (ours.reply(), theirs.reply());
        if recent.len() == RECENT {
            recent.pop_front();
        }
        recent.push_back(request.join(&b' ').escape_ascii().to_string());
        assert!(
            our_reply == their_reply,
            "{}\n  got      {our_reply}\n  expected {their_reply}",
            recent.make_contiguous().join("\n")
        );
    }
}

/// The words of a request, separated by spaces.
pub fn words(line: &str) -> Vec<Vec<u8>> {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}
