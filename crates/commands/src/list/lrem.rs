//! LREM: removes elements by what they are.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::list::End;

use crate::number::signed_count;

use super::{limit, place};

/// `LREM key count element`
pub static LREM: Command = Command {
    name: "lrem",
    arity: 4,
    flags: Flags::WRITE,
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes elements that are equal to one from a list.",
        group: Group::List,
        complexity: "O(N)",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("count", ArgumentKind::Integer),
        Argument::new("element", ArgumentKind::String),
    ],
    execute: lrem,
    ..Command::DEFAULT
};

fn lrem(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (from, max) = match signed_count(args[2])? {
        0 => (End::Head, u64::MAX),
        count @ 1.. => (End::Head, count as u64),
        count => (End::Tail, count.unsigned_abs()),
    };
    let limit = limit(ctx);
    let mut removed = 0;
    if let Some(mut list) = place::find(&mut ctx.data, args[1], limit)? {
        removed = list.remove_matching(from, args[3], max);
        if removed > 0 {
            list.settle();
        }
    }
    ctx.data.dirty += removed;
    ctx.reply.integer(removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn lrem() {
        check(&[
            ("LREM k x a", "-ERR value is not an integer or out of range"),
            ("LREM k 0 a", ":0"),
            ("RPUSH k a b a 7 a b a", ":7"),
            ("LREM k 1 a", ":1"),
            ("LREM k -2 a", ":2"),
            ("LRANGE k 0 -1", "*4 $1 b $1 a $1 7 $1 b"),
            ("LREM k 0 07", ":0"),
            ("LREM k 0 7", ":1"),
            ("LREM k 9 b", ":2"),
            ("LREM k -1 a", ":1"),
            ("EXISTS k", ":0"),
            (
                "LREM k -9223372036854775808 a",
                "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
            ),
            ("SET s v", "+OK"),
            ("LREM s 0 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
