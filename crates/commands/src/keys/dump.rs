//! DUMP: a key's value as bytes that RESTORE reads, the same as Redis 7.0's.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};
use keyspace::ValueRef;
use rdb::Compressor;

/// `DUMP key`
pub static DUMP: Command = Command {
    name: "dump",
    arity: 2,
    flags: Flags::READONLY,
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers a key's value in the format of RESTORE.",
        since: "2.6.0",
        group: Group::Generic,
        complexity: "O(N) in the size of the value",
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    tips: &["nondeterministic_output"],
    execute: dump,
    ..Command::DEFAULT
};

/// Appends the payload of a value.
pub fn payload(out: &mut Vec<u8>, value: ValueRef<'_>, compress: bool) {
    let mut compressor = compress.then(Compressor::new);
    match value {
        ValueRef::String(string) => rdb::dump::string(out, string, compressor.as_mut()),
        _ => todo!("GLUE"),
    }
}

fn dump(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let compress = ctx.config.snapshot.compression;
    match ctx.data.read(args[1]) {
        None => ctx.reply.null(),
        Some(entry) => {
            let mut bytes = Vec::new();
            payload(&mut bytes, entry.value, compress);
            ctx.reply.bulk(&bytes);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn payloads_are_those_of_redis_7_0() {
        check(&[
            ("DUMP none", "$-1"),
            ("SET a 5", "+OK"),
            ("DUMP a", "$13 \\x00\\xc0\\x05\\n\\x00c/_f\\x83/\\xb3Q"),
            ("SET d aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "+OK"),
            (
                "DUMP d",
                "$23 \\x00\\xc3\\t,\\x01aa\\xe0\\x1f\\x00\\x01aa\\n\\x00\\x98\\x11\\xf4\\xb6\\xaaSv\\xff",
            ),
        ]);
    }
}
