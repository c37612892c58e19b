//! CLIENT NO-EVICT and NO-TOUCH: switches of a connection.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group};

/// `CLIENT NO-EVICT ON | OFF`
pub static NO_EVICT: Command = Command {
    name: "no-evict",
    arity: 3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Keeps the connection from being closed for want of memory, or no longer.",
        since: "7.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::one_of("enabled", &[Argument::token("on", "ON"), Argument::token("off", "OFF")])],
    execute: no_evict,
    ..Command::DEFAULT
};

fn no_evict(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.session.no_evict = is_on(args[2])?;
    ctx.reply.ok();
    Ok(())
}

/// `CLIENT NO-TOUCH ON | OFF`
pub static NO_TOUCH: Command = Command {
    name: "no-touch",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Keeps the connection's commands from counting as accesses of keys, or no longer.",
        since: "7.2.0",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::one_of("enabled", &[Argument::token("on", "ON"), Argument::token("off", "OFF")])],
    execute: no_touch,
    ..Command::DEFAULT
};

fn no_touch(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    ctx.session.no_touch = is_on(args[2])?;
    ctx.reply.ok();
    Ok(())
}

fn is_on(word: &[u8]) -> Result<bool, Error> {
    match word.to_ascii_uppercase().as_slice() {
        b"ON" => Ok(true),
        b"OFF" => Ok(false),
        _ => Err(Error::SYNTAX),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn switches() {
        check(&[
            ("CLIENT NO-EVICT on", "+OK"),
            ("CLIENT NO-TOUCH ON", "+OK"),
            ("CLIENT LIST FLAGS eT ID 2", "$0 "),
            ("CLIENT NO-EVICT off", "+OK"),
            ("CLIENT LIST FLAGS e", "$0 "),
            ("CLIENT NO-EVICT foo", "-ERR syntax error"),
            ("CLIENT NO-TOUCH foo", "-ERR syntax error"),
        ]);
    }
}
