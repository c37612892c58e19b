//! XTRIM: removes the oldest entries.

use engine::{Args, Argument, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec};

use super::arguments::{TrimOptions, Trimming};
use super::place;
use super::trim::{self, REFERENCES, TRIM};

/// `XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]`
pub static XTRIM: Command = Command {
    name: "xtrim",
    arity: -4,
    flags: Flags::WRITE,
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::DELETE))],
    docs: Docs {
        summary: "Removes a stream's oldest entries.",
        since: "5.0.0",
        group: Group::Stream,
        complexity: "O(N), N being the removed entries, of which most go a node at a time",
        history: &[("6.2.0", "MINID and LIMIT."), ("8.2.0", "KEEPREF, DELREF and ACKED.")],
        ..Docs::NONE
    },
    arguments: &[Argument::key(), TRIM, REFERENCES],
    tips: &["nondeterministic_output"],
    execute: xtrim,
    ..Command::DEFAULT
};

const NO_STRATEGY: Error = Error::fixed("ERR syntax error, XTRIM must be called with a trimming strategy");

fn parse(ctx: &Ctx<'_>, args: Args<'_>) -> Result<Trimming, Error> {
    let mut options = TrimOptions::default();
    let mut at = 2;
    while at < args.len() {
        at += options.take(args, at)?.ok_or(Error::SYNTAX)?;
    }
    let entries_max = ctx.config.encoding.stream_block_entries_max;
    options.finish(entries_max, ctx.session.applies_stream, Some(NO_STRATEGY))?.ok_or(NO_STRATEGY)
}

fn xtrim(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let trimming = parse(ctx, args)?;
    let Some(mut place) = place::existing(&mut ctx.data, args[1])? else {
        ctx.reply.integer(0);
        return Ok(());
    };
    let mut outcome = place.edit(|stream| trim::trim(stream, &trimming))?;
    outcome.free(ctx);
    ctx.data.dirty += outcome.removed;
    if outcome.removed > 0 && trimming.trim.is_approximate {
        trim::say(ctx, args, trimming.threshold_at, &outcome.exact());
    }
    ctx.reply.integer(outcome.removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn xtrim() {
        check(&[
            ("CONFIG SET stream-node-max-entries 3", "+OK"),
            ("XADD s 1 a b", "$3 1-0"),
            ("XADD s 2 a b", "$3 2-0"),
            ("XADD s 3 a b", "$3 3-0"),
            ("XADD s 4 a b", "$3 4-0"),
            ("XADD s 5 a b", "$3 5-0"),
            ("XADD s 6 a b", "$3 6-0"),
            ("XADD s 7 a b", "$3 7-0"),
            ("XTRIM s FOO 1", "-ERR syntax error"),
            (
                "XTRIM s LIMIT 5",
                "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
            ),
            ("XTRIM s LIMIT 0", "-ERR syntax error, XTRIM must be called with a trimming strategy"),
            ("XTRIM s NOMKSTREAM MAXLEN 5", "-ERR syntax error"),
            ("XTRIM s MAXLEN ~", "-ERR value is not an integer or out of range"),
            ("XTRIM s MAXLEN = 4 5", "-ERR syntax error"),
            ("XTRIM none MAXLEN 5", ":0"),
            ("XTRIM s MAXLEN ~ 5", ":0"),
            ("XTRIM s MAXLEN ~ 4 LIMIT 2", ":0"),
            ("XTRIM s LIMIT 3 MAXLEN ~ 4", ":3"),
            (
                "XINFO STREAM s",
                "*20 $6 length :4 $15 radix-tree-keys :2 $16 radix-tree-nodes :6 $17 last-generated-id $3 7-0 $20 max-deleted-entry-id $3 0-0 $13 entries-added :7 $23 recorded-first-entry-id $3 4-0 $6 groups :0 $11 first-entry *2 $3 4-0 *2 $1 a $1 b $10 last-entry *2 $3 7-0 *2 $1 a $1 b",
            ),
            ("XTRIM s MAXLEN 3", ":1"),
            (
                "XINFO STREAM s",
                "*20 $6 length :3 $15 radix-tree-keys :2 $16 radix-tree-nodes :6 $17 last-generated-id $3 7-0 $20 max-deleted-entry-id $3 0-0 $13 entries-added :7 $23 recorded-first-entry-id $3 5-0 $6 groups :0 $11 first-entry *2 $3 5-0 *2 $1 a $1 b $10 last-entry *2 $3 7-0 *2 $1 a $1 b",
            ),
            ("XTRIM s MINID ~ 6", ":0"),
            ("XTRIM s MINID = 6-1", ":2"),
            ("XRANGE s - +", "*1 *2 $3 7-0 *2 $1 a $1 b"),
            ("XTRIM s MINID ~ 99", ":1"),
            ("XTRIM s MAXLEN 0", ":0"),
            ("XLEN s", ":0"),
            (
                "XINFO STREAM s",
                "*20 $6 length :0 $15 radix-tree-keys :0 $16 radix-tree-nodes :1 $17 last-generated-id $3 7-0 $20 max-deleted-entry-id $3 0-0 $13 entries-added :7 $23 recorded-first-entry-id $3 0-0 $6 groups :0 $11 first-entry $-1 $10 last-entry $-1",
            ),
            ("SET str x", "+OK"),
            ("XTRIM str MAXLEN 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("CONFIG SET stream-node-max-entries 100", "+OK"),
        ]);
    }
}
