//! The buckets of a segment: cache lines of tagged pointers.

use std::ptr::NonNull;

use crate::alloc;

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
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Bucket(pub(super) [Slot; BUCKET_SLOTS]);

const _: () = assert!(size_of::<Bucket>() == 64);

impl Bucket {
    pub(super) fn room(&self) -> Option<usize> {
        self.0.iter().position(|&slot| slot == 0)
    }

    pub(super) fn is_full(&self) -> bool {
        self.room().is_none()
    }

    /// Which slots have this tag, a bit each, and whether one is empty. Without branches: a search takes the same path wherever its
    /// slot is, and mispredicting one costs more than comparing all eight.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    pub(super) fn probe(&self, tag: u16) -> (u32, bool) {
        use std::arch::x86_64::*;
        // SAFETY: every x86-64 has SSE2; the four loads are the bucket, which is aligned to 64 bytes.
        let both = unsafe {
            let slots = self.0.as_ptr().cast::<__m128i>();
            // Of four slots: the tags, and which are empty.
            let four = |at: usize| {
                let one = _mm_castsi128_ps(_mm_load_si128(slots.add(at)));
                let other = _mm_castsi128_ps(_mm_load_si128(slots.add(at + 1)));
                let low = _mm_castps_si128(_mm_shuffle_ps::<0b10_00_10_00>(one, other));
                let high = _mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(one, other));
                // The tag keeps its sign, so that packing it into 16 bits changes nothing.
                (_mm_srai_epi32::<16>(high), _mm_cmpeq_epi32(_mm_or_si128(low, high), _mm_setzero_si128()))
            };
            let ((tags, empty), (more_tags, more_empty)) = (four(0), four(2));
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
        for (index, &slot) in self.0.iter().enumerate() {
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
            f(pointer(self.0[hits.trailing_zeros() as usize]));
            hits &= hits - 1;
        }
        (only, is_beyond)
    }
}

/// The buckets of a segment, owned. Not a `Box`, whose uniqueness the sectors' pointers would break.
pub(super) struct Buckets {
    pub(super) first: NonNull<Bucket>,
    count: u16,
}

// SAFETY: owned plain memory; whoever reaches it holds the table (E2).
unsafe impl Send for Buckets {}

impl Buckets {
    pub(super) fn new(count: u16) -> Buckets {
        if count == 0 {
            return Buckets { first: NonNull::dangling(), count };
        }
        // Zeros are empty slots.
        let first = alloc::index_block(usize::from(count) * size_of::<Bucket>());
        Buckets { first: first.cast(), count }
    }
}

impl std::ops::Deref for Buckets {
    type Target = [Bucket];

    #[inline]
    fn deref(&self) -> &[Bucket] {
        // SAFETY: `new` made `count` empty buckets at `first`, which only `drop` gives back.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.count as usize) }
    }
}

impl std::ops::DerefMut for Buckets {
    #[inline]
    fn deref_mut(&mut self) -> &mut [Bucket] {
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.first.as_ptr(), self.count as usize) }
    }
}

impl Drop for Buckets {
    fn drop(&mut self) {
        if self.count > 0 {
            let bytes = usize::from(self.count) * size_of::<Bucket>();
            // SAFETY: this is the block that `new` asked for, given back once.
            unsafe { alloc::free_index_block(self.first.cast(), bytes) };
        }
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
            let bucket = Bucket(std::array::from_fn(|_| match random.bool() || random.bool() {
                true => make_slot(tags[random.usize(..tags.len())], pointers[random.usize(..pointers.len())]),
                false => 0,
            }));
            for tag in tags {
                assert_eq!(bucket.probe(tag), bucket.probe_plainly(tag), "{:x?} {tag:x}", bucket.0);
            }
        }
    }
}
