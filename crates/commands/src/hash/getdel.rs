//! HGETDEL: returns the values of fields and removes them, and with the last one the key.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};

use super::words::{NOT_POSITIVE, fields};
use super::{FIELDS, place};

/// `HGETDEL key FIELDS numfields field [field ...]`
pub static HGETDEL: Command = Command {
    name: "hgetdel",
    arity: -5,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Returns the values of fields of a hash and removes the fields.",
        since: "8.0.0",
        group: Group::Hash,
        complexity: "O(N) for N fields",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), FIELDS],
    execute: hgetdel,
    ..Command::DEFAULT
};

fn hgetdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (key, protocol) = (args[1], ctx.reply.protocol());
    let (fields, removed, replies) = place::change(ctx, key, |hash| {
        // The type first, as in Redis.
        let fields = fields(&args[2..], NOT_POSITIVE)?;
        let (mut removed, mut replies) = (0, Vec::new());
        for field in fields {
            let mut reply = resp::Writer { out: &mut replies, protocol };
            match hash.get(field) {
                Some(value) => reply.bulk(value.text(&mut None)),
                None => reply.null(),
            }
            removed += u64::from(hash.remove(field));
        }
        Ok((fields, removed, replies))
    })?;
    if removed > 0 {
        ctx.data.dirty += removed;
        ctx.data.effects.say(&[&[b"HDEL", key], fields].concat());
    }
    ctx.reply.write().array(fields.len());
    ctx.reply.encoded(replies);
    Ok(())
}
