//! HELP of every container command: its lines are made from the declarations of its subcommands.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};

/// The declaration of a container's `HELP`.
pub const fn declaration(since: &'static str, group: Group, categories: Categories) -> Command {
    Command {
        name: "help",
        arity: 2,
        flags: Flags::LOADING.and(Flags::STALE),
        categories,
        docs: Docs { summary: "Lists the subcommands.", since, group, complexity: "O(1)", ..Docs::NONE },
        execute: help,
        ..Command::DEFAULT
    }
}

/// A header and two lines for each subcommand, as status replies.
fn help(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let container = ctx.engine.commands.get(args[0]).ok_or_else(|| Error::unknown_command(args))?;
    let name = container.command.name.to_ascii_uppercase();
    let mut lines = vec![format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")];
    for subcommand in container.command.subcommands {
        let mut line = subcommand.name.to_ascii_uppercase();
        for argument in subcommand.arguments {
            line.push(' ');
            line.push_str(&syntax(argument));
        }
        lines.push(line);
        lines.push(format!("    {}", subcommand.docs.summary));
    }
    let mut reply = ctx.reply.write();
    reply.array(lines.len());
    lines.iter().for_each(|line| reply.simple(line));
    Ok(())
}

/// An argument as it is written in a synopsis.
pub fn syntax(argument: &Argument) -> String {
    let parts = || argument.parts.iter().map(syntax).collect::<Vec<_>>();
    let mut text = match argument.kind {
        ArgumentKind::PureToken => argument.token.unwrap_or(argument.name).to_owned(),
        ArgumentKind::OneOf => format!("({})", parts().join("|")),
        ArgumentKind::Block => parts().join(" "),
        _ => format!("<{}>", argument.display.unwrap_or(argument.name)),
    };
    let token = argument.token.filter(|_| argument.kind != ArgumentKind::PureToken);
    if let Some(token) = token {
        text = format!("{token} {text}");
    }
    if argument.multiple {
        text = format!("{text} [...]");
    }
    if argument.optional { format!("[{text}]") } else { text }
}

#[cfg(test)]
mod tests {
    use crate::testing::Server;

    #[test]
    fn every_container_helps() {
        let server = Server::start();
        let mut client = server.connect();
        let mut seen = 0;
        for command in crate::all().filter(|command| !command.subcommands.is_empty()) {
            if !command.subcommands.iter().any(|sub| sub.name == "help") {
                continue;
            }
            client.send(&format!("{} HELP", command.name));
            let reply = client.reply();
            let name = command.name.to_ascii_uppercase();
            let start = format!("*{} +{name} <subcommand> [<arg>", command.subcommands.len() * 2 + 1);
            assert!(reply.starts_with(&start), "{reply}");
            seen += 1;
        }
        assert!(seen > 5, "{seen} containers");
        client.send("SLOWLOG HELP");
        assert!(client.reply().contains("+GET [<count>] +    "), "the syntax comes from the declaration");
    }
}
