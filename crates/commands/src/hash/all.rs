//! HGETALL, HKEYS, HVALS: everything that a hash has.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};

use super::get::element;
use super::live;

/// What the declarations share.
const SHOWING: Command = Command {
    arity: 2,
    flags: Flags::READONLY,
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key()],
    tips: &["nondeterministic_output_order"],
    ..Command::DEFAULT
};

const DOCS: Docs = Docs { since: "2.0.0", group: Group::Hash, complexity: "O(N) for N fields", ..Docs::NONE };

/// `HGETALL key`
pub static HGETALL: Command = Command {
    name: "hgetall",
    docs: Docs { summary: "Returns all fields of a hash with their values.", ..DOCS },
    execute: |ctx, args| show(ctx, args, true, true),
    ..SHOWING
};

/// `HKEYS key`
pub static HKEYS: Command = Command {
    name: "hkeys",
    docs: Docs { summary: "Returns all fields of a hash.", ..DOCS },
    execute: |ctx, args| show(ctx, args, true, false),
    ..SHOWING
};

/// `HVALS key`
pub static HVALS: Command = Command {
    name: "hvals",
    docs: Docs { summary: "Returns all values of a hash.", ..DOCS },
    execute: |ctx, args| show(ctx, args, false, true),
    ..SHOWING
};

fn show(ctx: &mut Ctx<'_>, args: Args<'_>, fields: bool, values: bool) -> Result<(), Error> {
    live::read_whole(ctx, args[1], |reply, hash| {
        let len = hash.map_or(0, |hash| hash.len()) as usize;
        if fields && values {
            reply.write().map(len);
        } else {
            reply.write().array(len);
        }
        for entry in hash.into_iter().flat_map(|hash| hash.iter()) {
            if fields {
                element(reply, entry.field);
            }
            if values {
                element(reply, entry.value);
            }
        }
    })
}
