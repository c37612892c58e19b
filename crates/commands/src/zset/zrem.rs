//! ZREM: takes members out.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

use crate::zset::place::{self, Limits};

/// `ZREM key member [member ...]`
pub static ZREM: Command = Command {
    name: "zrem",
    member: 2,
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes members of a sorted set.",
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(M*log(N)) with N being the number of elements in the sorted set and M the number of elements to be removed.",
        history: &[("2.4.0", "Several members at once.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("member", ArgumentKind::String).multiple()],
    execute: zrem,
    ..Command::DEFAULT
};

fn zrem(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut removed = 0;
    if let Some(mut place) = place::existing(&mut ctx.data, args[1], Limits::of(ctx.config))? {
        for member in &args[2..] {
            removed += u64::from(place.remove(member));
            if place.view().is_empty() {
                break;
            }
        }
        place.close();
    }
    ctx.data.dirty += removed;
    ctx.reply.integer(removed as i64);
    Ok(())
}
