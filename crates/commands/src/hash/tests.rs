//! Hashes: every command against what live servers answered (redis-server 7.0 and 8.0), large hashes against a model.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::testing::{Server, check, check_effects};

#[test]
fn basics() {
    check(&[
        ("DEL h s", ":0"),
        ("SET s 1", "+OK"),
        ("HSET h a 1 f 1.5 t xx n nan i 9223372036854775807", ":5"),
        ("OBJECT ENCODING h", "$8 listpack"),
        ("HSET h a 2 b 3", ":1"),
        (
            "HGETALL h",
            "*12 $1 a $1 2 $1 f $3 1.5 $1 t $2 xx $1 n $3 nan $1 i $19 9223372036854775807 $1 b $1 3",
        ),
        ("HINCRBY h t 1", "-ERR hash value is not an integer"),
        ("HINCRBY h i 1", "-ERR increment or decrement would overflow"),
        ("HINCRBY h a x", "-ERR value is not an integer or out of range"),
        ("HINCRBY s a x", "-ERR value is not an integer or out of range"),
        ("HINCRBY s a 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HINCRBY h none -5", ":-5"),
        ("HINCRBY h none 7", ":2"),
        ("HINCRBYFLOAT h t 1", "-ERR hash value is not a float"),
        ("HINCRBYFLOAT h a x", "-ERR value is not a valid float"),
        ("HINCRBYFLOAT h a nan", "-ERR value is not a valid float"),
        ("HINCRBYFLOAT h a inf", "-ERR value is NaN or Infinity"),
        ("HINCRBYFLOAT s a inf", "-ERR value is NaN or Infinity"),
        ("HINCRBYFLOAT s a x", "-ERR value is not a valid float"),
        ("HINCRBYFLOAT s a 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HINCRBYFLOAT h n 1", "-ERR hash value is not a float"),
        ("HINCRBYFLOAT h zz 5.0e3", "$4 5000"),
        ("HINCRBYFLOAT h f 0.25", "$4 1.75"),
        ("HINCRBY h f 1", "-ERR hash value is not an integer"),
        ("HINCRBY h zz 1", ":5001"),
        ("HSET h a", "-ERR wrong number of arguments for 'hset' command"),
        ("HSET h a 1 b", "-ERR wrong number of arguments for 'hset' command"),
        ("HMSET h a", "-ERR wrong number of arguments for 'hmset' command"),
        ("HMSET h a 1 b", "-ERR wrong number of arguments for 'hmset' command"),
        ("HMSET h a 5", "+OK"),
        ("HSET s a 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HSETNX s a 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HGET s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HMGET s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HMGET h a missing t", "*3 $1 5 $-1 $2 xx"),
        ("HMGET none a", "*1 $-1"),
        ("HSTRLEN h t", ":2"),
        ("HSTRLEN h missing", ":0"),
        ("HSTRLEN none a", ":0"),
        ("HSTRLEN h i", ":19"),
        ("HSTRLEN s i", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HDEL h t t", ":1"),
        ("HDEL none a", ":0"),
        ("HDEL s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HEXISTS h a", ":1"),
        ("HEXISTS h missing", ":0"),
        ("HEXISTS none a", ":0"),
        ("HVALS h", "*7 $1 5 $4 1.75 $3 nan $19 9223372036854775807 $1 3 $1 2 $4 5001"),
        ("HKEYS h", "*7 $1 a $1 f $1 n $1 i $1 b $4 none $2 zz"),
        (
            "HGETALL h",
            "*14 $1 a $1 5 $1 f $4 1.75 $1 n $3 nan $1 i $19 9223372036854775807 $1 b $1 3 $4 none $1 2 $2 zz $4 5001",
        ),
        ("HGETALL none", "*0"),
        ("HGETALL s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HKEYS none", "*0"),
        ("HLEN none", ":0"),
        ("HLEN h", ":7"),
        ("HLEN s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HGET h missing", "$-1"),
        ("HGET none a", "$-1"),
        ("HSETNX h a 1", ":0"),
        ("HSETNX h q 1", ":1"),
        ("HSET h '' '' 01 -0", ":2"),
        ("HGET h ''", "$0 "),
        ("HGET h 01", "$2 -0"),
        ("HDEL h '' 01 a b f n i none zz q", ":10"),
        ("EXISTS h", ":0"),
    ]);
}

#[test]
fn random_fields_and_scans_by_syntax() {
    check(&[
        ("DEL h s", ":0"),
        ("SET s 1", "+OK"),
        ("HSET h a 1 b 2", ":2"),
        ("HRANDFIELD h x", "-ERR value is not an integer or out of range"),
        ("HRANDFIELD h 1 foo", "-ERR syntax error"),
        ("HRANDFIELD h 1 withvalues x", "-ERR syntax error"),
        (
            "HRANDFIELD h -9223372036854775808",
            "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ),
        ("HRANDFIELD h 9223372036854775807 withvalues", "-ERR value is out of range"),
        ("HRANDFIELD h 4611686018427387904 withvalues", "-ERR value is out of range"),
        ("HRANDFIELD none", "$-1"),
        ("HRANDFIELD none 2", "*0"),
        ("HRANDFIELD none -2", "*0"),
        ("HRANDFIELD h 0", "*0"),
        ("HRANDFIELD h 1 foo bar", "-ERR syntax error"),
        ("HRANDFIELD s 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HRANDFIELD s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HRANDFIELD h 10", "*2 $1 a $1 b"),
        ("HRANDFIELD h 10 WITHVALUES", "*4 $1 a $1 1 $1 b $1 2"),
        ("HSCAN h 0", "*2 $1 0 *4 $1 a $1 1 $1 b $1 2"),
        ("HSCAN h x", "-ERR invalid cursor"),
        ("HSCAN none x", "-ERR invalid cursor"),
        ("HSCAN none 0 foo", "*2 $1 0 *0"),
        ("HSCAN s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HSCAN s x", "-ERR invalid cursor"),
        ("HSCAN s 0 foo", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HSCAN h 0 foo", "-ERR syntax error"),
        ("HSCAN h 0 COUNT 0", "-ERR syntax error"),
        ("HSCAN h 0 COUNT x", "-ERR value is not an integer or out of range"),
        ("HSCAN h 0 COUNT", "-ERR syntax error"),
        ("HSCAN h 0 MATCH a*", "*2 $1 0 *2 $1 a $1 1"),
        ("HSCAN h 0 TYPE hash", "-ERR syntax error"),
        ("HSCAN h 0 NOVALUES", "*2 $1 0 *2 $1 a $1 b"),
        ("HSCAN h 0 MATCH a* NOVALUES COUNT 1", "*2 $1 0 *1 $1 a"),
    ]);
}

#[test]
fn deadlines_of_fields() {
    check(&[
        ("DEL h s", ":0"),
        ("HEXPIRE h 10 FIELDS 1 a", "*1 :-2"),
        ("HSET h a 1 b 2 c 3", ":3"),
        ("SET s 1", "+OK"),
        ("HEXPIRE s 10 FIELDS 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HEXPIRE h 10 FIELDS 1 z", "*1 :-2"),
        ("HEXPIRE h 10 FIELDS 2 a", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HEXPIRE h 10 FIELDS 1 a b", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HEXPIRE h 10 FIELDS 0 a", "-ERR Parameter `numFields` should be greater than 0"),
        ("HEXPIRE h 10 FIELDS x a", "-ERR Parameter `numFields` should be greater than 0"),
        ("HEXPIRE h 10 FIELDS -1 a", "-ERR Parameter `numFields` should be greater than 0"),
        (
            "HEXPIRE h 10 FIELDS 9999999999999 a",
            "-ERR The `numfields` parameter must match the number of arguments",
        ),
        ("HEXPIRE h 10 FOO 1 a", "-ERR Mandatory argument FIELDS is missing or not at the right position"),
        ("HEXPIRE h 10 NX FOO 1 a", "-ERR Mandatory argument FIELDS is missing or not at the right position"),
        ("HEXPIRE h 10 NX FIELDS 1", "-ERR The `numfields` parameter must match the number of arguments"),
        (
            "HEXPIRE h 10 NX XX FIELDS 1 a",
            "-ERR Mandatory argument FIELDS is missing or not at the right position",
        ),
        ("HEXPIRE h 10 FIELDS 1 a NX", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HEXPIRE h 10 FIELDS NX 1 a", "-ERR Parameter `numFields` should be greater than 0"),
        ("HEXPIRE h x FIELDS 1 a", "-ERR value is not an integer or out of range"),
        ("HEXPIRE h -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0"),
        ("HEXPIRE h 9223372036854775807 FIELDS 1 a", "-ERR invalid expire time in 'hexpire' command"),
        ("HPEXPIRE h 9223372036854775807 FIELDS 1 a", "-ERR invalid expire time in 'hpexpire' command"),
        ("HEXPIRE h 99999999999999 FIELDS 1 a", "-ERR invalid expire time in 'hexpire' command"),
        ("HPEXPIREAT h 281474976710655 FIELDS 1 a", "-ERR invalid expire time in 'hpexpireat' command"),
        ("HPEXPIREAT h 281474976710656 FIELDS 1 a", "-ERR invalid expire time in 'hpexpireat' command"),
        ("HPEXPIREAT h 70368744177664 FIELDS 1 a", "-ERR invalid expire time in 'hpexpireat' command"),
        ("HPEXPIREAT h 70368744177663 FIELDS 1 a", "*1 :1"),
        ("HPEXPIREAT h 9223372036854775807 FIELDS 1 a", "-ERR invalid expire time in 'hpexpireat' command"),
        ("HEXPIREAT h 9223372036854775807 FIELDS 1 a", "-ERR invalid expire time in 'hexpireat' command"),
        ("HPERSIST h FIELDS 1 a", "*1 :1"),
        ("HEXPIRE h 1000 NX FIELDS 3 a a z", "*3 :1 :0 :-2"),
        ("HEXPIRE h 1000 XX FIELDS 3 a b z", "*3 :1 :0 :-2"),
        ("HEXPIRE h 2000 GT FIELDS 3 a b z", "*3 :1 :0 :-2"),
        ("HEXPIRE h 2000 LT FIELDS 3 a b c", "*3 :0 :1 :1"),
        ("HEXPIRE h 1000 LT FIELDS 3 a b c", "*3 :1 :1 :1"),
        ("HEXPIRE h 0 FIELDS 1 c", "*1 :2"),
        ("HEXPIRE h 0 GT FIELDS 1 b", "*1 :0"),
        ("HEXPIREAT h 1 LT FIELDS 2 b b", "*2 :2 :-2"),
        ("HGETALL h", "*2 $1 a $1 1"),
        ("HTTL h FIELDS 2 a z", "*2 :1000 :-2"),
        ("HTTL none FIELDS 2 a z", "*2 :-2 :-2"),
        ("HTTL s FIELDS 2 a z", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HTTL h FOO 2 a z", "-ERR Mandatory argument FIELDS is missing or not at the right position"),
        ("HTTL h FIELDS 3 a z", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HTTL h FIELDS 1 a z", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HTTL h FIELDS 0 a z", "-ERR Number of fields must be a positive integer"),
        ("HTTL h FIELDS x a z", "-ERR Number of fields must be a positive integer"),
        ("HPERSIST h FIELDS 2 a z", "*2 :1 :-2"),
        ("HPERSIST h FIELDS 2 a z", "*2 :-1 :-2"),
        ("HPERSIST none FIELDS 2 a z", "*2 :-2 :-2"),
        ("HPERSIST h FIELDS 1 a z", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HPERSIST h FOO 1 a z", "-ERR Mandatory argument FIELDS is missing or not at the right position"),
        ("HPERSIST h FIELDS 0 a z", "-ERR Number of fields must be a positive integer"),
        ("HEXPIREAT h 1 FIELDS 1 a", "*1 :2"),
        ("EXISTS h", ":0"),
        ("HSET h a 1 b 2 c 3", ":3"),
        ("HEXPIRETIME h FIELDS 1 a", "*1 :-1"),
        ("HPEXPIREAT h 9999999999999 FIELDS 1 a", "*1 :1"),
        ("HEXPIRETIME h FIELDS 1 a", "*1 :10000000000"),
        ("HPEXPIRETIME h FIELDS 1 a", "*1 :9999999999999"),
        ("HSET h a 7", ":0"),
        ("HPEXPIRETIME h FIELDS 1 a", "*1 :-1"),
        ("HPEXPIREAT h 9999999999999 FIELDS 1 a", "*1 :1"),
        ("HINCRBY h a 3", ":10"),
        ("HPEXPIRETIME h FIELDS 1 a", "*1 :9999999999999"),
        ("HINCRBYFLOAT h a 3.5", "$4 13.5"),
        ("HPEXPIRETIME h FIELDS 1 a", "*1 :9999999999999"),
        ("HSETNX h a 3", ":0"),
        ("OBJECT ENCODING h", "$10 listpackex"),
        (
            "HEXPIRE h 10 FIELDS 1 a FIELDS 1 b",
            "-ERR The `numfields` parameter must match the number of arguments",
        ),
        ("HEXPIRE none -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0"),
        ("HEXPIRE h 10 FIELDS 1 a a", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HEXPIRE none x FIELDS 1 a", "-ERR value is not an integer or out of range"),
        ("HEXPIRE s x FIELDS 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HEXPIRE s 10 FIELDS 0 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HEXPIRE none 10 FIELDS 0 a", "-ERR Parameter `numFields` should be greater than 0"),
        ("HTTL none FIELDS 0 a", "-ERR Number of fields must be a positive integer"),
        ("HTTL s FIELDS 0 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        (
            "HEXPIRE h 10 GT NX FIELDS 1 a",
            "-ERR Mandatory argument FIELDS is missing or not at the right position",
        ),
        (
            "HEXPIRE h 10 XX LT FIELDS 1 a",
            "-ERR Mandatory argument FIELDS is missing or not at the right position",
        ),
        ("HEXPIRE h 10 FIELDS 2 FIELDS 1", "*2 :-2 :-2"),
    ]);
}

#[test]
fn hgetex_hgetdel() {
    check(&[
        ("DEL h s", ":0"),
        ("SET s 1", "+OK"),
        ("HSET h a 1 b 2 c 3", ":3"),
        ("HGETEX h FIELDS 2 a z", "*2 $1 1 $-1"),
        ("HGETEX none FIELDS 2 a z", "*2 $-1 $-1"),
        ("HGETEX s FIELDS 2 a z", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HGETEX h FIELDS 1 a z", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HGETEX h FIELDS 3 a z", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HGETEX h FIELDS 0 a", "-ERR Number of fields must be a positive integer"),
        ("HGETEX h FIELDS x a", "-ERR Number of fields must be a positive integer"),
        ("HGETEX h EX 10 FIELDS 1 a", "*1 $1 1"),
        (
            "HGETEX h EX 10 PX 10 FIELDS 1 a",
            "-ERR Mandatory argument FIELDS is missing or not at the right position",
        ),
        (
            "HGETEX h EX 10 PERSIST FIELDS 1 a",
            "-ERR Mandatory argument FIELDS is missing or not at the right position",
        ),
        ("HGETEX h FIELDS 1 a EX 10", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HGETEX h FIELDS 1 a PERSIST", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HGETEX h FIELDS 1 a EX", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HGETEX h EX x FIELDS 1 a", "-ERR value is not an integer or out of range"),
        ("HGETEX h EX 0 FIELDS 1 a", "*1 $1 1"),
        ("HGETEX h EX -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0"),
        ("HGETEX h EXAT 0 FIELDS 1 a", "*1 $-1"),
        ("HGETEX h EXAT 9223372036854775807 FIELDS 1 a", "-ERR invalid expire time in 'hgetex' command"),
        ("HGETEX h PXAT 9223372036854775807 FIELDS 1 a", "-ERR invalid expire time in 'hgetex' command"),
        ("HGETEX h PXAT 281474976710655 FIELDS 1 a", "-ERR invalid expire time in 'hgetex' command"),
        ("HGETEX h PXAT 281474976710656 FIELDS 1 a", "-ERR invalid expire time in 'hgetex' command"),
        ("HGETEX h PXAT 70368744177663 FIELDS 1 a", "*1 $-1"),
        ("HGETEX h PXAT 70368744177664 FIELDS 1 a", "-ERR invalid expire time in 'hgetex' command"),
        ("HGETEX h PERSIST FIELDS 1 a", "*1 $-1"),
        (
            "HGETEX h KEEPTTL FIELDS 1 a",
            "-ERR Mandatory argument FIELDS is missing or not at the right position",
        ),
        (
            "HGETEX h FOO 10 FIELDS 1 a",
            "-ERR Mandatory argument FIELDS is missing or not at the right position",
        ),
        ("HGETEX h EX 10 FOO 1 a", "-ERR Mandatory argument FIELDS is missing or not at the right position"),
        ("HGETEX h EX 10 FIELDS 1", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HGETEX h EX FIELDS 1 a", "-ERR value is not an integer or out of range"),
        ("HGETEX h PXAT 1 FIELDS 2 a z", "*2 $-1 $-1"),
        (
            "HGETEX h FIELDS 1 a FIELDS 1 b",
            "-ERR The `numfields` parameter must match the number of arguments",
        ),
        ("HGETEX h FIELDS 2 FIELDS 1", "*2 $-1 $-1"),
        (
            "HGETEX h EX 10 EX 10 FIELDS 1 b",
            "-ERR Mandatory argument FIELDS is missing or not at the right position",
        ),
        ("HGETALL h", "*4 $1 b $1 2 $1 c $1 3"),
        ("HGETEX h PXAT 1 FIELDS 3 b c b", "*3 $1 2 $1 3 $-1"),
        ("EXISTS h", ":0"),
        ("HSET h a 1 b 2 c 3", ":3"),
        ("HGETDEL h FIELDS 2 a z", "*2 $1 1 $-1"),
        ("HGETDEL none FIELDS 2 a z", "*2 $-1 $-1"),
        ("HGETDEL s FIELDS 2 a z", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HGETDEL h FIELDS 1 a z", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HGETDEL h FIELDS 3 a z", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HGETDEL h FIELDS 0 z", "-ERR Number of fields must be a positive integer"),
        ("HGETDEL h FIELDS x z", "-ERR Number of fields must be a positive integer"),
        ("HGETDEL h FOO 1 z", "-ERR Mandatory argument FIELDS is missing or not at the right position"),
        ("HGETDEL s FOO 1 z", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HGETDEL h FIELDS 3 b c b", "*3 $1 2 $1 3 $-1"),
        ("EXISTS h", ":0"),
    ]);
}

#[test]
fn hsetex() {
    check(&[
        ("SET s 1", "+OK"),
        ("HSETEX h FIELDS 1 a", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h FIELDS 1 a 1", ":1"),
        ("HSETEX h FIELDS 2 a 1", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h FIELDS 1 a 1 b 2", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h FIELDS 0 a 1", "-ERR invalid number of fields"),
        ("HSETEX h FIELDS x a 1", "-ERR invalid number of fields"),
        ("HSETEX h FNX FIELDS 1 a 2", ":0"),
        ("HSETEX h FNX FIELDS 2 a 2 z 3", ":0"),
        ("HSETEX h FXX FIELDS 2 a 2 z 3", ":0"),
        ("HSETEX h FXX FIELDS 2 a 2 a 3", ":1"),
        ("HSETEX h FXX FNX FIELDS 2 a 2 a 3", "-ERR Only one of FXX or FNX arguments can be specified"),
        ("HSETEX h FXX FXX FIELDS 1 a 2", "-ERR Only one of FXX or FNX arguments can be specified"),
        ("HGETALL h", "*2 $1 a $1 3"),
        ("HSETEX h FNX EX 100 FIELDS 1 e 2", ":1"),
        ("HSETEX h EX 100 FNX FIELDS 1 f 2", ":1"),
        (
            "HSETEX h EX 100 KEEPTTL FIELDS 1 f 2",
            "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
        ),
        ("HSETEX h KEEPTTL FIELDS 1 f 3", ":1"),
        ("HTTL h FIELDS 1 f", "*1 :100"),
        ("HSETEX h FIELDS 1 f 3", ":1"),
        ("HTTL h FIELDS 1 f", "*1 :-1"),
        ("HSETEX h EX 0 FIELDS 1 f 3", ":1"),
        ("HSETEX h EX -1 FIELDS 1 f 3", "-ERR invalid expire time, must be >= 0"),
        ("HSETEX h EX x FIELDS 1 f 3", "-ERR value is not an integer or out of range"),
        ("HSETEX h PXAT 1 FIELDS 1 f 3", ":1"),
        ("HSETEX h PXAT 1 FIELDS 1 new 3", ":1"),
        ("HGETALL h", "*4 $1 e $1 2 $1 a $1 3"),
        (
            "HSETEX s PXAT 1 FIELDS 1 f 3",
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        ("HSETEX n1 FXX FIELDS 1 f 3", ":0"),
        ("HSETEX n2 PXAT 1 FIELDS 1 f 3", ":1"),
        ("EXISTS n1 n2", ":0"),
        ("HSETEX h PXAT 281474976710656 FIELDS 1 f 3", "-ERR invalid expire time in 'hsetex' command"),
        ("HSETEX h PXAT 281474976710655 FIELDS 1 f 3", "-ERR invalid expire time in 'hsetex' command"),
        ("HSETEX h PXAT 70368744177663 FIELDS 1 f 3", ":1"),
        ("HSETEX h EX 9223372036854775807 FIELDS 1 f 3", "-ERR invalid expire time in 'hsetex' command"),
        ("HSETEX h FOO FIELDS 1 f 3", "-ERR unknown argument: FOO"),
        ("HSETEX h FIELDS 1 f 3 EX 10", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h FIELDS 1 f 3 FXX", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h EX 10 FIELDS 1", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h EX 10 FIELDS 1 f", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h FIELDS 1 f 3 FIELDS 1 f 3", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h EX FIELDS 1 f 3", "-ERR value is not an integer or out of range"),
        (
            "HSETEX h FXX EX 10 EX 10 FIELDS 1 f 3",
            "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
        ),
        ("HSETEX h PERSIST FIELDS 1 f 3", "-ERR unknown argument: PERSIST"),
        ("HSETEX h FIELDS 2 f 3 FIELDS 1", ":1"),
        ("HSETEX h PXAT 1 FIELDS 6 a 1 e 1 f 1 new 1 z 1 b 1", ":1"),
        ("EXISTS h", ":1"),
    ]);
}

#[test]
fn order_of_errors() {
    check(&[
        ("DEL h s", ":0"),
        ("SET s 1", "+OK"),
        ("HSET h a 1 b 2", ":2"),
        ("HGETEX h EX 10 FIELDS", "-ERR wrong number of arguments for 'hgetex' command"),
        ("HGETEX h EX FIELDS 1", "-ERR value is not an integer or out of range"),
        ("HGETEX h PERSIST FIELDS 1", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HGETEX h PERSIST FIELDS a", "-ERR Number of fields must be a positive integer"),
        ("HGETEX h FOO FIELDS 1", "-ERR Mandatory argument FIELDS is missing or not at the right position"),
        ("HGETEX h EX -1 FIELDS 0 a", "-ERR invalid expire time, must be >= 0"),
        ("HGETEX h EX x FIELDS 0 a", "-ERR value is not an integer or out of range"),
        ("HGETEX h EX 99999999999999 FIELDS 0 a", "-ERR invalid expire time in 'hgetex' command"),
        ("HGETEX h EX 99999999999999 FOO 0 a", "-ERR invalid expire time in 'hgetex' command"),
        ("HGETEX h EX 99999999999999 FIELDS 3 a", "-ERR invalid expire time in 'hgetex' command"),
        ("HGETEX h EX 10 10 10 10", "-ERR Mandatory argument FIELDS is missing or not at the right position"),
        ("HSETEX h EX x FIELDS 0 a 1", "-ERR value is not an integer or out of range"),
        ("HSETEX h EX -1 FIELDS 0 a 1", "-ERR invalid expire time, must be >= 0"),
        ("HSETEX h EX 99999999999999 FIELDS 0 a 1", "-ERR invalid expire time in 'hsetex' command"),
        ("HSETEX h EX 99999999999999 FOO 0 a 1", "-ERR invalid expire time in 'hsetex' command"),
        ("HSETEX s EX 99999999999999 FIELDS 1 a 1", "-ERR invalid expire time in 'hsetex' command"),
        ("HSETEX s EX x FIELDS 1 a 1", "-ERR value is not an integer or out of range"),
        ("HSETEX s FIELDS 1 a 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HSETEX h EX x FNX", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h EX x FNX FXX", "-ERR value is not an integer or out of range"),
        ("HSETEX h FIELDS 1 a 1 FNX FNX", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h FIELDS 1 a 1 FNX", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h FNX FNX FIELDS 1 a 1", "-ERR Only one of FXX or FNX arguments can be specified"),
        ("HSETEX h FNX EX FNX 1", "-ERR value is not an integer or out of range"),
        (
            "HSETEX h FNX KEEPTTL EX 1 FIELDS 1",
            "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
        ),
        (
            "HSETEX h FNX KEEPTTL KEEPTTL 1 FIELDS 1",
            "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
        ),
        (
            "HSETEX h EX 10 FNX PX",
            "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
        ),
        ("HEXPIRE h 10 NX FIELDS 1", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HEXPIRE h 10 FIELDS 1 FIELDS", "*1 :-2"),
        ("HEXPIRE h 99999999999999 FIELDS 0 a", "-ERR invalid expire time in 'hexpire' command"),
        ("HTTL h NX FIELDS 1", "-ERR Mandatory argument FIELDS is missing or not at the right position"),
        ("HPERSIST h FIELDS 1 1 1", "-ERR The `numfields` parameter must match the number of arguments"),
        ("HEXPIRE h 0 XX FIELDS 1 a", "*1 :0"),
        ("HEXPIRE h 0 NX FIELDS 1 a", "*1 :2"),
    ]);
}

#[test]
fn more_errors() {
    check(&[
        ("DEL h s", ":0"),
        ("SET s 1", "+OK"),
        ("HSET h a 1 b 2", ":2"),
        ("HSETEX s FOO", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX s FOO a a a a", "-ERR unknown argument: FOO"),
        ("HGETEX s FOO a a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HPERSIST s FOO a a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("HSETEX h FIELDS 9999999999999999999 a 1", "-ERR invalid number of fields"),
        ("HSETEX h FIELDS 1073741824 a 1", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h FIELDS 2147483647 a 1", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h FNX EX 100 a 1", "-ERR unknown argument: a"),
        ("HSETEX h FIELDS -1 a 1", "-ERR invalid number of fields"),
        (
            "HGETDEL h FIELDS 9999999999999 a",
            "-ERR The `numfields` parameter must match the number of arguments",
        ),
        (
            "HGETEX h FIELDS 9999999999999 a",
            "-ERR The `numfields` parameter must match the number of arguments",
        ),
        ("HGETEX h FIELDS", "-ERR wrong number of arguments for 'hgetex' command"),
        ("HSETEX h EX 1 FIELDS 1 a", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h a b c d", "-ERR unknown argument: a"),
        ("HSETEX h FNX FNX a b", "-ERR Only one of FXX or FNX arguments can be specified"),
        (
            "HSETEX h EX 10 EX x a b",
            "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
        ),
        ("HSETEX h EX 10 EX", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h FNX FNX FNX EX", "-ERR Only one of FXX or FNX arguments can be specified"),
        ("HSETEX h KEEPTTL FIELDS 1 q 1 KEEPTTL", "-ERR wrong number of arguments for 'hsetex' command"),
        ("HSETEX h FIELDS 1 a 1 FIELDS", "-ERR wrong number of arguments for 'hsetex' command"),
    ]);
}

#[test]
fn expired_fields_are_never_shown() {
    check(&[
        ("DEBUG SET-ACTIVE-EXPIRE 0", "+OK"),
        ("HSET h a 1 b 2 c 3", ":3"),
        ("HPEXPIRE h 1 FIELDS 2 a b", "*2 :1 :1"),
        ("DEBUG SLEEP 0.01", "+OK"),
        ("HGET h a", "$-1"),
        ("HMGET h a b c", "*3 $-1 $-1 $1 3"),
        ("HLEN h", ":1"),
        ("HEXISTS h a", ":0"),
        ("HSTRLEN h a", ":0"),
        ("HGETALL h", "*2 $1 c $1 3"),
        ("HKEYS h", "*1 $1 c"),
        ("HVALS h", "*1 $1 3"),
        ("HSCAN h 0", "*2 $1 0 *2 $1 c $1 3"),
        ("HRANDFIELD h", "$1 c"),
        ("HRANDFIELD h -3", "*3 $1 c $1 c $1 c"),
        ("HRANDFIELD h 5", "*1 $1 c"),
        ("HTTL h FIELDS 2 a c", "*2 :-2 :-1"),
        ("HDEL h a", ":0"),
        ("HPEXPIRE h 1 FIELDS 1 c", "*1 :1"),
        ("DEBUG SLEEP 0.01", "+OK"),
        ("HGETALL h", "*0"),
        ("HRANDFIELD h", "$-1"),
        ("HSETNX h c 4", ":1"),
        ("HGETALL h", "*2 $1 c $1 4"),
        ("HPEXPIRE h 1 FIELDS 1 c", "*1 :1"),
        ("EXPIRE h 100", ":1"),
        ("DEBUG SLEEP 0.01", "+OK"),
        ("HINCRBY h c 5", ":5"),
        ("HTTL h FIELDS 1 c", "*1 :-1"),
        ("TTL h", ":-1"),
    ]);
}

#[test]
fn effects() {
    check_effects(&[
        ("DEBUG SET-ACTIVE-EXPIRE 0", ""),
        ("HSET h a 1 b 2 c 3", "SELECT 0;HSET h a 1 b 2 c 3"),
        ("HMSET h a 1", "HMSET h a 1"),
        ("HSETNX h a 1", ""),
        ("HSETNX h d 1", "HSETNX h d 1"),
        ("HDEL h d z", "HDEL h d z"),
        ("HDEL h z", ""),
        ("HINCRBY h a 3", "HINCRBY h a 3"),
        ("HINCRBYFLOAT h a 3.5", "HSET h a 7.5"),
        ("HPEXPIREAT h 9999999999999 NX FIELDS 3 a b z", "HPEXPIREAT h 9999999999999 NX FIELDS 2 a b"),
        ("HINCRBYFLOAT h a 3.5", "HSETEX h KEEPTTL FIELDS 1 a 11"),
        ("HEXPIREAT h 9999999999 NX FIELDS 1 a", ""),
        ("HEXPIREAT h 9999999999 FIELDS 2 a z", "HPEXPIREAT h 9999999999000 FIELDS 1 a"),
        ("HEXPIRE h 0 FIELDS 2 c z", "HDEL h c"),
        ("HPERSIST h FIELDS 2 a z", "HPERSIST h FIELDS 2 a z"),
        ("HPERSIST h FIELDS 2 a z", ""),
        ("HGETEX h FIELDS 1 a", ""),
        ("HGETEX h PXAT 9999999999999 FIELDS 2 a z", "HPEXPIREAT h 9999999999999 FIELDS 2 a z"),
        ("HGETEX h PERSIST FIELDS 2 a b", "HPERSIST h FIELDS 2 a b"),
        ("HGETEX h PERSIST FIELDS 2 a b", ""),
        ("HGETEX h PXAT 1 FIELDS 2 a b", "HDEL h a b"),
        ("HSETEX h FNX PXAT 9999999999999 FIELDS 1 a 1", "HSETEX h PXAT 9999999999999 FIELDS 1 a 1"),
        ("HSETEX h FNX EX 100 FIELDS 1 a 1", ""),
        ("HSETEX h FXX KEEPTTL FIELDS 1 a 1", "HSETEX h KEEPTTL FIELDS 1 a 1"),
        ("HSETEX h PXAT 1 FIELDS 2 a 1 b 1", "HDEL h a b"),
        ("HSETEX h PXAT 1 FIELDS 1 a 1", ""),
        ("HSET h a 1", "HSET h a 1"),
        ("HGETDEL h FIELDS 2 a z", "HDEL h a z"),
        ("HGETDEL h FIELDS 2 a z", ""),
        ("HSET h a 1 b 2", "HSET h a 1 b 2"),
        ("HPEXPIRE h 1 FIELDS 2 a b", "?"),
        ("DEBUG SLEEP 0.01", ""),
        ("HGETALL h", ""),
        ("HINCRBY h a x", ""),
        ("HSET h c 1", "MULTI;HDEL h b a;HSET h c 1;EXEC"),
    ]);
}

#[test]
fn fields_leave_at_their_deadlines_by_themselves() {
    let server = Server::start();
    let mut reader = server.engine.log.reader();
    let mut client = server.connect();
    client.check(&[
        ("CONFIG SET hash-max-listpack-entries 3", "+OK"),
        ("HSET small a 1 b 2 c 3", ":3"),
        ("HPEXPIRE small 50 FIELDS 2 a b", "*2 :1 :1"),
        ("HSET gone a 1 b 2", ":2"),
        ("HPEXPIRE gone 60 FIELDS 2 a b", "*2 :1 :1"),
        // A change takes the deadline away again, or puts it off.
        ("HSET stays a 1", ":1"),
        ("HPEXPIRE stays 50 FIELDS 1 a", "*1 :1"),
        ("HSET stays a 2", ":0"),
        ("HSETEX later PX 50 FIELDS 1 a 1", ":1"),
        ("HEXPIRE later 1000 FIELDS 1 a", "*1 :1"),
        ("COPY gone copied", "?"),
    ]);
    let mut fields = Vec::new();
    for n in 0..2000 {
        fields.push(format!("field:{n}"));
    }
    let mut request: Vec<&[u8]> = vec![b"HSETEX", b"large", b"PX", b"70", b"FIELDS", b"2000"];
    fields.iter().for_each(|field| request.extend([field.as_bytes(), b"v"]));
    client.send_args(&request);
    assert_eq!(client.reply(), ":1");
    client.check(&[("HSET large stays 1", ":1"), ("OBJECT ENCODING large", "$9 hashtable")]);
    let began = Instant::now();
    let mut told = 0;
    while told < 2004 {
        assert!(began.elapsed() < Duration::from_secs(5), "{told} fields are said to be gone");
        std::thread::sleep(Duration::from_millis(20));
        let mut bytes = Vec::new();
        reader.read(&mut bytes, usize::MAX).expect("the log holds it");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for effect in text.split('*').filter(|effect| effect.contains("HDEL")) {
            told += effect.split("\r\n").next().map_or(0, |count| count.parse::<usize>().unwrap() - 2);
        }
    }
    assert!(began.elapsed() < Duration::from_secs(2), "took {:?}", began.elapsed());
    client.check(&[
        ("HGETALL small", "*2 $1 c $1 3"),
        ("HGETALL large", "*2 $5 stays $1 1"),
        ("EXISTS gone", ":0"),
        ("HGET stays a", "$1 2"),
        ("HGET later a", "$1 1"),
    ]);
}

#[test]
fn behaves_like_a_map_whatever_it_lies_in() {
    for limit in [0, 5, 40] {
        let seed = fastrand::u64(..);
        println!("seed {seed}, limit {limit}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let server = Server::start();
        let mut client = server.connect();
        client.check(&[(&format!("CONFIG SET hash-max-listpack-entries {limit}"), "+OK")]);
        let mut model: BTreeMap<String, (String, bool)> = BTreeMap::new();
        let mut ask = |request: &str| {
            client.send(request);
            client.reply()
        };
        for _ in 0..1500 {
            let field = format!("f{}", rng.u8(..60));
            let value = rng.i16(..).to_string();
            let known = model.contains_key(&field);
            match rng.u8(..9) {
                0..3 => {
                    assert_eq!(ask(&format!("HSET h {field} {value}")), format!(":{}", i32::from(!known)));
                    model.insert(field, (value, false));
                }
                3..5 => {
                    assert_eq!(ask(&format!("HDEL h {field}")), format!(":{}", i32::from(known)));
                    model.remove(&field);
                }
                5 => {
                    let reply = ask(&format!("HEXPIRE h {} FIELDS 1 {field}", rng.u32(100..100_000)));
                    assert_eq!(reply, if known { "*1 :1" } else { "*1 :-2" });
                    model.entry(field).and_modify(|(_, timed)| *timed = true);
                }
                6 => {
                    let timed = model.get(&field).map_or(-2, |(_, timed)| if *timed { 1 } else { -1 });
                    assert_eq!(ask(&format!("HPERSIST h FIELDS 1 {field}")), format!("*1 :{timed}"));
                    model.entry(field).and_modify(|(_, timed)| *timed = false);
                }
                7 => {
                    let found = model.get(&field).map(|(value, _)| format!("${} {value}", value.len()));
                    assert_eq!(ask(&format!("HGET h {field}")), found.unwrap_or("$-1".to_string()));
                }
                _ => {
                    assert_eq!(ask("HLEN h"), format!(":{}", model.len()));
                    let all = ask("HGETALL h");
                    let words: Vec<&str> = all.split(' ').skip(1).skip(1).step_by(2).collect();
                    let shown: BTreeMap<&str, &str> =
                        words.chunks(2).map(|pair| (pair[0], pair[1])).collect();
                    let model = model.iter().map(|(field, (value, _))| (field.as_str(), value.as_str()));
                    assert_eq!(shown, model.collect());
                    let distinct = ask(&format!("HRANDFIELD h {}", rng.u8(..70)));
                    let drawn: Vec<&str> = distinct.split(' ').skip(1).skip(1).step_by(2).collect();
                    let set: std::collections::BTreeSet<&str> = drawn.iter().copied().collect();
                    assert!(drawn.len() == set.len() && set.iter().all(|field| shown.contains_key(field)));
                }
            }
        }
    }
}
