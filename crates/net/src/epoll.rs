//! The epoll back end: level-triggered, reads into one arena shared by all connections, writes at once.
//!
//! Input of all ready connections is packed into the arena one behind the other (small requests of many
//! connections share cache lines and pages), then handed over in one turn. A connection reads once per event,
//! so that one with much input does not starve the others; what is left is reported again by the level
//! trigger.
//!
//! `Link::asked` is the interest mask that the kernel knows.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags};

use crate::conn::Link;
use crate::listen::Listener;
use crate::reactor::{Config, Core, Delivery, Driver, End, Sent};
use crate::{CloseReason, ConnId, Service};

/// Events taken per wait.
const EVENTS: usize = 512;
/// Most connections accepted per event, so that a flood of them does not starve the others.
const ACCEPTS: usize = 64;
/// Most bytes read from one connection per event.
const READ_MAX: usize = 64 << 10;
/// With less room than this left in the arena, what it holds is handed over first.
const READ_MIN: usize = 16 << 10;
/// Bound on the arena.
const ARENA_MAX: usize = 1 << 20;

/// Event data: the kind in the top bits (a connection's id is below 2^60), then the id or the listener's key.
const WAKE: u64 = 1 << 60;
const LISTENER: u64 = 2 << 60;
const KIND: u64 = 0xf << 60;

struct Epoll {
    epoll: OwnedFd,
}

/// What was read for a connection: where it lies in the arena.
struct Got {
    id: ConnId,
    start: usize,
    len: usize,
    end: End,
}

pub(crate) fn run<S: Service>(config: &Config, mut core: Core<S>) -> io::Result<S> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, core.handle.event(), EventData::new_u64(WAKE), EventFlags::IN | EventFlags::ET)?;
    let mut driver = Epoll { epoll };
    core.begin_listening(&mut driver);
    let mut arena = vec![0u8; config.input_bytes().min(ARENA_MAX)];
    let mut got: Vec<Got> = Vec::new();
    let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
    let mut sleep = core.housekeeping(&mut driver);
    while !core.stopping {
        let mut timeout =
            sleep.map(|sleep| Timespec::try_from(sleep).unwrap_or(Timespec { tv_sec: 1 << 30, tv_nsec: 0 }));
        if !core.handle.fall_asleep() {
            timeout = Some(Timespec::default());
        }
        events.clear();
        match epoll::wait(&driver.epoll, spare_capacity(&mut events), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        core.handle.wake_up();
        core.deliver_due(&mut driver);
        let mut filled = 0;
        for event in &events {
            let (data, flags) = (event.data.u64(), event.flags);
            match data & KIND {
                0 => {
                    if arena.len() - filled < READ_MIN.min(arena.len()) {
                        hand_over(&mut core, &mut driver, &arena, &mut got);
                        filled = 0;
                    }
                    let room = arena.get_mut(filled..).unwrap_or_default();
                    if let Some((id, len, end)) =
                        receive(&mut core, &mut driver, ConnId::from_u64(data), flags, room)
                    {
                        got.push(Got { id, start: filled, len, end });
                        filled += len;
                    }
                }
                LISTENER => accept(&mut core, &mut driver, data as u32),
                // The bell is looked at in any case.
                _ => {}
            }
        }
        hand_over(&mut core, &mut driver, &arena, &mut got);
        sleep = core.housekeeping(&mut driver);
    }
    core.stop(&mut driver);
    Ok(core.service)
}

fn hand_over<S: Service>(core: &mut Core<S>, driver: &mut Epoll, arena: &[u8], got: &mut Vec<Got>) {
    if !got.is_empty() {
        core.deliver(
            driver,
            got.drain(..).map(|Got { id, start, len, end }| {
                let input = arena.get(start..start + len).unwrap_or_default();
                Delivery { id, input, end }
            }),
        );
    }
}

/// Acts on an event of a connection; returns what there is to deliver.
fn receive<S: Service>(
    core: &mut Core<S>,
    driver: &mut Epoll,
    id: ConnId,
    flags: EventFlags,
    room: &mut [u8],
) -> Option<(ConnId, usize, End)> {
    let link = core.conns.link_mut(id)?;
    if flags.contains(EventFlags::OUT) {
        link.sending = false;
        core.settle_id(driver, id);
    }
    let link = core.conns.link_mut(id)?;
    let gone = flags.intersects(EventFlags::ERR | EventFlags::HUP);
    if link.paused || link.closing != crate::conn::Closing::No {
        if gone {
            // Both directions are closed, or the socket failed: what the peer sent before is not wanted by
            // anybody.
            let why = match rustix::net::sockopt::socket_error(&link.socket) {
                Ok(Err(errno)) | Err(errno) => CloseReason::Failed(errno.kind()),
                Ok(Ok(())) => CloseReason::Peer,
            };
            core.fail(driver, id, why);
            return None;
        }
        // Input is not wanted: no more events for it until it is. The peer's end is worth telling once.
        let mut mask = EventFlags::from_bits_retain(link.asked);
        link.reading = false;
        mask.remove(EventFlags::IN);
        let announced = flags.contains(EventFlags::RDHUP);
        if announced {
            mask.remove(EventFlags::RDHUP);
        }
        driver.ask(link, mask);
        return announced.then_some((id, 0, End::Announced));
    }
    if !flags.contains(EventFlags::IN) && !gone && !flags.contains(EventFlags::RDHUP) {
        return None;
    }
    let most = room.len().min(READ_MAX);
    let room = room.get_mut(..most)?;
    match rustix::net::recv(&link.socket, room, RecvFlags::DONTWAIT) {
        Ok((0, _)) => {
            // The end stays readable; the connection lives on until its output is flushed.
            link.reading = false;
            let mask = EventFlags::from_bits_retain(link.asked) - EventFlags::IN - EventFlags::RDHUP;
            driver.ask(link, mask);
            Some((id, 0, End::Reached))
        }
        Ok((n, _)) => Some((id, n, End::No)),
        Err(Errno::AGAIN | Errno::INTR) => None,
        Err(errno) => {
            core.fail(driver, id, CloseReason::Failed(errno.kind()));
            None
        }
    }
}

fn accept<S: Service>(core: &mut Core<S>, driver: &mut Epoll, key: u32) {
    for _ in 0..ACCEPTS {
        let Some(listener) = core.listener(key).filter(|listener| !listener.is_shut()) else { return };
        match rustix::net::accept_with(listener.socket(), SocketFlags::CLOEXEC) {
            Ok(socket) => core.place(driver, socket),
            Err(Errno::AGAIN) => return,
            Err(errno @ (Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)) => {
                return core.accept_failed(driver, key, &errno.into());
            }
            // The others concern the one connection that was about to be accepted.
            Err(_) => {}
        }
    }
}

impl Epoll {
    fn ask(&mut self, link: &mut Link, mask: EventFlags) {
        if mask.bits() != link.asked {
            link.asked = mask.bits();
            // Cannot fail for a socket that is registered, but for want of memory; the level trigger then
            // asks again.
            let _ = epoll::modify(&self.epoll, &link.socket, EventData::new_u64(link.id.as_u64()), mask);
        }
    }
}

impl Driver for Epoll {
    fn begin(&mut self, link: &mut Link) -> io::Result<()> {
        let mask = EventFlags::IN | EventFlags::RDHUP;
        link.asked = mask.bits();
        link.reading = true;
        Ok(epoll::add(&self.epoll, &link.socket, EventData::new_u64(link.id.as_u64()), mask)?)
    }

    fn want_input(&mut self, link: &mut Link) {
        link.reading = true;
        let mask = EventFlags::from_bits_retain(link.asked) | EventFlags::IN | EventFlags::RDHUP;
        self.ask(link, mask);
    }

    fn unwanted_input(&mut self, _link: &mut Link) {
        // Nothing is read for a connection that is paused when its event comes.
    }

    fn send(&mut self, link: &mut Link) -> Sent {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let sent = if link.flight.is_single() {
            rustix::net::send(&link.socket, link.flight.first(), flags)
        } else {
            let mut pieces = Vec::new();
            link.flight.pieces(&mut pieces);
            rustix::net::sendmsg(&link.socket, &pieces, &mut Default::default(), flags)
        };
        match sent {
            Ok(n) => Sent::Bytes(n),
            Err(Errno::AGAIN | Errno::INTR) => {
                link.sending = true;
                let mask = EventFlags::from_bits_retain(link.asked) | EventFlags::OUT;
                self.ask(link, mask);
                Sent::Later
            }
            Err(errno) => Sent::Failed(errno.kind()),
        }
    }

    fn all_sent(&mut self, link: &mut Link) {
        let mask = EventFlags::from_bits_retain(link.asked) - EventFlags::OUT;
        self.ask(link, mask);
    }

    fn end(&mut self, _link: &mut Link) -> bool {
        // Closing the descriptor takes it out of the epoll set.
        true
    }

    fn listen(&mut self, listener: &Listener, key: u32) -> io::Result<()> {
        rustix::io::ioctl_fionbio(listener.socket(), true)?;
        match epoll::add(
            &self.epoll,
            listener.socket().as_fd(),
            EventData::new_u64(LISTENER | u64::from(key)),
            EventFlags::IN,
        ) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn unlisten(&mut self, listener: &Listener, _key: u32) {
        // Fails only if it is not in the set.
        let _ = epoll::delete(&self.epoll, listener.socket());
    }
}
