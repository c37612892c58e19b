//! Options about sockets: where the server listens and how it treats connections.

use super::{PORT, UP_TO_INT};
use crate::option::{Form, Kind, OptionSpec};

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::special(
        "bind",
        Kind::Bind,
        "* -::*",
        "Addresses to listen on, at most 16. An address with a '-' in front may be missing on this machine; any other \
         that cannot be had stops the start. '*' means all IPv4 addresses, '::*' all IPv6 addresses, an empty \
         value (\"\") none. With the default and no password, protected-mode still keeps other machines out.",
    )
    .multi(),
    OptionSpec::optional(
        "bind-source-addr",
        "Local address from which connections to other servers are opened. Not set: the kernel chooses.",
    )
    .noted("kept for replication and cluster links, which this version does not have yet"),
    OptionSpec::number(
        "max-new-connections-per-cycle",
        (1, 1000),
        "10",
        "Valkey: how many connections are accepted in one turn of the event loop.",
    )
    .noted("has no effect here: every reactor accepts as connections come and bounds its turns by time"),
    OptionSpec::number(
        "maxclients",
        (1, u32::MAX as i128),
        "10000",
        "Most connections at one time; more are told 'max number of clients reached' and closed. The limit of open \
         files is raised to fit at start, and if the system does not allow that this value is lowered and the log says so.",
    )
    .unit("connections"),
    OptionSpec::bool("mptcp", "no", "Valkey: accept Multipath TCP connections.")
        .immutable()
        .refused("Multipath TCP is not supported; leave 'mptcp no'"),
    OptionSpec::number("port", PORT, "6379", "TCP port to listen on; 0 means no TCP at all."),
    OptionSpec::bool(
        "protected-mode",
        "yes",
        "Without a password for the default user, accept only connections from this machine. Others get an \
         error that says how to proceed.",
    ),
    OptionSpec::number(
        "socket-mark-id",
        (0, u32::MAX as i128),
        "0",
        "Mark (SO_MARK) on listening and outgoing sockets, for routing and packet filters; 0 means none. Needs \
         CAP_NET_ADMIN.",
    )
    .immutable()
    .noted("sockets are not marked in this version"),
    OptionSpec::number(
        "tcp-backlog",
        UP_TO_INT,
        "511",
        "Connections that may wait to be accepted. The kernel cuts this to net.core.somaxconn, and the log warns if it does.",
    )
    .immutable()
    .unit("connections"),
    OptionSpec::number(
        "tcp-keepalive",
        UP_TO_INT,
        "300",
        "Idle time after which the kernel asks whether a client is still there; a dead one is closed after about \
         twice that. 0 means never.",
    )
    .unit("seconds"),
    OptionSpec::number(
        "timeout",
        UP_TO_INT,
        "0",
        "Close a client that has sent nothing for this long (subscribers and blocked clients excepted). 0 means never.",
    )
    .unit("seconds"),
    OptionSpec::optional("unixsocket", "Path of a unix socket to listen on. Not set: none.").immutable(),
    OptionSpec::optional(
        "unixsocketgroup",
        "Valkey: group that owns the unix socket. Not set: the group of the process.",
    )
    .immutable()
    .refused("the group of the unix socket cannot be set; start the server with the group it should have"),
    OptionSpec::number(
        "unixsocketperm",
        (0, 0o777),
        "0",
        "Permissions of the unix socket, in octal as for chmod; 0 leaves what the umask gives.",
    )
    .form(Form::Octal)
    .immutable(),
];
