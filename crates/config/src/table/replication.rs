//! Options about replication.

use super::{FROM_ONE, PORT, UP_TO_INT, UP_TO_LONG, UP_TO_U64};
use crate::choices::{PROPAGATION_ERROR, REPL_DISKLESS_LOAD};
use crate::option::{Form, Kind, OptionSpec};

const NO_REPLICATION: &str = "kept for replication, which this version does not have yet";

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::bool(
        "dual-channel-replication-enabled",
        "no",
        "Valkey: send the snapshot of a full sync over a connection of its own.",
    )
    .debug()
    .noted(NO_REPLICATION),
    OptionSpec::optional("masterauth", "Password for the master.")
        .aliases(&["primaryauth"])
        .sensitive()
        .noted(NO_REPLICATION),
    OptionSpec::optional("masteruser", "User name for the master.")
        .aliases(&["primaryuser"])
        .sensitive()
        .noted(NO_REPLICATION),
    OptionSpec::number("min-replicas-max-lag", UP_TO_INT, "10", "Lag up to which a replica counts as good.")
        .aliases(&["min-slaves-max-lag"])
        .unit("seconds")
        .noted(NO_REPLICATION),
    OptionSpec::number("min-replicas-to-write", UP_TO_INT, "0", "Refuse writes with fewer good replicas than this.")
        .aliases(&["min-slaves-to-write"])
        .refused("there is no replication in this version, so no write could ever be accepted; leave 'min-replicas-to-write 0'"),
    OptionSpec::choice(
        "propagation-error-behavior",
        PROPAGATION_ERROR,
        "ignore",
        "What to do when a replicated command fails: ignore, panic, panic-on-replicas.",
    )
    .noted(NO_REPLICATION),
    OptionSpec::memory("repl-backlog-size", (1, UP_TO_LONG.1), "10mb", "How much of the past is kept for replicas that come back.")
        .noted(NO_REPLICATION)
    .harmless(&["1048576"]),
    OptionSpec::number("repl-backlog-ttl", UP_TO_LONG, "3600", "How long the backlog is kept without replicas; 0: for ever.")
        .unit("seconds")
        .noted(NO_REPLICATION),
    OptionSpec::bool("repl-disable-tcp-nodelay", "no", "Send fewer, larger packets to replicas.").noted(NO_REPLICATION),
    OptionSpec::choice(
        "repl-diskless-load",
        REPL_DISKLESS_LOAD,
        "disabled",
        "Whether a replica loads a full sync straight from the socket.",
    )
    .debug()
    .not_while_loading()
    .noted(NO_REPLICATION),
    OptionSpec::bool("repl-diskless-sync", "yes", "Send full syncs without a file.").debug().noted(NO_REPLICATION),
    OptionSpec::number("repl-diskless-sync-delay", UP_TO_INT, "5", "How long a full sync waits for more replicas.")
        .unit("seconds")
        .noted(NO_REPLICATION),
    OptionSpec::number(
        "repl-diskless-sync-max-replicas",
        UP_TO_INT,
        "0",
        "Start the full sync early once this many replicas wait; 0: never early.",
    )
    .noted(NO_REPLICATION),
    OptionSpec::bool("repl-mptcp", "no", "Valkey: use Multipath TCP to the master.")
        .immutable()
        .refused("Multipath TCP is not supported; leave 'repl-mptcp no'"),
    OptionSpec::number("repl-ping-replica-period", FROM_ONE, "10", "How often replicas are pinged.")
        .aliases(&["repl-ping-slave-period"])
        .unit("seconds")
        .noted(NO_REPLICATION),
    OptionSpec::number("repl-timeout", FROM_ONE, "60", "Silence after which a replication link is given up.")
        .unit("seconds")
        .noted(NO_REPLICATION),
    OptionSpec::optional("replica-announce-ip", "Address that a replica gives to its master.")
        .aliases(&["slave-announce-ip"])
        .noted(NO_REPLICATION),
    OptionSpec::number("replica-announce-port", PORT, "0", "Port that a replica gives to its master.")
        .aliases(&["slave-announce-port"])
        .noted(NO_REPLICATION),
    OptionSpec::bool("replica-announced", "yes", "Whether Sentinel is told of this replica.").noted(NO_REPLICATION),
    OptionSpec::memory(
        "replica-full-sync-buffer-limit",
        UP_TO_U64,
        "0",
        "Redis 8: most memory for what arrives during a full sync; 0: the limit of client-output-buffer-limit.",
    )
    .noted(NO_REPLICATION),
    OptionSpec::bool("replica-ignore-disk-write-errors", "no", "Whether a replica goes on when it cannot save.")
        .noted(NO_REPLICATION),
    OptionSpec::bool("replica-ignore-maxmemory", "yes", "Whether a replica leaves eviction to its master.")
        .aliases(&["slave-ignore-maxmemory"])
        .noted(NO_REPLICATION),
    OptionSpec::bool("replica-lazy-flush", "yes", "Free a replica's old data in the background.")
        .aliases(&["slave-lazy-flush"])
        .noted(NO_REPLICATION)
        .harmless(&["no"]),
    OptionSpec::number("replica-priority", UP_TO_INT, "100", "Sentinel prefers low numbers; 0: never promote.")
        .aliases(&["slave-priority"])
        .noted(NO_REPLICATION),
    OptionSpec::bool("replica-read-only", "yes", "Refuse writes of clients on a replica.")
        .aliases(&["slave-read-only"])
        .debug()
        .noted(NO_REPLICATION),
    OptionSpec::bool("replica-serve-stale-data", "yes", "Answer reads while the link to the master is down.")
        .aliases(&["slave-serve-stale-data"])
        .noted(NO_REPLICATION),
    OptionSpec::special("replicaof", Kind::ReplicaOf, "", "Host and port of the master; 'no one' for none.")
        .aliases(&["slaveof"])
        .immutable()
        .multi()
        .refused("replication is not in this version: the server cannot be a replica yet"),
    OptionSpec::memory(
        "slot-migration-max-failover-repl-bytes",
        (-1, UP_TO_LONG.1),
        "0",
        "Valkey: how much may be outstanding when a migrated slot changes hands; -1: any amount.",
    )
    .form(Form::Plain)
    .noted(NO_REPLICATION),
];
