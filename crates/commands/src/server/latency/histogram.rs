//! LATENCY HISTOGRAM: how many executions of a command took at most how long.

use engine::stats::CommandTotals;
use engine::{Args, Argument, ArgumentKind, Command, Ctx, Docs, Error, Flags, Group};

/// `LATENCY HISTOGRAM [command ...]`
pub static HISTOGRAM: Command = Command {
    name: "histogram",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Answers how long commands took, as a cumulative distribution.",
        since: "7.0.0",
        group: Group::Server,
        complexity: "O(N), N being the commands with figures",
        ..Docs::NONE
    },
    arguments: &[Argument::new("command", ArgumentKind::String).optional().multiple()],
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    execute: histogram,
    ..Command::DEFAULT
};

fn histogram(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let engine = ctx.engine;
    let commands = &engine.commands;
    let mut asked = Vec::new();
    if args.len() == 2 {
        asked.extend(commands.iter_all());
    }
    for name in &args[2..] {
        let Some(command) = crate::server::command::find(commands, name) else { continue };
        asked.push(command);
        asked.extend(&command.subcommands);
    }
    let found: Vec<(&str, CommandTotals)> = asked
        .into_iter()
        .map(|command| (command.full_name.as_str(), engine.command_totals(command.id)))
        .filter(|(_, totals)| totals.samples() > 0)
        .collect();
    let mut reply = ctx.reply.write();
    reply.map(found.len());
    for (name, totals) in found {
        let rows = rows(&totals.cumulative());
        reply.bulk(name.as_bytes());
        reply.map(2);
        reply.bulk(b"calls");
        reply.integer(totals.samples() as i64);
        reply.bulk(b"histogram_usec");
        reply.map(rows.len());
        for (microseconds, count) in rows {
            reply.integer(microseconds as i64);
            reply.integer(count as i64);
        }
    }
    Ok(())
}

/// Cumulative counts at every doubling where they grow: (microseconds, executions up to there).
///
/// Redis's buckets end at 1.032 us and its doublings, as its histogram has two significant digits; ours at 1.024. The names
/// are Redis's.
fn rows(cumulative: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut rows: Vec<(u64, u64)> = Vec::new();
    for &(upper_nanos, count) in cumulative {
        let doublings = upper_nanos.div_ceil(1024).next_power_of_two().trailing_zeros();
        let microseconds = (1032u64 << doublings) / 1000;
        match rows.last_mut() {
            Some((last, so_far)) if *last == microseconds => *so_far = count,
            _ => rows.push((microseconds, count)),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Server;

    #[test]
    fn doublings_have_redis_s_names() {
        let cumulative = [(768, 2), (1024, 3), (1280, 4), (20480, 7), (400_000, 9), (1 << 30, 10)];
        assert_eq!(rows(&cumulative), [(1, 3), (2, 4), (33, 7), (528, 9), (1_082_130, 10)]);
    }

    #[test]
    fn by_command_and_container() {
        let server = Server::start();
        let mut client = server.connect();
        client.check(&[
            ("LATENCY HISTOGRAM foo", "*0"),
            ("LATENCY HISTOGRAM config|foo", "*0"),
            ("LATENCY HISTOGRAM get", "*0"),
            ("CONFIG RESETSTAT", "+OK"),
            ("GET a", "$-1"),
            ("GET a", "$-1"),
            ("HELLO 3", "?"),
        ]);
        client.send("LATENCY HISTOGRAM get config");
        let reply = client.reply();
        assert!(reply.starts_with("%2 $3 get %2 $5 calls :2 $14 histogram_usec %"), "{reply}");
        assert!(reply.contains("$16 config|resetstat %2 $5 calls :1 $14 histogram_usec %1 :"), "{reply}");
        client.check(&[
            ("CONFIG SET latency-tracking no", "+OK"),
            ("CONFIG RESETSTAT", "+OK"),
            ("GET a", "_"),
        ]);
        client.check(&[("LATENCY HISTOGRAM get", "%0")]);
    }
}
