//! The io_uring back end: one system call per loop iteration submits everything and waits.
//!
//! A connection has one multishot receive armed, which takes a buffer from the shared ring only when there is
//! input, at most one send in flight, and, while its receive is cancelled because reading is paused, one poll
//! for the peer's end.
//!
//! An iteration: enter the kernel (submit, wait); walk the completions: accepted sockets are placed, finished
//! sends are settled, received buffers are gathered; hand these over in rounds, each connection at most once
//! per round, giving a round's buffers back after it; re-arm receives that ended (no buffer was left, for
//! instance); the core's housekeeping.
//!
//! How long to wait: a send must not wait inside the kernel (MSG_DONTWAIT), so its completion is there as
//! soon as it is submitted; it is waited for one completion more than there are such sends, else each batch
//! would cost two system calls. A send that finds the socket full is repeated as one that may wait, which is
//! not counted. When input is dense, it is waited for several (see [`gather`]).
//!
//! # Invariants
//! 1. `Link::asked` tells which requests of a connection the kernel has ([`RECEIVE`], [`SEND`], [`POLL`]). A
//!    bit is set when the request is queued and cleared by its last completion. The link (socket, flight)
//!    outlives all of them.
//! 2. A flight's bytes are handed to the kernel with `with_kernel` set, and not touched until the completion
//!    clears it (invariant 2 of the crate).
//! 3. Message headers of sends in several pieces are kept until the queue was consumed; the kernel copies
//!    them then (IORING_FEAT_SUBMIT_STABLE, which the probe asks for).

mod buffers;
mod gather;

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{EnterFlags, IoUring, SubmissionQueue, Submitter, cqueue, opcode, squeue};
use rustix::net::Shutdown;

use crate::conn::{Closing, Link};
use crate::listen::Listener;
use crate::out::PIECES_MAX;
use crate::reactor::{Config, Core, Delivery, Driver, End, Sent};
use crate::{CloseReason, ConnId, Service};
use buffers::{Buffers, GROUP};
use gather::Gather;

const SUBMISSIONS: u32 = 1024;
const COMPLETIONS: u32 = 4096;

/// Most bytes in a send of one piece (its length has 32 bits).
const SEND_MAX: usize = 1 << 30;

/// How long the end of a reactor waits for the kernel to finish with its requests.
const DRAIN: Duration = Duration::from_secs(5);

// User data: the kind in the top bits (a connection's id is below 2^60), then the id or the listener's key.
const KIND: u64 = 0xf << 60;
const ON_RECEIVE: u64 = 1 << 60;
const ON_SEND: u64 = 2 << 60;
const ON_POLL: u64 = 3 << 60;
const ON_ACCEPT: u64 = 4 << 60;
const ON_WAKE: u64 = 5 << 60;
const ON_CANCEL: u64 = 6 << 60;

// Bits of `Link::asked`.
const RECEIVE: u32 = 1;
const SEND: u32 = 2;
const POLL: u32 = 4;
/// The cancellation of the receive is on its way; not a request that holds on to the link.
const CANCELLING: u32 = 8;
/// A send found the socket full: until all is sent, sends wait in the kernel. Not a request either.
const FULL: u32 = 16;
const REQUESTS: u32 = RECEIVE | SEND | POLL;

/// A ring and its receive buffers; the ring is dropped first.
pub(crate) struct Parts {
    ring: IoUring,
    buffers: Buffers,
}

/// Makes a ring for the calling thread, the only one that may use it.
pub(crate) fn setup(config: &Config) -> io::Result<Parts> {
    let ring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_submit_all()
        .setup_clamp()
        .setup_cqsize(COMPLETIONS)
        .build(SUBMISSIONS)?;
    let features = ring.params();
    if !(features.is_feature_ext_arg() && features.is_feature_nodrop() && features.is_feature_submit_stable())
    {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let mut buffers = Buffers::new(config.input_buffers, config.input_buffer_bytes)?;
    buffers.register(&ring.submitter())?;
    Ok(Parts { ring, buffers })
}

/// Whether io_uring is permitted here and does what we need; tried on a pair of sockets.
pub(crate) fn probe() -> io::Result<()> {
    let small = Config { input_buffers: 2, input_buffer_bytes: 64, ..Config::default() };
    let Parts { mut ring, mut buffers } = setup(&small)?;
    let (ours, theirs) = rustix::net::socketpair(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::STREAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )?;
    rustix::io::write(&theirs, b"?")?;
    let receive = opcode::RecvMulti::new(Fd(ours.as_raw_fd()), GROUP).build().user_data(ON_RECEIVE);
    // SAFETY: the request names a socket that stays open and buffers that stay mapped until it is done
    // (below).
    unsafe { ring.submission().push(&receive) }.map_err(|_| io::ErrorKind::Other)?;
    ring.submit_and_wait(1)?;
    let first = ring.completion().next().ok_or(io::ErrorKind::Unsupported)?;
    let works = first.result() == 1
        && cqueue::more(first.flags())
        && cqueue::buffer_select(first.flags()).is_some_and(|id| buffers.bytes(id, 1) == b"?");
    drop(theirs);
    let mut is_over = !cqueue::more(first.flags());
    if !is_over {
        // The end of the peer ends the request.
        ring.submit_and_wait(1)?;
        is_over = ring.completion().next().is_some_and(|last| !cqueue::more(last.flags()));
    }
    if is_over {
        buffers.retire();
    }
    if works { Ok(()) } else { Err(io::ErrorKind::Unsupported.into()) }
}

struct Uring<'r> {
    submitter: Submitter<'r>,
    queue: SubmissionQueue<'r>,
    /// What did not fit into the queue because the kernel would not take it.
    backlog: VecDeque<squeue::Entry>,
    /// Headers of sends in several pieces that the kernel has not copied yet (invariant 3); the first
    /// `headers_used` of them.
    #[expect(clippy::vec_box, reason = "the kernel knows their addresses while the list grows")]
    headers: Vec<Box<Header>>,
    headers_used: usize,
    /// Sends queued since the last wait that complete as soon as they are submitted.
    quick_sends: usize,
    /// Output waits behind one of them: the peer may have nothing to say before it has that.
    more_behind_send: bool,
    /// A receive ended since there was no buffer.
    is_short_of_buffers: bool,
    gather: Gather,
    /// Keys of the listeners that are accepted from.
    accepting: Vec<u32>,
}

struct Header {
    message: libc::msghdr,
    pieces: [libc::iovec; PIECES_MAX],
}

/// A received buffer, or the end.
struct Got {
    id: ConnId,
    buffer: Option<u16>,
    len: usize,
    end: End,
}

pub(crate) fn run<S: Service>(parts: Parts, config: &Config, mut core: Core<S>) -> io::Result<S> {
    let Parts { mut ring, mut buffers } = parts;
    // Without a limit on the wait for several, it must not be waited for several.
    let horizon = if ring.params().is_feature_min_timeout() { config.gather } else { Duration::ZERO };
    let (mut submitter, queue, mut completions) = ring.split();
    // Only saves looking the descriptor up at each call.
    let _ = submitter.register_ring_fd();
    let mut driver = Uring {
        submitter,
        queue,
        backlog: VecDeque::new(),
        headers: Vec::new(),
        headers_used: 0,
        quick_sends: 0,
        more_behind_send: false,
        is_short_of_buffers: false,
        gather: Gather::new(horizon, Instant::now()),
        accepting: Vec::new(),
    };
    driver.watch_bell(core.handle.event().as_raw_fd());
    core.begin_listening(&mut driver);
    let mut got: Vec<Got> = Vec::new();
    let mut later: Vec<Got> = Vec::new();
    let mut ended: Vec<ConnId> = Vec::new();
    let mut round: u32 = 0;
    let mut sleep = core.housekeeping(&mut driver);
    while !core.stopping {
        if !core.handle.fall_asleep() {
            sleep = Some(Duration::ZERO);
        }
        driver.enter(sleep)?;
        core.handle.wake_up();
        core.deliver_due(&mut driver);
        if driver.gather.is_on() {
            driver.gather.advance(Instant::now());
        }
        completions.sync();
        for completion in &mut completions {
            complete(&mut core, &mut driver, &completion, &mut got, &mut ended);
        }
        // The kernel counts what to wait for from where we have read to.
        completions.sync();
        while !got.is_empty() {
            round = round.wrapping_add(1);
            got.retain_mut(|got| match core.conns.link_mut(got.id) {
                Some(link) if link.round == round => {
                    later.push(Got { buffer: got.buffer.take(), ..*got });
                    false
                }
                Some(link) => {
                    link.round = round;
                    true
                }
                None => true,
            });
            core.deliver(
                &mut driver,
                got.iter().map(|got| {
                    let input = got.buffer.map_or(&[][..], |id| buffers.bytes(id, got.len));
                    Delivery { id: got.id, input, end: got.end }
                }),
            );
            got.drain(..).filter_map(|got| got.buffer).for_each(|id| buffers.give_back(id));
            buffers.publish();
            std::mem::swap(&mut got, &mut later);
        }
        if std::mem::take(&mut driver.is_short_of_buffers) {
            buffers.grow();
        }
        for id in ended.drain(..) {
            driver.receive_ended(&mut core, id);
        }
        sleep = core.housekeeping(&mut driver);
    }
    core.stop(&mut driver);
    // The buffers and the links may go only when the kernel is done with them.
    let deadline = Instant::now() + DRAIN;
    while core.conns.leaving() > 0 && Instant::now() < deadline {
        driver.enter(Some(Duration::from_millis(10)))?;
        completions.sync();
        for completion in &mut completions {
            complete(&mut core, &mut driver, &completion, &mut got, &mut ended);
        }
        completions.sync();
        got.clear();
    }
    if core.conns.leaving() == 0 {
        buffers.retire();
    }
    Ok(core.service)
}

/// Acts on one completion.
fn complete<S: Service>(
    core: &mut Core<S>,
    driver: &mut Uring<'_>,
    completion: &cqueue::Entry,
    got: &mut Vec<Got>,
    ended: &mut Vec<ConnId>,
) {
    let (data, result, flags) = (completion.user_data(), completion.result(), completion.flags());
    let id = ConnId::from_u64(data & !KIND);
    let failed = if result < 0 { result.wrapping_neg() } else { 0 };
    match data & KIND {
        ON_RECEIVE => {
            let buffer = cqueue::buffer_select(flags);
            let is_last = !cqueue::more(flags);
            let mut got_here = Got { id, buffer, len: result.max(0) as usize, end: End::No };
            driver.is_short_of_buffers |= failed == libc::ENOBUFS;
            if let Some(link) = core.conns.link_mut(id) {
                if is_last {
                    link.asked &= !(RECEIVE | CANCELLING);
                    link.reading = false;
                    ended.push(id);
                }
                if result == 0 && is_last {
                    got_here.end = End::Reached;
                }
                driver.gather.note(&mut link.window);
            }
            if got_here.buffer.is_some() || got_here.end == End::Reached {
                got.push(got_here);
            } else if result < 0
                && !matches!(failed, libc::ENOBUFS | libc::ECANCELED | libc::EAGAIN | libc::EINTR)
            {
                core.fail(driver, id, CloseReason::Failed(kind_of(failed)));
            }
            if is_last {
                bury(core, id);
            }
        }
        ON_SEND => {
            let Some(link) = core.conns.link_mut(id) else { return };
            link.asked &= !SEND;
            link.sending = false;
            link.flight.with_kernel = false;
            if bury(core, id) {
                return;
            }
            let Some(mut conn) = core.conns.take(id) else { return };
            if failed == libc::EAGAIN {
                conn.link.asked |= FULL;
            } else if result >= 0 {
                conn.link.flight.advance(result as usize, &mut conn.out, &mut core.pool);
                if conn.out.pending_bytes() == 0 {
                    conn.link.asked &= !FULL;
                }
            } else if failed != libc::EINTR {
                conn.link.closing = Closing::Now(CloseReason::Failed(kind_of(failed)));
            }
            core.settle(driver, conn);
        }
        ON_POLL => {
            let Some(link) = core.conns.link_mut(id) else { return };
            link.asked &= !POLL;
            if bury(core, id) {
                return;
            }
            let Some(link) = core.conns.link_mut(id) else { return };
            if result > 0 && result as u32 & (libc::POLLERR | libc::POLLHUP) as u32 != 0 && !link.reading {
                // The socket failed, or both directions are closed: nobody wants what was sent before.
                let why = match rustix::net::sockopt::socket_error(&link.socket) {
                    Ok(Err(errno)) | Err(errno) => CloseReason::Failed(errno.kind()),
                    Ok(Ok(())) => CloseReason::Peer,
                };
                core.fail(driver, id, why);
            } else if result > 0 {
                got.push(Got { id, buffer: None, len: 0, end: End::Announced });
            }
        }
        ON_ACCEPT => {
            let key = data as u32;
            if !cqueue::more(flags) {
                driver.accepting.retain(|accepting| *accepting != key);
            }
            if result >= 0 {
                // SAFETY: the kernel has just made this descriptor for us; nobody else knows it.
                let socket = unsafe { OwnedFd::from_raw_fd(result) };
                if !core.stopping {
                    core.place(driver, socket);
                }
            } else if matches!(failed, libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) {
                return core.accept_failed(driver, key, &io::Error::from_raw_os_error(failed));
            }
            if !cqueue::more(flags) && core.listener(key).is_some_and(|l| !l.is_shut()) {
                core.begin_listening(driver);
            }
        }
        ON_WAKE if !cqueue::more(flags) => driver.watch_bell(core.handle.event().as_raw_fd()),
        // The bell is looked at in any case; of a cancellation its target tells.
        _ => {}
    }
}

fn kind_of(error: i32) -> io::ErrorKind {
    io::Error::from_raw_os_error(error).kind()
}

/// Lets a leaving connection go if the kernel is done with it.
fn bury<S: Service>(core: &mut Core<S>, id: ConnId) -> bool {
    core.conns.bury_if(id, |link| link.asked & REQUESTS == 0).is_some()
}

impl Uring<'_> {
    fn push(&mut self, entry: squeue::Entry) {
        if self.backlog.is_empty() {
            // SAFETY: what the entries point to outlives them: flights by invariant 2, headers by invariant
            // 3, sockets by invariant 1, the bell and listeners by being owned by the core, buffers by their
            // own invariant 1.
            if unsafe { self.queue.push(&entry) }.is_ok() {
                return;
            }
            self.submit();
            // SAFETY: as above.
            if unsafe { self.queue.push(&entry) }.is_ok() {
                return;
            }
        }
        self.backlog.push_back(entry);
    }

    /// Hands the queue to the kernel without waiting.
    fn submit(&mut self) {
        self.queue.sync();
        // An error means that the kernel is out of room for completions; what is queued stays queued until
        // they are read.
        let _ = self.submitter.submit();
        self.queue.sync();
        self.after_submission();
    }

    fn after_submission(&mut self) {
        if self.queue.is_empty() && self.backlog.is_empty() {
            self.headers_used = 0;
        }
    }

    /// Submits what is queued and waits for completions.
    fn enter(&mut self, sleep: Option<Duration>) -> io::Result<()> {
        while let Some(entry) = self.backlog.front() {
            // SAFETY: as in `push`.
            if unsafe { self.queue.push(entry) }.is_err() {
                break;
            }
            self.backlog.pop_front();
        }
        self.queue.sync();
        let entered = if sleep == Some(Duration::ZERO) || !self.backlog.is_empty() {
            let queued = self.queue.len() as u32;
            // SAFETY: no argument is passed that could be wrong; deferred completions are made only by a call
            // that asks for events.
            unsafe { self.submitter.enter::<libc::sigset_t>(queued, 0, EnterFlags::GETEVENTS.bits(), None) }
        } else {
            let time;
            let mut args = SubmitArgs::new();
            if let Some(sleep) = sleep {
                time = Timespec::from(sleep);
                args = args.timespec(&time);
            }
            let want = if std::mem::take(&mut self.more_behind_send) { 0 } else { self.gather.want() };
            if want > 1 {
                args = args.min_wait_usec(self.gather.patience_us());
            }
            self.submitter.submit_with_args((self.quick_sends + want).max(1), &args)
        };
        self.queue.sync();
        self.after_submission();
        self.quick_sends = 0;
        match entered {
            Ok(_) => Ok(()),
            Err(error) => match error.raw_os_error() {
                Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN) => Ok(()),
                _ => Err(error),
            },
        }
    }

    fn watch_bell(&mut self, bell: i32) {
        let poll = opcode::PollAdd::new(Fd(bell), libc::POLLIN as u32).multi(true);
        self.push(poll.build().user_data(ON_WAKE));
    }

    /// A receive has ended, and what it had received was handed over.
    fn receive_ended<S: Service>(&mut self, core: &mut Core<S>, id: ConnId) {
        let Some(link) = core.conns.link_mut(id) else { return };
        if link.closing == Closing::No && !link.paused {
            core.settle_id(self, id);
        } else if !link.ended && link.asked & (POLL | RECEIVE) == 0 {
            link.asked |= POLL;
            let poll = opcode::PollAdd::new(Fd(link.socket.as_raw_fd()), libc::POLLRDHUP as u32);
            self.push(poll.build().user_data(ON_POLL | id.as_u64()));
        }
    }

    /// A header for a send in several pieces, not in use.
    fn header(&mut self) -> &mut Header {
        if self.headers_used == self.headers.len() {
            // SAFETY: zeroes are a valid msghdr and valid iovecs.
            self.headers.push(Box::new(unsafe { std::mem::zeroed() }));
        }
        self.headers_used += 1;
        &mut self.headers[self.headers_used - 1]
    }
}

impl Driver for Uring<'_> {
    fn begin(&mut self, link: &mut Link) -> io::Result<()> {
        self.want_input(link);
        Ok(())
    }

    fn want_input(&mut self, link: &mut Link) {
        if link.asked & RECEIVE == 0 {
            link.asked |= RECEIVE;
            link.reading = true;
            let receive = opcode::RecvMulti::new(Fd(link.socket.as_raw_fd()), GROUP).build();
            self.push(receive.user_data(ON_RECEIVE | link.id.as_u64()));
        }
        // Else it is being cancelled; its end leads here again.
    }

    fn unwanted_input(&mut self, link: &mut Link) {
        if link.asked & (RECEIVE | CANCELLING) == RECEIVE {
            link.asked |= CANCELLING;
            link.reading = false;
            let cancel = opcode::AsyncCancel::new(ON_RECEIVE | link.id.as_u64()).build();
            self.push(cancel.user_data(ON_CANCEL).flags(squeue::Flags::SKIP_SUCCESS));
        }
    }

    fn more_behind_send(&mut self) {
        self.more_behind_send = true;
    }

    fn send(&mut self, link: &mut Link) -> Sent {
        let socket = Fd(link.socket.as_raw_fd());
        let mut flags = libc::MSG_NOSIGNAL;
        if link.asked & FULL == 0 {
            flags |= libc::MSG_DONTWAIT;
            self.quick_sends += 1;
        }
        let entry = if link.flight.is_single() {
            let piece = link.flight.first();
            let len = piece.len().min(SEND_MAX);
            opcode::Send::new(socket, piece.as_ptr(), len as u32).flags(flags).build()
        } else {
            let mut pieces: Vec<IoSlice<'_>> = Vec::with_capacity(PIECES_MAX);
            link.flight.pieces(&mut pieces);
            let header = self.header();
            for (into, piece) in header.pieces.iter_mut().zip(&pieces) {
                *into = libc::iovec { iov_base: piece.as_ptr().cast_mut().cast(), iov_len: piece.len() };
            }
            header.message.msg_iov = header.pieces.as_mut_ptr();
            header.message.msg_iovlen = pieces.len();
            let message = &raw const header.message;
            opcode::SendMsg::new(socket, message).flags(flags as u32).build()
        };
        link.asked |= SEND;
        link.sending = true;
        link.flight.with_kernel = true;
        self.push(entry.user_data(ON_SEND | link.id.as_u64()));
        Sent::Later
    }

    fn all_sent(&mut self, _link: &mut Link) {}

    fn submit_sends(&mut self) {
        self.submit();
    }

    fn end(&mut self, link: &mut Link) -> bool {
        if link.asked & REQUESTS == 0 {
            return true;
        }
        // Ends all that the kernel has of this socket; fails only if the peer has done so already.
        let _ = rustix::net::shutdown(&link.socket, Shutdown::Both);
        false
    }

    fn listen(&mut self, listener: &Listener, key: u32) -> io::Result<()> {
        if !self.accepting.contains(&key) {
            rustix::io::ioctl_fionbio(listener.socket(), false)?;
            self.accepting.push(key);
            let accept =
                opcode::AcceptMulti::new(Fd(listener.socket().as_raw_fd())).flags(libc::SOCK_CLOEXEC);
            self.push(accept.build().user_data(ON_ACCEPT | u64::from(key)));
        }
        Ok(())
    }

    fn unlisten(&mut self, _listener: &Listener, key: u32) {
        if self.accepting.contains(&key) {
            let cancel = opcode::AsyncCancel::new(ON_ACCEPT | u64::from(key)).build();
            self.push(cancel.user_data(ON_CANCEL));
            // The queued accept, if any, must be taken by the kernel before the socket is gone.
            self.submit();
        }
    }
}
