//! RESET: the connection as if it were new.

use engine::{Args, Categories, Command, Ctx, Docs, Error, Flags, Group};
use std::sync::atomic::Ordering;

use resp::Protocol;

/// `RESET`
pub static RESET: Command = Command {
    name: "reset",
    arity: 1,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Puts the connection back into the state of a new one.",
        since: "6.2.0",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    execute: reset,
    ..Command::DEFAULT
};

fn reset(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    if ctx.session.monitor {
        ctx.engine.monitors.fetch_sub(1, Ordering::Relaxed);
    }
    let authenticated = ctx.engine.config.load().security.password.is_none();
    ctx.session.reset(authenticated);
    ctx.reply.set_protocol(Protocol::Resp2);
    ctx.reply.write().simple("RESET");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn reset() {
        check(&[
            ("HELLO 3 SETNAME me", "?"),
            ("SELECT 3", "+OK"),
            ("CLIENT NO-TOUCH on", "+OK"),
            ("RESET", "+RESET"),
            ("CLIENT GETNAME", "$-1"),
            ("RESET x", "-ERR wrong number of arguments for 'reset' command"),
            ("MONITOR", "+OK"),
            ("RESET", "+RESET"),
            ("GET k", "$-1"),
        ]);
    }
}
