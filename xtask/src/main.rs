//! The project's automation: `cargo xtask <task>`.
//!
//! One row of [`TASKS`] for each task; `cargo xtask` alone prints them. What a task does is in the module of its name.
#![forbid(unsafe_code)]

mod args;
mod bench;
mod cgroup;
mod headline;
mod load;
mod report;

use std::process::ExitCode;

use args::Args;

/// A task: its name, its usage, what it does, and the function that runs it.
struct Task {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: fn(Args) -> Result<(), String>,
}

const TASKS: &[Task] = &[
    Task {
        name: "bench",
        usage: bench::USAGE,
        about: "CPU time per request, requests per second, bytes per key, against a reference server",
        run: bench::run,
    },
    Task {
        name: "headline",
        usage: headline::USAGE,
        about: "a save under full write load with little head room, against a reference server",
        run: headline::run,
    },
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
