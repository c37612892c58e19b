//! DELEX, DELIFEQ, DIGEST: removing a key that still holds what it is thought to hold.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use keyspace::Entry;
use value::string::StrRef;

use crate::string::comparison::{Comparison, digest, is_equal};

const NOT_A_STRING: Error = Error::fixed("ERR Key should be of string type if conditions are specified");
const NO_CONDITION: Error = Error::fixed("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");

/// `DELEX key [IFEQ value | IFNE value | IFDEQ digest | IFDNE digest]`
pub static DELEX: Command = Command {
    name: "delex",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE).and(KeyFlags::VARIABLE_FLAGS))],
    docs: Docs {
        summary: "Removes a key if its string, or its string's digest, compares as wanted.",
        since: "8.4.0",
        group: Group::String,
        complexity: "O(N) where N is the length of the string.",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::one_of(
            "condition",
            &[
                Argument::new("ifeq-value", ArgumentKind::String).after("IFEQ"),
                Argument::new("ifne-value", ArgumentKind::String).after("IFNE"),
                Argument::new("ifdeq-digest", ArgumentKind::String).after("IFDEQ"),
                Argument::new("ifdne-digest", ArgumentKind::String).after("IFDNE"),
            ],
        )
        .optional(),
    ],
    execute: delex,
    ..Command::DEFAULT
};

/// `DELIFEQ key value`
pub static DELIFEQ: Command = Command {
    name: "delifeq",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RM.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes a key if it holds this string.",
        since: "9.0.0",
        group: Group::String,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("value", ArgumentKind::String)],
    execute: delifeq,
    ..Command::DEFAULT
};

/// `DIGEST key`
pub static DIGEST: Command = Command {
    name: "digest",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers the XXH3 digest of a key's string in hexadecimal.",
        since: "8.4.0",
        group: Group::String,
        complexity: "O(N) where N is the length of the string.",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    execute: answer_digest,
    ..Command::DEFAULT
};

fn delex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let key = args[1];
    let go = match args {
        [_, _] => true,
        [_, _, word, operand] => match ctx.data.read_string(key).map_err(|_| NOT_A_STRING)? {
            None => false,
            Some(value) => Comparison::word(word).ok_or(NO_CONDITION)?.with(operand).holds(value)?,
        },
        _ => return Err(Error::wrong_arity("delex")),
    };
    remove_if(ctx, key, go);
    Ok(())
}

fn delifeq(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let go = match ctx.data.write_string(args[1])? {
        Entry::Occupied(entry) => entry.value().string().is_some_and(|value| is_equal(value, args[2])),
        Entry::Vacant(_) => false,
    };
    remove_if(ctx, args[1], go);
    Ok(())
}

fn remove_if(ctx: &mut Ctx<'_>, key: &[u8], go: bool) {
    let removed = go && ctx.data.remove(key);
    if removed {
        ctx.data.effects.say(&[b"DEL", key]);
    }
    ctx.reply.integer(i64::from(removed));
}

fn answer_digest(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let Some(value) = ctx.data.read_string(args[1])? else {
        ctx.reply.null();
        return Ok(());
    };
    if let StrRef::Shared(shared) = value {
        // A long one is read after others have got the key back.
        let frozen = shared.clone();
        ctx.data.release();
        ctx.reply.bulk(&digest(StrRef::Shared(&frozen)));
        return Ok(());
    }
    ctx.reply.bulk(&digest(value));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, check};

    #[test]
    fn delifeq() {
        check(&[
            ("DELIFEQ k v", ":0"),
            ("SET k v", "+OK"),
            ("DELIFEQ k w", ":0"),
            ("DELIFEQ k v", ":1"),
            ("GET k", "$-1"),
            ("SET k 12", "+OK"),
            ("DELIFEQ k 012", ":0"),
            ("DELIFEQ k 12", ":1"),
        ]);
    }

    #[test]
    fn delex() {
        let arity = "-ERR wrong number of arguments for 'delex' command";
        let short = "-ERR must be exactly 16 hexadecimal characters";
        check(&[
            ("DELEX k", ":0"),
            ("DELEX k IFEQ", arity),
            ("DELEX k IFEQ v w", arity),
            ("DELEX k IFNE v", ":0"),
            ("DELEX k BOGUS v", ":0"),
            ("SET k v", "+OK"),
            ("DELEX k BOGUS v", "-ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"),
            ("DELEX k IFEQ w", ":0"),
            ("DELEX k IFNE v", ":0"),
            ("DELEX k IFEQ v", ":1"),
            ("SET k v", "+OK"),
            ("DELEX k IFNE w", ":1"),
            ("SET k v", "+OK"),
            ("DELEX k", ":1"),
            ("SET k 'Hello world'", "+OK"),
            ("DELEX k IFDEQ b6acb9d8", short),
            ("DELEX k IFDNE b6acb9d84a38ff74", ":0"),
            ("DELEX k IFDEQ b6acb9d84a38ff75", ":0"),
            ("DELEX k IFDEQ B6ACB9D84A38FF74", ":1"),
            ("DELEX k IFDNE b6acb9d8", ":0"),
        ]);
    }

    #[test]
    fn a_long_string_is_digested_without_its_lock() {
        let server = Server::start();
        let mut client = server.connect();
        let long = b"xyz".repeat(50_000);
        client.send_args(&[b"SET", b"k", &long]);
        client.reply();
        let expected = String::from_utf8_lossy(&digest(StrRef::Bytes(&long))).into_owned();
        client.send("DIGEST k");
        assert_eq!(client.reply(), format!("$16 {expected}"));
        // The key can be locked again.
        client.send(&format!("DELEX k IFDEQ {expected}"));
        assert_eq!(client.reply(), ":1");
    }

    #[test]
    fn digests() {
        check(&[
            ("DIGEST k", "$-1"),
            ("SET k 'Hello world'", "+OK"),
            ("DIGEST k", "$16 b6acb9d84a38ff74"),
            ("SET k ''", "+OK"),
            ("DIGEST k", "$16 2d06800538d394c2"),
        ]);
    }
}
