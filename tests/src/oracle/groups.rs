//! Rows of the stream commands on consumer groups.
//!
//! Idle times are what servers' clocks make them. Left out is what a server of 7.0 tells otherwise: the list of consumers, which got a
//! field with 7.2, and groups that claim to have read more entries than there were, which have another lag since.

use super::table::Arg::{Any, Count, Int, Key, Maybe, OneOf, Some, Value, Word};
use super::table::{Arg, Compare, Row};

const fn row(name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    Row { name, args, compare: Compare::Exact, weight, probe: "" }
}

/// Since 7.2 a consumer that claims is made whether it gets something or not; what is there only since then is sent as a probe.
const fn claims(name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    Row { probe: "CLIENT NO-TOUCH ON", ..row(name, args, weight) }
}

/// Before 7.2 a group that is said to have read nothing counts entries that were deleted before it could read them: its lag is longer
/// and what it has read less, as long as it is there.
const fn counted(name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    claims(name, args, weight)
}

/// Of a reply with idle times.
const fn timed(name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    Row { name, args, compare: Compare::Shape, weight, probe: "" }
}

/// Of a command that older servers do not have.
const fn newer(probe: &'static str, name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    Row { probe, ..row(name, args, weight) }
}

const REFERENCES: Arg = Maybe(&[OneOf(&[&[Word("KEEPREF")], &[Word("DELREF")], &[Word("ACKED")]])]);
const GROUP: Arg = OneOf(&[&[Word("g")], &[Word("g")], &[Word("g")], &[Word("h")], &[Word("h")], &[Value]]);
const CONSUMER: Arg = OneOf(&[&[Word("c")], &[Word("d")], &[Word("e")], &[Value]]);

/// An ID that may well be there.
const ID: Arg = OneOf(&[
    &[Word("1-0")],
    &[Word("1-1")],
    &[Word("2-0")],
    &[Word("3-2")],
    &[Word("7-0")],
    &[Word("7-1")],
    &[Word("7-3")],
    &[Word("7-5")],
    &[Word("7-11")],
    &[Word("300-1")],
]);

const ANY_ID: Arg = OneOf(&[&[ID], &[ID], &[ID], &[ID], &[ID], &[Word("0")], &[Word("-")], &[Int], &[Value]]);
const GROUP_ID: Arg = OneOf(&[&[Word("0")], &[Word("0")], &[Word("$")], &[ID], &[ANY_ID]]);
const READ: Arg =
    Maybe(&[Word("ENTRIESREAD"), OneOf(&[&[Word("0")], &[Word("-1")], &[Word("-2")], &[Value]])]);
const READ_UNKNOWN: Arg = Maybe(&[Word("ENTRIESREAD"), OneOf(&[&[Word("-1")], &[Word("-2")], &[Word("x")]])]);
const END: Arg = OneOf(&[&[Word("-")], &[Word("+")], &[ID], &[Word("(7-1")], &[ANY_ID]]);
const COUNT: Arg = Maybe(&[Word("COUNT"), OneOf(&[&[Count], &[Count], &[Count], &[Int]])]);
/// Nothing is idle for that long, everything is for no time.
const IDLE: Arg =
    OneOf(&[&[Word("0")], &[Word("0")], &[Word("0")], &[Word("-5")], &[Word("100000000")], &[Value]]);
const FROM: Arg = OneOf(&[&[Word(">")], &[Word(">")], &[Word(">")], &[Word("0")], &[ID], &[ANY_ID]]);
const CLAIM: Arg = Any(
    &[OneOf(&[
        &[Word("FORCE")],
        &[Word("JUSTID")],
        &[Word("IDLE"), Count],
        &[Word("TIME"), Count],
        &[Word("RETRYCOUNT"), OneOf(&[&[Count], &[Int]])],
        &[Word("LASTID"), ANY_ID],
        &[Value],
    ])],
    3,
);

/// The rows.
pub const ROWS: &[Row] = &[
    row("XGROUP CREATE", &[Key, GROUP, GROUP_ID], 30),
    row("XGROUP CREATE", &[Key, GROUP, GROUP_ID, Maybe(&[Word("MKSTREAM")]), READ_UNKNOWN], 5),
    counted("XGROUP CREATE", &[Key, GROUP, GROUP_ID, Maybe(&[Word("MKSTREAM")]), READ], 10),
    row("XGROUP CREATE", &[Key, GROUP, Word("0"), Any(&[Value], 2)], 1),
    row("XGROUP SETID", &[Key, GROUP, GROUP_ID, READ_UNKNOWN], 5),
    counted("XGROUP SETID", &[Key, GROUP, GROUP_ID, READ], 8),
    row("XGROUP DESTROY", &[Key, GROUP], 3),
    row("XGROUP CREATECONSUMER", &[Key, GROUP, CONSUMER], 5),
    row("XGROUP DELCONSUMER", &[Key, GROUP, CONSUMER], 4),
    row(
        "XREADGROUP",
        &[Word("GROUP"), GROUP, CONSUMER, COUNT, Maybe(&[Word("NOACK")]), Word("STREAMS"), Key, FROM],
        40,
    ),
    row("XREADGROUP", &[Word("GROUP"), GROUP, CONSUMER, COUNT, Word("STREAMS"), Key, Key, FROM, FROM], 20),
    Row {
        compare: Compare::Shape,
        ..newer(
            "XREADGROUP GROUP g c CLAIM 0 STREAMS probe >",
            "XREADGROUP",
            &[
                Word("GROUP"),
                GROUP,
                CONSUMER,
                COUNT,
                Maybe(&[Word("NOACK")]),
                Word("CLAIM"),
                IDLE,
                Word("STREAMS"),
                Key,
                FROM,
            ],
            10,
        )
    },
    row("XACK", &[Key, GROUP, Some(&[ID], 4)], 12),
    row("XACK", &[Key, GROUP, Some(&[ANY_ID], 2)], 4),
    row("XPENDING", &[Key, GROUP], 25),
    timed("XPENDING", &[Key, GROUP, END, END, Count, Maybe(&[CONSUMER])], 12),
    timed("XPENDING", &[Key, GROUP, Word("IDLE"), IDLE, END, END, Count, Any(&[CONSUMER], 2)], 6),
    row("XPENDING", &[Key, GROUP, Any(&[Value], 2)], 1),
    claims("XCLAIM", &[Key, GROUP, CONSUMER, IDLE, Some(&[ID], 3), CLAIM], 25),
    claims("XCLAIM", &[Key, GROUP, CONSUMER, IDLE, Some(&[ANY_ID], 3), CLAIM], 8),
    claims("XAUTOCLAIM", &[Key, GROUP, CONSUMER, IDLE, END, COUNT, Maybe(&[Word("JUSTID")])], 25),
    row("XINFO GROUPS", &[Key], 25),
    timed("XINFO CONSUMERS", &[Key, GROUP], 5),
    newer("XDELEX probe IDS 1 1-0", "XDELEX", &[Key, REFERENCES, Word("IDS"), Word("2"), ID, ANY_ID], 8),
    newer("XACKDEL probe g IDS 1 1-0", "XACKDEL", &[Key, GROUP, REFERENCES, Word("IDS"), Word("1"), ID], 8),
    newer("XCFGSET probe IDMP-MAXSIZE 5", "XCFGSET", &[Key, Word("IDMP-MAXSIZE"), Count], 2),
];
