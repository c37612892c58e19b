//! HSET, HMSET, HSETNX: give fields values.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

use super::{FIELD, PAIRS, place};

/// What HSET and HMSET share.
const SETTING: Command = Command {
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    arguments: &[Argument::key(), PAIRS],
    ..Command::DEFAULT
};

/// `HSET key field value [field value ...]`
pub static HSET: Command = Command {
    name: "hset",
    member: 2,
    docs: Docs {
        summary: "Gives fields of a hash values and returns how many are new.",
        since: "2.0.0",
        group: Group::Hash,
        complexity: "O(N) for N fields",
        history: &[("4.0.0", "Several fields.")],
        ..Docs::NONE
    },
    execute: |ctx, args| {
        let created = set(ctx, args)?;
        ctx.reply.integer(created);
        Ok(())
    },
    ..SETTING
};

/// `HMSET key field value [field value ...]`
pub static HMSET: Command = Command {
    name: "hmset",
    member: 2,
    docs: Docs {
        summary: "Gives fields of a hash values.",
        since: "2.0.0",
        group: Group::Hash,
        complexity: "O(N) for N fields",
        deprecated: Some(("4.0.0", "`HSET` with multiple field-value pairs")),
        ..Docs::NONE
    },
    execute: |ctx, args| {
        set(ctx, args)?;
        ctx.reply.ok();
        Ok(())
    },
    ..SETTING
};

/// `HSETNX key field value`
pub static HSETNX: Command = Command {
    name: "hsetnx",
    member: 2,
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::INSERT))],
    docs: Docs {
        summary: "Gives a field of a hash a value unless it has one.",
        since: "2.0.0",
        group: Group::Hash,
        complexity: "O(1)",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), FIELD, Argument::new("value", ArgumentKind::String)],
    execute: hsetnx,
    ..Command::DEFAULT
};

/// Returns the number of new fields.
fn set(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<i64, Error> {
    let pairs = args.get(2..).unwrap_or_default();
    if pairs.len() % 2 == 1 {
        let name = args.first().copied().unwrap_or_default().to_ascii_lowercase();
        return Err(Error::wrong_arity(&String::from_utf8_lossy(&name)));
    }
    let created = place::change(ctx, args[1], |hash| {
        hash.prepare(pairs);
        let created = pairs.chunks_exact(2).filter(|pair| hash.set(pair[0], pair[1], false)).count();
        Ok(created as i64)
    })?;
    ctx.data.dirty += (pairs.len() / 2) as u64;
    Ok(created)
}

fn hsetnx(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (field, value) = (args[2], args[3]);
    let created = place::change(ctx, args[1], |hash| {
        if hash.get(field).is_some() {
            return Ok(false);
        }
        hash.prepare(&[field, value]);
        Ok(hash.set(field, value, false))
    })?;
    ctx.data.dirty += u64::from(created);
    ctx.reply.integer(i64::from(created));
    Ok(())
}
