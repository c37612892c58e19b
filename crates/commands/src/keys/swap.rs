//! SWAPDB: exchanges two databases, without touching a key.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, Scope};
use value::number::parse_i64;

/// `SWAPDB index1 index2`
pub static SWAPDB: Command = Command {
    name: "swapdb",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    scope: Scope::Exclusive,
    docs: Docs {
        summary: "Exchanges two databases.",
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("index1", ArgumentKind::Integer),
        Argument::new("index2", ArgumentKind::Integer),
    ],
    execute: swapdb,
    ..Command::DEFAULT
};

fn swapdb(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    const FIRST: Error = Error::fixed("ERR invalid first DB index");
    const SECOND: Error = Error::fixed("ERR invalid second DB index");
    let number = |arg, error| parse_i64(arg).and_then(|n| i32::try_from(n).ok()).ok_or(error);
    let (a, b) = (number(args[1], FIRST)?, number(args[2], SECOND)?);
    let databases = ctx.data.keyspace().databases();
    let known = |n| u32::try_from(n).ok().filter(|&n| n < databases).ok_or(Error::DB_OUT_OF_RANGE);
    let (a, b) = (known(a)?, known(b)?);
    ctx.data.access().swap_databases(a, b);
    ctx.data.dirty += 1;
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_effects};

    #[test]
    fn swaps() {
        check(&[
            ("SET a 1", "+OK"),
            ("SWAPDB 0 x", "-ERR invalid second DB index"),
            ("SWAPDB x 0", "-ERR invalid first DB index"),
            ("SWAPDB 0 100", "-ERR DB index is out of range"),
            ("SWAPDB -1 0", "-ERR DB index is out of range"),
            ("SWAPDB 9999999999 0", "-ERR invalid first DB index"),
            ("SWAPDB 0 0", "+OK"),
            ("SWAPDB 0 15", "+OK"),
            ("EXISTS a", ":0"),
            ("SWAPDB 15 3", "+OK"),
            ("SWAPDB 3 0", "+OK"),
            ("EXISTS a", ":1"),
        ]);
    }

    #[test]
    fn effects() {
        check_effects(&[("SWAPDB 1 2", "SELECT 0;SWAPDB 1 2"), ("SWAPDB 1 1", "SWAPDB 1 1")]);
    }
}
