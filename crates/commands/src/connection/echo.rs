//! ECHO: the message, back.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};

/// `ECHO message`
pub static ECHO: Command = Command {
    name: "echo",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Answers the message that it was given.",
        since: "1.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::new("message", ArgumentKind::String)],
    execute: echo,
    ..Command::DEFAULT
};

fn echo(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.reply.bulk(args[1]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn echo() {
        check(&[
            ("ECHO hello", "$5 hello"),
            ("echo ''", "$0 "),
            ("ECHO", "-ERR wrong number of arguments for 'echo' command"),
        ]);
    }
}
