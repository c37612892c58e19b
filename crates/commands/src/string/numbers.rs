//! INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT: counting on a string that reads as a number.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use keyspace::{Entry, NewValue};
use value::number::{LongDouble, parse_i64};
use value::string::StrRef;

use crate::number::integer;

const OVERFLOW: Error = Error::fixed("ERR increment or decrement would overflow");
const DECREMENT_OVERFLOW: Error = Error::fixed("ERR decrement would overflow");
const NOT_FINITE: Error = Error::fixed("ERR increment would produce NaN or Infinity");

/// Longest text that can be a 64-bit integer.
const INTEGER_LEN_MAX: u64 = 20;

/// No longer text parses as a float; a value over it is not even looked at.
const FLOAT_LEN_MAX: u64 = 5 * 1024;

/// What the five declarations share.
const COUNTING: Command = Command {
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    ..Command::DEFAULT
};

const DOCS: Docs = Docs { since: "1.0.0", group: Group::String, complexity: "O(1)", ..Docs::NONE };

/// `INCR key`
pub static INCR: Command = Command {
    name: "incr",
    arity: 2,
    docs: Docs { summary: "Adds one to a key's integer, which is 0 if there is no key.", ..DOCS },
    arguments: &[Argument::key()],
    execute: |ctx, args| add(ctx, args[1], 1),
    ..COUNTING
};

/// `DECR key`
pub static DECR: Command = Command {
    name: "decr",
    arity: 2,
    docs: Docs { summary: "Takes one from a key's integer, which is 0 if there is no key.", ..DOCS },
    arguments: &[Argument::key()],
    execute: |ctx, args| add(ctx, args[1], -1),
    ..COUNTING
};

/// `INCRBY key increment`
pub static INCRBY: Command = Command {
    name: "incrby",
    arity: 3,
    docs: Docs { summary: "Adds a number to a key's integer, which is 0 if there is no key.", ..DOCS },
    arguments: &[Argument::key(), Argument::new("increment", ArgumentKind::Integer)],
    execute: |ctx, args| add(ctx, args[1], integer(args[2])?),
    ..COUNTING
};

/// `DECRBY key decrement`
pub static DECRBY: Command = Command {
    name: "decrby",
    arity: 3,
    docs: Docs { summary: "Takes a number from a key's integer, which is 0 if there is no key.", ..DOCS },
    arguments: &[Argument::key(), Argument::new("decrement", ArgumentKind::Integer)],
    execute: |ctx, args| {
        let decrement = integer(args[2])?;
        add(ctx, args[1], decrement.checked_neg().ok_or(DECREMENT_OVERFLOW)?)
    },
    ..COUNTING
};

/// `INCRBYFLOAT key increment`
pub static INCRBYFLOAT: Command = Command {
    name: "incrbyfloat",
    arity: 3,
    docs: Docs {
        summary: "Adds a floating-point number to a key's number, which is 0 if there is no key.",
        since: "2.6.0",
        ..DOCS
    },
    arguments: &[Argument::key(), Argument::new("increment", ArgumentKind::Double)],
    execute: incrbyfloat,
    ..COUNTING
};

fn add(ctx: &mut Ctx<'_>, key: &[u8], increment: i64) -> Result<(), Error> {
    let fresh = ctx.data.clock.fresh();
    let sum = match ctx.data.write_string(key)? {
        Entry::Vacant(entry) => {
            entry.insert(NewValue::Int(increment), None, fresh);
            increment
        }
        Entry::Occupied(mut entry) => {
            let value = entry.value().string().and_then(integer_of).ok_or(Error::NOT_AN_INTEGER)?;
            let sum = value.checked_add(increment).ok_or(OVERFLOW)?;
            entry.set_value(NewValue::Int(sum));
            sum
        }
    };
    ctx.data.dirty += 1;
    ctx.reply.integer(sum);
    Ok(())
}

/// The integer that a string reads as.
fn integer_of(value: StrRef<'_>) -> Option<i64> {
    match value {
        StrRef::Int(number) => Some(number),
        _ if value.len() > INTEGER_LEN_MAX => None,
        _ => parse_i64(&value.to_cow()),
    }
}

/// The number that a string reads as. Infinities are numbers here; the sum is refused.
fn number_of(value: StrRef<'_>) -> Option<LongDouble> {
    match value {
        StrRef::Int(number) => Some(LongDouble::from_i64(number)),
        _ if value.len() > FLOAT_LEN_MAX => None,
        _ => LongDouble::parse(&value.to_cow()),
    }
}

fn incrbyfloat(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (key, increment) = (args[1], args[2]);
    let fresh = ctx.data.clock.fresh();
    let parse = || LongDouble::parse(increment).ok_or(Error::NOT_A_FLOAT);
    let mut text = Vec::new();
    match ctx.data.write_string(key)? {
        Entry::Vacant(entry) => {
            let sum = LongDouble::from_i64(0).checked_add(parse()?).ok_or(NOT_FINITE)?;
            sum.append_human(&mut text);
            entry.insert(NewValue::Bytes(&text), None, fresh);
        }
        Entry::Occupied(mut entry) => {
            let value = entry.value().string().and_then(number_of).ok_or(Error::NOT_A_FLOAT)?;
            let sum = value.checked_add(parse()?).ok_or(NOT_FINITE)?;
            sum.append_human(&mut text);
            // Not as an integer, even if it is one: so Redis keeps it.
            entry.set_value(NewValue::Bytes(&text));
        }
    }
    ctx.data.dirty += 1;
    // The sum, so that nobody computes it differently.
    ctx.data.effects.say(&[b"SET", key, &text, b"KEEPTTL"]);
    ctx.reply.bulk(&text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn integers() {
        check(&[
            ("INCR n", ":1"),
            ("INCRBY n 9223372036854775806", ":9223372036854775807"),
            ("INCR n", "-ERR increment or decrement would overflow"),
            ("DECRBY n -1", "-ERR increment or decrement would overflow"),
            ("DECRBY n 9223372036854775807", ":0"),
            ("DECR n", ":-1"),
            ("DECRBY n -9223372036854775808", "-ERR decrement would overflow"),
            ("INCRBY n -9223372036854775808", "-ERR increment or decrement would overflow"),
            ("INCRBY n x", "-ERR value is not an integer or out of range"),
            ("INCRBY n 9223372036854775808", "-ERR value is not an integer or out of range"),
            ("DECRBY nothing 3", ":-3"),
            ("GET nothing", "$2 -3"),
            ("INCR", "-ERR wrong number of arguments for 'incr' command"),
            ("INCRBY n", "-ERR wrong number of arguments for 'incrby' command"),
        ]);
    }

    #[test]
    fn only_a_strictly_spelled_integer_counts() {
        for text in ["''", "' 1'", "'1 '", "+1", "01", "-0", "1.0", "1a", "9223372036854775808", "-", "x"] {
            check(&[
                (&format!("SET k {text}"), "+OK"),
                ("INCR k", "-ERR value is not an integer or out of range"),
            ]);
        }
        // One that was put together reads as a number too.
        check(&[
            ("APPEND k 1", ":1"),
            ("APPEND k 2", ":2"),
            ("INCR k", ":13"),
            ("SETRANGE k 3 7", ":4"),
            ("INCR k", "-ERR value is not an integer or out of range"),
        ]);
    }

    #[test]
    fn a_deadline_stays() {
        check(&[("SET n 1 PXAT 99999999999999", "+OK"), ("INCR n", ":2"), ("INCRBYFLOAT n 1.5", "$3 3.5")]);
    }

    #[test]
    fn floats() {
        check(&[
            ("SET f 10.50", "+OK"),
            ("INCRBYFLOAT f 0.1", "$4 10.6"),
            ("INCRBYFLOAT f -5", "$3 5.6"),
            ("SET f 5.0e3", "+OK"),
            ("INCRBYFLOAT f 2.0e2", "$4 5200"),
            ("GET f", "$4 5200"),
            ("INCR f", ":5201"),
            ("INCRBYFLOAT f x", "-ERR value is not a valid float"),
            ("INCRBYFLOAT f nan", "-ERR value is not a valid float"),
            ("INCRBYFLOAT f ' 1'", "-ERR value is not a valid float"),
            ("INCRBYFLOAT f -inf", "-ERR increment would produce NaN or Infinity"),
            ("INCRBYFLOAT none inf", "-ERR increment would produce NaN or Infinity"),
            ("GET none", "$-1"),
            ("INCRBYFLOAT none 3", "$1 3"),
            ("SET f foo", "+OK"),
            ("INCRBYFLOAT f 1", "-ERR value is not a valid float"),
            ("SET f 9223372036854775807", "+OK"),
            ("INCRBYFLOAT f 1", "$19 9223372036854775808"),
        ]);
    }
}
