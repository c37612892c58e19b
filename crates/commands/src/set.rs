//! Commands on sets. Replies list members in no particular order, as in Redis.
//!
//! ```text
//!   place      a set in its entry: small, large, and the way from one to the other
//!   operands   the sets of SINTER, SUNION, SDIFF and their like, frozen, and what is computed of them
//!   sample     fair choice of several members
//!   members    a reply of members, in pieces
//! ```

mod contains;
mod members;
mod membership;
mod operands;
mod place;
mod sample;
mod sdiff;
mod sinter;
mod smembers;
mod smove;
mod spop;
mod srandmember;
mod sscan;
mod sunion;
#[cfg(test)]
mod tests;

use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[
    &membership::SADD,
    &contains::SCARD,
    &sdiff::SDIFF,
    &sdiff::SDIFFSTORE,
    &sinter::SINTER,
    &sinter::SINTERCARD,
    &sinter::SINTERSTORE,
    &contains::SISMEMBER,
    &smembers::SMEMBERS,
    &contains::SMISMEMBER,
    &smove::SMOVE,
    &spop::SPOP,
    &srandmember::SRANDMEMBER,
    &membership::SREM,
    &sscan::SSCAN,
    &sunion::SUNION,
    &sunion::SUNIONSTORE,
];
