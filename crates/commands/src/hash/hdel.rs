//! HDEL: removes fields, and with the last one the key.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};

use super::{FIELD, place};

/// `HDEL key field [field ...]`
pub static HDEL: Command = Command {
    name: "hdel",
    member: 2,
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes fields of a hash, and the hash with the last one.",
        since: "2.0.0",
        group: Group::Hash,
        complexity: "O(N) for N fields",
        history: &[("2.4.0", "Several fields.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key(), FIELD.multiple()],
    execute: hdel,
    ..Command::DEFAULT
};

fn hdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let removed =
        place::change(ctx, args[1], |hash| Ok(args[2..].iter().filter(|field| hash.remove(field)).count()))?;
    ctx.data.dirty += removed as u64;
    ctx.reply.integer(removed as i64);
    Ok(())
}
