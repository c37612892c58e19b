//! CLIENT PAUSE and UNPAUSE: all commands, or only those that write, wait for a while.

use engine::mailbox::Message;
use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};
use value::number::parse_i64;

/// `CLIENT PAUSE timeout [WRITE | ALL]`
pub static PAUSE: Command = Command {
    name: "pause",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Holds up the commands of all clients, or only writes, for a while.",
        since: "3.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        history: &[("6.2.0", "The mode that only holds up writes.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("timeout", ArgumentKind::Integer),
        Argument::one_of("mode", &[Argument::token("write", "WRITE"), Argument::token("all", "ALL")])
            .optional()
            .since("6.2.0"),
    ],
    execute: pause,
    ..Command::DEFAULT
};

fn pause(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let all = match args {
        [_, _, _, mode] if mode.eq_ignore_ascii_case(b"WRITE") => false,
        [_, _, _, mode] if !mode.eq_ignore_ascii_case(b"ALL") => {
            return Err(Error::fixed("ERR CLIENT PAUSE mode must be WRITE or ALL"));
        }
        _ => true,
    };
    let timeout = parse_i64(args[2]).ok_or(Error::fixed("ERR timeout is not an integer or out of range"))?;
    if timeout < 0 {
        return Err(Error::fixed("ERR timeout is negative"));
    }
    let now_ms = engine::now_ms();
    let until_ms = now_ms.checked_add(timeout).ok_or(Error::fixed("ERR timeout is out of range"))?;
    ctx.engine.clients.pause.begin(until_ms, all, now_ms);
    ctx.reply.ok();
    Ok(())
}

/// `CLIENT UNPAUSE`
pub static UNPAUSE: Command = Command {
    name: "unpause",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Ends a pause.",
        since: "6.2.0",
        group: Group::Connection,
        complexity: "O(N), N being the connections that were held up",
        ..Docs::NONE
    },
    execute: unpause,
    ..Command::DEFAULT
};

fn unpause(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.engine.clients.pause.end();
    ctx.engine.send_all(|| Message::Unpaused);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};
    use std::time::{Duration, Instant};

    #[test]
    fn bad_requests() {
        check(&[
            ("CLIENT PAUSE", "-ERR wrong number of arguments for 'client|pause' command"),
            ("CLIENT PAUSE x", "-ERR timeout is not an integer or out of range"),
            ("CLIENT PAUSE -1", "-ERR timeout is negative"),
            ("CLIENT PAUSE 9223372036854775807", "-ERR timeout is out of range"),
            ("CLIENT PAUSE 0 FOO", "-ERR CLIENT PAUSE mode must be WRITE or ALL"),
            ("CLIENT PAUSE 0", "+OK"),
            ("CLIENT UNPAUSE", "+OK"),
        ]);
    }

    #[test]
    fn writes_wait_until_somebody_ends_the_pause() {
        let server = Server::start();
        let mut writer = server.connect();
        let mut other = server.connect();
        writer.check(&[("SET k old", "+OK")]);
        other.check(&[("CLIENT PAUSE 100000 WRITE", "+OK"), ("GET k", "$3 old")]);
        writer.send("GET k");
        writer.send("SET k new");
        writer.send("GET k");
        assert_eq!(writer.reply(), "$3 old");
        other.check(&[("PING", "+PONG"), ("GET k", "$3 old"), ("CLIENT UNPAUSE", "+OK")]);
        assert_eq!((writer.reply(), writer.reply()), ("+OK".to_owned(), "$3 new".to_owned()));
    }

    #[test]
    fn everything_waits_until_the_time_is_over() {
        let server = Server::start();
        let mut client = server.connect();
        let began = Instant::now();
        client.check(&[("CLIENT PAUSE 150 ALL", "+OK"), ("PING", "+PONG")]);
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(149) && took < Duration::from_secs(3), "{took:?}");
    }
}
