//! HSETEX: gives fields values, if they are all new or all there, and a deadline, all the same one.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::number::parse_i64;

use super::words::deadline;
use super::{PAIRS, place};
use crate::string::{DeadlineWord, MILLISECONDS, SECONDS, UNIX_MILLISECONDS, UNIX_SECONDS};

const NOT_POSITIVE: Error = Error::fixed("ERR invalid number of fields");
const ONE_CONDITION: Error = Error::fixed("ERR Only one of FXX or FNX arguments can be specified");
const ONE_DEADLINE: Error =
    Error::fixed("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");

/// `HSETEX key [NX | XX] [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]
/// FIELDS numfields field value [field value ...]`
///
/// NX and XX, about the key, are Valkey's.
pub static HSETEX: Command = Command {
    name: "hsetex",
    arity: -6,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Gives fields of a hash values and a deadline.",
        since: "8.0.0",
        group: Group::Hash,
        complexity: "O(N) for N fields",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::one_of("key-condition", &[Argument::token("nx", "NX"), Argument::token("xx", "XX")])
            .optional(),
        Argument::one_of("condition", &[Argument::token("fnx", "FNX"), Argument::token("fxx", "FXX")])
            .optional(),
        Argument::one_of(
            "expiration",
            &[SECONDS, MILLISECONDS, UNIX_SECONDS, UNIX_MILLISECONDS, Argument::token("keepttl", "KEEPTTL")],
        )
        .optional(),
        Argument::block("fields", &[Argument::new("numfields", ArgumentKind::Integer), PAIRS])
            .after("FIELDS"),
    ],
    execute: hsetex,
    ..Command::DEFAULT
};

/// What becomes of the fields' deadlines.
#[derive(Clone, Copy)]
enum Stamp {
    None,
    Keep,
    At(i64),
}

/// A parsed request. Of conditions, `true` asks for something that is there.
struct SetEx<'a> {
    key_exists: Option<bool>,
    fields_exist: Option<bool>,
    stamp: Option<Stamp>,
    pairs: Args<'a>,
}

impl<'a> SetEx<'a> {
    fn parse(args: Args<'a>, now_ms: i64) -> Result<SetEx<'a>, Error> {
        let arity = || Error::wrong_arity("hsetex");
        let mut set = SetEx { key_exists: None, fields_exist: None, stamp: None, pairs: &[] };
        let mut rest = &args[2..];
        while let [word, behind @ ..] = rest {
            rest = behind;
            match word.to_ascii_uppercase().as_slice() {
                b"FIELDS" => {
                    let [count, pairs @ ..] = behind else { return Err(arity()) };
                    let count = parse_i64(count).filter(|count| (1..=i64::from(i32::MAX)).contains(count));
                    let texts = count.ok_or(NOT_POSITIVE)? as usize * 2;
                    if pairs.len() != texts {
                        return Err(arity());
                    }
                    set.pairs = pairs;
                    return Ok(set);
                }
                b"FNX" | b"FXX" if set.fields_exist.is_some() => return Err(ONE_CONDITION),
                b"FNX" => set.fields_exist = Some(false),
                b"FXX" => set.fields_exist = Some(true),
                b"NX" | b"XX" if set.key_exists.is_some() => return Err(Error::SYNTAX),
                b"NX" => set.key_exists = Some(false),
                b"XX" => set.key_exists = Some(true),
                b"EX" | b"PX" | b"EXAT" | b"PXAT" | b"KEEPTTL" if set.stamp.is_some() => {
                    return Err(ONE_DEADLINE);
                }
                b"KEEPTTL" => set.stamp = Some(Stamp::Keep),
                _ => {
                    let unknown = || Error::naming("ERR unknown argument: ", word, "");
                    let unit = DeadlineWord::unit(word).ok_or_else(unknown)?;
                    let [number, behind @ ..] = behind else { return Err(arity()) };
                    set.stamp = Some(Stamp::At(deadline(number, unit, now_ms, "hsetex")?));
                    rest = behind;
                }
            }
        }
        Err(arity())
    }
}

/// What became of the request.
enum Outcome {
    Refused,
    Set,
    /// The deadline had passed: these fields were there and are deleted.
    Deleted(usize),
}

fn hsetex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (key, now_ms) = (args[1], ctx.data.now_ms);
    let set = SetEx::parse(args, now_ms)?;
    let (stamp, fields) = (set.stamp.unwrap_or(Stamp::None), set.pairs.iter().step_by(2));
    let outcome = place::change(ctx, key, |hash| {
        let refused = set.key_exists.is_some_and(|exists| hash.is_empty() == exists)
            || set
                .fields_exist
                .is_some_and(|exist| fields.clone().any(|field| hash.get(field).is_some() != exist));
        if refused {
            return Ok(Outcome::Refused);
        }
        if matches!(stamp, Stamp::At(at_ms) if at_ms <= now_ms) {
            return Ok(Outcome::Deleted(fields.clone().filter(|field| hash.remove(field)).count()));
        }
        hash.prepare(set.pairs);
        for pair in set.pairs.chunks_exact(2) {
            hash.set(pair[0], pair[1], matches!(stamp, Stamp::Keep));
            if let Stamp::At(at_ms) = stamp {
                hash.set_deadline(pair[0], at_ms as u64);
            }
        }
        Ok(Outcome::Set)
    })?;
    match outcome {
        Outcome::Refused => {}
        Outcome::Set => {
            ctx.data.dirty += fields.len() as u64;
            propagate(ctx, key, stamp, set.pairs);
        }
        Outcome::Deleted(0) => {}
        Outcome::Deleted(count) => {
            ctx.data.dirty += count as u64;
            let fields: Vec<&[u8]> = fields.copied().collect();
            ctx.data.effects.say(&[&[b"HDEL", key], fields.as_slice()].concat());
        }
    }
    ctx.reply.integer(i64::from(!matches!(outcome, Outcome::Refused)));
    Ok(())
}

/// Without the conditions, which were met, and with an absolute deadline.
fn propagate(ctx: &mut Ctx<'_>, key: &[u8], stamp: Stamp, pairs: Args<'_>) {
    let count = (pairs.len() / 2).to_string();
    let at = if let Stamp::At(at_ms) = stamp { at_ms.to_string() } else { String::new() };
    let mut effect: Vec<&[u8]> = vec![b"HSETEX", key];
    match stamp {
        Stamp::None => {}
        Stamp::Keep => effect.push(b"KEEPTTL"),
        Stamp::At(_) => effect.extend([&b"PXAT"[..], at.as_bytes()]),
    }
    effect.extend([&b"FIELDS"[..], count.as_bytes()]);
    effect.extend_from_slice(pairs);
    ctx.data.effects.say(&effect);
}
