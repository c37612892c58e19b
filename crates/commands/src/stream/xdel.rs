//! XDEL: removes entries by their IDs.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::stream::StreamId;

use super::{arguments, place};

/// `XDEL key id [id ...]`
pub static XDEL: Command = Command {
    name: "xdel",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes entries of a stream and answers how many there were.",
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(log(N)) for each ID",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("id", ArgumentKind::String).multiple()],
    execute: xdel,
    ..Command::DEFAULT
};

fn xdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let ids = || args.iter().skip(2).map(|arg| arguments::id(arg, 0));
    // A missing key hides IDs that are none, and another type too.
    let Some(mut place) = place::existing(&mut ctx.data, args[1])? else {
        ctx.reply.integer(0);
        return Ok(());
    };
    let ids = ids().collect::<Result<Vec<StreamId>, Error>>()?;
    let removed = place.edit(|stream| {
        let log = stream.log_mut();
        ids.iter().filter(|id| log.delete(**id)).count()
    })?;
    ctx.data.dirty += removed as u64;
    ctx.reply.integer(removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn xdel_and_xsetid() {
        check(&[
            ("CONFIG SET stream-node-max-entries 3", "+OK"),
            ("XADD s 1 a b", "$3 1-0"),
            ("XADD s 2 a b", "$3 2-0"),
            ("XADD s 3 a b", "$3 3-0"),
            ("XADD s 4 a b", "$3 4-0"),
            ("XDEL s x", "-ERR Invalid stream ID specified as stream command argument"),
            ("XDEL none x", ":0"),
            ("XDEL s 1 5 x", "-ERR Invalid stream ID specified as stream command argument"),
            ("XDEL s 2 5 2 7-1", ":1"),
            ("XLEN s", ":3"),
            ("XDEL s 1", ":1"),
            ("XRANGE s - + COUNT 1", "*1 *2 $3 3-0 *2 $1 a $1 b"),
            (
                "XINFO STREAM s",
                "*20 $6 length :2 $15 radix-tree-keys :2 $16 radix-tree-nodes :6 $17 last-generated-id $3 4-0 $20 max-deleted-entry-id $3 2-0 $13 entries-added :4 $23 recorded-first-entry-id $3 3-0 $6 groups :0 $11 first-entry *2 $3 3-0 *2 $1 a $1 b $10 last-entry *2 $3 4-0 *2 $1 a $1 b",
            ),
            ("XDEL s 3 4", ":2"),
            (
                "XINFO STREAM s",
                "*20 $6 length :0 $15 radix-tree-keys :0 $16 radix-tree-nodes :1 $17 last-generated-id $3 4-0 $20 max-deleted-entry-id $3 4-0 $13 entries-added :4 $23 recorded-first-entry-id $3 0-0 $6 groups :0 $11 first-entry $-1 $10 last-entry $-1",
            ),
            (
                "XADD s 4 a b",
                "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ),
            ("XADD s 5 a b", "$3 5-0"),
            ("XSETID none 5", "-ERR no such key"),
            ("XSETID s 4", "-ERR The ID specified in XSETID is smaller than the target stream top item"),
            ("XSETID s x", "-ERR Invalid stream ID specified as stream command argument"),
            (
                "XSETID s 9 ENTRIESADDED 0",
                "-ERR The entries_added specified in XSETID is smaller than the target stream length",
            ),
            ("XSETID s 9 ENTRIESADDED -2", "-ERR entries_added must be positive"),
            ("XSETID s 9 ENTRIESADDED x", "-ERR value is not an integer or out of range"),
            (
                "XSETID s 5 MAXDELETEDID 6",
                "-ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
            ),
            ("XSETID s 5 MAXDELETEDID", "-ERR syntax error"),
            ("XSETID s 5 FOO", "-ERR syntax error"),
            ("XSETID s 5 FOO 1", "-ERR syntax error"),
            ("XSETID s 8 MAXDELETEDID 7 ENTRIESADDED 10", "+OK"),
            (
                "XINFO STREAM s",
                "*20 $6 length :1 $15 radix-tree-keys :1 $16 radix-tree-nodes :2 $17 last-generated-id $3 8-0 $20 max-deleted-entry-id $3 7-0 $13 entries-added :10 $23 recorded-first-entry-id $3 5-0 $6 groups :0 $11 first-entry *2 $3 5-0 *2 $1 a $1 b $10 last-entry *2 $3 5-0 *2 $1 a $1 b",
            ),
            ("XDEL s 5", ":1"),
            ("XSETID s 6", "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"),
            ("XSETID s 7", "+OK"),
            ("XSETID s 8 ENTRIESADDED 0 MAXDELETEDID 0-0", "+OK"),
            (
                "XINFO STREAM s",
                "*20 $6 length :0 $15 radix-tree-keys :0 $16 radix-tree-nodes :1 $17 last-generated-id $3 8-0 $20 max-deleted-entry-id $3 7-0 $13 entries-added :0 $23 recorded-first-entry-id $3 0-0 $6 groups :0 $11 first-entry $-1 $10 last-entry $-1",
            ),
            ("SET str x", "+OK"),
            ("XDEL str 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("XSETID str 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
