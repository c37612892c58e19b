//! SDIFF, SDIFFSTORE: the members of the first set that none of the others has.

use engine::{Args, Command, Ctx, Docs, Error, Group};

use crate::set::members::Members;
use crate::set::operands::{Operands, READS, STORES, difference, difference_set};
use crate::set::place::{limits, store};

/// `SDIFF key [key ...]`
pub static SDIFF: Command = Command {
    name: "sdiff",
    docs: Docs {
        summary: "Answers the members of the first set that no other set has.",
        since: "1.0.0",
        group: Group::Set,
        complexity: "O(N) where N is the total number of elements in all given sets.",
        ..Docs::NONE
    },
    execute: sdiff,
    ..READS
};

/// `SDIFFSTORE destination key [key ...]`
pub static SDIFFSTORE: Command = Command {
    name: "sdiffstore",
    docs: Docs {
        summary: "Gives a key the set of the first set's members that no other set has; answers how many they are.",
        since: "1.0.0",
        group: Group::Set,
        complexity: "O(N) where N is the total number of elements in all given sets.",
        ..Docs::NONE
    },
    execute: sdiffstore,
    ..STORES
};

fn sdiff(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let operands = Operands::read(&mut ctx.data, &args[1..])?;
    ctx.data.release();
    let mut members = Members::new(ctx.reply.protocol());
    difference(&operands, &limits(ctx.config), |member| members.push(member));
    members.send_set(&mut ctx.reply);
    Ok(())
}

fn sdiffstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let operands = Operands::read(&mut ctx.data, &args[2..])?;
    let set = difference_set(&operands, &limits(ctx.config));
    store(ctx, args[1], set);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn difference() {
        const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
        check(&[
            ("SADD a 1 2 3", ":3"),
            ("SADD b 2 x", ":2"),
            ("SADD c 3", ":1"),
            ("SDIFF a b c", "*1 $1 1"),
            ("SDIFF a b", "*2 $1 1 $1 3"),
            ("SDIFF a nothing", "*3 $1 1 $1 2 $1 3"),
            ("SDIFF nothing a", "*0"),
            ("SDIFF a b a", "*0"),
            ("SDIFFSTORE d b a c", ":1"),
            ("SMEMBERS d", "*1 $1 x"),
            ("SDIFFSTORE a a c", ":2"),
            ("SMEMBERS a", "*2 $1 1 $1 2"),
            ("SDIFFSTORE a a a", ":0"),
            ("EXISTS a", ":0"),
            ("SET s v", "+OK"),
            ("SDIFF nothing s", WRONG_TYPE),
            ("SDIFFSTORE d s", WRONG_TYPE),
            ("SDIFFSTORE s b", ":2"),
            ("HELLO 3", "?"),
            ("SDIFF c nothing", "~1 $1 3"),
        ]);
    }

    /// The way of computing shows in the encoding: here members are removed from what was a listpack.
    #[test]
    fn encoding() {
        check(&[
            ("SADD a 1 2 3 4 x", ":5"),
            ("SADD b x", ":1"),
            ("SADD c y", ":1"),
            ("SDIFFSTORE d a b", ":4"),
            ("OBJECT ENCODING d", "$6 intset"),
            ("SDIFFSTORE d a b c", ":4"),
            ("OBJECT ENCODING d", "$6 intset"),
            ("SADD e z", ":1"),
            ("SADD f w", ":1"),
            ("SDIFFSTORE d a b c e f", ":4"),
            ("OBJECT ENCODING d", "$8 listpack"),
        ]);
    }
}
