//! Options about Redis Cluster.

use super::{FROM_ONE, PORT, UP_TO_INT, UP_TO_LONG, UP_TO_U64};
use crate::choices::{CLUSTER_CONFIG_SAVE, ENDPOINT_TYPE};
use crate::option::OptionSpec;
use crate::value::Value;

const NO_CLUSTER: &str = "kept for cluster mode, which this version does not have yet";

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::bool(
        "cluster-allow-pubsubshard-when-down",
        "yes",
        "Serve sharded pub/sub while the cluster is down.",
    )
    .noted(NO_CLUSTER),
    OptionSpec::bool("cluster-allow-reads-when-down", "no", "Serve reads while the cluster is down.")
        .noted(NO_CLUSTER),
    OptionSpec::bool(
        "cluster-allow-replica-migration",
        "yes",
        "Let replicas move to masters that have none.",
    )
    .noted(NO_CLUSTER),
    OptionSpec::number("cluster-announce-bus-port", PORT, "0", "Bus port told to others; 0: the real one.")
        .noted(NO_CLUSTER),
    OptionSpec::optional("cluster-announce-client-ipv4", "Valkey: IPv4 address told to clients.")
        .noted(NO_CLUSTER),
    OptionSpec::optional("cluster-announce-client-ipv6", "Valkey: IPv6 address told to clients.")
        .noted(NO_CLUSTER),
    OptionSpec::number(
        "cluster-announce-client-port",
        PORT,
        "0",
        "Valkey: port told to clients; 0: the real one.",
    )
    .noted(NO_CLUSTER),
    OptionSpec::number(
        "cluster-announce-client-tls-port",
        PORT,
        "0",
        "Valkey: TLS port told to clients; 0: the real one.",
    )
    .noted(NO_CLUSTER),
    OptionSpec::optional("cluster-announce-hostname", "Host name told to clients.")
        .rule(host_name)
        .noted(NO_CLUSTER),
    OptionSpec::optional("cluster-announce-human-nodename", "Name of the node in logs.")
        .rule(node_name)
        .noted(NO_CLUSTER),
    OptionSpec::optional("cluster-announce-ip", "Address told to others.").noted(NO_CLUSTER),
    OptionSpec::number("cluster-announce-port", PORT, "0", "Port told to others; 0: the real one.")
        .noted(NO_CLUSTER),
    OptionSpec::number("cluster-announce-tls-port", PORT, "0", "TLS port told to others; 0: the real one.")
        .noted(NO_CLUSTER),
    OptionSpec::number(
        "cluster-blacklist-ttl",
        UP_TO_LONG,
        "60",
        "Valkey: how long a forgotten node stays forgotten.",
    )
    .unit("seconds")
    .noted(NO_CLUSTER),
    OptionSpec::number(
        "cluster-compatibility-sample-ratio",
        (0, 100),
        "0",
        "Redis 8: share of commands checked for use in a cluster.",
    )
    .unit("percent")
    .noted(NO_CLUSTER),
    OptionSpec::text("cluster-config-file", "nodes.conf", "File for the node's view of the cluster.")
        .immutable()
        .noted(NO_CLUSTER),
    OptionSpec::choice(
        "cluster-config-save-behavior",
        CLUSTER_CONFIG_SAVE,
        "sync",
        "Valkey: whether that file must be written.",
    )
    .noted(NO_CLUSTER),
    OptionSpec::number("cluster-databases", FROM_ONE, "1", "Valkey: databases in cluster mode.")
        .immutable()
        .noted(NO_CLUSTER),
    OptionSpec::bool("cluster-enabled", "no", "Be a node of a cluster.")
        .immutable()
        .refused("cluster mode is not in this version; leave 'cluster-enabled no'"),
    OptionSpec::memory(
        "cluster-link-sendbuf-limit",
        UP_TO_U64,
        "0",
        "Most memory for one bus link; 0: no limit.",
    )
    .noted(NO_CLUSTER),
    OptionSpec::number(
        "cluster-manual-failover-timeout",
        FROM_ONE,
        "5000",
        "Valkey: time for a manual failover.",
    )
    .unit("milliseconds")
    .noted(NO_CLUSTER),
    OptionSpec::number(
        "cluster-migration-barrier",
        UP_TO_INT,
        "1",
        "Replicas a master keeps before one may move.",
    )
    .noted(NO_CLUSTER),
    OptionSpec::number(
        "cluster-node-timeout",
        UP_TO_LONG,
        "15000",
        "Silence after which a node counts as failing.",
    )
    .unit("milliseconds")
    .noted(NO_CLUSTER),
    OptionSpec::number("cluster-ping-interval", UP_TO_LONG, "0", "Valkey: time between pings on the bus.")
        .unit("milliseconds")
        .hidden()
        .noted(NO_CLUSTER),
    OptionSpec::number("cluster-port", PORT, "0", "Port of the bus; 0: port + 10000.")
        .immutable()
        .noted(NO_CLUSTER),
    OptionSpec::choice(
        "cluster-preferred-endpoint-type",
        ENDPOINT_TYPE,
        "ip",
        "What clients are redirected to.",
    )
    .noted(NO_CLUSTER),
    OptionSpec::bool("cluster-replica-no-failover", "no", "Never promote this replica by itself.")
        .aliases(&["cluster-slave-no-failover"])
        .noted(NO_CLUSTER),
    OptionSpec::number(
        "cluster-replica-validity-factor",
        UP_TO_INT,
        "10",
        "How old a replica's data may be to be promoted.",
    )
    .aliases(&["cluster-slave-validity-factor"])
    .noted(NO_CLUSTER),
    OptionSpec::bool("cluster-require-full-coverage", "yes", "Serve nothing while a slot has no node.")
        .noted(NO_CLUSTER),
    OptionSpec::number(
        "cluster-slot-migration-log-max-len",
        UP_TO_LONG,
        "1000",
        "Valkey: how many slot migrations are remembered.",
    )
    .unit("entries")
    .noted(NO_CLUSTER),
    OptionSpec::bool("cluster-slot-stats-enabled", "no", "Valkey: count use by slot.").noted(NO_CLUSTER),
    OptionSpec::text("hash-seed", "", "Valkey: text from which the hash function's seed is made.")
        .immutable()
        .refused("the seed of the hash function is random for each start; leave 'hash-seed \"\"'"),
];

fn host_name(value: Value) -> Result<Value, String> {
    match &value {
        Value::Text(name) if name.len() >= 256 => Err("Hostnames must be less than 256 characters".into()),
        Value::Text(name)
            if !name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')) =>
        {
            Err("Hostnames may only contain alphanumeric characters, hyphens or dots".into())
        }
        _ => Ok(value),
    }
}

fn node_name(value: Value) -> Result<Value, String> {
    match &value {
        Value::Text(name)
            if !name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(byte)) =>
        {
            Err("Announced human node name contained invalid character".into())
        }
        _ => Ok(value),
    }
}
