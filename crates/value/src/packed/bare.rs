//! Elements without back lengths, one behind the other: for leaves that are walked forward only. Their owner knows how many there are.

use super::Element;
use super::element::{body_len, decode};

/// A walk over elements without back lengths. Ends early where there is no element.
#[derive(Clone, Debug)]
pub(crate) struct Bare<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bare<'a> {
    /// The elements that begin at `at`.
    #[inline]
    pub fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Position of the next element.
    #[inline]
    pub fn at(&self) -> usize {
        self.at
    }

    /// All bytes from the next element on.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Passes over elements without looking at their data.
    #[inline]
    pub fn skip_many(&mut self, count: usize) -> Option<()> {
        for _ in 0..count {
            self.at += body_len(self.bytes, self.at)?;
        }
        Some(())
    }

    /// The bytes of the next element.
    #[inline]
    pub fn next_spelled(&mut self) -> Option<&'a [u8]> {
        let end = self.at + body_len(self.bytes, self.at)?;
        let spelled = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(spelled)
    }
}

impl<'a> Iterator for Bare<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        let (element, end) = decode(self.bytes, self.at)?;
        self.at = end;
        Some(element)
    }
}
