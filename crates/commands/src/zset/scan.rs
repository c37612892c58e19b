//! ZSCAN: the members and scores of a sorted set a part at a time.
//!
//! A small one is shown at once. Of a large one every member that stays is shown exactly once; the cursor is a position in the
//! order of hashes.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};
use resp::Writer;
use value::number::{append_f64, append_f64_fixed17};
use value::packed::Element;
use value::zset::{Encoding, ZsetRef};

use crate::keys::scan::{COUNT, CURSOR, Options, PATTERN, cursor, unknown_option};
use crate::zset::reply;

/// `ZSCAN key cursor [MATCH pattern] [COUNT count]`
pub static ZSCAN: Command = Command {
    name: "zscan",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists members and scores a part at a time, with a cursor.",
        since: "2.8.0",
        group: Group::SortedSet,
        complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.",
        ..Docs::NONE
    },
    arguments: &[Argument::key(), CURSOR, PATTERN, COUNT],
    tips: &["nondeterministic_output"],
    execute: zscan,
    ..Command::DEFAULT
};

fn zscan(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let cursor = cursor(args[2]).ok_or(Error::fixed("ERR invalid cursor"))?;
    let protocol = ctx.reply.protocol();
    let (mut found, mut replies, mut next) = (0, Vec::new(), 0);
    if let Some(zset) = ctx.data.read_zset(args[1])? {
        // Redis looks at the options of a scan only when there is something to scan.
        let mut with_scores = true;
        let options = Options::parse(&args[3..], |word, _| {
            if word != b"NOSCORES" {
                return Err(unknown_option(word));
            }
            with_scores = false;
            Ok(())
        })?;
        let is_listpack = match zset {
            ZsetRef::Small(_) => true,
            ZsetRef::Large(zset) => zset.encoding() == Encoding::Listpack,
        };
        let mut text = Vec::new();
        let mut show = |member: Element<'_>, score: f64| {
            if !options.wants(member.text(&mut None)) {
                return;
            }
            found += 1;
            let mut writer = Writer { out: &mut replies, protocol };
            reply::member(&mut writer, member);
            if with_scores {
                found += 1;
                text.clear();
                // Redis prints the scores of a skiplist anew there, with digits to spare, and takes those of a listpack as they are.
                if is_listpack {
                    append_f64(&mut text, score)
                } else {
                    append_f64_fixed17(&mut text, score)
                }
                writer.bulk(&text);
            }
        };
        match zset {
            ZsetRef::Small(_) => zset.iter_from(0).for_each(|(member, score)| show(member, score)),
            ZsetRef::Large(zset) => {
                next = zset.scan(cursor, options.count, |member, score| show(Element::Bytes(member), score));
            }
        }
    }
    let mut writer = ctx.reply.write();
    writer.array(2);
    writer.bulk(next.to_string().as_bytes());
    writer.array(found);
    ctx.reply.encoded(replies);
    Ok(())
}
