//! XINFO: what is known of a stream. The container; its subcommands stand in files of their own.

use engine::{Args, Categories, Command, Docs, Error, Group};

use crate::help;

/// `XINFO subcommand [argument ...]`
pub static XINFO: Command = Command {
    name: "xinfo",
    arity: -2,
    docs: Docs {
        summary: "Tells about a stream.",
        since: "5.0.0",
        group: Group::Stream,
        complexity: "Depends on the subcommand.",
        ..Docs::NONE
    },
    subcommands: &[
        &super::xinfo_groups::XINFO_CONSUMERS,
        &super::xinfo_groups::XINFO_GROUPS,
        &XINFO_HELP,
        &super::xinfo_stream::XINFO_STREAM,
    ],
    ..Command::DEFAULT
};

/// `XINFO HELP`
static XINFO_HELP: Command = help::declaration("5.0.0", Group::Stream, Categories::STREAM);

/// Arguments that the subcommand does not know.
pub(super) fn wrong_arguments(args: Args<'_>) -> Error {
    let name = args.get(1).copied().unwrap_or_default();
    let before = "ERR unknown subcommand or wrong number of arguments for '";
    Error::naming(before, &name[..name.len().min(128)], "'. Try XINFO HELP.")
}
