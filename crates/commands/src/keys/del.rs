//! DEL and UNLINK: remove keys. Both leave large values to the freeing thread.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};

/// `DEL key [key ...]`
pub static DEL: Command = Command {
    name: "del",
    arity: -2,
    flags: Flags::WRITE,
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RM.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes keys.",
        since: "1.0.0",
        group: Group::Generic,
        complexity: "O(N) in the number of keys",
        ..Docs::NONE
    },
    arguments: &[Argument::key().multiple()],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    execute: del,
    ..Command::DEFAULT
};

/// `UNLINK key [key ...]`
pub static UNLINK: Command = Command {
    name: "unlink",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RM.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes keys; what is large is freed in the background.",
        since: "4.0.0",
        group: Group::Generic,
        complexity: "O(N) in the number of keys; large values are freed elsewhere",
        ..Docs::NONE
    },
    arguments: &[Argument::key().multiple()],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    execute: unlink,
    ..Command::DEFAULT
};

fn del(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let removed = args[1..].iter().filter(|key| ctx.data.remove(key)).count();
    ctx.reply.integer(removed as i64);
    Ok(())
}

fn unlink(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    del(ctx, args)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn keys_are_counted_once() {
        check(&[
            ("SET a 1", "+OK"),
            ("SET b 2", "+OK"),
            ("DEL a a b none", ":2"),
            ("SET a 1", "+OK"),
            ("UNLINK none a", ":1"),
            ("SET a v PXAT 1", "+OK"),
            ("DEL a", ":0"),
            ("DEL", "-ERR wrong number of arguments for 'del' command"),
        ]);
    }
}
