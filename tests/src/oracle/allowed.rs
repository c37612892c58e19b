//! Differences that are known and right: each with its reason. Everything else is a fault.
//!
//! A rule names the kinds of servers that are the odd ones out, so that it never hides a fault of ours: with a server that does the same, replies
//! have to be equal. Where one server did what the other refused, the data of the two are different from then on, and the rule
//! [parts](Excuse::parts) them: nothing more can be compared in that round.

use std::io;

use crate::client::Client;
use crate::server::info_field;

/// What a server says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ours.
    Evenkeel,
    /// Any Valkey (from 8 on).
    Valkey,
    /// Redis 7.0, from before several clarifications of 7.2.
    Redis70,
    /// Redis 8.
    Redis8,
    /// Another one, taken as it is.
    Other,
}

impl Kind {
    /// Asks a server.
    pub fn of(client: &mut Client) -> io::Result<Kind> {
        let info = client.call(&["INFO", "server"])?.text();
        let version = info_field(&info, "redis_version").unwrap_or_default();
        Ok(if info_field(&info, "evenkeel_version").is_some() {
            Kind::Evenkeel
        } else if info_field(&info, "valkey_version").is_some() {
            Kind::Valkey
        } else if version.starts_with("7.0.") {
            Kind::Redis70
        } else if version.starts_with("8.") {
            Kind::Redis8
        } else {
            Kind::Other
        })
    }
}

/// One excuse.
struct Rule {
    /// The odd ones out.
    who: &'static [Kind],
    /// First words of the request, upper case.
    command: &'static str,
    /// What the odd reply contains.
    odd: &'static str,
    /// What the other reply contains.
    usual: &'static str,
    /// Which replies may stand for each other, where the odd one refuses.
    texts: Texts,
    /// In which fields the two may differ, where a reply has fields by name; everything else is equal then.
    only: &'static [Field],
    /// What to make of it.
    excuse: Excuse,
}

/// What an error of the odd one contains, and how the replies of others may begin then.
type Texts = &'static [(&'static str, &'static [&'static str])];

/// A field of a reply, and whether its values, the odd one first, may stand for each other. They are as on the wire.
type Field = (&'static str, fn(&str, &str) -> bool);

/// Why a difference is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excuse {
    /// The reason.
    pub why: &'static str,
    /// The two servers hold different data now.
    pub parts: bool,
}

const fn rule(
    who: &'static [Kind],
    command: &'static str,
    odd: &'static str,
    usual: &'static str,
    why: &'static str,
) -> Rule {
    Rule { who, command, odd, usual, texts: &[], only: &[], excuse: Excuse { why, parts: false } }
}

/// Of a reply in which only some fields differ.
const fn fields(
    who: &'static [Kind],
    command: &'static str,
    only: &'static [Field],
    why: &'static str,
) -> Rule {
    Rule { who, command, odd: "", usual: "", texts: &[], only, excuse: Excuse { why, parts: false } }
}

/// Of requests that the odd one refuses.
const fn worded(who: &'static [Kind], command: &'static str, texts: Texts, why: &'static str) -> Rule {
    Rule { who, command, odd: "", usual: "", texts, only: &[], excuse: Excuse { why, parts: false } }
}

/// Of a write that the one does and the other does not.
const fn parting(
    who: &'static [Kind],
    command: &'static str,
    odd: &'static str,
    usual: &'static str,
    why: &'static str,
) -> Rule {
    Rule { who, command, odd, usual, texts: &[], only: &[], excuse: Excuse { why, parts: true } }
}

const CHECKED_FIRST: &str = "since 7.2 arguments are checked even when the key does not exist";
const FILTERS: &str = "Valkey, and we, combine the filters of CLIENT LIST";
const FILTER_TEXTS: &str =
    "Valkey has other errors for IDs that are no numbers, and also for IDs below 1 in CLIENT LIST";
const NO_END: &str = "Valkey, and we, let BITCOUNT do without an end";
/// Ours and Valkey.
const LIKE_VALKEY: &[Kind] = &[Kind::Evenkeel, Kind::Valkey];
const EMBEDDING: &str = "Valkey embeds strings by the length of key and value, others up to 44 bytes";
const MODULES: &str = "Valkey 9.1 lists its Lua engine, Redis 8 its vector sets as modules";
const WITHSCORE: &str = "WITHSCORE is there since 7.2";
const DIGITS: &str = "since 7.2 scores are printed as integers, or with the fewest digits";

const EMPTY_NUMBER: &str = "Valkey refuses to sort an empty text as a number, for strtod it is 0";
const LEAST: &str = "since 7.2 the least 64-bit integer is refused, since it has no absolute value";

/// Those that do not read numbers by strtod any more.
const STRICT: &[Kind] = &[Kind::Valkey, Kind::Redis8];
const HEXADECIMAL: &str = "Valkey and Redis 8 take no hexadecimal floats, and no white space before bounds";
const ZERO: &str = "Valkey keeps the sign of a score of zero also in small sorted sets";
const FIELD_TEXTS: &str =
    "Valkey words the errors about deadlines of fields in its own way, and looks at the type last";

const WRONG_TYPE: &str = "-WRONGTYPE";
const NUMBER: &str = "-ERR value is not an integer";
const TIME: &str = "-ERR invalid expire time";
const NO_FIELDS: &str = "-ERR Mandatory argument FIELDS is missing";
const FIELDS_COUNT: &str = "-ERR Number of fields must be a positive integer";
const FIELDS_COUNT_OF_EXPIRE: &str = "-ERR Parameter `numFields` should be greater than 0";
const FIELDS_COUNT_OF_HSETEX: &str = "-ERR invalid number of fields";
const FIELDS_MISMATCH: &str = "-ERR The `numfields` parameter must match the number of arguments";

/// Valkey's errors about fields and their deadlines, each with those of Redis that come before it there.
const FIELD_ERRORS: Texts = &[
    (
        "numfields should be greater than 0 and match the provided number of fields",
        &[
            WRONG_TYPE,
            NUMBER,
            TIME,
            NO_FIELDS,
            FIELDS_COUNT,
            FIELDS_COUNT_OF_EXPIRE,
            FIELDS_COUNT_OF_HSETEX,
            FIELDS_MISMATCH,
            "-ERR wrong number of arguments for 'h",
            "-ERR unknown argument: ",
            "-ERR Only one of FXX or FNX",
        ],
    ),
    (
        "-ERR syntax error",
        &[
            WRONG_TYPE,
            NUMBER,
            "-ERR invalid expire time, must be >= 0",
            NO_FIELDS,
            FIELDS_COUNT,
            FIELDS_MISMATCH,
            "-ERR unknown argument: ",
            "-ERR Only one of ",
        ],
    ),
    (
        NUMBER,
        &[
            WRONG_TYPE,
            TIME,
            NO_FIELDS,
            FIELDS_COUNT,
            FIELDS_COUNT_OF_EXPIRE,
            FIELDS_COUNT_OF_HSETEX,
            "-ERR syntax error",
        ],
    ),
    ("-ERR invalid expire time in '", &[WRONG_TYPE, "-ERR invalid expire time, must be >= 0"]),
    ("-ERR Unsupported option ", &[WRONG_TYPE, NUMBER, TIME, NO_FIELDS]),
    ("LT options at the same time are not compatible", &[WRONG_TYPE, NUMBER, TIME, NO_FIELDS]),
];

const UNBALANCED: &str = "7.2 and Valkey name the command as it is spelled, 8 also `+`";

const GUESSED: &str =
    "since 7.2 the number of words decides about the encoding of a new value, even if some are the same";

const READERS: &str = "since 7.2 a consumer that reads is made whether there is something to read or not, \
    and the lag of a group that stands before a deleted entry cannot be told";

const LAG: &str = "for a group that stands before all entries, with no deleted one among them, Redis 8 answers how many there are; \
    others answer the difference of two counters, or that they cannot tell";

/// An integer on the wire.
fn int(value: &str) -> Option<i64> {
    value.strip_prefix(':')?.parse().ok()
}

fn is_less(odd: &str, usual: &str) -> bool {
    int(odd).zip(int(usual)).is_some_and(|(odd, usual)| odd < usual)
}

/// The one tells what the other cannot.
fn is_known(odd: &str, usual: &str) -> bool {
    int(odd).is_some() && ["_", "$-1"].contains(&usual)
}

fn is_count(odd: &str, _: &str) -> bool {
    int(odd).is_some_and(|count| count >= 0)
}

/// Whether these errors may stand for each other.
fn are_worded(odd: &str, usual: &str, texts: Texts) -> bool {
    odd.starts_with('-')
        && texts
            .iter()
            .any(|(text, others)| odd.contains(text) && others.iter().any(|other| usual.starts_with(other)))
}

/// Whether the replies are equal but for values, of one line, of these fields.
fn differ_only(odd: &str, usual: &str, only: &[Field]) -> bool {
    let mut name = "";
    odd.split("\r\n").count() == usual.split("\r\n").count()
        && odd.split("\r\n").zip(usual.split("\r\n")).all(|(odd, usual)| {
            let named = std::mem::replace(&mut name, odd);
            let field = only.iter().find(|(field, _)| *field == named);
            odd == usual || field.is_some_and(|(_, may_differ)| may_differ(odd, usual))
        })
}

const RULES: &[Rule] = &[
    rule(&[Kind::Valkey], "SORT", "be converted into double", "", EMPTY_NUMBER),
    rule(
        &[Kind::Redis70, Kind::Redis8],
        "SORT",
        "be converted into double",
        "",
        "Redis does not clear errno: a number that overflowed in an earlier command makes this one fail",
    ),
    rule(&[Kind::Redis70], "LPOS", "", "value must between", LEAST),
    parting(&[Kind::Redis70], "LREM", "", "value must between", LEAST),
    rule(&[Kind::Redis70], "BITCOUNT", ":0", "-ERR", CHECKED_FIRST),
    rule(&[Kind::Redis70], "BITPOS", ":", "-ERR", CHECKED_FIRST),
    rule(&[Kind::Redis70], "BITCOUNT", "-WRONGTYPE", "-ERR", CHECKED_FIRST),
    rule(&[Kind::Redis70], "BITPOS", "-WRONGTYPE", "-ERR", CHECKED_FIRST),
    rule(&[Kind::Redis70], "SCAN", "", "-ERR invalid cursor", "since 7.2 a negative cursor is refused"),
    rule(&[Kind::Redis70], "SSCAN", "", "-ERR invalid cursor", "since 7.2 a negative cursor is refused"),
    rule(&[Kind::Redis70], "SSCAN", "-ERR invalid cursor", "", "since 7.2 a cursor may begin with a space"),
    rule(&[Kind::Redis70], "ZSCAN", "", "-ERR invalid cursor", "since 7.2 a negative cursor is refused"),
    rule(&[Kind::Redis70], "ZSCAN", "-ERR invalid cursor", "", "since 7.2 a cursor may begin with a space"),
    rule(&[Kind::Redis70], "ZRANK", "wrong number of arguments for 'zrank'", "", WITHSCORE),
    rule(&[Kind::Redis70], "ZREVRANK", "wrong number of arguments for 'zrevrank'", "", WITHSCORE),
    rule(&[Kind::Redis70], "Z", "e+", "", DIGITS),
    rule(&[Kind::Redis70], "BZ", "e+", "", DIGITS),
    rule(&[Kind::Redis8], "GEO", ".", ".", "Redis 8 prints coordinates with the fewest digits"),
    rule(
        &[Kind::Valkey],
        "GEO",
        "-ERR member ",
        "-ERR could not decode requested zset member",
        "Valkey names a place that is not there, and looks for it last",
    ),
    rule(&[Kind::Valkey], "GEO", "BYPOLYGON", "-ERR", "Valkey 9.1 also searches polygons"),
    rule(
        &[Kind::Valkey],
        "OBJECT ENCODING",
        "skiplist",
        "listpack",
        "Valkey enlarges for members that XX leaves out",
    ),
    rule(
        &[Kind::Redis70],
        "COMMAND GETKEYS",
        "wrong number of arguments for 'command|getkeys",
        "-ERR",
        "since 7.2 GETKEYS takes a single word",
    ),
    rule(
        &[Kind::Redis70],
        "CLIENT SETNAME",
        "-ERR Client names",
        "+OK",
        "since 7.2 a name is checked up to its first zero byte",
    ),
    rule(
        &[Kind::Redis70],
        "HELLO",
        "-WRONGPASS",
        "-ERR Syntax error",
        "since 7.2 HELLO's options are parsed before AUTH runs",
    ),
    rule(&[Kind::Redis70], "OBJECT ENCODING", "hashtable", "listpack", "since 7.2 small sets are listpacks"),
    rule(&[Kind::Redis70], "OBJECT ENCODING", "quicklist", "listpack", "since 7.2 small lists are listpacks"),
    rule(&[Kind::Redis70], "OBJECT ENCODING", "intset", "listpack", GUESSED),
    rule(&[Kind::Redis70], "OBJECT ENCODING", "intset", "hashtable", GUESSED),
    rule(&[Kind::Redis70], "OBJECT ENCODING", "listpack", "hashtable", GUESSED),
    rule(&[Kind::Redis70], "OBJECT ENCODING", "listpack", "skiplist", GUESSED),
    rule(&[Kind::Redis70], "XREAD", "Unbalanced XREAD", "Unbalanced 'xread'", UNBALANCED),
    rule(&[Kind::Redis70], "XREADGROUP", "Unbalanced XREAD", "Unbalanced 'xreadgroup'", UNBALANCED),
    rule(&[Kind::Redis70], "XGROUP CREATECONSUMER", ":1", ":0", READERS),
    fields(&[Kind::Redis70], "XINFO GROUPS", &[("consumers", is_less), ("lag", is_known)], READERS),
    rule(&[Kind::Redis8], "XREAD", "an ID, '+', or", "an ID or", UNBALANCED),
    rule(&[Kind::Redis8], "MODULE LIST", "", "*0", MODULES),
    rule(&[Kind::Valkey], "MODULE LIST", "", "*0", MODULES),
    rule(LIKE_VALKEY, "CLIENT LIST", "", "-ERR", FILTERS),
    rule(&[Kind::Valkey], "CLIENT LIST", "-ERR client-id should be greater than 0", "", FILTER_TEXTS),
    rule(&[Kind::Valkey], "CLIENT LIST", "-ERR syntax error", "-ERR Invalid client ID", FILTER_TEXTS),
    rule(
        &[Kind::Valkey],
        "CLIENT KILL",
        "-ERR syntax error",
        "-ERR client-id should be greater than 0",
        FILTER_TEXTS,
    ),
    rule(LIKE_VALKEY, "BITCOUNT", "", "-ERR syntax", NO_END),
    rule(LIKE_VALKEY, "CLIENT KILL", "", "-ERR syntax", "Valkey, and we, take several IDs"),
    rule(
        &[Kind::Valkey],
        "BITCOUNT",
        "-ERR syntax error",
        NUMBER,
        "Valkey checks BITCOUNT's unit before its numbers",
    ),
    rule(
        &[Kind::Evenkeel],
        "OBJECT REFCOUNT",
        ":2147483647",
        ":1",
        "small integers are shared wherever they come from",
    ),
    worded(
        &[Kind::Valkey],
        "GETEX",
        &[(NUMBER, &["$-1", "_", WRONG_TYPE]), (TIME, &["$-1", "_", WRONG_TYPE])],
        "Valkey checks the expiry even when the key does not exist, and before the type",
    ),
    rule(&[Kind::Valkey], "OBJECT ENCODING", "embstr", "raw", EMBEDDING),
    rule(&[Kind::Valkey], "OBJECT ENCODING", "raw", "embstr", EMBEDDING),
    rule(&[Kind::Valkey], "LOLWUT", "", "", "LOLWUT is each project's own"),
    rule(&[Kind::Valkey], "OBJECT REFCOUNT", ":1", ":2147483647", "Valkey shares no integers"),
    rule(&[Kind::Valkey], "SCAN", "unknown type name", "", "Valkey refuses a TYPE that does not exist"),
    rule(&[Kind::Valkey], "Z", "-0\r\n", "0\r\n", ZERO),
    rule(&[Kind::Valkey], "Z", "0\r\n", "-0\r\n", ZERO),
    parting(STRICT, "ZADD", "not a valid float", "", HEXADECIMAL),
    parting(STRICT, "ZINCRBY", "not a valid float", "", HEXADECIMAL),
    parting(STRICT, "ZUNIONSTORE", "not a float", "", HEXADECIMAL),
    parting(STRICT, "ZINTERSTORE", "not a float", "", HEXADECIMAL),
    parting(STRICT, "ZRANGESTORE", "not a float", "", HEXADECIMAL),
    parting(STRICT, "ZREMRANGEBYSCORE", "not a float", "", HEXADECIMAL),
    rule(STRICT, "Z", "not a float", "", HEXADECIMAL),
    parting(STRICT, "GEOADD", "not a valid float", "", HEXADECIMAL),
    parting(STRICT, "GEOSEARCHSTORE", "not a valid float", "", HEXADECIMAL),
    rule(STRICT, "GEO", "not a valid float", "", HEXADECIMAL),
    worded(&[Kind::Valkey], "HEXPIRE", FIELD_ERRORS, FIELD_TEXTS),
    worded(&[Kind::Valkey], "HPEXPIRE", FIELD_ERRORS, FIELD_TEXTS),
    worded(&[Kind::Valkey], "HPERSIST", FIELD_ERRORS, FIELD_TEXTS),
    worded(&[Kind::Valkey], "HTTL", FIELD_ERRORS, FIELD_TEXTS),
    worded(&[Kind::Valkey], "HPTTL", FIELD_ERRORS, FIELD_TEXTS),
    worded(&[Kind::Valkey], "HGETEX", FIELD_ERRORS, FIELD_TEXTS),
    worded(&[Kind::Valkey], "HGETDEL", FIELD_ERRORS, FIELD_TEXTS),
    worded(&[Kind::Valkey], "HSETEX", FIELD_ERRORS, FIELD_TEXTS),
    worded(&[Kind::Valkey], "HSETEX", &[(WRONG_TYPE, &[NUMBER, TIME])], FIELD_TEXTS),
    rule(
        &[Kind::Valkey],
        "OBJECT ENCODING",
        "hashtable",
        "listpackex",
        "Valkey has no listpacks with deadlines",
    ),
    parting(
        STRICT,
        "LSET",
        "+OK",
        "index out of range",
        "Valkey and Redis cut the index down to 32 bits since 7.2",
    ),
    parting(
        &[Kind::Valkey],
        "RESTORE",
        "DUMP payload version",
        "+OK",
        "Valkey reads no payloads of Redis 7.4 and later",
    ),
    rule(LIKE_VALKEY, "DEBUG OBJECT", "", "-ERR", "Valkey's DEBUG OBJECT, and ours, takes a second word"),
    parting(
        &[Kind::Evenkeel],
        "PF",
        "-INVALIDOBJ Corrupted HLL object detected, it is longer",
        "",
        "a HyperLogLog longer than any can be is refused before it is looked at",
    ),
    rule(
        &[Kind::Redis8],
        "OBJECT ENCODING",
        "listpackex",
        "$8\r\nlistpack",
        "Redis 8 makes room for deadlines even if no field gets one",
    ),
    parting(
        &[Kind::Redis8],
        "SORT",
        "",
        "be converted into double",
        "Redis 8 sorts numbers that are too large or too small for a double",
    ),
    fields(&[Kind::Redis8], "XINFO GROUPS", &[("lag", is_count)], LAG),
    parting(
        &[Kind::Redis8],
        "XAUTOCLAIM",
        "Insufficient memory",
        "",
        "Redis 8 reserves memory for COUNT entries at once",
    ),
    parting(LIKE_VALKEY, "HSETEX", "", "unknown argument: nx", "Valkey, and we, know NX and XX of HSETEX"),
];

/// Why these two replies to a request may differ; none when they may not.
pub fn excuse(words: &[Vec<u8>], replies: [(Kind, &[u8]); 2]) -> Option<Excuse> {
    let request = words
        .iter()
        .map(|word| String::from_utf8_lossy(word).to_ascii_uppercase())
        .collect::<Vec<_>>()
        .join(" ");
    let text = replies.map(|(_, raw)| String::from_utf8_lossy(raw).into_owned());
    let fits = |rule: &&Rule| {
        request.starts_with(rule.command)
            && (0..2).any(|odd| {
                rule.who.contains(&replies[odd].0)
                    && !rule.who.contains(&replies[1 - odd].0)
                    && text[odd].contains(rule.odd)
                    && text[1 - odd].contains(rule.usual)
                    && (rule.texts.is_empty() || are_worded(&text[odd], &text[1 - odd], rule.texts))
                    && (rule.only.is_empty() || differ_only(&text[odd], &text[1 - odd], rule.only))
            })
    };
    RULES.iter().find(fits).map(|rule| rule.excuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excuses_only_the_odd_one() {
        let words: Vec<Vec<u8>> = ["bitcount", "k", "x"].map(|word| word.as_bytes().to_vec()).to_vec();
        let (nothing, error) = (b":0\r\n".as_slice(), b"-ERR value is not an integer\r\n".as_slice());
        assert!(excuse(&words, [(Kind::Evenkeel, error), (Kind::Redis70, nothing)]).is_some());
        assert!(excuse(&words, [(Kind::Evenkeel, nothing), (Kind::Redis70, error)]).is_none());
        assert!(excuse(&words, [(Kind::Evenkeel, nothing), (Kind::Other, error)]).is_none());
    }

    #[test]
    fn errors_are_excused_in_pairs() {
        let words: Vec<Vec<u8>> = ["hsetex", "h"].map(|word| word.as_bytes().to_vec()).to_vec();
        let excused = |ours: &str, valkeys: &str| {
            let [ours, valkeys] = [ours, valkeys].map(|text| format!("{text}\r\n"));
            excuse(&words, [(Kind::Evenkeel, ours.as_bytes()), (Kind::Valkey, valkeys.as_bytes())]).is_some()
        };
        assert!(excused("-ERR unknown argument: x", "-ERR syntax error"));
        assert!(excused("-ERR value is not an integer or out of range", "-WRONGTYPE Operation"));
        assert!(!excused("-ERR syntax error", "-ERR unknown argument: x"));
        assert!(!excused("-ERR no such thing", "-ERR syntax error"));
        assert!(!excused(":1", "-ERR syntax error"));
        assert!(!excused("-WRONGTYPE Operation", ":1"));
    }

    #[test]
    fn only_the_named_fields_may_differ() {
        let words: Vec<Vec<u8>> = ["xinfo", "groups", "s"].map(|word| word.as_bytes().to_vec()).to_vec();
        let group = |pending: u8, lag: &str| {
            format!("*1\r\n*4\r\n$7\r\npending\r\n:{pending}\r\n$3\r\nlag\r\n{lag}\r\n").into_bytes()
        };
        let excused = |ours: &[u8], other, theirs: &[u8]| {
            excuse(&words, [(Kind::Evenkeel, ours), (other, theirs)]).is_some()
        };
        assert!(excused(&group(1, "$-1"), Kind::Redis8, &group(1, ":3")));
        assert!(excused(&group(1, ":-2"), Kind::Redis8, &group(1, ":3")));
        assert!(!excused(&group(1, "$-1"), Kind::Redis8, &group(2, ":3")));
        assert!(!excused(&group(1, ":3"), Kind::Redis8, &group(1, "$-1")));
        assert!(!excused(&group(1, ":3"), Kind::Redis8, &group(1, ":-2")));
        assert!(!excused(&group(1, "$-1"), Kind::Valkey, &group(1, ":3")));
        assert!(excused(&group(1, "$-1"), Kind::Redis70, &group(1, ":3")));
        assert!(!excused(&group(1, ":2"), Kind::Redis70, &group(1, ":3")));
    }

    #[test]
    fn servers_that_do_the_same_are_held_to_it() {
        let words: Vec<Vec<u8>> = ["bitcount", "k", "1"].map(|word| word.as_bytes().to_vec()).to_vec();
        let (number, error) = (b":3\r\n".as_slice(), b"-ERR syntax error\r\n".as_slice());
        assert!(excuse(&words, [(Kind::Evenkeel, number), (Kind::Redis8, error)]).is_some());
        assert!(excuse(&words, [(Kind::Evenkeel, number), (Kind::Valkey, error)]).is_none());
        assert!(excuse(&words, [(Kind::Evenkeel, error), (Kind::Redis8, number)]).is_none());
    }
}
