//! The registry of connected clients, for CLIENT LIST, KILL and INFO, and the pause that CLIENT PAUSE asks for.
//!
//! Locks: the registry's mutex, a leaf, taken when a client comes or goes and by whoever lists them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::command::Flags;
use crate::session::Client;

/// Every connected client by its id.
#[derive(Default)]
pub struct Clients {
    next_id: AtomicU64,
    connected: AtomicU64,
    by_id: Mutex<BTreeMap<u64, Arc<Client>>>,
    /// CLIENT PAUSE.
    pub pause: Pause,
}

impl Clients {
    /// The next client's id; the first is 1.
    pub fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Clients connected.
    pub fn connected(&self) -> u64 {
        self.connected.load(Ordering::Relaxed)
    }

    /// A client came.
    pub fn add(&self, client: Arc<Client>) {
        self.connected.fetch_add(1, Ordering::Relaxed);
        self.by_id.lock().insert(client.id, client);
    }

    /// A client went.
    pub fn remove(&self, id: u64) {
        if self.by_id.lock().remove(&id).is_some() {
            self.connected.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Every client, in the order of ids.
    pub fn all(&self) -> Vec<Arc<Client>> {
        self.by_id.lock().values().cloned().collect()
    }

    /// A client by its id.
    pub fn get(&self, id: u64) -> Option<Arc<Client>> {
        self.by_id.lock().get(&id).cloned()
    }
}

/// CLIENT PAUSE: commands wait until it ends.
#[derive(Default)]
pub struct Pause {
    until_ms: AtomicI64,
    all: AtomicBool,
}

impl Pause {
    /// Pauses writes, or everything if `all`. A pause in force is only made longer and stricter, as in Redis.
    pub fn begin(&self, until_ms: i64, all: bool, now_ms: i64) {
        let running = self.until_ms.load(Ordering::Relaxed) > now_ms;
        self.until_ms.fetch_max(until_ms, Ordering::Relaxed);
        self.all.store(all || running && self.all.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Ends the pause.
    pub fn end(&self) {
        self.until_ms.store(0, Ordering::Relaxed);
        self.all.store(false, Ordering::Relaxed);
    }

    /// When the pause ends, ms since the epoch, if one is in force.
    #[inline]
    pub fn until_ms(&self, now_ms: i64) -> Option<i64> {
        let until = self.until_ms.load(Ordering::Relaxed);
        (until > now_ms).then_some(until)
    }

    /// Whether a pause in force holds up a command with these flags.
    pub fn holds(&self, flags: Flags) -> bool {
        self.all.load(Ordering::Relaxed) || flags.has(Flags::WRITE) || flags.has(Flags::MAY_REPLICATE)
    }

    /// Whether a pause in force holds up everything.
    pub fn is_for_all(&self) -> bool {
        self.all.load(Ordering::Relaxed)
    }
}
