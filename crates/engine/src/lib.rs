//! Sessions and the request path: what happens between bytes from a client and bytes back to it.
//!
//! Knows commands only as a table handed in; opens no socket and no file but those of `/proc/self`; takes stripe locks only through `keyspace`.

#![forbid(unsafe_code)]

mod batch;
pub mod clients;
pub mod clock;
pub mod command;
pub mod commandlog;
pub mod context;
pub mod data;
mod deadlines;
pub mod effect;
pub mod engine;
pub mod error;
pub mod figures;
pub mod latency;
pub mod mailbox;
mod observe;
mod pace;
pub mod persistence;
mod protect;
pub mod reply;
mod request;
pub mod session;
pub mod stats;
pub mod table;
mod worker;

pub use clock::Clock;
pub use command::{
    Args, Argument, ArgumentKind, Begin, Categories, Command, Docs, Find, Flags, Group, KeyFlags, KeySpec,
    Scope,
};
pub use commandlog::LogKind;
pub use context::Ctx;
pub use data::{Data, Deadline, string_value};
pub use engine::{Engine, now_ms};
pub use error::Error;
pub use observe::request_bytes;
pub use persistence::{Ending, Persistence, Walk};
pub use reply::Reply;
pub use session::{Client, ReplyMode, Session, Waiting};
pub use table::{CommandTable, Registered, keys_of};
pub use worker::Worker;
