//! CLIENT ID, GETNAME, SETNAME, SETINFO, CAPA: who a connection is.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};

/// `CLIENT ID`
pub static ID: Command = Command {
    name: "id",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Answers the connection's number.",
        since: "5.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    execute: id,
    ..Command::DEFAULT
};

fn id(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.integer(ctx.session.client.id as i64);
    Ok(())
}

/// `CLIENT GETNAME`
pub static GETNAME: Command = Command {
    name: "getname",
    arity: 2,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Answers the connection's name.",
        since: "2.6.9",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    execute: getname,
    ..Command::DEFAULT
};

fn getname(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    let names = ctx.session.client.names.lock();
    if names.name.is_empty() {
        ctx.reply.null();
    } else {
        ctx.reply.bulk(&names.name);
    }
    Ok(())
}

/// `CLIENT SETNAME connection-name`
pub static SETNAME: Command = Command {
    name: "setname",
    arity: 3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Gives the connection a name.",
        since: "2.6.9",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::new("connection-name", ArgumentKind::String)],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    execute: setname,
    ..Command::DEFAULT
};

fn setname(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    check_name(args[2])?;
    ctx.session.client.names.lock().name = args[2].to_vec();
    ctx.reply.ok();
    Ok(())
}

/// Whether a connection may have this name: CLIENT LIST must stay readable.
pub fn check_name(name: &[u8]) -> Result<(), Error> {
    if is_plain(name) {
        return Ok(());
    }
    Err(Error::fixed("ERR Client names cannot contain spaces, newlines or special characters."))
}

/// What is shown of a name where it stands in a line, and looked at when it is given: all of it up to its first zero byte.
pub(super) fn shown(name: &[u8]) -> &[u8] {
    name.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn is_plain(text: &[u8]) -> bool {
    shown(text).iter().all(|byte| (b'!'..=b'~').contains(byte))
}

/// `CLIENT SETINFO LIB-NAME name | LIB-VER version`
pub static SETINFO: Command = Command {
    name: "setinfo",
    arity: 4,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Notes the name or the version of the client's library.",
        since: "7.2.0",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::one_of(
        "attr",
        &[
            Argument::new("libname", ArgumentKind::String).after("LIB-NAME"),
            Argument::new("libver", ArgumentKind::String).after("LIB-VER"),
        ],
    )],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    execute: setinfo,
    ..Command::DEFAULT
};

fn setinfo(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let attribute = args[2].to_ascii_uppercase();
    if !matches!(attribute.as_slice(), b"LIB-NAME" | b"LIB-VER") {
        return Err(Error::naming("ERR Unrecognized option '", args[2], "'"));
    }
    if !is_plain(args[3]) {
        let why = " cannot contain spaces, newlines or special characters.";
        return Err(Error::naming("ERR ", args[2], why));
    }
    let mut names = ctx.session.client.names.lock();
    let place = if attribute == b"LIB-NAME" { &mut names.library } else { &mut names.library_version };
    *place = args[3].to_vec();
    ctx.reply.ok();
    Ok(())
}

/// `CLIENT CAPA capability [capability ...]`
pub static CAPA: Command = Command {
    name: "capa",
    arity: -3,
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "States what the client is able to handle.",
        since: "8.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::new("capability", ArgumentKind::String).multiple()],
    execute: capa,
    ..Command::DEFAULT
};

/// Unknown capabilities are those of the future and mean nothing to us, as in Valkey.
fn capa(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if args[2..].iter().any(|word| word.eq_ignore_ascii_case(b"redirect")) {
        ctx.session.can_redirect = true;
    }
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn names() {
        check(&[
            ("CLIENT ID", ":1"),
            ("CLIENT GETNAME", "$-1"),
            (
                "CLIENT SETNAME 'x y'",
                "-ERR Client names cannot contain spaces, newlines or special characters.",
            ),
            (
                r#"CLIENT SETNAME "\xc3\xa9""#,
                "-ERR Client names cannot contain spaces, newlines or special characters.",
            ),
            ("CLIENT SETNAME foo", "+OK"),
            ("CLIENT GETNAME", "$3 foo"),
            ("CLIENT SETNAME ''", "+OK"),
            ("CLIENT GETNAME", "$-1"),
            ("CLIENT SETINFO LIB-NAME lib", "+OK"),
            ("CLIENT SETINFO lib-ver 1.2", "+OK"),
            (
                "CLIENT SETINFO lib-name 'f o'",
                "-ERR lib-name cannot contain spaces, newlines or special characters.",
            ),
            (
                "CLIENT SETINFO LIB-VER 'f o'",
                "-ERR LIB-VER cannot contain spaces, newlines or special characters.",
            ),
            // As in Redis from 7.2 on nobody looks behind a zero byte.
            ("CLIENT SETINFO LIB-VER \"1\\x00 x\"", "+OK"),
            ("CLIENT SETNAME \"f\\x00o o\"", "+OK"),
            ("CLIENT GETNAME", "$5 f\\x00o o"),
            (
                "CLIENT SETNAME \" \\x00\"",
                "-ERR Client names cannot contain spaces, newlines or special characters.",
            ),
            ("CLIENT SETINFO LIB-FOO f", "-ERR Unrecognized option 'LIB-FOO'"),
            ("CLIENT SETINFO lib-name", "-ERR wrong number of arguments for 'client|setinfo' command"),
            ("CLIENT CAPA foo redirect", "+OK"),
        ]);
    }
}
