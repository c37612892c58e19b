//! The small sorted set: a block of pairs, member and score, in ascending order.
//!
//! A score is stored as Redis stores it in a listpack: an integral one between -2^62 and 2^62 as an integer (so `-0` becomes `0`), any
//! other as its shortest text. Everything walks; a block has at most a few hundred pairs.

use std::cmp::Ordering;

use crate::number::{append_f64_shortest, as_integer, parse_f64};
use crate::packed::{self, Block, Element, Packed};

use super::leaf::compare_scores;
use super::{Bound, End};

/// The score that an element stands for; 0 for what is none, which no function here stores.
pub fn score_of(element: Element) -> f64 {
    match element {
        Element::Int(value) => value as f64,
        Element::Bytes(text) => parse_f64(text).unwrap_or(0.0),
    }
}

/// Calls `use_it` with the element that stores a score.
pub fn with_score<R>(score: f64, use_it: impl FnOnce(Element) -> R) -> R {
    if let Some(integer) = as_integer(score) {
        return use_it(Element::Int(integer));
    }
    let mut text = Vec::with_capacity(32);
    append_f64_shortest(&mut text, score);
    use_it(Element::of(&text))
}

/// Size that a pair adds to a block.
pub fn pair_len(member: &[u8], score: f64) -> usize {
    Element::of(member).encoded_len() + with_score(score, |score| score.encoded_len())
}

/// The position of a member, and its score.
pub fn find(block: &[u8], member: &[u8]) -> Option<(usize, f64)> {
    let pairs = Packed::new(block);
    let at = pairs.find(Element::of(member), pairs.start(), 2)?;
    Some((at, score_of(pairs.get(pairs.after(at)?)?)))
}

/// A member's rank and score.
pub fn rank(block: &[u8], member: &[u8]) -> Option<(u64, f64)> {
    let (at, score) = find(block, member)?;
    let pairs = Packed::new(block);
    Some((pairs.iter_between(pairs.start(), at).count() as u64 / 2, score))
}

/// How many elements are before a bound.
pub fn rank_of(block: &[u8], bound: Bound) -> u64 {
    let mut rest = Packed::new(block).iter();
    let mut before = 0;
    while let (Some((_, member)), Some((_, score))) = (rest.next(), rest.next()) {
        let is_before = match bound {
            Bound::BeforeScore(bound) => score_of(score) < bound,
            Bound::AfterScore(bound) => score_of(score) <= bound,
            Bound::BeforeMember(bound) => member.cmp_text(bound).is_lt(),
            Bound::AfterMember(bound) => member.cmp_text(bound).is_le(),
        };
        if !is_before {
            break;
        }
        before += 1;
    }
    before
}

/// Adds a member that is not there. Returns its rank.
pub fn insert<B: Block + ?Sized>(block: &mut B, member: &[u8], score: f64) -> u64 {
    let pairs = Packed::new(block.bytes());
    let (mut at, mut before) = (pairs.end(), 0);
    // The highest often goes last, as in a load in order.
    if !last_is_below(pairs, member, score) {
        let mut rest = pairs.iter();
        loop {
            let here = rest.at();
            let (Some((_, there)), Some((_, there_score))) = (rest.next(), rest.next()) else { break };
            if order((there, score_of(there_score)), (member, score)).is_gt() {
                at = here;
                break;
            }
            before += 1;
        }
    } else {
        before = pairs.count() as u64 / 2;
    }
    with_score(score, |score| packed::insert_all(block, at, &[Element::of(member), score]));
    before
}

fn last_is_below(pairs: Packed, member: &[u8], score: f64) -> bool {
    let mut back = pairs.iter();
    match (back.next_back(), back.next_back()) {
        (Some((_, there_score)), Some((_, there))) => {
            order((there, score_of(there_score)), (member, score)).is_lt()
        }
        _ => true,
    }
}

fn order(there: (Element, f64), new: (&[u8], f64)) -> Ordering {
    compare_scores(there.1, new.1).then_with(|| there.0.cmp_text(new.0))
}

/// Removes a member. Returns its score.
pub fn remove<B: Block + ?Sized>(block: &mut B, member: &[u8]) -> Option<f64> {
    let (at, score) = find(block.bytes(), member)?;
    packed::remove(block, at, 2);
    Some(score)
}

/// Adds a member or gives it another score. Returns the old one.
pub fn set<B: Block + ?Sized>(block: &mut B, member: &[u8], score: f64) -> Option<f64> {
    let old = find(block.bytes(), member);
    if let Some((at, there)) = old {
        if there == score {
            return Some(there);
        }
        packed::remove(block, at, 2);
    }
    insert(block, member, score);
    old.map(|(_, score)| score)
}

/// Removes the element at an end after showing it to `take`. `None` if there is none.
pub fn pop<B: Block + ?Sized, R>(block: &mut B, end: End, take: impl FnOnce(Element, f64) -> R) -> Option<R> {
    let pairs = Packed::new(block.bytes());
    let at = match end {
        End::Min => pairs.start(),
        End::Max => pairs.before(pairs.before(pairs.end())?)?,
    };
    let member = pairs.get(at)?;
    let taken = take(member, score_of(pairs.get(pairs.after(at)?)?));
    packed::remove(block, at, 2);
    Some(taken)
}

/// Removes the elements with ranks `from` up to `to`. Returns how many.
pub fn remove_range<B: Block + ?Sized>(block: &mut B, from: u64, to: u64) -> u64 {
    let pairs = Packed::new(block.bytes());
    let to = to.min(pairs.count() as u64 / 2);
    if from >= to {
        return 0;
    }
    match pairs.position(from as usize * 2) {
        Some(at) => packed::remove(block, at, (to - from) as usize * 2) as u64 / 2,
        None => 0,
    }
}
