//! EXISTS and TOUCH: how many of the keys exist. TOUCH notes an access to each, EXISTS does not.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};

/// `EXISTS key [key ...]`
pub static EXISTS: Command = Command {
    name: "exists",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
    docs: Docs {
        summary: "Counts how many of the keys exist.",
        since: "1.0.0",
        group: Group::Generic,
        complexity: "O(N) in the number of keys",
        history: &[("3.0.3", "Several keys.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key().multiple()],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    execute: exists,
    ..Command::DEFAULT
};

/// `TOUCH key [key ...]`
pub static TOUCH: Command = Command {
    name: "touch",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
    docs: Docs {
        summary: "Notes an access to keys without reading them.",
        since: "3.2.1",
        group: Group::Generic,
        complexity: "O(N) in the number of keys",
        ..Docs::NONE
    },
    arguments: &[Argument::key().multiple()],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    execute: touch,
    ..Command::DEFAULT
};

fn exists(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let found = args[1..].iter().filter(|key| ctx.data.look(key).is_some()).count();
    ctx.reply.integer(found as i64);
    Ok(())
}

fn touch(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    // CLIENT NO-TOUCH does not hold for the command whose purpose it is.
    ctx.data.touch = true;
    let found = args[1..].iter().filter(|key| ctx.data.read(key).is_some()).count();
    ctx.reply.integer(found as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn keys_named_twice_count_twice() {
        check(&[
            ("SET a 1", "+OK"),
            ("SET gone 1 PXAT 1", "+OK"),
            ("EXISTS a a none gone", ":2"),
            ("TOUCH a none a gone", ":2"),
            ("EXISTS", "-ERR wrong number of arguments for 'exists' command"),
            ("TOUCH", "-ERR wrong number of arguments for 'touch' command"),
        ]);
    }

    #[test]
    fn touch_restarts_the_idle_time_and_exists_does_not() {
        check(&[
            ("SET a 1", "+OK"),
            ("DUMP a", "$13 \\x00\\xc0\\x01\\n\\x00&x\\xe7\\xb6\\xd1\\x01\\x11\\xfc"),
            ("RESTORE b 0 \"\\x00\\xc0\\x01\\n\\x00&x\\xe7\\xb6\\xd1\\x01\\x11\\xfc\" IDLETIME 1000", "+OK"),
            ("EXISTS b", ":1"),
            ("OBJECT IDLETIME b", ":1000"),
            ("TOUCH b", ":1"),
            ("OBJECT IDLETIME b", ":0"),
        ]);
    }
}
