//! The range of BITCOUNT and BITPOS: two positions, from the end if negative, in bytes or bits.

use engine::Error;

use crate::number::integer;

/// Two positions as they were given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    start: i64,
    /// To the end if it was left out.
    end: Option<i64>,
    in_bits: bool,
}

impl Range {
    /// `[start [end [BYTE | BIT]]]`. The first wrong word from the left is answered.
    pub(super) fn parse(args: &[&[u8]]) -> Result<Option<Range>, Error> {
        if let [start, end, _] = args {
            integer(start)?;
            integer(end)?;
        }
        Range::parse_unit_first(args)
    }

    /// The same; a wrong unit is answered before a wrong end, as BITPOS does.
    pub(super) fn parse_unit_first(args: &[&[u8]]) -> Result<Option<Range>, Error> {
        let (start, end, unit) = match args {
            [] => return Ok(None),
            [start] => (start, None, None),
            [start, end] => (start, Some(end), None),
            [start, end, unit] => (start, Some(end), Some(unit)),
            _ => return Err(Error::SYNTAX),
        };
        let start = integer(start)?;
        let in_bits = match unit.map(|unit| unit.to_ascii_uppercase()).as_deref() {
            None | Some(b"BYTE") => false,
            Some(b"BIT") => true,
            Some(_) => return Err(Error::SYNTAX),
        };
        let end = end.map(|end| integer(end)).transpose()?;
        Ok(Some(Range { start, end, in_bits }))
    }

    /// Whether an end was given.
    pub(super) fn has_end(&self) -> bool {
        self.end.is_some()
    }

    /// Whether it ends before it begins as given, both counted from the end. BITCOUNT then counts nothing; BITPOS cuts both at the
    /// string's start first, and may search the first byte.
    pub(super) fn is_backwards(&self) -> bool {
        self.start < 0 && self.end.is_some_and(|end| end < 0 && self.start > end)
    }

    /// The bits `start..end` that it means in a string of `len` bytes; `None` if there are none.
    pub(super) fn bits(&self, len: u64) -> Option<(u64, u64)> {
        let total = (if self.in_bits { len * 8 } else { len }) as i64;
        let from_start = |at: i64| if at < 0 { at.saturating_add(total).max(0) } else { at };
        let end = self.end.unwrap_or(total - 1);
        let (start, end) = (from_start(self.start), from_start(end).min(total - 1));
        if start > end {
            return None;
        }
        let unit = if self.in_bits { 1 } else { 8 };
        Some((start as u64 * unit, (end as u64 + 1) * unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_become_bits() {
        let range = |words: &str, len| {
            let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
            Range::parse(&words).unwrap().unwrap().bits(len)
        };
        assert_eq!(range("0 -1", 4), Some((0, 32)));
        assert_eq!(range("1 1 byte", 4), Some((8, 16)));
        assert_eq!(range("1 1 bit", 4), Some((1, 2)));
        assert_eq!(range("-1", 4), Some((24, 32)));
        assert_eq!(range("-100 100", 4), Some((0, 32)));
        assert_eq!(range("-100 -90", 4), Some((0, 8)));
        assert_eq!(range("-90 -100", 4), Some((0, 8)));
        assert_eq!(range("-1 -2", 4), None);
        assert_eq!(range("3 2", 4), None);
        assert_eq!(range("4", 4), None);
        assert_eq!(range("0 -1", 0), None);
        assert_eq!(range("-9223372036854775808 9223372036854775807", 4), Some((0, 32)));
    }
}
