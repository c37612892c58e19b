//! XINFO STREAM: what is known of a stream, in short or in full.

use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, KeyFlags, KeySpec};
use resp::Writer;
use value::stream::{Consumer, Group, Log, Stream, StreamId};

use super::xrange::is_long;
use super::{place, reply, xinfo};
use crate::number::integer;

/// `XINFO STREAM key [FULL [COUNT count]]`
pub static XINFO_STREAM: Command = Command {
    name: "stream",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::STREAM,
    keys: &[KeySpec::one(2, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Tells about a stream.",
        since: "5.0.0",
        group: engine::Group::Stream,
        complexity: "O(1); with FULL O(N), N being what is returned",
        history: &[
            ("6.0.0", "FULL."),
            (
                "7.0.0",
                "`max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and `lag`.",
            ),
            ("7.2.0", "`active-time`, and another meaning of `seen-time`."),
            (
                "8.6.0",
                "`idmp-duration`, `idmp-maxsize`, `pids-tracked`, `iids-tracked`, `iids-added` and `iids-duplicates`.",
            ),
        ],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::block(
            "full-block",
            &[
                Argument::token("full", "FULL"),
                Argument::new("count", ArgumentKind::Integer).after("COUNT").optional(),
            ],
        )
        .optional(),
    ],
    execute: xinfo_stream,
    ..Command::DEFAULT
};

/// Most elements of each list that FULL shows by default.
const FULL_COUNT: u64 = 10;

/// Nodes up to which those of Redis's tree over them are counted; the rest is estimated from these.
const TREE_EXACT_MAX: usize = 1024;

/// How many elements FULL shows; `None` without it.
fn parse(args: Args<'_>) -> Result<Option<u64>, Error> {
    match &args[3..] {
        [] => Ok(None),
        [full] if full.eq_ignore_ascii_case(b"FULL") => Ok(Some(FULL_COUNT)),
        [full, word, count] if full.eq_ignore_ascii_case(b"FULL") && word.eq_ignore_ascii_case(b"COUNT") => {
            Ok(Some(match integer(count)? {
                0 => u64::MAX,
                count => u64::try_from(count).unwrap_or(FULL_COUNT),
            }))
        }
        _ => Err(xinfo::wrong_arguments(args)),
    }
}

fn xinfo_stream(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let stream = ctx.data.read_stream(args[2])?.ok_or(Error::NO_SUCH_KEY)?;
    match parse(args)? {
        None => short(&mut ctx.reply.write(), stream),
        Some(count) if is_long(stream, count) => {
            let frozen = stream.clone();
            ctx.data.release();
            full(&mut ctx.reply.write(), &frozen, count);
            place::let_go(ctx, frozen);
        }
        Some(count) => full(&mut ctx.reply.write(), stream, count),
    }
    Ok(())
}

/// Writes a name and a number.
pub(super) fn number(writer: &mut Writer<'_>, name: &str, number: u64) {
    writer.bulk(name.as_bytes());
    writer.integer(number as i64);
}

/// Writes a name and an ID.
pub(super) fn id(writer: &mut Writer<'_>, name: &str, id: StreamId) {
    writer.bulk(name.as_bytes());
    reply::id(writer, id);
}

/// Writes a name and a number that may not be known.
pub(super) fn known(writer: &mut Writer<'_>, name: &str, number: Option<i64>) {
    writer.bulk(name.as_bytes());
    match number {
        Some(number) => writer.integer(number),
        None => writer.null(),
    }
}

/// What both forms begin with, behind the head of a map with so many other fields.
fn common(writer: &mut Writer<'_>, stream: &Stream, others: usize) {
    let (log, idempotence) = (stream.log(), stream.idempotence());
    let info = log.info();
    writer.map(7 + others + if idempotence.is_some() { 6 } else { 0 });
    number(writer, "length", log.len());
    number(writer, "radix-tree-keys", log.node_count());
    number(writer, "radix-tree-nodes", tree_nodes(log));
    id(writer, "last-generated-id", info.last_id);
    id(writer, "max-deleted-entry-id", info.max_deleted_id);
    number(writer, "entries-added", info.entries_added);
    id(writer, "recorded-first-entry-id", info.first_id);
    if let Some(idempotence) = idempotence {
        let limits = idempotence.limits();
        number(writer, "idmp-duration", limits.duration_s.into());
        number(writer, "idmp-maxsize", limits.names_max.into());
        number(writer, "pids-tracked", idempotence.producers_len());
        number(writer, "iids-tracked", idempotence.names_len());
        number(writer, "iids-added", idempotence.added());
        number(writer, "iids-duplicates", idempotence.repeated());
    }
}

fn short(writer: &mut Writer<'_>, stream: &Stream) {
    let log = stream.log();
    common(writer, stream, 3);
    number(writer, "groups", stream.groups_len());
    for (name, found) in [("first-entry", log.first()), ("last-entry", log.last())] {
        writer.bulk(name.as_bytes());
        match found {
            Some(found) => reply::entry(writer, &found),
            None => writer.null(),
        }
    }
}

fn full(writer: &mut Writer<'_>, stream: &Stream, count: u64) {
    let log = stream.log();
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    common(writer, stream, 2);
    writer.bulk(b"entries");
    reply::entries(writer, log.range(StreamId::MIN, StreamId::MAX).take(count));
    writer.bulk(b"groups");
    writer.array(stream.groups_len() as usize);
    stream.groups().for_each(|it| group(writer, it, log, count));
}

fn group(writer: &mut Writer<'_>, group: &Group, log: &Log, count: usize) {
    writer.map(7);
    writer.bulk(b"name");
    writer.bulk(group.name());
    id(writer, "last-delivered-id", group.last_id);
    known(writer, "entries-read", group.entries_read.map(|read| read as i64));
    known(writer, "lag", group.lag(log));
    number(writer, "pel-count", group.pending_len());
    writer.bulk(b"pending");
    writer.array(count.min(usize::try_from(group.pending_len()).unwrap_or(usize::MAX)));
    for pending in group.pending_from(StreamId::MIN).take(count) {
        writer.array(4);
        reply::id(writer, pending.id);
        writer.bulk(group.consumer(pending.consumer).map_or(b"", Consumer::name));
        writer.integer(pending.delivered_at_ms as i64);
        writer.integer(pending.deliveries as i64);
    }
    writer.bulk(b"consumers");
    writer.array(group.consumers_len() as usize);
    group.consumers().for_each(|it| consumer(writer, it, group, count));
}

fn consumer(writer: &mut Writer<'_>, consumer: &Consumer, group: &Group, count: usize) {
    writer.map(5);
    writer.bulk(b"name");
    writer.bulk(consumer.name());
    known(writer, "seen-time", Some(consumer.seen_at_ms));
    known(writer, "active-time", Some(consumer.active_at_ms));
    number(writer, "pel-count", consumer.pending_len());
    writer.bulk(b"pending");
    reply::counted(writer, |writer| {
        let pending = consumer.pending_from(StreamId::MIN).filter_map(|id| group.pending(id)).take(count);
        pending
            .map(|pending| {
                writer.array(3);
                reply::id(writer, pending.id);
                writer.integer(pending.delivered_at_ms as i64);
                writer.integer(pending.deliveries as i64);
            })
            .count()
    });
}

/// How many nodes Redis's radix tree over the stream's nodes would have: a leaf for each of them, a node wherever IDs part, and one for
/// what several have in common in between.
fn tree_nodes(log: &Log) -> u64 {
    let ids: Vec<[u8; 16]> =
        log.nodes().take(TREE_EXACT_MAX).map(|node| node.master_id().to_bytes()).collect();
    let counted = tree_nodes_of(&ids, 0);
    if ids.len() < TREE_EXACT_MAX { counted } else { counted * log.node_count() / ids.len() as u64 }
}

/// Of IDs that ascend and have their first `depth` bytes in common.
fn tree_nodes_of(ids: &[[u8; 16]], depth: usize) -> u64 {
    let [first, .., last] = ids else {
        // One ID: what is left of it, and the leaf. None: the root.
        return 1 + u64::from(ids.len() == 1 && depth < 16);
    };
    let common = (depth..16).take_while(|&at| first[at] == last[at]).count();
    let parting = depth + common;
    let children = ids.chunk_by(|a, b| a[..=parting] == b[..=parting]);
    u64::from(common > 0) + 1 + children.map(|ids| tree_nodes_of(ids, parting + 1)).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use value::stream::NodeLimits;

    use super::*;
    use crate::testing::check;

    /// Against what servers answered (the tests below), and against itself for every depth at which IDs may part.
    #[test]
    fn trees_of_many_nodes() {
        let mut log = Log::default();
        let limits = NodeLimits { bytes_max: 0, entries_max: 1 };
        let append = |log: &mut Log, ms: u64, seq: u64| {
            log.append(StreamId::new(ms, seq), std::iter::once((&b"a"[..], &b"b"[..])), limits).unwrap();
        };
        assert_eq!(tree_nodes(&log), 1);
        append(&mut log, 1, 1);
        assert_eq!(tree_nodes(&log), 2);
        append(&mut log, 1, 2);
        // What both have in common, where they part, two leaves.
        assert_eq!(tree_nodes(&log), 4);
        append(&mut log, 1 << 56, 2);
        // They part in the first byte, which the first two share with 14 others.
        assert_eq!(tree_nodes(&log), 1 + 2 + (1 + 1 + 2));
        (1..3000).for_each(|n| append(&mut log, 1 << 57, n));
        let count = tree_nodes(&log);
        assert!((3000..3100).contains(&count), "{count}");
    }

    #[test]
    fn xinfo_stream() {
        check(&[
            ("CONFIG SET stream-node-max-entries 1", "+OK"),
            ("XADD s 1-1 a b", "$3 1-1"),
            (
                "XINFO STREAM s",
                "*20 $6 length :1 $15 radix-tree-keys :1 $16 radix-tree-nodes :2 $17 last-generated-id $3 1-1 $20 max-deleted-entry-id $3 0-0 $13 entries-added :1 $23 recorded-first-entry-id $3 1-1 $6 groups :0 $11 first-entry *2 $3 1-1 *2 $1 a $1 b $10 last-entry *2 $3 1-1 *2 $1 a $1 b",
            ),
            ("XADD s 1-2 a b", "$3 1-2"),
            ("XADD s 300-2 a b", "$5 300-2"),
            ("XADD s 65536-2 a b", "$7 65536-2"),
            ("XADD s 65536-3 a b", "$7 65536-3"),
            (
                "XINFO STREAM s",
                "*20 $6 length :5 $15 radix-tree-keys :5 $16 radix-tree-nodes :13 $17 last-generated-id $7 65536-3 $20 max-deleted-entry-id $3 0-0 $13 entries-added :5 $23 recorded-first-entry-id $3 1-1 $6 groups :0 $11 first-entry *2 $3 1-1 *2 $1 a $1 b $10 last-entry *2 $7 65536-3 *2 $1 a $1 b",
            ),
            (
                "XINFO STREAM s FULL",
                "*18 $6 length :5 $15 radix-tree-keys :5 $16 radix-tree-nodes :13 $17 last-generated-id $7 65536-3 $20 max-deleted-entry-id $3 0-0 $13 entries-added :5 $23 recorded-first-entry-id $3 1-1 $7 entries *5 *2 $3 1-1 *2 $1 a $1 b *2 $3 1-2 *2 $1 a $1 b *2 $5 300-2 *2 $1 a $1 b *2 $7 65536-2 *2 $1 a $1 b *2 $7 65536-3 *2 $1 a $1 b $6 groups *0",
            ),
            (
                "XINFO STREAM s full count 1",
                "*18 $6 length :5 $15 radix-tree-keys :5 $16 radix-tree-nodes :13 $17 last-generated-id $7 65536-3 $20 max-deleted-entry-id $3 0-0 $13 entries-added :5 $23 recorded-first-entry-id $3 1-1 $7 entries *1 *2 $3 1-1 *2 $1 a $1 b $6 groups *0",
            ),
            (
                "XINFO STREAM s FULL COUNT -1",
                "*18 $6 length :5 $15 radix-tree-keys :5 $16 radix-tree-nodes :13 $17 last-generated-id $7 65536-3 $20 max-deleted-entry-id $3 0-0 $13 entries-added :5 $23 recorded-first-entry-id $3 1-1 $7 entries *5 *2 $3 1-1 *2 $1 a $1 b *2 $3 1-2 *2 $1 a $1 b *2 $5 300-2 *2 $1 a $1 b *2 $7 65536-2 *2 $1 a $1 b *2 $7 65536-3 *2 $1 a $1 b $6 groups *0",
            ),
            (
                "XINFO STREAM s FULL COUNT 0",
                "*18 $6 length :5 $15 radix-tree-keys :5 $16 radix-tree-nodes :13 $17 last-generated-id $7 65536-3 $20 max-deleted-entry-id $3 0-0 $13 entries-added :5 $23 recorded-first-entry-id $3 1-1 $7 entries *5 *2 $3 1-1 *2 $1 a $1 b *2 $3 1-2 *2 $1 a $1 b *2 $5 300-2 *2 $1 a $1 b *2 $7 65536-2 *2 $1 a $1 b *2 $7 65536-3 *2 $1 a $1 b $6 groups *0",
            ),
            ("XINFO STREAM s FULL COUNT x", "-ERR value is not an integer or out of range"),
            (
                "XINFO STREAM s FULL FOO 1",
                "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.",
            ),
            (
                "XINFO STREAM s FULL COUNT",
                "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.",
            ),
            (
                "XINFO stream s FOO",
                "-ERR unknown subcommand or wrong number of arguments for 'stream'. Try XINFO HELP.",
            ),
            ("XINFO STREAM none", "-ERR no such key"),
            ("XINFO STREAM none FULL COUNT x", "-ERR no such key"),
            ("SET str x", "+OK"),
            ("XINFO STREAM str", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("XINFO", "-ERR wrong number of arguments for 'xinfo' command"),
            ("XINFO FOO", "-ERR unknown subcommand 'FOO'. Try XINFO HELP."),
            ("XINFO STREAM", "-ERR wrong number of arguments for 'xinfo|stream' command"),
            ("CONFIG SET stream-node-max-entries 100", "+OK"),
        ]);
    }
}
