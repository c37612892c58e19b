//! Sorted sets, answered as by a live server.

use keyspace::{Entry, NewValue, WorkerId};
use value::packed::{self, Element};
use value::set::SetForm;

use crate::testing::{Client, Server, check, check_effects};

const WRONG: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const SYNTAX: &str = "-ERR syntax error";

#[test]
fn zadd() {
    check(&[
        ("ZADD k 1 a 2 b", ":2"),
        ("ZADD k 3 a 4 c", ":1"),
        ("ZADD k CH 3 a 5 c 6 d", ":2"),
        ("ZADD k NX CH 9 a 7 e", ":1"),
        ("ZADD k XX 9 a 9 f", ":0"),
        ("ZADD k GT CH 8 a 10 b 1 g", ":2"),
        ("ZADD k LT CH 10 a 9 b", ":1"),
        ("ZRANGE k 0 -1 WITHSCORES", "*12 $1 g $1 1 $1 c $1 5 $1 d $1 6 $1 e $1 7 $1 a $1 9 $1 b $1 9"),
        ("ZADD k INCR 1.5 a", "$4 10.5"),
        ("ZADD k NX INCR 1 a", "$-1"),
        ("ZADD k XX INCR 1 new", "$-1"),
        ("ZADD k GT INCR -1 a", "$-1"),
        ("ZINCRBY k 2 new", "$1 2"),
        ("ZINCRBY k +inf new", "$3 inf"),
        ("ZINCRBY k -inf new", "-ERR resulting score is not a number (NaN)"),
        ("ZINCRBY k x new", "-ERR value is not a valid float"),
        ("ZINCRBY k xx nx", SYNTAX),
        ("ZADD k 1 a x b", "-ERR value is not a valid float"),
        ("ZADD k 1 a 2", SYNTAX),
        ("ZADD k NX XX", SYNTAX),
        ("ZADD k NX XX 1 a", "-ERR XX and NX options at the same time are not compatible"),
        ("ZADD k NX GT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"),
        ("ZADD k LT GT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"),
        ("ZADD k INCR 1 a 2 b", "-ERR INCR option supports a single increment-element pair"),
        ("ZADD nothing XX 1 a", ":0"),
        ("EXISTS nothing", ":0"),
        ("SET s 1", "+OK"),
        ("ZADD s 1 a", WRONG),
        ("ZADD s x a", "-ERR value is not a valid float"),
    ]);
}

#[test]
fn removals_end_with_the_key() {
    check(&[
        ("ZADD k 1 a 2 b 3 c 4 d 5 e", ":5"),
        ("ZREM k a x a", ":1"),
        ("ZREMRANGEBYRANK k -1 -1", ":1"),
        ("ZREMRANGEBYSCORE k (2 3", ":1"),
        ("ZREMRANGEBYLEX k [b (d", ":1"),
        ("ZRANGE k 0 -1", "*1 $1 d"),
        ("ZREM k d", ":1"),
        ("EXISTS k", ":0"),
        ("ZREMRANGEBYRANK k 0 -1", ":0"),
        ("ZREMRANGEBYRANK k x -1", "-ERR value is not an integer or out of range"),
        ("ZREMRANGEBYSCORE k x 1", "-ERR min or max is not a float"),
        ("ZREMRANGEBYLEX k a b", "-ERR min or max not valid string range item"),
    ]);
}

#[test]
fn ranks() {
    check(&[
        ("ZADD k 1 a 2 b 3 c", ":3"),
        ("ZRANK k c", ":2"),
        ("ZREVRANK k c", ":0"),
        ("ZRANK k c WITHSCORE", "*2 :2 $1 3"),
        ("ZRANK k x WITHSCORE", "*-1"),
        ("ZRANK k x", "$-1"),
        ("ZRANK k c y", SYNTAX),
        ("ZRANK k c withscore y", "-ERR wrong number of arguments for 'zrank' command"),
        ("ZMSCORE k a x c", "*3 $1 1 $-1 $1 3"),
        ("ZCARD k", ":3"),
        ("ZCOUNT k (1 +inf", ":2"),
        ("ZCOUNT k '' 1", ":1"),
        ("ZCOUNT k nan 1", "-ERR min or max is not a float"),
        ("ZLEXCOUNT k - +", ":3"),
        ("ZLEXCOUNT k [b +", ":2"),
        ("ZLEXCOUNT k + -", ":0"),
    ]);
}

#[test]
fn ranges() {
    check(&[
        ("ZADD k 1 a 2 b 3 c 4 d", ":4"),
        ("ZRANGE k 1 -2", "*2 $1 b $1 c"),
        ("ZRANGE k 0 1 REV", "*2 $1 d $1 c"),
        ("ZRANGE k 3 1", "*0"),
        ("ZRANGE k (1 3 BYSCORE", "*2 $1 b $1 c"),
        ("ZRANGE k 3 (1 BYSCORE REV WITHSCORES", "*4 $1 c $1 3 $1 b $1 2"),
        ("ZRANGE k -inf +inf BYSCORE LIMIT 1 2", "*2 $1 b $1 c"),
        ("ZRANGE k -inf +inf BYSCORE LIMIT 1 -1", "*3 $1 b $1 c $1 d"),
        ("ZRANGE k -inf +inf BYSCORE LIMIT -1 2", "*0"),
        ("ZRANGE k - + BYLEX LIMIT 0 2", "*2 $1 a $1 b"),
        ("ZRANGE k + - BYLEX REV LIMIT 1 1", "*1 $1 c"),
        ("ZREVRANGE k 0 0 WITHSCORES", "*2 $1 d $1 4"),
        ("ZRANGEBYSCORE k 2 3 WITHSCORES LIMIT 1 1", "*2 $1 c $1 3"),
        ("ZREVRANGEBYSCORE k 3 2", "*2 $1 c $1 b"),
        ("ZRANGEBYLEX k [b (d", "*2 $1 b $1 c"),
        ("ZREVRANGEBYLEX k (d [b", "*2 $1 c $1 b"),
        (
            "ZRANGE k 0 1 LIMIT 0 1",
            "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
        ),
        (
            "ZRANGE k - + BYLEX WITHSCORES",
            "-ERR syntax error, WITHSCORES not supported in combination with BYLEX",
        ),
        ("ZRANGE k 0 1 REV REV", SYNTAX),
        ("ZREVRANGE k 0 1 BYSCORE", SYNTAX),
        ("ZRANGE k 0 1 BYSCORE LIMIT 1", SYNTAX),
        ("ZRANGESTORE to k 1 2", ":2"),
        ("ZRANGE to 0 -1 WITHSCORES", "*4 $1 b $1 2 $1 c $1 3"),
        ("ZRANGESTORE to k 5 9 BYSCORE", ":0"),
        ("EXISTS to", ":0"),
        ("ZRANGESTORE to k 1 2 WITHSCORES", SYNTAX),
        ("SET s 1", "+OK"),
        ("ZRANGE s 0 1", WRONG),
    ]);
}

#[test]
fn pops() {
    check(&[
        ("ZADD k 1 a 2 b 3 c 4 d 5 e 6 f", ":6"),
        ("ZPOPMIN k", "*2 $1 a $1 1"),
        ("ZPOPMAX k 2", "*4 $1 f $1 6 $1 e $1 5"),
        ("ZPOPMIN k 0", "*0"),
        ("ZPOPMIN k -1", "-ERR value is out of range, must be positive"),
        ("ZPOPMIN k 1 2", SYNTAX),
        ("ZPOPMIN nothing 2", "*0"),
        ("BZPOPMIN nothing k 0", "*3 $1 k $1 b $1 2"),
        ("BZPOPMAX nothing 0", "*-1"),
        ("BZPOPMAX k x", "-ERR timeout is not a float or out of range"),
        ("BZPOPMAX k -1", "-ERR timeout is negative"),
        ("ZMPOP 2 nothing k MAX COUNT 1", "*2 $1 k *1 *2 $1 d $1 4"),
        ("BZMPOP 0 2 nothing k MIN COUNT 9", "*2 $1 k *1 *2 $1 c $1 3"),
        ("EXISTS k", ":0"),
        ("ZMPOP 1 k MIN", "*-1"),
        ("ZMPOP 0 k MIN", "-ERR numkeys should be greater than 0"),
        ("ZMPOP 1 k MIN COUNT 0", "-ERR count should be greater than 0"),
        ("ZMPOP 1 k MIN COUNT 1 COUNT 1", SYNTAX),
        ("ZMPOP 2 k MIN", SYNTAX),
        ("ZMPOP 9223372036854775807 k MIN", SYNTAX),
    ]);
    check_effects(&[
        ("ZADD k 1 a 2 b 3 c 4 d 5 e 6 f", "SELECT 0;ZADD k 1 a 2 b 3 c 4 d 5 e 6 f"),
        ("ZMPOP 1 k MAX COUNT 2", "ZPOPMAX k 2"),
        ("BZPOPMIN k 0", "ZPOPMIN k"),
        ("BZMPOP 0 1 k MIN COUNT 100", "ZPOPMIN k 3"),
        ("ZPOPMIN k", ""),
    ]);
}

#[test]
fn set_operations() {
    let server = Server::start();
    let mut block = SetForm::Listpack.empty();
    ["y", "w"].iter().for_each(|member| packed::push_back(&mut block, Element::of(member.as_bytes())));
    let keyspace = &server.engine.keyspace;
    {
        let mut access = keyspace.exclusive(WorkerId(0));
        if let Entry::Vacant(vacant) = access.entry(0, keyspace.key(b"s")) {
            vacant.insert(NewValue::set(SetForm::Listpack, &block), None, 0);
        }
    }
    server.connect().check(&[
        ("ZADD a 1 x 2 y", ":2"),
        ("ZADD b 10 y 20 z", ":2"),
        ("ZUNION 2 a b WITHSCORES", "*6 $1 x $1 1 $1 y $2 12 $1 z $2 20"),
        (
            "ZUNION 3 a b s WEIGHTS 2 3 4 AGGREGATE MAX WITHSCORES",
            "*8 $1 x $1 2 $1 w $1 4 $1 y $2 30 $1 z $2 60",
        ),
        ("ZINTER 2 a s WITHSCORES", "*2 $1 y $1 3"),
        ("ZDIFF 2 a s WITHSCORES", "*2 $1 x $1 1"),
        ("ZINTERCARD 3 a b s", ":1"),
        ("ZINTERCARD 2 a a LIMIT 1", ":1"),
        ("ZINTERCARD 2 a a LIMIT 0", ":2"),
        ("ZINTERCARD 2 a a LIMIT -1", "-ERR LIMIT can't be negative"),
        ("ZUNIONSTORE a 2 a b AGGREGATE MIN", ":3"),
        ("ZRANGE a 0 -1 WITHSCORES", "*6 $1 x $1 1 $1 y $1 2 $1 z $2 20"),
        ("ZINTERSTORE to 2 a nothing", ":0"),
        ("ZDIFFSTORE to 2 a b", ":1"),
        ("ZDIFFSTORE to 1 nothing", ":0"),
        ("EXISTS to", ":0"),
        ("ZUNION 0 a", "-ERR at least 1 input key is needed for 'zunion' command"),
        ("ZUNION 3 a", SYNTAX),
        ("ZUNION 1 a WEIGHTS x", "-ERR weight value is not a float"),
        ("ZDIFF 1 a WEIGHTS 1", SYNTAX),
        ("ZUNIONSTORE to 1 a WITHSCORES", SYNTAX),
        ("SET t 1", "+OK"),
        ("ZUNION 1 t NONSENSE", WRONG),
        ("ZUNIONSTORE t 1 s", ":2"),
        ("ZADD i inf x", ":1"),
        ("ZADD j -inf x", ":1"),
        ("ZUNION 2 i j WITHSCORES", "*2 $1 x $1 0"),
        ("ZUNION 1 i WEIGHTS 0 WITHSCORES", "*2 $1 x $1 0"),
    ]);
}

#[test]
fn scores_in_both_protocols() {
    let server = Server::start();
    let mut client = server.connect();
    client.check(&[
        ("ZADD k 0.1 a 1e17 b 1e19 c 1152921504606846976 d 3.0000000000000004 e -inf f", ":6"),
        (
            "ZRANGE k 0 -1 WITHSCORES",
            "*12 $1 f $4 -inf $1 a $3 0.1 $1 e $18 3.0000000000000004 $1 b $18 100000000000000000 $1 d $19 1152921504606846976 $1 c $5 1e+19",
        ),
        ("HELLO 3", "?"),
        ("ZSCORE k f", ",-inf"),
        ("ZRANGE k 0 1 WITHSCORES", "*2 *2 $1 f ,-inf *2 $1 a ,0.1"),
        ("ZPOPMIN k", "*2 $1 f ,-inf"),
        ("ZPOPMIN k 1", "*1 *2 $1 a ,0.1"),
        ("ZMSCORE k x e", "*2 _ ,3.0000000000000004"),
        ("BZPOPMIN nothing 0", "_"),
        ("ZSCAN k 0 MATCH e", "*2 $1 0 *2 $1 e $18 3.0000000000000004"),
        ("ZRANDMEMBER k 9 WITHSCORES", "*4 *2 $1 e ,3.0000000000000004 *2 $1 b ,100000000000000000 *2 $1 d ,1152921504606846976 *2 $1 c ,1e+19"),
    ]);
}

#[test]
fn encodings_follow_the_thresholds() {
    check(&[
        ("CONFIG SET zset-max-listpack-entries 3 zset-max-listpack-value 5", "+OK"),
        ("ZADD k 1 a 2 b 3 c", ":3"),
        ("OBJECT ENCODING k", "$8 listpack"),
        ("ZADD k 4 d", ":1"),
        ("OBJECT ENCODING k", "$8 skiplist"),
        ("ZADD l 1 a 1 a 1 a 1 a", ":1"),
        ("OBJECT ENCODING l", "$8 skiplist"),
        ("ZADD m 1 abcdef", ":1"),
        ("OBJECT ENCODING m", "$8 skiplist"),
        ("ZRANGESTORE n k 0 1", ":2"),
        ("OBJECT ENCODING n", "$8 listpack"),
        ("ZUNIONSTORE n 2 k m", ":5"),
        ("OBJECT ENCODING n", "$8 skiplist"),
        ("ZADD z -0 a", ":1"),
        ("ZSCORE z a", "$1 0"),
        ("ZADD k -0 e", ":1"),
        ("ZSCORE k e", "$2 -0"),
        // From a listpack that it is at first, unlike the whole of it, whose size is known.
        ("ZRANGESTORE n k -inf +inf BYSCORE", ":5"),
        ("ZSCORE n e", "$1 0"),
        ("ZRANGESTORE n k 0 -1", ":5"),
        ("ZSCORE n e", "$2 -0"),
    ]);
}

/// All cursors of a ZSCAN.
fn scanned(client: &mut Client, options: &str) -> Vec<String> {
    let (mut cursor, mut seen) = (String::from("0"), Vec::new());
    loop {
        client.send(&format!("ZSCAN k {cursor} {options}"));
        let reply = client.reply();
        let words: Vec<&str> = reply.split(' ').collect();
        cursor = words[2].to_string();
        seen.extend(words.iter().skip(5).step_by(2).map(|word| word.to_string()));
        if cursor == "0" {
            return seen;
        }
    }
}

#[test]
fn zscan() {
    let server = Server::start();
    let mut client = server.connect();
    client.check(&[
        ("ZSCAN nothing 0 NONSENSE", "*2 $1 0 *0"),
        ("ZSCAN nothing x", "-ERR invalid cursor"),
        ("ZADD k 1 a 2.5 b", ":2"),
        ("ZSCAN k 0", "*2 $1 0 *4 $1 a $1 1 $1 b $3 2.5"),
        ("ZSCAN k 0 NOSCORES", "*2 $1 0 *2 $1 a $1 b"),
        ("ZSCAN k 0 COUNT 0", SYNTAX),
        ("ZSCAN k 0 TYPE zset", SYNTAX),
        ("DEL k", ":1"),
    ]);
    for number in 0..1000 {
        client.send(&format!("ZADD k {} m{number}", number % 7));
        client.reply();
    }
    let mut seen = scanned(&mut client, "COUNT 20");
    assert_eq!(seen.len(), 2000, "each member and score once");
    seen = scanned(&mut client, "NOSCORES COUNT 20 MATCH m99*");
    assert_eq!(seen.len(), 11);
    client.check(&[
        ("ZADD k 0.1 m0", ":0"),
        ("ZSCAN k 0 COUNT 2000 MATCH m0", "*2 $1 0 *2 $2 m0 $19 0.10000000000000001"),
    ]);
}

#[test]
fn random_members_are_drawn_fairly() {
    let server = Server::start();
    let mut client = server.connect();
    client.check(&[
        ("ZRANDMEMBER k", "$-1"),
        ("ZRANDMEMBER k 5", "*0"),
        ("ZADD k 1 a 2 b 3 c 4 d 5 e 6 f 7 g 8 h 9 i 10 j", ":10"),
        ("ZRANDMEMBER k 0", "*0"),
        ("ZRANDMEMBER k 1 x", SYNTAX),
        (
            "ZRANDMEMBER k -9223372036854775808",
            "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ),
        ("ZRANDMEMBER k -9223372036854775807 withscores", "-ERR value is out of range"),
    ]);
    for (count, expected, each) in [("", 1, 1), ("-4", 4, 4), ("3", 3, 3), ("8", 8, 8)] {
        let mut seen = std::collections::HashMap::new();
        for _ in 0..1000 {
            client.send(&format!("ZRANDMEMBER k {count}"));
            let reply = client.reply();
            let members = reply.split(' ').filter(|word| !word.starts_with(['*', '$']));
            let members: Vec<String> = members.map(str::to_string).collect();
            assert_eq!(members.len(), expected);
            members.into_iter().for_each(|member| *seen.entry(member).or_insert(0) += 1);
        }
        for (member, times) in seen {
            let expected = 100 * each;
            assert!((expected * 6 / 10..expected * 14 / 10).contains(&times), "{count}: {member} {times}");
        }
    }
}

#[test]
fn effects() {
    check_effects(&[
        ("ZADD k NX 1 a", "SELECT 0;ZADD k NX 1 a"),
        ("ZADD k NX 1 a", ""),
        ("ZADD k XX INCR 1 a", "ZADD k XX INCR 1 a"),
        ("ZREM k x", ""),
        ("ZINCRBY k 1.5 a", "ZINCRBY k 1.5 a"),
        ("ZRANGESTORE to k 0 -1", "ZRANGESTORE to k 0 -1"),
        ("ZRANGESTORE none k 5 5", ""),
        ("ZRANGESTORE to k 5 5", "ZRANGESTORE to k 5 5"),
        ("ZUNIONSTORE u 1 k", "ZUNIONSTORE u 1 k"),
    ]);
}
