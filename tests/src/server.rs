//! Starting, finding and stopping one server process.
//!
//! Every server gets a free port on 127.0.0.1 and an own empty directory, and is killed by its process id when
//! dropped; the directory goes with it. Any binary with redis-server's command line will do: which one is
//! meant by "ours" and by "the reference" is decided in [`ours`] and [`reference`].

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::client::Client;

/// How to start a server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The server's binary.
    pub binary: PathBuf,
    /// Options after the binary, such as `--io-threads 1`, one word each.
    pub args: Vec<String>,
    /// Words in front of the binary that end in an `exec`: `taskset -c 0`.
    pub wrapper: Vec<String>,
    /// Environment variables that are set for the server.
    pub env: Vec<(String, String)>,
    /// Directory to run in; a fresh one, removed afterwards, when none.
    pub dir: Option<PathBuf>,
    /// How long start-up, loading included, may take.
    pub start_timeout: Duration,
}

impl ServerOptions {
    /// A server without save points and without protected mode's surprises.
    pub fn new(binary: impl Into<PathBuf>) -> ServerOptions {
        ServerOptions {
            binary: binary.into(),
            args: ["--save", ""].map(String::from).to_vec(),
            wrapper: Vec::new(),
            env: Vec::new(),
            dir: None,
            start_timeout: Duration::from_secs(30),
        }
    }

    /// Adds options, separated by spaces.
    pub fn args(mut self, words: &str) -> ServerOptions {
        self.args.extend(words.split_whitespace().map(String::from));
        self
    }

    /// Adds one option whose value may hold spaces or be empty.
    pub fn arg(mut self, name: &str, value: &str) -> ServerOptions {
        self.args.extend([name.to_string(), value.to_string()]);
        self
    }

    /// Adds words in front of the binary, separated by spaces.
    pub fn wrapper(mut self, words: &str) -> ServerOptions {
        self.wrapper.extend(words.split_whitespace().map(String::from));
        self
    }

    /// Pins the whole server to a list of cores, written as `taskset -c` takes it.
    pub fn cores(self, list: &str) -> ServerOptions {
        self.wrapper(&format!("taskset -c {list}"))
    }

    /// Sets an environment variable for the server.
    pub fn env(mut self, name: &str, value: &str) -> ServerOptions {
        self.env.push((name.to_string(), value.to_string()));
        self
    }

    /// Runs in an existing directory, which is kept.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> ServerOptions {
        self.dir = Some(dir.into());
        self
    }

    /// Starts the server and waits until it answers PING.
    pub fn start(&self) -> io::Result<Server> {
        // Between finding a free port and the server's bind another process may take it.
        let mut result = Server::start_once(self);
        for _ in 0..3 {
            match &result {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => result = Server::start_once(self),
                _ => break,
            }
        }
        result
    }
}

/// A running server; dropping it kills it.
pub struct Server {
    child: Child,
    port: u16,
    dir: PathBuf,
    keeps_dir: bool,
}

impl Server {
    /// Starts our server with default test options; panics with the reason when it cannot.
    pub fn ours() -> Server {
        Server::ours_with("")
    }

    /// Starts our server with further options; panics with the reason when it cannot.
    pub fn ours_with(args: &str) -> Server {
        let binary = ours().unwrap_or_else(|reason| panic!("{reason}"));
        ServerOptions::new(binary).args(args).start().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its working directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A new connection; panics when refused.
    pub fn client(&self) -> Client {
        Client::connect(self.addr()).unwrap_or_else(|error| panic!("connecting to the server: {error}"))
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("server.log")).unwrap_or_default()
    }

    /// The exit status if it has ended by itself.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for it to end by itself, killing it after `limit`.
    pub fn wait(&mut self, limit: Duration) -> io::Result<ExitStatus> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > until {
                self.kill();
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the server did not end in time"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills it at once (SIGKILL) and collects it.
    pub fn kill(&mut self) {
        // Both fail only when it has already ended and been collected.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// One field of INFO, or none when it is missing.
    pub fn info(&self, field: &str) -> Option<String> {
        info_field(&self.client().run("INFO everything").text(), field)
    }

    /// Waits until no save is running in the background, 30 seconds at most.
    pub fn wait_for_save(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        while self.info("rdb_bgsave_in_progress").is_none_or(|running| running.trim() != "0") {
            assert!(Instant::now() < until, "the save does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn start_once(options: &ServerOptions) -> io::Result<Server> {
        let port = free_port()?;
        let (dir, keeps_dir) = match &options.dir {
            Some(dir) => (dir.clone(), true),
            None => (fresh_dir()?, false),
        };
        let log = fs::File::create(dir.join("server.log"))?;
        let mut words = options.wrapper.iter().map(PathBuf::from).collect::<Vec<_>>();
        // The server runs in a directory of its own, where a relative path would lead elsewhere.
        words.push(std::path::absolute(&options.binary)?);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"]).arg(&dir);
        command.args(&options.args);
        command.envs(options.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(&dir).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().map_err(|error| {
            if !keeps_dir {
                // Nothing has run in it yet; the error that counts is the one below.
                let _ = fs::remove_dir_all(&dir);
            }
            io::Error::new(error.kind(), format!("cannot start {}: {error}", words[0].display()))
        })?;
        let mut server = Server { child, port, dir, keeps_dir };
        server.wait_until_ready(options)?;
        Ok(server)
    }

    fn wait_until_ready(&mut self, options: &ServerOptions) -> io::Result<()> {
        let until = Instant::now() + options.start_timeout;
        loop {
            if let Some(status) = self.child.try_wait()? {
                let log = self.log();
                let kind = if log.contains("Address already in use") || log.contains("bind:") {
                    io::ErrorKind::AddrInUse
                } else {
                    io::ErrorKind::Other
                };
                let what = format!("{} ended with {status}:\n{log}", options.binary.display());
                return Err(io::Error::new(kind, what));
            }
            if let Ok(mut client) = Client::connect(self.addr()) {
                client.set_timeout(Duration::from_secs(5))?;
                if let Ok(reply) = client.call(&["PING"])
                    && (reply.text() == "PONG" || reply.text().starts_with("NOAUTH"))
                {
                    return Ok(());
                }
            }
            if Instant::now() > until {
                let what = format!("{} did not answer in time:\n{}", options.binary.display(), self.log());
                return Err(io::Error::new(io::ErrorKind::TimedOut, what));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if !self.keeps_dir && std::env::var_os("EVENKEEL_KEEP_DIRS").is_none() {
            // A directory that cannot be removed is left to the system's cleaning of /tmp.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// The value of one `name:value` line of an INFO text.
pub fn info_field(info: &str, field: &str) -> Option<String> {
    info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).map(String::from)
}

/// The root folder of the checkout.
pub fn checkout() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// The folder that builds go to.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| checkout().join("target"), PathBuf::from)
}

/// Our server's binary: `EVENKEEL_SERVER`, or the release build, or the dist build.
pub fn ours() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("EVENKEEL_SERVER") {
        return Ok(PathBuf::from(path));
    }
    ["release", "dist"]
        .iter()
        .map(|profile| target().join(profile).join("evenkeel"))
        .find(|path| path.is_file())
        .ok_or_else(|| "no server: run `cargo build --release` or set EVENKEEL_SERVER".to_string())
}

/// The server to compare with: `EVENKEEL_ORACLE`, or Debian's redis-server.
pub fn reference() -> Result<PathBuf, String> {
    let path =
        std::env::var_os("EVENKEEL_ORACLE").map_or_else(|| "/usr/bin/redis-server".into(), PathBuf::from);
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("no reference server at {}: install redis-server or set EVENKEEL_ORACLE", path.display()))
    }
}

/// A new empty directory below the system's temporary one.
pub fn fresh_dir() -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("evenkeel-{}-{count}", std::process::id()));
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(&dir)?;
    Ok(dir)
}

fn free_port() -> io::Result<u16> {
    // Redis derives the cluster port by adding 10000, so the upper ports are of no use.
    for _ in 0..100 {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        if port < 55000 {
            return Ok(port);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no free port below 55000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_starts_answers_and_ends() {
        let server = ServerOptions::new(reference().unwrap()).start().unwrap();
        let (pid, dir) = (server.pid(), server.dir().to_path_buf());
        assert_eq!(server.client().run("SET k v").text(), "OK");
        assert_eq!(server.info("tcp_port").unwrap(), server.port().to_string());
        drop(server);
        assert!(!dir.exists() && !Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn says_why_a_server_did_not_start() {
        let options = ServerOptions::new(reference().unwrap()).args("--no-such-option yes");
        let error = options.start().err().unwrap().to_string();
        assert!(error.contains("no-such-option"), "{error}");
        let missing = ServerOptions::new("/nonexistent/server").start().err().unwrap();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
