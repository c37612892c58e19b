//! Keys are gone within a second of their deadline, without anybody asking for them, and their memory with them.

use std::time::{Duration, Instant};

use system_tests::{Random, Server, procfs};

const KEYS: usize = 400_000;
const WITHOUT_DEADLINE: i64 = 1000;
/// Deadlines are spread over this long.
const SPREAD_MS: u64 = 4000;

fn load(server: &Server) -> Instant {
    let mut client = server.client();
    let mut random = Random::new(3);
    for batch in 0..KEYS / 1000 {
        let commands: Vec<Vec<String>> = (0..1000)
            .map(|index| {
                let ttl = (10_000 + random.below(SPREAD_MS)).to_string();
                ["SET", &format!("timed:{batch}:{index}"), &"v".repeat(50), "PX", &ttl]
                    .map(String::from)
                    .to_vec()
            })
            .collect();
        assert!(client.pipeline(&commands).unwrap().iter().all(|reply| reply.text() == "OK"));
    }
    for index in 0..WITHOUT_DEADLINE {
        client.run(&format!("SET kept:{index} v"));
    }
    Instant::now()
}

#[test]
fn gone_within_a_second_of_the_deadline() {
    let server = Server::ours();
    let resident = || procfs::memory(server.pid()).unwrap().resident as i64;
    let empty = resident();
    let begin = Instant::now();
    let loaded = load(&server);
    let full = resident();
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "loading has taken so long that keys were due: {:?}",
        begin.elapsed()
    );
    let mut client = server.client();
    // At the last deadline and a second nothing timed is left; DBSIZE looks at no key.
    let last = Duration::from_millis(10_000 + SPREAD_MS);
    std::thread::sleep((loaded + last + Duration::from_secs(1)).saturating_duration_since(Instant::now()));
    assert_eq!(client.run("DBSIZE").int(), Some(WITHOUT_DEADLINE));
    assert_eq!(server.info("expired_keys").unwrap().trim(), KEYS.to_string());
    // Most of the memory comes back within two seconds more.
    std::thread::sleep(Duration::from_secs(2));
    let after = resident();
    assert!(after - empty < (full - empty) / 2, "empty {empty}, full {full}, after {after}");
}

#[test]
fn a_due_key_is_never_seen() {
    let server = Server::ours();
    let mut client = server.client();
    client.run("SET k v PX 100");
    let begin = Instant::now();
    let mut seen_until = Duration::ZERO;
    while begin.elapsed() < Duration::from_millis(300) {
        let asked = begin.elapsed();
        if client.run("GET k").text() == "v" {
            seen_until = asked;
        }
    }
    assert!(seen_until < Duration::from_millis(101), "seen {seen_until:?} after it was set for 100 ms");
    assert!(seen_until > Duration::from_millis(50), "gone after {seen_until:?} already");
    assert_eq!(client.run("EXISTS k").int(), Some(0));
    client.run("SET k v PX 50");
    assert_eq!(client.run("PERSIST k").int(), Some(1));
    std::thread::sleep(Duration::from_millis(120));
    assert_eq!(client.run("GET k").text(), "v");
}
