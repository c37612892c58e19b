//! What other threads may do to a reactor: ring it, give it a connection, change its listeners, stop it.
//!
//! The bell is one atomic byte: `ASLEEP` (the reactor is, or is about to be, in the kernel), `RUNG` (the
//! service's mailbox has something), `MAIL` (our inbox has something). Ringing writes the eventfd only when
//! the reactor sleeps and nobody has rung before, so a busy reactor costs its callers no system call, and
//! many rings cost one. Why no ring is lost: every change of the byte is a read-modify-write. Either the
//! ringer's comes after the reactor set `ASLEEP` (it sees it and writes the eventfd), or before (the reactor
//! sees the bit and does not sleep).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

use crate::listen::Listener;

const ASLEEP: u8 = 1;
const RUNG: u8 = 2;
const MAIL: u8 = 4;

/// Reaches a reactor from any thread.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

struct Shared {
    bell: AtomicU8,
    event: OwnedFd,
    /// `None` once the reactor has ended.
    inbox: Mutex<Option<Vec<Message>>>,
    load: AtomicUsize,
}

pub(crate) enum Message {
    Adopt(OwnedFd),
    AddListeners(Vec<Listener>),
    RemoveListeners(Vec<Listener>),
    Stop,
}

/// What was asked for since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) rung: bool,
    pub(crate) mail: bool,
}

impl Handle {
    pub(crate) fn new() -> std::io::Result<Handle> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let shared = Shared {
            bell: AtomicU8::new(0),
            event,
            inbox: Mutex::new(Some(Vec::new())),
            load: AtomicUsize::new(0),
        };
        Ok(Handle { shared: Arc::new(shared) })
    }

    /// Has the reactor call [`Service::woken`](crate::Service::woken) soon. Cheap when the reactor is busy or
    /// already rung.
    pub fn wake(&self) {
        self.ring(RUNG);
    }

    /// Hands a connected socket (TCP or unix) to the reactor. If the reactor has ended, the socket is closed.
    pub fn adopt(&self, socket: impl Into<OwnedFd>) {
        let socket = socket.into();
        // With io_uring a receive on a non-blocking socket would end at once; epoll's calls ask for
        // non-blocking themselves. Fails only for what is no socket, which shows when it is opened.
        let _ = rustix::io::ioctl_fionbio(&socket, false);
        self.hand_over(socket);
    }

    /// [`adopt`](Handle::adopt) for a socket that is known to be blocking.
    pub(crate) fn hand_over(&self, socket: OwnedFd) {
        self.shared.load.fetch_add(1, Ordering::Relaxed);
        self.send(Message::Adopt(socket));
    }

    /// Has the reactor accept connections from these; meant for the first of a group, which spreads them.
    pub fn add_listeners(&self, listeners: Vec<Listener>) {
        self.send(Message::AddListeners(listeners));
    }

    /// Ends these listeners: they refuse connections when this returns (their addresses can be bound anew),
    /// and the reactor lets go of them soon.
    pub fn remove_listeners(&self, listeners: Vec<Listener>) {
        listeners.iter().for_each(Listener::shut);
        self.send(Message::RemoveListeners(listeners));
    }

    /// Ends the reactor: what is queued is sent as far as the sockets take it at once, every connection is
    /// closed, `run` returns.
    pub fn stop(&self) {
        self.send(Message::Stop);
    }

    /// Connections that the reactor has or was given.
    pub fn connections(&self) -> usize {
        self.shared.load.load(Ordering::Relaxed)
    }

    fn send(&self, message: Message) {
        {
            let mut inbox = self.shared.inbox.lock().unwrap_or_else(PoisonError::into_inner);
            match inbox.as_mut() {
                Some(messages) => messages.push(message),
                None => {
                    if matches!(message, Message::Adopt(_)) {
                        self.lighten();
                    }
                    return;
                }
            }
        }
        self.ring(MAIL);
    }

    fn ring(&self, bit: u8) {
        if self.shared.bell.fetch_or(bit, Ordering::SeqCst) == ASLEEP {
            // The counter cannot overflow before the reactor wakes: only the first ring of a sleep writes.
            let _ = rustix::io::write(&self.shared.event, &1u64.to_ne_bytes());
        }
    }

    // --- The reactor's side ---

    pub(crate) fn event(&self) -> BorrowedFd<'_> {
        self.shared.event.as_fd()
    }

    /// Declares that the reactor goes to sleep. False: it must not, somebody has rung.
    pub(crate) fn fall_asleep(&self) -> bool {
        self.shared.bell.compare_exchange(0, ASLEEP, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// The reactor is out of the kernel: who rings from now on need not wake it.
    pub(crate) fn wake_up(&self) {
        self.shared.bell.fetch_and(!ASLEEP, Ordering::SeqCst);
    }

    /// What was asked for since the last look.
    pub(crate) fn news(&self) -> News {
        if self.shared.bell.load(Ordering::Relaxed) == 0 {
            return News { rung: false, mail: false };
        }
        let bits = self.shared.bell.swap(0, Ordering::SeqCst);
        News { rung: bits & RUNG != 0, mail: bits & MAIL != 0 }
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        let mut inbox = self.shared.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// No message is taken any more; sockets in the inbox are closed.
    pub(crate) fn shut(&self) {
        let rest = self.shared.inbox.lock().unwrap_or_else(PoisonError::into_inner).take();
        for message in rest.unwrap_or_default() {
            if matches!(message, Message::Adopt(_)) {
                self.lighten();
            }
        }
    }

    pub(crate) fn burden(&self) {
        self.shared.load.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn lighten(&self) {
        self.shared.load.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn is_same(&self, other: &Handle) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}
