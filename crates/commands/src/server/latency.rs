//! LATENCY: what took long, and how long commands take.

mod doctor;
mod graph;
mod histogram;

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};

use crate::help;

/// `LATENCY subcommand ...`
pub static LATENCY: Command = Command {
    name: "latency",
    arity: -2,
    docs: Docs {
        summary: "Groups the commands about latency.",
        since: "2.8.13",
        group: Group::Server,
        complexity: "Depends on the subcommand.",
        ..Docs::NONE
    },
    subcommands: &[&doctor::DOCTOR, &graph::GRAPH, &HELP, &histogram::HISTOGRAM, &HISTORY, &LATEST, &RESET],
    ..Command::DEFAULT
};

/// `LATENCY HELP`
static HELP: Command = help::declaration("2.8.13", Group::Server, Categories(0));

/// `LATENCY LATEST`
pub static LATEST: Command = Command {
    name: "latest",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Answers the newest sample of every event.",
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    execute: latest,
    ..Command::DEFAULT
};

fn latest(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let events = ctx.engine.latency.all();
    let mut reply = ctx.reply.write();
    reply.array(events.len());
    for (event, series) in events {
        let last = series.samples.back();
        reply.array(4);
        reply.bulk(event.as_bytes());
        reply.integer(last.map_or(0, |sample| sample.at_s));
        reply.integer(last.map_or(0, |sample| sample.milliseconds as i64));
        reply.integer(series.worst_ms as i64);
    }
    Ok(())
}

/// `LATENCY HISTORY event`
pub static HISTORY: Command = Command {
    name: "history",
    arity: 3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Answers the samples of an event.",
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::new("event", ArgumentKind::String)],
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    execute: history,
    ..Command::DEFAULT
};

fn history(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let series = ctx.engine.latency.get(args[2]).unwrap_or_default();
    let mut reply = ctx.reply.write();
    reply.array(series.samples.len());
    for sample in series.samples {
        reply.array(2);
        reply.integer(sample.at_s);
        reply.integer(sample.milliseconds as i64);
    }
    Ok(())
}

/// `LATENCY RESET [event ...]`
pub static RESET: Command = Command {
    name: "reset",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Forgets the samples of events.",
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::new("event", ArgumentKind::String).optional().multiple()],
    tips: &["request_policy:all_nodes", "response_policy:agg_sum"],
    execute: reset,
    ..Command::DEFAULT
};

fn reset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let named = &args[2..];
    let forget = |event: &str| named.is_empty() || named.contains(&event.as_bytes());
    ctx.reply.integer(ctx.engine.latency.reset(forget) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};

    #[test]
    fn nothing_happened() {
        check(&[
            ("LATENCY LATEST", "*0"),
            ("LATENCY HISTORY foo", "*0"),
            ("LATENCY GRAPH foo", "-ERR No samples available for event 'foo'"),
            ("LATENCY RESET", ":0"),
            ("LATENCY RESET foo", ":0"),
            ("LATENCY FOO", "-ERR unknown subcommand 'FOO'. Try LATENCY HELP."),
        ]);
    }

    #[test]
    fn events_are_answered_and_forgotten() {
        let server = Server::start();
        for (at_s, ms) in [(100, 300), (101, 500), (102, 400)] {
            server.engine.latency.note("command", ms, at_s);
        }
        server.engine.latency.note("expire-cycle", 9, 100);
        server.connect().check(&[
            ("LATENCY LATEST", "*2 *4 $7 command :102 :400 :500 *4 $12 expire-cycle :100 :9 :9"),
            ("LATENCY HISTORY command", "*3 *2 :100 :300 *2 :101 :500 *2 :102 :400"),
            ("LATENCY RESET command nothing", ":1"),
            ("LATENCY RESET", ":1"),
            ("LATENCY LATEST", "*0"),
        ]);
    }
}
