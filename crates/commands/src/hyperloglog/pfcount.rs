//! PFCOUNT: how many different elements, in one HyperLogLog or in several together.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use keyspace::Entry;
use value::hyperloglog::{HEADER, REGISTERS, cache_of, cached_count, count, count_registers, merge_into};

use crate::bitmap::write_at;
use crate::hyperloglog::{CORRUPTED, bytes_of};

/// `PFCOUNT key [key ...]`
pub static PFCOUNT: Command = Command {
    name: "pfcount",
    arity: -2,
    flags: Flags::READONLY.and(Flags::MAY_REPLICATE),
    categories: Categories::HYPERLOGLOG,
    keys: &[KeySpec {
        notes: Some("RW since the count is kept in the value, which replicas are told of"),
        ..KeySpec::range(1, -1, 1, KeyFlags::RW.and(KeyFlags::ACCESS))
    }],
    docs: Docs {
        summary: "Estimates how many different elements one or several HyperLogLogs have seen.",
        since: "2.8.9",
        group: Group::HyperLogLog,
        complexity: "O(1) with a very small average constant time when called with a single key. O(N) with N being the number of keys, and much bigger constant times, when called with multiple keys.",
        ..Docs::NONE
    },
    arguments: &[Argument { key_spec: Some(0), ..Argument::new("key", ArgumentKind::Key) }.multiple()],
    execute: pfcount,
    ..Command::DEFAULT
};

fn pfcount(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let count = match args {
        [_, key] => one(ctx, key)?,
        _ => union(ctx, &args[1..])?,
    };
    // Redis's conversion: from 2^63 on it is negative.
    ctx.reply.integer(count as i64);
    Ok(())
}

/// The count of one, taken from the value or put there.
fn one(ctx: &mut Ctx<'_>, key: &[u8]) -> Result<u64, Error> {
    let Some(value) = ctx.data.read_string(key)? else { return Ok(0) };
    let bytes = bytes_of(value)?;
    if let Some(cached) = bytes.first_chunk::<HEADER>().and_then(cached_count) {
        return Ok(cached);
    }
    let count = count(&bytes).map_err(|_| CORRUPTED)?;
    drop(bytes);
    if let Entry::Occupied(mut entry) = ctx.data.entry(key) {
        write_at(&mut entry, HEADER as u64 - 8, &cache_of(count));
        ctx.data.dirty += 1;
    }
    Ok(count)
}

fn union(ctx: &mut Ctx<'_>, keys: Args<'_>) -> Result<u64, Error> {
    let mut registers = Box::new([0; REGISTERS]);
    for key in keys {
        if let Some(value) = ctx.data.read_string(key)? {
            merge_into(&mut registers, &bytes_of(value)?).map_err(|_| CORRUPTED)?;
        }
    }
    Ok(count_registers(&registers))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn pfcount() {
        check(&[
            ("PFCOUNT nothing", ":0"),
            ("PFCOUNT nothing neither", ":0"),
            ("PFADD a 1 2 3 4 5", ":1"),
            ("PFADD b 4 5 6 7", ":1"),
            ("PFCOUNT a", ":5"),
            ("PFCOUNT b", ":4"),
            ("PFCOUNT a b nothing", ":7"),
            ("PFDEBUG TODENSE b", ":1"),
            ("PFCOUNT a b", ":7"),
            ("PFCOUNT b", ":4"),
        ]);
    }

    #[test]
    fn the_count_is_kept_in_the_value() {
        check(&[
            ("PFADD k a b", ":1"),
            ("PFCOUNT k", ":2"),
            // A wrong count, marked as up to date, is believed.
            (r#"SETBIT k 70 1"#, ":1"),
            ("SETBIT k 71 1", ":0"),
            ("PFCOUNT k", ":3"),
            ("PFADD k a", ":0"),
            ("PFCOUNT k", ":3"),
            ("PFADD k c d", ":1"),
            ("PFCOUNT k", ":4"),
        ]);
    }
}
