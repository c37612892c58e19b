//! The deadline words that SET, GETEX and MSETEX share: EX, PX, EXAT, PXAT.

use engine::Error;

use crate::number::integer;

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
        let unit = |seconds, absolute| Some(Unit { seconds, absolute });
        match word.to_ascii_uppercase().as_slice() {
            b"EX" => unit(true, false),
            b"PX" => unit(false, false),
            b"EXAT" => unit(true, true),
            b"PXAT" => unit(false, true),
            _ => None,
        }
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
