//! MEMORY: what a key and the whole server occupy, and what the allocator says. STATS stands in `memory_stats`.

use engine::{
    Args, Argument, ArgumentKind, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec, Scope,
};
use keyspace::Entry;

use super::memory_stats::{report, stats};
use crate::number::integer;

/// `MEMORY subcommand [argument ...]`
pub static MEMORY: Command = Command {
    name: "memory",
    arity: -2,
    docs: Docs {
        summary: "Looks at how memory is used.",
        since: "4.0.0",
        group: Group::Server,
        complexity: "Depends on the subcommand.",
        ..Docs::NONE
    },
    subcommands: &[
        &MEMORY_DOCTOR,
        &MEMORY_HELP,
        &MEMORY_MALLOC_STATS,
        &MEMORY_PURGE,
        &MEMORY_STATS,
        &MEMORY_USAGE,
    ],
    ..Command::DEFAULT
};

/// `MEMORY DOCTOR`
static MEMORY_DOCTOR: Command = Command {
    name: "doctor",
    arity: 2,
    scope: Scope::Slices,
    docs: Docs {
        summary: "Reports what looks wrong with the use of memory.",
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    execute: doctor,
    ..Command::DEFAULT
};

/// `MEMORY HELP`
static MEMORY_HELP: Command = Command {
    name: "help",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    docs: Docs {
        summary: "Lists the subcommands.",
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    execute: help,
    ..Command::DEFAULT
};

/// `MEMORY MALLOC-STATS`
static MEMORY_MALLOC_STATS: Command = Command {
    name: "malloc-stats",
    arity: 2,
    flags: Flags::LOADING,
    docs: Docs {
        summary: "Answers the allocator's own report.",
        since: "4.0.0",
        group: Group::Server,
        complexity: "Depends on the memory that is used",
        ..Docs::NONE
    },
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    execute: malloc_stats,
    ..Command::DEFAULT
};

/// `MEMORY PURGE`
static MEMORY_PURGE: Command = Command {
    name: "purge",
    arity: 2,
    flags: Flags::LOADING,
    docs: Docs {
        summary: "Gives unused pages back to the system.",
        since: "4.0.0",
        group: Group::Server,
        complexity: "Depends on the memory that is unused",
        ..Docs::NONE
    },
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    execute: purge,
    ..Command::DEFAULT
};

/// `MEMORY STATS`
static MEMORY_STATS: Command = Command {
    name: "stats",
    arity: 2,
    scope: Scope::Slices,
    docs: Docs {
        summary: "Answers figures on the use of memory.",
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    execute: stats,
    ..Command::DEFAULT
};

/// `MEMORY USAGE key [SAMPLES count]`
static MEMORY_USAGE: Command = Command {
    name: "usage",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(2, KeyFlags::RO)],
    docs: Docs {
        summary: "Answers the bytes that a key occupies.",
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("count", ArgumentKind::Integer).after("SAMPLES").optional()],
    execute: usage,
    ..Command::DEFAULT
};

fn help(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    super::help(
        ctx,
        "MEMORY",
        &[
            ("DOCTOR", "What looks wrong with the use of memory."),
            ("HELP", "This text."),
            ("MALLOC-STATS", "The allocator's own report."),
            ("PURGE", "Give unused pages back to the system."),
            ("STATS", "The server's memory by owner."),
            (
                "USAGE <key> [SAMPLES <count>]",
                "Bytes that a key and its value occupy; nothing is sampled, the figure is exact.",
            ),
        ],
    );
    Ok(())
}

fn usage(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut rest = &args[3..];
    while let [word, count, others @ ..] = rest
        && word.eq_ignore_ascii_case(b"SAMPLES")
    {
        // Values know their size, so nothing is sampled; the number is looked at as Redis does.
        if integer(count)? < 0 {
            return Err(Error::SYNTAX);
        }
        rest = others;
    }
    if !rest.is_empty() {
        return Err(Error::SYNTAX);
    }
    if ctx.data.peek(args[2]).is_none() {
        ctx.reply.null();
        return Ok(());
    }
    match ctx.data.entry(args[2]) {
        Entry::Occupied(entry) => {
            let bytes = entry.footprint_bytes();
            ctx.reply.integer(bytes as i64);
        }
        Entry::Vacant(_) => ctx.reply.null(),
    }
    Ok(())
}

fn purge(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    keyspace::purge();
    ctx.reply.ok();
    Ok(())
}

fn malloc_stats(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.write().verbatim("txt", keyspace::allocator_report().as_bytes());
    Ok(())
}

fn doctor(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let report = report(ctx);
    ctx.reply.write().verbatim("txt", report.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};

    #[test]
    fn usage() {
        check(&[
            ("MEMORY USAGE none", "$-1"),
            ("SET a 5", "+OK"),
            ("MEMORY USAGE a", ":32"),
            ("MEMORY USAGE a SAMPLES 5", ":32"),
            ("MEMORY USAGE a SAMPLES", "-ERR syntax error"),
            ("MEMORY USAGE a SAMPLES x", "-ERR value is not an integer or out of range"),
            ("MEMORY USAGE a SAMPLES -1", "-ERR syntax error"),
            ("MEMORY USAGE a FOO 5", "-ERR syntax error"),
            ("MEMORY FOO", "-ERR unknown subcommand 'FOO'. Try MEMORY HELP."),
            ("MEMORY PURGE", "+OK"),
        ]);
    }

    #[test]
    fn a_large_value_is_counted_whole() {
        let server = Server::start();
        let mut client = server.connect();
        client.send_args(&[b"SET", b"a", &vec![b'x'; 1_000_000]]);
        client.reply();
        client.send("MEMORY USAGE a");
        let bytes: u64 = client.reply()[1..].parse().unwrap();
        assert!((1_000_000..1_100_000).contains(&bytes), "{bytes}");
    }

    #[test]
    fn reports() {
        let server = Server::start();
        let mut client = server.connect();
        client.send("MEMORY MALLOC-STATS");
        assert!(client.reply().contains("jemalloc"));
        client.send("MEMORY DOCTOR");
        let reply = client.reply();
        assert!(reply.contains("little memory"), "{reply}");
    }
}
