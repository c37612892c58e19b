//! BITPOS: the first bit that is set, or that is clear.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::bits::find_in;

use crate::bitmap::range::Range;
use crate::number::integer;

/// `BITPOS key bit [start [end [BYTE | BIT]]]`
pub static BITPOS: Command = Command {
    name: "bitpos",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::BITMAP,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Finds the first bit that is set, or clear, in a string or a range of it.",
        since: "2.8.7",
        group: Group::Bitmap,
        complexity: "O(N)",
        history: &[("7.0.0", "BYTE and BIT.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("bit", ArgumentKind::Integer), super::RANGE],
    execute: bitpos,
    ..Command::DEFAULT
};

const BIT: Error = Error::fixed("ERR The bit argument must be 1 or 0.");

fn bitpos(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let bit = match integer(args[2])? {
        0 => false,
        1 => true,
        _ => return Err(BIT),
    };
    let range = Range::parse_unit_first(&args[3..])?;
    let Some(value) = ctx.data.read_string(args[1])? else {
        // Zeros without end.
        ctx.reply.integer(if bit { -1 } else { 0 });
        return Ok(());
    };
    let len_bits = value.len() * 8;
    let searched = match range {
        Some(range) => range.bits(value.len()),
        None => (len_bits > 0).then_some((0, len_bits)),
    };
    let place = searched.and_then(|(start, end)| {
        let found = find_in(value, bit, start, end);
        // Without an end that says otherwise, zeros follow the string.
        let beyond = !bit && !range.is_some_and(|range| range.has_end());
        found.or(beyond.then_some(len_bits))
    });
    ctx.reply.integer(place.map_or(-1, |place| place as i64));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn bitpos() {
        check(&[
            ("BITPOS nothing 1", ":-1"),
            ("BITPOS nothing 0", ":0"),
            ("BITPOS nothing 0 5 7 BIT", ":0"),
            ("SET empty \"\"", "+OK"),
            ("BITPOS empty 0", ":-1"),
            ("BITPOS empty 1", ":-1"),
            (r#"SET k "\xff\xf0\x00""#, "+OK"),
            ("BITPOS k 0", ":12"),
            ("BITPOS k 1", ":0"),
            ("BITPOS k 1 2", ":-1"),
            ("BITPOS k 0 0 0", ":-1"),
            ("BITPOS k 0 0 11 BIT", ":-1"),
            ("BITPOS k 0 0 12 BIT", ":12"),
            ("BITPOS k 1 9 -1 bit", ":9"),
            ("BITPOS k 0 -1", ":16"),
            ("BITPOS k 0 3", ":-1"),
            ("BITPOS k 1 -9 -12", ":0"),
            (r#"SET k "\xff\xff\xff""#, "+OK"),
            ("BITPOS k 0", ":24"),
            ("BITPOS k 0 1", ":24"),
            ("BITPOS k 0 0 -1", ":-1"),
            ("BITPOS k 0 0 -1 BIT", ":-1"),
        ]);
    }

    #[test]
    fn errors() {
        check(&[
            ("BITPOS k 2", "-ERR The bit argument must be 1 or 0."),
            ("BITPOS k x", "-ERR value is not an integer or out of range"),
            ("BITPOS k 1 x", "-ERR value is not an integer or out of range"),
            ("BITPOS k 1 0 1 HELLO", "-ERR syntax error"),
            ("BITPOS k 1 0 1 BIT BIT", "-ERR syntax error"),
            ("BITPOS k 3 0 1 BIT BIT", "-ERR The bit argument must be 1 or 0."),
        ]);
    }
}
