//! TIME: the server's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use engine::{Args, Command, Ctx, Docs, Error, Flags, Group};

/// `TIME`
pub static TIME: Command = Command {
    name: "time",
    arity: 1,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    docs: Docs {
        summary: "Answers the server's time.",
        since: "2.6.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    tips: &["nondeterministic_output"],
    execute: time,
    ..Command::DEFAULT
};

fn time(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut reply = ctx.reply.write();
    reply.array(2);
    reply.bulk_integer(now.as_secs() as i64);
    reply.bulk_integer(i64::from(now.subsec_micros()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Server;

    #[test]
    fn seconds_and_microseconds() {
        let server = Server::start();
        let mut client = server.connect();
        client.send("TIME x");
        assert_eq!(client.reply(), "-ERR wrong number of arguments for 'time' command");
        client.send("TIME");
        let reply = client.reply();
        let words: Vec<&str> = reply.split(' ').collect();
        let seconds: i64 = words[2].parse().unwrap();
        assert!((seconds - engine::now_ms() / 1000).abs() < 5 && words[4].len() <= 6, "{reply}");
    }
}
