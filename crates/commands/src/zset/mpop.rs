//! ZMPOP, BZMPOP: takes members out of the first of several sorted sets that has any.

use engine::{Argument, ArgumentKind, Categories, Command, Docs, Flags, Group, KeyFlags, KeySpec};

use crate::zset::pop::{Mpop, check_timeout};

/// `ZMPOP numkeys key [key ...] <MIN | MAX> [COUNT count]`
pub static ZMPOP: Command = Command {
    name: "zmpop",
    arity: -4,
    flags: Flags::WRITE.and(Flags::MOVABLE_KEYS),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::counted(1, 1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Takes members with the lowest or highest scores out of the first sorted set that has any.",
        since: "7.0.0",
        group: Group::SortedSet,
        complexity: "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.",
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("numkeys", ArgumentKind::Integer),
        Argument::key().multiple(),
        Argument::one_of("where", &[Argument::token("min", "MIN"), Argument::token("max", "MAX")]),
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
    ],
    execute: |ctx, args| Mpop::parse(&args[1..])?.execute(ctx),
    ..Command::DEFAULT
};

/// `BZMPOP timeout numkeys key [key ...] <MIN | MAX> [COUNT count]`
pub static BZMPOP: Command = Command {
    name: "bzmpop",
    arity: -5,
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::counted(2, 1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Takes members with the lowest or highest scores out of the first sorted set that has any; waits if none has.",
        since: "7.0.0",
        group: Group::SortedSet,
        complexity: "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.",
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("timeout", ArgumentKind::Double),
        Argument::new("numkeys", ArgumentKind::Integer),
        Argument::key().multiple(),
        Argument::one_of("where", &[Argument::token("min", "MIN"), Argument::token("max", "MAX")]),
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
    ],
    execute: bzmpop,
    ..Command::DEFAULT
};

fn bzmpop(ctx: &mut engine::Ctx<'_>, args: engine::Args<'_>) -> Result<(), engine::Error> {
    let mpop = Mpop::parse(&args[2..])?;
    check_timeout(ctx, args[1])?;
    mpop.execute(ctx)
}
