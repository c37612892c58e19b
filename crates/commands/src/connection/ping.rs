//! PING: is anybody there?

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};

/// `PING [message]`
pub static PING: Command = Command {
    name: "ping",
    arity: -1,
    flags: Flags::FAST,
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Answers PONG, or the message.",
        since: "1.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::new("message", ArgumentKind::String).optional()],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    execute: ping,
    ..Command::DEFAULT
};

fn ping(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    match args {
        [_] => ctx.reply.write().simple("PONG"),
        [_, message] => ctx.reply.bulk(message),
        _ => return Err(Error::wrong_arity("ping")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn ping() {
        check(&[
            ("PING", "+PONG"),
            ("PING 'a b'", "$3 a b"),
            ("PING a b", "-ERR wrong number of arguments for 'ping' command"),
        ]);
    }
}
