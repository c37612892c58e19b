//! SCARD, SISMEMBER, SMISMEMBER: how many members a set has, and whether it has these.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::set::SetRef;

/// `SCARD key`
pub static SCARD: Command = Command {
    name: "scard",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    docs: Docs {
        summary: "Answers how many members a set has.",
        since: "1.0.0",
        group: Group::Set,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    execute: scard,
    ..Command::DEFAULT
};

/// `SISMEMBER key member`
pub static SISMEMBER: Command = Command {
    name: "sismember",
    member: 2,
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    docs: Docs {
        summary: "Answers whether a set has a member.",
        since: "1.0.0",
        group: Group::Set,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("member", ArgumentKind::String)],
    execute: sismember,
    ..Command::DEFAULT
};

/// `SMISMEMBER key member [member ...]`
pub static SMISMEMBER: Command = Command {
    name: "smismember",
    member: 2,
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers for each of several members whether a set has it.",
        since: "6.2.0",
        group: Group::Set,
        complexity: "O(N) where N is the number of elements being checked for membership",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("member", ArgumentKind::String).multiple()],
    execute: smismember,
    ..Command::DEFAULT
};

fn scard(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let len = ctx.data.read_set(args[1])?.map_or(0, SetRef::len);
    ctx.reply.integer(len as i64);
    Ok(())
}

fn sismember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let contains = ctx.data.read_set(args[1])?.is_some_and(|set| set.contains(args[2]));
    ctx.reply.integer(i64::from(contains));
    Ok(())
}

fn smismember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let set = ctx.data.read_set(args[1])?;
    let members = &args[2..];
    let mut reply = ctx.reply.write();
    reply.array(members.len());
    for member in members {
        reply.integer(i64::from(set.is_some_and(|set| set.contains(member))));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn membership() {
        check(&[
            ("SADD k 1 2 x", ":3"),
            ("SCARD k", ":3"),
            ("SCARD nothing", ":0"),
            ("SISMEMBER k 1", ":1"),
            ("SISMEMBER k 01", ":0"),
            ("SISMEMBER k x", ":1"),
            ("SISMEMBER k y", ":0"),
            ("SISMEMBER nothing y", ":0"),
            ("SMISMEMBER k 1 y x x", "*4 :1 :0 :1 :1"),
            ("SMISMEMBER nothing 1 2", "*2 :0 :0"),
            ("SET s v", "+OK"),
            ("SCARD s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SISMEMBER s 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SMISMEMBER s 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SMISMEMBER k", "-ERR wrong number of arguments for 'smismember' command"),
            ("SISMEMBER k", "-ERR wrong number of arguments for 'sismember' command"),
        ]);
    }
}
