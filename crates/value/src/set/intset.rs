//! A small set of integers: sorted, all of 2, 4 or 8 bytes, whatever the widest of them needs.
//!
//! ```text
//!   block   [ width u8 ][ integers, little endian, ascending ]
//!   intset  [ width u32 ][ count u32 ][ the same ]             as it stands in RDB files
//! ```
//!
//! Like Redis's intset it never becomes narrower again, since a set that shows its encoding's size would tell.
//! It knows no limits on the number of integers.

use crate::packed::{Block, Damage};

/// The block of an empty set.
pub const EMPTY: [u8; 1] = [2];

/// Bytes of an RDB intset before its integers.
const RDB_HEADER: usize = 8;

/// A block to read.
#[derive(Clone, Copy, Debug)]
pub struct Intset<'a> {
    width: usize,
    body: &'a [u8],
    block: &'a [u8],
}

/// The bytes that `value` needs.
fn width_of(value: i64) -> usize {
    if i16::try_from(value).is_ok() {
        2
    } else if i32::try_from(value).is_ok() {
        4
    } else {
        8
    }
}

fn read(body: &[u8], width: usize, index: usize) -> i64 {
    let Some(bytes) = body.get(index * width..(index + 1) * width) else { return 0 };
    let mut value = [if bytes[width - 1] < 0x80 { 0 } else { 0xFF }; 8];
    value[..width].copy_from_slice(bytes);
    i64::from_le_bytes(value)
}

impl<'a> Intset<'a> {
    /// Views the bytes of a block. A width that none has reads as an empty set.
    pub fn new(bytes: &'a [u8]) -> Self {
        match bytes {
            [width @ (2 | 4 | 8), body @ ..] => Self { width: usize::from(*width), body, block: bytes },
            _ => Self { width: 8, body: &[], block: &EMPTY },
        }
    }

    /// The block.
    pub fn bytes(self) -> &'a [u8] {
        self.block
    }

    /// Bytes of each integer.
    pub fn width(self) -> usize {
        self.width
    }

    /// Number of integers.
    pub fn len(self) -> usize {
        self.body.len() / self.width
    }

    /// Whether there is no integer.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The integer with an index in ascending order.
    pub fn get(self, index: usize) -> Option<i64> {
        (index < self.len()).then(|| read(self.body, self.width, index))
    }

    /// Where `value` is, or where it belongs.
    pub fn search(self, value: i64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            match read(self.body, self.width, middle).cmp(&value) {
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// Whether `value` is a member.
    pub fn contains(self, value: i64) -> bool {
        width_of(value) <= self.width && self.search(value).is_ok()
    }

    /// The integers in ascending order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = i64> + Clone + 'a {
        let (body, width) = (self.body, self.width);
        (0..self.len()).map(move |index| read(body, width, index))
    }

    /// Appends the intset of RDB files.
    pub fn append_rdb(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.width as u32).to_le_bytes());
        out.extend_from_slice(&(self.len() as u32).to_le_bytes());
        out.extend_from_slice(self.body);
    }

    /// Size of the intset of RDB files.
    pub fn rdb_len(self) -> usize {
        RDB_HEADER + self.body.len()
    }
}

/// Adds `value`; false if it is there.
pub fn add<B: Block + ?Sized>(block: &mut B, value: i64) -> bool {
    let set = Intset::new(block.bytes());
    let (width, count) = (set.width, set.len());
    let needed = width_of(value);
    if needed > width {
        // It is less than all others or greater than all others.
        let mut wide = Vec::with_capacity(1 + (count + 1) * needed);
        wide.push(needed as u8);
        let mut push = |value: i64| wide.extend_from_slice(&value.to_le_bytes()[..needed]);
        if value < 0 {
            push(value);
        }
        set.iter().for_each(&mut push);
        if value >= 0 {
            push(value);
        }
        let len = block.bytes().len();
        block.splice(0, len, &wide);
        return true;
    }
    let Err(index) = set.search(value) else { return false };
    block.splice(1 + index * width, 0, &value.to_le_bytes()[..width]);
    true
}

/// Removes `value`; false if it is not there.
pub fn remove<B: Block + ?Sized>(block: &mut B, value: i64) -> bool {
    let set = Intset::new(block.bytes());
    let (width, found) = (set.width, set.contains(value).then(|| set.search(value)));
    let Some(Ok(index)) = found else { return false };
    block.splice(1 + index * width, width, &[]);
    true
}

/// Makes a block of an intset from outside, after a check of all of it.
pub fn from_rdb(intset: &[u8]) -> Result<Vec<u8>, Damage> {
    let (header, body) = intset.split_at_checked(RDB_HEADER).ok_or(Damage::Header)?;
    let word =
        |at: usize| header[at..at + 4].iter().rev().fold(0usize, |word, &byte| word << 8 | usize::from(byte));
    let (width, count) = (word(0), word(4));
    if !matches!(width, 2 | 4 | 8) || count == 0 || count.checked_mul(width) != Some(body.len()) {
        return Err(Damage::Header);
    }
    let mut block = Vec::with_capacity(1 + body.len());
    block.push(width as u8);
    block.extend_from_slice(body);
    let set = Intset::new(&block);
    let ascending = set.iter().zip(set.iter().skip(1)).all(|(one, next)| one < next);
    if ascending { Ok(block) } else { Err(Damage::Header) }
}
