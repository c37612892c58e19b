//! GETDEL, GETEX, GETSET: a string's value, and then a change.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Deadline, Docs, Error, Flags, Group, KeyFlags,
    KeySpec,
};

use crate::string::{DeadlineWord, MILLISECONDS, SECONDS, UNIX_MILLISECONDS, UNIX_SECONDS};

/// `GETDEL key`
pub static GETDEL: Command = Command {
    name: "getdel",
    arity: 2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Answers a key's string and removes the key.",
        since: "6.2.0",
        group: Group::String,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    execute: getdel,
    ..Command::DEFAULT
};

/// `GETEX key [EX s | PX ms | EXAT unix-s | PXAT unix-ms | PERSIST]`
pub static GETEX: Command = Command {
    name: "getex",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec {
        notes: Some("RW and UPDATE since the deadline changes"),
        ..KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))
    }],
    docs: Docs {
        summary: "Answers a key's string and sets or removes its deadline.",
        since: "6.2.0",
        group: Group::String,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::one_of(
            "expiration",
            &[SECONDS, MILLISECONDS, UNIX_SECONDS, UNIX_MILLISECONDS, Argument::token("persist", "PERSIST")],
        )
        .optional(),
    ],
    execute: getex,
    ..Command::DEFAULT
};

/// `GETSET key value`
pub static GETSET: Command = Command {
    name: "getset",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Gives a key a string and answers the one it had.",
        since: "1.0.0",
        group: Group::String,
        complexity: "O(1)",
        deprecated: Some(("6.2.0", "`SET` with the `!GET` argument")),
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("value", ArgumentKind::String)],
    execute: getset,
    ..Command::DEFAULT
};

fn getdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let value = ctx.data.read_string(args[1])?;
    ctx.reply.string_or_null(value);
    if ctx.data.remove(args[1]) {
        ctx.data.effects.say(&[b"DEL", args[1]]);
    }
    Ok(())
}

fn getset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let value = ctx.data.read_string(args[1])?;
    ctx.reply.string_or_null(value);
    ctx.data.set_string(args[1], args[2], Deadline::None);
    ctx.data.effects.say(&[b"SET", args[1], args[2]]);
    Ok(())
}

/// What GETEX does to the deadline.
#[derive(Clone, Copy)]
enum Change<'a> {
    None,
    Persist,
    At(DeadlineWord<'a>),
}

impl<'a> Change<'a> {
    fn parse(words: Args<'a>) -> Result<Change<'a>, Error> {
        let mut change = Change::None;
        let mut rest = words.iter();
        while let Some(&word) = rest.next() {
            change = match change {
                Change::None | Change::Persist if word.eq_ignore_ascii_case(b"PERSIST") => Change::Persist,
                Change::None => Change::At(DeadlineWord::take(None, word, &mut rest)?),
                Change::At(former) => Change::At(DeadlineWord::take(Some(former), word, &mut rest)?),
                Change::Persist => return Err(Error::SYNTAX),
            };
        }
        Ok(change)
    }
}

fn getex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (key, change) = (args[1], Change::parse(&args[2..])?);
    let now_ms = ctx.data.now_ms;
    let Some(value) = ctx.data.read_string(key)? else {
        ctx.reply.null();
        return Ok(());
    };
    match change {
        Change::None => ctx.reply.string(value),
        Change::Persist => {
            ctx.reply.string(value);
            if let Some(mut entry) = ctx.data.occupied(key)
                && entry.deadline_ms().is_some()
            {
                entry.set_deadline_ms(None);
                ctx.data.dirty += 1;
                ctx.data.effects.say(&[b"PERSIST", key]);
            }
        }
        Change::At(word) => {
            let deadline = word.deadline_ms(now_ms, "getex")?;
            ctx.reply.string(value);
            if deadline <= now_ms {
                ctx.data.remove(key);
                ctx.data.effects.say(&[b"DEL", key]);
            } else if let Some(mut entry) = ctx.data.occupied(key) {
                entry.set_deadline_ms(Some(deadline));
                ctx.data.dirty += 1;
                ctx.data.effects.say(&[b"PEXPIREAT", key, deadline.to_string().as_bytes()]);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};

    #[test]
    fn getdel_and_getset() {
        check(&[
            ("GETDEL k", "$-1"),
            ("SET k v", "+OK"),
            ("GETDEL k", "$1 v"),
            ("GET k", "$-1"),
            ("GETSET k 1", "$-1"),
            ("GETSET k 2", "$1 1"),
            ("GET k", "$1 2"),
        ]);
    }

    #[test]
    fn getex_words() {
        check(&[
            ("GETEX k", "$-1"),
            ("GETEX k BOGUS", "-ERR syntax error"),
            // A key that does not exist is found out before the number is looked at.
            ("GETEX k EX x", "$-1"),
            ("GETEX k EX 0", "$-1"),
            ("SET k v", "+OK"),
            ("GETEX k", "$1 v"),
            ("GETEX k EX x", "-ERR value is not an integer or out of range"),
            ("GETEX k EX 0", "-ERR invalid expire time in 'getex' command"),
            ("GETEX k PX -1", "-ERR invalid expire time in 'getex' command"),
            ("GETEX k PX 9223372036854775807", "-ERR invalid expire time in 'getex' command"),
            ("GETEX k EX", "-ERR syntax error"),
            ("GETEX k KEEPTTL", "-ERR syntax error"),
            ("GETEX k PERSIST EX 10", "-ERR syntax error"),
            ("GETEX k EX 10 PERSIST", "-ERR syntax error"),
            ("GETEX k EX 10 PX 10", "-ERR syntax error"),
            ("GETEX k EX 10 EX 20", "$1 v"),
            ("GETEX k PERSIST PERSIST", "$1 v"),
        ]);
    }

    #[test]
    fn getex_deadlines() {
        let server = Server::start();
        let mut client = server.connect();
        let mut ask = |request: &str| {
            client.send(request);
            client.reply()
        };
        let deadline = || {
            let mut access = server.engine.keyspace.exclusive(keyspace::WorkerId(0));
            let key = server.engine.keyspace.key(b"k");
            match access.entry(0, key) {
                keyspace::Entry::Occupied(entry) => entry.deadline_ms(),
                keyspace::Entry::Vacant(_) => panic!("no key"),
            }
        };
        ask("SET k v");
        assert_eq!(ask("GETEX k PXAT 99999999999999"), "$1 v");
        assert_eq!(deadline(), Some(99_999_999_999_999));
        assert_eq!(ask("GETEX k"), "$1 v");
        assert_eq!(deadline(), Some(99_999_999_999_999));
        assert_eq!(ask("GETEX k EX 100"), "$1 v");
        let left = deadline().unwrap() - engine::now_ms();
        assert!((90_000..=100_000).contains(&left), "{left}");
        assert_eq!(ask("GETEX k PERSIST"), "$1 v");
        assert_eq!(deadline(), None);
        assert_eq!(ask("GETEX k EXAT 1"), "$1 v");
        assert_eq!(ask("GET k"), "$-1");
    }
}
