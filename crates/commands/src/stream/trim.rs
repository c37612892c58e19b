//! Trimming, with what becomes of groups' references; and how it is told to a replica, which must remove the same entries whatever its
//! nodes are.
//!
//! DELREF and ACKED are of Redis 8.2 and follow its documentation. With ACKED, entries that some group has not read or not acknowledged are
//! passed over: up to the threshold of MINID, or, with MAXLEN, until only so many are left. Approximate trimming looks at
//! whole nodes only.

use engine::{Args, Argument, ArgumentKind, Ctx};
use value::large::Teardown;
use value::stream::{Keep, Log, Stream, StreamId, Trim, Trimmed};

use super::arguments::{References, Trimming};

/// `MAXLEN | MINID [= | ~] threshold [LIMIT count]`
pub(super) const TRIM: Argument = Argument::block(
    "trim",
    &[
        Argument::one_of(
            "strategy",
            &[Argument::token("maxlen", "MAXLEN"), Argument::token("minid", "MINID").since("6.2.0")],
        ),
        Argument::one_of("operator", &[Argument::token("equal", "="), Argument::token("approximately", "~")])
            .optional(),
        Argument::new("threshold", ArgumentKind::String),
        Argument::new("count", ArgumentKind::Integer).after("LIMIT").optional().since("6.2.0"),
    ],
);

/// `KEEPREF | DELREF | ACKED`
pub(super) const REFERENCES: Argument = Argument::one_of(
    "condition",
    &[
        Argument::token("keepref", "KEEPREF"),
        Argument::token("delref", "DELREF"),
        Argument::token("acked", "ACKED"),
    ],
)
.since("8.2.0")
.optional();

/// From so many entries on the freeing of what is gone is left to the freeing thread.
const FREE_LATER_FROM: u64 = 1000;

/// What trimming did.
pub(super) struct Outcome {
    /// How many entries were removed.
    pub removed: u64,
    gone: Option<Trimmed>,
    /// The threshold of exact trimming that has the same effect on the same stream.
    exact: Keep,
}

/// Trims a stream.
pub(super) fn trim(stream: &mut Stream, trimming: &Trimming) -> Outcome {
    let references = if stream.groups_len() == 0 { References::Keep } else { trimming.references };
    let mut outcome = match references {
        References::Keep => whole(stream.log_mut().trim(trimming.trim)),
        References::Delete => {
            let before = stream.log().clone();
            let outcome = whole(stream.log_mut().trim(trimming.trim));
            forget(stream, &before);
            outcome
        }
        References::Acknowledged => acknowledged(stream, trimming.trim),
    };
    let log = stream.log();
    outcome.exact = match trimming.trim.keep {
        // What is left may begin with entries that are passed over.
        Keep::From(_) if references != References::Acknowledged => {
            Keep::From(if log.is_empty() { StreamId::MAX } else { log.info().first_id })
        }
        _ => Keep::Length(log.len()),
    };
    outcome
}

fn whole(gone: Trimmed) -> Outcome {
    Outcome { removed: gone.removed, gone: Some(gone), exact: Keep::Length(0) }
}

/// Removes references to entries that were there `before` and are not any more. These were the first ones.
fn forget(stream: &mut Stream, before: &Log) {
    let log = stream.log();
    let kept = if log.is_empty() { None } else { Some(log.info().first_id) };
    let names: Vec<Vec<u8>> = stream.groups().map(|group| group.name().to_vec()).collect();
    for name in names {
        stream.edit_group(&name, |_, group| {
            let gone: Vec<StreamId> = group
                .pending_from(StreamId::MIN)
                .map(|pending| pending.id)
                .take_while(|id| kept.is_none_or(|kept| *id < kept))
                .filter(|id| before.contains(*id))
                .collect();
            for id in gone {
                group.acknowledge(id);
            }
        });
    }
}

/// Removes only entries that every group has read and acknowledged.
fn acknowledged(stream: &mut Stream, trim: Trim) -> Outcome {
    let log = stream.log();
    // What a group has not read lies above the last ID that it has.
    let read = stream.groups().map(|group| group.last_id).min().unwrap_or(StreamId::MAX);
    let (most, end) = match trim.keep {
        Keep::Length(length) => (log.len().saturating_sub(length), read),
        Keep::From(id) => (log.len(), id.previous().map_or(StreamId::MIN, |end| end.min(read))),
    };
    let looked_at = if trim.is_approximate { log.clone().trim(trim).removed } else { log.len() };
    let (mut gone, mut first_kept) = (Vec::new(), None);
    for entry in log.range(StreamId::MIN, end).take(usize::try_from(looked_at).unwrap_or(usize::MAX)) {
        if gone.len() as u64 == most {
            break;
        }
        if stream.groups().any(|group| group.pending(entry.id).is_some()) {
            first_kept.get_or_insert(entry.id);
        } else {
            gone.push(entry.id);
        }
    }
    let removed = gone.len() as u64;
    let prefix = gone.partition_point(|id| first_kept.is_none_or(|kept| *id < kept));
    let keep = Keep::Length(log.len() - prefix as u64);
    let log = stream.log_mut();
    let from_start = log.trim(Trim { keep, is_approximate: false, limit: 0 });
    for id in &gone[prefix..] {
        // This notes the highest ID that was deleted, as it leaves a hole.
        log.delete(*id);
    }
    Outcome { removed, ..whole(from_start) }
}

impl Outcome {
    /// Frees what is gone.
    pub(super) fn free(&mut self, ctx: &Ctx<'_>) {
        if let Some(gone) = self.gone.take()
            && gone.removed >= FREE_LATER_FROM
        {
            ctx.data.keyspace().free_rest(Teardown::Stream(Box::new(gone.into_teardown())));
        }
    }

    /// The words of the threshold in exact trimming, to be put into the request in place of those that were approximate.
    pub(super) fn exact(&self) -> Exact {
        match self.exact {
            Keep::Length(length) => Exact { word: b"MAXLEN", threshold: length.to_string() },
            Keep::From(id) => Exact { word: b"MINID", threshold: id.to_string() },
        }
    }
}

/// A threshold of exact trimming.
pub(super) struct Exact {
    word: &'static [u8],
    threshold: String,
}

impl Exact {
    /// Puts it into a request whose threshold stands at `at`, behind `~`.
    pub(super) fn put<'r>(&'r self, request: &mut [&'r [u8]], at: usize) {
        if let Some([word, operator, threshold]) =
            at.checked_sub(2).and_then(|from| request.get_mut(from..=at))
        {
            // Spelled as the client did where it stays.
            if !word.eq_ignore_ascii_case(self.word) {
                *word = self.word;
            }
            *operator = b"=";
            *threshold = self.threshold.as_bytes();
        }
    }
}

/// The request with its approximate trimming made exact, for a replica.
pub(super) fn say(ctx: &mut Ctx<'_>, args: Args<'_>, at: usize, exact: &Exact) {
    let mut request = args.to_vec();
    exact.put(&mut request, at);
    ctx.data.effects.say(&request);
}

#[cfg(test)]
mod tests {
    use value::stream::NodeLimits;

    use super::*;

    /// Entries 1 to 12 in nodes of 4. Group `a` has read up to 9 and not acknowledged 2 and 6; `b` up to 8, and not acknowledged 1 and 6.
    fn stream() -> Stream {
        let mut stream = Stream::new();
        let limits = NodeLimits { bytes_max: 0, entries_max: 4 };
        for n in 1..13 {
            let pairs = std::iter::once((&b"a"[..], &b"b"[..]));
            stream.log_mut().append(StreamId::new(n, 0), pairs, limits).unwrap();
        }
        for (name, last, pending) in [(b"a", 9, [2, 6]), (b"b", 8, [1, 6])] {
            stream.create_group(name, StreamId::new(last, 0), None);
            stream.edit_group(name, |_, group| {
                let consumer = group.create_consumer(b"c", 0).unwrap();
                assert!(pending.iter().all(|n| group.deliver(StreamId::new(*n, 0), consumer, 0)));
            });
        }
        stream
    }

    fn ids(stream: &Stream) -> Vec<u64> {
        stream.log().range(StreamId::MIN, StreamId::MAX).map(|entry| entry.id.ms).collect()
    }

    fn pending(stream: &Stream) -> Vec<u64> {
        stream.groups().flat_map(|group| group.pending_from(StreamId::MIN)).map(|it| it.id.ms).collect()
    }

    fn check(keep: Keep, is_approximate: bool, references: References, left: &[u64], refs: &[u64]) {
        let mut stream = stream();
        let mut again = stream.clone();
        let trim = Trim { keep, is_approximate, limit: 0 };
        let trimming = Trimming { trim, references, threshold_at: 0 };
        let outcome = super::trim(&mut stream, &trimming);
        stream.check();
        let label = format!("{trimming:?}");
        assert_eq!(ids(&stream), left, "{label}");
        assert_eq!(outcome.removed, 12 - left.len() as u64, "{label}");
        assert_eq!(pending(&stream), refs, "{label}");
        // What a replica is told has the same effect.
        let trim = Trim { keep: outcome.exact, is_approximate: false, limit: 0 };
        super::trim(&mut again, &Trimming { trim, ..trimming });
        assert_eq!((ids(&again), pending(&again)), (ids(&stream), pending(&stream)), "{label}");
    }

    #[test]
    fn references_stay_go_or_hold() {
        use References::{Acknowledged, Delete, Keep as Stay};
        let (length, from) = (Keep::Length, |ms| Keep::From(StreamId::new(ms, 0)));
        check(length(7), false, Stay, &[6, 7, 8, 9, 10, 11, 12], &[2, 6, 1, 6]);
        check(length(7), false, Delete, &[6, 7, 8, 9, 10, 11, 12], &[6, 6]);
        check(length(7), true, Delete, &[5, 6, 7, 8, 9, 10, 11, 12], &[6, 6]);
        check(length(0), false, Delete, &[], &[]);
        check(from(7), false, Delete, &[7, 8, 9, 10, 11, 12], &[]);
        check(length(7), false, Acknowledged, &[1, 2, 6, 9, 10, 11, 12], &[2, 6, 1, 6]);
        check(length(0), false, Acknowledged, &[1, 2, 6, 9, 10, 11, 12], &[2, 6, 1, 6]);
        check(length(10), false, Acknowledged, &[1, 2, 5, 6, 7, 8, 9, 10, 11, 12], &[2, 6, 1, 6]);
        check(length(8), true, Acknowledged, &[1, 2, 5, 6, 7, 8, 9, 10, 11, 12], &[2, 6, 1, 6]);
        check(from(6), false, Acknowledged, &[1, 2, 6, 7, 8, 9, 10, 11, 12], &[2, 6, 1, 6]);
        check(from(6), true, Acknowledged, &[1, 2, 5, 6, 7, 8, 9, 10, 11, 12], &[2, 6, 1, 6]);
        check(from(99), false, Acknowledged, &[1, 2, 6, 9, 10, 11, 12], &[2, 6, 1, 6]);
    }

    #[test]
    fn references_to_entries_deleted_before_stay() {
        let mut stream = stream();
        stream.log_mut().delete(StreamId::new(2, 0));
        let trim = Trim { keep: Keep::Length(0), is_approximate: false, limit: 0 };
        super::trim(&mut stream, &Trimming { trim, references: References::Delete, threshold_at: 0 });
        assert_eq!(pending(&stream), [2]);
    }
}
