//! Reactors: threads that move bytes between sockets and a [`Service`]; they know no command.
//!
//! Not here: parsing, sessions, time-outs of clients, TLS (its place is `reactor`'s core: input passes
//! through one function on its way to [`Service::turn`], output through one on its way to the kernel).
//!
//! ```text
//!   Listener ──accept──> first Reactor ──adopt──> the Reactor with the fewest connections
//!                                                   │
//!   kernel ──input──> Ready { conn, input } ──> Service::turn ──> Conn::out ──flush──> kernel
//!                                                   │  woken, after, closed
//!   other threads ──Handle::wake / adopt / stop──> eventfd
//! ```
//!
//! One turn of a reactor's loop: wait for events; hand *all* connections with input to the service in one
//! call (so that it can parse all, prefetch all, execute all); flush what it wrote, batched; deliver
//! wake-ups; let the service do a slice of background work; sleep. Two back ends do this, with the same
//! behaviour: io_uring (multishot receive into a ring of provided buffers, sends submitted by the same system
//! call that waits) and epoll.
//!
//! # Invariants
//! 1. A connection belongs to one reactor for life; nothing of it is reached from another thread.
//! 2. Bytes that the kernel may still read (a send in flight) are owned by a connection's private half,
//!    behind no reference that the service can reach, and are freed only after their completion; if the owner
//!    is dropped before that, they are leaked instead.
//! 3. A receive buffer is either the kernel's (in the ring) or ours (between its completion and its return);
//!    slices of it are handed out only while it is ours.
//! 4. [`Service::closed`] is called exactly once for each session that [`Service::open`] returned.
//! 5. A socket's input reaches the service in order and complete, and never after `end`, except what was held
//!    back while reading was paused.
//!
//! # Bounds
//! Input per turn: the receive buffers of the reactor ([`Config::input_bytes`]). Output: as much as the
//! service queues; it sees [`Out::pending_bytes`]. Unsent bytes are given to the kernel in at most
//! `out::PIECES_MAX` pieces at a time. Recycled buffers: `out::Pool`'s bound. An idle connection holds no
//! buffer.
//!
//! Locks: the inbox of a [`Handle`] (a leaf, held for a push or a swap).

mod closed_loop;
mod conn;
mod epoll;
mod handle;
mod limits;
mod listen;
mod out;
mod peer;
mod reactor;
mod uring;

use std::time::Duration;

pub use closed_loop::ClosedLoop;
pub use conn::{Conn, ConnId, Conns};
pub use handle::Handle;
pub use limits::{FileLimit, RESERVED_FILES, raise_file_limit};
pub use listen::{BindError, Bound, Listener, TcpOptions, bind_tcp, bind_unix};
pub use out::{Out, SharedBytes};
pub use peer::Peer;
pub use reactor::{Config, INPUT_BUFFER_BYTES, Reactor, ReactorKind};

/// The engine's half of a reactor: one value per reactor thread, never shared.
pub trait Service {
    /// What the service keeps per connection.
    type Session;

    /// A connection was accepted or adopted. `Err(bytes)`: these bytes are sent (best effort) and the
    /// connection is closed; [`closed`](Service::closed) is not called for it.
    fn open(&mut self, id: ConnId, peer: &Peer) -> Result<Self::Session, Vec<u8>>;

    /// All connections with news in this wake-up, together. A connection is in the list at most once per
    /// call.
    ///
    /// `input` borrows the receive buffer: what is not consumed must be copied, it is not delivered again.
    /// The listed connections are not found in `conns` during the call (`conns` holds all others).
    fn turn(&mut self, ready: &mut [Ready<'_, Self::Session>], conns: &mut Conns<Self::Session>);

    /// [`Handle::wake`] was called, once or several times, since the last call.
    fn woken(&mut self, conns: &mut Conns<Self::Session>);

    /// Called once per loop iteration, after its events were handled. Returns how long the reactor may sleep
    /// at most: `None` until something happens, `Some(Duration::ZERO)` not at all (there is background work
    /// to do in slices).
    fn after(&mut self, conns: &mut Conns<Self::Session>) -> Option<Duration>;

    /// The connection is gone. Called exactly once per opened session.
    fn closed(&mut self, id: ConnId, session: Self::Session, why: CloseReason);

    /// Something an operator should read in the log (a failing `accept`, for instance). At most a few per
    /// second.
    fn warn(&mut self, text: &str) {
        let _ = text;
    }
}

/// A connection with news, and the news.
pub struct Ready<'b, S> {
    /// The connection; what is queued in its `out` is flushed after the turn.
    pub conn: Box<Conn<S>>,
    /// Bytes received; empty when only the end is news.
    pub input: &'b [u8],
    /// The peer has ended its sending side: nothing follows this input.
    ///
    /// While reading is paused the end is told at once although input may be held back ([`Conn::held_bytes`],
    /// or unread in the socket), so that a client that left can be noticed; after [`Conn::resume_reading`]
    /// that input is delivered, and the end is told again with or after it. A connection that is not paused
    /// when `turn` returns from telling its end is closed as soon as its output is flushed; nothing has to be
    /// done for that.
    pub end: bool,
}

/// Why a connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer ended it (and its output, if any, was flushed).
    Peer,
    /// The socket failed.
    Failed(std::io::ErrorKind),
    /// The service asked for it.
    Service,
    /// The reactor was stopped.
    Stopped,
}
