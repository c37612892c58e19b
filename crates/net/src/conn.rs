//! Connections and the table that holds them. Wishes (close, pause, cork) are noted here; the reactor acts on
//! them.

use std::os::fd::{AsRawFd, OwnedFd};

use crate::out::{Flight, Out};
use crate::peer::Peer;

/// Names a connection of one reactor; never used again for another one (until 2^28 successors in the same
/// place).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(u64);

/// Bits of a [`ConnId`] that number the successive users of a place.
const GENERATION_MASK: u32 = (1 << 28) - 1;

impl ConnId {
    fn new(slot: u32, generation: u32) -> ConnId {
        ConnId(u64::from(generation & GENERATION_MASK) << 32 | u64::from(slot))
    }

    /// The token as a number below 2^60.
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The id with this number; whether it names a connection is for [`Conns`] to say.
    pub fn from_u64(number: u64) -> ConnId {
        ConnId(number)
    }

    fn slot(self) -> usize {
        self.0 as u32 as usize
    }

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// How far a connection is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    No,
    AfterFlush(crate::CloseReason),
    Now(crate::CloseReason),
}

/// A connection: the service's session, its output, and the reactor's private half.
pub struct Conn<S> {
    /// The service's own state.
    pub session: S,
    /// Output; flushed after the call in which something was queued.
    pub out: Out,
    pub(crate) link: Link,
}

/// The reactor's half of a connection.
pub(crate) struct Link {
    pub(crate) id: ConnId,
    pub(crate) socket: OwnedFd,
    pub(crate) peer: Peer,
    pub(crate) flight: Flight,
    /// Input that arrived while reading was paused.
    pub(crate) held: Vec<u8>,
    pub(crate) closing: Closing,
    pub(crate) paused: bool,
    pub(crate) corked: bool,
    /// Noted in the table's list of connections to look at.
    pub(crate) touched: bool,
    /// In the core's list of held input to deliver.
    pub(crate) due: bool,
    /// The end of input was received.
    pub(crate) ended: bool,
    /// The service was told of the end while reading was paused.
    pub(crate) end_told: bool,
    /// Input will be received: a multishot receive is armed (io_uring), or EPOLLIN is asked for.
    pub(crate) reading: bool,
    /// The back end will report when sending can go on.
    pub(crate) sending: bool,
    /// What the back end has asked the kernel for, in bits of its own.
    pub(crate) asked: u32,
    /// io_uring: the round in which this connection's input was delivered last.
    pub(crate) round: u32,
    /// io_uring: the last window of the rate of input in which it had some.
    pub(crate) window: u32,
}

impl<S> Conn<S> {
    pub(crate) fn new(id: ConnId, socket: OwnedFd, peer: Peer, session: S) -> Conn<S> {
        let link = Link {
            id,
            socket,
            peer,
            flight: Flight::default(),
            held: Vec::new(),
            closing: Closing::No,
            paused: false,
            corked: false,
            touched: false,
            due: false,
            ended: false,
            end_told: false,
            reading: false,
            sending: false,
            asked: 0,
            round: 0,
            window: 0,
        };
        Conn { session, out: Out::default(), link }
    }

    /// The connection's token.
    #[inline]
    pub fn id(&self) -> ConnId {
        self.link.id
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        &self.link.peer
    }

    /// The socket's descriptor, a number for CLIENT LIST (`fd=`), not to be used for I/O.
    pub fn descriptor(&self) -> i32 {
        self.link.socket.as_raw_fd()
    }

    /// Stops the delivery of input: what the peer sends stays in the socket (a bounded part, at most what the
    /// reactor's receive buffers hold, may be held here). Costs nothing until the peer sends.
    pub fn pause_reading(&mut self) {
        self.link.paused = true;
    }

    /// Takes up the delivery of input again; what was held back comes first, soon, in a turn of its own.
    pub fn resume_reading(&mut self) {
        self.link.paused = false;
    }

    /// Whether the delivery of input is paused.
    pub fn is_reading_paused(&self) -> bool {
        self.link.paused
    }

    /// Bytes received but held back because reading is paused.
    pub fn held_bytes(&self) -> usize {
        self.link.held.len()
    }

    /// Keeps output here until [`uncork`](Conn::uncork) (replies that must wait for the disk). What the
    /// kernel was given before goes out.
    pub fn cork(&mut self) {
        self.link.corked = true;
    }

    /// Ends [`cork`](Conn::cork).
    pub fn uncork(&mut self) {
        self.link.corked = false;
    }

    /// Takes no more input and closes when the queued output has been sent.
    pub fn close_after_flush(&mut self) {
        if self.link.closing == Closing::No {
            self.link.closing = Closing::AfterFlush(crate::CloseReason::Service);
        }
    }

    /// Closes at the end of the current call; unsent output is lost.
    pub fn close_now(&mut self) {
        if !matches!(self.link.closing, Closing::Now(_)) {
            self.link.closing = Closing::Now(crate::CloseReason::Service);
        }
    }

    /// Whether the connection is on its way out.
    #[inline]
    pub fn is_closing(&self) -> bool {
        self.link.closing != Closing::No
    }
}

enum Place<S> {
    Free,
    Here(Box<Conn<S>>),
    /// In a list of ready connections, or being settled.
    Away,
    /// Closed for the service; the kernel still holds on to something of it.
    Leaving(Box<Link>),
}

struct Slot<S> {
    generation: u32,
    place: Place<S>,
}

/// The connections of one reactor.
pub struct Conns<S> {
    slots: Vec<Slot<S>>,
    free: Vec<u32>,
    touched: Vec<ConnId>,
    all_touched: bool,
    len: usize,
}

impl<S> Conns<S> {
    pub(crate) fn new() -> Conns<S> {
        Conns { slots: Vec::new(), free: Vec::new(), touched: Vec::new(), all_touched: false, len: 0 }
    }

    /// Open connections, those in the current list of ready ones included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no open connection.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The connection `id`, to look at. `None` if it is gone, or in the current list of ready ones.
    pub fn get(&self, id: ConnId) -> Option<&Conn<S>> {
        match self.slots.get(id.slot()) {
            Some(Slot { generation, place: Place::Here(conn) }) if *generation == id.generation() => {
                Some(conn)
            }
            _ => None,
        }
    }

    /// The connection `id`; what is queued, paused or closed through it is noticed after the current call.
    /// `None` if it is gone, or in the current list of ready ones.
    pub fn get_mut(&mut self, id: ConnId) -> Option<&mut Conn<S>> {
        match self.slots.get_mut(id.slot()) {
            Some(Slot { generation, place: Place::Here(conn) }) if *generation == id.generation() => {
                if !conn.link.touched {
                    conn.link.touched = true;
                    self.touched.push(id);
                }
                Some(conn)
            }
            _ => None,
        }
    }

    /// All connections that are not in the current list of ready ones.
    pub fn iter(&self) -> impl Iterator<Item = &Conn<S>> {
        self.slots.iter().filter_map(|slot| match &slot.place {
            Place::Here(conn) => Some(&**conn),
            _ => None,
        })
    }

    /// Like [`iter`](Conns::iter), to change them; every connection is looked at after the current call, so
    /// prefer [`get_mut`](Conns::get_mut) where few change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Conn<S>> {
        self.all_touched = true;
        self.slots.iter_mut().filter_map(|slot| match &mut slot.place {
            Place::Here(conn) => Some(&mut **conn),
            _ => None,
        })
    }

    /// Reserves a place; [`put`](Conns::put) or [`release`](Conns::release) must follow.
    pub(crate) fn reserve(&mut self) -> ConnId {
        self.len += 1;
        if let Some(index) = self.free.pop()
            && let Some(slot) = self.slots.get_mut(index as usize)
        {
            slot.place = Place::Away;
            return ConnId::new(index, slot.generation);
        }
        let index = self.slots.len() as u32;
        self.slots.push(Slot { generation: 0, place: Place::Away });
        ConnId::new(index, 0)
    }

    /// Takes a connection out, to be put back.
    #[inline]
    pub(crate) fn take(&mut self, id: ConnId) -> Option<Box<Conn<S>>> {
        let slot = self.slots.get_mut(id.slot()).filter(|slot| slot.generation == id.generation())?;
        match std::mem::replace(&mut slot.place, Place::Away) {
            Place::Here(conn) => Some(conn),
            other => {
                slot.place = other;
                None
            }
        }
    }

    #[inline]
    pub(crate) fn put(&mut self, conn: Box<Conn<S>>) {
        let id = conn.link.id;
        if let Some(slot) = self.slots.get_mut(id.slot()) {
            debug_assert!(matches!(slot.place, Place::Away) && slot.generation == id.generation());
            slot.place = Place::Here(conn);
        }
    }

    /// The service is done with this connection, the kernel is not yet.
    pub(crate) fn put_leaving(&mut self, link: Box<Link>) {
        self.len -= 1;
        let index = link.id.slot();
        if let Some(slot) = self.slots.get_mut(index) {
            slot.place = Place::Leaving(link);
        }
    }

    /// Frees a place that was reserved or taken from.
    pub(crate) fn release(&mut self, id: ConnId) {
        self.len -= 1;
        self.recycle(id);
    }

    fn recycle(&mut self, id: ConnId) {
        if let Some(slot) = self.slots.get_mut(id.slot()) {
            slot.place = Place::Free;
            slot.generation = (slot.generation + 1) & GENERATION_MASK;
            self.free.push(id.slot() as u32);
        }
    }

    /// The link of a connection, open or leaving.
    pub(crate) fn link_mut(&mut self, id: ConnId) -> Option<&mut Link> {
        let slot = self.slots.get_mut(id.slot()).filter(|slot| slot.generation == id.generation())?;
        match &mut slot.place {
            Place::Here(conn) => Some(&mut conn.link),
            Place::Leaving(link) => Some(link),
            _ => None,
        }
    }

    /// Frees the place of a leaving connection if `gone` says that the kernel is done with it; it is then
    /// returned.
    pub(crate) fn bury_if(&mut self, id: ConnId, gone: impl FnOnce(&Link) -> bool) -> Option<Box<Link>> {
        let slot = self.slots.get_mut(id.slot()).filter(|slot| slot.generation == id.generation())?;
        match &slot.place {
            Place::Leaving(link) if gone(link) => {}
            _ => return None,
        }
        let Place::Leaving(link) = std::mem::replace(&mut slot.place, Place::Free) else { return None };
        self.recycle(id);
        Some(link)
    }

    /// The next connection that was reached through [`get_mut`](Conns::get_mut) or
    /// [`iter_mut`](Conns::iter_mut).
    pub(crate) fn next_touched(&mut self) -> Option<ConnId> {
        if self.all_touched {
            self.all_touched = false;
            for slot in &mut self.slots {
                if let Place::Here(conn) = &mut slot.place
                    && !conn.link.touched
                {
                    conn.link.touched = true;
                    self.touched.push(conn.link.id);
                }
            }
        }
        self.touched.pop()
    }

    /// The ids of all open connections that are here.
    pub(crate) fn ids(&self) -> Vec<ConnId> {
        self.iter().map(Conn::id).collect()
    }

    /// How many connections the kernel is not done with.
    pub(crate) fn leaving(&self) -> usize {
        self.slots.iter().filter(|slot| matches!(slot.place, Place::Leaving(_))).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_a_few_hundred_bytes() {
        assert!(size_of::<Conn<()>>() <= 400, "{}", size_of::<Conn<()>>());
        assert!(size_of::<Slot<()>>() <= 24);
    }

    #[test]
    fn a_place_is_never_confused_with_its_next_user() {
        let mut conns: Conns<()> = Conns::new();
        let first = conns.reserve();
        assert_eq!(conns.len(), 1);
        conns.release(first);
        let second = conns.reserve();
        assert_eq!(first.slot(), second.slot());
        assert_ne!(first, second);
        assert!(
            conns.take(first).is_none() && conns.link_mut(first).is_none() && conns.get_mut(first).is_none()
        );
        assert_eq!(ConnId::from_u64(second.as_u64()), second);
        assert!(second.as_u64() < 1 << 60);
    }
}
