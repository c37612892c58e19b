//! The bytes of a file as they arrive: buffered, counted, digested. Knows lengths and strings, no opcodes.
//!
//! ```text
//!   buffer: [ consumed, digested | consumed, to be digested | available | free ]
//!                                 ^digested                 ^start      ^end
//! ```
//!
//! Bounds: the buffer never grows; what is read into vectors grows with the bytes that arrive, at most twice them.

use std::io::{self, Read};

use value::{BlockTree, Shared};

use super::Limits;
use crate::crc64::Crc64;
use crate::element::Element;
use crate::error::{Error, Fault};
use crate::format::length;
use crate::lzf::{Expander, expand};

/// Most bytes read from the source at once.
pub(super) const BUFFER: usize = 128 * 1024;

/// Strings up to this length are handed out in one piece, longer ones as a [`Shared`].
pub(super) const SMALL_MAX: u64 = value::string::FLAT_MAX as u64;

/// First allocation for a string whose bytes have not arrived yet.
const FIRST_RESERVE: u64 = 64 * 1024;

pub(super) struct Input<R> {
    source: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    digested: usize,
    /// Offset of `buffer[0]` in the file.
    base: u64,
    crc: Crc64,
    pub limits: Limits,
}

/// The first byte or bytes of a string.
enum StringHead {
    Raw(u64),
    Int(i32),
    Lzf { packed: u64, length: u64 },
}

/// A string too long for one piece, or not.
pub(super) enum Loaded {
    Int(i64),
    /// In the vector that was handed in.
    Small,
    Large(Shared),
}

impl<R: Read> Input<R> {
    /// With a buffer for at most `capacity` bytes.
    pub(super) fn new(source: R, capacity: usize, limits: Limits) -> Self {
        let buffer = vec![0; capacity.clamp(64, BUFFER)].into_boxed_slice();
        Self { source, buffer, start: 0, end: 0, digested: 0, base: 0, crc: Crc64::new(), limits }
    }

    /// Bytes consumed so far.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    pub(super) fn fail<T>(&self, fault: Fault) -> Result<T, Error> {
        Err(Error::new(self.offset(), fault))
    }

    /// The checksum of everything consumed so far.
    pub(super) fn checksum(&mut self) -> u64 {
        self.digest();
        self.crc.value()
    }

    /// What has been read from the source but not consumed, and the source.
    pub(super) fn into_rest(self) -> (Vec<u8>, R) {
        (self.buffer[self.start..self.end].to_vec(), self.source)
    }

    fn digest(&mut self) {
        self.crc.update(&self.buffer[self.digested..self.start]);
        self.digested = self.start;
    }

    /// Reads more. False at the end of the source.
    fn refill(&mut self) -> Result<bool, Error> {
        self.digest();
        self.buffer.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        self.end -= self.start;
        (self.start, self.digested) = (0, 0);
        loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::new(self.base + self.end as u64, Fault::Io(error))),
            }
        }
    }

    /// At least `count` bytes (at most 64) without consuming them.
    fn ahead(&mut self, count: usize, expected: &'static str) -> Result<&[u8], Error> {
        debug_assert!(count <= 64);
        while self.end - self.start < count {
            if !self.refill()? {
                return Err(Error::new(self.base + self.end as u64, Fault::Cut { expected }));
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }

    pub(super) fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(&self.ahead(N, expected)?[..N]);
        self.start += N;
        Ok(array)
    }

    pub(super) fn byte(&mut self, expected: &'static str) -> Result<u8, Error> {
        Ok(self.array::<1>(expected)?[0])
    }

    /// A length, or with `Err` in the inner result the encoding of a string that is not raw.
    fn length_or_encoding(&mut self, expected: &'static str) -> Result<Result<u64, u8>, Error> {
        let first = self.byte(expected)?;
        Ok(Ok(match first {
            0..=0x3f => u64::from(first),
            0x40..=0x7f => u64::from(first & 0x3f) << 8 | u64::from(self.byte(expected)?),
            length::BITS_32 => u64::from(u32::from_be_bytes(self.array(expected)?)),
            length::BITS_64 => u64::from_be_bytes(self.array(expected)?),
            length::ENCODED.. => return Ok(Err(first & 0x3f)),
            _ => return Err(Error::new(self.offset() - 1, Fault::Length { expected, found: first })),
        }))
    }

    pub(super) fn length(&mut self, expected: &'static str) -> Result<u64, Error> {
        let at = self.offset();
        self.length_or_encoding(expected)?
            .map_err(|encoding| Error::new(at, Fault::Length { expected, found: length::ENCODED | encoding }))
    }

    fn string_head(&mut self, expected: &'static str) -> Result<StringHead, Error> {
        let at = self.offset();
        let head = match self.length_or_encoding(expected)? {
            Ok(length) => StringHead::Raw(length),
            Err(length::INT_8) => StringHead::Int(i32::from(i8::from_le_bytes(self.array(expected)?))),
            Err(length::INT_16) => StringHead::Int(i32::from(i16::from_le_bytes(self.array(expected)?))),
            Err(length::INT_32) => StringHead::Int(i32::from_le_bytes(self.array(expected)?)),
            Err(length::LZF) => {
                StringHead::Lzf { packed: self.length(expected)?, length: self.length(expected)? }
            }
            Err(found) => return Err(Error::new(at, Fault::Encoding { expected, found })),
        };
        let (StringHead::Raw(length) | StringHead::Lzf { length, .. }) = head else { return Ok(head) };
        if length > self.limits.string_max {
            let limit = self.limits.string_max;
            return Err(Error::new(at, Fault::TooLong { length, limit }));
        }
        Ok(head)
    }

    /// A string into `out`, in one piece whatever its length.
    pub(super) fn string(&mut self, expected: &'static str, out: &mut Vec<u8>) -> Result<(), Error> {
        out.clear();
        match self.string_head(expected)? {
            StringHead::Int(value) => value::number::append_i64(out, i64::from(value)),
            StringHead::Raw(length) => self.raw(length, expected, out)?,
            StringHead::Lzf { packed, length } => self.packed_into(packed, length, expected, out)?,
        }
        Ok(())
    }

    /// An element of a collection, using `out` for its bytes, in one piece whatever its length.
    pub(super) fn element<'o>(
        &mut self,
        expected: &'static str,
        out: &'o mut Vec<u8>,
    ) -> Result<Element<'o>, Error> {
        out.clear();
        // The usual case: short, as it is, and already in the buffer.
        if let [len @ 0..=0x3f, rest @ ..] = &self.buffer[self.start..self.end]
            && let Some(bytes) = rest.get(..usize::from(*len))
            && u64::from(*len) <= self.limits.string_max
        {
            out.extend_from_slice(bytes);
            self.start += 1 + bytes.len();
            return Ok(Element::Bytes(out));
        }
        match self.string_head(expected)? {
            StringHead::Int(value) => return Ok(Element::Int(i64::from(value))),
            StringHead::Raw(length) => self.raw(length, expected, out)?,
            StringHead::Lzf { packed, length } => self.packed_into(packed, length, expected, out)?,
        }
        Ok(Element::Bytes(out))
    }

    /// A string value: into `out` if it is small.
    pub(super) fn value(&mut self, out: &mut Vec<u8>) -> Result<Loaded, Error> {
        let expected = "a string value";
        out.clear();
        match self.string_head(expected)? {
            StringHead::Int(value) => return Ok(Loaded::Int(i64::from(value))),
            StringHead::Raw(length @ ..=SMALL_MAX) => self.raw(length, expected, out)?,
            StringHead::Raw(length) => {
                let mut tree = BlockTree::new();
                self.pieces(length, expected, |bytes| tree.append(bytes))?;
                return Ok(Loaded::Large(Shared::from_tree(tree)));
            }
            StringHead::Lzf { packed, length: length @ ..=SMALL_MAX } => {
                self.packed_into(packed, length, expected, out)?;
            }
            StringHead::Lzf { packed, length } => {
                let mut tree = BlockTree::new();
                self.packed(packed, length, expected, |bytes| tree.append(bytes))?;
                return Ok(Loaded::Large(Shared::from_tree(tree)));
            }
        }
        Ok(Loaded::Small)
    }

    fn raw(&mut self, length: u64, expected: &'static str, out: &mut Vec<u8>) -> Result<(), Error> {
        out.reserve(length.min(FIRST_RESERVE) as usize);
        self.pieces(length, expected, |bytes| out.extend_from_slice(bytes))
    }

    /// `length` bytes in pieces as they arrive.
    fn pieces(
        &mut self,
        length: u64,
        expected: &'static str,
        mut sink: impl FnMut(&[u8]),
    ) -> Result<(), Error> {
        let mut left = length;
        while left > 0 {
            let available = self.ahead(1, expected)?;
            let count = left.min(available.len() as u64) as usize;
            sink(&available[..count]);
            self.start += count;
            left -= count as u64;
        }
        Ok(())
    }

    /// Expands `packed` compressed bytes to `length` bytes, appended to `out`.
    fn packed_into(
        &mut self,
        packed: u64,
        length: u64,
        expected: &'static str,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let available = &self.buffer[self.start..self.end];
        // The usual case: short, and already in the buffer.
        if length <= SMALL_MAX && packed <= available.len() as u64 {
            let packed = packed as usize;
            if let Err(fault) = expand(&available[..packed], length as usize, out) {
                return self.fail(Fault::Compressed(fault));
            }
            self.start += packed;
            return Ok(());
        }
        self.packed(packed, length, expected, |bytes| out.extend_from_slice(bytes))
    }

    /// Expands `packed` compressed bytes to `length` bytes, in pieces as they arrive.
    fn packed(
        &mut self,
        packed: u64,
        length: u64,
        expected: &'static str,
        mut sink: impl FnMut(&[u8]),
    ) -> Result<(), Error> {
        let at = self.offset();
        let mut expander = Expander::new(length);
        let mut left = packed;
        // Bytes of an incomplete item; at most 32, plus what completes it.
        let mut wanted = 1;
        while left > 0 {
            let wanted_now = wanted.min(left) as usize;
            let available = self.ahead(wanted_now, expected)?;
            let piece = &available[..left.min(available.len() as u64) as usize];
            let whole = piece.len() as u64 == left;
            let used =
                expander.feed(piece, &mut sink).map_err(|fault| Error::new(at, Fault::Compressed(fault)))?;
            if whole && used < piece.len() {
                return Err(Error::new(at, Fault::Compressed(crate::lzf::ExpandFault::Cut)));
            }
            wanted = (piece.len() - used + 1) as u64;
            self.start += used;
            left -= used as u64;
        }
        expander.finish().map_err(|fault| Error::new(at, Fault::Compressed(fault)))
    }
}
