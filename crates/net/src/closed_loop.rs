//! A reactor without a kernel: its caller is the peer of every connection, hands input over and has output thrown away.
//!
//! For measuring a service by itself: input and output take the reactor's whole way ([`Core`]) but for the system calls, on the
//! calling thread. It does not serve; sockets are there only because a connection has one.

use std::io;
use std::os::unix::net::UnixStream;

use crate::conn::Link;
use crate::handle::Handle;
use crate::listen::Listener;
use crate::reactor::{Core, Delivery, Driver, End, Sent};
use crate::{ConnId, Service};

/// A service and the connections that its caller feeds.
pub struct ClosedLoop<S: Service> {
    core: Core<S>,
    discard: Discard,
    conns: Vec<ConnId>,
    /// The peers' ends, so that the connections are not reset.
    _ends: Vec<UnixStream>,
}

impl<S: Service> ClosedLoop<S> {
    /// Opens `connections` connections of `service`; those that it refuses are left out.
    pub fn new(service: S, connections: usize) -> io::Result<ClosedLoop<S>> {
        let handle = Handle::new()?;
        let mut core = Core::new(service, handle.clone(), vec![handle.clone()]);
        let mut discard = Discard { output_bytes: 0 };
        let mut ends = Vec::with_capacity(connections);
        for _ in 0..connections {
            let (ours, theirs) = UnixStream::pair()?;
            handle.adopt(ours);
            ends.push(theirs);
        }
        core.housekeeping(&mut discard);
        let conns = core.conns.ids();
        Ok(ClosedLoop { core, discard, conns, _ends: ends })
    }

    /// The way to reach it from other threads: what they ask for is done in the next turn.
    pub fn handle(&self) -> Handle {
        self.core.handle.clone()
    }

    /// One turn of a reactor's loop: each connection has received its part of `inputs`. Returns the bytes of output.
    pub fn turn(&mut self, inputs: &[&[u8]]) -> usize {
        let before = self.discard.output_bytes;
        let batch =
            self.conns.iter().zip(inputs).map(|(id, input)| Delivery { id: *id, input, end: End::No });
        self.core.deliver(&mut self.discard, batch);
        self.core.housekeeping(&mut self.discard);
        self.discard.output_bytes - before
    }
}

impl<S: Service> Drop for ClosedLoop<S> {
    fn drop(&mut self) {
        self.core.stop(&mut self.discard);
    }
}

/// The back end: takes all output at once and counts it.
struct Discard {
    output_bytes: usize,
}

impl Driver for Discard {
    fn begin(&mut self, _: &mut Link) -> io::Result<()> {
        Ok(())
    }

    fn want_input(&mut self, link: &mut Link) {
        link.reading = true;
    }

    fn send(&mut self, link: &mut Link) -> Sent {
        let len = link.flight.first().len();
        self.output_bytes += len;
        Sent::Bytes(len)
    }

    fn unwanted_input(&mut self, _: &mut Link) {}

    fn all_sent(&mut self, _: &mut Link) {}

    fn end(&mut self, _: &mut Link) -> bool {
        true
    }

    fn listen(&mut self, _: &Listener, _: u32) -> io::Result<()> {
        Ok(())
    }

    fn unlisten(&mut self, _: &Listener, _: u32) {}
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{CloseReason, Conns, Peer, Ready};

    /// Answers every input with itself, twice.
    struct Twice {
        open: i32,
    }

    impl Service for Twice {
        type Session = ();

        fn open(&mut self, _: ConnId, _: &Peer) -> Result<(), Vec<u8>> {
            self.open += 1;
            Ok(())
        }

        fn turn(&mut self, ready: &mut [Ready<'_, ()>], _: &mut Conns<()>) {
            for Ready { conn, input, .. } in ready {
                (0..2).for_each(|_| conn.out.buf().extend_from_slice(input));
                if *input == b"end" {
                    conn.close_after_flush();
                }
            }
        }

        fn woken(&mut self, _: &mut Conns<()>) {}

        fn after(&mut self, _: &mut Conns<()>) -> Option<Duration> {
            None
        }

        fn closed(&mut self, _: ConnId, _: (), _: CloseReason) {
            self.open -= 1;
        }
    }

    #[test]
    fn every_input_of_a_turn_is_answered_until_its_connection_ends() {
        let mut looped = ClosedLoop::new(Twice { open: 0 }, 3).unwrap();
        assert_eq!(looped.core.service.open, 3);
        assert_eq!(looped.turn(&[b"a", b"bc", b""]), 6);
        assert_eq!(looped.turn(&[&[b'x'; 100_000], b"", b"d"]), 200_002);
        assert_eq!(looped.turn(&[b"a", b"end", b"a"]), 10);
        assert_eq!(looped.core.service.open, 2);
        assert_eq!(looped.turn(&[b"a", b"gone", b"a"]), 4);
    }
}
