//! XCLAIM: a consumer takes over pending entries by their IDs.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, KeyFlags, KeySpec};
use resp::Writer;
use value::number::parse_i64;
use value::stream::{Group, Log, Pending, StreamId};

use super::claim::{Claim, Claimer, consumer, find, idle_ms, no_group};
use super::{arguments, place, reply};

/// `XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]`
pub static XCLAIM: Command = Command {
    name: "xclaim",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Takes over pending entries of other consumers.",
        since: "5.0.0",
        group: engine::Group::Stream,
        complexity: "O(log(N)) for each ID, N being what is pending in the group",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("group", ArgumentKind::String),
        Argument::new("consumer", ArgumentKind::String),
        Argument::new("min-idle-time", ArgumentKind::String),
        Argument::new("id", ArgumentKind::String).multiple(),
        Argument::new("ms", ArgumentKind::Integer).after("IDLE").optional(),
        Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime).after("TIME").optional(),
        Argument::new("count", ArgumentKind::Integer).after("RETRYCOUNT").optional(),
        Argument::token("force", "FORCE").optional(),
        Argument::token("justid", "JUSTID").optional(),
        Argument::new("lastid", ArgumentKind::String).after("LASTID").optional(),
    ],
    tips: &["nondeterministic_output"],
    execute: xclaim,
    ..Command::DEFAULT
};

const MIN_IDLE: Error = Error::fixed("ERR Invalid min-idle-time argument for XCLAIM");
const IDLE: Error = Error::fixed("ERR Invalid IDLE option argument for XCLAIM");
const TIME: Error = Error::fixed("ERR Invalid TIME option argument for XCLAIM");
const RETRYCOUNT: Error = Error::fixed("ERR Invalid RETRYCOUNT option argument for XCLAIM");

/// What is claimed.
struct Claiming<'a> {
    consumer: &'a [u8],
    idle_ms_min: i64,
    ids: Vec<(&'a [u8], StreamId)>,
    now_ms: i64,
    /// Whether it is a master's effect.
    obeys: bool,
    /// The time of delivery to be noted.
    delivered_at_ms: i64,
    deliveries: Option<u64>,
    force: bool,
    just_id: bool,
    last_id: StreamId,
}

impl<'a> Claiming<'a> {
    fn parse(args: Args<'a>, now_ms: i64, obeys: bool) -> Result<Claiming<'a>, Error> {
        let idle_ms_min = parse_i64(args[4]).ok_or(MIN_IDLE)?;
        let ids = args[5..].iter().map_while(|arg| Some((*arg, arguments::id(arg, 0).ok()?)));
        let ids: Vec<(&[u8], StreamId)> = ids.collect();
        let mut rest = &args[5 + ids.len()..];
        let mut claiming = Claiming {
            consumer: args[3],
            idle_ms_min,
            ids,
            now_ms,
            obeys,
            delivered_at_ms: now_ms,
            deliveries: None,
            force: false,
            just_id: false,
            last_id: StreamId::MIN,
        };
        while let [word, behind @ ..] = rest {
            rest = match behind {
                behind if word.eq_ignore_ascii_case(b"FORCE") => {
                    claiming.force = true;
                    behind
                }
                behind if word.eq_ignore_ascii_case(b"JUSTID") => {
                    claiming.just_id = true;
                    behind
                }
                [ms, behind @ ..] if word.eq_ignore_ascii_case(b"IDLE") => {
                    claiming.deliver_at(now_ms.wrapping_sub(parse_i64(ms).ok_or(IDLE)?));
                    behind
                }
                [ms, behind @ ..] if word.eq_ignore_ascii_case(b"TIME") => {
                    claiming.deliver_at(parse_i64(ms).ok_or(TIME)?);
                    behind
                }
                [count, behind @ ..] if word.eq_ignore_ascii_case(b"RETRYCOUNT") => {
                    claiming.deliveries = u64::try_from(parse_i64(count).ok_or(RETRYCOUNT)?).ok();
                    behind
                }
                [id, behind @ ..] if word.eq_ignore_ascii_case(b"LASTID") => {
                    claiming.last_id = arguments::id(id, 0)?;
                    behind
                }
                _ => return Err(Error::naming("ERR Unrecognized XCLAIM option '", word, "'")),
            };
        }
        Ok(claiming)
    }

    /// A time that cannot be is now. What a master said is obeyed, whatever the clock says here.
    fn deliver_at(&mut self, ms: i64) {
        let is_ahead = ms > self.now_ms && !self.obeys;
        self.delivered_at_ms = if ms < 0 || is_ahead { self.now_ms } else { ms };
    }

    /// Claims what can be claimed, and writes it.
    fn claim(
        &self,
        writer: &mut Writer<'_>,
        log: &Log,
        group: &mut Group,
    ) -> Result<(Vec<Claim<'a>>, bool), Error> {
        let (number, made) = consumer(group, self.consumer, self.now_ms)?;
        let mut claims = Vec::new();
        let mut is_active = false;
        reply::counted(writer, |writer| {
            let mut count = 0;
            for (text, id) in &self.ids {
                let old = group.pending(*id);
                let Some(entry) = log.get(*id) else {
                    if let Some(old) = old {
                        claims.push(Claim { text: Some(text), ..Claim::of_gone(group, old) });
                        group.acknowledge(*id);
                    }
                    continue;
                };
                let deliveries = match old {
                    None if !self.force => continue,
                    None => 1,
                    Some(old) if self.idle_ms_min > 0 && idle_ms(&old, self.now_ms) < self.idle_ms_min => {
                        continue;
                    }
                    Some(old) => old.deliveries,
                };
                let more = u64::from(!self.just_id);
                let pending = Pending {
                    id: *id,
                    consumer: number,
                    delivered_at_ms: self.delivered_at_ms.max(0) as u64,
                    deliveries: self.deliveries.unwrap_or(deliveries.saturating_add(more)),
                };
                group.assign(pending);
                if self.just_id {
                    reply::id(writer, *id);
                } else {
                    reply::entry(writer, &entry);
                }
                is_active = true;
                claims.push(Claim { pending, text: Some(text), owner: None });
                count += 1;
            }
            count
        });
        if is_active {
            group.touch_consumer(number, self.now_ms, Some(self.now_ms));
        }
        Ok((claims, made))
    }
}

fn xclaim(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (key, name, now_ms) = (args[1], args[2], ctx.data.now_ms);
    find(ctx, key, name, "")?;
    let claiming = Claiming::parse(args, now_ms, ctx.session.applies_stream)?;
    // What changes is said below; the request itself is not repeated.
    ctx.data.effects.say_nothing();
    let mut writer = ctx.reply.write();
    let mut place = place::existing(&mut ctx.data, key)?.ok_or_else(|| no_group(key, name, ""))?;
    let claimed = place.edit(|stream| {
        stream.edit_group(name, |log, group| {
            let advances = claiming.last_id > group.last_id;
            group.last_id = group.last_id.max(claiming.last_id);
            let (claims, made) = claiming.claim(&mut writer, log, group)?;
            Ok((claims, made, advances, group.last_id, group.entries_read))
        })
    })?;
    let (claims, made, advances, last_id, read) = claimed.ok_or_else(|| no_group(key, name, ""))??;
    ctx.data.dirty += claims.len() as u64 + u64::from(made);
    let claimer = Claimer { key, group: name, consumer: claiming.consumer };
    for claim in &claims {
        claimer.say(ctx, claim, last_id);
    }
    if advances && claims.is_empty() {
        ctx.data.dirty += 1;
        claimer.say_position(ctx, last_id, read);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn xclaim() {
        check(&[
            ("XADD s 1 a b", "$3 1-0"),
            ("XADD s 2 a b", "$3 2-0"),
            ("XADD s 3 a b", "$3 3-0"),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XREADGROUP GROUP g c COUNT 2 STREAMS s >", "?"),
            ("XCLAIM s g d 10000000 1 2", "*0"),
            ("XCLAIM s g d 0 1 3", "*1 *2 $3 1-0 *2 $1 a $1 b"),
            ("XCLAIM s g d 0 3-0 FORCE JUSTID LASTID 7", "*1 $3 3-0"),
            ("XPENDING s g", "*4 :3 $3 1-0 $3 3-0 *2 *2 $1 c $1 1 *2 $1 d $1 2"),
            ("XDEL s 1", ":1"),
            ("XCLAIM s g c 0 1 9 FORCE", "*0"),
            ("XPENDING s g", "*4 :2 $3 2-0 $3 3-0 *2 *2 $1 c $1 1 *2 $1 d $1 1"),
            ("XCLAIM s g e -5 2 IDLE 1000 RETRYCOUNT 5", "*1 *2 $3 2-0 *2 $1 a $1 b"),
            ("XCLAIM s g e 1000 2 justid", "*1 $3 2-0"),
            ("XCLAIM s g e 1000 2 justid", "*0"),
            ("XCLAIM s g n x 1", "-ERR Invalid min-idle-time argument for XCLAIM"),
            ("XCLAIM s g n 0 x y", "-ERR Unrecognized XCLAIM option 'x'"),
            ("XCLAIM s g n 0 1 IDLE", "-ERR Unrecognized XCLAIM option 'IDLE'"),
            ("XCLAIM s g n 0 1 IDLE x", "-ERR Invalid IDLE option argument for XCLAIM"),
            ("XCLAIM s g n 0 1 TIME x", "-ERR Invalid TIME option argument for XCLAIM"),
            ("XCLAIM s g n 0 1 RETRYCOUNT x", "-ERR Invalid RETRYCOUNT option argument for XCLAIM"),
            ("XCLAIM s g n 0 1 LASTID x", "-ERR Invalid stream ID specified as stream command argument"),
            ("XCLAIM s nog n x 1", "-NOGROUP No such key 's' or consumer group 'nog'"),
            ("XCLAIM none g n x 1", "-NOGROUP No such key 'none' or consumer group 'g'"),
            ("SET str x", "+OK"),
            ("XCLAIM str g n 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
