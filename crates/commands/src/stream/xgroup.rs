//! XGROUP: makes, moves and removes consumer groups and their consumers.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, KeyFlags, KeySpec};
use value::large::Teardown;
use value::stream::{Stream, StreamId};

use super::claim::no_group_of_key;
use super::{arguments, place};
use crate::help;
use crate::number::integer;

/// `XGROUP subcommand [argument ...]`
pub static XGROUP: Command = Command {
    name: "xgroup",
    arity: -2,
    docs: Docs {
        summary: "Changes consumer groups.",
        since: "5.0.0",
        group: engine::Group::Stream,
        complexity: "Depends on the subcommand.",
        ..Docs::NONE
    },
    subcommands: &[&CREATE, &CREATECONSUMER, &DELCONSUMER, &DESTROY, &HELP, &SETID],
    ..Command::DEFAULT
};

/// `XGROUP HELP`
static HELP: Command = help::declaration("5.0.0", engine::Group::Stream, Categories::STREAM);

const KEY: Argument = Argument::key();
const GROUP: Argument = Argument::new("group", ArgumentKind::String);
const CONSUMER: Argument = Argument::new("consumer", ArgumentKind::String);
const ID: Argument = Argument::one_of(
    "id-selector",
    &[Argument::new("id", ArgumentKind::String), Argument::token("new-id", "$")],
);
const ENTRIES_READ: Argument = Argument {
    display: Some("entries-read"),
    ..Argument::new("entriesread", ArgumentKind::Integer).after("ENTRIESREAD").optional()
};

/// What the declarations of all subcommands but HELP have in common.
const SUBCOMMAND: Command =
    Command { flags: Flags::WRITE, categories: Categories::STREAM, docs: DOCS, ..Command::DEFAULT };
const DOCS: Docs = Docs { since: "5.0.0", group: engine::Group::Stream, complexity: "O(1)", ..Docs::NONE };

/// `XGROUP CREATE key group id | $ [MKSTREAM] [ENTRIESREAD entries-read]`
static CREATE: Command = Command {
    name: "create",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(2, KeyFlags::RW.and(KeyFlags::INSERT))],
    docs: Docs { summary: "Makes a consumer group.", history: &[("7.0.0", "ENTRIESREAD.")], ..DOCS },
    arguments: &[KEY, GROUP, ID, Argument::token("mkstream", "MKSTREAM").optional(), ENTRIES_READ],
    execute: create,
    ..SUBCOMMAND
};

/// `XGROUP SETID key group id | $ [ENTRIESREAD entries-read]`
static SETID: Command = Command {
    name: "setid",
    arity: -5,
    keys: &[KeySpec::one(2, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Sets the ID up to which a consumer group has read.",
        history: &[("7.0.0", "ENTRIESREAD.")],
        ..DOCS
    },
    arguments: &[KEY, GROUP, ID, ENTRIES_READ],
    execute: setid,
    ..SUBCOMMAND
};

/// `XGROUP DESTROY key group`
static DESTROY: Command = Command {
    name: "destroy",
    arity: 4,
    keys: &[KeySpec::one(2, KeyFlags::RW.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes a consumer group.",
        complexity: "O(N), N being what is pending in the group; much is freed later",
        ..DOCS
    },
    arguments: &[KEY, GROUP],
    execute: destroy,
    ..SUBCOMMAND
};

/// `XGROUP CREATECONSUMER key group consumer`
static CREATECONSUMER: Command = Command {
    name: "createconsumer",
    arity: 5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(2, KeyFlags::RW.and(KeyFlags::INSERT))],
    docs: Docs { summary: "Makes a consumer in a group.", since: "6.2.0", ..DOCS },
    arguments: &[KEY, GROUP, CONSUMER],
    execute: create_consumer,
    ..SUBCOMMAND
};

/// `XGROUP DELCONSUMER key group consumer`
static DELCONSUMER: Command = Command {
    name: "delconsumer",
    arity: 5,
    keys: &[KeySpec::one(2, KeyFlags::RW.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes a consumer from a group, and what is pending for it.",
        complexity: "O(N log(M)), N being what is pending for it, M what is pending in the group",
        ..DOCS
    },
    arguments: &[KEY, GROUP, CONSUMER],
    execute: delete_consumer,
    ..SUBCOMMAND
};

const NO_KEY: Error = Error::fixed(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
);
const READ_RANGE: Error = Error::fixed("ERR value for ENTRIESREAD must be positive or -1");
const BUSY: Error = Error::fixed("BUSYGROUP Consumer Group name already exists");

/// From so many pending entries on a group that is removed is left to the freeing thread.
const FREE_LATER_FROM: u64 = 1000;

/// Options of CREATE and SETID.
#[derive(Default)]
struct Options {
    makes_stream: bool,
    entries_read: Option<u64>,
}

impl Options {
    fn parse(args: Args<'_>, is_create: bool) -> Result<Options, Error> {
        let mut options = Options::default();
        let mut rest = args.get(5..).unwrap_or_default();
        while let [word, behind @ ..] = rest {
            rest = match behind {
                behind if is_create && word.eq_ignore_ascii_case(b"MKSTREAM") => {
                    options.makes_stream = true;
                    behind
                }
                [number, behind @ ..] if word.eq_ignore_ascii_case(b"ENTRIESREAD") => {
                    options.entries_read = match integer(number)? {
                        -1 => None,
                        number => Some(u64::try_from(number).map_err(|_| READ_RANGE)?),
                    };
                    behind
                }
                _ => return Err(wrong_arguments(args)),
            };
        }
        Ok(options)
    }
}

fn wrong_arguments(args: Args<'_>) -> Error {
    let name = args.get(1).copied().unwrap_or_default();
    let before = "ERR unknown subcommand or wrong number of arguments for '";
    Error::naming(before, &name[..name.len().min(128)], "'. Try XGROUP HELP.")
}

/// An ID, or that of the last entry.
fn id_or_last(arg: &[u8], stream: Option<&Stream>) -> Result<StreamId, Error> {
    match arg {
        b"$" => Ok(stream.map_or(StreamId::MIN, |stream| stream.log().info().last_id)),
        arg => arguments::id(arg, 0),
    }
}

fn create(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let options = Options::parse(args, true)?;
    let (key, group) = (args[2], args[3]);
    let existing = place::existing(&mut ctx.data, key)?;
    if existing.is_none() && !options.makes_stream {
        return Err(NO_KEY);
    }
    if args.len() > 8 {
        return Err(wrong_arguments(args));
    }
    let mut place = match existing {
        Some(place) => place,
        None => {
            // Nothing is made for an ID that is none.
            id_or_last(args[4], None)?;
            place::open(&mut ctx.data, key)?
        }
    };
    place.edit(|stream| {
        let id = id_or_last(args[4], Some(stream))?;
        if stream.create_group(group, id, options.entries_read) { Ok(()) } else { Err(BUSY) }
    })??;
    ctx.data.dirty += 1;
    ctx.reply.ok();
    Ok(())
}

/// Changes the group that must be there.
fn edit<R>(
    ctx: &mut Ctx<'_>,
    args: Args<'_>,
    change: impl FnOnce(StreamId, &mut value::stream::Group) -> Result<R, Error>,
) -> Result<R, Error> {
    let (key, group) = (args[2], args[3]);
    let mut place = place::existing(&mut ctx.data, key)?.ok_or(NO_KEY)?;
    let changed =
        place.edit(|stream| stream.edit_group(group, |log, group| change(log.info().last_id, group)))?;
    changed.ok_or_else(|| no_group_of_key(key, group))?
}

fn setid(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let options = Options::parse(args, false)?;
    edit(ctx, args, |last_id, group| {
        if args.len() > 7 {
            return Err(wrong_arguments(args));
        }
        group.last_id = if args[4] == b"$" { last_id } else { arguments::id_or_end(args[4])? };
        group.entries_read = options.entries_read;
        Ok(())
    })?;
    ctx.data.dirty += 1;
    ctx.reply.ok();
    Ok(())
}

fn destroy(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let mut place = place::existing(&mut ctx.data, args[2])?.ok_or(NO_KEY)?;
    let (pending, gone) = place.edit(|stream| {
        let pending = stream.group(args[3]).map_or(0, value::stream::Group::pending_len);
        (pending, stream.destroy_group(args[3]))
    })?;
    ctx.data.dirty += u64::from(gone.is_some());
    ctx.reply.integer(i64::from(gone.is_some()));
    if let Some(gone) = gone
        && pending >= FREE_LATER_FROM
    {
        ctx.data.keyspace().free_rest(Teardown::Stream(Box::new(gone)));
    }
    Ok(())
}

fn create_consumer(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let now_ms = ctx.data.now_ms;
    let made = edit(ctx, args, |_, group| Ok(group.create_consumer(args[4], now_ms)))?.is_some();
    ctx.data.dirty += u64::from(made);
    ctx.reply.integer(i64::from(made));
    Ok(())
}

fn delete_consumer(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let removed = edit(ctx, args, |_, group| Ok(group.delete_consumer(args[4])))?;
    ctx.data.dirty += u64::from(removed.is_some());
    ctx.reply.integer(removed.unwrap_or(0) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn xgroup() {
        const NO_KEY: &str = "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.";
        check(&[
            ("XADD s 1 a b", "$3 1-0"),
            ("XADD s 2 a b", "$3 2-0"),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XGROUP CREATE s g $", "-BUSYGROUP Consumer Group name already exists"),
            ("XGROUP CREATE s g $ MKSTREAM", "-BUSYGROUP Consumer Group name already exists"),
            ("XGROUP CREATE s g x", "-ERR Invalid stream ID specified as stream command argument"),
            ("XGROUP CREATE n g x", NO_KEY),
            ("XGROUP CREATE n g x MKSTREAM", "-ERR Invalid stream ID specified as stream command argument"),
            ("EXISTS n", ":0"),
            ("XGROUP CREATE n g $ MKSTREAM ENTRIESREAD 3", "+OK"),
            ("XLEN n", ":0"),
            ("XGROUP CREATE s g2", "-ERR wrong number of arguments for 'xgroup|create' command"),
            (
                "XGROUP CREATE s g2 $ FOO",
                "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.",
            ),
            (
                "XGROUP SETID s g 5 MKSTREAM",
                "-ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP.",
            ),
            (
                "XGROUP SETID s g 5 ENTRIESREAD",
                "-ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP.",
            ),
            ("XGROUP SETID s g 5 ENTRIESREAD -2", "-ERR value for ENTRIESREAD must be positive or -1"),
            ("XGROUP SETID s g 5 ENTRIESREAD x", "-ERR value is not an integer or out of range"),
            ("XGROUP SETID s nog x", "-NOGROUP No such consumer group 'nog' for key name 's'"),
            ("XGROUP SETID s g x", "-ERR Invalid stream ID specified as stream command argument"),
            // Unlike CREATE, SETID takes the ends of a range.
            ("XGROUP CREATE s g2 -", "-ERR Invalid stream ID specified as stream command argument"),
            ("XGROUP SETID s g +", "+OK"),
            (
                "XINFO GROUPS s",
                "*1 *12 $4 name $1 g $9 consumers :0 $7 pending :0 $17 last-delivered-id $41 18446744073709551615-18446744073709551615 $12 entries-read $-1 $3 lag $-1",
            ),
            ("XGROUP SETID s g -", "+OK"),
            (
                "XINFO GROUPS s",
                "*1 *12 $4 name $1 g $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 0-0 $12 entries-read $-1 $3 lag :2",
            ),
            ("XGROUP SETID s g $ ENTRIESREAD 1", "+OK"),
            (
                "XINFO GROUPS s",
                "*1 *12 $4 name $1 g $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 2-0 $12 entries-read :1 $3 lag :1",
            ),
            ("XGROUP SETID s g 0 ENTRIESREAD -1", "+OK"),
            ("XGROUP CREATECONSUMER s g c", ":1"),
            ("XGROUP CREATECONSUMER s g c", ":0"),
            ("XGROUP CREATECONSUMER s nog c", "-NOGROUP No such consumer group 'nog' for key name 's'"),
            ("XREADGROUP GROUP g c STREAMS s >", "?"),
            ("XGROUP DELCONSUMER s g none", ":0"),
            ("XGROUP DELCONSUMER s g c", ":2"),
            ("XPENDING s g", "*4 :0 $-1 $-1 *-1"),
            ("XGROUP DELCONSUMER s nog c", "-NOGROUP No such consumer group 'nog' for key name 's'"),
            ("XGROUP DESTROY none g", NO_KEY),
            ("XGROUP DESTROY s g", ":1"),
            ("XGROUP DESTROY s g", ":0"),
            ("SET str x", "+OK"),
            ("XGROUP CREATE str g 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("XGROUP FOO", "-ERR unknown subcommand 'FOO'. Try XGROUP HELP."),
        ]);
    }
}
