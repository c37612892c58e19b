//! How much of a reactor's time the walk of a running snapshot gets, and how long a turn with requests is meanwhile.
//!
//! Under load the walk earns a share of the thread's time, and spends it in slices that are worth entering the gate for. A turn
//! without requests is time to spare, but not for long: with clients that wait for replies, a thread that serves all it has finds nothing for some microseconds,
//! many times a second, and a long slice in each such gap would take far more than the share. So slices in gaps begin short and double while nothing comes.
//!
//! Requests come in portions, a turn each, that take no more than about [`TURN_MAX`] by what requests have taken since the cut. What they took
//! before says nothing: the first changes of large collections copy all that the snapshot shares with them, and cost ten times as much.
//!
//! Bounds: a request waits for one slice at most, [`SLICE_MAX`] and what the last stay under a lock takes beyond it.

use std::time::Duration;

use quanta::Instant;

/// What the walk earns, in per cent of the thread's time: less, and a save takes longer; more, and fewer requests are served meanwhile.
const SHARE_PERCENT: u32 = 15;

/// The shortest slice under load. What it brings into the processor's caches drives out what the requests use, and they have to fetch that
/// again: from 400 us on a save's whole cost was a seventh higher, from 100 us on another quarter (docs/decisions/0018-long-slices.md).
const SLICE_MIN: Duration = Duration::from_micros(800);

/// The first slice of a gap.
const GAP_MIN: Duration = Duration::from_micros(50);

/// The longest slice of a gap: whoever sends something meanwhile waits for it.
const GAP_MAX: Duration = Duration::from_micros(400);

/// The longest slice.
const SLICE_MAX: Duration = Duration::from_micros(1200);

/// What a turn is to take at most.
const TURN_MAX: Duration = Duration::from_micros(300);

/// Requests of one connection that a turn executes at least, and while memory for a snapshot is short. Of the first turn it is not known what it takes: one.
pub(crate) const PORTION_MIN: usize = 2;

/// One reactor's pace.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When the share was last earned; none while nothing is saved.
    counted_until: Option<Instant>,
    earned: Duration,
    has_served: bool,
    /// The last slice since a turn with requests.
    gap: Duration,
    /// What a request took in the last turn since the cut; zero before there was one.
    request_cost: Duration,
}

impl Pace {
    /// This turn had requests. They took so long each, if the snapshot was running when it began.
    pub(crate) fn served(&mut self, request_cost: Option<Duration>) {
        self.has_served = true;
        if let Some(cost) = request_cost {
            self.request_cost = cost;
        }
    }

    /// How many requests of each of the connections that share a turn are executed in it.
    pub(crate) fn portion(&self, among: usize) -> usize {
        match TURN_MAX.as_nanos().checked_div(self.request_cost.as_nanos()) {
            None => 1,
            Some(fits) => (fits as usize / among.max(1)).max(PORTION_MIN),
        }
    }

    /// Nothing is being saved.
    pub(crate) fn rest(&mut self) {
        *self = Pace::default();
    }

    /// How long to walk after this turn; none when the share is not worth a slice yet.
    pub(crate) fn slice(&mut self, now: Instant) -> Option<Duration> {
        let since = now.saturating_duration_since(self.counted_until.replace(now).unwrap_or(now));
        // What was not spent in time, because the thread stood still or the writer was behind, is no claim on what comes.
        self.earned = (self.earned + since * SHARE_PERCENT / 100).min(SLICE_MAX);
        if std::mem::take(&mut self.has_served) {
            self.gap = Duration::ZERO;
            return (self.earned >= SLICE_MIN).then_some(self.earned);
        }
        let slice = (self.gap * 2).clamp(GAP_MIN, GAP_MAX);
        self.gap = slice;
        Some(slice)
    }

    /// A slice has taken so long.
    pub(crate) fn walked(&mut self, took: Duration) {
        self.earned = self.earned.saturating_sub(took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: Duration = Duration::from_micros(500);

    #[test]
    fn under_load_the_walk_has_its_share_and_no_more() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        let start = now;
        let mut walked = Duration::ZERO;
        for _ in 0..10_000 {
            now += TURN;
            pace.served(None);
            if let Some(slice) = pace.slice(now) {
                assert!((SLICE_MIN..=SLICE_MAX).contains(&slice), "{slice:?}");
                now += slice;
                walked += slice;
                pace.walked(slice);
            }
        }
        let percent = walked.as_nanos() * 100 / (now - start).as_nanos();
        assert!((u128::from(SHARE_PERCENT) - 1..=u128::from(SHARE_PERCENT)).contains(&percent), "{percent}");
    }

    #[test]
    fn portions_go_by_what_requests_take_and_begin_small() {
        let mut pace = Pace::default();
        pace.served(None);
        assert_eq!(pace.portion(1), 1);
        pace.served(Some(TURN_MAX / 40));
        assert_eq!(pace.portion(1), 40);
        assert_eq!(pace.portion(10), 4);
        assert_eq!(pace.portion(100), PORTION_MIN);
        pace.served(Some(TURN_MAX / 1000));
        assert_eq!(pace.portion(1), 1000);
        pace.served(Some(TURN_MAX / 40));
        assert_eq!(pace.portion(1), 40);
        pace.rest();
        assert_eq!(pace.portion(1), 1);
    }

    #[test]
    fn gaps_between_requests_are_not_taken_for_idleness() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        let mut slices = Vec::new();
        for turn in 0..9 {
            now += TURN;
            if turn == 6 {
                pace.served(None);
                // The share of the turn and of the slice before it: what was walked in gaps is no claim.
                assert_eq!(pace.slice(now), None);
                assert_eq!(pace.earned, (TURN + GAP_MAX) * SHARE_PERCENT / 100);
                continue;
            }
            let slice = pace.slice(now).expect("nobody waits");
            slices.push(slice.as_micros());
            now += slice;
            pace.walked(slice);
        }
        assert_eq!(slices, [50, 100, 200, 400, 400, 400, 50, 100]);
    }
}
