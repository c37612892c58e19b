//! BLPOP and BRPOP: take an element from an end of the first list that has one.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::list::End;

use super::{limit, place, reply_element, timeout};

/// What both declarations have in common.
const BPOP: Command = Command {
    arity: -3,
    flags: Flags::WRITE.and(Flags::NOSCRIPT).and(Flags::BLOCKING),
    categories: Categories::LIST,
    keys: &[KeySpec::range(1, -2, 1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    arguments: &[Argument::key().multiple(), Argument::new("timeout", ArgumentKind::Double)],
    ..Command::DEFAULT
};

const DOCS: Docs = Docs {
    since: "2.0.0",
    group: Group::List,
    complexity: "O(N), N being the keys",
    history: &[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")],
    ..Docs::NONE
};

/// `BLPOP key [key ...] timeout`
pub static BLPOP: Command = Command {
    name: "blpop",
    docs: Docs { summary: "Removes the first element of the first of some lists that has one.", ..DOCS },
    execute: |ctx, args| bpop(ctx, args, End::Head),
    ..BPOP
};

/// `BRPOP key [key ...] timeout`
pub static BRPOP: Command = Command {
    name: "brpop",
    docs: Docs { summary: "Removes the last element of the first of some lists that has one.", ..DOCS },
    execute: |ctx, args| bpop(ctx, args, End::Tail),
    ..BPOP
};

fn bpop(ctx: &mut Ctx<'_>, args: Args<'_>, end: End) -> Result<(), Error> {
    let [_, keys @ .., timeout] = args else { return Err(Error::SYNTAX) };
    timeout::deadline_ms(timeout, ctx.data.now_ms)?;
    let limit = limit(ctx);
    for key in keys {
        let Some(mut list) = place::find(&mut ctx.data, key, limit)? else { continue };
        ctx.reply.write().array(2);
        ctx.reply.bulk(key);
        list.pop(end, |element| reply_element(&mut ctx.reply, element));
        list.settle();
        ctx.data.dirty += 1;
        ctx.data.effects.say(&[if end == End::Head { b"LPOP" } else { b"RPOP" }, key]);
        return Ok(());
    }
    ctx.reply.write().null_array();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn bpop() {
        check(&[
            ("BLPOP k 0.001", "*-1"),
            ("RPUSH k a b", ":2"),
            ("RPUSH l c", ":1"),
            ("BLPOP none k l 0", "*2 $1 k $1 a"),
            ("BRPOP none l k 0", "*2 $1 l $1 c"),
            ("BRPOP k l 0", "*2 $1 k $1 b"),
            ("BRPOP k l 0.001", "*-1"),
            ("EXISTS k l", ":0"),
            ("SET s v", "+OK"),
            ("BLPOP none s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("BLPOP s x", "-ERR timeout is not a float or out of range"),
            ("BLPOP s -1", "-ERR timeout is negative"),
            ("BLPOP s", "-ERR wrong number of arguments for 'blpop' command"),
        ]);
    }
}
