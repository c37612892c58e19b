//! The RDB codec, streaming both ways: what snapshot files, full syncs and DUMP payloads consist of.
//!
//! It opens no file and no socket, holds no lock and starts no thread: writing appends to a vector, reading pulls
//! from any [`std::io::Read`]. It knows how values are spelled, not what they are for; a database number or an
//! expiry time is passed on unjudged.
//!
//! ```text
//!  file:   REDIS0010  aux*  function*  ( SELECTDB n  RESIZEDB keys expires  entry* )*  EOF  crc64
//!  entry:  [EXPIRETIME_MS ms]  [IDLE seconds | FREQ counter]  type  key  value
//!  dump:   type  value  version:u16  crc64
//!  string: length bytes | 8-, 16- or 32-bit integer | LZF: packed length, length, packed bytes
//! ```
//!
//! | Module | Content |
//! |---|---|
//! | [`write`] | appending a file's parts to a vector |
//! | [`read`] | pulling events out of a file |
//! | [`dump`] | DUMP and RESTORE payloads |
//! | [`lzf`] | the compression, with the same output as Redis's |
//! | [`crc64`] | the checksum, combinable over blocks digested apart |
//! | [`format`](mod@format) | numbers and names of the format |
//! | [`error`] | what can be wrong with a file, where, and what to do about it |
//!
//! Faults: no input makes this crate panic or allocate more than the bytes that arrived justify (LZF can expand them
//! up to 88 times, which the caller bounds with [`read::Limits`]).
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod crc64;
pub mod dump;
pub mod error;
pub mod format;
pub mod lzf;
pub mod read;
pub mod write;

pub use crc64::Crc64;
pub use error::{Error, Fault};
pub use format::VERSION;
pub use lzf::Compressor;
pub use read::{Entry, Event, Limits, Reader, Value};
pub use write::{EntryHead, Usage};
