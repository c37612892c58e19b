//! Right-sized buffers of nodes: how much to allocate, and zeroed reference-counted slices of that size.
//!
//! A buffer is made as large as the size class that its content needs, header included, so that it grows by what would
//! have been wasted.
//! It allocates nothing itself but what [`zeroed`] returns.

use std::sync::Arc;

use crate::packed::size_class;

/// What an `Arc` puts before its content: two counts.
pub const ARC_HEADER: usize = 16;

/// Zeros to make buffers from: a copy of them costs less than to fill a buffer byte by byte.
static ZEROS: [u8; 5120] = [0; 5120];

/// The capacity of a reference-counted buffer for `bytes`: they and the counts fill a class.
pub fn capacity_for(bytes: usize) -> usize {
    size_class(bytes + ARC_HEADER) - ARC_HEADER
}

/// A buffer of `capacity` zero bytes.
pub fn zeroed(capacity: usize) -> Arc<[u8]> {
    match ZEROS.get(..capacity) {
        Some(zeros) => Arc::from(zeros),
        None => Arc::from(vec![0; capacity]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_and_its_counts_fill_a_class() {
        for (bytes, capacity) in [(0, 0), (1, 8), (2032, 2032), (2033, 2544), (4080, 4080), (4081, 5104)] {
            assert_eq!(capacity_for(bytes), capacity, "{bytes}");
        }
        assert_eq!(zeroed(6000).len(), 6000);
    }
}
