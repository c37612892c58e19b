//! XDELEX and XACKDEL: removing entries with a word on what consumer groups still hold of them (Redis 8.2, as documented).
//!
//! An entry is held by a group for which it is pending, and by one that has not read that far.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, KeyFlags, KeySpec};
use value::number::parse_i64;
use value::stream::{Stream, StreamId};

use super::arguments::{self, References};
use super::place;
use super::trim::REFERENCES;

const IDS: Argument = Argument::block(
    "ids",
    &[Argument::new("numids", ArgumentKind::Integer), Argument::new("id", ArgumentKind::String).multiple()],
)
.after("IDS");

/// `KEEPREF | DELREF | ACKED`, which are as old as the commands.
const CONDITION: Argument = Argument { since: None, ..REFERENCES };

/// `XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id [id ...]`
pub static XDELEX: Command = Command {
    name: "xdelex",
    arity: -5,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes entries of a stream, as far as consumer groups allow it.",
        since: "8.2.0",
        group: engine::Group::Stream,
        complexity: "O(G log(N)) for each ID, G being the groups",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), CONDITION, IDS],
    execute: xdelex,
    ..Command::DEFAULT
};

/// `XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id [id ...]`
pub static XACKDEL: Command = Command {
    name: "xackdel",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE).and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Acknowledges entries in a group and removes them from the stream, as far as other groups allow it.",
        since: "8.2.0",
        group: engine::Group::Stream,
        complexity: "O(G log(N)) for each ID, G being the groups",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("group", ArgumentKind::String), CONDITION, IDS],
    execute: xackdel,
    ..Command::DEFAULT
};

const NUMBER: Error = Error::fixed("ERR Number of IDs must be a positive integer");
const MISMATCH: Error = Error::fixed("ERR The `numids` parameter must match the number of arguments");

/// There is no such entry, or it is not pending.
const NOT_THERE: i64 = -1;
/// The entry was removed.
const DELETED: i64 = 1;
/// The entry stays, since a group holds it.
const HELD: i64 = 2;

/// What is to be removed.
struct Deleting {
    references: References,
    ids: Vec<StreamId>,
}

impl Deleting {
    /// From the options and IDs.
    fn parse(mut rest: Args<'_>) -> Result<Deleting, Error> {
        let (mut references, mut ids) = (None, None);
        while let [word, behind @ ..] = rest {
            rest = match behind {
                behind if references.is_none() && References::word(word).is_some() => {
                    references = References::word(word);
                    behind
                }
                [number, behind @ ..] if ids.is_none() && word.eq_ignore_ascii_case(b"IDS") => {
                    let number = parse_i64(number).filter(|number| *number > 0).ok_or(NUMBER)?;
                    let number = usize::try_from(number).map_err(|_| MISMATCH)?;
                    let (texts, behind) = behind.split_at_checked(number).ok_or(MISMATCH)?;
                    ids = Some(texts.iter().map(|text| arguments::id(text, 0)).collect::<Result<_, _>>()?);
                    behind
                }
                _ => return Err(Error::SYNTAX),
            };
        }
        let ids = ids.ok_or(Error::SYNTAX)?;
        Ok(Deleting { references: references.unwrap_or_default(), ids })
    }

    fn delete(&self, stream: &mut Stream, id: StreamId) -> i64 {
        match self.references {
            References::Keep => {}
            References::Delete => forget(stream, id),
            References::Acknowledged if !stream.log().contains(id) => return NOT_THERE,
            References::Acknowledged if is_held(stream, id) => return HELD,
            References::Acknowledged => {}
        }
        if stream.log_mut().delete(id) { DELETED } else { NOT_THERE }
    }
}

fn is_held(stream: &Stream, id: StreamId) -> bool {
    stream.groups().any(|group| group.last_id < id || group.pending(id).is_some())
}

/// Removes an entry from what is pending, in all groups.
fn forget(stream: &mut Stream, id: StreamId) {
    let holding = stream.groups().filter(|group| group.pending(id).is_some());
    let names: Vec<Vec<u8>> = holding.map(|group| group.name().to_vec()).collect();
    for name in names {
        stream.edit_group(&name, |_, group| group.acknowledge(id));
    }
}

/// Answers what `change` answers for each ID, and how many references went with it.
fn each(
    ctx: &mut Ctx<'_>,
    key: &[u8],
    deleting: &Deleting,
    mut change: impl FnMut(&mut Stream, StreamId) -> i64,
) -> Result<(), Error> {
    let mut writer = ctx.reply.write();
    let Some(mut place) = place::existing(&mut ctx.data, key)? else {
        writer.array(deleting.ids.len());
        deleting.ids.iter().for_each(|_| writer.integer(NOT_THERE));
        return Ok(());
    };
    let changed = place.edit(|stream| {
        let held = |stream: &Stream| stream.groups().map(|group| group.pending_len()).sum::<u64>();
        let before = held(stream);
        writer.array(deleting.ids.len());
        let mut changed = 0;
        for id in &deleting.ids {
            let answer = change(stream, *id);
            changed += u64::from(answer == DELETED);
            writer.integer(answer);
        }
        changed + before - held(stream)
    })?;
    ctx.data.dirty += changed;
    Ok(())
}

fn xdelex(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let deleting = Deleting::parse(&args[2..])?;
    each(ctx, args[1], &deleting, |stream, id| deleting.delete(stream, id))
}

fn xackdel(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let deleting = Deleting::parse(&args[3..])?;
    each(ctx, args[1], &deleting, |stream, id| {
        let was_pending = stream.edit_group(args[2], |_, group| group.acknowledge(id).is_some());
        match was_pending {
            None => NOT_THERE,
            Some(true) => match deleting.delete(stream, id) {
                HELD => HELD,
                // Acknowledged, if there was no entry any more.
                _ => DELETED,
            },
            Some(false) => {
                // References to what is gone go all the same.
                if deleting.references == References::Delete && !stream.log().contains(id) {
                    forget(stream, id);
                }
                NOT_THERE
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    /// As documented: there is no server here that has them.
    #[test]
    fn xdelex_and_xackdel() {
        check(&[
            ("XACKDEL s g IDS 2 1-1 2-2", "*2 :-1 :-1"),
            ("XDELEX s IDS 2 1-1 2-2", "*2 :-1 :-1"),
            ("XADD s 1 a b", "$3 1-0"),
            ("XADD s 2 a b", "$3 2-0"),
            ("XADD s 3 a b", "$3 3-0"),
            ("XADD s 4 a b", "$3 4-0"),
            ("XADD s 5 a b", "$3 5-0"),
            ("XACKDEL s g IDS 2 1 2", "*2 :-1 :-1"),
            ("XDELEX s ACKED IDS 1 5", "*1 :1"),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XGROUP CREATE s h 0", "+OK"),
            ("XREADGROUP GROUP g c COUNT 3 STREAMS s >", "?"),
            ("XREADGROUP GROUP h c COUNT 3 STREAMS s >", "?"),
            ("XDELEX s ACKED IDS 3 1 4 9", "*3 :2 :2 :-1"),
            ("XACKDEL s g ACKED IDS 2 1 4", "*2 :2 :-1"),
            ("XACKDEL s h acked IDS 1 1", "*1 :1"),
            ("XPENDING s g", "*4 :2 $3 2-0 $3 3-0 *1 *2 $1 c $1 2"),
            ("XACKDEL s g IDS 1 2", "*1 :1"),
            ("XPENDING s h", "*4 :2 $3 2-0 $3 3-0 *1 *2 $1 c $1 2"),
            ("XACKDEL s h KEEPREF IDS 1 2", "*1 :1"),
            ("XLEN s", ":2"),
            ("XDELEX s IDS 1 3 DELREF", "*1 :1"),
            ("XPENDING s g", "*4 :0 $-1 $-1 *-1"),
            ("XPENDING s h", "*4 :0 $-1 $-1 *-1"),
            ("XDELEX s IDS abc 1-1", "-ERR Number of IDs must be a positive integer"),
            ("XACKDEL s g IDS 0 1-1", "-ERR Number of IDs must be a positive integer"),
            ("XACKDEL s g IDS 3 1-1 2-2", "-ERR The `numids` parameter must match the number of arguments"),
            ("XACKDEL s g IDS 1 1-1 2-2", "-ERR syntax error"),
            ("XACKDEL s g KEEPREF DELREF IDS 1 1-1", "-ERR syntax error"),
            ("XDELEX s KEEPREF FOO 1 1-1", "-ERR syntax error"),
            ("XDELEX s IDS 1 x", "-ERR Invalid stream ID specified as stream command argument"),
            ("SET str x", "+OK"),
            ("XDELEX str IDS 1 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
