//! Compares the option table with what real servers answer to `CONFIG GET *`.
//!
//! `options/<server>.txt` holds one line "name value" for each option of a server started without a configuration, `port`, `dir` and
//! `maxclients` left out (they depend on the machine). To record another server: start it, `redis-cli config get '*' |
//! paste -d' ' - - | sort`.

use config::{Live, find};

/// Defaults that differ on purpose, and why.
const OTHER_DEFAULTS: [(&str, &str); 5] = [
    ("io-threads", "one reactor for each core"),
    ("syslog-ident", "our own name"),
    ("hide-user-data-from-log", "client data is never logged; redis-server 8.0 says no"),
    // Both as in Valkey, which changed them in version 8.
    ("repl-backlog-size", "10 MB"),
    ("lazyfree and replica-lazy-flush", "yes"),
];

fn differs_on_purpose(name: &str) -> bool {
    OTHER_DEFAULTS.iter().any(|(known, _)| *known == name)
        || name.starts_with("lazyfree-lazy-")
        || name.ends_with("-lazy-flush")
}

fn check(recorded: &str, least: usize) {
    let live = Live::default();
    let mut compared = 0;
    for line in recorded.lines() {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        assert!(find(name.as_bytes()).is_some(), "{name} is not in the table");
        let ours = live.get(&[name.as_bytes()]);
        let [(same, ours)] = ours.as_slice() else { panic!("{name}: {ours:?}") };
        assert_eq!(same, name.as_bytes());
        if !differs_on_purpose(name) {
            assert_eq!(String::from_utf8_lossy(ours), value, "{name}");
            compared += 1;
        }
        let listed = live.get(&[b"*"]).iter().any(|(listed, _)| listed == name.as_bytes());
        assert!(listed || name == "aof-disable-auto-gc", "{name} is missing in CONFIG GET *");
    }
    assert!(compared >= least, "only {compared} options compared");
}

#[test]
fn redis_7_0() {
    check(include_str!("options/redis-7.0.15.txt"), 175);
}

#[test]
fn redis_8_0() {
    check(include_str!("options/redis-8.0.6.txt"), 180);
}

#[test]
fn valkey_9_1() {
    check(include_str!("options/valkey-9.1.2.txt"), 210);
}

/// A file that spells out every option of redis-server 7.0 at its default is accepted.
#[test]
fn shipped_files_load() {
    let mut text = String::new();
    for line in include_str!("options/redis-7.0.15.txt").lines() {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        let multi = find(name.as_bytes()).is_some_and(|option| option.spec().flags.multi);
        if multi && !value.is_empty() {
            text.push_str(&format!("{name} {value}\n"));
        } else {
            text.push_str(&format!("{name} \"{value}\"\n"));
        }
    }
    let loaded = config::Loader::load(None, None, text.as_bytes());
    let loaded = loaded.unwrap_or_else(|error| panic!("{}", error.report("Evenkeel", "test")));
    let loud: Vec<_> = loaded.notes.iter().map(|note| note.option).collect();
    assert_eq!(loud, Vec::<&str>::new(), "defaults of redis-server are accepted without a word");
}
