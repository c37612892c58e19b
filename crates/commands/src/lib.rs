//! The commands, one module per family.
#![forbid(unsafe_code)]
