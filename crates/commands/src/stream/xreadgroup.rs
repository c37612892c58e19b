//! XREADGROUP: entries of some streams that are new to a consumer group, or what a consumer has not acknowledged of them.
//!
//! It does not wait yet: where there is nothing it answers at once, as inside a transaction.

use engine::{
    Args, Argument, ArgumentKind, Begin, Categories, Command, Ctx, Docs, Error, Find, Flags, KeyFlags,
    KeySpec,
};
use resp::Writer;
use value::stream::{Group, Log, Pending, Stream, StreamId};

use super::arguments::{Reading, id};
use super::claim::{Claim, Claimer, consumer, find};
use super::{place, reply, xread};

/// `XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]`
pub static XREADGROUP: Command = Command {
    name: "xreadgroup",
    arity: -7,
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS),
    categories: Categories::STREAM,
    keys: &[KeySpec {
        notes: None,
        flags: KeyFlags::RO.and(KeyFlags::ACCESS),
        begin: Begin::Keyword("STREAMS", 4),
        find: Find::Range { last: -1, step: 1, limit: 2 },
    }],
    docs: Docs {
        summary: "Answers entries that are new to a consumer group, once there are some, or what is pending for a consumer.",
        since: "5.0.0",
        group: engine::Group::Stream,
        complexity: "O(M log(N)) for each stream, M being the returned entries, N what is pending",
        ..Docs::NONE
    },
    arguments: &[
        Argument::block(
            "group-block",
            &[Argument::new("group", ArgumentKind::String), Argument::new("consumer", ArgumentKind::String)],
        )
        .after("GROUP"),
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
        Argument::new("milliseconds", ArgumentKind::Integer).after("BLOCK").optional(),
        Argument::token("noack", "NOACK").optional(),
        Argument::block(
            "streams",
            &[Argument::key().multiple(), Argument::new("id", ArgumentKind::String).multiple()],
        )
        .after("STREAMS"),
    ],
    execute: xreadgroup,
    ..Command::DEFAULT
};

const LAST: Error = Error::fixed(
    "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
);
const LAST_ENTRY: Error = Error::fixed(
    "ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID would just return an empty result set.",
);

/// What is read of a stream.
#[derive(Clone, Copy)]
enum From {
    /// `>`, or the highest ID there is.
    New,
    /// What is pending for the consumer behind an ID.
    Behind(StreamId),
}

fn from(arg: &[u8]) -> Result<From, Error> {
    match arg {
        b"$" => Err(LAST),
        b"+" => Err(LAST_ENTRY),
        b">" => Ok(From::New),
        arg => id(arg, 0).map(|id| if id == StreamId::MAX { From::New } else { From::Behind(id) }),
    }
}

/// Who reads, and how much of each stream.
struct Reader<'a> {
    group: &'a [u8],
    consumer: &'a [u8],
    count: usize,
    no_ack: bool,
    now_ms: i64,
}

/// What reading a stream did.
#[derive(Default)]
struct Outcome {
    is_served: bool,
    made_consumer: bool,
    delivered: Vec<Pending>,
    /// Where the group is, if it went on.
    position: Option<(StreamId, Option<u64>)>,
}

impl Reader<'_> {
    /// Reads a stream and writes what it has, behind its key.
    fn read(
        &self,
        writer: &mut Writer<'_>,
        key: &[u8],
        from: From,
        log: &Log,
        group: &mut Group,
    ) -> Result<Outcome, Error> {
        let (number, made_consumer) = consumer(group, self.consumer, self.now_ms)?;
        let mut outcome = Outcome { made_consumer, ..Outcome::default() };
        match from {
            From::New => {
                let is_new = log.last().is_some_and(|last| last.id > group.last_id);
                if let Some(start) = group.last_id.next().filter(|_| is_new) {
                    outcome.is_served = true;
                    xread::head(writer, key);
                    self.deliver(writer, start, number, log, group, &mut outcome);
                }
            }
            From::Behind(id) => {
                outcome.is_served = true;
                xread::head(writer, key);
                self.history(writer, id.next().unwrap_or(StreamId::MAX), number, log, group);
            }
        }
        Ok(outcome)
    }

    fn deliver(
        &self,
        writer: &mut Writer<'_>,
        start: StreamId,
        number: u32,
        log: &Log,
        group: &mut Group,
        outcome: &mut Outcome,
    ) {
        let now_ms = self.now_ms.max(0) as u64;
        let entries = log.range(start, StreamId::MAX).take(self.count);
        reply::counted(writer, |writer| {
            entries
                .map(|entry| {
                    group.advance(log, entry.id);
                    reply::entry(writer, &entry);
                    if !self.no_ack {
                        group.deliver(entry.id, number, now_ms);
                        outcome.delivered.extend(group.pending(entry.id));
                    }
                })
                .count()
        });
        if !outcome.delivered.is_empty() {
            group.touch_consumer(number, self.now_ms, Some(self.now_ms));
        }
        outcome.position = Some((group.last_id, group.entries_read));
    }

    /// What is pending for the consumer is delivered again; of an entry that is gone there is only the ID.
    fn history(&self, writer: &mut Writer<'_>, start: StreamId, number: u32, log: &Log, group: &mut Group) {
        let consumer = group.consumer(number);
        let pending = consumer.map(|consumer| consumer.pending_from(start)).into_iter().flatten();
        let ids: Vec<StreamId> = pending.take(self.count).collect();
        writer.array(ids.len());
        for id in ids {
            match log.get(id) {
                Some(entry) => {
                    reply::entry(writer, &entry);
                    group.redeliver(id, self.now_ms.max(0) as u64);
                }
                None => {
                    writer.array(2);
                    reply::id(writer, id);
                    writer.null_array();
                }
            }
        }
    }

    /// Tells replicas of it.
    fn say(&self, ctx: &mut Ctx<'_>, key: &[u8], outcome: &Outcome) {
        let claimer = Claimer { key, group: self.group, consumer: self.consumer };
        ctx.data.dirty += u64::from(outcome.made_consumer) + u64::from(outcome.position.is_some());
        // Otherwise the first claim makes it.
        if outcome.made_consumer && self.no_ack {
            claimer.say_created(ctx);
        }
        for pending in &outcome.delivered {
            let claim = Claim { pending: *pending, text: None, owner: None };
            claimer.say(ctx, &claim, pending.id);
        }
        if let Some((last_id, entries_read)) = outcome.position {
            claimer.say_position(ctx, last_id, entries_read);
        }
    }
}

fn xreadgroup(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let reading = Reading::parse(args, true)?;
    let (group, consumer) = reading.group.ok_or(Error::SYNTAX)?;
    let mut from_each = Vec::with_capacity(reading.ids.len());
    for (key, arg) in reading.keys.iter().zip(reading.ids) {
        find(ctx, key, group, " in XREADGROUP with GROUP option")?;
        from_each.push(from(arg)?);
    }
    let count = if reading.count == 0 { usize::MAX } else { reading.count as usize };
    let reader = Reader { group, consumer, count, no_ack: reading.no_ack, now_ms: ctx.data.now_ms };
    // What changes is said below; the request itself is not repeated.
    ctx.data.effects.say_nothing();
    let mut served = 0;
    let mut outcomes = Vec::with_capacity(from_each.len());
    let mut writer = ctx.reply.write();
    let mut result = Ok(());
    reply::headed(&mut writer, |writer| {
        for (key, from) in reading.keys.iter().zip(from_each) {
            match read(&mut ctx.data, &reader, writer, key, from) {
                Ok(outcome) => {
                    served += usize::from(outcome.is_served);
                    outcomes.push((*key, outcome));
                }
                Err(error) => result = Err(error),
            }
        }
        move |writer: &mut Writer<'_>| match served {
            0 => writer.null_array(),
            served => xread::begin(writer, served),
        }
    });
    for (key, outcome) in &outcomes {
        reader.say(ctx, key, outcome);
    }
    result
}

/// Reads a stream whose group was found.
fn read(
    data: &mut engine::Data<'_>,
    reader: &Reader<'_>,
    writer: &mut Writer<'_>,
    key: &[u8],
    from: From,
) -> Result<Outcome, Error> {
    let Some(mut place) = place::existing(data, key)? else { return Ok(Outcome::default()) };
    let read = place.edit(|stream: &mut Stream| {
        stream.edit_group(reader.group, |log, group| reader.read(writer, key, from, log, group))
    })?;
    read.unwrap_or_else(|| Ok(Outcome::default()))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn xreadgroup() {
        check(&[
            ("XADD s 1 a b", "$3 1-0"),
            ("XADD s 2 a b", "$3 2-0"),
            ("XADD s 3 a b", "$3 3-0"),
            ("XADD t 5 c d", "$3 5-0"),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XGROUP CREATE t g 0", "+OK"),
            ("XREADGROUP GROUP g c COUNT 1 STREAMS s >", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 a $1 b"),
            (
                "XREADGROUP GROUP g c COUNT 1 STREAMS t s t s > > > >",
                "*3 *2 $1 t *1 *2 $3 5-0 *2 $1 c $1 d *2 $1 s *1 *2 $3 2-0 *2 $1 a $1 b *2 $1 s *1 *2 $3 3-0 *2 $1 a $1 b",
            ),
            ("XREADGROUP GROUP g c STREAMS s >", "*-1"),
            ("XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "*-1"),
            ("XREADGROUP GROUP g c STREAMS s 18446744073709551615-18446744073709551615", "*-1"),
            ("XDEL s 2", ":1"),
            (
                "XREADGROUP GROUP g c COUNT 2 STREAMS s 1",
                "*1 *2 $1 s *2 *2 $3 2-0 *-1 *2 $3 3-0 *2 $1 a $1 b",
            ),
            ("XREADGROUP GROUP g d STREAMS s 0", "*1 *2 $1 s *0"),
            ("XGROUP SETID s g 0", "+OK"),
            ("XREADGROUP GROUP g d COUNT 1 STREAMS s >", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 a $1 b"),
            ("XPENDING s g", "*4 :3 $3 1-0 $3 3-0 *2 *2 $1 c $1 2 *2 $1 d $1 1"),
            ("XREADGROUP GROUP g d NOACK STREAMS s >", "*1 *2 $1 s *1 *2 $3 3-0 *2 $1 a $1 b"),
            ("XREADGROUP GROUP g d STREAMS s 1", "*1 *2 $1 s *0"),
            (
                "XREADGROUP GROUP g c STREAMS none >",
                "-NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option",
            ),
            (
                "XREADGROUP GROUP nog c STREAMS s x",
                "-NOGROUP No such key 's' or consumer group 'nog' in XREADGROUP with GROUP option",
            ),
            (
                "XREADGROUP GROUP g c STREAMS s x",
                "-ERR Invalid stream ID specified as stream command argument",
            ),
            (
                "XREADGROUP GROUP g c STREAMS s $",
                "-ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
            ),
            (
                "XREADGROUP GROUP g c STREAMS s s 0",
                "-ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.",
            ),
            ("XREADGROUP COUNT 1 BLOCK 1 STREAMS s >", "-ERR Missing GROUP option for XREADGROUP"),
            ("SET str x", "+OK"),
            (
                "XREADGROUP GROUP g c STREAMS s str 0 0",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("HELLO 3", "?"),
            ("XREADGROUP GROUP g d COUNT 1 STREAMS s 0", "%1 $1 s *1 *2 $3 1-0 *2 $1 a $1 b"),
            ("XREADGROUP GROUP g d STREAMS s >", "_"),
        ]);
    }
}
