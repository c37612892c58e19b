//! XREAD: the entries of some streams behind those that the client knows.
//!
//! It does not wait yet: where there is nothing it answers at once, as inside a transaction.

use engine::{
    Args, Argument, ArgumentKind, Begin, Categories, Command, Ctx, Docs, Error, Find, Flags, Group, KeyFlags,
    KeySpec,
};
use resp::{Protocol, Writer};
use value::stream::{Log, Stream, StreamId};

use super::arguments::{Reading, id};
use super::xrange::is_long;
use super::{place, reply};

/// `XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]`
pub static XREAD: Command = Command {
    name: "xread",
    arity: -4,
    flags: Flags::READONLY.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS),
    categories: Categories::STREAM,
    keys: &[KeySpec {
        notes: None,
        flags: KeyFlags::RO.and(KeyFlags::ACCESS),
        begin: Begin::Keyword("STREAMS", 1),
        find: Find::Range { last: -1, step: 1, limit: 2 },
    }],
    docs: Docs {
        summary: "Answers the entries of some streams behind given IDs, once there are some.",
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(log(N)+M) for each stream, M being the returned entries",
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
        Argument::new("milliseconds", ArgumentKind::Integer).after("BLOCK").optional(),
        Argument::block(
            "streams",
            &[Argument::key().multiple(), Argument::new("id", ArgumentKind::String).multiple()],
        )
        .after("STREAMS"),
    ],
    execute: xread,
    ..Command::DEFAULT
};

const OF_GROUP: Error = Error::fixed(
    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
);

/// A stream with something new, and the first ID that may be new.
struct Served<'a> {
    key: &'a [u8],
    stream: Stream,
    from: StreamId,
}

/// The last ID that the client knows.
fn known(arg: &[u8], log: Option<&Log>) -> Result<StreamId, Error> {
    match arg {
        b"$" => Ok(log.map_or(StreamId::MIN, |log| log.info().last_id)),
        // That before the last entry, which is thereby asked for (Redis 7.4).
        b"+" => Ok(log.and_then(Log::last).and_then(|last| last.id.previous()).unwrap_or(StreamId::MAX)),
        b">" => Err(OF_GROUP),
        arg => id(arg, 0),
    }
}

fn xread(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let reading = Reading::parse(args, false)?;
    let mut served = Vec::new();
    for (key, arg) in reading.keys.iter().zip(reading.ids) {
        let stream = ctx.data.read_stream(key)?;
        let known = known(arg, stream.map(Stream::log))?;
        let Some(stream) = stream else { continue };
        let log = stream.log();
        if log.info().last_id > known
            && log.last().is_some_and(|last| last.id > known)
            && let Some(from) = known.next()
        {
            // Frozen in O(1), since the locks may be given back.
            served.push(Served { key, stream: stream.clone(), from });
        }
    }
    if served.is_empty() {
        ctx.reply.write().null_array();
        return Ok(());
    }
    let count = if reading.count == 0 { u64::MAX } else { reading.count };
    if served.iter().any(|served| is_long(&served.stream, count)) {
        ctx.data.release();
    }
    let mut writer = ctx.reply.write();
    begin(&mut writer, served.len());
    for served in &served {
        head(&mut writer, served.key);
        let entries = served.stream.log().range(served.from, StreamId::MAX);
        reply::entries(&mut writer, entries.take(usize::try_from(count).unwrap_or(usize::MAX)));
    }
    served.into_iter().for_each(|served| place::let_go(ctx, served.stream));
    Ok(())
}

/// Begins the reply of so many streams.
pub(super) fn begin(writer: &mut Writer<'_>, streams: usize) {
    match writer.protocol {
        Protocol::Resp2 => writer.array(streams),
        Protocol::Resp3 => writer.map(streams),
    }
}

/// Begins a stream in it; its entries follow.
pub(super) fn head(writer: &mut Writer<'_>, key: &[u8]) {
    if writer.protocol == Protocol::Resp2 {
        writer.array(2);
    }
    writer.bulk(key);
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn xread() {
        check(&[
            ("XADD s 1 a b", "$3 1-0"),
            ("XADD s 2 a b", "$3 2-0"),
            ("XADD t 5 c d", "$3 5-0"),
            ("XREAD STREAMS s", "-ERR wrong number of arguments for 'xread' command"),
            (
                "XREAD STREAMS s t 0",
                "-ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.",
            ),
            ("XREAD", "-ERR wrong number of arguments for 'xread' command"),
            ("XREAD COUNT 1", "-ERR wrong number of arguments for 'xread' command"),
            ("XREAD COUNT 1 STREAMS", "-ERR syntax error"),
            ("XREAD COUNT 1 STREAMS s 0", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 a $1 b"),
            ("XREAD COUNT 1 STREAMS s x", "-ERR Invalid stream ID specified as stream command argument"),
            ("XREAD COUNT 1 STREAMS s $", "*-1"),
            (
                "XREAD COUNT 1 STREAMS s >",
                "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
            ),
            ("XREAD COUNT 5 STREAMS s +", "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 a $1 b"),
            ("XREAD COUNT 1 STREAMS s -", "-ERR Invalid stream ID specified as stream command argument"),
            ("XREAD COUNT x STREAMS s -", "-ERR value is not an integer or out of range"),
            ("XREAD COUNT -1 STREAMS none s t 0 1 5", "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 a $1 b"),
            (
                "XREAD STREAMS t s 4 1",
                "*2 *2 $1 t *1 *2 $3 5-0 *2 $1 c $1 d *2 $1 s *1 *2 $3 2-0 *2 $1 a $1 b",
            ),
            ("XREAD BLOCK 1 STREAMS none 0", "*-1"),
            ("XREAD BLOCK x STREAMS none 0", "-ERR timeout is not an integer or out of range"),
            ("XREAD BLOCK -1 STREAMS none 0", "-ERR timeout is negative"),
            (
                "XREAD GROUP a b STREAMS s 0",
                "-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
            ),
            (
                "XREAD NOACK STREAMS s 0",
                "-ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
            ),
            ("XREAD FOO STREAMS s 0", "-ERR syntax error"),
            ("XREAD STREAMS none +", "*-1"),
            ("XREAD STREAMS s 18446744073709551615-18446744073709551615", "*-1"),
            ("SET str x", "+OK"),
            ("XREAD STREAMS s str 0 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("XREAD STREAMS s str x 0", "-ERR Invalid stream ID specified as stream command argument"),
            ("XREAD STREAMS s str 0 x", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HELLO 3", "?"),
            ("XREAD STREAMS t s 4 1", "%2 $1 t *1 *2 $3 5-0 *2 $1 c $1 d $1 s *1 *2 $3 2-0 *2 $1 a $1 b"),
            ("XREAD STREAMS t s 5 $", "_"),
        ]);
    }
}
