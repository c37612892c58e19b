//! ZCOUNT, ZLEXCOUNT: the size of a range.

use engine::{
    Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

use crate::zset::interval::{Interval, Order};

/// `ZCOUNT key min max`
pub static ZCOUNT: Command = Command {
    name: "zcount",
    arity: 4,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Counts the members with scores within a range.",
        since: "2.0.0",
        group: Group::SortedSet,
        complexity: "O(log(N)) with N being the number of elements in the sorted set.",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("min", ArgumentKind::Double),
        Argument::new("max", ArgumentKind::Double),
    ],
    execute: |ctx, args| count(ctx, args[1], Interval::scores(args[2], args[3])?),
    ..Command::DEFAULT
};

/// `ZLEXCOUNT key min max`
pub static ZLEXCOUNT: Command = Command {
    name: "zlexcount",
    arity: 4,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Counts the members within a range of texts, where all have one score.",
        since: "2.8.9",
        group: Group::SortedSet,
        complexity: "O(log(N)) with N being the number of elements in the sorted set.",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("min", ArgumentKind::String),
        Argument::new("max", ArgumentKind::String),
    ],
    execute: |ctx, args| count(ctx, args[1], Interval::texts(args[2], args[3])?),
    ..Command::DEFAULT
};

fn count(ctx: &mut Ctx<'_>, key: &[u8], interval: Interval<'_>) -> Result<(), Error> {
    let range = ctx.data.read_zset(key)?.map_or(0..0, |zset| interval.of(zset, Order::Ascending));
    ctx.reply.integer((range.end - range.start) as i64);
    Ok(())
}
