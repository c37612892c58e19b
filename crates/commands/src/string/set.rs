//! SET: gives a key a string.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Deadline, Docs, Error, Flags, Group, KeyFlags,
    KeySpec,
};
use keyspace::Entry;
use value::string::StrRef;

use crate::string::Lifetime;
use crate::string::comparison::Comparison;

/// `SET key value [NX | XX | IFEQ value | IFNE value | IFDEQ digest | IFDNE digest] [GET]
/// [EX s | PX ms | EXAT unix-s | PXAT unix-ms | KEEPTTL]`
pub static SET: Command = Command {
    name: "set",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::STRING,
    keys: &[KeySpec {
        notes: Some("RW and ACCESS only with GET or a comparison"),
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
            ("8.4.0", "IFNE, IFDEQ and IFDNE."),
        ],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("value", ArgumentKind::String),
        Argument::one_of(
            "condition",
            &[
                Argument::token("nx", "NX").since("2.6.12"),
                Argument::token("xx", "XX").since("2.6.12"),
                Argument::new("comparison-value", ArgumentKind::String).after("IFEQ").since("8.1.0"),
                Argument::new("ifne-value", ArgumentKind::String).after("IFNE").since("8.4.0"),
                Argument::new("ifdeq-digest", ArgumentKind::String).after("IFDEQ").since("8.4.0"),
                Argument::new("ifdne-digest", ArgumentKind::String).after("IFDNE").since("8.4.0"),
            ],
        )
        .optional(),
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
    Compares(Comparison<'a>),
}

impl Condition<'_> {
    /// Whether `other` may stand behind it: NX and XX bear repeating, nothing else is combined.
    fn admits(&self, other: &Condition<'_>) -> bool {
        matches!(
            (self, other),
            (Condition::Always, _)
                | (Condition::Absent, Condition::Absent)
                | (Condition::Present, Condition::Present)
        )
    }

    /// Whether to write, given what the key holds.
    fn holds(&self, found: Option<StrRef<'_>>) -> Result<bool, Error> {
        Ok(match (self, found) {
            (Condition::Always, _) | (Condition::Absent, None) | (Condition::Present, Some(_)) => true,
            (Condition::Absent, Some(_)) | (Condition::Present, None) => false,
            (Condition::Compares(comparison), None) => comparison.holds_for_nothing(),
            (Condition::Compares(comparison), Some(value)) => comparison.holds(value)?,
        })
    }
}

/// A parsed request.
struct Set<'a> {
    key: &'a [u8],
    value: &'a [u8],
    condition: Condition<'a>,
    get: bool,
    lifetime: Lifetime<'a>,
}

impl<'a> Set<'a> {
    fn parse(args: Args<'a>) -> Result<Set<'a>, Error> {
        let mut set = Set {
            key: args[1],
            value: args[2],
            condition: Condition::Always,
            get: false,
            lifetime: Lifetime::Unlimited,
        };
        let mut rest = args[3..].iter();
        while let Some(&word) = rest.next() {
            let condition = if word.eq_ignore_ascii_case(b"NX") {
                Condition::Absent
            } else if word.eq_ignore_ascii_case(b"XX") {
                Condition::Present
            } else if let Some(comparison) = Comparison::word(word) {
                Condition::Compares(comparison.with(rest.next().ok_or(Error::SYNTAX)?))
            } else if word.eq_ignore_ascii_case(b"GET") {
                set.get = true;
                continue;
            } else {
                set.lifetime = set.lifetime.take(word, &mut rest)?;
                continue;
            };
            if !set.condition.admits(&condition) {
                return Err(Error::SYNTAX);
            }
            set.condition = condition;
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
    let deadline = set.lifetime.deadline(ctx.data.now_ms, "set")?;
    let go = if set.get {
        let found = ctx.data.read_string(set.key)?;
        let go = set.condition.holds(found)?;
        ctx.reply.string_or_null(found);
        go
    } else {
        match set.condition {
            Condition::Always => true,
            Condition::Absent => !ctx.data.exists(set.key),
            Condition::Present => ctx.data.exists(set.key),
            // A look that counts as neither hit nor miss.
            Condition::Compares(_) => match ctx.data.write_string(set.key)? {
                Entry::Occupied(entry) => set.condition.holds(entry.value().string())?,
                Entry::Vacant(_) => set.condition.holds(None)?,
            },
        }
    };
    if go {
        ctx.data.set_string(set.key, set.value, deadline);
        propagate(ctx, &set, deadline);
    }
    match (set.get, go) {
        (true, _) => {}
        (false, true) => ctx.reply.ok(),
        (false, false) => ctx.reply.null(),
    }
    Ok(())
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
    use crate::testing::{Server, check};

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
            ("SET k v IFEQ z NX", "-ERR syntax error"),
            ("SET k v XX IFEQ z", "-ERR syntax error"),
            ("SET k v IFEQ z IFEQ z", "-ERR syntax error"),
            ("SET k v nx NX get GET keepttl KEEPTTL", "$1 z"),
            ("SET k z IFEQ q GET", "$1 z"),
            ("SET gone z IFEQ q GET", "$-1"),
            ("GET gone", "$-1"),
            ("SET k v IFEQ", "-ERR syntax error"),
            ("SET k v BOGUS", "-ERR syntax error"),
        ]);
    }

    #[test]
    fn comparisons_of_redis_8() {
        let digest = "-ERR must be exactly 16 hexadecimal characters";
        check(&[
            ("SET k one IFNE one", "+OK"),
            ("SET k two IFNE one", "$-1"),
            ("SET k two IFNE three", "+OK"),
            ("SET k 'Hello world' IFNE x GET", "$3 two"),
            ("SET gone x IFDEQ short", "$-1"),
            ("SET new x IFDNE short", "+OK"),
            ("SET k x IFDEQ short", digest),
            ("SET k x IFDNE short GET", digest),
            ("SET k x IFDEQ b6acb9d84a38ff75", "$-1"),
            ("SET k x IFDNE B6ACB9D84A38FF74", "$-1"),
            ("SET k x IFDEQ B6ACB9D84A38FF74", "+OK"),
            ("GET k", "$1 x"),
        ]);
    }

    #[test]
    fn only_get_counts_as_a_read() {
        let server = Server::start();
        let mut client = server.connect();
        for (request, hits, misses) in [
            ("SET a 1", 0, 0),
            ("SET a 1 NX", 0, 0),
            ("SET a 1 IFEQ 1", 0, 0),
            ("SET z 1 IFEQ 1", 0, 0),
            ("DELIFEQ a 2", 0, 0),
            ("SETNX a 1", 0, 0),
            ("APPEND a 1", 0, 0),
            ("INCR a", 0, 0),
            ("SET z 1 XX GET", 0, 1),
            ("SET a 1 IFEQ 1 GET", 1, 0),
            ("GETEX a", 1, 0),
            ("GETSET a 2", 1, 0),
            ("GETDEL z", 0, 1),
            ("LCS a z", 1, 1),
            ("MGET a z a", 2, 1),
        ] {
            let before = server.engine.totals();
            client.send(request);
            client.reply();
            let after = server.engine.totals();
            let counted = (after.hits - before.hits, after.misses - before.misses);
            assert_eq!(counted, (hits, misses), "{request}");
        }
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
