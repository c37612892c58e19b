//! The option table of Evenkeel and everything about redis.conf: file and command line syntax, CONFIG GET, SET
//! and REWRITE, and the typed settings that the rest of the server reads.
//!
//! It opens configuration files and rewrites one; it starts no thread, opens no socket, and does not carry out
//! what an option asks for: that is done by whoever registers an [`Applier`].
//!
//! ```text
//!   command line --.
//!   file, include --> file::Loader --> Settings (raw: one checked Value per option of the table)
//!   CONFIG SET  ---'        |               |
//!                        table            Config  (meaning: plain typed fields by theme)
//!                                           |
//!                        Live: Arc<Config> swapped on change, appliers, CONFIG GET / SET / REWRITE
//! ```
//!
//! Where to look: an option's name, bounds, default and text stand in `table/<theme>.rs`; the words of an enum in
//! `choices`; its typed field in `meaning`.
#![forbid(unsafe_code)]

pub mod glob;
pub mod words;

mod number;

mod option;
mod value;

mod choices;
mod table;

mod settings;

mod meaning;

mod command_line;
mod file;

mod live;
mod rewrite;
mod sample;

pub use choices::{
    Access, EvictionPolicy, LogFormat, LogLevel, LogTimestamp, OomScoreAdj, RdbVersion, ReactorChoice,
    ShutdownFlags, Supervision, SyslogFacility, VersionCheck,
};
pub use command_line::{CommandLine, parse_command_line};
pub use file::{LoadError, Loaded, Loader, TEXT_BYTES_MAX};
pub use live::{Applier, ApplyError, Change, Context, Live, Reader, SetError};
pub use meaning::{
    BindAddress, Clients, Config, Encoding, Latency, Logging, Memory, Network, Process, Rename, Security,
    Shutdown, Snapshot, Threads,
};
pub use option::{Flags, Form, Kind, OptionSpec, Support};
pub use rewrite::RewriteError;
pub use sample::sample_text;
pub use settings::{Note, OptionId, Settings};
pub use table::{find, is_sensitive, options, themes};
pub use value::{Events, OutputLimit, SavePoint, Value};
