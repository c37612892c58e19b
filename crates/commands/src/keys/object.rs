//! OBJECT: how a value is kept and how long it was not used. None of it counts as an access.

use config::{Config, EvictionPolicy};
use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};
use keyspace::{EntryView, ValueRef};
use value::list::ListRef;
use value::string::StrRef;
use value::zset::ZsetRef;

/// Longest string that Redis calls `embstr`.
const EMBEDDED_MAX: u64 = 44;

/// Integers below this are one object for all keys in Redis, with this count of references.
const SHARED_INTEGERS: i64 = 10_000;
const SHARED_REFERENCES: i64 = i32::MAX as i64;

/// `OBJECT subcommand [argument ...]`
pub static OBJECT: Command = Command {
    name: "object",
    arity: -2,
    docs: Docs {
        summary: "Looks at how values are kept.",
        since: "2.2.3",
        group: Group::Generic,
        complexity: "Depends on the subcommand.",
        ..Docs::NONE
    },
    subcommands: &[&OBJECT_ENCODING, &OBJECT_FREQ, &OBJECT_HELP, &OBJECT_IDLETIME, &OBJECT_REFCOUNT],
    ..Command::DEFAULT
};

/// `OBJECT ENCODING key`
static OBJECT_ENCODING: Command = Command {
    name: "encoding",
    arity: 3,
    flags: Flags::READONLY,
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(2, KeyFlags::RO)],
    docs: Docs {
        summary: "Answers the encoding of a key's value.",
        since: "2.2.3",
        group: Group::Generic,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    tips: &["nondeterministic_output"],
    execute: encoding,
    ..Command::DEFAULT
};

/// `OBJECT FREQ key`
static OBJECT_FREQ: Command = Command {
    name: "freq",
    arity: 3,
    flags: Flags::READONLY,
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(2, KeyFlags::RO)],
    docs: Docs {
        summary: "Answers how often a key was used, as a logarithmic count.",
        since: "4.0.0",
        group: Group::Generic,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    tips: &["nondeterministic_output"],
    execute: freq,
    ..Command::DEFAULT
};

/// `OBJECT HELP`
static OBJECT_HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    categories: Categories::KEYSPACE,
    docs: Docs {
        summary: "Lists the subcommands.",
        since: "6.2.0",
        group: Group::Generic,
        complexity: "O(1)",
        ..Docs::NONE
    },
    execute: help,
    ..Command::DEFAULT
};

/// `OBJECT IDLETIME key`
static OBJECT_IDLETIME: Command = Command {
    name: "idletime",
    arity: 3,
    flags: Flags::READONLY,
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(2, KeyFlags::RO)],
    docs: Docs {
        summary: "Answers the seconds since a key was last used.",
        since: "2.2.3",
        group: Group::Generic,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    tips: &["nondeterministic_output"],
    execute: idletime,
    ..Command::DEFAULT
};

/// `OBJECT REFCOUNT key`
static OBJECT_REFCOUNT: Command = Command {
    name: "refcount",
    arity: 3,
    flags: Flags::READONLY,
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(2, KeyFlags::RO)],
    docs: Docs {
        summary: "Answers how many references a key's value has.",
        since: "2.2.3",
        group: Group::Generic,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    tips: &["nondeterministic_output"],
    execute: refcount,
    ..Command::DEFAULT
};

/// The encoding as OBJECT ENCODING and DEBUG OBJECT name it.
pub fn encoding_of(entry: &EntryView<'_>) -> &'static str {
    match entry.value {
        ValueRef::String(StrRef::Int(_)) => "int",
        ValueRef::String(string) if string.len() <= EMBEDDED_MAX && !entry.is_raw => "embstr",
        ValueRef::String(_) => "raw",
        ValueRef::List(ListRef::Small(_)) => "listpack",
        ValueRef::List(ListRef::Large(list)) => list.encoding().name(),
        ValueRef::Set(set) => set.encoding().name(),
        ValueRef::Zset(ZsetRef::Small(_)) => "listpack",
        ValueRef::Zset(ZsetRef::Large(zset)) => zset.encoding().name(),
        ValueRef::Hash(hash) => hash.encoding().name(),
        ValueRef::Stream(_) => "stream",
    }
}

/// The count of references that Redis would show.
pub fn references_of(config: &Config, value: ValueRef<'_>) -> i64 {
    use EvictionPolicy as P;
    let memory = &config.memory;
    let own_clock = matches!(memory.policy, P::AllkeysLru | P::VolatileLru | P::AllkeysLfu | P::VolatileLfu);
    match value {
        ValueRef::String(StrRef::Int(0..SHARED_INTEGERS)) if memory.limit_bytes == 0 || !own_clock => {
            SHARED_REFERENCES
        }
        _ => 1,
    }
}

fn help(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    super::help(
        ctx,
        "OBJECT",
        &[
            ("ENCODING <key>", "How the key's value is kept, in Redis's words."),
            ("FREQ <key>", "How often the key was used, as a logarithmic count (LFU policies only)."),
            ("HELP", "This text."),
            ("IDLETIME <key>", "Seconds since the key was last used (not with LFU policies)."),
            ("REFCOUNT <key>", "References to the key's value, as Redis counts them."),
        ],
    );
    Ok(())
}

fn encoding(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    match ctx.data.look(args[2]).map(|entry| encoding_of(&entry)) {
        Some(name) => ctx.reply.bulk(name.as_bytes()),
        None => ctx.reply.null(),
    }
    Ok(())
}

fn freq(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let clock = ctx.data.clock;
    let Some(field) = ctx.data.look(args[2]).map(|entry| entry.clock) else {
        ctx.reply.null();
        return Ok(());
    };
    if !clock.is_lfu() {
        return Err(Error::fixed(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    ctx.reply.integer(i64::from(clock.frequency(field)));
    Ok(())
}

fn idletime(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let clock = ctx.data.clock;
    let Some(field) = ctx.data.look(args[2]).map(|entry| entry.clock) else {
        ctx.reply.null();
        return Ok(());
    };
    if clock.is_lfu() {
        return Err(Error::fixed(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    ctx.reply.integer(i64::from(clock.idle_seconds(field)));
    Ok(())
}

fn refcount(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let config = ctx.config;
    match ctx.data.look(args[2]).map(|entry| references_of(config, entry.value)) {
        Some(count) => ctx.reply.integer(count),
        None => ctx.reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};

    #[test]
    fn encodings_and_references() {
        check(&[
            ("SET a 5", "+OK"),
            ("SET b 10000", "+OK"),
            ("SET c aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "+OK"),
            ("SET d aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "+OK"),
            ("OBJECT ENCODING a", "$3 int"),
            ("OBJECT ENCODING c", "$3 raw"),
            ("OBJECT ENCODING d", "$6 embstr"),
            ("OBJECT ENCODING none", "$-1"),
            ("OBJECT REFCOUNT a", ":2147483647"),
            ("OBJECT REFCOUNT b", ":1"),
            ("OBJECT REFCOUNT d", ":1"),
            ("OBJECT REFCOUNT none", "$-1"),
            ("OBJECT IDLETIME a", ":0"),
            ("OBJECT IDLETIME none", "$-1"),
            ("OBJECT FREQ none", "$-1"),
            (
                "OBJECT FREQ a",
                "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
            ),
            ("OBJECT FOO a", "-ERR unknown subcommand 'FOO'. Try OBJECT HELP."),
            ("OBJECT ENCODING", "-ERR wrong number of arguments for 'object|encoding' command"),
            ("OBJECT HELP x", "-ERR wrong number of arguments for 'object|help' command"),
            ("OBJECT", "-ERR wrong number of arguments for 'object' command"),
        ]);
    }

    #[test]
    fn frequency_with_an_lfu_policy() {
        let server = Server::start();
        let mut client = server.connect();
        let set = server
            .engine
            .config
            .set(&[b"maxmemory-policy", b"allkeys-lfu"], config::Context { ..Default::default() });
        assert!(set.is_ok(), "{set:?}");
        for (line, expected) in [
            ("SET a 1", "+OK"),
            ("OBJECT FREQ a", ":5"),
            ("OBJECT FREQ none", "$-1"),
            (
                "OBJECT IDLETIME a",
                "-ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
            ),
            ("RESTORE b 0 \"\\x00\\xc0\\x01\\n\\x00&x\\xe7\\xb6\\xd1\\x01\\x11\\xfc\" FREQ 77", "+OK"),
            ("OBJECT FREQ b", ":77"),
        ] {
            client.send(line);
            assert_eq!(client.reply(), expected, "{line}");
        }
    }
}
