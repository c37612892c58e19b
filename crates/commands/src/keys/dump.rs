//! DUMP: a key's value as bytes that RESTORE reads, by default the same as Redis 7.0's.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};
use keyspace::ValueRef;
use rdb::values::{ObjectRef, has_deadlines, whole};
use rdb::{Compressor, ObjectWriter, Place};

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

/// Appends the payload of a value, as the settings say.
pub fn payload(out: &mut Vec<u8>, value: ValueRef<'_>, settings: &config::Snapshot) {
    let mut compressor = settings.compression.then(Compressor::new);
    let object = match value {
        ValueRef::String(string) => {
            return rdb::dump::string(out, string, settings.version.number(), compressor.as_mut());
        }
        ValueRef::List(list) => ObjectRef::List(list),
        ValueRef::Set(set) => ObjectRef::Set(set),
        ValueRef::Zset(zset) => ObjectRef::Zset(zset),
        ValueRef::Hash(hash) => ObjectRef::Hash(hash),
        ValueRef::Stream(stream) => ObjectRef::Stream(stream),
    };
    let mut version = settings.version.number();
    if has_deadlines(object) {
        version = version.max(rdb::format::FIELD_DEADLINES_VERSION);
    }
    let start = out.len();
    whole(&mut ObjectWriter::for_payload(version, compressor.as_mut()), out, Place::Payload, object);
    rdb::dump::finish(out, start, version);
}

fn dump(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let settings = &ctx.config.snapshot;
    match ctx.data.read(args[1]) {
        None => ctx.reply.null(),
        Some(entry) => {
            let mut bytes = Vec::new();
            payload(&mut bytes, entry.value, settings);
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
