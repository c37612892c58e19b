//! One key's place, found under its stripe's lock: an existing key to be changed or removed, or where a new one goes.
//!
//! Passes on to the table, gives large values to the reclaimer, and keeps the stripe's hint of when something is next due.

use std::sync::atomic::{AtomicI64, Ordering};

use value::LargeMut;
use value::string::Shared;

use super::{Key, Keyspace};
use crate::entry::{NewValue, OwnedValue, ValueRef};
use crate::table::{EntryBlock, EntryView, Found, Mark, Table};

/// An existing key, found and ready to be changed.
pub struct Occupied<'a> {
    pub(super) table: &'a mut Table,
    pub(super) found: Found,
    pub(super) position: u64,
    pub(super) mark: Mark<'a>,
    pub(super) keyspace: &'a Keyspace,
    pub(super) next_due_ms: &'a AtomicI64,
}

/// Lowers a stripe's hint after a new deadline in `table`. Written under the stripe's lock only.
pub(crate) fn note_deadline(hint: &AtomicI64, table: &Table, deadline_ms: i64) {
    // A far deadline is looked for when the wheel's horizon moves, long before it comes up.
    let due_ms = table.look_ahead_ms().min(deadline_ms);
    if due_ms < hint.load(Ordering::Relaxed) {
        hint.store(due_ms, Ordering::Relaxed);
    }
}

/// The same for the earliest deadline of a hash's fields.
fn note_fields(hint: &AtomicI64, table: &Table, found: Found) {
    if let Some(deadline) = table.field_deadline(found) {
        note_deadline(hint, table, deadline);
    }
}

impl<'a> Occupied<'a> {
    /// The entry.
    pub fn view(&self) -> EntryView<'_> {
        self.table.view(self.found)
    }

    /// The entry, for as long as the access that it was found with is borrowed.
    pub fn into_view(self) -> EntryView<'a> {
        self.table.view(self.found)
    }

    /// The value.
    pub fn value(&self) -> ValueRef<'_> {
        self.view().value
    }

    /// The deadline, ms since the epoch.
    pub fn deadline_ms(&self) -> Option<i64> {
        self.view().deadline_ms
    }

    /// The 24-bit LRU or LFU field.
    pub fn clock(&self) -> u32 {
        self.view().clock
    }

    /// Sets the LRU or LFU field. Not a change in the sense of a snapshot.
    pub fn set_clock(&mut self, clock: u32) {
        self.table.set_clock(self.found, clock);
    }

    /// Gives the key a new value; its deadline stays.
    pub fn set_value(&mut self, value: NewValue<'_>) {
        if let Some(large) = self.table.replace(&mut self.found, value, self.mark) {
            self.keyspace.free_large(large);
        }
        note_fields(self.next_due_ms, self.table, self.found);
    }

    /// Sets, moves or removes the deadline.
    pub fn set_deadline_ms(&mut self, deadline_ms: Option<i64>) {
        self.table.set_deadline(&mut self.found, self.position, deadline_ms, self.mark);
        if let Some(deadline) = deadline_ms {
            note_deadline(self.next_due_ms, self.table, deadline);
        }
    }

    /// Makes a value that lies inside the entry `len` bytes long, cut or with zeros behind what it was, and marks it as raw. Growing
    /// byte by byte moves the entry once for each size class of the allocator. None, with nothing changed, when the value
    /// does not lie inside the entry or `len` is over [`INLINE_MAX`](crate::INLINE_MAX).
    pub fn resize_inline(&mut self, len: usize) -> Option<&mut [u8]> {
        self.table.resize_inline(&mut self.found, len, self.mark)
    }

    /// The bytes of a value that lies inside the entry, for changes that keep their number.
    pub fn inline_mut(&mut self) -> Option<&mut [u8]> {
        self.table.inline_mut(self.found, self.mark)
    }

    /// Changes a large string in place. None when the value is not one.
    pub fn shared_mut<R>(&mut self, change: impl FnOnce(&mut Shared) -> R) -> Option<R> {
        self.large_mut(|large| match large {
            LargeMut::String(shared) => Some(change(shared)),
            _ => None,
        })?
    }

    /// Changes a large value in place. None when the value is not a large one.
    pub fn large_mut<R>(&mut self, change: impl FnOnce(LargeMut<'_>) -> R) -> Option<R> {
        let result = self.table.large_mut(self.found, self.mark, change);
        note_fields(self.next_due_ms, self.table, self.found);
        result
    }

    /// The block of a small collection, to be changed. None when the value is something else. Nobody else sees the key before the
    /// access is given up, so that it may be empty or overlong in between.
    pub fn block(&mut self) -> Option<EntryBlock<'_>> {
        self.table.block(&mut self.found, self.mark, self.next_due_ms)
    }

    /// What the key occupies: its entry with the allocator's rounding, its large value, its share of a bucket. What a
    /// large value shares with copies of it is counted in full.
    pub fn footprint_bytes(&self) -> u64 {
        self.table.footprint(self.found)
    }

    /// Removes the key and returns its value, which is moved and not copied if it is a large one.
    pub fn take(self) -> OwnedValue {
        // Of a large value this is a second handle, dropped for the first one below.
        let copy = self.view().to_owned_value();
        match self.table.remove(self.found, self.mark) {
            Some(large) => OwnedValue::Large(large),
            None => copy,
        }
    }

    /// Removes the key; a large value is freed in the background.
    pub fn remove(self) {
        if let Some(large) = self.table.remove(self.found, self.mark) {
            self.keyspace.free_large(large);
        }
    }
}

/// A key that does not exist.
pub struct Vacant<'a> {
    pub(super) table: &'a mut Table,
    pub(super) key: Key<'a>,
    pub(super) position: u64,
    pub(super) mark: Mark<'a>,
    pub(super) keyspace: &'a Keyspace,
    pub(super) next_due_ms: &'a AtomicI64,
}

impl<'a> Vacant<'a> {
    /// Creates the key.
    pub fn insert(self, value: NewValue<'_>, deadline_ms: Option<i64>, clock: u32) -> Occupied<'a> {
        let Vacant { table, key, position, mark, keyspace, next_due_ms } = self;
        let found = table.insert(position, key.bytes, value, deadline_ms, clock, mark);
        if let Some(deadline) = deadline_ms {
            note_deadline(next_due_ms, table, deadline);
        }
        note_fields(next_due_ms, table, found);
        Occupied { table, found, position, mark, keyspace, next_due_ms }
    }
}
