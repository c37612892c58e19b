//! RENAME and RENAMENX: give a key another name. The value moves; a large one is not copied.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use keyspace::Entry;

/// `RENAME key newkey`
pub static RENAME: Command = Command {
    name: "rename",
    arity: 3,
    flags: Flags::WRITE,
    categories: Categories::KEYSPACE,
    keys: &[
        KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::OW.and(KeyFlags::UPDATE)),
    ],
    docs: Docs {
        summary: "Gives a key another name, replacing what has it.",
        since: "1.0.0",
        group: Group::Generic,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument { key_spec: Some(1), ..Argument::new("newkey", ArgumentKind::Key) },
    ],
    execute: rename,
    ..Command::DEFAULT
};

/// `RENAMENX key newkey`
pub static RENAMENX: Command = Command {
    name: "renamenx",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[
        KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::OW.and(KeyFlags::INSERT)),
    ],
    docs: Docs {
        summary: "Gives a key another name if nothing has it.",
        since: "1.0.0",
        group: Group::Generic,
        complexity: "O(1)",
        history: &[("3.2.0", "The same name twice is no error any more.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument { key_spec: Some(1), ..Argument::new("newkey", ArgumentKind::Key) },
    ],
    execute: renamenx,
    ..Command::DEFAULT
};

/// Returns whether the key has the new name now.
fn go(ctx: &mut Ctx<'_>, from: &[u8], to: &[u8], replace: bool) -> Result<bool, Error> {
    if ctx.data.occupied(from).is_none() {
        return Err(Error::NO_SUCH_KEY);
    }
    if from == to {
        return Ok(replace);
    }
    if !replace && ctx.data.exists(to) {
        return Ok(false);
    }
    let Some(source) = ctx.data.occupied(from) else { return Err(Error::NO_SUCH_KEY) };
    let (deadline_ms, clock) = (source.deadline_ms(), source.clock());
    let value = source.take();
    match ctx.data.entry(to) {
        Entry::Occupied(mut entry) => {
            value.put(|value| entry.set_value(value));
            entry.set_deadline_ms(deadline_ms);
            entry.set_clock(clock);
        }
        Entry::Vacant(entry) => {
            value.put(|value| entry.insert(value, deadline_ms, clock));
        }
    }
    ctx.data.dirty += 1;
    Ok(true)
}

fn rename(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    go(ctx, args[1], args[2], true)?;
    ctx.reply.ok();
    Ok(())
}

fn renamenx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let done = go(ctx, args[1], args[2], false)?;
    ctx.reply.integer(i64::from(done));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check, check_effects};

    #[test]
    fn names() {
        check(&[
            ("RENAME none x", "-ERR no such key"),
            ("RENAME none none", "-ERR no such key"),
            ("RENAMENX none none", "-ERR no such key"),
            ("SET k v", "+OK"),
            ("RENAME k k", "+OK"),
            ("RENAMENX k k", ":0"),
            ("SET j w", "+OK"),
            ("RENAMENX k j", ":0"),
            ("RENAME k j", "+OK"),
            ("GET j", "$1 v"),
            ("EXISTS k", ":0"),
            ("RENAMENX j new", ":1"),
            ("GET new", "$1 v"),
        ]);
    }

    #[test]
    fn the_deadline_and_the_clock_go_along() {
        check(&[
            ("SET k 1", "+OK"),
            (
                "RESTORE a 33177117420500 \"\\x00\\xc0\\x01\\n\\x00&x\\xe7\\xb6\\xd1\\x01\\x11\\xfc\" ABSTTL",
                "+OK",
            ),
            ("RENAME a b", "+OK"),
            ("PEXPIRETIME b", ":33177117420500"),
            ("SET eternal v", "+OK"),
            ("RENAME eternal b", "+OK"),
            ("PTTL b", ":-1"),
            ("SET mortal v EX 100", "+OK"),
            ("RENAME mortal b", "+OK"),
            ("TTL b", ":100"),
            ("SET gone v PXAT 1", "+OK"),
            ("RENAMENX b gone", ":1"),
            ("RENAME b x", "-ERR no such key"),
        ]);
    }

    #[test]
    fn a_large_value_moves() {
        let server = Server::start();
        let mut client = server.connect();
        let long = vec![b'x'; 300_000];
        client.send_args(&[b"SET", b"a", &long]);
        assert_eq!(client.reply(), "+OK");
        for (from, to) in [(&b"a"[..], &b"b"[..]), (b"b", b"c"), (b"c", b"c"), (b"c", b"a")] {
            client.send_args(&[b"RENAME", from, to]);
            assert_eq!(client.reply(), "+OK");
        }
        client.send("GET a");
        assert_eq!(client.reply().len(), "$300000 ".len() + 300_000);
    }

    #[test]
    fn effects() {
        check_effects(&[
            ("SET k v", "SELECT 0;SET k v"),
            ("RENAME k k", ""),
            ("RENAME k j", "RENAME k j"),
            ("RENAMENX j i", "RENAMENX j i"),
        ]);
    }
}
