//! Options about the process: how it starts, what it is called, how it ends.

use super::UP_TO_INT;
use crate::choices::{OomScoreAdj, ShutdownFlags, Supervision};
use crate::option::{Kind, OptionSpec};
use crate::value::Value;

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::bool(
        "activerehashing",
        "yes",
        "Redis: spend idle time on moving keys into a grown table.",
    )
    .noted("has no effect here: there is no rehashing, the table grows segment by segment"),
    OptionSpec::bool(
        "always-show-logo",
        "no",
        "Show the start-up banner even if the log does not go to a terminal.",
    )
    .immutable(),
    OptionSpec::text("availability-zone", "", "Valkey: name of the zone the server runs in, for clients that ask."),
    OptionSpec::optional("bgsave_cpulist", "Redis: processors for the forked saving child.")
        .aliases(&["bgsave-cpulist"])
        .immutable()
        .noted("has no effect here: nothing is forked, snapshot workers are threads of the server"),
    OptionSpec::optional("bio_cpulist", "Redis: processors for background threads.")
        .aliases(&["bio-cpulist"])
        .immutable()
        .noted("threads are not pinned in this version; use taskset for the whole process"),
    OptionSpec::bool(
        "crash-log-enabled",
        "yes",
        "On a fatal signal or an internal error write a report (version, stack) to the log before ending.",
    ),
    OptionSpec::bool("crash-memcheck-enabled", "yes", "Redis: test memory in the crash report.")
        .noted("a crash report never tests memory here; use memtest86+ or memtester for that"),
    OptionSpec::bool(
        "daemonize",
        "no",
        "Run in the background. The server starts itself anew in a session of its own; it does not fork.",
    )
    .immutable(),
    OptionSpec::bool(
        "debug-assert-enabled",
        "no",
        "Valkey: costly internal checks, for tests.",
    )
    .immutable()
    .hidden()
    .noted("internal checks are chosen when the server is built, not here"),
    OptionSpec::bool(
        "disable-thp",
        "yes",
        "Transparent huge pages set to always: take none but those that are asked for (see huge-pages). Linux before 6.18 can only switch all of them off: \
         done where huge-pages is no.",
    )
    .immutable(),
    OptionSpec::bool("dynamic-hz", "yes", "Redis: raise hz with the number of clients.")
        .noted("has no effect here: periodic work is driven by deadlines"),
    OptionSpec::bool(
        "extended-redis-compatibility",
        "no",
        "Valkey: call itself Redis in replies where it would not.",
    )
    .noted("has no effect here: replies are always Redis's"),
    OptionSpec::number("hz", UP_TO_INT, "10", "How often periodic work runs; values outside 1 to 500 are cut.")
        .unit("times a second")
        .rule(clamp_hz)
        .noted("reported in INFO; periodic work is driven by deadlines and does not follow it"),
    OptionSpec::text(
        "ignore-warnings",
        "",
        "Names of start-up checks whose warnings do not stop the start (ARM64-COW-BUG).",
    )
    .noted("no start-up check stops the start here, so there is nothing to ignore"),
    OptionSpec::text("locale-collate", "", "Locale for the order of strings in SORT ... ALPHA. Empty: bytes.")
        .refused("strings are ordered by their bytes; leave 'locale-collate \"\"'"),
    OptionSpec::choice(
        "oom-score-adj",
        OomScoreAdj::WORDS,
        "no",
        "Tell the kernel's out-of-memory killer how readily to pick this process: 'no' leaves it alone, 'relative' (or \
         'yes') adds the first of oom-score-adj-values to the score at start, 'absolute' sets it.",
    ),
    OptionSpec::special(
        "oom-score-adj-values",
        Kind::OomValues,
        "0 200 800",
        "Scores (-2000 to 2000) for a master, a replica, and a forked child. There are no children here, so the third \
         is only kept; the second is used once there is replication.",
    )
    .multi(),
    OptionSpec::optional(
        "pidfile",
        "File for the process id; removed at the end. Not set: none, but in the background /var/run/evenkeel.pid (redis.pid or \
         valkey.pid if the program was called by such a name). A file that cannot be written is only a warning.",
    )
    .immutable(),
    OptionSpec::text(
        "proc-title-template",
        "{title} {listen-addr} {server-mode}",
        "What the name of the process is built from. Known: {title} {listen-addr} {server-mode} {port} {tls-port} \
         {unixsocket} {config-file}. A change by CONFIG SET shows from the next start on.",
    )
    .rule(check_title),
    OptionSpec::optional("server_cpulist", "Redis: processors for the server's threads.")
        .aliases(&["server-cpulist"])
        .immutable()
        .noted("threads are not pinned in this version; use taskset for the whole process"),
    OptionSpec::bool("set-proc-title", "yes", "Set the name of the process from proc-title-template.").immutable(),
    OptionSpec::special(
        "shutdown-on-sigint",
        Kind::Flags(ShutdownFlags::WORDS),
        "default",
        "What SIGINT does: 'default' saves if save points are set; or any of save, nosave, now, force. The words safe and failover \
         mean something in cluster mode only. A second SIGINT ends the server at once.",
    )
    .multi()
    .rule(check_shutdown),
    OptionSpec::special(
        "shutdown-on-sigterm",
        Kind::Flags(ShutdownFlags::WORDS),
        "default",
        "What SIGTERM does; see shutdown-on-sigint.",
    )
    .multi()
    .rule(check_shutdown),
    OptionSpec::number(
        "shutdown-timeout",
        UP_TO_INT,
        "10",
        "How long a shutdown waits for replicas that lag behind. 0 means not at all.",
    )
    .unit("seconds")
    .noted("there are no replicas to wait for in this version"),
    OptionSpec::choice(
        "supervised",
        Supervision::WORDS,
        "no",
        "Who started the server and is told when it is ready: 'systemd' (by NOTIFY_SOCKET), 'upstart' (by stopping \
         itself once), 'auto' (whichever the environment shows) or 'no'.",
    )
    .immutable(),
    OptionSpec::bool("use-exit-on-panic", "no", "Redis: end by exit instead of abort, for tests.")
        .hidden()
        .noted("an internal error always ends by abort after the crash report"),
    OptionSpec::number("watchdog-period", UP_TO_INT, "0", "Redis: log a stack when the event loop hangs this long.")
        .unit("milliseconds")
        .hidden()
        .noted("has no effect here: LATENCY DOCTOR and the latency monitor name what held a thread up"),
];

fn clamp_hz(value: Value) -> Result<Value, String> {
    Ok(match value {
        Value::Number(hz) => Value::Number(hz.clamp(1, 500)),
        other => other,
    })
}

/// SAVE and NOSAVE exclude each other.
fn check_shutdown(value: Value) -> Result<Value, String> {
    match value {
        Value::Choice(bits) if bits & 3 == 3 => {
            Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into())
        }
        value => Ok(value),
    }
}

/// The variables of `proc-title-template`.
const TITLE_VARIABLES: [&str; 7] =
    ["title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"];

/// A template may not be blank, and every `{...}` in it must be known and closed.
fn check_title(value: Value) -> Result<Value, String> {
    let valid = match &value {
        Value::Text(text) => String::from_utf8(text.clone()).is_ok_and(|text| {
            let mut pieces = text.split('{');
            let head = pieces.next().unwrap_or_default();
            !text.trim().is_empty()
                && !head.contains('}')
                && pieces.all(|piece| {
                    piece
                        .split_once('}')
                        .is_some_and(|(name, rest)| TITLE_VARIABLES.contains(&name) && !rest.contains('}'))
                })
        }),
        _ => true,
    };
    if valid { Ok(value) } else { Err("template format is invalid or contains unknown variables".into()) }
}
