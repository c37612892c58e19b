//! ZADD, ZINCRBY: members and their scores.

use engine::{
    Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, KeyFlags, KeySpec,
};

use crate::number::double;
use crate::zset::place::{self, Limits, Outcome};
use crate::zset::reply;

const NOT_A_NUMBER: Error = Error::fixed("ERR resulting score is not a number (NaN)");

/// `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]`
pub static ZADD: Command = Command {
    name: "zadd",
    member: 3,
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Adds members with scores to a sorted set, or changes the scores of those that are there.",
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
        history: &[
            ("2.4.0", "Several members at once."),
            ("3.0.2", "XX, NX, CH and INCR."),
            ("6.2.0", "GT and LT."),
        ],
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::one_of("condition", &[Argument::token("nx", "NX"), Argument::token("xx", "XX")])
            .optional()
            .since("3.0.2"),
        Argument::one_of("comparison", &[Argument::token("gt", "GT"), Argument::token("lt", "LT")])
            .optional()
            .since("6.2.0"),
        Argument::token("change", "CH").optional().since("3.0.2"),
        Argument::token("increment", "INCR").optional().since("3.0.2"),
        Argument::block(
            "data",
            &[Argument::new("score", ArgumentKind::Double), Argument::new("member", ArgumentKind::String)],
        )
        .multiple(),
    ],
    execute: |ctx, args| Add::parse(args, false)?.execute(ctx),
    ..Command::DEFAULT
};

/// `ZINCRBY key increment member`
pub static ZINCRBY: Command = Command {
    name: "zincrby",
    member: 3,
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    docs: Docs {
        summary: "Adds to a member's score, which is 0 if the member is not there.",
        since: "1.2.0",
        group: Group::SortedSet,
        complexity: "O(log(N)) where N is the number of elements in the sorted set.",
        ..Docs::NONE
    },
    arguments: &[
        Argument::key(),
        Argument::new("increment", ArgumentKind::Integer),
        Argument::new("member", ArgumentKind::String),
    ],
    execute: |ctx, args| Add::parse(args, true)?.execute(ctx),
    ..Command::DEFAULT
};

/// A parsed request.
pub(crate) struct Add<'a> {
    key: &'a [u8],
    conditions: Conditions,
    /// Whether the score is added to the present one, and the new one is the reply.
    increments: bool,
    /// Whether changed scores are counted besides new members.
    counts_changes: bool,
    scores: Vec<f64>,
    /// Score, member, score, member.
    pairs: Args<'a>,
}

/// When a member's score may be set.
#[derive(Clone, Copy, Default)]
struct Conditions {
    /// Only if it is not there.
    is_new: bool,
    /// Only if it is there.
    is_old: bool,
    /// Only to a higher one, if it is there.
    is_greater: bool,
    /// Only to a lower one, if it is there.
    is_less: bool,
}

impl<'a> Add<'a> {
    pub(crate) fn parse(args: Args<'a>, mut increments: bool) -> Result<Add<'a>, Error> {
        let mut conditions = Conditions::default();
        let mut counts_changes = false;
        let mut pairs = &args[2..];
        while let [word, rest @ ..] = pairs {
            match word.to_ascii_lowercase().as_slice() {
                b"nx" => conditions.is_new = true,
                b"xx" => conditions.is_old = true,
                b"ch" => counts_changes = true,
                b"incr" => increments = true,
                b"gt" => conditions.is_greater = true,
                b"lt" => conditions.is_less = true,
                _ => break,
            }
            pairs = rest;
        }
        if pairs.is_empty() || pairs.len() % 2 == 1 {
            return Err(Error::SYNTAX);
        }
        let Conditions { is_new, is_old, is_greater, is_less } = conditions;
        if is_new && is_old {
            return Err(Error::fixed("ERR XX and NX options at the same time are not compatible"));
        }
        if (is_new && (is_greater || is_less)) || (is_greater && is_less) {
            return Err(Error::fixed("ERR GT, LT, and/or NX options at the same time are not compatible"));
        }
        if increments && pairs.len() > 2 {
            return Err(Error::fixed("ERR INCR option supports a single increment-element pair"));
        }
        // All before the first is set, so that a wrong one changes nothing.
        let scores = pairs.iter().step_by(2).map(|score| double(score)).collect::<Result<_, _>>()?;
        Ok(Add { key: args[1], conditions, increments, counts_changes, scores, pairs })
    }

    pub(crate) fn execute(self, ctx: &mut Ctx<'_>) -> Result<(), Error> {
        let limits = Limits::of(ctx.config);
        let first = self.pairs.get(1).map_or(0, |member| member.len());
        let opened = if self.conditions.is_old {
            let mut place = place::existing(&mut ctx.data, self.key, limits)?;
            if let Some(place) = &mut place {
                place.expect(self.scores.len());
            }
            place
        } else {
            Some(place::open(&mut ctx.data, self.key, limits, self.scores.len(), first)?)
        };
        let (mut added, mut changed, mut new_score) = (0, 0, None);
        if let Some(mut place) = opened {
            let members = self.pairs.iter().skip(1).step_by(2);
            for (member, &score) in members.zip(&self.scores) {
                let (old, outcome) =
                    place.change(member, |old| self.conditions.outcome(old, score, self.increments));
                match (old, outcome) {
                    (_, Outcome::NotANumber) => {
                        place.close();
                        return Err(NOT_A_NUMBER);
                    }
                    (_, Outcome::Keep) => {}
                    (None, Outcome::Set(score)) => {
                        added += 1;
                        new_score = Some(score);
                    }
                    (Some(old), Outcome::Set(score)) => {
                        changed += u64::from(old != score);
                        new_score = Some(score);
                    }
                }
            }
            place.close();
        }
        ctx.data.dirty += added + changed;
        match (self.increments, new_score) {
            (true, Some(score)) => reply::score(&mut ctx.reply.write(), score),
            (true, None) => ctx.reply.null(),
            (false, _) => {
                ctx.reply.integer((if self.counts_changes { added + changed } else { added }) as i64);
            }
        }
        Ok(())
    }
}

impl Conditions {
    fn outcome(self, old: Option<f64>, score: f64, increments: bool) -> Outcome {
        let Some(old) = old else {
            return if self.is_old { Outcome::Keep } else { Outcome::Set(score) };
        };
        if self.is_new {
            return Outcome::Keep;
        }
        let score = if increments { old + score } else { score };
        if score.is_nan() {
            return Outcome::NotANumber;
        }
        if (self.is_greater && score <= old) || (self.is_less && score >= old) {
            return Outcome::Keep;
        }
        Outcome::Set(score)
    }
}
