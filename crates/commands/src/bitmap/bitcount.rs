//! BITCOUNT: how many bits are set.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};
use value::bits::count_in;

use crate::bitmap::range::Range;

/// `BITCOUNT key [start [end [BYTE | BIT]]]`
pub static BITCOUNT: Command = Command {
    name: "bitcount",
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::BITMAP,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Counts the bits that are set in a string or a range of it.",
        since: "2.6.0",
        group: Group::Bitmap,
        complexity: "O(N)",
        history: &[("7.0.0", "BYTE and BIT."), ("8.0.0", "The end may be left out (Valkey).")],
        ..Docs::NONE
    },
    arguments: &[Argument::key(), super::RANGE],
    execute: bitcount,
    ..Command::DEFAULT
};

fn bitcount(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let range = Range::parse(&args[2..])?;
    let count = match ctx.data.read_string(args[1])? {
        Some(value) => match range {
            Some(range) if range.is_backwards() => 0,
            Some(range) => range.bits(value.len()).map_or(0, |(start, end)| count_in(value, start, end)),
            None => count_in(value, 0, u64::MAX),
        },
        None => 0,
    };
    ctx.reply.integer(count as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn bitcount() {
        check(&[
            ("BITCOUNT nothing", ":0"),
            ("BITCOUNT nothing 0 -1 BIT", ":0"),
            ("SET k foobar", "+OK"),
            ("BITCOUNT k", ":26"),
            ("BITCOUNT k 0 0", ":4"),
            ("BITCOUNT k 1 1", ":6"),
            ("BITCOUNT k 1 1 byte", ":6"),
            ("BITCOUNT k 5 30 BIT", ":17"),
            ("BITCOUNT k -2 -1", ":7"),
            ("BITCOUNT k -2", ":7"),
            ("BITCOUNT k 10 20", ":0"),
            ("BITCOUNT k -1 -2", ":0"),
            ("BITCOUNT k -90 -100", ":0"),
            ("SET n 12345", "+OK"),
            ("BITCOUNT n", ":17"),
        ]);
    }

    #[test]
    fn errors() {
        check(&[
            ("BITCOUNT k x", "-ERR value is not an integer or out of range"),
            ("BITCOUNT k 0 x", "-ERR value is not an integer or out of range"),
            ("BITCOUNT k 0 1 HELLO", "-ERR syntax error"),
            ("BITCOUNT k 0 x HELLO", "-ERR value is not an integer or out of range"),
            ("BITCOUNT k x 0 HELLO", "-ERR value is not an integer or out of range"),
            ("BITCOUNT k 0 1 BYTE BIT", "-ERR syntax error"),
            ("BITCOUNT", "-ERR wrong number of arguments for 'bitcount' command"),
        ]);
    }
}
