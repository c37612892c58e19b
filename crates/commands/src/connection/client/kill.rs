//! CLIENT KILL: closes connections, by address or by filters.

use engine::Client;
use engine::mailbox::Message;
use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};

use super::filter::{Filters, Purpose};

/// `CLIENT KILL ip:port | filter value [filter value ...]`
pub static KILL: Command = Command {
    name: "kill",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Closes connections.",
        since: "2.4.0",
        group: Group::Connection,
        complexity: "O(N), N being the client connections",
        history: &[
            ("2.8.12", "Filters."),
            ("2.8.12", "The ID filter."),
            ("3.2.0", "MASTER as a type."),
            ("5.0.0", "REPLICA as a type; SLAVE still works."),
            ("6.2.0", "The LADDR filter."),
            ("8.0.0", "The MAXAGE filter."),
            ("8.0.0", "PRIMARY as a type; MASTER still works."),
            ("8.1.0", "Several ids at once."),
            (
                "9.0.0",
                "Filters by name, idle time, flags, library, database, capabilities and IP, and a negation of each.",
            ),
        ],
        ..Docs::NONE
    },
    arguments: &[Argument::one_of(
        "filter",
        &[
            Argument {
                display: Some("ip:port"),
                deprecated_since: Some("2.8.12"),
                ..Argument::new("old-format", ArgumentKind::String)
            },
            Argument::one_of(
                "new-format",
                &[
                    Argument::new("client-id", ArgumentKind::Integer)
                        .after("ID")
                        .optional()
                        .multiple()
                        .since("2.8.12"),
                    Argument::one_of(
                        "client-type",
                        &[
                            Argument::token("normal", "NORMAL"),
                            Argument::token("master", "MASTER").since("3.2.0"),
                            Argument::token("primary", "PRIMARY").since("8.0.0"),
                            Argument::token("slave", "SLAVE"),
                            Argument::token("replica", "REPLICA").since("5.0.0"),
                            Argument::token("pubsub", "PUBSUB"),
                        ],
                    )
                    .after("TYPE")
                    .optional()
                    .since("2.8.12"),
                    Argument::new("username", ArgumentKind::String).after("USER").optional(),
                    Argument {
                        display: Some("ip:port"),
                        ..Argument::new("addr", ArgumentKind::String).after("ADDR").optional()
                    },
                    Argument {
                        display: Some("ip:port"),
                        ..Argument::new("laddr", ArgumentKind::String)
                            .after("LADDR")
                            .optional()
                            .since("6.2.0")
                    },
                    Argument::one_of("skipme", &[Argument::token("yes", "YES"), Argument::token("no", "NO")])
                        .after("SKIPME")
                        .optional(),
                    Argument::new("maxage", ArgumentKind::Integer).after("MAXAGE").optional().since("8.0.0"),
                    Argument::new("name", ArgumentKind::String).after("NAME").optional().since("9.0.0"),
                    Argument::new("idle", ArgumentKind::Integer).after("IDLE").optional().since("9.0.0"),
                    Argument::new("flags", ArgumentKind::String).after("FLAGS").optional().since("9.0.0"),
                    Argument::new("lib-name", ArgumentKind::String)
                        .after("LIB-NAME")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("lib-ver", ArgumentKind::String).after("LIB-VER").optional().since("9.0.0"),
                    Argument::new("db", ArgumentKind::Integer).after("DB").optional().since("9.0.0"),
                    Argument::new("capa", ArgumentKind::String).after("CAPA").optional().since("9.0.0"),
                    Argument::new("ip", ArgumentKind::String).after("IP").optional().since("9.0.0"),
                    Argument::one_of(
                        "not-client-type",
                        &[
                            Argument::token("normal", "NORMAL"),
                            Argument::token("master", "MASTER"),
                            Argument::token("primary", "PRIMARY"),
                            Argument::token("slave", "SLAVE"),
                            Argument::token("replica", "REPLICA"),
                            Argument::token("pubsub", "PUBSUB"),
                        ],
                    )
                    .after("NOT-TYPE")
                    .optional()
                    .since("9.0.0"),
                    Argument::new("not-client-id", ArgumentKind::Integer)
                        .after("NOT-ID")
                        .optional()
                        .multiple()
                        .since("9.0.0"),
                    Argument::new("not-username", ArgumentKind::String)
                        .after("NOT-USER")
                        .optional()
                        .since("9.0.0"),
                    Argument {
                        display: Some("ip:port"),
                        ..Argument::new("not-addr", ArgumentKind::String)
                            .after("NOT-ADDR")
                            .optional()
                            .since("9.0.0")
                    },
                    Argument {
                        display: Some("ip:port"),
                        ..Argument::new("not-laddr", ArgumentKind::String)
                            .after("NOT-LADDR")
                            .optional()
                            .since("9.0.0")
                    },
                    Argument::new("not-name", ArgumentKind::String)
                        .after("NOT-NAME")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("not-flags", ArgumentKind::String)
                        .after("NOT-FLAGS")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("not-lib-name", ArgumentKind::String)
                        .after("NOT-LIB-NAME")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("not-lib-ver", ArgumentKind::String)
                        .after("NOT-LIB-VER")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("not-db", ArgumentKind::Integer).after("NOT-DB").optional().since("9.0.0"),
                    Argument::new("not-capa", ArgumentKind::String)
                        .after("NOT-CAPA")
                        .optional()
                        .since("9.0.0"),
                    Argument::new("not-ip", ArgumentKind::String).after("NOT-IP").optional().since("9.0.0"),
                ],
            )
            .multiple(),
        ],
    )],
    execute: kill,
    ..Command::DEFAULT
};

fn kill(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if let [_, _, address] = args {
        let clients = ctx.engine.clients.all();
        let found = clients.iter().find(|client| client.address.as_bytes() == *address);
        end(ctx, found.ok_or(Error::fixed("ERR No such client"))?);
        ctx.reply.ok();
        return Ok(());
    }
    let filters = Filters::parse(ctx, &args[2..], Purpose::Kill)?;
    let skip_me = filters.skip_me.unwrap_or(true);
    let mut killed = 0;
    for client in ctx.engine.clients.all() {
        let skipped = skip_me && client.id == ctx.session.client.id;
        if !skipped && filters.pass(&client) {
            end(ctx, &client);
            killed += 1;
        }
    }
    ctx.reply.integer(killed);
    Ok(())
}

/// Our own connection ends when the reply is sent; others at once, and nobody sees them from here on.
fn end(ctx: &mut Ctx<'_>, client: &Client) {
    if client.id == ctx.session.client.id {
        ctx.session.closing = true;
        return;
    }
    ctx.engine.clients.remove(client.id);
    ctx.engine.send(client.worker, Message::Kill(client.conn));
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};

    #[test]
    fn others_and_oneself() {
        let server = Server::start();
        let mut killer = server.connect();
        killer.check(&[("PING", "+PONG")]);
        let mut victim = server.connect();
        victim.check(&[("CLIENT ID", ":2")]);
        killer.check(&[("CLIENT KILL ID 2", ":1"), ("CLIENT LIST ID 2", "$0 "), ("CLIENT KILL ID 2", ":0")]);
        assert!(victim.is_closed());
        killer.check(&[("CLIENT KILL TYPE normal", ":0"), ("CLIENT KILL TYPE normal SKIPME no", ":1")]);
        assert!(killer.is_closed());
        // The socket is closed a moment before the registry hears of it.
        let began = std::time::Instant::now();
        while server.engine.clients.connected() > 0 && began.elapsed().as_secs() < 5 {
            std::thread::yield_now();
        }
        assert_eq!(server.engine.clients.connected(), 0);
    }

    #[test]
    fn bad_requests() {
        check(&[
            ("CLIENT KILL", "-ERR wrong number of arguments for 'client|kill' command"),
            ("CLIENT KILL 1.1.1.1:22", "-ERR No such client"),
            ("CLIENT KILL ID", "-ERR No such client"),
            ("CLIENT KILL ID x", "-ERR client-id should be greater than 0"),
            ("CLIENT KILL ID 0", "-ERR client-id should be greater than 0"),
            ("CLIENT KILL ID 99999", ":0"),
            ("CLIENT KILL TYPE foo", "-ERR Unknown client type 'foo'"),
            ("CLIENT KILL USER nobody", "-ERR No such user 'nobody'"),
            ("CLIENT KILL SKIPME foo", "-ERR syntax error"),
            ("CLIENT KILL SKIPME yes ID 99999", ":0"),
            ("CLIENT KILL MAXAGE 0", "-ERR maxage should be greater than 0"),
            ("CLIENT KILL MAXAGE 99999999", ":0"),
            ("CLIENT KILL ID 99999 BOGUS", "-ERR syntax error"),
            ("CLIENT KILL 127.0.0.1:1 x", "-ERR syntax error"),
        ]);
    }
}
