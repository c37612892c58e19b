//! The one ordered stream of effects: what every write did, in the form in which a replica would be sent it.
//!
//! Opens no file and no socket; append-only files and replicas are readers. Interprets nothing of what it carries; it adds the databases, and MULTI and EXEC around what belongs together.
//!
//! ```text
//!   writers, under their stripes' locks          readers
//!   append(db, bytes) ──> [ ring of capacity bytes | offset ............ end ] ──> Reader::read
//!                           oldest byte still held ^                     ^ next byte's offset
//! ```
//! Invariants
//! - L1: offsets only grow; the byte at an offset never changes while it is held.
//! - L2: an append is contiguous, and appends are in the order in which their writers held their locks, as an append happens
//!   before its writer gives them back.
//! - L3: with no reader nothing is stored; [`Log::is_read`] is one relaxed load, and writers gather nothing.
//! - L4: a reader's stream begins with a SELECT, so that it can be applied from where it starts.
//!
//! Locks: one mutex, a leaf, held for a copy. Reserve and publish are one critical section for now: effects are small (100 bytes are
//! copied in some nanoseconds) and the ring stays safe code; docs/decisions/0003-log-ring.md says when to split them.
//! Bounds: the ring's capacity. A reader that falls further behind gets [`Lost`] and has to start anew.

#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Condvar, Mutex};

struct Ring {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// Offset behind the last byte.
    end: u64,
    /// Database that the stream has selected last.
    database: Option<u32>,
}

/// The stream.
pub struct Log {
    readers: AtomicUsize,
    end: AtomicU64,
    ring: Mutex<Ring>,
    grown: Condvar,
}

/// A reader fell behind by more than the ring holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The offset it wanted.
    pub wanted: u64,
    /// The oldest offset still held.
    pub oldest: u64,
}

/// Follows the stream from an offset on; the log stores for as long as there is one.
pub struct Reader {
    log: Arc<Log>,
    offset: u64,
}

impl Log {
    /// A log whose ring holds `capacity` bytes.
    pub fn new(capacity: usize) -> Log {
        Log {
            readers: AtomicUsize::new(0),
            end: AtomicU64::new(0),
            ring: Mutex::new(Ring { bytes: VecDeque::new(), capacity, end: 0, database: None }),
            grown: Condvar::new(),
        }
    }

    /// Whether anybody reads: if not, writers need not say what they did (L3).
    #[inline]
    pub fn is_read(&self) -> bool {
        self.readers.load(Ordering::Relaxed) > 0
    }

    /// The offset of the next byte.
    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Appends effects on a database. The caller holds the locks under which they happened (L2). Returns the offset behind them.
    pub fn append(&self, database: u32, effects: &[u8]) -> u64 {
        let mut ring = self.ring.lock();
        ring.select(database);
        ring.push(effects);
        self.publish(&ring)
    }

    /// Appends several effects of one request, each with its database, between MULTI and EXEC: who applies the stream shows all of
    /// them or none. As real servers write it, a SELECT stands inside. The caller holds the locks under which they happened (L2).
    pub fn append_together(&self, effects: &[(u32, &[u8])]) -> u64 {
        let mut ring = self.ring.lock();
        ring.push(b"*1\r\n$5\r\nMULTI\r\n");
        for (database, effect) in effects {
            ring.select(*database);
            ring.push(effect);
        }
        ring.push(b"*1\r\n$4\r\nEXEC\r\n");
        self.publish(&ring)
    }

    fn publish(&self, ring: &Ring) -> u64 {
        self.end.store(ring.end, Ordering::Release);
        self.grown.notify_all();
        ring.end
    }

    /// Starts a reader at the present end. Nobody executes a write meanwhile (the gate is held exclusively, or nothing serves yet),
    /// so that the offset is a cut (L4).
    pub fn reader(self: &Arc<Self>) -> Reader {
        let mut ring = self.ring.lock();
        ring.database = None;
        self.readers.fetch_add(1, Ordering::Relaxed);
        Reader { offset: ring.end, log: Arc::clone(self) }
    }
}

impl Ring {
    /// Makes what follows one on this database.
    fn select(&mut self, database: u32) {
        if self.database != Some(database) {
            self.database = Some(database);
            let number = database.to_string();
            let select = format!("*2\r\n$6\r\nSELECT\r\n${}\r\n{number}\r\n", number.len());
            self.push(select.as_bytes());
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        self.end += bytes.len() as u64;
        let over = self.bytes.len().saturating_sub(self.capacity);
        self.bytes.drain(..over);
    }
}

impl Reader {
    /// The offset of the next byte to be read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Appends up to `limit` bytes of what follows to `into`; returns how many. 0: nothing new.
    ///
    /// # Errors
    /// [`Lost`] when the ring no longer holds the next byte.
    pub fn read(&mut self, into: &mut Vec<u8>, limit: usize) -> Result<usize, Lost> {
        let ring = self.log.ring.lock();
        let oldest = ring.end - ring.bytes.len() as u64;
        let Some(skip) = self.offset.checked_sub(oldest) else {
            return Err(Lost { wanted: self.offset, oldest });
        };
        let (first, second) = ring.bytes.as_slices();
        let mut taken = 0;
        let mut skip = skip as usize;
        for part in [first, second] {
            let from = skip.min(part.len());
            skip -= from;
            let part = &part[from..];
            let part = &part[..part.len().min(limit - taken)];
            into.extend_from_slice(part);
            taken += part.len();
        }
        self.offset += taken as u64;
        Ok(taken)
    }

    /// Waits until there is something to read, at most `timeout`.
    pub fn wait(&self, timeout: std::time::Duration) {
        let mut ring = self.log.ring.lock();
        if ring.end == self.offset {
            self.log.grown.wait_for(&mut ring, timeout);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.log.readers.fetch_sub(1, Ordering::Relaxed) == 1 {
            let mut ring = self.log.ring.lock();
            ring.bytes = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_everything_from_its_start() {
        let log = Arc::new(Log::new(1000));
        assert!(!log.is_read());
        let mut reader = log.reader();
        assert!(log.is_read());
        log.append(3, b"one");
        log.append(3, b"two");
        log.append(12, b"three");
        let expected = b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\nonetwo*2\r\n$6\r\nSELECT\r\n$2\r\n12\r\nthree";
        let mut got = Vec::new();
        while reader.read(&mut got, 7).unwrap() > 0 {}
        assert_eq!(got, expected);
        assert_eq!(reader.offset(), log.end());
        drop(reader);
        assert!(!log.is_read());
    }

    #[test]
    fn what_belongs_together_is_a_transaction() {
        let log = Arc::new(Log::new(1000));
        let mut reader = log.reader();
        log.append_together(&[(1, b"a"), (0, b"b"), (0, b"c")]);
        log.append(0, b"d");
        let mut got = Vec::new();
        reader.read(&mut got, 1000).unwrap();
        let select = |number| format!("*2\r\n$6\r\nSELECT\r\n$1\r\n{number}\r\n");
        let expected = format!("*1\r\n$5\r\nMULTI\r\n{}a{}bc*1\r\n$4\r\nEXEC\r\nd", select(1), select(0));
        assert_eq!(String::from_utf8_lossy(&got), expected);
        assert_eq!(reader.offset(), log.end());
    }

    #[test]
    fn a_late_reader_gets_a_select_of_its_own() {
        let log = Arc::new(Log::new(1000));
        let _first = log.reader();
        log.append(0, b"x");
        let mut second = log.reader();
        log.append(0, b"y");
        let mut got = Vec::new();
        second.read(&mut got, 1000).unwrap();
        assert_eq!(got, b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\ny");
    }

    #[test]
    fn who_falls_behind_is_told() {
        let log = Arc::new(Log::new(64));
        let mut reader = log.reader();
        for _ in 0..10 {
            log.append(0, b"0123456789");
        }
        let lost = reader.read(&mut Vec::new(), 10).unwrap_err();
        assert_eq!((lost.wanted, lost.oldest), (0, log.end() - 64));
    }
}
