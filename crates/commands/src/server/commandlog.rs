//! COMMANDLOG: the slow log, and the logs of large requests and large replies.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, LogKind};
use value::number::parse_i64;

use crate::help;

/// `COMMANDLOG subcommand ...`
pub static COMMANDLOG: Command = Command {
    name: "commandlog",
    arity: -2,
    docs: Docs {
        summary: "Groups the commands about the logs of remarkable commands.",
        since: "8.1.0",
        group: Group::Server,
        complexity: "Depends on the subcommand.",
        ..Docs::NONE
    },
    subcommands: &[&GET, &HELP, &LEN, &RESET],
    ..Command::DEFAULT
};

/// `COMMANDLOG HELP`
static HELP: Command = help::declaration("8.1.0", Group::Server, Categories(0));

/// `COMMANDLOG GET count SLOW | LARGE-REQUEST | LARGE-REPLY`
pub static GET: Command = Command {
    name: "get",
    arity: 4,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Answers the newest entries of a log.",
        since: "8.1.0",
        group: Group::Server,
        complexity: "O(N), N being the entries answered",
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("count", ArgumentKind::Integer),
        Argument::one_of(
            "type",
            &[
                Argument::token("slow", "SLOW"),
                Argument::token("large-request", "LARGE-REQUEST"),
                Argument::token("large-reply", "LARGE-REPLY"),
            ],
        ),
    ],
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    execute: get,
    ..Command::DEFAULT
};

fn get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let kind = kind(args[3])?;
    let count = count(args[2])?;
    show(ctx, kind, count);
    Ok(())
}

/// `COMMANDLOG LEN SLOW | LARGE-REQUEST | LARGE-REPLY`
pub static LEN: Command = Command {
    name: "len",
    arity: 3,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Answers how many entries a log has.",
        since: "8.1.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::one_of(
        "type",
        &[
            Argument::token("slow", "SLOW"),
            Argument::token("large-request", "LARGE-REQUEST"),
            Argument::token("large-reply", "LARGE-REPLY"),
        ],
    )],
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    execute: len,
    ..Command::DEFAULT
};

fn len(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.reply.integer(ctx.engine.command_logs.of(kind(args[2])?).len() as i64);
    Ok(())
}

/// `COMMANDLOG RESET SLOW | LARGE-REQUEST | LARGE-REPLY`
pub static RESET: Command = Command {
    name: "reset",
    arity: 3,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Empties a log.",
        since: "8.1.0",
        group: Group::Server,
        complexity: "O(N), N being the entries",
        ..Docs::NONE
    },
    arguments: &[Argument::one_of(
        "type",
        &[
            Argument::token("slow", "SLOW"),
            Argument::token("large-request", "LARGE-REQUEST"),
            Argument::token("large-reply", "LARGE-REPLY"),
        ],
    )],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    execute: reset,
    ..Command::DEFAULT
};

fn reset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.engine.command_logs.of(kind(args[2])?).clear();
    ctx.reply.ok();
    Ok(())
}

fn kind(word: &[u8]) -> Result<LogKind, Error> {
    LogKind::ALL
        .into_iter()
        .find(|kind| word.eq_ignore_ascii_case(kind.name().as_bytes()))
        .ok_or(Error::fixed("ERR type should be one of the following: slow, large-request, large-reply"))
}

/// How many entries to show; -1 is all.
pub(super) fn count(number: &[u8]) -> Result<usize, Error> {
    match parse_i64(number) {
        Some(-1) => Ok(usize::MAX),
        Some(count) if count >= 0 => Ok(count as usize),
        _ => Err(Error::fixed("ERR count should be greater than or equal to -1")),
    }
}

/// Answers the newest entries of a log.
pub(super) fn show(ctx: &mut Ctx<'_>, kind: LogKind, count: usize) {
    let entries = ctx.engine.command_logs.of(kind).newest(count);
    let mut reply = ctx.reply.write();
    reply.array(entries.len());
    for entry in entries {
        reply.array(6);
        reply.integer(entry.id as i64);
        reply.integer(entry.at_s);
        reply.integer(entry.figure as i64);
        reply.array(entry.args.len());
        entry.args.iter().for_each(|arg| reply.bulk(arg));
        reply.bulk(entry.address.as_bytes());
        reply.bulk(&entry.client);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn bad_requests() {
        let types = "-ERR type should be one of the following: slow, large-request, large-reply";
        check(&[
            ("COMMANDLOG GET", "-ERR wrong number of arguments for 'commandlog|get' command"),
            ("COMMANDLOG GET x slow", "-ERR count should be greater than or equal to -1"),
            ("COMMANDLOG GET 1 foo", types),
            ("COMMANDLOG LEN foo", types),
            ("COMMANDLOG RESET foo", types),
            ("COMMANDLOG LEN SLOW", ":0"),
        ]);
    }

    #[test]
    fn sizes_are_those_on_the_wire() {
        let value = "x".repeat(90);
        check(&[
            ("CONFIG SET commandlog-request-larger-than 100 commandlog-reply-larger-than 90", "+OK"),
            ("COMMANDLOG RESET large-request", "+OK"),
            (&format!("SET a {value}"), "+OK"),
            ("SET a b", "+OK"),
            (&format!("ECHO {value}"), "?"),
            ("COMMANDLOG LEN large-request", ":2"),
            ("COMMANDLOG LEN large-reply", ":1"),
            ("COMMANDLOG LEN slow", ":0"),
            ("COMMANDLOG RESET large-reply", "+OK"),
            ("COMMANDLOG LEN large-reply", ":0"),
        ]);
    }
}
