//! XAUTOCLAIM: a consumer takes over pending entries that were delivered long ago, wherever they are.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, KeyFlags, KeySpec};
use resp::Writer;
use value::number::parse_i64;
use value::stream::{Group, Log, Pending, StreamId};

use super::arguments::range_start;
use super::claim::{Claim, Claimer, consumer, find, idle_ms, no_group};
use super::{place, reply};

/// `XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]`
pub static XAUTOCLAIM: Command = Command {
    name: "xautoclaim",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Takes over entries that are pending for long.",
        since: "6.2.0",
        group: engine::Group::Stream,
        complexity: "O(COUNT log(N)), N being what is pending in the group",
        history: &[("7.0.0", "Answers the IDs of entries that are gone and are not pending any more.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("group", ArgumentKind::String),
        Argument::new("consumer", ArgumentKind::String),
        Argument::new("min-idle-time", ArgumentKind::String),
        Argument::new("start", ArgumentKind::String),
        Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
        Argument::token("justid", "JUSTID").optional(),
    ],
    tips: &["nondeterministic_output"],
    execute: xautoclaim,
    ..Command::DEFAULT
};

const MIN_IDLE: Error = Error::fixed("ERR Invalid min-idle-time argument for XAUTOCLAIM");
const COUNT: Error = Error::fixed("ERR COUNT must be > 0");

const COUNT_DEFAULT: u64 = 100;

/// The highest COUNT: so many IDs fit into what can be addressed.
const COUNT_MAX: u64 = i64::MAX as u64 / 16;

/// Pending entries that are looked at, for each that may be returned.
const ATTEMPTS: u64 = 10;

/// Pending entries that are read at once.
const CHUNK: usize = 128;

/// What is claimed.
struct Claiming<'a> {
    consumer: &'a [u8],
    idle_ms_min: i64,
    start: StreamId,
    count: u64,
    just_id: bool,
    now_ms: i64,
}

/// What claiming did.
struct Outcome {
    claims: Vec<Claim<'static>>,
    gone: Vec<StreamId>,
    /// Where to go on.
    cursor: StreamId,
    made_consumer: bool,
    last_id: StreamId,
}

impl<'a> Claiming<'a> {
    fn parse(args: Args<'a>, now_ms: i64) -> Result<Claiming<'a>, Error> {
        let idle_ms_min = parse_i64(args[4]).ok_or(MIN_IDLE)?;
        let start = range_start(args[5])?;
        let (consumer, count) = (args[3], COUNT_DEFAULT);
        let mut claiming = Claiming { consumer, idle_ms_min, start, count, just_id: false, now_ms };
        let mut rest = &args[6..];
        while let [word, behind @ ..] = rest {
            rest = match behind {
                [number, behind @ ..] if word.eq_ignore_ascii_case(b"COUNT") => {
                    let number = parse_i64(number).and_then(|number| u64::try_from(number).ok());
                    claiming.count = number.filter(|it| (1..=COUNT_MAX).contains(it)).ok_or(COUNT)?;
                    behind
                }
                behind if word.eq_ignore_ascii_case(b"JUSTID") => {
                    claiming.just_id = true;
                    behind
                }
                _ => return Err(Error::SYNTAX),
            };
        }
        Ok(claiming)
    }

    /// Claims what can be claimed, and writes it.
    fn claim(&self, writer: &mut Writer<'_>, log: &Log, group: &mut Group) -> Result<Outcome, Error> {
        let (number, made_consumer) = consumer(group, self.consumer, self.now_ms)?;
        let (mut claims, mut gone) = (Vec::new(), Vec::new());
        let (mut attempts, mut left) = (self.count.saturating_mul(ATTEMPTS), self.count);
        let mut next = Some(self.start);
        reply::counted(writer, |writer| {
            let mut written = 0;
            while let Some(from) = next.filter(|_| attempts > 0 && left > 0) {
                let chunk: Vec<Pending> = group.pending_from(from).take(CHUNK).collect();
                if chunk.is_empty() {
                    break;
                }
                for old in chunk {
                    if attempts == 0 || left == 0 {
                        break;
                    }
                    attempts -= 1;
                    next = old.id.next();
                    let Some(entry) = log.get(old.id) else {
                        claims.push(Claim::of_gone(group, old));
                        group.acknowledge(old.id);
                        gone.push(old.id);
                        left -= 1;
                        continue;
                    };
                    if self.idle_ms_min > 0 && idle_ms(&old, self.now_ms) < self.idle_ms_min {
                        continue;
                    }
                    let pending = Pending {
                        consumer: number,
                        delivered_at_ms: self.now_ms.max(0) as u64,
                        deliveries: old.deliveries.saturating_add(u64::from(!self.just_id)),
                        ..old
                    };
                    group.assign(pending);
                    if self.just_id {
                        reply::id(writer, old.id);
                    } else {
                        reply::entry(writer, &entry);
                    }
                    claims.push(Claim { pending, text: None, owner: None });
                    written += 1;
                    left -= 1;
                }
            }
            written
        });
        if claims.len() > gone.len() {
            group.touch_consumer(number, self.now_ms, Some(self.now_ms));
        }
        let cursor = next.and_then(|next| group.pending_from(next).next());
        let cursor = cursor.map_or(StreamId::MIN, |pending| pending.id);
        Ok(Outcome { claims, gone, cursor, made_consumer, last_id: group.last_id })
    }
}

fn xautoclaim(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (key, name) = (args[1], args[2]);
    let claiming = Claiming::parse(args, ctx.data.now_ms)?;
    find(ctx, key, name, "")?;
    // What changes is said below; the request itself is not repeated.
    ctx.data.effects.say_nothing();
    let mut place = place::existing(&mut ctx.data, key)?.ok_or_else(|| no_group(key, name, ""))?;
    let mut writer = ctx.reply.write();
    let mut result = None;
    reply::headed(&mut writer, |writer| {
        let edited =
            place.edit(|stream| stream.edit_group(name, |log, group| claiming.claim(writer, log, group)));
        let outcome = edited.and_then(|found| found.unwrap_or_else(|| Err(no_group(key, name, ""))));
        let cursor = outcome.as_ref().map_or(StreamId::MIN, |outcome| outcome.cursor);
        result = Some(outcome);
        move |writer: &mut Writer<'_>| {
            writer.array(3);
            reply::id(writer, cursor);
        }
    });
    let outcome = result.unwrap_or(Err(Error::SYNTAX))?;
    writer.array(outcome.gone.len());
    outcome.gone.iter().for_each(|id| reply::id(&mut writer, *id));
    ctx.data.dirty += outcome.claims.len() as u64 + u64::from(outcome.made_consumer);
    let claimer = Claimer { key, group: name, consumer: claiming.consumer };
    for claim in &outcome.claims {
        claimer.say(ctx, claim, outcome.last_id);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn xautoclaim() {
        check(&[
            ("XADD s 1 a b", "$3 1-0"),
            ("XADD s 2 a b", "$3 2-0"),
            ("XADD s 3 a b", "$3 3-0"),
            ("XADD s 4 a b", "$3 4-0"),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XREADGROUP GROUP g c STREAMS s >", "?"),
            ("XAUTOCLAIM s g d 0 0 COUNT 1", "*3 $3 2-0 *1 *2 $3 1-0 *2 $1 a $1 b *0"),
            ("XDEL s 2", ":1"),
            ("XAUTOCLAIM s g d 0 2 COUNT 2 JUSTID", "*3 $3 4-0 *1 $3 3-0 *1 $3 2-0"),
            ("XAUTOCLAIM s g d 0 (3", "*3 $3 0-0 *1 *2 $3 4-0 *2 $1 a $1 b *0"),
            ("XPENDING s g", "*4 :3 $3 1-0 $3 4-0 *1 *2 $1 d $1 3"),
            ("XAUTOCLAIM s g e 10000000 -", "*3 $3 0-0 *0 *0"),
            ("XAUTOCLAIM s nog n x 1", "-ERR Invalid min-idle-time argument for XAUTOCLAIM"),
            ("XAUTOCLAIM s nog n 1 x", "-ERR Invalid stream ID specified as stream command argument"),
            (
                "XAUTOCLAIM s nog n 1 (18446744073709551615-18446744073709551615",
                "-ERR invalid start ID for the interval",
            ),
            ("XAUTOCLAIM s nog n 1 0 COUNT 0", "-ERR COUNT must be > 0"),
            ("XAUTOCLAIM s nog n 1 0 COUNT x", "-ERR COUNT must be > 0"),
            ("XAUTOCLAIM s nog n 1 0 COUNT 576460752303423489", "-ERR COUNT must be > 0"),
            ("XAUTOCLAIM s nog n 1 0 COUNT 1 FOO", "-ERR syntax error"),
            ("XAUTOCLAIM s nog n 1 0 COUNT", "-ERR syntax error"),
            ("XAUTOCLAIM s nog n 1 0", "-NOGROUP No such key 's' or consumer group 'nog'"),
            ("SET str x", "+OK"),
            ("XAUTOCLAIM str g n 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
