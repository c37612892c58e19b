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
//!  value:  string | count element* | one packed collection as a string | what read/stream.rs draws
//! ```
//!
//! | Module | Content |
//! |---|---|
//! | [`write`] | appending a file's parts to a vector |
//! | [`read`] | pulling events out of a file |
//! | [`dump`] | DUMP and RESTORE payloads |
//! | [`object`] | what lists, sets, sorted sets, hashes and streams are handed over as |
//! | [`values`] | between all of that and the collections of the crate `value` |
//! | [`wire`] | object types by number |
//! | [`element`], [`listpack`] | elements, and the packed form of small collections and nodes |
//! | `intset`, `ziplist`, `score` | other packed forms, scores as text |
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
pub mod element;
pub mod error;
pub mod format;
mod intset;
pub mod listpack;
pub mod lzf;
pub mod object;
pub mod read;
mod score;
pub mod values;
pub mod wire;
pub mod write;
mod ziplist;

pub use crc64::Crc64;
pub use element::Element;
pub use error::{Error, Fault};
pub use format::VERSION;
pub use lzf::Compressor;
pub use object::{Kind, ObjectSink};
pub use read::{Entry, Event, Limits, ObjectHead, Progress, Reader, Value};
pub use write::{EntryHead, ObjectWriter, Place, Usage};
