//! Tests of what the string commands say to the log: the form in which Redis would send it to its replicas.

use crate::testing::Server;

/// Sends each request and compares what the log got and how many changes were counted. A number that can be a time near now is written `NOW`.
fn check(script: &[(&str, &str, u64)]) {
    let server = Server::start();
    let mut client = server.connect();
    let mut reader = server.engine.log.reader();
    let mut dirty = 0;
    for (request, effects, changes) in script {
        client.send(request);
        client.reply();
        let mut bytes = Vec::new();
        reader.read(&mut bytes, 1 << 20).expect("the reader keeps up");
        assert_eq!(words(&bytes), *effects, "{request}");
        let now = server.engine.totals().dirty;
        assert_eq!(now - dirty, *changes, "{request}");
        dirty = now;
    }
}

/// The words of the requests in `bytes`, without the headers and without the selection of a database.
fn words(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n", "");
    let now = engine::now_ms();
    let is_now = |word: &str| word.parse().is_ok_and(|ms: i64| (ms - now).abs() < 1_000_000);
    let words = text.split("\r\n").filter(|line| !line.starts_with(['*', '$']));
    words.map(|word| if is_now(word) { "NOW" } else { word }).collect::<Vec<_>>().join(" ").trim().to_string()
}

#[test]
fn what_replicas_are_told() {
    check(&[
        ("DEBUG SET-ACTIVE-EXPIRE 0", "", 0),
        ("SET a 1", "SET a 1", 1),
        ("SET a 1 NX", "", 0),
        ("SET n 1 NX", "SET n 1", 1),
        ("SET a 1 EX 100", "SET a 1 PXAT NOW", 1),
        ("SET a 2 KEEPTTL GET", "SET a 2 KEEPTTL", 1),
        ("SET a 3 IFEQ 1 GET", "", 0),
        ("SET a 3 IFEQ 2 EXAT 9999999999", "SET a 3 PXAT 9999999999000", 1),
        ("SETNX a 1", "", 0),
        ("SETNX b 1", "SETNX b 1", 1),
        ("SETEX b 100 v", "SET b v PXAT NOW", 1),
        ("PSETEX b 100000 v", "SET b v PXAT NOW", 1),
        ("GETSET b w", "SET b w", 1),
        ("GETEX b", "", 0),
        ("GETEX b PERSIST", "", 0),
        ("GETEX b EX 100", "PEXPIREAT b NOW", 1),
        ("GETEX b PERSIST", "PERSIST b", 1),
        ("GETEX b PXAT 1", "DEL b", 1),
        ("GETDEL b", "", 0),
        ("GETDEL n", "DEL n", 1),
        ("MSET x y z w x 2", "MSET x y z w x 2", 3),
        ("MSETNX x y", "", 0),
        ("MSETNX q y", "MSETNX q y", 1),
        ("MSETEX 2 x y z w EX 100", "MSETEX 2 x y z w PXAT NOW", 2),
        ("MSETEX 1 x y XX KEEPTTL", "MSETEX 1 x y KEEPTTL", 1),
        ("MSETEX 1 x y NX", "", 0),
        ("MSETEX 1 x y XX", "MSETEX 1 x y", 1),
        ("DELIFEQ x n", "", 0),
        ("DELIFEQ x y", "DEL x", 1),
        ("DELEX z IFNE w", "", 0),
        ("DELEX z IFEQ w", "DEL z", 1),
        ("DELEX q", "DEL q", 1),
        ("DELEX q", "", 0),
        ("INCRBYFLOAT f 3.5", "SET f 3.5 KEEPTTL", 1),
        ("INCRBYFLOAT f 3.5", "SET f 7 KEEPTTL", 1),
        ("INCRBYFLOAT f x", "", 0),
        ("APPEND f ''", "APPEND f", 1),
        ("APPEND f x", "APPEND f x", 1),
        ("SETRANGE f 0 ''", "", 0),
        ("SETRANGE f 0 y", "SETRANGE f 0 y", 1),
        ("INCR i", "INCR i", 1),
        ("DECRBY i 4", "DECRBY i 4", 1),
        ("LCS a i", "", 0),
        // A key whose time has come is removed, and said to be, by whoever meets it first.
        ("SET e 5 PXAT 1", "SET e 5 PXAT 1", 1),
        ("INCR e", "MULTI DEL e INCR e EXEC", 1),
        ("SET e 5 PXAT 1", "SET e 5 PXAT 1", 1),
        ("LCS a e", "DEL e", 0),
        ("SET e 5 PXAT 1", "SET e 5 PXAT 1", 1),
        ("SET e 6", "MULTI DEL e SET e 6 EXEC", 1),
        ("SET e 5 PXAT 1", "SET e 5 PXAT 1", 1),
        ("SET g 5 PXAT 1", "SET g 5 PXAT 1", 1),
        ("MGET e g", "MULTI DEL e DEL g EXEC", 0),
    ]);
}
