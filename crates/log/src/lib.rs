//! The one ordered stream of effects.
#![forbid(unsafe_code)]
