//! A consumer group: how far it has read, its consumers, and what they have not acknowledged.
//!
//! ```text
//!   Group { name, last_id, entries_read }
//!      pending    ID -> consumer's number, time and number of deliveries       records of 32 bytes
//!      consumers  number -> Consumer { name, times, pending: IDs }             records of 16 bytes
//!      numbers    name -> number
//! ```
//! Which entries are delivered to whom and when is the commands' affair.
//!
//! Invariants:
//!  1. An ID is in the `pending` of the consumer that the group's record of it names, and of no other. Only while a group is being
//!     loaded there are records that name nobody ([`UNOWNED`]).
//!  2. `consumers` and `numbers` hold the same consumers. A number is not used again while it could stand in a record.

use std::sync::Arc;

use crate::packed::size_class;
use crate::room::ARC_HEADER;

use super::records::{self, ID, Records, id_of};
use super::shelf::{Item, Shelf, ShelfDrain};
use super::{Log, StreamId};

/// Bytes of a record of something pending.
pub(super) const PENDING: usize = 32;

/// The number of no consumer.
pub const UNOWNED: u32 = u32::MAX;

/// Most milliseconds and deliveries that a record can express: 48 bits.
const COUNTER_MAX: u64 = (1 << 48) - 1;

/// An entry that was delivered and not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The entry's ID; the entry itself may be gone.
    pub id: StreamId,
    /// The number of the consumer that has it.
    pub consumer: u32,
    /// When it was delivered, in milliseconds since 1970; at most 2^48 - 1.
    pub delivered_at_ms: u64,
    /// How often; at most 2^48 - 1.
    pub deliveries: u64,
}

impl Pending {
    fn to_record(self) -> [u8; PENDING] {
        let mut record = [0; PENDING];
        record[..ID].copy_from_slice(&self.id.to_bytes());
        record[16..20].copy_from_slice(&self.consumer.to_le_bytes());
        record[20..26].copy_from_slice(&self.delivered_at_ms.min(COUNTER_MAX).to_le_bytes()[..6]);
        record[26..32].copy_from_slice(&self.deliveries.min(COUNTER_MAX).to_le_bytes()[..6]);
        record
    }

    pub(super) fn from_record(record: &[u8; PENDING]) -> Self {
        let counter = |at: usize| {
            let mut bytes = [0; 8];
            bytes[..6].copy_from_slice(&record[at..at + 6]);
            u64::from_le_bytes(bytes)
        };
        let consumer = record[16..20].first_chunk().map_or(UNOWNED, |bytes| u32::from_le_bytes(*bytes));
        Self { id: id_of(record), consumer, delivered_at_ms: counter(20), deliveries: counter(26) }
    }
}

/// A consumer of a group.
#[derive(Clone)]
pub struct Consumer {
    pub(super) name: Arc<[u8]>,
    number: u32,
    /// When it last asked for something.
    pub seen_at_ms: i64,
    /// When it last got something; -1 for never.
    pub active_at_ms: i64,
    pub(super) pending: Records<ID>,
}

impl Consumer {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// What it is called in the group's [`Pending`]s.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// How many entries it has not acknowledged.
    pub fn pending_len(&self) -> u64 {
        self.pending.len()
    }

    /// The IDs of entries that it has not acknowledged, from one on.
    pub fn pending_from(&self, id: StreamId) -> impl Iterator<Item = StreamId> {
        records::from(&self.pending, id).map(id_of)
    }
}

/// Heap bytes of a name.
pub(super) fn name_bytes(name: &[u8]) -> u64 {
    size_class(name.len() + ARC_HEADER) as u64
}

impl Item for Consumer {
    type Key = u32;
    type Bound = u32;

    fn key(&self) -> &u32 {
        &self.number
    }

    fn bound(&self) -> u32 {
        self.number
    }

    fn heap_bytes(&self) -> u64 {
        name_bytes(&self.name) + self.pending.heap_bytes()
    }

    fn copied_bytes(&self) -> u64 {
        self.pending.copied_bytes()
    }

    fn shared_bytes_estimate(&self) -> u64 {
        self.pending.shared_bytes_estimate()
    }
}

/// A consumer's number under its name, which it shares with the consumer.
#[derive(Clone)]
pub(super) struct Number {
    name: Arc<[u8]>,
    number: u32,
}

impl Item for Number {
    type Key = [u8];
    type Bound = Arc<[u8]>;

    fn key(&self) -> &[u8] {
        &self.name
    }

    fn bound(&self) -> Arc<[u8]> {
        self.name.clone()
    }

    fn heap_bytes(&self) -> u64 {
        0
    }

    fn copied_bytes(&self) -> u64 {
        0
    }

    fn shared_bytes_estimate(&self) -> u64 {
        0
    }
}

/// A consumer group.
#[derive(Clone)]
pub struct Group {
    pub(super) name: Arc<[u8]>,
    /// The ID of the last entry that was delivered.
    pub last_id: StreamId,
    /// How many entries were ever read, up to `last_id`; `None` if that is not known.
    pub entries_read: Option<u64>,
    pub(super) pending: Records<PENDING>,
    pub(super) consumers: Shelf<Consumer>,
    pub(super) numbers: Shelf<Number>,
}

impl Group {
    pub(super) fn new(name: &[u8], last_id: StreamId, entries_read: Option<u64>) -> Self {
        Self {
            name: name.into(),
            last_id,
            entries_read,
            pending: Records::new(),
            consumers: Shelf::new(),
            numbers: Shelf::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// How many entries are not acknowledged.
    pub fn pending_len(&self) -> u64 {
        self.pending.len()
    }

    /// What is known of an entry that is not acknowledged.
    pub fn pending(&self, id: StreamId) -> Option<Pending> {
        records::get(&self.pending, id).map(Pending::from_record)
    }

    /// The entries that are not acknowledged, from an ID on.
    pub fn pending_from(&self, id: StreamId) -> impl Iterator<Item = Pending> {
        records::from(&self.pending, id).map(Pending::from_record)
    }

    /// The one with the lowest ID.
    pub fn first_pending(&self) -> Option<Pending> {
        self.pending.first_leaf()?.records().first().map(Pending::from_record)
    }

    /// The one with the highest ID.
    pub fn last_pending(&self) -> Option<Pending> {
        self.pending.last_leaf()?.records().last().map(Pending::from_record)
    }

    /// Number of consumers.
    pub fn consumers_len(&self) -> u64 {
        self.consumers.len()
    }

    /// The consumers in order of their names.
    pub fn consumers(&self) -> impl Iterator<Item = &Consumer> {
        self.numbers.iter().filter_map(|named| self.consumers.get(&named.number))
    }

    /// The consumer with a number.
    pub fn consumer(&self, number: u32) -> Option<&Consumer> {
        self.consumers.get(&number)
    }

    /// The consumer with a name.
    pub fn consumer_named(&self, name: &[u8]) -> Option<&Consumer> {
        self.consumer(self.numbers.get(name)?.number)
    }

    /// Adds a consumer that was seen at a time and never active. Returns its number; `None` if there is one with this name.
    pub fn create_consumer(&mut self, name: &[u8], seen_at_ms: i64) -> Option<u32> {
        if self.numbers.get(name).is_some() {
            return None;
        }
        let number = self.free_number()?;
        let name: Arc<[u8]> = name.into();
        self.numbers.insert(Number { name: name.clone(), number });
        self.consumers.insert(Consumer {
            name,
            number,
            seen_at_ms,
            active_at_ms: -1,
            pending: Records::new(),
        });
        Some(number)
    }

    /// The number behind the highest, or the lowest that is free once the highest possible is used.
    fn free_number(&self) -> Option<u32> {
        let next = self.consumers.last().map_or(0, |last| last.number + 1);
        if next < UNOWNED {
            return Some(next);
        }
        let used = self.consumers.iter().map(|consumer| consumer.number);
        (0..UNOWNED).zip(used).find(|(free, used)| free != used).map(|(free, _)| free)
    }

    /// Changes a consumer's times. False if there is no such consumer.
    pub fn touch_consumer(&mut self, number: u32, seen_at_ms: i64, active_at_ms: Option<i64>) -> bool {
        let touched = self.consumers.edit(&number, |consumer| {
            consumer.seen_at_ms = seen_at_ms;
            consumer.active_at_ms = active_at_ms.unwrap_or(consumer.active_at_ms);
        });
        touched.is_some()
    }

    /// Removes a consumer and what is pending for it. Returns how many entries that were.
    pub fn delete_consumer(&mut self, name: &[u8]) -> Option<u64> {
        let named = self.numbers.remove(name)?;
        let consumer = self.consumers.remove(&named.number)?;
        for id in consumer.pending_from(StreamId::MIN) {
            records::remove(&mut self.pending, id);
        }
        Some(consumer.pending_len())
    }

    /// Makes an entry pending for a consumer, whoever had it before. False if there is no such consumer.
    pub fn assign(&mut self, pending: Pending) -> bool {
        if self.consumers.get(&pending.consumer).is_none() {
            return false;
        }
        let old = records::put(&mut self.pending, pending.to_record())
            .map(|record| Pending::from_record(&record).consumer);
        if old != Some(pending.consumer) {
            if let Some(old) = old {
                self.consumers.edit(&old, |consumer| records::remove(&mut consumer.pending, pending.id));
            }
            self.own(pending.consumer, pending.id);
        }
        true
    }

    fn own(&mut self, consumer: u32, id: StreamId) {
        self.consumers.edit(&consumer, |consumer| records::put(&mut consumer.pending, id.to_bytes()));
    }

    /// Delivers an entry of the stream that is new to the group: it becomes pending for a consumer, once delivered.
    pub fn deliver(&mut self, id: StreamId, consumer: u32, now_ms: u64) -> bool {
        self.assign(Pending { id, consumer, delivered_at_ms: now_ms, deliveries: 1 })
    }

    /// Delivers a pending entry again to the consumer that has it. Returns what is known of it then.
    pub fn redeliver(&mut self, id: StreamId, now_ms: u64) -> Option<Pending> {
        let old = self.pending(id)?;
        let new = Pending { delivered_at_ms: now_ms, deliveries: old.deliveries.saturating_add(1), ..old };
        records::put(&mut self.pending, new.to_record());
        Some(new)
    }

    /// Removes an entry from what is pending. Returns what was known of it.
    pub fn acknowledge(&mut self, id: StreamId) -> Option<Pending> {
        let old = Pending::from_record(&records::remove(&mut self.pending, id)?);
        self.consumers.edit(&old.consumer, |consumer| records::remove(&mut consumer.pending, id));
        Some(old)
    }

    /// Loads an entry that is pending for a consumer still to be named by [`Self::load_owner`].
    pub fn load_pending(&mut self, id: StreamId, delivered_at_ms: u64, deliveries: u64) {
        let pending = Pending { id, consumer: UNOWNED, delivered_at_ms, deliveries };
        records::put(&mut self.pending, pending.to_record());
    }

    /// Gives a loaded entry that nobody has to a consumer. False if that cannot be.
    pub fn load_owner(&mut self, id: StreamId, consumer: u32) -> bool {
        match self.pending(id) {
            Some(pending) if pending.consumer == UNOWNED => self.assign(Pending { consumer, ..pending }),
            _ => false,
        }
    }

    /// Goes on to an entry that is being delivered, if it is behind the last one.
    pub fn advance(&mut self, log: &Log, id: StreamId) {
        if id <= self.last_id {
            return;
        }
        match self.entries_read {
            // Nothing between here and the stream's end is missing, so reads can be counted.
            Some(read) if self.last_id >= log.info().first_id && !log.has_tombstone_from(self.last_id) => {
                self.entries_read = Some(read.wrapping_add(1));
            }
            _ if log.info().entries_added > 0 => self.entries_read = log.distance_from_start(id),
            _ => {}
        }
        self.last_id = id;
    }

    /// How many entries of the stream the group has not read; `None` if that cannot be told. As in Redis 7.2 and Valkey 9.1, entries that were
    /// trimmed before the group read them count too.
    pub fn lag(&self, log: &Log) -> Option<i64> {
        let info = log.info();
        if info.entries_added == 0 {
            return Some(0);
        }
        let read = match self.entries_read {
            Some(read) if !log.has_tombstone_from(self.last_id) => read,
            _ => log.distance_from_start(self.last_id)?,
        };
        Some(info.entries_added.wrapping_sub(read) as i64)
    }

    pub(super) fn drain_consumers(&mut self) -> ShelfDrain<Number> {
        std::mem::take(&mut self.numbers).into_drain()
    }

    pub(super) fn take_consumer(&mut self, number: &Number) -> Option<Consumer> {
        self.consumers.edit(&number.number, |consumer| {
            let pending = std::mem::take(&mut consumer.pending);
            Consumer { pending, ..consumer.clone() }
        })
    }

    /// Verifies the invariants and panics with the broken one.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        records::check(&self.pending);
        self.consumers.check();
        self.numbers.check();
        assert_eq!(self.consumers.len(), self.numbers.len(), "invariant 2");
        let mut owned = 0;
        for consumer in self.consumers() {
            records::check(&consumer.pending);
            assert_eq!(self.numbers.get(&consumer.name).map(|named| named.number), Some(consumer.number));
            for id in consumer.pending_from(StreamId::MIN) {
                assert_eq!(
                    self.pending(id).map(|there| there.consumer),
                    Some(consumer.number),
                    "invariant 1"
                );
                owned += 1;
            }
        }
        let unowned = self.pending_from(StreamId::MIN).filter(|there| there.consumer == UNOWNED).count();
        assert_eq!(owned + unowned as u64, self.pending_len(), "invariant 1");
    }
}

impl Item for Group {
    type Key = [u8];
    type Bound = Arc<[u8]>;

    fn key(&self) -> &[u8] {
        &self.name
    }

    fn bound(&self) -> Arc<[u8]> {
        self.name.clone()
    }

    fn heap_bytes(&self) -> u64 {
        let consumers = self.consumers.heap_bytes() + self.numbers.heap_bytes();
        name_bytes(&self.name) + self.pending.heap_bytes() + consumers
    }

    fn copied_bytes(&self) -> u64 {
        let consumers = self.consumers.copied_bytes() + self.numbers.copied_bytes();
        self.pending.copied_bytes() + consumers
    }

    fn shared_bytes_estimate(&self) -> u64 {
        self.pending.shared_bytes_estimate() + self.consumers.shared_bytes_estimate()
    }
}
