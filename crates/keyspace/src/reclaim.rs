//! Frees what is large on a thread of its own, a bounded number of nodes at a time, so that no client waits for a free.
//!
//! Bounds: the queue holds only what was removed and not yet freed; [`Reclaimer::pending`] is INFO's `lazyfree_pending_objects`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use value::Large;
use value::large::Teardown;
use value::stream::{Group, Stream};
use value::string::Shared;

use crate::background::{Background, PAUSE, Pauses};
use crate::table::Table;

/// Nodes of a large value that are freed between two looks at the clock: each may be far from the processor's caches.
const LOOK_NODES: usize = 8;

/// Nodes that are freed between two pauses of what a snapshot has held back, or a value that lives on has lost: it is in small parts, and a save may
/// be waiting for its memory.
const REST_NODES: usize = 256;

/// Entries of a table that are freed between two looks at the clock.
const LOOK_ENTRIES: usize = 64;

/// Between the first garbage after a rest and its freeing. On a shared core the scheduler prefers a thread that has just been woken, and who removed
/// the value shall be answered first.
const HEAD_START: Duration = Duration::from_millis(1);

/// How far the thread stands behind those that serve.
const NICE: i32 = 5;

/// Parts of a stream that are freed at once, as in Redis.
const AT_ONCE_MAX: u64 = 64;

enum Garbage {
    Large(Large),
    /// A part of a value, which no count knows.
    Rest(Teardown),
    Table(Table),
}

#[derive(Default)]
struct Counts {
    pending: AtomicU64,
    freed: AtomicU64,
}

/// Hands garbage to the freeing thread.
pub(crate) struct Reclaimer {
    queue: Sender<Garbage>,
    counts: Arc<Counts>,
}

impl Reclaimer {
    /// Starts the thread. It ends when the reclaimer is dropped and the queue is empty.
    pub(crate) fn start() -> Reclaimer {
        let (queue, garbage) = channel();
        let counts = Arc::new(Counts::default());
        let seen = Arc::clone(&counts);
        let run = move || {
            Background::default().enter(NICE);
            let next = || {
                garbage.try_recv().ok().or_else(|| {
                    let item = garbage.recv().ok()?;
                    if !matches!(item, Garbage::Rest(_)) {
                        thread::sleep(HEAD_START);
                    }
                    Some(item)
                })
            };
            let mut pauses = Pauses::new();
            while let Some(item) = next() {
                let objects = free(item, &mut pauses);
                seen.pending.fetch_sub(objects, Ordering::Relaxed);
                seen.freed.fetch_add(objects, Ordering::Relaxed);
            }
        };
        // Without the thread the queue is dropped with what is in it, which frees it where it was removed.
        let _ = thread::Builder::new().name("lazyfree".into()).spawn(run);
        Reclaimer { queue, counts }
    }

    /// Queues a large value; a flat one is freed at once, which is a single call to the allocator, and so is a short stream, which
    /// is no block for want of a form only.
    pub(crate) fn large(&self, large: Large) {
        let is_soon_freed = match &large {
            Large::String(shared) => matches!(**shared, Shared::Flat(_)),
            Large::Stream(stream) => is_short(stream),
            _ => false,
        };
        if is_soon_freed {
            return;
        }
        self.counts.pending.fetch_add(1, Ordering::Relaxed);
        let _ = self.queue.send(Garbage::Large(large));
    }

    /// Queues what a value that lives on has lost.
    pub(crate) fn rest(&self, rest: Teardown) {
        let _ = self.queue.send(Garbage::Rest(rest));
    }

    /// Queues a whole table.
    pub(crate) fn table(&self, table: Table) {
        if !table.is_empty() {
            self.counts.pending.fetch_add(table.len() as u64, Ordering::Relaxed);
            let _ = self.queue.send(Garbage::Table(table));
        }
    }

    /// Objects waiting to be freed, and objects freed so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.counts.pending.load(Ordering::Relaxed), self.counts.freed.load(Ordering::Relaxed))
    }

    pub(crate) fn reset_freed(&self) {
        self.counts.freed.store(0, Ordering::Relaxed);
    }
}

/// Whether freeing a stream takes no more than about [`AT_ONCE_MAX`] calls to the allocator.
fn is_short(stream: &Stream) -> bool {
    let parts = |group: &Group| 1 + group.consumers_len() + group.pending_len();
    stream.log().len() <= AT_ONCE_MAX
        && stream.groups_len() <= AT_ONCE_MAX
        && stream.groups().map(parts).sum::<u64>() <= AT_ONCE_MAX
}

/// Returns how many objects it was.
fn free(item: Garbage, pauses: &mut Pauses) -> u64 {
    match item {
        Garbage::Large(large) => {
            large.into_teardown().into_iter().for_each(|rest| tear_down(rest, pauses));
            pauses.pause_if_due();
            1
        }
        Garbage::Rest(mut rest) => {
            while !rest.step(REST_NODES) {
                thread::sleep(PAUSE);
            }
            0
        }
        Garbage::Table(table) => {
            let (objects, mut entries) = (table.len() as u64, 0);
            table.free_each(|large| {
                large.and_then(Large::into_teardown).into_iter().for_each(|rest| tear_down(rest, pauses));
                entries += 1;
                if entries % LOOK_ENTRIES == 0 {
                    pauses.pause_if_due();
                }
            });
            objects
        }
    }
}

fn tear_down(mut rest: Teardown, pauses: &mut Pauses) {
    while !rest.step(LOOK_NODES) {
        pauses.pause_if_due();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::stream::{NodeLimits, StreamId};

    fn stream(entries: u64) -> Stream {
        let mut stream = Stream::new();
        let pair: (&[u8], &[u8]) = (b"field", b"value");
        for ms in 1..=entries {
            let added =
                stream.log_mut().append(StreamId::new(ms, 0), [pair].into_iter(), NodeLimits::default());
            assert!(added.is_ok());
        }
        stream
    }

    #[test]
    fn only_a_short_stream_is_freed_at_once() {
        assert!(is_short(&stream(0)));
        assert!(is_short(&stream(AT_ONCE_MAX)));
        assert!(!is_short(&stream(AT_ONCE_MAX + 1)));
        let mut grouped = stream(1);
        grouped.create_group(b"g", StreamId::MIN, None);
        assert!(is_short(&grouped));
        grouped.edit_group(b"g", |_, group| {
            for number in 0..AT_ONCE_MAX {
                group.create_consumer(number.to_string().as_bytes(), 0);
            }
        });
        assert!(!is_short(&grouped));
    }
}
