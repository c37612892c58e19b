//! GETBIT: one bit of a string.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

/// `GETBIT key offset`
pub static GETBIT: Command = Command {
    name: "getbit",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::BITMAP,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers one bit of a string; what lies beyond the end is 0.",
        since: "2.2.0",
        group: Group::Bitmap,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("offset", ArgumentKind::Integer)],
    execute: getbit,
    ..Command::DEFAULT
};

fn getbit(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let offset = super::bit_offset(args[2], None, ctx.config.clients.bulk_bytes_max)?;
    let byte = ctx.data.read_string(args[1])?.and_then(|value| value.byte(offset / 8)).unwrap_or(0);
    ctx.reply.integer(i64::from(byte >> (7 - offset % 8) & 1));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn getbit() {
        check(&[
            ("GETBIT nothing 0", ":0"),
            ("SET k 1", "+OK"),
            ("GETBIT k 1", ":0"),
            ("GETBIT k 2", ":1"),
            ("GETBIT k 7", ":1"),
            ("GETBIT k 100", ":0"),
            ("GETBIT k -1", "-ERR bit offset is not an integer or out of range"),
            ("GETBIT k 4294967295", ":0"),
            ("GETBIT k 4294967296", "-ERR bit offset is not an integer or out of range"),
            ("GETBIT k #1", "-ERR bit offset is not an integer or out of range"),
            ("GETBIT k 01", "-ERR bit offset is not an integer or out of range"),
            ("GETBIT k", "-ERR wrong number of arguments for 'getbit' command"),
        ]);
    }
}
