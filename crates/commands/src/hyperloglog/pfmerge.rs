//! PFMERGE: one HyperLogLog that has seen what several have.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use keyspace::Entry;
use value::hyperloglog::{
    Cursor, Encoding, REGISTERS, Registers, empty, encoding, invalidate_cache, merge_into, raise,
    store_dense, to_dense,
};
use value::string::Shared;

use crate::bitmap::{new_value, string_of};
use crate::hyperloglog::{CORRUPTED, bytes_of, store};

/// `PFMERGE destkey [sourcekey ...]`
pub static PFMERGE: Command = Command {
    name: "pfmerge",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::HYPERLOGLOG,
    keys: &[
        KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::INSERT)),
        KeySpec::range(2, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    docs: Docs {
        summary: "Merges HyperLogLogs into the first one, which is made if it does not exist.",
        since: "2.8.9",
        group: Group::HyperLogLog,
        complexity: "O(N) to merge N HyperLogLogs, but with high constant times.",
        ..Docs::NONE
    },
    arguments: &[
        Argument { key_spec: Some(0), ..Argument::new("destkey", ArgumentKind::Key) },
        Argument { key_spec: Some(1), ..Argument::new("sourcekey", ArgumentKind::Key) }.optional().multiple(),
    ],
    execute: pfmerge,
    ..Command::DEFAULT
};

fn pfmerge(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut merged = Merged { registers: Box::new([0; REGISTERS]), is_dense: false };
    for key in &args[1..] {
        if let Some(value) = ctx.data.read_string(key)? {
            let bytes = bytes_of(value)?;
            merged.is_dense |= encoding(&bytes) == Some(Encoding::Dense);
            merge_into(&mut merged.registers, &bytes).map_err(|_| CORRUPTED)?;
        }
    }
    let sparse_bytes_max = ctx.config.encoding.hll_sparse_bytes_max;
    let fresh = ctx.data.clock.fresh();
    match ctx.data.write_string(args[1])? {
        Entry::Vacant(vacant) => {
            let bytes = merged.over(empty(), sparse_bytes_max)?;
            vacant.insert(new_value(&Shared::from_vec(bytes)), None, fresh);
        }
        Entry::Occupied(mut entry) => {
            let bytes = bytes_of(string_of(&entry))?.into_owned();
            store(&mut entry, merged.over(bytes, sparse_bytes_max)?);
        }
    }
    ctx.data.dirty += 1;
    ctx.reply.ok();
    Ok(())
}

/// The registers of all, and whether one of them was dense.
struct Merged {
    registers: Box<Registers>,
    is_dense: bool,
}

impl Merged {
    /// The destination with these registers. A sparse one is changed register by register, as Redis does it: the order decides its
    /// bytes.
    fn over(&self, destination: Vec<u8>, sparse_bytes_max: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = destination;
        if self.is_dense {
            bytes = to_dense(&bytes).map_err(|_| CORRUPTED)?;
            store_dense(&mut bytes, &self.registers).map_err(|_| CORRUPTED)?;
        } else {
            let mut cursor = Cursor::default();
            for (index, &rank) in self.registers.iter().enumerate().filter(|(_, rank)| **rank > 0) {
                raise(&mut bytes, index, rank, sparse_bytes_max, &mut cursor).map_err(|_| CORRUPTED)?;
            }
        }
        invalidate_cache(&mut bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn pfmerge() {
        check(&[
            ("PFMERGE new", "+OK"),
            ("PFCOUNT new", ":0"),
            ("PFADD a 1 2 3", ":1"),
            ("PFADD b 3 4", ":1"),
            ("PFMERGE d a b nothing", "+OK"),
            ("PFCOUNT d", ":4"),
            ("PFDEBUG ENCODING d", "+sparse"),
            ("PFDEBUG TODENSE b", ":1"),
            ("PFMERGE a b", "+OK"),
            ("PFDEBUG ENCODING a", "+dense"),
            ("PFCOUNT a", ":4"),
            ("PFMERGE b d", "+OK"),
            ("PFCOUNT b", ":4"),
        ]);
    }
}
