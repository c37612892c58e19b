//! Files and payloads of a real server load here, ours load there, and nothing changes on the way.

use std::fs;
use std::path::PathBuf;

use system_tests::contents::{Contents, differences, read};
use system_tests::{Client, Random, Server, ServerOptions, server};

const DATABASES: u32 = 16;

fn start(binary: PathBuf) -> ServerOptions {
    ServerOptions::new(binary).args("--enable-debug-command yes")
}

/// Strings of every kind of encoding, deadlines, several databases.
fn fill(client: &mut Client) {
    let mut random = Random::new(2024);
    let deadline = |random: &mut Random| (4_000_000_000_000 + random.below(1_000_000_000)).to_string();
    for db in [0, 1, 7, 15] {
        client.run(&format!("SELECT {db}"));
        let mut values: Vec<Vec<u8>> =
            vec![Vec::new(), b"\0\r\n\xff".to_vec(), vec![b'a'; 21], vec![b'z'; 100_000]];
        for number in [
            0i64,
            -1,
            127,
            -128,
            128,
            32767,
            -32768,
            32768,
            2147483647,
            -2147483648,
            2147483648,
            i64::MAX,
            i64::MIN,
        ] {
            values.push(number.to_string().into_bytes());
        }
        values.extend(["007", "+1", "-0", "1.5", "9223372036854775808"].map(|text| text.as_bytes().to_vec()));
        values.extend(
            [44usize, 45, 63, 64, 255, 256, 16_383, 16_384, 70_000, 1_000_000].map(|len| random.bytes(len)),
        );
        for (index, value) in values.iter().enumerate() {
            client.call(&[b"SET".as_slice(), format!("plain:{index}").as_bytes(), value]).unwrap();
            let key = format!("timed:{index}");
            client
                .call(&[b"SET".as_slice(), key.as_bytes(), value, b"PXAT", deadline(&mut random).as_bytes()])
                .unwrap();
        }
        for index in 0..3000 {
            client.run(&format!("SET many:{index} value:{index}"));
        }
        for index in 0..200 {
            client.run(&format!("PFADD hll:{} element:{index}", index % 3));
        }
        client.call(&[b"SET".as_slice(), &random.bytes(300), b"long binary key"]).unwrap();
    }
}

/// Collections of every type around the limits of small ones, made by commands that the writer has; in database 2.
fn fill_collections(client: &mut Client) {
    let mut random = Random::new(77);
    client.run("SELECT 2");
    for count in [1usize, 5, 100, 128, 129, 512, 513, 3000] {
        for len in [3usize, 64, 65, 200] {
            let texts: Vec<Vec<u8>> = (0..count)
                .map(|n| match n % 4 {
                    0 if len == 3 => (random.bits() as i64 >> (n % 60)).to_string().into_bytes(),
                    1 => format!("{n:a>len$}").into_bytes(),
                    _ => random.bytes(len),
                })
                .collect();
            let call = |client: &mut Client, command: &str, key: String, parts: Vec<Vec<u8>>| {
                for some in parts.chunks(1000) {
                    let mut request = vec![command.as_bytes().to_vec(), key.clone().into_bytes()];
                    request.extend_from_slice(some);
                    let reply = client.call(&request).unwrap();
                    assert!(!reply.is_error(), "{}", reply.text());
                }
            };
            let pairs = |first: &dyn Fn(usize) -> Vec<u8>, second: &dyn Fn(usize) -> Vec<u8>| {
                (0..count).flat_map(|n| [first(n), second(n)]).collect::<Vec<_>>()
            };
            let score = |n: usize| match n % 5 {
                0 => n.to_string().into_bytes(),
                1 => b"inf".to_vec(),
                2 => b"3.1".to_vec(),
                3 => format!("-{n}.5").into_bytes(),
                _ => format!("{n}e15").into_bytes(),
            };
            let field = |n: usize| format!("field:{n}").into_bytes();
            call(client, "RPUSH", format!("list:{count}:{len}"), texts.clone());
            call(client, "SADD", format!("set:{count}:{len}"), texts.clone());
            call(client, "ZADD", format!("zset:{count}:{len}"), pairs(&score, &|n| texts[n].clone()));
            call(client, "HSET", format!("hash:{count}:{len}"), pairs(&field, &|n| texts[n].clone()));
        }
        let ints =
            |step: i64| (0..count as i64).map(|n| (n * step).to_string().into_bytes()).collect::<Vec<_>>();
        for (name, step) in [("small", 1), ("wide", -100_000), ("widest", 1 << 50)] {
            let mut request = vec![b"SADD".to_vec(), format!("ints:{name}:{count}").into_bytes()];
            request.extend(ints(step));
            client.call(&request).unwrap();
        }
    }
    let long = random.bytes(1_000_000);
    for command in [
        vec![b"RPUSH".as_slice(), b"list:long", b"short", &long, b"17", &long[..9000]],
        vec![b"SADD".as_slice(), b"set:long", b"short", &long, &long[..9000]],
        vec![b"ZADD".as_slice(), b"zset:long", b"1", b"short", b"2", &long, b"3", &long[..9000]],
        vec![b"HSET".as_slice(), b"hash:long", b"short", &long, &long[..9000], b"5"],
        vec![b"PEXPIREAT".as_slice(), b"hash:long", b"4000000000000"],
        vec![b"PEXPIREAT".as_slice(), b"list:5:3", b"4000000000000"],
    ] {
        assert!(!client.call(&command).unwrap().is_error());
    }
    fill_streams(client);
}

/// Streams around the limit of a node, with deleted entries and with groups whose consumers have entries pending.
fn fill_streams(client: &mut Client) {
    for count in STREAMS {
        let key = format!("stream:{count}");
        for n in 1..=count {
            // Some entries have their node's fields and some have others.
            let other = if n % 7 == 0 { format!(" more:{n} {n}") } else { String::new() };
            client.run(&format!("XADD {key} {n}-{} temperature {n} place room:{}{other}", n % 3, n % 5));
        }
        for n in (1..count).step_by(5) {
            assert_eq!(client.run(&format!("XDEL {key} {n}-{}", n % 3)).int(), Some(1));
        }
        for command in [
            format!("XGROUP CREATE {key} readers 0"),
            format!("XGROUP CREATE {key} idle $"),
            format!("XGROUP CREATECONSUMER {key} readers bob"),
            format!("XREADGROUP GROUP readers alice COUNT {} STREAMS {key} >", count.div_ceil(2)),
            format!("XREADGROUP GROUP readers bob COUNT 7 STREAMS {key} >"),
            format!("XGROUP CREATECONSUMER {key} readers carol"),
            format!("XACK {key} readers 2-2 3-0 4-1"),
        ] {
            let reply = client.run(&command);
            assert!(!reply.is_error(), "{command}: {}", reply.text());
        }
    }
}

const STREAMS: [usize; 4] = [1, 100, 101, 3000];

/// What a digest does not tell: the groups of the streams, without times.
fn groups(client: &mut Client) -> Vec<String> {
    client.run("SELECT 2");
    let ask = |key: usize| {
        [
            format!("XINFO GROUPS stream:{key}"),
            format!("XPENDING stream:{key} readers"),
            format!("XRANGE stream:{key} - +"),
            format!("XREADGROUP GROUP readers alice STREAMS stream:{key} 3"),
            format!("XREADGROUP GROUP readers bob STREAMS stream:{key} 0"),
        ]
    };
    STREAMS.into_iter().flat_map(ask).map(|command| format!("{:?}", client.run(&command))).collect()
}

/// Gives fields of a small and of a large hash deadlines, where the server can.
fn fill_deadlines_of_fields(client: &mut Client) -> bool {
    for (key, count) in [("timed:small", 20), ("timed:large", 2000)] {
        for n in 0..count {
            client.run(&format!("HSET {key} field:{n} value:{n}"));
            if n % 3 != 0
                && client.run(&format!("HPEXPIREAT {key} 40000{n:05}000 FIELDS 1 field:{n}")).is_error()
            {
                return false;
            }
        }
    }
    true
}

fn digest(client: &mut Client) -> String {
    client.run("DEBUG DIGEST").text()
}

/// Valkey's digests of scores and of fields with deadlines are its own: they can be compared with each other only.
fn digests_as_redis(server: &Server) -> bool {
    server.info("server_name").is_none_or(|name| name != "valkey")
}

/// Every key of database 2 from one server into the other, whose digests are the same for the same content if `comparable`.
fn hand_over(from: &mut Client, to: &mut Client, comparable: bool) {
    from.run("SELECT 2");
    to.run("FLUSHALL");
    to.run("SELECT 2");
    let keys = from.run("KEYS *");
    assert!(keys.items().len() > 100);
    for key in keys.items() {
        let key = key.bulk().unwrap();
        let dumped = from.call(&[b"DUMP".as_slice(), key]).unwrap();
        let at = from.call(&[b"PEXPIRETIME".as_slice(), key]).unwrap().int().unwrap().max(0).to_string();
        let request = [b"RESTORE".as_slice(), key, at.as_bytes(), dumped.bulk().unwrap(), b"ABSTTL"];
        let restored = to.call(&request).unwrap();
        assert_eq!(restored.text(), "OK", "{}", key.escape_ascii());
        if !comparable {
            continue;
        }
        let [a, b] = [&mut *from, &mut *to].map(|client| {
            client.call(&[b"DEBUG".as_slice(), b"DIGEST-VALUE", key]).unwrap().items()[0].text()
        });
        assert_eq!(a, b, "{}", key.escape_ascii());
    }
    if comparable {
        assert_eq!(digest(from), digest(to));
    }
}

#[test]
fn dumped_collections_cross_over() {
    let (ours, theirs) = (
        start(server::ours().unwrap()).start().unwrap(),
        start(server::reference().unwrap()).start().unwrap(),
    );
    let (mut here, mut there) = (ours.client(), theirs.client());
    fill_collections(&mut there);
    let (original, comparable) = (digest(&mut there), digests_as_redis(&theirs));
    hand_over(&mut there, &mut here, comparable);
    let before = digest(&mut here);
    assert_eq!(groups(&mut here), groups(&mut there));
    hand_over(&mut here, &mut there, comparable);
    assert_eq!(digest(&mut there), original);
    // As Redis 7.2 names them after loading what 7.0 or Valkey wrote.
    for (key, encoding) in [
        ("list:5:3", "listpack"),
        ("list:3000:3", "quicklist"),
        ("list:long", "quicklist"),
        ("ints:small:512", "intset"),
        ("ints:widest:513", "hashtable"),
        ("set:128:64", "listpack"),
        ("set:129:64", "hashtable"),
        ("set:5:65", "hashtable"),
        ("zset:128:64", "listpack"),
        ("zset:129:64", "skiplist"),
        ("zset:5:65", "skiplist"),
        ("hash:128:64", "listpack"),
        ("hash:5:65", "hashtable"),
        ("hash:513:3", "hashtable"),
    ] {
        assert_eq!(here.run(&format!("OBJECT ENCODING {key}")).text(), encoding, "{key}");
    }
    // The digest knows no groups.
    let groups_before = groups(&mut here);
    assert_eq!(here.run("DEBUG RELOAD").text(), "OK");
    assert_eq!(groups(&mut here), groups_before);
    assert_eq!(digest(&mut here), before);
    for command in ["COPY list:3000:64 copied", "COPY hash:5:3 copied REPLACE DB 3"] {
        assert_eq!(here.run(command).int(), Some(1));
    }
    assert_eq!(
        here.run("DEBUG DIGEST-VALUE copied").text(),
        here.run("DEBUG DIGEST-VALUE list:3000:64").text()
    );
}

/// Saves in one server what a third gave it, and loads it in another.
#[test]
fn files_with_collections_cross_over() {
    let source = start(server::reference().unwrap()).start().unwrap();
    fill_collections(&mut source.client());
    let has_field_deadlines = fill_deadlines_of_fields(&mut source.client());
    let expected = digest(&mut source.client());
    let groups_expected = groups(&mut source.client());
    let comparable = digests_as_redis(&source);
    let dir = server::fresh_dir().unwrap();
    let mut file = source.dir().join("dump.rdb");
    assert_eq!(source.client().run("SAVE").text(), "OK");
    let mut writer = source;
    for to in [server::ours(), server::ours(), server::reference()] {
        fs::copy(&file, dir.join("dump.rdb")).unwrap();
        let magic = fs::read(&file).unwrap()[..9].escape_ascii().to_string();
        let reader = start(to.unwrap()).dir(&dir).start().unwrap();
        let is_ours = reader.info("server_name").is_some_and(|name| name == "evenkeel");
        if comparable || !is_ours {
            assert_eq!(digest(&mut reader.client()), expected, "a file of {magic}");
        }
        assert_eq!(groups(&mut reader.client()), groups_expected, "a file of {magic}");
        assert_eq!(reader.client().run("SAVE").text(), "OK");
        if is_ours {
            let written = fs::read(dir.join("dump.rdb")).unwrap();
            let magic: &[u8] = if has_field_deadlines { b"VALKEY080" } else { b"REDIS0010" };
            assert_eq!(written[..9].escape_ascii().to_string(), magic.escape_ascii().to_string());
        }
        drop(std::mem::replace(&mut writer, reader));
        file = dir.join("dump.rdb.kept");
        fs::copy(dir.join("dump.rdb"), &file).unwrap();
    }
    drop(writer);
    fs::remove_dir_all(dir).unwrap();
}

fn contents(server: &Server) -> Contents {
    read(&mut server.client(), DATABASES).unwrap()
}

/// Saves in one server, loads in the other, compares key by key and by digest.
fn exchange(from: PathBuf, to: PathBuf) {
    let writer = start(from).start().unwrap();
    fill(&mut writer.client());
    let written = contents(&writer);
    assert!(written.len() > 12_000);
    assert_eq!(writer.client().run("SAVE").text(), "OK");
    let dir = server::fresh_dir().unwrap();
    fs::copy(writer.dir().join("dump.rdb"), dir.join("dump.rdb")).unwrap();
    let reader = start(to).dir(&dir).start().unwrap();
    let loaded = contents(&reader);
    assert_eq!(differences(&written, &loaded), Vec::<String>::new());
    assert_eq!(reader.client().run("DEBUG DIGEST").text(), writer.client().run("DEBUG DIGEST").text());
    for key in ["plain:4", "plain:18", "plain:20", "plain:23", "hll:1"] {
        let encoding = format!("OBJECT ENCODING {key}");
        assert_eq!(reader.client().run(&encoding).text(), writer.client().run(&encoding).text(), "{key}");
    }
    drop(reader);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn ours_loads_there() {
    exchange(server::ours().unwrap(), server::reference().unwrap());
}

#[test]
fn theirs_loads_here() {
    exchange(server::reference().unwrap(), server::ours().unwrap());
}

#[test]
fn reload_changes_nothing() {
    let server = start(server::ours().unwrap()).start().unwrap();
    fill(&mut server.client());
    let before = contents(&server);
    let digest = server.client().run("DEBUG DIGEST").text();
    assert_eq!(server.client().run("DEBUG RELOAD").text(), "OK");
    assert_eq!(differences(&before, &contents(&server)), Vec::<String>::new());
    assert_eq!(server.client().run("DEBUG DIGEST").text(), digest);
}

#[test]
fn dump_and_restore_cross_over() {
    let (ours, theirs) = (
        start(server::ours().unwrap()).start().unwrap(),
        start(server::reference().unwrap()).start().unwrap(),
    );
    let mut random = Random::new(7);
    for (from, to) in [(&ours, &theirs), (&theirs, &ours)] {
        for len in [0usize, 1, 10, 20, 44, 45, 1000, 70_000] {
            for value in [random.bytes(len), vec![b'x'; len], random.bits().to_string().into_bytes()] {
                from.client().call(&[b"SET".as_slice(), b"k", &value]).unwrap();
                let payload = from.client().run("DUMP k").bulk().unwrap().to_vec();
                let restored =
                    to.client().call(&[b"RESTORE".as_slice(), b"r", b"0", &payload, b"REPLACE"]).unwrap();
                assert_eq!(restored.text(), "OK", "length {len}");
                assert_eq!(to.client().run("GET r").bulk(), Some(&value[..]));
            }
        }
    }
}
