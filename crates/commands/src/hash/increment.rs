//! HINCRBY, HINCRBYFLOAT: count on a field that reads as a number. Its deadline stays.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::member_leaf::NO_DEADLINE;
use value::number::{IntText, LongDouble, parse_i64};
use value::packed::Element;

use super::{FIELD, place};
use crate::number::integer;

const NOT_AN_INTEGER: Error = Error::fixed("ERR hash value is not an integer");
const NOT_A_FLOAT: Error = Error::fixed("ERR hash value is not a float");
const OVERFLOW: Error = Error::fixed("ERR increment or decrement would overflow");
const NOT_FINITE_INCREMENT: Error = Error::fixed("ERR value is NaN or Infinity");
const NOT_FINITE: Error = Error::fixed("ERR increment would produce NaN or Infinity");

/// What both declarations share.
const COUNTING: Command = Command {
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    ..Command::DEFAULT
};

/// `HINCRBY key field increment`
pub static HINCRBY: Command = Command {
    name: "hincrby",
    member: 2,
    docs: Docs {
        summary: "Adds a number to a field's integer, which is 0 if there is no field.",
        since: "2.0.0",
        group: Group::Hash,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), FIELD, Argument::new("increment", ArgumentKind::Integer)],
    execute: hincrby,
    ..COUNTING
};

/// `HINCRBYFLOAT key field increment`
pub static HINCRBYFLOAT: Command = Command {
    name: "hincrbyfloat",
    member: 2,
    docs: Docs {
        summary: "Adds a floating-point number to a field's number, which is 0 if there is no field.",
        since: "2.6.0",
        group: Group::Hash,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), FIELD, Argument::new("increment", ArgumentKind::Double)],
    execute: hincrbyfloat,
    ..COUNTING
};

fn hincrby(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (field, increment) = (args[2], integer(args[3])?);
    let sum = place::change(ctx, args[1], |hash| {
        let value = match hash.get(field) {
            None => 0,
            Some(Element::Int(value)) => value,
            Some(Element::Bytes(text)) => parse_i64(text).ok_or(NOT_AN_INTEGER)?,
        };
        let sum = value.checked_add(increment).ok_or(OVERFLOW)?;
        hash.set(field, IntText::new(sum).as_bytes(), true);
        Ok(sum)
    })?;
    ctx.data.dirty += 1;
    ctx.reply.integer(sum);
    Ok(())
}

fn hincrbyfloat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (key, field) = (args[1], args[2]);
    let increment = LongDouble::parse(args[3]).ok_or(Error::NOT_A_FLOAT)?;
    if !increment.is_finite() {
        return Err(NOT_FINITE_INCREMENT);
    }
    let mut text = Vec::new();
    let has_deadline = place::change(ctx, key, |hash| {
        let value = match hash.get(field) {
            None => LongDouble::from_i64(0),
            Some(Element::Int(value)) => LongDouble::from_i64(value),
            Some(Element::Bytes(text)) => LongDouble::parse(text).ok_or(NOT_A_FLOAT)?,
        };
        value.checked_add(increment).ok_or(NOT_FINITE)?.append_human(&mut text);
        hash.set(field, &text, true);
        Ok(hash.deadline(field) != Some(NO_DEADLINE))
    })?;
    ctx.data.dirty += 1;
    // The sum, so that nobody computes it differently. HSET would take a deadline away.
    if has_deadline {
        ctx.data.effects.say(&[b"HSETEX", key, b"KEEPTTL", b"FIELDS", b"1", field, &text]);
    } else {
        ctx.data.effects.say(&[b"HSET", key, field, &text]);
    }
    ctx.reply.bulk(&text);
    Ok(())
}
