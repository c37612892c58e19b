//! The edits of the units about streams: transactions that are only a means, and append-only files, in whose place an RDB file is written
//! and read.

use super::{Edit, edit};

/// Sorted by unit.
pub const ROWS: &[Edit] = &[
    edit(
        "unit/type/stream",
        "        r multi\n        r XADD mystream * item 1 value a\n        r XADD mystream * item 2 value b\n        \
         r XADD mystream * item 3 value c\n        lassign [r exec] id1 id2 id3\n",
        "        set id1 [r XADD mystream * item 1 value a]\n        set id2 [r XADD mystream * item 2 value b]\n        \
         set id3 [r XADD mystream * item 3 value c]\n",
        "no MULTI; three requests are mostly in the same millisecond without",
    ),
    edit(
        "unit/type/stream",
        "        r multi\n        for {set j 0} {$j < $count} {incr j} {\n            # From time to time",
        "        for {set j 0} {$j < $count} {incr j} {\n            # From time to time",
        "no MULTI, which makes the insertion faster",
    ),
    edit(
        "unit/type/stream",
        "                r XADD $key * item $j otherfield foo\n            }\n        }\n        r exec\n",
        "                r XADD $key * item $j otherfield foo\n            }\n        }\n",
        "no MULTI, which makes the insertion faster",
    ),
    edit(
        "unit/type/stream",
        "        r multi\n        r DEL vipstream\n        foreach id $ids {\n            r XADD vipstream $id foo bar\n        }\n        r exec\n",
        "        r DEL vipstream\n        foreach id $ids {\n            r XADD vipstream $id foo bar\n        }\n",
        "no MULTI, which makes the insertion faster",
    ),
    edit(
        "unit/type/stream",
        "    test {Blocking XREAD waiting old data} {\n",
        "    test {Blocking XREAD waiting old data} {\n        r XADD s2{t} * old abcd1234\n",
        "the test before it, which waits, would have done it",
    ),
    Edit {
        unit: "unit/type/stream",
        from: ("overrides {appendonly yes", 8),
        to: "overrides {appendonly no",
        why: "no append-only files; what is trimmed, and what is kept of an empty stream, stays",
    },
    Edit {
        unit: "unit/type/stream",
        from: ("        r bgrewriteaof\n        waitForBgrewriteaof r\n", 2),
        to: "",
        why: "no append-only files; the RDB file stays",
    },
    Edit {
        unit: "unit/type/stream",
        from: ("r debug loadaof", 9),
        to: "r debug reload",
        why: "no append-only files; an RDB file keeps the same",
    },
    Edit {
        unit: "unit/type/stream-cgroups",
        from: ("overrides {appendonly yes", 2),
        to: "overrides {appendonly no",
        why: "no append-only files; what is kept of an empty stream stays",
    },
    Edit {
        unit: "unit/type/stream-cgroups",
        from: ("            r bgrewriteaof\n            waitForBgrewriteaof r\n", 2),
        to: "",
        why: "no append-only files; the RDB file stays",
    },
    Edit {
        unit: "unit/type/stream-cgroups",
        from: ("r debug loadaof", 3),
        to: "r debug reload",
        why: "no append-only files; an RDB file keeps the same",
    },
];
