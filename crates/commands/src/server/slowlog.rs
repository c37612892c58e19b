//! SLOWLOG: the commands that took longest to execute.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, LogKind};

use super::commandlog::{count, show};
use crate::help;

/// `SLOWLOG subcommand ...`
pub static SLOWLOG: Command = Command {
    name: "slowlog",
    arity: -2,
    docs: Docs {
        summary: "Groups the commands about the slow log.",
        since: "2.2.12",
        group: Group::Server,
        complexity: "Depends on the subcommand.",
        ..Docs::NONE
    },
    subcommands: &[&GET, &HELP, &LEN, &RESET],
    ..Command::DEFAULT
};

/// `SLOWLOG HELP`
static HELP: Command = help::declaration("6.2.0", Group::Server, Categories(0));

/// `SLOWLOG GET [count]`
pub static GET: Command = Command {
    name: "get",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Answers the newest entries of the slow log.",
        since: "2.2.12",
        group: Group::Server,
        complexity: "O(N), N being the entries answered",
        history: &[("4.0.0", "The client's address and name in each entry.")],
        ..Docs::NONE
    },
    arguments: &[Argument::new("count", ArgumentKind::Integer).optional()],
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    execute: get,
    ..Command::DEFAULT
};

/// Entries answered without a count.
const SHOWN: usize = 10;

fn get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let count = match args {
        [_, _] => SHOWN,
        [_, _, number] => count(number)?,
        _ => {
            let text = [
                b"ERR unknown subcommand or wrong number of arguments for '",
                args[1],
                b"'. Try SLOWLOG HELP.",
            ];
            return Err(Error::new(text.concat()));
        }
    };
    show(ctx, LogKind::Slow, count);
    Ok(())
}

/// `SLOWLOG LEN`
pub static LEN: Command = Command {
    name: "len",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Answers how many entries the slow log has.",
        since: "2.2.12",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    execute: len,
    ..Command::DEFAULT
};

fn len(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.integer(ctx.engine.command_logs.of(LogKind::Slow).len() as i64);
    Ok(())
}

/// `SLOWLOG RESET`
pub static RESET: Command = Command {
    name: "reset",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Empties the slow log.",
        since: "2.2.12",
        group: Group::Server,
        complexity: "O(N), N being the entries",
        ..Docs::NONE
    },
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    execute: reset,
    ..Command::DEFAULT
};

fn reset(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.engine.command_logs.of(LogKind::Slow).clear();
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};

    #[test]
    fn bad_requests() {
        check(&[
            ("SLOWLOG GET x", "-ERR count should be greater than or equal to -1"),
            ("SLOWLOG GET -2", "-ERR count should be greater than or equal to -1"),
            ("SLOWLOG GET -1", "*0"),
            (
                "SLOWLOG GET 1 2",
                "-ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.",
            ),
            ("SLOWLOG LEN", ":0"),
        ]);
    }

    #[test]
    fn entries_are_cut_and_redacted() {
        let server = Server::start();
        let mut client = server.connect();
        client.check(&[("CONFIG SET slowlog-log-slower-than 0", "+OK"), ("SLOWLOG RESET", "+OK")]);
        client.check(&[
            ("CLIENT SETNAME bob", "+OK"),
            ("AUTH x", "?"),
            ("CONFIG SET requirepass ''", "+OK"),
            ("NOSUCH", "?"),
            ("SLOWLOG LEN", ":4"),
        ]);
        client.send("SLOWLOG GET 3");
        let reply = client.reply();
        // The newest first: SLOWLOG LEN, CONFIG SET, AUTH; the numbers count from the start of the server.
        assert!(reply.starts_with("*3 *6 :5 :"), "{reply}");
        assert!(reply.contains("*4 $6 CONFIG $3 SET $11 requirepass $10 (redacted) $"), "{reply}");
        assert!(reply.contains("*2 $4 AUTH $10 (redacted) $") && reply.ends_with(" $3 bob"), "{reply}");
        client.check(&[
            ("CONFIG SET slowlog-max-len 2", "+OK"),
            ("PING", "+PONG"),
            ("SLOWLOG LEN", ":2"),
            ("CONFIG SET slowlog-log-slower-than -1", "+OK"),
            ("SLOWLOG RESET", "+OK"),
            ("PING", "+PONG"),
            ("SLOWLOG LEN", ":0"),
        ]);
    }
}
