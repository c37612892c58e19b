//! Gate, stripes, lock sets, the hash-ordered index, expiry and memory: where keys live and how threads share them.
//!
//! ```text
//!  Keyspace ── gate ── Inside (shared) ── lock ──> Access ──> Entry, EntryView
//!     │                └─ exclusive ─────────────^
//!     └─ stripes: 1024 x { mutex, one table for each database }
//!                                       └ index ─> entries (key + small value in one block) ─> large values
//! ```
//! Does no I/O, knows no command, no client and no file. Only this crate takes stripe locks.

mod alloc;
mod entry;
mod expiry;
mod gate;
mod index;
mod keyspace;
mod reclaim;
mod sync;
mod table;

pub use alloc::{
    Allocator, AllocatorStats, purge, report as allocator_report, set_background_thread, size_class,
    stats as allocator_stats, version as allocator_version,
};
pub use entry::{INLINE_MAX, NewValue, OwnedValue, ValueRef, ValueType};
pub use gate::{ExclusiveGuard, Gate, SharedGuard, WorkerId};
pub use keyspace::{
    Access, Entry, Inside, Key, KeyHash, Keyspace, Occupied, Options, PreImage, TakenTable, Vacant,
};
pub use table::{EntryView, Table, TableBytes};
