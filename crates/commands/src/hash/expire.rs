//! HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT: give fields a deadline. One that has passed deletes the field.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::member_leaf::NO_DEADLINE;

use super::ttl::integers;
use super::words::{deadline, fields};
use super::{FIELDS, place};
use crate::string::Unit;

const NOT_POSITIVE: Error = Error::fixed("ERR Parameter `numFields` should be greater than 0");

const CONDITION: Argument = Argument::one_of(
    "condition",
    &[
        Argument::token("nx", "NX"),
        Argument::token("xx", "XX"),
        Argument::token("gt", "GT"),
        Argument::token("lt", "LT"),
    ],
)
.optional();

/// What the declarations share.
const EXPIRING: Command = Command {
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    ..Command::DEFAULT
};

const DOCS: Docs = Docs { since: "7.4.0", group: Group::Hash, complexity: "O(N) for N fields", ..Docs::NONE };

/// `HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub static HEXPIRE: Command = Command {
    name: "hexpire",
    docs: Docs { summary: "Gives fields of a hash a deadline, so many seconds from now.", ..DOCS },
    arguments: &[Argument::key(), Argument::new("seconds", ArgumentKind::Integer), CONDITION, FIELDS],
    execute: |ctx, args| expire(ctx, args, Unit { seconds: true, absolute: false }, "hexpire"),
    ..EXPIRING
};

/// `HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub static HPEXPIRE: Command = Command {
    name: "hpexpire",
    docs: Docs { summary: "Gives fields of a hash a deadline, so many milliseconds from now.", ..DOCS },
    arguments: &[Argument::key(), Argument::new("milliseconds", ArgumentKind::Integer), CONDITION, FIELDS],
    execute: |ctx, args| expire(ctx, args, Unit { seconds: false, absolute: false }, "hpexpire"),
    ..EXPIRING
};

/// `HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub static HEXPIREAT: Command = Command {
    name: "hexpireat",
    docs: Docs { summary: "Gives fields of a hash a deadline at a Unix time in seconds.", ..DOCS },
    arguments: &[
        Argument::key(),
        Argument::new("unix-time-seconds", ArgumentKind::UnixTime),
        CONDITION,
        FIELDS,
    ],
    execute: |ctx, args| expire(ctx, args, Unit { seconds: true, absolute: true }, "hexpireat"),
    ..EXPIRING
};

/// `HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub static HPEXPIREAT: Command = Command {
    name: "hpexpireat",
    docs: Docs { summary: "Gives fields of a hash a deadline at a Unix time in milliseconds.", ..DOCS },
    arguments: &[
        Argument::key(),
        Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime),
        CONDITION,
        FIELDS,
    ],
    execute: |ctx, args| expire(ctx, args, Unit { seconds: false, absolute: true }, "hpexpireat"),
    ..EXPIRING
};

/// When to set a field's deadline, given the one that it has. Unlike those of EXPIRE they exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Absent,
    Present,
    Later,
    Earlier,
}

impl Condition {
    fn parse(word: &[u8]) -> Option<Condition> {
        Some(match word.to_ascii_uppercase().as_slice() {
            b"NX" => Condition::Absent,
            b"XX" => Condition::Present,
            b"GT" => Condition::Later,
            b"LT" => Condition::Earlier,
            _ => return None,
        })
    }

    /// A field without a deadline counts as one that lives for ever.
    fn allows(self, present: u64, deadline: u64) -> bool {
        match self {
            Condition::Absent => present == NO_DEADLINE,
            Condition::Present => present != NO_DEADLINE,
            Condition::Later => present != NO_DEADLINE && deadline > present,
            Condition::Earlier => deadline < present,
        }
    }
}

/// A parsed request.
struct Expire<'a> {
    at_ms: i64,
    condition: Option<Condition>,
    fields: Args<'a>,
}

impl<'a> Expire<'a> {
    fn parse(args: Args<'a>, now_ms: i64, unit: Unit, name: &str) -> Result<Expire<'a>, Error> {
        let at_ms = deadline(args[2], unit, now_ms, name)?;
        let condition = Condition::parse(args[3]);
        let words = &args[3 + usize::from(condition.is_some())..];
        Ok(Expire { at_ms, condition, fields: fields(words, NOT_POSITIVE)? })
    }
}

/// What became of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    NoField = -2,
    Refused = 0,
    Set = 1,
    Deleted = 2,
}

fn expire(ctx: &mut Ctx<'_>, args: Args<'_>, unit: Unit, name: &str) -> Result<(), Error> {
    let (key, now_ms) = (args[1], ctx.data.now_ms);
    let (request, outcomes) = place::change(ctx, key, |hash| {
        // The type first, as in Redis.
        let request = Expire::parse(args, now_ms, unit, name)?;
        let deadline = request.at_ms as u64;
        let outcomes = request.fields.iter().map(|field| match hash.deadline(field) {
            None => Outcome::NoField,
            Some(present) if request.condition.is_some_and(|is| !is.allows(present, deadline)) => {
                Outcome::Refused
            }
            Some(_) if request.at_ms <= now_ms => {
                hash.remove(field);
                Outcome::Deleted
            }
            Some(_) => {
                hash.set_deadline(field, deadline);
                Outcome::Set
            }
        });
        let outcomes = outcomes.collect::<Vec<_>>();
        Ok((request, outcomes))
    })?;
    let changed = |outcome: &Outcome| matches!(outcome, Outcome::Set | Outcome::Deleted);
    ctx.data.dirty += outcomes.iter().filter(|outcome| changed(outcome)).count() as u64;
    propagate(ctx, key, args, &request, &outcomes);
    integers(ctx, &outcomes.iter().map(|outcome| *outcome as i64).collect::<Vec<_>>());
    Ok(())
}

/// Deadlines are propagated as absolute ones of the fields that got them, deletions as such.
fn propagate(ctx: &mut Ctx<'_>, key: &[u8], args: Args<'_>, request: &Expire<'_>, outcomes: &[Outcome]) {
    let with = |wanted: Outcome| {
        let pairs = request.fields.iter().zip(outcomes);
        pairs.filter(move |(_, outcome)| **outcome == wanted).map(|(field, _)| *field)
    };
    let deleted: Vec<&[u8]> = with(Outcome::Deleted).collect();
    if !deleted.is_empty() {
        ctx.data.effects.say(&[&[b"HDEL", key], deleted.as_slice()].concat());
    }
    let set: Vec<&[u8]> = with(Outcome::Set).collect();
    if !set.is_empty() {
        let (at, count) = (request.at_ms.to_string(), set.len().to_string());
        let mut effect: Vec<&[u8]> = vec![b"HPEXPIREAT", key, at.as_bytes()];
        effect.extend(request.condition.map(|_| args[3]));
        effect.extend([&b"FIELDS"[..], count.as_bytes()]);
        effect.extend(set);
        ctx.data.effects.say(&effect);
    }
}
