//! LPUSH, RPUSH, LPUSHX and RPUSHX: add elements at an end of a list.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::list::End;

use super::{limit, place};

/// What the four declarations have in common.
const PUSH: Command = Command {
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::INSERT))],
    arguments: &[Argument::key(), Argument::new("element", ArgumentKind::String).multiple()],
    ..Command::DEFAULT
};

const DOCS: Docs = Docs {
    group: Group::List,
    complexity: "O(N), N being the added elements",
    history: &[("2.4.0", "Accepts multiple `element` arguments.")],
    ..Docs::NONE
};

const DOCS_X: Docs =
    Docs { since: "2.2.0", history: &[("4.0.0", "Accepts multiple `element` arguments.")], ..DOCS };

/// `LPUSH key element [element ...]`
pub static LPUSH: Command = Command {
    name: "lpush",
    docs: Docs { summary: "Adds elements at the head of a list, which is made if need be.", ..DOCS },
    execute: |ctx, args| push(ctx, args, End::Head),
    ..PUSH
};

/// `LPUSHX key element [element ...]`
pub static LPUSHX: Command = Command {
    name: "lpushx",
    docs: Docs { summary: "Adds elements at the head of a list that exists.", ..DOCS_X },
    execute: |ctx, args| push_existing(ctx, args, End::Head),
    ..PUSH
};

/// `RPUSH key element [element ...]`
pub static RPUSH: Command = Command {
    name: "rpush",
    docs: Docs { summary: "Adds elements at the tail of a list, which is made if need be.", ..DOCS },
    execute: |ctx, args| push(ctx, args, End::Tail),
    ..PUSH
};

/// `RPUSHX key element [element ...]`
pub static RPUSHX: Command = Command {
    name: "rpushx",
    docs: Docs { summary: "Adds elements at the tail of a list that exists.", ..DOCS_X },
    execute: |ctx, args| push_existing(ctx, args, End::Tail),
    ..PUSH
};

fn push(ctx: &mut Ctx<'_>, args: Args<'_>, end: End) -> Result<(), Error> {
    let (texts, limit) = (&args[2..], limit(ctx));
    let len = place::push(&mut ctx.data, args[1], limit, end, texts)?;
    ctx.data.dirty += texts.len() as u64;
    ctx.reply.integer(len as i64);
    Ok(())
}

fn push_existing(ctx: &mut Ctx<'_>, args: Args<'_>, end: End) -> Result<(), Error> {
    let (texts, limit) = (&args[2..], limit(ctx));
    let Some(mut list) = place::find(&mut ctx.data, args[1], limit)? else {
        ctx.reply.integer(0);
        return Ok(());
    };
    let len = list.push(end, texts);
    ctx.data.dirty += texts.len() as u64;
    ctx.reply.integer(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn pushes() {
        check(&[
            ("LPUSHX k a", ":0"),
            ("RPUSHX k a", ":0"),
            ("LPUSH k a b c", ":3"),
            ("RPUSH k 1 02 -3", ":6"),
            ("LPUSHX k x y", ":8"),
            ("RPUSHX k z ''", ":10"),
            ("LRANGE k 0 -1", "*10 $1 y $1 x $1 c $1 b $1 a $1 1 $2 02 $2 -3 $1 z $0 "),
            ("SET s v", "+OK"),
            ("LPUSH s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("RPUSHX s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LPUSH k", "-ERR wrong number of arguments for 'lpush' command"),
            ("RPUSHX k", "-ERR wrong number of arguments for 'rpushx' command"),
        ]);
    }
}
