//! COMMAND: what commands there are, made from their declarations.

mod docs;
mod info;
mod keys;
mod list;

use engine::{Args, Categories, Command, Ctx, Docs, Error, Flags, Group};
use engine::{CommandTable, Registered};

use crate::help;

/// `COMMAND`, `COMMAND subcommand ...`
pub static COMMAND: Command = Command {
    name: "command",
    arity: -1,
    flags: Flags::LOADING.and(Flags::STALE),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Describes every command.",
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(N), N being the commands",
        ..Docs::NONE
    },
    tips: &["nondeterministic_output_order"],
    subcommands: &[
        &COUNT,
        &docs::DOCS,
        &keys::GETKEYS,
        &keys::GETKEYSANDFLAGS,
        &HELP,
        &info::INFO,
        &list::LIST,
    ],
    execute: info::info,
    ..Command::DEFAULT
};

/// `COMMAND HELP`
static HELP: Command = help::declaration("5.0.0", Group::Server, Categories::CONNECTION);

/// `COMMAND COUNT`
pub static COUNT: Command = Command {
    name: "count",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Answers how many commands there are.",
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    execute: count,
    ..Command::DEFAULT
};

fn count(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.integer(ctx.engine.commands.iter().count() as i64);
    Ok(())
}

/// The command of this name, a subcommand's being `container|subcommand`.
pub(super) fn find<'a>(commands: &'a CommandTable, name: &[u8]) -> Option<&'a Registered> {
    match name.iter().position(|byte| *byte == b'|') {
        None => commands.get(name),
        Some(at) => {
            let (container, sub) = (&name[..at], &name[at + 1..]);
            let subcommands = &commands.get(container)?.subcommands;
            subcommands.iter().find(|found| found.command.name.as_bytes().eq_ignore_ascii_case(sub))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Server;

    #[test]
    fn everything_is_described() {
        let server = Server::start();
        let count = crate::all().count();
        let mut client = server.connect();
        client.check(&[
            ("COMMAND COUNT", &format!(":{count}")),
            ("COMMAND COUNT x", "-ERR wrong number of arguments for 'command|count' command"),
            ("COMMAND FOO", "-ERR unknown subcommand 'FOO'. Try COMMAND HELP."),
        ]);
        for (request, header) in [
            ("COMMAND", format!("*{count} ")),
            ("COMMAND INFO", format!("*{count} ")),
            ("COMMAND DOCS", format!("*{} ", count * 2)),
        ] {
            client.send(request);
            assert!(client.reply().starts_with(&header), "{request}");
        }
    }
}
