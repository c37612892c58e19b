//! COMMAND LIST: names, all or some.

use config::glob::{Case, matches};
use engine::Registered;
use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};

/// `COMMAND LIST [FILTERBY MODULE module-name | ACLCAT category | PATTERN pattern]`
pub static LIST: Command = Command {
    name: "list",
    arity: -2,
    flags: Flags::LOADING.and(Flags::STALE),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Answers the names of commands.",
        since: "7.0.0",
        group: Group::Server,
        complexity: "O(N), N being the commands",
        ..Docs::NONE
    },
    arguments: &[Argument::one_of(
        "filterby",
        &[
            Argument::new("module-name", ArgumentKind::String).after("MODULE"),
            Argument::new("category", ArgumentKind::String).after("ACLCAT"),
            Argument::new("pattern", ArgumentKind::Pattern).after("PATTERN"),
        ],
    )
    .after("FILTERBY")
    .optional()],
    tips: &["nondeterministic_output_order"],
    execute: list,
    ..Command::DEFAULT
};

fn list(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let commands = &ctx.engine.commands;
    let some = |wanted: &dyn Fn(&Registered) -> bool| {
        commands
            .iter_all()
            .filter(|command| wanted(command))
            .map(|c| c.full_name.as_str())
            .collect::<Vec<_>>()
    };
    let names = match &args[2..] {
        [] => some(&|_| true),
        [filter, what, value] if filter.eq_ignore_ascii_case(b"FILTERBY") => {
            match what.to_ascii_uppercase().as_slice() {
                // There are no modules, so none has commands.
                b"MODULE" => Vec::new(),
                b"ACLCAT" => some(&|command| {
                    let mut categories = command.command.all_categories().names();
                    categories.any(|name| name.as_bytes()[1..].eq_ignore_ascii_case(value))
                }),
                b"PATTERN" => {
                    some(&|command| matches(value, command.full_name.as_bytes(), Case::Insensitive))
                }
                _ => return Err(Error::SYNTAX),
            }
        }
        _ => return Err(Error::SYNTAX),
    };
    let mut reply = ctx.reply.write();
    reply.array(names.len());
    names.iter().for_each(|name| reply.bulk(name.as_bytes()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn filters() {
        check(&[
            ("COMMAND LIST FILTERBY foo bar", "-ERR syntax error"),
            ("COMMAND LIST FILTERBY", "-ERR syntax error"),
            ("COMMAND LIST FOO", "-ERR syntax error"),
            ("COMMAND LIST FILTERBY MODULE foo", "*0"),
            ("COMMAND LIST FILTERBY ACLCAT nope", "*0"),
            ("COMMAND LIST FILTERBY ACLCAT @string", "*0"),
            ("COMMAND LIST FILTERBY PATTERN slowlog|[gl]*", "*2 $11 slowlog|get $11 slowlog|len"),
            ("COMMAND LIST FILTERBY PATTERN PING", "*1 $4 ping"),
        ]);
    }
}
