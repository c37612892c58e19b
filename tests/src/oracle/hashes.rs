//! The hashes among what the oracle can send. Fields come in any order; what is chosen at random is compared where there is only one choice.
//! Deadlines of fields are either far away or passed, as those of keys.

use super::table::Arg::{
    self, Any, Count, Float, Glob, Int, Key, Maybe, Millis, OneOf, Seconds, Some, UnixMillis, UnixSeconds,
    Value, Word,
};
use super::table::Compare::{self, Exact, Scan, Shape, Unordered};
use super::table::Row;

const fn row(name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    compared(Exact, name, args, weight)
}

const fn compared(compare: Compare, name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    Row { name, args, compare, weight, probe: "" }
}

/// A row for what not every server has.
const fn newer(probe: &'static str, name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    Row { name, args, compare: Exact, weight, probe }
}

const FIELD: Arg = OneOf(&[&[Count], &[Word("a")], &[Word("b")], &[Word("foo")], &[Value]]);
const CONDITION: Arg = Maybe(&[OneOf(&[&[Word("NX")], &[Word("XX")], &[Word("GT")], &[Word("LT")]])]);
const FIELDS: Arg = OneOf(&[
    &[Word("FIELDS"), Word("1"), FIELD],
    &[Word("FIELDS"), Word("2"), FIELD, FIELD],
    &[Word("FIELDS"), Word("3"), FIELD, FIELD, FIELD],
]);

/// When a field expires. Redis knows a latest time, Valkey takes any.
const MOMENT: Arg = OneOf(&[
    &[Word("4000000000")],
    &[Word("4000000010")],
    &[Word("4000000020")],
    &[Word("4000000030")],
    &[Word("1000000000")],
    &[OneOf(&[&[Word("0")], &[Word("-1")], &[Word("x")], &[Word("1.5")], &[Word("9223372036854775808")]])],
]);
const MOMENT_MS: Arg = OneOf(&[
    &[Word("4000000000000")],
    &[Word("4000000000010")],
    &[Word("4000000000020")],
    &[Word("4000000030000")],
    &[Word("1000000000000")],
    &[OneOf(&[&[Word("0")], &[Word("-1")], &[Word("x")], &[Word("")], &[Word("9223372036854775808")]])],
]);
/// A command that Redis has from 8 on, and Valkey never had.
const REDIS_8: &str = "VCARD probe";

/// All rows.
pub const ROWS: &[Row] = &[
    row("HSET", &[Key, Some(&[FIELD, Value], 6)], 60),
    row("HSET", &[Key, Some(&[FIELD, Int], 12)], 20),
    row("HMSET", &[Key, Some(&[FIELD, Value], 4)], 10),
    row("HSETNX", &[Key, FIELD, Value], 15),
    row("HGET", &[Key, FIELD], 15),
    row("HMGET", &[Key, Some(&[FIELD], 4)], 15),
    compared(Unordered, "HGETALL", &[Key], 15),
    compared(Unordered, "HKEYS", &[Key], 10),
    compared(Unordered, "HVALS", &[Key], 10),
    row("HDEL", &[Key, Some(&[FIELD], 4)], 25),
    row("HEXISTS", &[Key, FIELD], 10),
    row("HLEN", &[Key], 15),
    row("HSTRLEN", &[Key, FIELD], 10),
    row("HINCRBY", &[Key, FIELD, Int], 20),
    row("HINCRBYFLOAT", &[Key, FIELD, Float], 15),
    compared(Unordered, "HRANDFIELD", &[Key, Word("100000"), Maybe(&[Word("WITHVALUES")])], 10),
    compared(Shape, "HRANDFIELD", &[Key, OneOf(&[&[Count], &[Word("-3")], &[Word("x")]])], 10),
    compared(
        Scan,
        "HSCAN",
        &[Key, Any(&[OneOf(&[&[Word("MATCH"), Glob], &[Word("COUNT"), OneOf(&[&[Count], &[Int]])]])], 2)],
        10,
    ),
    newer("HPEXPIREAT probe 1 FIELDS 1 f", "HPEXPIREAT", &[Key, MOMENT_MS, CONDITION, FIELDS], 15),
    newer("HEXPIREAT probe 1 FIELDS 1 f", "HEXPIREAT", &[Key, MOMENT, CONDITION, FIELDS], 10),
    newer(REDIS_8, "HPEXPIREAT", &[Key, UnixMillis, CONDITION, FIELDS], 5),
    newer(REDIS_8, "HEXPIREAT", &[Key, UnixSeconds, CONDITION, FIELDS], 5),
    newer("HEXPIRE probe 1 FIELDS 1 f", "HEXPIRE", &[Key, Seconds, CONDITION, FIELDS], 10),
    newer("HPEXPIRE probe 1 FIELDS 1 f", "HPEXPIRE", &[Key, Millis, CONDITION, FIELDS], 10),
    Row { compare: Shape, ..newer("HTTL probe FIELDS 1 f", "HTTL", &[Key, FIELDS], 5) },
    Row { compare: Shape, ..newer("HPTTL probe FIELDS 1 f", "HPTTL", &[Key, FIELDS], 5) },
    Row { compare: Shape, ..newer("HPEXPIRETIME probe FIELDS 1 f", "HPEXPIRETIME", &[Key, FIELDS], 10) },
    Row { compare: Shape, ..newer("HEXPIRETIME probe FIELDS 1 f", "HEXPIRETIME", &[Key, FIELDS], 5) },
    newer("HPERSIST probe FIELDS 1 f", "HPERSIST", &[Key, FIELDS], 10),
    newer("HGETEX probe FIELDS 1 f", "HGETEX", &[Key, Maybe(&[Word("PERSIST")]), FIELDS], 10),
    newer("HGETDEL probe FIELDS 1 f", "HGETDEL", &[Key, FIELDS], 10),
    newer(
        "HSETEX probe FIELDS 1 f v",
        "HSETEX",
        &[
            Key,
            Maybe(&[OneOf(&[&[Word("FNX")], &[Word("FXX")]])]),
            Maybe(&[OneOf(&[&[Word("KEEPTTL")], &[Word("PXAT"), Word("9999999999999")]])]),
            Word("FIELDS"),
            Word("1"),
            FIELD,
            Value,
        ],
        15,
    ),
];
