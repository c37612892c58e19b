//! Rows of the list commands and of SORT.
//!
//! Time-outs are a millisecond: a server that waits has to answer. Where SORT leaves an order to chance (ties of texts found through a
//! pattern, sets that are not sorted), elements are compared in any order.

use super::table::Arg::{Any, Count, Index, Int, Key, Maybe, OneOf, Some, Value, Word};
use super::table::Compare::{Exact, Unordered};
use super::table::{Arg, Compare, Row};

const fn row(probe: &'static str, name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    Row { name, args, compare: Exact, weight, probe }
}

const fn compared(
    compare: Compare,
    probe: &'static str,
    name: &'static str,
    args: &'static [Arg],
    weight: u32,
) -> Row {
    Row { name, args, compare, weight, probe }
}

const END: Arg = OneOf(&[&[Word("LEFT")], &[Word("RIGHT")], &[Word("LEFT")], &[Word("RIGHT")], &[Value]]);
const SOON: Arg = Word("0.001");
const COUNT: Arg = Maybe(&[Word("COUNT"), OneOf(&[&[Count], &[Count], &[Int]])]);

const PATTERN: Arg = OneOf(&[
    &[Word("k*")],
    &[Word("k*->foo")],
    &[Word("*")],
    &[Word("*->bar")],
    &[Word("k*->")],
    &[Word("k*x")],
]);
const GET: Arg = Any(&[Word("GET"), OneOf(&[&[Word("#")], &[Word("x")], &[PATTERN], &[PATTERN]])], 2);
const LIMIT: Arg = Maybe(&[Word("LIMIT"), OneOf(&[&[Index, Index], &[Count, Count], &[Int, Int]])]);
const ORDER: Arg = Any(&[OneOf(&[&[Word("ASC")], &[Word("DESC")]])], 1);

/// The rows.
pub const ROWS: &[Row] = &[
    row("LPUSH probe v", "LPUSH", &[Key, Some(&[Value], 6)], 25),
    row("RPUSH probe v", "RPUSH", &[Key, Some(&[Value], 6)], 25),
    row("LPUSHX probe v", "LPUSHX", &[Key, Some(&[Value], 3)], 6),
    row("RPUSHX probe v", "RPUSHX", &[Key, Some(&[Value], 3)], 6),
    row("LPOP probe", "LPOP", &[Key, Maybe(&[OneOf(&[&[Count], &[Int]])])], 10),
    row("RPOP probe", "RPOP", &[Key, Maybe(&[OneOf(&[&[Count], &[Int]])])], 10),
    row("LLEN probe", "LLEN", &[Key], 5),
    row("LRANGE probe 0 1", "LRANGE", &[Key, Index, Index], 12),
    row("LRANGE probe 0 1", "LRANGE", &[Key, Word("0"), Word("-1")], 10),
    row("LINDEX probe 0", "LINDEX", &[Key, Index], 8),
    row("LSET probe 0 v", "LSET", &[Key, OneOf(&[&[Index], &[Count], &[Word("0")]]), Value], 10),
    row(
        "LINSERT probe BEFORE a b",
        "LINSERT",
        &[
            Key,
            OneOf(&[&[Word("BEFORE")], &[Word("AFTER")], &[Word("BEFORE")], &[Word("AFTER")], &[Value]]),
            Value,
            Value,
        ],
        14,
    ),
    row("LREM probe 0 v", "LREM", &[Key, OneOf(&[&[Index], &[Word("0")], &[Word("-1")], &[Int]]), Value], 12),
    row("LTRIM probe 0 1", "LTRIM", &[Key, Index, Index], 2),
    row("LTRIM probe 0 1", "LTRIM", &[Key, Word("1"), Word("-2")], 5),
    row(
        "LPOS probe v",
        "LPOS",
        &[
            Key,
            Value,
            Any(
                &[
                    OneOf(&[&[Word("RANK")], &[Word("COUNT")], &[Word("MAXLEN")]]),
                    OneOf(&[&[Word("-1")], &[Word("0")], &[Word("2")], &[Count], &[Int]]),
                ],
                3,
            ),
        ],
        12,
    ),
    row("LMOVE probe probe LEFT LEFT", "LMOVE", &[Key, Key, END, END], 12),
    row("RPOPLPUSH probe probe", "RPOPLPUSH", &[Key, Key], 8),
    row("LMPOP 1 probe LEFT", "LMPOP", &[Word("1"), Key, END, COUNT], 5),
    row("LMPOP 1 probe LEFT", "LMPOP", &[Word("2"), Key, Key, END, COUNT], 5),
    row("LMPOP 1 probe LEFT", "LMPOP", &[Int, Some(&[Key], 2), END, COUNT], 2),
    row("BLPOP probe 0.001", "BLPOP", &[Some(&[Key], 3), SOON], 2),
    row("BRPOP probe 0.001", "BRPOP", &[Some(&[Key], 3), SOON], 2),
    row("BLMOVE probe probe LEFT LEFT 0.001", "BLMOVE", &[Key, Key, END, END, SOON], 2),
    row("BRPOPLPUSH probe probe 0.001", "BRPOPLPUSH", &[Key, Key, SOON], 2),
    row("BLMPOP 0.001 1 probe LEFT", "BLMPOP", &[SOON, Word("2"), Key, Key, END, COUNT], 2),
    row("SORT probe", "SORT", &[Key, ORDER, LIMIT, GET], 8),
    row("SORT probe", "SORT", &[Key, Word("ALPHA"), ORDER, LIMIT, GET], 12),
    row("SORT probe", "SORT", &[Key, Word("BY"), PATTERN, ORDER, LIMIT, GET], 12),
    compared(Unordered, "SORT probe", "SORT", &[Key, Word("BY"), PATTERN, Word("ALPHA"), ORDER], 8),
    compared(Unordered, "SORT probe", "SORT", &[Key, Word("BY"), Word("nosort"), ORDER], 4),
    // Numbers are not stored: whether real servers take them depends on an errno that an earlier command left behind.
    row("SORT probe", "SORT", &[Key, Word("ALPHA"), ORDER, LIMIT, GET, Word("STORE"), Key], 8),
    row("SORT_RO probe", "SORT_RO", &[Key, Word("ALPHA"), ORDER, LIMIT, GET], 4),
    row("SORT_RO probe", "SORT_RO", &[Key, Word("STORE"), Key], 1),
];
