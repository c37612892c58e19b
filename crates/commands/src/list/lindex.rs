//! LINDEX: one element of a list.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

use crate::number::integer;

use super::{index_in, reply_element};

/// `LINDEX key index`
pub static LINDEX: Command = Command {
    name: "lindex",
    arity: 3,
    flags: Flags::READONLY,
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers the element of a list with an index.",
        group: Group::List,
        complexity: "O(log(N))",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("index", ArgumentKind::Integer)],
    execute: lindex,
    ..Command::DEFAULT
};

fn lindex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let Some(list) = ctx.data.read_list(args[1])? else {
        ctx.reply.null();
        return Ok(());
    };
    let index = index_in(integer(args[2])?, list.len());
    let reply = &mut ctx.reply;
    if index.and_then(|index| list.get(index, |element| reply_element(reply, element))).is_none() {
        reply.null();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn lindex() {
        check(&[
            ("LINDEX k x", "$-1"),
            ("RPUSH k a 12 c", ":3"),
            ("LINDEX k 0", "$1 a"),
            ("LINDEX k 1", "$2 12"),
            ("LINDEX k -1", "$1 c"),
            ("LINDEX k -3", "$1 a"),
            ("LINDEX k -4", "$-1"),
            ("LINDEX k 3", "$-1"),
            ("LINDEX k -9223372036854775808", "$-1"),
            ("LINDEX k x", "-ERR value is not an integer or out of range"),
            ("SET s v", "+OK"),
            ("LINDEX s x", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
