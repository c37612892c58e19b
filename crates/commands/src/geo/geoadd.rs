//! GEOADD: places as members of a sorted set.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::number::append_u64;

use super::arguments::point;
use crate::zset::zadd::Add;

/// `GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]`
pub static GEOADD: Command = Command {
    name: "geoadd",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::GEO,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Adds places, each a longitude, a latitude and a name.",
        since: "3.2.0",
        group: Group::Geo,
        complexity: "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
        history: &[("6.2.0", "CH, NX and XX.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::one_of("condition", &[Argument::token("nx", "NX"), Argument::token("xx", "XX")])
            .optional()
            .since("6.2.0"),
        Argument::token("change", "CH").optional().since("6.2.0"),
        Argument::block(
            "data",
            &[
                Argument::new("longitude", ArgumentKind::Double),
                Argument::new("latitude", ArgumentKind::Double),
                Argument::new("member", ArgumentKind::String),
            ],
        )
        .multiple(),
    ],
    execute: geoadd,
    ..Command::DEFAULT
};

/// Becomes a ZADD, for replicas too.
fn geoadd(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let is_option =
        |word: &&[u8]| [&b"nx"[..], b"xx", b"ch"].iter().any(|known| word.eq_ignore_ascii_case(known));
    let (options, places) = {
        let count = args[2..].iter().take_while(|word| is_option(word)).count();
        args[2..].split_at(count)
    };
    let has = |wanted: &[u8]| options.iter().any(|word| word.eq_ignore_ascii_case(wanted));
    if places.len() % 3 != 0 || (has(b"nx") && has(b"xx")) {
        return Err(Error::SYNTAX);
    }
    let mut scores = Vec::with_capacity(places.len() / 3);
    for place in places.chunks_exact(3) {
        let mut text = Vec::with_capacity(16);
        append_u64(&mut text, point(place[0], place[1])?.score());
        scores.push(text);
    }
    let mut zadd: Vec<&[u8]> = vec![b"zadd", args[1]];
    zadd.extend_from_slice(options);
    for (score, place) in scores.iter().zip(places.chunks_exact(3)) {
        zadd.extend_from_slice(&[score, place[2]]);
    }
    Add::parse(&zadd, false)?.execute(ctx)?;
    if ctx.data.dirty > 0 {
        ctx.data.effects.say(&zadd);
    }
    Ok(())
}
