//! Unions, intersections and differences of sorted sets and sets: what ZUNION, ZINTER, ZDIFF, their STORE forms and ZINTERCARD share.
//!
//! A set takes part as a sorted set in which every score is 1. Inputs are looked at in place, all locked by the command.

use engine::{Args, Argument, ArgumentKind, Ctx, Error};
use keyspace::ValueRef;
use value::packed::Element;
use value::set::SetRef;
use value::zset::ZsetRef;

use crate::number::{double, integer};
use crate::zset::place::{Gathered, beside};
use crate::zset::reply::{Layout, List};

/// `WEIGHTS weight [weight ...]`
pub(super) const WEIGHTS: Argument =
    Argument::new("weight", ArgumentKind::Integer).after("WEIGHTS").optional().multiple();

/// `AGGREGATE SUM | MIN | MAX`
pub(super) const AGGREGATE: Argument = Argument::one_of(
    "aggregate",
    &[Argument::token("sum", "SUM"), Argument::token("min", "MIN"), Argument::token("max", "MAX")],
)
.after("AGGREGATE")
.optional();

/// What is made of the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// What is in any of them.
    Union,
    /// What is in all of them.
    Intersection,
    /// What is in the first and in no other.
    Difference,
}

/// What is done with the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is listed.
    List,
    /// It is stored.
    Store,
    /// It is counted.
    Count,
}

/// What becomes of the scores that a member has in several inputs.
#[derive(Clone, Copy, Debug)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            // Opposite infinities.
            Aggregate::Sum => number_or_zero(a + b),
            Aggregate::Min => {
                if b < a {
                    b
                } else {
                    a
                }
            }
            Aggregate::Max => {
                if b > a {
                    b
                } else {
                    a
                }
            }
        }
    }
}

fn number_or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// The parsed options of a request.
pub(super) struct Combine<'a> {
    operation: Operation,
    keys: Args<'a>,
    /// One for each key.
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
    /// Where counting ends; never if 0.
    limit: u64,
}

/// One input.
#[derive(Clone, Copy)]
enum Input<'d> {
    None,
    Set(SetRef<'d>),
    Zset(ZsetRef<'d>),
}

impl<'d> Input<'d> {
    fn len(self) -> u64 {
        match self {
            Input::None => 0,
            Input::Set(set) => set.len(),
            Input::Zset(zset) => zset.len(),
        }
    }

    fn score(self, member: Element<'_>) -> Option<f64> {
        match self {
            Input::None => None,
            Input::Set(set) => set.contains_element(member).then_some(1.0),
            Input::Zset(zset) => zset.score(member.text(&mut None)),
        }
    }

    /// Shows all members until `show` says no.
    fn all(self, mut show: impl FnMut(Element<'d>, f64) -> bool) {
        match self {
            Input::None => {}
            Input::Set(set) => _ = set.iter().all(|member| show(member, 1.0)),
            Input::Zset(zset) => _ = zset.iter_from(0).all(|(member, score)| show(member, score)),
        }
    }
}

impl<'a> Combine<'a> {
    /// Parses `numkeys key [key ...]` and the options behind, and refuses keys of other types where Redis does: before the options.
    pub(super) fn parse(
        ctx: &mut Ctx<'_>,
        name: &str,
        args: Args<'a>,
        operation: Operation,
        purpose: Purpose,
    ) -> Result<Combine<'a>, Error> {
        let [number, rest @ ..] = args else { return Err(Error::SYNTAX) };
        let number = integer(number)?;
        if number < 1 {
            return Err(Error::new(format!("ERR at least 1 input key is needed for '{name}' command")));
        }
        let (keys, mut rest) = usize::try_from(number)
            .ok()
            .and_then(|number| rest.split_at_checked(number))
            .ok_or(Error::SYNTAX)?;
        for key in keys {
            match ctx.data.read(key).map(|view| view.value) {
                None | Some(ValueRef::Set(_) | ValueRef::Zset(_)) => {}
                Some(_) => return Err(Error::WRONG_TYPE),
            }
        }
        let mut combine = Combine {
            operation,
            keys,
            weights: vec![1.0; keys.len()],
            aggregate: Aggregate::Sum,
            with_scores: false,
            limit: 0,
        };
        let has_scores = operation != Operation::Difference && purpose != Purpose::Count;
        while let [word, behind @ ..] = rest {
            rest = match (word.to_ascii_lowercase().as_slice(), behind) {
                (b"weights", _) if has_scores && behind.len() >= keys.len() => {
                    let (weights, behind) = behind.split_at(keys.len());
                    for (weight, text) in combine.weights.iter_mut().zip(weights) {
                        *weight =
                            double(text).map_err(|_| Error::fixed("ERR weight value is not a float"))?;
                    }
                    behind
                }
                (b"aggregate", [how, behind @ ..]) if has_scores => {
                    combine.aggregate = match how.to_ascii_lowercase().as_slice() {
                        b"sum" => Aggregate::Sum,
                        b"min" => Aggregate::Min,
                        b"max" => Aggregate::Max,
                        _ => return Err(Error::SYNTAX),
                    };
                    behind
                }
                (b"withscores", _) if purpose == Purpose::List => {
                    combine.with_scores = true;
                    behind
                }
                (b"limit", [limit, behind @ ..]) if purpose == Purpose::Count => {
                    let limit = integer(limit).ok().and_then(|limit| u64::try_from(limit).ok());
                    combine.limit = limit.ok_or(Error::fixed("ERR LIMIT can't be negative"))?;
                    behind
                }
                _ => return Err(Error::SYNTAX),
            };
        }
        Ok(combine)
    }

    /// The inputs with their weights; smallest first unless the order matters.
    fn inputs<'d>(&self, ctx: &'d Ctx<'_>) -> Vec<(Input<'d>, f64)> {
        let input = |key: &[u8]| match beside(&ctx.data, key).map(|view| view.value) {
            Some(ValueRef::Set(set)) => Input::Set(set),
            Some(ValueRef::Zset(zset)) => Input::Zset(zset),
            _ => Input::None,
        };
        let mut inputs: Vec<_> =
            self.keys.iter().zip(&self.weights).map(|(key, &weight)| (input(key), weight)).collect();
        if self.operation != Operation::Difference {
            // Redis does so for unions too, which decides in which order scores are added.
            inputs.sort_by_key(|(input, _)| input.len());
        }
        inputs
    }

    fn gather(&self, ctx: &Ctx<'_>) -> Gathered {
        let inputs = self.inputs(ctx);
        let mut gathered = Gathered::default();
        match self.operation {
            Operation::Union => {
                for (input, weight) in inputs {
                    input.all(|member, score| {
                        gathered.push(member, number_or_zero(weight * score));
                        true
                    });
                }
                gathered.unite(|a, b| self.aggregate.of(a, b));
            }
            Operation::Intersection => self.common(&inputs, |member, score| {
                gathered.push(member, score);
                true
            }),
            Operation::Difference => {
                if let [(first, _), others @ ..] = inputs.as_slice() {
                    first.all(|member, score| {
                        if others.iter().all(|(other, _)| other.score(member).is_none()) {
                            gathered.push(member, score);
                        }
                        true
                    });
                }
            }
        }
        gathered.sort();
        gathered
    }

    /// Shows what all inputs have until `show` says no.
    fn common(&self, inputs: &[(Input<'_>, f64)], mut show: impl FnMut(Element<'_>, f64) -> bool) {
        let [(first, weight), others @ ..] = inputs else { return };
        first.all(|member, score| {
            let first_score = number_or_zero(weight * score);
            let score = others.iter().try_fold(first_score, |sum, (other, weight)| {
                Some(self.aggregate.of(sum, other.score(member)? * weight))
            });
            score.is_none_or(|score| show(member, score))
        });
    }

    /// Lists the result.
    pub(super) fn list(self, ctx: &mut Ctx<'_>) {
        let gathered = self.gather(ctx);
        let layout = Layout::with_scores(self.with_scores, ctx.reply.protocol());
        let mut list = List::begin(ctx.reply.write(), layout, gathered.len());
        gathered.iter().for_each(|(member, score)| list.push(Element::Bytes(member), score));
    }

    /// Makes the result the value of a key.
    pub(super) fn store(self, ctx: &mut Ctx<'_>, key: &[u8]) {
        let len = self.gather(ctx).store(ctx, key);
        ctx.reply.integer(len);
    }

    /// Counts what all inputs have.
    pub(super) fn count(self, ctx: &mut Ctx<'_>) {
        let mut count = 0;
        self.common(&self.inputs(ctx), |_, _| {
            count += 1;
            count != self.limit
        });
        ctx.reply.integer(count as i64);
    }
}
