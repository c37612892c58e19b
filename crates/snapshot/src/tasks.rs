//! What the walkers have to do: a task for each stripe, and one for each table that a flush has cut out. Walks nothing itself.
//!
//! A task is with one worker or parked; parked tasks are taken up before new stripes are begun, flushed tables first,
//! since they hold memory that clients think is free.

use keyspace::TakenTable;

pub(crate) enum Task {
    /// The tables of a stripe, from this place on.
    Stripe { stripe: usize, physical: u32, position: u64 },
    /// A flushed table, from this position on.
    Table { taken: Box<TakenTable>, position: u64 },
}

pub(crate) struct Pool {
    stripes_next: usize,
    parked: Vec<Task>,
    in_flight: usize,
    done: Box<[bool]>,
}

impl Pool {
    pub(crate) fn new(stripes: usize) -> Pool {
        Pool { stripes_next: 0, parked: Vec::new(), in_flight: 0, done: vec![false; stripes].into() }
    }

    /// A task to work on.
    pub(crate) fn take(&mut self) -> Option<Task> {
        let table = self.parked.iter().rposition(|task| matches!(task, Task::Table { .. }));
        let task = match table {
            Some(at) => Some(self.parked.swap_remove(at)),
            None => self.parked.pop(),
        };
        let task = task.or_else(|| {
            let stripe = self.stripes_next;
            (stripe < self.done.len()).then(|| {
                self.stripes_next += 1;
                Task::Stripe { stripe, physical: 0, position: 0 }
            })
        })?;
        self.in_flight += 1;
        Some(task)
    }

    /// Gives an unfinished task back.
    pub(crate) fn park(&mut self, task: Task) {
        self.in_flight -= 1;
        self.parked.push(task);
    }

    /// A stripe's task is finished, or (`None`) that of a flushed table. Returns true when it was the last of all.
    pub(crate) fn finish(&mut self, stripe: Option<usize>) -> bool {
        self.in_flight -= 1;
        if let Some(done) = stripe.and_then(|stripe| self.done.get_mut(stripe)) {
            *done = true;
        }
        self.is_complete()
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.in_flight == 0 && self.parked.is_empty() && self.stripes_next == self.done.len()
    }

    /// Accepts a flushed table if something of it may be owed still, else gives it back.
    pub(crate) fn accept(&mut self, taken: TakenTable) -> Option<TakenTable> {
        if self.done.get(taken.stripe).copied().unwrap_or(true) {
            return Some(taken);
        }
        self.parked.push(Task::Table { taken: Box::new(taken), position: 0 });
        None
    }

    /// Bytes of flushed tables that wait.
    pub(crate) fn tables_bytes(&self) -> u64 {
        self.parked
            .iter()
            .filter_map(|task| match task {
                Task::Table { taken, .. } => Some(taken.table.bytes()),
                Task::Stripe { .. } => None,
            })
            .map(|bytes| bytes.entries + bytes.index + bytes.shared + bytes.expiry)
            .sum()
    }
}
