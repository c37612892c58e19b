//! CONFIG GET and SET: formats, atomicity, roll back, permissions.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn get(live: &Live, pattern: &str) -> String {
    let pairs = live.get(&[pattern.as_bytes()]);
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", String::from_utf8_lossy(name), String::from_utf8_lossy(value)))
        .collect();
    pairs.join(";")
}

fn set(live: &Live, arguments: &[&str]) -> Result<Vec<Note>, String> {
    let arguments: Vec<&[u8]> = arguments.iter().map(|argument| argument.as_bytes()).collect();
    live.set(&arguments, Context::default()).map_err(|error| error.to_string())
}

fn check_refused(arguments: &[&str], expected: &str) {
    let live = Live::default();
    let before = live.get(&[b"*"]);
    assert_eq!(set(&live, arguments), Err(expected.to_owned()));
    assert_eq!(live.get(&[b"*"]), before, "a refused CONFIG SET changes nothing");
}

#[test]
fn names_and_patterns() {
    let live = Live::default();
    assert_eq!(get(&live, "port"), "port=6379");
    assert_eq!(get(&live, "PORT"), "PORT=6379");
    assert_eq!(get(&live, "PO?T"), "port=6379");
    assert_eq!(get(&live, "nothing"), "");
    assert_eq!(get(&live, "use-exit*"), "");
    assert_eq!(get(&live, "use-exit-on-panic"), "use-exit-on-panic=no");
    assert_eq!(
        live.get(&[b"port", b"PORT", b"p?rt", b"*port"]).iter().filter(|(n, _)| n == b"port").count(),
        1
    );
    assert!(get(&live, "slave*").contains("slave-read-only=yes"));
    assert!(live.get(&[b"*"]).is_sorted());
}

#[test]
fn formats() {
    let live = Live::default();
    for (pattern, value) in [
        ("save", "3600 1 300 100 60 10000"),
        ("bind", "* -::*"),
        ("maxmemory", "0"),
        ("client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"),
        ("oom-score-adj-values", "0 200 800"),
        ("latency-tracking-info-percentiles", "50 99 99.9"),
        ("shutdown-on-sigint", "default"),
        ("replicaof", ""),
        ("proto-max-bulk-len", "536870912"),
    ] {
        assert_eq!(get(&live, pattern), format!("{pattern}={value}"));
    }
}

#[test]
fn set_forms() {
    let live = Live::default();
    for (name, typed, printed) in [
        ("maxmemory", "1GB", "1073741824"),
        ("maxmemory", "", "0"),
        ("maxmemory-clients", "5%", "5%"),
        ("hz", "0", "1"),
        ("hz", "100000", "500"),
        ("shutdown-on-sigint", "now save", "save now"),
        ("shutdown-on-sigint", "save default", "save"),
        ("save", "900 1 300 10", "900 1 300 10"),
        ("save", "60 2", "60 2"),
        ("save", "", ""),
        ("notify-keyspace-events", "nmKEdtxezhsl$g", "AKEm"),
        ("notify-keyspace-events", "nmKEdtxezhsl", "lshzxetdnKEm"),
        ("oom-score-adj", "relative", "yes"),
        (
            "client-output-buffer-limit",
            "",
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        ),
        (
            "client-output-buffer-limit",
            "replica 1mb 2mb 3 slave 4 5 6",
            "normal 0 0 0 slave 4 5 6 pubsub 33554432 8388608 60",
        ),
        ("latency-tracking-info-percentiles", "50 99.9 99.95 100", "50 99.9 99.95 100"),
        ("latency-tracking-info-percentiles", "", ""),
        ("LOGLEVEL", "Debug", "debug"),
    ] {
        assert!(set(&live, &[name, typed]).is_ok(), "{name} {typed}");
        assert_eq!(get(&live, name), format!("{name}={printed}"), "{typed}");
    }
}

#[test]
fn error_texts() {
    let related = |name: &str, reason: &str| {
        format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
    };
    for (name, value, reason) in [
        ("maxmemory", "-1", "argument must be a memory value"),
        ("maxmemory-clients", "101%", "percentage argument must be less or equal to 100"),
        ("maxmemory-clients", "-5", "argument must be a memory or percent value"),
        ("maxclients", "-1", "argument must be between 1 and 4294967295 inclusive"),
        ("maxclients", "0x10", "argument couldn't be parsed into an integer"),
        ("port", "70000", "argument must be between 0 and 65535 inclusive"),
        (
            "shutdown-on-sigint",
            "",
            "argument(s) must be one of the following: default, save, nosave, now, force, safe, failover",
        ),
        (
            "shutdown-on-sigint",
            "save nosave",
            "shutdown options SAVE and NOSAVE can't be used simultaneously",
        ),
        ("save", "900 1  300 10", "Invalid save parameters"),
        ("save", "0 1", "Invalid save parameters"),
        (
            "client-output-buffer-limit",
            "normal 1 2",
            "Wrong number of arguments in buffer limit configuration.",
        ),
        (
            "client-output-buffer-limit",
            "master 1 2 3",
            "Invalid client class specified in buffer limit configuration.",
        ),
        ("notify-keyspace-events", "Q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
        ("oom-score-adj-values", "1 2", "wrong number of arguments"),
        (
            "oom-score-adj-values",
            "1 2 3000",
            "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
        ),
        (
            "latency-tracking-info-percentiles",
            "101",
            "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
        ),
        ("latency-tracking-info-percentiles", "x", "Invalid latency-tracking-info-percentiles parameters"),
        ("daemonize", "yes", "can't set immutable config"),
        ("Dir", "/", "can't set protected config"),
        ("appendonly", "maybe", "argument must be 'yes' or 'no'"),
        ("proc-title-template", "{foo}", "template format is invalid or contains unknown variables"),
        (
            "appendonly",
            "yes",
            "append-only files are not in this version, snapshots are: leave 'appendonly no' and set save points",
        ),
    ] {
        check_refused(&[name, value], &related(name, reason));
    }
    check_refused(&["a"], "ERR syntax error");
    check_refused(&["x", "1", "port", "1"], "ERR Unknown option or number of arguments for CONFIG SET - 'x'");
    check_refused(&["maxmemory", "1", "MaxMemory", "2"], &related("MaxMemory", "duplicate parameter"));
    check_refused(
        &["maxmemory", "100mb", "LogLevel", "x"],
        &related(
            "loglevel",
            "argument(s) must be one of the following: debug, verbose, notice, warning, nothing",
        ),
    );
}

#[test]
fn two_names_of_one_option_are_no_duplicates() {
    let live = Live::default();
    assert!(set(&live, &["hash-max-ziplist-entries", "1", "hash-max-listpack-entries", "2"]).is_ok());
    assert_eq!(get(&live, "hash-max-ziplist-entries"), "hash-max-ziplist-entries=2");
}

#[test]
fn notes_tell_what_does_nothing() {
    let live = Live::default();
    let notes = set(&live, &["activerehashing", "no", "timeout", "5"]).expect("both can be set");
    assert_eq!(notes.len(), 1);
    assert!(notes[0].option == "activerehashing" && notes[0].text.contains("there is no rehashing"));
    assert_eq!(set(&live, &["activerehashing", "no"]), Ok(vec![]), "said once");
}

#[test]
fn protected_options_follow_enable_protected_configs() {
    let with = |access: &str| {
        let line = format!("enable-protected-configs {access}");
        Live::new(crate::Loader::load(None, None, line.as_bytes()).expect("a fine line"))
    };
    let arguments: [&[u8]; 2] = [b"dbfilename", b"x.rdb"];
    let (near, far) = (Context { local: true, loading: false }, Context::default());
    assert!(with("yes").set(&arguments, far).is_ok());
    assert!(with("local").set(&arguments, near).is_ok());
    assert!(with("local").set(&arguments, far).is_err());
    assert!(with("no").set(&arguments, near).is_err());
}

#[test]
fn loading_has_its_own_error() {
    let live = Live::default();
    let loading = Context { loading: true, local: true };
    let error = live.set(&[b"appendonly", b"no"], loading).expect_err("not while loading");
    assert_eq!(error.to_string(), "LOADING Redis is loading the dataset in memory");
    assert!(live.set(&[b"timeout", b"1"], loading).is_ok());
}

/// Counts calls and fails when the port becomes 7.
#[derive(Default)]
struct Counting {
    forth: AtomicUsize,
    fails_at_port: Option<u16>,
}

impl Applier for Arc<Counting> {
    fn apply(&self, change: &Change<'_>) -> Result<(), ApplyError> {
        if self.fails_at_port == Some(change.new.network.port) && change.touches("port") {
            return Err(ApplyError {
                option: "port",
                reason: "Unable to listen on this port. Check server logs.".into(),
            });
        }
        self.forth.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn a_failing_applier_rolls_everything_back() {
    let live = Live::default();
    let first = Arc::new(Counting::default());
    let second = Arc::new(Counting { fails_at_port: Some(7), ..Counting::default() });
    live.add_applier(Box::new(Arc::clone(&first)));
    live.add_applier(Box::new(Arc::clone(&second)));
    assert_eq!(
        set(&live, &["timeout", "9", "port", "7"]),
        Err("ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.".into())
    );
    assert_eq!(first.forth.load(Ordering::Relaxed), 2, "once forth, once back");
    assert_eq!(second.forth.load(Ordering::Relaxed), 1, "once back");
    assert_eq!((live.load().network.port, live.load().network.timeout_seconds), (6379, 0));
    assert!(set(&live, &["timeout", "9", "port", "8"]).is_ok());
    assert_eq!((live.load().network.port, live.load().network.timeout_seconds), (8, 9));
    assert_eq!(first.forth.load(Ordering::Relaxed), 3);
    assert!(set(&live, &["port", "8"]).is_ok());
    assert_eq!(first.forth.load(Ordering::Relaxed), 3, "no change, no call");
}

#[test]
fn readers_see_changes_at_once() {
    let live = Live::default();
    let mut reader = live.reader();
    assert_eq!(reader.get().network.timeout_seconds, 0);
    set(&live, &["timeout", "3"]).expect("can be set");
    assert_eq!(reader.get().network.timeout_seconds, 3);
    live.lower_clients_max(100);
    assert_eq!(reader.get().network.clients_max, 100);
    assert_eq!(get(&live, "maxclients"), "maxclients=100");
}

#[test]
fn secrets_are_known_as_such() {
    for name in ["requirepass", "RequirePass", "masterauth", "primaryauth", "tls-key-file-pass"] {
        assert!(crate::is_sensitive(name.as_bytes()), "{name}");
    }
    assert!(!crate::is_sensitive(b"port") && !crate::is_sensitive(b"\xff"));
}

#[test]
fn a_crash_report_shows_no_secrets() {
    let options = Live::default().debug_options();
    assert!(options.len() > 10 && options.iter().any(|(name, _)| *name == "io-threads"));
    assert!(options.iter().all(|(name, _)| !crate::is_sensitive(name.as_bytes())));
}
