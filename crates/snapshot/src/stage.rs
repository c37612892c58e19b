//! The file's next bytes, on their way to the sink: what a lane has encoded is digested and copied here while it is still in the processor's
//! cache. Knows nothing of what the bytes are, and has no lock of its own: it stands under the queue's.
//!
//! ```text
//!   one huge page:  | part, 768 KiB | part, 768 KiB | 512 KiB for the spill |
//!   append --> filling --full--> full --take_full--> sink --give_back--> free --> filling
//! ```
//! Invariant
//! - T1: bytes are digested in the order in which they are appended, and parts leave in the order in which they were filled.
//!
//! Bounds: one huge page, mapped by the writer.

use std::collections::VecDeque;

use keyspace::HugePagePart;
use rdb::Crc64;

/// Bytes given to the sink at once: enough that each costs a virtual machine's host little (see [`HugePagePart`]). Few in tests, so that parts end often.
pub(crate) const PART_BYTES: usize =
    if cfg!(any(test, feature = "shuttle")) { 32 * 1024 } else { 768 * 1024 };

/// A part of the file.
pub(crate) struct Part {
    memory: HugePagePart,
    filled: usize,
}

impl Part {
    fn new(memory: HugePagePart) -> Part {
        Part { memory, filled: 0 }
    }

    fn room(&self) -> usize {
        self.memory.len() - self.filled
    }

    /// What it was filled with.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.memory[..self.filled]
    }
}

/// See the module.
#[derive(Default)]
pub(crate) struct Stage {
    /// None where the file has no checksum.
    digest: Option<Crc64>,
    filling: Option<Part>,
    full: VecDeque<Part>,
    free: Vec<Part>,
}

impl Stage {
    /// Begins. Returns what the parts leave of their page.
    pub(crate) fn set_up(&mut self, mut page: HugePagePart, has_checksum: bool) -> HugePagePart {
        let mut second = page.split_off(PART_BYTES);
        let rest = second.split_off(PART_BYTES);
        self.digest = has_checksum.then(Crc64::new);
        self.filling = Some(Part::new(page));
        self.free.push(Part::new(second));
        rest
    }

    /// Bytes that can be appended before a part must be written.
    pub(crate) fn room(&self) -> usize {
        let parts = self.filling.iter().chain(&self.free);
        parts.map(Part::room).sum()
    }

    /// Appends what there is room for, and returns how many bytes that were.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.room());
        if let Some(digest) = &mut self.digest {
            digest.update(&bytes[..count]);
        }
        let mut rest = &bytes[..count];
        while let Some(part) = &mut self.filling
            && !rest.is_empty()
        {
            let (now, later) = rest.split_at(rest.len().min(part.room()));
            part.memory.write_past_caches(part.filled, now);
            part.filled += now.len();
            rest = later;
            if part.room() == 0 {
                self.full.extend(self.filling.take());
                self.filling = self.free.pop();
            }
        }
        count
    }

    /// The checksum of what was appended; 0 where the file has none.
    pub(crate) fn checksum(&self) -> u64 {
        self.digest.map_or(0, |digest| digest.value())
    }

    /// Whether a part is to be written.
    pub(crate) fn has_full(&self) -> bool {
        !self.full.is_empty()
    }

    /// The part to be written next.
    pub(crate) fn take_full(&mut self) -> Option<Part> {
        self.full.pop_front()
    }

    /// The part to be written next, full or not, when nothing more will be appended.
    pub(crate) fn take_rest(&mut self) -> Option<Part> {
        self.take_full().or_else(|| self.filling.take_if(|part| part.filled > 0))
    }

    /// A part has been written.
    pub(crate) fn give_back(&mut self, mut part: Part) {
        part.filled = 0;
        match self.filling {
            Some(_) => self.free.push(part),
            None => self.filling = Some(part),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_leave_in_order_and_the_checksum_is_of_all() {
        let mut stage = Stage::default();
        assert_eq!((stage.room(), stage.append(b"early")), (0, 0), "there is no memory yet");
        let rest = stage.set_up(HugePagePart::page().unwrap(), true);
        assert_eq!(rest.len(), keyspace::HUGE_PAGE_BYTES - 2 * PART_BYTES);
        let (mut given, mut left) = (Vec::new(), Vec::new());
        let mut number = 0u8;
        while given.len() < 50 * PART_BYTES {
            let bytes: Vec<u8> = std::iter::repeat_with(|| {
                number = number.wrapping_mul(5).wrapping_add(1);
                number
            })
            .take(fastrand::usize(1..3 * PART_BYTES))
            .collect();
            let room = stage.room();
            let count = stage.append(&bytes);
            assert_eq!(count, bytes.len().min(room));
            given.extend_from_slice(&bytes[..count]);
            if count < bytes.len() || fastrand::bool() {
                let Some(part) = stage.take_full() else { continue };
                assert_eq!(part.bytes().len(), PART_BYTES);
                left.extend_from_slice(part.bytes());
                stage.give_back(part);
            }
        }
        assert_eq!(stage.checksum(), rdb::crc64::crc64(&given));
        while let Some(part) = stage.take_rest() {
            left.extend_from_slice(part.bytes());
        }
        assert!(left == given);
    }
}
