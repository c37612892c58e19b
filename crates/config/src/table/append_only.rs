//! Options about append-only files.

use super::{UP_TO_INT, UP_TO_LONG};
use crate::choices::APPEND_FSYNC;
use crate::option::OptionSpec;

const NO_AOF: &str = "kept for append-only files, which this version does not have yet";

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::bool("aof-disable-auto-gc", "no", "Redis: keep history files after a rewrite, for tests.")
        .hidden()
        .noted(NO_AOF),
    OptionSpec::bool("aof-load-truncated", "yes", "Load a file whose end was cut off.").noted(NO_AOF),
    OptionSpec::bool("aof-rewrite-incremental-fsync", "yes", "While rewriting, sync every few megabytes.")
        .noted(NO_AOF),
    OptionSpec::bool("aof-timestamp-enabled", "no", "Write times into the file.").noted(NO_AOF),
    OptionSpec::bool("aof-use-rdb-preamble", "yes", "Write base files in RDB format.").noted(NO_AOF),
    OptionSpec::optional("aof_rewrite_cpulist", "Redis: processors for the forked rewriting child.")
        .aliases(&["aof-rewrite-cpulist"])
        .immutable()
        .noted("has no effect here: nothing is forked, the rewrite uses snapshot workers"),
    OptionSpec::text("appenddirname", "appendonlydir", "Directory in dir for append-only files.")
        .immutable()
        .noted(NO_AOF),
    OptionSpec::text("appendfilename", "appendonly.aof", "First part of the names of append-only files.")
        .immutable()
        .noted(NO_AOF),
    OptionSpec::choice("appendfsync", APPEND_FSYNC, "everysec", "When the file is synced: everysec, always, no.")
        .noted(NO_AOF),
    OptionSpec::bool("appendonly", "no", "Write every change to an append-only file.")
        .not_while_loading()
        .refused("append-only files are not in this version, snapshots are: leave 'appendonly no' and set save points"),
    OptionSpec::memory("auto-aof-rewrite-min-size", UP_TO_LONG, "64mb", "Size below which no rewrite starts by itself.")
        .noted(NO_AOF),
    OptionSpec::number("auto-aof-rewrite-percentage", UP_TO_INT, "100", "Growth at which a rewrite starts; 0: never.")
        .unit("percent")
        .noted(NO_AOF),
    OptionSpec::bool("no-appendfsync-on-rewrite", "no", "Do not sync while a snapshot or rewrite runs.").noted(NO_AOF),
];
