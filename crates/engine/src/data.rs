//! The data as a command sees it: keys of the session's database under the locks that the request path took.
//!
//! Expired keys are removed when they are met, accesses are counted and noted, changes are counted as `dirty`, and what a
//! replica would have to be sent is gathered in [`Effects`]. Takes no lock itself.

use keyspace::{
    Access, Entry, EntryView, Key, KeyHash, Keyspace, Lookup, NewValue, Occupied, Sighting, ValueRef,
    ValueType,
};
use value::fields::FieldsRef;
use value::list::ListRef;
use value::number::parse_i64;
use value::set::SetRef;
use value::stream::Stream;
use value::string::StrRef;
use value::zset::ZsetRef;

use crate::clock::Clock;
use crate::effect::Effects;
use crate::error::Error;
use crate::stats::Counters;

/// What becomes of a key's deadline when its value is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// It stays.
    Keep,
    /// The key lives for ever.
    None,
    /// Milliseconds since the epoch.
    At(i64),
}

/// What is known of a key before its command executes.
#[derive(Clone, Copy)]
pub(crate) struct Near<'a> {
    /// The argument: itself, not one that reads the same.
    pub(crate) argument: &'a [u8],
    pub(crate) hash: KeyHash,
    pub(crate) seen: Option<Sighting>,
}

/// The data of one request.
pub struct Data<'a> {
    access: Access<'a>,
    /// The database that keys are looked up in: the session's, or another one during [`Data::in_database`].
    database: u32,
    /// When the command began, ms since the epoch: the same time for everything it does.
    pub now_ms: i64,
    /// How accesses are noted.
    pub clock: Clock,
    /// Whether accesses are noted at all (CLIENT NO-TOUCH).
    pub touch: bool,
    /// This worker's counters.
    pub counters: &'a Counters,
    /// Whether keys found expired stay where they are, to be treated as absent: during a pause no replica may hear of changes.
    pub keeps_expired: bool,
    /// What a replica would be sent.
    pub effects: &'a mut Effects,
    /// Changes so far; a command that leaves it alone wrote nothing.
    pub dirty: u64,
    /// Whether several commands are executed under these locks (a transaction, a script), so that none of them may give any back.
    pub keeps_locks: bool,
    /// What is known of the first key.
    near: Option<Near<'a>>,
}

/// A string argument as a value: an integer if it reads as one, else its bytes.
#[inline]
pub fn string_value(bytes: &[u8]) -> NewValue<'_> {
    if bytes.len() <= 20
        && let Some(number) = parse_i64(bytes)
    {
        return NewValue::Int(number);
    }
    NewValue::Bytes(bytes)
}

/// Counts a key that was found expired and says so to the log.
#[cold]
fn note_expired(counters: &Counters, effects: &mut Effects, database: u32, key: &[u8]) {
    counters.expired_keys.add(1);
    effects.expired(database, key);
}

impl<'a> Data<'a> {
    #[inline]
    pub(crate) fn new(
        access: Access<'a>,
        database: u32,
        now_ms: i64,
        clock: Clock,
        counters: &'a Counters,
        effects: &'a mut Effects,
        near: Option<Near<'a>>,
    ) -> Data<'a> {
        Data {
            access,
            database,
            now_ms,
            clock,
            touch: true,
            keeps_expired: false,
            counters,
            effects,
            dirty: 0,
            keeps_locks: false,
            near,
        }
    }

    /// The keyspace.
    pub fn keyspace(&self) -> &'a Keyspace {
        self.access.keyspace()
    }

    /// The database that keys are looked up in.
    pub fn database(&self) -> u32 {
        self.database
    }

    /// Works on another database for a while (MOVE, COPY); effects are still those of a command sent to the session's.
    pub fn in_database<R>(&mut self, database: u32, work: impl FnOnce(&mut Self) -> R) -> R {
        let former = std::mem::replace(&mut self.database, database);
        let result = work(self);
        self.database = former;
        result
    }

    /// The locks held, for walks and for what only the exclusive gate allows.
    pub fn access(&mut self) -> &mut Access<'a> {
        &mut self.access
    }

    /// Enters the gate exclusively; see [`Ctx::enter_exclusively`](crate::Ctx::enter_exclusively).
    pub(crate) fn enter_exclusively(&mut self) {
        self.access = self.access.keyspace().exclusive(self.access.worker());
    }

    /// The locks held, to look.
    pub fn access_ref(&self) -> &Access<'a> {
        &self.access
    }

    /// Gives the locks back before the command ends, for one that goes on to compute on copies or frozen values; it must not
    /// touch a key afterwards. Does nothing if something was changed, since that has to be in the log before anybody else sees it, or
    /// if [`keeps_locks`](Self::keeps_locks) is set.
    pub fn release(&mut self) {
        if self.dirty == 0 && self.effects.is_empty() && !self.keeps_locks {
            self.access.release();
        }
    }

    #[inline]
    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        match self.near {
            Some(near) if std::ptr::eq(near.argument, bytes) => Key::new(bytes, near.hash).seen(near.seen),
            _ => self.access.keyspace().key(bytes),
        }
    }

    /// Whether this entry's deadline has passed.
    #[inline]
    pub fn is_expired(&self, deadline_ms: Option<i64>) -> bool {
        deadline_ms.is_some_and(|deadline| deadline <= self.now_ms)
    }

    /// Counts fields of a hash that a write has found expired and removed, and says so to the log.
    pub fn note_expired_fields(&mut self, key: &[u8], fields: &[Vec<u8>]) {
        if !fields.is_empty() {
            self.counters.expired_fields.add(fields.len() as u64);
            self.effects.expired_fields(self.database, key, fields);
        }
    }

    /// A key's place; an expired key is removed first. Neither an access nor a change. For writes, which no pause lets pass.
    #[inline]
    pub fn entry<'b>(&'b mut self, key: &'b [u8]) -> Entry<'b> {
        let hashed = self.key(key);
        let now_ms = if self.keeps_expired { i64::MIN } else { self.now_ms };
        let (counters, database, effects) = (self.counters, self.database, &mut *self.effects);
        let expired = || note_expired(counters, effects, database, key);
        self.access.living_entry(database, hashed, now_ms, expired)
    }

    /// Looks at a key: neither counted nor noted as an access.
    pub fn peek<'b>(&'b mut self, key: &'b [u8]) -> Option<EntryView<'b>> {
        self.find(key, |field| field)
    }

    /// Finds a living key; one that is found expired is removed, and the log told.
    #[inline]
    fn find<'b>(&'b mut self, key: &'b [u8], touch: impl FnOnce(u32) -> u32) -> Option<EntryView<'b>> {
        let hashed = self.key(key);
        match self.access.find(self.database, hashed, self.now_ms, self.keeps_expired, touch) {
            Lookup::Found(view) => return Some(view),
            Lookup::Expired => note_expired(self.counters, self.effects, self.database, key),
            Lookup::Absent => {}
        }
        None
    }

    /// Reads what is known of a key: counted as a hit or a miss, not noted as an access (TTL, TYPE, EXISTS, OBJECT).
    pub fn look<'b>(&'b mut self, key: &'b [u8]) -> Option<EntryView<'b>> {
        let counters = self.counters;
        let view = self.peek(key);
        if view.is_some() { &counters.hits } else { &counters.misses }.add(1);
        view
    }

    /// Reads a key: counted as a hit or a miss, and noted as an access.
    #[inline]
    pub fn read<'b>(&'b mut self, key: &'b [u8]) -> Option<EntryView<'b>> {
        let (clock, touch, counters) = (self.clock, self.touch, self.counters);
        let view = self.find(key, |field| if touch { clock.touched(field) } else { field });
        if view.is_some() { &counters.hits } else { &counters.misses }.add(1);
        view
    }

    /// Reads a key that must be of the type that `of` takes, or absent.
    #[inline]
    fn read_as<'b, T>(
        &'b mut self,
        key: &'b [u8],
        of: impl FnOnce(ValueRef<'b>) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        self.read(key).map(|view| of(view.value).ok_or(Error::WRONG_TYPE)).transpose()
    }

    /// Reads a key that must be a string or absent.
    #[inline]
    pub fn read_string<'b>(&'b mut self, key: &'b [u8]) -> Result<Option<StrRef<'b>>, Error> {
        self.read_as(key, ValueRef::string)
    }

    /// Reads a key that must be a list or absent.
    pub fn read_list<'b>(&'b mut self, key: &'b [u8]) -> Result<Option<ListRef<'b>>, Error> {
        self.read_as(key, ValueRef::list)
    }

    /// Reads a key that must be a set or absent.
    pub fn read_set<'b>(&'b mut self, key: &'b [u8]) -> Result<Option<SetRef<'b>>, Error> {
        self.read_as(key, ValueRef::set)
    }

    /// Reads a key that must be a sorted set or absent.
    pub fn read_zset<'b>(&'b mut self, key: &'b [u8]) -> Result<Option<ZsetRef<'b>>, Error> {
        self.read_as(key, ValueRef::zset)
    }

    /// Reads a key that must be a hash or absent.
    pub fn read_hash<'b>(&'b mut self, key: &'b [u8]) -> Result<Option<FieldsRef<'b>>, Error> {
        self.read_as(key, ValueRef::hash)
    }

    /// Reads a key that must be a stream or absent.
    pub fn read_stream<'b>(&'b mut self, key: &'b [u8]) -> Result<Option<&'b Stream>, Error> {
        self.read_as(key, ValueRef::stream)
    }

    /// A key about to be changed that must have this type or be absent. Whoever takes the last element out removes the key, counts
    /// the change in [`dirty`](Self::dirty), and sets what a replica is told.
    pub fn write_as<'b>(&'b mut self, key: &'b [u8], value_type: ValueType) -> Result<Entry<'b>, Error> {
        match self.write(key) {
            Entry::Occupied(entry) if entry.value().value_type() != value_type => Err(Error::WRONG_TYPE),
            entry => Ok(entry),
        }
    }

    /// A key about to be changed: noted as an access, not counted as a hit or miss.
    #[inline]
    pub fn write<'b>(&'b mut self, key: &'b [u8]) -> Entry<'b> {
        let (clock, touch) = (self.clock, self.touch);
        let mut entry = self.entry(key);
        if touch && let Entry::Occupied(entry) = &mut entry {
            let touched = clock.touched(entry.clock());
            entry.set_clock(touched);
        }
        entry
    }

    /// A key about to be changed that must be a string or absent.
    pub fn write_string<'b>(&'b mut self, key: &'b [u8]) -> Result<Entry<'b>, Error> {
        match self.write(key) {
            Entry::Occupied(entry) if entry.value().string().is_none() => Err(Error::WRONG_TYPE),
            entry => Ok(entry),
        }
    }

    /// Gives a key a value, whatever it held; counts as one change.
    #[inline]
    pub fn set(&mut self, key: &[u8], value: NewValue<'_>, deadline: Deadline) {
        self.dirty += 1;
        let hashed = self.key(key);
        let (fresh, now_ms) = (self.clock.fresh(), self.now_ms);
        let mut entry = match deadline {
            Deadline::Keep => self.entry(key),
            _ => {
                let entry = self.access.entry(self.database, hashed);
                // Overwritten where it stands, but said to have expired, as by everybody who meets it.
                if let Entry::Occupied(old) = &entry
                    && old.deadline_ms().is_some_and(|deadline_ms| deadline_ms <= now_ms)
                {
                    note_expired(self.counters, self.effects, self.database, key);
                }
                entry
            }
        };
        // Not moved out of what holds it: the move would wait for what has just been stored there.
        if let Entry::Occupied(entry) = &mut entry {
            match deadline {
                Deadline::Keep => {}
                Deadline::None => entry.set_deadline_ms(None),
                Deadline::At(at) => entry.set_deadline_ms(Some(at)),
            }
            entry.set_value(value);
            entry.set_clock(fresh);
        } else if let Entry::Vacant(entry) = entry {
            let deadline = if let Deadline::At(at) = deadline { Some(at) } else { None };
            entry.insert(value, deadline, fresh);
        }
    }

    /// Gives a key a string argument as its value.
    #[inline]
    pub fn set_string(&mut self, key: &[u8], value: &[u8], deadline: Deadline) {
        self.set(key, string_value(value), deadline);
    }

    /// Removes a key; counts as one change if it existed.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        match self.entry(key) {
            Entry::Occupied(entry) => {
                entry.remove();
                self.dirty += 1;
                true
            }
            Entry::Vacant(_) => false,
        }
    }

    /// Whether a key exists. Neither an access nor counted.
    pub fn exists(&mut self, key: &[u8]) -> bool {
        self.peek(key).is_some()
    }

    /// An existing key's place, to be changed.
    pub fn occupied<'b>(&'b mut self, key: &'b [u8]) -> Option<Occupied<'b>> {
        match self.write(key) {
            Entry::Occupied(entry) => Some(entry),
            Entry::Vacant(_) => None,
        }
    }
}
