//! Stock clients and tools, as their users have them: redis-py, ioredis, redis-cli, redis-benchmark.
//!
//! `cargo xtask test` installs the first two and says where by `EVENKEEL_PYTHON` and `EVENKEEL_NODE_FOLDER`; without it the same
//! places below `target/` are looked at. A machine that can have no node says so by `EVENKEEL_WITHOUT_NODE`.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use system_tests::{Server, client, server};

fn script(name: &str) -> PathBuf {
    server::checkout().join("tests/clients").join(name)
}

fn from_environment(name: &str, default: &str) -> PathBuf {
    std::env::var_os(name).map_or_else(|| server::target().join(default), PathBuf::from)
}

/// Runs to the end and wants success; standard output.
fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) =
        (String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned());
    assert!(status.success(), "{command:?}: {status}\n{out}\n{err}");
    out
}

fn cli(server: &Server) -> Command {
    let mut command = Command::new("redis-cli");
    command.args(["-p", &server.port().to_string()]);
    command
}

#[test]
fn redis_py() {
    let python = from_environment("EVENKEEL_PYTHON", "venv/bin/python");
    assert!(python.is_file(), "no {}: `cargo xtask test` makes it", python.display());
    let server = Server::ours();
    let out = run(Command::new(python).arg(script("basics.py")).arg(server.port().to_string()));
    assert!(out.contains("is content"), "{out}");
}

#[test]
fn ioredis() {
    if std::env::var_os("EVENKEEL_WITHOUT_NODE").is_some() {
        println!("left out: this machine has no node");
        return;
    }
    let folder = from_environment("EVENKEEL_NODE_FOLDER", "node");
    assert!(
        folder.join("node_modules/ioredis").is_dir(),
        "no ioredis in {}: `cargo xtask test` brings it",
        folder.display()
    );
    let server = Server::ours();
    let mut node = Command::new("node");
    node.arg(script("basics.js")).arg(server.port().to_string()).env("EVENKEEL_NODE_FOLDER", folder);
    assert!(run(&mut node).contains("is content"));
}

fn filled() -> Server {
    let server = Server::ours();
    let mut client = server.client();
    let commands: Vec<Vec<String>> = (0..5000)
        .map(|n| vec!["SET".to_string(), format!("key:{n}"), "v".repeat(if n == 77 { 5000 } else { n % 90 })])
        .collect();
    client.pipeline(&commands).unwrap();
    server
}

#[test]
fn redis_cli_plain() {
    let server = filled();
    assert_eq!(run(cli(&server).args(["get", "key:3"])), "vvv\n");
    assert_eq!(run(cli(&server).args(["-3", "get", "none"])), "\n");
    assert_eq!(run(cli(&server).args(["dbsize"])), "5000\n");
    assert!(run(cli(&server).args(["-e", "info", "keyspace"])).contains("db0:keys=5000"));
    assert_eq!(run(cli(&server).args(["-r", "3", "incr", "n"])), "1\n2\n3\n");
    let scanned = run(cli(&server).args(["--scan", "--pattern", "key:7?"]));
    assert_eq!(scanned.lines().count(), 10);
    let input = std::fs::File::open(script("basics.py")).unwrap();
    assert_eq!(run(cli(&server).args(["-x", "set", "from stdin"]).stdin(Stdio::from(input))), "OK\n");
}

#[test]
fn redis_cli_reports() {
    let server = filled();
    let bigkeys = run(cli(&server).arg("--bigkeys"));
    assert!(bigkeys.contains("Sampled 5000 keys in the keyspace!"), "{bigkeys}");
    assert!(bigkeys.contains("Biggest string found '\"key:77\"' has 5000 bytes"), "{bigkeys}");
    let memkeys = run(cli(&server).arg("--memkeys"));
    assert!(memkeys.contains("Sampled 5000 keys in the keyspace!"), "{memkeys}");
    assert!(memkeys.contains("Biggest string found '\"key:77\"' has"), "{memkeys}");
    let some = run(cli(&server).args(["--bigkeys", "--pattern", "key:7?"]));
    assert!(some.contains("Sampled 10 keys in the keyspace!"), "{some}");
    let latency = run(cli(&server).args(["--latency", "-i", "1"]));
    assert_eq!(latency.split_whitespace().count(), 4, "min max avg count: {latency}");
    let stat = run(cli(&server).args(["--stat", "-i", "0.2"]).wrapped_for(2));
    let lines: Vec<&str> = stat.lines().filter(|line| line.trim_start().starts_with("5000 ")).collect();
    assert!(lines.len() >= 3, "{stat}");
}

#[test]
fn redis_cli_latency_history() {
    let server = Server::ours();
    // Not a terminal: each span of the history is a line of min, max, avg and count.
    let history = run(cli(&server).args(["--latency-history", "-i", "0.5"]).wrapped_for(2));
    let spans = history.lines().filter(|line| line.split_whitespace().count() == 4).count();
    assert!(spans >= 2, "{history}");
}

/// The key that is read most is found first, and only with a policy that counts.
#[test]
fn redis_cli_hotkeys() {
    let server = filled();
    let refused = cli(&server).arg("--hotkeys").output().unwrap();
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && text.contains("An LFU maxmemory policy is not selected"), "{text}");
    server.client().run("CONFIG SET maxmemory-policy allkeys-lfu");
    let reads: Vec<Vec<String>> =
        (0..2000).map(|_| vec!["GET".to_string(), "key:1234".to_string()]).collect();
    server.client().pipeline(&reads).unwrap();
    let hot = run(cli(&server).arg("--hotkeys"));
    let first = hot.lines().find(|line| line.starts_with("hot key found"));
    assert!(first.is_some_and(|line| line.contains("key:1234")), "{hot}");
}

#[test]
fn redis_cli_pipe() {
    let server = Server::ours();
    let mut bytes = Vec::new();
    for n in 0..20_000 {
        client::encode(&mut bytes, &["SET", &format!("key:{n}"), &n.to_string()]);
    }
    client::encode(&mut bytes, &["INCR", "key:1"]);
    let mut child = cli(&server).arg("--pipe").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let out = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(text.contains("errors: 0, replies: 20001"), "{text}");
    assert_eq!(server.client().run("DBSIZE").int(), Some(20_000));
}

#[test]
fn redis_benchmark() {
    let server = Server::ours();
    let mut command = Command::new("redis-benchmark");
    command.args([
        "-p",
        &server.port().to_string(),
        "-q",
        "-n",
        "5000",
        "-P",
        "16",
        "-r",
        "1000",
        "-t",
        "ping,set,get,incr,mset",
    ]);
    let out = run(&mut command).replace('\r', "\n");
    for test in ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"] {
        assert!(
            out.lines()
                .any(|line| line.starts_with(&format!("{test}: ")) && line.contains("requests per second")),
            "{test}: {out}"
        );
    }
    assert!(!out.contains("Error") && !out.contains("ERR"), "{out}");
}

/// All of its tests, as they come: every command that they use is there.
#[test]
fn redis_benchmark_default_tests() {
    let server = Server::ours();
    let mut command = Command::new("redis-benchmark");
    command.args(["-p", &server.port().to_string(), "-q", "-n", "1000", "-c", "10"]);
    let out = run(&mut command).replace('\r', "\n");
    let tests: Vec<&str> = out.lines().filter(|line| line.contains("requests per second")).collect();
    assert_eq!(tests.len(), 20, "{out}");
    for test in ["LPUSH", "RPOP", "SADD", "HSET", "SPOP", "ZADD", "ZPOPMIN", "LRANGE_600", "MSET"] {
        assert!(tests.iter().any(|line| line.starts_with(test)), "{test}: {out}");
    }
    assert!(!out.contains("Error") && !out.contains("ERR"), "{out}");
}

/// Tools that run for ever are ended from outside after some seconds, which is no failure of theirs.
trait WrappedFor {
    fn wrapped_for(&mut self, seconds: u32) -> &mut Command;
}

impl WrappedFor for Command {
    fn wrapped_for(&mut self, seconds: u32) -> &mut Command {
        let words: Vec<_> = std::iter::once(self.get_program())
            .chain(self.get_args())
            .map(|word| word.to_os_string())
            .collect();
        let mut wrapped = Command::new("/bin/sh");
        wrapped
            .args(["-c", &format!("timeout {seconds} stdbuf -oL \"$@\"; [ $? -eq 124 ]"), "sh"])
            .args(words);
        *self = wrapped;
        self
    }
}
