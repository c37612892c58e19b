//! LATENCY GRAPH: an event's samples as columns of characters.

use engine::latency::{Sample, Series};
use engine::{Args, Argument, ArgumentKind, Command, Ctx, Docs, Error, Flags, Group};

/// `LATENCY GRAPH event`
pub static GRAPH: Command = Command {
    name: "graph",
    arity: 3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Draws the samples of an event.",
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::new("event", ArgumentKind::String)],
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    execute: graph,
    ..Command::DEFAULT
};

/// Rows of the graph, and its columns: one for each of the newest samples.
const ROWS: u64 = 4;
const COLUMNS: usize = 80;

fn graph(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let Some(series) = ctx.engine.latency.get(args[2]) else {
        return Err(Error::naming("ERR No samples available for event '", args[2], "'"));
    };
    let event = String::from_utf8_lossy(args[2]);
    let text = draw(&event, &series, engine::now_ms() / 1000);
    ctx.reply.write().verbatim("txt", text.as_bytes());
    Ok(())
}

fn draw(event: &str, series: &Series, now_s: i64) -> String {
    let skipped = series.samples.len().saturating_sub(COLUMNS);
    let samples: Vec<Sample> = series.samples.iter().skip(skipped).copied().collect();
    let high = samples.iter().map(|sample| sample.milliseconds).max().unwrap_or(0);
    let low = samples.iter().map(|sample| sample.milliseconds).min().unwrap_or(0);
    let mut text = format!("{event} - high {high} ms, low {low} ms (all time high {} ms)\n", series.worst_ms);
    text.push_str(&"-".repeat(COLUMNS));
    text.push('\n');
    let span = (high - low).max(1);
    // The height of a column in thirds of a row, at least one.
    let height = |sample: &Sample| 1 + (sample.milliseconds - low) * (ROWS * 3 - 1) / span;
    for row in (0..ROWS).rev() {
        let line: String = samples
            .iter()
            .map(|sample| match height(sample).saturating_sub(row * 3) {
                0 => ' ',
                1 => '_',
                2 => 'o',
                _ => '#',
            })
            .collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    // How long ago each sample was, read downwards.
    let ages: Vec<Vec<char>> =
        samples.iter().map(|sample| age(now_s - sample.at_s).chars().collect()).collect();
    let longest = ages.iter().map(Vec::len).max().unwrap_or(0);
    for place in 0..longest {
        let line: String = ages.iter().map(|age| age.get(place).copied().unwrap_or(' ')).collect();
        text.push('\n');
        text.push_str(line.trim_end());
    }
    text.push('\n');
    text
}

fn age(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..60 => format!("{s}s"),
        s @ 60..3600 => format!("{}m", s / 60),
        s @ 3600..86400 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_rise_with_the_samples() {
        let samples =
            [(10, 100), (20, 200), (30, 1200)].map(|(at_s, milliseconds)| Sample { at_s, milliseconds });
        let series = Series { samples: samples.into(), worst_ms: 2000 };
        let text = draw("command", &series, 40);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "command - high 1200 ms, low 100 ms (all time high 2000 ms)");
        assert_eq!(lines[2..6], ["  #", "  #", "  #", "_o#"]);
        assert_eq!(lines[7..], ["321", "000", "sss"]);
    }
}
