//! Options about TLS and RDMA transports.

use super::{PORT, UP_TO_INT};
use crate::choices::{TLS_AUTH_CLIENTS, TLS_AUTH_CLIENTS_USER};
use crate::option::OptionSpec;

const NO_TLS: &str = "kept for TLS, which this version does not have yet";
const NO_RDMA: &str = "RDMA is not supported";

pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::number(
        "max-new-tls-connections-per-cycle",
        (1, 1000),
        "1",
        "Valkey: TLS connections accepted in one turn.",
    )
    .noted(NO_TLS),
    OptionSpec::special("rdma-bind", crate::option::Kind::Bind, "", "Valkey: RDMA addresses to listen on.")
        .multi()
        .refused(NO_RDMA),
    OptionSpec::number("rdma-completion-vector", (-1, 1024), "-1", "Valkey: completion vector.")
        .immutable()
        .refused(NO_RDMA),
    OptionSpec::number("rdma-port", PORT, "0", "Valkey: RDMA port; 0: none.").refused(NO_RDMA),
    OptionSpec::memory(
        "rdma-rx-size",
        (65536, 16 << 20),
        "1048576",
        "Valkey: receive buffer of an RDMA connection.",
    )
    .immutable()
    .refused(NO_RDMA),
    OptionSpec::choice(
        "tls-auth-clients",
        TLS_AUTH_CLIENTS,
        "yes",
        "Whether clients must show a certificate.",
    )
    .noted(NO_TLS),
    OptionSpec::choice(
        "tls-auth-clients-user",
        TLS_AUTH_CLIENTS_USER,
        "off",
        "Valkey: take the user's name from the certificate.",
    )
    .noted(NO_TLS),
    OptionSpec::number(
        "tls-auto-reload-interval",
        UP_TO_INT,
        "0",
        "Valkey: how often certificates are read anew; 0: never.",
    )
    .unit("seconds")
    .noted(NO_TLS),
    OptionSpec::optional("tls-ca-cert-dir", "Directory of trusted certificates.").volatile().noted(NO_TLS),
    OptionSpec::optional("tls-ca-cert-file", "File of trusted certificates.").volatile().noted(NO_TLS),
    OptionSpec::optional("tls-cert-file", "The server's certificate.").volatile().noted(NO_TLS),
    OptionSpec::optional("tls-ciphers", "Ciphers of TLS 1.2.").noted(NO_TLS),
    OptionSpec::optional("tls-ciphersuites", "Cipher suites of TLS 1.3.").noted(NO_TLS),
    OptionSpec::optional("tls-client-cert-file", "Certificate for outgoing connections.")
        .volatile()
        .noted(NO_TLS),
    OptionSpec::optional("tls-client-key-file", "Key for outgoing connections.").volatile().noted(NO_TLS),
    OptionSpec::optional("tls-client-key-file-pass", "Password of that key.").sensitive().noted(NO_TLS),
    OptionSpec::bool("tls-cluster", "no", "TLS on the cluster bus.")
        .refused("TLS is not in this version; leave 'tls-cluster no'"),
    OptionSpec::optional("tls-dh-params-file", "Diffie-Hellman parameters.").volatile().noted(NO_TLS),
    OptionSpec::optional("tls-key-file", "The server's key.").volatile().noted(NO_TLS),
    OptionSpec::optional("tls-key-file-pass", "Password of that key.").sensitive().noted(NO_TLS),
    OptionSpec::number("tls-port", PORT, "0", "Port for TLS; 0: none.").refused(
        "TLS is not in this version; leave 'tls-port 0' and put a TLS proxy in front if you need one",
    ),
    OptionSpec::bool("tls-prefer-server-ciphers", "no", "Choose ciphers by the server's order.")
        .noted(NO_TLS),
    OptionSpec::optional("tls-protocols", "Protocol versions: TLSv1.2, TLSv1.3.").noted(NO_TLS),
    OptionSpec::bool("tls-replication", "no", "TLS to the master.")
        .refused("TLS is not in this version; leave 'tls-replication no'"),
    OptionSpec::number(
        "tls-session-cache-size",
        UP_TO_INT,
        "20480",
        "How many TLS sessions are remembered; 0: no limit.",
    )
    .unit("sessions")
    .noted(NO_TLS),
    OptionSpec::number(
        "tls-session-cache-timeout",
        UP_TO_INT,
        "300",
        "How long a TLS session is remembered.",
    )
    .unit("seconds")
    .noted(NO_TLS),
    OptionSpec::bool("tls-session-caching", "yes", "Let TLS clients resume sessions.").noted(NO_TLS),
];
