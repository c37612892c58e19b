//! Rows of the stream commands that need no group.
//!
//! IDs are spelled out, so that both servers give the same; those that grow with every request (`ms-*`) take their time from a few.
//! Left out is what servers disagree about: whether XREAD's `+` means an entry that is deleted, and whether XSETID may go back behind a
//! deleted one.

use super::table::Arg::{Any, Count, Int, Key, Maybe, OneOf, Some, Value, Word};
use super::table::{Arg, Compare, Row};

const fn row(probe: &'static str, name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    Row { name, args, compare: Compare::Exact, weight, probe }
}

/// A time that goes on: the later ones are rarely taken, so that IDs go on ascending for a while.
const TIME: Arg = OneOf(&[
    &[Word("1-*")],
    &[Word("1-*")],
    &[Word("2-*")],
    &[Word("3-*")],
    &[Word("7-*")],
    &[Word("7-*")],
    &[Word("7-*")],
    &[Word("7-*")],
    &[Word("300-*")],
]);

/// An ID that may well be there.
const ID: Arg = OneOf(&[
    &[Word("1-0")],
    &[Word("1-1")],
    &[Word("2")],
    &[Word("3-2")],
    &[Word("7-0")],
    &[Word("7-1")],
    &[Word("7-3")],
    &[Word("7-5")],
    &[Word("7-11")],
    &[Word("7-30")],
    &[Word("7-60")],
    &[Word("300-1")],
    &[Word("300-20")],
]);

/// The same, now and then something else.
const ANY_ID: Arg = OneOf(&[
    &[ID],
    &[ID],
    &[ID],
    &[ID],
    &[Word("0")],
    &[Word("0-0")],
    &[Word("18446744073709551615")],
    &[Word("18446744073709551615-18446744073709551615")],
    &[Word("7-")],
    &[Word("-")],
    &[Int],
    &[Value],
]);

/// An end of a range.
const END: Arg = OneOf(&[
    &[Word("-")],
    &[Word("+")],
    &[ID],
    &[ID],
    &[Word("7")],
    &[Word("(7")],
    &[Word("(7-3")],
    &[Word("(1-1")],
    &[Word("(0-0")],
    &[Word("(18446744073709551615-18446744073709551615")],
    &[Word("(")],
    &[ANY_ID],
]);

const COUNT: Arg = Any(&[Word("COUNT"), OneOf(&[&[Count], &[Count], &[Int]])], 1);
const EQUAL: Arg = Maybe(&[OneOf(&[&[Word("=")], &[Word("~")]])]);
const LIMIT: Arg = Maybe(&[Word("LIMIT"), OneOf(&[&[Count], &[Word("0")], &[Int]])]);
const TRIM: Arg = OneOf(&[
    &[Word("MAXLEN"), EQUAL, OneOf(&[&[Count], &[Word("20")], &[Word("12")], &[Int]])],
    &[Word("MINID"), EQUAL, OneOf(&[&[ID], &[ID], &[ANY_ID]])],
    &[Word("MAXLEN"), Word("~"), OneOf(&[&[Count], &[Word("20")]]), LIMIT],
    &[Word("MINID"), Word("~"), ID, LIMIT],
]);
const PAIRS: Arg = OneOf(&[
    &[Word("name"), Value, Word("n"), Count],
    &[Word("name"), Value, Word("n"), Count],
    &[Some(&[Value, Value], 3)],
]);
const STREAMS: Arg = OneOf(&[
    &[Word("STREAMS"), Key, OneOf(&[&[ID], &[ANY_ID], &[Word("$")]])],
    &[Word("STREAMS"), Key, Key, ID, ID],
    &[Word("STREAMS"), Key, Key, ANY_ID, ANY_ID],
    &[Word("STREAMS"), Key, Key, Key, Word("0"), Word("$"), ID],
    &[Word("STREAMS"), Key, OneOf(&[&[Word(">")], &[Word("$"), Word("$")]])],
    &[OneOf(&[&[Word("NOACK")], &[Word("GROUP"), Value, Value], &[Value]]), Word("STREAMS"), Key, Word("0")],
]);

/// The rows.
pub const ROWS: &[Row] = &[
    row("XADD probe 1 a b", "XADD", &[Key, TIME, PAIRS], 45),
    row("XADD probe 1 a b", "XADD", &[Key, Word("NOMKSTREAM"), TIME, PAIRS], 10),
    row("XADD probe 1 a b", "XADD", &[Key, TRIM, TIME, PAIRS], 20),
    row("XADD probe 1 a b", "XADD", &[Key, Any(&[TRIM], 2), OneOf(&[&[TIME], &[ANY_ID]]), PAIRS], 8),
    row("XLEN probe", "XLEN", &[Key], 5),
    row("XRANGE probe - +", "XRANGE", &[Key, END, END, COUNT], 25),
    row("XRANGE probe - +", "XRANGE", &[Key, Word("-"), Word("+")], 10),
    row("XREVRANGE probe + -", "XREVRANGE", &[Key, END, END, COUNT], 25),
    row("XDEL probe 1", "XDEL", &[Key, Some(&[ID], 4)], 14),
    row("XDEL probe 1", "XDEL", &[Key, Some(&[ANY_ID], 3)], 3),
    row("XTRIM probe MAXLEN 1000", "XTRIM", &[Key, TRIM], 14),
    row("XTRIM probe MAXLEN 1000", "XTRIM", &[Key, Any(&[TRIM], 2), LIMIT], 2),
    row("XREAD STREAMS probe 0", "XREAD", &[COUNT, STREAMS], 25),
    row("XREAD STREAMS probe 0", "XREAD", &[COUNT, Word("BLOCK"), Word("1"), Word("STREAMS"), Key, ID], 2),
    row("XINFO STREAM k", "XINFO STREAM", &[Key], 12),
    // With groups there are times in it.
    Row { compare: Compare::Shape, ..row("XINFO STREAM k", "XINFO STREAM", &[Key, Word("FULL"), COUNT], 12) },
    row("XINFO STREAM k", "XINFO STREAM", &[Key, Any(&[Value], 2)], 2),
    row(
        "XSETID probe 1",
        "XSETID",
        &[
            Key,
            OneOf(&[&[Word("300-900")], &[Word("400")], &[Value]]),
            Maybe(&[Word("ENTRIESADDED"), OneOf(&[&[Count], &[Word("500")], &[Int]])]),
            Maybe(&[Word("MAXDELETEDID"), ANY_ID]),
        ],
        2,
    ),
];
