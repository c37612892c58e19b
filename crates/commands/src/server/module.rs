//! MODULE: there are none, and none can be loaded.
//!
//! Modules of Redis and Valkey are shared objects against a C interface that this server does not have; each request says so by the
//! error that those servers give when a module cannot be loaded.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};

use crate::help;

/// `MODULE subcommand ...`
pub static MODULE: Command = Command {
    name: "module",
    arity: -2,
    docs: Docs {
        summary: "Groups the commands about modules.",
        since: "4.0.0",
        group: Group::Server,
        complexity: "Depends on the subcommand.",
        ..Docs::NONE
    },
    subcommands: &[&HELP, &LIST, &LOAD, &LOADEX, &UNLOAD],
    ..Command::DEFAULT
};

/// `MODULE HELP`
static HELP: Command = help::declaration("5.0.0", Group::Server, Categories(0));

/// `MODULE LIST`
pub static LIST: Command = Command {
    name: "list",
    arity: 2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT),
    docs: Docs {
        summary: "Answers the modules that are loaded: there are none.",
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(N), N being the modules",
        ..Docs::NONE
    },
    tips: &["nondeterministic_output_order"],
    execute: list,
    ..Command::DEFAULT
};

fn list(ctx: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    ctx.reply.write().array(0);
    Ok(())
}

/// `MODULE LOAD path [arg ...]`
pub static LOAD: Command = Command {
    name: "load",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING),
    docs: Docs {
        summary: "Refuses to load a module.",
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("path", ArgumentKind::String),
        Argument::new("arg", ArgumentKind::String).optional().multiple(),
    ],
    execute: load,
    ..Command::DEFAULT
};

/// `MODULE LOADEX path [CONFIG name value ...] [ARGS arg ...]`
pub static LOADEX: Command = Command {
    name: "loadex",
    arity: -3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING),
    docs: Docs {
        summary: "Refuses to load a module with settings.",
        since: "7.0.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("path", ArgumentKind::String),
        Argument {
            multiple_token: true,
            ..Argument::block(
                "configs",
                &[Argument::new("name", ArgumentKind::String), Argument::new("value", ArgumentKind::String)],
            )
            .after("CONFIG")
            .optional()
            .multiple()
        },
        Argument::new("args", ArgumentKind::String).after("ARGS").optional().multiple(),
    ],
    execute: load,
    ..Command::DEFAULT
};

fn load(_: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    journal::warning!(
        "Module {} cannot be loaded: this server has no module interface",
        args[2].escape_ascii()
    );
    Err(Error::fixed("ERR Error loading the extension. Please check the server logs."))
}

/// `MODULE UNLOAD name`
pub static UNLOAD: Command = Command {
    name: "unload",
    arity: 3,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING),
    docs: Docs {
        summary: "Finds no module to remove.",
        since: "4.0.0",
        group: Group::Server,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::new("name", ArgumentKind::String)],
    execute: unload,
    ..Command::DEFAULT
};

fn unload(_: &mut Ctx<'_>, _: Args<'_>) -> Result<(), Error> {
    Err(Error::fixed("ERR Error unloading module: no such module with that name"))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn there_are_no_modules() {
        check(&[
            ("MODULE LIST", "*0"),
            ("MODULE LOAD /x", "-ERR Error loading the extension. Please check the server logs."),
            ("MODULE LOADEX /x CONFIG a", "-ERR Error loading the extension. Please check the server logs."),
            ("MODULE UNLOAD x", "-ERR Error unloading module: no such module with that name"),
            ("MODULE FOO", "-ERR unknown subcommand 'FOO'. Try MODULE HELP."),
        ]);
    }
}
