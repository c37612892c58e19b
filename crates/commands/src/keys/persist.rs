//! PERSIST: takes a key's deadline away.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};

/// `PERSIST key`
pub static PERSIST: Command = Command {
    name: "persist",
    arity: 2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Takes a key's deadline away.",
        since: "2.2.0",
        group: Group::Generic,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    execute: persist,
    ..Command::DEFAULT
};

fn persist(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let done = match ctx.data.occupied(args[1]) {
        Some(mut entry) if entry.deadline_ms().is_some() => {
            entry.set_deadline_ms(None);
            true
        }
        _ => false,
    };
    ctx.data.dirty += u64::from(done);
    ctx.reply.integer(i64::from(done));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_effects};

    #[test]
    fn persist() {
        check(&[
            ("PERSIST k", ":0"),
            ("SET k v", "+OK"),
            ("PERSIST k", ":0"),
            ("EXPIRE k 100", ":1"),
            ("PERSIST k", ":1"),
            ("TTL k", ":-1"),
        ]);
    }

    #[test]
    fn effects() {
        check_effects(&[
            ("SET k v PXAT 99999999999999", "SELECT 0;SET k v PXAT 99999999999999"),
            ("PERSIST k", "PERSIST k"),
            ("PERSIST k", ""),
        ]);
    }
}
