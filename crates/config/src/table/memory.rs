//! Options about memory, eviction, expiry and the freeing of large values.

use super::{UP_TO_INT, UP_TO_LONG, UP_TO_U64};
use crate::choices::EvictionPolicy;
use crate::option::OptionSpec;

const NO_DEFRAG: &str = "has no effect: active defragmentation is not in this version";
const NO_EVICTION: &str =
    "kept, but nothing is evicted in this version: maxmemory is reported and not enforced";
const ALWAYS_LAZY: &str = "has no effect here: large values are always freed by a background thread";

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::number("active-defrag-cycle-max", (1, 99), "25", "Most processor time for defragmentation.")
        .unit("percent")
        .noted(NO_DEFRAG),
    OptionSpec::number("active-defrag-cycle-min", (1, 99), "1", "Least processor time for defragmentation.")
        .unit("percent")
        .noted(NO_DEFRAG),
    OptionSpec::number("active-defrag-cycle-us", (0, 100_000), "500", "Valkey: length of one turn of defragmentation.")
        .unit("microseconds")
        .noted(NO_DEFRAG),
    OptionSpec::memory(
        "active-defrag-ignore-bytes",
        (1, UP_TO_LONG.1),
        "100mb",
        "Waste below which defragmentation does not start.",
    )
    .noted(NO_DEFRAG),
    OptionSpec::number(
        "active-defrag-max-scan-fields",
        (1, UP_TO_LONG.1),
        "1000",
        "Size above which a collection is defragmented in steps.",
    )
    .noted(NO_DEFRAG),
    OptionSpec::number(
        "active-defrag-threshold-lower",
        (0, 1000),
        "10",
        "Fragmentation at which defragmentation starts.",
    )
    .unit("percent")
    .noted(NO_DEFRAG),
    OptionSpec::number(
        "active-defrag-threshold-upper",
        (0, 1000),
        "100",
        "Fragmentation at which defragmentation uses its full share of time.",
    )
    .unit("percent")
    .noted(NO_DEFRAG),
    OptionSpec::number(
        "active-expire-effort",
        (1, 10),
        "1",
        "Redis: how much time goes into looking for expired keys.",
    )
    .noted("has no effect here: keys are ordered by deadline and go within a second of it, without any looking"),
    OptionSpec::bool("activedefrag", "no", "Redis: defragment memory while serving.")
        .debug()
        .refused("Active defragmentation cannot be enabled: it is not in this version; leave 'activedefrag no'"),
    OptionSpec::bool(
        "huge-pages",
        "yes",
        "Evenkeel: join memory that is in use from end to end into pages of 2 MB in the background, which makes access faster \
         and takes nothing. Needs Linux 6.1.",
    ),
    OptionSpec::bool("import-mode", "no", "Valkey: do not expire keys while data are being imported.")
        .refused("import mode is not in this version; leave 'import-mode no'"),
    OptionSpec::bool("jemalloc-bg-thread", "yes", "Redis: let jemalloc give memory back in the background.")
        .noted("has no effect here: the allocator is another one and gives memory back by itself"),
    OptionSpec::bool("lazyfree-lazy-eviction", "yes", "Free evicted values in the background.")
        .debug()
        .noted(ALWAYS_LAZY)
        .harmless(&["no"]),
    OptionSpec::bool("lazyfree-lazy-expire", "yes", "Free expired values in the background.")
        .debug()
        .noted(ALWAYS_LAZY)
        .harmless(&["no"]),
    OptionSpec::bool("lazyfree-lazy-server-del", "yes", "Free overwritten values in the background.")
        .debug()
        .noted(ALWAYS_LAZY)
        .harmless(&["no"]),
    OptionSpec::bool("lazyfree-lazy-user-del", "yes", "Let DEL free in the background as UNLINK does.")
        .debug()
        .noted(ALWAYS_LAZY)
        .harmless(&["no"]),
    OptionSpec::bool(
        "lazyfree-lazy-user-flush",
        "yes",
        "Let FLUSHALL and FLUSHDB without SYNC or ASYNC free in the background.",
    )
    .debug()
    .noted(ALWAYS_LAZY)
    .harmless(&["no"]),
    OptionSpec::number(
        "lfu-decay-time",
        UP_TO_INT,
        "1",
        "After how long without use the counter of OBJECT FREQ goes down by one; 0 means with every look at it.",
    )
    .unit("minutes"),
    OptionSpec::number(
        "lfu-log-factor",
        UP_TO_INT,
        "10",
        "How slowly the counter of OBJECT FREQ grows: with 10 a million uses fill it.",
    ),
    OptionSpec::memory(
        "maxmemory",
        UP_TO_U64,
        "0",
        "Most memory for data; 0 means no limit. INFO reports it and what is used.",
    )
    .debug()
    .noted("kept and reported, but not enforced in this version: nothing is evicted and no write is refused for it"),
    OptionSpec::number("maxmemory-eviction-tenacity", (0, 100), "10", "How long eviction may hold a client up.")
        .noted(NO_EVICTION),
    OptionSpec::choice(
        "maxmemory-policy",
        EvictionPolicy::WORDS,
        "noeviction",
        "What goes when maxmemory is reached. It also decides whether OBJECT IDLETIME (LRU) or OBJECT FREQ (LFU) \
         can answer.",
    )
    .noted(NO_EVICTION),
    OptionSpec::number("maxmemory-samples", (1, 64), "5", "How many keys eviction compares to choose one.")
        .noted(NO_EVICTION),
];
