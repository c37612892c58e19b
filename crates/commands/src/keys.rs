//! Keys of any type: existence, deadlines, names, walks, and what is known about them.

mod copy;
mod del;
mod dump;
mod exists;
mod expire;
mod flush;
mod list;
mod memory;
mod memory_stats;
mod move_key;
mod object;
mod persist;
mod random;
mod rename;
mod restore;
pub(crate) mod scan;
mod swap;
mod ttl;
mod type_of;
mod wait;

pub use dump::payload;
pub use object::{encoding_of, references_of};
pub use restore::thresholds;

use engine::{Command, Ctx, Error};
use value::number::parse_i64;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[
    &copy::COPY,
    &flush::DBSIZE,
    &del::DEL,
    &dump::DUMP,
    &exists::EXISTS,
    &expire::EXPIRE,
    &expire::EXPIREAT,
    &ttl::EXPIRETIME,
    &flush::FLUSHALL,
    &flush::FLUSHDB,
    &list::KEYS,
    &memory::MEMORY,
    &move_key::MOVE,
    &object::OBJECT,
    &persist::PERSIST,
    &expire::PEXPIRE,
    &expire::PEXPIREAT,
    &ttl::PEXPIRETIME,
    &ttl::PTTL,
    &random::RANDOMKEY,
    &rename::RENAME,
    &rename::RENAMENX,
    &restore::RESTORE,
    &scan::SCAN,
    &swap::SWAPDB,
    &exists::TOUCH,
    &ttl::TTL,
    &type_of::TYPE,
    &del::UNLINK,
    &wait::WAIT,
];

/// An argument that names a database.
fn database(ctx: &Ctx<'_>, arg: &[u8]) -> Result<u32, Error> {
    const OUTSIDE: Error =
        Error::fixed("ERR value is out of range, value must between -2147483648 and 2147483647");
    let number = parse_i64(arg).ok_or(Error::NOT_AN_INTEGER)?;
    let number = i32::try_from(number).map_err(|_| OUTSIDE)?;
    let databases = ctx.data.keyspace().databases();
    u32::try_from(number).ok().filter(|&n| n < databases).ok_or(Error::DB_OUT_OF_RANGE)
}

/// A container's HELP: its name, then for each subcommand its syntax and what it does.
pub fn help(ctx: &mut Ctx<'_>, container: &str, subcommands: &[(&str, &str)]) {
    let mut writer = ctx.reply.write();
    writer.array(subcommands.len() * 2 + 1);
    writer.simple(&format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    for (syntax, meaning) in subcommands {
        writer.simple(syntax);
        writer.simple(&format!("    {meaning}"));
    }
}
