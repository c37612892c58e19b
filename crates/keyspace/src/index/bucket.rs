//! The buckets of a segment: cache lines of tagged pointers.
//!
//! Slots are written by whoever holds the table. They are atomic because others may look at the same time ([`super::glance`]), who take
//! nothing that they see for true before they hold the table themselves; so no access orders any other.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::alloc::IndexBlock;

/// Slots in a bucket.
pub(super) const BUCKET_SLOTS: usize = 8;

/// A pointer with its tag, or 0 for an empty slot. A pointer is never 0 in its low 48 bits.
pub(super) type Slot = u64;

const POINTER_BITS: u32 = 48;
const POINTER_MASK: u64 = (1 << POINTER_BITS) - 1;

/// The pointer part of a slot.
pub(super) fn pointer(slot: Slot) -> u64 {
    slot & POINTER_MASK
}

/// The tag part of a slot.
pub(super) fn tag_of(slot: Slot) -> u16 {
    (slot >> POINTER_BITS) as u16
}

/// A slot of its two parts.
pub(super) fn make_slot(tag: u16, pointer: u64) -> Slot {
    debug_assert!(pointer != 0 && pointer <= POINTER_MASK);
    u64::from(tag) << POINTER_BITS | pointer
}

/// Eight slots in one cache line.
#[repr(C, align(64))]
pub(super) struct Bucket([AtomicU64; BUCKET_SLOTS]);

const _: () = assert!(size_of::<Bucket>() == 64);

impl Bucket {
    #[inline]
    pub(super) fn get(&self, slot: usize) -> Slot {
        self.0[slot].load(Ordering::Relaxed)
    }

    /// For the holder of the table.
    #[inline]
    pub(super) fn set(&self, slot: usize, to: Slot) {
        self.0[slot].store(to, Ordering::Relaxed);
    }

    pub(super) fn all(&self) -> [Slot; BUCKET_SLOTS] {
        std::array::from_fn(|slot| self.get(slot))
    }

    /// Those that are not empty.
    pub(super) fn occupied(&self) -> impl Iterator<Item = Slot> + use<> {
        self.all().into_iter().filter(|&slot| slot != 0)
    }

    pub(super) fn room(&self) -> Option<usize> {
        self.all().iter().position(|&slot| slot == 0)
    }

    pub(super) fn is_full(&self) -> bool {
        self.room().is_none()
    }

    /// All slots, two in a vector.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn vectors(&self) -> [std::arch::x86_64::__m128i; 4] {
        let (a, b, c, d);
        // SAFETY: these are the 64 bytes of the bucket, aligned to as many. The instructions read each slot at once, as a relaxed load does, which
        // vectors can only be filled with where the compiler does not look.
        unsafe {
            std::arch::asm!(
                "movdqa {a}, [{at}]", "movdqa {b}, [{at} + 16]", "movdqa {c}, [{at} + 32]", "movdqa {d}, [{at} + 48]",
                at = in(reg) self.0.as_ptr(),
                a = out(xmm_reg) a, b = out(xmm_reg) b, c = out(xmm_reg) c, d = out(xmm_reg) d,
                options(nostack, preserves_flags, readonly),
            );
        }
        [a, b, c, d]
    }

    /// Which slots have this tag, a bit each, and whether one is empty. Without branches: a search takes the same path wherever its
    /// slot is, and mispredicting one costs more than comparing all eight.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    pub(super) fn probe(&self, tag: u16) -> (u32, bool) {
        use std::arch::x86_64::*;
        let [a, b, c, d] = self.vectors();
        // Of four slots: the tags, and which are empty.
        let four = |one, other| {
            // SAFETY: every x86-64 has SSE2.
            unsafe {
                let (one, other) = (_mm_castsi128_ps(one), _mm_castsi128_ps(other));
                let low = _mm_castps_si128(_mm_shuffle_ps::<0b10_00_10_00>(one, other));
                let high = _mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(one, other));
                // The tag keeps its sign, so that packing it into 16 bits changes nothing.
                (_mm_srai_epi32::<16>(high), _mm_cmpeq_epi32(_mm_or_si128(low, high), _mm_setzero_si128()))
            }
        };
        let ((tags, empty), (more_tags, more_empty)) = (four(a, b), four(c, d));
        // SAFETY: as above.
        let both = unsafe {
            let empty = _mm_packs_epi32(empty, more_empty);
            let same = _mm_cmpeq_epi16(_mm_packs_epi32(tags, more_tags), _mm_set1_epi16(tag as i16));
            _mm_movemask_epi8(_mm_packs_epi16(_mm_andnot_si128(empty, same), empty)) as u32
        };
        (both & 0xFF, both > 0xFF)
    }

    /// The same without vectors.
    #[cfg(any(test, not(target_arch = "x86_64")))]
    pub(super) fn probe_plainly(&self, tag: u16) -> (u32, bool) {
        let (mut hits, mut room) = (0, false);
        for (index, slot) in self.all().into_iter().enumerate() {
            hits |= u32::from(slot >> POINTER_BITS == u64::from(tag) && slot != 0) << index;
            room |= slot == 0;
        }
        (hits, room)
    }

    #[cfg(not(target_arch = "x86_64"))]
    #[inline]
    pub(super) fn probe(&self, tag: u16) -> (u32, bool) {
        self.probe_plainly(tag)
    }

    /// Calls `f` with the pointers of the slots with this tag. Returns the number of the slot if there is just one, and whether there is none and
    /// the bucket is full.
    #[inline]
    pub(super) fn candidates(&self, tag: u16, mut f: impl FnMut(u64)) -> (Option<u8>, bool) {
        let (mut hits, room) = self.probe(tag);
        let is_beyond = hits == 0 && !room;
        let only = hits.is_power_of_two().then(|| hits.trailing_zeros() as u8);
        while hits != 0 {
            f(pointer(self.get(hits.trailing_zeros() as usize)));
            hits &= hits - 1;
        }
        (only, is_beyond)
    }
}

/// The buckets of a segment, owned.
pub(super) struct Buckets(IndexBlock);

impl Buckets {
    pub(super) fn new(count: u16) -> Buckets {
        // Zeros are empty slots.
        Buckets(IndexBlock::new(usize::from(count) * size_of::<Bucket>()))
    }

    pub(super) fn first(&self) -> NonNull<Bucket> {
        self.0.first().cast()
    }

    pub(super) fn into_block(self) -> IndexBlock {
        self.0
    }
}

impl std::ops::Deref for Buckets {
    type Target = [Bucket];

    #[inline]
    fn deref(&self) -> &[Bucket] {
        let count = self.0.bytes() / size_of::<Bucket>();
        // SAFETY: the block is so many buckets, zeros to begin with, and lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.first().as_ptr(), count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With and without vectors: tags of all kinds, one of them that of an empty slot, and pointers with zeros on either side.
    #[test]
    fn a_bucket_is_probed_alike() {
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..20_000 {
            let tags = [0, 1, 0x7FFF, 0x8000, 0xFFFF, random.u16(..)];
            let pointers = [1 << 32, 8, 0xFFFF_FFFF_FFF8, 0xFFFF_0000_0000, random.u64(1..=POINTER_MASK)];
            let bucket = Bucket(std::array::from_fn(|_| {
                AtomicU64::new(match random.bool() || random.bool() {
                    true => {
                        make_slot(tags[random.usize(..tags.len())], pointers[random.usize(..pointers.len())])
                    }
                    false => 0,
                })
            }));
            for tag in tags {
                assert_eq!(bucket.probe(tag), bucket.probe_plainly(tag), "{:x?} {tag:x}", bucket.0);
            }
        }
    }
}
