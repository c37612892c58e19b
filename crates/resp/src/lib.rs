//! The Redis serialization protocol, RESP2 and RESP3: a resumable request parser and reply writers over byte vectors.
//!
//! Knows no socket and no command. Source: the RESP specification and the replies of real servers.

#![forbid(unsafe_code)]

mod parser;
mod words;
mod writer;

pub use parser::{Limits, Parser, ProtocolError, Request, parse_whole};
pub use words::split_words;
pub use writer::{Protocol, Writer};
