//! Files of a real server load here, ours load there, and nothing changes on the way.

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
