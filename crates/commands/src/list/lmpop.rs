//! LMPOP and BLMPOP: take elements from an end of the first list that has some.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::list::End;
use value::number::{IntText, parse_i64};

use super::{COUNT, WHERE, end, limit, place, reply_from, timeout};

const KEY_FLAGS: KeyFlags = KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE);

const DOCS: Docs = Docs {
    since: "7.0.0",
    group: Group::List,
    complexity: "O(N+M), N being the keys and M the returned elements",
    ..Docs::NONE
};

const NUMKEYS: Argument = Argument::new("numkeys", ArgumentKind::Integer);

/// `LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count]`
pub static LMPOP: Command = Command {
    name: "lmpop",
    arity: -4,
    flags: Flags::WRITE.and(Flags::MOVABLE_KEYS),
    categories: Categories::LIST,
    keys: &[KeySpec::counted(1, 1, KEY_FLAGS)],
    docs: Docs { summary: "Removes elements at an end of the first of some lists that has some.", ..DOCS },
    arguments: &[NUMKEYS, Argument::key().multiple(), WHERE, COUNT],
    execute: lmpop,
    ..Command::DEFAULT
};

/// `BLMPOP timeout numkeys key [key ...] LEFT | RIGHT [COUNT count]`
pub static BLMPOP: Command = Command {
    name: "blmpop",
    arity: -5,
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS),
    categories: Categories::LIST,
    keys: &[KeySpec::counted(2, 1, KEY_FLAGS)],
    docs: Docs {
        summary: "Removes elements at an end of the first of some lists, once one of them has some.",
        ..DOCS
    },
    arguments: &[
        Argument::new("timeout", ArgumentKind::Double),
        NUMKEYS,
        Argument::key().multiple(),
        WHERE,
        COUNT,
    ],
    execute: blmpop,
    ..Command::DEFAULT
};

const NUMKEYS_RANGE: Error = Error::fixed("ERR numkeys should be greater than 0");
const COUNT_RANGE: Error = Error::fixed("ERR count should be greater than 0");

/// What both forms ask for.
struct Pop<'a> {
    keys: Args<'a>,
    end: End,
    count: u64,
}

impl<'a> Pop<'a> {
    /// From the number of keys on.
    fn parse(args: Args<'a>) -> Result<Pop<'a>, Error> {
        let positive = |arg: &[u8], error| {
            parse_i64(arg).and_then(|n| u64::try_from(n).ok()).filter(|&n| n > 0).ok_or(error)
        };
        let (numkeys, args) = args.split_first().ok_or(Error::SYNTAX)?;
        let numkeys = positive(numkeys, NUMKEYS_RANGE)?;
        let numkeys = usize::try_from(numkeys).ok().filter(|&n| n < args.len()).ok_or(Error::SYNTAX)?;
        let (keys, rest) = args.split_at(numkeys);
        let (place, options) = rest.split_first().ok_or(Error::SYNTAX)?;
        let end = end(place)?;
        let mut count = None;
        for option in options.chunks(2) {
            match option {
                [word, number] if count.is_none() && word.eq_ignore_ascii_case(b"COUNT") => {
                    count = Some(positive(number, COUNT_RANGE)?);
                }
                _ => return Err(Error::SYNTAX),
            }
        }
        Ok(Pop { keys, end, count: count.unwrap_or(1) })
    }

    fn execute(&self, ctx: &mut Ctx<'_>) -> Result<(), Error> {
        let limit = limit(ctx);
        for key in self.keys {
            let Some(mut list) = place::find(&mut ctx.data, key, limit)? else { continue };
            let count = self.count.min(list.len());
            ctx.reply.write().array(2);
            ctx.reply.bulk(key);
            reply_from(&mut ctx.reply, list.read(), self.end, count);
            let gone = list.trim_end(self.end, count);
            list.settle();
            ctx.data.dirty += count;
            gone.into_iter().for_each(|gone| ctx.data.keyspace().free_rest(gone));
            let name: &[u8] = if self.end == End::Head { b"LPOP" } else { b"RPOP" };
            ctx.data.effects.say(&[name, key, IntText::new(count as i64).as_bytes()]);
            return Ok(());
        }
        ctx.reply.write().null_array();
        Ok(())
    }
}

fn lmpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    Pop::parse(&args[1..])?.execute(ctx)
}

fn blmpop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let pop = Pop::parse(&args[2..])?;
    timeout::deadline_ms(args[1], ctx.data.now_ms)?;
    pop.execute(ctx)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn pops() {
        check(&[
            ("LMPOP 1 a LEFT", "*-1"),
            ("RPUSH a 1 2 3", ":3"),
            ("RPUSH b x y", ":2"),
            ("LMPOP 3 none a b left", "*2 $1 a *1 $1 1"),
            ("LMPOP 2 b a RIGHT COUNT 10", "*2 $1 b *2 $1 y $1 x"),
            ("BLMPOP 0 2 b a LEFT COUNT 1", "*2 $1 a *1 $1 2"),
            ("BLMPOP 0 2 b a LEFT", "*2 $1 a *1 $1 3"),
            ("BLMPOP 0.001 2 b a LEFT", "*-1"),
            ("EXISTS a b", ":0"),
        ]);
    }

    #[test]
    fn errors() {
        let (numkeys, count) =
            ("-ERR numkeys should be greater than 0", "-ERR count should be greater than 0");
        check(&[
            ("LMPOP 0 k LEFT", numkeys),
            ("LMPOP x k LEFT", numkeys),
            ("BLMPOP x 0 k FOO", numkeys),
            ("LMPOP 1 k LEFT COUNT 0", count),
            ("LMPOP 1 k LEFT COUNT x", count),
            ("LMPOP 1 k LEFT COUNT 1 COUNT 1", "-ERR syntax error"),
            ("LMPOP 2 k LEFT", "-ERR syntax error"),
            ("LMPOP 9223372036854775807 k LEFT", "-ERR syntax error"),
            ("LMPOP 1 k FOO", "-ERR syntax error"),
            ("LMPOP 1 k LEFT FOO", "-ERR syntax error"),
            ("LMPOP 1 k LEFT COUNT", "-ERR syntax error"),
            ("BLMPOP x 1 k LEFT", "-ERR timeout is not a float or out of range"),
            ("BLMPOP -1 1 k LEFT", "-ERR timeout is negative"),
            ("SET s v", "+OK"),
            ("LMPOP 2 k s LEFT", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
