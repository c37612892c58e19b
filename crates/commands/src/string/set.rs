//! SET: gives a key a string.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Deadline, Docs, Error, Flags, Group, KeyFlags,
    KeySpec,
};
use value::string::StrRef;

use crate::string::DeadlineWord;

/// `SET key value [NX | XX | IFEQ comparison] [GET] [EX s | PX ms | EXAT unix-s | PXAT unix-ms | KEEPTTL]`
pub static SET: Command = Command {
    name: "set",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::STRING,
    keys: &[KeySpec {
        notes: Some("RW and ACCESS only with GET or IFEQ"),
        ..KeySpec::one(
            1,
            KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE).and(KeyFlags::VARIABLE_FLAGS),
        )
    }],
    docs: Docs {
        summary: "Gives a key a string, whatever it held, and can set its deadline.",
        since: "1.0.0",
        group: Group::String,
        complexity: "O(1)",
        history: &[
            ("2.6.12", "EX, PX, NX and XX."),
            ("6.0.0", "KEEPTTL."),
            ("6.2.0", "GET, EXAT and PXAT."),
            ("7.0.0", "NX and GET together."),
            ("8.1.0", "IFEQ (Valkey)."),
        ],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("value", ArgumentKind::String),
        Argument::one_of(
            "condition",
            &[
                Argument::token("nx", "NX"),
                Argument::token("xx", "XX"),
                Argument::new("comparison-value", ArgumentKind::String).after("IFEQ").since("8.1.0"),
            ],
        )
        .optional()
        .since("2.6.12"),
        Argument::token("get", "GET").optional().since("6.2.0"),
        Argument::one_of(
            "expiration",
            &[
                Argument::new("seconds", ArgumentKind::Integer).after("EX").since("2.6.12"),
                Argument::new("milliseconds", ArgumentKind::Integer).after("PX").since("2.6.12"),
                Argument::new("unix-time-seconds", ArgumentKind::UnixTime).after("EXAT").since("6.2.0"),
                Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime).after("PXAT").since("6.2.0"),
                Argument::token("keepttl", "KEEPTTL").since("6.0.0"),
            ],
        )
        .optional(),
    ],
    execute: set,
    ..Command::DEFAULT
};

/// When to write.
#[derive(Clone, Copy)]
enum Condition<'a> {
    Always,
    Absent,
    Present,
    Equals(&'a [u8]),
}

/// A parsed request.
struct Set<'a> {
    key: &'a [u8],
    value: &'a [u8],
    condition: Condition<'a>,
    get: bool,
    keep_ttl: bool,
    deadline: Option<DeadlineWord<'a>>,
}

impl<'a> Set<'a> {
    fn parse(args: Args<'a>) -> Result<Set<'a>, Error> {
        let mut set = Set {
            key: args[1],
            value: args[2],
            condition: Condition::Always,
            get: false,
            keep_ttl: false,
            deadline: None,
        };
        let mut rest = args[3..].iter();
        while let Some(word) = rest.next() {
            let free = matches!(set.condition, Condition::Always);
            let no_deadline = set.deadline.is_none() && !set.keep_ttl;
            match word.to_ascii_uppercase().as_slice() {
                b"NX" if free => set.condition = Condition::Absent,
                b"XX" if free => set.condition = Condition::Present,
                b"IFEQ" if free => set.condition = Condition::Equals(rest.next().ok_or(Error::SYNTAX)?),
                b"GET" => set.get = true,
                b"KEEPTTL" if no_deadline => set.keep_ttl = true,
                word if no_deadline => {
                    let unit = DeadlineWord::unit(word).ok_or(Error::SYNTAX)?;
                    set.deadline = Some(DeadlineWord { unit, number: rest.next().ok_or(Error::SYNTAX)? });
                }
                _ => return Err(Error::SYNTAX),
            }
        }
        Ok(set)
    }
}

fn set(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if let [_, key, value] = args {
        // The plain form, which most requests are.
        ctx.data.set_string(key, value, Deadline::None);
        ctx.reply.ok();
        return Ok(());
    }
    let set = Set::parse(args)?;
    let deadline = match set.deadline {
        Some(word) => Deadline::At(word.deadline_ms(ctx.data.now_ms, "set")?),
        None if set.keep_ttl => Deadline::Keep,
        None => Deadline::None,
    };
    let found = if set.get || matches!(set.condition, Condition::Equals(_)) {
        let found = ctx.data.read_string(set.key)?;
        if set.get {
            ctx.reply.string_or_null(found);
        }
        found.map(|value| (true, is_equal(set.condition, value)))
    } else {
        ctx.data.exists(set.key).then_some((true, false))
    };
    let go = match (set.condition, found) {
        (Condition::Always, _) => true,
        (Condition::Absent, found) => found.is_none(),
        (Condition::Present, found) => found.is_some(),
        (Condition::Equals(_), found) => found.is_some_and(|(_, equal)| equal),
    };
    if !go {
        if !set.get {
            ctx.reply.null();
        }
        return Ok(());
    }
    ctx.data.set_string(set.key, set.value, deadline);
    propagate(ctx, &set, deadline);
    if !set.get {
        ctx.reply.ok();
    }
    Ok(())
}

fn is_equal(condition: Condition<'_>, value: StrRef<'_>) -> bool {
    let Condition::Equals(expected) = condition else { return false };
    value.len() == expected.len() as u64 && *value.to_cow() == *expected
}

/// A replica is told the result: no condition, and a deadline that does not depend on when it hears of it.
fn propagate(ctx: &mut Ctx<'_>, set: &Set<'_>, deadline: Deadline) {
    match deadline {
        Deadline::At(at) => {
            ctx.data.effects.say(&[b"SET", set.key, set.value, b"PXAT", at.to_string().as_bytes()]);
        }
        Deadline::Keep => ctx.data.effects.say(&[b"SET", set.key, set.value, b"KEEPTTL"]),
        Deadline::None => ctx.data.effects.say(&[b"SET", set.key, set.value]),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn conditions() {
        check(&[
            ("SET k v XX", "$-1"),
            ("SET k v NX", "+OK"),
            ("SET k w NX", "$-1"),
            ("SET k w XX GET", "$1 v"),
            ("SET k x NX GET", "$1 w"),
            ("GET k", "$1 w"),
            ("SET k y IFEQ z", "$-1"),
            ("SET k y IFEQ w", "+OK"),
            ("SET k z IFEQ y GET", "$1 y"),
            ("SET other z IFEQ y", "$-1"),
            ("SET k v NX XX", "-ERR syntax error"),
            ("SET k v IFEQ", "-ERR syntax error"),
            ("SET k v BOGUS", "-ERR syntax error"),
        ]);
    }

    #[test]
    fn deadlines() {
        check(&[
            ("SET k v EX 0", "-ERR invalid expire time in 'set' command"),
            ("SET k v EX x", "-ERR value is not an integer or out of range"),
            ("SET k v PX 9223372036854775807", "-ERR invalid expire time in 'set' command"),
            ("SET k v EX 10 PX 10", "-ERR syntax error"),
            ("SET k v EX 10 KEEPTTL", "-ERR syntax error"),
            ("SET k v EX", "-ERR syntax error"),
            ("SET k v PXAT 1", "+OK"),
            ("GET k", "$-1"),
            ("SET k v EX 100", "+OK"),
            ("GET k", "$1 v"),
        ]);
    }
}
