//! HGET, HMGET, HEXISTS, HLEN, HSTRLEN: look at fields by name, and count them.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec, Reply};
use value::packed::Element;

use super::{FIELD, live};

/// What the declarations share.
const READING: Command = Command {
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    arguments: &[Argument::key(), FIELD],
    ..Command::DEFAULT
};

const DOCS: Docs = Docs { since: "2.0.0", group: Group::Hash, complexity: "O(1)", ..Docs::NONE };

/// `HGET key field`
pub static HGET: Command = Command {
    name: "hget",
    member: 2,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs { summary: "Returns a field's value.", ..DOCS },
    execute: |ctx, args| {
        let value = live::read(&mut ctx.data, args[1])?.and_then(|hash| hash.get(args[2]));
        element_or_null(&mut ctx.reply, value);
        Ok(())
    },
    ..READING
};

/// `HMGET key field [field ...]`
pub static HMGET: Command = Command {
    name: "hmget",
    member: 2,
    arity: -3,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs { summary: "Returns the values of fields.", complexity: "O(N) for N fields", ..DOCS },
    arguments: &[Argument::key(), FIELD.multiple()],
    execute: |ctx, args| {
        let hash = live::read(&mut ctx.data, args[1])?;
        let fields = &args[2..];
        ctx.reply.write().array(fields.len());
        for field in fields {
            element_or_null(&mut ctx.reply, hash.and_then(|hash| hash.get(field)));
        }
        Ok(())
    },
    ..READING
};

/// `HEXISTS key field`
pub static HEXISTS: Command = Command {
    name: "hexists",
    member: 2,
    docs: Docs { summary: "Tells whether a hash has a field.", ..DOCS },
    execute: |ctx, args| number(ctx, args, |value| i64::from(value.is_some())),
    ..READING
};

/// `HLEN key`
pub static HLEN: Command = Command {
    name: "hlen",
    arity: 2,
    docs: Docs { summary: "Counts the fields of a hash.", ..DOCS },
    arguments: &[Argument::key()],
    execute: |ctx, args| {
        let len = live::read(&mut ctx.data, args[1])?.map_or(0, |hash| hash.len());
        ctx.reply.integer(len as i64);
        Ok(())
    },
    ..READING
};

/// `HSTRLEN key field`
pub static HSTRLEN: Command = Command {
    name: "hstrlen",
    member: 2,
    docs: Docs { summary: "Returns the length of a field's value.", since: "3.2.0", ..DOCS },
    execute: |ctx, args| number(ctx, args, |value| value.map_or(0, |value| value.len() as i64)),
    ..READING
};

/// Replies with a number that follows from the value of the field `args[2]`.
fn number(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    of: impl FnOnce(Option<Element<'_>>) -> i64,
) -> Result<(), Error> {
    let value = live::read(&mut ctx.data, args[1])?.and_then(|hash| hash.get(args[2]));
    ctx.reply.integer(of(value));
    Ok(())
}

/// A text as a bulk string.
pub(super) fn element(reply: &mut Reply<'_>, element: Element<'_>) {
    match element {
        Element::Int(number) => reply.write().bulk_integer(number),
        Element::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// A text as a bulk string, or the absent value.
pub(super) fn element_or_null(reply: &mut Reply<'_>, value: Option<Element<'_>>) {
    match value {
        Some(value) => element(reply, value),
        None => reply.null(),
    }
}
