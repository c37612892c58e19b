//! The outside view of a server: everything here talks to a running process over the wire.
//!
//! It does not link against any crate of the server; what a client cannot see is not tested here.
//! The integration tests in `tests/` and the tasks in `xtask` are built from these pieces:
//!
//! ```text
//!   server   start, find, stop a server process (ours or a reference)
//!   client   blocking RESP2/RESP3 client that keeps the exact bytes of a reply
//!   linear   checks that one order explains a history of replies
//!   contents everything a server holds, for comparing
//!   oracle   random commands to two servers, replies compared
//!   random   seeded generator; every random test prints its seed
//!   trace    whether a server forks
//!   procfs   CPU time and memory of a process
//! ```
#![forbid(unsafe_code)]

pub mod client;
pub mod contents;
pub mod linear;
pub mod oracle;
pub mod procfs;
pub mod random;
pub mod server;
pub mod trace;

pub use client::{Client, Reply};
pub use random::Random;
pub use server::{Server, ServerOptions};
