//! Commands on lists.
//!
//! Arguments, limits and replies are here; the two forms of a list are hidden by `place`, and built in [`value::list`].
//! Waiting for elements is not there yet: a blocking command that finds none answers at once, as at the end of its time-out.

mod bpop;
mod lindex;
mod linsert;
mod llen;
mod lmove;
mod lmpop;
mod lpos;
mod lrange;
mod lrem;
mod lset;
mod ltrim;
mod place;
mod pop;
#[cfg(test)]
mod propagation;
mod push;
#[cfg(test)]
mod tests;
pub(crate) mod timeout;

use engine::{Argument, ArgumentKind, Command, Ctx, Error, Reply};
use value::list::{End, LargeList, Limit, ListRef};
use value::packed::Element;

pub(crate) use place::of_texts;

/// The family's commands, sorted.
pub const COMMANDS: &[&Command] = &[
    &lmove::BLMOVE,
    &lmpop::BLMPOP,
    &bpop::BLPOP,
    &bpop::BRPOP,
    &lmove::BRPOPLPUSH,
    &lindex::LINDEX,
    &linsert::LINSERT,
    &llen::LLEN,
    &lmove::LMOVE,
    &lmpop::LMPOP,
    &pop::LPOP,
    &lpos::LPOS,
    &push::LPUSH,
    &push::LPUSHX,
    &lrange::LRANGE,
    &lrem::LREM,
    &lset::LSET,
    &ltrim::LTRIM,
    &pop::RPOP,
    &lmove::RPOPLPUSH,
    &push::RPUSH,
    &push::RPUSHX,
];

/// `LEFT | RIGHT`
const ENDS: &[Argument] = &[Argument::token("left", "LEFT"), Argument::token("right", "RIGHT")];

/// `LEFT | RIGHT`, as the argument `where`.
const WHERE: Argument = Argument::one_of("where", ENDS);

/// `[COUNT count]`
const COUNT: Argument = Argument::new("count", ArgumentKind::Integer).after("COUNT").optional();

/// What `list-max-listpack-size` means.
pub(crate) fn limit(ctx: &Ctx<'_>) -> Limit {
    Limit::new(i64::from(ctx.config.encoding.list_block_size))
}

/// `LEFT` or `RIGHT`.
fn end(arg: &[u8]) -> Result<End, Error> {
    if arg.eq_ignore_ascii_case(b"LEFT") {
        Ok(End::Head)
    } else if arg.eq_ignore_ascii_case(b"RIGHT") {
        Ok(End::Tail)
    } else {
        Err(Error::SYNTAX)
    }
}

/// The indexes from the first up to behind the last that `start` and `stop` name in a list of `len` elements; negative ones count from
/// the end, both are included. `None` if there are none.
fn span(start: i64, stop: i64, len: u64) -> Option<(u64, u64)> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let from_end = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
    let (start, stop) = (from_end(start).max(0), from_end(stop).min(len - 1));
    (start <= stop).then(|| (start as u64, stop as u64 + 1))
}

/// The index that an argument means in a list of `len` elements: negative ones count from the end.
fn index_in(index: i64, len: u64) -> Option<u64> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let index = if index < 0 { index.checked_add(len)? } else { index };
    u64::try_from(index).ok().filter(|&index| index < len as u64)
}

/// An element as a bulk string.
pub(crate) fn reply_element(reply: &mut Reply<'_>, element: Element) {
    match element {
        Element::Int(number) => reply.write().bulk_integer(number),
        Element::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// An array of `count` elements from the head or the tail on.
fn reply_from(reply: &mut Reply<'_>, list: ListRef<'_>, end: End, count: u64) {
    reply.write().array(count as usize);
    let show = |element: Element| reply_element(reply, element);
    match end {
        End::Head => list.for_each_from(0, count, show),
        End::Tail => list.for_each_back_from(list.len().saturating_sub(1), count, show),
    }
}

/// Lets go of a frozen list. If it was removed meanwhile, this is its last handle, which is left to the freeing thread.
fn let_go(ctx: &Ctx<'_>, frozen: LargeList) {
    ctx.data.keyspace().free_rest(value::large::Teardown::List(frozen.into_teardown()));
}
