//! COPY: a second key with the same value, also in another database. Nodes of a large value are shared until one changes.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use keyspace::Entry;

use super::database;

/// `COPY source destination [DB destination-db] [REPLACE]`
pub static COPY: Command = Command {
    name: "copy",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::KEYSPACE,
    keys: &[
        KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS)),
        KeySpec::one(2, KeyFlags::OW.and(KeyFlags::UPDATE)),
    ],
    docs: Docs {
        summary: "Copies a key.",
        since: "6.2.0",
        group: Group::Generic,
        complexity: "O(1) for large values, O(N) in the size of small ones",
        ..Docs::NONE
    },
    arguments: &[
        Argument { key_spec: Some(0), ..Argument::new("source", ArgumentKind::Key) },
        Argument { key_spec: Some(1), ..Argument::new("destination", ArgumentKind::Key) },
        Argument::new("destination-db", ArgumentKind::Integer).after("DB").optional(),
        Argument::token("replace", "REPLACE").optional(),
    ],
    execute: copy,
    ..Command::DEFAULT
};

fn copy(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (from, to) = (args[1], args[2]);
    let mut target = ctx.data.database();
    let mut replace = false;
    let mut rest = args[3..].iter();
    while let Some(word) = rest.next() {
        if word.eq_ignore_ascii_case(b"REPLACE") {
            replace = true;
        } else if word.eq_ignore_ascii_case(b"DB") {
            target = database(ctx, rest.next().ok_or(Error::SYNTAX)?)?;
        } else {
            return Err(Error::SYNTAX);
        }
    }
    if target == ctx.data.database() && from == to {
        return Err(Error::SAME_OBJECT);
    }
    let source = ctx.data.read(from).map(|entry| (entry.to_owned_value(), entry.deadline_ms));
    let Some((value, deadline_ms)) = source else {
        ctx.reply.integer(0);
        return Ok(());
    };
    let fresh = ctx.data.clock.fresh();
    let done = ctx.data.in_database(target, |data| match data.entry(to) {
        Entry::Occupied(_) if !replace => false,
        Entry::Occupied(mut entry) => {
            value.put(|value| entry.set_value(value));
            entry.set_deadline_ms(deadline_ms);
            entry.set_clock(fresh);
            true
        }
        Entry::Vacant(entry) => {
            value.put(|value| entry.insert(value, deadline_ms, fresh));
            true
        }
    });
    ctx.data.dirty += u64::from(done);
    ctx.reply.integer(i64::from(done));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check, check_effects};

    #[test]
    fn copies() {
        check(&[
            ("COPY none x", ":0"),
            ("COPY none none", "-ERR source and destination objects are the same"),
            ("SET j v EX 100", "+OK"),
            ("COPY j j DB 0", "-ERR source and destination objects are the same"),
            ("COPY j j DB 100", "-ERR DB index is out of range"),
            ("COPY j j DB -1", "-ERR DB index is out of range"),
            ("COPY j j DB x", "-ERR value is not an integer or out of range"),
            (
                "COPY j k DB 9999999999",
                "-ERR value is out of range, value must between -2147483648 and 2147483647",
            ),
            ("COPY j k DB", "-ERR syntax error"),
            ("COPY j k foo", "-ERR syntax error"),
            ("COPY j k", ":1"),
            ("TTL k", ":100"),
            ("COPY j k", ":0"),
            ("SET j w", "+OK"),
            ("COPY j k REPLACE", ":1"),
            ("GET k", "$1 w"),
            ("TTL k", ":-1"),
            ("COPY j k REPLACE DB 3 DB 4", ":1"),
            ("COPY j j DB 3", ":1"),
            ("MOVE j 3", ":0"),
            ("COPY k j DB 3", ":0"),
            ("COPY k j DB 3 REPLACE", ":1"),
        ]);
    }

    #[test]
    fn copies_of_large_values_are_independent() {
        let server = Server::start();
        let mut client = server.connect();
        let long = vec![b'x'; 300_000];
        client.send_args(&[b"SET", b"a", &long]);
        client.reply();
        for line in ["COPY a b", "COPY a c", "SET a short", "RENAME c d"] {
            client.send(line);
            client.reply();
        }
        for key in ["b", "d"] {
            client.send(&format!("GET {key}"));
            assert_eq!(client.reply().len(), "$300000 ".len() + 300_000);
        }
    }

    #[test]
    fn effects_name_the_database_of_the_session() {
        check_effects(&[
            ("SET k v", "SELECT 0;SET k v"),
            ("COPY k k DB 3", "COPY k k DB 3"),
            ("COPY k k DB 3", ""),
            ("PEXPIRE k 1", "?"),
        ]);
    }

    #[test]
    fn a_key_expired_in_the_other_database_is_deleted_there() {
        let mut script = vec![
            ("DEBUG SET-ACTIVE-EXPIRE 0", ""),
            ("SET k v PXAT 1", "SELECT 0;SET k v PXAT 1"),
            ("SWAPDB 0 3", "SWAPDB 0 3"),
            ("SET k w", "SET k w"),
        ];
        script.push(("COPY k k DB 3", "MULTI;SELECT 3;DEL k;SELECT 0;COPY k k DB 3;EXEC"));
        check_effects(&script);
    }
}
