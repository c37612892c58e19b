//! Options about clients: what one client may take, and what it is told.

use super::UP_TO_LONG;
use crate::option::{Form, Kind, OptionSpec};

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::special(
        "client-output-buffer-limit",
        Kind::OutputLimits,
        "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60",
        "When a client that does not read its replies is disconnected: class, hard limit, soft limit, soft seconds. At once \
         above the hard limit, or after being above the soft limit for that many seconds on end; 0 means no limit. \
         Classes: normal, replica, pubsub. Classes that a line does not name keep their limits.",
    )
    .multi(),
    OptionSpec::memory(
        "client-query-buffer-limit",
        (1 << 20, UP_TO_LONG.1),
        "1gb",
        "Most bytes of a request that has not arrived in full; a client that sends more is disconnected.",
    )
    .debug(),
    OptionSpec::memory(
        "maxmemory-clients",
        (0, UP_TO_LONG.1),
        "0",
        "Most memory for all clients together, in bytes or as a percentage of maxmemory; 0 means no limit.",
    )
    .form(Form::MemoryOrPercent)
    .noted("kept, but clients are not evicted in this version"),
    OptionSpec::special(
        "notify-keyspace-events",
        Kind::Events,
        "",
        "Which changes are published, as letters: K and E choose the channels (__keyspace@db__ and __keyevent@db__), the \
         others the events: g generic, $ strings, l lists, s sets, h hashes, z sorted sets, t streams, d modules, x expired, \
         e evicted, A for all of these, m key misses, n new keys. Empty: nothing.",
    )
    .noted("kept, but nothing is published in this version: there is no pub/sub yet"),
    OptionSpec::memory(
        "proto-max-bulk-len",
        (1 << 20, UP_TO_LONG.1),
        "512mb",
        "Longest single argument of a request; also the longest string that SETRANGE, SETBIT and APPEND may make.",
    )
    .debug(),
    OptionSpec::number(
        "tracking-table-max-keys",
        UP_TO_LONG,
        "1000000",
        "How many keys the server remembers for CLIENT TRACKING; 0 means no limit.",
    )
    .unit("keys")
    .noted("kept for client-side caching, which this version does not have yet"),
];
