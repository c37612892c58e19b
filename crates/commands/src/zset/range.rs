//! ZRANGE, ZRANGESTORE: part of a sorted set, by rank, score or text, from either end; and what the older forms share with them.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};
use value::packed::Element;
use value::zset::ZsetRef;

use crate::number::integer;
use crate::zset::interval::{Interval, Order};
use crate::zset::place::{Gathered, Limits};
use crate::zset::reply::{Layout, List};

/// `ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`
pub static ZRANGE: Command = Command {
    name: "zrange",
    arity: -4,
    flags: Flags::READONLY,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    docs: Docs {
        summary: "Lists the members within a range of positions, scores or texts.",
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.",
        history: &[("6.2.0", "REV, BYSCORE, BYLEX and LIMIT.")],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("start", ArgumentKind::String),
        Argument::new("stop", ArgumentKind::String),
        Argument::one_of(
            "sortby",
            &[Argument::token("byscore", "BYSCORE"), Argument::token("bylex", "BYLEX")],
        )
        .optional()
        .since("6.2.0"),
        Argument::token("rev", "REV").optional().since("6.2.0"),
        Argument::block(
            "limit",
            &[Argument::new("offset", ArgumentKind::Integer), Argument::new("count", ArgumentKind::Integer)],
        )
        .after("LIMIT")
        .optional()
        .since("6.2.0"),
        Argument::token("withscores", "WITHSCORES").optional(),
    ],
    execute: |ctx, args| Range::parse(&args[1..], Form { by: None, order: None, stores: false })?.list(ctx),
    ..Command::DEFAULT
};

/// `ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]`
pub static ZRANGESTORE: Command = Command {
    name: "zrangestore",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::SORTEDSET,
    keys: &[
        KeySpec::one(1, KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::one(2, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    docs: Docs {
        summary: "Stores the members within a range of positions, scores or texts under another key.",
        since: "6.2.0",
        group: Group::SortedSet,
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements stored into the destination key.",
        ..Docs::NONE
    },
    arguments: &[
        Argument { key_spec: Some(0), ..Argument::new("dst", ArgumentKind::Key) },
        Argument { key_spec: Some(1), ..Argument::new("src", ArgumentKind::Key) },
        Argument::new("min", ArgumentKind::String),
        Argument::new("max", ArgumentKind::String),
        Argument::one_of(
            "sortby",
            &[Argument::token("byscore", "BYSCORE"), Argument::token("bylex", "BYLEX")],
        )
        .optional(),
        Argument::token("rev", "REV").optional(),
        Argument::block(
            "limit",
            &[Argument::new("offset", ArgumentKind::Integer), Argument::new("count", ArgumentKind::Integer)],
        )
        .after("LIMIT")
        .optional(),
    ],
    execute: zrangestore,
    ..Command::DEFAULT
};

/// What the name of a command says already.
#[derive(Clone, Copy)]
pub(super) struct Form {
    /// How the range is given; by a word if `None`.
    pub by: Option<By>,
    /// The order; by a word if `None`.
    pub order: Option<Order>,
    /// Whether the result is stored, so that scores are not asked for.
    pub stores: bool,
}

/// How a range is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// By positions.
    Rank,
    /// By scores.
    Score,
    /// By texts.
    Text,
}

/// A parsed request.
pub(super) struct Range<'a> {
    key: &'a [u8],
    interval: Interval<'a>,
    order: Order,
    with_scores: bool,
    offset: i64,
    /// All if negative.
    count: i64,
}

impl<'a> Range<'a> {
    /// Parses `key start stop` and the options behind.
    pub(super) fn parse(args: Args<'a>, form: Form) -> Result<Range<'a>, Error> {
        let Form { mut by, mut order, stores } = form;
        let (mut with_scores, mut offset, mut count) = (false, 0, -1);
        let mut rest = args.get(3..).unwrap_or_default();
        while let [word, behind @ ..] = rest {
            rest = behind;
            match (word.to_ascii_lowercase().as_slice(), behind) {
                (b"withscores", _) if !stores => with_scores = true,
                (b"limit", [first, second, behind @ ..]) => {
                    (offset, count) = (integer(first)?, integer(second)?);
                    rest = behind;
                }
                (b"rev", _) if order.is_none() => order = Some(Order::Descending),
                (b"bylex", _) if by.is_none() => by = Some(By::Text),
                (b"byscore", _) if by.is_none() => by = Some(By::Score),
                _ => return Err(Error::SYNTAX),
            }
        }
        let (by, order) = (by.unwrap_or(By::Rank), order.unwrap_or(Order::Ascending));
        if count != -1 && by == By::Rank {
            return Err(Error::fixed(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if with_scores && by == By::Text {
            return Err(Error::fixed("ERR syntax error, WITHSCORES not supported in combination with BYLEX"));
        }
        // A range of scores or texts is given in the order in which it is listed.
        let (low, high) = match (by, order) {
            (By::Score | By::Text, Order::Descending) => (args[2], args[1]),
            _ => (args[1], args[2]),
        };
        let interval = match by {
            By::Rank => Interval::ranks(low, high)?,
            By::Score => Interval::scores(low, high)?,
            By::Text => Interval::texts(low, high)?,
        };
        if by == By::Rank {
            offset = 0;
        }
        Ok(Range { key: args[0], interval, order, with_scores, offset, count })
    }

    /// Lists what is in the range.
    pub(super) fn list(self, ctx: &mut Ctx<'_>) -> Result<(), Error> {
        let layout = Layout::with_scores(self.with_scores, ctx.reply.protocol());
        match ctx.data.read_zset(self.key)? {
            None => ctx.reply.write().array(0),
            Some(zset) => {
                let (first, len) = self.part(zset);
                let mut list = List::begin(ctx.reply.write(), layout, len);
                walk(zset, first, len, self.order, |member, score| list.push(member, score));
            }
        }
        Ok(())
    }

    /// The rank of the first member, and how many there are from it on.
    fn part(&self, zset: ZsetRef<'_>) -> (u64, usize) {
        let range = self.interval.of(zset, self.order);
        let len = range.end - range.start;
        let Some(offset) = u64::try_from(self.offset).ok().filter(|offset| *offset < len) else {
            return (0, 0);
        };
        let left = u64::try_from(self.count).map_or(len - offset, |count| count.min(len - offset));
        let first = match self.order {
            Order::Ascending => range.start + offset,
            Order::Descending => range.end - 1 - offset,
        };
        (first, left as usize)
    }
}

/// Shows `len` members from a rank on.
fn walk(zset: ZsetRef<'_>, first: u64, len: usize, order: Order, mut show: impl FnMut(Element<'_>, f64)) {
    match order {
        Order::Ascending => zset.iter_from(first).take(len).for_each(|(member, score)| show(member, score)),
        Order::Descending => {
            zset.iter_back_from(first).take(len).for_each(|(member, score)| show(member, score));
        }
    }
}

fn zrangestore(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let range = Range::parse(&args[2..], Form { by: None, order: None, stores: true })?;
    let limits = Limits::of(ctx.config);
    let mut gathered = Gathered::default();
    if let Some(zset) = ctx.data.read_zset(range.key)? {
        let (first, len) = range.part(zset);
        // Redis adds one after the other, to a listpack as long as that will do; there a zero has no sign, and does not get it back. Only of
        // ranks it knows beforehand how many there are.
        let is_known = matches!(range.interval, Interval::Ranks(..));
        let mut is_listpack = !is_known || limits.allow(len as u64, 0);
        walk(zset, first, len, range.order, |member, score| {
            is_listpack = is_listpack && limits.allow(gathered.len() as u64 + 1, member.len());
            gathered.push(member, if is_listpack { score + 0.0 } else { score });
        });
    }
    gathered.sort();
    let len = gathered.store(ctx, args[1]);
    ctx.reply.integer(len);
    Ok(())
}
