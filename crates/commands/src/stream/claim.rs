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

#[cfg(test)]
mod tests {
    use crate::testing::Server;

    /// Words that are the time of the request.
    fn without_times(effect: &str) -> String {
        let words = effect.split(' ').map(|word| match word.parse::<u64>() {
            Ok(1_000_000_000_000..) => "T",
            _ => word,
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// As Redis 8.0 and Valkey 9.1 tell replicas. Of entries that were read 7.0 does not tell the group's position once more.
    #[test]
    fn effects() {
        let server = Server::start();
        for (request, expected) in [
            ("XADD s 1 a b", "XADD s 1 a b"),
            ("XADD s 2 a b", "XADD s 2 a b"),
            ("XADD s 3 a b", "XADD s 3 a b"),
            ("XGROUP CREATE s g 0", "XGROUP CREATE s g 0"),
            ("XGROUP CREATE s g 0", ""),
            ("XGROUP CREATE n g $ MKSTREAM", "XGROUP CREATE n g $ MKSTREAM"),
            ("XGROUP CREATECONSUMER s g c", "XGROUP CREATECONSUMER s g c"),
            ("XGROUP CREATECONSUMER s g c", ""),
            (
                "XREADGROUP GROUP g d COUNT 2 STREAMS s >",
                "MULTI;XCLAIM s g d 0 1-0 TIME T RETRYCOUNT 1 FORCE JUSTID LASTID 1-0;XCLAIM s g d 0 2-0 TIME T RETRYCOUNT 1 FORCE JUSTID LASTID 2-0;XGROUP SETID s g 2-0 ENTRIESREAD 2;EXEC",
            ),
            ("XREADGROUP GROUP g e STREAMS n >", ""),
            ("XREADGROUP GROUP g d STREAMS s 0", ""),
            (
                "XREADGROUP GROUP g h NOACK COUNT 1 STREAMS s >",
                "MULTI;XGROUP CREATECONSUMER s g h;XGROUP SETID s g 3-0 ENTRIESREAD 3;EXEC",
            ),
            ("XREADGROUP GROUP g h9 NOACK STREAMS s >", "XGROUP CREATECONSUMER s g h9"),
            (
                "XCLAIM s g k 0 1 2",
                "MULTI;XCLAIM s g k 0 1 TIME T RETRYCOUNT 3 FORCE JUSTID LASTID 3-0;XCLAIM s g k 0 2 TIME T RETRYCOUNT 3 FORCE JUSTID LASTID 3-0;EXEC",
            ),
            ("XCLAIM s g k2 100000 1 2", ""),
            (
                "XCLAIM s g k 0 3 FORCE TIME 5 RETRYCOUNT 3 LASTID 7",
                "XCLAIM s g k 0 3 TIME 5 RETRYCOUNT 3 FORCE JUSTID LASTID 7-0",
            ),
            ("XCLAIM s g k 10000000 1 LASTID 10", "XGROUP SETID s g 10-0 ENTRIESREAD 3"),
            ("XDEL s 2", "XDEL s 2"),
            ("XCLAIM s g k3 0 2", "XCLAIM s g k 0 2 TIME T RETRYCOUNT 3 FORCE JUSTID LASTID 10-0"),
            ("XDEL s 1", "XDEL s 1"),
            (
                "XAUTOCLAIM s g m 0 0",
                "MULTI;XCLAIM s g k 0 1-0 TIME T RETRYCOUNT 3 FORCE JUSTID LASTID 10-0;XCLAIM s g m 0 3-0 TIME T RETRYCOUNT 4 FORCE JUSTID LASTID 10-0;EXEC",
            ),
            ("XAUTOCLAIM s g m3 1000000 0", ""),
            (
                "XCLAIM s g m 0 3 TIME 5 RETRYCOUNT 6 JUSTID",
                "XCLAIM s g m 0 3 TIME 5 RETRYCOUNT 6 FORCE JUSTID LASTID 10-0",
            ),
            (
                "XREADGROUP GROUP g m4 NOACK CLAIM 1000000 STREAMS s >",
                "MULTI;XGROUP CREATECONSUMER s g m4;XCLAIM s g m4 0 3-0 TIME T RETRYCOUNT 7 FORCE JUSTID LASTID 10-0;EXEC",
            ),
            ("XREADGROUP GROUP g m4 CLAIM 1000000 STREAMS s >", ""),
            ("XCLAIM s g m 0 3 JUSTID", "XCLAIM s g m 0 3 TIME T RETRYCOUNT 7 FORCE JUSTID LASTID 10-0"),
            ("XACK s g 3 2", "XACK s g 3 2"),
            ("XACK s g 3 2", ""),
            ("XGROUP SETID s g $", "XGROUP SETID s g $"),
            ("XGROUP DELCONSUMER s g m", "XGROUP DELCONSUMER s g m"),
            ("XGROUP DELCONSUMER s g m", ""),
            ("XDELEX s ACKED IDS 1 9", ""),
            ("XDELEX s IDS 1 3", "XDELEX s IDS 1 3"),
            ("XACKDEL s g IDS 1 3", ""),
            ("XGROUP DESTROY s g", "XGROUP DESTROY s g"),
            ("XGROUP DESTROY s g", ""),
        ] {
            let told: Vec<String> =
                server.effects_of(&[request]).iter().map(|it| without_times(it)).collect();
            assert_eq!(told.join(";"), expected, "{request}");
        }
    }
}
