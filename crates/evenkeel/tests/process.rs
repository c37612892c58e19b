//! The program as a process: what it prints, how it starts, how it ends. What it serves is tested elsewhere: here it listens
//! nowhere.

use std::os::unix::net::UnixDatagram;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_evenkeel");

/// A directory of its own for each test, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("evenkeel-process-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the temporary directory can be written");
        Scratch(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).expect("the temporary directory can be written");
        self.path(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server that is killed if a test fails half-way.
struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts a server in `scratch` that listens on a unix socket only and logs to a file, and waits until it is ready.
    fn start(scratch: &Scratch, arguments: &[&str]) -> Server {
        Self::start_command(scratch, arguments, &mut Command::new(PROGRAM))
    }

    fn start_command(scratch: &Scratch, arguments: &[&str], command: &mut Command) -> Server {
        let log = scratch.path("log");
        command.args(["--port", "0", "--unixsocket", "socket", "--save", "", "--dir"]);
        command.arg(&scratch.0).arg("--logfile").arg(&log);
        let child = command.args(arguments).stdin(Stdio::null()).spawn().expect("the server starts");
        let server = Server { child, log };
        until("the server is ready", || server.text().contains("Server initialized"));
        server
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn signal(&self, signal: &str) {
        kill(self.child.id(), signal);
    }

    fn end(mut self) -> (std::process::ExitStatus, String) {
        let status = self.child.wait().expect("the server ends");
        (status, self.text())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn kill(pid: u32, signal: &str) {
    let status = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status();
    assert!(status.expect("kill runs").success());
}

fn until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn command_line(pid: u32) -> String {
    text(&std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default())
}

#[test]
fn version_and_help() {
    for flag in ["-v", "--version"] {
        let output = run(&[flag]);
        assert!(output.status.success());
        assert!(text(&output.stdout).starts_with("Evenkeel server v="), "{}", text(&output.stdout));
        assert_eq!(text(&output.stdout).lines().count(), 1);
    }
    let as_redis = Command::new(PROGRAM).arg0("/usr/bin/redis-server").arg("-v").output().expect("runs");
    assert!(text(&as_redis.stdout).starts_with("Redis server v=7.2.4 sha="), "{}", text(&as_redis.stdout));
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(1), "as redis-server");
    assert!(text(&output.stderr).starts_with("Usage: "));
}

#[test]
fn what_it_is_not() {
    for arguments in [&["--sentinel"][..], &["--test-memory", "10"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stderr).lines().count(), 1, "{}", text(&output.stderr));
    }
}

#[test]
fn a_wrong_configuration_is_fatal_in_redis_words() {
    let output = run(&["--port", "0", "--loglevel", "x"]);
    assert_eq!(output.status.code(), Some(1));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        text(&output.stderr),
        format!(
            "\n*** FATAL CONFIG FILE ERROR (Evenkeel {version}) ***\n\
             Reading the configuration file, at line 3\n>>> 'loglevel \"x\"'\n\
             argument(s) must be one of the following: debug, verbose, notice, warning, nothing\n"
        )
    );
    let output = run(&["/nosuch/file.conf"]);
    assert_eq!(output.status.code(), Some(1));
    let line = text(&output.stdout);
    assert!(
        line.ends_with(
            " # Fatal error, can't open config file '/nosuch/file.conf': No such file or directory\n"
        ),
        "{line}"
    );
}

#[test]
fn it_starts_logs_and_ends() {
    let scratch = Scratch::new("ends");
    for (signal, name) in [("TERM", "SIGTERM"), ("INT", "SIGINT")] {
        let server = Server::start(&scratch, &["--activerehashing", "no"]);
        server.signal("HUP");
        server.signal(signal);
        let pid = server.child.id();
        let (status, log) = server.end();
        assert!(status.success(), "{log}");
        let lines: Vec<_> = log.lines().collect();
        assert!(lines[0].starts_with(&format!("{pid}:M ")) && lines[0].contains(" * oO0Oo"), "{log}");
        assert!(log.contains(&format!("pid={pid}, just started\n")), "{log}");
        assert!(log.contains("* Option activerehashing: "), "{log}");
        assert!(log.contains(" * Running mode=standalone, port=0.\n"), "{log}");
        assert!(log.contains(&format!("{pid}:signal-handler (")), "{log}");
        assert!(log.contains(&format!(" Received {name} scheduling shutdown...\n")), "{log}");
        assert!(log.ends_with(" * Evenkeel is now ready to exit, bye bye...\n"), "{log}");
        std::fs::remove_file(scratch.path("log")).expect("removed");
    }
}

#[test]
fn the_title_hides_the_arguments() {
    let scratch = Scratch::new("title");
    let server = Server::start(&scratch, &["--requirepass", "hidden", "--bind", "127.0.0.1"]);
    let line = command_line(server.child.id());
    assert_eq!(line.trim_end_matches('\0'), format!("{PROGRAM} socket"));
    drop(server);
    std::fs::remove_file(scratch.path("log")).expect("removed");
    let server = Server::start(&scratch, &["--set-proc-title", "no"]);
    assert!(command_line(server.child.id()).contains("--set-proc-title\0no"));
}

#[test]
fn configuration_from_standard_input_and_options() {
    let scratch = Scratch::new("stdin");
    let file = scratch.put("a.conf", "loglevel nonsense\n");
    let mut child = Command::new(PROGRAM)
        .args(["-", "--databases", "0"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut pipe = child.stdin.take().expect("piped");
    std::io::Write::write_all(&mut pipe, b"loglevel debug\nport 0\n").expect("written");
    drop(pipe);
    let output = child.wait_with_output().expect("ends");
    assert!(text(&output.stdout).contains(" # Reading config from stdin\n"));
    let error = text(&output.stderr);
    assert!(error.contains("at line 4\n>>> 'databases \"0\"'\nargument must be between 1 and"), "{error}");
    let output = run(&[&file.display().to_string(), "--loglevel", "debug"]);
    assert!(text(&output.stderr).contains("at line 1\n>>> 'loglevel nonsense'"), "{}", text(&output.stderr));
}

#[test]
fn it_goes_into_the_background() {
    let scratch = Scratch::new("background");
    let (log, pidfile) = (scratch.path("log"), scratch.path("pid"));
    let mut command = Command::new(PROGRAM);
    command.args(["--port", "0", "--unixsocket", "socket", "--save", "", "--daemonize", "yes", "--dir"]);
    command.arg(&scratch.0);
    command.arg("--pidfile").arg(&pidfile).arg("--logfile").arg(&log);
    let output = command.stdin(Stdio::null()).output().expect("runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
    until("the daemon has logged", || {
        std::fs::read_to_string(&log).unwrap_or_default().contains("Server initialized")
    });
    let pid: u32 = std::fs::read_to_string(&pidfile).expect("a pid file").trim().parse().expect("a number");
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    assert_eq!(fields[3], pid.to_string(), "it leads a session of its own: {stat}");
    for stream in 0..3 {
        let target = std::fs::read_link(format!("/proc/{pid}/fd/{stream}")).expect("open");
        assert_eq!(target, Path::new("/dev/null"));
    }
    kill(pid, "TERM");
    until("the pid file is gone", || !pidfile.exists());
    let log = std::fs::read_to_string(&log).expect("a log");
    assert!(log.contains(&format!("{pid}:M ")) && log.contains("Removing the pid file."), "{log}");
}

#[test]
fn systemd_hears_of_it() {
    let scratch = Scratch::new("systemd");
    let socket = UnixDatagram::bind(scratch.path("notify")).expect("bound");
    let mut command = Command::new(PROGRAM);
    command.env("NOTIFY_SOCKET", scratch.path("notify"));
    // As the unit has it; without going into the background whatever a file says.
    let server =
        Server::start_command(&scratch, &["--supervised", "systemd", "--daemonize", "yes"], &mut command);
    let heard = || {
        let mut buffer = [0; 200];
        let length = socket.recv(&mut buffer).expect("a message");
        text(&buffer[..length])
    };
    assert_eq!(heard(), "STATUS=Loading\n");
    assert_eq!(heard(), "STATUS=Ready to accept connections\nREADY=1\n");
    server.signal("TERM");
    assert_eq!(heard(), "STATUS=Shutting down\nSTOPPING=1\n");
    let (status, log) = server.end();
    assert!(status.success(), "{log}");
}

#[test]
fn a_fatal_signal_is_reported_and_then_fatal() {
    let scratch = Scratch::new("crash");
    let server = Server::start(&scratch, &[]);
    server.signal("SEGV");
    let (status, log) = server.end();
    assert_eq!(status.signal(), Some(11), "{log}");
    for part in [
        "BUG REPORT START",
        "(SIGSEGV)",
        "Killed by PID: ",
        "STACK TRACE",
        "CONFIG DEBUG OUTPUT",
        "REPORT END",
    ] {
        assert!(log.contains(part), "no {part} in {log}");
    }
    std::fs::remove_file(scratch.path("log")).expect("removed");
    let server = Server::start(&scratch, &["--crash-log-enabled", "no"]);
    server.signal("SEGV");
    let (status, log) = server.end();
    assert_eq!(status.signal(), Some(11));
    assert!(!log.contains("BUG REPORT"), "{log}");
}

#[test]
fn the_working_directory_is_entered() {
    let scratch = Scratch::new("dir");
    let server = Server::start(&scratch, &[]);
    let cwd = std::fs::read_link(format!("/proc/{}/cwd", server.child.id())).expect("it runs");
    assert_eq!(cwd, std::fs::canonicalize(&scratch.0).expect("it is there"));
}

/// The arguments in the systemd unit are ones that the server understands, and the ones that the unit's type needs.
#[test]
fn the_unit_starts_what_it_should() {
    let unit = include_str!("../../../packaging/evenkeel.service");
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("a command");
    let arguments: Vec<_> = line.split(' ').skip(1).map(std::ffi::OsString::from).collect();
    let config::CommandLine::Serve { file, stdin, options } = config::parse_command_line(&arguments) else {
        panic!("{line}");
    };
    assert_eq!((file, stdin), (Some(PathBuf::from("/etc/evenkeel/evenkeel.conf")), false));
    let options = text(&options).replace("/var/lib/evenkeel", "/tmp");
    let loaded = config::Loader::load(None, None, options.as_bytes()).expect("options that exist");
    let config = config::Config::from(&loaded.settings);
    assert!(unit.contains("\nType=notify\n"));
    assert_eq!(config.process.supervised, config::Supervision::Systemd);
    assert!(!config.process.daemonize);
}

/// Neither a title nor the background takes a fork: every new process shares its parent's memory until it has a
/// program of its own, and every new thread shares it for ever.
#[test]
fn nothing_forks() {
    let scratch = Scratch::new("fork");
    let trace = scratch.path("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=process", "-o"]).arg(&trace).arg(PROGRAM);
    command.args(["--port", "0", "--unixsocket", "socket", "--save", "", "--daemonize", "yes", "--dir"]);
    command.arg(&scratch.0);
    command.arg("--pidfile").arg(scratch.path("pid")).arg("--logfile").arg(scratch.path("log"));
    let mut strace = match command.stdin(Stdio::null()).spawn() {
        Ok(strace) => strace,
        // Where there is no strace there is nothing to look with; the continuous build has it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => panic!("{error}"),
    };
    until("the daemon is ready", || {
        std::fs::read_to_string(scratch.path("log")).unwrap_or_default().contains("Server initialized")
    });
    let pid = std::fs::read_to_string(scratch.path("pid")).expect("a pid file");
    kill(pid.trim().parse().expect("a number"), "TERM");
    strace.wait().expect("strace ends with the last process");
    let calls = std::fs::read_to_string(trace).expect("a trace");
    let mut births = 0;
    for line in
        calls.lines().filter(|line| ["clone(", "clone3(", "fork("].iter().any(|call| line.contains(call)))
    {
        if line.contains("resumed>") {
            continue;
        }
        births += 1;
        assert!(line.contains("CLONE_VM"), "this copies the process: {line}");
    }
    assert!(births >= 2, "the daemon and its signal thread were born:\n{calls}");
}
