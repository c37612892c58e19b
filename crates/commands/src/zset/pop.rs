//! ZPOPMIN, ZPOPMAX, BZPOPMIN, BZPOPMAX: takes members out at an end; and what ZMPOP and BZMPOP share with them.
//!
//! Nothing waits here yet: without any member the blocking forms answer what they answer inside a transaction.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use resp::Protocol;
use value::number::{IntText, LongDouble, parse_f64};
use value::zset::End;

use crate::number::integer;
use crate::zset::place::{self, Limits};
use crate::zset::reply::{Layout, List};

/// `ZPOPMIN key [count]`
pub static ZPOPMIN: Command = Command {
    name: "zpopmin",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Takes the members with the lowest scores out.",
        since: "5.0.0",
        group: Group::SortedSet,
        complexity: "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped.",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("count", ArgumentKind::Integer).optional()],
    execute: |ctx, args| zpop(ctx, args, End::Min),
    ..Command::DEFAULT
};

/// `ZPOPMAX key [count]`
pub static ZPOPMAX: Command = Command {
    name: "zpopmax",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Takes the members with the highest scores out.",
        since: "5.0.0",
        group: Group::SortedSet,
        complexity: "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped.",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("count", ArgumentKind::Integer).optional()],
    execute: |ctx, args| zpop(ctx, args, End::Max),
    ..Command::DEFAULT
};

/// `BZPOPMIN key [key ...] timeout`
pub static BZPOPMIN: Command = Command {
    name: "bzpopmin",
    arity: -3,
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::range(1, -2, 1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Takes the member with the lowest score out of the first sorted set that has one; waits if none has.",
        since: "5.0.0",
        group: Group::SortedSet,
        complexity: "O(log(N)) with N being the number of elements in the sorted set.",
        history: &[("6.0.0", "The timeout may have decimals.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key().multiple(), Argument::new("timeout", ArgumentKind::Double)],
    execute: |ctx, args| bzpop(ctx, args, End::Min),
    ..Command::DEFAULT
};

/// `BZPOPMAX key [key ...] timeout`
pub static BZPOPMAX: Command = Command {
    name: "bzpopmax",
    arity: -3,
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::range(1, -2, 1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Takes the member with the highest score out of the first sorted set that has one; waits if none has.",
        since: "5.0.0",
        group: Group::SortedSet,
        complexity: "O(log(N)) with N being the number of elements in the sorted set.",
        history: &[("6.0.0", "The timeout may have decimals.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key().multiple(), Argument::new("timeout", ArgumentKind::Double)],
    execute: |ctx, args| bzpop(ctx, args, End::Max),
    ..Command::DEFAULT
};

/// A count of members: not negative.
const NEGATIVE: Error = Error::fixed("ERR value is out of range, must be positive");

fn zpop(ctx: &mut Ctx<'_>, args: Args<'_>, end: End) -> Result<(), Error> {
    let count = match args {
        [_, _] => None,
        [_, _, count] => {
            let count = integer(count).ok().and_then(|count| u64::try_from(count).ok());
            Some(count.ok_or(NEGATIVE)?)
        }
        _ => return Err(Error::SYNTAX),
    };
    // A single member stands flat in RESP3 too, as it did before there was a count.
    let layout = match (ctx.reply.protocol(), count) {
        (Protocol::Resp3, Some(_)) => Layout::Pairs,
        _ => Layout::Flat,
    };
    if !pop(ctx, args[1], end, count.unwrap_or(1), Header::None, layout)? {
        ctx.reply.write().array(0);
    }
    Ok(())
}

fn bzpop(ctx: &mut Ctx<'_>, args: Args<'_>, end: End) -> Result<(), Error> {
    let (keys, timeout) = match args {
        [_, keys @ .., timeout] => (keys, timeout),
        _ => return Err(Error::SYNTAX),
    };
    check_timeout(ctx, timeout)?;
    for key in keys {
        if pop(ctx, key, end, 1, Header::KeyInFront, Layout::Flat)? {
            ctx.data.effects.say(&[name(end), key]);
            return Ok(());
        }
    }
    ctx.reply.write().null_array();
    Ok(())
}

/// The command that a replica is sent.
fn name(end: End) -> &'static [u8] {
    match end {
        End::Min => b"ZPOPMIN",
        End::Max => b"ZPOPMAX",
    }
}

/// What stands before the members in a reply.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    /// Nothing.
    None,
    /// The key, in one list with them.
    KeyInFront,
    /// The key, with the members in a list of their own.
    KeyBeside,
}

/// Takes up to `count` members of a key out and writes the reply; false, with nothing written, if there is no such key.
fn pop(
    ctx: &mut Ctx<'_>,
    key: &[u8],
    end: End,
    count: u64,
    header: Header,
    layout: Layout,
) -> Result<bool, Error> {
    let Some(mut place) = place::existing(&mut ctx.data, key, Limits::of(ctx.config))? else {
        return Ok(false);
    };
    let len = place.view().len().min(count) as usize;
    let mut writer = ctx.reply.write();
    let mut list = match header {
        Header::None => List::begin(writer, layout, len),
        Header::KeyInFront => {
            writer.array(2 * len + 1);
            writer.bulk(key);
            List::go_on(writer, layout)
        }
        Header::KeyBeside => {
            writer.array(2);
            writer.bulk(key);
            List::begin(writer, layout, len)
        }
    };
    for _ in 0..len {
        place.pop(end, |member, score| list.push(member, score));
    }
    place.close();
    ctx.data.dirty += len as u64;
    Ok(true)
}

/// The request of ZMPOP and BZMPOP from `numkeys` on.
pub(super) struct Mpop<'a> {
    keys: Args<'a>,
    end: End,
    count: u64,
}

impl<'a> Mpop<'a> {
    /// Parses `numkeys key [key ...] MIN|MAX [COUNT count]`.
    pub(super) fn parse(args: Args<'a>) -> Result<Mpop<'a>, Error> {
        let positive = |arg: &[u8], text| {
            let number = integer(arg).ok().and_then(|number| u64::try_from(number).ok());
            number.filter(|&number| number > 0).ok_or(Error::fixed(text))
        };
        let [number, rest @ ..] = args else { return Err(Error::SYNTAX) };
        let number = positive(number, "ERR numkeys should be greater than 0")?;
        let (keys, rest) = usize::try_from(number)
            .ok()
            .and_then(|number| rest.split_at_checked(number))
            .ok_or(Error::SYNTAX)?;
        let [end, rest @ ..] = rest else { return Err(Error::SYNTAX) };
        let mut rest = rest;
        let end = match end.to_ascii_uppercase().as_slice() {
            b"MIN" => End::Min,
            b"MAX" => End::Max,
            _ => return Err(Error::SYNTAX),
        };
        let mut count = None;
        while let [word, behind @ ..] = rest {
            match behind {
                [value, behind @ ..] if count.is_none() && word.eq_ignore_ascii_case(b"count") => {
                    count = Some(positive(value, "ERR count should be greater than 0")?);
                    rest = behind;
                }
                _ => return Err(Error::SYNTAX),
            }
        }
        Ok(Mpop { keys, end, count: count.unwrap_or(1) })
    }

    /// Takes members out of the first key that has any.
    pub(super) fn execute(self, ctx: &mut Ctx<'_>) -> Result<(), Error> {
        for key in self.keys {
            let dirty = ctx.data.dirty;
            if pop(ctx, key, self.end, self.count, Header::KeyBeside, Layout::Pairs)? {
                let taken = (ctx.data.dirty - dirty) as i64;
                ctx.data.effects.say(&[name(self.end), key, IntText::new(taken).as_bytes()]);
                return Ok(());
            }
        }
        ctx.reply.write().null_array();
        Ok(())
    }
}

/// Checks a timeout in seconds: as long as nothing waits, that is all there is to do with one.
pub(super) fn check_timeout(ctx: &Ctx<'_>, arg: &[u8]) -> Result<(), Error> {
    let number = LongDouble::parse(arg)
        .filter(|number| number.is_finite())
        .ok_or(Error::fixed("ERR timeout is not a float or out of range"))?;
    let ms = parse_f64(&number.to_human()).unwrap_or(f64::INFINITY) * 1000.0;
    if ms >= i64::MAX as f64 {
        return Err(Error::fixed("ERR timeout is out of range"));
    }
    let ms = ms.ceil() as i64;
    if ms < 0 {
        return Err(Error::fixed("ERR timeout is negative"));
    }
    match ms.checked_add(ctx.data.now_ms) {
        Some(_) => Ok(()),
        None => Err(Error::fixed("ERR timeout is out of range")),
    }
}
