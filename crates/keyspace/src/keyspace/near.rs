//! Keys that are about to be looked for: brought near a batch at a time, and found again where they were seen.
//!
//! ```text
//!   Inside::prefetch  (directory entries ─>) buckets ─> entries of all keys    ─> Expected::seen
//!   Inside::prefetch_members            leaves of large collections ─> members
//!   Access::search     the stripe unchanged since? its entry has the key? then there, else by the index
//! ```
//! Changes nothing. What was seen is followed only under the stripe's lock, and only as K5 allows.

use std::sync::atomic::Ordering;

use value::near::{Sought, Station};

use super::{Access, Held, Inside, KeyHash};
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
}

impl Expected {
    /// A key with this hash in a (logical) database.
    #[inline]
    pub fn new(database: u32, hash: KeyHash) -> Expected {
        Expected { hash, database, stripe: 0, seen: None }
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
        let mut far = false;
        // One stripe is as full as another.
        self.visit(&mut keys[..1], |table, _, _, _| far = table.has_far_sectors());
        if far {
            self.visit(keys, |table, position, _, _| table.prefetch_sector(position));
        }
        self.visit(keys, |table, position, _, _| table.prefetch_bucket(position));
        // Keys that are in no home bucket, one in ten, need another round.
        let (mut beyond, mut count) = ([0; BEYOND_MAX], 0);
        let mut number = 0;
        self.visit(keys, |table, position, key, changes| {
            let (seen, is_beyond) = table.prefetch_entries(position);
            key.see(seen, changes);
            if is_beyond && count < beyond.len() {
                beyond[count] = number;
                count += 1;
            }
            number += 1;
        });
        for &number in beyond.iter().take(count) {
            let key = &mut keys[number..=number];
            self.visit(key, |table, position, key, changes| {
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
            self.visit(keys, |table, position, _, _| table.prefetch_owed(position, parity));
        }
    }

    /// Looks for a key that [`Self::prefetch`] has not seen: it may lie far behind its home bucket.
    pub fn look_for(&mut self, key: &mut Expected, bytes: &[u8]) {
        if key.seen.is_none() {
            self.visit(std::slice::from_mut(key), |table, position, key, changes| {
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
                self.visit(std::slice::from_mut(key), |table, _, _, changes| {
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

    /// Shows each key's table, if there is one, and position, each under its stripe's lock, and the stripe's number of changes.
    #[inline(always)]
    fn visit(&mut self, keys: &mut [Expected], mut look: impl FnMut(&Table, u64, &mut Expected, u64)) {
        if self.is_alone() {
            let access = self.access(Held::Alone);
            for key in keys {
                access.show(key, &mut look);
            }
        } else {
            for key in keys {
                self.lock_stripe(key.stripe as usize).show(key, &mut look);
            }
        }
    }
}

impl Access<'_> {
    /// Part of [`Inside::visit`].
    #[inline(always)]
    fn show(&self, key: &mut Expected, look: &mut impl FnMut(&Table, u64, &mut Expected, u64)) {
        let stripe = key.stripe as usize;
        if let Some(table) = self.tables_ref(stripe).get(key.database as usize) {
            let changes = self.keyspace.stripes[stripe].changes.load(Ordering::Relaxed);
            look(table, self.keyspace.position_of(key.hash), key, changes);
        }
    }

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
