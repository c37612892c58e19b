//! LTRIM: keeps a range of a list.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

use crate::number::integer;

use super::{limit, place, span};

/// `LTRIM key start stop`
pub static LTRIM: Command = Command {
    name: "ltrim",
    arity: 4,
    flags: Flags::WRITE,
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes the elements of a list that are outside a range of indexes.",
        group: Group::List,
        complexity: "O(log(N)); what is removed is freed in the background",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("start", ArgumentKind::Integer),
        Argument::new("stop", ArgumentKind::Integer),
    ],
    execute: ltrim,
    ..Command::DEFAULT
};

fn ltrim(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (start, stop) = (integer(args[2])?, integer(args[3])?);
    let limit = limit(ctx);
    if let Some(mut list) = place::find(&mut ctx.data, args[1], limit)? {
        let len = list.len();
        let (from, to) = span(start, stop, len).unwrap_or((0, 0));
        // A range of everything is no change, but a list that is larger than it has to be is looked at, as in Redis.
        let gone = if to - from < len { list.trim(from, to) } else { None };
        list.settle();
        ctx.data.dirty += len - (to - from);
        gone.into_iter().for_each(|gone| ctx.data.keyspace().free_rest(gone));
    }
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn ltrim() {
        check(&[
            ("LTRIM k 0 x", "-ERR value is not an integer or out of range"),
            ("LTRIM k 0 1", "+OK"),
            ("RPUSH k a b c d e", ":5"),
            ("LTRIM k 0 -1", "+OK"),
            ("LTRIM k 1 -2", "+OK"),
            ("LRANGE k 0 -1", "*3 $1 b $1 c $1 d"),
            ("LTRIM k -100 1", "+OK"),
            ("LRANGE k 0 -1", "*2 $1 b $1 c"),
            ("LTRIM k 1 100", "+OK"),
            ("LRANGE k 0 -1", "*1 $1 c"),
            ("LTRIM k 5 1", "+OK"),
            ("EXISTS k", ":0"),
            ("SET s v", "+OK"),
            ("LTRIM s 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
