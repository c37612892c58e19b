//! What can be wrong with an RDB file or a DUMP payload: where, what was expected, and what to do about it.

use std::fmt;
use std::io;

use crate::format::{Family, REDIS_VERSION_MAX, VALKEY_VERSION_MAX};
use crate::lzf::ExpandFault;

/// Bytes of a key that a message shows.
const KEY_SHOWN_MAX: usize = 128;

/// A fault and the byte offset at which it shows.
#[derive(Debug)]
pub struct Error {
    /// Bytes before the faulty item, from the start of the file or payload.
    pub offset: u64,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The source could not be read.
    Io(io::Error),
    /// The first nine bytes are no magic and version.
    NotRdb {
        /// What stands there.
        found: [u8; 9],
    },
    /// A version that is not read.
    Version {
        /// By the magic.
        family: Family,
        /// The version.
        number: u32,
    },
    /// The end came early.
    Cut {
        /// What should have come.
        expected: &'static str,
    },
    /// A byte that is neither a known opcode nor a known object type.
    Opcode {
        /// The byte.
        found: u8,
    },
    /// A length that is none.
    Length {
        /// Of what.
        expected: &'static str,
        /// Its first byte.
        found: u8,
    },
    /// A string in an encoding that does not exist.
    Encoding {
        /// Of what.
        expected: &'static str,
        /// The encoding's number.
        found: u8,
    },
    /// A compressed string that does not expand.
    Compressed(ExpandFault),
    /// A string longer than the reader was told to accept.
    TooLong {
        /// Its length in bytes.
        length: u64,
        /// The longest accepted.
        limit: u64,
    },
    /// An object of a type that is not supported.
    Type {
        /// Its number.
        number: u8,
        /// Its name.
        name: &'static str,
        /// The key, cut to a length fit for a message.
        key: Vec<u8>,
    },
    /// An object whose parts do not fit together: a packed collection with wrong lengths, an element twice, a score that is
    /// no number.
    Structure {
        /// What there is that must not be.
        what: &'static str,
    },
    /// A part of the file that is not supported and not safe to leave out.
    Feature {
        /// Its name.
        name: &'static str,
    },
    /// A module's data that cannot be passed over.
    ModuleData {
        /// The module type's name.
        module: String,
    },
    /// The checksum does not match the content.
    Checksum {
        /// As stored.
        stored: u64,
        /// Of the content.
        computed: u64,
    },
    /// The footer of a DUMP payload does not fit it: too short, unknown version, or wrong checksum.
    Footer,
}

impl Error {
    pub(crate) fn new(offset: u64, fault: Fault) -> Self {
        Self { offset, fault }
    }

    /// What the operator can do, as a sentence.
    pub fn remedy(&self) -> &'static str {
        match &self.fault {
            Fault::Io(_) => "Look at the disk and at the system log, then try again.",
            Fault::NotRdb { .. } => {
                "This is no RDB file: check that dir and dbfilename name the right one, and that it is not compressed."
            }
            Fault::Version { .. } => {
                "The file comes from a newer server: upgrade this one, or transfer the data over replication or RESTORE."
            }
            Fault::Cut { .. } => {
                "The file was not written or copied to its end: copy it again from its source, or use an older backup."
            }
            Fault::Opcode { .. }
            | Fault::Length { .. }
            | Fault::Encoding { .. }
            | Fault::Compressed(_)
            | Fault::Structure { .. }
            | Fault::Checksum { .. } => {
                "The file was changed after it was written (disk, memory or copying): copy it again from its source, or use an older backup."
            }
            Fault::TooLong { .. } => "Raise proto-max-bulk-len if the value is meant to be that long.",
            Fault::Type { .. } => {
                "Delete or convert this key on the server that wrote the file and save again."
            }
            Fault::Feature { .. } => "Finish or remove it on the server that wrote the file and save again.",
            Fault::ModuleData { .. } => "Unload the module on the server that wrote the file and save again.",
            Fault::Footer => "Send the bytes exactly as DUMP returned them, from a server that is not newer.",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}. {}", self.offset, self.fault, self.remedy())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "reading failed: {error}"),
            Self::NotRdb { found } => {
                write!(f, "expected REDIS or VALKEY and a version, found \"{}\"", found.escape_ascii())
            }
            Self::Version { family: Family::Redis, number } => {
                write!(f, "RDB version {number}, but only 1 to {REDIS_VERSION_MAX} of Redis can be read")
            }
            Self::Version { family: Family::Valkey, number } => {
                write!(f, "RDB version {number}, but only 80 to {VALKEY_VERSION_MAX} of Valkey can be read")
            }
            Self::Cut { expected } => write!(f, "the end came where {expected} was expected"),
            Self::Opcode { found } => {
                write!(f, "expected an opcode or an object type, found the byte {found}")
            }
            Self::Length { expected, found } => {
                write!(f, "expected the length of {expected}, found the byte {found}")
            }
            Self::Encoding { expected, found } => {
                write!(f, "expected {expected}, found a string of the unknown encoding {found}")
            }
            Self::Compressed(fault) => f.write_str(fault.describe()),
            Self::TooLong { length, limit } => {
                write!(f, "a string of {length} bytes, but at most {limit} are accepted")
            }
            Self::Type { number, name, key } => {
                write!(
                    f,
                    "the key \"{}\" is a {name} (type {number}), which is not supported",
                    key.escape_ascii()
                )
            }
            Self::Structure { what } => write!(f, "found {what}"),
            Self::Feature { name } => write!(f, "the file has {name}, which is not supported"),
            Self::ModuleData { module } => {
                write!(f, "data of the module type \"{module}\" of an unknown form")
            }
            Self::Checksum { stored, computed } => {
                write!(f, "the checksum is {stored:016x}, but the content has {computed:016x}")
            }
            Self::Footer => f.write_str("the payload's version or checksum is wrong"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.fault {
            Fault::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// A key for a message.
pub(crate) fn shown(key: &[u8]) -> Vec<u8> {
    key[..key.len().min(KEY_SHOWN_MAX)].to_vec()
}
