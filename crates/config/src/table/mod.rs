//! The option table: every option of Redis 7.2, Redis 8.0, Valkey 9.1, and our own, one file for each theme.
//!
//! A row is a declaration only; its value is kept in `settings`, its meaning in `meaning`. Within a file the rows are sorted
//! by name; the table as a whole is sorted too, and its order is the order of [`OptionId`]s and of CONFIG GET.
//!
//! Sources for names, bounds and defaults: `CONFIG GET *` and the error texts of CONFIG SET of redis-server 7.0.15, 8.0.6 and
//! valkey-server 9.1.2, compared by `tests/against_servers.rs`.

mod append_only;
mod clients;
mod cluster;
mod encoding;
mod latency;
mod logging;
mod memory;
mod network;
mod process;
mod replication;
mod scripting;
mod security;
mod snapshot;
mod threads;
mod tls;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::option::OptionSpec;
use crate::settings::OptionId;

/// The themes in the order of the sample file: title and rows.
const THEMES: [(&str, &[OptionSpec]); 15] = [
    ("Network", network::OPTIONS),
    ("Process", process::OPTIONS),
    ("Logging", logging::OPTIONS),
    ("Threads and keyspace", threads::OPTIONS),
    ("Snapshots", snapshot::OPTIONS),
    ("Memory, expiry and freeing", memory::OPTIONS),
    ("Clients", clients::OPTIONS),
    ("Security", security::OPTIONS),
    ("Slow log and latency", latency::OPTIONS),
    ("Encodings", encoding::OPTIONS),
    ("Scripts and functions", scripting::OPTIONS),
    ("Append-only file", append_only::OPTIONS),
    ("Replication", replication::OPTIONS),
    ("Cluster", cluster::OPTIONS),
    ("TLS and RDMA", tls::OPTIONS),
];

/// 0 to the largest C `int`.
pub(crate) const UP_TO_INT: (i128, i128) = (0, i32::MAX as i128);
/// 1 to the largest C `int`.
pub(crate) const FROM_ONE: (i128, i128) = (1, i32::MAX as i128);
/// Any C `int`.
pub(crate) const ANY_INT: (i128, i128) = (i32::MIN as i128, i32::MAX as i128);
/// 0 to the largest signed 64-bit number.
pub(crate) const UP_TO_LONG: (i128, i128) = (0, i64::MAX as i128);
/// -1 (off) to the largest signed 64-bit number.
pub(crate) const LONG_OR_OFF: (i128, i128) = (-1, i64::MAX as i128);
/// 0 to the largest unsigned 64-bit number.
pub(crate) const UP_TO_U64: (i128, i128) = (0, u64::MAX as i128);
/// A TCP port; 0 means none.
pub(crate) const PORT: (i128, i128) = (0, 65535);

struct Table {
    rows: Vec<&'static OptionSpec>,
    /// Every name and alias, in small letters.
    by_name: HashMap<&'static str, OptionId>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut rows: Vec<&'static OptionSpec> = THEMES.iter().flat_map(|(_, options)| options.iter()).collect();
    rows.sort_by_key(|spec| spec.name);
    let mut by_name = HashMap::new();
    for (place, spec) in (0..).zip(&rows) {
        for name in std::iter::once(&spec.name).chain(spec.aliases) {
            by_name.insert(*name, OptionId(place));
        }
    }
    Table { rows, by_name }
});

/// All options, sorted by name.
#[must_use]
pub fn options() -> &'static [&'static OptionSpec] {
    &TABLE.rows
}

/// All ids, in the order of [`options`].
pub(crate) fn ids() -> impl Iterator<Item = OptionId> {
    (0..).map(OptionId).take(TABLE.rows.len())
}

/// The row of an id; every id was made from a row.
pub(crate) fn row(option: OptionId) -> &'static OptionSpec {
    TABLE.rows[usize::from(option.0)]
}

/// Finds an option by name or alias, in any case of letters.
#[must_use]
pub fn find(name: &[u8]) -> Option<OptionId> {
    let name = name.to_ascii_lowercase();
    TABLE.by_name.get(std::str::from_utf8(&name).ok()?).copied()
}

/// True if the value of the option called `name` must be kept out of logs, the slow log and MONITOR.
#[must_use]
pub fn is_sensitive(name: &[u8]) -> bool {
    find(name).is_some_and(|option| row(option).flags.sensitive)
}

/// All themes with their rows, in the order of the sample file.
#[must_use]
pub fn themes() -> &'static [(&'static str, &'static [OptionSpec])] {
    &THEMES
}

#[cfg(test)]
mod tests;
