//! The deadline words that SET, GETEX and MSETEX share: EX, PX, EXAT, PXAT, KEEPTTL.

use engine::{Argument, ArgumentKind, Deadline, Error};

use crate::number::integer;

/// `EX seconds`
pub const SECONDS: Argument = Argument::new("seconds", ArgumentKind::Integer).after("EX");
/// `PX milliseconds`
pub const MILLISECONDS: Argument = Argument::new("milliseconds", ArgumentKind::Integer).after("PX");
/// `EXAT unix-time-seconds`
pub const UNIX_SECONDS: Argument = Argument::new("unix-time-seconds", ArgumentKind::UnixTime).after("EXAT");
/// `PXAT unix-time-milliseconds`
pub const UNIX_MILLISECONDS: Argument =
    Argument::new("unix-time-milliseconds", ArgumentKind::UnixTime).after("PXAT");

/// What a number that stands for a time counts, and from when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Seconds, else milliseconds.
    pub seconds: bool,
    /// Since the epoch, else from now.
    pub absolute: bool,
}

/// A deadline word and its number, not computed yet.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineWord<'a> {
    /// How to read the number.
    pub unit: Unit,
    /// The number's text.
    pub number: &'a [u8],
}

impl<'a> DeadlineWord<'a> {
    /// The unit that a word stands for.
    pub fn unit(word: &[u8]) -> Option<Unit> {
        let is = |text: &str| word.eq_ignore_ascii_case(text.as_bytes());
        let (seconds, absolute) = match word.len() {
            2 if is("EX") => (true, false),
            2 if is("PX") => (false, false),
            4 if is("EXAT") => (true, true),
            4 if is("PXAT") => (false, true),
            _ => return None,
        };
        Some(Unit { seconds, absolute })
    }

    /// Reads `word` as a deadline word and the next of `rest` as its number. Only the same word may stand twice; the last one counts.
    pub fn take<'r>(
        former: Option<DeadlineWord<'a>>,
        word: &[u8],
        rest: &mut impl Iterator<Item = &'r &'a [u8]>,
    ) -> Result<DeadlineWord<'a>, Error>
    where
        'a: 'r,
    {
        let unit = DeadlineWord::unit(word).ok_or(Error::SYNTAX)?;
        if former.is_some_and(|former| former.unit != unit) {
            return Err(Error::SYNTAX);
        }
        Ok(DeadlineWord { unit, number: rest.next().ok_or(Error::SYNTAX)? })
    }

    /// The deadline in milliseconds since the epoch; `command` names the command in the error.
    pub fn deadline_ms(&self, now_ms: i64, command: &str) -> Result<i64, Error> {
        let invalid = || Error::invalid_expire(command);
        let number = integer(self.number)?;
        if number <= 0 {
            return Err(invalid());
        }
        let ms = if self.unit.seconds { number.checked_mul(1000).ok_or_else(invalid)? } else { number };
        let deadline = if self.unit.absolute { ms } else { now_ms.checked_add(ms).ok_or_else(invalid)? };
        Ok(deadline)
    }
}

/// What SET and MSETEX are told about the deadline.
#[derive(Clone, Copy, Debug)]
pub enum Lifetime<'a> {
    /// Nothing: the key lives for ever.
    Unlimited,
    /// KEEPTTL.
    Keep,
    /// A deadline word.
    Until(DeadlineWord<'a>),
}

impl<'a> Lifetime<'a> {
    /// Reads one more word, with its number from `rest` if it has one.
    pub fn take<'r>(
        self,
        word: &[u8],
        rest: &mut impl Iterator<Item = &'r &'a [u8]>,
    ) -> Result<Lifetime<'a>, Error>
    where
        'a: 'r,
    {
        let keep = word.eq_ignore_ascii_case(b"KEEPTTL");
        match self {
            Lifetime::Unlimited | Lifetime::Keep if keep => Ok(Lifetime::Keep),
            Lifetime::Unlimited => DeadlineWord::take(None, word, rest).map(Lifetime::Until),
            Lifetime::Until(former) => DeadlineWord::take(Some(former), word, rest).map(Lifetime::Until),
            Lifetime::Keep => Err(Error::SYNTAX),
        }
    }

    /// The deadline that it means at `now_ms`; `command` names the command in the error.
    pub fn deadline(&self, now_ms: i64, command: &str) -> Result<Deadline, Error> {
        Ok(match self {
            Lifetime::Unlimited => Deadline::None,
            Lifetime::Keep => Deadline::Keep,
            Lifetime::Until(word) => Deadline::At(word.deadline_ms(now_ms, command)?),
        })
    }
}
