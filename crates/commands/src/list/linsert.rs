//! LINSERT: puts an element beside another.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

use super::{limit, place};

/// `LINSERT key BEFORE | AFTER pivot element`
pub static LINSERT: Command = Command {
    name: "linsert",
    arity: 5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::INSERT))],
    docs: Docs {
        summary: "Puts an element before or behind the first one that is equal to another.",
        since: "2.2.0",
        group: Group::List,
        complexity: "O(N), N being the elements up to the one that is looked for",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::one_of("where", &[Argument::token("before", "BEFORE"), Argument::token("after", "AFTER")]),
        Argument::new("pivot", ArgumentKind::String),
        Argument::new("element", ArgumentKind::String),
    ],
    execute: linsert,
    ..Command::DEFAULT
};

fn linsert(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let behind = args[2].eq_ignore_ascii_case(b"AFTER");
    if !behind && !args[2].eq_ignore_ascii_case(b"BEFORE") {
        return Err(Error::SYNTAX);
    }
    let limit = limit(ctx);
    let Some(mut list) = place::find(&mut ctx.data, args[1], limit)? else {
        ctx.reply.integer(0);
        return Ok(());
    };
    list.expect(&args[4..]);
    if list.insert(args[3], behind, args[4]) {
        let len = list.len();
        ctx.data.dirty += 1;
        ctx.reply.integer(len as i64);
    } else {
        ctx.reply.integer(-1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn linsert() {
        check(&[
            ("LINSERT k BEFORE a b", ":0"),
            ("LINSERT k FOO a b", "-ERR syntax error"),
            ("RPUSH k a 5 a", ":3"),
            ("LINSERT k before a x", ":4"),
            ("LINSERT k AFTER a y", ":5"),
            ("LINSERT k AFTER 5 z", ":6"),
            ("LINSERT k AFTER 05 z", ":-1"),
            ("LRANGE k 0 -1", "*6 $1 x $1 a $1 y $1 5 $1 z $1 a"),
            ("SET s v", "+OK"),
            ("LINSERT s AFTER a b", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
