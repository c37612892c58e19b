//! A buffer whose address direct access to files accepts.

use std::ops::{Deref, DerefMut};

/// What the place, the length and the address of a direct access are multiples of. Disks ask for 512 bytes mostly, but where a write ends inside a
/// file system's block, the next one has to read it first: measured, a third of the speed.
pub(crate) const PAGE: usize = 4096;

/// So many bytes, zero at first, at an address that is a multiple of 4096.
pub(crate) struct Aligned {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    pub(crate) fn new(len: usize) -> Aligned {
        let bytes = vec![0; len + PAGE];
        let start = bytes.as_ptr().align_offset(PAGE).min(PAGE);
        Aligned { bytes, start, len }
    }
}

impl Deref for Aligned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.len]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_accepted() {
        for len in [1, 4096, 100_000] {
            let mut buffer = Aligned::new(len);
            assert_eq!((buffer.len(), buffer.as_ptr().align_offset(PAGE)), (len, 0));
            buffer[len - 1] = 1;
        }
    }
}
