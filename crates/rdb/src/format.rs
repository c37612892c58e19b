//! Numbers and names of the RDB format. Facts only; nothing is read or written here.
//!
//! Sources: files written by Redis 7.0, Redis 8.0 and Valkey 9.1, and the published headers of both projects.

/// The version written by default, in files and in DUMP payloads: that of Redis 7.0.
///
/// Strings, expiry, LRU and LFU data, functions and aux fields are spelled alike in versions 9 to 80, and every
/// server loads files of lower versions than its own. So 10 loads everywhere from Redis 7.0 on (7.0 refuses 11, Redis
/// 7.2 and Valkey 7.2 and 8 write 11 and load 10, Valkey 9 loads 1 to 11). What came later has an older layout that takes its
/// place, but for deadlines of fields: see [`FIELD_DEADLINES_VERSION`].
pub const VERSION: u16 = 10;

/// Lowest version in which hashes whose fields have deadlines are written: that of Valkey 9. In a lower one Redis would take them for
/// something else.
pub const FIELD_DEADLINES_VERSION: u16 = 80;

/// Highest version with the magic `REDIS` that is read (Redis 8.10).
pub const REDIS_VERSION_MAX: u32 = 15;

/// Lowest version with the magic `VALKEY`; below it Valkey writes `REDIS`.
pub const VALKEY_VERSION_MIN: u32 = 80;

/// Highest version with the magic `VALKEY` that is read (Valkey 9.2).
pub const VALKEY_VERSION_MAX: u32 = 81;

/// First version with a checksum behind the end.
pub const CHECKSUM_SINCE: u32 = 5;

/// The object type of a string; [`crate::wire::Wire`] has the others.
pub const TYPE_STRING: u8 = 0;

/// Opcodes: bytes above every object type.
pub mod opcode {
    /// An entry moved in while a forkless save ran (Valkey 9.2, replication only).
    pub const UPDATE: u8 = 242;
    /// Valkey 9: state of a slot import. Redis 8.4: a module's metadata of the next key.
    pub const SLOT_IMPORT_OR_KEY_META: u8 = 243;
    /// Redis 7.4: size of the slot whose keys follow. A hint.
    pub const SLOT_INFO: u8 = 244;
    /// Source of a function library.
    pub const FUNCTION: u8 = 245;
    /// A function library as release candidates of Redis 7.0 wrote it.
    pub const FUNCTION_PRE_GA: u8 = 246;
    /// Data that a module keeps beside the keys.
    pub const MODULE_AUX: u8 = 247;
    /// Seconds since the next key was last used.
    pub const IDLE: u8 = 248;
    /// LFU counter of the next key.
    pub const FREQ: u8 = 249;
    /// A pair of strings about the file.
    pub const AUX: u8 = 250;
    /// Numbers of keys and of expiries in the database. A hint.
    pub const RESIZE_DB: u8 = 251;
    /// When the next key expires, in milliseconds.
    pub const EXPIRE_MS: u8 = 252;
    /// When the next key expires, in seconds (Redis to 2.4).
    pub const EXPIRE_SECONDS: u8 = 253;
    /// The following keys belong to this database.
    pub const SELECT_DB: u8 = 254;
    /// The end; the checksum follows.
    pub const END: u8 = 255;
}

/// What the first byte of a length says.
pub mod length {
    /// A 32-bit length follows, big-endian.
    pub const BITS_32: u8 = 0x80;
    /// A 64-bit length follows, big-endian.
    pub const BITS_64: u8 = 0x81;
    /// Not a length but a string in one of the encodings below.
    pub const ENCODED: u8 = 0xc0;
    /// A string that spells an 8-bit integer.
    pub const INT_8: u8 = 0;
    /// A string that spells a 16-bit integer, little-endian.
    pub const INT_16: u8 = 1;
    /// A string that spells a 32-bit integer, little-endian.
    pub const INT_32: u8 = 2;
    /// A compressed string.
    pub const LZF: u8 = 3;
}

/// Who wrote a file: two families that give some numbers different meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Redis of any version, Valkey to 8.
    Redis,
    /// Valkey from 9 on.
    Valkey,
}

/// The name of an object type, for messages; `None` if no server is known to write it.
pub fn type_name(number: u8, family: Family) -> Option<&'static str> {
    Some(match (number, family) {
        (TYPE_STRING, _) => "string",
        (1, _) => "list",
        (2, _) => "set",
        (3, _) => "sorted set (scores as text)",
        (4, _) => "hash",
        (5, _) => "sorted set",
        (6, _) => "module value (pre-release)",
        (7, _) => "module value",
        (9, _) => "hash (zipmap)",
        (10, _) => "list (ziplist)",
        (11, _) => "set (intset)",
        (12, _) => "sorted set (ziplist)",
        (13, _) => "hash (ziplist)",
        (14, _) => "list (quicklist of ziplists)",
        (15, _) => "stream",
        (16, _) => "hash (listpack)",
        (17, _) => "sorted set (listpack)",
        (18, _) => "list (quicklist)",
        (19, _) => "stream (version 2)",
        (20, _) => "set (listpack)",
        (21, _) => "stream (version 3)",
        (22, Family::Valkey) => "hash with field expiry",
        (23, Family::Valkey) => "path hash",
        (22, Family::Redis) => "hash with field expiry (pre-release)",
        (23, Family::Redis) => "hash with field expiry (listpack, pre-release)",
        (24, Family::Redis) => "hash with field expiry",
        (25, Family::Redis) => "hash with field expiry (listpack)",
        (26, Family::Redis) => "stream (version 4)",
        (27, Family::Redis) => "stream (version 5)",
        _ => return None,
    })
}
