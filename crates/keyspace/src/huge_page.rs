//! Buffers that lie in one piece of physical memory, for input and output past the page cache.
//!
//! A disk's driver describes a buffer piece by piece. One of 1 MiB in pages of 4 KiB takes 256 pieces, each of which a virtual machine's host
//! looks up by itself, on the processors that it lends the machine: writing 130 MB/s from such buffers took 15 to 17 % of both
//! processors away from everybody, from a huge page 3 %, and waiting for the disk went from 42 to 8 % of the time (Linux 6.18, virtio).
//!
//! ```text
//!   page():       | ............ 2 MiB, one huge page ............ |
//!   split_off():  | a part | another, at the address where it ended |      unmapped with the last of them
//! ```
//! Does no I/O itself. Not from the allocator: what is joined there stays joined, and memory that was given back would be resident again.
//!
//! Invariants
//! - P1: the parts of a page do not overlap, and each has one owner.
//! - P2: a page is mapped as long as one of its parts lives.
//!
//! Faults: where the kernel has no huge page, or is told to hand none out, the memory is as any other.
//! Bounds: 2 MiB a page, resident at once where it is huge.

use std::io;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::huge;

/// Bytes of a huge page.
pub const HUGE_PAGE_BYTES: usize = 2 << 20;

/// Bytes of a line of the processor's caches.
const LINE_BYTES: usize = 64;

/// A mapping, given back when it is dropped.
struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping is an address range; who may touch which bytes of it is P1's.
unsafe impl Send for Mapping {}
// SAFETY: nothing can be done through a shared reference to it.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(len: usize) -> io::Result<Mapping> {
        let (prot, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping where the kernel likes touches no memory that is in use.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), len, prot, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(start.cast())
            .map(|start| Mapping { start, len })
            .ok_or(io::ErrorKind::OutOfMemory.into())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `new`, and no part of it lives (P2).
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// A part of a huge page, which it has to itself. Zero at first.
pub struct HugePagePart {
    start: NonNull<u8>,
    len: usize,
    mapping: Arc<Mapping>,
}

// SAFETY: it is the only owner of its bytes (P1).
unsafe impl Send for HugePagePart {}
// SAFETY: through a shared reference the bytes are only read.
unsafe impl Sync for HugePagePart {}

impl HugePagePart {
    /// A whole page of [`HUGE_PAGE_BYTES`], at a multiple of its size. Fails when there is no memory.
    pub fn page() -> io::Result<HugePagePart> {
        // Room to choose the address: what lies around the page is never touched.
        let mapping = Arc::new(Mapping::new(2 * HUGE_PAGE_BYTES)?);
        let before =
            mapping.start.addr().get().next_multiple_of(HUGE_PAGE_BYTES) - mapping.start.addr().get();
        // SAFETY: less than a page before the start leaves a whole one behind.
        let start = unsafe { mapping.start.add(before) };
        // SAFETY: the range is ours; the advice changes neither content nor addresses (madvise(2)).
        unsafe { libc::madvise(start.as_ptr().cast(), HUGE_PAGE_BYTES, libc::MADV_HUGEPAGE) };
        // The first touch brings the whole page, if it is to come at once.
        // SAFETY: within the mapping, which nobody else knows yet.
        unsafe { start.write_volatile(0) };
        // Where it brought a small one instead; without a huge page the memory is as any other.
        let _ = huge::join(start.addr().get());
        Ok(HugePagePart { start, len: HUGE_PAGE_BYTES, mapping })
    }

    /// Keeps the first `at` bytes and returns the others. Panics if there are fewer.
    pub fn split_off(&mut self, at: usize) -> HugePagePart {
        let len = self.len.checked_sub(at).expect("a part is divided within itself");
        self.len = at;
        // SAFETY: `at` is at most the old length, so the address is in the mapping or its end. P1: the bytes from there on leave `self`.
        let start = unsafe { self.start.add(at) };
        HugePagePart { start, len, mapping: Arc::clone(&self.mapping) }
    }

    /// Copies `bytes` to `at`, past the processor's caches where it can do that: for what a device will read, and no processor. Panics if they do not
    /// fit.
    pub fn write_past_caches(&mut self, at: usize, bytes: &[u8]) {
        let to = &mut self[at..at + bytes.len()];
        let head = to.as_ptr().align_offset(LINE_BYTES).min(to.len());
        let (to_head, to) = to.split_at_mut(head);
        let (head, bytes) = bytes.split_at(head);
        let (to_lines, to_tail) = to.as_chunks_mut();
        let (lines, tail) = bytes.as_chunks();
        to_head.copy_from_slice(head);
        copy_lines(to_lines, lines);
        to_tail.copy_from_slice(tail);
    }
}

/// Copies whole lines, to addresses at multiples of [`LINE_BYTES`].
#[cfg(target_arch = "x86_64")]
fn copy_lines(to: &mut [[u8; LINE_BYTES]], from: &[[u8; LINE_BYTES]]) {
    use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_sfence, _mm_stream_si128};
    assert_eq!(to.len(), from.len());
    assert!(to.is_empty() || to.as_ptr().addr().is_multiple_of(LINE_BYTES));
    for (to, from) in to.iter_mut().zip(from) {
        let (to, from) = (to.as_mut_ptr().cast::<__m128i>(), from.as_ptr().cast::<__m128i>());
        for word in 0..LINE_BYTES / size_of::<__m128i>() {
            // SAFETY: SSE2 is part of x86-64. `word` is within both lines; loads may be anywhere, and stores are at a multiple of 16 bytes, since lines
            // are at one of 64, asserted above. The line is ours to write (P1).
            unsafe { _mm_stream_si128(to.add(word), _mm_loadu_si128(from.add(word))) };
        }
    }
    // Such stores may become visible after later ones, to another thread or the kernel.
    // SAFETY: SSE is part of x86-64.
    unsafe { _mm_sfence() };
}

#[cfg(not(target_arch = "x86_64"))]
fn copy_lines(to: &mut [[u8; LINE_BYTES]], from: &[[u8; LINE_BYTES]]) {
    to.copy_from_slice(from);
}

impl Deref for HugePagePart {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: mapped (P2), initialised by the kernel, and only written through `deref_mut` (P1).
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl DerefMut for HugePagePart {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: mapped (P2), initialised by the kernel, and nobody else has these bytes (P1).
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a mapping contains the address, and how many of its bytes are in huge pages (proc_pid_smaps(5)).
    fn huge_bytes(address: usize) -> Option<usize> {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        for line in smaps.lines() {
            let first = line.split(' ').next().unwrap();
            if let Some((start, end)) = first.split_once('-') {
                let [start, end] = [start, end].map(|text| usize::from_str_radix(text, 16).unwrap());
                inside = (start..end).contains(&address);
            } else if inside && first == "AnonHugePages:" {
                let kib: usize = line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap();
                return Some(kib << 10);
            }
        }
        None
    }

    #[test]
    fn a_page_is_in_one_piece_where_the_kernel_has_one() {
        let page = HugePagePart::page().unwrap();
        let address = page.as_ptr().addr();
        assert_eq!((page.len(), address % HUGE_PAGE_BYTES), (HUGE_PAGE_BYTES, 0));
        assert!(page.iter().all(|byte| *byte == 0));
        let enabled =
            std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
        if enabled.contains("[madvise]") || enabled.contains("[always]") {
            assert_eq!(huge_bytes(address), Some(HUGE_PAGE_BYTES));
        }
    }

    #[test]
    fn where_only_advice_counts_it_is_advised() {
        if !huge::only_where_advised() {
            println!("not here: Linux before 6.18");
            return;
        }
        a_page_is_in_one_piece_where_the_kernel_has_one();
        let mut plain = vec![0u8; 4 * HUGE_PAGE_BYTES];
        plain.fill(1);
        let inside = plain.as_ptr().addr() + 2 * HUGE_PAGE_BYTES;
        assert_eq!(huge_bytes(inside), Some(0), "whatever the system's setting");
    }

    #[test]
    fn parts_do_not_overlap_and_outlive_each_other() {
        let mut parts = vec![HugePagePart::page().unwrap()];
        for at in [4096, 100, 1 << 20, 0] {
            let rest = parts.last_mut().unwrap().split_off(at);
            parts.push(rest);
        }
        assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), HUGE_PAGE_BYTES);
        for (byte, part) in (1..).zip(&mut parts) {
            part.fill(byte);
        }
        let address = parts[0].as_ptr().addr();
        while let Some(part) = parts.pop() {
            assert!(part.iter().all(|byte| usize::from(*byte) == parts.len() + 1));
            assert!(huge_bytes(address).is_some(), "mapped");
        }
    }

    #[test]
    fn what_is_written_past_caches_is_there_and_nothing_else_is_touched() {
        let mut page = HugePagePart::page().unwrap();
        let bytes: Vec<u8> = (1..=255).cycle().take(1000).collect();
        for at in (0..130).chain([HUGE_PAGE_BYTES - 1000]) {
            for len in (0..200).chain([999, 1000]) {
                page.write_past_caches(at, &bytes[..len]);
                assert_eq!(page[at..at + len], bytes[..len], "{len} at {at}");
                page[at..at + len].fill(0);
                assert!(page[..1500].iter().all(|byte| *byte == 0), "{len} at {at}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn nothing_is_written_outside() {
        let mut page = HugePagePart::page().unwrap();
        page.write_past_caches(HUGE_PAGE_BYTES - 10, &[1; 11]);
    }

    #[test]
    fn with_the_last_part_the_memory_is_given_back() {
        let resident = || {
            let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
            statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
        };
        let before = resident();
        for _ in 0..200 {
            let mut page = HugePagePart::page().unwrap();
            let rest = page.split_off(HUGE_PAGE_BYTES / 2);
            drop(page);
            drop(rest);
        }
        assert!(resident() < before + 100 * HUGE_PAGE_BYTES);
    }

    #[test]
    #[should_panic(expected = "divided within itself")]
    fn a_part_is_not_divided_outside_itself() {
        let mut page = HugePagePart::page().unwrap();
        let _ = page.split_off(HUGE_PAGE_BYTES + 1);
    }
}
