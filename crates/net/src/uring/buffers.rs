//! The receive buffers of an io_uring reactor: a ring of descriptors shared with the kernel, and the memory
//! they point to.
//!
//! ```text
//!   descriptors (mmap)   [addr len id | addr len id | ... ]   tail in the first one's spare field; the
//!   kernel takes from the front, we put back at the tail data (mmap)          [buffer 0 ..][gap][buffer 1
//!   ..][gap] ...
//! ```
//! The gap of a few cache lines keeps the beginnings of the buffers, which is all that small requests touch,
//! from falling into the same few sets of the caches, as they would at a stride of a power of two.
//!
//! Invariants:
//! 1. Both mappings stay where they are until `Drop`, and `Drop` leaves them mapped unless
//!    [`Buffers::retire`] said that the kernel has no request left that could write to them.
//! 2. A buffer is ours from the completion that names it until [`Buffers::give_back`]; only then is it read.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::Submitter;
use io_uring::types::BufRingEntry;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// The only group of buffers in a ring.
pub(crate) const GROUP: u16 = 0;

/// Bytes between one buffer's end and the next one's beginning: three cache lines.
const GAP: usize = 192;

/// Buffers that the kernel gets at first. It takes them in turn, so memory is soon used for all that it has, however few connections there are.
const AT_FIRST: u16 = 32;

pub(crate) struct Buffers {
    descriptors: Mapping,
    data: Mapping,
    count: u16,
    /// How many the kernel has been given so far; those with higher numbers have no memory yet.
    known: u16,
    len: usize,
    tail: u16,
    retired: bool,
}

struct Mapping {
    at: NonNull<u8>,
    bytes: usize,
}

impl Mapping {
    fn new(bytes: usize) -> io::Result<Mapping> {
        // SAFETY: a fresh private mapping at an address of the kernel's choice touches no memory of ours.
        let at = unsafe {
            mmap_anonymous(std::ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
        }?;
        Ok(Mapping { at: NonNull::new(at.cast()).ok_or(io::ErrorKind::OutOfMemory)?, bytes })
    }
}

impl Buffers {
    /// Maps `count` (a power of two) buffers of `len` bytes, of which some are with the kernel once
    /// [`register`](Buffers::register) is done, and more whenever there were too few ([`Buffers::grow`]).
    pub(crate) fn new(count: u16, len: usize) -> io::Result<Buffers> {
        let descriptors = Mapping::new(usize::from(count) * size_of::<BufRingEntry>())?;
        let data = Mapping::new(usize::from(count) * (len + GAP))?;
        let mut buffers = Buffers { descriptors, data, count, known: 0, len, tail: 0, retired: false };
        buffers.give_new(AT_FIRST.min(count));
        Ok(buffers)
    }

    fn give_new(&mut self, known: u16) {
        (self.known..known).for_each(|id| self.give_back(id));
        self.known = known;
        self.publish();
    }

    /// The kernel had no buffer left: it gets as many again.
    pub(crate) fn grow(&mut self) {
        self.give_new(self.known.saturating_mul(2).min(self.count));
    }

    /// Lets the kernel take from these buffers.
    pub(crate) fn register(&mut self, submitter: &Submitter<'_>) -> io::Result<()> {
        let address = self.descriptors.at.as_ptr() as u64;
        // SAFETY: the descriptors are mapped, page-aligned, of `count` entries, and stay mapped (invariant
        // 1).
        unsafe { submitter.register_buf_ring_with_flags(address, self.count, GROUP, 0) }
    }

    fn start(&self, id: u16) -> NonNull<u8> {
        let offset = usize::from(id) * (self.len + GAP);
        // SAFETY: ids are below `count` (checked by the callers), so the offset is within the data mapping
        // (invariant 1).
        unsafe { self.data.at.add(offset) }
    }

    /// The first `len` bytes of a buffer that a completion named (invariant 2; the caller gives it back only
    /// when the slice is no longer used, which the `&mut` of [`give_back`](Buffers::give_back) enforces).
    pub(crate) fn bytes(&self, id: u16, len: usize) -> &[u8] {
        if id >= self.count || len > self.len {
            return &[];
        }
        // SAFETY: within the mapping (see `start`); the buffer is ours, so the kernel does not write to it
        // (invariant 2), and fresh anonymous memory is initialized to zeroes.
        unsafe { std::slice::from_raw_parts(self.start(id).as_ptr(), len) }
    }

    /// Puts a buffer back; the kernel sees it after [`publish`](Buffers::publish).
    pub(crate) fn give_back(&mut self, id: u16) {
        if id >= self.count {
            return;
        }
        let index = usize::from(self.tail & (self.count - 1));
        let (address, len) = (self.start(id).as_ptr() as u64, self.len as u32);
        // SAFETY: the index is below `count`, so the entry is within the descriptors' mapping, which is
        // aligned to a page (invariant 1). There are never more buffers given back than there are entries, so
        // the kernel does not read this one before the tail is published. The tail lives in the `resv` field,
        // which the setters do not touch.
        unsafe {
            let entry = &mut *self.descriptors.at.as_ptr().cast::<BufRingEntry>().add(index);
            entry.set_addr(address);
            entry.set_len(len);
            entry.set_bid(id);
        }
        self.tail = self.tail.wrapping_add(1);
    }

    /// Shows the kernel what was given back.
    pub(crate) fn publish(&mut self) {
        // SAFETY: the tail is a u16 inside the first entry, aligned, mapped as long as `self` lives
        // (invariant 1), and written by us only.
        let tail = unsafe {
            let field = BufRingEntry::tail(self.descriptors.at.as_ptr().cast());
            AtomicU16::from_ptr(field.cast_mut())
        };
        tail.store(self.tail, Ordering::Release);
    }

    /// The kernel has no request left that could write to a buffer: they may be unmapped.
    pub(crate) fn retire(&mut self) {
        self.retired = true;
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        if !self.retired {
            return;
        }
        for mapping in [&self.descriptors, &self.data] {
            // SAFETY: mapped by us, and nobody uses it any more: no slice outlives `self`, no request is left
            // (invariant 1).
            let _ = unsafe { munmap(mapping.at.as_ptr().cast(), mapping.bytes) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_gets_more_up_to_all() {
        let mut buffers = Buffers::new(128, 1024).unwrap();
        let mut known = Vec::new();
        for _ in 0..4 {
            known.push((buffers.known, buffers.tail));
            buffers.grow();
        }
        assert_eq!(known, [(32, 32), (64, 64), (128, 128), (128, 128)]);
        assert_eq!(Buffers::new(2, 64).unwrap().known, 2);
        buffers.retire();
    }
}
