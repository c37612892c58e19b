//! PFADD: adds elements.

use std::sync::Arc;

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use keyspace::{Entry, Occupied};
use value::hyperloglog::{
    Change, Corrupted, Cursor, Encoding, empty, encoding, invalidate_cache, place, raise, would_raise,
};
use value::string::Shared;

use crate::bitmap::{new_value, string_of};
use crate::hyperloglog::{CORRUPTED, bytes_of, store};

/// `PFADD key [element ...]`
pub static PFADD: Command = Command {
    name: "pfadd",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::HYPERLOGLOG,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::INSERT))],
    docs: Docs {
        summary: "Adds elements to a HyperLogLog, which is made if it does not exist.",
        since: "2.8.9",
        group: Group::HyperLogLog,
        complexity: "O(1) to add every element.",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("element", ArgumentKind::String).optional().multiple()],
    execute: pfadd,
    ..Command::DEFAULT
};

fn pfadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let add = Add { elements: &args[2..], sparse_bytes_max: ctx.config.encoding.hll_sparse_bytes_max };
    let fresh = ctx.data.clock.fresh();
    let changes = match ctx.data.write_string(args[1])? {
        Entry::Vacant(vacant) => {
            let mut bytes = empty();
            // Making it is a change, too.
            let changes = 1 + add.to(&mut bytes).map_err(|_| CORRUPTED)?;
            vacant.insert(new_value(&Shared::from_vec(bytes)), None, fresh);
            changes
        }
        Entry::Occupied(mut entry) => {
            let bytes = bytes_of(string_of(&entry))?;
            // Most additions change nothing; then the value is not touched, and a running snapshot needs no copy of it.
            match add.first_change(&bytes).map_err(|_| CORRUPTED)? {
                None => 0,
                Some(first) => {
                    let is_dense = encoding(&bytes) == Some(Encoding::Dense);
                    // A sparse value is worked on as a copy, since it may turn out to be corrupted half-way.
                    let copy = if is_dense { Vec::new() } else { bytes.into_owned() };
                    let add = Add { elements: &add.elements[first..], ..add };
                    add.change(&mut entry, copy).map_err(|_| CORRUPTED)?
                }
            }
        }
    };
    ctx.data.dirty += changes;
    ctx.reply.integer(i64::from(changes > 0));
    Ok(())
}

/// What is to be added, and how.
#[derive(Clone, Copy)]
struct Add<'a> {
    elements: Args<'a>,
    sparse_bytes_max: u64,
}

impl Add<'_> {
    /// The first element that would change something.
    fn first_change(&self, bytes: &[u8]) -> Result<Option<usize>, Corrupted> {
        for (number, element) in self.elements.iter().enumerate() {
            let (index, rank) = place(element);
            if would_raise(bytes, index, rank)? {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// Adds to `bytes`; the number of elements that changed something.
    fn to(&self, bytes: &mut Vec<u8>) -> Result<u64, Corrupted> {
        let mut changes = 0;
        for element in self.elements {
            let (index, rank) = place(element);
            let change = raise(bytes, index, rank, self.sparse_bytes_max, &mut Cursor::default())?;
            changes += u64::from(change == Change::Done);
        }
        invalidate_cache(bytes);
        Ok(changes)
    }

    /// Adds to an existing value: where it lies if it is dense and in one piece, else by way of `copy`, its bytes if it is sparse.
    fn change(&self, entry: &mut Occupied<'_>, mut copy: Vec<u8>) -> Result<u64, Corrupted> {
        if copy.is_empty() {
            let changed = entry.shared_mut(|shared| match shared {
                Shared::Flat(flat) => Some(self.to(Arc::make_mut(flat))),
                Shared::Tree(_) => None,
            });
            if let Some(changes) = changed.flatten() {
                return changes;
            }
            copy = string_of(entry).to_cow().into_owned();
        }
        let changes = self.to(&mut copy)?;
        store(entry, copy);
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn pfadd() {
        check(&[
            ("PFADD k", ":1"),
            ("PFADD k", ":0"),
            ("GET k", r"$18 HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff"),
            ("PFADD k a b c", ":1"),
            ("PFADD k c b a", ":0"),
            ("PFCOUNT k", ":3"),
            ("PFADD", "-ERR wrong number of arguments for 'pfadd' command"),
        ]);
    }

    #[test]
    fn what_is_none() {
        let not = "-WRONGTYPE Key is not a valid HyperLogLog string value.";
        check(&[
            ("SET k hello", "+OK"),
            ("PFADD k a", not),
            ("SET k 12", "+OK"),
            ("PFADD k a", not),
            ("PFCOUNT k", not),
            ("PFMERGE d k", not),
            (r#"SET k "HYLL\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff""#, "+OK"),
            ("PFADD k a", not),
            (r#"SET k "HYLL\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff""#, "+OK"),
            ("PFADD k a", not),
            ("SETBIT k 1000000 1", ":0"),
            ("PFADD k a", not),
        ]);
    }

    #[test]
    fn what_is_corrupted() {
        let corrupted = "-INVALIDOBJ Corrupted HLL object detected";
        check(&[
            (r#"SET k "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x00""#, "+OK"),
            ("PFADD k a", corrupted),
            ("PFCOUNT k", corrupted),
            ("PFCOUNT k k", corrupted),
            ("PFMERGE d k", corrupted),
            ("PFDEBUG GETREG k", corrupted),
            ("PFDEBUG TODENSE k", corrupted),
            ("PFDEBUG DECODE k", "$3 z:1"),
            ("SETBIT k 1000000 1", ":0"),
            ("PFADD k a", &format!("{corrupted}, it is longer than any can be")),
        ]);
    }
}
