//! COMMAND GETKEYS and GETKEYSANDFLAGS: the keys of a request that is not executed.

use engine::table::keys_of_spec;
use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};
use engine::{KeyFlags, KeySpec};

/// `COMMAND GETKEYS command [arg ...]`
pub static GETKEYS: Command = Command {
    name: "getkeys",
    arity: -3,
    flags: Flags::LOADING.and(Flags::STALE),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Answers which arguments of a request are keys.",
        since: "2.8.13",
        group: Group::Server,
        complexity: "O(N), N being the request's arguments",
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("command", ArgumentKind::String),
        Argument::new("arg", ArgumentKind::String).optional().multiple(),
    ],
    execute: getkeys,
    ..Command::DEFAULT
};

fn getkeys(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let keys = keys(ctx, &args[2..])?;
    let mut reply = ctx.reply.write();
    reply.array(keys.len());
    keys.iter().for_each(|(key, _)| reply.bulk(key));
    Ok(())
}

/// `COMMAND GETKEYSANDFLAGS command [arg ...]`
pub static GETKEYSANDFLAGS: Command = Command {
    name: "getkeysandflags",
    arity: -3,
    flags: Flags::LOADING.and(Flags::STALE),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Answers which arguments of a request are keys and what is done with them.",
        since: "7.0.0",
        group: Group::Server,
        complexity: "O(N), N being the request's arguments",
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("command", ArgumentKind::String),
        Argument::new("arg", ArgumentKind::String).optional().multiple(),
    ],
    execute: getkeysandflags,
    ..Command::DEFAULT
};

fn getkeysandflags(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let keys = keys(ctx, &args[2..])?;
    let mut reply = ctx.reply.write();
    reply.array(keys.len());
    for (key, flags) in keys {
        reply.array(2);
        reply.bulk(key);
        super::info::statuses(&mut reply, &flags.names().collect::<Vec<_>>());
    }
    Ok(())
}

/// The keys of `request` and what would be done with each.
fn keys<'a>(ctx: &Ctx<'_>, request: Args<'a>) -> Result<Vec<(&'a [u8], KeyFlags)>, Error> {
    let registered =
        ctx.engine.commands.resolve(request).ok_or(Error::fixed("ERR Invalid command specified"))?;
    let command = registered.command;
    let may_have_keys = command.keys.iter().any(|spec| !spec.flags.has(KeyFlags::NOT_KEY));
    if !may_have_keys {
        return Err(Error::fixed("ERR The command has no key arguments"));
    }
    let (given, arity) = (request.len() as i64, i64::from(command.arity));
    if (arity > 0 && given != arity) || given < -arity {
        return Err(Error::fixed("ERR Invalid number of arguments specified for command"));
    }
    let mut keys = Vec::new();
    let mut sound = true;
    for spec in command.keys.iter().filter(|spec| !spec.flags.has(KeyFlags::NOT_KEY)) {
        let flags = flags(command.name, spec, request);
        sound &= keys_of_spec(spec, request, |at| keys.push((request[at], flags)));
    }
    if sound && !keys.is_empty() {
        return Ok(keys);
    }
    // A count of keys that the arguments do not bear out, or no key at all.
    if command.flags.has(Flags::NO_MANDATORY_KEYS) {
        return Ok(Vec::new());
    }
    Err(Error::fixed("ERR Invalid arguments specified for command"))
}

/// What this request does with the keys of `spec`, where that depends on its other arguments.
fn flags(name: &str, spec: &KeySpec, request: Args<'_>) -> KeyFlags {
    const WRITE: KeyFlags = KeyFlags::OW.and(KeyFlags::UPDATE);
    const READ: KeyFlags = KeyFlags::RO.and(KeyFlags::ACCESS);
    const BOTH: KeyFlags = KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE);
    let hidden = KeyFlags::VARIABLE_FLAGS.0 | KeyFlags::INCOMPLETE.0;
    if !spec.flags.has(KeyFlags::VARIABLE_FLAGS) {
        return KeyFlags(spec.flags.0 & !hidden);
    }
    let says = |words: &[&str]| {
        request.iter().skip(2).any(|arg| words.iter().any(|word| arg.eq_ignore_ascii_case(word.as_bytes())))
    };
    match name {
        "set" if says(&["GET", "IFEQ"]) => BOTH,
        "set" => WRITE,
        "bitfield" if says(&["SET", "INCRBY"]) => BOTH,
        "bitfield" => READ,
        _ => KeyFlags(spec.flags.0 & !hidden),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn keys_and_flags() {
        check(&[
            ("COMMAND GETKEYS", "-ERR wrong number of arguments for 'command|getkeys' command"),
            ("COMMAND GETKEYS GET", "-ERR Invalid number of arguments specified for command"),
            ("COMMAND GETKEYS get a", "*1 $1 a"),
            ("COMMAND GETKEYS ping", "-ERR The command has no key arguments"),
            ("COMMAND GETKEYS FOO x", "-ERR Invalid command specified"),
            ("COMMAND GETKEYS config get x", "-ERR The command has no key arguments"),
            ("COMMAND GETKEYS config foo", "-ERR Invalid command specified"),
            ("COMMAND GETKEYSANDFLAGS SET a b", "*1 *2 $1 a *2 +OW +update"),
            ("COMMAND GETKEYSANDFLAGS SET a b GET", "*1 *2 $1 a *3 +RW +access +update"),
            ("COMMAND GETKEYSANDFLAGS GET a", "*1 *2 $1 a *2 +RO +access"),
        ]);
    }
}
