//! AUTH: a password, or the name of the only user and a password.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};

/// `AUTH [username] password`
pub static AUTH: Command = Command {
    name: "auth",
    arity: -2,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Authenticates the connection.",
        since: "1.0.0",
        group: Group::Connection,
        complexity: "O(N), N being the passwords of the user",
        history: &[("6.0.0", "A user's name before the password.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("username", ArgumentKind::String).optional().since("6.0.0"),
        Argument::new("password", ArgumentKind::String),
    ],
    execute: auth,
    ..Command::DEFAULT
};

const WRONG: Error = Error::fixed("WRONGPASS invalid username-password pair or user is disabled.");

const NO_PASSWORD: Error = Error::fixed(
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
);

fn auth(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    (1..args.len()).take(2).for_each(|index| ctx.session.redact(index));
    match args {
        [_, password] => {
            if ctx.engine.config.load().security.password.is_none() {
                return Err(NO_PASSWORD);
            }
            authenticate(ctx, b"default", password)?;
        }
        [_, user, password] => authenticate(ctx, user, password)?,
        _ => return Err(Error::SYNTAX),
    }
    ctx.reply.ok();
    Ok(())
}

/// Lets the client in if the pair is right. A wrong one changes nothing: who is in stays in.
pub(super) fn authenticate(ctx: &mut Ctx<'_>, user: &[u8], password: &[u8]) -> Result<(), Error> {
    // Settings of this moment, not of the batch: a CONFIG SET requirepass counts at once.
    let config = ctx.engine.config.load();
    let right = match &config.security.password {
        Some(expected) => is_same(expected, password),
        None => true,
    };
    if user != b"default" || !right {
        ctx.data.counters.auth_failures.add(1);
        return Err(WRONG);
    }
    ctx.session.authenticated = true;
    Ok(())
}

/// Compares in a time that depends on the lengths only.
fn is_same(expected: &[u8], given: &[u8]) -> bool {
    let differing = expected.iter().zip(given).fold(0, |bits, (a, b)| bits | (a ^ b));
    expected.len() == given.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};

    #[test]
    fn without_a_password() {
        check(&[
            (
                "AUTH x",
                "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
            ),
            ("AUTH default anything", "+OK"),
            ("AUTH nobody x", "-WRONGPASS invalid username-password pair or user is disabled."),
            ("AUTH a b c", "-ERR syntax error"),
            ("AUTH", "-ERR wrong number of arguments for 'auth' command"),
        ]);
    }

    #[test]
    fn a_password_counts_for_new_connections() {
        let server = Server::start();
        let mut old = server.connect();
        old.check(&[("CONFIG SET requirepass secret", "+OK"), ("PING", "+PONG")]);
        let mut new = server.connect();
        new.check(&[
            ("PING", "-NOAUTH Authentication required."),
            ("HELLO 3", "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"),
            ("AUTH wrong", "-WRONGPASS invalid username-password pair or user is disabled."),
            ("AUTH secre", "-WRONGPASS invalid username-password pair or user is disabled."),
            ("AUTH default secret", "+OK"),
            ("PING", "+PONG"),
            ("AUTH wrong", "-WRONGPASS invalid username-password pair or user is disabled."),
            ("PING", "+PONG"),
            ("RESET", "+RESET"),
            ("PING", "-NOAUTH Authentication required."),
            ("HELLO 2 AUTH default wrong", "-WRONGPASS invalid username-password pair or user is disabled."),
        ]);
        old.check(&[("CONFIG SET requirepass ''", "+OK")]);
        new.check(&[("PING", "+PONG")]);
        assert_eq!(server.engine.totals().auth_failures, 4);
    }
}
