//! LLEN: the length of a list.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};

/// `LLEN key`
pub static LLEN: Command = Command {
    name: "llen",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    docs: Docs {
        summary: "Answers the length of a list.",
        group: Group::List,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    execute: llen,
    ..Command::DEFAULT
};

fn llen(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let len = ctx.data.read_list(args[1])?.map_or(0, |list| list.len());
    ctx.reply.integer(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn llen() {
        check(&[
            ("LLEN k", ":0"),
            ("RPUSH k a b", ":2"),
            ("LLEN k", ":2"),
            ("SET s v", "+OK"),
            ("LLEN s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
