//! Gate, stripes, lock sets, the hash-ordered index, expiry and the memory governor.
