//! A worker's lane: the block that it fills and its compressor. Charges what it allocates to the budget.
//!
//! Bounds: a block is shipped when it has its full size; an entry is never divided, so a block is longer by at most one small
//! entry (a key and a string of 4 KiB, or a collection's block of 8 KiB as plain members).

use keyspace::EntryView;
use rdb::values::{ObjectRef, whole};
use rdb::{Compressor, EntryHead, ObjectWriter, Place, Usage, write};
use value::StrRef;

use crate::budget::Budget;
use crate::queue::Queue;

/// Room behind a block's size for the entry that fills it.
const SLACK: usize = 16 * 1024;

/// A value that is encoded where it is met.
pub(crate) enum Small<'a> {
    String(StrRef<'a>),
    Object(ObjectRef<'a>),
}

#[derive(Default)]
pub(crate) struct Lane {
    block: Vec<u8>,
    charged: u64,
    /// The logical database that the block has selected last.
    selected: Option<u32>,
    compressor: Option<Compressor>,
    /// Space for a listpack that is compressed; not charged, at most a small collection.
    space: Vec<u8>,
    /// Entries that have passed through here, frozen ones included.
    pub(crate) entries: u64,
}

impl Lane {
    /// Encodes an entry with a small value.
    pub(crate) fn encode(
        &mut self,
        database: u32,
        entry: &EntryView<'_>,
        value: Small<'_>,
        usage: Usage,
        settings: &Settings<'_>,
    ) {
        if self.block.capacity() == 0 {
            self.block =
                settings.queue.spare().unwrap_or_else(|| Vec::with_capacity(settings.block_bytes + SLACK));
            self.charged = self.block.capacity() as u64;
            settings.budget.charge(self.charged);
        }
        if self.selected != Some(database) {
            write::select_db(&mut self.block, database);
            self.selected = Some(database);
        }
        if settings.compression && self.compressor.is_none() {
            self.compressor = Some(Compressor::new());
        }
        let head = EntryHead { key: entry.key, expire_at_ms: entry.deadline_ms, usage };
        match value {
            Small::String(value) => {
                write::string_entry(&mut self.block, &head, value, self.compressor.as_mut())
            }
            Small::Object(object) => {
                let mut writer = ObjectWriter::for_file(settings.version, self.compressor.as_mut())
                    .with_space(std::mem::take(&mut self.space));
                whole(&mut writer, &mut self.block, Place::Entry(&head), object);
                self.space = writer.into_space();
            }
        }
        if self.block.len() >= settings.block_bytes {
            self.ship(settings);
        }
    }

    /// Hands the block's content over, with the block where the stage has no room.
    pub(crate) fn ship(&mut self, settings: &Settings<'_>) {
        self.selected = None;
        if self.block.is_empty() {
            return;
        }
        if settings.queue.stage(&self.block) {
            self.block.clear();
            if self.block.capacity() as u64 > self.charged {
                // A long key has made it grow.
                self.discard_block(settings.budget);
            }
            return;
        }
        let block = std::mem::take(&mut self.block);
        // It may have grown here too.
        settings.budget.charge((block.capacity() as u64).saturating_sub(self.charged));
        let capacity = block.capacity() as u64;
        if settings.queue.push_block(block).is_err() {
            settings.budget.release(capacity);
        }
    }

    /// Throws away what has not been shipped.
    pub(crate) fn discard(&mut self, budget: &Budget) {
        self.discard_block(budget);
        self.selected = None;
        self.compressor = None;
    }

    fn discard_block(&mut self, budget: &Budget) {
        if self.block.capacity() > 0 {
            self.block = Vec::new();
            budget.release(self.charged);
        }
    }
}

/// What encoding depends on.
pub(crate) struct Settings<'a> {
    pub(crate) queue: &'a Queue,
    pub(crate) budget: &'a Budget,
    pub(crate) block_bytes: usize,
    pub(crate) compression: bool,
    pub(crate) version: u16,
}
