//! RDB files on disk: saving them, deciding when, loading them. What INFO persistence shows comes from here.
//!
//! It knows no command and no reply, and starts no thread of its own but for reading ahead while loading; the image itself is made by
//! the crate `snapshot`, the format is the crate `rdb`'s.
//!
//! ```text
//!  BGSAVE, SAVE, save points, SHUTDOWN --> Saver --> Snapshot --> FileSink --> nameless file --> dbfilename
//!  start, DEBUG RELOAD                  --> load_file --> keyspace
//! ```
//!
//! | Module | Content |
//! |---|---|
//! | [`Saver`] | when to save, what came of it, what to tell |
//! | [`FileSink`] | the file that a snapshot is written to |
//! | `direct` | access to files past the page cache |
//! | `spill` | the file for what does not fit into memory meanwhile |
//! | [`load_file`] | reading a file into the keyspace |
//! | [`SavePoint`] | after how many seconds and changes a save is due |
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod direct;
mod file;
mod load;
mod point;
mod read_ahead;
mod saver;
mod spare;
mod spill;

pub use file::FileSink;
pub use load::{LoadError, LoadOptions, Loaded, Loading, load_file};
pub use point::SavePoint;
pub use saver::{Begun, Config, Host, Kind, Level, News, Refusal, SaveId, Saver, Status};

/// The system's words for an error, without the number that Rust appends.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
