//! Deadlines of one table in order: a hierarchical timing wheel over 32-bit hash fragments, for what is due before a horizon.
//!
//! Knows when something may be due, not what: a fragment is the first 32 bits of an entry's position in its table, and the
//! table looks up which entries with that fragment have a deadline that has passed. So 4 bytes a key are enough, entries may move in memory,
//! and a fragment left behind by an entry that was deleted or given another deadline is harmless, and so is one that is there twice.
//!
//! ```text
//!  tick = deadline_ms / 256 + 1 (rounded up, so that what fires is due)
//!
//!  level 0   64 slots of 256 ms      16 s ahead
//!  level 1   64 slots of 16.4 s      17 min
//!  level 2   64 slots of 17.5 min    18.6 h: one window
//!  level 3   64 slots of 18.6 h      the next window, and what clocks that jump need
//!  ...       up to level 9, which no deadline passes
//!
//!             |<------- window: 2^18 ticks, 18.6 h ------->|
//!  -----------+-------------------------------------+------+--------------------------------------------> ticks
//!                  ^ now: all up to the horizon     |<lead>| horizon         further deadlines stand in their
//!                    is in the wheel                                         entries only: 0 bytes here
//!
//!  now reaches the lead:
//!  -----------+-------------------------------------+------+--------------------------------------------+
//!                                                   ^ now  | from                                       | horizon
//!             a sweep walks the table up its hash order:   |<- adds the entries whose ticks lie here -->|
//!             positions 0 ........ sweep ............ end
//!                       added     |    not yet
//! ```
//! An entry in the wheel sits at the level of the highest 6-bit group in which its tick differs from `now`; when `now` enters its slot it
//! moves down: at most three times in its life, once more if the sweep brought it.
//!
//! A far deadline, the common kind in a large cache of long-lived keys, thus costs nothing here, and a near one 4 bytes, an eighth for growth, and its part
//! of a slot (32 bytes; only occupied slots exist). In return each entry of the table is looked at once in 18.6 h: with 100 million keys 1500 a second.
//! The lead differs from table to table (half of [`LEAD`] to all of it, 35 to 70 min), so that the stripes' sweeps do not run all at the same time,
//! and a sweep that is in time takes one slice a tick.
//!
//! Invariants
//! - W1: every entry whose tick is below `horizon` has its fragment in the slot that [`Wheel::place_of`] names for its tick, except
//!   entries with a tick of `from` or later whose position the running sweep has not reached.
//! - W2: `now` never passes a slot that still holds fragments.
//! - W3: `stale` of a slot is an upper bound of nothing and a hint only: more than half of a slot's fragments said to be stale asks the table
//!   to sweep it, so that re-setting one key's deadline for ever cannot grow the wheel.
//! - W4: `horizon` is a multiple of [`WINDOW`], and after [`Wheel::look_ahead`] ahead of `now` by more than the lead unless a sweep is running. It moves
//!   only when no sweep runs. A clock that jumps ahead, by months even, moves it behind the new time in one step: one sweep.
//!   One that jumps back leaves it where it is, so that nothing is lost, and `now` as well: what comes up in between fires late, and is noticed on access.
//! - W5: bit i of a level's `occupied` is set if and only if it has a slot i, at the index that the number of lower set bits gives.

const LEVELS: usize = 10;
const SLOTS: usize = 64;
const SLOT_BITS: u32 = 6;

/// Milliseconds in a tick: what a key may outlive its deadline by, before the reactor's own delay.
pub(crate) const TICK_MS: i64 = 256;

/// Ticks by which the horizon moves: the span of levels 0 to 2.
const WINDOW: u64 = 1 << (3 * SLOT_BITS);

/// The longest time in ticks between the beginning of a sweep and when it must be complete.
const LEAD: u64 = 1 << 14;

/// Ticks that a sweep takes at most while it is in time, and entries that it looks at in each at least.
const SWEEP_TICKS: usize = LEAD as usize / 4;
const SWEEP_STEP: usize = 32;

/// A slot is swept when it holds more stale fragments than this and more than live ones.
const SWEEP_MIN: u32 = 32;

/// Slots that a level gets room for at a time.
const SLOTS_STEP: usize = 4;

// The highest tick is 2^55, and a horizon may lie two windows behind it.
const _: () = assert!(SLOT_BITS as usize * LEVELS > 56);
const _: () = assert!(LEAD * 2 < WINDOW && SWEEP_TICKS as u64 * 2 <= LEAD);

#[derive(Default)]
struct WheelSlot {
    fragments: Vec<u32>,
    stale: u32,
}

#[derive(Default)]
struct Level {
    /// The slots that hold fragments, in order (W5).
    slots: Vec<WheelSlot>,
    occupied: u64,
}

impl Level {
    /// Where slot `slot` is, or would be (W5).
    fn rank(&self, slot: u8) -> usize {
        (self.occupied & ((1 << slot) - 1)).count_ones() as usize
    }

    fn slot_mut(&mut self, slot: u8) -> Option<&mut WheelSlot> {
        let rank = self.rank(slot);
        if self.occupied >> slot & 1 == 0 { None } else { self.slots.get_mut(rank) }
    }

    /// The slot, made if there is none.
    fn occupy(&mut self, slot: u8) -> &mut WheelSlot {
        let rank = self.rank(slot);
        if self.occupied >> slot & 1 == 0 {
            if self.slots.len() == self.slots.capacity() {
                self.slots.reserve_exact(SLOTS_STEP);
            }
            self.slots.insert(rank, WheelSlot::default());
            self.occupied |= 1 << slot;
        }
        &mut self.slots[rank]
    }

    fn vacate(&mut self, slot: u8) -> Vec<u32> {
        if self.occupied >> slot & 1 == 0 {
            return Vec::new();
        }
        let taken = self.slots.remove(self.rank(slot));
        self.occupied &= !(1 << slot);
        if self.slots.is_empty() || self.slots.capacity() > 2 * self.slots.len() + SLOTS_STEP {
            self.slots.shrink_to(self.slots.len());
        }
        taken.fragments
    }

    fn slot_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<WheelSlot>()
    }
}

/// Which slot a tick belongs to at the present `now`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    level: u8,
    slot: u8,
}

/// What [`Wheel::advance`] found next.
#[derive(Debug)]
pub(crate) enum Due {
    /// These fragments' ticks have come.
    Fire(Vec<u32>),
    /// These fragments have come nearer: put each entry's own tick back with [`Wheel::add`] if it lies in `from..=to`.
    Cascade { fragments: Vec<u32>, from: u64, to: u64 },
}

/// A walk of the table for the entries that the horizon's last move has brought near.
struct Sweep {
    /// The former horizon: the first tick that is looked for.
    from: u64,
    /// Where the walk goes on, in the order of positions.
    position: u64,
    /// The tick of the last slice.
    sliced: u64,
}

/// The next slice of a sweep.
pub(crate) struct Slice {
    /// Where to begin.
    pub(crate) position: u64,
    /// The ticks of the entries to be added.
    pub(crate) ticks: std::ops::Range<u64>,
    /// Entries to look at; None when the sweep is late, so that as many as possible are wanted.
    pub(crate) pace: Option<usize>,
}

/// The wheel of one table. An empty one owns no memory.
#[derive(Default)]
pub(crate) struct Wheel {
    now: u64,
    levels: Vec<Level>,
    bytes: usize,
    horizon: u64,
    lead: u64,
    sweep: Option<Sweep>,
}

/// The tick at which a deadline has certainly passed.
pub(crate) fn tick_of(deadline_ms: i64) -> u64 {
    (deadline_ms.max(0) / TICK_MS) as u64 + 1
}

/// The end of the window that `tick` lies in.
fn horizon_behind(tick: u64) -> u64 {
    (tick / WINDOW + 1) * WINDOW
}

impl Wheel {
    /// Heap bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Where a tick counts: one that has passed counts now.
    pub(crate) fn clamp(&self, tick: u64) -> u64 {
        tick.max(self.now)
    }

    fn place_of(&self, tick: u64) -> Place {
        let tick = self.clamp(tick);
        let differing = (tick ^ self.now) | 1;
        let level = (63 - differing.leading_zeros()) / SLOT_BITS;
        debug_assert!(level < LEVELS as u32);
        Place { level: level as u8, slot: ((tick >> (SLOT_BITS * level)) % SLOTS as u64) as u8 }
    }

    /// Prepares for the first deadline of a table that had none. `phase` is any number that differs from table to table.
    pub(crate) fn open(&mut self, now_tick: u64, phase: u32) {
        if now_tick < self.now {
            // The clock was set back, and what is left here is stale.
            *self = Wheel { now: now_tick, ..Wheel::default() };
        }
        self.lead = LEAD / 2 + u64::from(phase) % (LEAD / 2);
        self.horizon = horizon_behind(now_tick + self.lead);
        self.sweep = None;
    }

    /// Notes that an entry with this fragment is due at `tick`, unless that is beyond the horizon. `now_tick` starts the wheel's time when it is empty.
    pub(crate) fn add(&mut self, fragment: u32, tick: u64, now_tick: u64) {
        if tick >= self.horizon {
            return;
        }
        if self.is_empty() {
            self.now = self.now.max(now_tick);
        }
        let place = self.place_of(tick);
        while self.levels.len() <= place.level as usize {
            self.levels.push(Level::default());
        }
        let level = &mut self.levels[place.level as usize];
        let slot_bytes = level.slot_bytes();
        let fragments = &mut level.occupy(place.slot).fragments;
        let before = fragments.capacity();
        if fragments.len() == before {
            // An eighth at a time: 4 bytes a key stay about 4.3 bytes.
            fragments.reserve_exact(2 + before / 8);
        }
        fragments.push(fragment);
        self.bytes += (fragments.capacity() - before) * 4;
        self.bytes += level.slot_bytes() - slot_bytes;
    }

    /// Notes that a fragment added for `tick` no longer counts. Returns the slot when it should be swept now.
    #[must_use]
    pub(crate) fn forget(&mut self, tick: u64) -> Option<Place> {
        if tick >= self.horizon {
            return None;
        }
        let place = self.place_of(tick);
        let slot = self.levels.get_mut(place.level as usize)?.slot_mut(place.slot)?;
        slot.stale += 1;
        (slot.stale > SWEEP_MIN && slot.stale as usize * 2 > slot.fragments.len()).then_some(place)
    }

    /// Takes a slot's fragments out, without duplicates, for a sweep; the caller adds those back that still count.
    pub(crate) fn take(&mut self, place: Place) -> Cascading {
        let (from, to) = self.span(place);
        let mut fragments = self.empty_slot(place);
        fragments.sort_unstable();
        fragments.dedup();
        Cascading { fragments, from, to }
    }

    fn empty_slot(&mut self, place: Place) -> Vec<u32> {
        let level = &mut self.levels[place.level as usize];
        let slot_bytes = level.slot_bytes();
        let fragments = level.vacate(place.slot);
        self.bytes -= fragments.capacity() * 4 + slot_bytes - level.slot_bytes();
        fragments
    }

    /// First and last tick of a slot.
    fn span(&self, place: Place) -> (u64, u64) {
        let shift = SLOT_BITS * u32::from(place.level);
        let turn = self.now >> (shift + SLOT_BITS) << (shift + SLOT_BITS);
        let from = turn + (u64::from(place.slot) << shift);
        (from, from + (1 << shift) - 1)
    }

    /// The next occupied slot in the order of time.
    fn next(&self) -> Option<(Place, u64)> {
        self.levels.iter().enumerate().find_map(|(number, level)| {
            let shift = SLOT_BITS * number as u32;
            let current = (self.now >> shift) % SLOTS as u64;
            let ahead = level.occupied >> current << current;
            (ahead != 0).then(|| {
                let place = Place { level: number as u8, slot: ahead.trailing_zeros() as u8 };
                (place, self.span(place).0.max(self.now))
            })
        })
    }

    /// The tick at which the next slot comes up, if anything waits.
    pub(crate) fn next_tick(&self) -> Option<u64> {
        self.next().map(|(_, tick)| tick)
    }

    // --- The horizon ---

    /// Moves the horizon on if it has come near and the last move's sweep is complete (W4); a sweep begins then.
    pub(crate) fn look_ahead(&mut self, now_tick: u64) {
        if self.sweep.is_none() && now_tick + self.lead >= self.horizon {
            // One slice is due at once.
            self.sweep = Some(Sweep { from: self.horizon, position: 0, sliced: now_tick.saturating_sub(1) });
            self.horizon = horizon_behind(now_tick + self.lead);
        }
    }

    /// The tick at which the sweep goes on, or the next one begins.
    pub(crate) fn look_ahead_tick(&self) -> u64 {
        match &self.sweep {
            Some(sweep) => sweep.sliced + 1,
            None => self.horizon - self.lead,
        }
    }

    /// What the sweep should do now in a table of `len` entries: nothing if there is none, or if it has had this tick's slice and is in time.
    pub(crate) fn slice(&self, now_tick: u64, len: usize) -> Option<Slice> {
        let Sweep { from, position, sliced } = *self.sweep.as_ref()?;
        let is_late = now_tick >= from;
        let pace = (!is_late).then_some(SWEEP_STEP + len / SWEEP_TICKS);
        (is_late || now_tick != sliced).then_some(Slice { position, ticks: from..self.horizon, pace })
    }

    /// Notes that a slice is done, and where the next one begins, if the walk is not complete.
    pub(crate) fn sliced(&mut self, next: Option<u64>, now_tick: u64) {
        self.sweep = match (self.sweep.take(), next) {
            (Some(sweep), Some(position)) => Some(Sweep { position, sliced: now_tick, ..sweep }),
            _ => None,
        };
    }

    #[cfg(test)]
    pub(crate) fn is_sweeping(&self) -> bool {
        self.sweep.is_some()
    }

    /// Lets a running sweep leave positions out, so that a test can show that this would be noticed.
    #[cfg(test)]
    pub(crate) fn skip_ahead(&mut self, by: u64) {
        if let Some(sweep) = &mut self.sweep {
            sweep.position = sweep.position.saturating_add(by);
        }
    }

    // --- The time ---

    /// Moves the time towards `now_tick` up to the next slot that holds something and empties it. None when nothing is left up to then.
    pub(crate) fn advance(&mut self, now_tick: u64) -> Option<Due> {
        let Some((place, tick)) = self.next().filter(|(_, tick)| *tick <= now_tick) else {
            self.now = self.now.max(now_tick);
            return None;
        };
        let (from, to) = self.span(place);
        self.now = tick;
        let fragments = self.empty_slot(place);
        if place.level == 0 { Some(Due::Fire(fragments)) } else { Some(Due::Cascade { fragments, from, to }) }
    }

    /// Takes fragments back that [`advance`](Self::advance) has just handed out to fire: they stay due now.
    pub(crate) fn keep(&mut self, fragments: Vec<u32>) {
        if fragments.is_empty() {
            return;
        }
        let place = self.place_of(self.now);
        let Some(level) = self.levels.get_mut(place.level as usize) else { return };
        let slot_bytes = level.slot_bytes();
        self.bytes += fragments.capacity() * 4;
        let slot = level.occupy(place.slot);
        let others = std::mem::replace(&mut slot.fragments, fragments);
        debug_assert!(others.is_empty(), "the slot was emptied, and nothing was added since");
        self.bytes += level.slot_bytes() - slot_bytes;
    }

    fn is_empty(&self) -> bool {
        self.levels.iter().all(|level| level.occupied == 0)
    }
}

/// A slot's fragments on their way to where they belong now.
pub(crate) struct Cascading {
    pub(crate) fragments: Vec<u32>,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Fires everything up to `now`, putting cascaded fragments back by their real tick.
    fn run(wheel: &mut Wheel, ticks: &BTreeMap<u32, u64>, now: u64) -> Vec<u32> {
        let mut fired = Vec::new();
        while let Some(due) = wheel.advance(now) {
            match due {
                Due::Fire(fragments) => fired.extend(fragments),
                Due::Cascade { fragments, from, to } => {
                    for fragment in fragments {
                        let tick = ticks[&fragment];
                        assert!((from..=to).contains(&tick), "{from}..={to} has {tick}");
                        wheel.add(fragment, tick, now);
                    }
                }
            }
        }
        fired
    }

    /// A wheel with everything before `horizon` in it.
    fn wheel_up_to(horizon: u64) -> Wheel {
        Wheel { horizon, ..Wheel::default() }
    }

    #[test]
    fn everything_fires_once_at_its_tick() {
        for _ in 0..200 {
            let seed = fastrand::u64(..);
            println!("seed {seed}");
            let mut rng = fastrand::Rng::with_seed(seed);
            let start = rng.u64(1 << 32..1 << 35);
            let mut wheel = wheel_up_to(1 << 40);
            let mut ticks = BTreeMap::new();
            let mut now = start;
            for fragment in 0..500u32 {
                let span = 1u64 << rng.u32(1..35);
                let tick = now + rng.u64(..span);
                ticks.insert(fragment, tick);
                wheel.add(fragment, tick, now);
                if rng.u8(..) < 30 {
                    let bits = rng.u32(1..20);
                    now += rng.u64(..1 << bits);
                    for fired in run(&mut wheel, &ticks, now) {
                        assert!(ticks.remove(&fired).is_some_and(|t| t <= now));
                    }
                    assert!(ticks.values().all(|&t| t > now), "left behind");
                    assert!(wheel.next_tick().is_none_or(|t| t > now));
                }
            }
            now = 1 << 37;
            assert_eq!(run(&mut wheel, &ticks, now).len(), ticks.len());
            assert!(wheel.is_empty());
            assert_eq!(wheel.bytes(), 0);
        }
    }

    #[test]
    fn deadlines_behind_the_horizon_are_left_out() {
        let mut wheel = Wheel::default();
        wheel.open(100, 0);
        wheel.add(7, WINDOW, 100);
        assert_eq!((wheel.next_tick(), wheel.forget(WINDOW)), (None, None));
        assert_eq!(wheel.bytes(), 0);
        wheel.add(7, WINDOW - 1, 100);
        assert!(wheel.next_tick().is_some_and(|tick| tick < WINDOW) && wheel.bytes() > 0);
    }

    #[test]
    fn the_latest_deadline_of_all_has_a_place() {
        let mut wheel = wheel_up_to(u64::MAX);
        wheel.add(7, tick_of(i64::MAX), 0);
        assert!(matches!(wheel.advance(tick_of(i64::MAX)), Some(Due::Cascade { .. })));
    }

    #[test]
    fn the_horizon_moves_before_it_is_reached() {
        let start = 5 * WINDOW + 1000;
        let mut wheel = Wheel::default();
        wheel.open(start, 77);
        assert_eq!(wheel.horizon, 6 * WINDOW);
        let lead = LEAD / 2 + 77;
        assert_eq!(wheel.look_ahead_tick(), 6 * WINDOW - lead);
        wheel.look_ahead(6 * WINDOW - lead - 1);
        assert!(wheel.slice(6 * WINDOW - lead - 1, 0).is_none());
        let now = 6 * WINDOW - lead;
        wheel.look_ahead(now);
        assert_eq!(wheel.horizon, 7 * WINDOW);
        // In time: one slice a tick. Late: as many as there are.
        let slice = wheel.slice(now, 10 * SWEEP_TICKS).unwrap();
        assert_eq!((slice.position, slice.ticks), (0, 6 * WINDOW..7 * WINDOW));
        assert_eq!(slice.pace, Some(SWEEP_STEP + 10));
        wheel.sliced(Some(1 << 40), now);
        assert!(wheel.slice(now, 0).is_none());
        assert_eq!(wheel.look_ahead_tick(), now + 1);
        assert_eq!(wheel.slice(now + 1, 0).unwrap().position, 1 << 40);
        assert_eq!(wheel.slice(6 * WINDOW, 0).unwrap().pace, None);
        wheel.sliced(None, now + 1);
        // A jump over many windows is one step.
        wheel.look_ahead(100 * WINDOW + 5);
        assert_eq!(wheel.slice(100 * WINDOW + 5, 0).unwrap().ticks, 7 * WINDOW..101 * WINDOW);
    }

    #[test]
    fn forgotten_fragments_ask_for_a_sweep() {
        let mut wheel = wheel_up_to(1 << 20);
        let mut sweeps = 0;
        for round in 0..10_000u64 {
            wheel.add(1, 5000 + round % 3, 100);
            if let Some(place) = wheel.forget(5000 + round % 3) {
                sweeps += 1;
                let swept = wheel.take(place);
                assert!(swept.fragments.len() <= 1 && swept.from <= 5000 && 5002 <= swept.to);
            }
        }
        assert!(sweeps > 100, "swept {sweeps} times");
        assert!(wheel.bytes() < 10_000, "{} bytes", wheel.bytes());
    }
}
