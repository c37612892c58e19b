//! MSET, MSETNX, MSETEX: several keys at once, or none of them.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Deadline, Docs, Error, Flags, Group, KeyFlags,
    KeySpec,
};

use crate::number::integer_in;
use crate::string::{Lifetime, MILLISECONDS, SECONDS, UNIX_MILLISECONDS, UNIX_SECONDS};

const NUMKEYS: Error = Error::fixed("ERR invalid numkeys value or out of range");

const PAIRS: Argument =
    Argument::block("data", &[Argument::key(), Argument::new("value", ArgumentKind::String)]).multiple();

/// `MSET key value [key value ...]`
pub static MSET: Command = Command {
    name: "mset",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::STRING,
    keys: &[KeySpec::range(1, -1, 2, KeyFlags::OW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Gives several keys a string at one moment, whatever they held.",
        since: "1.0.1",
        group: Group::String,
        complexity: "O(N) where N is the number of keys.",
        ..Docs::NONE
    },
    arguments: &[PAIRS],
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    execute: mset,
    ..Command::DEFAULT
};

/// `MSETNX key value [key value ...]`
pub static MSETNX: Command = Command {
    name: "msetnx",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::STRING,
    keys: &[KeySpec::range(1, -1, 2, KeyFlags::OW.and(KeyFlags::INSERT))],
    docs: Docs {
        summary: "Gives several keys a string at one moment, if none of them exists.",
        since: "1.0.1",
        group: Group::String,
        complexity: "O(N) where N is the number of keys.",
        ..Docs::NONE
    },
    arguments: &[PAIRS],
    execute: msetnx,
    ..Command::DEFAULT
};

/// `MSETEX numkeys key value [key value ...] [NX | XX] [EX s | PX ms | EXAT unix-s | PXAT unix-ms | KEEPTTL]`
pub static MSETEX: Command = Command {
    name: "msetex",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLE_KEYS),
    categories: Categories::STRING,
    keys: &[KeySpec::counted(1, 2, KeyFlags::OW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Gives several keys a string and a deadline at one moment, on a condition for all of them.",
        since: "9.1.0",
        group: Group::String,
        complexity: "O(N) where N is the number of keys.",
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("numkeys", ArgumentKind::Integer),
        PAIRS,
        Argument::one_of("condition", &[Argument::token("nx", "NX"), Argument::token("xx", "XX")]).optional(),
        Argument::one_of(
            "expiration",
            &[SECONDS, MILLISECONDS, UNIX_SECONDS, UNIX_MILLISECONDS, Argument::token("keepttl", "KEEPTTL")],
        )
        .optional(),
    ],
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    execute: msetex,
    ..Command::DEFAULT
};

fn mset(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let pairs = &args[1..];
    if !pairs.len().is_multiple_of(2) {
        return Err(Error::wrong_arity("mset"));
    }
    set_all(ctx, pairs, Deadline::None);
    ctx.reply.ok();
    Ok(())
}

fn msetnx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let pairs = &args[1..];
    if !pairs.len().is_multiple_of(2) {
        return Err(Error::wrong_arity("msetnx"));
    }
    let go = !pairs.iter().step_by(2).any(|key| ctx.data.exists(key));
    if go {
        set_all(ctx, pairs, Deadline::None);
    }
    ctx.reply.integer(i64::from(go));
    Ok(())
}

fn set_all(ctx: &mut Ctx<'_>, pairs: Args<'_>, deadline: Deadline) {
    for pair in pairs.chunks_exact(2) {
        ctx.data.set_string(pair[0], pair[1], deadline);
    }
}

/// A parsed MSETEX.
struct MsetEx<'a> {
    count: &'a [u8],
    pairs: Args<'a>,
    /// Whether all keys have to exist, or none of them may.
    present: Option<bool>,
    lifetime: Lifetime<'a>,
}

impl<'a> MsetEx<'a> {
    fn parse(args: Args<'a>) -> Result<MsetEx<'a>, Error> {
        let count = integer_in(args[1], 1..=i64::from(i32::MAX)).map_err(|_| NUMKEYS)? as usize;
        let (pairs, words) = args[2..].split_at_checked(count * 2).ok_or(Error::SYNTAX)?;
        let mut parsed = MsetEx { count: args[1], pairs, present: None, lifetime: Lifetime::Unlimited };
        let mut rest = words.iter();
        while let Some(&word) = rest.next() {
            let present = match word {
                word if word.eq_ignore_ascii_case(b"NX") => false,
                word if word.eq_ignore_ascii_case(b"XX") => true,
                word => {
                    parsed.lifetime = parsed.lifetime.take(word, &mut rest)?;
                    continue;
                }
            };
            if parsed.present.is_some_and(|former| former != present) {
                return Err(Error::SYNTAX);
            }
            parsed.present = Some(present);
        }
        Ok(parsed)
    }
}

fn msetex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let MsetEx { count, pairs, present, lifetime } = MsetEx::parse(args)?;
    let deadline = lifetime.deadline(ctx.data.now_ms, "msetex")?;
    let go = match present {
        None => true,
        Some(wanted) => pairs.iter().step_by(2).all(|key| ctx.data.exists(key) == wanted),
    };
    if go {
        set_all(ctx, pairs, deadline);
        let mut effect: Vec<&[u8]> = vec![b"MSETEX", count];
        effect.extend_from_slice(pairs);
        let at = if let Deadline::At(at) = deadline { at.to_string() } else { String::new() };
        match deadline {
            Deadline::At(_) => effect.extend([b"PXAT", at.as_bytes()]),
            Deadline::Keep => effect.push(b"KEEPTTL"),
            Deadline::None => {}
        }
        ctx.data.effects.say(&effect);
    }
    ctx.reply.integer(i64::from(go));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn mset() {
        check(&[
            ("MSET a 1 b 2 a 3", "+OK"),
            ("MGET a b", "*2 $1 3 $1 2"),
            ("MSET a", "-ERR wrong number of arguments for 'mset' command"),
            ("MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"),
            ("MSETNX c 1 a 1", ":0"),
            ("GET c", "$-1"),
            ("MSETNX c 1 d 2 c 3", ":1"),
            ("MGET c d", "*2 $1 3 $1 2"),
            ("MSETNX c 1 d", "-ERR wrong number of arguments for 'msetnx' command"),
        ]);
    }

    #[test]
    fn msetex() {
        let numkeys = "-ERR invalid numkeys value or out of range";
        let invalid = "-ERR invalid expire time in 'msetex' command";
        let syntax = "-ERR syntax error";
        check(&[
            ("MSETEX 1 a", "-ERR wrong number of arguments for 'msetex' command"),
            ("MSETEX x a b", numkeys),
            ("MSETEX 0 a b", numkeys),
            ("MSETEX -1 a b", numkeys),
            ("MSETEX 2147483648 a b", numkeys),
            ("MSETEX 2147483647 a b", syntax),
            ("MSETEX 2 a b", syntax),
            ("MSETEX 2 a b c", syntax),
            ("MSETEX 1 a b c", syntax),
            ("MSETEX 1 a b NX XX", syntax),
            ("MSETEX 1 a b EX", syntax),
            ("MSETEX 1 a b KEEPTTL EX 10", syntax),
            ("MSETEX 1 a b EX 10 KEEPTTL", syntax),
            ("MSETEX 1 a b EX 10 PX 10", syntax),
            ("MSETEX 1 a b PERSIST", syntax),
            ("MSETEX 1 a b EX 0", invalid),
            ("MSETEX 1 a b EX x", "-ERR value is not an integer or out of range"),
            ("MGET a b", "*2 $-1 $-1"),
            ("MSETEX 1 a b NX NX", ":1"),
            ("MSETEX 1 a b EX 10 EX 20", ":1"),
            ("MSETEX 1 a c KEEPTTL KEEPTTL", ":1"),
            ("MSETEX 2 a b c d XX", ":0"),
            ("MSETEX 2 a b c d NX", ":0"),
            ("MSETEX 2 a b c d", ":1"),
            ("MSETEX 2 a 1 c 2 XX PX 100000", ":1"),
            ("MGET a c", "*2 $1 1 $1 2"),
            ("MSETEX 1 a b PXAT 1", ":1"),
            ("GET a", "$-1"),
        ]);
    }
}
