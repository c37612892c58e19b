//! Error replies, by their exact texts.
//!
//! Texts that one family uses only stand in that family's files; what several share stands here.

use std::borrow::Cow;
use std::fmt;

use crate::command::Args;

/// An error reply without its leading dash: a code word, a space, a sentence.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Cow<'static, [u8]>);

impl Error {
    /// A word out of place.
    pub const SYNTAX: Error = Error::fixed("ERR syntax error");
    /// Another type than the command is for.
    pub const WRONG_TYPE: Error =
        Error::fixed("WRONGTYPE Operation against a key holding the wrong kind of value");
    /// Not a 64-bit integer.
    pub const NOT_AN_INTEGER: Error = Error::fixed("ERR value is not an integer or out of range");
    /// Not a double.
    pub const NOT_A_FLOAT: Error = Error::fixed("ERR value is not a valid float");
    /// A number outside its range.
    pub const OUT_OF_RANGE: Error = Error::fixed("ERR value is out of range");
    /// A database number that does not exist.
    pub const DB_OUT_OF_RANGE: Error = Error::fixed("ERR DB index is out of range");
    /// A key that has to exist.
    pub const NO_SUCH_KEY: Error = Error::fixed("ERR no such key");
    /// Source and destination must differ.
    pub const SAME_OBJECT: Error = Error::fixed("ERR source and destination objects are the same");
    /// A string over `proto-max-bulk-len`.
    pub const STRING_TOO_LONG: Error =
        Error::fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    /// Before AUTH.
    pub const NO_AUTH: Error = Error::fixed("NOAUTH Authentication required.");
    /// While the data set is loaded.
    pub const LOADING: Error = Error::fixed("LOADING Redis is loading the dataset in memory");

    /// After a save that failed.
    pub const MISCONF: Error = Error::fixed(
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.",
    );

    /// A text known at compile time.
    pub const fn fixed(text: &'static str) -> Error {
        Error(Cow::Borrowed(text.as_bytes()))
    }

    /// A text made now, code word included.
    pub fn new(text: impl Into<Vec<u8>>) -> Error {
        Error(Cow::Owned(text.into()))
    }

    /// The reply's text.
    pub fn text(&self) -> &[u8] {
        &self.0
    }

    /// The code word, for errorstats.
    pub fn code(&self) -> &[u8] {
        self.0.split(|&b| b == b' ').next().unwrap_or(&self.0)
    }

    /// What an error says of an argument: `before`, the argument as far as its first zero byte, `behind`. Redis prints
    /// arguments as C strings, which end there.
    pub fn naming(before: &str, arg: &[u8], behind: &str) -> Error {
        Error::new([before.as_bytes(), printed(arg), behind.as_bytes()].concat())
    }

    /// The number of arguments does not fit; `name` as the command is declared (`config|get`).
    pub fn wrong_arity(name: &str) -> Error {
        Error::new(format!("ERR wrong number of arguments for '{name}' command"))
    }

    /// No such command.
    pub fn unknown_command(args: Args<'_>) -> Error {
        let name = args.first().copied().unwrap_or_default();
        let mut text = b"ERR unknown command '".to_vec();
        text.extend_from_slice(printed(&name[..name.len().min(128)]));
        text.extend_from_slice(b"', with args beginning with: ");
        let from = text.len();
        for arg in args.iter().skip(1) {
            let room = 128usize.saturating_sub(text.len() - from);
            if room == 0 {
                break;
            }
            text.push(b'\'');
            text.extend_from_slice(printed(&arg[..arg.len().min(room)]));
            text.extend_from_slice(b"' ");
        }
        Error::new(text)
    }

    /// No such subcommand.
    pub fn unknown_subcommand(args: Args<'_>) -> Error {
        let sub = args.get(1).copied().unwrap_or_default();
        let mut text = b"ERR unknown subcommand '".to_vec();
        text.extend_from_slice(printed(&sub[..sub.len().min(128)]));
        text.extend_from_slice(b"'. Try ");
        text.extend(args.first().copied().unwrap_or_default().to_ascii_uppercase());
        text.extend_from_slice(b" HELP.");
        Error::new(text)
    }

    /// An expiry that is zero, negative or too far away; `name` of the command.
    pub fn invalid_expire(name: &str) -> Error {
        Error::new(format!("ERR invalid expire time in '{name}' command"))
    }
}

/// The bytes of an argument that C prints of it: those before the first zero byte.
fn printed(arg: &[u8]) -> &[u8] {
    arg.split(|byte| *byte == 0).next().unwrap_or(arg)
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}
