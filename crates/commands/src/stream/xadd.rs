//! XADD: adds an entry, unless its producer has sent it before, and may trim what is older.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::stream::{AppendError, NODE_BYTES_MAX, StreamId};

use super::arguments::{GivenId, TrimOptions, Trimming, given_id};
use super::idempotence::{ID_GIVEN, IDEMPOTENCE, Produced};
use super::trim::{self, Outcome, REFERENCES, TRIM};
use super::{place, reply};

/// `XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [IDMPAUTO producer-id | IDMP producer-id idempotent-id] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] * | id field value [field value ...]`
pub static XADD: Command = Command {
    name: "xadd",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec {
        notes: Some("UPDATE instead of INSERT because of the optional trimming feature"),
        ..KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))
    }],
    docs: Docs {
        summary: "Adds an entry to a stream, which is made if it is not there.",
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(1), and O(N) for trimming, N being the removed entries",
        history: &[
            ("6.2.0", "NOMKSTREAM, MINID and LIMIT."),
            ("7.0.0", "IDs of the form `ms-*`."),
            ("8.2.0", "KEEPREF, DELREF and ACKED."),
            ("8.6.0", "IDMPAUTO and IDMP."),
        ],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::token("nomkstream", "NOMKSTREAM").optional().since("6.2.0"),
        REFERENCES,
        IDEMPOTENCE,
        TRIM.optional(),
        Argument::one_of(
            "id-selector",
            &[Argument::token("auto-id", "*"), Argument::new("id", ArgumentKind::String)],
        ),
        Argument::block(
            "data",
            &[Argument::new("field", ArgumentKind::String), Argument::new("value", ArgumentKind::String)],
        )
        .multiple(),
    ],
    tips: &["nondeterministic_output"],
    execute: xadd,
    ..Command::DEFAULT
};

const ZERO: Error = Error::fixed("ERR The ID specified in XADD must be greater than 0-0");
const EXHAUSTED: Error =
    Error::fixed("ERR The stream has exhausted the last possible ID, unable to add more items");
const NOT_ABOVE: Error =
    Error::fixed("ERR The ID specified in XADD is equal or smaller than the target stream top item");
const TOO_LARGE: Error = Error::fixed("ERR Elements are too large to be stored");

/// What is asked for.
struct Adding<'a> {
    id: GivenId,
    id_at: usize,
    may_make: bool,
    trimming: Option<Trimming>,
    produced: Option<Produced<'a>>,
    /// Fields and values in turn.
    data: Args<'a>,
}

impl<'a> Adding<'a> {
    fn parse(ctx: &Ctx<'_>, args: Args<'a>) -> Result<Adding<'a>, Error> {
        let mut options = TrimOptions::default();
        let (mut at, mut may_make, mut id, mut produced) = (2, true, GivenId::None, None);
        while let Some(arg) = args.get(at) {
            if *arg == b"*" {
                break;
            }
            if let Some(taken) = options.take(args, at)? {
                at += taken;
            } else if let Some(taken) = Produced::take(&mut produced, args, at)? {
                at += taken;
            } else if arg.eq_ignore_ascii_case(b"NOMKSTREAM") {
                may_make = false;
                at += 1;
            } else {
                id = given_id(arg)?;
                break;
            }
        }
        let entries_max = ctx.config.encoding.stream_block_entries_max;
        let trimming = options.finish(entries_max, ctx.session.applies_stream, None)?;
        // A replica is told which ID the entry got.
        if produced.is_some() && id != GivenId::None && !ctx.session.applies_stream {
            return Err(ID_GIVEN);
        }
        let data = args.get(at + 1..).unwrap_or_default();
        if data.is_empty() || data.len() % 2 != 0 {
            return Err(Error::wrong_arity("xadd"));
        }
        if id == GivenId::Whole(StreamId::MIN) {
            return Err(ZERO);
        }
        if let Some(produced) = &mut produced {
            produced.name_by_content(pairs(data));
        }
        Ok(Adding { id, id_at: at, may_make, trimming, produced, data })
    }

    fn pairs(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone {
        pairs(self.data)
    }

    /// Whether it would be refused by a stream that has nothing.
    fn is_too_large(&self) -> bool {
        self.data.iter().map(|text| text.len()).sum::<usize>() > NODE_BYTES_MAX
    }

    /// The ID of the new entry, behind the last one.
    fn new_id(&self, last: StreamId, now_ms: u64) -> Result<StreamId, Error> {
        if last == StreamId::MAX {
            return Err(EXHAUSTED);
        }
        match self.id {
            GivenId::Whole(id) => Ok(id),
            GivenId::Time(ms) if ms == last.ms => {
                last.seq.checked_add(1).map(|seq| StreamId::new(ms, seq)).ok_or(NOT_ABOVE)
            }
            GivenId::Time(ms) => Ok(StreamId::new(ms, 0)),
            GivenId::None if now_ms > last.ms => Ok(StreamId::new(now_ms, 0)),
            GivenId::None => last.next().ok_or(EXHAUSTED),
        }
    }
}

fn pairs<'a>(data: Args<'a>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone {
    data.as_chunks::<2>().0.iter().map(|[field, value]| (*field, *value))
}

/// What became of the entry.
enum Step {
    Added(StreamId, Option<Outcome>),
    /// Its producer sent it before; it had this ID.
    Repeated(StreamId),
}

fn xadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let adding = Adding::parse(ctx, args)?;
    let (key, limits, now_ms) = (args[1], place::limits(ctx.config), ctx.data.now_ms.max(0) as u64);
    let mut place = if !adding.may_make {
        let Some(place) = place::existing(&mut ctx.data, key)? else {
            ctx.reply.null();
            return Ok(());
        };
        place
    } else {
        if adding.is_too_large() && ctx.data.peek(key).is_none() {
            return Err(TOO_LARGE);
        }
        place::open(&mut ctx.data, key)?
    };
    let (obeys, names) = (ctx.session.applies_stream, place::idempotence_limits(ctx.config));
    let step = place.edit(|stream| {
        if let Some(produced) = adding.produced.as_ref().filter(|_| !obeys)
            && let Some(id) = stream.repeated(produced.producer, &produced.name, now_ms)
        {
            return Ok(Step::Repeated(id));
        }
        let log = stream.log_mut();
        let id = adding.new_id(log.info().last_id, now_ms)?;
        log.append(id, adding.pairs(), limits).map_err(|error| match error {
            AppendError::NotAbove => NOT_ABOVE,
            AppendError::TooLarge => TOO_LARGE,
        })?;
        if let Some(produced) = &adding.produced {
            stream.note_produced(produced.producer, &produced.name, id, names);
        }
        Ok(Step::Added(id, adding.trimming.as_ref().map(|trimming| trim::trim(stream, trimming))))
    })??;
    let id = match step {
        Step::Repeated(id) => id,
        Step::Added(id, outcome) => {
            ctx.data.dirty += 1;
            tell(ctx, args, &adding, id, outcome);
            id
        }
    };
    reply::id(&mut ctx.reply.write(), id);
    Ok(())
}

/// Tells a replica which ID the entry has, and what exactly was trimmed.
fn tell(ctx: &mut Ctx<'_>, args: Args<'_>, adding: &Adding<'_>, id: StreamId, outcome: Option<Outcome>) {
    let mut exact = None;
    if let (Some(mut outcome), Some(trimming)) = (outcome, &adding.trimming) {
        outcome.free(ctx);
        if trimming.trim.is_approximate {
            exact = Some((outcome.exact(), trimming.threshold_at));
        }
    }
    let is_given = matches!(adding.id, GivenId::Whole(_));
    if is_given && exact.is_none() {
        return;
    }
    let id = id.to_string();
    let mut request = args.to_vec();
    if !is_given {
        request[adding.id_at] = id.as_bytes();
    }
    if let Some((exact, at)) = &exact {
        exact.put(&mut request, *at);
    }
    // Last, for what lies behind moves.
    if let Some(produced) = &adding.produced {
        produced.put(&mut request);
    }
    ctx.data.effects.say(&request);
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn xadd() {
        check(&[
            ("XADD s 1-1 a", "-ERR wrong number of arguments for 'xadd' command"),
            ("XADD s * a b c", "-ERR wrong number of arguments for 'xadd' command"),
            ("XADD s x a b", "-ERR Invalid stream ID specified as stream command argument"),
            ("XADD s 0-0 a b", "-ERR The ID specified in XADD must be greater than 0-0"),
            ("XADD s 0-* a b", "$3 0-1"),
            ("XADD s 0-* a b", "$3 0-2"),
            ("XADD s + a b", "-ERR Invalid stream ID specified as stream command argument"),
            ("XADD s 007-1 a b", "$3 7-1"),
            ("XADD s 8 a b", "$3 8-0"),
            (
                "XADD s 8-0 a b",
                "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ),
            ("XADD s 9-* a b", "$3 9-0"),
            ("XADD s 9-* c 17 a b", "$3 9-1"),
            (
                "XADD s MAXLEN 5 MINID 3 10 a b",
                "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ),
            ("XADD s MAXLEN x 10 a b", "-ERR value is not an integer or out of range"),
            ("XADD s MAXLEN -1 10 a b", "-ERR The MAXLEN argument must be >= 0."),
            ("XADD s MAXLEN ~ a b c", "-ERR value is not an integer or out of range"),
            ("XADD s MINID x 10 a b", "-ERR Invalid stream ID specified as stream command argument"),
            (
                "XADD s LIMIT 5 10 a b",
                "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
            ),
            ("XADD s LIMIT 0 10 a b", "-ERR syntax error, LIMIT cannot be used without the special ~ option"),
            (
                "XADD s MAXLEN 5 LIMIT 5 11 a b",
                "-ERR syntax error, LIMIT cannot be used without the special ~ option",
            ),
            ("XADD s MAXLEN ~ 5 LIMIT -5 11 a b", "-ERR The LIMIT argument must be >= 0."),
            ("XADD s MAXLEN ~ 5 LIMIT x 11 a b", "-ERR value is not an integer or out of range"),
            ("XADD n NOMKSTREAM 1 a b", "$-1"),
            ("EXISTS n", ":0"),
            ("XADD s NOMKSTREAM maxlen = 3 11 a b", "$4 11-0"),
            (
                "XRANGE s - +",
                "*3 *2 $3 9-0 *2 $1 a $1 b *2 $3 9-1 *4 $1 c $2 17 $1 a $1 b *2 $4 11-0 *2 $1 a $1 b",
            ),
            ("XADD s MINID 11 12 a b", "$4 12-0"),
            ("XRANGE s - +", "*2 *2 $4 11-0 *2 $1 a $1 b *2 $4 12-0 *2 $1 a $1 b"),
            ("XADD s MAXLEN 0 13-5 a b", "$4 13-5"),
            ("XLEN s", ":0"),
            ("EXISTS s", ":1"),
            ("TYPE s", "+stream"),
            ("OBJECT ENCODING s", "$6 stream"),
            ("XADD s 13-18446744073709551615 a b", "$23 13-18446744073709551615"),
            (
                "XADD s 13-* a b",
                "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ),
            (
                "XADD s 18446744073709551615-18446744073709551615 a b",
                "$41 18446744073709551615-18446744073709551615",
            ),
            (
                "XADD s 18446744073709551615-* a b",
                "-ERR The stream has exhausted the last possible ID, unable to add more items",
            ),
            ("XADD s * a b", "-ERR The stream has exhausted the last possible ID, unable to add more items"),
            ("SET str x", "+OK"),
            ("XADD str 1 a b", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("XLEN str", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("XLEN none", ":0"),
        ]);
    }

    #[test]
    fn producers_send_once() {
        check(&[
            ("XADD s IDMP p1 * f v", "-ERR Invalid stream ID specified as stream command argument"),
            ("XADD s IDMP p1 i 1-1 f v", "-ERR IDMP/IDMPAUTO can be used only with auto-generated IDs"),
            ("XADD s IDMPAUTO p1 1-* f v", "-ERR IDMP/IDMPAUTO can be used only with auto-generated IDs"),
            ("XADD s IDMP p1 i IDMP p2 i * f v", "-ERR IDMP/IDMPAUTO specified multiple times"),
            ("XADD s IDMPAUTO p1 IDMP p2 i * f v", "-ERR IDMP/IDMPAUTO specified multiple times"),
            ("XADD s IDMP \"\" i * f v", "-ERR IDMP requires a non-empty producer ID"),
            ("XADD s IDMP p1 \"\" * f v", "-ERR IDMP requires a non-empty idempotent ID"),
            ("XADD s IDMPAUTO \"\" * f v", "-ERR IDMPAUTO requires a non-empty producer ID"),
            ("XADD s IDMP p1", "-ERR wrong number of arguments for 'xadd' command"),
            ("XADD s IDMP p1 i *", "-ERR wrong number of arguments for 'xadd' command"),
            ("EXISTS s", ":0"),
            ("XADD s NOMKSTREAM IDMP p1 i * f v", "$-1"),
            ("XADD s 9999999999999-1 a b", "$15 9999999999999-1"),
            ("XADD s IDMP p1 i * f v", "$15 9999999999999-2"),
            ("XADD s idmp p1 i * other w", "$15 9999999999999-2"),
            ("XADD s IDMP p2 i * f v", "$15 9999999999999-3"),
            ("XADD s IDMP p1 * * f v", "$15 9999999999999-4"),
            ("XADD s KEEPREF IDMP p1 * MAXLEN 1 * f v", "$15 9999999999999-4"),
            ("XLEN s", ":4"),
            ("XDEL s 9999999999999-2", ":1"),
            ("XADD s NOMKSTREAM IDMP p1 i * f v", "$15 9999999999999-2"),
            ("XADD s MAXLEN 2 IDMPAUTO p1 * f v g w", "$15 9999999999999-5"),
            ("XADD s IDMPAUTO p1 * g w f v", "$15 9999999999999-5"),
            ("XADD s IDMPAUTO p1 * g v f w", "$15 9999999999999-6"),
            ("XADD s IDMPAUTO p2 * f v g w", "$15 9999999999999-7"),
            ("XLEN s", ":4"),
            ("COPY s t", ":1"),
            ("XADD t IDMP p1 i * f v", "$15 9999999999999-2"),
        ]);
    }
}
