//! XRANGE and XREVRANGE: the entries of a range of IDs.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
    Reply,
};
use value::stream::{Log, Stream, StreamId};

use super::arguments::{count, range_end, range_start};
use super::{place, reply};

const BASE: Command = Command {
    arity: -4,
    flags: Flags::READONLY,
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    ..Command::DEFAULT
};

const DOCS: Docs = Docs {
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(log(N)+M), M being the returned entries",
    history: &[("6.2.0", "Ranges that do not include their ends.")],
    ..Docs::NONE
};

const START: Argument = Argument::new("start", ArgumentKind::String);
const END: Argument = Argument::new("end", ArgumentKind::String);
const COUNT: Argument = Argument::new("count", ArgumentKind::Integer).after("COUNT").optional();

/// `XRANGE key start end [COUNT count]`
pub static XRANGE: Command = Command {
    name: "xrange",
    docs: Docs { summary: "Answers the entries of a stream in a range of IDs.", ..DOCS },
    arguments: &[Argument::key(), START, END, COUNT],
    execute: |ctx, args| xrange(ctx, args, false),
    ..BASE
};

/// `XREVRANGE key end start [COUNT count]`
pub static XREVRANGE: Command = Command {
    name: "xrevrange",
    docs: Docs { summary: "Answers the entries of a stream in a range of IDs, the last one first.", ..DOCS },
    arguments: &[Argument::key(), END, START, COUNT],
    execute: |ctx, args| xrange(ctx, args, true),
    ..BASE
};

/// From so many entries on a stream is frozen, and its lock given back before the reply is written.
const FREEZE_FROM: u64 = 1024;

/// Whether a reply of at most so many entries of a stream is worth freezing it.
pub(super) fn is_long(stream: &Stream, count: u64) -> bool {
    stream.log().len().min(count) >= FREEZE_FROM
}

struct Range {
    start: StreamId,
    end: StreamId,
    count: u64,
    is_backward: bool,
}

impl Range {
    fn parse(args: Args<'_>, is_backward: bool) -> Result<Range, Error> {
        let (start, end) = if is_backward { (args[3], args[2]) } else { (args[2], args[3]) };
        let (start, end) = (range_start(start)?, range_end(end)?);
        let mut range = Range { start, end, count: u64::MAX, is_backward };
        for option in args[4..].chunks(2) {
            match option {
                [word, number] if word.eq_ignore_ascii_case(b"COUNT") => range.count = count(number)?,
                _ => return Err(Error::SYNTAX),
            }
        }
        Ok(range)
    }

    fn reply(&self, reply: &mut Reply<'_>, log: &Log) {
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        let mut writer = reply.write();
        if self.is_backward {
            reply::entries(&mut writer, log.range_back(self.start, self.end).take(count));
        } else {
            reply::entries(&mut writer, log.range(self.start, self.end).take(count));
        }
    }
}

fn xrange(ctx: &mut Ctx<'_>, args: Args<'_>, is_backward: bool) -> Result<(), Error> {
    let range = Range::parse(args, is_backward)?;
    match ctx.data.read_stream(args[1])? {
        None => ctx.reply.write().array(0),
        Some(_) if range.count == 0 => ctx.reply.write().null_array(),
        Some(stream) if is_long(stream, range.count) => {
            let frozen = stream.clone();
            ctx.data.release();
            range.reply(&mut ctx.reply, frozen.log());
            place::let_go(ctx, frozen);
        }
        Some(stream) => range.reply(&mut ctx.reply, stream.log()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn ranges() {
        check(&[
            ("XADD s 1-1 a 1 b 2", "$3 1-1"),
            ("XADD s 1-2 a 1 b 3", "$3 1-2"),
            ("XADD s 2-5 c x", "$3 2-5"),
            ("XADD s 7-0 c y", "$3 7-0"),
            (
                "XRANGE s - +",
                "*4 *2 $3 1-1 *4 $1 a $1 1 $1 b $1 2 *2 $3 1-2 *4 $1 a $1 1 $1 b $1 3 *2 $3 2-5 *2 $1 c $1 x *2 $3 7-0 *2 $1 c $1 y",
            ),
            ("XRANGE s 1 1", "*2 *2 $3 1-1 *4 $1 a $1 1 $1 b $1 2 *2 $3 1-2 *4 $1 a $1 1 $1 b $1 3"),
            ("XRANGE s 1-2 2", "*2 *2 $3 1-2 *4 $1 a $1 1 $1 b $1 3 *2 $3 2-5 *2 $1 c $1 x"),
            ("XRANGE s (1-1 (7-0", "*2 *2 $3 1-2 *4 $1 a $1 1 $1 b $1 3 *2 $3 2-5 *2 $1 c $1 x"),
            ("XRANGE s (- +", "-ERR Invalid stream ID specified as stream command argument"),
            ("XRANGE s ( +", "-ERR Invalid stream ID specified as stream command argument"),
            (
                "XRANGE s - (18446744073709551615",
                "*4 *2 $3 1-1 *4 $1 a $1 1 $1 b $1 2 *2 $3 1-2 *4 $1 a $1 1 $1 b $1 3 *2 $3 2-5 *2 $1 c $1 x *2 $3 7-0 *2 $1 c $1 y",
            ),
            (
                "XRANGE s (18446744073709551615-18446744073709551615 +",
                "-ERR invalid start ID for the interval",
            ),
            ("XRANGE s - (0", "*0"),
            ("XRANGE s - (0-0", "-ERR invalid end ID for the interval"),
            ("XRANGE s + -", "*0"),
            ("XRANGE s - + COUNT 2", "*2 *2 $3 1-1 *4 $1 a $1 1 $1 b $1 2 *2 $3 1-2 *4 $1 a $1 1 $1 b $1 3"),
            ("XRANGE s - + COUNT 2 count 1", "*1 *2 $3 1-1 *4 $1 a $1 1 $1 b $1 2"),
            ("XRANGE s - + COUNT 0", "*-1"),
            ("XRANGE s - + COUNT -5", "*-1"),
            ("XRANGE s - + COUNT", "-ERR syntax error"),
            ("XRANGE s - + COUNT x", "-ERR value is not an integer or out of range"),
            ("XRANGE s - + FOO 1", "-ERR syntax error"),
            ("XRANGE none - +", "*0"),
            ("XRANGE none - + COUNT 0", "*0"),
            ("XREVRANGE s + - COUNT 2", "*2 *2 $3 7-0 *2 $1 c $1 y *2 $3 2-5 *2 $1 c $1 x"),
            ("XREVRANGE s - +", "*0"),
            ("XREVRANGE s 2-5 1-2", "*2 *2 $3 2-5 *2 $1 c $1 x *2 $3 1-2 *4 $1 a $1 1 $1 b $1 3"),
            ("XREVRANGE s (2-5 (1-1", "*1 *2 $3 1-2 *4 $1 a $1 1 $1 b $1 3"),
            ("XREVRANGE s x -", "-ERR Invalid stream ID specified as stream command argument"),
            ("SET str x", "+OK"),
            ("XRANGE str - +", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("XRANGE str - x", "-ERR Invalid stream ID specified as stream command argument"),
        ]);
    }
}
