//! Commands on streams.
//!
//! | Module | Content |
//! |---|---|
//! | `place` | a stream at its key |
//! | `arguments`, `reply` | IDs, ranges and options; IDs and entries |
//! | `claim` | a consumer group at its key, and what a replica is told of it |
//! | `idempotence` | the producer of an entry, and what that calls it |
//! | `trim` | trimming, and what a replica is told of it |
//! | `x...` | the commands |

mod arguments;
mod claim;
mod idempotence;
mod place;
mod reply;
#[cfg(test)]
mod tests;
mod trim;
mod xack;
mod xadd;
mod xautoclaim;
mod xcfgset;
mod xclaim;
mod xdel;
mod xdelex;
mod xgroup;
mod xinfo;
mod xinfo_groups;
mod xinfo_stream;
mod xlen;
mod xpending;
mod xrange;
mod xread;
mod xreadgroup;
mod xsetid;
mod xtrim;

use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[
    &xack::XACK,
    &xdelex::XACKDEL,
    &xadd::XADD,
    &xautoclaim::XAUTOCLAIM,
    &xcfgset::XCFGSET,
    &xclaim::XCLAIM,
    &xdel::XDEL,
    &xdelex::XDELEX,
    &xgroup::XGROUP,
    &xinfo::XINFO,
    &xlen::XLEN,
    &xpending::XPENDING,
    &xrange::XRANGE,
    &xread::XREAD,
    &xreadgroup::XREADGROUP,
    &xrange::XREVRANGE,
    &xsetid::XSETID,
    &xtrim::XTRIM,
];
