//! HRANDFIELD: fields drawn with equal chances, one, several different ones, or several with repetitions.
//!
//! Bounds: with repetitions, replies end at the longest bulk string allowed; Redis would go on until its memory ends.

use std::collections::BTreeSet;

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use resp::{Protocol, Writer};
use value::fields::{Field, FieldsRef};

use super::get::element_or_null;
use super::live::{self, Live};
use crate::number::signed_count;

/// `HRANDFIELD key [count [WITHVALUES]]`
pub static HRANDFIELD: Command = Command {
    name: "hrandfield",
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Returns random fields of a hash.",
        since: "6.2.0",
        group: Group::Hash,
        complexity: "O(N) for N fields returned",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::block(
            "options",
            &[
                Argument::new("count", ArgumentKind::Integer),
                Argument::token("withvalues", "WITHVALUES").optional(),
            ],
        )
        .optional(),
    ],
    tips: &["nondeterministic_output"],
    execute: hrandfield,
    ..Command::DEFAULT
};

const TOO_LONG: Error = Error::fixed("ERR reply exceeds maximum allowed size (proto-max-bulk-len)");

/// Fewest bytes of a reply for each field.
const FIELD_BYTES_MIN: u64 = 6;

/// What is drawn from: the hash itself, or a list of its living fields where some have expired.
enum Urn<'a> {
    Stored(FieldsRef<'a>),
    Living(Vec<Field<'a>>),
}

impl<'a> Urn<'a> {
    fn new(hash: Live<'a>) -> Urn<'a> {
        if hash.is_whole() { Urn::Stored(hash.stored()) } else { Urn::Living(hash.iter().collect()) }
    }

    fn len(&self) -> u64 {
        match self {
            Urn::Stored(fields) => fields.len(),
            Urn::Living(fields) => fields.len() as u64,
        }
    }

    fn at(&self, rank: u64) -> Option<Field<'a>> {
        match self {
            Urn::Stored(fields) => fields.at_rank(rank),
            Urn::Living(fields) => fields.get(rank as usize).copied(),
        }
    }
}

/// The reply: fields, or pairs.
struct Drawn {
    bytes: Vec<u8>,
    protocol: Protocol,
    values: bool,
    count: usize,
}

impl Drawn {
    fn push(&mut self, entry: Field<'_>) {
        let mut writer = Writer { out: &mut self.bytes, protocol: self.protocol };
        if self.values && self.protocol == Protocol::Resp3 {
            writer.array(2);
        }
        writer.bulk(entry.field.text(&mut None));
        self.count += 1;
        if self.values {
            writer.bulk(entry.value.text(&mut None));
            self.count += usize::from(self.protocol != Protocol::Resp3);
        }
    }
}

fn hrandfield(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    if args.len() == 2 {
        let urn = live::read(&mut ctx.data, args[1])?.map(Urn::new).filter(|urn| urn.len() > 0);
        let field = urn.and_then(|urn| urn.at(fastrand::u64(..urn.len())));
        element_or_null(&mut ctx.reply, field.map(|field| field.field));
        return Ok(());
    }
    let count = signed_count(args[2])?;
    let values = match &args[3..] {
        [] => false,
        [word] if word.eq_ignore_ascii_case(b"WITHVALUES") => true,
        _ => return Err(Error::SYNTAX),
    };
    if values && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(Error::OUT_OF_RANGE);
    }
    let mut drawn = Drawn { bytes: Vec::new(), protocol: ctx.reply.protocol(), values, count: 0 };
    if let Some(hash) = live::read(&mut ctx.data, args[1])? {
        let urn = Urn::new(hash);
        if count < 0 {
            repeated(&urn, count.unsigned_abs(), ctx.config.clients.bulk_bytes_max, &mut drawn)?;
        } else {
            different(hash, &urn, count.unsigned_abs(), &mut drawn);
        }
    }
    ctx.reply.write().array(drawn.count);
    ctx.reply.encoded(drawn.bytes);
    Ok(())
}

/// Drawn anew each time.
fn repeated(urn: &Urn<'_>, count: u64, bytes_max: u64, drawn: &mut Drawn) -> Result<(), Error> {
    if urn.len() == 0 {
        return Ok(());
    }
    if count.saturating_mul(FIELD_BYTES_MIN) > bytes_max {
        return Err(TOO_LONG);
    }
    for _ in 0..count {
        urn.at(fastrand::u64(..urn.len())).into_iter().for_each(|field| drawn.push(field));
        if drawn.bytes.len() as u64 > bytes_max {
            return Err(TOO_LONG);
        }
    }
    Ok(())
}

/// `count` different ones, in their order: all sets of so many are equally likely.
fn different(hash: Live<'_>, urn: &Urn<'_>, count: u64, drawn: &mut Drawn) {
    let len = urn.len();
    if count >= len {
        hash.iter().for_each(|field| drawn.push(field));
        return;
    }
    // Many are drawn by leaving few out.
    let few = count.min(len - count);
    let ranks = ranks(few, len);
    if few < count {
        let kept = hash.iter().zip(0..).filter(|(_, rank)| !ranks.contains(rank));
        kept.for_each(|(field, _)| drawn.push(field));
    } else if let Urn::Stored(FieldsRef::Small(_)) = urn {
        let chosen = hash.iter().zip(0..).filter(|(_, rank)| ranks.contains(rank));
        chosen.for_each(|(field, _)| drawn.push(field));
    } else {
        ranks.into_iter().filter_map(|rank| urn.at(rank)).for_each(|field| drawn.push(field));
    }
}

/// `count` different numbers below `len`, by Floyd's method: each step draws one, or takes the step's own number if it was drawn before.
fn ranks(count: u64, len: u64) -> BTreeSet<u64> {
    let mut ranks = BTreeSet::new();
    for last in len - count..len {
        let rank = fastrand::u64(..=last);
        if !ranks.insert(rank) {
            ranks.insert(last);
        }
    }
    ranks
}
