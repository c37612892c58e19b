//! ZRANK, ZREVRANK: a member's position from either end.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

use crate::zset::interval::Order;
use crate::zset::reply;

/// `ZRANK key member [WITHSCORE]`
pub static ZRANK: Command = Command {
    name: "zrank",
    member: 2,
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Tells a member's position by ascending scores.",
        since: "2.0.0",
        group: Group::SortedSet,
        complexity: "O(log(N))",
        history: &[("7.2.0", "WITHSCORE.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("member", ArgumentKind::String),
        Argument::token("withscore", "WITHSCORE").optional(),
    ],
    execute: |ctx, args| rank(ctx, args, Order::Ascending),
    ..Command::DEFAULT
};

/// `ZREVRANK key member [WITHSCORE]`
pub static ZREVRANK: Command = Command {
    name: "zrevrank",
    member: 2,
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Tells a member's position by descending scores.",
        since: "2.0.0",
        group: Group::SortedSet,
        complexity: "O(log(N))",
        history: &[("7.2.0", "WITHSCORE.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("member", ArgumentKind::String),
        Argument::token("withscore", "WITHSCORE").optional(),
    ],
    execute: |ctx, args| rank(ctx, args, Order::Descending),
    ..Command::DEFAULT
};

fn rank(ctx: &mut Ctx<'_>, args: Args<'_>, order: Order) -> Result<(), Error> {
    let with_score = match args {
        [_, _, _] => false,
        [_, _, _, word] if word.eq_ignore_ascii_case(b"withscore") => true,
        [_, _, _, _] => return Err(Error::SYNTAX),
        _ if order == Order::Ascending => return Err(Error::wrong_arity("zrank")),
        _ => return Err(Error::wrong_arity("zrevrank")),
    };
    let found = ctx.data.read_zset(args[1])?.and_then(|zset| {
        let (rank, score) = zset.rank(args[2])?;
        Some((if order == Order::Ascending { rank } else { zset.len() - 1 - rank }, score))
    });
    match (found, with_score) {
        (Some((rank, _)), false) => ctx.reply.integer(rank as i64),
        (Some((rank, score)), true) => {
            let mut writer = ctx.reply.write();
            writer.array(2);
            writer.integer(rank as i64);
            reply::score(&mut writer, score);
        }
        (None, false) => ctx.reply.null(),
        (None, true) => ctx.reply.write().null_array(),
    }
    Ok(())
}
