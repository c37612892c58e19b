//! A table's deadlines against a model, with a clock of the test's own that runs for months.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// No snapshot runs here.
struct NoSink;

impl SinkSource for NoSink {
    fn with_sink(&self, _: &mut dyn FnMut(&dyn PreImage)) {}

    fn note_field_deadlines(&self) {}
}

fn mark<'a>(hasher: &'a KeyHasher, clock_ms: &'a AtomicI64) -> Mark<'a> {
    Mark { parity: false, sink: &NoSink, worker: WorkerId(0), database: 0, hasher, clock_ms }
}

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How late a deadline may be noticed by whoever looks at every tick: it is rounded up, and the look is within a tick.
const LATE_MS_MAX: i64 = 2 * TICK_MS;

/// A table, what should be in it, and the time.
struct World {
    table: Table,
    hasher: KeyHasher,
    clock_ms: AtomicI64,
    rng: fastrand::Rng,
    model: BTreeMap<u64, Option<i64>>,
    /// The model's deadlines in order.
    due: BTreeSet<(i64, u64)>,
    fired: usize,
    /// Calls of `expire_due` and the most entries that one removed.
    removed_max: usize,
    /// Entries that every slice of a sweep leaves out: only the canary sets this.
    skipped: u64,
}

impl World {
    fn new(seed: u64, start_ms: i64) -> World {
        World {
            table: Table::new(22),
            hasher: KeyHasher::new(10),
            clock_ms: AtomicI64::new(start_ms),
            rng: fastrand::Rng::with_seed(seed),
            model: BTreeMap::new(),
            due: BTreeSet::new(),
            fired: 0,
            removed_max: 0,
            skipped: 0,
        }
    }

    fn now_ms(&self) -> i64 {
        self.clock_ms.load(Ordering::Relaxed)
    }

    /// Gives a key, new or not, a deadline or none.
    fn put(&mut self, id: u64, deadline_ms: Option<i64>) {
        let key = id.to_be_bytes();
        let position = self.hasher.position(&key);
        let mark = mark(&self.hasher, &self.clock_ms);
        match self.table.find(position, &key) {
            Some(mut found) => self.table.set_deadline(&mut found, position, deadline_ms, mark),
            None => drop(self.table.insert(position, &key, NewValue::Int(1), deadline_ms, 0, mark)),
        }
        if let Some(Some(old)) = self.model.insert(id, deadline_ms) {
            self.due.remove(&(old, id));
        }
        self.due.extend(deadline_ms.map(|deadline| (deadline, id)));
    }

    fn remove(&mut self, id: u64) {
        let key = id.to_be_bytes();
        let Some(deadline) = self.model.remove(&id) else { return };
        if let Some(deadline) = deadline {
            self.due.remove(&(deadline, id));
        }
        let mark = mark(&self.hasher, &self.clock_ms);
        let found = self.table.find(self.hasher.position(&key), &key).expect("it is in the model");
        self.table.remove(found, mark);
    }

    /// A deadline of a kind that the wheel treats differently from others: seconds, hours, days or months ahead.
    fn some_deadline(&mut self) -> i64 {
        let span = match self.rng.u8(..8) {
            0 => 20_000,
            1 => HOUR_MS,
            2 => 20 * HOUR_MS,
            3..6 => 10 * DAY_MS,
            _ => 120 * DAY_MS,
        };
        self.now_ms() + self.rng.i64(1..span)
    }

    /// A few changes of some of `ids` keys.
    fn change(&mut self, ids: u64, count: usize) {
        for _ in 0..count {
            let id = self.rng.u64(..ids);
            match self.rng.u8(..8) {
                0..5 => {
                    let deadline = self.some_deadline();
                    self.put(id, Some(deadline));
                }
                5 => self.put(id, None),
                _ => self.remove(id),
            }
        }
    }

    /// One call of `expire_due`; every entry that it removes was due.
    fn expire(&mut self, limit: usize) -> bool {
        let now_ms = self.now_ms();
        let mark = mark(&self.hasher, &self.clock_ms);
        let (model, due) = (&mut self.model, &mut self.due);
        let mut removed = 0;
        let mut before = |expired: Expired<'_>| {
            let Expired::Key(view) = expired else { panic!("no hash is here") };
            let id = u64::from_be_bytes(view.key.try_into().expect("8 bytes"));
            let deadline = model.remove(&id).expect("fired once").expect("fired with a deadline");
            assert!(deadline <= now_ms && Some(deadline) == view.deadline_ms, "fired early");
            assert!(due.remove(&(deadline, id)));
            removed += 1;
        };
        let more = self.table.expire_due(now_ms, limit, mark, &mut before, &mut drop);
        self.fired += removed;
        self.removed_max = self.removed_max.max(removed);
        if self.skipped > 0 {
            self.table.wheel.skip_ahead(self.skipped);
        }
        more
    }

    /// Lets the time pass up to `until_ms`, looking only when the table asks for it. `meanwhile` is called before each look, and `jump`
    /// is the time by which a look is late. An error says what was not removed in time.
    fn pass(
        &mut self,
        until_ms: i64,
        late_ms: i64,
        mut meanwhile: impl FnMut(&mut World),
    ) -> Result<(), String> {
        while self.now_ms() < until_ms {
            let wanted = self.table.next_due_ms().unwrap_or(i64::MAX).max(self.now_ms() + 1);
            let overdue =
                self.due.first().map_or(i64::MAX, |&(deadline, _)| deadline + LATE_MS_MAX + late_ms);
            let now_ms = wanted.saturating_add(late_ms).min(until_ms);
            if overdue < now_ms {
                return Err(format!("{:?} is not looked for before {now_ms}", self.due.first()));
            }
            self.clock_ms.store(now_ms, Ordering::Relaxed);
            meanwhile(self);
            let limit = self.rng.usize(1..40);
            while self.expire(limit) {
                meanwhile(self);
            }
            match self.due.first() {
                Some(&(deadline, id)) if deadline + LATE_MS_MAX <= now_ms => {
                    return Err(format!("{id} with {deadline} is still there at {now_ms}"));
                }
                _ => {}
            }
            assert!(self.removed_max <= 40 + 8, "{} entries in one call", self.removed_max);
        }
        Ok(())
    }

    fn check(&self) {
        self.table.index.check(|bits| self.hasher.position(pointed(bits).key()));
        assert_eq!(self.table.len(), self.model.len());
        assert_eq!(self.table.deadlines(), self.due.len());
    }
}

fn seeded(start_ms: i64) -> World {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    World::new(seed, start_ms)
}

const START_MS: i64 = 1_700_000_000_000;

#[test]
fn each_deadline_fires_in_time_for_months() {
    for round in 0..6 {
        let mut world = seeded(START_MS + round * 5 * HOUR_MS);
        for id in 0..6000 {
            let deadline = world.some_deadline();
            world.put(id, Some(deadline));
        }
        // Busy and quiet months; keys are set, moved and removed also in the middle of sweeps.
        for month in 1..5 {
            let changes = world.rng.usize(..3);
            let end_ms = START_MS + month * 30 * DAY_MS;
            let ids = [500, 8000][world.rng.usize(..2)];
            // Seldom enough that the changes' own deadlines do not keep the table busy at every tick.
            let change = |world: &mut World| {
                if world.rng.u8(..8) == 0 || world.table.wheel.is_sweeping() {
                    world.change(ids, changes);
                }
            };
            world.pass(end_ms, 0, change).unwrap();
            world.check();
        }
        let end_ms = world.now_ms() + 121 * DAY_MS;
        world.pass(end_ms, 0, |_| {}).unwrap();
        world.check();
        assert!(world.due.is_empty() && world.fired > 5000, "{} fired", world.fired);
        assert!(world.table.wheel.bytes() < 1000, "{} bytes", world.table.wheel.bytes());
    }
}

/// The sweeper's canary: the same model with a sweep that leaves something out must fail.
#[test]
fn a_sweep_that_skips_entries_is_noticed() {
    let mut world = seeded(START_MS);
    world.skipped = 1 << 58;
    for id in 0..6000 {
        let deadline = world.some_deadline();
        world.put(id, Some(deadline));
    }
    assert!(world.pass(START_MS + 60 * DAY_MS, 0, |_| {}).is_err());
}

/// Splits and merges carry no entry past the sweep: the table grows eightfold in the middle of one, and shrinks in another.
#[test]
fn a_sweep_survives_growth_and_shrinkage() {
    let mut world = seeded(START_MS);
    let span = |world: &mut World| START_MS + DAY_MS * 3 + world.rng.i64(0..40 * DAY_MS);
    for id in 0..4000 {
        let deadline = span(&mut world);
        world.put(id, Some(deadline));
    }
    let (mut grown, mut sweeps) = (4000, 0);
    let mut was_sweeping = false;
    let shapes = |world: &World| world.table.shape().0;
    let (first, mut most) = (shapes(&world), 0);
    let outcome = world.pass(START_MS + 44 * DAY_MS, 0, |world| {
        let is_sweeping = world.table.wheel.is_sweeping();
        sweeps += u32::from(is_sweeping && !was_sweeping);
        was_sweeping = is_sweeping;
        if is_sweeping && sweeps == 1 && grown < 32_000 {
            for id in grown..grown + 1000 {
                let deadline =
                    world.rng.bool().then(|| world.now_ms() + DAY_MS + world.rng.i64(0..40 * DAY_MS));
                world.put(id, deadline);
            }
            grown += 1000;
            most = shapes(world);
        } else if is_sweeping && sweeps == 3 {
            for _ in 0..500 {
                let id = world.rng.u64(4000..32_000);
                world.remove(id);
            }
        }
    });
    outcome.unwrap();
    world.check();
    assert!(
        grown == 32_000 && most >= first * 4 && sweeps > 20,
        "{first} to {most} segments, {sweeps} sweeps"
    );
    assert!(world.fired > 4000);
}

#[test]
fn clocks_that_jump_lose_nothing() {
    for _ in 0..20 {
        let mut world = seeded(START_MS);
        world.change(3000, 3000);
        for _ in 0..30 {
            // Asleep for up to 80 days, and set back at times by up to 3.
            let (asleep_ms, back_ms) = (world.rng.i64(0..80 * DAY_MS), world.rng.i64(0..3 * DAY_MS));
            let until_ms = world.now_ms() + asleep_ms + 1;
            world.pass(until_ms, asleep_ms, |world| world.change(3000, 1)).unwrap();
            if world.rng.bool() {
                world.clock_ms.store(until_ms - back_ms, Ordering::Relaxed);
                world.change(3000, 100);
                while world.expire(7) {}
                // What comes up before the time that was left is noticed then.
                world.clock_ms.store(until_ms, Ordering::Relaxed);
                while world.expire(7) {}
            }
            world.check();
        }
        let end_ms = world.now_ms() + 200 * DAY_MS;
        world.pass(end_ms, 0, |_| {}).unwrap();
        assert!(world.due.is_empty(), "{} were lost", world.due.len());
    }
}

#[test]
fn far_deadlines_cost_nothing() {
    let mut world = World::new(1, START_MS);
    for id in 0..20_000 {
        let deadline = START_MS + 3 * DAY_MS + world.rng.i64(0..300 * DAY_MS);
        world.put(id, Some(deadline));
    }
    assert_eq!(world.table.wheel.bytes(), 0);
    // A day's worth of 300 days, and one more in the lead.
    let mut most = 0;
    world.pass(START_MS + 20 * DAY_MS, 0, |world| most = most.max(world.table.wheel.bytes())).unwrap();
    assert!((500..10_000).contains(&most), "{most} bytes");
    assert!(world.fired > 1000);
    // Near ones cost their fragments and the slots.
    let (before, now_ms) = (world.table.wheel.bytes(), world.now_ms());
    for id in 100_000..120_000 {
        let deadline = now_ms + world.rng.i64(1..HOUR_MS / 2);
        world.put(id, Some(deadline));
    }
    let each = (world.table.wheel.bytes() - before) as f64 / 20_000.0;
    assert!((4.0..4.8).contains(&each), "{each} bytes for each near deadline");
}

#[test]
fn deadlines_that_come_and_go_leave_nothing() {
    let mut world = World::new(2, START_MS);
    for round in 0..50_000 {
        let deadline = world.some_deadline();
        world.put(round % 3, Some(deadline));
        world.put(round % 3, None);
    }
    assert!(world.table.wheel.bytes() < 10_000, "{} bytes", world.table.wheel.bytes());
    world.pass(START_MS + 200 * DAY_MS, 0, |_| {}).unwrap();
    assert_eq!((world.table.wheel.bytes(), world.fired), (0, 0));
    assert_eq!(world.table.next_due_ms(), None);
}
