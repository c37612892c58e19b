//! ROLE: a master without replicas.

use engine::{Args, Categories, Command, Ctx, Docs, Error, Flags, Group};

/// `ROLE`
pub static ROLE: Command = Command {
    name: "role",
    arity: 1,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST),
    categories: Categories::ADMIN.and(Categories::DANGEROUS),
    docs: Docs {
        summary: "Answers the server's role in replication.",
        since: "2.8.12",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    execute: role,
    ..Command::DEFAULT
};

fn role(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let mut reply = ctx.reply.write();
    reply.array(3);
    reply.bulk(b"master");
    reply.integer(0);
    reply.array(0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn role() {
        check(&[
            ("ROLE", "*3 $6 master :0 *0"),
            ("ROLE x", "-ERR wrong number of arguments for 'role' command"),
        ]);
    }
}
