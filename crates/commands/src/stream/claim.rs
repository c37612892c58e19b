//! A consumer group at its key, and what a replica is told of entries that change hands in it.
//!
//! Replicas learn of what is pending by XCLAIM alone, one for each entry, which names time and number of deliveries; so they have the same
//! whatever their clocks say. An entry that is gone is claimed too: finding it gone, they forget it.

use engine::{Ctx, Error};
use value::stream::{Group, Pending, Stream, StreamId};

/// Pending entries from which on a list of them is written from a frozen stream, without locks.
pub(super) const LONG_FROM: u64 = 1000;

/// No such key, or no such group of the stream there.
pub(super) fn no_group(key: &[u8], group: &[u8], behind: &str) -> Error {
    let before = Error::naming("NOGROUP No such key '", key, "' or consumer group '");
    let group = Error::naming("", group, &format!("'{behind}"));
    Error::new([before.text(), group.text()].concat())
}

/// No such group of a stream that is there.
pub(super) fn no_group_of_key(key: &[u8], group: &[u8]) -> Error {
    let before = Error::naming("NOGROUP No such consumer group '", group, "' for key name '");
    let key = Error::naming("", key, "'");
    Error::new([before.text(), key.text()].concat())
}

/// The stream with a group, and the group, to read.
pub(super) fn find<'d>(
    ctx: &'d mut Ctx<'_>,
    key: &'d [u8],
    group: &[u8],
    behind: &str,
) -> Result<(&'d Stream, &'d Group), Error> {
    let stream = ctx.data.read_stream(key)?;
    let found = stream.and_then(|stream| Some((stream, stream.group(group)?)));
    found.ok_or_else(|| no_group(key, group, behind))
}

/// Notes that a consumer asks for something; it is made if it is not there. Returns its number, and whether it was made.
pub(super) fn consumer(group: &mut Group, name: &[u8], now_ms: i64) -> Result<(u32, bool), Error> {
    if let Some(number) = group.consumer_named(name).map(value::stream::Consumer::number) {
        group.touch_consumer(number, now_ms, None);
        return Ok((number, false));
    }
    match group.create_consumer(name, now_ms) {
        Some(number) => Ok((number, true)),
        None => Err(Error::fixed("ERR the group has as many consumers as possible")),
    }
}

/// How long ago something was delivered.
pub(super) fn idle_ms(pending: &Pending, now_ms: i64) -> i64 {
    now_ms.saturating_sub(pending.delivered_at_ms as i64)
}

/// An entry that changed hands.
pub(super) struct Claim<'a> {
    /// What is known of it now.
    pub pending: Pending,
    /// Its ID as the client spelled it.
    pub text: Option<&'a [u8]>,
    /// Whose it is, if not the consumer's that asked.
    pub owner: Option<Vec<u8>>,
}

impl Claim<'_> {
    /// Of an entry that is gone and is not pending any more; to be made while its consumer is known.
    pub fn of_gone(group: &Group, pending: Pending) -> Self {
        let owner = group.consumer(pending.consumer).map(|owner| owner.name().to_vec());
        Claim { pending, text: None, owner }
    }
}

/// Whose claims are said: those of a consumer of a group.
pub(super) struct Claimer<'a> {
    /// The stream's key.
    pub key: &'a [u8],
    /// The group's name.
    pub group: &'a [u8],
    /// The consumer's name.
    pub consumer: &'a [u8],
}

impl Claimer<'_> {
    /// States a claim. `last_id` is the last ID that was delivered in the group.
    pub fn say(&self, ctx: &mut Ctx<'_>, claim: &Claim<'_>, last_id: StreamId) {
        let Pending { id, delivered_at_ms, deliveries, .. } = claim.pending;
        let (id, last_id) = (id.to_string(), last_id.to_string());
        let (time, count) = (delivered_at_ms.to_string(), deliveries.to_string());
        ctx.data.effects.say(&[
            b"XCLAIM",
            self.key,
            self.group,
            claim.owner.as_deref().unwrap_or(self.consumer),
            b"0",
            claim.text.unwrap_or(id.as_bytes()),
            b"TIME",
            time.as_bytes(),
            b"RETRYCOUNT",
            count.as_bytes(),
            b"FORCE",
            b"JUSTID",
            b"LASTID",
            last_id.as_bytes(),
        ]);
    }

    /// States how far the group has read.
    pub fn say_position(&self, ctx: &mut Ctx<'_>, last_id: StreamId, entries_read: Option<u64>) {
        let last_id = last_id.to_string();
        let read = entries_read.map_or("-1".to_owned(), |read| read.to_string());
        let (key, group) = (self.key, self.group);
        let (last_id, read) = (last_id.as_bytes(), read.as_bytes());
        ctx.data.effects.say(&[b"XGROUP", b"SETID", key, group, last_id, b"ENTRIESREAD", read]);
    }

    /// States that the consumer was made.
    pub fn say_created(&self, ctx: &mut Ctx<'_>) {
        ctx.data.effects.say(&[b"XGROUP", b"CREATECONSUMER", self.key, self.group, self.consumer]);
    }
}
