//! ZUNIONSTORE, ZINTERSTORE, ZDIFFSTORE: several sorted sets together, under another key.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

use crate::zset::combine::{AGGREGATE, Combine, Operation, Purpose, WEIGHTS};

const KEYS: &[KeySpec] = &[
    KeySpec::one(1, KeyFlags::OW.and(KeyFlags::UPDATE)),
    KeySpec::counted(2, 1, KeyFlags::RO.and(KeyFlags::ACCESS)),
];

const DESTINATION: Argument =
    Argument { key_spec: Some(0), ..Argument::new("destination", ArgumentKind::Key) };
const NUMKEYS: Argument = Argument::new("numkeys", ArgumentKind::Integer);
const SOURCES: Argument =
    Argument { key_spec: Some(1), ..Argument::new("key", ArgumentKind::Key) }.multiple();

/// `ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [WEIGHTS weight ...]] [AGGREGATE SUM | MIN | MAX]`
pub static ZUNIONSTORE: Command = Command {
    name: "zunionstore",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLE_KEYS),
    categories: Categories::SORTEDSET,
    keys: KEYS,
    docs: Docs {
        summary: "Stores the members of any of several sorted sets under another key.",
        since: "2.0.0",
        group: Group::SortedSet,
        complexity: "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.",
        ..Docs::NONE
    },
    arguments: &[DESTINATION, NUMKEYS, SOURCES, WEIGHTS, AGGREGATE],
    execute: |ctx, args| store(ctx, "zunionstore", args, Operation::Union),
    ..Command::DEFAULT
};

/// `ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [WEIGHTS weight ...]] [AGGREGATE SUM | MIN | MAX]`
pub static ZINTERSTORE: Command = Command {
    name: "zinterstore",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLE_KEYS),
    categories: Categories::SORTEDSET,
    keys: KEYS,
    docs: Docs {
        summary: "Stores the members that several sorted sets have in common under another key.",
        since: "2.0.0",
        group: Group::SortedSet,
        complexity: "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.",
        ..Docs::NONE
    },
    arguments: &[DESTINATION, NUMKEYS, SOURCES, WEIGHTS, AGGREGATE],
    execute: |ctx, args| store(ctx, "zinterstore", args, Operation::Intersection),
    ..Command::DEFAULT
};

/// `ZDIFFSTORE destination numkeys key [key ...]`
pub static ZDIFFSTORE: Command = Command {
    name: "zdiffstore",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLE_KEYS),
    categories: Categories::SORTEDSET,
    keys: KEYS,
    docs: Docs {
        summary: "Stores the members of a sorted set that no other one has under another key.",
        since: "6.2.0",
        group: Group::SortedSet,
        complexity: "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.",
        ..Docs::NONE
    },
    arguments: &[DESTINATION, NUMKEYS, SOURCES],
    execute: |ctx, args| store(ctx, "zdiffstore", args, Operation::Difference),
    ..Command::DEFAULT
};

fn store(ctx: &mut Ctx<'_>, name: &str, args: Args<'_>, operation: Operation) -> Result<(), Error> {
    Combine::parse(ctx, name, &args[2..], operation, Purpose::Store)?.store(ctx, args[1]);
    Ok(())
}
