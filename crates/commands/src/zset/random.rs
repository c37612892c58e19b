//! ZRANDMEMBER: members drawn at random, each with the same chance.
//!
//! Bounds: at most [`REPEATED_MAX`] with repetitions; without, never more than there are.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::zset::ZsetRef;

use crate::number::signed_count;
use crate::zset::reply::{self, Layout, List};

/// Most members that one call draws with repetitions, so that a single word cannot fill the memory.
const REPEATED_MAX: u64 = 1 << 26;

/// `ZRANDMEMBER key [count [WITHSCORES]]`
pub static ZRANDMEMBER: Command = Command {
    name: "zrandmember",
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Picks members at random.",
        since: "6.2.0",
        group: Group::SortedSet,
        complexity: "O(N) where N is the number of members returned",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::block(
            "options",
            &[
                Argument::new("count", ArgumentKind::Integer),
                Argument::token("withscores", "WITHSCORES").optional(),
            ],
        )
        .optional(),
    ],
    tips: &["nondeterministic_output"],
    execute: zrandmember,
    ..Command::DEFAULT
};

fn zrandmember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let [_, key, options @ ..] = args else { return Err(Error::SYNTAX) };
    let [count, options @ ..] = options else { return one(ctx, key) };
    let count = signed_count(count)?;
    let with_scores = match options {
        [] => false,
        [word] if word.eq_ignore_ascii_case(b"withscores") => true,
        _ => return Err(Error::SYNTAX),
    };
    if (with_scores && count.unsigned_abs() > i64::MAX as u64 / 2)
        || (count < 0 && count.unsigned_abs() > REPEATED_MAX)
    {
        return Err(Error::OUT_OF_RANGE);
    }
    let layout = Layout::with_scores(with_scores, ctx.reply.protocol());
    let Some(zset) = ctx.data.read_zset(key)? else {
        ctx.reply.write().array(0);
        return Ok(());
    };
    let repeats = count < 0;
    let count = if repeats { count.unsigned_abs() } else { (count as u64).min(zset.len()) };
    let mut list = List::begin(ctx.reply.write(), layout, count as usize);
    draw(zset, count, repeats, |rank| {
        if let Some((member, score)) = zset.get(rank) {
            list.push(member, score);
        }
    });
    Ok(())
}

fn one(ctx: &mut Ctx<'_>, key: &[u8]) -> Result<(), Error> {
    let drawn = ctx.data.read_zset(key)?.and_then(|zset| zset.get(fastrand::u64(..zset.len())));
    match drawn {
        Some((member, _)) => reply::member(&mut ctx.reply.write(), member),
        None => ctx.reply.null(),
    }
    Ok(())
}

/// Draws ranks: any, or each at most once.
fn draw(zset: ZsetRef<'_>, count: u64, repeats: bool, mut show: impl FnMut(u64)) {
    let len = zset.len();
    if repeats {
        (0..count).for_each(|_| show(fastrand::u64(..len)));
    } else if count == len {
        (0..len).for_each(show);
    } else if count > len / 2 {
        // Each of those not seen yet is taken with the chance that makes the number come out right.
        let mut wanted = count;
        for rank in 0..len {
            if fastrand::u64(..len - rank) < wanted {
                wanted -= 1;
                show(rank);
            }
        }
    } else {
        // Floyd's way: the one that was drawn before is replaced by the end of the range, which was not in it.
        let mut drawn = std::collections::HashSet::new();
        for end in len - count..len {
            let rank = fastrand::u64(..=end);
            let rank = if drawn.insert(rank) { rank } else { end };
            drawn.insert(rank);
            show(rank);
        }
    }
}
