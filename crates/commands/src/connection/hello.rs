//! HELLO: who are you, and which protocol shall we speak?

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};
use resp::Protocol;

use crate::connection::auth::authenticate;
use crate::connection::client::check_name;

/// `HELLO [2 | 3 [AUTH username password] [SETNAME name]]`
pub static HELLO: Command = Command {
    name: "hello",
    arity: -1,
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Introduces the client, chooses the protocol and can authenticate.",
        since: "6.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        history: &[
            ("8.1.0", "The reply names the availability zone if one is configured."),
            ("6.2.0", "Without arguments it describes the connection as it stands."),
        ],
        ..Docs::NONE
    },
    arguments: &[Argument::block(
        "arguments",
        &[
            Argument::new("protover", ArgumentKind::Integer),
            Argument::block(
                "auth",
                &[
                    Argument::new("username", ArgumentKind::String),
                    Argument::new("password", ArgumentKind::String),
                ],
            )
            .after("AUTH")
            .optional(),
            Argument::new("clientname", ArgumentKind::String).after("SETNAME").optional(),
        ],
    )
    .optional()],
    execute: hello,
    ..Command::DEFAULT
};

/// The version of Redis whose behaviour we have; clients choose features by it.
pub const REDIS_VERSION: &str = "7.2.4";

const STRANGER: Error = Error::fixed(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
);

/// A parsed request.
#[derive(Default)]
struct Hello<'a> {
    protocol: Option<Protocol>,
    user: Option<(&'a [u8], &'a [u8])>,
    name: Option<&'a [u8]>,
}

impl<'a> Hello<'a> {
    fn parse(ctx: &mut Ctx<'_>, args: Args<'a>) -> Result<Hello<'a>, Error> {
        let mut hello = Hello::default();
        let Some(version) = args.get(1) else { return Ok(hello) };
        hello.protocol = match value::number::parse_i64(version) {
            Some(2) => Some(Protocol::Resp2),
            Some(3) => Some(Protocol::Resp3),
            Some(_) => return Err(Error::fixed("NOPROTO unsupported protocol version")),
            None => return Err(Error::fixed("ERR Protocol version is not an integer or out of range")),
        };
        let mut at = 2;
        while let Some(word) = args.get(at) {
            match (word.to_ascii_uppercase().as_slice(), &args[at + 1..]) {
                (b"AUTH", [user, password, ..]) => {
                    ctx.session.redact(at + 1);
                    ctx.session.redact(at + 2);
                    hello.user = Some((user, password));
                    at += 3;
                }
                (b"SETNAME", [name, ..]) => {
                    check_name(name)?;
                    hello.name = Some(name);
                    at += 2;
                }
                _ => return Err(Error::naming("ERR Syntax error in HELLO option '", word, "'")),
            }
        }
        Ok(hello)
    }
}

fn hello(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let hello = Hello::parse(ctx, args)?;
    if let Some((user, password)) = hello.user {
        authenticate(ctx, user, password)?;
    }
    let config = ctx.engine.config.load();
    if !ctx.session.authenticated && config.security.password.is_some() {
        return Err(STRANGER);
    }
    if let Some(name) = hello.name {
        ctx.session.client.names.lock().name = name.to_vec();
    }
    if let Some(protocol) = hello.protocol {
        ctx.session.protocol = protocol;
        ctx.reply.set_protocol(protocol);
    }
    let zone = &config.process.availability_zone;
    let id = ctx.session.client.id as i64;
    let mut reply = ctx.reply.write();
    reply.map(7 + usize::from(!zone.is_empty()));
    for (key, value) in [("server", "redis"), ("version", REDIS_VERSION)] {
        reply.bulk(key.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"proto");
    reply.integer(if reply.protocol == Protocol::Resp3 { 3 } else { 2 });
    reply.bulk(b"id");
    reply.integer(id);
    for (key, value) in [("mode", "standalone"), ("role", "master")] {
        reply.bulk(key.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"modules");
    reply.array(0);
    if !zone.is_empty() {
        reply.bulk(b"availability_zone");
        reply.bulk(zone);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn hello() {
        let rest = |proto: u8| {
            format!(
                "$6 server $5 redis $7 version $5 7.2.4 $5 proto :{proto} $2 id :1 $4 mode $10 standalone $4 role $6 master $7 modules *0"
            )
        };
        check(&[
            ("HELLO", &format!("*14 {}", rest(2))),
            ("HELLO 3", &format!("%7 {}", rest(3))),
            ("HELLO", &format!("%7 {}", rest(3))),
            ("HELLO 2", &format!("*14 {}", rest(2))),
            ("HELLO 4", "-NOPROTO unsupported protocol version"),
            ("HELLO x", "-ERR Protocol version is not an integer or out of range"),
            ("HELLO 2 AUTH default", "-ERR Syntax error in HELLO option 'AUTH'"),
            ("HELLO 2 AUTH other bad", "-WRONGPASS invalid username-password pair or user is disabled."),
            ("HELLO 3 SETNAME", "-ERR Syntax error in HELLO option 'SETNAME'"),
            (
                "HELLO 3 SETNAME 'a b'",
                "-ERR Client names cannot contain spaces, newlines or special characters.",
            ),
            ("HELLO 3 BOGUS", "-ERR Syntax error in HELLO option 'BOGUS'"),
            ("CLIENT GETNAME", "$-1"),
            ("HELLO 3 SETNAME foo AUTH default x", "?"),
            ("CLIENT GETNAME", "$3 foo"),
            ("HELLO 3 SETNAME ''", "?"),
            ("CLIENT GETNAME", "_"),
            ("CONFIG SET availability-zone eu-1", "+OK"),
            ("HELLO 2", &format!("*16 {} $17 availability_zone $4 eu-1", rest(2))),
        ]);
    }
}
