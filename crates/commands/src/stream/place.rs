//! A stream at its key, for reading and changing. There is one form for streams of any size, and an empty one stays where it is, as in Redis.
//!
//! Knows no option and no reply.

use config::Config;
use engine::{Ctx, Data, Error};
use keyspace::{Entry, NewValue, Occupied, ValueType};
use value::large::{Large, LargeMut};
use value::stream::{IdempotenceLimits, NodeLimits, Stream};

/// When a node is full, as configured.
pub(super) fn limits(config: &Config) -> NodeLimits {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    NodeLimits {
        bytes_max: number(config.encoding.stream_block_bytes_max),
        entries_max: number(config.encoding.stream_block_entries_max),
    }
}

/// What streams start with that learn their first name of an entry, as configured.
pub(super) fn idempotence_limits(config: &Config) -> IdempotenceLimits {
    IdempotenceLimits {
        duration_s: config.encoding.stream_name_seconds,
        names_max: config.encoding.stream_names_max,
    }
}

/// A stream that is there, about to be changed.
pub(super) struct Place<'d>(Occupied<'d>);

/// The stream at `key`, if there is one, about to be changed.
pub(super) fn existing<'d>(data: &'d mut Data<'_>, key: &'d [u8]) -> Result<Option<Place<'d>>, Error> {
    Ok(match data.write_as(key, ValueType::Stream)? {
        Entry::Occupied(entry) => Some(Place(entry)),
        Entry::Vacant(_) => None,
    })
}

/// The stream at `key`, made if there is none.
pub(super) fn open<'d>(data: &'d mut Data<'_>, key: &'d [u8]) -> Result<Place<'d>, Error> {
    let fresh = data.clock.fresh();
    Ok(Place(match data.write_as(key, ValueType::Stream)? {
        Entry::Occupied(entry) => entry,
        Entry::Vacant(vacant) => vacant.insert(NewValue::Large(Large::Stream(Box::default())), None, fresh),
    }))
}

impl Place<'_> {
    /// Changes it. Whoever changed something counts it in [`Data::dirty`] and sets what a replica is told.
    pub(super) fn edit<R>(&mut self, change: impl FnOnce(&mut Stream) -> R) -> Result<R, Error> {
        let changed = self.0.large_mut(|large| match large {
            LargeMut::Stream(stream) => Some(change(stream)),
            _ => None,
        });
        // Whoever made this has refused other types.
        changed.flatten().ok_or(Error::WRONG_TYPE)
    }
}

/// Lets go of a frozen stream. If its key was removed meanwhile, this is its last handle, which is left to the freeing thread.
pub(super) fn let_go(ctx: &Ctx<'_>, frozen: Stream) {
    if let Some(rest) = Large::Stream(Box::new(frozen)).into_teardown() {
        ctx.data.keyspace().free_rest(rest);
    }
}
