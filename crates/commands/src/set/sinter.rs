//! SINTER, SINTERCARD, SINTERSTORE: the members that all of several sets have.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::set::{SetForm, SetRef};

use crate::number::integer;
use crate::set::members::Members;
use crate::set::operands::{Operands, READS, STORES, intersection};
use crate::set::place::{Gathered, limits, store};

const NO_KEYS: Error = Error::fixed("ERR numkeys should be greater than 0");
const TOO_MANY_KEYS: Error = Error::fixed("ERR Number of keys can't be greater than number of args");
const NEGATIVE_LIMIT: Error = Error::fixed("ERR LIMIT can't be negative");

/// `SINTER key [key ...]`
pub static SINTER: Command = Command {
    name: "sinter",
    docs: Docs {
        summary: "Answers the members that all of several sets have.",
        since: "1.0.0",
        group: Group::Set,
        complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
        ..Docs::NONE
    },
    execute: sinter,
    ..READS
};

/// `SINTERCARD numkeys key [key ...] [LIMIT limit]`
pub static SINTERCARD: Command = Command {
    name: "sintercard",
    arity: -3,
    flags: Flags::READONLY.and(Flags::MOVABLE_KEYS),
    categories: Categories::SET,
    keys: &[KeySpec::counted(1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers how many members all of several sets have in common, up to a limit.",
        since: "7.0.0",
        group: Group::Set,
        complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
        ..Docs::NONE
    },
    arguments: &[
        Argument::new("numkeys", ArgumentKind::Integer),
        Argument::key().multiple(),
        Argument::new("limit", ArgumentKind::Integer).after("LIMIT").optional(),
    ],
    execute: sintercard,
    ..Command::DEFAULT
};

/// `SINTERSTORE destination key [key ...]`
pub static SINTERSTORE: Command = Command {
    name: "sinterstore",
    docs: Docs {
        summary: "Gives a key the set of the members that all of several sets have; answers how many they are.",
        since: "1.0.0",
        group: Group::Set,
        complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
        ..Docs::NONE
    },
    execute: sinterstore,
    ..STORES
};

fn sinter(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let operands = Operands::read(&mut ctx.data, &args[1..])?;
    ctx.data.release();
    let mut members = Members::new(ctx.reply.protocol());
    intersection(&operands.smallest_first().unwrap_or_default(), |member| {
        members.push(member);
        true
    });
    members.send_set(&mut ctx.reply);
    Ok(())
}

/// What SINTERCARD is asked.
struct Card<'a> {
    keys: Args<'a>,
    /// Where to stop counting.
    limit: u64,
}

impl<'a> Card<'a> {
    fn parse(args: Args<'a>) -> Result<Card<'a>, Error> {
        let keys = integer(args[1]).ok().filter(|count| *count > 0).ok_or(NO_KEYS)?;
        let keys = usize::try_from(keys).map_err(|_| TOO_MANY_KEYS)?;
        let (keys, mut options) = args[2..].split_at_checked(keys).ok_or(TOO_MANY_KEYS)?;
        let mut limit = 0;
        while let [word, rest @ ..] = options {
            let [value, rest @ ..] = rest else { return Err(Error::SYNTAX) };
            if !word.eq_ignore_ascii_case(b"LIMIT") {
                return Err(Error::SYNTAX);
            }
            limit = integer(value).ok().and_then(|limit| u64::try_from(limit).ok()).ok_or(NEGATIVE_LIMIT)?;
            options = rest;
        }
        Ok(Card { keys, limit: if limit == 0 { u64::MAX } else { limit } })
    }
}

fn sintercard(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let card = Card::parse(args)?;
    let operands = Operands::read(&mut ctx.data, card.keys)?;
    ctx.data.release();
    let mut count = 0;
    intersection(&operands.smallest_first().unwrap_or_default(), |_| {
        count += 1;
        count < card.limit
    });
    ctx.reply.integer(count as i64);
    Ok(())
}

fn sinterstore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let operands = Operands::read(&mut ctx.data, &args[2..])?;
    let limits = limits(ctx.config);
    let sets = operands.smallest_first().unwrap_or_default();
    let mut set = Gathered::small(match sets.first() {
        Some(SetRef::Ints(_)) => SetForm::Intset,
        _ => SetForm::Listpack,
    });
    intersection(&sets, |member| {
        set.add(member.text(&mut None), &limits);
        true
    });
    store(ctx, args[1], set.narrowed(&limits));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_effects};

    const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

    #[test]
    fn intersection() {
        check(&[
            ("SADD a 1 2 3", ":3"),
            ("SADD b 2 3 x", ":3"),
            ("SINTER a b", "*2 $1 2 $1 3"),
            ("SINTER a a", "*3 $1 1 $1 2 $1 3"),
            ("SINTER a nothing b", "*0"),
            ("SINTERSTORE d a b", ":2"),
            ("SMEMBERS d", "*2 $1 2 $1 3"),
            ("OBJECT ENCODING d", "$6 intset"),
            ("SINTERSTORE d d nothing", ":0"),
            ("EXISTS d", ":0"),
            ("SET s v", "+OK"),
            ("SINTER nothing s", WRONG_TYPE),
            ("SINTERSTORE d nothing s", WRONG_TYPE),
            ("SINTERSTORE s b b", ":3"),
            ("OBJECT ENCODING s", "$8 listpack"),
            ("SINTERSTORE s nothing", ":0"),
            ("EXISTS s", ":0"),
            ("HELLO 3", "?"),
            ("SINTER a", "~3 $1 1 $1 2 $1 3"),
            ("SINTER nothing", "~0"),
        ]);
    }

    #[test]
    fn sintercard() {
        check(&[
            ("SADD a 1 2 3", ":3"),
            ("SADD b 2 3 x", ":3"),
            ("SINTERCARD 2 a b", ":2"),
            ("SINTERCARD 2 a b LIMIT 1", ":1"),
            ("SINTERCARD 2 a b LIMIT 0", ":2"),
            ("SINTERCARD 2 a b LIMIT 9", ":2"),
            ("SINTERCARD 1 a limit 2 limit 1", ":1"),
            ("SINTERCARD 2 a nothing", ":0"),
            ("SINTERCARD 0 a", "-ERR numkeys should be greater than 0"),
            ("SINTERCARD x a", "-ERR numkeys should be greater than 0"),
            ("SINTERCARD 2 a", "-ERR Number of keys can't be greater than number of args"),
            ("SINTERCARD 9223372036854775807 a", "-ERR Number of keys can't be greater than number of args"),
            ("SINTERCARD 1 a LIMIT", "-ERR syntax error"),
            ("SINTERCARD 1 a LIMIT x", "-ERR LIMIT can't be negative"),
            ("SINTERCARD 1 a LIMIT -1", "-ERR LIMIT can't be negative"),
            ("SINTERCARD 1 a b", "-ERR syntax error"),
            ("SET s v", "+OK"),
            ("SINTERCARD 2 nothing s", WRONG_TYPE),
        ]);
    }

    #[test]
    fn effects() {
        check_effects(&[
            ("SADD a 1 2", "SELECT 0;SADD a 1 2"),
            ("SINTERSTORE d a nothing", ""),
            ("SINTERSTORE d a", "SINTERSTORE d a"),
            ("SINTERSTORE d nothing", "SINTERSTORE d nothing"),
        ]);
    }
}
