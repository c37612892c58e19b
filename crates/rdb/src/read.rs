//! Reading RDB: a pull parser that yields a file's parts in order.
//!
//! It judges the format, not the content: expired entries, unknown databases and duplicate keys are handed on. What
//! it cannot hand on (a type that is not supported, a damaged byte) is an error, and nothing can be read behind one.
//! Content is handed out before the checksum at the end has been seen, so a caller must be ready to give it back.
//!
//! Old files: those of version 1 to 4 have no checksum; expiries in seconds become milliseconds. (Before version 9
//! a big-endian machine wrote millisecond expiries in its own order; such files cannot be told apart and read wrong
//! everywhere, Redis included.)

mod input;
mod modules;
mod object;
mod stream;

use std::io::Read;

use value::{Shared, StrRef};

use crate::error::{Error, Fault, shown};
use crate::format::{
    CHECKSUM_SINCE, Family, REDIS_VERSION_MAX, TYPE_STRING, VALKEY_VERSION_MAX, VALKEY_VERSION_MIN, opcode,
    type_name,
};
use crate::object::{Discard, Kind, ObjectSink};
use crate::wire::Wire;
use crate::write::Usage;
use input::{Input, Loaded};
pub use object::Progress;
use object::{ObjectCursor, Scratch};

/// What a reader accepts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest string in bytes, expanded.
    pub string_max: u64,
    /// Reads files of versions above those known (`rdb-version-check relaxed`): what is new in them is an error only
    /// where it stands.
    pub any_version: bool,
    /// Passes over what modules have in a file and counts it ([`Reader::modules_skipped`]), instead of refusing values
    /// and reporting what stands beside the keys.
    pub skip_modules: bool,
    /// Takes a DUMP payload whose checksum is wrong, for tests that damage payloads. Files are not concerned.
    pub skip_payload_checksum: bool,
}

impl Default for Limits {
    /// Strings as long as a value can be.
    fn default() -> Self {
        Self {
            string_max: value::block_tree::LEN_MAX,
            any_version: false,
            skip_modules: false,
            skip_payload_checksum: false,
        }
    }
}

/// A part of a file. What it borrows is valid until the next one is read.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A fact about the file.
    Aux {
        /// Its name.
        name: &'a [u8],
        /// Its value, as text.
        value: &'a [u8],
    },
    /// The following entries belong to this database.
    SelectDb(u64),
    /// How large the database is; a hint.
    ResizeDb {
        /// Entries in it.
        entries: u64,
        /// Entries with an expiry.
        expiries: u64,
    },
    /// How large the slot is whose entries follow; a hint.
    SlotInfo {
        /// The slot.
        slot: u64,
        /// Entries in it.
        entries: u64,
        /// Entries with an expiry.
        expiries: u64,
    },
    /// The source of a function library.
    Function(&'a [u8]),
    /// Data that a module keeps beside the keys; its content has been passed over.
    ModuleAux {
        /// The module type's name.
        module: String,
    },
    /// A key with its value.
    Entry(Entry<'a>),
    /// A key with an object other than a string, which is to be read with [`Reader::object`] or
    /// [`Reader::object_piece`] before the next event. Only from [`Reader::next_part`].
    Object(ObjectHead<'a>),
    /// A key with a module's value, which has been passed over ([`Limits::skip_modules`]).
    SkippedModule {
        /// The key.
        key: &'a [u8],
        /// The module type's name.
        module: String,
    },
    /// The end of the file.
    End(Checksum),
}

/// Whether a file's checksum vouches for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// It matches.
    Verified,
    /// The writer had checksums switched off (`rdbchecksum no`).
    Disabled,
    /// The file's version has none.
    Absent,
}

/// A key with its value and what belongs to it.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: Value<'a>,
    /// Unix time in milliseconds at which it expires, possibly in the past.
    pub expire_at_ms: Option<i64>,
    /// LRU or LFU data.
    pub usage: Usage,
    /// Where its type byte stands.
    pub offset: u64,
}

/// What stands before an object.
#[derive(Clone, Copy, Debug)]
pub struct ObjectHead<'a> {
    /// The key.
    pub key: &'a [u8],
    /// What kind of object it is.
    pub kind: Kind,
    /// In which layout.
    pub wire: Wire,
    /// Unix time in milliseconds at which it expires, possibly in the past.
    pub expire_at_ms: Option<i64>,
    /// LRU or LFU data.
    pub usage: Usage,
    /// Where its type byte stands.
    pub offset: u64,
}

/// A value read.
#[derive(Debug)]
pub enum Value<'a> {
    /// A string spelled as an integer.
    Int(i64),
    /// A string of up to 64 KiB.
    Bytes(&'a [u8]),
    /// A longer string.
    Large(Shared),
}

impl Value<'_> {
    /// The string.
    pub fn as_str(&self) -> StrRef<'_> {
        match self {
            Self::Int(value) => StrRef::Int(*value),
            Self::Bytes(bytes) => StrRef::Bytes(bytes),
            Self::Large(shared) => StrRef::Shared(shared),
        }
    }
}

/// Reads a file from a source that it buffers itself.
pub struct Reader<R> {
    input: Input<R>,
    family: Family,
    version: u32,
    /// Scratch space for a key or name, and for a value.
    key: Vec<u8>,
    value: Vec<u8>,
    /// The object that is being read, and space for its elements.
    object: Option<ObjectCursor>,
    scratch: Scratch,
    modules_skipped: u64,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads magic and version.
    pub fn new(source: R, limits: Limits) -> Result<Self, Error> {
        let mut input = Input::new(source, input::BUFFER, limits);
        let found = input.array::<9>("the magic REDIS or VALKEY and a version")?;
        let refused = |fault| Err(Error::new(0, fault));
        let (family, digits) = match &found {
            [b'R', b'E', b'D', b'I', b'S', digits @ ..] => (Family::Redis, &digits[..]),
            [b'V', b'A', b'L', b'K', b'E', b'Y', digits @ ..] => (Family::Valkey, &digits[..]),
            _ => return refused(Fault::NotRdb { found }),
        };
        if !digits.iter().all(u8::is_ascii_digit) {
            return refused(Fault::NotRdb { found });
        }
        let version = digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
        if !(version_is_read(family, version) || limits.any_version && version > 0) {
            return refused(Fault::Version { family, number: version });
        }
        Ok(Self {
            input,
            family,
            version,
            key: Vec::new(),
            value: Vec::new(),
            object: None,
            scratch: Scratch::default(),
            modules_skipped: 0,
            ended: false,
        })
    }

    /// The file's version.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Who wrote it, by the magic.
    pub fn family(&self) -> Family {
        self.family
    }

    /// Bytes consumed so far; for progress.
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// What the source has behind the end (an append-only file's commands, a replication stream): the bytes already
    /// buffered, then the source itself. Only meaningful after [`Event::End`].
    pub fn into_rest(self) -> (Vec<u8>, R) {
        self.input.into_rest()
    }

    /// The key of the last entry or object; for messages about what was found in it.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Values of modules, and what they keep beside the keys, passed over so far on request.
    pub fn modules_skipped(&self) -> u64 {
        self.modules_skipped
    }

    /// The next part for a caller that knows strings only: other objects are [`Fault::Type`]. `None` behind
    /// [`Event::End`]. After an error nothing more may be read.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, Error> {
        self.next(false)
    }

    /// The next part, which may be an [`Event::Object`]; `None` behind [`Event::End`]. What has not been read of an
    /// object before is checked and passed over. After an error nothing more may be read.
    pub fn next_part(&mut self) -> Result<Option<Event<'_>>, Error> {
        self.next(true)
    }

    /// Hands the next 64 KiB or so of the current object to the sink, or one element or node that is longer. Once there
    /// is nothing more to come, [`Progress::Complete`].
    pub fn object_piece<S: ObjectSink + ?Sized>(&mut self, sink: &mut S) -> Result<Progress, Error> {
        let Some(cursor) = &mut self.object else { return Ok(Progress::Complete) };
        let progress = cursor.piece(&mut self.input, &mut self.scratch, sink)?;
        if progress != Progress::More {
            self.object = None;
        }
        Ok(progress)
    }

    /// Hands all that is left of the current object to the sink. Returns whether it had any elements; if not, Redis acts as if the
    /// key was not in the file.
    pub fn object<S: ObjectSink + ?Sized>(&mut self, sink: &mut S) -> Result<bool, Error> {
        loop {
            match self.object_piece(sink)? {
                Progress::More => {}
                Progress::Complete => return Ok(true),
                Progress::Empty => return Ok(false),
            }
        }
    }

    fn next(&mut self, with_objects: bool) -> Result<Option<Event<'_>>, Error> {
        self.object(&mut Discard)?;
        if self.ended {
            return Ok(None);
        }
        let mut expire_at_ms = None;
        let mut usage = Usage::Unknown;
        let (family, version) = (self.family, self.version);
        let input = &mut self.input;
        loop {
            let at = input.offset();
            let event = match input.byte("an opcode or an object type")? {
                opcode::EXPIRE_SECONDS => {
                    let seconds = i32::from_le_bytes(input.array("an expiry in seconds")?);
                    expire_at_ms = Some(i64::from(seconds) * 1000);
                    continue;
                }
                opcode::EXPIRE_MS => {
                    expire_at_ms = Some(i64::from_le_bytes(input.array("an expiry in milliseconds")?));
                    continue;
                }
                opcode::IDLE => {
                    usage = Usage::IdleSeconds(input.length("an idle time")?);
                    continue;
                }
                opcode::FREQ => {
                    usage = Usage::Frequency(input.byte("a frequency")?);
                    continue;
                }
                opcode::AUX => {
                    input.string("the name of an aux field", &mut self.key)?;
                    input.string("the value of an aux field", &mut self.value)?;
                    Event::Aux { name: &self.key, value: &self.value }
                }
                opcode::SELECT_DB => Event::SelectDb(input.length("a database number")?),
                opcode::RESIZE_DB => Event::ResizeDb {
                    entries: input.length("a number of entries")?,
                    expiries: input.length("a number of expiries")?,
                },
                opcode::SLOT_INFO => Event::SlotInfo {
                    slot: input.length("a slot number")?,
                    entries: input.length("a number of entries")?,
                    expiries: input.length("a number of expiries")?,
                },
                opcode::FUNCTION => {
                    input.string("a function library", &mut self.value)?;
                    Event::Function(&self.value)
                }
                opcode::MODULE_AUX => {
                    let module = modules::pass_over_aux(input, &mut self.value)?;
                    if input.limits.skip_modules {
                        self.modules_skipped += 1;
                        continue;
                    }
                    Event::ModuleAux { module }
                }
                opcode::END => {
                    self.ended = true;
                    Event::End(end(input, self.version)?)
                }
                TYPE_STRING => {
                    input.string("a key", &mut self.key)?;
                    let value = match input.value(&mut self.value)? {
                        Loaded::Int(value) => Value::Int(value),
                        Loaded::Small => Value::Bytes(&self.value),
                        Loaded::Large(shared) => Value::Large(shared),
                    };
                    Event::Entry(Entry { key: &self.key, value, expire_at_ms, usage, offset: at })
                }
                modules::TYPE if input.limits.skip_modules => {
                    input.string("a key", &mut self.key)?;
                    let module = modules::pass_over_value(input, &mut self.value)?;
                    self.modules_skipped += 1;
                    Event::SkippedModule { key: &self.key, module }
                }
                other => match Wire::of(other, family, version).filter(|_| with_objects) {
                    Some(wire) => {
                        input.string("a key", &mut self.key)?;
                        self.object = Some(ObjectCursor::new(wire));
                        let (key, kind) = (self.key.as_slice(), wire.kind());
                        Event::Object(ObjectHead { key, kind, wire, expire_at_ms, usage, offset: at })
                    }
                    None => return Err(refuse(input, other, at, family, &mut self.key)),
                },
            };
            return Ok(Some(event));
        }
    }
}

/// Whether files and payloads of this version are read.
pub(crate) fn version_is_read(family: Family, version: u32) -> bool {
    match family {
        Family::Redis => (1..=REDIS_VERSION_MAX).contains(&version),
        Family::Valkey => (VALKEY_VERSION_MIN..=VALKEY_VERSION_MAX).contains(&version),
    }
}

/// The value of a DUMP payload, which has the type byte in front and nothing behind it that matters.
pub(crate) fn dumped_value<'a>(
    payload: &[u8],
    limits: Limits,
    family: Family,
    scratch: &'a mut Vec<u8>,
) -> Result<Value<'a>, Error> {
    let mut input = Input::new(payload, payload.len(), limits);
    match input.byte("an object type")? {
        TYPE_STRING => Ok(match input.value(scratch)? {
            Loaded::Int(value) => Value::Int(value),
            Loaded::Small => Value::Bytes(scratch),
            Loaded::Large(shared) => Value::Large(shared),
        }),
        other => Err(unknown_type(other, family)),
    }
}

/// Hands the object of a DUMP payload to the sink, all of it. An empty one is refused, as by Redis.
pub(crate) fn dumped_object<S: ObjectSink + ?Sized>(
    payload: &[u8],
    limits: Limits,
    family: Family,
    version: u32,
    sink: &mut S,
) -> Result<(), Error> {
    let mut input = Input::new(payload, payload.len(), limits);
    let number = input.byte("an object type")?;
    let wire = Wire::of(number, family, version).ok_or_else(|| unknown_type(number, family))?;
    let mut cursor = ObjectCursor::new(wire);
    let mut scratch = Scratch::default();
    loop {
        match cursor.piece(&mut input, &mut scratch, sink)? {
            Progress::More => {}
            Progress::Complete => return Ok(()),
            Progress::Empty => {
                return input.fail(Fault::Structure { what: "a collection without elements" });
            }
        }
    }
}

/// The error for an object type that is not read.
fn unknown_type(number: u8, family: Family) -> Error {
    let fault = match type_name(number, family) {
        Some(name) => Fault::Type { number, name, key: Vec::new() },
        None => Fault::Opcode { found: number },
    };
    Error::new(0, fault)
}

/// The checksum behind the end.
fn end<R: Read>(input: &mut Input<R>, version: u32) -> Result<Checksum, Error> {
    if version < CHECKSUM_SINCE {
        return Ok(Checksum::Absent);
    }
    let computed = input.checksum();
    let at = input.offset();
    match u64::from_le_bytes(input.array("the checksum")?) {
        0 => Ok(Checksum::Disabled),
        stored if stored == computed => Ok(Checksum::Verified),
        stored => Err(Error::new(at, Fault::Checksum { stored, computed })),
    }
}

/// The error for a byte that is neither a string's type nor an opcode that is read.
fn refuse<R: Read>(input: &mut Input<R>, found: u8, at: u64, family: Family, key: &mut Vec<u8>) -> Error {
    let name = match (found, family) {
        (opcode::FUNCTION_PRE_GA, _) => "functions as release candidates of Redis 7.0 wrote them",
        (opcode::SLOT_IMPORT_OR_KEY_META, Family::Valkey) => "an unfinished slot import",
        (opcode::SLOT_IMPORT_OR_KEY_META, Family::Redis) => "metadata that a module attached to a key",
        (opcode::UPDATE, Family::Valkey) => "commands between the entries",
        _ => {
            let Some(name) = type_name(found, family) else {
                return Error::new(at, Fault::Opcode { found });
            };
            return match input.string("a key", key) {
                Ok(()) => Error::new(at, Fault::Type { number: found, name, key: shown(key) }),
                Err(error) => error,
            };
        }
    };
    Error::new(at, Fault::Feature { name })
}

#[cfg(test)]
mod tests;
