//! The commands, one module per family, one file per command or group of close relatives.
//!
//! A file holds a command's syntax, its declaration, its parsed form, its function and its tests. Nothing here takes a lock, opens a
//! file or knows a socket: [`engine::Ctx`] has everything.
//!
//! To add a command: write its file, name its declaration in the family's list; the tests at the end of this file and
//! the differential tests then know it.

#![forbid(unsafe_code)]

pub mod bitmap;
pub mod connection;
pub mod geo;
pub mod hash;
pub mod help;
pub mod hyperloglog;
pub mod keys;
pub mod list;
pub mod manual;
pub mod number;
pub mod persistence;
pub mod server;
pub mod set;
pub mod sort;
pub mod stream;
pub mod string;
pub mod zset;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod testing;

use engine::Command;

/// Every family's commands.
const FAMILIES: &[&[&Command]] = &[
    bitmap::COMMANDS,
    connection::COMMANDS,
    geo::COMMANDS,
    hash::COMMANDS,
    hyperloglog::COMMANDS,
    keys::COMMANDS,
    list::COMMANDS,
    persistence::COMMANDS,
    server::COMMANDS,
    set::COMMANDS,
    sort::COMMANDS,
    stream::COMMANDS,
    string::COMMANDS,
    zset::COMMANDS,
];

/// Every command.
pub fn all() -> impl Iterator<Item = &'static Command> {
    FAMILIES.iter().flat_map(|family| family.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_sorted_and_declared_in_full() {
        let mut names = std::collections::BTreeSet::new();
        for family in FAMILIES {
            assert!(family.is_sorted_by_key(|command| command.name), "a family's list is not sorted");
            for command in *family {
                assert!(names.insert(command.name), "{} stands twice", command.name);
                declared_in_full(command);
                command.subcommands.iter().for_each(|sub| declared_in_full(sub));
            }
        }
    }

    fn declared_in_full(command: &Command) {
        assert_eq!(command.name, command.name.to_ascii_lowercase());
        assert!(command.arity != 0, "{}", command.name);
        assert!(command.docs.summary.ends_with('.'), "{}: the summary is a sentence", command.name);
        assert!(command.docs.since.split('.').count() == 3, "{}", command.name);
        assert!(!command.docs.complexity.is_empty() || !command.subcommands.is_empty(), "{}", command.name);
    }
}
