//! IDs, ranges of IDs and the options that several commands on streams share, as arguments, with the errors that Redis answers.
//!
//! Looks at no key: what `$` or `>` means is the affair of the command that takes it.

use engine::{Args, Error};
use value::number::parse_i64;
use value::stream::{Keep, StreamId, Trim};

use crate::number::integer;

const INVALID_ID: Error = Error::fixed("ERR Invalid stream ID specified as stream command argument");
const INVALID_START: Error = Error::fixed("ERR invalid start ID for the interval");
const INVALID_END: Error = Error::fixed("ERR invalid end ID for the interval");

/// Longest argument that can be an ID.
const ID_BYTES_MAX: usize = 127;

/// An ID as XADD takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenId {
    /// `ms-seq`, or `ms`, which is `ms-0`.
    Whole(StreamId),
    /// `ms-*`
    Time(u64),
    /// `*`
    None,
}

/// An ID, without `-` and `+`; `seq` is the number that one without a number has.
pub(super) fn id(arg: &[u8], seq: u64) -> Result<StreamId, Error> {
    match parse(arg)? {
        (ms, None) => Ok(StreamId::new(ms, seq)),
        (ms, Some(text)) => Ok(StreamId::new(ms, unsigned(text).ok_or(INVALID_ID)?)),
    }
}

/// An ID, or the first or last there can be as `-` or `+`.
pub(super) fn id_or_end(arg: &[u8]) -> Result<StreamId, Error> {
    match arg {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        arg => id(arg, 0),
    }
}

/// An ID of which the number may be left to the server.
pub(super) fn given_id(arg: &[u8]) -> Result<GivenId, Error> {
    match parse(arg)? {
        (ms, Some(b"*")) => Ok(GivenId::Time(ms)),
        _ => id(arg, 0).map(GivenId::Whole),
    }
}

/// The first ID of a range: `-`, `+`, an ID, or `(` and an ID that is not included.
pub(super) fn range_start(arg: &[u8]) -> Result<StreamId, Error> {
    match interval(arg, 0)? {
        (start, true) => start.next().ok_or(INVALID_START),
        (start, false) => Ok(start),
    }
}

/// The last ID of a range.
pub(super) fn range_end(arg: &[u8]) -> Result<StreamId, Error> {
    match interval(arg, u64::MAX)? {
        (end, true) => end.previous().ok_or(INVALID_END),
        (end, false) => Ok(end),
    }
}

/// An end of a range, and whether it is excluded.
fn interval(arg: &[u8], seq: u64) -> Result<(StreamId, bool), Error> {
    match arg {
        b"-" => Ok((StreamId::MIN, false)),
        b"+" => Ok((StreamId::MAX, false)),
        [b'(', arg @ ..] if !arg.is_empty() => Ok((id(arg, seq)?, true)),
        arg => Ok((id(arg, seq)?, false)),
    }
}

/// The time, and the text of the number if there is one.
fn parse(arg: &[u8]) -> Result<(u64, Option<&[u8]>), Error> {
    if arg.len() > ID_BYTES_MAX {
        return Err(INVALID_ID);
    }
    // To Redis it is a C string, which ends at the first zero byte.
    let arg = arg.split(|&byte| byte == 0).next().unwrap_or(arg);
    let (ms, seq) = match arg.iter().position(|&byte| byte == b'-') {
        Some(dash) => (&arg[..dash], Some(&arg[dash + 1..])),
        None => (arg, None),
    };
    Ok((unsigned(ms).ok_or(INVALID_ID)?, seq))
}

/// A number of 64 bits as `strtoull` reads it: behind white space and a sign, of which a minus behind white space wraps around.
fn unsigned(text: &[u8]) -> Option<u64> {
    if let Some(number) = parse_i64(text) {
        return u64::try_from(number).ok();
    }
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    let (is_negative, digits) = match text.get(blanks..)? {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0u64, |number, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })?;
    Some(if is_negative { number.wrapping_neg() } else { number })
}

/// `COUNT count` behind it: how many; a negative one is none.
pub(super) fn count(arg: &[u8]) -> Result<u64, Error> {
    Ok(integer(arg)?.max(0) as u64)
}

/// What becomes of groups' references to entries that go (Redis 8.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum References {
    /// They stay: an entry that is gone may be pending.
    #[default]
    Keep,
    /// They go too.
    Delete,
    /// Only entries go that every group has read and acknowledged.
    Acknowledged,
}

impl References {
    /// `KEEPREF | DELREF | ACKED`
    pub(super) fn word(arg: &[u8]) -> Option<References> {
        if arg.eq_ignore_ascii_case(b"KEEPREF") {
            Some(References::Keep)
        } else if arg.eq_ignore_ascii_case(b"DELREF") {
            Some(References::Delete)
        } else if arg.eq_ignore_ascii_case(b"ACKED") {
            Some(References::Acknowledged)
        } else {
            None
        }
    }
}

const BOTH: Error =
    Error::fixed("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
const MAXLEN_RANGE: Error = Error::fixed("ERR The MAXLEN argument must be >= 0.");
const LIMIT_RANGE: Error = Error::fixed("ERR The LIMIT argument must be >= 0.");
const LIMIT_ALONE: Error =
    Error::fixed("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
const LIMIT_EXACT: Error =
    Error::fixed("ERR syntax error, LIMIT cannot be used without the special ~ option");

/// How a command trims.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trimming {
    /// What of the entries.
    pub trim: Trim,
    /// What of groups' references.
    pub references: References,
    /// Where among the arguments the threshold stands.
    pub threshold_at: usize,
}

/// Options of XADD and XTRIM being read, one after the other.
#[derive(Default)]
pub(super) struct TrimOptions {
    keep: Option<Keep>,
    is_approximate: bool,
    limit: Option<u64>,
    references: Option<References>,
    threshold_at: usize,
}

impl TrimOptions {
    /// Takes the option at `at`. Returns how many arguments it has; `None` if there is no such option.
    pub(super) fn take(&mut self, args: Args<'_>, at: usize) -> Result<Option<usize>, Error> {
        let Some([word, rest @ ..]) = args.get(at..) else { return Ok(None) };
        if let Some(references) = References::word(word) {
            if self.references.replace(references).is_some() {
                return Err(Error::SYNTAX);
            }
            return Ok(Some(1));
        }
        let [next, ..] = rest else { return Ok(None) };
        if word.eq_ignore_ascii_case(b"LIMIT") {
            let limit = integer(next)?;
            self.limit = Some(u64::try_from(limit).map_err(|_| LIMIT_RANGE)?);
            return Ok(Some(2));
        }
        let is_length = word.eq_ignore_ascii_case(b"MAXLEN");
        if !is_length && !word.eq_ignore_ascii_case(b"MINID") {
            return Ok(None);
        }
        if self.keep.is_some() {
            return Err(BOTH);
        }
        let (threshold, taken) = match rest {
            [b"~", threshold, ..] => {
                self.is_approximate = true;
                (threshold, 3)
            }
            [b"=", threshold, ..] => (threshold, 3),
            _ => (next, 2),
        };
        self.keep = Some(if is_length {
            Keep::Length(u64::try_from(integer(threshold)?).map_err(|_| MAXLEN_RANGE)?)
        } else {
            Keep::From(id(threshold, 0)?)
        });
        self.threshold_at = at + taken - 1;
        Ok(Some(taken))
    }

    /// How to trim, if a threshold was given; `missing` is the error without one where there must be one. `node_entries_max`
    /// decides where there is no limit; who only `obeys` what a master did has none.
    pub(super) fn finish(
        self,
        node_entries_max: u64,
        obeys: bool,
        missing: Option<Error>,
    ) -> Result<Option<Trimming>, Error> {
        let Some(keep) = self.keep else {
            return match self.limit {
                Some(1..) => Err(LIMIT_ALONE),
                Some(0) if missing.is_none() && !obeys => Err(LIMIT_EXACT),
                _ => missing.map_or(Ok(None), Err),
            };
        };
        let limit = match self.limit {
            _ if obeys => 0,
            Some(_) if !self.is_approximate => return Err(LIMIT_EXACT),
            Some(limit) => limit,
            None if self.is_approximate => default_limit(node_entries_max),
            None => 0,
        };
        let trim = Trim { keep, is_approximate: self.is_approximate, limit };
        let references = self.references.unwrap_or_default();
        Ok(Some(Trimming { trim, references, threshold_at: self.threshold_at }))
    }
}

/// Most entries that approximate trimming removes at once: a hundred nodes.
fn default_limit(node_entries_max: u64) -> u64 {
    match node_entries_max.saturating_mul(100) {
        0 => 10_000,
        limit => limit.min(1_000_000),
    }
}

const TIMEOUT: Error = Error::fixed("ERR timeout is not an integer or out of range");
const TIMEOUT_NEGATIVE: Error = Error::fixed("ERR timeout is negative");
const NO_GROUP: Error = Error::fixed("ERR Missing GROUP option for XREADGROUP");
const GROUP_OF_XREAD: Error =
    Error::fixed("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
const NOACK_OF_XREAD: Error =
    Error::fixed("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.");
const CLAIM_OF_XREAD: Error =
    Error::fixed("ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.");
const MIN_IDLE: Error = Error::fixed("ERR min-idle-time is not an integer");
const MIN_IDLE_NEGATIVE: Error = Error::fixed("ERR min-idle-time must be a positive integer");
const UNBALANCED_XREAD: Error = Error::fixed(
    "ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.",
);
const UNBALANCED_XREADGROUP: Error = Error::fixed(
    "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.",
);

/// What XREAD and XREADGROUP ask for.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    /// Name of the group and of the consumer; of XREADGROUP always, of XREAD never.
    pub group: Option<(&'a [u8], &'a [u8])>,
    /// Most entries of each stream; 0 for all.
    pub count: u64,
    /// Milliseconds to wait if there is nothing; 0 for ever.
    pub block_ms: Option<u64>,
    /// What is read is not pending.
    pub no_ack: bool,
    /// What has been pending for so many milliseconds is read first.
    pub claim_ms: Option<i64>,
    /// The streams.
    pub keys: Args<'a>,
    /// For each of them the last ID that is known, unparsed.
    pub ids: Args<'a>,
}

impl<'a> Reading<'a> {
    /// From the command's arguments, its name first.
    pub(super) fn parse(args: Args<'a>, is_of_group: bool) -> Result<Reading<'a>, Error> {
        let mut reading = Reading {
            group: None,
            count: 0,
            block_ms: None,
            no_ack: false,
            claim_ms: None,
            keys: &[],
            ids: &[],
        };
        let mut rest = args.get(1..).unwrap_or_default();
        while let [word, behind @ ..] = rest {
            rest = match behind {
                [ms, rest @ ..] if word.eq_ignore_ascii_case(b"BLOCK") => {
                    let ms = parse_i64(ms).ok_or(TIMEOUT)?;
                    reading.block_ms = Some(u64::try_from(ms).map_err(|_| TIMEOUT_NEGATIVE)?);
                    rest
                }
                [number, rest @ ..] if word.eq_ignore_ascii_case(b"COUNT") => {
                    reading.count = count(number)?;
                    rest
                }
                [ms, rest @ ..] if word.eq_ignore_ascii_case(b"CLAIM") => {
                    if !is_of_group {
                        return Err(CLAIM_OF_XREAD);
                    }
                    let ms = parse_i64(ms).ok_or(MIN_IDLE)?;
                    reading.claim_ms = Some(if ms < 0 { return Err(MIN_IDLE_NEGATIVE) } else { ms });
                    rest
                }
                [_, ..] if word.eq_ignore_ascii_case(b"STREAMS") => {
                    if behind.len() % 2 != 0 {
                        return Err(if is_of_group { UNBALANCED_XREADGROUP } else { UNBALANCED_XREAD });
                    }
                    (reading.keys, reading.ids) = behind.split_at(behind.len() / 2);
                    &[]
                }
                [group, consumer, rest @ ..] if word.eq_ignore_ascii_case(b"GROUP") => {
                    if !is_of_group {
                        return Err(GROUP_OF_XREAD);
                    }
                    reading.group = Some((group, consumer));
                    rest
                }
                rest if word.eq_ignore_ascii_case(b"NOACK") => {
                    if !is_of_group {
                        return Err(NOACK_OF_XREAD);
                    }
                    reading.no_ack = true;
                    rest
                }
                _ => return Err(Error::SYNTAX),
            };
        }
        match reading.group {
            _ if reading.keys.is_empty() => Err(Error::SYNTAX),
            None if is_of_group => Err(NO_GROUP),
            _ => Ok(reading),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_as_redis_takes_them() {
        let text = |arg: &str| match id(arg.as_bytes(), 9) {
            Ok(id) => id.to_string(),
            Err(error) => format!("{error:?}"),
        };
        const WRONG: &str = "ERR Invalid stream ID specified as stream command argument";
        for (arg, expected) in [
            ("5", "5-9"),
            ("5-3", "5-3"),
            ("18446744073709551615-18446744073709551615", "18446744073709551615-18446744073709551615"),
            ("18446744073709551616", WRONG),
            ("007-1", "7-1"),
            (" 8-+1", "8-1"),
            ("8- -1", "8-18446744073709551615"),
            ("8--1", WRONG),
            ("8- 1 ", WRONG),
            ("-", WRONG),
            ("+", WRONG),
            ("", WRONG),
            ("5-", WRONG),
            ("-5", WRONG),
            ("5-*", WRONG),
            ("5\0x", "5-9"),
            ("0x10", WRONG),
        ] {
            assert_eq!(text(arg), expected, "{arg:?}");
        }
        assert_eq!(text(&"0".repeat(127)), "0-9");
        assert_eq!(text(&"0".repeat(128)), WRONG);
    }

    #[test]
    fn ends_of_ranges() {
        let (start, end) = (|arg: &str| range_start(arg.as_bytes()), |arg: &str| range_end(arg.as_bytes()));
        assert_eq!(start("-"), Ok(StreamId::MIN));
        assert_eq!(start("5"), Ok(StreamId::new(5, 0)));
        assert_eq!(start("(5"), Ok(StreamId::new(5, 1)));
        assert_eq!(start("("), Err(INVALID_ID));
        assert_eq!(start("(-"), Err(INVALID_ID));
        assert_eq!(start("(18446744073709551615-18446744073709551615"), Err(INVALID_START));
        assert_eq!(end("+"), Ok(StreamId::MAX));
        assert_eq!(end("5"), Ok(StreamId::new(5, u64::MAX)));
        assert_eq!(end("(5"), Ok(StreamId::new(5, u64::MAX - 1)));
        assert_eq!(end("(0-0"), Err(INVALID_END));
    }
}
