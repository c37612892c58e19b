//! ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX: takes part of a sorted set out.

use engine::{
    Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

use crate::zset::interval::{Interval, Order};
use crate::zset::place::{self, Limits};

/// `ZREMRANGEBYRANK key start stop`
pub static ZREMRANGEBYRANK: Command = Command {
    name: "zremrangebyrank",
    arity: 4,
    flags: Flags::WRITE,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes the members within a range of positions.",
        since: "2.0.0",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("start", ArgumentKind::Integer),
        Argument::new("stop", ArgumentKind::Integer),
    ],
    execute: |ctx, args| remove(ctx, args[1], Interval::ranks(args[2], args[3])?),
    ..Command::DEFAULT
};

/// `ZREMRANGEBYSCORE key min max`
pub static ZREMRANGEBYSCORE: Command = Command {
    name: "zremrangebyscore",
    arity: 4,
    flags: Flags::WRITE,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes the members with scores within a range.",
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("min", ArgumentKind::Double),
        Argument::new("max", ArgumentKind::Double),
    ],
    execute: |ctx, args| remove(ctx, args[1], Interval::scores(args[2], args[3])?),
    ..Command::DEFAULT
};

/// `ZREMRANGEBYLEX key min max`
pub static ZREMRANGEBYLEX: Command = Command {
    name: "zremrangebylex",
    arity: 4,
    flags: Flags::WRITE,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes the members within a range of texts, where all have one score.",
        since: "2.8.9",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("min", ArgumentKind::String),
        Argument::new("max", ArgumentKind::String),
    ],
    execute: |ctx, args| remove(ctx, args[1], Interval::texts(args[2], args[3])?),
    ..Command::DEFAULT
};

fn remove(ctx: &mut Ctx<'_>, key: &[u8], interval: Interval<'_>) -> Result<(), Error> {
    let mut removed = 0;
    if let Some(mut place) = place::existing(&mut ctx.data, key, Limits::of(ctx.config))? {
        let range = interval.of(place.view(), Order::Ascending);
        removed = range.end - range.start;
        if removed == place.view().len() {
            // Freed in the background.
            place.remove_key();
        } else if removed > 0 {
            place.remove_range(range.start, range.end);
        }
    }
    ctx.data.dirty += removed;
    ctx.reply.integer(removed as i64);
    Ok(())
}
