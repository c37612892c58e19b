//! One stripe's entries of one database: the index, the entries that its slots point to, and their deadlines.
//!
//! Takes no lock; [`crate::keyspace`] hands out `&mut Table` to whoever holds the stripe. Does not decide when to expire or evict.
//!
//! Invariants
//! - T1: every pointer in the index is an entry of this table (E1), and the reverse; so the methods below may follow pointers.
//! - T2: an entry whose parity differs from the [`Mark`]'s is still owed to a snapshot: it is shown to the mark's sink before it is changed or
//!   removed, and its parity set then. With no snapshot running every entry has the mark's parity, and the check is one compare.
//! - T3: `deadlines` counts entries with a deadline; each that is due before the wheel's horizon has its fragment there (W1).

use std::sync::atomic::{AtomicI64, Ordering};

use value::fields::{FieldsRef, small};
use value::list::ListRef;
use value::member_leaf::NO_DEADLINE;
use value::packed::Block;
use value::set::SetRef;
use value::string::StrRef;
use value::zset::ZsetRef;
use value::{Large, LargeMut};

use crate::entry::{EntryPtr, Form, NewValue, OwnedValue, ValueRef, ValueType};
use crate::expiry::{Due, Place, TICK_MS, Wheel, tick_of};
use crate::gate::WorkerId;
use crate::index::{Glance, Index, Location};
use crate::keyspace::{KeyHasher, PreImage, note_deadline};
use crate::retire::Onlookers;

/// Entries that a sweep may look at for each that could be removed instead.
const SWEEP_PER_EXPIRY: usize = 8;

/// An entry as a snapshot, a scan or a listener sees it.
#[derive(Clone, Copy, Debug)]
pub struct EntryView<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: ValueRef<'a>,
    /// Milliseconds since the epoch at which the key stops to exist.
    pub deadline_ms: Option<i64>,
    /// The 24-bit LRU or LFU field.
    pub clock: u32,
    /// Whether a string is called `raw` by OBJECT ENCODING whatever its length: it lies outside its entry, or was
    /// changed in place (see [`NewValue::Raw`]).
    pub is_raw: bool,
}

impl<'a> EntryView<'a> {
    /// The value by itself, to be put into another entry. A large one is shared, not copied.
    pub fn to_owned_value(&self) -> OwnedValue {
        if let Some(large) = self.value.large() {
            return OwnedValue::Large(large.freeze());
        }
        if let Some((form, block)) = self.block() {
            return OwnedValue::Block(self.value.value_type(), form, block.to_vec());
        }
        match self.value.string() {
            Some(StrRef::Int(number)) => OwnedValue::Int(number),
            Some(StrRef::Bytes(bytes)) if self.is_raw => OwnedValue::Raw(bytes.to_vec()),
            Some(StrRef::Bytes(bytes)) => OwnedValue::Bytes(bytes.to_vec()),
            Some(StrRef::Shared(_)) | None => unreachable!("a large value, or a block"),
        }
    }

    /// Form and bytes of a small collection's block.
    pub fn block(&self) -> Option<(Form, &'a [u8])> {
        Some(match self.value {
            ValueRef::List(ListRef::Small(bytes)) => (Form::Packed, bytes),
            ValueRef::Set(SetRef::Packed(packed)) => (Form::Packed, packed.bytes()),
            ValueRef::Set(SetRef::Ints(ints)) => (Form::Other, ints.bytes()),
            ValueRef::Zset(ZsetRef::Small(bytes)) => (Form::Packed, bytes),
            ValueRef::Hash(FieldsRef::Small(small)) => (small.form().into(), small.packed().bytes()),
            _ => return None,
        })
    }
}

/// What every change of a table needs to know: the present parity, and whom to tell before an owed entry changes.
#[derive(Clone, Copy)]
pub(crate) struct Mark<'a> {
    pub(crate) parity: bool,
    pub(crate) sink: &'a dyn SinkSource,
    pub(crate) worker: WorkerId,
    /// The table's physical database.
    pub(crate) database: u32,
    pub(crate) hasher: &'a KeyHasher,
    pub(crate) clock_ms: &'a AtomicI64,
    /// Who looks at the table's index without its lock.
    pub(crate) onlookers: Onlookers<'a>,
}

impl Mark<'_> {
    fn now_tick(&self) -> u64 {
        (self.clock_ms.load(Ordering::Relaxed).max(0) / TICK_MS) as u64
    }
}

/// Where the sink of a running snapshot is found; asked only when an owed entry is met.
pub(crate) trait SinkSource {
    /// Calls `show` with the running snapshot's sink.
    fn with_sink(&self, show: &mut dyn FnMut(&dyn PreImage));

    /// A hash has a field with a deadline now.
    fn note_field_deadlines(&self);
}

/// The entries of one stripe and database.
#[repr(C)]
pub struct Table {
    index: Index,
    wheel: Wheel,
    deadlines: usize,
    timed_hashes: usize,
    entry_bytes: usize,
    large_bytes: u64,
}

/// What is about to leave a table because its deadline has passed, or has just left it.
#[derive(Clone, Copy, Debug)]
pub enum Expired<'a> {
    /// A key, still there.
    Key(EntryView<'a>),
    /// Fields of the hash at a key; with the last one the key goes as well.
    Fields {
        /// The hash's key.
        key: &'a [u8],
        /// The fields, earliest first.
        fields: &'a [Vec<u8>],
    },
}

/// Fields taken out of a hash before others get their turn.
const FIELDS_SLICE: usize = 16;

/// Bytes of one or more tables by owner.
#[derive(Clone, Copy, Debug, Default)]
pub struct TableBytes {
    /// Entry blocks: headers, keys, small values.
    pub entries: u64,
    /// Buckets and directories.
    pub index: u64,
    /// Values outside their entries.
    pub shared: u64,
    /// The timing wheel.
    pub expiry: u64,
}

impl std::ops::AddAssign for TableBytes {
    fn add_assign(&mut self, other: TableBytes) {
        self.entries += other.entries;
        self.index += other.index;
        self.shared += other.shared;
        self.expiry += other.expiry;
    }
}

fn view<'a>(entry: EntryPtr) -> EntryView<'a> {
    EntryView {
        key: entry.key(),
        value: entry.value(),
        deadline_ms: entry.deadline(),
        clock: entry.clock(),
        is_raw: entry.is_raw(),
    }
}

fn pointed(bits: u64) -> EntryPtr {
    // SAFETY: T1: the index holds pointers of live entries only, and only this module calls this, with such bits.
    unsafe { EntryPtr::from_bits(bits) }
}

/// Whether two keys are the same. Up to 32 bytes, as most have, two overlapping words of the right length are sooner compared than a function
/// called.
#[inline]
fn same_key(one: &[u8], other: &[u8]) -> bool {
    fn ends_differ<const N: usize>(one: &[u8], other: &[u8]) -> bool {
        one.first_chunk::<N>() != other.first_chunk() || one.last_chunk::<N>() != other.last_chunk()
    }
    one.len() == other.len()
        && match one.len() {
            1 => one[0] == other[0],
            2..4 => !ends_differ::<2>(one, other),
            4..8 => !ends_differ::<4>(one, other),
            8..16 => !ends_differ::<8>(one, other),
            16..=32 => !ends_differ::<16>(one, other),
            _ => one == other,
        }
}

fn large_bytes_of(entry: EntryPtr) -> u64 {
    entry.large_mut().map_or(0, |large| large.into_ref().heap_bytes())
}

/// The earliest deadline of a field, of a hash that has one.
#[inline]
fn field_deadline_of(entry: EntryPtr) -> Option<i64> {
    if entry.value_type() != ValueType::Hash {
        return None;
    }
    let earliest = entry.value().hash().map_or(NO_DEADLINE, FieldsRef::earliest);
    (earliest != NO_DEADLINE).then(|| i64::try_from(earliest).unwrap_or(i64::MAX))
}

/// The ticks for which an entry has to be in the wheel.
fn ticks_of(entry: EntryPtr) -> impl Iterator<Item = u64> {
    entry.deadline().into_iter().chain(field_deadline_of(entry)).map(tick_of)
}

fn fragment_of(position: u64) -> u32 {
    (position >> 32) as u32
}

fn ms_of(tick: u64) -> i64 {
    (tick as i64).saturating_mul(TICK_MS)
}

/// A key found in a table, valid until the table changes.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    location: Location,
    entry: EntryPtr,
}

impl Found {
    /// Asks for the entries that may be meant. Returns the one that is, if only one can be, and whether the search goes on behind the home
    /// bucket. Needs no table: what is found may be followed only by whoever holds the table and
    /// knows that it has not changed since before the glance began.
    ///
    /// # Safety
    /// As for [`Glance::candidates`].
    #[inline]
    pub(crate) unsafe fn at_a_glance(glance: Glance) -> (Option<Found>, bool) {
        // SAFETY: by this function's contract.
        let (only, is_beyond) = unsafe { glance.candidates(EntryPtr::prefetch_bits) };
        let found = |(location, bits)| Some(Found { location, entry: EntryPtr::unproven(bits)? });
        (only.and_then(found), is_beyond)
    }
}

impl Table {
    pub(crate) fn new(depth_max: u8) -> Table {
        Table {
            index: Index::new(depth_max),
            wheel: Wheel::default(),
            deadlines: 0,
            timed_hashes: 0,
            entry_bytes: 0,
            large_bytes: 0,
        }
    }

    /// Entries in the table.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether the table has no entry.
    pub fn is_empty(&self) -> bool {
        self.index.len() == 0
    }

    /// Entries with a deadline.
    pub fn deadlines(&self) -> usize {
        self.deadlines
    }

    /// What the table occupies.
    pub fn bytes(&self) -> TableBytes {
        TableBytes {
            entries: self.entry_bytes as u64,
            index: self.index.bytes() as u64,
            shared: self.large_bytes,
            expiry: self.wheel.bytes() as u64,
        }
    }

    /// Segments and buckets of the index.
    pub fn shape(&self) -> (usize, usize) {
        self.index.shape()
    }

    /// The home bucket of a position, whose cache line is asked for.
    #[inline]
    pub(crate) fn glance(&self, position: u64) -> Option<Glance> {
        self.index.glance(position)
    }

    /// Whether the entry found there has this key. The caller vouches that it is still there (K5).
    #[inline]
    pub(crate) fn is_at(&self, found: Found, key: &[u8]) -> bool {
        same_key(found.entry.key(), key)
    }

    /// Asks for what an entry that is still owed to a snapshot has beyond its first line.
    #[inline]
    pub(crate) fn prefetch_owed(&self, position: u64, parity: bool) {
        self.index.candidates(position, |bits| pointed(bits).prefetch_rest_if_owed(parity));
    }

    /// Asks for the entries behind the home bucket that may be meant. Returns the one that is, if only one can be.
    pub(crate) fn prefetch_entries_beyond(&self, position: u64) -> Option<Found> {
        let (location, bits) = self.index.candidates_beyond(position, |bits| pointed(bits).prefetch())?;
        Some(Found { location, entry: pointed(bits) })
    }

    #[inline]
    pub(crate) fn find(&self, position: u64, key: &[u8]) -> Option<Found> {
        let (location, bits) = self.index.find(position, |bits| same_key(pointed(bits).key(), key))?;
        Some(Found { location, entry: pointed(bits) })
    }

    /// The value found there. The caller vouches that it is still there (K5).
    #[inline]
    pub(crate) fn value(&self, found: Found) -> ValueRef<'_> {
        found.entry.value()
    }

    pub(crate) fn view(&self, found: Found) -> EntryView<'_> {
        view(found.entry)
    }

    /// Bytes of an entry: block, large value, slot.
    pub(crate) fn footprint(&self, found: Found) -> u64 {
        (found.entry.footprint() + size_of::<u64>()) as u64 + large_bytes_of(found.entry)
    }

    #[inline]
    pub(crate) fn deadline_ms(&self, found: Found) -> Option<i64> {
        found.entry.deadline()
    }

    #[inline]
    pub(crate) fn clock(&self, found: Found) -> u32 {
        found.entry.clock()
    }

    #[inline]
    pub(crate) fn set_clock(&mut self, found: Found, clock: u32) {
        found.entry.set_clock(clock);
    }

    /// T2: shows an owed entry to the snapshot before it changes.
    #[inline]
    fn before_change(&mut self, entry: EntryPtr, mark: Mark<'_>) {
        if entry.parity() != mark.parity {
            Self::settle(entry, mark);
        }
    }

    #[cold]
    fn settle(entry: EntryPtr, mark: Mark<'_>) {
        mark.sink.with_sink(&mut |sink| sink.pre_image(mark.worker, mark.database, view(entry)));
        entry.set_parity(mark.parity);
    }

    /// Tells a running snapshot that nodes which it may hold frozen are no longer shared with a live value.
    #[cold]
    fn tell_held_back(bytes: u64, mark: Mark<'_>) {
        mark.sink.with_sink(&mut |sink| sink.held_back(bytes));
    }

    /// Called with a large value that has left its entry.
    fn left_behind(large: Option<Large>, mark: Mark<'_>) -> Option<Large> {
        match large.as_ref().map_or(0, |large| large.as_ref().shared_bytes_estimate()) {
            0 => {}
            bytes => Self::tell_held_back(bytes, mark),
        }
        large
    }

    pub(crate) fn insert(
        &mut self,
        position: u64,
        key: &[u8],
        value: NewValue<'_>,
        deadline_ms: Option<i64>,
        clock: u32,
        mark: Mark<'_>,
    ) -> Found {
        let entry = EntryPtr::new(key, value, deadline_ms, clock, mark.parity);
        self.entry_bytes += entry.footprint();
        self.large_bytes += large_bytes_of(entry);
        let position_of = |bits| mark.hasher.position(pointed(bits).key());
        let location = self.index.insert(position, entry.to_bits(), mark.onlookers, position_of);
        if let Some(deadline) = deadline_ms {
            self.schedule(position, deadline, mark);
        }
        self.fields_changed(entry, None, mark);
        Found { location, entry }
    }

    /// Gives an entry a new value and keeps its key and its deadline. Returns its former large value.
    pub(crate) fn replace(
        &mut self,
        found: &mut Found,
        value: NewValue<'_>,
        mark: Mark<'_>,
    ) -> Option<Large> {
        self.before_change(found.entry, mark);
        let (before, fields) = (found.entry.footprint(), field_deadline_of(found.entry));
        if found.entry.overwrite(&value) {
            debug_assert_eq!(before, found.entry.footprint());
            self.fields_changed(found.entry, fields, mark);
            return None;
        }
        let old = found.entry;
        let new = EntryPtr::new(old.key(), value, old.deadline(), old.clock(), mark.parity);
        self.entry_bytes = self.entry_bytes - before + new.footprint();
        self.large_bytes = self.large_bytes - large_bytes_of(old) + large_bytes_of(new);
        self.index.repoint(found.location, new.to_bits());
        found.entry = new;
        self.fields_changed(new, fields, mark);
        Self::left_behind(old.free(), mark)
    }

    /// Sets, moves or removes an entry's deadline.
    pub(crate) fn set_deadline(
        &mut self,
        found: &mut Found,
        position: u64,
        deadline_ms: Option<i64>,
        mark: Mark<'_>,
    ) {
        let old = found.entry.deadline();
        if old == deadline_ms {
            return;
        }
        self.before_change(found.entry, mark);
        match (old, deadline_ms) {
            (Some(_), Some(deadline)) => found.entry.set_deadline_in_place(deadline),
            _ => {
                self.entry_bytes -= found.entry.footprint();
                found.entry = found.entry.with_deadline(deadline_ms);
                self.entry_bytes += found.entry.footprint();
                self.index.repoint(found.location, found.entry.to_bits());
            }
        }
        if let Some(deadline) = deadline_ms {
            self.schedule(position, deadline, mark);
        }
        if let Some(deadline) = old {
            self.deadlines -= 1;
            self.unschedule(deadline, mark);
        }
    }

    /// Removes an entry. Returns its large value.
    pub(crate) fn remove(&mut self, found: Found, mark: Mark<'_>) -> Option<Large> {
        let deadline = found.entry.deadline();
        let large = self.remove_timeless(found, mark);
        if let Some(deadline) = deadline {
            self.deadlines -= 1;
            self.unschedule(deadline, mark);
        }
        large
    }

    /// The same without a look at the wheel for the key's own deadline.
    fn remove_timeless(&mut self, found: Found, mark: Mark<'_>) -> Option<Large> {
        self.before_change(found.entry, mark);
        let fields = field_deadline_of(found.entry);
        self.entry_bytes -= found.entry.footprint();
        self.large_bytes -= large_bytes_of(found.entry);
        self.index.remove(found.location, mark.onlookers);
        if let Some(deadline) = fields {
            self.timed_hashes -= 1;
            self.unschedule(deadline, mark);
        }
        Self::left_behind(found.entry.free(), mark)
    }

    /// Makes an entry's inline value `len` bytes long: see [`EntryPtr::resized`].
    pub(crate) fn resize_inline(
        &mut self,
        found: &mut Found,
        len: usize,
        mark: Mark<'_>,
    ) -> Option<&mut [u8]> {
        self.before_change(found.entry, mark);
        let before = found.entry.footprint();
        let entry = found.entry.resized(len)?;
        if entry != found.entry {
            self.entry_bytes = self.entry_bytes - before + entry.footprint();
            self.index.repoint(found.location, entry.to_bits());
            found.entry = entry;
        }
        entry.inline_mut()
    }

    /// An entry's inline bytes, for changes that keep their number.
    pub(crate) fn inline_mut(&mut self, found: Found, mark: Mark<'_>) -> Option<&mut [u8]> {
        self.before_change(found.entry, mark);
        found.entry.inline_mut()
    }

    /// Replaces a part of an entry's inline block, whose change was announced: see [`EntryPtr::spliced`].
    fn splice(&mut self, found: &mut Found, at: usize, remove: usize, insert: &[u8]) {
        let before = found.entry.footprint();
        let entry = found.entry.spliced(at, remove, insert);
        if entry != found.entry {
            self.entry_bytes = self.entry_bytes - before + entry.footprint();
            self.index.repoint(found.location, entry.to_bits());
            found.entry = entry;
        }
    }

    /// The inline block of a small collection, to be changed.
    pub(crate) fn block<'a>(
        &'a mut self,
        found: &'a mut Found,
        mark: Mark<'a>,
        due_hint: &'a AtomicI64,
    ) -> Option<EntryBlock<'a>> {
        if found.entry.value_type() == ValueType::String || found.entry.inline_mut().is_none() {
            return None;
        }
        self.before_change(found.entry, mark);
        Some(EntryBlock { table: self, found, mark, due_hint })
    }

    /// Changes an entry's large value in place.
    pub(crate) fn large_mut<R>(
        &mut self,
        found: Found,
        mark: Mark<'_>,
        change: impl FnOnce(LargeMut<'_>) -> R,
    ) -> Option<R> {
        self.before_change(found.entry, mark);
        let large = found.entry.large_mut()?.into_ref();
        let (before, copied) = (large.heap_bytes(), large.copied_bytes());
        let fields = field_deadline_of(found.entry);
        let result = change(found.entry.large_mut()?);
        let large = found.entry.large_mut()?.into_ref();
        self.large_bytes = self.large_bytes - before + large.heap_bytes();
        match large.copied_bytes().saturating_sub(copied) {
            0 => {}
            held => Self::tell_held_back(held, mark),
        }
        self.fields_changed(found.entry, fields, mark);
        Some(result)
    }

    /// Shows up to about `limit` entries from `position` on, in the order of their hashes; returns where to go on. See [`Index::walk`].
    pub(crate) fn walk(
        &self,
        position: u64,
        limit: usize,
        mut visit: impl FnMut(EntryView<'_>),
    ) -> Option<u64> {
        let mut left = limit.max(1);
        self.index.walk(position, |bits| {
            visit(view(pointed(bits)));
            left = left.saturating_sub(1);
            left > 0
        })
    }

    /// Shows the entries still owed to a snapshot from `position` on, and marks them as settled, until `visit` returns false or
    /// about `limit` entries, owed or not, have been looked at.
    pub(crate) fn walk_owed(
        &mut self,
        position: u64,
        parity: bool,
        limit: usize,
        mut visit: impl FnMut(EntryView<'_>) -> bool,
    ) -> Option<u64> {
        let mut left = limit.max(1);
        let far = |bits| pointed(bits).prefetch_head();
        let near = |bits| pointed(bits).prefetch_rest_if_owed(parity);
        self.index.walk_ahead(position, far, near, |bits| {
            left = left.saturating_sub(1);
            let entry = pointed(bits);
            if entry.parity() == parity {
                return left > 0;
            }
            entry.set_parity(parity);
            visit(view(entry)) && left > 0
        })
    }

    /// An entry chosen with equal chances.
    pub(crate) fn random(&self, draw: impl FnMut(usize) -> usize) -> Option<EntryView<'_>> {
        self.index.random(draw).map(|bits| view(pointed(bits)))
    }

    // --- Deadlines ---

    /// Whether nothing here has a deadline.
    fn is_timeless(&self) -> bool {
        self.deadlines + self.timed_hashes == 0
    }

    /// The earliest deadline of a field, of a hash that has one.
    pub(crate) fn field_deadline(&self, found: Found) -> Option<i64> {
        field_deadline_of(found.entry)
    }

    /// Keeps T3 after a change of an entry whose fields' earliest deadline was `before`.
    #[inline]
    fn fields_changed(&mut self, entry: EntryPtr, before: Option<i64>, mark: Mark<'_>) {
        let after = field_deadline_of(entry);
        if entry.has_field_deadlines() {
            mark.sink.note_field_deadlines();
        }
        if before != after {
            self.reschedule_fields(entry, before, after, mark);
        }
    }

    #[cold]
    fn reschedule_fields(
        &mut self,
        entry: EntryPtr,
        before: Option<i64>,
        after: Option<i64>,
        mark: Mark<'_>,
    ) {
        if let Some(deadline) = after {
            self.enter(mark.hasher.position(entry.key()), deadline, mark);
            self.timed_hashes += 1;
        }
        if let Some(deadline) = before {
            self.timed_hashes -= 1;
            self.unschedule(deadline, mark);
        }
    }

    fn schedule(&mut self, position: u64, deadline_ms: i64, mark: Mark<'_>) {
        self.enter(position, deadline_ms, mark);
        self.deadlines += 1;
    }

    /// Puts a fragment into the wheel.
    fn enter(&mut self, position: u64, deadline_ms: i64, mark: Mark<'_>) {
        let fragment = fragment_of(position);
        if self.is_timeless() {
            self.wheel.open(mark.now_tick(), fragment);
        }
        self.wheel.add(fragment, tick_of(deadline_ms), mark.now_tick());
    }

    fn unschedule(&mut self, deadline_ms: i64, mark: Mark<'_>) {
        if let Some(place) = self.wheel.forget(tick_of(deadline_ms)) {
            self.sweep(place, mark);
        }
    }

    /// Throws stale fragments out of a slot.
    fn sweep(&mut self, place: Place, mark: Mark<'_>) {
        let cascading = self.wheel.take(place);
        self.put_back(cascading.fragments, cascading.from, cascading.to, mark);
    }

    fn put_back(&mut self, mut fragments: Vec<u32>, from: u64, to: u64, mark: Mark<'_>) {
        fragments.sort_unstable();
        fragments.dedup();
        let now_tick = mark.now_tick();
        // As the wheel's time is now: adding to an empty wheel moves it, maybe behind `to`.
        let earliest = self.wheel.clamp(0);
        for fragment in fragments {
            let position = u64::from(fragment) << 32;
            let mut ticks = Vec::new();
            self.index.walk_equal(position, |bits| {
                let entry = pointed(bits);
                let here = ticks.len();
                ticks.extend(ticks_of(entry).filter(|tick| (from..=to).contains(&(*tick).max(earliest))));
                if ticks.len() > here && fragment_of(mark.hasher.position(entry.key())) != fragment {
                    ticks.truncate(here);
                }
            });
            ticks.into_iter().for_each(|tick| self.wheel.add(fragment, tick, now_tick));
        }
    }

    /// When [`expire_due`](Self::expire_due) is next wanted, in milliseconds since the epoch.
    pub(crate) fn next_due_ms(&self) -> Option<i64> {
        let due = self.wheel.next_tick().map(ms_of);
        let ahead = (!self.is_timeless()).then(|| self.look_ahead_ms());
        due.into_iter().chain(ahead).min()
    }

    /// When the table is next to be searched for deadlines that are far now, if it has any.
    pub(crate) fn look_ahead_ms(&self) -> i64 {
        ms_of(self.wheel.look_ahead_tick())
    }

    /// Removes entries whose deadline has passed, up to about `limit`; `before` sees each one first, `large` gets large values. What is
    /// left of the limit goes to the sweep for the next window's deadlines, if one is running (see [`crate::expiry`]).
    /// Returns true when more may be due.
    pub(crate) fn expire_due(
        &mut self,
        now_ms: i64,
        limit: usize,
        mark: Mark<'_>,
        before: &mut dyn FnMut(Expired<'_>),
        large: &mut dyn FnMut(Large),
    ) -> bool {
        let now_tick = (now_ms.max(0) / TICK_MS) as u64;
        let mut left = limit.max(1);
        loop {
            while let Some(due) = self.wheel.advance(now_tick) {
                match due {
                    Due::Cascade { fragments, from, to } => {
                        left = left.saturating_sub(fragments.len() / 4);
                        self.put_back(fragments, from, to, mark);
                    }
                    Due::Fire(mut fragments) => {
                        // What is due but over the limit stays where it is, in one piece.
                        let due = fragments.split_off(fragments.len() - fragments.len().min(left));
                        self.wheel.keep(fragments);
                        left -= due.len();
                        due.iter().for_each(|&f| _ = self.index.glance(u64::from(f) << 32));
                        for &fragment in &due {
                            self.index.candidates(u64::from(fragment) << 32, EntryPtr::prefetch_bits);
                        }
                        for fragment in due {
                            if self.fire(fragment, now_ms, mark, before, large) {
                                // Fields are left that are due: their turn comes after the others'.
                                self.wheel.add(fragment, 0, now_tick);
                            }
                        }
                    }
                }
                if left == 0 {
                    return true;
                }
            }
            if self.is_timeless() {
                return false;
            }
            self.wheel.look_ahead(now_tick);
            if !self.sweep_ahead(now_tick, &mut left, mark) {
                return false;
            }
            if left == 0 {
                return true;
            }
        }
    }

    /// One slice of the sweep for the next window's deadlines. Returns true when it was late, so that what it found may be due and
    /// the next slice should not wait.
    fn sweep_ahead(&mut self, now_tick: u64, left: &mut usize, mark: Mark<'_>) -> bool {
        let Some(slice) = self.wheel.slice(now_tick, self.index.len()) else { return false };
        let is_late = slice.pace.is_none();
        // Looking at an entry is cheap next to removing one.
        let step = slice.pace.unwrap_or(*left * SWEEP_PER_EXPIRY);
        let mut seen = 0;
        let (index, wheel) = (&self.index, &mut self.wheel);
        let ahead = |bits| pointed(bits).prefetch();
        let next = index.walk_ahead(
            slice.position,
            ahead,
            |_| {},
            |bits| {
                seen += 1;
                let entry = pointed(bits);
                for tick in ticks_of(entry).filter(|tick| slice.ticks.contains(tick)) {
                    wheel.add(fragment_of(mark.hasher.position(entry.key())), tick, now_tick);
                }
                seen < step
            },
        );
        wheel.sliced(next, now_tick);
        *left = left.saturating_sub(1 + seen / SWEEP_PER_EXPIRY);
        is_late
    }

    /// Removes what is due of the entries with a fragment. Returns true if fields are left that are due.
    fn fire(
        &mut self,
        fragment: u32,
        now_ms: i64,
        mark: Mark<'_>,
        before: &mut dyn FnMut(Expired<'_>),
        large: &mut dyn FnMut(Large),
    ) -> bool {
        let mut fields_left = false;
        let mut hashes = Vec::new();
        loop {
            let mut victim = None;
            hashes.clear();
            self.index.walk_equal(u64::from(fragment) << 32, |bits| {
                let entry = pointed(bits);
                if entry.deadline().is_some_and(|deadline| deadline <= now_ms) {
                    victim = Some(entry);
                } else if field_deadline_of(entry).is_some_and(|deadline| deadline <= now_ms) {
                    hashes.push(entry);
                }
            });
            let Some(entry) = victim else { break };
            before(Expired::Key(view(entry)));
            let position = mark.hasher.position(entry.key());
            let found = self.find(position, entry.key()).expect("T1");
            // Its fragment has left the wheel already.
            self.deadlines -= 1;
            self.remove_timeless(found, mark).into_iter().for_each(&mut *large);
        }
        for entry in hashes {
            let position = mark.hasher.position(entry.key());
            let found = self.find(position, entry.key()).expect("T1");
            fields_left |= self.fire_fields(found, now_ms, mark, before, large);
        }
        fields_left
    }

    /// Removes a slice of a hash's due fields, and the hash with the last one. Returns true if more are due at the same millisecond;
    /// with another deadline the hash is in the wheel again.
    fn fire_fields(
        &mut self,
        mut found: Found,
        now_ms: i64,
        mark: Mark<'_>,
        expired: &mut dyn FnMut(Expired<'_>),
        large: &mut dyn FnMut(Large),
    ) -> bool {
        let (now, mut fields) = (now_ms.max(0) as u64, Vec::new());
        let earliest = field_deadline_of(found.entry);
        // Who looks at the wheel needs no hint.
        let hint = AtomicI64::new(i64::MIN);
        if let Some(mut block) = self.block(&mut found, mark, &hint) {
            let form = block.form().into();
            small::take_due(&mut block, form, now, FIELDS_SLICE, |field, _| fields.push(field.to_vec()));
        } else {
            self.large_mut(found, mark, |large| {
                if let LargeMut::Hash(hash) = large {
                    hash.take_due(now, FIELDS_SLICE, |field, _| fields.push(field.to_vec()));
                }
            });
        }
        expired(Expired::Fields { key: found.entry.key(), fields: &fields });
        if found.entry.value().hash().is_some_and(FieldsRef::is_empty) {
            self.remove(found, mark).into_iter().for_each(large);
            return false;
        }
        field_deadline_of(found.entry) == earliest
    }
}

/// The inline block of a small collection, in its entry.
pub struct EntryBlock<'a> {
    table: &'a mut Table,
    found: &'a mut Found,
    mark: Mark<'a>,
    due_hint: &'a AtomicI64,
}

impl EntryBlock<'_> {
    /// The block's form.
    pub fn form(&self) -> Form {
        self.found.entry.form()
    }

    /// Says that the block has another form now.
    pub fn set_form(&mut self, form: Form) {
        let before = field_deadline_of(self.found.entry);
        self.found.entry.set_form(form);
        self.note_fields(before);
    }

    /// Keeps T3: every splice leaves whole fields behind.
    #[inline]
    fn note_fields(&mut self, before: Option<i64>) {
        self.table.fields_changed(self.found.entry, before, self.mark);
        if let Some(deadline) = field_deadline_of(self.found.entry) {
            note_deadline(self.due_hint, self.table, deadline);
        }
    }
}

impl Block for EntryBlock<'_> {
    fn bytes(&self) -> &[u8] {
        self.found.entry.inline_mut().map_or(&[], |bytes| bytes)
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self.found.entry.inline_mut().unwrap_or_default()
    }

    fn splice(&mut self, at: usize, remove: usize, insert: &[u8]) {
        let before = field_deadline_of(self.found.entry);
        self.table.splice(self.found, at, remove, insert);
        self.note_fields(before);
    }
}

impl Table {
    /// Frees all entries. `rest` is shown what is left of each: its large value, if it had one.
    pub(crate) fn free_each(mut self, mut rest: impl FnMut(Option<Large>)) {
        // T1: the index goes away with the entries, so each is freed once.
        let index = std::mem::replace(&mut self.index, Index::new(0));
        index.pointers().for_each(|bits| rest(pointed(bits).free()));
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // T1, as above.
        self.index.pointers().for_each(|bits| drop(pointed(bits).free()));
    }
}

#[cfg(test)]
#[path = "table/tests.rs"]
mod tests;
