//! The load generator: many connections, one thread, closed loop.
//!
//! Each connection sends a batch of `pipeline` requests, waits for all replies, and sends the next. What is sent is
//! decided by a [`Traffic`]; replies are only counted and skipped, never stored, so that one core of load
//! saturates one core of server. It measures nothing but replies and time; CPU time of the server is read by
//! the callers from `/proc`.
//!
//! Bounds: one read buffer of [`READ_BYTES`] for all connections; per connection one batch of requests.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use system_tests::random::{Random, mix};

/// Size of the read buffer that all connections share.
pub const READ_BYTES: usize = 256 * 1024;

/// A connection that hears nothing for this long ends the run with an error.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// What a load run sends, and what it wants to know about replies.
pub trait Traffic {
    /// How many requests connection `connection` may send now, at most `want`. When all connections have got 0
    /// and nothing is outstanding the run ends.
    fn grant(&mut self, connection: usize, want: u32) -> u32;

    /// Appends one request.
    fn push(&mut self, out: &mut Vec<u8>, connection: usize);

    /// One reply has arrived, in the order of the requests of that connection; `head` is its first line.
    fn replied(&mut self, connection: usize, head: &[u8]) {
        let _ = (connection, head);
    }

    /// A piece of the body of the bulk reply whose head came last, its line end included.
    fn body(&mut self, connection: usize, part: &[u8]) {
        let _ = (connection, part);
    }

    /// Called after each round of reads and writes, every few hundred microseconds under load.
    fn turn(&mut self) {}
}

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Replies received.
    pub replies: u64,
    /// Error replies among them.
    pub errors: u64,
    /// Nil replies among them.
    pub nils: u64,
    /// The first error reply's text.
    pub first_error: Option<String>,
    /// From the first request to the last reply.
    pub seconds: f64,
}

impl Outcome {
    /// Fails when a reply was an error.
    pub fn checked(self) -> Result<Outcome, String> {
        match &self.first_error {
            None => Ok(self),
            Some(text) => Err(format!("{} error replies, the first: {text}", self.errors)),
        }
    }
}

/// Runs the traffic over `connections` connections with `pipeline` requests in each batch.
pub fn drive<T: Traffic>(
    addr: SocketAddr,
    connections: usize,
    pipeline: u32,
    traffic: &mut T,
) -> io::Result<Outcome> {
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    let mut lanes = Vec::with_capacity(connections);
    for index in 0..connections {
        let lane = Lane::connect(addr)?;
        epoll::add(&poll, &lane.stream, EventData::new_u64(index as u64), EventFlags::IN)?;
        lanes.push(lane);
    }
    let mut outcome = Outcome::default();
    let mut buffer = vec![0u8; READ_BYTES];
    let mut events = Vec::with_capacity(connections);
    let begin = Instant::now();
    let mut open = 0;
    for (index, lane) in lanes.iter_mut().enumerate() {
        open += usize::from(lane.refill(index, pipeline, traffic)?);
    }
    let tick = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    let mut heard = Instant::now();
    while open > 0 {
        events.clear();
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), Some(&tick))?;
        if events.is_empty() && heard.elapsed() > SILENCE_MAX {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the server has stopped answering"));
        }
        if !events.is_empty() {
            heard = Instant::now();
        }
        for event in &events {
            let (data, flags) = (event.data, event.flags);
            let index = data.u64() as usize;
            let lane = &mut lanes[index];
            if flags.contains(EventFlags::OUT) {
                lane.flush()?;
            }
            if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
                lane.receive(index, &mut buffer, traffic, &mut outcome)?;
                if lane.outstanding == 0 && lane.unsent() == 0 && !lane.refill(index, pipeline, traffic)? {
                    open -= 1;
                }
            }
            lane.update_interest(&poll, index)?;
        }
        traffic.turn();
    }
    outcome.seconds = begin.elapsed().as_secs_f64();
    Ok(outcome)
}

/// One connection of the load.
struct Lane {
    stream: TcpStream,
    out: Vec<u8>,
    sent: usize,
    /// Whether the poll also waits for room to write.
    wants_out: bool,
    outstanding: u32,
    /// Bytes of a bulk reply still to be skipped, its line end included.
    skip: usize,
    /// Elements of aggregates still to come before the reply is complete.
    nested: u64,
    /// A line that was cut by the end of a read.
    carry: Vec<u8>,
}

impl Lane {
    fn connect(addr: SocketAddr) -> io::Result<Lane> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Lane {
            stream,
            out: Vec::new(),
            sent: 0,
            wants_out: false,
            outstanding: 0,
            skip: 0,
            nested: 0,
            carry: Vec::new(),
        })
    }

    fn unsent(&self) -> usize {
        self.out.len() - self.sent
    }

    /// Builds and sends the next batch; false when the traffic grants no more.
    fn refill<T: Traffic>(&mut self, index: usize, pipeline: u32, traffic: &mut T) -> io::Result<bool> {
        let granted = traffic.grant(index, pipeline);
        if granted == 0 {
            return Ok(false);
        }
        self.out.clear();
        self.sent = 0;
        for _ in 0..granted {
            traffic.push(&mut self.out, index);
        }
        self.outstanding = granted;
        self.flush()?;
        Ok(true)
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.sent < self.out.len() {
            match self.stream.write(&self.out[self.sent..]) {
                Ok(n) => self.sent += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn update_interest(&mut self, poll: &impl rustix::fd::AsFd, index: usize) -> io::Result<()> {
        let wants_out = self.unsent() > 0;
        if wants_out != self.wants_out {
            self.wants_out = wants_out;
            let flags = if wants_out { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
            epoll::modify(poll, &self.stream, EventData::new_u64(index as u64), flags)?;
        }
        Ok(())
    }

    fn receive<T: Traffic>(
        &mut self,
        index: usize,
        buffer: &mut [u8],
        traffic: &mut T,
        outcome: &mut Outcome,
    ) -> io::Result<()> {
        let kept = self.carry.len();
        buffer[..kept].copy_from_slice(&self.carry);
        self.carry.clear();
        let got = match self.stream.read(&mut buffer[kept..]) {
            Ok(0) => {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed a connection"));
            }
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        self.consume(index, &buffer[..kept + got], traffic, outcome)
    }

    /// Walks over the replies in `bytes`; keeps an incomplete line for the next read.
    fn consume<T: Traffic>(
        &mut self,
        index: usize,
        mut bytes: &[u8],
        traffic: &mut T,
        outcome: &mut Outcome,
    ) -> io::Result<()> {
        loop {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                traffic.body(index, &bytes[..skipped]);
                bytes = &bytes[skipped..];
                self.skip -= skipped;
            }
            if bytes.is_empty() {
                return Ok(());
            }
            let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
                self.carry.extend_from_slice(bytes);
                return Ok(());
            };
            let head = &bytes[..end.saturating_sub(1)];
            bytes = &bytes[end + 1..];
            match head.first() {
                Some(b'$') => match decimal(&head[1..]) {
                    Some(len) => self.skip = len + 2,
                    None => outcome.nils += 1,
                },
                Some(b'*') => {
                    self.nested += decimal(&head[1..]).unwrap_or(0) as u64 + u64::from(self.nested == 0)
                }
                Some(b'-') => {
                    outcome.errors += 1;
                    outcome.first_error.get_or_insert_with(|| String::from_utf8_lossy(head).into_owned());
                }
                Some(b'+' | b':') => {}
                _ => {
                    let what = format!("unexpected reply {:?}", String::from_utf8_lossy(head));
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
            }
            if self.nested > 0 {
                self.nested -= 1;
                if self.nested > 0 {
                    continue;
                }
            }
            if self.outstanding == 0 {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a reply without a request"));
            }
            self.outstanding -= 1;
            outcome.replies += 1;
            traffic.replied(index, head);
        }
    }
}

fn decimal(digits: &[u8]) -> Option<usize> {
    let mut value = 0usize;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value.wrapping_mul(10).wrapping_add(usize::from(digit - b'0'));
    }
    Some(value)
}

/// The 16-byte key number `index` of a key family: hexadecimal digits of a bijection, so all are different and
/// spread evenly over any hash order.
pub fn key(family: u64, index: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut bits = mix((family << 40) ^ index);
    let mut out = [0u8; 16];
    for digit in &mut out {
        *digit = DIGITS[(bits & 15) as usize];
        bits >>= 4;
    }
    out
}

/// The commands that the standard load sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `GET key`
    Get,
    /// `SET key value`
    Set,
    /// `SET key value PX ms`, with a deadline hours away and different for each key
    SetTtl,
    /// `INCR key`
    Incr,
    /// `MSET` of ten keys
    Mset,
}

impl Verb {
    /// The command's name as shown in tables.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Set => "SET",
            Verb::SetTtl => "SET PX",
            Verb::Incr => "INCR",
            Verb::Mset => "MSET (10 keys)",
        }
    }

    /// Keys that INCR counts on are not those that hold values.
    fn family(self) -> u64 {
        u64::from(self == Verb::Incr)
    }
}

/// Which key each request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Every key once, in sequence: filling.
    Sequence,
    /// Uniformly random.
    Random,
}

/// The standard load: one verb over a number of keys.
pub struct Standard {
    verb: Verb,
    order: Order,
    keys: u64,
    value_bytes: usize,
    left: u64,
    next: u64,
    random: Random,
    /// Random text that values are cut from, so that filling one costs a copy only.
    pool: Vec<u8>,
}

impl Standard {
    /// `requests` requests of `verb` over `keys` keys.
    pub fn new(
        verb: Verb,
        order: Order,
        keys: u64,
        value_bytes: usize,
        requests: u64,
        seed: u64,
    ) -> Standard {
        let mut random = Random::new(seed);
        let mut pool = vec![0; 1 << 16];
        random.fill_text(&mut pool);
        Standard { verb, order, keys, value_bytes, left: requests, next: 0, random, pool }
    }

    /// Every key set once.
    pub fn fill(verb: Verb, keys: u64, value_bytes: usize) -> Standard {
        let requests = if verb == Verb::Mset { keys.div_ceil(10) } else { keys };
        Standard::new(verb, Order::Sequence, keys, value_bytes, requests, 42)
    }

    fn next_key(&mut self) -> [u8; 16] {
        let index = match self.order {
            Order::Sequence => self.next % self.keys,
            Order::Random => self.random.below(self.keys),
        };
        self.next += 1;
        key(self.verb.family(), index)
    }

    fn push_key(&mut self, out: &mut Vec<u8>) {
        let key = self.next_key();
        out.extend_from_slice(b"$16\r\n");
        out.extend_from_slice(&key);
        out.extend_from_slice(b"\r\n");
    }

    fn push_value(&mut self, out: &mut Vec<u8>) {
        push_number(out, b'$', self.value_bytes as u64);
        let start = out.len();
        match self.order {
            // Filled values are all different: an allocator or compressor must find nothing to share.
            Order::Sequence => {
                out.resize(start + self.value_bytes, 0);
                self.random.fill_text(&mut out[start..]);
            }
            Order::Random => {
                let from = self.random.index(self.pool.len() - self.value_bytes.min(self.pool.len() - 1));
                out.extend_from_slice(&self.pool[from..from + self.value_bytes]);
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

impl Traffic for Standard {
    fn grant(&mut self, _connection: usize, want: u32) -> u32 {
        let granted = self.left.min(u64::from(want));
        self.left -= granted;
        granted as u32
    }

    fn push(&mut self, out: &mut Vec<u8>, _connection: usize) {
        match self.verb {
            Verb::Get => {
                out.extend_from_slice(b"*2\r\n$3\r\nGET\r\n");
                self.push_key(out);
            }
            Verb::Incr => {
                out.extend_from_slice(b"*2\r\n$4\r\nINCR\r\n");
                self.push_key(out);
            }
            Verb::Set => {
                out.extend_from_slice(b"*3\r\n$3\r\nSET\r\n");
                self.push_key(out);
                self.push_value(out);
            }
            Verb::SetTtl => {
                out.extend_from_slice(b"*5\r\n$3\r\nSET\r\n");
                self.push_key(out);
                self.push_value(out);
                let ttl_ms = 3_600_000 + self.random.below(1_000_000_000);
                out.extend_from_slice(
                    format!("$2\r\nPX\r\n${}\r\n{ttl_ms}\r\n", ttl_ms.to_string().len()).as_bytes(),
                );
            }
            Verb::Mset => {
                out.extend_from_slice(b"*21\r\n$4\r\nMSET\r\n");
                for _ in 0..10 {
                    self.push_key(out);
                    self.push_value(out);
                }
            }
        }
    }
}

/// Appends `sign`, a decimal number and a line end.
pub fn push_number(out: &mut Vec<u8>, sign: u8, value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.push(sign);
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

/// Appends one argument of a command.
pub fn push_bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    push_number(out, b'$', bytes.len() as u64);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// Pins the calling thread to one core; without effect on a machine with one core.
pub fn pin_thread(core: usize) {
    if std::thread::available_parallelism().map_or(1, |n| n.get()) > 1 {
        let mut set = rustix::thread::CpuSet::new();
        set.set(core);
        // Refused only where the core does not exist or is not ours; then the run is merely less steady.
        let _ = rustix::thread::sched_setaffinity(None, &set);
    }
}

/// Keeps the calling thread on one core as long as it lives.
pub struct Pinned(Option<rustix::thread::CpuSet>);

impl Pinned {
    /// See [`pin_thread`].
    pub fn to(core: usize) -> Pinned {
        let before = rustix::thread::sched_getaffinity(None).ok();
        pin_thread(core);
        Pinned(before)
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = rustix::thread::sched_setaffinity(None, before);
        }
    }
}

/// Gives the calling thread real-time priority; false where that is not permitted.
pub fn make_real_time() -> bool {
    let thread = rustix::thread::gettid().as_raw_nonzero().to_string();
    let chrt = Command::new("chrt").args(["--fifo", "--pid", "1", &thread]).stderr(Stdio::null()).status();
    chrt.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Replies cut at every byte: the walker must count the same.
    #[test]
    fn counts_replies_at_every_cut() {
        struct Count(Vec<String>);
        impl Traffic for Count {
            fn grant(&mut self, _: usize, _: u32) -> u32 {
                0
            }
            fn push(&mut self, _: &mut Vec<u8>, _: usize) {}
            fn replied(&mut self, _: usize, head: &[u8]) {
                self.0.push(String::from_utf8_lossy(head).into_owned());
            }
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let bytes = b"+OK\r\n$5\r\na\r\nbc\r\n$-1\r\n*2\r\n$1\r\nx\r\n:1\r\n*0\r\n-ERR no\r\n:12\r\n";
        for cut in 0..bytes.len() {
            let mut lane = Lane::connect(listener.local_addr().unwrap()).unwrap();
            lane.outstanding = 7;
            let (mut count, mut outcome) = (Count(Vec::new()), Outcome::default());
            let mut feed = |part: &[u8], lane: &mut Lane| {
                let whole = [std::mem::take(&mut lane.carry).as_slice(), part].concat();
                lane.consume(0, &whole, &mut count, &mut outcome).unwrap();
            };
            feed(&bytes[..cut], &mut lane);
            feed(&bytes[cut..], &mut lane);
            assert_eq!(
                (lane.outstanding, outcome.replies, outcome.nils, outcome.errors),
                (0, 7, 1, 1),
                "cut {cut}"
            );
            assert_eq!(count.0.last().unwrap(), ":12");
        }
    }

    #[test]
    fn keys_differ_and_fill_the_width() {
        let all: std::collections::HashSet<_> = (0..10_000).map(|index| key(0, index)).collect();
        assert_eq!(all.len(), 10_000);
        assert!(!all.contains(&key(1, 0)));
    }

    #[test]
    fn requests_are_well_formed() {
        for verb in [Verb::Get, Verb::Set, Verb::SetTtl, Verb::Incr, Verb::Mset] {
            let mut out = Vec::new();
            Standard::fill(verb, 100, 64).push(&mut out, 0);
            assert_eq!(system_tests::client::reply_end(&out).unwrap(), Some(out.len()), "{}", verb.name());
        }
    }
}
