//! MOVE: a key to another database. The value moves; a large one is not copied.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use keyspace::Entry;

use super::database;

/// `MOVE key db`
pub static MOVE: Command = Command {
    name: "move",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Moves a key to another database.",
        since: "1.0.0",
        group: Group::Generic,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("db", ArgumentKind::Integer)],
    execute: move_key,
    ..Command::DEFAULT
};

fn move_key(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let key = args[1];
    let target = database(ctx, args[2])?;
    if target == ctx.data.database() {
        return Err(Error::SAME_OBJECT);
    }
    let done = ctx.data.occupied(key).is_some()
        && !ctx.data.in_database(target, |data| data.exists(key))
        && carry(ctx, key, target);
    ctx.data.dirty += u64::from(done);
    ctx.reply.integer(i64::from(done));
    Ok(())
}

fn carry(ctx: &mut Ctx<'_>, key: &[u8], target: u32) -> bool {
    let Some(source) = ctx.data.occupied(key) else { return false };
    let (deadline_ms, clock) = (source.deadline_ms(), source.clock());
    let value = source.take();
    ctx.data.in_database(target, |data| {
        if let Entry::Vacant(entry) = data.entry(key) {
            value.put(|value| entry.insert(value, deadline_ms, clock));
        }
    });
    true
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_effects};

    #[test]
    fn moves() {
        check(&[
            ("SET j v EX 100", "+OK"),
            ("MOVE j 0", "-ERR source and destination objects are the same"),
            ("MOVE none 0", "-ERR source and destination objects are the same"),
            ("MOVE none 100", "-ERR DB index is out of range"),
            ("MOVE j -1", "-ERR DB index is out of range"),
            ("MOVE j x", "-ERR value is not an integer or out of range"),
            (
                "MOVE j 9999999999",
                "-ERR value is out of range, value must between -2147483648 and 2147483647",
            ),
            ("MOVE none 3", ":0"),
            ("MOVE j 5", ":1"),
            ("EXISTS j", ":0"),
            ("SET j w", "+OK"),
            ("MOVE j 5", ":0"),
            ("SWAPDB 0 5", "+OK"),
            ("GET j", "$1 v"),
            ("TTL j", ":100"),
        ]);
    }

    #[test]
    fn effects() {
        check_effects(&[("SET k v", "SELECT 0;SET k v"), ("MOVE k 2", "MOVE k 2"), ("MOVE k 2", "")]);
    }
}
