//! XACK: a consumer is done with entries.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::stream::StreamId;

use super::{arguments, place};

/// `XACK key group id [id ...]`
pub static XACK: Command = Command {
    name: "xack",
    arity: -4,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Acknowledges entries and answers how many of them were pending.",
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(log(N)) for each ID, N being what is pending in the group",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("group", ArgumentKind::String),
        Argument::new("id", ArgumentKind::String).multiple(),
    ],
    execute: xack,
    ..Command::DEFAULT
};

fn xack(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut acknowledged = 0;
    if let Some(mut place) = place::existing(&mut ctx.data, args[1])? {
        let found = place.edit(|stream| {
            stream.edit_group(args[2], |_, group| {
                let ids = args[3..].iter().map(|arg| arguments::id(arg, 0));
                let ids = ids.collect::<Result<Vec<StreamId>, Error>>()?;
                Ok(ids.into_iter().filter(|id| group.acknowledge(*id).is_some()).count())
            })
        })?;
        // Without the group, IDs may be anything.
        acknowledged = found.transpose()?.unwrap_or(0);
    }
    ctx.data.dirty += acknowledged as u64;
    ctx.reply.integer(acknowledged as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn xack() {
        check(&[
            ("XADD s 1 a b", "$3 1-0"),
            ("XADD s 2 a b", "$3 2-0"),
            ("XADD s 3 a b", "$3 3-0"),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XREADGROUP GROUP g c STREAMS s >", "?"),
            ("XACK s nog x", ":0"),
            ("XACK none g x", ":0"),
            ("XACK s g 1 x", "-ERR Invalid stream ID specified as stream command argument"),
            ("XPENDING s g", "*4 :3 $3 1-0 $3 3-0 *1 *2 $1 c $1 3"),
            ("XACK s g 1 1 3 9", ":2"),
            ("XPENDING s g", "*4 :1 $3 2-0 $3 2-0 *1 *2 $1 c $1 1"),
            ("SET str x", "+OK"),
            ("XACK str g 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
