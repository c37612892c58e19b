//! GEOPOS, GEOHASH, GEODIST: where places are, and how far from each other.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

use super::arguments::{reply_distance, reply_point, unit};
use super::cell::{Point, STEPS_MAX};

/// The digits of a standard Geohash.
const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// `GEOPOS key [member [member ...]]`
pub static GEOPOS: Command = Command {
    name: "geopos",
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Tells the places' longitudes and latitudes.",
        since: "3.2.0",
        group: Group::Geo,
        complexity: "O(1) for each member requested.",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("member", ArgumentKind::String).optional().multiple()],
    execute: geopos,
    ..Command::DEFAULT
};

/// `GEOHASH key [member [member ...]]`
pub static GEOHASH: Command = Command {
    name: "geohash",
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Tells the places' standard Geohash texts.",
        since: "3.2.0",
        group: Group::Geo,
        complexity: "O(1) for each member requested.",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("member", ArgumentKind::String).optional().multiple()],
    execute: geohash,
    ..Command::DEFAULT
};

/// `GEODIST key member1 member2 [M | KM | FT | MI]`
pub static GEODIST: Command = Command {
    name: "geodist",
    arity: -4,
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Tells the distance between two places.",
        since: "3.2.0",
        group: Group::Geo,
        complexity: "O(1)",
        history: &[("7.0.0", "Unit names in upper case.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("member1", ArgumentKind::String),
        Argument::new("member2", ArgumentKind::String),
        Argument::one_of(
            "unit",
            &[
                Argument::token("m", "M"),
                Argument::token("km", "KM"),
                Argument::token("ft", "FT"),
                Argument::token("mi", "MI"),
            ],
        )
        .optional(),
    ],
    execute: geodist,
    ..Command::DEFAULT
};

fn geopos(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let zset = ctx.data.read_zset(args[1])?;
    let mut writer = ctx.reply.write();
    writer.array(args.len() - 2);
    for member in &args[2..] {
        match zset.and_then(|zset| zset.score(member)) {
            Some(score) => reply_point(&mut writer, Point::of_score(score)),
            None => writer.null_array(),
        }
    }
    Ok(())
}

fn geohash(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let zset = ctx.data.read_zset(args[1])?;
    let mut writer = ctx.reply.write();
    writer.array(args.len() - 2);
    for member in &args[2..] {
        match zset.and_then(|zset| zset.score(member)) {
            Some(score) => writer.bulk(&standard(Point::of_score(score))),
            None => writer.null(),
        }
    }
    Ok(())
}

/// The Geohash by which others know a place: its latitudes reach to the poles. Of 55 bits the last three are not known, and 0.
fn standard(place: Point) -> [u8; 11] {
    let bits = place.cell_in(90.0, STEPS_MAX).bits;
    std::array::from_fn(|digit| {
        let value = if digit == 10 { 0 } else { bits >> (47 - 5 * digit) & 31 };
        ALPHABET[value as usize % ALPHABET.len()]
    })
}

fn geodist(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let unit = match args {
        [_, _, _, _] => 1.0,
        [_, _, _, _, word] => unit(word)?,
        _ => return Err(Error::SYNTAX),
    };
    let distance = ctx.data.read_zset(args[1])?.and_then(|zset| {
        let (here, there) = (zset.score(args[2])?, zset.score(args[3])?);
        Some(Point::of_score(here).distance(Point::of_score(there)))
    });
    match distance {
        Some(distance) => reply_distance(&mut ctx.reply.write(), distance / unit),
        None => ctx.reply.null(),
    }
    Ok(())
}
