//! What a command is: a declaration and a function, together in one file of the `commands` crate.
//!
//! The declaration feeds dispatch, locking, key extraction, COMMAND, the generated documentation and the differential tests.
//! Names, flags, key specifications and argument trees are those of the command documentation of Redis 7.2 and Valkey 9.

use crate::context::Ctx;
use crate::error::Error;

/// The arguments of a request, the command's name first.
pub type Args<'a> = &'a [&'a [u8]];

/// Executes a command: parses its arguments, works on the data, writes one reply. An error is the reply.
pub type Execute = fn(&mut Ctx<'_>, Args<'_>) -> Result<(), Error>;

/// A command's declaration.
pub struct Command {
    /// Lower-case name; of a subcommand, its own part.
    pub name: &'static str,
    /// Number of arguments with the name; negative: at least so many.
    pub arity: i32,
    /// Properties.
    pub flags: Flags,
    /// ACL categories that do not follow from the flags (COMMAND INFO shows both).
    pub categories: Categories,
    /// Where the keys are.
    pub keys: &'static [KeySpec],
    /// Index of an argument that is looked for among the members or fields of the first key's collection, and worth being brought near before; 0 if there is
    /// none. A wrong one costs time only.
    pub member: usize,
    /// What it locks.
    pub scope: Scope,
    /// Documentation.
    pub docs: Docs,
    /// Argument tree, for COMMAND DOCS.
    pub arguments: &'static [Argument],
    /// Hints for clients and proxies (`request_policy:all_shards`).
    pub tips: &'static [&'static str],
    /// Subcommands; a command with some is only their container.
    pub subcommands: &'static [&'static Command],
    /// The function.
    pub execute: Execute,
}

impl Command {
    /// What a declaration leaves out.
    pub const DEFAULT: Command = Command {
        name: "",
        arity: 1,
        flags: Flags(0),
        categories: Categories(0),
        keys: &[],
        member: 0,
        scope: Scope::Keys,
        docs: Docs::NONE,
        arguments: &[],
        tips: &[],
        subcommands: &[],
        execute: container,
    };

    /// Whether its only key is at a fixed place.
    #[inline]
    pub fn is_single_key(&self) -> bool {
        matches!(self.keys, [KeySpec { begin: Begin::Index(_), find: Find::Range { last: 0, .. }, .. }])
    }

    /// All ACL categories: the declared ones and those that follow from the flags.
    pub fn all_categories(&self) -> Categories {
        use Categories as C;
        use Flags as F;
        let mut all = self.categories;
        let implied = [
            (F::WRITE, C::WRITE),
            (F::ADMIN, Categories(C::ADMIN.0 | C::DANGEROUS.0)),
            (F::PUBSUB, C::PUBSUB),
            (F::FAST, C::FAST),
            (F::BLOCKING, C::BLOCKING),
        ];
        for (flag, categories) in implied {
            if self.flags.has(flag) {
                all = all.and(categories);
            }
        }
        // Scripting commands carry the read-only flag without reading data themselves.
        if self.flags.has(F::READONLY) && !all.has(C::SCRIPTING) {
            all = all.and(C::READ);
        }
        if all.has(C::FAST) { all } else { all.and(C::SLOW) }
    }
}

fn container(_: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    Err(Error::unknown_subcommand(args))
}

/// What a command locks before it executes.
#[derive(Clone, Copy, Debug)]
pub enum Scope {
    /// The stripes of its keys; nothing if it has none.
    Keys,
    /// The gate, exclusively.
    Exclusive,
    /// It takes stripes itself, a slice at a time, and gives them back in between.
    Slices,
    /// Nothing: it is executed outside the gate, which it may enter itself (SAVE, BGSAVE).
    Outside,
    /// What the arguments tell: [`Scope::Keys`], or [`Scope::Exclusive`] if they make it touch keys that nobody knows before (SORT).
    ByArguments(fn(Args<'_>) -> Scope),
}

macro_rules! bit_set {
    ($(#[$doc:meta])* $name:ident($bits:ty) { $($(#[$flag_doc:meta])* $flag:ident = $bit:expr, $text:expr;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name(pub $bits);

        impl $name {
            $($(#[$flag_doc])* pub const $flag: $name = $name(1 << $bit);)+

            /// Every bit with its name, in the order in which real servers list them.
            pub const NAMES: &'static [($name, &'static str)] = &[$(($name::$flag, $text)),+];

            /// Both sets together.
            pub const fn and(self, other: $name) -> $name {
                $name(self.0 | other.0)
            }

            /// Whether all of `other` is in here.
            pub const fn has(self, other: $name) -> bool {
                self.0 & other.0 == other.0
            }

            /// The names of what is in here.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                Self::NAMES.iter().filter(move |(flag, _)| self.has(*flag)).map(|(_, name)| *name)
            }
        }
    };
}

bit_set! {
    /// Command flags.
    Flags(u32) {
        /// Changes data.
        WRITE = 0, "write";
        /// Only reads data.
        READONLY = 1, "readonly";
        /// Refused at the memory limit.
        DENYOOM = 2, "denyoom";
        /// For administrators.
        ADMIN = 4, "admin";
        /// About channels.
        PUBSUB = 5, "pubsub";
        /// Not from scripts.
        NOSCRIPT = 6, "noscript";
        /// May wait for data.
        BLOCKING = 8, "blocking";
        /// Also while the data set is loaded.
        LOADING = 9, "loading";
        /// Also on a replica that lost its master.
        STALE = 10, "stale";
        /// Not shown by MONITOR.
        SKIP_MONITOR = 11, "skip_monitor";
        /// Not in the slow log.
        SKIP_SLOWLOG = 12, "skip_slowlog";
        /// Sets ASKING implicitly.
        ASKING = 13, "asking";
        /// Of constant or logarithmic cost.
        FAST = 14, "fast";
        /// Before AUTH too.
        NO_AUTH = 15, "no_auth";
        /// May replicate though it does not write.
        MAY_REPLICATE = 16, "may_replicate";
        /// Not during an asynchronous load.
        NO_ASYNC_LOADING = 23, "no_async_loading";
        /// Not inside MULTI.
        NO_MULTI = 24, "no_multi";
        /// Its keys cannot be found by position alone.
        MOVABLE_KEYS = 25, "movablekeys";
        /// Also while a script runs too long.
        ALLOW_BUSY = 26, "allow_busy";
        /// Only if enabled in the configuration (DEBUG, MODULE).
        PROTECTED = 27, "protected";
        /// Its keys are touched by others only through this flag's command (a hint in COMMAND INFO).
        NO_MANDATORY_KEYS = 28, "no_mandatory_keys";
    }
}

bit_set! {
    /// ACL categories.
    Categories(u32) {
        /// Any key.
        KEYSPACE = 0, "@keyspace";
        /// Reads.
        READ = 1, "@read";
        /// Writes.
        WRITE = 2, "@write";
        /// Sets.
        SET = 3, "@set";
        /// Sorted sets.
        SORTEDSET = 4, "@sortedset";
        /// Lists.
        LIST = 5, "@list";
        /// Hashes.
        HASH = 6, "@hash";
        /// Strings.
        STRING = 7, "@string";
        /// Bitmaps.
        BITMAP = 8, "@bitmap";
        /// HyperLogLog.
        HYPERLOGLOG = 9, "@hyperloglog";
        /// Geo.
        GEO = 10, "@geo";
        /// Streams.
        STREAM = 11, "@stream";
        /// Channels.
        PUBSUB = 12, "@pubsub";
        /// Administration.
        ADMIN = 13, "@admin";
        /// Cheap.
        FAST = 14, "@fast";
        /// Not cheap.
        SLOW = 15, "@slow";
        /// Waits.
        BLOCKING = 16, "@blocking";
        /// May hurt.
        DANGEROUS = 17, "@dangerous";
        /// About the connection.
        CONNECTION = 18, "@connection";
        /// Transactions.
        TRANSACTION = 19, "@transaction";
        /// Scripts.
        SCRIPTING = 20, "@scripting";
    }
}

bit_set! {
    /// What a command does with the keys of a specification.
    KeyFlags(u16) {
        /// Read only.
        RO = 0, "RO";
        /// Read and write.
        RW = 1, "RW";
        /// Overwrite without reading.
        OW = 2, "OW";
        /// Remove.
        RM = 3, "RM";
        /// The data is returned or copied.
        ACCESS = 4, "access";
        /// The data is changed with given values.
        UPDATE = 5, "update";
        /// Data is added.
        INSERT = 6, "insert";
        /// Data is deleted.
        DELETE = 7, "delete";
        /// Not a key of the keyspace.
        NOT_KEY = 8, "not_key";
        /// The specification may miss keys.
        INCOMPLETE = 9, "incomplete";
        /// The flags depend on arguments.
        VARIABLE_FLAGS = 10, "variable_flags";
    }
}

/// Where keys are among the arguments.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    /// A remark for COMMAND DOCS' readers.
    pub notes: Option<&'static str>,
    /// What happens to the keys.
    pub flags: KeyFlags,
    /// Where the first is.
    pub begin: Begin,
    /// Which others follow.
    pub find: Find,
}

/// Where the keys of a specification begin.
#[derive(Clone, Copy, Debug)]
pub enum Begin {
    /// At this argument.
    Index(i32),
    /// Behind this word, searched from this argument on (from the end if negative).
    Keyword(&'static str, i32),
    /// Only the command itself knows.
    Unknown,
}

/// Which arguments from the first key on are keys.
#[derive(Clone, Copy, Debug)]
pub enum Find {
    /// Up to `last` (relative to the first, -1: the last argument, -2: the one before), every `step`th; `limit` divides the rest.
    Range {
        /// Relative index of the last.
        last: i32,
        /// Distance of two keys.
        step: i32,
        /// 0 or 1: no limit; n: only the first nth of the rest.
        limit: i32,
    },
    /// An argument tells how many.
    KeyNum {
        /// Relative index of the number.
        at: i32,
        /// Relative index of the first key.
        first: i32,
        /// Distance of two keys.
        step: i32,
    },
    /// Only the command itself knows, and shows which arguments they are. Real servers call this unknown.
    Asked(fn(Args<'_>, &mut dyn FnMut(usize))),
    /// Nobody knows before the command is executed.
    Unknown,
}

impl KeySpec {
    /// One key at argument `index`.
    pub const fn one(index: i32, flags: KeyFlags) -> KeySpec {
        KeySpec::range(index, 0, 1, flags)
    }

    /// Keys from argument `index` up to `last` (relative, or from the end if negative), every `step`th.
    pub const fn range(index: i32, last: i32, step: i32, flags: KeyFlags) -> KeySpec {
        KeySpec { notes: None, flags, begin: Begin::Index(index), find: Find::Range { last, step, limit: 0 } }
    }

    /// A number at argument `index`, followed by so many keys, every `step`th.
    pub const fn counted(index: i32, step: i32, flags: KeyFlags) -> KeySpec {
        let find = Find::KeyNum { at: 0, first: 1, step };
        KeySpec { notes: None, flags, begin: Begin::Index(index), find }
    }
}

/// Documentation of a command.
#[derive(Clone, Copy, Debug)]
pub struct Docs {
    /// One sentence, our own words.
    pub summary: &'static str,
    /// Version of Redis (or Valkey) that brought it.
    pub since: &'static str,
    /// Its family.
    pub group: Group,
    /// Cost.
    pub complexity: &'static str,
    /// Version and change.
    pub history: &'static [(&'static str, &'static str)],
    /// Version that deprecated it and what to use instead.
    pub deprecated: Option<(&'static str, &'static str)>,
    /// For developers of the server only.
    pub syscmd: bool,
}

impl Docs {
    /// Nothing said.
    pub const NONE: Docs = Docs {
        summary: "",
        since: "1.0.0",
        group: Group::Generic,
        complexity: "",
        history: &[],
        deprecated: None,
        syscmd: false,
    };
}

/// Families of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Any key.
    Generic,
    /// Strings.
    String,
    /// Bitmaps.
    Bitmap,
    /// HyperLogLog.
    HyperLogLog,
    /// Lists.
    List,
    /// Sets.
    Set,
    /// Sorted sets.
    SortedSet,
    /// Hashes.
    Hash,
    /// Streams.
    Stream,
    /// Geospatial indexes.
    Geo,
    /// The connection.
    Connection,
    /// The server.
    Server,
}

impl Group {
    /// The name in COMMAND DOCS.
    pub fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::List => "list",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::Hash => "hash",
            Group::Stream => "stream",
            Group::Geo => "geo",
            Group::Bitmap => "bitmap",
            Group::HyperLogLog => "hyperloglog",
            Group::Connection => "connection",
            Group::Server => "server",
        }
    }
}

/// A node of a command's argument tree.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Name.
    pub name: &'static str,
    /// Kind.
    pub kind: ArgumentKind,
    /// The word before it.
    pub token: Option<&'static str>,
    /// How it is shown, if not by its name.
    pub display: Option<&'static str>,
    /// May be left out.
    pub optional: bool,
    /// May be repeated.
    pub multiple: bool,
    /// The word is repeated too.
    pub multiple_token: bool,
    /// Which key specification a key argument belongs to.
    pub key_spec: Option<u8>,
    /// Version that brought it.
    pub since: Option<&'static str>,
    /// Version that deprecated it.
    pub deprecated_since: Option<&'static str>,
    /// Parts of a block, choices of a one-of.
    pub parts: &'static [Argument],
}

impl Argument {
    /// A required argument.
    pub const fn new(name: &'static str, kind: ArgumentKind) -> Argument {
        Argument {
            name,
            kind,
            token: None,
            display: None,
            optional: false,
            multiple: false,
            multiple_token: false,
            key_spec: None,
            since: None,
            deprecated_since: None,
            parts: &[],
        }
    }

    /// A key of the first key specification.
    pub const fn key() -> Argument {
        Argument { key_spec: Some(0), ..Argument::new("key", ArgumentKind::Key) }
    }

    /// A bare word.
    pub const fn token(name: &'static str, token: &'static str) -> Argument {
        Argument { token: Some(token), ..Argument::new(name, ArgumentKind::PureToken) }
    }

    /// A choice.
    pub const fn one_of(name: &'static str, parts: &'static [Argument]) -> Argument {
        Argument { parts, ..Argument::new(name, ArgumentKind::OneOf) }
    }

    /// A group.
    pub const fn block(name: &'static str, parts: &'static [Argument]) -> Argument {
        Argument { parts, ..Argument::new(name, ArgumentKind::Block) }
    }

    /// The same behind a word.
    pub const fn after(self, token: &'static str) -> Argument {
        Argument { token: Some(token), ..self }
    }

    /// The same, optional.
    pub const fn optional(self) -> Argument {
        Argument { optional: true, ..self }
    }

    /// The same, repeatable.
    pub const fn multiple(self) -> Argument {
        Argument { multiple: true, ..self }
    }

    /// The same with the version that brought it.
    pub const fn since(self, version: &'static str) -> Argument {
        Argument { since: Some(version), ..self }
    }
}

/// Kinds of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentKind {
    /// A string.
    String,
    /// An integer.
    Integer,
    /// A double.
    Double,
    /// A key.
    Key,
    /// A glob pattern.
    Pattern,
    /// Seconds or milliseconds since the epoch.
    UnixTime,
    /// A bare word.
    PureToken,
    /// A choice of its parts.
    OneOf,
    /// All of its parts.
    Block,
}

impl ArgumentKind {
    /// The name in COMMAND DOCS.
    pub fn name(self) -> &'static str {
        match self {
            ArgumentKind::String => "string",
            ArgumentKind::Integer => "integer",
            ArgumentKind::Double => "double",
            ArgumentKind::Key => "key",
            ArgumentKind::Pattern => "pattern",
            ArgumentKind::UnixTime => "unix-time",
            ArgumentKind::PureToken => "pure-token",
            ArgumentKind::OneOf => "oneof",
            ArgumentKind::Block => "block",
        }
    }
}
