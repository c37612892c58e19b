//! XPENDING: what consumers of a group have not acknowledged, in short or one by one.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, KeyFlags, KeySpec};
use resp::Writer;
use value::stream::{Consumer, Group, Pending, StreamId};

use super::arguments::{count, range_end, range_start};
use super::claim::{LONG_FROM, find, idle_ms};
use super::{place, reply};
use crate::number::integer;

/// `XPENDING key group [[IDLE min-idle-time] start end count [consumer]]`
pub static XPENDING: Command = Command {
    name: "xpending",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Tells which entries a consumer group has not acknowledged.",
        since: "5.0.0",
        group: engine::Group::Stream,
        complexity: "O(N), N being the returned entries, or, with IDLE, those that are looked at; O(C) in short, C being the consumers",
        history: &[("6.2.0", "IDLE, and ends that are excluded.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("group", ArgumentKind::String),
        Argument::block(
            "filters",
            &[
                Argument::new("min-idle-time", ArgumentKind::Integer).after("IDLE").optional().since("6.2.0"),
                Argument::new("start", ArgumentKind::String),
                Argument::new("end", ArgumentKind::String),
                Argument::new("count", ArgumentKind::Integer),
                Argument::new("consumer", ArgumentKind::String).optional(),
            ],
        )
        .optional(),
    ],
    tips: &["nondeterministic_output"],
    execute: xpending,
    ..Command::DEFAULT
};

/// Which pending entries are asked for.
struct Filter<'a> {
    idle_ms_min: i64,
    start: StreamId,
    end: StreamId,
    count: u64,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    /// `None` for the short form.
    fn parse(args: Args<'a>) -> Result<Option<Filter<'a>>, Error> {
        let (idle, rest) = match &args[3..] {
            [] => return Ok(None),
            [_, _] | [_] => return Err(Error::SYNTAX),
            rest if rest.len() > 6 => return Err(Error::SYNTAX),
            [word, idle, rest @ ..] if word.eq_ignore_ascii_case(b"IDLE") => (integer(idle)?, rest),
            rest => (0, rest),
        };
        let [start, end, number, rest @ ..] = rest else { return Err(Error::SYNTAX) };
        let count = count(number)?;
        let (start, end) = (range_start(start)?, range_end(end)?);
        Ok(Some(Filter { idle_ms_min: idle, start, end, count, consumer: rest.first().copied() }))
    }

    fn is_long(&self, group: &Group) -> bool {
        let looked_at = if self.idle_ms_min > 0 { u64::MAX } else { self.count };
        group.pending_len().min(looked_at) >= LONG_FROM
    }

    fn reply(&self, writer: &mut Writer<'_>, group: &Group, now_ms: i64) {
        let consumer = match self.consumer.map(|name| group.consumer_named(name)) {
            Some(None) => return writer.array(0),
            found => found.flatten(),
        };
        let owned = consumer.map(|consumer| consumer.pending_from(self.start));
        let all = if consumer.is_none() { Some(group.pending_from(self.start)) } else { None };
        let pending = owned.into_iter().flatten().filter_map(|id| group.pending(id));
        let pending = pending.chain(all.into_iter().flatten()).take_while(|pending| pending.id <= self.end);
        let old = pending
            .filter(|it| self.idle_ms_min <= 0 || idle_ms(it, now_ms) >= self.idle_ms_min)
            .take(usize::try_from(self.count).unwrap_or(usize::MAX));
        reply::counted(writer, |writer| old.map(|it| entry(writer, group, &it, now_ms)).count());
    }
}

fn entry(writer: &mut Writer<'_>, group: &Group, pending: &Pending, now_ms: i64) {
    writer.array(4);
    reply::id(writer, pending.id);
    writer.bulk(group.consumer(pending.consumer).map_or(b"", Consumer::name));
    writer.integer(idle_ms(pending, now_ms).max(0));
    writer.integer(pending.deliveries as i64);
}

fn short(writer: &mut Writer<'_>, group: &Group) {
    writer.array(4);
    writer.integer(group.pending_len() as i64);
    let (Some(first), Some(last)) = (group.first_pending(), group.last_pending()) else {
        writer.null();
        writer.null();
        writer.null_array();
        return;
    };
    reply::id(writer, first.id);
    reply::id(writer, last.id);
    reply::counted(writer, |writer| {
        let having = group.consumers().filter(|consumer| consumer.pending_len() > 0);
        having
            .map(|consumer| {
                writer.array(2);
                writer.bulk(consumer.name());
                writer.bulk_integer(consumer.pending_len() as i64);
            })
            .count()
    });
}

fn xpending(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let filter = Filter::parse(args)?;
    let (name, now_ms) = (args[2], ctx.data.now_ms);
    let (stream, group) = find(ctx, args[1], name, "")?;
    let is_long = match &filter {
        Some(filter) => filter.is_long(group),
        None => group.consumers_len() >= LONG_FROM,
    };
    // Frozen in O(1).
    let frozen = stream.clone();
    if is_long {
        ctx.data.release();
    }
    if let Some(group) = frozen.group(name) {
        let mut writer = ctx.reply.write();
        match filter {
            Some(filter) => filter.reply(&mut writer, group, now_ms),
            None => short(&mut writer, group),
        }
    }
    place::let_go(ctx, frozen);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn xpending() {
        check(&[
            ("XADD s 1 a b", "$3 1-0"),
            ("XADD s 2 a b", "$3 2-0"),
            ("XADD s 3 a b", "$3 3-0"),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XPENDING s g", "*4 :0 $-1 $-1 *-1"),
            ("XPENDING s g - + 10", "*0"),
            ("XREADGROUP GROUP g c COUNT 1 STREAMS s >", "?"),
            ("XREADGROUP GROUP g a STREAMS s >", "?"),
            ("XPENDING s g", "*4 :3 $3 1-0 $3 3-0 *2 *2 $1 a $1 2 *2 $1 c $1 1"),
            // Delivered long ago, so that idle times are those.
            ("XCLAIM s g c 0 1 TIME 0 JUSTID RETRYCOUNT 7", "*1 $3 1-0"),
            ("XPENDING s g IDLE 1000000000 - + 10 a", "*0"),
            ("XPENDING s g IDLE 1000000000 (1 + 10", "*0"),
            ("XPENDING s g - (1-0 10", "*0"),
            ("XPENDING s g - + -1", "*0"),
            ("XPENDING s g - + 10 none", "*0"),
            ("XPENDING s g -", "-ERR syntax error"),
            ("XPENDING s g - +", "-ERR syntax error"),
            ("XPENDING s g IDLE 0 - +", "-ERR syntax error"),
            ("XPENDING s g IDLE x - + 1", "-ERR value is not an integer or out of range"),
            ("XPENDING s g IDLE 0 - + 1 a b", "-ERR syntax error"),
            ("XPENDING s g x + 1", "-ERR Invalid stream ID specified as stream command argument"),
            ("XPENDING s g x + y", "-ERR value is not an integer or out of range"),
            (
                "XPENDING s g (18446744073709551615-18446744073709551615 + 1",
                "-ERR invalid start ID for the interval",
            ),
            ("XPENDING s g - (0-0 1", "-ERR invalid end ID for the interval"),
            ("XPENDING s nog", "-NOGROUP No such key 's' or consumer group 'nog'"),
            ("XPENDING none g", "-NOGROUP No such key 'none' or consumer group 'g'"),
            ("SET str x", "+OK"),
            ("XPENDING str g", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
