//! Intsets: sets of integers as a sorted array. Checks, walks and builds them.
//!
//! ```text
//!  width: u32 le (2, 4 or 8) | members: u32 le | member* (le, ascending)
//! ```

const HEADER: usize = 8;

/// The members of a checked intset, ascending.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    width: usize,
    rest: &'a [u8],
}

impl Iterator for Members<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let (member, rest) = self.rest.split_at_checked(self.width)?;
        self.rest = rest;
        Some(match *member {
            [a, b] => i64::from(i16::from_le_bytes([a, b])),
            [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
            _ => return None,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.rest.len().checked_div(self.width).unwrap_or(0);
        (count, Some(count))
    }
}

impl ExactSizeIterator for Members<'_> {}

/// Checks an intset in depth: lengths, not empty, ascending without duplicates.
pub fn check(bytes: &[u8]) -> Result<Members<'_>, &'static str> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or("an intset shorter than its header")?;
    let [a, b, c, d, e, f, g, h] = *header;
    let width = u32::from_le_bytes([a, b, c, d]) as usize;
    let count = u32::from_le_bytes([e, f, g, h]) as usize;
    if !matches!(width, 2 | 4 | 8) {
        return Err("an intset of an unknown width");
    }
    if count == 0 || count.checked_mul(width) != Some(rest.len()) {
        return Err("an intset whose header has another number of members");
    }
    let members = Members { width, rest };
    if !members.clone().zip(members.clone().skip(1)).all(|(low, high)| low < high) {
        return Err("an intset whose members are not ascending");
    }
    Ok(members)
}

/// Appends the intset of `members`, which must be ascending, without duplicates and fewer than 2^32.
pub fn append(out: &mut Vec<u8>, members: &[i64]) {
    debug_assert!(members.is_sorted_by(|low, high| low < high));
    let fits = |low: i64, high: i64| {
        members.first().is_none_or(|&first| first >= low) && members.last().is_none_or(|&last| last <= high)
    };
    let width: usize = if fits(i64::from(i16::MIN), i64::from(i16::MAX)) {
        2
    } else if fits(i64::from(i32::MIN), i64::from(i32::MAX)) {
        4
    } else {
        8
    };
    out.extend_from_slice(&(width as u32).to_le_bytes());
    out.extend_from_slice(&(members.len() as u32).to_le_bytes());
    for member in members {
        out.extend_from_slice(&member.to_le_bytes()[..width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_back() {
        for members in [&[1][..], &[-32_768, 0, 32_767], &[0, 32_768], &[i64::MIN, -1, i64::MAX]] {
            let mut bytes = Vec::new();
            append(&mut bytes, members);
            assert!(check(&bytes).unwrap().eq(members.iter().copied()));
        }
    }

    #[test]
    fn damage_is_refused() {
        for bytes in [
            &b""[..],
            b"\x02\0\0\0\0\0\0\0",
            b"\x02\0\0\0\x01\0\0\0\x01",
            b"\x02\0\0\0\x01\0\0\0\x01\0\0",
            b"\x03\0\0\0\x01\0\0\0\x01\0\0",
            b"\x02\0\0\0\x02\0\0\0\x01\0\x01\0",
            b"\x02\0\0\0\x02\0\0\0\x01\0\0\0",
            b"\x08\0\0\0\xff\xff\xff\xff\x01\0\0\0",
        ] {
            assert!(check(bytes).is_err(), "{bytes:x?}");
        }
    }
}
