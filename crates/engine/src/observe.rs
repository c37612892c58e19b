//! What watches commands go by: MONITOR, the slow log, the command log, the latency monitor.
//!
//! With nothing enabled a command costs a few comparisons that are always false; everything else is in `note`, out of the way.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::batch::Batch;
use crate::command::Flags;
use crate::commandlog::{LogEntry, LogKind, REDACTED, cut};
use crate::engine::Engine;
use crate::mailbox::Message;
use crate::session::Session;
use crate::table::Registered;

/// From what figures on a command is worth a second look, for one batch.
#[derive(Clone, Copy)]
pub(crate) struct Watch {
    nanos: u64,
    request_bytes: u64,
    reply_bytes: u64,
}

impl Watch {
    /// What these settings ask for.
    pub(crate) fn new(latency: &config::Latency) -> Watch {
        let slow = latency.slow_microseconds.filter(|_| latency.slow_len_max > 0);
        let slow = slow.map_or(u64::MAX, |us| us.saturating_mul(1000));
        let monitor = latency.monitor_milliseconds.map_or(u64::MAX, |ms| ms.saturating_mul(1_000_000));
        let request = latency.large_request_bytes.filter(|_| latency.large_request_len_max > 0);
        let reply = latency.large_reply_bytes.filter(|_| latency.large_reply_len_max > 0);
        Watch {
            nanos: slow.min(monitor),
            request_bytes: request.unwrap_or(u64::MAX),
            reply_bytes: reply.unwrap_or(u64::MAX),
        }
    }
}

/// After a command has executed in `took` and written `output` bytes.
#[inline]
pub(crate) fn after(
    engine: &Engine,
    batch: &Batch<'_>,
    session: &mut Session,
    registered: &Registered,
    args: &[&[u8]],
    took: Duration,
    output: usize,
) {
    let watch = &batch.watch;
    // An upper bound of the request's size on the wire; exact figures only for those that may be over.
    let request: usize = args.iter().map(|arg| arg.len() + 32).sum::<usize>() + 32;
    let remarkable = took.as_nanos() as u64 >= watch.nanos
        || output as u64 >= watch.reply_bytes
        || request as u64 >= watch.request_bytes;
    if remarkable || engine.monitors.load(Ordering::Relaxed) > 0 {
        note(engine, batch, session, registered, args, took, output);
    }
    if !session.redacted.is_empty() {
        session.redacted.clear();
    }
}

#[cold]
fn note(
    engine: &Engine,
    batch: &Batch<'_>,
    session: &Session,
    registered: &Registered,
    args: &[&[u8]],
    took: Duration,
    output: usize,
) {
    let flags = registered.command.flags;
    if engine.monitors.load(Ordering::Relaxed) > 0
        && !flags.has(Flags::SKIP_MONITOR)
        && !flags.has(Flags::ADMIN)
    {
        let line: Arc<[u8]> = monitor_line(session, args).into();
        engine.send_all(|| Message::Monitor(Arc::clone(&line)));
    }
    // Settings of this moment: a CONFIG SET that switches a log off is not in it.
    let config = engine.config.load();
    let latency = &config.latency;
    let at_s = batch.now_ms / 1000;
    if let Some(threshold) = latency.monitor_milliseconds
        && took.as_millis() as u64 >= threshold
    {
        let event = if flags.has(Flags::FAST) { "fast-command" } else { "command" };
        engine.latency.note(event, took.as_millis() as u64, at_s);
    }
    if flags.has(Flags::SKIP_SLOWLOG) {
        return;
    }
    let figures = [
        (LogKind::Slow, latency.slow_microseconds, latency.slow_len_max, took.as_micros() as u64),
        (
            LogKind::LargeRequest,
            latency.large_request_bytes,
            latency.large_request_len_max,
            request_bytes(args),
        ),
        (LogKind::LargeReply, latency.large_reply_bytes, latency.large_reply_len_max, output as u64),
    ];
    for (kind, threshold, len_max, figure) in figures {
        if threshold.is_some_and(|threshold| figure >= threshold) && len_max > 0 {
            let entry = LogEntry {
                id: 0,
                at_s,
                figure,
                args: cut(args, &session.redacted),
                address: session.client.address.clone(),
                client: session.client.names.lock().name.clone(),
            };
            engine.command_logs.of(kind).push(entry, len_max);
        }
    }
}

/// Bytes of a request in RESP.
pub fn request_bytes(args: &[&[u8]]) -> u64 {
    let header = |number: usize| 3 + number.checked_ilog10().unwrap_or(0) as usize + 1;
    (header(args.len()) + args.iter().map(|arg| header(arg.len()) + arg.len() + 2).sum::<usize>()) as u64
}

/// What monitors are shown.
fn monitor_line(session: &Session, args: &[&[u8]]) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let client = &session.client;
    let address = match client.address.strip_suffix(":0") {
        Some(path) if client.is_unix => format!("unix:{path}"),
        _ => client.address.clone(),
    };
    let mut line = format!("+{}.{:06} [{} {address}]", now.as_secs(), now.subsec_micros(), session.database)
        .into_bytes();
    for (index, arg) in args.iter().enumerate() {
        line.push(b' ');
        let shown = if session.redacted.contains(&index) { REDACTED } else { arg };
        config::words::quote(shown, &mut line);
    }
    line.extend_from_slice(b"\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_on_the_wire() {
        assert_eq!(request_bytes(&[b"client", b"list"]), 26);
        let args: Vec<&[u8]> = vec![b"0123456789"; 10];
        let mut wire = Vec::new();
        crate::effect::append_request(&mut wire, &args);
        assert_eq!(request_bytes(&args), wire.len() as u64);
        assert_eq!(request_bytes(&[b""]), 4 + 6);
    }
}
