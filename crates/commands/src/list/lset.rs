//! LSET: replaces one element of a list.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

use crate::number::integer;

use super::{index_in, limit, place};

/// `LSET key index element`
pub static LSET: Command = Command {
    name: "lset",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Replaces the element of a list with an index.",
        group: Group::List,
        complexity: "O(log(N))",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("index", ArgumentKind::Integer),
        Argument::new("element", ArgumentKind::String),
    ],
    execute: lset,
    ..Command::DEFAULT
};

/// An index that the list does not have.
const OUTSIDE: Error = Error::fixed("ERR index out of range");

fn lset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let limit = limit(ctx);
    let mut list = place::find(&mut ctx.data, args[1], limit)?.ok_or(Error::NO_SUCH_KEY)?;
    let index = integer(args[2])?;
    list.expect(&args[3..]);
    let index = index_in(index, list.len()).ok_or(OUTSIDE)?;
    list.set(index, args[3]);
    list.settle();
    ctx.data.dirty += 1;
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn lset() {
        check(&[
            ("LSET k x a", "-ERR no such key"),
            ("RPUSH k a b c", ":3"),
            ("LSET k 0 17", "+OK"),
            ("LSET k -1 longer", "+OK"),
            ("LRANGE k 0 -1", "*3 $2 17 $1 b $6 longer"),
            ("LSET k 3 x", "-ERR index out of range"),
            ("LSET k -4 x", "-ERR index out of range"),
            ("LSET k x x", "-ERR value is not an integer or out of range"),
            ("SET s v", "+OK"),
            ("LSET s x x", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
