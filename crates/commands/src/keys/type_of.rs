//! TYPE: what type a key's value has.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};

/// `TYPE key`
pub static TYPE: Command = Command {
    name: "type",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    docs: Docs {
        summary: "Answers what type a key's value has.",
        since: "1.0.0",
        group: Group::Generic,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    execute: type_of,
    ..Command::DEFAULT
};

fn type_of(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let name = ctx.data.look(args[1]).map_or("none", |entry| entry.value.value_type().name());
    ctx.reply.write().simple(name);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn types() {
        check(&[("TYPE k", "+none"), ("SET k 5", "+OK"), ("TYPE k", "+string")]);
    }
}
