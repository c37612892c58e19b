//! SUNION, SUNIONSTORE: the members of any of several sets.

use engine::{Args, Command, Ctx, Docs, Error, Group};

use crate::set::members::Members;
use crate::set::operands::{Operands, READS, STORES, gathered, union};
use crate::set::place::{limits, store};

/// `SUNION key [key ...]`
pub static SUNION: Command = Command {
    name: "sunion",
    docs: Docs {
        summary: "Answers the members of any of several sets.",
        since: "1.0.0",
        group: Group::Set,
        complexity: "O(N) where N is the total number of elements in all given sets.",
        ..Docs::NONE
    },
    execute: sunion,
    ..READS
};

/// `SUNIONSTORE destination key [key ...]`
pub static SUNIONSTORE: Command = Command {
    name: "sunionstore",
    docs: Docs {
        summary: "Gives a key the set of the members of any of several sets; answers how many they are.",
        since: "1.0.0",
        group: Group::Set,
        complexity: "O(N) where N is the total number of elements in all given sets.",
        ..Docs::NONE
    },
    execute: sunionstore,
    ..STORES
};

fn sunion(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let operands = Operands::read(&mut ctx.data, &args[1..])?;
    ctx.data.release();
    let mut members = Members::new(ctx.reply.protocol());
    union(&operands.present(), |member| members.push(member));
    members.send_set(&mut ctx.reply);
    Ok(())
}

fn sunionstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let operands = Operands::read(&mut ctx.data, &args[2..])?;
    let set = gathered(&operands.present(), &limits(ctx.config));
    store(ctx, args[1], set);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_effects};

    #[test]
    fn union() {
        const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
        check(&[
            ("SADD a 1 2", ":2"),
            ("SADD b 2", ":1"),
            ("SADD c 1", ":1"),
            ("SUNION a", "*2 $1 1 $1 2"),
            ("SUNION nothing b nothing b", "*1 $1 2"),
            ("SUNION nothing neither", "*0"),
            ("SUNIONSTORE d a b c nothing", ":2"),
            ("SMEMBERS d", "*2 $1 1 $1 2"),
            ("SUNIONSTORE d d", ":2"),
            ("SUNIONSTORE d nothing", ":0"),
            ("EXISTS d", ":0"),
            ("SET s v", "+OK"),
            ("SUNION a s", WRONG_TYPE),
            ("SUNION nothing s", WRONG_TYPE),
            ("SUNIONSTORE d s", WRONG_TYPE),
            ("EXPIRE s 100", ":1"),
            ("SUNIONSTORE s a", ":2"),
            ("TTL s", ":-1"),
            ("TYPE s", "+set"),
            ("HELLO 3", "?"),
            ("SUNION b b", "~1 $1 2"),
            ("SUNION nothing", "~0"),
        ]);
    }

    #[test]
    fn effects() {
        check_effects(&[
            ("SADD a 1 2", "SELECT 0;SADD a 1 2"),
            ("SUNIONSTORE d nothing", ""),
            ("SUNIONSTORE d a", "SUNIONSTORE d a"),
            ("SUNIONSTORE d nothing", "SUNIONSTORE d nothing"),
        ]);
    }
}
