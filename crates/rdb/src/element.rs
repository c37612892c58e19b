//! One element of a collection as it is spelled: a string that may be known as an integer. Knows no layout.

use std::borrow::Cow;

use value::number::{IntText, parse_i64};

/// An element, field, member or value. The two spellings of one string (`Int(5)` and `Bytes(b"5")`) differ under
/// `==`; [`Element::normal`] makes them equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element<'a> {
    /// The decimal digits of this number.
    Int(i64),
    /// These bytes.
    Bytes(&'a [u8]),
}

impl<'a> Element<'a> {
    /// The integer if the text is the canonical spelling of one, else the bytes.
    pub fn normal(self) -> Self {
        match self {
            Self::Bytes(text) => parse_i64(text).map_or(self, Self::Int),
            int => int,
        }
    }

    /// Calls `with` with the element's text.
    pub fn with_text<R>(self, with: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::Int(value) => with(IntText::new(value).as_bytes()),
            Self::Bytes(bytes) => with(bytes),
        }
    }

    /// The element's text.
    pub fn to_cow(self) -> Cow<'a, [u8]> {
        match self {
            Self::Int(value) => Cow::Owned(IntText::new(value).as_bytes().to_vec()),
            Self::Bytes(bytes) => Cow::Borrowed(bytes),
        }
    }

    /// The integer that the element spells, if it does.
    pub fn as_int(self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(value),
            Self::Bytes(text) => parse_i64(text),
        }
    }
}

impl<'a> From<value::packed::Element<'a>> for Element<'a> {
    fn from(element: value::packed::Element<'a>) -> Self {
        match element {
            value::packed::Element::Int(value) => Self::Int(value),
            value::packed::Element::Bytes(bytes) => Self::Bytes(bytes),
        }
    }
}

impl<'a> From<Element<'a>> for value::packed::Element<'a> {
    fn from(element: Element<'a>) -> Self {
        match element {
            Element::Int(value) => Self::Int(value),
            Element::Bytes(bytes) => Self::of(bytes),
        }
    }
}

impl<'a> From<&'a [u8]> for Element<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_string() {
        assert_eq!(Element::Bytes(b"-17").normal(), Element::Int(-17));
        for text in [&b"017"[..], b"-0", b"+1", b" 1", b"", b"9223372036854775808"] {
            assert_eq!(Element::Bytes(text).normal(), Element::Bytes(text));
            assert_eq!(Element::Bytes(text).as_int(), None);
        }
        assert_eq!(&*Element::Int(i64::MIN).to_cow(), b"-9223372036854775808");
        assert_eq!(Element::Int(12).with_text(<[u8]>::to_vec), b"12");
    }
}
