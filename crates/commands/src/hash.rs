//! Commands on hashes, and on the deadlines of their fields.
//!
//! What a hash is and when it becomes large is known to [`value::fields`]; here are the arguments, the conditions and the replies.
//! Where a hash lies, and that expired fields are nobody's business, is hidden by [`place`] for writes and [`live`] for reads.

mod all;
mod expire;
mod get;
mod getdel;
mod getex;
mod hdel;
mod increment;
pub(crate) mod live;
mod place;
mod random;
mod scan;
mod set;
mod setex;
#[cfg(test)]
mod tests;
mod ttl;
mod words;

use engine::{Argument, ArgumentKind, Command};

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[
    &hdel::HDEL,
    &get::HEXISTS,
    &expire::HEXPIRE,
    &expire::HEXPIREAT,
    &ttl::HEXPIRETIME,
    &get::HGET,
    &all::HGETALL,
    &getdel::HGETDEL,
    &getex::HGETEX,
    &increment::HINCRBY,
    &increment::HINCRBYFLOAT,
    &all::HKEYS,
    &get::HLEN,
    &get::HMGET,
    &set::HMSET,
    &ttl::HPERSIST,
    &expire::HPEXPIRE,
    &expire::HPEXPIREAT,
    &ttl::HPEXPIRETIME,
    &ttl::HPTTL,
    &random::HRANDFIELD,
    &scan::HSCAN,
    &set::HSET,
    &setex::HSETEX,
    &set::HSETNX,
    &get::HSTRLEN,
    &ttl::HTTL,
    &all::HVALS,
];

const FIELD: Argument = Argument::new("field", ArgumentKind::String);

/// `field value [field value ...]`
const PAIRS: Argument =
    Argument::block("data", &[FIELD, Argument::new("value", ArgumentKind::String)]).multiple();

/// `FIELDS numfields field [field ...]`
const FIELDS: Argument =
    Argument::block("fields", &[Argument::new("numfields", ArgumentKind::Integer), FIELD.multiple()])
        .after("FIELDS");
