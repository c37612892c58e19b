//! What the settings mean: plain typed fields by theme, cheap to read.
//!
//! It is made from [`Settings`] in one go and never changed: a change of settings makes a new `Config`. Options whose
//! value has no effect in this version have no field here; a field exists if code reads it.
//!
//! Bounds are those of the table, so that conversions to narrower integers cannot cut anything off.

use std::path::PathBuf;

use crate::choices::{
    Access, EvictionPolicy, LogFormat, LogLevel, LogTimestamp, OomScoreAdj, RdbVersion, ReactorChoice,
    ShutdownFlags, Supervision, SyslogFacility, VersionCheck,
};
use crate::file::LoadError;
use crate::settings::{Settings, bytes_to_path};
use crate::value::{Events, OutputLimit, SavePoint, Value};

/// The checked meaning of all settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Sockets.
    pub network: Network,
    /// The process itself.
    pub process: Process,
    /// How the server ends.
    pub shutdown: Shutdown,
    /// The log.
    pub logging: Logging,
    /// Reactors and keyspace.
    pub threads: Threads,
    /// Snapshots and RDB files.
    pub snapshot: Snapshot,
    /// Memory limit and eviction.
    pub memory: Memory,
    /// What one client may take.
    pub clients: Clients,
    /// Who may do what.
    pub security: Security,
    /// Slow log, command log, latency monitor.
    pub latency: Latency,
    /// Encoding thresholds.
    pub encoding: Encoding,
}

/// Sockets: where to listen and how connections are treated.
#[derive(Clone, Debug)]
pub struct Network {
    /// Addresses in the order given.
    pub bind: Vec<BindAddress>,
    /// 0: no TCP.
    pub port: u16,
    /// Path of the unix socket, as given (relative to `dir`).
    pub unix_socket: Option<PathBuf>,
    /// 0: leave what the umask gives.
    pub unix_socket_mode: u32,
    /// Length of the accept queue.
    pub tcp_backlog: u32,
    /// 0: never probe.
    pub tcp_keepalive_seconds: u32,
    /// 0: never close idle clients.
    pub timeout_seconds: u32,
    /// Only this machine while there is no password.
    pub protected_mode: bool,
    /// Most client connections.
    pub clients_max: u32,
}

/// One address of `bind`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindAddress {
    /// Numeric address, host name, `*` (all of IPv4) or `::*` (all of IPv6).
    pub address: String,
    /// A failure to bind because the address or protocol does not exist here is no error.
    pub optional: bool,
}

/// The process: start, name, killer's score.
#[derive(Clone, Debug)]
pub struct Process {
    /// Run in the background.
    pub daemonize: bool,
    /// File for the process id; [`None`] is none, but in the background one in `/var/run`.
    pub pidfile: Option<PathBuf>,
    /// Who is told when the server is ready.
    pub supervised: Supervision,
    /// Whether to set the process's name.
    pub set_title: bool,
    /// What its name is built from.
    pub title_template: String,
    /// Whether and how to set the out-of-memory score.
    pub oom_score_adj: OomScoreAdj,
    /// Scores for master, replica, child.
    pub oom_values: [i32; 3],
    /// Write a report when crashing.
    pub crash_log: bool,
    /// Show the banner even if the log is no terminal.
    pub always_show_logo: bool,
    /// Name of the availability zone, for HELLO and INFO.
    pub availability_zone: Vec<u8>,
    /// Reported in INFO only.
    pub hz: u32,
}

/// How the server ends.
#[derive(Clone, Copy, Debug)]
pub struct Shutdown {
    /// Flags of SIGINT.
    pub on_sigint: ShutdownFlags,
    /// Flags of SIGTERM.
    pub on_sigterm: ShutdownFlags,
}

/// The log.
#[derive(Clone, Debug)]
pub struct Logging {
    /// Least important level that is written.
    pub level: LogLevel,
    /// [`None`]: standard output.
    pub file: Option<PathBuf>,
    /// Layout of a line.
    pub format: LogFormat,
    /// Layout of its time.
    pub timestamp: LogTimestamp,
    /// Also to the system log.
    pub syslog: bool,
    /// Program name there.
    pub syslog_ident: String,
    /// Facility there.
    pub syslog_facility: SyslogFacility,
}

/// Reactors and keyspace.
#[derive(Clone, Copy, Debug)]
pub struct Threads {
    /// Number of reactor threads, at least 1.
    pub reactors: usize,
    /// Which mechanism they use.
    pub reactor: ReactorChoice,
    /// Number of stripes, a power of two.
    pub stripes: usize,
    /// Number of databases, at least 1.
    pub databases: u32,
}

/// Snapshots and RDB files.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Save points, in the order given; empty: none.
    pub save: Vec<SavePoint>,
    /// File name in `dir`.
    pub file_name: PathBuf,
    /// Working directory, absolute.
    pub dir: PathBuf,
    /// LZF in files.
    pub compression: bool,
    /// CRC64 in files.
    pub checksum: bool,
    /// MISCONF after a failed save.
    pub stop_writes_on_error: bool,
    /// Bound of a snapshot's extra memory.
    pub memory_budget_bytes: u64,
    /// Version written.
    pub version: RdbVersion,
    /// Files of newer versions.
    pub version_check: VersionCheck,
    /// For tests: pause after each key loaded in microseconds; negative: keys for each microsecond.
    pub key_load_delay: i32,
}

/// Memory limit and eviction; not enforced in this version.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// 0: no limit.
    pub limit_bytes: u64,
    /// What would go first; decides what OBJECT FREQ and IDLETIME answer.
    pub policy: EvictionPolicy,
    /// Growth of the frequency counter.
    pub lfu_log_factor: u32,
    /// Decay of the frequency counter.
    pub lfu_decay_minutes: u32,
    /// Whether full memory is joined into huge pages.
    pub huge_pages: bool,
    /// Whether the kernel shall hand out no huge pages by itself.
    pub disable_thp: bool,
}

/// What one client may take.
#[derive(Clone, Copy, Debug)]
pub struct Clients {
    /// Limits of clients that do not read: normal.
    pub output_normal: OutputLimit,
    /// Replicas.
    pub output_replica: OutputLimit,
    /// Subscribers.
    pub output_pubsub: OutputLimit,
    /// Most bytes of an incomplete request.
    pub query_bytes_max: u64,
    /// Longest argument and string.
    pub bulk_bytes_max: u64,
    /// Classes of keyspace events that are published.
    pub events: Events,
}

/// Who may do what.
#[derive(Clone, Debug)]
pub struct Security {
    /// Password of the default user.
    pub password: Option<Vec<u8>>,
    /// Who may use DEBUG.
    pub debug_command: Access,
    /// Who may use MODULE.
    pub module_command: Access,
    /// Who may set protected options.
    pub protected_configs: Access,
    /// Commands under other names; only read at start.
    pub renames: Vec<Rename>,
}

/// A `rename-command` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The command's own name, as written.
    pub from: Vec<u8>,
    /// Its new name; [`None`] removes the command.
    pub to: Option<Vec<u8>>,
    /// Number and text of the line.
    pub(crate) line: (usize, Vec<u8>),
}

impl Rename {
    /// The error for a line that the command table cannot follow: redis-server's reasons are "No such command in
    /// rename-command" and "Target command name already exists".
    #[must_use]
    pub fn refuse(&self, reason: &str) -> LoadError {
        LoadError::Invalid { line: Some(self.line.clone()), reason: reason.to_owned() }
    }
}

/// Slow log, command log and latency monitor. Thresholds: [`None`] switches the recording off.
#[derive(Clone, Debug)]
pub struct Latency {
    /// Execution time from which SLOWLOG remembers a command.
    pub slow_microseconds: Option<u64>,
    /// How many it remembers.
    pub slow_len_max: usize,
    /// Size from which COMMANDLOG remembers a request.
    pub large_request_bytes: Option<u64>,
    /// How many it remembers.
    pub large_request_len_max: usize,
    /// Size from which COMMANDLOG remembers a reply.
    pub large_reply_bytes: Option<u64>,
    /// How many it remembers.
    pub large_reply_len_max: usize,
    /// Time from which LATENCY remembers an event.
    pub monitor_milliseconds: Option<u64>,
    /// Keep histograms for each command.
    pub tracking: bool,
    /// Percentiles in INFO latencystats.
    pub percentiles: Vec<f64>,
}

/// Encoding thresholds; those of data types that do not exist yet are read by the next version.
#[derive(Clone, Copy, Debug)]
pub struct Encoding {
    /// Fields of a hash in one block.
    pub hash_entries_max: u64,
    /// Longest field or value there.
    pub hash_value_bytes_max: u64,
    /// Positive: elements; -1 to -5: 4 to 64 KB.
    pub list_block_size: i32,
    /// Members of an integer set in one block.
    pub set_intset_entries_max: u64,
    /// Members of a set in one block.
    pub set_entries_max: u64,
    /// Longest member there.
    pub set_value_bytes_max: u64,
    /// Members of a sorted set in one block.
    pub zset_entries_max: u64,
    /// Longest member there.
    pub zset_value_bytes_max: u64,
    /// Seconds that a stream knows a producer's name of an entry.
    pub stream_name_seconds: u32,
    /// Names that it knows of a producer.
    pub stream_names_max: u32,
    /// Bytes of a stream's block; 0: no limit.
    pub stream_block_bytes_max: u64,
    /// Entries of a stream's block; 0: no limit.
    pub stream_block_entries_max: u64,
    /// Size of a sparse HyperLogLog.
    pub hll_sparse_bytes_max: u64,
}

impl Default for Config {
    /// The meaning of all defaults.
    fn default() -> Self {
        Config::from(&Settings::default())
    }
}

impl From<&Settings> for Config {
    fn from(settings: &Settings) -> Self {
        let read = Read(settings);
        Config {
            network: network(read),
            process: process(read),
            shutdown: Shutdown {
                on_sigint: ShutdownFlags::from_value(read.choice("shutdown-on-sigint")),
                on_sigterm: ShutdownFlags::from_value(read.choice("shutdown-on-sigterm")),
            },
            logging: logging(read),
            threads: Threads {
                reactors: read.number("io-threads"),
                reactor: ReactorChoice::from_value(read.choice("reactor")),
                stripes: read.number("stripes"),
                databases: read.number("databases"),
            },
            snapshot: snapshot(read),
            memory: Memory {
                limit_bytes: read.number("maxmemory"),
                policy: EvictionPolicy::from_value(read.choice("maxmemory-policy")),
                lfu_log_factor: read.number("lfu-log-factor"),
                lfu_decay_minutes: read.number("lfu-decay-time"),
                huge_pages: read.bool("huge-pages"),
                disable_thp: read.bool("disable-thp"),
            },
            clients: clients(read),
            security: security(read),
            latency: latency(read),
            encoding: encoding(read),
        }
    }
}

fn network(read: Read<'_>) -> Network {
    let bind = match read.0.named("bind") {
        Value::Words(words) => words.iter().map(|word| bind_address(word)).collect(),
        _ => Vec::new(),
    };
    Network {
        bind,
        port: read.number("port"),
        unix_socket: read.path("unixsocket"),
        unix_socket_mode: read.number("unixsocketperm"),
        tcp_backlog: read.number("tcp-backlog"),
        tcp_keepalive_seconds: read.number("tcp-keepalive"),
        timeout_seconds: read.number("timeout"),
        protected_mode: read.bool("protected-mode"),
        clients_max: read.number("maxclients"),
    }
}

fn bind_address(word: &[u8]) -> BindAddress {
    let (optional, address) = match word {
        [b'-', address @ ..] => (true, address),
        address => (false, address),
    };
    BindAddress { address: String::from_utf8_lossy(address).into_owned(), optional }
}

fn process(read: Read<'_>) -> Process {
    Process {
        daemonize: read.bool("daemonize"),
        pidfile: read.path("pidfile"),
        supervised: Supervision::from_value(read.choice("supervised")),
        set_title: read.bool("set-proc-title"),
        title_template: read.string("proc-title-template"),
        oom_score_adj: OomScoreAdj::from_value(read.choice("oom-score-adj")),
        oom_values: match read.0.named("oom-score-adj-values") {
            Value::OomValues(values) => *values,
            _ => [0; 3],
        },
        crash_log: read.bool("crash-log-enabled"),
        always_show_logo: read.bool("always-show-logo"),
        availability_zone: read.text("availability-zone").to_vec(),
        hz: read.number("hz"),
    }
}

fn logging(read: Read<'_>) -> Logging {
    Logging {
        level: LogLevel::from_value(read.choice("loglevel")),
        file: read.path("logfile"),
        format: LogFormat::from_value(read.choice("log-format")),
        timestamp: LogTimestamp::from_value(read.choice("log-timestamp-format")),
        syslog: read.bool("syslog-enabled"),
        syslog_ident: read.string("syslog-ident"),
        syslog_facility: SyslogFacility::from_value(read.choice("syslog-facility")),
    }
}

fn snapshot(read: Read<'_>) -> Snapshot {
    Snapshot {
        save: match read.0.named("save") {
            Value::Save(points) => points.clone(),
            _ => Vec::new(),
        },
        file_name: bytes_to_path(read.text("dbfilename")),
        dir: read.0.directory(),
        compression: read.bool("rdbcompression"),
        checksum: read.bool("rdbchecksum"),
        stop_writes_on_error: read.bool("stop-writes-on-bgsave-error"),
        memory_budget_bytes: read.number("snapshot-memory-budget"),
        version: RdbVersion::from_value(read.choice("rdb-version")),
        version_check: VersionCheck::from_value(read.choice("rdb-version-check")),
        key_load_delay: read.number("key-load-delay"),
    }
}

fn clients(read: Read<'_>) -> Clients {
    let [output_normal, output_replica, output_pubsub] = match read.0.named("client-output-buffer-limit") {
        Value::OutputLimits(limits) => *limits,
        _ => [OutputLimit::default(); 3],
    };
    Clients {
        output_normal,
        output_replica,
        output_pubsub,
        query_bytes_max: read.number("client-query-buffer-limit"),
        bulk_bytes_max: read.number("proto-max-bulk-len"),
        events: match read.0.named("notify-keyspace-events") {
            Value::Events(events) => *events,
            _ => Events::default(),
        },
    }
}

fn security(read: Read<'_>) -> Security {
    let password = read.text("requirepass");
    Security {
        password: (!password.is_empty()).then(|| password.to_vec()),
        debug_command: Access::from_value(read.choice("enable-debug-command")),
        module_command: Access::from_value(read.choice("enable-module-command")),
        protected_configs: Access::from_value(read.choice("enable-protected-configs")),
        renames: read.0.renames.clone(),
    }
}

fn latency(read: Read<'_>) -> Latency {
    Latency {
        slow_microseconds: read.unless_negative("slowlog-log-slower-than"),
        slow_len_max: read.number("slowlog-max-len"),
        large_request_bytes: read.unless_negative("commandlog-request-larger-than"),
        large_request_len_max: read.number("commandlog-large-request-max-len"),
        large_reply_bytes: read.unless_negative("commandlog-reply-larger-than"),
        large_reply_len_max: read.number("commandlog-large-reply-max-len"),
        monitor_milliseconds: read.unless_negative("latency-monitor-threshold").filter(|limit| *limit > 0),
        tracking: read.bool("latency-tracking"),
        percentiles: match read.0.named("latency-tracking-info-percentiles") {
            Value::Percentiles(values) => values.clone(),
            _ => Vec::new(),
        },
    }
}

fn encoding(read: Read<'_>) -> Encoding {
    Encoding {
        hash_entries_max: read.number("hash-max-listpack-entries"),
        hash_value_bytes_max: read.number("hash-max-listpack-value"),
        list_block_size: read.number("list-max-listpack-size"),
        set_intset_entries_max: read.number("set-max-intset-entries"),
        set_entries_max: read.number("set-max-listpack-entries"),
        set_value_bytes_max: read.number("set-max-listpack-value"),
        zset_entries_max: read.number("zset-max-listpack-entries"),
        zset_value_bytes_max: read.number("zset-max-listpack-value"),
        stream_name_seconds: read.number("stream-idmp-duration"),
        stream_names_max: read.number("stream-idmp-maxsize"),
        stream_block_bytes_max: read.number("stream-node-max-bytes"),
        stream_block_entries_max: read.number("stream-node-max-entries"),
        hll_sparse_bytes_max: read.number("hll-sparse-max-bytes"),
    }
}

/// Typed reading of raw values. A name or kind that the table does not have is our own mistake, found by the test
/// that reads the defaults; it never depends on what anybody typed (I2 of `settings`).
#[derive(Clone, Copy)]
struct Read<'a>(&'a Settings);

impl<'a> Read<'a> {
    fn bool(self, name: &str) -> bool {
        match self.0.named(name) {
            Value::Bool(value) => *value,
            other => unreachable!("{name} is {other:?}"),
        }
    }

    fn number<T: TryFrom<i128>>(self, name: &str) -> T {
        match self.0.named(name) {
            Value::Number(value) => match T::try_from(*value) {
                Ok(value) => value,
                Err(_) => unreachable!("{name} is {value}, out of its field's range"),
            },
            other => unreachable!("{name} is {other:?}"),
        }
    }

    /// A threshold where a negative number means "off".
    fn unless_negative(self, name: &str) -> Option<u64> {
        u64::try_from(self.number::<i64>(name)).ok()
    }

    fn choice(self, name: &str) -> u32 {
        match self.0.named(name) {
            Value::Choice(value) => *value,
            other => unreachable!("{name} is {other:?}"),
        }
    }

    fn text(self, name: &str) -> &'a [u8] {
        match self.0.named(name) {
            Value::Text(text) => text,
            other => unreachable!("{name} is {other:?}"),
        }
    }

    fn string(self, name: &str) -> String {
        String::from_utf8_lossy(self.text(name)).into_owned()
    }

    fn path(self, name: &str) -> Option<PathBuf> {
        let text = self.text(name);
        (!text.is_empty()).then(|| bytes_to_path(text))
    }
}
