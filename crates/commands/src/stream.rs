//! Commands on streams.
//!
//! | Module | Content |
//! |---|---|
//! | `place` | a stream at its key |
//! | `arguments`, `reply` | IDs, ranges and options; IDs and entries |
//! | `trim` | trimming, and what a replica is told of it |
//! | `x...` | the commands |

mod arguments;
mod place;
mod reply;
#[cfg(test)]
mod tests;
mod trim;
mod xadd;
mod xdel;
mod xinfo;
mod xinfo_stream;
mod xlen;
mod xrange;
mod xread;
mod xsetid;
mod xtrim;

use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[
    &xadd::XADD,
    &xdel::XDEL,
    &xinfo::XINFO,
    &xlen::XLEN,
    &xrange::XRANGE,
    &xread::XREAD,
    &xrange::XREVRANGE,
    &xsetid::XSETID,
    &xtrim::XTRIM,
];
