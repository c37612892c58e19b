//! The reply of the command that is executing: RESP into the connection's output, large values by reference.

use std::sync::Arc;

use net::Out;
use resp::{Protocol, Writer};
use value::number::IntText;
use value::string::StrRef;

use crate::error::Error;

/// From this length on a value is sent from where it lies instead of being copied.
const SHARE_FROM: u64 = 16 << 10;

/// Where a command writes its reply.
pub struct Reply<'a> {
    out: &'a mut Out,
    protocol: Protocol,
}

impl<'a> Reply<'a> {
    /// Replies go to `out`.
    pub fn new(out: &'a mut Out, protocol: Protocol) -> Reply<'a> {
        Reply { out, protocol }
    }

    /// The writer for everything but large values.
    #[inline]
    pub fn write(&mut self) -> Writer<'_> {
        Writer { out: self.out.buf(), protocol: self.protocol }
    }

    /// Replies to earlier requests that have not been sent, and what this one has written so far.
    pub fn unsent_bytes(&self) -> usize {
        self.out.pending_bytes()
    }

    /// The version in force.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Changes the version (HELLO): from this reply on.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// `+OK`
    #[inline]
    pub fn ok(&mut self) {
        self.write().ok();
    }

    /// An integer.
    #[inline]
    pub fn integer(&mut self, number: i64) {
        self.write().integer(number);
    }

    /// A bulk string.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.write().bulk(bytes);
    }

    /// The absent value.
    #[inline]
    pub fn null(&mut self) {
        self.write().null();
    }

    /// An error.
    pub fn error(&mut self, error: &Error) {
        self.write().error(error.text());
    }

    /// Replies written elsewhere, in this connection's protocol; many bytes are sent from where they lie.
    pub fn encoded(&mut self, bytes: Vec<u8>) {
        let len = bytes.len();
        self.out.push_shared(Arc::new(bytes), 0..len);
    }

    /// A string value as a bulk string.
    #[inline]
    pub fn string(&mut self, value: StrRef<'_>) {
        match value {
            StrRef::Bytes(bytes) => self.write().bulk(bytes),
            StrRef::Int(number) => self.write().bulk(IntText::new(number).as_bytes()),
            StrRef::Shared(_) => self.string_range(value, 0, value.len()),
        }
    }

    /// A string value, or the absent value.
    #[inline]
    pub fn string_or_null(&mut self, value: Option<StrRef<'_>>) {
        match value {
            Some(value) => self.string(value),
            None => self.null(),
        }
    }

    /// `start..end` of a string value as a bulk string; the range lies within the value.
    pub fn string_range(&mut self, value: StrRef<'_>, start: u64, end: u64) {
        let len = end.saturating_sub(start);
        self.write().bulk_header(len);
        match value {
            StrRef::Shared(shared) if len >= SHARE_FROM => {
                for slice in shared.shared(start..end) {
                    let bytes = slice.as_ref().len();
                    self.out.push_shared(Arc::new(slice), 0..bytes);
                }
            }
            _ => value.copy_range_to(start..end, self.out.buf()),
        }
        self.out.buf().extend_from_slice(b"\r\n");
    }
}
