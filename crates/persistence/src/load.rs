//! Loading: a file's entries go into the keyspace as they are read. Judges what the codec does not: expiry, databases, duplicates.
//!
//! It does not empty the keyspace and does not decide whether a failure ends the server: whoever called it does both.
//!
//! Locks: enters the gate shared for up to [`STRETCH`] entries at a time and leaves it early when somebody wants it exclusively, so
//! other workers answer `-LOADING` meanwhile. Faults: an error leaves what was loaded so far in place and names the offset.
//! Bounds: the read-ahead's 4 MiB and one value. A collection of any size is read in pieces, between which the gate is left.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use keyspace::{Entry, Expected, Form, Inside, Key, KeyHash, Keyspace, NewValue, ValueType, WorkerId};
use rdb::object::Discard;
use rdb::values::{Builder, Built, Small, Thresholds};
use rdb::{Event, Limits, ObjectHead, Progress, Reader, Usage, Value};

use value::number::parse_i64;
use value::{Large, Shared};

use crate::read_ahead::{self, ReadAhead};
use crate::reason;

/// Entries inserted between two looks at the gate and at the progress.
const STRETCH: usize = 512;

/// What a file is loaded with.
pub struct LoadOptions<'a> {
    /// Entries whose deadline has passed are left out (a master's way; a replica keeps them).
    pub drop_expired: bool,
    /// Accepts versions above those known (`rdb-version-check relaxed`).
    pub any_version: bool,
    /// Up to which size a collection is small.
    pub thresholds: Thresholds,
    /// The 24-bit LRU or LFU field for what the file says about an entry's use.
    pub clock_of: &'a dyn Fn(Usage) -> u32,
    /// Microseconds to rest after each key; below zero: a microsecond after one of so many. Asked between stretches, so it may change
    /// meanwhile. It makes a load slow for tests, and costs nothing when it is 0.
    pub key_delay_us: &'a dyn Fn() -> i64,
    /// Called about every 512 entries and 2 MiB, outside the gate: the server's chance to look at what else there is. False gives the load up.
    pub progress: &'a mut dyn FnMut() -> bool,
    /// Shown everything about the file that is not an entry: name and value of each aux field.
    pub aux: &'a mut dyn FnMut(&[u8], &[u8]),
}

/// How far a load is; shared with whoever answers INFO.
#[derive(Debug, Default)]
pub struct Loading {
    active: AtomicBool,
    started_at: AtomicI64,
    bytes_total: AtomicU64,
    bytes_loaded: AtomicU64,
    keys_loaded: AtomicU64,
    keys_expired: AtomicU64,
}

impl Loading {
    /// Nothing is being loaded.
    pub fn new() -> Loading {
        Loading::default()
    }

    /// INFO's `loading`, and whether commands get `-LOADING`.
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    /// `loading_start_time`, seconds since the epoch.
    pub fn started_at(&self) -> i64 {
        self.started_at.load(Ordering::Relaxed)
    }

    /// `loading_total_bytes`.
    pub fn bytes_total(&self) -> u64 {
        self.bytes_total.load(Ordering::Relaxed)
    }

    /// `loading_loaded_bytes`.
    pub fn bytes_loaded(&self) -> u64 {
        self.bytes_loaded.load(Ordering::Relaxed)
    }

    /// Keys loaded by the load in progress or the last one (`rdb_last_load_keys_loaded`).
    pub fn keys_loaded(&self) -> u64 {
        self.keys_loaded.load(Ordering::Relaxed)
    }

    /// Keys left out since they had expired (`rdb_last_load_keys_expired`).
    pub fn keys_expired(&self) -> u64 {
        self.keys_expired.load(Ordering::Relaxed)
    }

    /// `loading_eta_seconds`, from the speed so far.
    pub fn eta_seconds(&self, now: i64) -> u64 {
        let (loaded, total) = (self.bytes_loaded(), self.bytes_total());
        let elapsed = (now - self.started_at()).max(0) as u64;
        if loaded == 0 {
            return 1;
        }
        (u128::from(elapsed) * u128::from(total.saturating_sub(loaded)) / u128::from(loaded)) as u64
    }

    fn begin(&self, bytes_total: u64) {
        self.started_at.store(unix_now().as_secs() as i64, Ordering::Relaxed);
        self.bytes_total.store(bytes_total, Ordering::Relaxed);
        for counter in [&self.bytes_loaded, &self.keys_loaded, &self.keys_expired] {
            counter.store(0, Ordering::Relaxed);
        }
        self.active.store(true, Ordering::Release);
    }
}

/// Ends a load however it is left.
struct Active<'a>(&'a Loading);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.active.store(false, Ordering::Release);
    }
}

/// What came of a load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// There was a file.
    pub found: bool,
    /// Keys in the keyspace now.
    pub keys: u64,
    /// Keys left out since they had expired.
    pub expired: u64,
    /// Collections without elements, which were left out.
    pub empty: u64,
    /// Bytes read.
    pub bytes: u64,
    /// How long it took.
    pub duration: Duration,
    /// Function libraries in the file, which were passed over.
    pub functions: u64,
    /// Version of the format.
    pub version: u32,
}

impl Loaded {
    /// Keys that were read so far, also those that were left out.
    fn keys_read(&self) -> u64 {
        self.keys + self.expired + self.empty
    }
}

/// Why a file was not loaded to its end.
#[derive(Debug)]
pub enum LoadError {
    /// [`LoadOptions::progress`] said so.
    GivenUp,
    /// The file could not be opened.
    Open(io::Error),
    /// It is damaged, or has something that is not supported.
    Format(rdb::Error),
    /// It has a database that this server has not.
    Database {
        /// The database's number.
        number: u64,
        /// How many databases there are.
        databases: u32,
        /// Where that was read.
        offset: u64,
    },
    /// A key comes twice.
    Duplicate {
        /// The key.
        key: Vec<u8>,
        /// Its database.
        database: u32,
        /// Where it came the second time.
        offset: u64,
    },
    /// It has data of a module.
    Module {
        /// The module type's name.
        name: String,
        /// Behind it.
        offset: u64,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::GivenUp => write!(f, "loading was given up"),
            LoadError::Open(error) => write!(f, "the file cannot be opened: {}", reason(error)),
            LoadError::Format(error) => write!(f, "{error}"),
            LoadError::Database { number, databases, offset } => write!(
                f,
                "at byte {offset}: the file has a database {number}, but this server has only {databases}. \
                 Start it with --databases {} or more.",
                number.saturating_add(1)
            ),
            LoadError::Duplicate { key, database, offset } => write!(
                f,
                "at byte {offset}: RDB has duplicated key '{}' in DB {database}. \
                 The file is damaged: copy it again from its source, or use an older backup.",
                key.escape_ascii()
            ),
            LoadError::Module { name, offset } => write!(
                f,
                "at byte {offset}: the file has data of the module type '{name}', which cannot be loaded. \
                 Unload the module on the server that wrote the file and save again."
            ),
        }
    }
}

impl std::error::Error for LoadError {}

fn unix_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Loads a file. A missing one is an empty one: `found` is false then.
pub fn load_file(
    path: &Path,
    keyspace: &Keyspace,
    worker: WorkerId,
    loading: &Loading,
    options: LoadOptions<'_>,
) -> Result<Loaded, LoadError> {
    let start = Instant::now();
    let file = match read_ahead::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Loaded::default()),
        Err(error) => return Err(LoadError::Open(error)),
    };
    let bytes_total = file.metadata().map_err(LoadError::Open)?.len();
    loading.begin(bytes_total);
    let _active = Active(loading);
    let source = ReadAhead::new(file).map_err(LoadError::Open)?;
    let limits = Limits { any_version: options.any_version, ..Limits::default() };
    let mut reader = Reader::new(source, limits).map_err(LoadError::Format)?;
    let mut loaded = Loaded { found: true, version: reader.version(), ..Loaded::default() };
    let drop_before_ms = options.drop_expired.then(|| unix_now().as_millis() as i64);
    let mut target = Target {
        keyspace,
        database: 0,
        drop_before_ms,
        builder: Builder::new(options.thresholds, drop_before_ms.map(|now| now.max(0) as u64)),
        object: None,
        clock_of: options.clock_of,
        pending: Vec::with_capacity(PENDING_MAX),
        bytes: Vec::new(),
    };
    let mut resting = Resting::default();
    loop {
        let delay_us = (options.key_delay_us)();
        // One at a time when it is slow, so that progress shows key by key, and a changed delay counts from the next key on.
        let parts = if delay_us == 0 { STRETCH } else { 1 };
        let keys_before = loaded.keys_read();
        let more = target.stretch(&mut reader, worker, parts, &mut loaded, options.aux)?;
        loaded.bytes = reader.offset();
        loading.bytes_loaded.store(loaded.bytes, Ordering::Relaxed);
        loading.keys_loaded.store(loaded.keys, Ordering::Relaxed);
        loading.keys_expired.store(loaded.expired, Ordering::Relaxed);
        if !more {
            loaded.duration = start.elapsed();
            return Ok(loaded);
        }
        if delay_us != 0 {
            resting.after(loaded.keys_read() - keys_before, delay_us);
        }
        if !(options.progress)() {
            return Err(LoadError::GivenUp);
        }
    }
}

/// Rests between keys, outside the gate.
#[derive(Default)]
struct Resting {
    /// Keys since the last microsecond, where only one of so many is followed by one.
    keys: u64,
}

impl Resting {
    fn after(&mut self, keys: u64, delay_us: i64) {
        let every = match u64::try_from(delay_us) {
            Ok(delay) => {
                thread::sleep(Duration::from_micros(delay.saturating_mul(keys)));
                return;
            }
            Err(_) => delay_us.unsigned_abs(),
        };
        self.keys += keys;
        if self.keys >= every {
            self.keys = 0;
            thread::sleep(Duration::from_micros(1));
        }
    }
}

/// Where entries go.
struct Target<'a> {
    keyspace: &'a Keyspace,
    database: u32,
    /// Entries with an earlier deadline are left out.
    drop_before_ms: Option<i64>,
    clock_of: &'a dyn Fn(Usage) -> u32,
    builder: Builder,
    /// The object that is being read.
    object: Option<Object>,
    pending: Vec<Pending>,
    /// Keys and small values of the pending entries.
    bytes: Vec<u8>,
}

/// Entries that are read before the first of them is inserted, so that the places where they belong can be prefetched.
const PENDING_MAX: usize = 64;

/// Bytes of keys and small values kept for them at most, give or take one entry.
const PENDING_BYTES_MAX: usize = 64 * 1024;

/// Bytes after which a stretch ends, if its entries are large.
const STRETCH_BYTES: u64 = 2 * 1024 * 1024;

/// An entry that has been read.
struct Pending {
    hash: KeyHash,
    /// Ends of key and value in [`Target::bytes`]; the key begins where the entry before ended.
    key_end: usize,
    value_end: usize,
    value: Kept,
    deadline_ms: Option<i64>,
    clock: u32,
    offset: u64,
}

enum Kept {
    Int(i64),
    Bytes,
    Shared(Shared),
    Block(ValueType, Form),
    Large(Large),
}

/// What stands before an object that is being read. Its key is behind everything else in [`Target::bytes`].
struct Object {
    hash: KeyHash,
    key_start: usize,
    deadline_ms: Option<i64>,
    clock: u32,
    offset: u64,
    /// It is only passed over.
    is_expired: bool,
}

impl Target<'_> {
    /// Loads up to so many parts. False at the end of the file.
    fn stretch(
        &mut self,
        reader: &mut Reader<ReadAhead>,
        worker: WorkerId,
        parts: usize,
        loaded: &mut Loaded,
        aux: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<bool, LoadError> {
        let until = reader.offset() + STRETCH_BYTES;
        let mut inside = self.keyspace.enter(worker);
        let mut more = true;
        for _ in 0..parts {
            if self.object.is_some() {
                if !self.read_object(reader, until, loaded)? {
                    break;
                }
                self.insert_if_many(&mut inside, loaded)?;
                continue;
            }
            let at = reader.offset();
            let Some(event) = reader.next_part().map_err(LoadError::Format)? else {
                more = false;
                break;
            };
            match event {
                Event::Entry(entry) => match (self.drop_before_ms, entry.expire_at_ms) {
                    (Some(now), Some(deadline)) if deadline < now => loaded.expired += 1,
                    _ => {
                        let hash = self.keep(entry);
                        self.keyspace.prefetch_stripe(hash);
                        self.insert_if_many(&mut inside, loaded)?;
                    }
                },
                Event::Object(head) => self.begin_object(&head),
                Event::SelectDb(number) => {
                    self.insert(&mut inside, loaded)?;
                    let databases = self.keyspace.databases();
                    match u32::try_from(number) {
                        Ok(known) if known < databases => self.database = known,
                        _ => return Err(LoadError::Database { number, databases, offset: at }),
                    }
                }
                Event::Aux { name, value } => aux(name, value),
                Event::ModuleAux { module } => {
                    return Err(LoadError::Module { name: module, offset: at });
                }
                Event::Function(_) => loaded.functions += 1,
                Event::End(_) => {
                    more = false;
                    break;
                }
                // Hints about sizes; segments grow as they fill.
                _ => {}
            }
            if reader.offset() >= until || self.keyspace.is_exclusive_wanted() {
                break;
            }
        }
        self.insert(&mut inside, loaded)?;
        Ok(more)
    }

    /// Remembers an entry, and returns its key's hash.
    fn keep(&mut self, entry: rdb::Entry<'_>) -> KeyHash {
        let hash = self.keyspace.hash(entry.key);
        self.bytes.extend_from_slice(entry.key);
        let key_end = self.bytes.len();
        let value = match entry.value {
            Value::Int(int) => Kept::Int(int),
            // Files spell integers of more than 32 bits as digits.
            Value::Bytes(bytes) => match parse_i64(bytes) {
                Some(int) => Kept::Int(int),
                None => {
                    self.bytes.extend_from_slice(bytes);
                    Kept::Bytes
                }
            },
            Value::Large(shared) => Kept::Shared(shared),
        };
        self.pending.push(Pending {
            hash,
            key_end,
            value_end: self.bytes.len(),
            value,
            deadline_ms: entry.expire_at_ms,
            clock: (self.clock_of)(entry.usage),
            offset: entry.offset,
        });
        hash
    }

    /// Remembers what stands before an object.
    fn begin_object(&mut self, head: &ObjectHead<'_>) {
        let is_expired = match (self.drop_before_ms, head.expire_at_ms) {
            (Some(now), Some(deadline)) => deadline < now,
            _ => false,
        };
        self.object = Some(Object {
            hash: self.keyspace.hash(head.key),
            key_start: self.bytes.len(),
            deadline_ms: head.expire_at_ms,
            clock: (self.clock_of)(head.usage),
            offset: head.offset,
            is_expired,
        });
        self.bytes.extend_from_slice(head.key);
    }

    /// Reads on in the object. Once it is complete it is pending, or gone if it had expired or is empty. False if it is not complete
    /// when the stretch has to end.
    fn read_object(
        &mut self,
        reader: &mut Reader<ReadAhead>,
        until: u64,
        loaded: &mut Loaded,
    ) -> Result<bool, LoadError> {
        let Some(object) = self.object.take() else { return Ok(true) };
        loop {
            let progress = match object.is_expired {
                true => reader.object_piece(&mut Discard),
                false => reader.object_piece(&mut self.builder),
            };
            match progress.map_err(LoadError::Format)? {
                Progress::More if reader.offset() >= until || self.keyspace.is_exclusive_wanted() => {
                    self.object = Some(object);
                    return Ok(false);
                }
                Progress::More => {}
                Progress::Empty => {
                    loaded.empty += 1;
                    self.bytes.truncate(object.key_start);
                    return Ok(true);
                }
                Progress::Complete => break,
            }
        }
        let built = if object.is_expired { None } else { self.builder.take() };
        let Some(built) = built else {
            self.bytes.truncate(object.key_start);
            loaded.expired += 1;
            return Ok(true);
        };
        let key_end = self.bytes.len();
        let value = match built {
            Built::Small(small) => {
                let (value_type, form, block) = shape(small);
                self.bytes.extend_from_slice(block);
                Kept::Block(value_type, form)
            }
            Built::Large(large) => Kept::Large(large),
        };
        let Object { hash, deadline_ms, clock, offset, .. } = object;
        let value_end = self.bytes.len();
        self.pending.push(Pending { hash, key_end, value_end, value, deadline_ms, clock, offset });
        self.keyspace.prefetch_stripe(hash);
        Ok(true)
    }

    fn insert_if_many(&mut self, inside: &mut Inside<'_>, loaded: &mut Loaded) -> Result<(), LoadError> {
        if self.pending.len() >= PENDING_MAX || self.bytes.len() >= PENDING_BYTES_MAX {
            self.insert(inside, loaded)?;
        }
        Ok(())
    }

    /// Inserts what is pending.
    fn insert(&mut self, inside: &mut Inside<'_>, loaded: &mut Loaded) -> Result<(), LoadError> {
        let expected = |pending: &Pending| Expected::new(self.database, pending.hash);
        inside.prefetch(&mut self.pending.iter().map(expected).collect::<Vec<_>>());
        let mut start = 0;
        for pending in self.pending.drain(..) {
            let Pending { hash, key_end, value_end, value, deadline_ms, clock, offset } = pending;
            let key = Key::new(&self.bytes[start..key_end], hash);
            let value = match value {
                Kept::Int(int) => NewValue::Int(int),
                Kept::Bytes => NewValue::Bytes(&self.bytes[key_end..value_end]),
                Kept::Shared(shared) => NewValue::shared(shared),
                Kept::Block(value_type, form) => {
                    NewValue::Block(value_type, form, &self.bytes[key_end..value_end])
                }
                Kept::Large(large) => NewValue::Large(large),
            };
            match inside.lock_key(hash).entry(self.database, key) {
                Entry::Vacant(vacant) => drop(vacant.insert(value, deadline_ms, clock)),
                Entry::Occupied(_) => {
                    let (key, database) = (key.bytes.to_vec(), self.database);
                    return Err(LoadError::Duplicate { key, database, offset });
                }
            }
            loaded.keys += 1;
            start = value_end;
        }
        // Behind the pending entries there may be the key of an object that is being read.
        self.bytes.drain(..start);
        if let Some(object) = &mut self.object {
            object.key_start = 0;
        }
        Ok(())
    }
}

/// Type, form and bytes of a small collection.
fn shape(small: Small<'_>) -> (ValueType, Form, &[u8]) {
    match small {
        Small::List(block) => (ValueType::List, Form::Packed, block),
        Small::Set(form, block) => (ValueType::Set, form.into(), block),
        Small::Zset(block) => (ValueType::Zset, Form::Packed, block),
        Small::Hash(form, block) => (ValueType::Hash, form.into(), block),
    }
}
