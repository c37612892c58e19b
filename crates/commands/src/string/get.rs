//! GET: a string's value.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};

/// `GET key`
pub static GET: Command = Command {
    name: "get",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers a key's string.",
        since: "1.0.0",
        group: Group::String,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    execute: get,
    ..Command::DEFAULT
};

fn get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let value = ctx.data.read_string(args[1])?;
    ctx.reply.string_or_null(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn get() {
        check(&[
            ("GET nothing", "$-1"),
            ("SET k hello", "+OK"),
            ("GET k", "$5 hello"),
            ("SET n 12", "+OK"),
            ("get n", "$2 12"),
            ("GET", "-ERR wrong number of arguments for 'get' command"),
            ("GET a b", "-ERR wrong number of arguments for 'get' command"),
        ]);
    }
}
