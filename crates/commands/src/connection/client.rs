//! CLIENT: about connections, this one and others.

mod filter;
mod identity;
mod kill;
mod list;
mod pause;
mod reply;
mod switches;
mod tracking;

use engine::{Categories, Command, Docs, Group};

use crate::help;
pub use identity::check_name;

/// `CLIENT subcommand ...`
pub static CLIENT: Command = Command {
    name: "client",
    arity: -2,
    docs: Docs {
        summary: "Groups the commands about client connections.",
        since: "2.4.0",
        group: Group::Connection,
        complexity: "Depends on the subcommand.",
        ..Docs::NONE
    },
    subcommands: &[
        &identity::CAPA,
        &identity::GETNAME,
        &tracking::GETREDIR,
        &HELP,
        &identity::ID,
        &list::INFO,
        &kill::KILL,
        &list::LIST,
        &switches::NO_EVICT,
        &switches::NO_TOUCH,
        &pause::PAUSE,
        &reply::REPLY,
        &identity::SETINFO,
        &identity::SETNAME,
        &tracking::TRACKINGINFO,
        &tracking::UNBLOCK,
        &pause::UNPAUSE,
    ],
    ..Command::DEFAULT
};

/// `CLIENT HELP`
static HELP: Command = help::declaration("5.0.0", Group::Connection, Categories::CONNECTION);

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn unknown_subcommands() {
        check(&[
            ("CLIENT", "-ERR wrong number of arguments for 'client' command"),
            ("CLIENT FOO", "-ERR unknown subcommand 'FOO'. Try CLIENT HELP."),
            ("client id x", "-ERR wrong number of arguments for 'client|id' command"),
        ]);
    }
}
