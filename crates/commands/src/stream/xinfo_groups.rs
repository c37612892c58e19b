//! XINFO GROUPS and XINFO CONSUMERS: the groups of a stream, and the consumers of a group.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, KeyFlags, KeySpec};

use super::claim::no_group_of_key;
use super::xinfo_stream::{id, known, number};

/// `XINFO GROUPS key`
pub static XINFO_GROUPS: Command = Command {
    name: "groups",
    arity: 3,
    flags: Flags::READONLY,
    categories: Categories::STREAM,
    keys: &[KeySpec::one(2, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the consumer groups of a stream.",
        since: "5.0.0",
        group: engine::Group::Stream,
        complexity: "O(N), N being the groups",
        history: &[("7.0.0", "`entries-read` and `lag`.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key()],
    execute: groups,
    ..Command::DEFAULT
};

/// `XINFO CONSUMERS key group`
pub static XINFO_CONSUMERS: Command = Command {
    name: "consumers",
    arity: 4,
    flags: Flags::READONLY,
    categories: Categories::STREAM,
    keys: &[KeySpec::one(2, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the consumers of a consumer group.",
        since: "5.0.0",
        group: engine::Group::Stream,
        complexity: "O(N), N being the consumers",
        history: &[("7.2.0", "`inactive`, and another meaning of `idle`.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key(), Argument::new("group", ArgumentKind::String)],
    tips: &["nondeterministic_output"],
    execute: consumers,
    ..Command::DEFAULT
};

fn groups(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let stream = ctx.data.read_stream(args[2])?.ok_or(Error::NO_SUCH_KEY)?;
    let mut writer = ctx.reply.write();
    writer.array(stream.groups_len() as usize);
    for group in stream.groups() {
        writer.map(6);
        writer.bulk(b"name");
        writer.bulk(group.name());
        number(&mut writer, "consumers", group.consumers_len());
        number(&mut writer, "pending", group.pending_len());
        id(&mut writer, "last-delivered-id", group.last_id);
        known(&mut writer, "entries-read", group.entries_read.map(|read| read as i64));
        known(&mut writer, "lag", group.lag(stream.log()));
    }
    Ok(())
}

fn consumers(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let (key, now_ms) = (args[2], ctx.data.now_ms);
    let stream = ctx.data.read_stream(key)?.ok_or(Error::NO_SUCH_KEY)?;
    let group = stream.group(args[3]).ok_or_else(|| no_group_of_key(key, args[3]))?;
    let mut writer = ctx.reply.write();
    writer.array(group.consumers_len() as usize);
    for consumer in group.consumers() {
        let ago = |ms: i64| now_ms.saturating_sub(ms).max(0);
        writer.map(4);
        writer.bulk(b"name");
        writer.bulk(consumer.name());
        number(&mut writer, "pending", consumer.pending_len());
        known(&mut writer, "idle", Some(ago(consumer.seen_at_ms)));
        let inactive = if consumer.active_at_ms < 0 { -1 } else { ago(consumer.active_at_ms) };
        known(&mut writer, "inactive", Some(inactive));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn xinfo_groups_and_consumers() {
        check(&[
            ("XADD s 1 a b", "$3 1-0"),
            ("XADD s 2 a b", "$3 2-0"),
            ("XADD s 3 a b", "$3 3-0"),
            ("XINFO GROUPS s", "*0"),
            ("XGROUP CREATE s h 2", "+OK"),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XINFO CONSUMERS s g", "*0"),
            ("XREADGROUP GROUP g c COUNT 2 STREAMS s >", "?"),
            (
                "XINFO GROUPS s",
                "*2 *12 $4 name $1 g $9 consumers :1 $7 pending :2 $17 last-delivered-id $3 2-0 $12 entries-read :2 $3 lag :1 *12 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 2-0 $12 entries-read $-1 $3 lag $-1",
            ),
            ("XDEL s 2", ":1"),
            ("XINFO STREAM s FULL COUNT 1", "?"),
            ("XINFO CONSUMERS s nog", "-NOGROUP No such consumer group 'nog' for key name 's'"),
            ("XINFO CONSUMERS none g", "-ERR no such key"),
            ("XINFO GROUPS none", "-ERR no such key"),
            ("SET str x", "+OK"),
            ("XINFO GROUPS str", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ]);
    }
}
