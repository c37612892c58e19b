//! The project's automation: `cargo xtask <task>`.
#![forbid(unsafe_code)]

fn main() {}
