//! The logs of remarkable commands: slow ones, ones with a large request, ones with a large reply (SLOWLOG, COMMANDLOG).
//!
//! It decides nothing about what is remarkable; `observe` does. Texts are cut as in Redis: 32 arguments of 128 bytes at most.
//!
//! Locks: one mutex for each log, a leaf. Bounds: the configured length times about 4 KB.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

/// Arguments of an entry; the last one says how many more there were.
const ARGS_MAX: usize = 32;

/// Bytes of an argument before it is cut.
const ARG_BYTES_MAX: usize = 128;

/// Which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// By execution time.
    Slow,
    /// By the request's size.
    LargeRequest,
    /// By the reply's size.
    LargeReply,
}

impl LogKind {
    /// Every kind.
    pub const ALL: [LogKind; 3] = [LogKind::Slow, LogKind::LargeRequest, LogKind::LargeReply];

    /// The word in COMMANDLOG.
    pub fn name(self) -> &'static str {
        match self {
            LogKind::Slow => "slow",
            LogKind::LargeRequest => "large-request",
            LogKind::LargeReply => "large-reply",
        }
    }
}

/// A remarkable command.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// Counts up over the life of the server.
    pub id: u64,
    /// When it was executed, seconds since the epoch.
    pub at_s: i64,
    /// Microseconds, or bytes.
    pub figure: u64,
    /// What it was called with, cut.
    pub args: Vec<Vec<u8>>,
    /// The client's address.
    pub address: String,
    /// The client's name.
    pub client: Vec<u8>,
}

#[derive(Default)]
struct Entries {
    next_id: u64,
    newest_first: VecDeque<Arc<LogEntry>>,
}

/// One log.
#[derive(Default)]
pub struct CommandLog(Mutex<Entries>);

impl CommandLog {
    /// Adds an entry and forgets the oldest beyond `len_max`. Sets the entry's id.
    pub fn push(&self, mut entry: LogEntry, len_max: usize) {
        let mut entries = self.0.lock();
        entry.id = entries.next_id;
        entries.next_id += 1;
        entries.newest_first.push_front(Arc::new(entry));
        entries.newest_first.truncate(len_max);
    }

    /// Entries held.
    pub fn len(&self) -> usize {
        self.0.lock().newest_first.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets everything; ids go on.
    pub fn clear(&self) {
        self.0.lock().newest_first.clear();
    }

    /// Up to `count` entries, the newest first.
    pub fn newest(&self, count: usize) -> Vec<Arc<LogEntry>> {
        self.0.lock().newest_first.iter().take(count).cloned().collect()
    }
}

/// All logs.
#[derive(Default)]
pub struct CommandLogs {
    slow: CommandLog,
    large_request: CommandLog,
    large_reply: CommandLog,
}

impl CommandLogs {
    /// The log of this kind.
    pub fn of(&self, kind: LogKind) -> &CommandLog {
        match kind {
            LogKind::Slow => &self.slow,
            LogKind::LargeRequest => &self.large_request,
            LogKind::LargeReply => &self.large_reply,
        }
    }
}

/// Arguments as an entry keeps them; those at `redacted` are hidden.
pub(crate) fn cut(args: &[&[u8]], redacted: &[usize]) -> Vec<Vec<u8>> {
    let shown = if args.len() > ARGS_MAX { ARGS_MAX - 1 } else { args.len() };
    let mut all: Vec<Vec<u8>> = args[..shown]
        .iter()
        .enumerate()
        .map(|(index, arg)| if redacted.contains(&index) { REDACTED.to_vec() } else { cut_one(arg) })
        .collect();
    if shown < args.len() {
        all.push(format!("... ({} more arguments)", args.len() - shown).into_bytes());
    }
    all
}

/// What stands in place of a secret.
pub(crate) const REDACTED: &[u8] = b"(redacted)";

fn cut_one(arg: &[u8]) -> Vec<u8> {
    match arg.get(..ARG_BYTES_MAX) {
        Some(head) if arg.len() > ARG_BYTES_MAX => {
            let more = arg.len() - ARG_BYTES_MAX;
            [head, format!("... ({more} more bytes)").as_bytes()].concat()
        }
        _ => arg.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_cut_as_in_redis() {
        let long = vec![b'y'; 200];
        let mut args: Vec<&[u8]> = vec![b"mget"; 41];
        args[1] = &long;
        let kept = cut(&args, &[2]);
        assert_eq!(kept.len(), 32);
        assert_eq!(kept[1], [&long[..128], b"... (72 more bytes)"].concat());
        assert_eq!(kept[2], b"(redacted)");
        assert_eq!(kept[31], b"... (10 more arguments)");
        assert_eq!(cut(&args[..32], &[])[31], b"mget");
    }

    #[test]
    fn the_oldest_go_and_ids_go_on() {
        let log = CommandLog::default();
        let entry = LogEntry {
            id: 0,
            at_s: 1,
            figure: 2,
            args: Vec::new(),
            address: String::new(),
            client: Vec::new(),
        };
        (0..5).for_each(|_| log.push(entry.clone(), 3));
        assert_eq!(log.newest(2).iter().map(|e| e.id).collect::<Vec<_>>(), [4, 3]);
        log.clear();
        log.push(entry, 3);
        assert_eq!((log.len(), log.newest(9)[0].id), (1, 5));
    }
}
