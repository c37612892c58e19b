//! The sets among what the oracle can send. Members come in any order; what is chosen at random is compared where there is only one choice.

use super::table::Arg::{self, Any, Count, Glob, Index, Int, Key, Maybe, OneOf, Some, Value, Word};
use super::table::Compare::{self, Exact, Scan, Shape, Unordered};
use super::table::Row;

const fn row(name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    compared(Exact, name, args, weight)
}

const fn compared(compare: Compare, name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    Row { name, args, compare, weight, probe: "" }
}

/// Words that many requests share, so that sets have something in common.
const MEMBER: Arg = OneOf(&[
    &[Value],
    &[OneOf(&[&[Word("1")], &[Word("2")], &[Word("3")], &[Word("-7")], &[Word("32768")]])],
    &[Count],
    &[Index],
]);

/// All rows.
pub const ROWS: &[Row] = &[
    row("SADD", &[Key, Some(&[MEMBER], 12)], 60),
    row("SADD", &[Key, Some(&[Count], 20)], 20),
    row("SREM", &[Key, Some(&[MEMBER], 6)], 25),
    row("SCARD", &[Key], 15),
    row("SISMEMBER", &[Key, MEMBER], 15),
    row("SMISMEMBER", &[Key, Some(&[MEMBER], 5)], 15),
    compared(Unordered, "SMEMBERS", &[Key], 20),
    row("SMOVE", &[Key, Key, MEMBER], 25),
    compared(Unordered, "SINTER", &[Some(&[Key], 3)], 15),
    compared(Unordered, "SUNION", &[Some(&[Key], 4)], 15),
    compared(Unordered, "SDIFF", &[Some(&[Key], 4)], 15),
    row("SINTERSTORE", &[Key, Some(&[Key], 3)], 15),
    row("SUNIONSTORE", &[Key, Some(&[Key], 3)], 15),
    row("SDIFFSTORE", &[Key, Some(&[Key], 5)], 15),
    row("SINTERCARD", &[OneOf(&[&[Word("1")], &[Word("2")], &[Int]]), Some(&[Key], 3)], 10),
    row("SINTERCARD", &[Word("1"), Key, Any(&[Word("LIMIT"), OneOf(&[&[Count], &[Int]])], 2)], 10),
    // More than any set here has: all members come, and nothing is left.
    compared(Unordered, "SPOP", &[Key, Word("100000")], 4),
    row("SPOP", &[Key, OneOf(&[&[Word("0")], &[Word("x")], &[Word("-1")], &[Word("1"), Word("1")]])], 4),
    compared(Unordered, "SRANDMEMBER", &[Key, Word("100000")], 8),
    compared(
        Shape,
        "SRANDMEMBER",
        &[Key, Maybe(&[OneOf(&[&[Count], &[Word("-3")], &[Word("x")], &[Word("1"), Word("1")]])])],
        8,
    ),
    compared(
        Scan,
        "SSCAN",
        &[Key, Any(&[OneOf(&[&[Word("MATCH"), Glob], &[Word("COUNT"), OneOf(&[&[Count], &[Int]])]])], 2)],
        15,
    ),
    compared(Shape, "SSCAN", &[Key, Int, Any(&[Value, Value], 2)], 5),
    row("OBJECT ENCODING", &[Key], 20),
];
