//! LOLWUT: a keel in the water, and the version.

use engine::{Args, Argument, ArgumentKind, Command, Ctx, Docs, Error, Flags, Group};
use value::number::parse_i64;

use super::info::VERSION;

/// `LOLWUT [VERSION version] [columns]`
pub static LOLWUT: Command = Command {
    name: "lolwut",
    arity: -1,
    flags: Flags::READONLY.and(Flags::FAST),
    docs: Docs {
        summary: "Draws a picture and tells the version.",
        since: "5.0.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::new("version", ArgumentKind::Integer).after("VERSION").optional()],
    execute: lolwut,
    ..Command::DEFAULT
};

/// Columns of the picture unless asked otherwise, and at most.
const COLUMNS: (i64, i64) = (48, 500);

fn lolwut(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let rest = match args {
        [_, word, version, rest @ ..] if word.eq_ignore_ascii_case(b"VERSION") => {
            // Redis's pictures of versions 5 and 6 have three and two measures; others look at none.
            let measures = match parse_i64(version).ok_or(Error::NOT_AN_INTEGER)? {
                5 => 3,
                6 => 2,
                _ => 0,
            };
            for measure in rest.iter().take(measures) {
                parse_i64(measure).ok_or(Error::NOT_AN_INTEGER)?;
            }
            rest
        }
        [_, rest @ ..] => rest,
        [] => &[],
    };
    let columns = rest.first().and_then(|word| parse_i64(word)).unwrap_or(COLUMNS.0).clamp(12, COLUMNS.1);
    let text = format!("{}\nEvenkeel ver. {VERSION}\n", picture(columns as usize, fastrand::f64()));
    ctx.reply.write().verbatim("txt", text.as_bytes());
    Ok(())
}

/// A boat on waves that begin at `phase` of a wave: it stays level whatever the sea does.
fn picture(columns: usize, phase: f64) -> String {
    const BOAT: [&str; 4] = ["    |\\    ", "    | \\   ", " ___|__\\_ ", " \\______/ "];
    let margin = (columns - 11) / 2;
    let mut text = String::new();
    for line in BOAT {
        text.push_str(&" ".repeat(margin));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    for row in 0..3 {
        for column in 0..columns {
            let at = column as f64 / 6.0 + phase * 6.0 + f64::from(row) * 1.7;
            text.push(if at.sin() > 0.6 - f64::from(row) * 0.3 { '~' } else { ' ' });
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check;

    #[test]
    fn the_version_comes_last() {
        let server = crate::testing::Server::start();
        let mut client = server.connect();
        client.send("LOLWUT VERSION 5 20");
        assert!(client.reply().ends_with(&format!("Evenkeel ver. {VERSION}\\n")));
        check(&[
            ("LOLWUT VERSION x", "-ERR value is not an integer or out of range"),
            ("LOLWUT VERSION 5 40 x", "-ERR value is not an integer or out of range"),
        ]);
        assert!(picture(500, 0.5).lines().all(|line| line.len() <= 500));
    }
}
