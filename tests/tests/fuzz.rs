//! Hostile input: broken requests, broken payloads, broken files. The server answers, refuses, or closes; it never dies.
//!
//! `EVENKEEL_FUZZ_SECONDS` makes each of the three longer than its default of five seconds.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use system_tests::{Client, Random, Server, client, procfs, server};

/// Memory that a server under garbage may take.
const MEMORY_MAX: u64 = 1 << 30;

fn until() -> Instant {
    let seconds = std::env::var("EVENKEEL_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    Instant::now() + Duration::from_secs(seconds)
}

fn random() -> Random {
    let seed = Random::seed();
    println!("seed {seed}");
    Random::new(seed)
}

/// Flips, cuts, doubles, inserts.
fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            return;
        }
        let at = random.index(bytes.len());
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, random.bits() as u8),
            3 => bytes[at] = *b"*$\r\n-0"[..].get(random.index(6)).unwrap_or(&0),
            4 => {
                let end = (at + 1 + random.index(20)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                bytes.remove(at);
            }
        }
    }
}

#[test]
fn broken_requests() {
    let server = Server::ours_with("--maxmemory 200mb --proto-max-bulk-len 1mb");
    let mut random = random();
    let mut steady = server.client();
    let (until, mut sent) = (until(), 0);
    while Instant::now() < until {
        let mut bytes = Vec::new();
        for _ in 0..=random.below(6) {
            let number = (random.bits() as i64 >> random.below(64)).to_string();
            let words = [
                vec!["SET", "k", &number],
                vec!["SETRANGE", "k", "100", "x"],
                vec!["GETRANGE", "k", &number, "-1"],
                vec!["MSET", "a", "1", "b", &number],
                vec!["BITFIELD", "k", "GET", "u8", "#3"],
                vec!["PING"],
                vec!["HELLO", "3"],
                vec!["CLIENT", "LIST"],
                vec!["OBJECT", "ENCODING", "k"],
                vec!["COMMAND", "GETKEYS", "SET", "k", "v"],
            ];
            client::encode(&mut bytes, &words[random.index(words.len())]);
        }
        if random.one_in(10) {
            let len = random.index(3000);
            bytes = random.bytes(len);
        } else {
            damage(&mut random, &mut bytes);
        }
        let mut client = server.client();
        client.set_timeout(Duration::from_millis(5)).unwrap();
        // It may close at any point; that it lives is asked on the other connection.
        let _ = client.send_raw(&bytes);
        let mut reply = [0; 4096];
        let _ = client.stream().read(&mut reply);
        sent += 1;
        if sent % 20 == 0 {
            assert_eq!(steady.run("PING").text(), "PONG", "after {}", bytes.escape_ascii());
        }
    }
    assert_eq!(steady.run("PING").text(), "PONG");
    let memory = procfs::memory(server.pid()).unwrap().resident;
    assert!(memory < MEMORY_MAX, "{memory} bytes resident after {sent} broken requests");
    assert!(sent > 100);
}

/// CRC-64 of Redis's payloads and files: polynomial ad93d23594c935a9 (Jones), reflected, starting from 0.
fn crc64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0u64, |crc, byte| {
        (0..8).fold(crc ^ u64::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0x95ac_9329_ac4b_c9b5 } else { crc >> 1 }
        })
    })
}

#[test]
fn broken_payloads() {
    let server = Server::ours_with("--maxmemory 500mb");
    let mut random = random();
    let mut client = server.client();
    let mut seeds = Vec::new();
    for value in
        ["", "12", "70000", "-5", &"a".repeat(300), "some text that is not long", &"ab".repeat(50_000)]
    {
        client.call(&["SET", "seed", value]).unwrap();
        seeds.push(client.run("DUMP seed").bulk().unwrap().to_vec());
    }
    assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    let (until, mut refused, mut taken) = (until(), 0, 0);
    while Instant::now() < until {
        let mut payload = seeds[random.index(seeds.len())].clone();
        let tail = payload.split_off(payload.len() - 10);
        damage(&mut random, &mut payload);
        if random.one_in(10) {
            // Another type, as far as the byte says.
            payload.insert(0, random.below(30) as u8);
        }
        payload.extend_from_slice(&tail[..2]);
        let sum = crc64(&payload);
        payload.extend_from_slice(&sum.to_le_bytes());
        let reply = client.call(&[b"RESTORE".as_slice(), b"k", b"0", &payload, b"REPLACE"]);
        let reply = reply.unwrap_or_else(|error| panic!("{error} after RESTORE {}", payload.escape_ascii()));
        if reply.is_error() {
            assert_eq!(reply.text(), "ERR Bad data format");
            refused += 1;
        } else {
            // What was taken can be used.
            taken += 1;
            for command in ["TYPE k", "OBJECT ENCODING k", "DUMP k", "COPY k l REPLACE"] {
                client.call(&command.split(' ').collect::<Vec<_>>()).unwrap();
            }
        }
    }
    println!("{refused} refused, {taken} taken");
    assert!(refused > 10 && taken > 10);
}

#[test]
fn broken_files() {
    let server = Server::ours();
    let mut random = random();
    let mut client = server.client();
    for index in 0..50 {
        let value = "v".repeat(random.index(200));
        client
            .call(&["SET", &format!("key:{index}"), &format!("{value}{index}"), "PX", "100000000"])
            .unwrap();
    }
    client.run("SAVE");
    let good = fs::read(server.dir().join("dump.rdb")).unwrap();
    let dir = server::fresh_dir().unwrap();
    let (until, mut refused, mut loaded) = (until(), 0, 0);
    while Instant::now() < until {
        let mut file = good.clone();
        let tail = file.split_off(file.len() - 8);
        damage(&mut random, &mut file);
        if random.one_in(4) {
            file.extend_from_slice(&tail);
        } else {
            let sum = crc64(&file);
            file.extend_from_slice(&sum.to_le_bytes());
        }
        fs::write(dir.join("dump.rdb"), &file).unwrap();
        match starts(&dir) {
            true => loaded += 1,
            false => refused += 1,
        }
    }
    println!("{refused} refused, {loaded} loaded");
    assert!(refused > 3, "{refused} refused, {loaded} loaded");
    fs::remove_dir_all(dir).unwrap();
}

/// Whether a server starts with what is in `dir`; panics when it is ended by a signal or does neither in time.
fn starts(dir: &std::path::Path) -> bool {
    let socket = dir.join("fuzz.sock");
    let mut child = Command::new(server::ours().unwrap())
        .args(["--port", "0", "--save", "", "--dir"])
        .arg(dir)
        .arg("--unixsocket")
        .arg(&socket)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    let keep = |what: &str| {
        let copy = std::env::temp_dir().join(format!("evenkeel-fuzz-{}.rdb", std::process::id()));
        fs::copy(dir.join("dump.rdb"), &copy).unwrap();
        format!("{what}; the file is kept as {}", copy.display())
    };
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.signal().is_none(), "{}", keep(&format!("ended by {status}")));
            return false;
        }
        let answered = std::os::unix::net::UnixStream::connect(&socket).is_ok_and(|mut stream| {
            let mut reply = [0; 1];
            stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
                && stream.write_all(b"PING\r\n").is_ok()
                && stream.read_exact(&mut reply).is_ok()
                && reply == *b"+"
        });
        if answered || begin.elapsed() > Duration::from_secs(20) {
            // Our own child, by its id.
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(answered, "{}", keep("neither started nor ended"));
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Connections cut off in the middle of everything leave nothing behind.
#[test]
fn cut_connections_leave_nothing() {
    let server = Server::ours();
    let mut bytes = Vec::new();
    for index in 0..50 {
        client::encode(&mut bytes, &["SET", &format!("k{index}"), &"v".repeat(1000)]);
        client::encode(&mut bytes, &["GET", &format!("k{index}")]);
    }
    for cut in (0..bytes.len()).step_by(97) {
        let mut client = Client::connect(server.addr()).unwrap();
        client.send_raw(&bytes[..cut]).unwrap();
    }
    let until = Instant::now() + Duration::from_secs(10);
    while server.info("connected_clients").unwrap().trim() != "1" {
        assert!(Instant::now() < until, "{:?} clients are left", server.info("connected_clients"));
        std::thread::sleep(Duration::from_millis(20));
    }
}
