//! Options about the log.

use crate::choices::{LogFormat, LogLevel, LogTimestamp, SyslogFacility};
use crate::option::OptionSpec;

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::bool(
        "hide-user-data-from-log",
        "yes",
        "Keep keys, values and arguments of clients out of the log and out of crash reports.",
    )
    .noted("client data is never written to the log here, whatever this says"),
    OptionSpec::choice(
        "log-format",
        LogFormat::WORDS,
        "legacy",
        "Layout of a log line: 'legacy' as Redis has it, 'logfmt' for key=value pairs, 'json' for one object a line.",
    ),
    OptionSpec::choice(
        "log-timestamp-format",
        LogTimestamp::WORDS,
        "legacy",
        "Time in a log line: 'legacy' (20 Nov 2026 19:21:32.123), 'iso8601', or 'milliseconds' since 1970.",
    ),
    OptionSpec::text(
        "logfile",
        "",
        "File that log lines are appended to; it is opened anew for each line, so it may be moved away at any time. \
         Empty: standard output, and nowhere if daemonized.",
    )
    .immutable(),
    OptionSpec::choice(
        "loglevel",
        LogLevel::WORDS,
        "notice",
        "Least important level that is logged: debug, verbose, notice, warning, or nothing.",
    ),
    OptionSpec::bool("syslog-enabled", "no", "Send log lines to the system log as well.").immutable(),
    OptionSpec::choice("syslog-facility", SyslogFacility::WORDS, "local0", "Facility of lines sent to the system log.")
        .immutable(),
    OptionSpec::text("syslog-ident", "evenkeel", "Name of the program in the system log.").immutable(),
];
