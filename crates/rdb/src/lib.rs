//! The RDB codec, streaming both ways. Opens no file.
#![forbid(unsafe_code)]
