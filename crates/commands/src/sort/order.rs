//! Elements with what they are sorted by, and the order of them.
//!
//! Numbers are read as C's strtod does. Texts are compared byte by byte; where the result is not stored only as far as their first
//! zero byte, as strcoll does in the C locale. Equal ones stay in the order in which they came.

use std::cmp::Ordering;

use value::number::parse_f64;
use value::packed::Element;

/// An element and its weight.
pub(super) struct Item<'a> {
    pub(super) element: Element<'a>,
    pub(super) weight: Weight,
}

/// What an element is sorted by.
pub(super) enum Weight {
    /// A number.
    Number(f64),
    /// Its own text.
    Itself,
    /// Another text; `None` comes first.
    Text(Option<Vec<u8>>),
}

/// How texts are compared.
#[derive(Clone, Copy)]
pub(super) enum Collation {
    /// All bytes.
    Bytes,
    /// Up to the first zero byte.
    CStrings,
}

impl Collation {
    fn compare(self, a: &[u8], b: &[u8]) -> Ordering {
        match self {
            Collation::Bytes => a.cmp(b),
            Collation::CStrings => c_string(a).cmp(c_string(b)),
        }
    }
}

/// Sorts items of one kind of weight.
pub(super) fn sort(items: &mut [Item<'_>], collation: Collation, descending: bool) {
    items.sort_by(|a, b| {
        let ordering = compare(a, b, collation);
        if descending { ordering.reverse() } else { ordering }
    });
}

fn compare(a: &Item<'_>, b: &Item<'_>, collation: Collation) -> Ordering {
    let itself =
        |collation: Collation| collation.compare(a.element.text(&mut None), b.element.text(&mut None));
    match (&a.weight, &b.weight) {
        (Weight::Number(x), Weight::Number(y)) => {
            x.partial_cmp(y).unwrap_or(Ordering::Equal).then_with(|| itself(Collation::Bytes))
        }
        (Weight::Text(Some(x)), Weight::Text(Some(y))) => collation.compare(x, y),
        (Weight::Text(x), Weight::Text(y)) => x.is_some().cmp(&y.is_some()),
        _ => itself(collation),
    }
}

/// The number that a text is for C's strtod, if all of it up to a zero byte is one: white space may precede it, and no text at all is 0.
pub(super) fn number(text: &[u8]) -> Option<f64> {
    let text = c_string(text);
    if text.is_empty() {
        return Some(0.0);
    }
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    parse_f64(&text[blanks..])
}

fn c_string(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == 0).next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_strtod() {
        for (text, expected) in [
            ("", Some(0.0)),
            (" \t7", Some(7.0)),
            ("0x1p4", Some(16.0)),
            ("-inf", Some(f64::NEG_INFINITY)),
            ("1.5\u{0}x", Some(1.5)),
            (" ", None),
            ("7 ", None),
            ("nan", None),
            ("1e999", None),
            ("x", None),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text:?}");
        }
    }
}
