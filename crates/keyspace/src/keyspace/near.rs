//! Keys that are about to be looked for: brought near a batch at a time, and found again where they were seen.
//!
//! ```text
//!   Inside::prefetch  (directory entries ─>) buckets ─> entries of all keys    ─> Expected::seen
//!   Inside::prefetch_members            leaves of large collections ─> members
//!   Access::search     the stripe unchanged since? its entry has the key? then there, else by the index
//! ```
//! Changes nothing. What was seen is followed only under the stripe's lock, and only as K5 allows.
//!
//! Keys of database 0, nearly all, are glanced at without the lock ([`crate::index`]): two locks less for each, and a lock is what
//! a request costs most of where several reactors serve. For a key of another database, whose table may move, the glance begins under the
//! lock. One without it notes the number of changes first, and counts as a sighting only if
//! the lock is free after that:
//!
//! ```text
//!  glance                               change, under the lock
//!  ------                               ----------------------
//!  number = changes     (acquire)       lock                  (acquire)
//!  is the lock free?    (acquire)       changes += 1          (release)
//!  head, sector, bucket                 head, sector, bucket
//!  ... under the lock, later:           unlock                (release)
//!  changes == number: it holds
//! ```
//! Who sees the number of a change sees the lock taken for it, or free again after it; and any later change has another number. So
//! nothing that was read in between is of a change unless the number differs in the end (`tests/glance_shuttle.rs`).

use std::sync::atomic::Ordering;

use value::near::{Sought, Station};

use super::{Access, Inside, KeyHash};
use crate::index::Glance;
use crate::sync::pass;
use crate::table::{Found, Table};

/// A key and its hash.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    /// The key's bytes.
    pub bytes: &'a [u8],
    /// Its hash in this keyspace.
    pub hash: KeyHash,
    pub(super) seen: Option<Sighting>,
}

impl<'a> Key<'a> {
    /// A key and its hash in this keyspace.
    #[inline]
    pub fn new(bytes: &'a [u8], hash: KeyHash) -> Key<'a> {
        Key { bytes, hash, seen: None }
    }

    /// The same, to be looked for first where it may have been seen.
    #[inline]
    pub fn seen(self, seen: Option<Sighting>) -> Key<'a> {
        Key { seen, ..self }
    }
}

/// Where [`Inside::prefetch`] saw the one entry that may have a key's hash. It holds as long as the stripe stays unchanged (K5).
#[derive(Clone, Copy)]
pub struct Sighting {
    hash: KeyHash,
    physical: u32,
    pub(super) changes: u64,
    found: Found,
}

/// A key that is about to be looked for, and where it was seen.
#[derive(Clone, Copy)]
pub struct Expected {
    hash: KeyHash,
    /// Logical, until [`Inside::prefetch`] makes it physical.
    database: u32,
    /// Set there.
    stripe: u32,
    seen: Option<Sighting>,
    /// The home bucket, between two stations of [`Inside::prefetch`].
    glance: Option<Glimpse>,
}

/// A glance, and the number of changes before it if it may count as a sighting.
#[derive(Clone, Copy)]
struct Glimpse {
    glance: Glance,
    changes: Option<u64>,
}

impl Expected {
    /// A key with this hash in a (logical) database.
    #[inline]
    pub fn new(database: u32, hash: KeyHash) -> Expected {
        Expected { hash, database, stripe: 0, seen: None, glance: None }
    }

    fn see(&mut self, found: Option<Found>, changes: u64) {
        let (hash, physical) = (self.hash, self.database);
        self.seen = found.map(|found| Sighting { hash, physical, changes, found });
    }

    /// What [`Inside::prefetch`] saw, if that was one entry that may be the key's.
    #[inline]
    pub fn seen(&self) -> Option<Sighting> {
        self.seen
    }
}

/// Keys of one call of [`Inside::prefetch`] that may lie behind their home bucket and still be brought near.
const BEYOND_MAX: usize = 32;

impl Inside<'_> {
    /// Asks for the cache lines that searches for these keys need, beyond the stripe's own ([`Keyspace::prefetch_stripe`](super::Keyspace::prefetch_stripe)), and notes where
    /// their entries are. Each station is reached through the one before: the entry of a long directory, the home bucket,
    /// the entries whose tags match. One station is brought near for all keys before the next, so that its
    /// misses overlap. Measured on a machine with 226 ns to memory: 16 ns a miss when 64 of them overlap.
    pub fn prefetch(&mut self, keys: &mut [Expected]) {
        if keys.is_empty() {
            return;
        }
        for key in keys.iter_mut() {
            key.stripe = self.keyspace.stripe_of(key.hash) as u32;
            key.database = self.keyspace.physical(key.database);
        }
        // One stripe is as full as another.
        if self.keyspace.stripes[keys[0].stripe as usize].published.get().has_far_sectors() {
            for key in keys.iter().filter(|key| key.database == 0) {
                let head = self.keyspace.stripes[key.stripe as usize].published.get();
                head.prefetch_sector(self.keyspace.position_of(key.hash));
            }
        }
        for key in keys.iter_mut() {
            if key.database == 0 {
                self.glance(key);
            } else {
                self.visit(key, |table, position, key, changes| {
                    let glance = table.glance(position);
                    key.glance = glance.map(|glance| Glimpse { glance, changes: Some(changes) });
                });
            }
        }
        // Keys that are in no home bucket, one in ten, need another round.
        let (mut beyond, mut count) = ([0; BEYOND_MAX], 0);
        for (number, key) in keys.iter_mut().enumerate() {
            let Some(Glimpse { glance, changes }) = key.glance.take() else { continue };
            // SAFETY: L1: this thread has been inside the gate since before it read the head.
            let (seen, is_beyond) = unsafe { Found::at_a_glance(glance) };
            if let Some(changes) = changes {
                key.see(seen, changes);
            }
            if is_beyond && count < beyond.len() {
                beyond[count] = number;
                count += 1;
            }
        }
        for &number in beyond.iter().take(count) {
            self.visit(&mut keys[number], |table, position, key, changes| {
                let seen = table.prefetch_entries_beyond(position);
                if key.seen.is_none() {
                    key.see(seen, changes);
                }
            });
        }
        // SAFETY: K3: this thread is inside the gate.
        if unsafe { self.keyspace.sink() }.is_some() {
            // Who changes one of these encodes it first.
            let parity = self.keyspace.parity();
            for key in keys {
                self.visit(key, |table, position, _, _| table.prefetch_owed(position, parity));
            }
        }
    }

    /// Asks for the home bucket of a key of database 0, without the lock.
    #[inline]
    fn glance(&self, key: &mut Expected) {
        let stripe = &self.keyspace.stripes[key.stripe as usize];
        let number = stripe.changes.load(Ordering::Acquire);
        pass();
        let changes = (!stripe.lock.is_held()).then_some(number);
        // SAFETY: L1: this thread is inside the gate.
        let glance = unsafe { stripe.published.get().glance(self.keyspace.position_of(key.hash)) };
        key.glance = glance.map(|glance| Glimpse { glance, changes });
    }

    /// Looks for a key that [`Self::prefetch`] has not seen: it may lie far behind its home bucket.
    pub fn look_for(&mut self, key: &mut Expected, bytes: &[u8]) {
        if key.seen.is_none() {
            self.visit(key, |table, position, key, changes| {
                key.see(table.find(position, bytes), changes);
            });
        }
    }

    /// Asks for the cache lines that searches for members of large collections need, whose keys were seen, station by station. What there is
    /// nothing more to ask for is taken out: in the end, all.
    pub fn prefetch_members(&mut self, members: &mut Vec<(Expected, Sought)>) {
        while !members.is_empty() {
            members.retain_mut(|(key, sought)| {
                let seen = key.seen;
                let mut goes_on = false;
                self.visit(key, |table, _, _, changes| {
                    // K5: it is alive.
                    if let Some(seen) = seen.filter(|seen| seen.changes == changes)
                        && let Some(large) = table.value(seen.found).large()
                    {
                        large.lines_near(sought, &mut |line| crate::entry::prefetch(line));
                        goes_on = sought.station != Station::Done;
                    }
                });
                goes_on
            });
        }
    }

    /// Shows a key's table, if there is one, and position, under its stripe's lock, and the stripe's number of changes.
    #[inline(always)]
    fn visit(&mut self, key: &mut Expected, look: impl FnOnce(&Table, u64, &mut Expected, u64)) {
        let stripe = key.stripe as usize;
        let access = self.lock_stripe(stripe);
        if let Some(table) = access.tables_ref(stripe).get(key.database as usize) {
            let changes = access.keyspace.stripes[stripe].changes.load(Ordering::Relaxed);
            look(table, access.keyspace.position_of(key.hash), key, changes);
        }
    }
}

impl Access<'_> {
    /// Finds a key in one of the stripe's tables, that of the `physical` database; where it was seen, if that still holds.
    #[inline]
    pub(super) fn search(&self, table: &Table, physical: u32, stripe: usize, key: Key<'_>) -> Option<Found> {
        if let Some(seen) = key.seen
            && seen.changes == self.keyspace.stripes[stripe].changes.load(Ordering::Relaxed)
            && (seen.hash, seen.physical) == (key.hash, physical)
            // K5: it is alive.
            && table.is_at(seen.found, key.bytes)
        {
            return Some(seen.found);
        }
        table.find(self.keyspace.position_of(key.hash), key.bytes)
    }
}
