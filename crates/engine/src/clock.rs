//! The 24-bit field of an entry: last access in seconds (LRU), or minutes and a logarithmic counter (LFU).
//!
//! Which of the two is decided by `maxmemory-policy`. The layouts are Redis's, so that RDB files carry them.
//!
//! ```text
//!  LRU   |<------- 24 bits: seconds since the epoch, wrapping ------->|
//!  LFU   |<-- 16 bits: minutes, wrapping -->|<- 8 bits: log counter ->|
//! ```

/// What a new key's counter starts with, so that it is not evicted at once.
const LFU_START: u32 = 5;

/// How the field is kept, as of one turn of a reactor.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Since the epoch, in 24 bits.
    seconds: u32,
    /// Since the epoch, in 16 bits.
    minutes: u32,
    lfu: Option<Lfu>,
}

/// The two settings of the frequency counter.
#[derive(Clone, Copy, Debug)]
pub struct Lfu {
    /// `lfu-log-factor`
    pub log_factor: u32,
    /// `lfu-decay-time`
    pub decay_minutes: u32,
}

impl Clock {
    /// The clock at `now_ms` since the epoch; with `lfu` the field counts frequency.
    pub fn new(now_ms: i64, lfu: Option<Lfu>) -> Clock {
        Clock {
            seconds: (now_ms / 1000) as u32 & 0x00FF_FFFF,
            minutes: (now_ms / 60_000) as u32 & 0xFFFF,
            lfu,
        }
    }

    /// Whether the field counts frequency.
    pub fn is_lfu(&self) -> bool {
        self.lfu.is_some()
    }

    /// The field of a new entry.
    pub fn fresh(&self) -> u32 {
        if self.lfu.is_some() { self.minutes << 8 | LFU_START } else { self.seconds }
    }

    /// The field after an access.
    #[inline]
    pub fn touched(&self, field: u32) -> u32 {
        let Some(lfu) = self.lfu else { return self.seconds };
        let counter = self.frequency(field);
        let base = counter.saturating_sub(LFU_START);
        let chance = 1.0 / f64::from(base * lfu.log_factor + 1);
        let up = counter < 255 && fastrand::f64() < chance;
        self.minutes << 8 | (counter + u32::from(up))
    }

    /// Seconds since the last access (OBJECT IDLETIME).
    pub fn idle_seconds(&self, field: u32) -> u32 {
        self.seconds.wrapping_sub(field) & 0x00FF_FFFF
    }

    /// The counter, decayed up to now (OBJECT FREQ).
    pub fn frequency(&self, field: u32) -> u32 {
        let elapsed = self.minutes.wrapping_sub(field >> 8) & 0xFFFF;
        let decay = self.lfu.map_or(0, |lfu| elapsed.checked_div(lfu.decay_minutes).unwrap_or(0));
        (field & 0xFF).saturating_sub(decay)
    }

    /// The field that says "idle for so many seconds".
    pub fn from_idle(&self, seconds: u32) -> u32 {
        self.seconds.wrapping_sub(seconds) & 0x00FF_FFFF
    }

    /// The field that says "this frequency".
    pub fn from_frequency(&self, counter: u8) -> u32 {
        self.minutes << 8 | u32::from(counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_wraps() {
        let clock = Clock::new(0x0200_0005_i64 * 1000, None);
        assert_eq!(clock.idle_seconds(clock.fresh()), 0);
        assert_eq!(clock.idle_seconds(clock.from_idle(77)), 77);
        assert_eq!(clock.idle_seconds(0x00FF_FFFF), 6);
    }

    #[test]
    fn frequency_decays_by_the_minute() {
        let lfu = Some(Lfu { log_factor: 10, decay_minutes: 2 });
        let then = Clock::new(1_700_000_000_000, lfu);
        let later = Clock::new(1_700_000_000_000 + 7 * 60_000, lfu);
        let field = then.from_frequency(50);
        assert_eq!((then.frequency(field), later.frequency(field)), (50, 47));
        let mut field = then.fresh();
        for _ in 0..100_000 {
            field = then.touched(field);
        }
        assert!((100..200).contains(&then.frequency(field)), "{}", then.frequency(field));
    }
}
