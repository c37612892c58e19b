//! Memory from jemalloc: the process's global allocator, entry blocks in steps of 8 bytes, and the allocator's own figures.
//!
//! Does not decide when memory is given back or what is evicted; that is the governor's work.
//!
//! jemalloc is built with a quantum of 8 bytes (`.cargo/config.toml`), so that an entry of 40 bytes occupies 40 and not 48.
//! A Rust layout that asks for more than 8-byte alignment therefore names its alignment in every call.
//!
//! Invariants
//! - A1: a block is given back with the size class it was allocated with ([`size_class`] of the same byte count).
//! - A2: size classes computed here are jemalloc's for quantum 8 (checked against `nallocx` in the tests).

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{CStr, c_int, c_void};
use std::ptr::NonNull;
use std::sync::OnceLock;

use tikv_jemalloc_sys as ffi;

use crate::purge::pause_in;

/// jemalloc as the process's allocator: `#[global_allocator] static ALLOCATOR: keyspace::Allocator = keyspace::Allocator;`.
pub struct Allocator;

/// Blocks from this size on have an arena of their own.
///
/// Buffers come and go; between slabs of small blocks they would leave holes, and memory with holes is not joined into huge pages (`huge.rs`).
const LARGE: usize = 16 << 10;

fn flags(layout: &Layout, size: usize) -> c_int {
    // Every size class of quantum 8 is aligned to at least 8.
    let align = if layout.align() <= 8 { 0 } else { layout.align().trailing_zeros() as c_int };
    if size < LARGE { align } else { align | arena_flags(&LARGE_ARENA) }
}

// SAFETY: each method forwards to jemalloc's extended interface with the layout's size and, above 8 bytes, its alignment;
// jemalloc returns null or a block of at least that size and alignment (A1 holds as Rust passes the same layout back).
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises a layout of non-zero size.
        unsafe { ffi::mallocx(layout.size(), flags(&layout, layout.size())).cast() }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises a layout of non-zero size.
        unsafe { ffi::mallocx(layout.size(), flags(&layout, layout.size()) | ffi::MALLOCX_ZERO).cast() }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that `block` came from this allocator with this layout (A1).
        unsafe { ffi::sdallocx(block.cast(), layout.size(), flags(&layout, layout.size())) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as for `dealloc`, and the caller promises a non-zero new size.
        unsafe { ffi::rallocx(block.cast(), new_size, flags(&layout, new_size)).cast() }
    }
}

/// The bytes that an entry block of `size` bytes really occupies: jemalloc's size class for quantum 8.
///
/// Steps of 8 up to 64, then four steps to each doubling, whole pages above 16 KiB.
pub fn size_class(size: usize) -> usize {
    if size <= 64 {
        return (size.max(8) + 7) & !7;
    }
    if size > 16 << 10 {
        return (size + 4095) & !4095;
    }
    let step = 1usize << (usize::BITS - 1 - (size - 1).leading_zeros()).saturating_sub(2);
    (size + step - 1) & !(step - 1)
}

/// Allocates a block for an entry. `size` is a value of [`size_class`]. Aborts the process when the system has no memory,
/// as Rust's own collections do.
pub(crate) fn entry_block(size: usize) -> NonNull<u8> {
    debug_assert_eq!(size, size_class(size));
    // SAFETY: `size` is at least 8.
    let block: *mut u8 = unsafe { ffi::mallocx(size, 0).cast() };
    allocated(block, size, 8)
}

/// What the allocator has answered; the end of the process when that is nothing.
fn allocated(block: *mut u8, size: usize, align: usize) -> NonNull<u8> {
    NonNull::new(block).unwrap_or_else(|| {
        std::alloc::handle_alloc_error(Layout::from_size_align(size, align).unwrap_or(Layout::new::<u64>()))
    })
}

/// Gives an entry's block back.
///
/// # Safety
/// `block` came from [`entry_block`] with the same `size` (A1) and is not used again.
pub(crate) unsafe fn free_entry_block(block: NonNull<u8>, size: usize) {
    // SAFETY: by this function's contract.
    unsafe { ffi::sdallocx(block.as_ptr().cast(), size, 0) }
}

/// A block of an index, owned: cache lines of zeros to begin with. Aborts the process when the system has no memory.
///
/// Indexes have an arena of their own: what a growing index leaves behind would be holes between entries, and memory with holes is not
/// joined into huge pages (`huge.rs`). No thread caches these blocks, of which there is one for hundreds of keys.
///
/// Not a `Box`: others have its address too.
pub(crate) struct IndexBlock {
    first: NonNull<u8>,
    bytes: usize,
}

// SAFETY: owned plain memory; whoever reaches it holds the table (E2), or looks at it as `index/glance.rs` says.
unsafe impl Send for IndexBlock {}
// SAFETY: a shared reference gives only the address and the length.
unsafe impl Sync for IndexBlock {}

impl IndexBlock {
    /// A block of so many bytes, or none for 0.
    pub(crate) fn new(bytes: usize) -> IndexBlock {
        if bytes == 0 {
            return IndexBlock { first: NonNull::<IndexLine>::dangling().cast(), bytes };
        }
        // SAFETY: `bytes` is not 0, and the arena exists (`arena_flags`).
        let block: *mut u8 =
            unsafe { ffi::mallocx(bytes, arena_flags(&INDEX_ARENA) | LINE | ffi::MALLOCX_ZERO).cast() };
        IndexBlock { first: allocated(block, bytes, 64), bytes }
    }

    /// Where it begins, aligned to a cache line.
    #[inline]
    pub(crate) fn first(&self) -> NonNull<u8> {
        self.first
    }

    /// How long it is.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// What an index's blocks are made of.
#[repr(align(64))]
struct IndexLine;

impl Drop for IndexBlock {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        #[cfg(feature = "shuttle")]
        {
            // A model that still looks at it meets what no index has, and nobody gets it again.
            // SAFETY: owned, and so long.
            unsafe { self.first.as_ptr().write_bytes(GIVEN_BACK, self.bytes) };
        }
        #[cfg(not(feature = "shuttle"))]
        // SAFETY: `new` asked for this block; it is given back once, and says itself which arena it is from.
        unsafe {
            ffi::sdallocx(self.first.as_ptr().cast(), self.bytes, LINE | ffi::MALLOCX_TCACHE_NONE)
        }
    }
}

/// What a block that was given back is full of in models.
#[cfg(feature = "shuttle")]
pub(crate) const GIVEN_BACK: u8 = 0xDB;

/// Aligned to a cache line.
const LINE: c_int = ffi::MALLOCX_ALIGN(64);

static INDEX_ARENA: OnceLock<c_int> = OnceLock::new();
static LARGE_ARENA: OnceLock<c_int> = OnceLock::new();

/// The flags that choose an arena; made when they are asked for first.
fn arena_flags(arena: &OnceLock<c_int>) -> c_int {
    *arena.get_or_init(|| {
        // Without an arena of their own the blocks lie among others, and all else is the same.
        let number = read_ctl::<std::ffi::c_uint>(c"arenas.create");
        let flag = number.map_or(0, |number| {
            pause_in(number);
            ffi::MALLOCX_ARENA(number as usize)
        });
        flag | ffi::MALLOCX_TCACHE_NONE
    })
}

/// The allocator's figures, in bytes (jemalloc's `stats.*`).
#[derive(Clone, Copy, Debug, Default)]
pub struct AllocatorStats {
    /// Handed out to the program.
    pub allocated: u64,
    /// In pages that hold at least one block.
    pub active: u64,
    /// Physically resident, as far as jemalloc knows.
    pub resident: u64,
    /// jemalloc's own book-keeping.
    pub metadata: u64,
    /// Address space kept mapped but given back to the system.
    pub retained: u64,
    /// Mapped and in use by extents.
    pub mapped: u64,
}

/// Reads the allocator's figures, brought up to date first. Takes some microseconds.
pub fn stats() -> AllocatorStats {
    let mut epoch: u64 = 1;
    write_ctl(c"epoch", &mut epoch);
    let read = |name| read_ctl::<usize>(name).unwrap_or(0) as u64;
    AllocatorStats {
        allocated: read(c"stats.allocated"),
        active: read(c"stats.active"),
        resident: read(c"stats.resident"),
        metadata: read(c"stats.metadata"),
        retained: read(c"stats.retained"),
        mapped: read(c"stats.mapped"),
    }
}

/// The allocator's name and version as INFO shows it.
pub fn version() -> String {
    let version = read_ctl::<*const std::ffi::c_char>(c"version").filter(|v| !v.is_null());
    // SAFETY: jemalloc's `version` is a pointer to a constant, terminated string.
    let text =
        version.map(|v| unsafe { CStr::from_ptr(v) }.to_string_lossy().into_owned()).unwrap_or_default();
    format!("jemalloc-{}", text.split('-').next().unwrap_or(""))
}

/// The allocator's long report (MEMORY MALLOC-STATS).
pub fn report() -> String {
    unsafe extern "C" fn take(into: *mut c_void, text: *const std::ffi::c_char) {
        // SAFETY: `into` is the String that `report` passes below, alive and unaliased for the call; `text` is terminated.
        let (into, text) = unsafe { (&mut *into.cast::<String>(), CStr::from_ptr(text)) };
        into.push_str(&text.to_string_lossy());
    }
    let mut text = String::new();
    // SAFETY: jemalloc calls `take` with `text`'s address during this call only.
    unsafe { ffi::malloc_stats_print(Some(take), (&raw mut text).cast(), std::ptr::null()) };
    text
}

pub(crate) fn read_ctl<T: Copy>(name: &CStr) -> Option<T> {
    let mut value = std::mem::MaybeUninit::<T>::uninit();
    let mut len = size_of::<T>();
    // SAFETY: `value` has room for `len` bytes; jemalloc fills them or fails.
    let rc =
        unsafe { ffi::mallctl(name.as_ptr(), value.as_mut_ptr().cast(), &mut len, std::ptr::null_mut(), 0) };
    // SAFETY: on success all `len` bytes were written, and the controls read here are integers and pointers.
    (rc == 0 && len == size_of::<T>()).then(|| unsafe { value.assume_init() })
}

pub(crate) fn write_ctl<T: Copy>(name: &CStr, value: &mut T) -> bool {
    // SAFETY: `value` is `size_of::<T>()` readable bytes, which is what the control expects or refuses.
    let rc = unsafe {
        ffi::mallctl(
            name.as_ptr(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::from_mut(value).cast(),
            size_of::<T>(),
        )
    };
    rc == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_are_jemallocs() {
        for size in (1..100_000).chain([999_999, 5_000_001, 512 << 20]) {
            // SAFETY: nallocx only computes.
            let real = unsafe { ffi::nallocx(size, 0) };
            assert_eq!(size_class(size), real, "size {size}");
        }
    }

    #[test]
    fn blocks_of_an_index_are_zeroed_lines() {
        for size in [64, 320, 8192, 64] {
            let block = IndexBlock::new(size);
            assert_eq!(block.bytes(), size);
            // SAFETY: a block of `size` bytes that nobody else knows.
            let bytes = unsafe { std::slice::from_raw_parts_mut(block.first().as_ptr(), size) };
            assert!(
                block.first().addr().get().is_multiple_of(64) && bytes.iter().all(|&byte| byte == 0),
                "{size}"
            );
            bytes.fill(1);
        }
        assert!(IndexBlock::new(0).first().addr().get().is_multiple_of(64));
    }

    #[test]
    fn figures_move_with_allocations() {
        let before = stats();
        let blocks: Vec<_> = (0..1000).map(|_| entry_block(65536)).collect();
        let after = stats();
        assert!(after.allocated >= before.allocated + 900 * 65536, "{before:?} {after:?}");
        // SAFETY: each block came from entry_block(65536) and is dropped here.
        blocks.into_iter().for_each(|b| unsafe { free_entry_block(b, 65536) });
        assert!(version().starts_with("jemalloc-5"));
        assert!(report().contains("Allocated"));
    }
}
