//! What producers have sent before, so that a stream takes it once only.
//!
//! A producer calls each of its entries by a name of its own; a name that is known stands for the entry that it was given to, even if that is gone. It
//! knows no clock: a name is as old as the ID of its entry says, so that whoever applies the same additions has the same names, whenever it does so.
//!
//! ```text
//!   Idempotence { producers, due }                   clone: O(1)
//!      producers  producer -> Producer               Shelf
//!                                names  name -> ID    Shelf
//!                                order  (ID, name)    Shelf, the oldest first
//!      due        (ID of its oldest name, producer)  Shelf
//! ```
//!
//! Invariants:
//!  1. A producer has at least one name and at most `names_max`; `names` and `order` hold the same ones.
//!  2. `due` has one stamp for each producer, with the lowest ID that it has.
//!  3. `names_len` is how many names all producers have.
//!
//! Bounds: names of a producer by `names_max`; of producers by time, for every addition removes up to [`SWEPT_MAX`] names that are over. If a stream's
//! IDs run ahead of the clock, names are over only when its IDs have gone on by the duration.

use std::sync::Arc;

use super::StreamId;
use super::group::name_bytes;
use super::shelf::{Item, Shelf, ShelfDrain};
use crate::packed::size_class;

/// Most names that an addition removes because they are over.
const SWEPT_MAX: usize = 8;

/// How long names are known, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotenceLimits {
    /// Seconds that a name is known.
    pub duration_s: u32,
    /// Most names that are known of a producer, the newest.
    pub names_max: u32,
}

impl IdempotenceLimits {
    fn is_over(self, id: StreamId, now_ms: u64) -> bool {
        now_ms >= id.ms.saturating_add(u64::from(self.duration_s) * 1000)
    }
}

/// A name or a producer under an ID.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Stamp {
    id: StreamId,
    name: Arc<[u8]>,
}

impl Item for Stamp {
    type Key = Stamp;
    type Bound = Stamp;

    fn key(&self) -> &Stamp {
        self
    }

    fn bound(&self) -> Stamp {
        self.clone()
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

/// What a producer called an entry.
#[derive(Clone)]
struct Given {
    name: Arc<[u8]>,
    id: StreamId,
}

impl Item for Given {
    type Key = [u8];
    type Bound = Arc<[u8]>;

    fn key(&self) -> &[u8] {
        &self.name
    }

    fn bound(&self) -> Arc<[u8]> {
        Arc::clone(&self.name)
    }

    fn heap_bytes(&self) -> u64 {
        name_bytes(&self.name)
    }

    fn copied_bytes(&self) -> u64 {
        0
    }

    fn shared_bytes_estimate(&self) -> u64 {
        0
    }
}

#[derive(Clone)]
struct Producer {
    name: Arc<[u8]>,
    names: Shelf<Given>,
    order: Shelf<Stamp>,
}

impl Producer {
    fn new(name: Arc<[u8]>) -> Self {
        Self { name, names: Shelf::new(), order: Shelf::new() }
    }

    fn oldest(&self) -> Option<&Stamp> {
        self.order.iter().next()
    }

    fn note(&mut self, name: &[u8], id: StreamId, names_max: u32) {
        if let Some(before) = self.names.remove(name) {
            self.order.remove(&Stamp { id: before.id, name: before.name });
        }
        if self.names.len() >= u64::from(names_max) {
            self.remove_oldest();
        }
        let name: Arc<[u8]> = name.into();
        self.names.insert(Given { name: Arc::clone(&name), id });
        self.order.insert(Stamp { id, name });
    }

    fn remove_oldest(&mut self) {
        if let Some(oldest) = self.oldest().cloned() {
            self.order.remove(&oldest);
            self.names.remove(&oldest.name);
        }
    }
}

impl Item for Producer {
    type Key = [u8];
    type Bound = Arc<[u8]>;

    fn key(&self) -> &[u8] {
        &self.name
    }

    fn bound(&self) -> Arc<[u8]> {
        Arc::clone(&self.name)
    }

    fn heap_bytes(&self) -> u64 {
        name_bytes(&self.name) + self.names.heap_bytes() + self.order.heap_bytes()
    }

    fn copied_bytes(&self) -> u64 {
        self.names.copied_bytes() + self.order.copied_bytes()
    }

    fn shared_bytes_estimate(&self) -> u64 {
        self.names.shared_bytes_estimate() + self.order.shared_bytes_estimate()
    }
}

/// What producers have sent to a stream before.
#[derive(Clone)]
pub struct Idempotence {
    limits: IdempotenceLimits,
    producers: Shelf<Producer>,
    due: Shelf<Stamp>,
    names_len: u64,
    added: u64,
    repeated: u64,
}

impl Idempotence {
    /// Of a stream that knows no names yet.
    pub(super) fn new(limits: IdempotenceLimits) -> Self {
        Self { limits, producers: Shelf::new(), due: Shelf::new(), names_len: 0, added: 0, repeated: 0 }
    }

    /// How long names are known, and how many.
    pub fn limits(&self) -> IdempotenceLimits {
        self.limits
    }

    /// How many producers have names that are known.
    pub fn producers_len(&self) -> u64 {
        self.producers.len()
    }

    /// How many names are held; some may be over.
    pub fn names_len(&self) -> u64 {
        self.names_len
    }

    /// How many names were ever noted.
    pub fn added(&self) -> u64 {
        self.added
    }

    /// How often a name was known.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// The entry that a producer gave a name to, if that is not over; counted.
    pub(super) fn repeat(&mut self, producer: &[u8], name: &[u8], now_ms: u64) -> Option<StreamId> {
        let id = self.producers.get(producer)?.names.get(name)?.id;
        if self.limits.is_over(id, now_ms) {
            return None;
        }
        self.repeated += 1;
        Some(id)
    }

    /// Notes what a producer calls an entry, and removes what is over by then.
    pub(super) fn note(&mut self, producer: &[u8], name: &[u8], id: StreamId) {
        if self.producers.get(producer).is_none() {
            self.producers.insert(Producer::new(producer.into()));
        }
        let names_max = self.limits.names_max;
        self.change(producer, |producer| producer.note(name, id, names_max));
        self.added += 1;
        self.sweep(id.ms);
    }

    fn sweep(&mut self, now_ms: u64) {
        for _ in 0..SWEPT_MAX {
            let first = self.due.iter().next().cloned();
            match first {
                Some(first) if self.limits.is_over(first.id, now_ms) => {
                    self.change(&first.name, Producer::remove_oldest);
                }
                _ => break,
            }
        }
    }

    /// Changes a producer's names and what follows from them.
    fn change(&mut self, producer: &[u8], change: impl FnOnce(&mut Producer)) {
        let seen = |producer: &Producer| {
            let due =
                producer.oldest().map(|oldest| Stamp { id: oldest.id, name: Arc::clone(&producer.name) });
            (due, producer.names.len())
        };
        let changed = self.producers.edit(producer, |producer| {
            let before = seen(producer);
            change(producer);
            (before, seen(producer))
        });
        let Some(((due_before, len_before), (due, len))) = changed else { return };
        self.names_len = self.names_len - len_before + len;
        if due == due_before {
            return;
        }
        if let Some(due) = due_before {
            self.due.remove(&due);
        }
        match due {
            Some(due) => {
                self.due.insert(due);
            }
            None => {
                self.producers.remove(producer);
            }
        }
    }

    /// Sets limits. If they are others, all names are forgotten, to be freed as the returned teardown says.
    pub(super) fn limit(&mut self, limits: IdempotenceLimits) -> Option<IdempotenceTeardown> {
        if limits == self.limits {
            return None;
        }
        self.limits = limits;
        self.names_len = 0;
        let (producers, due) = (std::mem::take(&mut self.producers), std::mem::take(&mut self.due));
        Some(IdempotenceTeardown::new(producers, due))
    }

    pub(super) fn into_teardown(self) -> IdempotenceTeardown {
        IdempotenceTeardown::new(self.producers, self.due)
    }

    pub(super) fn heap_bytes(&self) -> u64 {
        size_class(size_of::<Self>()) as u64 + self.producers.heap_bytes() + self.due.heap_bytes()
    }

    pub(super) fn copied_bytes(&self) -> u64 {
        self.producers.copied_bytes() + self.due.copied_bytes()
    }

    pub(super) fn shared_bytes_estimate(&self) -> u64 {
        self.producers.shared_bytes_estimate() + self.due.shared_bytes_estimate()
    }

    /// Verifies the invariants and panics with the broken one.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        self.producers.check();
        self.due.check();
        assert_eq!(self.due.len(), self.producers.len(), "invariant 2");
        let mut names_len = 0;
        for producer in self.producers.iter() {
            producer.names.check();
            producer.order.check();
            let len = producer.names.len();
            assert!((1..=u64::from(self.limits.names_max)).contains(&len), "invariant 1");
            assert_eq!(producer.order.len(), len, "invariant 1");
            for stamp in producer.order.iter() {
                let given = producer.names.get(&stamp.name).map(|given| given.id);
                assert_eq!(given, Some(stamp.id), "invariant 1");
            }
            let oldest = producer.oldest().map_or(StreamId::MAX, |oldest| oldest.id);
            let due = Stamp { id: oldest, name: Arc::clone(&producer.name) };
            assert!(self.due.get(&due).is_some(), "invariant 2");
            names_len += len;
        }
        assert_eq!(self.names_len, names_len, "invariant 3");
    }
}

/// What is left of names that are being freed.
pub(super) struct IdempotenceTeardown {
    producers: ShelfDrain<Producer>,
    due: ShelfDrain<Stamp>,
    names: ShelfDrain<Given>,
    order: ShelfDrain<Stamp>,
}

impl IdempotenceTeardown {
    fn new(producers: Shelf<Producer>, due: Shelf<Stamp>) -> Self {
        let (names, order) = (Shelf::new().into_drain(), Shelf::new().into_drain());
        Self { producers: producers.into_drain(), due: due.into_drain(), names, order }
    }

    /// Frees one thing. False if nothing was left.
    pub fn step(&mut self) -> bool {
        if self.names.next().is_some() || self.order.next().is_some() || self.due.next().is_some() {
            return true;
        }
        let Some(producer) = self.producers.next() else { return false };
        self.names = producer.names.into_drain();
        self.order = producer.order.into_drain();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: IdempotenceLimits = IdempotenceLimits { duration_s: 100, names_max: 100 };

    fn id(ms: u64) -> StreamId {
        StreamId::new(ms, 0)
    }

    #[test]
    fn names_are_known_for_their_time() {
        let mut it = Idempotence::new(LIMITS);
        it.note(b"p", b"a", id(1000));
        assert_eq!(it.repeat(b"p", b"a", 1000), Some(id(1000)));
        assert_eq!(it.repeat(b"p", b"a", 100_999), Some(id(1000)));
        assert_eq!(it.repeat(b"p", b"a", 101_000), None);
        assert_eq!(it.repeat(b"p", b"b", 1000), None);
        assert_eq!(it.repeat(b"q", b"a", 1000), None);
        // Given anew, it is the new entry's.
        it.note(b"p", b"a", id(101_000));
        assert_eq!(it.repeat(b"p", b"a", 101_000), Some(id(101_000)));
        assert_eq!((it.names_len(), it.added(), it.repeated()), (1, 2, 3));
        it.check();
    }

    #[test]
    fn the_newest_of_a_producer_are_known() {
        let mut it = Idempotence::new(LIMITS);
        assert!(it.limit(IdempotenceLimits { duration_s: 100, names_max: 3 }).is_some());
        for (at, name) in [b"a", b"b", b"c", b"d"].into_iter().enumerate() {
            it.note(b"p", name, id(at as u64 + 1));
            it.note(b"q", b"a", id(at as u64 + 1));
            it.check();
        }
        assert_eq!(it.repeat(b"p", b"a", 5), None);
        assert_eq!(it.repeat(b"p", b"b", 5), Some(id(2)));
        assert_eq!(it.repeat(b"p", b"d", 5), Some(id(4)));
        assert_eq!(it.repeat(b"q", b"a", 5), Some(id(4)));
        assert_eq!((it.producers_len(), it.names_len()), (2, 4));
    }

    #[test]
    fn other_limits_forget_the_same_do_not() {
        let mut it = Idempotence::new(LIMITS);
        it.note(b"p", b"a", id(1));
        assert!(it.limit(LIMITS).is_none());
        assert_eq!(it.repeat(b"p", b"a", 1), Some(id(1)));
        let mut teardown = it.limit(IdempotenceLimits { duration_s: 5, names_max: 100 }).expect("others");
        assert_eq!(it.repeat(b"p", b"a", 1), None);
        assert_eq!((it.producers_len(), it.names_len(), it.added(), it.repeated()), (0, 0, 1, 1));
        it.check();
        let mut steps = 0;
        while teardown.step() {
            steps += 1;
        }
        // A producer, its name, the stamp of the name and its own.
        assert_eq!(steps, 4);
    }

    /// Beside a plain model: the same names, whatever the order of producers, and nothing is held for much longer than its time.
    #[test]
    fn beside_a_model() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut it = Idempotence::new(LIMITS);
        let limits = IdempotenceLimits { duration_s: 2, names_max: 7 };
        it.limit(limits);
        let mut model: Vec<(u8, u8, StreamId)> = Vec::new();
        let (mut last, mut frozen) = (StreamId::MIN, Vec::new());
        for step in 0..20_000 {
            let (producer, name) = (rng.u8(..), rng.u8(..20));
            let now = last.ms + rng.u64(..9);
            let known = model.iter().find(|(p, n, id)| (*p, *n) == (producer, name) && id.ms + 2000 > now);
            let expected = known.map(|known| known.2);
            assert_eq!(it.repeat(&[producer], &[name], now), expected, "step {step}");
            if expected.is_some() {
                continue;
            }
            last = if now > last.ms { id(now) } else { StreamId::new(last.ms, last.seq + 1) };
            it.note(&[producer], &[name], last);
            model.retain(|(p, n, id)| (*p, *n) != (producer, name) && id.ms + 2000 > last.ms);
            let of_producer: Vec<usize> = (0..model.len()).filter(|at| model[*at].0 == producer).collect();
            if of_producer.len() == 7 {
                model.remove(of_producer[0]);
            }
            model.push((producer, name, last));
            // Now and then more are over at once than an addition removes.
            let held = model.len() as u64..=model.len() as u64 + 2 * SWEPT_MAX as u64;
            assert!(held.contains(&it.names_len()), "step {step}: {} of {}", it.names_len(), model.len());
            if step % 500 == 0 {
                it.check();
                frozen.push((it.clone(), it.names_len(), it.heap_bytes()));
            }
        }
        for (clone, names_len, heap_bytes) in frozen {
            clone.check();
            assert_eq!((clone.names_len(), clone.heap_bytes()), (names_len, heap_bytes));
        }
        // Producers that are never heard of again go too.
        it.note(b"last", b"a", id(last.ms + 2000));
        for n in 1..300 {
            it.note(b"last", b"a", StreamId::new(last.ms + 2000, n));
        }
        assert_eq!((it.producers_len(), it.names_len()), (1, 1));
        it.check();
    }
}
