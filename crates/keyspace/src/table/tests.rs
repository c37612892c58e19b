//! A table's deadlines, of keys and of hashes' fields, against a model, with a clock of the test's own that runs for months.

use std::collections::{BTreeMap, BTreeSet};

use value::fields::{FieldsForm, FieldsLimits, LargeFields};
use value::member_hash::member_hash;
use value::packed::{self, Element};

use super::*;

/// No snapshot runs here.
struct NoSink;

impl SinkSource for NoSink {
    fn with_sink(&self, _: &mut dyn FnMut(&dyn PreImage)) {}

    fn note_field_deadlines(&self) {}
}

fn mark<'a>(hasher: &'a KeyHasher, clock_ms: &'a AtomicI64) -> Mark<'a> {
    Mark {
        parity: false,
        sink: &NoSink,
        worker: WorkerId(0),
        database: 0,
        hasher,
        clock_ms,
        onlookers: Onlookers::NONE,
    }
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

/// Few enough that most hashes here have been blocks and are large some time.
const LIMITS: FieldsLimits = FieldsLimits { entries_max: 24, value_max: 64 };

/// A hash of the model: its own deadline, and its fields with theirs.
#[derive(Default)]
struct Model {
    deadline_ms: Option<i64>,
    fields: BTreeMap<Vec<u8>, Option<i64>>,
}

impl Model {
    fn earliest_ms(&self) -> Option<i64> {
        self.fields.values().flatten().chain(&self.deadline_ms).min().copied()
    }
}

/// A table of hashes of which keys and fields have deadlines, and what should be in it.
struct Hashes {
    table: Table,
    hasher: KeyHasher,
    clock_ms: AtomicI64,
    rng: fastrand::Rng,
    model: BTreeMap<u64, Model>,
    /// Fields and keys that were removed because they were due.
    fired: (usize, usize),
    /// What is written instead of every hundredth deadline: only the canary sets this.
    lies_ms: i64,
}

impl Hashes {
    fn new(seed: u64) -> Hashes {
        Hashes {
            table: Table::new(22),
            hasher: KeyHasher::new(10),
            clock_ms: AtomicI64::new(START_MS),
            rng: fastrand::Rng::with_seed(seed),
            model: BTreeMap::new(),
            fired: (0, 0),
            lies_ms: 0,
        }
    }

    fn now_ms(&self) -> i64 {
        self.clock_ms.load(Ordering::Relaxed)
    }

    fn some_deadline(&mut self) -> Option<i64> {
        let span = [20_000, HOUR_MS, 20 * HOUR_MS, 10 * DAY_MS, 60 * DAY_MS][self.rng.usize(..5)];
        (self.rng.u8(..4) > 0).then(|| self.now_ms() + self.rng.i64(1..span))
    }

    /// Changes a hash, in its block or large; what has outgrown the block takes its place.
    fn edit(
        &mut self,
        id: u64,
        in_block: impl FnOnce(&mut EntryBlock<'_>, &mut FieldsForm) -> Option<Box<LargeFields>>,
        in_large: impl FnOnce(&mut LargeFields),
    ) {
        let key = id.to_be_bytes();
        let mark = mark(&self.hasher, &self.clock_ms);
        let mut found = self.table.find(self.hasher.position(&key), &key).expect("it is in the model");
        let hint = AtomicI64::new(i64::MIN);
        let outgrown = match self.table.block(&mut found, mark, &hint) {
            Some(mut block) => {
                let before = FieldsForm::from(block.form());
                let mut form = before;
                let outgrown = in_block(&mut block, &mut form);
                if form != before {
                    block.set_form(form.into());
                }
                outgrown
            }
            None => {
                self.table.large_mut(found, mark, |large| match large {
                    LargeMut::Hash(hash) => in_large(hash),
                    _ => panic!("a hash"),
                });
                None
            }
        };
        if let Some(large) = outgrown {
            drop(self.table.replace(&mut found, NewValue::Large(Large::Hash(large)), mark));
        }
    }

    /// Gives a field, new or not, a value and a deadline or none, as HSET and HPEXPIREAT do.
    fn put(&mut self, id: u64, field: &[u8], deadline_ms: Option<i64>) {
        let key = id.to_be_bytes();
        if !self.model.contains_key(&id) {
            let mark = mark(&self.hasher, &self.clock_ms);
            let mut block = packed::EMPTY.to_vec();
            packed::extend(&mut block, &[Element::of(field), Element::of(b"new")]);
            let value = NewValue::hash(FieldsForm::Listpack, &block);
            self.table.insert(self.hasher.position(&key), &key, value, None, 0, mark);
        }
        let value = vec![b'v'; self.rng.usize(..40)];
        self.edit(
            id,
            |block, form| small::set(block, *form, field, &value, false, &LIMITS).outgrown,
            |large| {
                large.set(member_hash(field), field, &value, false, &LIMITS);
            },
        );
        if let Some(mut deadline) = deadline_ms.map(|deadline| deadline as u64) {
            if self.lies_ms > 0 && self.rng.u8(..100) == 0 {
                deadline += self.lies_ms as u64;
            }
            self.edit(
                id,
                |block, form| match small::set_deadline(block, form, field, deadline) {
                    small::Timed::Outgrown(large) => Some(large),
                    small::Timed::Done => None,
                    small::Timed::Absent => panic!("it was put there"),
                },
                |large| assert!(large.set_deadline(member_hash(field), field, deadline)),
            );
        }
        self.model.entry(id).or_default().fields.insert(field.to_vec(), deadline_ms);
    }

    fn remove_field(&mut self, id: u64, field: &[u8]) {
        let Some(hash) = self.model.get_mut(&id) else { return };
        if hash.fields.remove(field).is_none() {
            return;
        }
        if hash.fields.is_empty() {
            return self.remove(id);
        }
        self.edit(
            id,
            |block, form| {
                assert!(small::remove(block, *form, field));
                None
            },
            |large| assert!(large.remove(member_hash(field), field)),
        );
    }

    fn remove(&mut self, id: u64) {
        if self.model.remove(&id).is_some() {
            let key = id.to_be_bytes();
            let mark = mark(&self.hasher, &self.clock_ms);
            let found = self.table.find(self.hasher.position(&key), &key).expect("it is in the model");
            self.table.remove(found, mark);
        }
    }

    fn put_deadline(&mut self, id: u64, deadline_ms: Option<i64>) {
        let Some(hash) = self.model.get_mut(&id) else { return };
        hash.deadline_ms = deadline_ms;
        let key = id.to_be_bytes();
        let position = self.hasher.position(&key);
        let mark = mark(&self.hasher, &self.clock_ms);
        let mut found = self.table.find(position, &key).expect("it is in the model");
        self.table.set_deadline(&mut found, position, deadline_ms, mark);
    }

    fn change(&mut self, ids: u64, fields: u64) {
        let (id, field) = (self.rng.u64(..ids), self.rng.u64(..fields).to_string().into_bytes());
        let deadline_ms = self.some_deadline();
        match self.rng.u8(..64) {
            0..48 => self.put(id, &field, deadline_ms),
            48..58 => self.remove_field(id, &field),
            58..62 => self.put_deadline(id, deadline_ms),
            _ => self.remove(id),
        }
    }

    /// One call of `expire_due`: what it removes was due, the earliest fields first.
    fn expire(&mut self, limit: usize) -> bool {
        let now_ms = self.now_ms();
        let mark = mark(&self.hasher, &self.clock_ms);
        let (model, fired) = (&mut self.model, &mut self.fired);
        let id_of = |key: &[u8]| u64::from_be_bytes(key.try_into().expect("8 bytes"));
        let mut before = |expired: Expired<'_>| match expired {
            Expired::Key(view) => {
                let hash = model.remove(&id_of(view.key)).expect("fired once");
                assert!(hash.deadline_ms.is_some_and(|deadline| deadline <= now_ms), "a key fired early");
                fired.1 += 1;
            }
            Expired::Fields { key, fields } => {
                let hash = model.get_mut(&id_of(key)).expect("of a hash that is there");
                let mut last = i64::MIN;
                assert!((1..=FIELDS_SLICE).contains(&fields.len()));
                for field in fields {
                    let deadline = hash.fields.remove(field).expect("fired once").expect("with a deadline");
                    assert!(deadline <= now_ms, "a field fired early");
                    assert!(deadline >= last, "a later field fired first");
                    last = deadline;
                    fired.0 += 1;
                }
                let earlier = hash.fields.values().flatten().any(|&deadline| deadline < last);
                assert!(!earlier, "an earlier field was left");
                if hash.fields.is_empty() {
                    model.remove(&id_of(key));
                }
            }
        };
        self.table.expire_due(now_ms, limit, mark, &mut before, &mut drop)
    }

    /// Lets the time pass, looking only when the table asks for it; an error says what was not removed in time.
    fn pass(&mut self, until_ms: i64, mut meanwhile: impl FnMut(&mut Hashes)) -> Result<(), String> {
        while self.now_ms() < until_ms {
            let wanted = self.table.next_due_ms().unwrap_or(i64::MAX).max(self.now_ms() + 1);
            self.clock_ms.store(wanted.min(until_ms), Ordering::Relaxed);
            meanwhile(self);
            let limit = self.rng.usize(1..40);
            while self.expire(limit) {
                meanwhile(self);
            }
            let now_ms = self.now_ms();
            let earliest = self.model.iter().filter_map(|(id, hash)| Some((hash.earliest_ms()?, id))).min();
            match earliest {
                Some((deadline, id)) if deadline + LATE_MS_MAX <= now_ms => {
                    return Err(format!("{id} with {deadline} is as it was at {now_ms}"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check(&self) {
        self.table.index.check(|bits| self.hasher.position(pointed(bits).key()));
        assert_eq!(self.table.len(), self.model.len());
        let with_deadline = self.model.values().filter(|hash| hash.deadline_ms.is_some()).count();
        assert_eq!(self.table.deadlines(), with_deadline);
        let timed = self.model.values().filter(|hash| hash.fields.values().any(Option::is_some)).count();
        assert_eq!(self.table.timed_hashes, timed);
        self.table.walk(0, usize::MAX, |view| {
            let id = u64::from_be_bytes(view.key.try_into().expect("8 bytes"));
            let fields = view.value.hash().expect("a hash").iter().map(|field| {
                let deadline = (field.deadline != NO_DEADLINE).then_some(field.deadline as i64);
                (field.field.text(&mut None).to_vec(), deadline)
            });
            assert_eq!(fields.collect::<BTreeMap<_, _>>(), self.model[&id].fields, "{id}");
        });
    }
}

fn seeded_hashes() -> Hashes {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    Hashes::new(seed)
}

#[test]
fn each_field_fires_in_time_for_months() {
    let (mut blocks, mut large) = (0, 0);
    for _ in 0..4 {
        let mut world = seeded_hashes();
        (0..3000).for_each(|_| world.change(60, 60));
        world.check();
        world.table.walk(0, usize::MAX, |view| match view.value.hash() {
            Some(FieldsRef::Small(_)) => blocks += 1,
            _ => large += 1,
        });
        for month in 1..4 {
            world
                .pass(START_MS + month * 30 * DAY_MS, |world| {
                    if world.rng.u8(..16) == 0 {
                        world.change(60, 60);
                    }
                })
                .unwrap();
            world.check();
        }
        let end_ms = world.now_ms() + 61 * DAY_MS;
        world.pass(end_ms, |_| {}).unwrap();
        world.check();
        assert!(world.model.values().all(|hash| hash.earliest_ms().is_none()));
        assert!(world.fired.0 > 200 && world.fired.1 > 5, "{:?} fired", world.fired);
    }
    assert!(blocks > 20 && large > 5, "{blocks} small hashes, {large} large");
}

/// Many fields that are due at the same millisecond go in slices, and others get their turn in between.
#[test]
fn fields_due_together_go_in_slices() {
    let mut world = seeded_hashes();
    let due_ms = START_MS + HOUR_MS;
    for field in 0..500u64 {
        world.put(1, field.to_string().as_bytes(), Some(due_ms));
        world.put(2, field.to_string().as_bytes(), (field % 2 == 0).then_some(due_ms));
    }
    world.put(3, b"alone", Some(due_ms));
    world.pass(due_ms - LATE_MS_MAX, |_| {}).unwrap();
    assert_eq!(world.fired, (0, 0));
    world.pass(due_ms + LATE_MS_MAX, |world| assert!(world.fired.0 < 752)).unwrap();
    world.check();
    assert_eq!((world.fired, world.model.len()), ((751, 0), 1));
    assert_eq!(world.model[&2].fields.len(), 250);
}

/// The canary: fields that stay longer than the model says must be noticed. In one world of sixty it makes no difference.
#[test]
fn a_field_that_stays_is_noticed() {
    let is_noticed = |_| {
        let mut world = seeded_hashes();
        world.lies_ms = DAY_MS;
        // Noticed by the model, or before that by the table's own assertions.
        let noticed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (0..3000).for_each(|_| world.change(60, 60));
            world.pass(START_MS + 90 * DAY_MS, |_| {}).is_err()
        }));
        noticed.unwrap_or(true)
    };
    assert!((0..5).any(is_noticed));
}

#[test]
fn keys_of_every_length_are_told_apart_at_every_byte() {
    for len in 0..70 {
        let key: Vec<u8> = (0..len).map(|n| n as u8).collect();
        assert!(same_key(&key, &key.clone()));
        assert!(!same_key(&key, &[&key[..], b"x"].concat()));
        for at in 0..len {
            let mut other = key.clone();
            other[at] ^= 0x80;
            assert!(!same_key(&key, &other), "{len} {at}");
        }
    }
}
