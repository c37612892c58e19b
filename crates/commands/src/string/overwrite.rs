//! APPEND, SETRANGE: changing a string in place.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
    string_value,
};
use keyspace::{Entry, INLINE_MAX, NewValue, Occupied};
use value::string::{Shared, StrRef};

use crate::number::integer;

const OFFSET_OUT_OF_RANGE: Error = Error::fixed("ERR offset is out of range");

/// `APPEND key value`
pub static APPEND: Command = Command {
    name: "append",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::INSERT))],
    docs: Docs {
        summary: "Adds bytes at the end of a key's string, which is empty if there is no key.",
        since: "2.0.0",
        group: Group::String,
        complexity: "O(1) for a short addition, amortised over those that make the string move.",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("value", ArgumentKind::String)],
    execute: append,
    ..Command::DEFAULT
};

/// `SETRANGE key offset value`
pub static SETRANGE: Command = Command {
    name: "setrange",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Overwrites a key's string from an offset on, with zeros in the gap if it is shorter.",
        since: "2.2.0",
        group: Group::String,
        complexity: "O(1) for a short value, amortised; else O(M) where M is the length of the value.",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("offset", ArgumentKind::Integer),
        Argument::new("value", ArgumentKind::String),
    ],
    execute: setrange,
    ..Command::DEFAULT
};

fn append(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (key, added) = (args[1], args[2]);
    let (fresh, max) = (ctx.data.clock.fresh(), ctx.config.clients.bulk_bytes_max);
    let len = match ctx.data.write_string(key)? {
        Entry::Vacant(entry) => {
            entry.insert(string_value(added), None, fresh);
            added.len() as u64
        }
        Entry::Occupied(mut entry) => {
            let len = entry.value().string().map_or(0, StrRef::len);
            check_len(len, added.len(), max)?;
            overwrite(&mut entry, len, added)
        }
    };
    ctx.data.dirty += 1;
    ctx.reply.integer(len as i64);
    Ok(())
}

fn setrange(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (key, value) = (args[1], args[3]);
    let offset = u64::try_from(integer(args[2])?).map_err(|_| OFFSET_OUT_OF_RANGE)?;
    let (fresh, max) = (ctx.data.clock.fresh(), ctx.config.clients.bulk_bytes_max);
    let len = match ctx.data.write_string(key)? {
        Entry::Vacant(_) if value.is_empty() => {
            ctx.reply.integer(0);
            return Ok(());
        }
        Entry::Vacant(entry) => {
            let end = check_len(offset, value.len(), max)?;
            let mut string = Shared::new();
            string.write(offset, value);
            entry.insert(raw(&string), None, fresh);
            end
        }
        Entry::Occupied(entry) if value.is_empty() => {
            let len = entry.value().string().map_or(0, StrRef::len);
            ctx.reply.integer(len as i64);
            return Ok(());
        }
        Entry::Occupied(mut entry) => {
            check_len(offset, value.len(), max)?;
            overwrite(&mut entry, offset, value)
        }
    };
    ctx.data.dirty += 1;
    ctx.reply.integer(len as i64);
    Ok(())
}

/// The end of `added` bytes at `offset`, if a string may be so long.
fn check_len(offset: u64, added: usize, max: u64) -> Result<u64, Error> {
    offset.checked_add(added as u64).filter(|&end| end <= max).ok_or(Error::STRING_TOO_LONG)
}

/// Writes into a string at `offset`, with zeros in the gap if it is shorter, and returns its new length. The change is made in
/// place wherever the string lies; it moves when it outgrows its place, which a growing string does ever more seldom.
fn overwrite(entry: &mut Occupied<'_>, offset: u64, bytes: &[u8]) -> u64 {
    if let Some(len) = entry.shared_mut(|string| {
        string.write(offset, bytes);
        string.len()
    }) {
        return len;
    }
    let end = offset + bytes.len() as u64;
    let len = end.max(entry.value().string().map_or(0, StrRef::len));
    if len <= INLINE_MAX as u64
        && let Some(inline) = entry.resize_inline(len as usize)
    {
        inline[offset as usize..end as usize].copy_from_slice(bytes);
        return len;
    }
    // An integer, or a string that becomes too long for its entry.
    let mut string = entry.value().string().map_or_else(Shared::new, StrRef::to_shared);
    string.write(offset, bytes);
    entry.set_value(raw(&string));
    len
}

/// A string that was put together, as a value: inside the entry if it is short.
fn raw(string: &Shared) -> NewValue<'_> {
    match string.as_flat() {
        Some(flat) if flat.len() <= INLINE_MAX => NewValue::Raw(flat),
        _ => NewValue::shared(string.clone()),
    }
}

#[cfg(test)]
mod tests {
    use keyspace::WorkerId;

    use crate::testing::{Server, check};

    #[test]
    fn append() {
        check(&[
            ("APPEND k Hello", ":5"),
            ("APPEND k ' World'", ":11"),
            ("GET k", "$11 Hello World"),
            ("APPEND k ''", ":11"),
            ("APPEND n 12", ":2"),
            ("INCR n", ":13"),
            ("APPEND n 4", ":3"),
            ("GET n", "$3 134"),
            ("APPEND empty ''", ":0"),
            ("GET empty", "$0 "),
            ("APPEND k", "-ERR wrong number of arguments for 'append' command"),
        ]);
    }

    #[test]
    fn setrange() {
        let range = "-ERR offset is out of range";
        let long = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)";
        check(&[
            ("SETRANGE nothing 5 ''", ":0"),
            ("SETRANGE nothing 9223372036854775807 ''", ":0"),
            ("SETRANGE nothing -1 x", range),
            ("SETRANGE nothing x x", "-ERR value is not an integer or out of range"),
            ("SETRANGE nothing 536870911 xx", long),
            ("SETRANGE nothing 9223372036854775807 x", long),
            ("GET nothing", "$-1"),
            ("SETRANGE k 3 abc", ":6"),
            ("GET k", "$6 \\x00\\x00\\x00abc"),
            ("SETRANGE k 0 xy", ":6"),
            ("GET k", "$6 xy\\x00abc"),
            ("SETRANGE k 8 z", ":9"),
            ("GET k", "$9 xy\\x00abc\\x00\\x00z"),
            ("SETRANGE k 8 ''", ":9"),
            ("SETRANGE k 536870911 xx", long),
            ("STRLEN k", ":9"),
            ("SET n 12345", "+OK"),
            ("SETRANGE n 1 9", ":5"),
            ("GET n", "$5 19345"),
            ("SETRANGE sparse 536870911 x", ":536870912"),
            ("APPEND sparse y", long),
            ("GETRANGE sparse -2 -1", "$2 \\x00x"),
        ]);
    }

    #[test]
    fn what_was_put_together_is_raw() {
        let server = Server::start();
        let mut client = server.connect();
        for (request, raw) in [
            ("SET k 12", false),
            ("APPEND k ''", true),
            ("SET k 12", false),
            ("SETRANGE k 1 3", true),
            ("INCR k", false),
            ("APPEND k x", true),
            ("SET k hello", false),
            ("SETRANGE k 0 j", true),
            ("GETDEL k", true),
            ("APPEND k 12", false),
            ("GETDEL k", false),
            ("SETRANGE k 2 x", true),
            ("SET k 1", false),
            ("INCRBYFLOAT k 0.5", false),
        ] {
            client.send(request);
            client.reply();
            let access = server.engine.keyspace.exclusive(WorkerId(0));
            let view = access.get(0, server.engine.keyspace.key(b"k"));
            assert!(view.is_none_or(|view| view.is_raw == raw), "{request}");
        }
    }

    #[test]
    fn changes_match_a_vector() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let server = Server::start();
        let mut client = server.connect();
        for _ in 0..20 {
            client.send("GETDEL k");
            client.reply();
            let mut model = Vec::new();
            // Small steps within an entry, medium ones out of it, large ones into a tree.
            let step = [10, 3000, 50_000][rng.usize(..3)];
            for _ in 0..60 {
                let data: Vec<u8> = (0..rng.usize(..step)).map(|_| rng.u8(b'0'..=b'9')).collect();
                if rng.bool() {
                    client.send_args(&[b"APPEND", b"k", &data]);
                    model.extend_from_slice(&data);
                } else {
                    let offset = rng.usize(..step * 8);
                    client.send_args(&[b"SETRANGE", b"k", offset.to_string().as_bytes(), &data]);
                    if !data.is_empty() {
                        model.resize(model.len().max(offset + data.len()), 0);
                        model[offset..offset + data.len()].copy_from_slice(&data);
                    }
                }
                assert_eq!(client.reply(), format!(":{}", model.len()));
            }
            let access = server.engine.keyspace.exclusive(WorkerId(0));
            let view = access.get(0, server.engine.keyspace.key(b"k"));
            let value = view.and_then(|view| view.value.string()).map(|value| value.to_cow().into_owned());
            assert_eq!(value.unwrap_or_default(), model);
        }
    }
}
