//! Commands on sorted sets.
//!
//! | Module | Content |
//! |---|---|
//! | `place` | a sorted set being changed: small, large, and the thresholds between; results on their way to a key |
//! | `interval` | ranges of ranks, scores and texts |
//! | `reply` | how scores and members are written |
//! | `combine` | unions, intersections, differences |

mod combine;
mod count;
pub(crate) mod interval;
mod lookup;
mod mpop;
mod operations;
pub(crate) mod place;
mod pop;
mod random;
mod range;
mod range_forms;
mod rank;
mod remove_range;
pub(crate) mod reply;
mod scan;
mod store;
#[cfg(test)]
mod tests;
pub(crate) mod zadd;
mod zrem;

use engine::Command;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[
    &mpop::BZMPOP,
    &pop::BZPOPMAX,
    &pop::BZPOPMIN,
    &zadd::ZADD,
    &lookup::ZCARD,
    &count::ZCOUNT,
    &operations::ZDIFF,
    &store::ZDIFFSTORE,
    &zadd::ZINCRBY,
    &operations::ZINTER,
    &operations::ZINTERCARD,
    &store::ZINTERSTORE,
    &count::ZLEXCOUNT,
    &mpop::ZMPOP,
    &lookup::ZMSCORE,
    &pop::ZPOPMAX,
    &pop::ZPOPMIN,
    &random::ZRANDMEMBER,
    &range::ZRANGE,
    &range_forms::ZRANGEBYLEX,
    &range_forms::ZRANGEBYSCORE,
    &range::ZRANGESTORE,
    &rank::ZRANK,
    &zrem::ZREM,
    &remove_range::ZREMRANGEBYLEX,
    &remove_range::ZREMRANGEBYRANK,
    &remove_range::ZREMRANGEBYSCORE,
    &range_forms::ZREVRANGE,
    &range_forms::ZREVRANGEBYLEX,
    &range_forms::ZREVRANGEBYSCORE,
    &rank::ZREVRANK,
    &scan::ZSCAN,
    &lookup::ZSCORE,
    &operations::ZUNION,
    &store::ZUNIONSTORE,
];
