//! WAIT: until replicas have what this connection wrote. There are no replicas, so it answers 0: at once if that is enough, else when
//! the time is over.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};
use value::number::parse_i64;

use crate::number::integer;

/// `WAIT numreplicas timeout`
pub static WAIT: Command = Command {
    name: "wait",
    arity: 3,
    flags: Flags::BLOCKING,
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Waits until replicas have what this connection wrote.",
        since: "3.0.0",
        group: Group::Generic,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("numreplicas", ArgumentKind::Integer),
        Argument::new("timeout", ArgumentKind::Integer),
    ],
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    execute: wait,
    ..Command::DEFAULT
};

fn wait(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    const NO_NUMBER: Error = Error::fixed("ERR timeout is not an integer or out of range");
    const NEGATIVE: Error = Error::fixed("ERR timeout is negative");
    const TOO_LONG: Error = Error::fixed("ERR timeout is out of range");
    let wanted = integer(args[1])?;
    let timeout_ms = parse_i64(args[2]).ok_or(NO_NUMBER)?;
    if timeout_ms < 0 {
        return Err(NEGATIVE);
    }
    let until_ms = timeout_ms.checked_add(ctx.data.now_ms).ok_or(TOO_LONG)?;
    if wanted <= 0 {
        ctx.reply.integer(0);
        return Ok(());
    }
    // Without a limit it waits for replicas that do not come, as in Redis.
    ctx.reply_at((timeout_ms > 0).then_some(until_ms), |reply| reply.integer(0));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use crate::testing::{Server, check};

    #[test]
    fn errors_and_answers_at_once() {
        check(&[
            ("WAIT 0 0", ":0"),
            ("WAIT -1 0", ":0"),
            ("WAIT 0 100000", ":0"),
            ("WAIT 0 -1", "-ERR timeout is negative"),
            ("WAIT x 0", "-ERR value is not an integer or out of range"),
            ("WAIT 0 x", "-ERR timeout is not an integer or out of range"),
            ("WAIT 0 1.5", "-ERR timeout is not an integer or out of range"),
            ("WAIT 0 9223372036854775807", "-ERR timeout is out of range"),
        ]);
    }

    #[test]
    fn the_time_is_kept_and_what_follows_waits() {
        let server = Server::start();
        let (mut waiting, mut other) = (server.connect(), server.connect());
        let began = Instant::now();
        waiting.send("WAIT 1 150");
        waiting.send("PING after");
        waiting.send("WAIT 2147483648 40");
        waiting.send("PING last");
        other.send("PING");
        assert_eq!(other.reply(), "+PONG");
        assert!(began.elapsed() < Duration::from_millis(140));
        assert_eq!(waiting.reply(), ":0");
        let took = began.elapsed();
        assert!((Duration::from_millis(140)..Duration::from_millis(250)).contains(&took), "{took:?}");
        assert_eq!(waiting.reply(), "$5 after");
        assert_eq!(waiting.reply(), ":0");
        assert_eq!(waiting.reply(), "$4 last");
        assert!(began.elapsed() >= Duration::from_millis(180));
    }

    #[test]
    fn a_client_that_goes_away_leaves_nothing_behind() {
        let server = Server::start();
        let mut client = server.connect();
        client.send("WAIT 1 50");
        drop(client);
        let mut client = server.connect();
        client.send("WAIT 1 100");
        assert_eq!(client.reply(), ":0");
    }
}
