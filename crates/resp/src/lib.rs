//! The Redis serialization protocol, RESP2 and RESP3: a parser and a writer over slices.
#![forbid(unsafe_code)]
