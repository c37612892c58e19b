//! A snapshot before its cut. Everything that takes time is done by the snapshot's own thread, and the cut is made by a worker when that is over:
//! a reactor that began a save by itself would keep its clients waiting for the disk, the kernel's accounts and its memory.
//!
//! ```text
//!   Preparing::begin ──> thread "snapshot": plan (file, options), memory ──> ready() ──> waits for the cut ──> writer::run
//!      │    │                                     │ error                     │
//!      │    └ dropped: what is there is given up  └> ready()                  │ dropped: gives up
//!      └──────────────────── take, wait ──> Prepared ── cut ──> Arc<Snapshot> ┘
//! ```
//! Locks: the slot's is a leaf, held for a few instructions. Faults: an error of the plan is told to whoever takes it; without a thread nothing
//! was planned. A plan that hangs keeps nobody waiting but who [waits](Preparing::wait).

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyspace::{Access, HugePagePart, Inside, Keyspace, WorkerId};

use crate::options::{Options, Sink};
use crate::snapshot::Snapshot;
use crate::sync::{Condvar, Mutex, thread};

/// How a snapshot is made and where its bytes go.
pub type Plan = (Options, Box<dyn Sink>);

/// Where the thread leaves what it has prepared.
#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    change: Condvar,
}

#[derive(Default)]
enum State {
    #[default]
    Busy,
    Over(io::Result<Prepared>),
    /// It was taken, or nobody wants it.
    Gone,
}

impl Slot {
    /// False if nobody wants it: `result` is dropped then.
    fn put(&self, result: io::Result<Prepared>) -> bool {
        let mut state = self.state.lock();
        let is_wanted = matches!(*state, State::Busy);
        if is_wanted {
            *state = State::Over(result);
        }
        drop(state);
        self.change.notify_all();
        is_wanted
    }

    fn take(&self) -> Option<io::Result<Prepared>> {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Gone) {
            State::Over(result) => Some(result),
            other => {
                *state = other;
                None
            }
        }
    }
}

/// The thread's side of the slot: somebody hears of the end even if it panics.
struct Teller<R: FnOnce()> {
    slot: Arc<Slot>,
    ready: Option<R>,
}

impl<R: FnOnce()> Teller<R> {
    fn tell(&mut self, result: io::Result<Prepared>) {
        if let Some(ready) = self.ready.take()
            && self.slot.put(result)
        {
            ready();
        }
    }
}

impl<R: FnOnce()> Drop for Teller<R> {
    fn drop(&mut self) {
        self.tell(Err(io::Error::other("the snapshot's thread panicked")));
    }
}

/// A snapshot that its thread is preparing. Dropped before it is taken, it leaves nothing behind.
pub struct Preparing(Arc<Slot>);

impl Drop for Preparing {
    fn drop(&mut self) {
        let left = std::mem::replace(&mut *self.0.state.lock(), State::Gone);
        drop(left);
    }
}

impl Preparing {
    /// Starts the thread that asks `plan` for everything else and calls `ready` when [`take`](Self::take) will succeed, or when that failed. Fails when there can
    /// be no thread.
    pub fn begin(
        keyspace: &Keyspace,
        plan: impl FnOnce() -> io::Result<Plan> + Send + 'static,
        ready: impl FnOnce() + Send + 'static,
    ) -> io::Result<Preparing> {
        let (workers, stripes) = (keyspace.workers(), keyspace.stripes());
        let slot = Arc::new(Slot::default());
        let mut teller = Teller { slot: Arc::clone(&slot), ready: Some(ready) };
        let body = move || match prepare(plan, workers, stripes) {
            Err(error) => teller.tell(Err(error)),
            Ok((snapshot, rest, sink)) => {
                teller.tell(Ok(Prepared(Some(Arc::clone(&snapshot)))));
                drop(teller);
                crate::writer::run(snapshot, sink, rest);
            }
        };
        // It ends by itself, after the writer's last act.
        let _detached = thread::Builder::new().name("snapshot".into()).spawn(body)?;
        Ok(Preparing(slot))
    }

    /// What came of it, once it is over; after that there is nothing.
    pub fn take(&self) -> Option<io::Result<Prepared>> {
        self.0.take()
    }

    /// Whether there is something to take.
    pub fn is_over(&self) -> bool {
        matches!(*self.0.state.lock(), State::Over(_))
    }

    /// Waits for what comes of it.
    pub fn wait(self) -> io::Result<Prepared> {
        let mut state = self.0.state.lock();
        while matches!(*state, State::Busy) {
            self.0.change.wait(&mut state);
        }
        match std::mem::replace(&mut *state, State::Gone) {
            State::Over(result) => result,
            _ => Err(io::Error::other("it was taken before")),
        }
    }

    /// Waits for it, at most for `limit`: before a process exits.
    pub fn wait_for(self, limit: Duration) -> Option<io::Result<Prepared>> {
        let until = Instant::now() + limit;
        loop {
            let result = self.take();
            if result.is_some() || Instant::now() >= until {
                return result;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The thread's part before the cut. Also returns what the file leaves of its memory. The file begins with what is known only then: until that is written, blocks are queued.
fn prepare(
    plan: impl FnOnce() -> io::Result<Plan>,
    workers: usize,
    stripes: usize,
) -> io::Result<(Arc<Snapshot>, HugePagePart, Box<dyn Sink>)> {
    let (options, mut sink) = plan()?;
    let page = HugePagePart::page().map_err(|error| {
        sink.abort();
        io::Error::new(error.kind(), format!("mmap: {error}"))
    })?;
    let snapshot = Snapshot::new(options, workers, stripes);
    let rest = snapshot.queue.set_up(page, snapshot.options.checksum);
    Ok((Arc::new(snapshot), rest, sink))
}

/// A snapshot that is ready to be cut: its thread waits. Dropped without a cut, it leaves nothing behind.
pub struct Prepared(Option<Arc<Snapshot>>);

impl Drop for Prepared {
    fn drop(&mut self) {
        if let Some(snapshot) = &self.0 {
            snapshot.queue.abort();
        }
    }
}

impl Prepared {
    /// Counts the keys, enters the gate exclusively and cuts. `note` runs inside, before anybody may write again, and returns facts for the file's
    /// start (a log offset).
    pub fn cut(
        mut self,
        keyspace: &Keyspace,
        worker: WorkerId,
        note: impl FnOnce(&mut Access<'_>) -> Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Arc<Snapshot> {
        let Some(snapshot) = self.0.take() else { unreachable!("taken only here and in give_up") };
        let sizes = sizes(&mut keyspace.enter(worker));
        let asked = Instant::now();
        let mut access = keyspace.exclusive(worker);
        let entered = Instant::now();
        let aux = note(&mut access);
        Arc::clone(&snapshot).attach(&mut access, aux, sizes);
        drop(access);
        snapshot.open(entered.elapsed(), entered - asked);
        snapshot
    }

    /// Gives up and waits until the sink is aborted, at most for `limit`: before a process exits. True when it is.
    pub fn give_up(mut self, limit: Duration) -> bool {
        let Some(snapshot) = self.0.take() else { return true };
        snapshot.queue.abort();
        snapshot.wait_for_writer(limit)
    }
}

/// Entries and entries with a deadline of each physical database.
fn sizes(inside: &mut Inside<'_>) -> Vec<(u64, u64)> {
    let keyspace = inside.keyspace();
    let mut sizes = vec![(0, 0); keyspace.databases() as usize];
    for stripe in 0..keyspace.stripes() {
        let access = inside.lock_stripe(stripe);
        for (physical, sum) in (0..).zip(&mut sizes) {
            let (keys, deadlines) = access.physical_len(physical, stripe);
            *sum = (sum.0 + keys as u64, sum.1 + deadlines as u64);
        }
    }
    sizes
}

impl Snapshot {
    /// Prepares one and waits for that: for tests and measurements, which have their sink at hand.
    pub fn prepare(keyspace: &Keyspace, options: Options, sink: Box<dyn Sink>) -> io::Result<Prepared> {
        Preparing::begin(keyspace, || Ok((options, sink)), || ())?.wait()
    }
}
