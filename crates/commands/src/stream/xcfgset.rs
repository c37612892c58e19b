//! XCFGSET: sets how long a stream knows what producers call their entries, and how many of these names (Redis 8.6).

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::large::Teardown;

use super::place;
use crate::number::integer;

/// `XCFGSET key [IDMP-DURATION duration] [IDMP-MAXSIZE maxsize]`
pub static XCFGSET: Command = Command {
    name: "xcfgset",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Sets how long a stream knows the IDs that producers gave their entries, and how many.",
        since: "8.6.0",
        group: Group::Stream,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("duration", ArgumentKind::Integer).after("IDMP-DURATION").optional(),
        Argument::new("maxsize", ArgumentKind::Integer).after("IDMP-MAXSIZE").optional(),
    ],
    execute: xcfgset,
    ..Command::DEFAULT
};

const NOTHING: Error = Error::fixed("ERR At least one parameter must be specified");
const DURATION_RANGE: Error = Error::fixed("ERR IDMP-DURATION must be between 1 and 86400 seconds");
const NAMES_RANGE: Error = Error::fixed("ERR IDMP-MAXSIZE must be between 1 and 10000 entries");

/// Names from which on freeing them is left to the freeing thread.
const FREE_LATER_FROM: u64 = 1000;

/// What to set.
#[derive(Default)]
struct Setting {
    duration_s: Option<u32>,
    names_max: Option<u32>,
}

impl Setting {
    fn parse(args: Args<'_>) -> Result<Setting, Error> {
        let mut setting = Setting::default();
        for option in args[2..].chunks(2) {
            let [word, number] = option else { return Err(Error::SYNTAX) };
            let (place, most, error) = if word.eq_ignore_ascii_case(b"IDMP-DURATION") {
                (&mut setting.duration_s, 86_400, DURATION_RANGE)
            } else if word.eq_ignore_ascii_case(b"IDMP-MAXSIZE") {
                (&mut setting.names_max, 10_000, NAMES_RANGE)
            } else {
                return Err(Error::SYNTAX);
            };
            let number = u32::try_from(integer(number)?).ok().filter(|number| (1..=most).contains(number));
            *place = Some(number.ok_or(error)?);
        }
        if setting.duration_s.is_none() && setting.names_max.is_none() {
            return Err(NOTHING);
        }
        Ok(setting)
    }
}

fn xcfgset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let setting = Setting::parse(args)?;
    let unset = place::idempotence_limits(ctx.config);
    let mut place = place::existing(&mut ctx.data, args[1])?.ok_or(Error::NO_SUCH_KEY)?;
    let (forgotten, names_len) = place.edit(|stream| {
        let (mut limits, names_len) =
            stream.idempotence().map_or((unset, 0), |it| (it.limits(), it.names_len()));
        limits.duration_s = setting.duration_s.unwrap_or(limits.duration_s);
        limits.names_max = setting.names_max.unwrap_or(limits.names_max);
        (stream.limit_idempotence(limits), names_len)
    })?;
    if let Some(forgotten) = forgotten
        && names_len >= FREE_LATER_FROM
    {
        ctx.data.keyspace().free_rest(Teardown::Stream(Box::new(forgotten)));
    }
    ctx.data.dirty += 1;
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Server, check};

    #[test]
    fn xcfgset() {
        check(&[
            ("XCFGSET none IDMP-DURATION 5", "-ERR no such key"),
            ("XADD s 9999999999999-1 a b", "$15 9999999999999-1"),
            ("XCFGSET s", "-ERR At least one parameter must be specified"),
            ("XCFGSET s IDMP-DURATION", "-ERR syntax error"),
            ("XCFGSET s INVALID", "-ERR syntax error"),
            ("XCFGSET s INVALID 5", "-ERR syntax error"),
            ("XCFGSET s IDMP-DURATION INVALID IDMP-MAXSIZE", "-ERR value is not an integer or out of range"),
            ("XCFGSET s IDMP-MAXSIZE 000", "-ERR value is not an integer or out of range"),
            ("XCFGSET s IDMP-DURATION 0", "-ERR IDMP-DURATION must be between 1 and 86400 seconds"),
            ("XCFGSET s IDMP-DURATION 86401", "-ERR IDMP-DURATION must be between 1 and 86400 seconds"),
            ("XCFGSET s IDMP-MAXSIZE -1", "-ERR IDMP-MAXSIZE must be between 1 and 10000 entries"),
            ("XCFGSET s IDMP-MAXSIZE 10001", "-ERR IDMP-MAXSIZE must be between 1 and 10000 entries"),
            ("XCFGSET s IDMP-MAXSIZE 4294967297", "-ERR IDMP-MAXSIZE must be between 1 and 10000 entries"),
            ("XADD s IDMP p a * a b", "$15 9999999999999-2"),
            ("XCFGSET s idmp-duration 100 idmp-maxsize 100", "+OK"),
            ("XADD s IDMP p a * a b", "$15 9999999999999-2"),
            ("XCFGSET s IDMP-MAXSIZE 2", "+OK"),
            ("XADD s IDMP p a * a b", "$15 9999999999999-3"),
            ("XADD s IDMP p b * a b", "$15 9999999999999-4"),
            ("XADD s IDMP p c * a b", "$15 9999999999999-5"),
            ("XADD s IDMP p b * a b", "$15 9999999999999-4"),
            ("XADD s IDMP p a * a b", "$15 9999999999999-6"),
            (
                "XINFO STREAM s",
                "*32 $6 length :6 $15 radix-tree-keys :1 $16 radix-tree-nodes :2 $17 last-generated-id $15 9999999999999-6 $20 max-deleted-entry-id $3 0-0 $13 entries-added :6 $23 recorded-first-entry-id $15 9999999999999-1 $13 idmp-duration :100 $12 idmp-maxsize :2 $12 pids-tracked :1 $12 iids-tracked :2 $10 iids-added :5 $15 iids-duplicates :2 $6 groups :0 $11 first-entry *2 $15 9999999999999-1 *2 $1 a $1 b $10 last-entry *2 $15 9999999999999-6 *2 $1 a $1 b",
            ),
            ("SET str x", "+OK"),
            (
                "XCFGSET str IDMP-MAXSIZE 1",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
        ]);
    }

    #[test]
    fn limits_start_as_configured() {
        let server = Server::start();
        let mut client = server.connect();
        client.check(&[
            ("XADD early 9999999999999-1 a b", "$15 9999999999999-1"),
            ("XADD early IDMP p a * a b", "$15 9999999999999-2"),
            ("XADD plain 9999999999999-1 a b", "$15 9999999999999-1"),
            ("CONFIG SET stream-idmp-duration 86401", "-ERR CONFIG SET failed (possibly related to argument 'stream-idmp-duration') - argument must be between 1 and 86400 inclusive"),
            ("CONFIG SET stream-idmp-maxsize 0", "-ERR CONFIG SET failed (possibly related to argument 'stream-idmp-maxsize') - argument must be between 1 and 10000 inclusive"),
            ("CONFIG SET stream-idmp-duration 7 stream-idmp-maxsize 1", "+OK"),
            ("XCFGSET plain IDMP-MAXSIZE 3", "+OK"),
            ("XADD late 9999999999999-1 a b", "$15 9999999999999-1"),
            ("XADD late IDMP p a * a b", "$15 9999999999999-2"),
            ("XADD late IDMP p b * a b", "$15 9999999999999-3"),
            ("XADD late IDMP p a * a b", "$15 9999999999999-4"),
        ]);
        for (key, duration, names) in [("early", ":100", ":100"), ("plain", ":7", ":3"), ("late", ":7", ":1")]
        {
            client.send(&format!("XINFO STREAM {key}"));
            let info = client.reply();
            let limits = format!("idmp-duration {duration} $12 idmp-maxsize {names} ");
            assert!(info.contains(&limits), "{key}: {info}");
        }
    }
}
