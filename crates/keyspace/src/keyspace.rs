//! The keyspace: stripes of tables behind the gate, reached only through an [`Access`] that holds the right locks.
//!
//! Executes no command, writes no log, decides nothing about expiry or eviction.
//!
//! ```text
//!  hash (64 bits) of a key
//!  |<- stripe: 10 bits ->|<-------- position in the stripe's tables: 54 bits -------->|
//!
//!  Inside ── lock_key(hash)      one stripe             GET, SET
//!         ── lock_keys(hashes)   stripes, ascending     MSET, RENAME
//!         ── lock_none()         no stripe              PING
//!  Keyspace::exclusive(worker)   the gate, all stripes  FLUSHALL, SWAPDB, a snapshot's cut
//! ```
//! Invariants
//! - K1: the data of a stripe is touched only by an [`Access`] that holds its lock, or that holds the gate exclusively; the type
//!   asserts it for every key. The index of database 0 may be glanced at from inside the gate as well (L1).
//! - K2: a thread has at most one Access, and takes the locks of one Access in ascending order, all before it executes; or one at a
//!   time, giving back the former before it takes the next ([`Access::hold_only`]): no deadlock.
//! - K3: parity, the map of databases and the snapshot's sink change only under the exclusive gate.
//! - K4: no Access lives across I/O or a wait.
//! - K5: whoever gets a stripe's tables to change them first changes its number of changes, which no other stripe of any keyspace ever has
//!   had: a [`Sighting`] with the present number names a live entry and its place.
//!
//! Faults: none; out of memory aborts, as everywhere in Rust. Crash in the middle: the keyspace is gone with the process.
//! Tested in `tests.rs` beside this file, under loom (`tests/gate_loom.rs`) and from outside by the system tests.

mod near;
mod place;

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};

use ahash::RandomState;
use value::Large;

use crate::fields::FieldDeadlines;
use crate::gate::{ExclusiveGuard, Gate, SharedGuard, WorkerId};
use crate::huge;
use crate::index::{Head, Published};
use crate::reclaim::Reclaimer;
use crate::retire::{Onlookers, Others, Retired};
use crate::sync::{RawLock, pass};
use crate::table::{EntryView, Expired, Found, Mark, SinkSource, Table, TableBytes};

pub use near::{Expected, Key, Sighting};
pub(crate) use place::note_deadline;
pub use place::{Occupied, Vacant};

/// What a snapshot does with entries that are about to change.
pub trait PreImage: Send + Sync {
    /// An entry that the snapshot still needs is about to be changed or removed. Called under the stripe's lock: encodes a small
    /// value or freezes a large one, and does no I/O. `database` is physical.
    fn pre_image(&self, worker: WorkerId, database: u32, entry: EntryView<'_>);

    /// `bytes` of a large value's nodes, which the snapshot may hold frozen, are no longer shared with a live value: memory that
    /// only the snapshot keeps. Called under the stripe's lock; an upper bound, since replies in progress share nodes too.
    fn held_back(&self, bytes: u64);

    /// A flushed table, if the snapshot still owes something of it; it must be given back to [`Keyspace::free_table`] when done.
    /// Returns the table when the snapshot does not need it.
    fn take_table(&self, table: TakenTable) -> Option<TakenTable>;
}

/// A table cut out of the keyspace by a flush.
pub struct TakenTable {
    /// The database it belonged to (physical).
    pub database: u32,
    /// The stripe it belonged to.
    pub stripe: usize,
    /// Its entries.
    pub table: Table,
}

impl TakenTable {
    /// Shows the entries that are still owed to a snapshot, whose parity is `parity`, in bounded slices: see [`Access::walk_owed`].
    pub fn walk_owed(
        &mut self,
        from: u64,
        parity: bool,
        limit: usize,
        visit: impl FnMut(EntryView<'_>) -> bool,
    ) -> Option<u64> {
        self.table.walk_owed(from, parity, limit, visit)
    }
}

/// How a keyspace is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Stripes, a power of two from 1 to 65536.
    pub stripes: usize,
    /// Databases, 1 to 65535.
    pub databases: u32,
    /// Threads that enter the gate.
    pub workers: usize,
}

/// A key's hash, computed once for each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash(u64);

/// The keyed hash of this process and how it is cut.
pub(crate) struct KeyHasher {
    state: RandomState,
    stripe_bits: u32,
}

impl KeyHasher {
    pub(crate) fn new(stripe_bits: u32) -> KeyHasher {
        KeyHasher { state: RandomState::new(), stripe_bits }
    }

    fn hash(&self, key: &[u8]) -> KeyHash {
        KeyHash(self.state.hash_one(key))
    }

    /// A key's position in its stripe's tables.
    pub(crate) fn position(&self, key: &[u8]) -> u64 {
        self.hash(key).0 << self.stripe_bits
    }
}

/// The first cache line holds what a search in database 0 needs first: the lock, the number of changes, where the index begins. Memory latency is what a random GET costs, so each line less counts.
#[repr(C, align(64))]
struct Stripe {
    lock: RawLock,
    /// Written by holders of the lock (K5).
    changes: AtomicU64,
    /// Where the index of `tables.first` begins, for those who look at it without the lock.
    published: Published,
    /// Tables by physical database (K1).
    tables: UnsafeCell<Tables>,
}

/// The tables of a stripe: database 0's in place, others once they have had a key here.
#[repr(C)]
struct Tables {
    first: Table,
    more: Vec<Table>,
}

impl Tables {
    #[inline]
    fn get(&self, physical: usize) -> Option<&Table> {
        if physical == 0 { Some(&self.first) } else { self.more.get(physical - 1) }
    }

    #[inline]
    fn get_mut(&mut self, physical: usize) -> Option<&mut Table> {
        if physical == 0 { Some(&mut self.first) } else { self.more.get_mut(physical - 1) }
    }

    /// The table, made if there is none yet.
    #[inline]
    fn get_or_make(&mut self, physical: usize, depth_max: u8) -> &mut Table {
        if physical == 0 {
            return &mut self.first;
        }
        while self.more.len() < physical {
            self.more.push(Table::new(depth_max));
        }
        &mut self.more[physical - 1]
    }
}

// SAFETY: `tables` is reached only through an Access, by K1 one thread at a time.
unsafe impl Sync for Stripe {}

/// Who is shown the entries that are still owed.
struct SinkCell(UnsafeCell<Option<Arc<dyn PreImage>>>);

// SAFETY: reached only from inside the gate, changed by who is alone there (K3); what is in it may be used by any thread.
unsafe impl Sync for SinkCell {}

/// Where the next stripe begins to number its changes. A number comes again only after 2^32 changes of one stripe, or 2^32 stripes; a
/// sighting lives for one batch.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// All keys of the server.
pub struct Keyspace {
    gate: Gate,
    hasher: KeyHasher,
    stripes: Box<[Stripe]>,
    /// When a deadline may next come up in a stripe, ms; hints that are read without the lock, of all stripes several times a second, so they
    /// lie side by side.
    next_due_ms: Box<[AtomicI64]>,
    /// Logical to physical database (K3).
    physical: Box<[AtomicU32]>,
    parity: AtomicBool,
    /// Reached only from inside the gate (K3).
    sink: SinkCell,
    clock_ms: AtomicI64,
    pub(crate) fields: FieldDeadlines,
    reclaimer: Reclaimer,
    /// By worker.
    retired: Box<[Retired]>,
    depth_max: u8,
}

impl SinkSource for Keyspace {
    fn with_sink(&self, show: &mut dyn FnMut(&dyn PreImage)) {
        // SAFETY: K3: marks are made from an Access, whose thread is inside the gate.
        let sink = unsafe { self.sink() };
        // Absent while a cancelled snapshot's marks are being settled.
        if let Some(sink) = sink {
            show(sink);
        }
    }

    fn note_field_deadlines(&self) {
        self.fields.note();
    }
}

impl Keyspace {
    /// # Safety
    /// K3: the calling thread is inside the gate as long as it uses the reference.
    #[inline]
    unsafe fn sink(&self) -> Option<&dyn PreImage> {
        // SAFETY: it changes only under the exclusive gate, and this thread is inside.
        unsafe { &*self.sink.0.get() }.as_deref()
    }

    /// An empty keyspace with a hash key of its own.
    pub fn new(options: Options) -> Keyspace {
        let stripes = options.stripes.clamp(1, 1 << 16).next_power_of_two();
        let stripe_bits = stripes.trailing_zeros();
        // A SCAN cursor is 48 bits: stripe, directory, tag.
        let depth_max = (48 - 16 - stripe_bits) as u8;
        Keyspace {
            gate: Gate::new(options.workers),
            hasher: KeyHasher::new(stripe_bits),
            stripes: (0..stripes)
                .map(|_| Stripe {
                    lock: RawLock::new(),
                    changes: AtomicU64::new(NUMBERS.fetch_add(1 << 32, Ordering::Relaxed)),
                    published: Published::default(),
                    tables: UnsafeCell::new(Tables { first: Table::new(depth_max), more: Vec::new() }),
                })
                .collect(),
            next_due_ms: (0..stripes).map(|_| AtomicI64::new(i64::MAX)).collect(),
            physical: (0..options.databases).map(AtomicU32::new).collect(),
            parity: AtomicBool::new(false),
            sink: SinkCell(UnsafeCell::new(None)),
            clock_ms: AtomicI64::new(0),
            fields: FieldDeadlines::default(),
            reclaimer: Reclaimer::start(),
            retired: (0..options.workers).map(|_| Retired::default()).collect(),
            depth_max,
        }
    }

    /// Databases.
    pub fn databases(&self) -> u32 {
        self.physical.len() as u32
    }

    /// Threads that may enter the gate.
    pub fn workers(&self) -> usize {
        self.gate.workers()
    }

    /// Stripes.
    pub fn stripes(&self) -> usize {
        self.stripes.len()
    }

    /// A key's hash.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> KeyHash {
        self.hasher.hash(key)
    }

    /// Asks for the cache line of a key's stripe, to lock it. Touches nothing, so that no lock is needed.
    #[inline]
    pub fn prefetch_stripe(&self, hash: KeyHash) {
        crate::entry::prefetch_to_write(&self.stripes[self.stripe_of(hash)]);
    }

    /// A key with its hash.
    #[inline]
    pub fn key<'a>(&self, bytes: &'a [u8]) -> Key<'a> {
        Key::new(bytes, self.hash(bytes))
    }

    /// Tells the keyspace the time, in milliseconds since the epoch.
    pub fn set_clock_ms(&self, now_ms: i64) {
        // Told with every batch: a store would take the line away from all who read what lies beside it.
        if self.clock_ms.load(Ordering::Relaxed) != now_ms {
            self.clock_ms.store(now_ms, Ordering::Relaxed);
        }
    }

    /// Enters the gate shared.
    #[inline]
    pub fn enter(&self, worker: WorkerId) -> Inside<'_> {
        Inside { keyspace: self, worker, gate: Side::Shared { _guard: self.gate.enter(worker) } }
    }

    /// Enters the gate alone for a batch: no stripe has to be locked inside. Cheaper than entering shared and locking for
    /// each request when there is only one reactor; with more it would make them wait for each other.
    pub fn enter_alone(&self, worker: WorkerId) -> Inside<'_> {
        Inside { keyspace: self, worker, gate: Side::Alone { _guard: self.gate.enter_exclusive() } }
    }

    /// Enters the gate exclusively. The calling thread is not inside.
    pub fn exclusive(&self, worker: WorkerId) -> Access<'_> {
        let gate = self.gate.enter_exclusive();
        Access { keyspace: self, worker, parity: self.parity(), held: Held::All { _gate: gate } }
    }

    /// Holds nothing, not even the gate: for what enters the gate itself. No key can be touched with it.
    pub fn outside(&self, worker: WorkerId) -> Access<'_> {
        Access { keyspace: self, worker, parity: self.parity(), held: Held::None }
    }

    /// True when an exclusive entry waits for the workers to leave.
    #[inline]
    pub fn is_exclusive_wanted(&self) -> bool {
        self.gate.is_wanted()
    }

    /// The present parity (K3). A snapshot's entries are those of the other one.
    pub fn parity(&self) -> bool {
        self.parity.load(Ordering::Relaxed)
    }

    /// The physical database behind a logical one, for who is inside the gate (K3).
    #[inline]
    fn physical(&self, database: u32) -> u32 {
        self.physical[database as usize].load(Ordering::Relaxed)
    }

    #[inline]
    fn stripe_of(&self, hash: KeyHash) -> usize {
        // Two shifts, since a shift by 64 (one stripe) is not defined.
        ((hash.0 >> 1) >> (63 - self.hasher.stripe_bits)) as usize
    }

    #[inline]
    fn position_of(&self, hash: KeyHash) -> u64 {
        hash.0 << self.hasher.stripe_bits
    }

    /// The SCAN cursor of a position in a stripe, 48 bits, in the order of hashes; 0 only for the first position of all. Positions are
    /// those that [`Access::walk`] returns, which differ in their upper bits only (X1).
    pub fn cursor(&self, stripe: usize, position: u64) -> u64 {
        let bits = self.hasher.stripe_bits;
        (stripe as u64) << (48 - bits) | position >> (16 + bits)
    }

    /// The stripe and position of a cursor; any number may be asked. None behind the last stripe.
    pub fn locate(&self, cursor: u64) -> Option<(usize, u64)> {
        let bits = self.hasher.stripe_bits;
        let stripe =
            usize::try_from(cursor >> (48 - bits)).ok().filter(|&stripe| stripe < self.stripes.len())?;
        Some((stripe, cursor << (16 + bits)))
    }

    /// Stripes with a deadline that may have come up by `now_ms`, among every `step`th from `first`: a hint for whoever expires.
    pub fn stripes_due(&self, first: usize, step: usize, now_ms: i64) -> impl Iterator<Item = usize> + '_ {
        (first..self.stripes.len())
            .step_by(step)
            .filter(move |&s| self.next_due_ms[s].load(Ordering::Relaxed) <= now_ms)
    }

    /// Queues a large value to be freed in the background.
    pub fn free_large(&self, large: Large) {
        self.reclaimer.large(large);
    }

    /// Queues what a large value has lost, or a frozen one has left, to be freed in the background. No statistics count it.
    pub fn free_rest(&self, rest: value::large::Teardown) {
        self.reclaimer.rest(rest);
    }

    /// Queues a table to be freed in the background.
    pub fn free_table(&self, taken: TakenTable) {
        self.reclaimer.table(taken.table);
    }

    /// Objects waiting to be freed in the background, and objects freed there so far.
    pub fn reclaim_counts(&self) -> (u64, u64) {
        self.reclaimer.counts()
    }

    /// Sets the count of freed objects back (CONFIG RESETSTAT).
    pub fn reset_reclaim_count(&self) {
        self.reclaimer.reset_freed();
    }
}

/// Inside the gate, together with other workers, or alone.
pub struct Inside<'k> {
    keyspace: &'k Keyspace,
    worker: WorkerId,
    gate: Side<'k>,
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_alone() {
            // SAFETY: R1: this thread is inside the gate as this worker until the guard is dropped, after this.
            unsafe { self.keyspace.retired[self.worker.0].settle(&self.keyspace.gate, self.worker) };
        }
    }
}

/// How a worker is inside the gate. The guards are held, not looked at.
enum Side<'k> {
    Shared { _guard: SharedGuard<'k> },
    Alone { _guard: ExclusiveGuard<'k> },
}

impl<'k> Inside<'k> {
    /// The keyspace.
    pub fn keyspace(&self) -> &'k Keyspace {
        self.keyspace
    }

    /// Which worker this is.
    pub fn worker(&self) -> WorkerId {
        self.worker
    }

    fn access(&self, held: Held<'k>) -> Access<'k> {
        Access { keyspace: self.keyspace, worker: self.worker, parity: self.keyspace.parity(), held }
    }

    /// Locks the stripe of one key.
    #[inline]
    pub fn lock_key(&mut self, hash: KeyHash) -> Access<'_> {
        self.lock_stripe(self.keyspace.stripe_of(hash))
    }

    /// Locks one stripe.
    #[inline(always)]
    pub fn lock_stripe(&mut self, stripe: usize) -> Access<'_> {
        if self.is_alone() {
            return self.access(Held::Alone);
        }
        self.keyspace.stripes[stripe].lock.lock();
        self.access(Held::One(stripe))
    }

    #[inline]
    fn is_alone(&self) -> bool {
        matches!(self.gate, Side::Alone { .. })
    }

    /// Locks the stripes of several keys, in ascending order (K2).
    pub fn lock_keys(&mut self, hashes: impl Iterator<Item = KeyHash>) -> Access<'_> {
        if self.is_alone() {
            return self.access(Held::Alone);
        }
        let mut stripes: Vec<u32> = hashes.map(|hash| self.keyspace.stripe_of(hash) as u32).collect();
        stripes.sort_unstable();
        stripes.dedup();
        for &stripe in &stripes {
            self.keyspace.stripes[stripe as usize].lock.lock();
        }
        self.access(Held::Several(stripes))
    }

    /// Locks nothing: for commands without keys.
    #[inline]
    pub fn lock_none(&mut self) -> Access<'_> {
        self.access(if self.is_alone() { Held::Alone } else { Held::None })
    }
}

enum Held<'k> {
    None,
    One(usize),
    Several(Vec<u32>),
    /// Everything, by the batch's own exclusive entry.
    Alone,
    All {
        _gate: ExclusiveGuard<'k>,
    },
}

/// The right to touch the stripes that it holds (K1). What a command executes with.
pub struct Access<'k> {
    keyspace: &'k Keyspace,
    worker: WorkerId,
    parity: bool,
    held: Held<'k>,
}

impl Drop for Access<'_> {
    #[inline]
    fn drop(&mut self) {
        self.unlock();
    }
}

impl<'k> Access<'k> {
    /// Gives the stripes back before the command ends; no key can be touched afterwards. The gate stays as it is, and
    /// what is held by it exclusively is kept.
    pub fn release(&mut self) {
        if !self.is_exclusive() {
            self.unlock();
            self.held = Held::None;
        }
    }

    /// Unlocks what `held` names, which the caller then forgets.
    #[inline]
    fn unlock(&mut self) {
        match &self.held {
            Held::None | Held::Alone | Held::All { .. } => {}
            // SAFETY: these locks were taken when `held` was made; the caller drops or replaces it, so they are released once.
            Held::One(stripe) => unsafe { self.keyspace.stripes[*stripe].lock.unlock() },
            Held::Several(stripes) => {
                // SAFETY: as above.
                stripes.iter().for_each(|&s| unsafe { self.keyspace.stripes[s as usize].lock.unlock() })
            }
        }
    }

    /// The keyspace.
    pub fn keyspace(&self) -> &'k Keyspace {
        self.keyspace
    }

    /// Which worker this is.
    pub fn worker(&self) -> WorkerId {
        self.worker
    }

    /// Whether the gate is held exclusively, so that every key may be touched.
    pub fn is_exclusive(&self) -> bool {
        matches!(self.held, Held::Alone | Held::All { .. })
    }

    /// Whether a stripe is held.
    #[inline]
    pub fn holds_stripe(&self, stripe: usize) -> bool {
        match &self.held {
            Held::None => false,
            Held::One(one) => *one == stripe,
            Held::Several(stripes) => stripes.binary_search(&(stripe as u32)).is_ok(),
            Held::Alone | Held::All { .. } => true,
        }
    }

    /// Whether a key's stripe is held.
    pub fn holds(&self, key: Key<'_>) -> bool {
        self.holds_stripe(self.keyspace.stripe_of(key.hash))
    }

    /// Gives back what is held and takes this stripe, for commands that walk stripe after stripe (K2). In between an exclusive
    /// entry that waits is let in, so databases may be swapped or emptied from one call to the next. With the gate held
    /// exclusively everything stays held.
    pub fn hold_only(&mut self, stripe: usize) {
        if self.is_exclusive() {
            return;
        }
        self.unlock();
        self.held = Held::None;
        if self.keyspace.gate.is_wanted() {
            self.keyspace.gate.yield_shared(self.worker);
            self.parity = self.keyspace.parity();
        }
        self.keyspace.stripes[stripe].lock.lock();
        self.held = Held::One(stripe);
    }

    /// The physical database behind a logical one.
    #[inline]
    pub fn physical(&self, database: u32) -> u32 {
        self.keyspace.physical(database)
    }

    #[inline]
    fn tables_ref(&self, stripe: usize) -> &Tables {
        assert!(self.holds_stripe(stripe), "K1: stripe {stripe} is not held");
        // SAFETY: K1, just asserted; the reference lives no longer than the borrow of this Access.
        unsafe { &*self.keyspace.stripes[stripe].tables.get() }
    }

    /// To change them, which is counted (K5).
    #[inline]
    fn tables(&mut self, stripe: usize) -> &mut Tables {
        let changes = &self.keyspace.stripes[stripe].changes;
        // Release: who sees this number sees the lock held, or free again after all changes (`near.rs`).
        changes.store(changes.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
        pass();
        self.tables_unchanged(stripe)
    }

    /// To change nothing but entries' clocks.
    #[inline]
    fn tables_unchanged(&mut self, stripe: usize) -> &mut Tables {
        assert!(self.holds_stripe(stripe), "K1: stripe {stripe} is not held");
        // SAFETY: K1, just asserted; exclusive since this Access is borrowed mutably and a thread has only one (K2).
        unsafe { &mut *self.keyspace.stripes[stripe].tables.get() }
    }

    #[inline]
    fn mark(&self, stripe: usize, database: u32) -> Mark<'k> {
        let Keyspace { gate, stripes, retired, .. } = self.keyspace;
        let others = match &self.held {
            Held::None | Held::Alone | Held::All { .. } => None,
            Held::One(_) | Held::Several(_) => {
                // SAFETY: R1: this thread is inside the gate as this worker, since it holds stripes; a mark is used as long as it does.
                Some(unsafe { Others::new(&retired[self.worker.0], gate, self.worker) })
            }
        };
        // Of other databases nobody looks at the index without the lock: their tables move.
        let published = (database == 0).then(|| &stripes[stripe].published);
        Mark {
            onlookers: Onlookers { published, others },
            parity: self.parity,
            sink: self.keyspace,
            worker: self.worker,
            database,
            hasher: &self.keyspace.hasher,
            clock_ms: &self.keyspace.clock_ms,
        }
    }

    /// Looks at a key.
    #[inline]
    pub fn get(&self, database: u32, key: Key<'_>) -> Option<EntryView<'_>> {
        let (stripe, physical) = (self.keyspace.stripe_of(key.hash), self.physical(database));
        let table = self.tables_ref(stripe).get(physical as usize)?;
        self.search(table, physical, stripe, key).map(|found| table.view(found))
    }

    /// Finds a key that is about to be read at `now_ms`. If it lives, its LRU or LFU field becomes what `touch` makes of it; if its
    /// deadline has passed, it is removed, or only passed over with `keeps_expired`.
    #[inline]
    pub fn find(
        &mut self,
        database: u32,
        key: Key<'_>,
        now_ms: i64,
        keeps_expired: bool,
        touch: impl FnOnce(u32) -> u32,
    ) -> Lookup<'_> {
        let keyspace = self.keyspace;
        let (stripe, physical) = (keyspace.stripe_of(key.hash), self.physical(database));
        let mark = self.mark(stripe, physical);
        let Some(table) = self.tables_ref(stripe).get(physical as usize) else { return Lookup::Absent };
        let Some(found) = self.search(table, physical, stripe, key) else { return Lookup::Absent };
        if table.deadline_ms(found).is_some_and(|deadline| deadline <= now_ms) {
            if keeps_expired {
                return Lookup::Absent;
            }
            self.expire(stripe, found, mark);
            return Lookup::Expired;
        }
        let before = table.clock(found);
        let after = touch(before);
        let Some(table) = self.tables_unchanged(stripe).get_mut(physical as usize) else {
            return Lookup::Absent;
        };
        if after != before {
            table.set_clock(found, after);
        }
        Lookup::Found(table.view(found))
    }

    /// Removes an entry whose deadline has passed.
    #[cold]
    fn expire(&mut self, stripe: usize, found: Found, mark: Mark<'_>) {
        let keyspace = self.keyspace;
        let table = self.tables(stripe).get_mut(mark.database as usize);
        if let Some(large) = table.and_then(|table| table.remove(found, mark)) {
            keyspace.free_large(large);
        }
    }

    /// A key's place, occupied or vacant.
    #[inline]
    pub fn entry<'a>(&'a mut self, database: u32, key: Key<'a>) -> Entry<'a> {
        self.living_entry(database, key, i64::MIN, || ())
    }

    /// The same, but an entry whose deadline has passed at `now_ms` is removed first, and `expired` called.
    #[inline]
    pub fn living_entry<'a>(
        &'a mut self,
        database: u32,
        key: Key<'a>,
        now_ms: i64,
        expired: impl FnOnce(),
    ) -> Entry<'a> {
        let keyspace = self.keyspace;
        let (stripe, physical) = (keyspace.stripe_of(key.hash), self.physical(database));
        let position = keyspace.position_of(key.hash);
        let mark = self.mark(stripe, physical);
        let table = self.tables_ref(stripe).get(physical as usize);
        let mut found = table.and_then(|table| self.search(table, physical, stripe, key));
        if let Some((table, dead)) = table.zip(found)
            && table.deadline_ms(dead).is_some_and(|deadline| deadline <= now_ms)
        {
            self.expire(stripe, dead, mark);
            expired();
            found = None;
        }
        let table = self.tables(stripe).get_or_make(physical as usize, keyspace.depth_max);
        let next_due_ms = &keyspace.next_due_ms[stripe];
        match found {
            Some(found) => Entry::Occupied(Occupied { table, found, position, mark, keyspace, next_due_ms }),
            None => Entry::Vacant(Vacant { table, key, position, mark, keyspace, next_due_ms }),
        }
    }

    /// Entries in a database, over the stripes that are held.
    pub fn len(&self, database: u32) -> usize {
        self.held_tables(database).map(Table::len).sum()
    }

    /// Whether the held stripes have no entry in any database.
    pub fn is_empty(&self) -> bool {
        (0..self.keyspace.databases()).all(|database| self.len(database) == 0)
    }

    /// Entries with a deadline in a database, over the stripes that are held.
    pub fn deadlines(&self, database: u32) -> usize {
        self.held_tables(database).map(Table::deadlines).sum()
    }

    /// What the held stripes' tables of a database occupy.
    pub fn bytes(&self, database: u32) -> TableBytes {
        self.held_tables(database).fold(TableBytes::default(), |mut sum, table| {
            sum += table.bytes();
            sum
        })
    }

    /// Entries of a database in one held stripe.
    pub fn stripe_len(&self, database: u32, stripe: usize) -> usize {
        self.tables_ref(stripe).get(self.physical(database) as usize).map_or(0, Table::len)
    }

    /// What one held stripe's table of a database occupies.
    pub fn stripe_bytes(&self, database: u32, stripe: usize) -> TableBytes {
        self.tables_ref(stripe)
            .get(self.physical(database) as usize)
            .map_or_else(TableBytes::default, Table::bytes)
    }

    /// Segments and buckets of a database, over the stripes that are held.
    pub fn shape(&self, database: u32) -> (usize, usize) {
        self.held_tables(database)
            .map(Table::shape)
            .fold((0, 0), |sum, shape| (sum.0 + shape.0, sum.1 + shape.1))
    }

    fn held_tables(&self, database: u32) -> impl Iterator<Item = &Table> {
        let physical = self.physical(database) as usize;
        let (range, list): (_, &[u32]) = match &self.held {
            Held::None => (0..0, &[]),
            Held::One(stripe) => (*stripe..stripe + 1, &[]),
            Held::Several(stripes) => (0..0, stripes),
            Held::Alone | Held::All { .. } => (0..self.keyspace.stripes(), &[]),
        };
        range
            .chain(list.iter().map(|&stripe| stripe as usize))
            .filter_map(move |stripe| self.tables_ref(stripe).get(physical))
    }

    /// An entry of a held stripe's table, chosen with equal chances.
    pub fn random(
        &self,
        database: u32,
        stripe: usize,
        draw: impl FnMut(usize) -> usize,
    ) -> Option<EntryView<'_>> {
        self.tables_ref(stripe).get(self.physical(database) as usize)?.random(draw)
    }

    /// Shows up to about `limit` entries of a held stripe from position `from` on; returns where to go on. An entry that is
    /// present throughout a walk in slices is shown exactly once, whatever else changes between the slices.
    pub fn walk(
        &self,
        database: u32,
        stripe: usize,
        from: u64,
        limit: usize,
        visit: impl FnMut(EntryView<'_>),
    ) -> Option<u64> {
        self.tables_ref(stripe).get(self.physical(database) as usize)?.walk(from, limit, visit)
    }

    /// Shows the entries of a held stripe that are still owed to the running snapshot, from position `from` on, and marks them as
    /// settled, until `visit` returns false or about `limit` entries, owed or not, have been looked at. `physical` is a physical
    /// database.
    pub fn walk_owed(
        &mut self,
        physical: u32,
        stripe: usize,
        from: u64,
        limit: usize,
        visit: impl FnMut(EntryView<'_>) -> bool,
    ) -> Option<u64> {
        let parity = self.parity;
        self.tables(stripe).get_mut(physical as usize)?.walk_owed(from, parity, limit, visit)
    }

    /// Entries, and entries with a deadline, of a held stripe in a physical database.
    pub fn physical_len(&self, physical: u32, stripe: usize) -> (usize, usize) {
        self.tables_ref(stripe)
            .get(physical as usize)
            .map_or((0, 0), |table| (table.len(), table.deadlines()))
    }

    /// Removes entries of a held stripe whose deadline has passed, up to about `limit`; `before` sees the logical database and the
    /// entry first. Returns true when more may be due.
    pub fn expire_due(
        &mut self,
        stripe: usize,
        now_ms: i64,
        limit: usize,
        before: &mut dyn FnMut(u32, Expired<'_>),
    ) -> bool {
        let keyspace = self.keyspace;
        let mut more = false;
        let mut next = i64::MAX;
        for logical in 0..keyspace.databases() {
            let physical = self.physical(logical);
            let mark = self.mark(stripe, physical);
            let Some(table) = self.tables(stripe).get_mut(physical as usize) else { continue };
            let mut seen = |expired: Expired<'_>| before(logical, expired);
            more |= table.expire_due(now_ms, limit, mark, &mut seen, &mut |large| keyspace.free_large(large));
            next = next.min(table.next_due_ms().unwrap_or(i64::MAX));
        }
        keyspace.next_due_ms[stripe].store(if more { 0 } else { next }, Ordering::Relaxed);
        more
    }

    // --- Only with the gate held exclusively ---

    fn assert_exclusive(&self) {
        assert!(self.is_exclusive(), "K3: the gate is not held exclusively");
    }

    /// Swaps two databases.
    pub fn swap_databases(&mut self, a: u32, b: u32) {
        self.assert_exclusive();
        let (pa, pb) = (self.physical(a), self.physical(b));
        self.keyspace.physical[a as usize].store(pb, Ordering::Relaxed);
        self.keyspace.physical[b as usize].store(pa, Ordering::Relaxed);
    }

    /// Empties a database and returns how many entries it had. The tables go to a running snapshot as far as it needs
    /// them, else to the freeing thread.
    pub fn flush(&mut self, database: u32) -> usize {
        self.assert_exclusive();
        let keyspace = self.keyspace;
        let physical = self.physical(database);
        let mut flushed = 0;
        for stripe in 0..keyspace.stripes() {
            let Some(table) = self.tables(stripe).get_mut(physical as usize) else { continue };
            flushed += table.len();
            let table = std::mem::replace(table, Table::new(keyspace.depth_max));
            if physical == 0 {
                keyspace.stripes[stripe].published.set(Head::default());
            }
            if table.is_empty() {
                continue;
            }
            let taken = TakenTable { database: physical, stripe, table };
            // SAFETY: K3: this thread is inside the gate.
            let unneeded = match unsafe { keyspace.sink() } {
                Some(sink) => sink.take_table(taken),
                None => Some(taken),
            };
            unneeded.into_iter().for_each(|taken| keyspace.free_table(taken));
        }
        flushed
    }

    /// A snapshot's cut: every entry is owed from here on, to `sink`. Returns the logical database of each physical one.
    pub fn cut(&mut self, sink: Arc<dyn PreImage>) -> Vec<u32> {
        self.assert_exclusive();
        let keyspace = self.keyspace;
        self.parity = !self.parity;
        keyspace.parity.store(self.parity, Ordering::Relaxed);
        // SAFETY: K3: asserted above that this thread is alone inside the gate.
        let former = unsafe { &mut *keyspace.sink.0.get() }.replace(sink);
        assert!(former.is_none(), "one snapshot at a time");
        huge::hold_up(true);
        let mut logical = vec![0; keyspace.physical.len()];
        for (number, physical) in keyspace.physical.iter().enumerate() {
            logical[physical.load(Ordering::Relaxed) as usize] = number as u32;
        }
        logical
    }

    /// The snapshot wants no more pre-images: it is complete, or it was given up and only its marks remain to be settled.
    pub fn detach_sink(&mut self) {
        self.assert_exclusive();
        // SAFETY: K3: asserted above that this thread is alone inside the gate.
        if unsafe { &mut *self.keyspace.sink.0.get() }.take().is_some() {
            huge::hold_up(false);
        }
    }
}

/// What a search for a key to be read found.
pub enum Lookup<'a> {
    /// There is no such key.
    Absent,
    /// The key's deadline had passed; it is gone now.
    Expired,
    /// The key lives.
    Found(EntryView<'a>),
}

/// A key's place in a database.
pub enum Entry<'a> {
    /// The key exists.
    Occupied(Occupied<'a>),
    /// It does not.
    Vacant(Vacant<'a>),
}

#[cfg(test)]
#[path = "keyspace/tests.rs"]
mod tests;
