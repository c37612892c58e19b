//! DEBUG: looks behind the scenes and provokes faults, for test suites. Executed with the gate held exclusively, so that SLEEP
//! stops everybody, as in Redis, and DIGEST sees one state.
//!
//! What only means something inside Redis answers an error that says so; nothing is accepted and ignored.

use std::sync::atomic::Ordering;
use std::time::Duration;

use engine::{Args, Command, Ctx, Docs, Error, Flags, Group, Scope};
use keyspace::{Entry, NewValue, ValueRef};
use value::list::{Encoding, ListLeaf, ListRef};
use value::number::{parse_f64, parse_i64};

use super::digest::{self, Digest};
use crate::keys::{encoding_of, payload, references_of};
use crate::number::integer;

/// `DEBUG subcommand [argument ...]`
pub static DEBUG: Command = Command {
    name: "debug",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE).and(Flags::PROTECTED),
    scope: Scope::Outside,
    docs: Docs {
        summary: "Inspects and provokes the server, for its developers.",
        since: "1.0.0",
        group: Group::Server,
        complexity: "Depends on the subcommand.",
        syscmd: true,
        ..Docs::NONE
    },
    execute: debug,
    ..Command::DEFAULT
};

/// Subcommands for HELP.
const HELP: &[(&str, &str)] = &[
    ("ASSERT", "Crash by a failed assertion."),
    (
        "CONFIG-REWRITE-FORCE-ALL",
        "CONFIG REWRITE that spells out every option that has a value, also where it is the default.",
    ),
    ("CHANGE-REPL-ID", "Refused: there is no replication yet."),
    ("DIGEST", "A hash of all keys, values and deadlines, the same as Redis's."),
    ("DIGEST-VALUE <key> [<key> ...]", "A hash of each key's value and of whether it has a deadline."),
    ("ERROR <text>", "Answer this error."),
    ("HTSTATS <db>", "How a database's tables are filled."),
    ("HTSTATS-KEY <key>", "The same of a large set, sorted set or hash."),
    ("LISTPACK <key>", "Write to the log how a value that is called a listpack is kept."),
    ("LOG <message>", "Write a line to the server's log."),
    ("OBJECT <key>", "How a key's value is kept."),
    ("PANIC", "Crash by a panic."),
    (
        "POPULATE <count> [<prefix>] [<size>]",
        "Create string keys prefix:number (default: key); those that exist stay.",
    ),
    (
        "PROTOCOL <type>",
        "Answer a reply of this type: string, integer, double, null, array, set, map, attrib, push, verbatim, true, false, bignum.",
    ),
    (
        "QUICKLIST <key> [<0|1>]",
        "Write to the log how a value that is called a quicklist is kept; with 1 the size of each node, too.",
    ),
    (
        "RELOAD [NOSAVE] [NOFLUSH]",
        "Save the data set, empty the server and load the file again; NOFLUSH needs keys that are not in the file.",
    ),
    ("SEGFAULT", "Crash by an invalid memory access signal."),
    ("SET-ACTIVE-EXPIRE <0|1>", "Whether keys are removed at their deadline without being met."),
    ("SET-SKIP-CHECKSUM-VALIDATION <0|1>", "Whether RESTORE takes payloads whose checksum is wrong."),
    ("SLEEP <seconds>", "Stop the whole server; decimals are allowed."),
];

/// Words of Redis's that mean nothing here, and why.
const MEANINGLESS: &[(&str, &str)] = &[
    ("CHANGE-REPL-ID", "there is no replication yet"),
    ("DICT-RESIZING", "tables grow and shrink a segment at a time and never rehash"),
    (
        "QUICKLIST-PACKED-THRESHOLD",
        "an element of more than 4 KB has a node of its own, and no list is kept another way for it",
    ),
    ("REPLYBUFFER", "reply buffers have no fixed part that could be resized"),
    ("SDSLEN", "strings are not kept as sds"),
    ("STRUCTSIZE", "Redis's structures are not used"),
    ("ZIPLIST", "no value is kept in a ziplist"),
];

fn debug(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let word = args[1].to_ascii_uppercase();
    match (word.as_slice(), &args[2..]) {
        (b"RELOAD", options) => return reload(ctx, options),
        (b"CONFIG-REWRITE-FORCE-ALL", []) => {
            let failed = |error| Error::new(format!("ERR CONFIG-REWRITE-FORCE-ALL failed: {error}"));
            ctx.engine.config.rewrite_all().map_err(failed)?;
            ctx.reply.ok();
            return Ok(());
        }
        _ => {}
    }
    // Everything else is done with nobody else inside.
    ctx.enter_exclusively();
    match (word.as_slice(), &args[2..]) {
        (b"HELP", []) => crate::keys::help(ctx, "DEBUG", HELP),
        (b"SLEEP", [seconds]) => sleep(ctx, seconds),
        (b"SET-ACTIVE-EXPIRE", [on]) => {
            ctx.engine.active_expire.store(is_on(on), Ordering::Relaxed);
            ctx.reply.ok();
        }
        (b"SET-SKIP-CHECKSUM-VALIDATION", [on]) => {
            ctx.engine.skip_payload_checksum.store(is_on(on), Ordering::Relaxed);
            ctx.reply.ok();
        }
        (b"OBJECT", [key] | [key, _]) => return object(ctx, key),
        (b"DIGEST", []) => {
            let digest = digest::of_all(ctx.data.access_ref());
            ctx.reply.write().simple(&digest.to_string());
        }
        (b"DIGEST-VALUE", keys) => digest_values(ctx, keys),
        (b"POPULATE", [count, rest @ ..]) if rest.len() <= 2 => return populate(ctx, count, rest),
        (b"HTSTATS", [database]) => return table_statistics(ctx, database),
        (b"HTSTATS-KEY", [key]) => return value_statistics(ctx, key),
        (b"LISTPACK", [key]) => return nodes(ctx, key, "listpack", false),
        (b"QUICKLIST", [key]) => return nodes(ctx, key, "quicklist", false),
        (b"QUICKLIST", [key, full]) => return nodes(ctx, key, "quicklist", *full != b"0"),
        (b"PROTOCOL", [kind]) => return protocol(ctx, kind),
        (b"ERROR", [text]) => ctx.reply.write().error(text),
        (b"LOG", [message]) => {
            let message = String::from_utf8_lossy(message);
            journal::log(journal::Level::Warning, format_args!("DEBUG LOG: {message}"));
            ctx.reply.ok();
        }
        (b"PANIC", []) => panic!("called by a client: DEBUG PANIC"),
        (b"ASSERT", []) => assert!(args.is_empty(), "called by a client: DEBUG ASSERT"),
        (b"SEGFAULT", []) => {
            let raised =
                rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::SEGV);
            raised.map_err(|error| Error::new(format!("ERR the signal could not be raised: {error}")))?;
            // The signal may be handled on another thread; this one has nothing to answer.
            std::thread::sleep(Duration::from_secs(1));
        }
        _ => return Err(unknown(args[1], &word)),
    }
    Ok(())
}

fn reload(ctx: &mut Ctx<'_>, options: &[&[u8]]) -> Result<(), Error> {
    let (mut save, mut keep) = (true, false);
    for option in options {
        match option.to_ascii_uppercase().as_slice() {
            b"NOSAVE" => save = false,
            b"NOFLUSH" => keep = true,
            _ => {
                return Err(Error::fixed(
                    "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
                ));
            }
        }
    }
    let worker = ctx.data.access_ref().worker();
    crate::persistence::service(ctx)?.reload(worker, save, keep)?;
    ctx.reply.ok();
    Ok(())
}

fn unknown(given: &[u8], word: &[u8]) -> Error {
    if let Some((name, why)) = MEANINGLESS.iter().find(|(name, _)| name.as_bytes() == word) {
        return Error::new(format!("ERR DEBUG {name} means nothing in this server: {why}"));
    }
    Error::naming(
        "ERR unknown subcommand or wrong number of arguments for '",
        &given[..given.len().min(128)],
        "'. Try DEBUG HELP.",
    )
}

/// A switch, as C's atoi: what is no number is 0.
fn is_on(arg: &[u8]) -> bool {
    parse_i64(arg).unwrap_or(0) != 0
}

fn sleep(ctx: &mut Ctx<'_>, seconds: &[u8]) {
    // As C's strtod: what is no number is 0. A time that no clock can measure is none either.
    let seconds = parse_f64(seconds).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    std::thread::sleep(seconds.unwrap_or_default());
    ctx.reply.ok();
}

/// Looks at a key even if its deadline has passed.
fn find<R>(ctx: &Ctx<'_>, key: &[u8], look: impl FnOnce(keyspace::EntryView<'_>) -> R) -> Option<R> {
    let access = ctx.data.access_ref();
    access.get(ctx.data.database(), access.keyspace().key(key)).map(look)
}

fn object(ctx: &mut Ctx<'_>, key: &[u8]) -> Result<(), Error> {
    let clock = ctx.data.clock;
    let text = find(ctx, key, |entry| {
        let mut dump = Vec::new();
        payload(&mut dump, entry.value, &ctx.config.snapshot);
        // Without the type before the value, and version and checksum behind it.
        let serialized = dump.len().saturating_sub(11);
        format!(
            "Value at:{:p} refcount:{} encoding:{} serializedlength:{serialized} lru:{} lru_seconds_idle:{}{}",
            entry.key.as_ptr(),
            references_of(ctx.config, entry.value),
            encoding_of(&entry),
            entry.clock,
            if clock.is_lfu() { 0 } else { clock.idle_seconds(entry.clock) },
            list_shape(ctx, entry.value),
        )
    });
    ctx.reply.write().simple(&text.ok_or(Error::NO_SUCH_KEY)?);
    Ok(())
}

/// What Redis adds for a quicklist: leaves are its nodes, and none is compressed.
fn list_shape(ctx: &Ctx<'_>, value: ValueRef<'_>) -> String {
    let ValueRef::List(ListRef::Large(list)) = value else { return String::new() };
    if list.encoding() != Encoding::Quicklist {
        return String::new();
    }
    let (nodes, bytes) = list.leaves().fold((0u64, 0), |sum, leaf| (sum.0 + 1, sum.1 + leaf.listpack_len()));
    format!(
        " ql_nodes:{nodes} ql_avg_node:{:.2} ql_listpack_max:{} ql_compressed:0 ql_uncompressed_size:{bytes}",
        list.len() as f64 / nodes.max(1) as f64,
        ctx.config.encoding.list_block_size,
    )
}

/// Writes to the log how a value is kept.
fn nodes(ctx: &mut Ctx<'_>, key: &[u8], encoding: &str, full: bool) -> Result<(), Error> {
    let found = find(ctx, key, |entry| {
        let sizes: Vec<usize> = match entry.value {
            ValueRef::List(ListRef::Large(list)) => list.leaves().map(ListLeaf::body_len).collect(),
            _ => entry.block().map(|(_, block)| block.len()).into_iter().collect(),
        };
        (encoding_of(&entry), sizes)
    });
    let (name, sizes) = found.ok_or(Error::NO_SUCH_KEY)?;
    if name != encoding {
        return Err(Error::new(format!("ERR Not a {encoding} encoded object.")));
    }
    let key = key[..key.len().min(128)].escape_ascii();
    journal::notice!("DEBUG: '{key}' has {} nodes of {} bytes", sizes.len(), sizes.iter().sum::<usize>());
    if full {
        sizes.iter().enumerate().for_each(|(at, size)| journal::notice!("DEBUG: node {at}: {size} bytes"));
    }
    let text = if encoding == "listpack" { "Listpack" } else { "Quicklist" };
    ctx.reply.write().simple(&format!("{text} structure printed on stdout"));
    Ok(())
}

fn value_statistics(ctx: &mut Ctx<'_>, key: &[u8]) -> Result<(), Error> {
    let found = find(ctx, key, |entry| {
        let large = entry.value.large()?;
        let len = match entry.value {
            ValueRef::Set(set) => set.len(),
            ValueRef::Zset(zset) => zset.len(),
            ValueRef::Hash(hash) => hash.len(),
            ValueRef::String(_) | ValueRef::List(_) | ValueRef::Stream(_) => return None,
        };
        Some((len, large.heap_bytes()))
    });
    let (len, bytes) = found.ok_or(Error::NO_SUCH_KEY)?.ok_or(Error::fixed(
        "ERR The value stored at the specified key is not represented using an hash table",
    ))?;
    let text = format!("[Dictionary HT]\n number of elements: {len}\n bytes: {bytes}\n");
    ctx.reply.write().verbatim("txt", text.as_bytes());
    Ok(())
}

fn digest_values(ctx: &mut Ctx<'_>, keys: Args<'_>) {
    ctx.reply.write().array(keys.len());
    for key in keys {
        let digest = find(ctx, key, digest::of_value).unwrap_or(Digest::NONE);
        ctx.reply.write().simple(&digest.to_string());
    }
}

fn positive(arg: &[u8]) -> Result<usize, Error> {
    const OUTSIDE: Error = Error::fixed("ERR value is out of range, must be positive");
    parse_i64(arg).and_then(|number| usize::try_from(number).ok()).ok_or(OUTSIDE)
}

fn populate(ctx: &mut Ctx<'_>, count: &[u8], rest: Args<'_>) -> Result<(), Error> {
    let count = positive(count)?;
    let prefix = rest.first().copied().unwrap_or(b"key");
    let size = rest.get(1).map_or(Ok(0), |size| positive(size))?;
    if size as u64 > ctx.config.clients.bulk_bytes_max {
        return Err(Error::STRING_TOO_LONG);
    }
    let fresh = ctx.data.clock.fresh();
    let mut key = prefix.to_vec();
    key.push(b':');
    let mut value = Vec::new();
    for number in 0..count {
        let digits = number.to_string();
        key.truncate(prefix.len() + 1);
        key.extend_from_slice(digits.as_bytes());
        if let Entry::Vacant(entry) = ctx.data.entry(&key) {
            value.clear();
            value.extend_from_slice(b"value:");
            value.extend_from_slice(digits.as_bytes());
            if size > 0 {
                value.resize(size, 0);
            }
            entry.insert(NewValue::Bytes(&value), None, fresh);
        }
    }
    ctx.reply.ok();
    Ok(())
}

fn table_statistics(ctx: &mut Ctx<'_>, database: &[u8]) -> Result<(), Error> {
    const OUTSIDE: Error = Error::fixed("ERR Out of range database");
    let database = u32::try_from(integer(database)?).map_err(|_| OUTSIDE)?;
    let access = ctx.data.access_ref();
    if database >= access.keyspace().databases() {
        return Err(OUTSIDE);
    }
    let (keys, deadlines) = (access.len(database), access.deadlines(database));
    let (segments, buckets) = access.shape(database);
    let bytes = access.bytes(database);
    let slots = buckets * 8;
    let used = if slots == 0 { 0.0 } else { keys as f64 * 100.0 / slots as f64 };
    let text = format!(
        "[Dictionary HT]\n table size: {slots}\n number of elements: {keys}\n segments: {segments}\n buckets: {buckets}\n slots in use: {used:.2}%\n index bytes: {}\n[Expires HT]\n number of elements: {deadlines}\n wheel bytes: {}\n",
        bytes.index, bytes.expiry,
    );
    ctx.reply.write().verbatim("txt", text.as_bytes());
    Ok(())
}

fn protocol(ctx: &mut Ctx<'_>, kind: &[u8]) -> Result<(), Error> {
    let is_resp3 = ctx.reply.protocol() == resp::Protocol::Resp3;
    let mut writer = ctx.reply.write();
    match kind.to_ascii_lowercase().as_slice() {
        b"string" => writer.bulk(b"Hello World"),
        b"integer" => writer.integer(12345),
        b"double" => writer.double_text("3.141"),
        b"null" => writer.null(),
        b"array" => {
            writer.array(3);
            (0..3).for_each(|n| writer.integer(n));
        }
        b"set" => {
            writer.set(3);
            (0..3).for_each(|n| writer.integer(n));
        }
        b"map" => {
            writer.map(3);
            for n in 0..3 {
                writer.integer(n);
                writer.boolean(n == 1);
            }
        }
        b"attrib" => {
            if is_resp3 {
                writer.attribute(1);
                writer.bulk(b"key-popularity");
                writer.array(2);
                writer.bulk(b"key:123");
                writer.integer(90);
            }
            writer.bulk(b"Some real reply following the attribute");
        }
        b"push" if !is_resp3 => return Err(Error::fixed("ERR RESP2 is not supported by this command")),
        b"push" => {
            writer.bulk(b"Some real reply following the push reply");
            writer.push(2);
            writer.bulk(b"server-cpu-usage");
            writer.integer(42);
        }
        b"verbatim" => writer.verbatim("txt", b"This is a verbatim\nstring"),
        b"true" => writer.boolean(true),
        b"false" => writer.boolean(false),
        b"bignum" => writer.big_number("1234567999999999999999999999999999999"),
        _ => {
            return Err(Error::fixed(
                "ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use crate::testing::{Server, check};

    #[test]
    fn errors() {
        check(&[
            ("DEBUG FOO", "-ERR unknown subcommand or wrong number of arguments for 'FOO'. Try DEBUG HELP."),
            (
                "DEBUG SLEEP",
                "-ERR unknown subcommand or wrong number of arguments for 'SLEEP'. Try DEBUG HELP.",
            ),
            ("DEBUG SLEEP x", "+OK"),
            ("DEBUG SLEEP -1", "+OK"),
            ("DEBUG SLEEP 0", "+OK"),
            ("DEBUG SET-ACTIVE-EXPIRE x", "+OK"),
            ("DEBUG OBJECT none", "-ERR no such key"),
            (
                "DEBUG DIGEST x",
                "-ERR unknown subcommand or wrong number of arguments for 'DIGEST'. Try DEBUG HELP.",
            ),
            ("DEBUG DIGEST-VALUE", "*0"),
            ("DEBUG POPULATE x", "-ERR value is out of range, must be positive"),
            ("DEBUG POPULATE -1", "-ERR value is out of range, must be positive"),
            (
                "DEBUG POPULATE 1 p 99999999999999",
                "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            ),
            ("DEBUG HTSTATS x", "-ERR value is not an integer or out of range"),
            ("DEBUG HTSTATS 100", "-ERR Out of range database"),
            ("DEBUG HTSTATS -1", "-ERR Out of range database"),
            ("DEBUG HTSTATS-KEY none", "-ERR no such key"),
            ("DEBUG ERROR 'foo bar'", "-foo bar"),
            ("DEBUG LOG hello", "+OK"),
            (
                "DEBUG STRUCTSIZE",
                "-ERR DEBUG STRUCTSIZE means nothing in this server: Redis's structures are not used",
            ),
        ]);
    }

    #[test]
    fn populate_makes_what_redis_makes() {
        check(&[
            ("SET key:1 mine", "+OK"),
            ("DEBUG POPULATE 3", "+OK"),
            ("DEBUG POPULATE 2 pfx 12", "+OK"),
            ("DEBUG POPULATE 2 pfy 3", "+OK"),
            ("DBSIZE", ":7"),
            ("GET key:1", "$4 mine"),
            ("GET key:2", "$7 value:2"),
            ("GET pfx:1", "$12 value:1\\x00\\x00\\x00\\x00\\x00"),
            ("GET pfy:1", "$3 val"),
        ]);
    }

    #[test]
    fn objects() {
        let server = Server::start();
        let mut client = server.connect();
        for (value, expected) in [
            ("5", "refcount:2147483647 encoding:int serializedlength:2 lru:"),
            ("hello", "refcount:1 encoding:embstr serializedlength:6 lru:"),
        ] {
            client.send(&format!("SET k {value}"));
            client.reply();
            client.send("DEBUG OBJECT k");
            let reply = client.reply();
            assert!(reply.starts_with("+Value at:0x") && reply.contains(expected), "{reply}");
            assert!(reply.ends_with(" lru_seconds_idle:0"), "{reply}");
        }
        client.send("DEBUG HTSTATS 0");
        assert!(client.reply().contains("number of elements: 1\\n"));
    }

    #[test]
    fn sleep_stops_everybody() {
        let server = Server::start();
        let mut client = server.connect();
        let began = Instant::now();
        client.send("DEBUG SLEEP 0.05");
        assert_eq!(client.reply(), "+OK");
        assert!(began.elapsed() >= Duration::from_millis(50));
    }

    #[test]
    fn every_type_of_reply() {
        check(&[
            ("DEBUG PROTOCOL string", "$11 Hello World"),
            ("DEBUG PROTOCOL integer", ":12345"),
            ("DEBUG PROTOCOL double", "$5 3.141"),
            ("DEBUG PROTOCOL null", "$-1"),
            ("DEBUG PROTOCOL array", "*3 :0 :1 :2"),
            ("DEBUG PROTOCOL set", "*3 :0 :1 :2"),
            ("DEBUG PROTOCOL map", "*6 :0 :0 :1 :1 :2 :0"),
            ("DEBUG PROTOCOL attrib", "$39 Some real reply following the attribute"),
            ("DEBUG PROTOCOL push", "-ERR RESP2 is not supported by this command"),
            ("DEBUG PROTOCOL verbatim", "$25 This is a verbatim\\nstring"),
            ("DEBUG PROTOCOL true", ":1"),
            ("DEBUG PROTOCOL false", ":0"),
            ("DEBUG PROTOCOL bignum", "$37 1234567999999999999999999999999999999"),
        ]);
    }

    #[test]
    fn without_active_expiry_keys_stay_until_they_are_met() {
        check(&[
            ("DEBUG SET-ACTIVE-EXPIRE 0", "+OK"),
            ("SET k v PX 1", "+OK"),
            ("DEBUG SLEEP 0.3", "+OK"),
            ("DBSIZE", ":1"),
            ("GET k", "$-1"),
            ("DBSIZE", ":0"),
        ]);
    }
}
