//! A reactor: its configuration, the choice of the back end, and the core that both back ends share.
//!
//! The core keeps the connections, calls the service and decides what each connection needs next
//! ([`Core::settle`]); a back end ([`Driver`]) knows how to receive, send and wait. Input passes through
//! [`Core::deliver`] and output through [`Core::settle`] only: that is where TLS would sit.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use crate::conn::{Closing, Link};
use crate::handle::{Handle, Message};
use crate::listen::Listener;
use crate::out::Pool;
use crate::{CloseReason, Conn, ConnId, Conns, Peer, Ready, Service};

/// How long accepting rests after the system ran out of descriptors or memory.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Bytes of a receive buffer, unless [`Config::input_buffer_bytes`] says otherwise.
pub const INPUT_BUFFER_BYTES: usize = 16 << 10;

/// Which of the kernel's interfaces a reactor uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReactorKind {
    /// The best that this system permits.
    Auto,
    /// io_uring (Linux 6.1 or later, not forbidden).
    IoUring,
    /// epoll.
    Epoll,
}

/// How a reactor is made.
#[derive(Clone, Debug)]
pub struct Config {
    /// The back end wanted. `IoUring` fails where it is not permitted; `Auto` takes epoll there.
    pub kind: ReactorKind,
    /// Receive buffers of the reactor, a power of two from 1 to 32768.
    pub input_buffers: u16,
    /// Bytes of one receive buffer, 64 to 1 MiB.
    pub input_buffer_bytes: usize,
    /// When input is dense (over 50,000 a second), wait up to about this long for more of it before serving
    /// it, to save wake-ups (io_uring only; at most 10 ms, zero is off). A sparse request is never delayed.
    pub gather: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            kind: ReactorKind::Auto,
            input_buffers: 256,
            input_buffer_bytes: INPUT_BUFFER_BYTES,
            gather: Duration::from_micros(200),
        }
    }
}

impl Config {
    /// Most bytes of input in one turn.
    pub fn input_bytes(&self) -> usize {
        usize::from(self.input_buffers) * self.input_buffer_bytes
    }

    fn check(&self) -> io::Result<()> {
        let count = self.input_buffers.is_power_of_two() && self.input_buffers <= 1 << 15;
        let refused = if !count || !(64..=1 << 20).contains(&self.input_buffer_bytes) {
            "receive buffers: a power of two of 64 bytes to 1 MiB each"
        } else if self.gather > Duration::from_millis(10) {
            "gather: at most 10 ms"
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, refused))
    }
}

/// A reactor that is not running yet; may be moved to the thread that will run it.
pub struct Reactor {
    config: Config,
    kind: ReactorKind,
    fallback: Option<String>,
    handle: Handle,
    group: Vec<Handle>,
    listeners: Vec<Listener>,
}

impl Reactor {
    /// A reactor of its own.
    pub fn new(config: Config) -> io::Result<Reactor> {
        config.check()?;
        let (kind, fallback) = choose(config.kind)?;
        let handle = Handle::new()?;
        Ok(Reactor { config, kind, fallback, group: vec![handle.clone()], handle, listeners: Vec::new() })
    }

    /// `count` reactors that share the connections which the first one accepts: each goes to the reactor with
    /// the fewest.
    pub fn group(config: Config, count: usize) -> io::Result<Vec<Reactor>> {
        let mut reactors =
            (0..count).map(|_| Reactor::new(config.clone())).collect::<io::Result<Vec<_>>>()?;
        let handles: Vec<Handle> = reactors.iter().map(Reactor::handle).collect();
        for reactor in &mut reactors {
            reactor.group = handles.clone();
        }
        Ok(reactors)
    }

    /// The way to reach this reactor from other threads.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The back end chosen, never `Auto`.
    pub fn kind(&self) -> ReactorKind {
        self.kind
    }

    /// Why `Auto` did not become io_uring.
    pub fn fallback_reason(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    /// Has this reactor accept connections from these.
    pub fn listen(&mut self, listeners: Vec<Listener>) {
        self.listeners.extend(listeners);
    }

    /// Runs on the calling thread until [`Handle::stop`]; gives the service back. An error is one of the
    /// reactor's own machinery (no memory, for instance), never a client's doing.
    pub fn run<S: Service>(self, service: S) -> io::Result<S> {
        let mut core = Core::new(service, self.handle, self.group);
        core.add_listeners(self.listeners);
        if self.kind == ReactorKind::IoUring {
            match crate::uring::setup(&self.config) {
                Ok(parts) => return crate::uring::run(parts, &self.config, core),
                // It worked when this reactor was made: a limit on locked memory, perhaps.
                Err(error) if self.config.kind == ReactorKind::Auto => {
                    core.service.warn(&format!("io_uring cannot be set up ({error}), using epoll"));
                }
                Err(error) => return Err(error),
            }
        }
        crate::epoll::run(&self.config, core)
    }
}

fn choose(kind: ReactorKind) -> io::Result<(ReactorKind, Option<String>)> {
    match kind {
        ReactorKind::Epoll => Ok((ReactorKind::Epoll, None)),
        ReactorKind::IoUring => crate::uring::probe().map(|()| (ReactorKind::IoUring, None)),
        ReactorKind::Auto => Ok(match crate::uring::probe() {
            Ok(()) => (ReactorKind::IoUring, None),
            Err(error) => (ReactorKind::Epoll, Some(format!("io_uring is not usable here: {error}"))),
        }),
    }
}

/// What became of an attempt to send.
pub(crate) enum Sent {
    /// The kernel took this many bytes.
    Bytes(usize),
    /// Nothing more can be taken now, or the bytes are with the kernel: there will be an event.
    Later,
    /// The socket is broken.
    Failed(io::ErrorKind),
}

/// What a back end does for the core.
pub(crate) trait Driver {
    /// A connection begins.
    fn begin(&mut self, link: &mut Link) -> io::Result<()>;
    /// Input is wanted: see to it that it comes. (That it is no longer wanted matters only when some comes.)
    fn want_input(&mut self, link: &mut Link);
    /// Sends what the flight holds, or as much as goes.
    fn send(&mut self, link: &mut Link) -> Sent;
    /// There is output behind a send that is on its way: its completion is waited for, and nothing more.
    fn more_behind_send(&mut self) {}
    /// Hands over to the kernel the sends that are only queued.
    fn submit_sends(&mut self) {}
    /// Input came that is not wanted: see to it that not much more comes.
    fn unwanted_input(&mut self, link: &mut Link);
    /// The flight is empty again.
    fn all_sent(&mut self, link: &mut Link);
    /// The service is done with the connection. False: the kernel is not, keep the link.
    fn end(&mut self, link: &mut Link) -> bool;
    /// Accept from this listener, under this key; nothing if it is accepted from already.
    fn listen(&mut self, listener: &Listener, key: u32) -> io::Result<()>;
    /// Stop accepting from it.
    fn unlisten(&mut self, listener: &Listener, key: u32);
}

/// Input for a connection, as a back end received it.
pub(crate) struct Delivery<'b> {
    pub(crate) id: ConnId,
    pub(crate) input: &'b [u8],
    pub(crate) end: End,
}

/// What is known about the end of a connection's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It goes on.
    No,
    /// The peer has ended it, but not all of it has been received.
    Announced,
    /// Nothing follows.
    Reached,
}

/// What both back ends share.
pub(crate) struct Core<S: Service> {
    pub(crate) service: S,
    pub(crate) conns: Conns<S::Session>,
    pub(crate) pool: Pool,
    pub(crate) handle: Handle,
    group: Vec<Handle>,
    /// With the keys that the driver knows them by.
    listeners: Vec<(u32, Listener)>,
    next_key: u32,
    /// Connections with held input (or an end) to deliver although no event will tell of it.
    due: Vec<ConnId>,
    /// Kept for its capacity; empty between turns.
    ready: Vec<Ready<'static, S::Session>>,
    accept_rests_until: Option<Instant>,
    pub(crate) stopping: bool,
}

impl<S: Service> Core<S> {
    /// A core without connections, whose accepted sockets are shared with `group`.
    pub(crate) fn new(service: S, handle: Handle, group: Vec<Handle>) -> Core<S> {
        Core {
            service,
            conns: Conns::new(),
            pool: Pool::default(),
            handle,
            group,
            listeners: Vec::new(),
            next_key: 0,
            due: Vec::new(),
            ready: Vec::new(),
            accept_rests_until: None,
            stopping: false,
        }
    }

    // --- Connections begin ---

    /// A socket was accepted: it goes to the reactor of the group that has the fewest.
    pub(crate) fn place<D: Driver>(&mut self, driver: &mut D, socket: OwnedFd) {
        let least = self.group.iter().min_by_key(|handle| handle.connections());
        match least {
            Some(other) if !other.is_same(&self.handle) => other.hand_over(socket),
            _ => {
                self.handle.burden();
                self.open(driver, socket);
            }
        }
    }

    /// Begins a connection that is already counted in the handle's load.
    fn open<D: Driver>(&mut self, driver: &mut D, socket: OwnedFd) {
        let Ok(peer) = Peer::of(&socket) else {
            // It was reset before we came to it.
            self.handle.lighten();
            return;
        };
        let id = self.conns.reserve();
        let session = match self.service.open(id, &peer) {
            Ok(session) => session,
            Err(farewell) => {
                let flags = rustix::net::SendFlags::DONTWAIT | rustix::net::SendFlags::NOSIGNAL;
                let _ = rustix::net::send(&socket, &farewell, flags);
                self.conns.release(id);
                self.handle.lighten();
                return;
            }
        };
        let mut conn = Box::new(Conn::new(id, socket, peer, session));
        if let Err(error) = driver.begin(&mut conn.link) {
            conn.link.closing = Closing::Now(CloseReason::Failed(error.kind()));
        }
        self.settle(driver, conn);
    }

    /// `accept` failed for want of descriptors or memory: it is left alone for a while.
    pub(crate) fn accept_failed<D: Driver>(&mut self, driver: &mut D, key: u32, error: &io::Error) {
        if let Some(listener) = self.listener(key) {
            driver.unlisten(listener, key);
        }
        let text = error.to_string();
        let text = text.split(" (os error").next().unwrap_or_default();
        self.service.warn(&format!("Accepting client connection: accept: {text}"));
        self.accept_rests_until = Some(Instant::now() + ACCEPT_REST);
    }

    // --- Input ---

    /// Hands over what was received, in one turn. At most one delivery per connection.
    pub(crate) fn deliver<'b, D: Driver>(
        &mut self,
        driver: &mut D,
        batch: impl Iterator<Item = Delivery<'b>>,
    ) {
        let mut ready: Vec<Ready<'b, S::Session>> = std::mem::take(&mut self.ready);
        for Delivery { id, mut input, end } in batch {
            let Some(mut conn) = self.conns.take(id) else { continue };
            let Conn { out, link, .. } = &mut *conn;
            link.ended |= end == End::Reached;
            let mut tell_end = end == End::Reached;
            let mut wanted = link.closing == Closing::No;
            if !wanted {
                driver.unwanted_input(link);
            } else if link.paused {
                driver.unwanted_input(link);
                link.held.extend_from_slice(input);
                input = &[];
                tell_end = end != End::No && !link.end_told;
                link.end_told |= tell_end;
                wanted = tell_end;
            } else if !link.held.is_empty() {
                // Resumed a moment ago: what was held comes first, and this with it.
                link.held.extend_from_slice(input);
                wanted = false;
            }
            if !wanted || (input.is_empty() && !tell_end) {
                // Input after the service has decided to close is dropped; an announced end will be met by
                // reading on.
                self.conns.put(conn);
                continue;
            }
            if out.pending_bytes() == 0 {
                out.lend(&mut self.pool);
            }
            ready.push(Ready { conn, input, end: tell_end });
        }
        if !ready.is_empty() {
            self.service.turn(&mut ready, &mut self.conns);
        }
        for Ready { mut conn, end, .. } in ready.drain(..) {
            if end && !conn.link.paused && conn.link.closing == Closing::No {
                conn.link.closing = Closing::AfterFlush(CloseReason::Peer);
            }
            self.settle(driver, conn);
        }
        self.ready = forget_lifetime(ready);
        self.settle_touched(driver);
    }

    /// Delivers what was held back for connections that read again. True if there was something.
    pub(crate) fn deliver_due<D: Driver>(&mut self, driver: &mut D) {
        if self.due.is_empty() {
            return;
        }
        let mut pieces: Vec<(ConnId, Vec<u8>, End)> = Vec::with_capacity(self.due.len());
        for id in std::mem::take(&mut self.due) {
            if let Some(link) = self.conns.link_mut(id) {
                link.due = false;
                if !link.paused {
                    let end = if link.ended { End::Reached } else { End::No };
                    pieces.push((id, std::mem::take(&mut link.held), end));
                }
            }
        }
        let batch = pieces.iter().map(|(id, held, end)| Delivery { id: *id, input: held, end: *end });
        self.deliver(driver, batch);
    }

    // --- What a connection needs next ---

    /// Flushes, closes, resumes: whatever follows from the state in which the service left the connection.
    pub(crate) fn settle<D: Driver>(&mut self, driver: &mut D, mut conn: Box<Conn<S::Session>>) {
        conn.link.touched = false;
        if let Closing::Now(why) = conn.link.closing {
            return self.close(driver, *conn, why);
        }
        let Conn { out, link, .. } = &mut *conn;
        if !link.sending && !link.corked && (!out.nothing_queued() || !link.flight.is_empty()) {
            loop {
                if link.flight.is_empty() {
                    link.flight.load(out);
                }
                match driver.send(link) {
                    Sent::Bytes(n) => link.flight.advance(n, out, &mut self.pool),
                    Sent::Later => break,
                    Sent::Failed(kind) => return self.close(driver, *conn, CloseReason::Failed(kind)),
                }
                if link.flight.is_empty() && out.nothing_queued() {
                    driver.all_sent(link);
                    break;
                }
            }
        }
        if link.sending && !(out.nothing_queued() && link.flight.fits_one_send()) {
            driver.more_behind_send();
        }
        if out.pending_bytes() == 0 {
            out.reclaim(&mut self.pool);
            if let Closing::AfterFlush(why) = link.closing
                && !link.corked
            {
                return self.close(driver, *conn, why);
            }
        }
        if !link.paused && link.closing == Closing::No {
            if !link.held.is_empty() || link.ended {
                if !link.due {
                    link.due = true;
                    self.due.push(link.id);
                }
            } else if !link.reading {
                link.end_told = false;
                driver.want_input(link);
            }
        }
        self.conns.put(conn);
    }

    /// Settles a connection that is in the table.
    pub(crate) fn settle_id<D: Driver>(&mut self, driver: &mut D, id: ConnId) {
        if let Some(conn) = self.conns.take(id) {
            self.settle(driver, conn);
        }
    }

    pub(crate) fn settle_touched<D: Driver>(&mut self, driver: &mut D) {
        while let Some(id) = self.conns.next_touched() {
            self.settle_id(driver, id);
        }
    }

    /// The socket failed, or the peer is gone altogether.
    pub(crate) fn fail<D: Driver>(&mut self, driver: &mut D, id: ConnId, why: CloseReason) {
        if let Some(conn) = self.conns.take(id) {
            self.close(driver, *conn, why);
        }
    }

    fn close<D: Driver>(&mut self, driver: &mut D, conn: Conn<S::Session>, why: CloseReason) {
        let Conn { session, mut link, mut out } = conn;
        let id = link.id;
        out.clear();
        out.reclaim(&mut self.pool);
        self.handle.lighten();
        if driver.end(&mut link) {
            self.conns.release(id);
            drop(link);
        } else {
            self.conns.put_leaving(Box::new(link));
        }
        self.service.closed(id, session, why);
    }

    // --- The rest of a loop iteration ---

    /// Messages, wake-ups, background work. Returns how long the reactor may sleep.
    pub(crate) fn housekeeping<D: Driver>(&mut self, driver: &mut D) -> Option<Duration> {
        let news = self.handle.news();
        if news.mail {
            for message in self.handle.messages() {
                self.message(driver, message);
            }
        }
        if news.rung {
            self.service.woken(&mut self.conns);
            self.settle_touched(driver);
        }
        let mut sleep = self.service.after(&mut self.conns);
        self.settle_touched(driver);
        if let Some(until) = self.accept_rests_until {
            let now = Instant::now();
            if now >= until {
                self.accept_rests_until = None;
                self.begin_listening(driver);
            } else {
                let left = until - now;
                sleep = Some(sleep.map_or(left, |sleep| sleep.min(left)));
            }
        }
        if !self.due.is_empty() { Some(Duration::ZERO) } else { sleep }
    }

    fn message<D: Driver>(&mut self, driver: &mut D, message: Message) {
        match message {
            Message::Adopt(socket) => self.open(driver, socket),
            Message::AddListeners(listeners) => {
                self.add_listeners(listeners);
                self.begin_listening(driver);
            }
            Message::RemoveListeners(gone) => {
                self.listeners.retain(|(key, listener)| {
                    let stays = !gone.iter().any(|gone| gone.is_same(listener));
                    if !stays {
                        driver.unlisten(listener, *key);
                    }
                    stays
                });
            }
            Message::Stop => self.stopping = true,
        }
    }

    fn add_listeners(&mut self, listeners: Vec<Listener>) {
        for listener in listeners {
            self.listeners.push((self.next_key, listener));
            self.next_key = self.next_key.wrapping_add(1);
        }
    }

    /// The listener that the driver knows by this key.
    pub(crate) fn listener(&self, key: u32) -> Option<&Listener> {
        self.listeners.iter().find(|(k, _)| *k == key).map(|(_, listener)| listener)
    }

    /// Begins to accept from all listeners that are not accepted from yet.
    pub(crate) fn begin_listening<D: Driver>(&mut self, driver: &mut D) {
        if self.stopping || self.accept_rests_until.is_some() {
            return;
        }
        for (key, listener) in &self.listeners {
            if let Err(error) = driver.listen(listener, *key) {
                self.service.warn(&format!("Accepting client connections: {error}"));
            }
        }
    }

    /// Closes everything. What is queued goes out as far as the sockets take it at once.
    pub(crate) fn stop<D: Driver>(&mut self, driver: &mut D) {
        self.handle.shut();
        for (key, listener) in std::mem::take(&mut self.listeners) {
            listener.shut();
            driver.unlisten(&listener, key);
        }
        let ids = self.conns.ids();
        for id in &ids {
            self.settle_id(driver, *id);
        }
        driver.submit_sends();
        for id in ids {
            self.fail(driver, id, CloseReason::Stopped);
        }
    }
}

/// Reuses the allocation of an emptied list for another lifetime (the collect happens in place).
fn forget_lifetime<T>(mut list: Vec<Ready<'_, T>>) -> Vec<Ready<'static, T>> {
    list.clear();
    list.into_iter().map_while(|_| None).collect()
}
