//! The project's automation: `cargo xtask <task>`.
//!
//! One row of [`TASKS`] for each task; `cargo xtask` alone prints them. What a task does is in the module of its name.
#![forbid(unsafe_code)]

mod args;
mod bench;
mod cgroup;
mod generated;
mod group;
mod headline;
mod load;
mod long;
mod report;
mod setup;
mod steps;
mod tcl;
mod tidy;

use std::process::ExitCode;

use args::Args;

/// A task: its name, its usage, what it does, and the function that runs it.
struct Task {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: fn(Args) -> Result<(), String>,
}

const fn task(
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: fn(Args) -> Result<(), String>,
) -> Task {
    Task { name, usage, about, run }
}

const TASKS: &[Task] = &[
    task("test", steps::USAGE, "everything: installs what is missing, builds, runs all tests", steps::run),
    task("tidy", tidy::USAGE, "the house rules that a machine can check", tidy::run),
    task("generate", generated::USAGE, "writes the files that are made from the code", generated::run),
    task(
        "bench",
        bench::USAGE,
        "CPU time per request, rate, bytes per key, against a reference server",
        bench::run,
    ),
    task("headline", headline::USAGE, "a save under full write load with little head room", headline::run),
    task("tcl", tcl::USAGE, "Redis 7.0's own test suite against our server", tcl::run),
    task(
        "torture",
        long::TORTURE_USAGE,
        "kills and restarts under load, for longer than `test` does",
        long::torture,
    ),
    task(
        "fuzz",
        long::FUZZ_USAGE,
        "hostile bytes, and random requests compared, for longer than `test` does",
        long::fuzz,
    ),
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprintln!("usage: cargo xtask <task> [options]\n");
        for task in TASKS {
            eprintln!("  {}\n      {}", task.usage, task.about);
        }
        return if name.is_empty() || name == "help" { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    };
    match (task.run)(Args::new(words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{name}: {reason}");
            ExitCode::FAILURE
        }
    }
}
