//! SADD, SREM: members come and go.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use keyspace::{Entry, ValueType};

use crate::set::place::{self, Gathered, limits};

/// `SADD key member [member ...]`
pub static SADD: Command = Command {
    name: "sadd",
    member: 2,
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::INSERT))],
    docs: Docs {
        summary: "Adds members to a set, which is made if it does not exist; answers how many are new.",
        since: "1.0.0",
        group: Group::Set,
        complexity: "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
        history: &[("2.4.0", "Several members.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("member", ArgumentKind::String).multiple()],
    execute: sadd,
    ..Command::DEFAULT
};

/// `SREM key member [member ...]`
pub static SREM: Command = Command {
    name: "srem",
    member: 2,
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes members from a set, and the key with the last one; answers how many were there.",
        since: "1.0.0",
        group: Group::Set,
        complexity: "O(N) where N is the number of members to be removed.",
        history: &[("2.4.0", "Several members.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("member", ArgumentKind::String).multiple()],
    execute: srem,
    ..Command::DEFAULT
};

fn sadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (limits, fresh) = (limits(ctx.config), ctx.data.clock.fresh());
    let members = &args[2..];
    let added = match ctx.data.write_as(args[1], ValueType::Set)? {
        Entry::Occupied(mut entry) => place::add(&mut entry, members, &limits),
        Entry::Vacant(vacant) => {
            let mut set = Gathered::expecting(members[0], members.len(), &limits);
            let added = members.iter().filter(|member| set.add(member, &limits)).count() as u64;
            set.put(|value| vacant.insert(value, None, fresh));
            added
        }
    };
    ctx.data.dirty += added;
    ctx.reply.integer(added as i64);
    Ok(())
}

fn srem(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let removed = match ctx.data.write_as(args[1], ValueType::Set)? {
        Entry::Occupied(entry) => place::remove(entry, &args[2..]),
        Entry::Vacant(_) => 0,
    };
    ctx.data.dirty += removed;
    ctx.reply.integer(removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_effects};

    #[test]
    fn members_come_and_go() {
        check(&[
            ("SADD k a b a", ":2"),
            ("SADD k b c", ":1"),
            ("SCARD k", ":3"),
            ("SREM k a x a", ":1"),
            ("SREM k b c d", ":2"),
            ("EXISTS k", ":0"),
            ("SREM k b", ":0"),
            ("SET s v", "+OK"),
            ("SADD s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SREM s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SADD k", "-ERR wrong number of arguments for 'sadd' command"),
            ("SREM k", "-ERR wrong number of arguments for 'srem' command"),
            ("SADD k ''", ":1"),
            ("SISMEMBER k ''", ":1"),
        ]);
    }

    #[test]
    fn encodings() {
        check(&[
            (
                "CONFIG SET set-max-intset-entries 3 set-max-listpack-entries 4 set-max-listpack-value 5",
                "+OK",
            ),
            ("SADD i 1 2 3", ":3"),
            ("OBJECT ENCODING i", "$6 intset"),
            ("SADD i 3", ":0"),
            ("OBJECT ENCODING i", "$6 intset"),
            ("SADD i a", ":1"),
            ("OBJECT ENCODING i", "$8 listpack"),
            ("SADD i b", ":1"),
            ("OBJECT ENCODING i", "$9 hashtable"),
            ("SREM i a b", ":2"),
            ("OBJECT ENCODING i", "$9 hashtable"),
            ("SADD j 1 2 3 4", ":4"),
            ("OBJECT ENCODING j", "$8 listpack"),
            ("SADD h 1 2 3 4 5", ":5"),
            ("OBJECT ENCODING h", "$9 hashtable"),
            ("SADD l 123456", ":1"),
            ("OBJECT ENCODING l", "$6 intset"),
            ("SADD l a", ":1"),
            ("OBJECT ENCODING l", "$9 hashtable"),
            // So many members to come make a hash table of it, even if they are there.
            ("SADD m a", ":1"),
            ("SADD m a a a a a", ":0"),
            ("OBJECT ENCODING m", "$9 hashtable"),
            ("SADD n abcdef", ":1"),
            ("OBJECT ENCODING n", "$9 hashtable"),
            ("SADD o 01", ":1"),
            ("OBJECT ENCODING o", "$8 listpack"),
        ]);
    }

    #[test]
    fn effects() {
        check_effects(&[
            ("SADD k a b", "SELECT 0;SADD k a b"),
            ("SADD k a", ""),
            ("SADD k a c", "SADD k a c"),
            ("SREM k x", ""),
            ("SREM k a x", "SREM k a x"),
            ("SREM k b c", "SREM k b c"),
        ]);
    }
}
