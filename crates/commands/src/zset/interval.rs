//! Ranges of ranks, scores and texts: their syntax, and which ranks of a sorted set they are.
//!
//! Texts are meant for sorted sets in which all scores are equal. Where they are not, a small one is searched as Redis searches a listpack, and a
//! large one among the members of the lowest score; Redis's answer then depends on chance.

use std::ops::Range;

use engine::Error;
use value::number::parse_f64_bound;
use value::packed::Element;
use value::zset::{Bound, ZsetRef};

use crate::number::integer;

const NOT_SCORES: Error = Error::fixed("ERR min or max is not a float");
const NOT_TEXTS: Error = Error::fixed("ERR min or max not valid string range item");

/// Which order a range is listed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// From the lowest score.
    Ascending,
    /// From the highest.
    Descending,
}

/// Part of a sorted set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Interval<'a> {
    /// From a rank to a rank, both included; counted from the end if negative.
    Ranks(i64, i64),
    /// From a score to a score.
    Scores(ScoreEdge, ScoreEdge),
    /// From a text to a text.
    Texts(TextEdge<'a>, TextEdge<'a>),
}

/// An end of a range of scores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScoreEdge {
    score: f64,
    is_excluded: bool,
}

/// An end of a range of texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TextEdge<'a> {
    /// `-`: before every text.
    Lowest,
    /// This one, and whether it is excluded.
    At(&'a [u8], bool),
    /// `+`: behind every text.
    Highest,
}

impl ScoreEdge {
    /// `5`, `(5`, `-inf`.
    fn parse(arg: &[u8]) -> Result<ScoreEdge, Error> {
        let (text, is_excluded) = match arg {
            [b'(', rest @ ..] => (rest, true),
            _ => (arg, false),
        };
        Ok(ScoreEdge { score: parse_f64_bound(text).ok_or(NOT_SCORES)?, is_excluded })
    }

    /// Just this score.
    pub(crate) fn included(score: f64) -> ScoreEdge {
        ScoreEdge { score, is_excluded: false }
    }

    /// Without this score.
    pub(crate) fn excluded(score: f64) -> ScoreEdge {
        ScoreEdge { score, is_excluded: true }
    }
}

impl<'a> TextEdge<'a> {
    /// `[a`, `(a`, `-`, `+`.
    fn parse(arg: &'a [u8]) -> Result<TextEdge<'a>, Error> {
        match arg {
            [b'['] => Ok(TextEdge::At(&[], false)),
            [b'[', rest @ ..] => Ok(TextEdge::At(rest, false)),
            [b'(', rest @ ..] => Ok(TextEdge::At(rest, true)),
            // Redis looks for the end of a C string there.
            [b'-'] | [b'-', 0, ..] => Ok(TextEdge::Lowest),
            [b'+'] | [b'+', 0, ..] => Ok(TextEdge::Highest),
            _ => Err(NOT_TEXTS),
        }
    }

    /// Whether a member is not before this edge.
    fn is_reached_by(self, member: Element<'_>) -> bool {
        match self {
            TextEdge::Lowest => true,
            TextEdge::At(text, is_excluded) => {
                let order = member.cmp_text(text);
                order.is_gt() || (order.is_eq() && !is_excluded)
            }
            TextEdge::Highest => false,
        }
    }

    /// Whether a member is not behind this edge.
    fn is_kept_by(self, member: Element<'_>) -> bool {
        match self {
            TextEdge::Lowest => false,
            TextEdge::At(text, is_excluded) => {
                let order = member.cmp_text(text);
                order.is_lt() || (order.is_eq() && !is_excluded)
            }
            TextEdge::Highest => true,
        }
    }
}

impl<'a> Interval<'a> {
    /// `start stop` as ranks.
    pub(crate) fn ranks(start: &[u8], stop: &[u8]) -> Result<Interval<'a>, Error> {
        Ok(Interval::Ranks(integer(start)?, integer(stop)?))
    }

    /// `min max` as scores.
    pub(crate) fn scores(min: &[u8], max: &[u8]) -> Result<Interval<'a>, Error> {
        Ok(Interval::Scores(ScoreEdge::parse(min)?, ScoreEdge::parse(max)?))
    }

    /// `min max` as texts.
    pub(crate) fn texts(min: &'a [u8], max: &'a [u8]) -> Result<Interval<'a>, Error> {
        Ok(Interval::Texts(TextEdge::parse(min)?, TextEdge::parse(max)?))
    }

    /// The ranks, from the lowest score up, of what is in the range when it is listed in this order.
    pub(crate) fn of(self, zset: ZsetRef<'_>, order: Order) -> Range<u64> {
        match self {
            Interval::Ranks(start, stop) => ranks_of(start, stop, zset.len(), order),
            Interval::Scores(min, max) => {
                if min.score > max.score || (min.score == max.score && (min.is_excluded || max.is_excluded)) {
                    return 0..0;
                }
                let before = |score| zset.rank_of(Bound::BeforeScore(score));
                let after = |score| zset.rank_of(Bound::AfterScore(score));
                let from = if min.is_excluded { after(min.score) } else { before(min.score) };
                let to = if max.is_excluded { before(max.score) } else { after(max.score) };
                from..to.max(from)
            }
            Interval::Texts(min, max) if is_empty(min, max) => 0..0,
            Interval::Texts(min, max) => match zset {
                ZsetRef::Small(_) => searched(zset, min, max, order),
                ZsetRef::Large(_) => {
                    let from = match min {
                        TextEdge::Lowest => 0,
                        TextEdge::At(text, false) => zset.rank_of(Bound::BeforeMember(text)),
                        TextEdge::At(text, true) => zset.rank_of(Bound::AfterMember(text)),
                        TextEdge::Highest => zset.len(),
                    };
                    let to = match max {
                        TextEdge::Lowest => 0,
                        TextEdge::At(text, false) => zset.rank_of(Bound::AfterMember(text)),
                        TextEdge::At(text, true) => zset.rank_of(Bound::BeforeMember(text)),
                        TextEdge::Highest => zset.len(),
                    };
                    from..to.max(from)
                }
            },
        }
    }
}

/// Ranks counted from the end that the order begins with.
fn ranks_of(start: i64, stop: i64, len: u64, order: Order) -> Range<u64> {
    let len = len as i64;
    let from_start = |rank: i64| if rank < 0 { rank.saturating_add(len) } else { rank };
    let (start, stop) = (from_start(start).max(0), from_start(stop).min(len - 1));
    if start > stop || start >= len {
        return 0..0;
    }
    match order {
        Order::Ascending => start as u64..stop as u64 + 1,
        Order::Descending => (len - 1 - stop) as u64..(len - start) as u64,
    }
}

fn is_empty(min: TextEdge<'_>, max: TextEdge<'_>) -> bool {
    match (min, max) {
        (TextEdge::At(a, no_a), TextEdge::At(b, no_b)) => a > b || (a == b && (no_a || no_b)),
        (TextEdge::Lowest, TextEdge::Lowest) | (TextEdge::Highest, _) => true,
        (TextEdge::At(..), TextEdge::Lowest) => true,
        _ => false,
    }
}

/// As a listpack is searched, whatever the scores are: the first member that reaches one edge, and those behind it while the other edge keeps them.
fn searched(zset: ZsetRef<'_>, min: TextEdge<'_>, max: TextEdge<'_>, order: Order) -> Range<u64> {
    let first = zset.get(0).is_some_and(|(member, _)| max.is_kept_by(member));
    let last = zset.len().checked_sub(1).and_then(|rank| zset.get(rank));
    if !first || !last.is_some_and(|(member, _)| min.is_reached_by(member)) {
        return 0..0;
    }
    match order {
        Order::Ascending => {
            let before =
                zset.iter_from(0).take_while(|(member, _)| !min.is_reached_by(*member)).count() as u64;
            let inside =
                zset.iter_from(before).take_while(|(member, _)| max.is_kept_by(*member)).count() as u64;
            before..before + inside
        }
        Order::Descending => {
            let highest = zset.len() - 1;
            let behind =
                zset.iter_back_from(highest).take_while(|(member, _)| !max.is_kept_by(*member)).count()
                    as u64;
            let to = zset.len() - behind;
            let Some(top) = to.checked_sub(1) else { return 0..0 };
            let inside =
                zset.iter_back_from(top).take_while(|(member, _)| min.is_reached_by(*member)).count() as u64;
            to - inside..to
        }
    }
}
