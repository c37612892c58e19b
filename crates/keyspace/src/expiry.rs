//! Deadlines of one table in order: a hierarchical timing wheel over 32-bit hash fragments.
//!
//! Knows when something may be due, not what: a fragment is the first 32 bits of an entry's position in its table, and the
//! table looks up which entries with that fragment have a deadline that has passed. So 4 bytes a key are enough, entries may move in memory,
//! and a fragment left behind by an entry that was deleted or given another deadline is harmless.
//!
//! ```text
//!  tick = deadline_ms / 256 + 1 (rounded up, so that what fires is due)
//!
//!  level 0   64 slots of 256 ms      16 s ahead
//!  level 1   64 slots of 16.4 s      17 min
//!  level 2   64 slots of 17.5 min    18.6 h
//!  level 3   64 slots of 18.6 h      49.7 days
//!  level 4   64 slots of 49.7 days   8.7 years
//!  level 5   64 slots of 8.7 years   557 years, up to the year 2527; later deadlines are noticed on access only
//! ```
//! An entry sits at the level of the highest 6-bit group in which its tick differs from `now`; when `now` enters its slot it
//! moves down. A key therefore moves at most five times in its life.
//!
//! Invariants
//! - W1: every entry with a deadline has its fragment in the slot that [`Wheel::place_of`] names for its tick.
//! - W2: `now` never passes a slot that still holds fragments.
//! - W3: `stale` of a slot is an upper bound of nothing and a hint only: more than half of a slot's fragments said to be stale asks the table
//!   to sweep it, so that re-setting one key's deadline for ever cannot grow the wheel.

const LEVELS: usize = 6;
const SLOTS: usize = 64;
const SLOT_BITS: u32 = 6;

/// Milliseconds in a tick: what a key may outlive its deadline by, before the reactor's own delay.
pub(crate) const TICK_MS: i64 = 256;

/// A slot is swept when it holds more stale fragments than this and more than live ones.
const SWEEP_MIN: u32 = 32;

#[derive(Default)]
struct WheelSlot {
    fragments: Vec<u32>,
    stale: u32,
}

#[derive(Default)]
struct Level {
    slots: Box<[WheelSlot]>,
    /// Bit i: slot i holds fragments.
    occupied: u64,
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

/// The wheel of one table. An empty one owns no memory.
#[derive(Default)]
pub(crate) struct Wheel {
    now: u64,
    levels: Vec<Level>,
    bytes: usize,
}

/// The tick at which a deadline has certainly passed.
pub(crate) fn tick_of(deadline_ms: i64) -> u64 {
    (deadline_ms.max(0) / TICK_MS) as u64 + 1
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

    /// None for a tick behind the last level.
    fn place_of(&self, tick: u64) -> Option<Place> {
        let tick = self.clamp(tick);
        let differing = (tick ^ self.now) | 1;
        let level = (63 - differing.leading_zeros()) / SLOT_BITS;
        let slot = (tick >> (SLOT_BITS * level)) % SLOTS as u64;
        (level < LEVELS as u32).then_some(Place { level: level as u8, slot: slot as u8 })
    }

    /// Notes that an entry with this fragment is due at `tick`. `now_tick` starts the wheel's time when it is empty.
    pub(crate) fn add(&mut self, fragment: u32, tick: u64, now_tick: u64) {
        if self.is_empty() {
            self.now = self.now.max(now_tick);
        }
        let Some(place) = self.place_of(tick) else { return };
        while self.levels.len() <= place.level as usize {
            self.levels.push(Level::default());
        }
        let level = &mut self.levels[place.level as usize];
        if level.slots.is_empty() {
            level.slots = (0..SLOTS).map(|_| WheelSlot::default()).collect();
            self.bytes += SLOTS * size_of::<WheelSlot>();
        }
        level.occupied |= 1 << place.slot;
        let fragments = &mut level.slots[place.slot as usize].fragments;
        if fragments.len() == fragments.capacity() {
            // An eighth at a time: 4 bytes a key stay about 4.3 bytes.
            let before = fragments.capacity();
            fragments.reserve_exact(4 + before / 8);
            self.bytes += (fragments.capacity() - before) * 4;
        }
        fragments.push(fragment);
    }

    /// Notes that a fragment added for `tick` no longer counts. Returns the slot when it should be swept now.
    #[must_use]
    pub(crate) fn forget(&mut self, tick: u64) -> Option<Place> {
        let place = self.place_of(tick)?;
        let slot = self.levels.get_mut(place.level as usize)?.slots.get_mut(place.slot as usize)?;
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
        level.occupied &= !(1 << place.slot);
        let slot = &mut level.slots[place.slot as usize];
        slot.stale = 0;
        self.bytes -= slot.fragments.capacity() * 4;
        std::mem::take(&mut slot.fragments)
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

    #[test]
    fn everything_fires_once_at_its_tick() {
        for _ in 0..200 {
            let seed = fastrand::u64(..);
            println!("seed {seed}");
            let mut rng = fastrand::Rng::with_seed(seed);
            let start = rng.u64(1 << 32..1 << 35);
            let mut wheel = Wheel::default();
            let mut ticks = BTreeMap::new();
            let mut now = start;
            for fragment in 0..500u32 {
                let span = 1u64 << rng.u32(1..35);
                let tick = (now + rng.u64(..span)).min((1 << 36) - 1);
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
            now = 1 << 36;
            assert_eq!(run(&mut wheel, &ticks, now).len(), ticks.len());
            assert!(wheel.is_empty());
        }
    }

    #[test]
    fn deadlines_behind_the_last_level_are_left_out() {
        let mut wheel = Wheel::default();
        wheel.add(7, 1 << 50, 100);
        assert_eq!((wheel.next_tick(), wheel.forget(1 << 50)), (None, None));
        assert_eq!(wheel.bytes(), 0);
    }

    #[test]
    fn forgotten_fragments_ask_for_a_sweep() {
        let mut wheel = Wheel::default();
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
