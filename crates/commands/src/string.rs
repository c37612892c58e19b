//! Strings: bytes of up to `proto-max-bulk-len`, or an integer.

mod comparison;
mod deadline;
mod delex;
mod get;
mod get_change;
mod lcs;
mod mget;
mod mset;
mod numbers;
mod overwrite;
#[cfg(test)]
mod propagation;
mod range;
mod set;
mod set_forms;

pub use deadline::{DeadlineWord, Lifetime, MILLISECONDS, SECONDS, UNIX_MILLISECONDS, UNIX_SECONDS, Unit};
use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[
    &overwrite::APPEND,
    &numbers::DECR,
    &numbers::DECRBY,
    &delex::DELEX,
    &delex::DELIFEQ,
    &delex::DIGEST,
    &get::GET,
    &get_change::GETDEL,
    &get_change::GETEX,
    &range::GETRANGE,
    &get_change::GETSET,
    &numbers::INCR,
    &numbers::INCRBY,
    &numbers::INCRBYFLOAT,
    &lcs::LCS,
    &mget::MGET,
    &mset::MSET,
    &mset::MSETEX,
    &mset::MSETNX,
    &set_forms::PSETEX,
    &set::SET,
    &set_forms::SETEX,
    &set_forms::SETNX,
    &overwrite::SETRANGE,
    &range::STRLEN,
    &range::SUBSTR,
];
