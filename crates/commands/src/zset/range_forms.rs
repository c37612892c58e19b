//! ZREVRANGE, ZRANGEBYSCORE, ZREVRANGEBYSCORE, ZRANGEBYLEX, ZREVRANGEBYLEX: the older forms of ZRANGE.

use engine::{Argument, ArgumentKind, Categories, Command, Docs, Flags, Group, KeyFlags, KeySpec};

use crate::zset::interval::Order;
use crate::zset::range::{By, Form, Range};

const fn form(by: By, order: Order) -> Form {
    Form { by: Some(by), order: Some(order), stores: false }
}

/// `ZREVRANGE key start stop [WITHSCORES]`
pub static ZREVRANGE: Command = Command {
    name: "zrevrange",
    arity: -4,
    flags: Flags::READONLY,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the members within a range of positions by descending scores.",
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.",
        deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` argument")),
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("start", ArgumentKind::Integer),
        Argument::new("stop", ArgumentKind::Integer),
        Argument::token("withscores", "WITHSCORES").optional(),
    ],
    execute: |ctx, args| Range::parse(&args[1..], form(By::Rank, Order::Descending))?.list(ctx),
    ..Command::DEFAULT
};

/// `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`
pub static ZRANGEBYSCORE: Command = Command {
    name: "zrangebyscore",
    arity: -4,
    flags: Flags::READONLY,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the members with scores within a range.",
        since: "1.0.5",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
        history: &[("2.0.0", "WITHSCORES.")],
        deprecated: Some(("6.2.0", "`ZRANGE` with the `BYSCORE` argument")),
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("min", ArgumentKind::Double),
        Argument::new("max", ArgumentKind::Double),
        Argument::token("withscores", "WITHSCORES").optional().since("2.0.0"),
        Argument::block(
            "limit",
            &[Argument::new("offset", ArgumentKind::Integer), Argument::new("count", ArgumentKind::Integer)],
        )
        .after("LIMIT")
        .optional(),
    ],
    execute: |ctx, args| Range::parse(&args[1..], form(By::Score, Order::Ascending))?.list(ctx),
    ..Command::DEFAULT
};

/// `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]`
pub static ZREVRANGEBYSCORE: Command = Command {
    name: "zrevrangebyscore",
    arity: -4,
    flags: Flags::READONLY,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the members with scores within a range by descending scores.",
        since: "2.2.0",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
        history: &[("2.1.6", "A bound may be exclusive.")],
        deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")),
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("max", ArgumentKind::Double),
        Argument::new("min", ArgumentKind::Double),
        Argument::token("withscores", "WITHSCORES").optional(),
        Argument::block(
            "limit",
            &[Argument::new("offset", ArgumentKind::Integer), Argument::new("count", ArgumentKind::Integer)],
        )
        .after("LIMIT")
        .optional(),
    ],
    execute: |ctx, args| Range::parse(&args[1..], form(By::Score, Order::Descending))?.list(ctx),
    ..Command::DEFAULT
};

/// `ZRANGEBYLEX key min max [LIMIT offset count]`
pub static ZRANGEBYLEX: Command = Command {
    name: "zrangebylex",
    arity: -4,
    flags: Flags::READONLY,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the members within a range of texts, where all have one score.",
        since: "2.8.9",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
        deprecated: Some(("6.2.0", "`ZRANGE` with the `BYLEX` argument")),
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("min", ArgumentKind::String),
        Argument::new("max", ArgumentKind::String),
        Argument::block(
            "limit",
            &[Argument::new("offset", ArgumentKind::Integer), Argument::new("count", ArgumentKind::Integer)],
        )
        .after("LIMIT")
        .optional(),
    ],
    execute: |ctx, args| Range::parse(&args[1..], form(By::Text, Order::Ascending))?.list(ctx),
    ..Command::DEFAULT
};

/// `ZREVRANGEBYLEX key max min [LIMIT offset count]`
pub static ZREVRANGEBYLEX: Command = Command {
    name: "zrevrangebylex",
    arity: -4,
    flags: Flags::READONLY,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the members within a range of texts in descending order, where all have one score.",
        since: "2.8.9",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
        deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")),
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("max", ArgumentKind::String),
        Argument::new("min", ArgumentKind::String),
        Argument::block(
            "limit",
            &[Argument::new("offset", ArgumentKind::Integer), Argument::new("count", ArgumentKind::Integer)],
        )
        .after("LIMIT")
        .optional(),
    ],
    execute: |ctx, args| Range::parse(&args[1..], form(By::Text, Order::Descending))?.list(ctx),
    ..Command::DEFAULT
};
