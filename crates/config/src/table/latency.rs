//! Options about the slow log, the command log and the latency monitor.

use super::{LONG_OR_OFF, UP_TO_LONG};
use crate::option::{Kind, OptionSpec};

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::number(
        "commandlog-large-reply-max-len",
        UP_TO_LONG,
        "128",
        "How many commands with large replies COMMANDLOG remembers; 0 means none.",
    )
    .unit("entries"),
    OptionSpec::number(
        "commandlog-large-request-max-len",
        UP_TO_LONG,
        "128",
        "How many large commands COMMANDLOG remembers; 0 means none.",
    )
    .unit("entries"),
    OptionSpec::number(
        "commandlog-reply-larger-than",
        LONG_OR_OFF,
        "1048576",
        "Size from which a reply is remembered as large; -1 means never.",
    )
    .unit("bytes"),
    OptionSpec::number(
        "commandlog-request-larger-than",
        LONG_OR_OFF,
        "1048576",
        "Size from which a request is remembered as large; -1 means never.",
    )
    .unit("bytes"),
    OptionSpec::number(
        "latency-monitor-threshold",
        UP_TO_LONG,
        "0",
        "Time from which an event is remembered by LATENCY; 0 switches the monitor off.",
    )
    .unit("milliseconds"),
    OptionSpec::bool(
        "latency-tracking",
        "yes",
        "Keep a histogram of execution times for each command, for LATENCY HISTOGRAM and INFO latencystats.",
    ),
    OptionSpec::special(
        "latency-tracking-info-percentiles",
        Kind::Percentiles,
        "50 99 99.9",
        "Percentiles that INFO latencystats shows; \"\" for none.",
    )
    .multi(),
    OptionSpec::number(
        "slowlog-log-slower-than",
        LONG_OR_OFF,
        "10000",
        "Execution time from which a command is remembered by SLOWLOG; 0 means every command, -1 none.",
    )
    .aliases(&["commandlog-execution-slower-than"])
    .unit("microseconds"),
    OptionSpec::number(
        "slowlog-max-len",
        UP_TO_LONG,
        "128",
        "How many slow commands SLOWLOG remembers; 0 means none.",
    )
    .aliases(&["commandlog-slow-execution-max-len"])
    .unit("entries"),
];
