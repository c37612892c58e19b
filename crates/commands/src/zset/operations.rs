//! ZUNION, ZINTER, ZDIFF, ZINTERCARD: several sorted sets together.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

use crate::zset::combine::{AGGREGATE, Combine, Operation, Purpose, WEIGHTS};

const NUMKEYS: Argument = Argument::new("numkeys", ArgumentKind::Integer);
const SOURCES: Argument = Argument::key().multiple();

/// `ZUNION numkeys key [key ...] [WEIGHTS weight [WEIGHTS weight ...]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`
pub static ZUNION: Command = Command {
    name: "zunion",
    arity: -3,
    flags: Flags::READONLY.and(Flags::MOVABLE_KEYS),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::counted(1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the members of any of several sorted sets.",
        since: "6.2.0",
        group: Group::SortedSet,
        complexity: "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.",
        ..Docs::NONE
    },
    arguments: &[
        NUMKEYS,
        SOURCES,
        WEIGHTS,
        AGGREGATE,
        Argument::token("withscores", "WITHSCORES").optional(),
    ],
    execute: |ctx, args| list(ctx, "zunion", args, Operation::Union),
    ..Command::DEFAULT
};

/// `ZINTER numkeys key [key ...] [WEIGHTS weight [WEIGHTS weight ...]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`
pub static ZINTER: Command = Command {
    name: "zinter",
    arity: -3,
    flags: Flags::READONLY.and(Flags::MOVABLE_KEYS),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::counted(1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the members that several sorted sets have in common.",
        since: "6.2.0",
        group: Group::SortedSet,
        complexity: "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.",
        ..Docs::NONE
    },
    arguments: &[
        NUMKEYS,
        SOURCES,
        WEIGHTS,
        AGGREGATE,
        Argument::token("withscores", "WITHSCORES").optional(),
    ],
    execute: |ctx, args| list(ctx, "zinter", args, Operation::Intersection),
    ..Command::DEFAULT
};

/// `ZDIFF numkeys key [key ...] [WITHSCORES]`
pub static ZDIFF: Command = Command {
    name: "zdiff",
    arity: -3,
    flags: Flags::READONLY.and(Flags::MOVABLE_KEYS),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::counted(1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the members of a sorted set that no other one has.",
        since: "6.2.0",
        group: Group::SortedSet,
        complexity: "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.",
        ..Docs::NONE
    },
    arguments: &[NUMKEYS, SOURCES, Argument::token("withscores", "WITHSCORES").optional()],
    execute: |ctx, args| list(ctx, "zdiff", args, Operation::Difference),
    ..Command::DEFAULT
};

/// `ZINTERCARD numkeys key [key ...] [LIMIT limit]`
pub static ZINTERCARD: Command = Command {
    name: "zintercard",
    arity: -3,
    flags: Flags::READONLY.and(Flags::MOVABLE_KEYS),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::counted(1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Counts the members that several sorted sets have in common.",
        since: "7.0.0",
        group: Group::SortedSet,
        complexity: "O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted sets.",
        ..Docs::NONE
    },
    arguments: &[NUMKEYS, SOURCES, Argument::new("limit", ArgumentKind::Integer).after("LIMIT").optional()],
    execute: zintercard,
    ..Command::DEFAULT
};

fn list(ctx: &mut Ctx<'_>, name: &str, args: Args<'_>, operation: Operation) -> Result<(), Error> {
    Combine::parse(ctx, name, &args[1..], operation, Purpose::List)?.list(ctx);
    Ok(())
}

fn zintercard(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    Combine::parse(ctx, "zintercard", &args[1..], Operation::Intersection, Purpose::Count)?.count(ctx);
    Ok(())
}
