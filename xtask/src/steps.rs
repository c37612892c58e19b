//! `cargo xtask test`: everything, in order, from a fresh Debian machine to one closing line.
//!
//! One row of [`steps`] for each step. The output of a step goes to a file below `target/xtask-test/`; its end
//! is shown when the step fails. A failed step does not keep later ones from running, except those that
//! everything needs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use system_tests::server;

use crate::args::Args;
use crate::group;
use crate::setup;

/// What `test` understands.
pub const USAGE: &str = "test [--server PATH] [--only WORD] [--list] [--all]";

/// Steps that do not pass yet, and what is missing. `--all` runs them too; a row goes when its step passes.
const NOT_YET: &[(&str, &str)] = &[];

/// The seed of what is random in system tests.
const SEED: u64 = 20_261_126;

/// A step that takes longer has hung.
const STEP_MAX: Duration = Duration::from_secs(20 * 60);
/// Lines of output shown when a step fails.
const TAIL_LINES: usize = 60;

/// One step: a name and a command.
struct Step {
    name: String,
    command: Vec<String>,
    /// Without it the later ones make no sense.
    vital: bool,
}

/// Runs the task.
pub fn run(mut args: Args) -> Result<(), String> {
    let (server, only, list) = (args.value("server")?, args.value("only")?, args.flag("list"));
    let all = args.flag("all");
    args.finish()?;
    let mut steps = steps(server.is_some());
    let waits = |step: &Step| NOT_YET.iter().find(|(name, _)| *name == step.name);
    for (name, missing) in steps.iter().filter(|_| !all).filter_map(waits) {
        println!("not run without --all: {name} ({missing})");
    }
    steps.retain(|step| all || waits(step).is_none());
    if let Some(word) = only {
        steps.retain(|step| step.vital || step.name.contains(&word));
    }
    if list {
        steps.iter().for_each(|step| println!("{}: {}", step.name, step.command.join(" ")));
        return Ok(());
    }
    let binary = server.map_or_else(|| server::target().join("release/evenkeel"), PathBuf::from);
    let binary = std::path::absolute(binary).map_err(|error| error.to_string())?.display().to_string();
    let mut environment = vec![("EVENKEEL_SERVER", binary)];
    println!("preparing the machine");
    match setup::prepare()? {
        None => {}
        Some(remark) => {
            println!("  {remark}");
            environment.push(("EVENKEEL_WITHOUT_NODE", "1".to_string()));
        }
    }
    environment.push(("EVENKEEL_PYTHON", setup::python().display().to_string()));
    environment.push(("EVENKEEL_NODE_FOLDER", setup::node_folder().display().to_string()));
    // The same random requests in every run, so that a change is what makes the difference; `fuzz` sends new ones.
    environment.push(("EVENKEEL_SEED", SEED.to_string()));

    let logs = server::target().join("xtask-test");
    fs::create_dir_all(&logs).map_err(|error| format!("{}: {error}", logs.display()))?;
    let (mut passed, mut failed) = (0, Vec::new());
    for (index, step) in steps.iter().enumerate() {
        println!("[{}/{}] {}", index + 1, steps.len(), step.name);
        let begin = Instant::now();
        match step.run(&logs, &environment) {
            Ok(()) => {
                passed += 1;
                println!("        passed in {:.1} s", begin.elapsed().as_secs_f64());
            }
            Err(reason) => {
                println!("{reason}\n        FAILED after {:.1} s", begin.elapsed().as_secs_f64());
                failed.push(step.name.as_str());
                if step.vital {
                    println!("        nothing else can run without it");
                    break;
                }
            }
        }
    }
    if !failed.is_empty() {
        println!("failed: {}", failed.join(", "));
    }
    println!("{passed} passed, {} failed", failed.len());
    if failed.is_empty() { Ok(()) } else { Err("not everything passed".to_string()) }
}

/// All steps. With a given server ours is not built.
fn steps(given_server: bool) -> Vec<Step> {
    let nextest = setup::find("cargo-nextest").is_some();
    let unit =
        if nextest { "cargo nextest run --no-tests=pass --no-fail-fast" } else { "cargo test --quiet" };
    let mut steps = vec![step("tidy", "cargo xtask tidy")];
    if !given_server {
        steps.push(Step { vital: true, ..step("build", "cargo build --release -p evenkeel") });
    }
    steps.push(step("unit tests", &format!("{unit} --workspace --exclude system-tests")));
    steps.push(step("doc tests", "cargo test --quiet --doc --workspace"));
    steps.push(gate_model());
    steps.push(step(
        "model of locks and snapshot",
        "cargo test --quiet -p keyspace -p snapshot --features keyspace/shuttle,snapshot/shuttle --test locks_shuttle --test glance_shuttle --test snapshot_shuttle",
    ));
    steps.push(step("harness tests", "cargo test --quiet -p system-tests --lib"));
    for name in system_tests() {
        let command =
            format!("cargo test --quiet -p system-tests --test {name} -- --nocapture --test-threads 2");
        steps.push(step(&format!("system test {name}"), &command));
    }
    steps.push(step("Redis's own test suite", "cargo xtask tcl"));
    steps
}

/// The gate under the model checker, which replaces what it is built from: in a folder of its own, or every other build would start anew.
fn gate_model() -> Step {
    let mut model = step(
        "model of the gate",
        "cargo test --quiet --release -p keyspace --test gate_loom --config build.rustflags=['--cfg=loom']",
    );
    model.command.extend(["--target-dir".to_string(), server::target().join("loom").display().to_string()]);
    model
}

fn step(name: &str, command: &str) -> Step {
    Step { name: name.to_string(), command: command.split(' ').map(String::from).collect(), vital: false }
}

/// The system tests, in alphabetical order.
fn system_tests() -> Vec<String> {
    let folder = server::checkout().join("tests/tests");
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".rs").map(String::from))
        .collect();
    names.sort();
    names
}

impl Step {
    fn run(&self, logs: &Path, environment: &[(&str, String)]) -> Result<(), String> {
        let path = logs.join(format!("{}.log", self.name.replace([' ', '\''], "-")));
        let failed = |error: std::io::Error| format!("{}: {error}", self.command.join(" "));
        let log = fs::File::create(&path).map_err(failed)?;
        let (program, rest) = self.command.split_first().ok_or("an empty step")?;
        let mut command = Command::new(program);
        command
            .args(rest)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .current_dir(server::checkout());
        let status = group::run(&mut command, &log, STEP_MAX).map_err(failed)?;
        let text = fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
        match status {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(format!("{tail}\n        {status}; all of it in {}", path.display())),
            None => Err(format!(
                "{tail}\n        still running after {} s; see {}",
                STEP_MAX.as_secs(),
                path.display()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_system_tests_are_found() {
        let mut names: Vec<String> = steps(false).into_iter().map(|step| step.name).collect();
        assert!(names.iter().any(|name| name == "system test differential"));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    /// The canary: a step that fails must be seen to fail, with the end of its output.
    #[test]
    fn a_failing_step_fails() {
        let logs = std::env::temp_dir().join(format!("evenkeel-steps-{}", std::process::id()));
        fs::create_dir_all(&logs).unwrap();
        let mut failing = step("canary", "sh -c");
        failing.command.push("echo last words; exit 3".to_string());
        let reason = failing.run(&logs, &[]).unwrap_err();
        assert!(reason.contains("last words") && reason.contains('3'), "{reason}");
        assert!(step("fine", "true").run(&logs, &[]).is_ok());
        fs::remove_dir_all(&logs).unwrap();
    }
}
