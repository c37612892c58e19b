//! MGET: several strings at once.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};

/// `MGET key [key ...]`
pub static MGET: Command = Command {
    name: "mget",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers the strings of several keys as they are at one moment.",
        since: "1.0.0",
        group: Group::String,
        complexity: "O(N) where N is the number of keys.",
        ..Docs::NONE
    },
    arguments: &[Argument::key().multiple()],
    tips: &["request_policy:multi_shard"],
    execute: mget,
    ..Command::DEFAULT
};

fn mget(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.reply.write().array(args.len() - 1);
    for key in &args[1..] {
        // What is no string counts as absent here.
        let value = ctx.data.read_string(key).unwrap_or(None);
        ctx.reply.string_or_null(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn mget() {
        check(&[
            ("MSET a 1 b two", "+OK"),
            ("MGET a nothing b a", "*4 $1 1 $-1 $3 two $1 1"),
            ("MGET", "-ERR wrong number of arguments for 'mget' command"),
        ]);
    }
}
