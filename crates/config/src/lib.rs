//! The option table: configuration file, command line, CONFIG.
#![forbid(unsafe_code)]
