//! XREADGROUP: entries of some streams that are new to a consumer group, or what a consumer has not acknowledged of them.
//!
//! With CLAIM what has been pending for long comes first, wherever it is, and is the consumer's then; what is pending is in order of IDs
//! alone, so all of it is looked at. Entries that are gone are not pending any more after that, as after XCLAIM and XAUTOCLAIM.
//!
//! It does not wait yet: where there is nothing it answers at once, as inside a transaction.

use std::collections::BinaryHeap;

use engine::{
    Args, Argument, ArgumentKind, Begin, Categories, Command, Ctx, Docs, Error, Find, Flags, KeyFlags,
    KeySpec,
};
use resp::Writer;
use value::stream::{Group, Log, Pending, Stream, StreamId};

use super::arguments::{Reading, id};
use super::claim::{Claim, Claimer, consumer, find, idle_ms};
use super::{place, reply, xread};

/// `XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [CLAIM min-idle-time] [NOACK] STREAMS key [key ...] id [id ...]`
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
        complexity: "O(M log(N)) for each stream, M being the returned entries, N what is pending; with CLAIM O(N log(M))",
        history: &[("8.4.0", "Added the option CLAIM.")],
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
        Argument::new("min-idle-time", ArgumentKind::Integer).after("CLAIM").optional(),
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
    /// What has been pending for so long is read first.
    claim_ms: Option<i64>,
    now_ms: i64,
}

/// What reading a stream did.
#[derive(Default)]
struct Outcome {
    is_served: bool,
    made_consumer: bool,
    /// What was pending and changed hands, or was gone, and the last ID of the group then.
    claims: Vec<Claim<'static>>,
    claimed_at: StreamId,
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
                let idle = self.idle(log, group, &mut outcome);
                let is_new = log.last().is_some_and(|last| last.id > group.last_id);
                let start = group.last_id.next().filter(|_| is_new);
                if start.is_some() || !idle.is_empty() {
                    outcome.is_served = true;
                    xread::head(writer, key);
                    reply::counted(writer, |writer| {
                        self.claim(writer, &idle, number, log, group, &mut outcome);
                        let left = self.count - idle.len();
                        let start = start.filter(|_| left > 0);
                        let new = start.map_or(0, |start| {
                            self.deliver(writer, start, left, number, log, group, &mut outcome)
                        });
                        idle.len() + new
                    });
                }
                if !outcome.delivered.is_empty() || !idle.is_empty() {
                    group.touch_consumer(number, self.now_ms, Some(self.now_ms));
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

    /// What has been pending for long enough, longest first; what of it is gone is not pending any more.
    fn idle(&self, log: &Log, group: &mut Group, outcome: &mut Outcome) -> Vec<Pending> {
        let Some(idle_ms_min) = self.claim_ms else { return Vec::new() };
        let found = loop {
            let oldest = oldest(group, self.count, |pending| idle_ms(pending, self.now_ms) >= idle_ms_min);
            let (there, gone): (Vec<_>, Vec<_>) =
                oldest.into_iter().partition(|pending| log.get(pending.id).is_some());
            for pending in &gone {
                outcome.claims.push(Claim::of_gone(group, *pending));
                group.acknowledge(pending.id);
            }
            // Otherwise more may take the places of those that were gone.
            if gone.is_empty() || gone.len() + there.len() < self.count {
                break there;
            }
        };
        outcome.claimed_at = group.last_id;
        found
    }

    /// Makes what was pending the consumer's, and writes it. NOACK does not apply to it.
    fn claim(
        &self,
        writer: &mut Writer<'_>,
        idle: &[Pending],
        number: u32,
        log: &Log,
        group: &mut Group,
        outcome: &mut Outcome,
    ) {
        for old in idle {
            let Some(entry) = log.get(old.id) else { continue };
            reply::entry_with_deliveries(writer, &entry, idle_ms(old, self.now_ms), old.deliveries);
            let pending = Pending {
                consumer: number,
                delivered_at_ms: self.now_ms.max(0) as u64,
                deliveries: old.deliveries.saturating_add(1),
                ..*old
            };
            group.assign(pending);
            outcome.claims.push(Claim { pending, text: None, owner: None });
        }
    }

    /// Delivers and writes what is new. Returns how many entries that are.
    #[expect(clippy::too_many_arguments, reason = "what is read, to where, and what comes of it")]
    fn deliver(
        &self,
        writer: &mut Writer<'_>,
        start: StreamId,
        count: usize,
        number: u32,
        log: &Log,
        group: &mut Group,
        outcome: &mut Outcome,
    ) -> usize {
        let now_ms = self.now_ms.max(0) as u64;
        let entries = log.range(start, StreamId::MAX).take(count);
        let written = entries
            .map(|entry| {
                group.advance(log, entry.id);
                match self.claim_ms {
                    Some(_) => reply::entry_with_deliveries(writer, &entry, 0, 0),
                    None => reply::entry(writer, &entry),
                }
                if !self.no_ack {
                    group.deliver(entry.id, number, now_ms);
                    outcome.delivered.extend(group.pending(entry.id));
                }
            })
            .count();
        outcome.position = Some((group.last_id, group.entries_read));
        written
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
        ctx.data.dirty += outcome.claims.len() as u64;
        // Otherwise the first claim makes it.
        if outcome.made_consumer && self.no_ack {
            claimer.say_created(ctx);
        }
        for claim in &outcome.claims {
            claimer.say(ctx, claim, outcome.claimed_at);
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

/// At most so many of the pending entries that fit, those that were delivered longest ago, in that order; of several at a time, the lowest IDs.
fn oldest(group: &Group, count: usize, fits: impl Fn(&Pending) -> bool) -> Vec<Pending> {
    let mut oldest = BinaryHeap::new();
    for pending in group.pending_from(StreamId::MIN).filter(fits) {
        oldest.push((pending.delivered_at_ms, pending.id));
        if oldest.len() > count {
            oldest.pop();
        }
    }
    oldest.into_sorted_vec().into_iter().filter_map(|(_, id)| group.pending(id)).collect()
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
    let (no_ack, claim_ms, now_ms) = (reading.no_ack, reading.claim_ms, ctx.data.now_ms);
    let reader = Reader { group, consumer, count, no_ack, claim_ms, now_ms };
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
    use crate::testing::{Server, check};

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

    /// As [`check`]; `:T` stands for how long ago 1970 was, to some seconds.
    fn check_idle(script: &[(&str, &str)]) {
        let server = Server::start();
        let mut client = server.connect();
        for (request, expected) in script {
            client.send(request);
            let reply = client.reply();
            let words = reply.split(' ').map(|word| match word.get(1..).map(str::parse::<u64>) {
                Some(Ok(1_000_000_000_000..)) => ":T",
                _ => word,
            });
            let reply = words.collect::<Vec<_>>().join(" ");
            assert!(
                *expected == "?" || reply == *expected,
                "{request}\n  got      {reply}\n  expected {expected}"
            );
        }
    }

    #[test]
    fn claims_what_is_idle() {
        check_idle(&[
            ("XADD s 1 a b", "$3 1-0"),
            ("XADD s 2 a b", "$3 2-0"),
            ("XADD s 3 a b", "$3 3-0"),
            ("XADD s 4 a b", "$3 4-0"),
            ("XADD s 5 a b", "$3 5-0"),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XREADGROUP GROUP g c COUNT 3 STREAMS s >", "?"),
            ("XCLAIM s g c 0 1 TIME 3000 RETRYCOUNT 7 JUSTID", "*1 $3 1-0"),
            ("XCLAIM s g c 0 2 TIME 1000 RETRYCOUNT 8 JUSTID", "*1 $3 2-0"),
            ("XCLAIM s g c 0 3 TIME 2000 RETRYCOUNT 9 JUSTID", "*1 $3 3-0"),
            // With an ID the option means nothing, and nothing is said of deliveries.
            ("XREADGROUP GROUP g d CLAIM 0 STREAMS s 0", "*1 *2 $1 s *0"),
            // Nothing is idle for so long.
            (
                "XREADGROUP GROUP g d COUNT 1 CLAIM 9223372036854775807 STREAMS s >",
                "*1 *2 $1 s *1 *4 $3 4-0 *2 $1 a $1 b :0 :0",
            ),
            ("XPENDING s g", "*4 :4 $3 1-0 $3 4-0 *2 *2 $1 c $1 3 *2 $1 d $1 1"),
            ("XACK s g 4", ":1"),
            // The longest first, then what is new; all together as many as wanted.
            (
                "XREADGROUP GROUP g d COUNT 1 CLAIM 100000 STREAMS s >",
                "*1 *2 $1 s *1 *4 $3 2-0 *2 $1 a $1 b :T :8",
            ),
            (
                "XREADGROUP GROUP g d NOACK COUNT 9 CLAIM 100000 STREAMS s >",
                "*1 *2 $1 s *3 *4 $3 3-0 *2 $1 a $1 b :T :9 *4 $3 1-0 *2 $1 a $1 b :T :7 *4 $3 5-0 *2 $1 a $1 b :0 :0",
            ),
            ("XPENDING s g", "*4 :3 $3 1-0 $3 3-0 *1 *2 $1 d $1 3"),
            ("XREADGROUP GROUP g e CLAIM 100000 STREAMS s >", "*-1"),
            // It was delivered once more by each claim.
            ("XCLAIM s g c 0 2 TIME 1000 JUSTID", "*1 $3 2-0"),
            ("XREADGROUP GROUP g e CLAIM 100000 STREAMS s >", "*1 *2 $1 s *1 *4 $3 2-0 *2 $1 a $1 b :T :9"),
        ]);
    }

    #[test]
    fn what_is_gone_is_not_claimed() {
        check_idle(&[
            ("XADD s 1 a b", "$3 1-0"),
            ("XADD s 2 a b", "$3 2-0"),
            ("XADD s 3 a b", "$3 3-0"),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XREADGROUP GROUP g c STREAMS s >", "?"),
            ("XCLAIM s g c 0 1 2 TIME 1000 JUSTID", "*2 $3 1-0 $3 2-0"),
            ("XCLAIM s g c 0 3 TIME 5000 RETRYCOUNT 2 JUSTID", "*1 $3 3-0"),
            ("XDEL s 1 2", ":2"),
            // It takes nobody's place.
            (
                "XREADGROUP GROUP g e COUNT 1 CLAIM 100000 STREAMS s >",
                "*1 *2 $1 s *1 *4 $3 3-0 *2 $1 a $1 b :T :2",
            ),
            ("XPENDING s g", "*4 :1 $3 3-0 $3 3-0 *1 *2 $1 e $1 1"),
            ("XDEL s 3", ":1"),
            ("XREADGROUP GROUP g e CLAIM 0 STREAMS s >", "*-1"),
            ("XPENDING s g", "*4 :0 $-1 $-1 *-1"),
            ("XADD s 4 a b", "$3 4-0"),
            ("XREADGROUP GROUP g e STREAMS s >", "?"),
            ("XCLAIM s g c 0 4 TIME 1000 JUSTID", "*1 $3 4-0"),
            ("HELLO 3", "?"),
            ("XREADGROUP GROUP g d CLAIM 0 STREAMS s >", "%1 $1 s *1 *4 $3 4-0 *2 $1 a $1 b :T :1"),
        ]);
    }

    #[test]
    fn claim_is_checked() {
        check(&[
            ("XREADGROUP GROUP g e CLAIM x STREAMS s >", "-ERR min-idle-time is not an integer"),
            ("XREADGROUP GROUP g e CLAIM -1 STREAMS s >", "-ERR min-idle-time must be a positive integer"),
            (
                "XREADGROUP GROUP g e STREAMS s > CLAIM",
                "-ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.",
            ),
            (
                "XREAD CLAIM 1 STREAMS s 0",
                "-ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.",
            ),
        ]);
    }
}
