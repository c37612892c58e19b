//! The one binary: wiring, start-up, shutdown.
#![forbid(unsafe_code)]

fn main() {}
