//! CONFIG: the settings in force. What they mean and who carries out a change is the `config` crate's and its appliers' business.

use std::sync::atomic::Ordering;

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};

use crate::help;

/// `CONFIG subcommand ...`
pub static CONFIG: Command = Command {
    name: "config",
    arity: -2,
    docs: Docs {
        summary: "Groups the commands about settings.",
        since: "2.0.0",
        group: Group::Server,
        complexity: "Depends on the subcommand.",
        ..Docs::NONE
    },
    subcommands: &[&GET, &HELP, &RESETSTAT, &REWRITE, &SET],
    ..Command::DEFAULT
};

/// `CONFIG HELP`
static HELP: Command = help::declaration("5.0.0", Group::Server, Categories(0));

/// `CONFIG GET parameter [parameter ...]`
pub static GET: Command = Command {
    name: "get",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Answers the values of settings.",
        since: "2.0.0",
        group: Group::Server,
        complexity: "O(N), N being the settings asked for",
        history: &[("7.0.0", "Several patterns at once.")],
        ..Docs::NONE
    },
    arguments: &[Argument::new("parameter", ArgumentKind::String).multiple()],
    execute: get,
    ..Command::DEFAULT
};

fn get(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let found = ctx.engine.config.get(&args[2..]);
    let mut reply = ctx.reply.write();
    reply.map(found.len());
    for (name, value) in found {
        reply.bulk(&name);
        reply.bulk(&value);
    }
    Ok(())
}

/// `CONFIG SET parameter value [parameter value ...]`
pub static SET: Command = Command {
    name: "set",
    arity: -4,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Changes settings while the server runs.",
        since: "2.0.0",
        group: Group::Server,
        complexity: "O(N), N being the settings given",
        history: &[("7.0.0", "Several settings at once, all or none.")],
        ..Docs::NONE
    },
    arguments: &[Argument::block(
        "data",
        &[Argument::new("parameter", ArgumentKind::String), Argument::new("value", ArgumentKind::String)],
    )
    .multiple()],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    execute: set,
    ..Command::DEFAULT
};

fn set(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    for (at, name) in args.iter().enumerate().skip(2).step_by(2) {
        if at + 1 < args.len() && config::is_sensitive(name) {
            ctx.session.redact(at + 1);
        }
    }
    if args.len() % 2 == 1 {
        return Err(Error::wrong_arity("config|set"));
    }
    let context = config::Context {
        loading: ctx.engine.loading.load(Ordering::Relaxed),
        local: ctx.session.client.is_local,
    };
    match ctx.engine.config.set(&args[2..], context) {
        Ok(notes) => {
            for note in notes {
                journal::notice!("Option {}: {}", note.option, note.text);
            }
            ctx.reply.ok();
            Ok(())
        }
        Err(error) => {
            if let config::SetError::Failed { not_undone, .. } = &error {
                not_undone.iter().for_each(|line| journal::warning!("{line}"));
            }
            Err(Error::new(error.reply()))
        }
    }
}

/// `CONFIG REWRITE`
pub static REWRITE: Command = Command {
    name: "rewrite",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Brings the configuration file up to date.",
        since: "2.8.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    execute: rewrite,
    ..Command::DEFAULT
};

fn rewrite(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    match ctx.engine.config.rewrite() {
        Ok(()) => {
            journal::notice!("CONFIG REWRITE executed with success.");
            ctx.reply.ok();
            Ok(())
        }
        Err(error) => {
            if matches!(error, config::RewriteError::Io(_)) {
                journal::warning!("CONFIG REWRITE failed: {error}");
            }
            Err(Error::new(error.to_string()))
        }
    }
}

/// `CONFIG RESETSTAT`
pub static RESETSTAT: Command = Command {
    name: "resetstat",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    docs: Docs {
        summary: "Sets the statistics back.",
        since: "2.0.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    execute: resetstat,
    ..Command::DEFAULT
};

fn resetstat(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.engine.reset_statistics();
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn get_and_set() {
        check(&[
            ("CONFIG", "-ERR wrong number of arguments for 'config' command"),
            ("CONFIG GET", "-ERR wrong number of arguments for 'config|get' command"),
            ("CONFIG GET nosuch", "*0"),
            ("CONFIG GET timeout", "*2 $7 timeout $1 0"),
            ("CONFIG SET timeout", "-ERR wrong number of arguments for 'config|set' command"),
            ("CONFIG SET timeout 1 port", "-ERR wrong number of arguments for 'config|set' command"),
            ("CONFIG SET nosuch 1", "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"),
            ("CONFIG SET timeout 7 hz 20", "+OK"),
            ("HELLO 3", "?"),
            ("CONFIG GET timeout hz", "%2 $2 hz $2 20 $7 timeout $1 7"),
            ("CONFIG SET timeout 8 hz x", "?"),
            ("CONFIG GET timeout", "%1 $7 timeout $1 7"),
            ("CONFIG REWRITE", "-ERR The server is running without a config file"),
            ("CONFIG RESETSTAT", "+OK"),
            ("CONFIG FOO", "-ERR unknown subcommand 'FOO'. Try CONFIG HELP."),
        ]);
    }
}
