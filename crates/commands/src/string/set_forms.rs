//! SETNX, SETEX, PSETEX: the elder spellings of SET with an option.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Deadline, Docs, Error, Flags, Group, KeyFlags,
    KeySpec,
};

use crate::string::{DeadlineWord, Unit};

const VALUE: Argument = Argument::new("value", ArgumentKind::String);

/// `SETNX key value`
pub static SETNX: Command = Command {
    name: "setnx",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::OW.and(KeyFlags::INSERT))],
    docs: Docs {
        summary: "Gives a key a string if it does not exist.",
        since: "1.0.0",
        group: Group::String,
        complexity: "O(1)",
        deprecated: Some(("2.6.12", "`SET` with the `NX` argument")),
        ..Docs::NONE
    },
    arguments: &[Argument::key(), VALUE],
    execute: setnx,
    ..Command::DEFAULT
};

/// `SETEX key seconds value`
pub static SETEX: Command = Command {
    name: "setex",
    docs: Docs {
        summary: "Gives a key a string and a deadline in seconds from now.",
        since: "2.0.0",
        group: Group::String,
        complexity: "O(1)",
        deprecated: Some(("2.6.12", "`SET` with the `EX` argument")),
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("seconds", ArgumentKind::Integer), VALUE],
    execute: |ctx, args| set_until(ctx, args, true, "setex"),
    ..WITH_DEADLINE
};

/// `PSETEX key milliseconds value`
pub static PSETEX: Command = Command {
    name: "psetex",
    docs: Docs {
        summary: "Gives a key a string and a deadline in milliseconds from now.",
        since: "2.6.0",
        group: Group::String,
        complexity: "O(1)",
        deprecated: Some(("2.6.12", "`SET` with the `PX` argument")),
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("milliseconds", ArgumentKind::Integer), VALUE],
    execute: |ctx, args| set_until(ctx, args, false, "psetex"),
    ..WITH_DEADLINE
};

const WITH_DEADLINE: Command = Command {
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::OW.and(KeyFlags::UPDATE))],
    ..Command::DEFAULT
};

fn setnx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let go = !ctx.data.exists(args[1]);
    if go {
        ctx.data.set_string(args[1], args[2], Deadline::None);
    }
    ctx.reply.integer(i64::from(go));
    Ok(())
}

fn set_until(ctx: &mut Ctx<'_>, args: Args<'_>, seconds: bool, command: &str) -> Result<(), Error> {
    let (key, number, value) = (args[1], args[2], args[3]);
    let word = DeadlineWord { unit: Unit { seconds, absolute: false }, number };
    let deadline = word.deadline_ms(ctx.data.now_ms, command)?;
    ctx.data.set_string(key, value, Deadline::At(deadline));
    ctx.data.effects.say(&[b"SET", key, value, b"PXAT", deadline.to_string().as_bytes()]);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn forms() {
        check(&[
            ("SETNX k 1", ":1"),
            ("SETNX k 2", ":0"),
            ("GET k", "$1 1"),
            ("SETEX k 100 3", "+OK"),
            ("GET k", "$1 3"),
            ("PSETEX k 1 4", "+OK"),
            ("PSETEX k 100000 5", "+OK"),
            ("GET k", "$1 5"),
            ("SETEX k 0 x", "-ERR invalid expire time in 'setex' command"),
            ("SETEX k x x", "-ERR value is not an integer or out of range"),
            ("SETEX k 9223372036854775807 x", "-ERR invalid expire time in 'setex' command"),
            ("SETEX k 9223372036854775 x", "-ERR invalid expire time in 'setex' command"),
            ("PSETEX k -1 x", "-ERR invalid expire time in 'psetex' command"),
            ("PSETEX k 9223372036854775807 x", "-ERR invalid expire time in 'psetex' command"),
            ("SETEX k 1", "-ERR wrong number of arguments for 'setex' command"),
        ]);
    }
}
