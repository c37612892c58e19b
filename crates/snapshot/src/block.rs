//! A piece of the file while a worker fills it and until it is written. Its content lies at an address that the sink asks for, so that
//! the sink need not copy it.
//!
//! Content that outgrows the block's room is moved to wherever there is more, and copied then.

/// A block; the default has no room and no content.
#[derive(Default)]
pub(crate) struct Block {
    /// The content behind `start` bytes that bring it to its address.
    bytes: Vec<u8>,
    start: usize,
}

impl Block {
    /// An empty block with room for `bytes`, at an address that is a multiple of `alignment`, a power of two.
    pub(crate) fn with_room(bytes: usize, alignment: usize) -> Block {
        let mut block: Vec<u8> = Vec::with_capacity(bytes + alignment - 1);
        let start = block.as_ptr().align_offset(alignment).min(alignment - 1);
        block.resize(start, 0);
        Block { bytes: block, start }
    }

    /// Where content is appended.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(crate) fn content(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory; 0 for the default only.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.truncate(self.start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_lies_where_it_was_asked_for() {
        for alignment in [1, 512, 4096] {
            let mut block = Block::with_room(10_000, alignment);
            let capacity = block.capacity();
            for _ in 0..2 {
                assert!(block.is_empty());
                block.out().extend_from_slice(&[7; 10_000]);
                assert_eq!((block.len(), block.content()), (10_000, &[7; 10_000][..]));
                assert_eq!(block.content().as_ptr().align_offset(alignment), 0);
                block.clear();
            }
            assert_eq!(block.capacity(), capacity, "there was room");
        }
    }
}
