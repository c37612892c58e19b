//! TTL, PTTL, EXPIRETIME, PEXPIRETIME: when a key stops to exist. -2: there is no such key; -1: it lives for ever.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};

/// `TTL key`
pub static TTL: Command = Command {
    name: "ttl",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers how many seconds a key has left.",
        since: "1.0.0",
        group: Group::Generic,
        complexity: "O(1)",
        history: &[("2.8.0", "-2 for a key that does not exist.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    tips: &["nondeterministic_output"],
    execute: ttl,
    ..Command::DEFAULT
};

/// `PTTL key`
pub static PTTL: Command = Command {
    name: "pttl",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers how many milliseconds a key has left.",
        since: "2.6.0",
        group: Group::Generic,
        complexity: "O(1)",
        history: &[("2.8.0", "-2 for a key that does not exist.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    tips: &["nondeterministic_output"],
    execute: pttl,
    ..Command::DEFAULT
};

/// `EXPIRETIME key`
pub static EXPIRETIME: Command = Command {
    name: "expiretime",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers a key's deadline as a Unix time in seconds.",
        since: "7.0.0",
        group: Group::Generic,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    execute: expiretime,
    ..Command::DEFAULT
};

/// `PEXPIRETIME key`
pub static PEXPIRETIME: Command = Command {
    name: "pexpiretime",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers a key's deadline as a Unix time in milliseconds.",
        since: "7.0.0",
        group: Group::Generic,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    execute: pexpiretime,
    ..Command::DEFAULT
};

/// Milliseconds until the deadline, or since the epoch if `absolute`; seconds are rounded.
fn answer(ctx: &mut Ctx<'_>, key: &[u8], seconds: bool, absolute: bool) -> Result<(), Error> {
    let now_ms = ctx.data.now_ms;
    let answer = match ctx.data.look(key).map(|entry| entry.deadline_ms) {
        None => -2,
        Some(None) => -1,
        Some(Some(deadline_ms)) => {
            let ms = if absolute { deadline_ms } else { (deadline_ms - now_ms).max(0) };
            if seconds { ms / 1000 + i64::from(ms % 1000 >= 500) } else { ms }
        }
    };
    ctx.reply.integer(answer);
    Ok(())
}

fn ttl(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    answer(ctx, args[1], true, false)
}

fn pttl(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    answer(ctx, args[1], false, false)
}

fn expiretime(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    answer(ctx, args[1], true, true)
}

fn pexpiretime(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    answer(ctx, args[1], false, true)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn absent_eternal_and_mortal() {
        check(&[
            ("TTL k", ":-2"),
            ("PTTL k", ":-2"),
            ("EXPIRETIME k", ":-2"),
            ("PEXPIRETIME k", ":-2"),
            ("SET k v", "+OK"),
            ("TTL k", ":-1"),
            ("PTTL k", ":-1"),
            ("EXPIRETIME k", ":-1"),
            ("PEXPIRETIME k", ":-1"),
            ("PEXPIREAT k 33177117420500", ":1"),
            ("EXPIRETIME k", ":33177117421"),
            ("PEXPIRETIME k", ":33177117420500"),
            ("PEXPIREAT k 33177117420499", ":1"),
            ("EXPIRETIME k", ":33177117420"),
            ("PEXPIREAT k 9223372036854775807", ":1"),
            ("EXPIRETIME k", ":9223372036854776"),
            ("EXPIRE k 100", ":1"),
            ("TTL k", ":100"),
        ]);
    }
}
