//! Values that carry a version, so that a saved file can be judged key by key.
//!
//! Every key has exactly one writer (a load connection, or the probe), which numbers its writes. What was
//! acknowledged before BGSAVE was sent must be in the file; what was sent only after BGSAVE's reply must not:
//!
//! ```text
//!   acknowledged when BGSAVE is sent  <=  version in the file  <=  sent when BGSAVE has been answered
//! ```
//!
//! A value is `VVVVVVVV:` (the version in hexadecimal) and text cut from a fixed random pool at a place that
//! depends on key and version, so that a value of another key or version, or a torn one, is recognised.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use system_tests::random::{Random, mix};

use crate::load::{Traffic, key, push_number};

const POOL_BYTES: usize = 1 << 16;
const HEAD_BYTES: usize = 9;

/// What has been sent and acknowledged for every key.
pub struct Versions {
    keys: Vec<Newest>,
    value_bytes: usize,
    pool: Vec<u8>,
}

/// The newest versions of a key; side by side, since each request needs both from memory.
#[derive(Default)]
struct Newest {
    sent: AtomicU32,
    acknowledged: AtomicU32,
}

impl Versions {
    /// No key written yet. `value_bytes` is at least 10.
    pub fn new(keys: usize, value_bytes: usize) -> Versions {
        let mut pool = vec![0; POOL_BYTES + value_bytes];
        Random::new(4711).fill_text(&mut pool);
        let keys = (0..keys).map(|_| Newest::default()).collect();
        Versions { keys, value_bytes: value_bytes.max(HEAD_BYTES + 1), pool }
    }

    /// Number of keys.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// Appends `SET key value` with the key's next version.
    pub fn push_set(&self, out: &mut Vec<u8>, index: usize) {
        let version = self.next(index);
        out.extend_from_slice(b"*3\r\n$3\r\nSET\r\n$16\r\n");
        out.extend_from_slice(&key(0, index as u64));
        out.extend_from_slice(b"\r\n");
        push_number(out, b'$', self.value_bytes as u64);
        self.push_value(out, index, version);
        out.extend_from_slice(b"\r\n");
    }

    /// Takes the next version of a key, which counts as sent from here on.
    pub fn next(&self, index: usize) -> u32 {
        // Only the key's one writer gets here, so load and store need not be one step.
        let version = self.keys[index].sent.load(Ordering::Relaxed) + 1;
        self.keys[index].sent.store(version, Ordering::Release);
        version
    }

    /// Notes that a key was filled with a version and that this was acknowledged.
    pub fn filled(&self, index: usize, version: u32) {
        self.keys[index].sent.store(version, Ordering::Release);
        self.acknowledge(index, version);
    }

    /// The newest version that was sent for a key; what its writer's acknowledgement means.
    pub fn newest(&self, index: usize) -> u32 {
        self.keys[index].sent.load(Ordering::Relaxed)
    }

    /// Notes that a version has been answered with OK.
    pub fn acknowledge(&self, index: usize, version: u32) {
        self.keys[index].acknowledged.store(version, Ordering::Release);
    }

    /// The versions acknowledged by now: the lower bounds of a save that is asked for after this call.
    pub fn acknowledged_now(&self) -> Vec<u32> {
        self.keys.iter().map(|key| key.acknowledged.load(Ordering::Acquire)).collect()
    }

    /// The versions sent by now: the upper bounds of a save whose cut was made before this call.
    pub fn sent_now(&self) -> Vec<u32> {
        self.keys.iter().map(|key| key.sent.load(Ordering::Acquire)).collect()
    }

    /// The version that a stored value carries; none when the value is not one that was ever sent for the key.
    pub fn judge(&self, index: usize, value: &[u8]) -> Option<u32> {
        let head = std::str::from_utf8(value.get(..HEAD_BYTES - 1)?).ok()?;
        let version = u32::from_str_radix(head, 16).ok()?;
        let mut expected = Vec::with_capacity(self.value_bytes);
        self.push_value(&mut expected, index, version);
        (expected == value).then_some(version)
    }

    /// Appends the value of a key's version. The key need not be one of those that are counted.
    pub fn push_value(&self, out: &mut Vec<u8>, index: usize, version: u32) {
        let mut head = *b"00000000:";
        let mut rest = version;
        for digit in head[..8].iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest & 15) as usize];
            rest >>= 4;
        }
        out.extend_from_slice(&head);
        let from = mix(index as u64 ^ (u64::from(version) << 32)) as usize % POOL_BYTES;
        out.extend_from_slice(&self.pool[from..from + self.value_bytes - HEAD_BYTES]);
    }
}

/// Overwrites flat out until told to stop. A batch's keys are drawn at once and their versions read in one loop: these come from all over memory
/// and would take half of the load's time one by one, on a core that the host's own writing to disk has to share. Lane `n` of `lanes` writes the keys with `index % writers == n`.
pub struct Overwrite {
    versions: Arc<Versions>,
    writers: usize,
    /// Keys of the batch that is being built.
    batch: Vec<u32>,
    in_flight: Vec<VecDeque<(u32, u32)>>,
    random: Random,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
}

impl Overwrite {
    /// `writers` is one more than the number of connections: the last share of the keys is the probe's.
    pub fn new(
        versions: Arc<Versions>,
        writers: usize,
        stop: Arc<AtomicBool>,
        done: Arc<AtomicU64>,
    ) -> Overwrite {
        let in_flight = (0..writers).map(|_| VecDeque::new()).collect();
        Overwrite { versions, writers, batch: Vec::new(), in_flight, random: Random::new(99), stop, done }
    }
}

/// A random key of one writer's share.
pub fn share(random: &mut Random, keys: usize, writers: usize, writer: usize) -> usize {
    random.index(keys / writers) * writers + writer
}

impl Traffic for Overwrite {
    fn grant(&mut self, connection: usize, want: u32) -> u32 {
        if self.stop.load(Ordering::Relaxed) {
            return 0;
        }
        let (random, keys, writers) = (&mut self.random, self.versions.keys(), self.writers);
        self.batch.clear();
        self.batch.extend((0..want).map(|_| share(random, keys, writers, connection) as u32));
        let newest = self.batch.iter().map(|&index| self.versions.newest(index as usize));
        std::hint::black_box(newest.fold(0, u32::wrapping_add));
        want
    }

    fn push(&mut self, out: &mut Vec<u8>, connection: usize) {
        let Some(index) = self.batch.pop().map(|index| index as usize) else { return };
        self.versions.push_set(out, index);
        self.in_flight[connection].push_back((index as u32, self.versions.newest(index)));
    }

    fn replied(&mut self, connection: usize, head: &[u8]) {
        if let Some((index, version)) = self.in_flight[connection].pop_front()
            && head == b"+OK"
        {
            self.versions.acknowledge(index as usize, version);
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes every key once, in sequence.
pub struct Fill {
    versions: Arc<Versions>,
    next: usize,
    granted: usize,
    in_flight: Vec<VecDeque<u32>>,
}

impl Fill {
    /// Fills over `connections` connections.
    pub fn new(versions: Arc<Versions>, connections: usize) -> Fill {
        Fill { versions, next: 0, granted: 0, in_flight: (0..connections).map(|_| VecDeque::new()).collect() }
    }
}

impl Traffic for Fill {
    fn grant(&mut self, _connection: usize, want: u32) -> u32 {
        let granted = (self.versions.keys() - self.granted).min(want as usize);
        self.granted += granted;
        granted as u32
    }

    fn push(&mut self, out: &mut Vec<u8>, connection: usize) {
        self.versions.push_set(out, self.next);
        self.in_flight[connection].push_back(self.next as u32);
        self.next += 1;
    }

    fn replied(&mut self, connection: usize, _head: &[u8]) {
        if let Some(index) = self.in_flight[connection].pop_front() {
            self.versions.acknowledge(index as usize, 1);
        }
    }
}

/// Reads every key once and judges its value against the bounds.
pub struct Judge {
    versions: Arc<Versions>,
    lower: Vec<u32>,
    upper: Vec<u32>,
    granted: usize,
    next: usize,
    in_flight: Vec<VecDeque<u32>>,
    bodies: Vec<Vec<u8>>,
    /// Length of the body to come on each connection, its line end included.
    body_bytes: Vec<usize>,
    /// What was found.
    pub verdict: Verdict,
}

/// Counts of the keys of a loaded file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Keys within their bounds.
    pub right: u64,
    /// Keys that the file does not have.
    pub missing: u64,
    /// Values that were never sent.
    pub malformed: u64,
    /// Values older than what had been acknowledged before the save was asked for.
    pub too_old: u64,
    /// Values sent only after the save had been answered.
    pub too_new: u64,
}

impl Verdict {
    /// Counts the version that was found; none for a value that was never sent.
    pub fn count(&mut self, found: Option<u32>, lower: u32, upper: u32) {
        match found {
            None => self.malformed += 1,
            Some(version) if version < lower => self.too_old += 1,
            Some(version) if version > upper => self.too_new += 1,
            Some(_) => self.right += 1,
        }
    }

    /// Whether all keys were right, and nothing was found beside them.
    pub fn is_exact(&self, keys: usize) -> bool {
        *self == Verdict { right: keys as u64, ..Verdict::default() }
    }

    /// What the table says.
    pub fn describe(&self, keys: usize) -> String {
        if self.is_exact(keys) {
            return "exact".to_string();
        }
        let Verdict { right, missing, malformed, too_old, too_new } = self;
        format!(
            "NOT EXACT: {right} right, {missing} missing, {malformed} malformed, {too_old} too old, {too_new} too new"
        )
    }
}

impl Judge {
    /// Judges by the bounds taken before and after BGSAVE.
    pub fn new(versions: Arc<Versions>, lower: Vec<u32>, upper: Vec<u32>, connections: usize) -> Judge {
        Judge {
            versions,
            lower,
            upper,
            granted: 0,
            next: 0,
            in_flight: (0..connections).map(|_| VecDeque::new()).collect(),
            bodies: vec![Vec::new(); connections],
            body_bytes: vec![0; connections],
            verdict: Verdict::default(),
        }
    }

    fn judge(&mut self, connection: usize) {
        let Some(index) = self.in_flight[connection].pop_front().map(|index| index as usize) else { return };
        let body = std::mem::take(&mut self.bodies[connection]);
        let found = self.versions.judge(index, body.strip_suffix(b"\r\n").unwrap_or(&body));
        self.verdict.count(found, self.lower[index], self.upper[index]);
    }
}

impl Traffic for Judge {
    fn grant(&mut self, _connection: usize, want: u32) -> u32 {
        let granted = (self.versions.keys() - self.granted).min(want as usize);
        self.granted += granted;
        granted as u32
    }

    fn push(&mut self, out: &mut Vec<u8>, connection: usize) {
        out.extend_from_slice(b"*2\r\n$3\r\nGET\r\n$16\r\n");
        out.extend_from_slice(&key(0, self.next as u64));
        out.extend_from_slice(b"\r\n");
        self.in_flight[connection].push_back(self.next as u32);
        self.next += 1;
    }

    fn replied(&mut self, connection: usize, head: &[u8]) {
        let len = head
            .strip_prefix(b"$")
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok());
        match len {
            Some(len) => self.body_bytes[connection] = len + 2,
            None => {
                self.in_flight[connection].pop_front();
                self.verdict.missing += 1;
            }
        }
    }

    fn body(&mut self, connection: usize, part: &[u8]) {
        self.bodies[connection].extend_from_slice(part);
        if self.bodies[connection].len() >= self.body_bytes[connection] {
            self.judge(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The canary of the exactness check: each kind of damage must be seen.
    #[test]
    fn judges_each_kind_of_damage() {
        let versions = Arc::new(Versions::new(6, 50));
        let mut stored = Vec::new();
        for index in 0..6 {
            (0..5).for_each(|_| versions.push_set(&mut Vec::new(), index));
            let mut value = Vec::new();
            versions.push_value(&mut value, index, if index == 1 { 2 } else { 4 });
            stored.push(value);
        }
        stored[2][30] ^= 1; // torn
        stored[3] = stored[0].clone(); // another key's value
        let upper = vec![5, 5, 5, 5, 3, 5]; // key 4 is from after the cut
        let mut judge = Judge::new(versions, vec![3; 6], upper, 1);
        for (index, value) in stored.iter().enumerate() {
            judge.push(&mut Vec::new(), 0);
            if index == 5 {
                judge.replied(0, b"$-1");
            } else {
                judge.replied(0, b"$50");
                judge.body(0, &value[..20]);
                judge.body(0, &value[20..]);
                judge.body(0, b"\r\n");
            }
        }
        let expected = Verdict { right: 1, missing: 1, malformed: 2, too_old: 1, too_new: 1 };
        assert_eq!(judge.verdict, expected);
        assert!(!judge.verdict.is_exact(6));
    }
}
