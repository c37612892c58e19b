//! SPOP: members chosen at random leave a set.
//!
//! What is left of a set after most of it was taken is put together anew, as in Redis, and may be a block again.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use keyspace::{Entry, ValueType};
use value::set::{SetForm, SetLimits, SetRef};

use crate::number::integer;
use crate::set::members::Members;
use crate::set::operands::Operands;
use crate::set::place::{Gathered, limits, take_ranks};
use crate::set::sample;

const NOT_POSITIVE: Error = Error::fixed("ERR value is out of range, must be positive");

/// With so many times more members taken than left, the few that are left are put together anew.
const FEW_LEFT: u64 = 5;

/// Members that one SREM of the log names.
const BATCH: usize = 1024;

/// `SPOP key [count]`
pub static SPOP: Command = Command {
    name: "spop",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes random members from a set, and the key with the last one; answers them.",
        since: "1.0.0",
        group: Group::Set,
        complexity: "Without the count argument O(1), otherwise O(N) where N is the value of the passed count.",
        history: &[("3.2.0", "A count.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("count", ArgumentKind::Integer).optional().since("3.2.0")],
    tips: &["nondeterministic_output"],
    execute: spop,
    ..Command::DEFAULT
};

fn spop(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    match args {
        [_, key] => pop_one(ctx, key),
        [_, key, count] => {
            let count = integer(count).ok().and_then(|count| u64::try_from(count).ok());
            pop_several(ctx, key, count.ok_or(NOT_POSITIVE)?)
        }
        _ => Err(Error::SYNTAX),
    }
}

fn pop_one(ctx: &mut Ctx<'_>, key: &[u8]) -> Result<(), Error> {
    let Entry::Occupied(entry) = ctx.data.write_as(key, ValueType::Set)? else {
        ctx.reply.null();
        return Ok(());
    };
    let rank = sample::rank(entry.value().set().map_or(0, SetRef::len));
    let mut taken = Vec::new();
    take_ranks(entry, &[rank], |member| taken.extend_from_slice(member));
    ctx.reply.bulk(&taken);
    ctx.data.dirty += 1;
    ctx.data.effects.say(&[b"SREM", key, &taken]);
    Ok(())
}

fn pop_several(ctx: &mut Ctx<'_>, key: &[u8], count: u64) -> Result<(), Error> {
    let (keyspace, limits) = (ctx.data.keyspace(), limits(ctx.config));
    let Entry::Occupied(mut entry) = ctx.data.write_as(key, ValueType::Set)? else {
        ctx.reply.write().set(0);
        return Ok(());
    };
    let Some(set) = entry.value().set().filter(|_| count > 0) else {
        ctx.reply.write().set(0);
        return Ok(());
    };
    let len = set.len();
    let mut members = Members::new(ctx.reply.protocol());
    if count >= len {
        let operands = Operands::of(keyspace, set);
        entry.remove();
        ctx.data.effects.say(&[b"DEL", key]);
        ctx.data.dirty += len;
        operands.present().iter().flat_map(|set| set.iter()).for_each(|member| members.push(member));
        members.send_set(&mut ctx.reply);
        return Ok(());
    }
    let mut taken = Taken::default();
    if (len - count).saturating_mul(FEW_LEFT) > count {
        take_ranks(entry, &sample::ranks(count, len), |member| taken.push(member));
    } else {
        let left = leave(set, len - count, &limits, &mut taken);
        left.put(|value| entry.set_value(value));
    }
    for batch in taken.ends.chunks(BATCH).scan(0, |from, ends| Some(taken.batch(from, ends))) {
        let request: Vec<&[u8]> = [b"SREM".as_slice(), key].into_iter().chain(batch).collect();
        ctx.data.effects.say(&request);
    }
    ctx.data.dirty += taken.ends.len() as u64;
    taken.batch(&mut 0, &taken.ends).into_iter().for_each(|member| members.push_text(member));
    members.send_set(&mut ctx.reply);
    Ok(())
}

/// Chooses the members that stay; the others are taken.
fn leave(set: SetRef<'_>, count: u64, limits: &SetLimits, taken: &mut Taken) -> Gathered {
    let mut left = Gathered::small(match set {
        SetRef::Ints(_) => SetForm::Intset,
        SetRef::Packed(_) | SetRef::Large(_) => SetForm::Listpack,
    });
    let mut ranks = sample::ranks(count, set.len()).into_iter().peekable();
    let mut digits = None;
    for (rank, member) in (0..).zip(set.iter()) {
        let member = member.text(&mut digits);
        if ranks.next_if_eq(&rank).is_some() {
            left.add(member, limits);
        } else {
            taken.push(member);
        }
    }
    left
}

/// Members that were taken, one behind the other.
#[derive(Default)]
struct Taken {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Taken {
    fn push(&mut self, member: &[u8]) {
        self.bytes.extend_from_slice(member);
        self.ends.push(self.bytes.len());
    }

    /// The members that end here, the first of which begins at `from`; moves that to the end of the last.
    fn batch(&self, from: &mut usize, ends: &[usize]) -> Vec<&[u8]> {
        let member = |end: &usize| {
            let from = std::mem::replace(from, *end);
            self.bytes.get(from..*end).unwrap_or_default()
        };
        ends.iter().map(member).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_effects};

    #[test]
    fn spop() {
        check(&[
            ("SADD k 1", ":1"),
            ("SPOP k", "$1 1"),
            ("EXISTS k", ":0"),
            ("SPOP k", "$-1"),
            ("SPOP k 3", "*0"),
            ("SPOP k x", "-ERR value is out of range, must be positive"),
            ("SPOP k -1", "-ERR value is out of range, must be positive"),
            ("SPOP k 1 2", "-ERR syntax error"),
            ("SADD k 1 2 3", ":3"),
            ("SPOP k 0", "*0"),
            ("SPOP k 3", "*3 $1 1 $1 2 $1 3"),
            ("EXISTS k", ":0"),
            ("SET s v", "+OK"),
            ("SPOP s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SPOP s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HELLO 3", "?"),
            ("SPOP k", "_"),
            ("SPOP k 1", "~0"),
            ("SADD k 1", ":1"),
            ("SPOP k 5", "~1 $1 1"),
        ]);
    }

    #[test]
    fn what_is_left_may_be_small_again() {
        let many: Vec<String> = (0..3000).map(|number| number.to_string()).collect();
        let add = format!("SADD k {}", many.join(" "));
        check(&[
            (&add, ":3000"),
            ("OBJECT ENCODING k", "$9 hashtable"),
            ("SPOP k 2450", "?"),
            ("SCARD k", ":550"),
            ("OBJECT ENCODING k", "$9 hashtable"),
            ("SPOP k 440", "?"),
            ("SCARD k", ":110"),
            ("OBJECT ENCODING k", "$9 hashtable"),
            ("SPOP k 100", "?"),
            ("SCARD k", ":10"),
            ("OBJECT ENCODING k", "$8 listpack"),
        ]);
    }

    #[test]
    fn effects() {
        check_effects(&[
            ("SADD k a", "SELECT 0;SADD k a"),
            ("SPOP k", "SREM k a"),
            ("SPOP k", ""),
            ("SADD k a b", "SADD k a b"),
            ("SPOP k 0", ""),
            ("SPOP k 2", "DEL k"),
            ("SADD k 1", "SADD k 1"),
            ("SPOP k 9", "DEL k"),
        ]);
    }

    #[test]
    fn effects_name_up_to_1024_members() {
        let members: Vec<String> = (0..4000).map(|number| number.to_string()).collect();
        let add = format!("SADD k {}", members.join(" "));
        let effects = crate::testing::Server::start().effects_of(&[&add, "SPOP k 1500", "SPOP k 2499"]);
        let names: Vec<(&str, usize)> = effects
            .iter()
            .map(|effect| (effect.split(' ').next().unwrap(), effect.split(' ').count()))
            .collect();
        let batches = [1026, 478, 1026, 1026, 453];
        assert_eq!(names[0], ("SADD", 4002));
        let sent: Vec<usize> =
            names.iter().filter(|(name, _)| *name == "SREM").map(|(_, len)| *len).collect();
        assert_eq!(sent, batches);
    }
}
