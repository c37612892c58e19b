//! The only point-in-time mechanism: cut, cursor, pre-image, sink.
#![forbid(unsafe_code)]
