//! LATENCY DOCTOR: what the monitor has seen, in words.

use std::fmt::Write;

use engine::latency::Series;
use engine::{Args, Command, Ctx, Docs, Error, Flags, Group};

/// `LATENCY DOCTOR`
pub static DOCTOR: Command = Command {
    name: "doctor",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Says in words what took long and what may help.",
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    execute: doctor,
    ..Command::DEFAULT
};

fn doctor(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let config = ctx.engine.config.load();
    let text = match config.latency.monitor_milliseconds {
        None => "Latency monitoring is disabled. Use \"CONFIG SET latency-monitor-threshold <milliseconds>\" to enable it: \
                 events that take longer are then remembered here.\n"
            .to_owned(),
        Some(threshold) => report(&ctx.engine.latency.all(), threshold, config.latency.slow_microseconds),
    };
    ctx.reply.write().verbatim("txt", text.as_bytes());
    Ok(())
}

fn report(events: &[(&str, Series)], threshold: u64, slow_microseconds: Option<u64>) -> String {
    if events.is_empty() {
        return format!(
            "Nothing has taken {threshold} ms or longer since the monitor was switched on or reset.\n"
        );
    }
    let mut text = format!("These events took {threshold} ms or longer:\n\n");
    for (number, (event, series)) in events.iter().enumerate() {
        let count = series.samples.len().max(1) as u64;
        let mean = series.samples.iter().map(|sample| sample.milliseconds).sum::<u64>() / count;
        let first = series.samples.front().map_or(0, |sample| sample.at_s);
        let last = series.samples.back().map_or(0, |sample| sample.at_s);
        let period = (last - first) as f64 / count as f64;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{}. {event}: {count} seconds with such events (average {mean} ms, one every {period:.2} s). Worst of all {} ms.",
            number + 1,
            series.worst_ms
        );
    }
    text.push_str("\nWhat may help:\n\n");
    let has = |name: &str| events.iter().any(|(event, _)| *event == name);
    if has("command") || has("fast-command") {
        let slow = match slow_microseconds {
            Some(limit) => format!("SLOWLOG GET lists commands from {limit} us on"),
            None => "The slow log is off: CONFIG SET slowlog-log-slower-than 10000 switches it on".to_owned(),
        };
        let _ = writeln!(text, "- {slow}; it names the command, its arguments and the client.");
    }
    if has("fast-command") {
        text.push_str(
            "- Commands that are always quick were slow: look for other processes that take the processor, for swapping, \
             and for a virtual machine that has to wait for its host.\n",
        );
    }
    if has("command") {
        text.push_str("- Ask for less at once: SCAN in place of KEYS, ranges in place of whole values.\n");
    }
    if has("expire-cycle") {
        text.push_str("- Many keys end at the same moment: spread their deadlines by a random part.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::testing::Server;

    #[test]
    fn it_names_events_and_remedies() {
        let server = Server::start();
        let mut client = server.connect();
        client.send("LATENCY DOCTOR");
        assert!(client.reply().contains("Latency monitoring is disabled"));
        client.check(&[("CONFIG SET latency-monitor-threshold 20", "+OK")]);
        client.send("LATENCY DOCTOR");
        assert!(client.reply().contains("Nothing has taken 20 ms"));
        server.engine.latency.note("command", 30, 5);
        client.send("LATENCY DOCTOR");
        let reply = client.reply();
        assert!(reply.contains("1. command: 1 seconds") && reply.contains("SLOWLOG GET"), "{reply}");
    }
}
