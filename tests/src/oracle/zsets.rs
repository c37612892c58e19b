//! The sorted sets and the places among what the oracle can send.
//!
//! Scores are such that every server prints them with the same digits; ranges of texts are sent where all scores are equal, since elsewhere they
//! are left to chance. Time-outs are a millisecond: a server that waits has to answer. Results of searches are sorted, or compared in any order.

use super::table::Arg::{self, Any, Count, Glob, Index, Int, Key, Maybe, OneOf, Some, Value, Word};
use super::table::Compare::{self, Exact, Scan, Shape, Unordered};
use super::table::Row;

const fn row(name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    compared(Exact, name, args, weight)
}

const fn compared(compare: Compare, name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    Row { name, args, compare, weight, probe: "" }
}

/// For what Redis 7.0 does not have yet.
const fn newer(probe: &'static str, name: &'static str, args: &'static [Arg], weight: u32) -> Row {
    Row { name, args, compare: Exact, weight, probe }
}

/// Words that many requests share.
const MEMBER: Arg = OneOf(&[&[Value], &[Count], &[Count], &[Word("a")], &[Word("foo")]]);
const SCORE: Arg = OneOf(&[
    &[Count],
    &[Index],
    &[OneOf(&[
        &[Word("0.5")],
        &[Word("-2.25")],
        &[Word("1e3")],
        &[Word("inf")],
        &[Word("-inf")],
        &[Word("-0")],
    ])],
    &[OneOf(&[&[Count], &[Word("x")], &[Word("nan")], &[Word("1 ")], &[Word("")], &[Word("1e5000")]])],
]);
const EDGE: Arg = OneOf(&[
    &[Index],
    &[Count],
    &[OneOf(&[
        &[Word("-inf")],
        &[Word("+inf")],
        &[Word("(1")],
        &[Word("(-3")],
        &[Word("(inf")],
        &[Word("2.5")],
    ])],
    &[OneOf(&[&[Word("")], &[Word("(")], &[Word("x")], &[Word("nan")], &[Word("1e999")], &[Index]])],
]);
const TEXT: Arg = OneOf(&[
    &[Word("-")],
    &[Word("+")],
    &[OneOf(&[&[Word("[a")], &[Word("(foo")], &[Word("[1")], &[Word("(5")], &[Word("[")], &[Word("[m")]])],
    &[OneOf(&[&[Word("[b")], &[Word("a")], &[Word("")], &[Word("+a")], &[Word("(")], &[Word("(ohm")]])],
]);
/// The key whose scores are all equal; the only other commands that are sent with it remove.
const LEX: Arg = Word("lex");
const LIMIT: Arg = Maybe(&[
    Word("LIMIT"),
    OneOf(&[&[Count], &[Word("0")], &[Word("x")]]),
    OneOf(&[&[Count], &[Word("-1")]]),
]);
const WITHSCORES: Arg = Maybe(&[Word("WITHSCORES")]);
const REV: Arg = Maybe(&[Word("REV")]);
const INPUTS: Arg = OneOf(&[
    &[Word("1"), Key],
    &[Word("2"), Key, Key],
    &[Word("3"), Key, Key, Key],
    &[OneOf(&[&[Int], &[Word("0")]]), Key],
]);
const AGGREGATE: Arg =
    Maybe(&[Word("AGGREGATE"), OneOf(&[&[Word("SUM")], &[Word("MIN")], &[Word("MAX")], &[Word("x")]])]);
const WEIGHED: Arg = OneOf(&[
    &[INPUTS, AGGREGATE],
    &[Word("2"), Key, Key, Word("WEIGHTS"), SCORE, SCORE, AGGREGATE],
    &[Word("1"), Key, AGGREGATE, Word("WEIGHTS"), Index],
]);
const SOON: Arg = OneOf(&[&[Word("0.001")], &[Word("0.001")], &[Word("-1")], &[Word("x")]]);
const END: Arg = OneOf(&[&[Word("MIN")], &[Word("MAX")], &[Word("MIN")], &[Word("MAX")], &[Word("x")]]);
const OPTIONS: Arg = Any(
    &[OneOf(&[&[Word("NX")], &[Word("XX")], &[Word("CH")], &[Word("GT")], &[Word("LT")], &[Word("CH")]])],
    2,
);

/// The rows of sorted sets.
pub const ROWS: &[Row] = &[
    row("ZADD", &[Key, Some(&[SCORE, MEMBER], 4)], 60),
    row("ZADD", &[Key, Some(&[Count, MEMBER], 20)], 30),
    row("ZADD", &[Key, OPTIONS, Some(&[SCORE, MEMBER], 3)], 25),
    row("ZADD", &[Key, OPTIONS, Word("INCR"), SCORE, MEMBER], 15),
    row("ZADD", &[LEX, Some(&[Word("0"), MEMBER], 9)], 20),
    row("ZINCRBY", &[Key, SCORE, MEMBER], 20),
    row("ZREM", &[Key, Some(&[MEMBER], 4)], 20),
    row("ZREM", &[LEX, Some(&[MEMBER], 4)], 5),
    row("ZCARD", &[Key], 10),
    row("ZSCORE", &[Key, MEMBER], 10),
    row("ZMSCORE", &[Key, Some(&[MEMBER], 4)], 10),
    row("ZRANK", &[Key, MEMBER], 10),
    row("ZREVRANK", &[Key, MEMBER], 10),
    newer("ZRANK probe m WITHSCORE", "ZRANK", &[Key, MEMBER, Word("WITHSCORE")], 5),
    newer("ZREVRANK probe m WITHSCORE", "ZREVRANK", &[Key, MEMBER, Word("WITHSCORE")], 5),
    row("ZCOUNT", &[Key, EDGE, EDGE], 12),
    row("ZLEXCOUNT", &[LEX, TEXT, TEXT], 12),
    row("ZRANGE", &[Key, Index, Index, REV, WITHSCORES], 15),
    row("ZRANGE", &[Key, EDGE, EDGE, Word("BYSCORE"), REV, LIMIT, WITHSCORES], 15),
    row("ZRANGE", &[LEX, TEXT, TEXT, Word("BYLEX"), REV, LIMIT], 15),
    row(
        "ZRANGE",
        &[Key, Index, Index, Any(&[OneOf(&[&[Word("REV")], &[Word("BYLEX"), WITHSCORES], &[LIMIT]])], 2)],
        5,
    ),
    row("ZRANGESTORE", &[Key, Key, Index, Index, REV], 10),
    row("ZRANGESTORE", &[Key, Key, EDGE, EDGE, Word("BYSCORE"), REV, LIMIT], 10),
    row("ZRANGESTORE", &[Key, LEX, TEXT, TEXT, Word("BYLEX"), REV, LIMIT], 10),
    row("ZREVRANGE", &[Key, Index, Index, WITHSCORES], 8),
    row("ZRANGEBYSCORE", &[Key, EDGE, EDGE, WITHSCORES, LIMIT], 10),
    row("ZREVRANGEBYSCORE", &[Key, EDGE, EDGE, WITHSCORES, LIMIT], 10),
    row("ZRANGEBYLEX", &[LEX, TEXT, TEXT, LIMIT], 10),
    row("ZREVRANGEBYLEX", &[LEX, TEXT, TEXT, LIMIT], 10),
    row("ZREMRANGEBYRANK", &[Key, Index, Index], 5),
    row("ZREMRANGEBYSCORE", &[Key, EDGE, EDGE], 5),
    row("ZREMRANGEBYLEX", &[LEX, TEXT, TEXT], 5),
    row("ZPOPMIN", &[Key, Maybe(&[OneOf(&[&[Count], &[Int]])])], 8),
    row("ZPOPMAX", &[Key, Maybe(&[OneOf(&[&[Count], &[Int]])])], 8),
    row("BZPOPMIN", &[Some(&[Key], 3), SOON], 5),
    row("BZPOPMAX", &[Some(&[Key], 3), SOON], 5),
    row("ZMPOP", &[INPUTS, END, Any(&[Word("COUNT"), OneOf(&[&[Count], &[Int]])], 2)], 8),
    row("BZMPOP", &[SOON, INPUTS, END, Maybe(&[Word("COUNT"), Count])], 5),
    // More than any sorted set here has: all members come.
    compared(Unordered, "ZRANDMEMBER", &[Key, Word("100000")], 5),
    compared(
        Shape,
        "ZRANDMEMBER",
        &[Key, Maybe(&[OneOf(&[&[Count], &[Word("-3")], &[Word("x")]]), WITHSCORES])],
        8,
    ),
    compared(
        Scan,
        "ZSCAN",
        &[Key, Any(&[OneOf(&[&[Word("MATCH"), Glob], &[Word("COUNT"), OneOf(&[&[Count], &[Int]])]])], 2)],
        10,
    ),
    compared(Shape, "ZSCAN", &[Key, Int, Any(&[Value, Value], 2)], 5),
    row("ZUNION", &[WEIGHED, WITHSCORES], 12),
    row("ZINTER", &[WEIGHED, WITHSCORES], 12),
    row("ZDIFF", &[INPUTS, WITHSCORES], 12),
    row("ZUNIONSTORE", &[Key, WEIGHED], 10),
    row("ZINTERSTORE", &[Key, WEIGHED], 10),
    row("ZDIFFSTORE", &[Key, INPUTS], 10),
    row("ZINTERCARD", &[INPUTS, Maybe(&[Word("LIMIT"), OneOf(&[&[Count], &[Int]])])], 10),
    row("OBJECT ENCODING", &[OneOf(&[&[Key], &[LEX]])], 20),
];

const PLACE: Arg = OneOf(&[
    &[Word("13.361389"), Word("38.115556")],
    &[Word("15.087269"), Word("37.502669")],
    &[Index, OneOf(&[&[Count], &[Word("-60.5")], &[Word("84.9")], &[Word("0")]])],
    &[OneOf(&[&[Word("-179.9")], &[Word("180")], &[Word("x")], &[Word("0.0001")]]), Count],
]);
const UNIT: Arg =
    OneOf(&[&[Word("m")], &[Word("km")], &[Word("ft")], &[Word("mi")], &[Word("km")], &[Word("x")]]);
const SIZE: Arg = OneOf(&[
    &[Count],
    &[OneOf(&[
        &[Word("100")],
        &[Word("1000")],
        &[Word("5000.5")],
        &[Word("0")],
        &[Word("-1")],
        &[Word("x")],
    ])],
]);
const CIRCLE: Arg = OneOf(&[&[SIZE, UNIT]]);
const FROM: Arg = OneOf(&[&[Word("FROMMEMBER"), MEMBER], &[Word("FROMLONLAT"), PLACE]]);
const BY: Arg = OneOf(&[&[Word("BYRADIUS"), CIRCLE], &[Word("BYBOX"), SIZE, SIZE, UNIT]]);
const WITH: Arg = Any(&[OneOf(&[&[Word("WITHDIST")], &[Word("WITHHASH")], &[Word("WITHCOORD")]])], 3);
const COUNT: Arg = Maybe(&[Word("COUNT"), OneOf(&[&[Word("100")], &[Word("0")], &[Word("x")]])]);
const STORE: Arg = OneOf(&[&[Word("STORE"), Key], &[Word("STORE"), Key], &[WITH]]);

/// The rows of places.
pub const PLACES: &[Row] = &[
    row("GEOADD", &[Key, OPTIONS, Some(&[PLACE, MEMBER], 5)], 30),
    row("GEOPOS", &[Key, Any(&[MEMBER], 3)], 10),
    row("GEOHASH", &[Key, Any(&[MEMBER], 3)], 10),
    row("GEODIST", &[Key, MEMBER, MEMBER, Maybe(&[UNIT])], 10),
    compared(Unordered, "GEOSEARCH", &[Key, FROM, BY, WITH, COUNT], 20),
    row("GEOSEARCHSTORE", &[Key, Key, FROM, BY, COUNT], 10),
    compared(Unordered, "GEORADIUS", &[Key, PLACE, CIRCLE, STORE, COUNT], 10),
    compared(Unordered, "GEORADIUS_RO", &[Key, PLACE, CIRCLE, WITH, COUNT], 10),
    compared(Unordered, "GEORADIUSBYMEMBER", &[Key, MEMBER, CIRCLE, STORE, COUNT], 10),
    compared(Unordered, "GEORADIUSBYMEMBER_RO", &[Key, MEMBER, CIRCLE, WITH, COUNT], 10),
];
