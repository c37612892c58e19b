//! EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT: give a key a deadline. One that has passed deletes the key.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::number::parse_i64;

use crate::string::Unit;

/// `EXPIRE key seconds [NX | XX | GT | LT]`
pub static EXPIRE: Command = Command {
    name: "expire",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Gives a key a deadline, so many seconds from now.",
        since: "1.0.0",
        group: Group::Generic,
        complexity: "O(1)",
        history: &[("7.0.0", "NX, XX, GT and LT.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("seconds", ArgumentKind::Integer),
        Argument::one_of(
            "condition",
            &[
                Argument::token("nx", "NX"),
                Argument::token("xx", "XX"),
                Argument::token("gt", "GT"),
                Argument::token("lt", "LT"),
            ],
        )
        .optional()
        .since("7.0.0"),
    ],
    execute: expire,
    ..Command::DEFAULT
};

/// `PEXPIRE key milliseconds [NX | XX | GT | LT]`
pub static PEXPIRE: Command = Command {
    name: "pexpire",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Gives a key a deadline, so many milliseconds from now.",
        since: "2.6.0",
        group: Group::Generic,
        complexity: "O(1)",
        history: &[("7.0.0", "NX, XX, GT and LT.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("milliseconds", ArgumentKind::Integer),
        Argument::one_of(
            "condition",
            &[
                Argument::token("nx", "NX"),
                Argument::token("xx", "XX"),
                Argument::token("gt", "GT"),
                Argument::token("lt", "LT"),
            ],
        )
        .optional()
        .since("7.0.0"),
    ],
    execute: pexpire,
    ..Command::DEFAULT
};

/// `EXPIREAT key unix-time-seconds [NX | XX | GT | LT]`
pub static EXPIREAT: Command = Command {
    name: "expireat",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Gives a key a deadline at a Unix time in seconds.",
        since: "1.2.0",
        group: Group::Generic,
        complexity: "O(1)",
        history: &[("7.0.0", "NX, XX, GT and LT.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("unix-time-seconds", ArgumentKind::UnixTime),
        Argument::one_of(
            "condition",
            &[
                Argument::token("nx", "NX"),
                Argument::token("xx", "XX"),
                Argument::token("gt", "GT"),
                Argument::token("lt", "LT"),
            ],
        )
        .optional()
        .since("7.0.0"),
    ],
    execute: expireat,
    ..Command::DEFAULT
};

/// `PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]`
pub static PEXPIREAT: Command = Command {
    name: "pexpireat",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Gives a key a deadline at a Unix time in milliseconds.",
        since: "2.6.0",
        group: Group::Generic,
        complexity: "O(1)",
        history: &[("7.0.0", "NX, XX, GT and LT.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime),
        Argument::one_of(
            "condition",
            &[
                Argument::token("nx", "NX"),
                Argument::token("xx", "XX"),
                Argument::token("gt", "GT"),
                Argument::token("lt", "LT"),
            ],
        )
        .optional()
        .since("7.0.0"),
    ],
    execute: pexpireat,
    ..Command::DEFAULT
};

/// When to set the deadline, given the one that the key has.
#[derive(Clone, Copy, Default)]
struct Conditions {
    absent: bool,
    present: bool,
    later: bool,
    earlier: bool,
}

impl Conditions {
    fn parse(words: Args<'_>) -> Result<Conditions, Error> {
        const AGAINST_NX: Error =
            Error::fixed("ERR NX and XX, GT or LT options at the same time are not compatible");
        const BOTH_WAYS: Error = Error::fixed("ERR GT and LT options at the same time are not compatible");
        let mut conditions = Conditions::default();
        for word in words {
            match word.to_ascii_uppercase().as_slice() {
                b"NX" => conditions.absent = true,
                b"XX" => conditions.present = true,
                b"GT" => conditions.later = true,
                b"LT" => conditions.earlier = true,
                _ => return Err(Error::naming("ERR Unsupported option ", word, "")),
            }
        }
        let Conditions { absent, present, later, earlier } = conditions;
        if absent && (present || later || earlier) {
            return Err(AGAINST_NX);
        }
        if later && earlier {
            return Err(BOTH_WAYS);
        }
        Ok(conditions)
    }

    /// A key without a deadline counts as one that lives for ever.
    fn allow(self, present: Option<i64>, deadline_ms: i64) -> bool {
        match present {
            None => !self.present && !self.later,
            Some(present) => {
                !(self.absent
                    || self.later && deadline_ms <= present
                    || self.earlier && deadline_ms >= present)
            }
        }
    }
}

fn deadline(ctx: &Ctx<'_>, number: &[u8], unit: Unit, name: &str) -> Result<i64, Error> {
    let invalid = || Error::invalid_expire(name);
    // A negative number is a time in the past and no mistake.
    let number = parse_i64(number).ok_or(Error::NOT_AN_INTEGER)?;
    let ms = if unit.seconds { number.checked_mul(1000).ok_or_else(invalid)? } else { number };
    if unit.absolute { Ok(ms) } else { ms.checked_add(ctx.data.now_ms).ok_or_else(invalid) }
}

fn set_deadline(ctx: &mut Ctx<'_>, args: Args<'_>, unit: Unit, name: &str) -> Result<(), Error> {
    let key = args[1];
    let conditions = Conditions::parse(&args[3..])?;
    let deadline_ms = deadline(ctx, args[2], unit, name)?;
    let has_passed = ctx.data.is_expired(Some(deadline_ms));
    let done = match ctx.data.occupied(key) {
        Some(mut entry) if conditions.allow(entry.deadline_ms(), deadline_ms) => {
            if has_passed {
                entry.remove();
            } else {
                entry.set_deadline_ms(Some(deadline_ms));
            }
            true
        }
        _ => false,
    };
    if done {
        ctx.data.dirty += 1;
        if has_passed {
            ctx.data.effects.say(&[b"DEL", key]);
        } else {
            let text = deadline_ms.to_string();
            let mut effect: Vec<&[u8]> = vec![b"PEXPIREAT", key, text.as_bytes()];
            effect.extend_from_slice(&args[3..]);
            ctx.data.effects.say(&effect);
        }
    }
    ctx.reply.integer(i64::from(done));
    Ok(())
}

fn expire(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    set_deadline(ctx, args, Unit { seconds: true, absolute: false }, "expire")
}

fn pexpire(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    set_deadline(ctx, args, Unit { seconds: false, absolute: false }, "pexpire")
}

fn expireat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    set_deadline(ctx, args, Unit { seconds: true, absolute: true }, "expireat")
}

fn pexpireat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    set_deadline(ctx, args, Unit { seconds: false, absolute: true }, "pexpireat")
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_effects};

    #[test]
    fn conditions() {
        check(&[
            ("SET k v", "+OK"),
            ("EXPIRE k 10 XX", ":0"),
            ("EXPIRE k 10 GT", ":0"),
            ("EXPIRE k 100 LT", ":1"),
            ("EXPIRE k 1000 LT", ":0"),
            ("EXPIRE k 1000 GT", ":1"),
            ("EXPIRE k 1000 NX", ":0"),
            ("EXPIRE k 1000 XX XX", ":1"),
            ("EXPIRE k 10 XX GT", ":0"),
            ("EXPIRE k 10 xx lt", ":1"),
            ("PERSIST k", ":1"),
            ("EXPIRE k 10 NX", ":1"),
            ("EXPIRE none 10", ":0"),
        ]);
    }

    #[test]
    fn errors() {
        check(&[
            ("SET k v", "+OK"),
            ("EXPIRE k 10 NX XX", "-ERR NX and XX, GT or LT options at the same time are not compatible"),
            ("EXPIRE k 10 NX GT", "-ERR NX and XX, GT or LT options at the same time are not compatible"),
            ("EXPIRE k 10 GT LT", "-ERR GT and LT options at the same time are not compatible"),
            ("EXPIRE k x foo", "-ERR Unsupported option foo"),
            ("EXPIRE k x", "-ERR value is not an integer or out of range"),
            ("EXPIRE none 9223372036854775807", "-ERR invalid expire time in 'expire' command"),
            ("EXPIRE k -9223372036854775808", "-ERR invalid expire time in 'expire' command"),
            ("PEXPIRE k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"),
            ("EXPIREAT k 9223372036854776", "-ERR invalid expire time in 'expireat' command"),
            ("PEXPIREAT k 9223372036854775807", ":1"),
            ("PEXPIRETIME k", ":9223372036854775807"),
        ]);
    }

    #[test]
    fn a_deadline_in_the_past_deletes() {
        check(&[
            ("SET k v", "+OK"),
            ("PEXPIRE k -9223372036854775808", ":1"),
            ("EXISTS k", ":0"),
            ("SET k v", "+OK"),
            ("EXPIRE k 0", ":1"),
            ("EXISTS k", ":0"),
            ("SET k v", "+OK"),
            ("EXPIREAT k -5 GT", ":0"),
            ("EXPIREAT k 1 LT", ":1"),
            ("EXISTS k", ":0"),
        ]);
    }

    #[test]
    fn effects_are_absolute() {
        check_effects(&[
            ("SET k v", "SELECT 0;SET k v"),
            ("PEXPIREAT k 99999999999999 NX", "PEXPIREAT k 99999999999999 NX"),
            ("EXPIREAT k 99999999999", "PEXPIREAT k 99999999999000"),
            ("EXPIRE k 10 NX", ""),
            ("EXPIRE k -1", "DEL k"),
        ]);
    }
}
