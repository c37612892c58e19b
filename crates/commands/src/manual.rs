//! The list of all commands as a page of Markdown, `docs/commands.md`, made from their declarations.
//!
//! It writes no file: `cargo xtask generate` does, and tidy fails when the page is stale.

use engine::{Argument, ArgumentKind, Command, Group};

const INTRODUCTION: &str = "\
# Commands

Made from the declarations in `crates/commands` by `cargo xtask generate`; do not edit. A server answers the same by `COMMAND DOCS`.
Replies and error texts are those of Redis 7.2 unless [differences.md](differences.md) says otherwise. \"Since\" is the version
of Redis, or of Valkey, that brought the command.
";

/// The text of `docs/commands.md`.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from(INTRODUCTION);
    let groups = [
        (Group::Generic, "Keys of any type"),
        (Group::String, "Strings"),
        (Group::Bitmap, "Bitmaps"),
        (Group::HyperLogLog, "HyperLogLog"),
        (Group::List, "Lists"),
        (Group::Hash, "Hashes"),
        (Group::Set, "Sets"),
        (Group::SortedSet, "Sorted sets"),
        (Group::Stream, "Streams"),
        (Group::Geo, "Places"),
        (Group::Connection, "The connection"),
        (Group::Server, "The server"),
    ];
    for (group, title) in groups {
        text.push_str(&format!(
            "\n## {title}\n\n| Command | What it does | Cost | Since |\n|---|---|---|---|\n"
        ));
        let mut commands: Vec<_> = crate::all().filter(|command| command.docs.group == group).collect();
        commands.sort_by_key(|command| command.name);
        for command in commands {
            row(None, command, &mut text);
            command.subcommands.iter().for_each(|sub| row(Some(command), sub, &mut text));
        }
    }
    text
}

fn row(container: Option<&Command>, command: &Command, text: &mut String) {
    let mut syntax = container.map_or(String::new(), |container| container.name.to_uppercase() + " ");
    syntax.push_str(&command.name.to_uppercase());
    if container.is_none() && !command.subcommands.is_empty() {
        syntax.push_str(" ...");
    }
    for argument in command.arguments {
        syntax.push(' ');
        syntax.push_str(&spelled(argument));
    }
    let docs = &command.docs;
    let mut about = docs.summary.to_string();
    if let Some((version, instead)) = docs.deprecated {
        about.push_str(&format!(" Deprecated since {version}: {instead}"));
    }
    // A bar would end a cell.
    let cell = |text: &str| text.replace('|', "\\|");
    text.push_str(&format!(
        "| `{}` | {} | {} | {} |\n",
        cell(&syntax),
        cell(&about),
        cell(docs.complexity),
        docs.since
    ));
}

/// An argument in the notation of Redis's manual: `[EX seconds | PX milliseconds]`, `key [key ...]`.
fn spelled(argument: &Argument) -> String {
    let joined = |by: &str| argument.parts.iter().map(spelled).collect::<Vec<_>>().join(by);
    let mut one = match argument.kind {
        ArgumentKind::OneOf => joined(" | "),
        ArgumentKind::Block => joined(" "),
        ArgumentKind::PureToken => String::new(),
        _ => argument.display.unwrap_or(argument.name).to_string(),
    };
    let is_ambiguous = argument.kind == ArgumentKind::OneOf && argument.parts.len() > 1 && !argument.optional;
    if is_ambiguous || (argument.token.is_some() && argument.kind == ArgumentKind::OneOf) {
        one = format!("<{one}>");
    }
    let repeated = |one: &str| format!("{one} [{one} ...]");
    let mut whole = match argument.token {
        Some(token) if one.is_empty() => token.to_string(),
        Some(token) if argument.multiple && !argument.multiple_token => format!("{token} {}", repeated(&one)),
        Some(token) => format!("{token} {one}"),
        None => one,
    };
    if argument.multiple && (argument.token.is_none() || argument.multiple_token) {
        whole = repeated(&whole);
    }
    if argument.optional { format!("[{whole}]") } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_spelled_as_in_the_manual() {
        const CHOICE: &[Argument] = &[
            Argument::new("seconds", ArgumentKind::Integer).after("EX"),
            Argument::token("keepttl", "KEEPTTL"),
        ];
        let cases = [
            (Argument::key(), "key"),
            (Argument::key().multiple(), "key [key ...]"),
            (Argument::token("nx", "NX").optional(), "[NX]"),
            (Argument::new("n", ArgumentKind::Integer).after("COUNT").optional(), "[COUNT n]"),
            (Argument::new("id", ArgumentKind::Integer).after("ID").multiple(), "ID id [id ...]"),
            (Argument::one_of("expiry", CHOICE).optional(), "[EX seconds | KEEPTTL]"),
            (Argument::one_of("expiry", CHOICE), "<EX seconds | KEEPTTL>"),
            (Argument::block("both", CHOICE), "EX seconds KEEPTTL"),
        ];
        for (argument, expected) in cases {
            assert_eq!(spelled(&argument), expected);
        }
    }

    /// Every command and subcommand has exactly one line, whatever its group.
    #[test]
    fn every_command_is_listed_once() {
        let text = markdown();
        let rows = text.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, crate::all().map(|command| 1 + command.subcommands.len()).sum::<usize>());
        for command in crate::all() {
            let begin = format!("| `{}", command.name.to_uppercase());
            let own =
                |line: &&str| line.strip_prefix(&begin).is_some_and(|rest| rest.starts_with(['`', ' ']));
            assert!(text.lines().any(|line| own(&line)), "{}", command.name);
        }
    }
}
