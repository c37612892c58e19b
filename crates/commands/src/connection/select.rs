//! SELECT: another database.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group};
use value::number::parse_i64;

/// `SELECT index`
pub static SELECT: Command = Command {
    name: "select",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST).and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    docs: Docs {
        summary: "Chooses the database that the connection works on.",
        since: "1.0.0",
        group: Group::Connection,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::new("index", ArgumentKind::Integer)],
    execute: select,
    ..Command::DEFAULT
};

const OUT_OF_INT: Error =
    Error::fixed("ERR value is out of range, value must between -2147483648 and 2147483647");

fn select(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let number = parse_i64(args[1]).ok_or(Error::NOT_AN_INTEGER)?;
    let number = i32::try_from(number).map_err(|_| OUT_OF_INT)?;
    let database = u32::try_from(number).map_err(|_| Error::DB_OUT_OF_RANGE)?;
    if database >= ctx.engine.keyspace.databases() {
        return Err(Error::DB_OUT_OF_RANGE);
    }
    ctx.session.database = database;
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn select() {
        check(&[
            ("SET k v", "+OK"),
            ("SELECT 15", "+OK"),
            ("GET k", "$-1"),
            ("SELECT 16", "-ERR DB index is out of range"),
            ("SELECT -1", "-ERR DB index is out of range"),
            ("SELECT x", "-ERR value is not an integer or out of range"),
            (
                "SELECT 2147483648",
                "-ERR value is out of range, value must between -2147483648 and 2147483647",
            ),
            ("GET k", "$-1"),
            ("SELECT 0", "+OK"),
            ("GET k", "$1 v"),
            ("SELECT", "-ERR wrong number of arguments for 'select' command"),
        ]);
    }
}
