//! CLIENT REPLY: whether this connection is answered.

use engine::ReplyMode;
use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group};

/// `CLIENT REPLY ON | OFF | SKIP`
pub static REPLY: Command = Command {
    name: "reply",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::NO_MULTI).and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Decides whether the connection's commands are answered.",
        since: "3.2.0",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::one_of(
        "action",
        &[Argument::token("on", "ON"), Argument::token("off", "OFF"), Argument::token("skip", "SKIP")],
    )],
    execute: reply,
    ..Command::DEFAULT
};

fn reply(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    match args[2].to_ascii_uppercase().as_slice() {
        b"ON" => {
            ctx.session.reply_mode = ReplyMode::On;
            ctx.reply.ok();
        }
        b"OFF" => ctx.session.reply_mode = ReplyMode::Off,
        b"SKIP" if ctx.session.reply_mode != ReplyMode::Off => ctx.session.reply_mode = ReplyMode::SkipNext,
        b"SKIP" => {}
        _ => return Err(Error::SYNTAX),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Server;

    #[test]
    fn off_skip_and_on() {
        let server = Server::start();
        let mut client = server.connect();
        for request in [
            "CLIENT REPLY OFF",
            "ECHO one",
            "CLIENT REPLY SKIP",
            "NOSUCH",
            "CLIENT REPLY ON",
            "CLIENT REPLY SKIP",
            "ECHO two",
            "ECHO three",
            "CLIENT REPLY SKIP",
            "CLIENT REPLY ON",
            "CLIENT REPLY FOO",
            "CLIENT REPLY OFF",
            "RESET",
        ] {
            client.send(request);
        }
        for expected in ["+OK", "$5 three", "+OK", "-ERR syntax error", "+RESET"] {
            assert_eq!(client.reply(), expected);
        }
    }
}
