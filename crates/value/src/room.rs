//! Right-sized buffers of nodes: how much to allocate, and zeroed reference-counted slices of that size.
//!
//! The allocator has classes in steps of 8 bytes up to 128, and then four for each doubling. A buffer is made as large as the
//! class that its content needs, header included, so what it grows by is never less than what it would have wasted.
//! It allocates nothing itself but what [`zeroed`] returns.

use std::sync::Arc;

/// What an `Arc` puts before its content: two counts.
pub const ARC_HEADER: usize = 16;

/// Zeros to make buffers from: a copy of them costs less than to fill a buffer byte by byte.
static ZEROS: [u8; 5120] = [0; 5120];
static ZERO_WORDS: [u32; 1280] = [0; 1280];

/// The size of the allocation that the allocator makes for `bytes`.
pub fn class_of(bytes: usize) -> usize {
    if bytes <= 128 {
        return bytes.next_multiple_of(8).max(8);
    }
    let step = (bytes - 1).next_power_of_two() / 8;
    let step = if (bytes - 1).is_power_of_two() { (bytes - 1) / 4 } else { step };
    bytes.next_multiple_of(step)
}

/// The capacity of a reference-counted buffer for `bytes`: they and the counts fill a class.
pub fn capacity_for(bytes: usize) -> usize {
    class_of(bytes + ARC_HEADER) - ARC_HEADER
}

/// A buffer of `capacity` zero bytes.
pub fn zeroed(capacity: usize) -> Arc<[u8]> {
    match ZEROS.get(..capacity) {
        Some(zeros) => Arc::from(zeros),
        None => Arc::from(vec![0; capacity]),
    }
}

/// A buffer of `capacity` zero words.
pub fn zeroed_words(capacity: usize) -> Arc<[u32]> {
    match ZERO_WORDS.get(..capacity) {
        Some(zeros) => Arc::from(zeros),
        None => Arc::from(vec![0; capacity]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_the_allocator() {
        let classes = [
            (1, 8),
            (8, 8),
            (9, 16),
            (127, 128),
            (128, 128),
            (129, 160),
            (160, 160),
            (161, 192),
            (224, 224),
            (225, 256),
            (256, 256),
            (257, 320),
            (1025, 1280),
            (2048, 2048),
            (2049, 2560),
            (3600, 4096),
            (4096, 4096),
            (4097, 5120),
        ];
        for (bytes, class) in classes {
            assert_eq!(class_of(bytes), class, "{bytes}");
        }
        assert_eq!(capacity_for(2033), 2560 - 16);
        assert_eq!(zeroed(6000).len(), 6000);
    }
}
