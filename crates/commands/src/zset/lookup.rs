//! ZCARD, ZSCORE, ZMSCORE: how many members, and their scores.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

use crate::zset::reply;

/// `ZCARD key`
pub static ZCARD: Command = Command {
    name: "zcard",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    docs: Docs {
        summary: "Counts the members of a sorted set.",
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    execute: zcard,
    ..Command::DEFAULT
};

/// `ZSCORE key member`
pub static ZSCORE: Command = Command {
    name: "zscore",
    member: 2,
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Tells a member's score.",
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("member", ArgumentKind::String)],
    execute: zscore,
    ..Command::DEFAULT
};

/// `ZMSCORE key member [member ...]`
pub static ZMSCORE: Command = Command {
    name: "zmscore",
    member: 2,
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Tells the scores of several members.",
        since: "6.2.0",
        group: Group::SortedSet,
        complexity: "O(N) where N is the number of members being requested.",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("member", ArgumentKind::String).multiple()],
    execute: zmscore,
    ..Command::DEFAULT
};

fn zcard(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let len = ctx.data.read_zset(args[1])?.map_or(0, |zset| zset.len());
    ctx.reply.integer(len as i64);
    Ok(())
}

fn zscore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    match ctx.data.read_zset(args[1])?.and_then(|zset| zset.score(args[2])) {
        Some(score) => reply::score(&mut ctx.reply.write(), score),
        None => ctx.reply.null(),
    }
    Ok(())
}

fn zmscore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let zset = ctx.data.read_zset(args[1])?;
    ctx.reply.write().array(args.len() - 2);
    for member in &args[2..] {
        match zset.and_then(|zset| zset.score(member)) {
            Some(score) => reply::score(&mut ctx.reply.write(), score),
            None => ctx.reply.null(),
        }
    }
    Ok(())
}
