//! SCAN: the keys a part at a time, in the order of their hashes; the cursor is a position in that order.
//!
//! A key that is present from the first call to the one that answers cursor 0 is returned exactly once, whatever else
//! changes in between. Any number may be sent as a cursor.
//!
//! Bounds: a call looks at about COUNT keys and at most [`STRIPES_MAX`] stripes, and holds one lock for at most [`SLICE`] keys.

use config::glob::{Case, matches};
use engine::{Args, Argument, ArgumentKind, Categories, Command, Ctx, Docs, Error, Flags, Group, Scope};
use keyspace::EntryView;
use resp::Writer;
use value::number::parse_i64;

use crate::number::integer;

/// Keys shown under one lock.
pub(super) const SLICE: usize = 512;

/// Stripes that one call enters, so that a sparse database costs little and a small one is shown in one call.
const STRIPES_MAX: usize = 4096;

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
pub static SCAN: Command = Command {
    name: "scan",
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::KEYSPACE,
    scope: Scope::Slices,
    docs: Docs {
        summary: "Lists keys a part at a time, with a cursor.",
        since: "2.8.0",
        group: Group::Generic,
        complexity: "O(1) for each call, O(N) for all keys",
        history: &[("6.0.0", "TYPE.")],
        ..Docs::NONE
    },
    arguments: &[
        CURSOR,
        PATTERN,
        COUNT,
        Argument::new("type", ArgumentKind::String).after("TYPE").optional().since("6.0.0"),
    ],
    tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
    execute: scan,
    ..Command::DEFAULT
};

/// Holds a stripe and shows up to about `limit` of its keys from `position` on; those found expired are removed instead. Returns where
/// to go on in the stripe, and how many keys were met.
pub(super) fn walk(
    ctx: &mut Ctx<'_>,
    stripe: usize,
    position: u64,
    limit: usize,
    mut visit: impl FnMut(EntryView<'_>),
) -> (Option<u64>, usize) {
    ctx.hold_stripe(stripe);
    let (database, now_ms) = (ctx.data.database(), ctx.data.now_ms);
    let (mut met, mut expired) = (0, Vec::new());
    let next = ctx.data.access_ref().walk(database, stripe, position, limit, |entry| {
        met += 1;
        if entry.deadline_ms.is_some_and(|deadline_ms| deadline_ms <= now_ms) {
            expired.push(entry.key.to_vec());
        } else {
            visit(entry);
        }
    });
    for key in expired {
        // Met by a look, an expired key goes away.
        ctx.data.exists(&key);
    }
    (next, met)
}

/// Where to go on.
pub(crate) const CURSOR: Argument = Argument::new("cursor", ArgumentKind::Integer);
/// Which ones.
pub(crate) const PATTERN: Argument =
    Argument::new("pattern", ArgumentKind::Pattern).after("MATCH").optional();
/// How many to look at.
pub(crate) const COUNT: Argument = Argument::new("count", ArgumentKind::Integer).after("COUNT").optional();

/// Whether a key is asked for by a pattern. `*` asks for all, the empty name included, which no other pattern describes.
pub(crate) fn has_name(key: &[u8], pattern: &[u8]) -> bool {
    pattern == b"*" || matches(pattern, key, Case::Sensitive)
}

/// What SCAN and its like for the elements of one key are told beside the cursor.
pub(crate) struct Options<'a> {
    pattern: Option<&'a [u8]>,
    /// About how many to look at.
    pub(crate) count: u64,
}

impl<'a> Options<'a> {
    /// Reads the words behind the cursor. `other` takes those that not all of the commands know, in upper case, with what follows it.
    pub(crate) fn parse(
        words: Args<'a>,
        mut other: impl FnMut(&[u8], &mut std::slice::Iter<'_, &'a [u8]>) -> Result<(), Error>,
    ) -> Result<Options<'a>, Error> {
        let mut options = Options { pattern: None, count: 10 };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match word.to_ascii_uppercase().as_slice() {
                b"MATCH" => options.pattern = Some(rest.next().ok_or(Error::SYNTAX)?),
                b"COUNT" => {
                    let count = integer(rest.next().ok_or(Error::SYNTAX)?)?;
                    options.count = u64::try_from(count).ok().filter(|n| *n > 0).ok_or(Error::SYNTAX)?;
                }
                word => other(word, &mut rest)?,
            }
        }
        Ok(options)
    }

    /// Whether the pattern asks for this one.
    pub(crate) fn wants(&self, name: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| has_name(name, pattern))
    }
}

/// The error for an option that a command does not have.
pub(crate) fn unknown_option(word: &[u8]) -> Error {
    match word {
        b"NOVALUES" => Error::fixed("ERR NOVALUES option can only be used in HSCAN"),
        _ => Error::SYNTAX,
    }
}

/// A parsed request.
struct Scan<'a> {
    cursor: u64,
    options: Options<'a>,
    kind: Option<&'a [u8]>,
}

impl<'a> Scan<'a> {
    fn parse(args: Args<'a>) -> Result<Scan<'a>, Error> {
        let cursor = cursor(args[1]).ok_or(Error::fixed("ERR invalid cursor"))?;
        let mut kind = None;
        let options = Options::parse(&args[2..], |word, rest| {
            if word != b"TYPE" {
                return Err(unknown_option(word));
            }
            kind = Some(*rest.next().ok_or(Error::SYNTAX)?);
            Ok(())
        })?;
        Ok(Scan { cursor, options, kind })
    }

    fn wants(&self, entry: EntryView<'_>) -> bool {
        self.options.wants(entry.key)
            && self
                .kind
                .is_none_or(|kind| kind.eq_ignore_ascii_case(entry.value.value_type().name().as_bytes()))
    }
}

/// A cursor as Redis reads it: up to a zero byte, a plain number that is not negative, or whatever C's `strtoull` takes as a whole. That
/// allows white space and a sign before the digits; with a minus the number wraps around.
pub(crate) fn cursor(text: &[u8]) -> Option<u64> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if let Some(number) = parse_i64(text) {
        return u64::try_from(number).ok();
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let text = &text[text.iter().take_while(|byte| is_space(byte)).count()..];
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(if negative { number.wrapping_neg() } else { number })
}

fn scan(ctx: &mut Ctx<'_>, args: Args<'_>) -> Result<(), Error> {
    let scan = Scan::parse(args)?;
    let keyspace = ctx.data.keyspace();
    let protocol = ctx.reply.protocol();
    let (mut found, mut replies) = (0, Vec::new());
    let mut left = usize::try_from(scan.options.count).unwrap_or(usize::MAX);
    let mut stripes_left = STRIPES_MAX;
    let mut place = keyspace.locate(scan.cursor);
    while let Some((stripe, position)) = place
        && left > 0
        && stripes_left > 0
    {
        let (next, met) = walk(ctx, stripe, position, left.min(SLICE), |entry| {
            if scan.wants(entry) {
                found += 1;
                Writer { out: &mut replies, protocol }.bulk(entry.key);
            }
        });
        left = left.saturating_sub(met);
        place = match next {
            Some(position) => Some((stripe, position)),
            None => {
                stripes_left -= 1;
                Some((stripe + 1, 0)).filter(|(stripe, _)| *stripe < keyspace.stripes())
            }
        };
    }
    let cursor = place.map_or(0, |(stripe, position)| keyspace.cursor(stripe, position));
    let mut writer = ctx.reply.write();
    writer.array(2);
    writer.bulk(cursor.to_string().as_bytes());
    writer.array(found);
    ctx.reply.encoded(replies);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use crate::testing::{Client, Server, check, check_effects};

    /// One call; returns the next cursor and the keys.
    fn scan(client: &mut Client, cursor: &str, options: &str) -> (String, Vec<String>) {
        client.send(&format!("SCAN {cursor} {options}"));
        let reply = client.reply();
        let words: Vec<&str> = reply.split(' ').collect();
        assert_eq!(words[0], "*2", "{reply}");
        (words[2].to_string(), words[4..].iter().skip(1).step_by(2).map(|key| key.to_string()).collect())
    }

    #[test]
    fn errors() {
        check(&[
            ("SCAN x", "-ERR invalid cursor"),
            ("SCAN -1", "-ERR invalid cursor"),
            ("SCAN 18446744073709551615", "*2 $1 0 *0"),
            ("SCAN 18446744073709551616", "-ERR invalid cursor"),
            ("SCAN ' 1'", "*2 $1 0 *0"),
            ("SCAN '1 '", "-ERR invalid cursor"),
            ("SCAN 1x", "-ERR invalid cursor"),
            ("SCAN ''", "-ERR invalid cursor"),
            ("SCAN +1", "*2 $1 0 *0"),
            ("SCAN -0", "*2 $1 0 *0"),
            ("SCAN -", "-ERR invalid cursor"),
            ("SCAN ' -1'", "*2 $1 0 *0"),
            ("SCAN -9223372036854775808", "-ERR invalid cursor"),
            ("SCAN -9223372036854775809", "*2 $1 0 *0"),
            ("SCAN -18446744073709551616", "-ERR invalid cursor"),
            ("SCAN 0 COUNT 0", "-ERR syntax error"),
            ("SCAN 0 COUNT -1", "-ERR syntax error"),
            ("SCAN 0 COUNT x", "-ERR value is not an integer or out of range"),
            ("SCAN 0 COUNT", "-ERR syntax error"),
            ("SCAN 0 FOO 1", "-ERR syntax error"),
            ("SCAN 0 TYPE foo", "*2 $1 0 *0"),
            ("SCAN 0 MATCH", "-ERR syntax error"),
            ("SCAN 0 NOVALUES", "-ERR NOVALUES option can only be used in HSCAN"),
        ]);
    }

    #[test]
    fn filters() {
        check(&[
            ("SET a1 1", "+OK"),
            ("SET b1 1", "+OK"),
            ("SET gone 1 PXAT 1", "+OK"),
            ("SCAN 0 MATCH a*", "*2 $1 0 *1 $2 a1"),
            ("SCAN 0 MATCH b* TYPE STRING COUNT 100", "*2 $1 0 *1 $2 b1"),
            ("SCAN 0 TYPE list", "*2 $1 0 *0"),
            ("SCAN 0 MATCH g*", "*2 $1 0 *0"),
        ]);
    }

    #[test]
    fn what_stays_is_returned_exactly_once() {
        let server = Server::start();
        let mut client = server.connect();
        client.send("DEBUG POPULATE 5000");
        client.reply();
        for options in ["", "COUNT 1", "COUNT 333", "COUNT 1000000"] {
            let mut seen: HashMap<String, usize> = HashMap::new();
            let (mut cursor, mut calls) = ("0".to_string(), 0);
            loop {
                let (next, keys) = scan(&mut client, &cursor, options);
                keys.into_iter().for_each(|key| *seen.entry(key).or_default() += 1);
                calls += 1;
                // Others come and go: the tables grow, split, shrink and merge.
                let change = ["DEBUG POPULATE 9000 other", "FLUSH"][calls % 2];
                if change == "FLUSH" && calls % 10 == 1 {
                    let gone: Vec<String> = (0..9000).map(|n| format!("other:{n}")).collect();
                    let mut request: Vec<&[u8]> = vec![b"DEL"];
                    request.extend(gone.iter().map(|key| key.as_bytes()));
                    client.send_args(&request);
                    client.reply();
                } else if calls % 10 == 2 {
                    client.send(change);
                    client.reply();
                }
                cursor = next;
                if cursor == "0" {
                    break;
                }
            }
            for n in 0..5000 {
                assert_eq!(seen.get(&format!("key:{n}")), Some(&1), "{options} key:{n}");
            }
        }
    }

    #[test]
    fn invented_cursors_are_safe() {
        let server = Server::start();
        let mut client = server.connect();
        client.send("DEBUG POPULATE 5000");
        client.reply();
        for _ in 0..2000 {
            let bits = fastrand::u32(..64);
            let cursor = fastrand::u64(..) >> bits;
            let (next, keys) = scan(&mut client, &cursor.to_string(), "COUNT 20");
            let next: u64 = next.parse().unwrap();
            assert!(next == 0 || next > cursor, "{cursor} {next}");
            assert!(keys.len() < 60);
        }
    }

    #[test]
    fn expired_keys_are_deleted_for_replicas_too() {
        check_effects(&[
            ("DEBUG SET-ACTIVE-EXPIRE 0", ""),
            ("SET k v PXAT 1", "SELECT 0;SET k v PXAT 1"),
            ("SCAN 0", "DEL k"),
            ("SET j v PXAT 1", "SET j v PXAT 1"),
            ("KEYS *", "DEL j"),
            ("SET i v PXAT 1", "SET i v PXAT 1"),
            ("RANDOMKEY", "DEL i"),
            ("SET h v PXAT 1", "SET h v PXAT 1"),
            ("SET h w", "MULTI;DEL h;SET h w;EXEC"),
        ]);
    }

    #[test]
    fn keys_found_expired_by_the_way_are_no_transaction() {
        let requests = [
            "DEBUG SET-ACTIVE-EXPIRE 0",
            "MSETEX 3 a 1 b 2 c 3 PX 1",
            "DEBUG SLEEP 0.01",
            "SCAN 0 COUNT 1000",
        ];
        let mut effects = Server::start().effects_of(&requests);
        effects[1..].sort();
        assert_eq!(effects[1..], ["DEL a", "DEL b", "DEL c"]);
    }
}
