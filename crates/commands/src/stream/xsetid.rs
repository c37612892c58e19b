//! XSETID: sets what a stream remembers beside its entries.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::stream::{Log, StreamId};

use super::{arguments, place};
use crate::number::integer;

/// `XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]`
pub static XSETID: Command = Command {
    name: "xsetid",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Sets the last ID of a stream and what else it remembers, for replicas.",
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(1)",
        history: &[("7.0.0", "ENTRIESADDED and MAXDELETEDID.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("last-id", ArgumentKind::String),
        Argument::new("entries-added", ArgumentKind::Integer).after("ENTRIESADDED").optional().since("7.0.0"),
        Argument::new("max-deleted-id", ArgumentKind::String).after("MAXDELETEDID").optional().since("7.0.0"),
    ],
    execute: xsetid,
    ..Command::DEFAULT
};

const ADDED_RANGE: Error = Error::fixed("ERR entries_added must be positive");
const BELOW_GIVEN: Error =
    Error::fixed("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
const BELOW_DELETED: Error =
    Error::fixed("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
const BELOW_TOP: Error =
    Error::fixed("ERR The ID specified in XSETID is smaller than the target stream top item");
const BELOW_LENGTH: Error =
    Error::fixed("ERR The entries_added specified in XSETID is smaller than the target stream length");

/// What to set.
struct Setting {
    last_id: StreamId,
    entries_added: Option<u64>,
    max_deleted_id: Option<StreamId>,
}

impl Setting {
    fn parse(args: Args<'_>) -> Result<Setting, Error> {
        let last_id = arguments::id(args[2], 0)?;
        let mut setting = Setting { last_id, entries_added: None, max_deleted_id: None };
        for option in args[3..].chunks(2) {
            match option {
                [word, number] if word.eq_ignore_ascii_case(b"ENTRIESADDED") => {
                    let number = integer(number)?;
                    setting.entries_added = Some(u64::try_from(number).map_err(|_| ADDED_RANGE)?);
                }
                [word, id] if word.eq_ignore_ascii_case(b"MAXDELETEDID") => {
                    let id = arguments::id(id, 0)?;
                    if last_id < id {
                        return Err(BELOW_GIVEN);
                    }
                    setting.max_deleted_id = Some(id).filter(|id| !id.is_zero());
                }
                _ => return Err(Error::SYNTAX),
            }
        }
        Ok(setting)
    }

    fn check(&self, log: &Log) -> Result<(), Error> {
        if self.last_id < log.info().max_deleted_id {
            return Err(BELOW_DELETED);
        }
        let Some(top) = log.last() else { return Ok(()) };
        if self.last_id < top.id {
            return Err(BELOW_TOP);
        }
        if self.entries_added.is_some_and(|added| added < log.len()) {
            return Err(BELOW_LENGTH);
        }
        Ok(())
    }
}

fn xsetid(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let setting = Setting::parse(args)?;
    let mut place = place::existing(&mut ctx.data, args[1])?.ok_or(Error::NO_SUCH_KEY)?;
    place.edit(|stream| {
        setting.check(stream.log())?;
        let Setting { last_id, entries_added, max_deleted_id } = setting;
        stream.log_mut().set_info(last_id, entries_added, max_deleted_id);
        Ok(())
    })??;
    ctx.data.dirty += 1;
    ctx.reply.ok();
    Ok(())
}
