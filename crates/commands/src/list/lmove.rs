//! LMOVE, RPOPLPUSH, BLMOVE and BRPOPLPUSH: take an element from one list and add it to another, or the same.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use keyspace::{Entry, ValueType};
use value::list::End;

use super::{ENDS, end, limit, place, timeout};

const KEYS: &[KeySpec] = &[
    KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
    KeySpec::one(2, KeyFlags::RW.and(KeyFlags::INSERT)),
];

const SOURCE: Argument = Argument { key_spec: Some(0), ..Argument::new("source", ArgumentKind::Key) };
const DESTINATION: Argument =
    Argument { key_spec: Some(1), ..Argument::new("destination", ArgumentKind::Key) };
const TIMEOUT: Argument = Argument::new("timeout", ArgumentKind::Double);

/// What the four declarations have in common.
const MOVE: Command = Command {
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::LIST,
    keys: KEYS,
    ..Command::DEFAULT
};

const BLOCKING: Flags = Flags::WRITE.and(Flags::DENYOOM).and(Flags::NOSCRIPT).and(Flags::BLOCKING);

const DOCS: Docs = Docs { group: Group::List, complexity: "O(1)", ..Docs::NONE };

/// `LMOVE source destination LEFT | RIGHT LEFT | RIGHT`
pub static LMOVE: Command = Command {
    name: "lmove",
    arity: 5,
    docs: Docs {
        summary: "Moves an element from an end of a list to an end of another.",
        since: "6.2.0",
        ..DOCS
    },
    arguments: &[SOURCE, DESTINATION, Argument::one_of("wherefrom", ENDS), Argument::one_of("whereto", ENDS)],
    execute: |ctx, args| {
        let ends = (end(args[3])?, end(args[4])?);
        if !move_element(ctx, args, ends)? {
            ctx.reply.null();
        }
        Ok(())
    },
    ..MOVE
};

/// `RPOPLPUSH source destination`
pub static RPOPLPUSH: Command = Command {
    name: "rpoplpush",
    arity: 3,
    docs: Docs {
        summary: "Moves the last element of a list to the head of another.",
        since: "1.2.0",
        deprecated: Some(("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")),
        ..DOCS
    },
    arguments: &[SOURCE, DESTINATION],
    execute: |ctx, args| {
        if !move_element(ctx, args, (End::Tail, End::Head))? {
            ctx.reply.null();
        }
        Ok(())
    },
    ..MOVE
};

/// `BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout`
pub static BLMOVE: Command = Command {
    name: "blmove",
    arity: 6,
    flags: BLOCKING,
    docs: Docs {
        summary: "Moves an element from an end of a list to an end of another, once there is one.",
        since: "6.2.0",
        ..DOCS
    },
    arguments: &[
        SOURCE,
        DESTINATION,
        Argument::one_of("wherefrom", ENDS),
        Argument::one_of("whereto", ENDS),
        TIMEOUT,
    ],
    execute: blmove,
    ..MOVE
};

/// `BRPOPLPUSH source destination timeout`
pub static BRPOPLPUSH: Command = Command {
    name: "brpoplpush",
    arity: 4,
    flags: BLOCKING,
    docs: Docs {
        summary: "Moves the last element of a list to the head of another, once there is one.",
        since: "2.2.0",
        history: &[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")],
        deprecated: Some(("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")),
        ..DOCS
    },
    arguments: &[SOURCE, DESTINATION, TIMEOUT],
    execute: brpoplpush,
    ..MOVE
};

fn blmove(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let ends = (end(args[3])?, end(args[4])?);
    timeout::deadline_ms(args[5], ctx.data.now_ms)?;
    if move_element(ctx, args, ends)? {
        ctx.data.effects.say(&[b"LMOVE", args[1], args[2], args[3], args[4]]);
    } else {
        ctx.reply.write().null_array();
    }
    Ok(())
}

fn brpoplpush(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    timeout::deadline_ms(args[3], ctx.data.now_ms)?;
    if move_element(ctx, args, (End::Tail, End::Head))? {
        ctx.data.effects.say(&[b"RPOPLPUSH", args[1], args[2]]);
    } else {
        ctx.reply.write().null_array();
    }
    Ok(())
}

/// Moves an element from the list at the first argument to that at the second and answers it. False, and no reply, if there is none.
fn move_element(ctx: &mut Ctx<'_>, args: Args<'_>, ends: (End, End)) -> Result<bool, Error> {
    let (source, destination, limit) = (args[1], args[2], limit(ctx));
    if place::find(&mut ctx.data, source, limit)?.is_none() {
        return Ok(false);
    }
    if source != destination
        && let Entry::Occupied(entry) = ctx.data.write(destination)
        && entry.value().value_type() != ValueType::List
    {
        return Err(Error::WRONG_TYPE);
    }
    let Some(mut list) = place::find(&mut ctx.data, source, limit)? else { return Ok(false) };
    let Some(text) = list.pop(ends.0, |element| element.to_vec()) else { return Ok(false) };
    if source == destination {
        list.push(ends.1, &[&text]);
        list.settle();
    } else {
        list.settle();
        place::push(&mut ctx.data, destination, limit, ends.1, &[&text])?;
    }
    ctx.data.dirty += 1;
    ctx.reply.bulk(&text);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

    #[test]
    fn moves() {
        check(&[
            ("LMOVE a b LEFT LEFT", "$-1"),
            ("RPUSH a 1 2 3 4", ":4"),
            ("LMOVE a b LEFT RIGHT", "$1 1"),
            ("LMOVE a b right left", "$1 4"),
            ("RPOPLPUSH a b", "$1 3"),
            ("LRANGE b 0 -1", "*3 $1 3 $1 4 $1 1"),
            ("LMOVE b b LEFT RIGHT", "$1 3"),
            ("RPOPLPUSH b b", "$1 3"),
            ("LMOVE b b LEFT LEFT", "$1 3"),
            ("LRANGE b 0 -1", "*3 $1 3 $1 4 $1 1"),
            ("LMOVE a b LEFT LEFT", "$1 2"),
            ("EXISTS a", ":0"),
            ("RPUSH a x", ":1"),
            ("RPOPLPUSH a a", "$1 x"),
            ("LRANGE a 0 -1", "*1 $1 x"),
        ]);
    }

    #[test]
    fn blocking_forms() {
        check(&[
            ("BLMOVE a b LEFT LEFT 0.001", "*-1"),
            ("BRPOPLPUSH a b 0.001", "*-1"),
            ("RPUSH a 1 2 3", ":3"),
            ("BLMOVE a b LEFT RIGHT 0", "$1 1"),
            ("BRPOPLPUSH a b 0", "$1 3"),
            ("LRANGE b 0 -1", "*2 $1 3 $1 1"),
            ("BLMOVE a b LEFT FOO x", "-ERR syntax error"),
            ("BLMOVE a b LEFT RIGHT x", "-ERR timeout is not a float or out of range"),
            ("BRPOPLPUSH a b -1", "-ERR timeout is negative"),
        ]);
    }

    #[test]
    fn errors() {
        check(&[
            ("LMOVE a b FOO LEFT", "-ERR syntax error"),
            ("LMOVE a b LEFT FOO", "-ERR syntax error"),
            ("SET s v", "+OK"),
            ("LMOVE none s LEFT LEFT", "$-1"),
            ("LMOVE s none LEFT LEFT", WRONG_TYPE),
            ("RPUSH a 1", ":1"),
            ("LMOVE a s LEFT LEFT", WRONG_TYPE),
            ("RPOPLPUSH a s", WRONG_TYPE),
            ("BRPOPLPUSH a s 0", WRONG_TYPE),
            ("LRANGE a 0 -1", "*1 $1 1"),
            ("RPOPLPUSH a", "-ERR wrong number of arguments for 'rpoplpush' command"),
        ]);
    }
}
