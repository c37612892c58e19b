//! Tests of SORT and SORT_RO as a client sees them; their words to the log are tested with those of the lists.

use crate::testing::check;

#[test]
fn numbers_and_texts() {
    check(&[
        ("SORT none", "*0"),
        ("RPUSH l 3 10 2.5 -1 1e1", ":5"),
        ("SORT l", "*5 $2 -1 $3 2.5 $1 3 $2 10 $3 1e1"),
        ("SORT l DESC", "*5 $3 1e1 $2 10 $1 3 $3 2.5 $2 -1"),
        ("SORT l ALPHA", "*5 $2 -1 $2 10 $3 1e1 $3 2.5 $1 3"),
        ("SORT_RO l LIMIT 1 2", "*2 $3 2.5 $1 3"),
        ("SORT l LIMIT -5 -1 ASC", "*5 $2 -1 $3 2.5 $1 3 $2 10 $3 1e1"),
        ("SORT l LIMIT 4 9223372036854775807", "*1 $3 1e1"),
        ("SORT l LIMIT 5 1", "*0"),
        ("SORT l LIMIT 9223372036854775807 9223372036854775807", "*0"),
        ("SORT l BY nosort DESC LIMIT 1 2", "*2 $2 10 $3 2.5"),
        ("RPUSH l x", ":6"),
        ("SORT l", "-ERR One or more scores can't be converted into double"),
        ("SORT l ALPHA DESC LIMIT 0 1", "*1 $1 x"),
    ]);
}

#[test]
fn patterns() {
    check(&[
        ("RPUSH l 1 2 3", ":3"),
        ("MSET w1 30 w2 20 name1 one name3 three p1 b p2 a", "+OK"),
        ("SORT l BY w*", "*3 $1 3 $1 2 $1 1"),
        ("SORT l BY w* GET # GET name* GET x", "*9 $1 3 $5 three $-1 $1 2 $-1 $-1 $1 1 $3 one $-1"),
        ("SORT l BY p* ALPHA", "*3 $1 3 $1 2 $1 1"),
        ("SORT l BY p* ALPHA DESC", "*3 $1 1 $1 2 $1 3"),
        ("SORT l BY name*", "-ERR One or more scores can't be converted into double"),
        ("SORT l BY w*->", "*3 $1 1 $1 2 $1 3"),
        ("SORT l BY x BY w*", "*3 $1 1 $1 2 $1 3"),
        ("SORT l GET #", "*3 $1 1 $1 2 $1 3"),
        ("SORT l GET l*", "*3 $-1 $-1 $-1"),
        ("SORT_RO l BY w* GET name*", "*3 $5 three $-1 $3 one"),
    ]);
}

#[test]
fn stores() {
    check(&[
        ("RPUSH l 3 1 2", ":3"),
        ("SET d v EX 100", "+OK"),
        ("SORT l STORE d", ":3"),
        ("LRANGE d 0 -1", "*3 $1 1 $1 2 $1 3"),
        ("OBJECT ENCODING d", "$8 listpack"),
        ("TTL d", ":-1"),
        ("SORT l GET x GET # STORE d", ":6"),
        ("LRANGE d 0 -1", "*6 $0  $1 1 $0  $1 2 $0  $1 3"),
        ("SORT l DESC STORE l", ":3"),
        ("LRANGE l 0 -1", "*3 $1 3 $1 2 $1 1"),
        ("SORT l STORE x STORE y", ":3"),
        ("EXISTS x y", ":1"),
        // The key that STORE names may be a word of SORT's.
        ("SORT l STORE get STORE by", ":3"),
        ("EXISTS by", ":1"),
        ("SORT none STORE d", ":0"),
        ("EXISTS d", ":0"),
        ("SORT l LIMIT 3 1 STORE y", ":0"),
        ("EXISTS y", ":0"),
        ("COMMAND GETKEYS SORT l BY w* STORE d LIMIT 1 2 STORE e", "*2 $1 l $1 e"),
        ("COMMAND GETKEYS SORT_RO l BY w*", "*1 $1 l"),
    ]);
}

#[test]
fn errors() {
    check(&[
        ("SORT l LIMIT 1", "-ERR syntax error"),
        ("SORT l LIMIT 1 x", "-ERR value is not an integer or out of range"),
        ("SORT l FOO", "-ERR syntax error"),
        ("SORT l BY", "-ERR syntax error"),
        ("SORT l GET", "-ERR syntax error"),
        ("SORT l STORE", "-ERR syntax error"),
        ("SORT_RO l STORE x", "-ERR syntax error"),
        ("SET s v", "+OK"),
        ("SORT s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("SORT s FOO", "-ERR syntax error"),
    ]);
}
