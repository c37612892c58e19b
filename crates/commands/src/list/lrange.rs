//! LRANGE: the elements of a range of indexes.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
    Reply,
};
use value::list::ListRef;

use crate::number::integer;

use super::{let_go, reply_element, span};

/// From so many elements on a large list is frozen, and its lock given back before the reply is written.
const FREEZE_FROM: u64 = 1024;

/// `LRANGE key start stop`
pub static LRANGE: Command = Command {
    name: "lrange",
    arity: 4,
    flags: Flags::READONLY,
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers the elements of a list in a range of indexes.",
        group: Group::List,
        complexity: "O(log(N)+M), M being the returned elements",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("start", ArgumentKind::Integer),
        Argument::new("stop", ArgumentKind::Integer),
    ],
    execute: lrange,
    ..Command::DEFAULT
};

fn lrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (start, stop) = (integer(args[2])?, integer(args[3])?);
    let list = ctx.data.read_list(args[1])?.unwrap_or(ListRef::Small(&[]));
    let Some((from, to)) = span(start, stop, list.len()) else {
        ctx.reply.write().array(0);
        return Ok(());
    };
    match list {
        ListRef::Large(large) if to - from >= FREEZE_FROM => {
            let frozen = large.clone();
            ctx.data.release();
            reply(&mut ctx.reply, ListRef::Large(&frozen), from, to);
            let_go(ctx, frozen);
        }
        list => reply(&mut ctx.reply, list, from, to),
    }
    Ok(())
}

fn reply(reply: &mut Reply<'_>, list: ListRef<'_>, from: u64, to: u64) {
    reply.write().array((to - from) as usize);
    list.for_each_from(from, to - from, |element| reply_element(reply, element));
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn lrange() {
        check(&[
            ("LRANGE k 0 -1", "*0"),
            ("LRANGE k x -1", "-ERR value is not an integer or out of range"),
            ("RPUSH k a b c", ":3"),
            ("LRANGE k 0 -1", "*3 $1 a $1 b $1 c"),
            ("LRANGE k 1 1", "*1 $1 b"),
            ("LRANGE k -2 100", "*2 $1 b $1 c"),
            ("LRANGE k -100 0", "*1 $1 a"),
            ("LRANGE k -100 -100", "*0"),
            ("LRANGE k 3 5", "*0"),
            ("LRANGE k 2 1", "*0"),
            ("LRANGE k -9223372036854775808 9223372036854775807", "*3 $1 a $1 b $1 c"),
            ("LRANGE k 9223372036854775807 -9223372036854775808", "*0"),
            ("LRANGE k 0 x", "-ERR value is not an integer or out of range"),
            ("SET s v", "+OK"),
            ("LRANGE s 0 -1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
