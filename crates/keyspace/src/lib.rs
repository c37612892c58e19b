//! Gate, stripes, lock sets, the hash-ordered index, expiry and memory: where keys live and how threads share them.
//!
//! ```text
//!  Keyspace ── gate ── Inside (shared) ── lock ──> Access ──> Entry, EntryView
//!     │                └─ exclusive ─────────────^
//!     └─ stripes: 1024 x { mutex, one table for each database }
//!                                       └ index ─> entries (key + small value in one block) ─> large values
//! ```
//! With `--cfg loom` there is only the gate, built for the model checker.
//!
//! Does no I/O, knows no command, no client and no file. Only this crate takes stripe locks.

mod gate;
mod sync;

#[cfg(not(loom))]
mod alloc;
#[cfg(not(loom))]
mod background;
#[cfg(not(loom))]
mod entry;
#[cfg(not(loom))]
mod expiry;
#[cfg(not(loom))]
mod fields;
#[cfg(not(loom))]
pub mod huge;
#[cfg(not(loom))]
mod huge_page;
#[cfg(not(loom))]
mod index;
#[cfg(not(loom))]
mod keyspace;
#[cfg(not(loom))]
mod own_lock;
#[cfg(not(loom))]
mod purge;
#[cfg(not(loom))]
mod reclaim;
#[cfg(not(loom))]
mod retire;
#[cfg(not(loom))]
mod table;

#[cfg(not(loom))]
pub use alloc::{
    Allocator, AllocatorStats, report as allocator_report, size_class, stats as allocator_stats,
    version as allocator_version,
};
#[cfg(not(loom))]
pub use background::Background;
#[cfg(not(loom))]
pub use entry::{Form, INLINE_MAX, NewValue, OwnedValue, ValueRef, ValueType};
pub use gate::{ExclusiveGuard, Gate, SharedGuard, WorkerId};
#[cfg(not(loom))]
pub use huge_page::{HUGE_PAGE_BYTES, HugePagePart};
#[cfg(not(loom))]
pub use keyspace::{
    Access, Entry, Expected, Inside, Key, KeyHash, Keyspace, Lookup, Occupied, Options, PreImage, Sighting,
    TakenTable, Vacant,
};
#[cfg(not(loom))]
pub use own_lock::{OwnGuard, OwnLock};
#[cfg(not(loom))]
pub use purge::{pause_in_arena, purge, set_background_thread};
#[cfg(not(loom))]
pub use table::{EntryBlock, EntryView, Expired, Table, TableBytes};
