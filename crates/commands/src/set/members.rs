//! A reply of members whose number may be known only at its end.
//!
//! It is encoded into pieces of [`PIECE`] bytes that are sent from where they lie, so that a long one is never moved.

use engine::Reply;
use resp::{Protocol, Writer};
use value::number::IntText;
use value::packed::Element;

/// Bytes of a piece.
const PIECE: usize = 64 << 10;

/// Members, encoded.
pub struct Members {
    protocol: Protocol,
    count: usize,
    full: Vec<Vec<u8>>,
    last: Vec<u8>,
}

impl Members {
    /// None so far, for a connection of this protocol.
    pub fn new(protocol: Protocol) -> Members {
        Members { protocol, count: 0, full: Vec::new(), last: Vec::new() }
    }

    /// How long they are, encoded.
    pub fn bytes(&self) -> usize {
        self.full.len() * PIECE + self.last.len()
    }

    /// One more.
    pub fn push(&mut self, member: Element<'_>) {
        match member {
            Element::Int(value) => self.push_text(IntText::new(value).as_bytes()),
            Element::Bytes(text) => self.push_text(text),
        }
    }

    /// One more, by its text.
    pub fn push_text(&mut self, text: &[u8]) {
        const HEADER: usize = 16;
        if self.last.len() + text.len() + HEADER > PIECE && !self.last.is_empty() {
            self.full.push(std::mem::replace(&mut self.last, Vec::with_capacity(PIECE)));
        }
        self.count += 1;
        Writer { out: &mut self.last, protocol: self.protocol }.bulk(text);
    }

    /// Replies with a set of them.
    pub fn send_set(self, reply: &mut Reply<'_>) {
        reply.write().set(self.count);
        self.send(reply);
    }

    /// Replies with an array of them.
    pub fn send_array(self, reply: &mut Reply<'_>) {
        reply.write().array(self.count);
        self.send(reply);
    }

    fn send(self, reply: &mut Reply<'_>) {
        self.full.into_iter().for_each(|piece| reply.encoded(piece));
        reply.encoded(self.last);
    }
}
