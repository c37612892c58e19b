//! Streams as values among others: what commands for any key do with them, what replicas are told, and trimming with regard to groups.

use crate::testing::{Server, check, check_effects};

/// As Redis 7.0 answers DUMP for XADD s 1-1 a b, XADD s 2-1 c d, XDEL s 1-1, with rdbcompression off.
const DUMPED: &str = "$84 \\x13\\x01\\x10\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01--\\x00\\x00\\x00\\x11\\x00\\x01\\x01\\x01\\x01\\x01\\x01\\x81a\\x02\\x00\\x01\\x03\\x01\\x00\\x01\\x00\\x01\\x81b\\x02\\x04\\x01\\x00\\x01\\x01\\x01\\x00\\x01\\x01\\x01\\x81c\\x02\\x81d\\x02\\x06\\x01\\xff\\x01\\x02\\x01\\x02\\x01\\x01\\x01\\x02\\x00\\n\\x000\\x8c\\x8bgO-P\\x0c";

#[test]
fn a_stream_is_a_value_like_others() {
    let server = Server::start();
    let mut client = server.connect();
    client.check(&[
        ("CONFIG SET rdbcompression no", "+OK"),
        ("XADD s 1-1 a b", "$3 1-1"),
        ("XADD s 2-1 c d", "$3 2-1"),
        ("XDEL s 1-1", ":1"),
        ("SCAN 0 TYPE stream", "*2 $1 0 *1 $1 s"),
        ("OBJECT ENCODING s", "$6 stream"),
        ("OBJECT REFCOUNT s", ":1"),
        ("GET s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("SORT s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("COPY s t", ":1"),
        ("XADD t 3-1 a b", "$3 3-1"),
        ("XLEN s", ":1"),
        ("XLEN t", ":2"),
        ("RENAME t u", "+OK"),
        ("XRANGE u - +", "*2 *2 $3 2-1 *2 $1 c $1 d *2 $3 3-1 *2 $1 a $1 b"),
        (
            "XADD u 2-5 a b",
            "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
        ),
        ("DEL u", ":1"),
    ]);
    client.send("MEMORY USAGE s");
    let usage = client.reply();
    let bytes: u64 = usage[1..].parse().expect("a number");
    assert!((100..2000).contains(&bytes), "{usage}");
    client.send("DUMP s");
    let dumped = client.reply();
    assert_eq!(dumped, DUMPED);
    let payload = DUMPED.split_once(' ').map_or("", |(_, payload)| payload);
    client.check(&[
        (&format!("RESTORE r 0 \"{payload}\""), "+OK"),
        ("XRANGE r - +", "*1 *2 $3 2-1 *2 $1 c $1 d"),
        ("XADD r 2-1 a b", "-ERR The ID specified in XADD is equal or smaller than the target stream top item"),
        ("XADD r 2-2 a b", "$3 2-2"),
        (
            "XINFO STREAM r",
            "*20 $6 length :2 $15 radix-tree-keys :1 $16 radix-tree-nodes :2 $17 last-generated-id $3 2-2 $20 max-deleted-entry-id $3 1-1 $13 entries-added :3 $23 recorded-first-entry-id $3 2-1 $6 groups :0 $11 first-entry *2 $3 2-1 *2 $1 c $1 d $10 last-entry *2 $3 2-2 *2 $1 a $1 b",
        ),
    ]);
}

#[test]
fn copies_are_the_same() {
    let server = Server::start();
    let mut client = server.connect();
    for n in 1..500 {
        client.send(&format!("XADD s {n}-1 field value{n} n {n}"));
        client.reply();
    }
    client.check(&[("XDEL s 3-1 7-1", ":2"), ("XTRIM s MAXLEN 450", ":47")]);
    client.send("DEBUG DIGEST-VALUE s");
    let digest = client.reply();
    client.send("XINFO STREAM s");
    let info = client.reply();
    for line in ["COPY s t", "DEL s", "RENAME t s"] {
        client.send(line);
        client.reply();
        client.send(if line == "COPY s t" || line == "DEL s" { "XINFO STREAM t" } else { "XINFO STREAM s" });
        assert_eq!(client.reply(), info, "{line}");
    }
    client.send("DEBUG DIGEST-VALUE s");
    assert_eq!(client.reply(), digest);
}

/// As Redis 7.0 and Valkey 9.1 answer for these streams.
#[test]
fn digests() {
    check(&[
        ("XADD s 1-1 a b 17 -5", "$3 1-1"),
        ("XADD s 2-1 c d", "$3 2-1"),
        ("DEBUG DIGEST-VALUE s", "*1 +ec55ec1fe328b9028f49be611039c0dfab4c5f4a"),
        ("XDEL s 1-1", ":1"),
        ("DEBUG DIGEST-VALUE s", "*1 +8fe4007169014fb1da62104b9c2ead932bbfffcf"),
        ("XDEL s 2-1", ":1"),
        ("DEBUG DIGEST-VALUE s", "*1 +06bd01623de1d087bbd377851096317b1af476a2"),
    ]);
}

/// As a replica of Redis 7.0, Redis 8.0 and Valkey 9.1 is told.
#[test]
fn effects() {
    check_effects(&[
        ("CONFIG SET stream-node-max-entries 3", ""),
        ("XADD s 1-* a b", "SELECT 0;XADD s 1-0 a b"),
        ("XADD s 5 a b", "XADD s 5 a b"),
        ("XADD s 999-1 a b", "XADD s 999-1 a b"),
        ("XADD s 5 a b", ""),
        ("XADD s MAXLEN ~ 2 999-* a b", "XADD s MAXLEN = 4 999-2 a b"),
        ("XADD s MAXLEN ~ 2 LIMIT 100 999-* a b", "XADD s MAXLEN = 2 LIMIT 100 999-3 a b"),
        ("XADD s MINID ~ 50 LIMIT 5 999-* a b", "XADD s MINID = 999-2 LIMIT 5 999-4 a b"),
        ("XTRIM s MAXLEN ~ 1 LIMIT 3", ""),
        ("XTRIM s MAXLEN 1", "XTRIM s MAXLEN 1"),
        ("XTRIM s MAXLEN 1", ""),
        ("XTRIM s MINID ~ 1", ""),
        ("XADD s MAXLEN = 1 999-* a b", "XADD s MAXLEN = 1 999-5 a b"),
        ("XADD n NOMKSTREAM * a b", ""),
        ("XDEL s 1 2", ""),
        ("XADD s NOMKSTREAM MAXLEN ~ 0 999-* a b", "XADD s NOMKSTREAM MAXLEN = 0 999-6 a b"),
        (
            "XADD s minid ~ 999-50 999-* a b",
            "XADD s minid = 18446744073709551615-18446744073709551615 999-7 a b",
        ),
        ("XADD s MAXLEN 0 999-* a b", "XADD s MAXLEN 0 999-8 a b"),
        ("XADD s MINID ~ 3 999-* a b", "XADD s MINID = 999-9 999-9 a b"),
        ("XSETID s 999-60", "XSETID s 999-60"),
        ("XDEL s 999-9 999-10", "XDEL s 999-9 999-10"),
        ("XTRIM s MAXLEN ~ 0", ""),
        ("XADD i 9999999999999-1 a b", "XADD i 9999999999999-1 a b"),
        ("XADD i IDMP p n * a b", "XADD i IDMP p n 9999999999999-2 a b"),
        ("XADD i IDMP p n * a b", ""),
        ("XADD i MAXLEN ~ 3 IDMP p o * a b", "XADD i MAXLEN = 3 IDMP p o 9999999999999-3 a b"),
        (
            "XADD i IDMPAUTO p MAXLEN 1 * a b",
            r"XADD i IDMP p \x95\xcd\xf5\x7f\xd2U=\xe6\xa5[pWiA\x1f[ MAXLEN 1 9999999999999-4 a b",
        ),
        ("XCFGSET i IDMP-MAXSIZE 100", "XCFGSET i IDMP-MAXSIZE 100"),
    ]);
}

#[test]
fn without_groups_references_make_no_difference() {
    check(&[
        ("XADD s 1 a b", "$3 1-0"),
        ("XADD s 2 a b", "$3 2-0"),
        ("XADD s ACKED MAXLEN 2 3 a b", "$3 3-0"),
        ("XADD s MAXLEN 2 DELREF 4 a b", "$3 4-0"),
        ("XLEN s", ":2"),
        ("XADD s ACKED KEEPREF 5 a b", "-ERR syntax error"),
        ("XADD s ACKED 5 a b", "$3 5-0"),
        ("XTRIM s KEEPREF MAXLEN 2", ":1"),
        ("XTRIM s MINID 5 acked", ":1"),
        ("XTRIM s ACKED", "-ERR wrong number of arguments for 'xtrim' command"),
        ("XTRIM s ACKED LIMIT 0", "-ERR syntax error, XTRIM must be called with a trimming strategy"),
    ]);
}
