//! STRLEN, GETRANGE, SUBSTR: looking at a part of a string.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::string::StrRef;

use crate::number::integer;

/// `STRLEN key`
pub static STRLEN: Command = Command {
    name: "strlen",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    docs: Docs {
        summary: "Tells how long a key's string is.",
        since: "2.2.0",
        group: Group::String,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    execute: strlen,
    ..Command::DEFAULT
};

/// `GETRANGE key start end`
pub static GETRANGE: Command = Command {
    name: "getrange",
    docs: Docs {
        summary: "Answers a part of a key's string, both ends included; negative ends count from the back.",
        since: "2.4.0",
        group: Group::String,
        complexity: "O(N) where N is the length of the reply.",
        ..Docs::NONE
    },
    ..PART
};

/// `SUBSTR key start end`
pub static SUBSTR: Command = Command {
    name: "substr",
    docs: Docs {
        summary: "Answers a part of a key's string, both ends included; the former name of GETRANGE.",
        since: "1.0.0",
        group: Group::String,
        complexity: "O(N) where N is the length of the reply.",
        deprecated: Some(("2.0.0", "`GETRANGE`")),
        ..Docs::NONE
    },
    ..PART
};

const PART: Command = Command {
    arity: 4,
    flags: Flags::READONLY,
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[
        Argument::key(),
        Argument::new("start", ArgumentKind::Integer),
        Argument::new("end", ArgumentKind::Integer),
    ],
    execute: getrange,
    ..Command::DEFAULT
};

fn strlen(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let len = ctx.data.read_string(args[1])?.map_or(0, StrRef::len);
    ctx.reply.integer(len as i64);
    Ok(())
}

fn getrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (start, end) = (integer(args[2])?, integer(args[3])?);
    let value = ctx.data.read_string(args[1])?;
    match value.map(|value| (value, part(value.len(), start, end))) {
        Some((value, (from, to))) if from < to => ctx.reply.string_range(value, from, to),
        _ => ctx.reply.bulk(b""),
    }
    Ok(())
}

/// The part of a string of `len` bytes from `start` to `end`, both included and counted from the back if negative, as a half-open range.
fn part(len: u64, start: i64, end: i64) -> (u64, u64) {
    if start < 0 && end < 0 && start > end {
        return (0, 0);
    }
    let place = |index: i64| if index < 0 { len.saturating_sub(index.unsigned_abs()) } else { index as u64 };
    (place(start), place(end).saturating_add(1).min(len))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn parts() {
        check(&[
            ("SET k 'This is a string'", "+OK"),
            ("STRLEN k", ":16"),
            ("STRLEN nothing", ":0"),
            ("GETRANGE k 0 3", "$4 This"),
            ("GETRANGE k -3 -1", "$3 ing"),
            ("GETRANGE k 0 -1", "$16 This is a string"),
            ("SUBSTR k 10 100", "$6 string"),
            ("GETRANGE k 5 3", "$0 "),
            ("GETRANGE k -1 -5", "$0 "),
            ("GETRANGE k -100 -50", "$1 T"),
            ("GETRANGE k -100 0", "$1 T"),
            ("GETRANGE k 16 20", "$0 "),
            ("GETRANGE k -9223372036854775808 9223372036854775807", "$16 This is a string"),
            ("GETRANGE k 0 x", "-ERR value is not an integer or out of range"),
            ("GETRANGE nothing 0 -1", "$0 "),
            ("SET k ''", "+OK"),
            ("GETRANGE k 0 0", "$0 "),
            ("SET k 12345", "+OK"),
            ("GETRANGE k 1 3", "$3 234"),
            ("STRLEN k", ":5"),
        ]);
    }
}
