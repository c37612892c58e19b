//! Messages from one reactor to another: a mutex around a vector, and one wake-up for however many are waiting.

use std::sync::{Arc, OnceLock};

use net::{ConnId, Handle};
use parking_lot::Mutex;

/// Everything that one thread may ask of another's reactor.
pub enum Message {
    /// Close this connection (CLIENT KILL); unsent output is lost.
    Kill(ConnId),
    /// Send these bytes to every connection that monitors.
    Monitor(Arc<[u8]>),
    /// The reply that this connection waits for.
    Reply(ConnId, Vec<u8>),
    /// A pause has ended: go on with what was held up.
    Unpaused,
    /// A snapshot is ready to be cut, or will not be ([`Persistence::settle`](crate::Persistence)).
    Settle,
    /// Stop serving: the process ends.
    Stop,
}

/// One reactor's letter box.
#[derive(Default)]
pub struct Mailbox {
    messages: Mutex<Vec<Message>>,
    handle: OnceLock<Handle>,
}

impl Mailbox {
    /// Tells the letter box whom to wake. Called once, before the reactors run.
    pub fn attach(&self, handle: Handle) {
        let _ = self.handle.set(handle);
    }

    /// Leaves a message and wakes the reactor.
    pub fn send(&self, message: Message) {
        self.messages.lock().push(message);
        self.ring();
    }

    /// Wakes the reactor without a message: it should look around.
    pub fn ring(&self) {
        if let Some(handle) = self.handle.get() {
            handle.wake();
        }
    }

    /// Takes everything out.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *self.messages.lock())
    }

    /// The reactor behind it, once attached.
    pub fn handle(&self) -> Option<&Handle> {
        self.handle.get()
    }
}
