//! HGETEX: returns the values of fields and changes their deadlines, all alike.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};
use value::member_leaf::NO_DEADLINE;

use super::words::{NOT_POSITIVE, deadline, fields};
use super::{FIELDS, place};
use crate::string::{DeadlineWord, MILLISECONDS, SECONDS, UNIX_MILLISECONDS, UNIX_SECONDS};

/// `HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] FIELDS numfields field [field ...]`
pub static HGETEX: Command = Command {
    name: "hgetex",
    arity: -5,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec {
        notes: Some("RW and UPDATE because it changes the TTL"),
        ..KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))
    }],
    docs: Docs {
        summary: "Returns the values of fields of a hash and changes their deadlines.",
        since: "8.0.0",
        group: Group::Hash,
        complexity: "O(N) for N fields",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::one_of(
            "expiration",
            &[SECONDS, MILLISECONDS, UNIX_SECONDS, UNIX_MILLISECONDS, Argument::token("persist", "PERSIST")],
        )
        .optional(),
        FIELDS,
    ],
    execute: hgetex,
    ..Command::DEFAULT
};

/// What becomes of the deadlines.
#[derive(Clone, Copy)]
enum Change {
    None,
    Persist,
    At(i64),
}

fn parse<'a>(args: Args<'a>, now_ms: i64) -> Result<(Change, Args<'a>), Error> {
    let (change, words) = match DeadlineWord::unit(args[2]) {
        Some(unit) => (Change::At(deadline(args[3], unit, now_ms, "hgetex")?), &args[4..]),
        None if args[2].eq_ignore_ascii_case(b"PERSIST") => (Change::Persist, &args[3..]),
        None => (Change::None, &args[2..]),
    };
    if words.len() < 2 {
        return Err(Error::wrong_arity("hgetex"));
    }
    Ok((change, fields(words, NOT_POSITIVE)?))
}

fn hgetex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (key, now_ms, protocol) = (args[1], ctx.data.now_ms, ctx.reply.protocol());
    let (change, fields, changed, replies) = place::change(ctx, key, |hash| {
        // The type first, as in Redis.
        let (change, fields) = parse(args, now_ms)?;
        let (mut changed, mut replies) = (0, Vec::new());
        for field in fields {
            let mut reply = resp::Writer { out: &mut replies, protocol };
            match hash.get(field) {
                Some(value) => reply.bulk(value.text(&mut None)),
                None => {
                    reply.null();
                    continue;
                }
            }
            match change {
                Change::None => {}
                Change::Persist => {
                    if hash.deadline(field) != Some(NO_DEADLINE) {
                        hash.set_deadline(field, NO_DEADLINE);
                        changed += 1;
                    }
                }
                Change::At(at_ms) => {
                    if at_ms <= now_ms {
                        hash.remove(field);
                    } else {
                        hash.set_deadline(field, at_ms as u64);
                    }
                    changed += 1;
                }
            }
        }
        Ok((change, fields, changed, replies))
    })?;
    if changed > 0 {
        ctx.data.dirty += changed;
        propagate(ctx, key, change, fields);
    }
    ctx.reply.write().array(fields.len());
    ctx.reply.encoded(replies);
    Ok(())
}

/// The change without the reading; fields that are not there do no harm.
fn propagate(ctx: &mut Ctx<'_>, key: &[u8], change: Change, fields: Args<'_>) {
    let count = fields.len().to_string();
    let named = [&[b"FIELDS", count.as_bytes()], fields].concat();
    let effect = match change {
        Change::None => return,
        Change::Persist => [&[b"HPERSIST", key], named.as_slice()].concat(),
        Change::At(at_ms) if at_ms <= ctx.data.now_ms => [&[b"HDEL", key], fields].concat(),
        Change::At(at_ms) => {
            let at = at_ms.to_string();
            ctx.data.effects.say(&[&[b"HPEXPIREAT", key, at.as_bytes()], named.as_slice()].concat());
            return;
        }
    };
    ctx.data.effects.say(&effect);
}
