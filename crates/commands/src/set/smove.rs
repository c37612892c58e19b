//! SMOVE: a member goes from one set to another.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use keyspace::{Entry, ValueType};

use crate::set::place::{self, Gathered, limits};

/// `SMOVE source destination member`
pub static SMOVE: Command = Command {
    name: "smove",
    member: 3,
    arity: 4,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::SET,
    keys: &[
        KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::RW.and(KeyFlags::INSERT)),
    ],
    docs: Docs {
        summary: "Moves a member from one set to another; answers whether the first had it.",
        since: "1.0.0",
        group: Group::Set,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[
        Argument { name: "source", ..Argument::key() },
        Argument { key_spec: Some(1), ..Argument::new("destination", ArgumentKind::Key) },
        Argument::new("member", ArgumentKind::String),
    ],
    execute: smove,
    ..Command::DEFAULT
};

fn smove(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (source, destination, member) = (args[1], args[2], args[3]);
    let has = match ctx.data.write_as(source, ValueType::Set)? {
        Entry::Occupied(entry) => entry.value().set().is_some_and(|set| set.contains(member)),
        Entry::Vacant(_) => {
            ctx.reply.integer(0);
            return Ok(());
        }
    };
    ctx.data.write_as(destination, ValueType::Set)?;
    if has && source != destination {
        let (limits, fresh) = (limits(ctx.config), ctx.data.clock.fresh());
        if let Entry::Occupied(entry) = ctx.data.entry(source) {
            place::remove(entry, &[member]);
        }
        let added = match ctx.data.entry(destination) {
            Entry::Occupied(mut entry) => place::add(&mut entry, &[member], &limits),
            Entry::Vacant(vacant) => {
                let mut set = Gathered::expecting(member, 1, &limits);
                set.add(member, &limits);
                set.put(|value| vacant.insert(value, None, fresh));
                1
            }
        };
        ctx.data.dirty += 1 + added;
    }
    ctx.reply.integer(i64::from(has));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_effects};

    #[test]
    fn smove() {
        const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
        check(&[
            ("SET s v", "+OK"),
            ("SMOVE nothing s 1", ":0"),
            ("SADD k 1 x", ":2"),
            ("SMOVE k s 1", WRONG_TYPE),
            ("SMOVE k s 9", WRONG_TYPE),
            ("SMOVE s k 1", WRONG_TYPE),
            ("SMOVE k k 1", ":1"),
            ("SMOVE k k 9", ":0"),
            ("SMOVE k j 9", ":0"),
            ("EXISTS j", ":0"),
            ("SMOVE k j 1", ":1"),
            ("OBJECT ENCODING j", "$6 intset"),
            ("SMOVE k j x", ":1"),
            ("EXISTS k", ":0"),
            ("SMEMBERS j", "*2 $1 1 $1 x"),
            ("SADD k x", ":1"),
            ("SMOVE k j x", ":1"),
            ("SCARD j", ":2"),
            ("SMOVE k j", "-ERR wrong number of arguments for 'smove' command"),
        ]);
    }

    #[test]
    fn effects() {
        check_effects(&[
            ("SADD k a b", "SELECT 0;SADD k a b"),
            ("SMOVE k k a", ""),
            ("SMOVE k j x", ""),
            ("SMOVE k j a", "SMOVE k j a"),
        ]);
    }
}
