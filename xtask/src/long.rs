//! `cargo xtask torture` and `cargo xtask fuzz`: the tests whose short rounds are part of `cargo xtask test`, for as long as one likes and with new seeds.
//!
//! Both are the system tests of the same name, told how long to go on; `fuzz` also compares random requests with the reference.

use std::process::Command;

use system_tests::server;

use crate::args::Args;
use crate::setup;

/// What `torture` understands.
pub const TORTURE_USAGE: &str = "torture [--seconds N]";

/// What `fuzz` understands.
pub const FUZZ_USAGE: &str = "fuzz [--seconds N] [--rounds N]";

/// Seconds if none are given.
const SECONDS: u64 = 300;

/// Rounds of the comparison if none are given.
const ROUNDS: u64 = 2000;

/// Runs `torture`.
pub fn torture(mut args: Args) -> Result<(), String> {
    let seconds = args.number("seconds", SECONDS)?;
    args.finish()?;
    prepare()?;
    system_test("torture", "EVENKEEL_TORTURE_SECONDS", seconds)
}

/// Runs `fuzz`.
pub fn fuzz(mut args: Args) -> Result<(), String> {
    let (seconds, rounds) = (args.number("seconds", SECONDS)?, args.number("rounds", ROUNDS)?);
    args.finish()?;
    prepare()?;
    system_test("fuzz", "EVENKEEL_FUZZ_SECONDS", seconds)?;
    system_test("differential", "EVENKEEL_ROUNDS", rounds)
}

/// What the tests need, and the server.
fn prepare() -> Result<(), String> {
    setup::prepare()?.into_iter().for_each(|remark| println!("{remark}"));
    run(Command::new("cargo").args(["build", "--release", "-p", "evenkeel"]))
}

fn system_test(name: &str, variable: &str, value: u64) -> Result<(), String> {
    let mut command = Command::new("cargo");
    command.args(["test", "--quiet", "-p", "system-tests", "--test", name, "--", "--nocapture"]);
    command.env("EVENKEEL_SERVER", server::target().join("release/evenkeel"));
    run(command.env(variable, value.to_string()))
}

fn run(command: &mut Command) -> Result<(), String> {
    let status =
        command.current_dir(server::checkout()).status().map_err(|error| format!("cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo: {status}")) }
}
