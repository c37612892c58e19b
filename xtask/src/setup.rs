//! What the tests need from the machine: Debian packages, a Python environment, a Node client.
//!
//! Everything that is already there is left alone; what is missing is installed by apt (as root or with
//! sudo) or below `target/`. It never touches the user's own Python or Node folders.

use std::path::{Path, PathBuf};
use std::process::Command;

use system_tests::server;

/// A program and the Debian package that brings it.
const PROGRAMS: &[(&str, &str)] = &[
    ("redis-server", "redis-server"),
    ("redis-cli", "redis-tools"),
    ("redis-benchmark", "redis-tools"),
    ("strace", "strace"),
    ("make", "make"),
    ("cc", "gcc"),
    ("tclsh", "tcl"),
    ("taskset", "util-linux"),
    ("python3", "python3-venv"),
    ("git", "git"),
];
/// Packages of the Python client, pinned.
const PYTHON_CLIENT: &str = "redis==5.2.1";
/// The Node client, pinned.
const NODE_CLIENT: &str = "ioredis@5.4.2";

/// Where the Python environment is.
pub fn python() -> PathBuf {
    server::target().join("venv/bin/python")
}

/// Where the Node client is installed.
pub fn node_folder() -> PathBuf {
    server::target().join("node")
}

/// Installs what is missing. What could not be installed and is optional is returned as a remark.
pub fn prepare() -> Result<Option<String>, String> {
    let mut packages: Vec<&str> =
        PROGRAMS.iter().filter(|(program, _)| find(program).is_none()).map(|(_, package)| *package).collect();
    if !has_venv() {
        packages.push("python3-venv");
    }
    packages.dedup();
    install(&packages)?;
    prepare_python()?;
    Ok(prepare_node().err())
}

/// The path of a program, if it is installed.
pub fn find(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&folders).chain(sbin).map(|folder| folder.join(program)).find(|path| path.is_file())
}

fn has_venv() -> bool {
    python().is_file() || run(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_ok()
}

fn install(packages: &[&str]) -> Result<(), String> {
    if packages.is_empty() {
        return Ok(());
    }
    println!("installing {}", packages.join(" "));
    run(apt().arg("update"))?;
    run(apt().args(["install", "-y", "--no-install-recommends"]).args(packages))
}

fn apt() -> Command {
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("apt-get");
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn prepare_python() -> Result<(), String> {
    let environment = server::target().join("venv");
    if !python().is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    let (package, version) = PYTHON_CLIENT.split_once("==").unwrap_or((PYTHON_CLIENT, ""));
    let check = format!("import {package}; assert {package}.__version__ == '{version}'");
    if run(Command::new(python()).args(["-c", &check])).is_ok() {
        return Ok(());
    }
    run(Command::new(python()).args(["-m", "pip", "install", "--quiet", PYTHON_CLIENT]))
}

fn prepare_node() -> Result<(), String> {
    let folder = node_folder();
    if folder.join("node_modules/ioredis").is_dir() && find("node").is_some() {
        return Ok(());
    }
    if find("node").is_none() || find("npm").is_none() {
        install(&["nodejs", "npm"]).map_err(|reason| format!("ioredis is left out, no node: {reason}"))?;
    }
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let npm = run(Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--prefix"])
        .arg(&folder)
        .arg(NODE_CLIENT));
    npm.map_err(|reason| format!("ioredis is left out: {reason}"))
}

/// Runs a command to its end; the error holds its last words.
pub fn run(command: &mut Command) -> Result<(), String> {
    let name = Path::new(command.get_program()).display().to_string();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    Err(format!("{name} failed: {}", lines.into_iter().rev().collect::<Vec<_>>().join(" / ")))
}
