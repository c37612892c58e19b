//! HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME, HPERSIST: look at the deadlines of fields, or take them away.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};
use value::member_leaf::NO_DEADLINE;

use super::words::{NOT_POSITIVE, fields};
use super::{FIELDS, live, place};
use crate::string::Unit;

/// There is no such field, or no hash at all.
const NO_FIELD: i64 = -2;

/// The field has no deadline.
const NO_TTL: i64 = -1;

/// What the four that look share.
const LOOKING: Command = Command {
    arity: -5,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key(), FIELDS],
    ..Command::DEFAULT
};

const DOCS: Docs = Docs { since: "7.4.0", group: Group::Hash, complexity: "O(N) for N fields", ..Docs::NONE };

/// `HTTL key FIELDS numfields field [field ...]`
pub static HTTL: Command = Command {
    name: "httl",
    docs: Docs { summary: "Returns how many seconds fields of a hash have left.", ..DOCS },
    tips: &["nondeterministic_output"],
    execute: |ctx, args| look(ctx, args, Unit { seconds: true, absolute: false }),
    ..LOOKING
};

/// `HPTTL key FIELDS numfields field [field ...]`
pub static HPTTL: Command = Command {
    name: "hpttl",
    docs: Docs { summary: "Returns how many milliseconds fields of a hash have left.", ..DOCS },
    tips: &["nondeterministic_output"],
    execute: |ctx, args| look(ctx, args, Unit { seconds: false, absolute: false }),
    ..LOOKING
};

/// `HEXPIRETIME key FIELDS numfields field [field ...]`
pub static HEXPIRETIME: Command = Command {
    name: "hexpiretime",
    docs: Docs { summary: "Returns the deadlines of fields of a hash as Unix times in seconds.", ..DOCS },
    execute: |ctx, args| look(ctx, args, Unit { seconds: true, absolute: true }),
    ..LOOKING
};

/// `HPEXPIRETIME key FIELDS numfields field [field ...]`
pub static HPEXPIRETIME: Command = Command {
    name: "hpexpiretime",
    docs: Docs {
        summary: "Returns the deadlines of fields of a hash as Unix times in milliseconds.",
        ..DOCS
    },
    execute: |ctx, args| look(ctx, args, Unit { seconds: false, absolute: true }),
    ..LOOKING
};

/// `HPERSIST key FIELDS numfields field [field ...]`
pub static HPERSIST: Command = Command {
    name: "hpersist",
    arity: -5,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs { summary: "Takes the deadlines of fields of a hash away.", ..DOCS },
    arguments: &[Argument::key(), FIELDS],
    execute: persist,
    ..Command::DEFAULT
};

fn look(ctx: &mut Ctx<'_>, args: Args<'_>, unit: Unit) -> Result<(), Error> {
    let now_ms = ctx.data.now_ms;
    // The type first, as in Redis.
    let hash = live::read(&mut ctx.data, args[1])?;
    let fields = fields(&args[2..], NOT_POSITIVE)?;
    let mut reply = ctx.reply.write();
    reply.array(fields.len());
    for field in fields {
        reply.integer(match hash.and_then(|hash| hash.deadline(field)) {
            None => NO_FIELD,
            Some(NO_DEADLINE) => NO_TTL,
            Some(deadline) => {
                let ms = deadline as i64 - if unit.absolute { 0 } else { now_ms };
                // Rounded up, unlike TTL of a key.
                if unit.seconds { ms.saturating_add(999) / 1000 } else { ms }
            }
        });
    }
    Ok(())
}

fn persist(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let results = place::change(ctx, args[1], |hash| {
        let fields = fields(&args[2..], NOT_POSITIVE)?;
        let results = fields.iter().map(|field| match hash.deadline(field) {
            None => NO_FIELD,
            Some(NO_DEADLINE) => NO_TTL,
            Some(_) => {
                hash.set_deadline(field, NO_DEADLINE);
                1
            }
        });
        Ok(results.collect::<Vec<i64>>())
    })?;
    ctx.data.dirty += results.iter().filter(|result| **result == 1).count() as u64;
    integers(ctx, &results);
    Ok(())
}

/// Replies with an array of integers.
pub(super) fn integers(ctx: &mut Ctx<'_>, numbers: &[i64]) {
    let mut reply = ctx.reply.write();
    reply.array(numbers.len());
    numbers.iter().for_each(|number| reply.integer(*number));
}
