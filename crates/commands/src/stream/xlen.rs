//! XLEN: the number of entries.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};

/// `XLEN key`
pub static XLEN: Command = Command {
    name: "xlen",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    docs: Docs {
        summary: "Answers the number of entries of a stream.",
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    execute: xlen,
    ..Command::DEFAULT
};

fn xlen(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let len = ctx.data.read_stream(args[1])?.map_or(0, |stream| stream.log().len());
    ctx.reply.integer(len as i64);
    Ok(())
}
