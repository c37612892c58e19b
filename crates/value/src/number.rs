//! Numbers as Redis reads and prints them, to the byte. Knows no reply format and no command.
//!
//! | Module | Content |
//! |---|---|
//! | `integer` | the 64-bit integers of INCR, of the `int` encoding and of arguments |

mod integer;

pub use integer::{IntText, append_i64, append_u64, parse_i64, parse_u64};
