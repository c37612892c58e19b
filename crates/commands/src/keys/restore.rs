//! RESTORE: creates a key from a DUMP payload, with a deadline and usage data.

use std::sync::atomic::Ordering;

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Deadline, Docs, Error, Flags, Group, KeyFlags,
    KeySpec, string_value,
};
use keyspace::{Entry, NewValue};
use rdb::values::{Builder, Built, Small, Thresholds};
use rdb::{Fault, Limits, Value};
use value::fields::FieldsLimits;
use value::list::Limit;
use value::set::SetLimits;

use crate::number::integer;

/// `RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`
pub static RESTORE: Command = Command {
    name: "restore",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    keys: &[KeySpec::one(1, KeyFlags::OW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Creates a key from what DUMP answered.",
        since: "2.6.0",
        group: Group::Generic,
        complexity: "O(N) in the size of the value",
        history: &[("3.0.0", "REPLACE."), ("5.0.0", "ABSTTL."), ("5.0.0", "IDLETIME and FREQ.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("ttl", ArgumentKind::Integer),
        Argument::new("serialized-value", ArgumentKind::String),
        Argument::token("replace", "REPLACE").optional().since("3.0.0"),
        Argument::token("absttl", "ABSTTL").optional().since("5.0.0"),
        Argument::new("seconds", ArgumentKind::Integer).after("IDLETIME").optional().since("5.0.0"),
        Argument::new("frequency", ArgumentKind::Integer).after("FREQ").optional().since("5.0.0"),
    ],
    execute: restore,
    ..Command::DEFAULT
};

/// The longest idle time that the 24-bit clock can tell from a time to come, in seconds.
const IDLE_MAX: i64 = 0x007F_FFFF;

/// A parsed request.
struct Restore<'a> {
    key: &'a [u8],
    ttl: &'a [u8],
    payload: &'a [u8],
    replace: bool,
    absolute: bool,
    idle_seconds: Option<u32>,
    frequency: Option<u8>,
}

impl<'a> Restore<'a> {
    fn parse(args: Args<'a>) -> Result<Restore<'a>, Error> {
        const IDLE: Error = Error::fixed("ERR Invalid IDLETIME value, must be >= 0");
        const FREQUENCY: Error = Error::fixed("ERR Invalid FREQ value, must be >= 0 and <= 255");
        let mut restore = Restore {
            key: args[1],
            ttl: args[2],
            payload: args[3],
            replace: false,
            absolute: false,
            idle_seconds: None,
            frequency: None,
        };
        let mut rest = args[4..].iter();
        while let Some(word) = rest.next() {
            match word.to_ascii_uppercase().as_slice() {
                b"REPLACE" => restore.replace = true,
                b"ABSTTL" => restore.absolute = true,
                b"IDLETIME" if restore.frequency.is_none() => {
                    let seconds = integer(rest.next().ok_or(Error::SYNTAX)?)?;
                    restore.idle_seconds = Some(u32::try_from(seconds.min(IDLE_MAX)).map_err(|_| IDLE)?);
                }
                b"FREQ" if restore.idle_seconds.is_none() => {
                    let frequency = integer(rest.next().ok_or(Error::SYNTAX)?)?;
                    restore.frequency = Some(u8::try_from(frequency).map_err(|_| FREQUENCY)?);
                }
                _ => return Err(Error::SYNTAX),
            }
        }
        Ok(restore)
    }
}

fn restore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    const BUSY: Error = Error::fixed("BUSYKEY Target key name already exists.");
    const TTL: Error = Error::fixed("ERR Invalid TTL value, must be >= 0");
    const FOOTER: Error = Error::fixed("ERR DUMP payload version or checksum are wrong");
    const FORMAT: Error = Error::fixed("ERR Bad data format");
    let restore = Restore::parse(args)?;
    let key = restore.key;
    if !restore.replace && ctx.data.exists(key) {
        return Err(BUSY);
    }
    let ttl = integer(restore.ttl)?;
    if ttl < 0 {
        return Err(TTL);
    }
    let mut scratch = Vec::new();
    let limits = Limits {
        string_max: ctx.config.clients.bulk_bytes_max,
        skip_payload_checksum: ctx.engine.skip_payload_checksum.load(Ordering::Relaxed),
        ..Limits::default()
    };
    let refused = |error: rdb::Error| {
        if matches!(error.fault, Fault::Footer) {
            return FOOTER;
        }
        // What the client is told is Redis's text; whoever looks for the cause finds it in the log.
        journal::verbose!("RESTORE: integrity check failed at byte {}: {}.", error.offset, error.fault);
        FORMAT
    };
    let mut builder = Builder::new(thresholds(&ctx.config.encoding), Some(ctx.data.now_ms.max(0) as u64));
    let value = match rdb::dump::kind(restore.payload).map_err(refused)? {
        Some(_) => {
            rdb::dump::load_object(restore.payload, limits, &mut builder).map_err(refused)?;
            builder.take().map(new_value)
        }
        None => Some(match rdb::dump::load(restore.payload, limits, &mut scratch).map_err(refused)? {
            Value::Int(number) => NewValue::Int(number),
            Value::Bytes(bytes) => string_value(bytes),
            Value::Large(shared) => NewValue::shared(shared),
        }),
    };
    let deadline_ms = match ttl {
        0 => None,
        // As in Redis a time that leaves 64 bits is one in the past.
        ttl if !restore.absolute => Some(ttl.wrapping_add(ctx.data.now_ms)),
        ttl => Some(ttl),
    };
    let Some(value) = value.filter(|_| !ctx.data.is_expired(deadline_ms)) else {
        if restore.replace && ctx.data.remove(key) {
            ctx.data.effects.say(&[b"DEL", key]);
        }
        ctx.reply.ok();
        return Ok(());
    };
    ctx.data.set(key, value, deadline_ms.map_or(Deadline::None, Deadline::At));
    let clock = ctx.data.clock;
    let field = match (restore.idle_seconds, restore.frequency) {
        (Some(seconds), _) if !clock.is_lfu() => Some(clock.from_idle(seconds)),
        (_, Some(frequency)) if clock.is_lfu() => Some(clock.from_frequency(frequency)),
        _ => None,
    };
    if let Some(field) = field
        && let Entry::Occupied(mut entry) = ctx.data.entry(key)
    {
        entry.set_clock(field);
    }
    if let Some(deadline_ms) = deadline_ms
        && !restore.absolute
    {
        let text = deadline_ms.to_string();
        let mut effect = args.to_vec();
        effect[2] = text.as_bytes();
        effect.push(b"ABSTTL");
        ctx.data.effects.say(&effect);
    }
    ctx.reply.ok();
    Ok(())
}

/// A loaded value on its way into an entry.
fn new_value(built: Built<'_>) -> NewValue<'_> {
    match built {
        Built::Small(Small::List(block)) => NewValue::list(block),
        Built::Small(Small::Set(form, block)) => NewValue::set(form, block),
        Built::Small(Small::Zset(block)) => NewValue::zset(block),
        Built::Small(Small::Hash(form, block)) => NewValue::hash(form, block),
        Built::Large(large) => NewValue::Large(large),
    }
}

/// Up to which size a collection is small, as configured.
pub fn thresholds(encoding: &config::Encoding) -> Thresholds {
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    Thresholds {
        list: Limit::new(i64::from(encoding.list_block_size)),
        set: SetLimits {
            intset_entries_max: encoding.set_intset_entries_max,
            listpack_entries_max: encoding.set_entries_max,
            listpack_value_max: bytes(encoding.set_value_bytes_max),
        },
        hash: FieldsLimits {
            entries_max: encoding.hash_entries_max,
            value_max: bytes(encoding.hash_value_bytes_max),
        },
        zset_entries_max: encoding.zset_entries_max,
        zset_value_max: bytes(encoding.zset_value_bytes_max),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check, check_effects};

    /// As Redis 7.0 answers DUMP for SET a 1.
    const ONE: &str = "\"\\x00\\xc0\\x01\\n\\x00&x\\xe7\\xb6\\xd1\\x01\\x11\\xfc\"";

    /// As Redis 7.0 answers DUMP for RPUSH l a b 17.
    const LIST: &str = "\"\\x12\\x01\\x02\\x0f\\x0f\\x00\\x00\\x00\\x03\\x00\\x81a\\x02\\x81b\\x02\\x11\\x01\\xff\\x0a\\x00\\xbd\\x7f~\\x19\\x0b\\xfc\\xfc\\x0f\"";

    #[test]
    fn a_collection_comes_back_and_goes_out_as_it_came() {
        let server = Server::start();
        let mut client = server.connect();
        for (line, expected) in [
            (format!("RESTORE l 0 {LIST}"), "+OK"),
            (format!("RESTORE l 0 {LIST}"), "-BUSYKEY Target key name already exists."),
            ("TYPE l".into(), "+list"),
            ("OBJECT ENCODING l".into(), "$8 listpack"),
            ("SCAN 0 TYPE list".into(), "*2 $1 0 *1 $1 l"),
            ("COPY l m".into(), ":1"),
            ("DEBUG LISTPACK m".into(), "+Listpack structure printed on stdout"),
            ("DEBUG QUICKLIST m".into(), "-ERR Not a quicklist encoded object."),
            ("DEBUG QUICKLIST none".into(), "-ERR no such key"),
            (
                "DEBUG HTSTATS-KEY l".into(),
                "-ERR The value stored at the specified key is not represented using an hash table",
            ),
            ("GET l".into(), "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ] {
            client.send(&line);
            assert_eq!(client.reply(), expected, "{line}");
        }
        client.send("DUMP m");
        let dumped = client.reply();
        client.send(&format!("ECHO {LIST}"));
        assert_eq!(client.reply(), dumped, "the bytes of Redis 7.0");
    }

    #[test]
    fn errors() {
        check(&[
            ("RESTORE z -1 x", "-ERR Invalid TTL value, must be >= 0"),
            ("RESTORE z x x", "-ERR value is not an integer or out of range"),
            ("RESTORE z 0 x", "-ERR DUMP payload version or checksum are wrong"),
            ("SET a 5", "+OK"),
            ("RESTORE a 0 x", "-BUSYKEY Target key name already exists."),
            ("RESTORE a 0 x foo", "-ERR syntax error"),
            ("RESTORE a 0 x IDLETIME -1", "-ERR Invalid IDLETIME value, must be >= 0"),
            ("RESTORE a 0 x IDLETIME x", "-ERR value is not an integer or out of range"),
            ("RESTORE a 0 x FREQ 256", "-ERR Invalid FREQ value, must be >= 0 and <= 255"),
            ("RESTORE a 0 x FREQ -1", "-ERR Invalid FREQ value, must be >= 0 and <= 255"),
            ("RESTORE a 0 x IDLETIME 1 FREQ 1", "-ERR syntax error"),
            ("RESTORE a 0 x FREQ 1 IDLETIME 1", "-ERR syntax error"),
            ("RESTORE a 0 x IDLETIME", "-ERR syntax error"),
            ("RESTORE a 0 x REPLACE", "-ERR DUMP payload version or checksum are wrong"),
        ]);
    }

    #[test]
    fn a_wrong_checksum_can_be_passed_over() {
        let damaged = ONE.replace("\\xd1", "\\xd2");
        assert_ne!(damaged, ONE);
        let line = format!("RESTORE a 0 {damaged} REPLACE");
        check(&[
            (line.as_str(), "-ERR DUMP payload version or checksum are wrong"),
            ("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1", "+OK"),
            (line.as_str(), "+OK"),
            ("GET a", "$1 1"),
            ("RESTORE a 0 x REPLACE", "-ERR DUMP payload version or checksum are wrong"),
            // A set without members.
            ("RESTORE a 0 \"\\x02\\x00\\n\\x0012345678\" REPLACE", "-ERR Bad data format"),
            ("DEBUG SET-SKIP-CHECKSUM-VALIDATION 0", "+OK"),
            (line.as_str(), "-ERR DUMP payload version or checksum are wrong"),
        ]);
    }

    #[test]
    fn deadlines_and_usage() {
        let lines = [
            (format!("RESTORE a 0 {ONE}"), "+OK"),
            ("GET a".into(), "$1 1"),
            ("OBJECT ENCODING a".into(), "$3 int"),
            (format!("RESTORE a 100000 {ONE} REPLACE"), "+OK"),
            ("TTL a".into(), ":100"),
            (format!("RESTORE a 9223372036854775807 {ONE} REPLACE ABSTTL"), "+OK"),
            ("PEXPIRETIME a".into(), ":9223372036854775807"),
            (format!("RESTORE a 5 {ONE} REPLACE ABSTTL"), "+OK"),
            ("EXISTS a".into(), ":0"),
            (format!("RESTORE a 9223372036854775807 {ONE}"), "+OK"),
            ("EXISTS a".into(), ":0"),
            (format!("RESTORE a 0 {ONE} IDLETIME 1000"), "+OK"),
            ("OBJECT IDLETIME a".into(), ":1000"),
            (format!("RESTORE a 0 {ONE} REPLACE IDLETIME 99999999"), "+OK"),
            (format!("RESTORE a 0 {ONE} REPLACE FREQ 77"), "+OK"),
            ("OBJECT IDLETIME a".into(), ":0"),
        ];
        let script: Vec<(&str, &str)> = lines.iter().map(|(line, reply)| (line.as_str(), *reply)).collect();
        check(&script);
    }

    #[test]
    fn every_length_round_trips() {
        let server = Server::start();
        let mut client = server.connect();
        for len in [0, 1, 44, 5000, 70_000, 300_000] {
            let value: Vec<u8> = (0..len).map(|n| b'a' + (n % 1009 * (n % 1009) % 23) as u8).collect();
            client.send_args(&[b"SET", b"a", &value]);
            client.reply();
            let payload = {
                let mut bytes = Vec::new();
                let shared = value::string::Shared::from_slice(&value);
                rdb::dump::string(&mut bytes, value::string::StrRef::Shared(&shared), 10, None);
                bytes
            };
            client.send_args(&[b"RESTORE", b"b", b"0", &payload, b"REPLACE"]);
            assert_eq!(client.reply(), "+OK");
            client.send("GET a");
            let a = client.reply();
            client.send("GET b");
            assert_eq!(client.reply(), a);
        }
    }

    #[test]
    fn effects_are_absolute() {
        let line = format!("RESTORE a 99999999999999 {ONE} ABSTTL");
        let gone = format!("RESTORE a 1 {ONE} ABSTTL REPLACE");
        check_effects(&[(&line, "?"), (&gone, "DEL a"), (&gone, "")]);
    }
}
