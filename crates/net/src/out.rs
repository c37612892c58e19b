//! A connection's output: what the service queued, what is on its way to the kernel, and the buffers' reuse.
//!
//! ```text
//!   Out (the service's)                     Flight (the reactor's)
//!   [queue: Copied|Shared ...][buf]  ─load─> [head: bytes sent so far | rest ...] ─> kernel
//!          ^ push_shared        ^ buf()        Vecs come back to the Pool
//! ```
//! `Flight` is filled only when it is empty: while a reader is slow, new output gathers in `Out`. The two are
//! separate because the kernel may read a flight's bytes at any time (invariant 2 of the crate), so no code
//! of the service may reach them.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::ops::Range;
use std::sync::Arc;

/// Immutable bytes that may be sent without copying them.
pub type SharedBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Most pieces handed to the kernel in one send.
pub(crate) const PIECES_MAX: usize = 64;

/// Shared ranges below this size are copied: cheaper than one more piece to send.
const COPY_BELOW: usize = 2048;

/// Capacity of a fresh output buffer.
const FRESH_CAPACITY: usize = 2048;

/// A buffer that grew beyond this is freed, not kept.
const KEEP_CAPACITY: usize = 64 << 10;

/// Most bytes of capacity that a [`Pool`] keeps.
const POOL_BYTES: usize = 4 << 20;

enum Segment {
    Copied(Vec<u8>),
    Shared { owner: SharedBytes, range: Range<usize> },
}

impl Segment {
    fn bytes(&self) -> &[u8] {
        match self {
            Segment::Copied(bytes) => bytes,
            // The range was checked when it was pushed; an owner that has shrunk since then sends nothing
            // more.
            Segment::Shared { owner, range } => (**owner).as_ref().get(range.clone()).unwrap_or_default(),
        }
    }
}

/// The output queue of a connection, the service's side.
#[derive(Default)]
pub struct Out {
    queue: VecDeque<Segment>,
    buf: Vec<u8>,
    queued: usize,
    flying: usize,
}

impl Out {
    /// The buffer to append reply bytes to. What it holds goes out after everything queued before.
    #[inline]
    pub fn buf(&mut self) -> &mut Vec<u8> {
        &mut self.buf
    }

    /// Queues `range` of `bytes` behind everything queued so far, without copying (small ranges are copied).
    ///
    /// # Panics
    /// If `range` is not within `bytes`.
    pub fn push_shared(&mut self, bytes: SharedBytes, range: Range<usize>) {
        let slice = &(*bytes).as_ref()[range.clone()];
        if slice.len() < COPY_BELOW {
            self.buf.extend_from_slice(slice);
            return;
        }
        self.seal();
        self.queued += range.len();
        self.queue.push_back(Segment::Shared { owner: bytes, range });
    }

    /// Unsent bytes: everything queued and what the kernel has not taken yet.
    #[inline]
    pub fn pending_bytes(&self) -> usize {
        self.queued + self.buf.len() + self.flying
    }

    /// Bytes of memory held by this queue: capacities of copied bytes, and the table of pieces (what shared
    /// pieces refer to belongs to others).
    pub fn memory_bytes(&self) -> usize {
        let copied: usize =
            self.queue.iter().map(|s| if let Segment::Copied(v) = s { v.capacity() } else { 0 }).sum();
        copied + self.buf.capacity() + self.queue.capacity() * size_of::<Segment>() + self.flying
    }

    /// Discards everything that the kernel has not been given yet.
    pub fn clear(&mut self) {
        self.queue.clear();
        self.buf.clear();
        self.queued = 0;
    }

    /// Whether there is nothing to load into a flight.
    #[inline]
    pub(crate) fn nothing_queued(&self) -> bool {
        self.buf.is_empty() && self.queue.is_empty()
    }

    /// Gives the service a recycled buffer to write to, if it has none.
    #[inline]
    pub(crate) fn lend(&mut self, pool: &mut Pool) {
        if self.buf.capacity() == 0 {
            self.buf = pool.take();
        }
    }

    /// Takes the buffers of an idle connection back.
    #[inline]
    pub(crate) fn reclaim(&mut self, pool: &mut Pool) {
        if self.buf.is_empty() && self.buf.capacity() > 0 {
            pool.give(std::mem::take(&mut self.buf));
        }
        if self.queue.is_empty() && self.queue.capacity() > PIECES_MAX {
            self.queue = VecDeque::new();
        }
    }

    fn seal(&mut self) {
        if !self.buf.is_empty() {
            self.queued += self.buf.len();
            self.queue.push_back(Segment::Copied(std::mem::take(&mut self.buf)));
        }
    }
}

/// Output on its way to the kernel.
#[derive(Default)]
pub(crate) struct Flight {
    head: Option<Segment>,
    rest: VecDeque<Segment>,
    /// Bytes of `head` that the kernel has taken.
    sent: usize,
    /// Set while the kernel may read the segments: nothing is changed, and dropping leaks them.
    pub(crate) with_kernel: bool,
}

impl Flight {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_none()
    }

    /// Takes over everything queued in `out`. Only for an empty flight.
    #[inline]
    pub(crate) fn load(&mut self, out: &mut Out) {
        debug_assert!(self.head.is_none() && !self.with_kernel);
        out.flying = out.queued + out.buf.len();
        out.queued = 0;
        self.sent = 0;
        if out.queue.is_empty() {
            if !out.buf.is_empty() {
                self.head = Some(Segment::Copied(std::mem::take(&mut out.buf)));
            }
            return;
        }
        out.seal();
        out.queued = 0;
        std::mem::swap(&mut self.rest, &mut out.queue);
        self.head = self.rest.pop_front();
    }

    /// Whether one send can take everything that is left.
    #[inline]
    pub(crate) fn fits_one_send(&self) -> bool {
        self.rest.len() < PIECES_MAX
    }

    /// Whether everything that is left is one piece.
    #[inline]
    pub(crate) fn is_single(&self) -> bool {
        self.rest.is_empty()
    }

    /// The unsent bytes of the first piece.
    #[inline]
    pub(crate) fn first(&self) -> &[u8] {
        self.head.as_ref().map_or(&[], |s| s.bytes().get(self.sent..).unwrap_or_default())
    }

    /// The next unsent pieces, at most [`PIECES_MAX`] of them.
    pub(crate) fn pieces<'a>(&'a self, into: &mut Vec<IoSlice<'a>>) {
        into.push(IoSlice::new(self.first()));
        into.extend(self.rest.iter().take(PIECES_MAX - 1).map(|s| IoSlice::new(s.bytes())));
    }

    /// The kernel took `n` bytes.
    pub(crate) fn advance(&mut self, mut n: usize, out: &mut Out, pool: &mut Pool) {
        debug_assert!(!self.with_kernel);
        out.flying = out.flying.saturating_sub(n);
        loop {
            let left = self.first().len();
            if n < left {
                self.sent += n;
                return;
            }
            n -= left;
            if let Some(Segment::Copied(buffer)) = self.head.take() {
                pool.give(buffer);
            }
            self.sent = 0;
            self.head = self.rest.pop_front();
            if self.head.is_none() {
                if self.rest.capacity() > PIECES_MAX {
                    self.rest = VecDeque::new();
                }
                out.flying = 0;
                return;
            }
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.with_kernel {
            // Invariant 2: the kernel may still read these bytes, so they are leaked.
            std::mem::forget(self.head.take());
            std::mem::forget(std::mem::take(&mut self.rest));
        }
    }
}

/// Output buffers between uses: at most [`POOL_BYTES`] of capacity, none larger than [`KEEP_CAPACITY`].
#[derive(Default)]
pub(crate) struct Pool {
    free: Vec<Vec<u8>>,
    bytes: usize,
}

impl Pool {
    #[inline]
    pub(crate) fn take(&mut self) -> Vec<u8> {
        match self.free.pop() {
            Some(buffer) => {
                self.bytes -= buffer.capacity();
                buffer
            }
            None => Vec::with_capacity(FRESH_CAPACITY),
        }
    }

    #[inline]
    pub(crate) fn give(&mut self, mut buffer: Vec<u8>) {
        let capacity = buffer.capacity();
        if capacity <= KEEP_CAPACITY && self.bytes + capacity <= POOL_BYTES {
            buffer.clear();
            self.bytes += capacity;
            self.free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(flight: &mut Flight, out: &mut Out, pool: &mut Pool, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while !flight.is_empty() {
            let mut pieces = Vec::new();
            flight.pieces(&mut pieces);
            assert!(pieces.len() <= PIECES_MAX);
            let flat: Vec<u8> = pieces.iter().flat_map(|p| p.iter().copied()).collect();
            let n = step.min(flat.len());
            all.extend_from_slice(&flat[..n]);
            flight.advance(n, out, pool);
        }
        all
    }

    #[test]
    fn order_is_kept_and_bytes_are_counted() {
        let big: SharedBytes = Arc::new((0..100_000u32).map(|i| i as u8).collect::<Vec<u8>>());
        for (step, count) in [(1usize, 5usize), (7, 10), (4096, 200), (1 << 30, 200)] {
            let (mut out, mut flight, mut pool) = (Out::default(), Flight::default(), Pool::default());
            let mut expected = Vec::new();
            for i in 0..count {
                let text = format!("<{i}>");
                out.buf().extend_from_slice(text.as_bytes());
                expected.extend_from_slice(text.as_bytes());
                let range = i..i + if i % 3 == 0 { 10 } else { 3000 };
                out.push_shared(big.clone(), range.clone());
                expected.extend_from_slice(&(*big).as_ref()[range]);
            }
            assert_eq!(out.pending_bytes(), expected.len());
            flight.load(&mut out);
            assert_eq!(out.pending_bytes(), expected.len());
            out.buf().extend_from_slice(b"later");
            let sent = drain(&mut flight, &mut out, &mut pool, step);
            assert!(sent == expected, "step {step}");
            assert_eq!(out.pending_bytes(), 5);
            flight.load(&mut out);
            assert_eq!(drain(&mut flight, &mut out, &mut pool, step), b"later");
            assert_eq!(out.pending_bytes(), 0);
        }
    }

    #[test]
    fn pool_is_bounded_and_recycles() {
        let mut pool = Pool::default();
        pool.give(Vec::with_capacity(KEEP_CAPACITY + 1));
        assert_eq!(pool.bytes, 0);
        for _ in 0..200 {
            pool.give(Vec::with_capacity(KEEP_CAPACITY));
        }
        assert!(pool.bytes <= POOL_BYTES && pool.bytes > POOL_BYTES - 2 * KEEP_CAPACITY);
        let before = pool.free.len();
        assert_eq!(pool.take().capacity(), KEEP_CAPACITY);
        assert_eq!(pool.free.len(), before - 1);
    }

    #[test]
    #[should_panic(expected = "range end index")]
    fn a_range_outside_is_the_callers_error() {
        Out::default().push_shared(Arc::new(vec![0u8; 10]), 5..11);
    }
}
