//! QUIT: OK, and the end of the connection.

use engine::{Args, Categories, Command, Ctx, Docs, Error, Flags, Group};

/// `QUIT`
pub static QUIT: Command = Command {
    name: "quit",
    arity: -1,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Closes the connection.",
        since: "1.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    execute: quit,
    ..Command::DEFAULT
};

fn quit(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.ok();
    ctx.session.closing = true;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Server;

    #[test]
    fn nothing_behind_quit_is_executed() {
        let server = Server::start();
        let mut client = server.connect();
        client.send("QUIT now");
        client.send("SET k v");
        assert_eq!(client.reply(), "+OK");
        assert!(client.is_closed());
        server.connect().check(&[("GET k", "$-1")]);
    }
}
