//! Options about snapshots and RDB files.

use super::{ANY_INT, UP_TO_U64};
use crate::choices::{RdbVersion, SANITIZE, VersionCheck};
use crate::option::{Kind, OptionSpec};
use crate::value::Value;

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::text("dbfilename", "dump.rdb", "Name of the snapshot file in dir; not a path.")
        .protected()
        .rule(plain_file_name),
    OptionSpec::special(
        "dir",
        Kind::Directory,
        "./",
        "Working directory: snapshots are written here, and relative paths start here.",
    )
    .protected()
    .not_while_loading(),
    OptionSpec::number("key-load-delay", ANY_INT, "0", "Pause after each key loaded, for tests; negative: a microsecond after one of so many keys.")
        .unit("microseconds")
        .hidden(),
    OptionSpec::number(
        "loading-process-events-interval-bytes",
        (1024, i32::MAX as i128),
        "2097152",
        "Redis: how much of a file is loaded between two looks at clients.",
    )
    .unit("bytes")
    .hidden()
    .noted("has no effect here: clients are served by other threads while a file is loaded"),
    OptionSpec::bool("rdb-del-sync-files", "no", "Delete RDB files that were only made for a full sync.")
        .noted("kept for replication, which this version does not have yet"),
    OptionSpec::number("rdb-key-save-delay", ANY_INT, "0", "Redis: pause after each key saved, for tests; negative: keys a microsecond.")
        .unit("microseconds")
        .hidden()
        .noted("has no effect here: no process of its own saves, whose pauses would disturb nobody"),
    OptionSpec::bool(
        "rdb-save-incremental-fsync",
        "yes",
        "While saving, sync the file every few megabytes, so that the disk is never handed everything at once.",
    )
    .noted("has no effect here: a file is always synced while it is written")
    .harmless(&["no"]),
    OptionSpec::choice(
        "rdb-version",
        RdbVersion::WORDS,
        "10",
        "Version of RDB files and DUMP payloads: 10 loads in Redis from 7.0 on and in Valkey, 11 from Redis 7.2 on and in Valkey, 80 in Valkey from 9 on. Files with hashes whose fields have deadlines are always written as 80.",
    ),
    OptionSpec::choice(
        "rdb-version-check",
        VersionCheck::WORDS,
        "strict",
        "What to do with a file of a newer RDB version than known: 'strict' refuses it, 'relaxed' tries.",
    ),
    OptionSpec::bool(
        "rdbchecksum",
        "yes",
        "Write a CRC64 at the end of the file and check it when loading. Costs a few per cent of saving and loading.",
    )
    .immutable(),
    OptionSpec::bool(
        "rdbcompression",
        "yes",
        "Compress strings of more than 20 bytes with LZF in the file. Saves disk, costs processor time.",
    ),
    OptionSpec::choice(
        "sanitize-dump-payload",
        SANITIZE,
        "no",
        "Redis: check payloads in full: 'no', 'yes', or 'clients' for what clients send.",
    )
    .debug()
    .noted("payloads of RESTORE and files are always checked in full here"),
    OptionSpec::special(
        "save",
        Kind::Save,
        "3600 1 300 100 60 10000",
        "Save points: pairs of seconds and changes. A snapshot is taken when, for one of the pairs, at least that many \
         changes have been made and that many seconds have passed. \"\" means never by itself. Lines in a file add up.",
    )
    .multi(),
    OptionSpec::memory(
        "snapshot-memory-budget",
        (1 << 20, UP_TO_U64.1),
        "64mb",
        "Evenkeel: most memory that a running snapshot may take beyond the data, whatever the write load, exceeded by one batch \
         of requests at most. Above half of it the snapshot pauses; above it, requests wait until the disk has caught up. Where less \
         than twice as much memory is left, in the machine or in the container, a snapshot takes half of what is left.",
    )
    .debug(),
    OptionSpec::bool(
        "stop-writes-on-bgsave-error",
        "yes",
        "Refuse writes with MISCONF after a snapshot failed, until one succeeds, if save points are set. Lack of memory never \
         makes a snapshot fail.",
    ),
];

fn plain_file_name(value: Value) -> Result<Value, String> {
    match &value {
        Value::Text(name) if name.is_empty() => Err("dbfilename can't be empty".into()),
        Value::Text(name) if name.contains(&b'/') => {
            Err("dbfilename can't be a path, just a filename".into())
        }
        _ => Ok(value),
    }
}
