//! LPOP and RPOP: take elements from an end of a list.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::list::End;
use value::number::parse_i64;

use super::{limit, place, reply_element, reply_from};

/// A count below zero, or none at all.
const NEGATIVE: Error = Error::fixed("ERR value is out of range, must be positive");

/// What both declarations have in common.
const POP: Command = Command {
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    arguments: &[Argument::key(), Argument::new("count", ArgumentKind::Integer).optional().since("6.2.0")],
    ..Command::DEFAULT
};

const DOCS: Docs = Docs {
    group: Group::List,
    complexity: "O(N), N being the returned elements",
    history: &[("6.2.0", "Added the `count` argument.")],
    ..Docs::NONE
};

/// `LPOP key [count]`
pub static LPOP: Command = Command {
    name: "lpop",
    docs: Docs { summary: "Removes the first elements of a list and answers them.", ..DOCS },
    execute: |ctx, args| pop(ctx, args, "lpop", End::Head),
    ..POP
};

/// `RPOP key [count]`
pub static RPOP: Command = Command {
    name: "rpop",
    docs: Docs { summary: "Removes the last elements of a list and answers them.", ..DOCS },
    execute: |ctx, args| pop(ctx, args, "rpop", End::Tail),
    ..POP
};

fn pop(ctx: &mut Ctx<'_>, args: Args<'_>, name: &str, end: End) -> Result<(), Error> {
    let count = match args {
        [_, _] => None,
        [_, _, count] => Some(parse_i64(count).and_then(|count| u64::try_from(count).ok()).ok_or(NEGATIVE)?),
        _ => return Err(Error::wrong_arity(name)),
    };
    let limit = limit(ctx);
    let Some(mut list) = place::find(&mut ctx.data, args[1], limit)? else {
        let mut reply = ctx.reply.write();
        if count.is_some() {
            reply.null_array()
        } else {
            reply.null()
        }
        return Ok(());
    };
    match count {
        None => {
            list.pop(end, |element| reply_element(&mut ctx.reply, element));
            list.settle();
            ctx.data.dirty += 1;
        }
        Some(0) => ctx.reply.write().array(0),
        Some(count) => {
            let count = count.min(list.len());
            reply_from(&mut ctx.reply, list.read(), end, count);
            let gone = list.trim_end(end, count);
            list.settle();
            ctx.data.dirty += count;
            gone.into_iter().for_each(|gone| ctx.data.keyspace().free_rest(gone));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn pops() {
        check(&[
            ("LPOP k", "$-1"),
            ("LPOP k 0", "*-1"),
            ("RPOP k 1", "*-1"),
            ("RPUSH k a b 3 d e f", ":6"),
            ("LPOP k", "$1 a"),
            ("RPOP k", "$1 f"),
            ("LPOP k 0", "*0"),
            ("RPOP k 2", "*2 $1 e $1 d"),
            ("LPOP k 9223372036854775807", "*2 $1 b $1 3"),
            ("EXISTS k", ":0"),
            ("RPUSH k a", ":1"),
            ("LPOP k", "$1 a"),
            ("EXISTS k", ":0"),
        ]);
    }

    #[test]
    fn errors() {
        check(&[
            ("LPOP k -1", "-ERR value is out of range, must be positive"),
            ("LPOP k x", "-ERR value is out of range, must be positive"),
            ("RPOP k 1 2", "-ERR wrong number of arguments for 'rpop' command"),
            ("LPOP k x 2", "-ERR wrong number of arguments for 'lpop' command"),
            ("SET s v", "+OK"),
            ("LPOP s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LPOP s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LPOP s -1", "-ERR value is out of range, must be positive"),
        ]);
    }
}
