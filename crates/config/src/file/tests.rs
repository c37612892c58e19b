//! File syntax: quoting, includes, what adds up, and the texts of errors.

use super::*;
use crate::SavePoint;

fn load(text: &str) -> Result<crate::Config, String> {
    Loader::load(None, None, text.as_bytes())
        .map(|loaded| crate::Config::from(&loaded.settings))
        .map_err(|error| error.report("Redis", "7.0.15"))
}

fn check_error(text: &str, expected: &str) {
    assert_eq!(
        load(text).expect_err(text),
        format!("\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\n{expected}\n")
    );
}

#[test]
fn the_usual_lines() {
    let config =
        load("# a comment\n  PoRt 21005 \r\n\n\tloglevel \"n\\x6ftice\"\nrequirepass 'a b'\n").expect("fine");
    assert_eq!(config.network.port, 21005);
    assert_eq!(config.security.password.as_deref(), Some(&b"a b"[..]));
}

/// The texts were printed by redis-server 7.0.15. Options from the command line start at line 2 there.
#[test]
fn errors_have_redis_texts() {
    let at = |line: usize, text: &str, reason: &str| {
        format!("Reading the configuration file, at line {line}\n>>> '{text}'\n{reason}")
    };
    check_error("bogus \"x\"", &at(2, "bogus \"x\"", "Bad directive or wrong number of arguments"));
    check_error("port 1 2", &at(2, "port 1 2", "wrong number of arguments"));
    check_error("port", &at(2, "port", "wrong number of arguments"));
    check_error("a\nb", &at(2, "a", "Bad directive or wrong number of arguments"));
    check_error("port 1\nloglevel \"no", &at(3, "loglevel \"no", "Unbalanced quotes in configuration line"));
    check_error(
        "port 1\nloglevel \"no\"tice",
        &at(3, "loglevel \"no\"tice", "Unbalanced quotes in configuration line"),
    );
    check_error(
        "unixsocketperm \"9\"",
        &at(2, "unixsocketperm \"9\"", "argument couldn't be parsed as an octal number"),
    );
    check_error("dir \"/nosuch\"", &at(2, "dir \"/nosuch\"", "No such file or directory"));
    check_error("dir /etc/passwd", &at(2, "dir /etc/passwd", "Not a directory"));
    check_error("dbfilename a/b", &at(2, "dbfilename a/b", "dbfilename can't be a path, just a filename"));
    check_error(
        "rename-command config",
        &at(2, "rename-command config", "Bad directive or wrong number of arguments"),
    );
    check_error("logfile /nosuch/x", "Can't open the log file: No such file or directory");
}

#[test]
fn what_cannot_be_had_is_refused_with_one_line() {
    for (line, part) in [
        ("appendonly yes", "append-only files are not in this version"),
        ("replicaof 127.0.0.1 6379", "replication is not in this version"),
        ("cluster-enabled yes", "cluster mode is not in this version"),
        ("tls-port 6380", "TLS is not in this version"),
        ("loadmodule /x.so a", "modules written for Redis cannot be loaded"),
        ("user alice on", "access control lists are not in this version"),
        ("sentinel monitor a 1 2 3", "this server is no Sentinel"),
        ("foo.bar 1", "modules are not supported"),
    ] {
        let error = load(line).expect_err(line);
        assert!(error.contains(part), "{line}: {error}");
    }
    for line in ["appendonly no", "replicaof no one", "slaveof no one", "cluster-enabled no", "tls-port 0"] {
        assert!(load(line).is_ok(), "{line}");
    }
}

#[test]
fn later_lines_win_and_save_adds_up() {
    let config = load("port 1\nport 2\nsave 900 1\nsave 300 10 60 100\n").expect("fine");
    assert_eq!(config.network.port, 2);
    let points: Vec<_> =
        config.snapshot.save.iter().map(|SavePoint { seconds, changes }| (*seconds, *changes)).collect();
    assert_eq!(points, [(900, 1), (300, 10), (60, 100)], "the default is gone");
    assert!(load("save 900 1\nsave \"\"").expect("fine").snapshot.save.is_empty());
    assert_eq!(load("save \"\"\nsave 5 5").expect("fine").snapshot.save.len(), 1);
    let config = load("client-output-buffer-limit normal 1 2 3\nclient-output-buffer-limit pubsub 4 5 6")
        .expect("fine");
    assert_eq!((config.clients.output_normal.hard_bytes, config.clients.output_pubsub.hard_bytes), (1, 4));
}

#[test]
fn retired_directives_are_skipped() {
    assert!(load("list-max-ziplist-value 64\nlua-replicate-commands yes").is_ok());
    assert!(load("list-max-ziplist-value").is_err());
}

#[test]
fn renames_are_kept_in_order() {
    let config = load("rename-command CONFIG secret\nrename-command FLUSHALL \"\"").expect("fine");
    let renames: Vec<_> =
        config.security.renames.iter().map(|rename| (rename.from.as_slice(), rename.to.as_deref())).collect();
    assert_eq!(renames, [(&b"CONFIG"[..], Some(&b"secret"[..])), (b"FLUSHALL", None)]);
    assert_eq!(
        config.security.renames[1].refuse("No such command in rename-command").to_string(),
        "line 3: No such command in rename-command"
    );
}

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("evenkeel-file-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("conf.d")).expect("the temporary directory can be written");
        Scratch(path)
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("the temporary directory can be written");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn includes() {
    let scratch = Scratch::new("includes");
    scratch.put("conf.d/20.conf", "port 20\n");
    scratch.put("conf.d/10.conf", "port 10\ntimeout 10\n");
    scratch.put("conf.d/.hidden.conf", "port 1\n");
    let main = scratch.put(
        "main.conf",
        &format!(
            "dir {}\ninclude conf.d/*.conf\ninclude none/*.conf\ninclude c*f.d/1?.conf\n",
            scratch.0.display()
        ),
    );
    let loaded = Loader::load(Some(&main), Some(b"maxclients 7"), b"databases 3").expect("fine");
    let config = crate::Config::from(&loaded.settings);
    assert_eq!(
        (config.network.port, config.network.timeout_seconds),
        (10, 10),
        "in order of names, then again"
    );
    assert_eq!((config.network.clients_max, config.threads.databases), (7, 3));
    assert_eq!(loaded.file, Some(main));
    assert_eq!(config.snapshot.dir, std::fs::canonicalize(&scratch.0).expect("it exists"));
}

#[test]
fn a_missing_include_is_fatal_and_a_loop_ends() {
    let scratch = Scratch::new("loop");
    let main = scratch.put("main.conf", "include /nosuch\n");
    let error = Loader::load(Some(&main), None, b"").expect_err("it is missing");
    assert_eq!(error.to_string(), "Fatal error, can't open config file '/nosuch': No such file or directory");
    let main = scratch.0.join("main.conf");
    std::fs::write(&main, format!("include {}\n", main.display())).expect("written");
    let error = Loader::load(Some(&main), None, b"").expect_err("it includes itself");
    assert!(error.to_string().contains("nested more than 16 deep"), "{error}");
    let error = Loader::load(Some(&scratch.0.join("gone")), None, b"").expect_err("it is missing");
    assert!(error.to_string().starts_with("Fatal error, can't open config file '/"), "{error}");
}

#[test]
fn notes_name_what_does_less_here() {
    let loaded = Loader::load(None, None, b"activerehashing no\nport 5\nmaxmemory 1gb\nhz 10").expect("fine");
    let names: Vec<_> = loaded.notes.iter().map(|note| note.option).collect();
    assert_eq!(names, ["activerehashing", "maxmemory"]);
}

/// Lines put together at random from names, values and bytes that matter to the parser: whatever they are, the
/// loader answers, and what it accepts has a meaning and can be written and read again.
#[test]
fn random_lines_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % below
    };
    let pieces: [&[u8]; 24] = [
        b" ",
        b"\"",
        b"'",
        b"\\",
        b"\\x",
        b"yes",
        b"no",
        b"1",
        b"-1",
        b"9223372036854775807",
        b"1gb",
        b"50%",
        b"#",
        b"\n",
        b"\xff",
        b"\0",
        b"normal",
        b"replica",
        b"KEA",
        b"*",
        b"::1",
        b"save",
        b"now",
        b"\"\"",
    ];
    let names = table::options();
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut text = names[random(names.len())].name.as_bytes().to_vec();
        for _ in 0..random(6) {
            text.push(b' ');
            text.extend(pieces[random(pieces.len())]);
        }
        // A log file that is tried is made; keep the test out of the file system.
        if text.starts_with(b"logfile") {
            continue;
        }
        if let Ok(loaded) = Loader::load(None, None, &text) {
            accepted += 1;
            let _ = crate::Config::from(&loaded.settings);
            let written = crate::rewrite::rewritten(&text, &loaded.settings, crate::rewrite::Extent::Changed);
            let again = Loader::load(None, None, &written);
            let again = again.unwrap_or_else(|error| panic!("{:?}: {error}", String::from_utf8_lossy(&text)));
            for option in table::ids() {
                assert_eq!(
                    again.settings.value(option),
                    loaded.settings.value(option),
                    "{}",
                    option.spec().name
                );
            }
        }
    }
    assert!(accepted > 500, "{accepted}");
}
