//! MONITOR: this connection is shown every request from here on. The engine's `observe` shows them.

use std::sync::atomic::Ordering;

use engine::{Args, Command, Ctx, Docs, Error, Flags, Group};

/// `MONITOR`
pub static MONITOR: Command = Command {
    name: "monitor",
    arity: 1,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Shows every request that the server gets, as it gets it.",
        since: "1.0.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    execute: monitor,
    ..Command::DEFAULT
};

fn monitor(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    // Said twice it is not even answered, as in Redis.
    if !ctx.session.monitor {
        ctx.session.monitor = true;
        ctx.engine.monitors.fetch_add(1, Ordering::Relaxed);
        ctx.reply.ok();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Server;

    #[test]
    fn the_lines_are_redis_s() {
        let server = Server::start();
        let mut client = server.connect();
        let mut monitor = server.connect();
        client.check(&[("PING", "+PONG")]);
        monitor.check(&[("MONITOR", "+OK"), ("GET k", "-ERR Replica can't interact with the keyspace")]);
        client.send_args(&[b"set", b"x", b"a\"b\n\x01\xff\\ "]);
        for request in [
            "GET",
            "NOSUCH a",
            "AUTH secret",
            "AUTH default secret",
            "HELLO 2 AUTH default x SETNAME me",
            "SELECT 3",
            "CONFIG GET x",
            "CLIENT LIST",
            "PING",
        ] {
            client.send(request);
        }
        for expected in [
            r#"0] "set" "x" "a\"b\n\x01\xff\\ ""#,
            r#"0] "AUTH" "(redacted)""#,
            r#"0] "AUTH" "(redacted)" "(redacted)""#,
            r#"0] "HELLO" "2" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me""#,
            r#"3] "SELECT" "3""#,
            r#"3] "PING""#,
        ] {
            let line = monitor.reply();
            let (time, rest) = line.split_once(" [").expect("a time");
            let (database, text) = expected.split_once("] ").expect("a database");
            assert!(
                time.starts_with('+') && time.split('.').nth(1).is_some_and(|us| us.len() == 6),
                "{line}"
            );
            assert!(rest.starts_with(&format!("{database} unix:")), "{line}");
            assert!(rest.ends_with(&format!("] {text}")), "{line}, expected {expected}");
        }
        drop(monitor);
        client.send("PING");
    }
}
