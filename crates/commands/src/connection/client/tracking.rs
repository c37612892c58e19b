//! CLIENT GETREDIR, TRACKINGINFO and UNBLOCK: truthful about what nobody can have switched on yet.
//!
//! Client-side caching and blocking commands do not exist in this version: tracking is off, and nobody can be unblocked.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};
use value::number::parse_i64;

/// `CLIENT GETREDIR`
pub static GETREDIR: Command = Command {
    name: "getredir",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Answers which connection gets this one's invalidation messages.",
        since: "6.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    execute: getredir,
    ..Command::DEFAULT
};

/// -1: tracking is off.
fn getredir(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.integer(-1);
    Ok(())
}

/// `CLIENT TRACKINGINFO`
pub static TRACKINGINFO: Command = Command {
    name: "trackinginfo",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Describes the connection's client-side caching.",
        since: "6.2.0",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    execute: trackinginfo,
    ..Command::DEFAULT
};

fn trackinginfo(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let mut reply = ctx.reply.write();
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(1);
    reply.bulk(b"off");
    reply.bulk(b"redirect");
    reply.integer(-1);
    reply.bulk(b"prefixes");
    reply.array(0);
    Ok(())
}

/// `CLIENT UNBLOCK client-id [TIMEOUT | ERROR]`
pub static UNBLOCK: Command = Command {
    name: "unblock",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Ends the wait of another connection's blocking command.",
        since: "5.0.0",
        group: Group::Connection,
        complexity: "O(log N), N being the client connections",
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("client-id", ArgumentKind::Integer),
        Argument::one_of(
            "unblock-type",
            &[Argument::token("timeout", "TIMEOUT"), Argument::token("error", "ERROR")],
        )
        .optional(),
    ],
    execute: unblock,
    ..Command::DEFAULT
};

/// 0: nobody waits in a command that this could end.
fn unblock(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if let Some(reason) = args.get(3)
        && !reason.eq_ignore_ascii_case(b"TIMEOUT")
        && !reason.eq_ignore_ascii_case(b"ERROR")
    {
        return Err(Error::fixed("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"));
    }
    parse_i64(args[2]).ok_or(Error::NOT_AN_INTEGER)?;
    ctx.reply.integer(0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn nothing_is_tracked_or_blocked() {
        check(&[
            ("CLIENT GETREDIR", ":-1"),
            ("CLIENT TRACKINGINFO", "*6 $5 flags *1 $3 off $8 redirect :-1 $8 prefixes *0"),
            ("HELLO 3", "?"),
            ("CLIENT TRACKINGINFO", "%3 $5 flags ~1 $3 off $8 redirect :-1 $8 prefixes *0"),
            ("CLIENT UNBLOCK x", "-ERR value is not an integer or out of range"),
            ("CLIENT UNBLOCK 1 FOO", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"),
            ("CLIENT UNBLOCK 1 timeout", ":0"),
        ]);
    }
}
