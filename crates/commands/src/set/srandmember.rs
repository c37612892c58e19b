//! SRANDMEMBER: members chosen at random, which stay.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::packed::Element;
use value::set::SetRef;

use crate::number::signed_count;
use crate::set::members::Members;
use crate::set::operands::Operands;
use crate::set::sample;

const TOO_LONG: Error = Error::fixed("ERR reply exceeds maximum allowed size (proto-max-bulk-len)");

/// The fewest bytes of a member in a reply.
const MEMBER_BYTES_MIN: u64 = 6;

/// `SRANDMEMBER key [count]`
pub static SRANDMEMBER: Command = Command {
    name: "srandmember",
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::SET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Answers random members of a set: different ones, or with a negative count any, over and over.",
        since: "1.0.0",
        group: Group::Set,
        complexity: "Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count.",
        history: &[("2.6.0", "A count.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("count", ArgumentKind::Integer).optional().since("2.6.0")],
    tips: &["nondeterministic_output"],
    execute: srandmember,
    ..Command::DEFAULT
};

fn srandmember(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    match args {
        [_, key] => one(ctx, key),
        [_, key, count] => several(ctx, key, signed_count(count)?),
        _ => Err(Error::SYNTAX),
    }
}

fn one(ctx: &mut Ctx<'_>, key: &[u8]) -> Result<(), Error> {
    let member = ctx.data.read_set(key)?.and_then(|set| set.at_rank(sample::rank(set.len())));
    match member {
        Some(member) => ctx.reply.bulk(member.text(&mut None)),
        None => ctx.reply.null(),
    }
    Ok(())
}

fn several(ctx: &mut Ctx<'_>, key: &[u8], count: i64) -> Result<(), Error> {
    let keyspace = ctx.data.keyspace();
    let Some(set) = ctx.data.read_set(key)?.filter(|_| count != 0) else {
        ctx.reply.write().array(0);
        return Ok(());
    };
    let operands = Operands::of(keyspace, set);
    ctx.data.release();
    let Some(set) = operands.get(0) else { return Ok(()) };
    let mut members = Members::new(ctx.reply.protocol());
    if count > 0 {
        different(set, count.unsigned_abs(), &mut members);
    } else {
        any(set, count.unsigned_abs(), ctx.config.clients.bulk_bytes_max, &mut members)?;
    }
    members.send_array(&mut ctx.reply);
    Ok(())
}

/// Each member at most once.
fn different(set: SetRef<'_>, count: u64, members: &mut Members) {
    let len = set.len();
    if count >= len {
        return set.iter().for_each(|member| members.push(member));
    }
    let ranks = sample::ranks(count, len);
    if let SetRef::Large(_) = set {
        ranks.iter().filter_map(|rank| set.at_rank(*rank)).for_each(|member| members.push(member));
        return;
    }
    let mut ranks = ranks.into_iter().peekable();
    for (rank, member) in (0..).zip(set.iter()) {
        if ranks.next_if_eq(&rank).is_some() {
            members.push(member);
        }
    }
}

/// Drawn anew each time. A count has no bound in Redis, where such a reply ends with the memory.
fn any(set: SetRef<'_>, count: u64, bytes_max: u64, members: &mut Members) -> Result<(), Error> {
    if count.saturating_mul(MEMBER_BYTES_MIN) > bytes_max {
        return Err(TOO_LONG);
    }
    // Members of a block are found one behind the other.
    let few: Vec<Element<'_>> = if let SetRef::Large(_) = set { Vec::new() } else { set.iter().collect() };
    let len = set.len();
    for _ in 0..count {
        let rank = sample::rank(len);
        let member = if few.is_empty() { set.at_rank(rank) } else { few.get(rank as usize).copied() };
        member.into_iter().for_each(|member| members.push(member));
        if members.bytes() as u64 > bytes_max {
            return Err(TOO_LONG);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn srandmember() {
        check(&[
            ("SRANDMEMBER nothing", "$-1"),
            ("SRANDMEMBER nothing 5", "*0"),
            ("SRANDMEMBER nothing -5", "*0"),
            ("SADD k 1", ":1"),
            ("SRANDMEMBER k", "$1 1"),
            ("SRANDMEMBER k 0", "*0"),
            ("SRANDMEMBER k 5", "*1 $1 1"),
            ("SRANDMEMBER k -3", "*3 $1 1 $1 1 $1 1"),
            ("SRANDMEMBER k x", "-ERR value is not an integer or out of range"),
            (
                "SRANDMEMBER k -9223372036854775808",
                "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
            ),
            (
                "SRANDMEMBER k -9223372036854775807",
                "-ERR reply exceeds maximum allowed size (proto-max-bulk-len)",
            ),
            ("SRANDMEMBER k 9223372036854775807", "*1 $1 1"),
            ("SRANDMEMBER k 1 1", "-ERR syntax error"),
            ("SET s v", "+OK"),
            ("SRANDMEMBER s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SRANDMEMBER s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HELLO 3", "?"),
            ("SRANDMEMBER k 5", "*1 $1 1"),
            ("SRANDMEMBER nothing", "_"),
            ("SRANDMEMBER nothing 1", "*0"),
        ]);
    }
}
