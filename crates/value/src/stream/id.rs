//! The ID of a stream's entry: a time and a number within it. How a client spells one is the commands' affair.

use std::fmt;

/// An ID; IDs ascend by time, then by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Milliseconds since 1970, mostly.
    pub ms: u64,
    /// Tells entries of one millisecond apart.
    pub seq: u64,
}

impl StreamId {
    /// `0-0`, which no entry has.
    pub const MIN: Self = Self { ms: 0, seq: 0 };

    /// The highest ID there is.
    pub const MAX: Self = Self { ms: u64::MAX, seq: u64::MAX };

    /// The ID of a time and a number.
    pub const fn new(ms: u64, seq: u64) -> Self {
        Self { ms, seq }
    }

    /// Whether it is `0-0`.
    pub fn is_zero(self) -> bool {
        self == Self::MIN
    }

    /// The next higher ID, `None` behind the highest.
    pub fn next(self) -> Option<Self> {
        self.as_number().checked_add(1).map(Self::from_number)
    }

    /// The next lower ID, `None` below `0-0`.
    pub fn previous(self) -> Option<Self> {
        self.as_number().checked_sub(1).map(Self::from_number)
    }

    /// Sixteen bytes that compare as IDs do; so RDB files have them.
    pub fn to_bytes(self) -> [u8; 16] {
        self.as_number().to_be_bytes()
    }

    /// The ID that [`Self::to_bytes`] made these bytes of.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from_number(u128::from_be_bytes(bytes))
    }

    fn as_number(self) -> u128 {
        u128::from(self.ms) << 64 | u128::from(self.seq)
    }

    fn from_number(number: u128) -> Self {
        Self { ms: (number >> 64) as u64, seq: number as u64 }
    }

    /// The difference to a node's master ID, as a node stores it: modulo 2^64.
    pub(super) fn minus(self, master: Self) -> (i64, i64) {
        (self.ms.wrapping_sub(master.ms) as i64, self.seq.wrapping_sub(master.seq) as i64)
    }

    /// The ID with a difference to this one.
    pub(super) fn plus(self, ms: i64, seq: i64) -> Self {
        Self { ms: self.ms.wrapping_add_signed(ms), seq: self.seq.wrapping_add_signed(seq) }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}
