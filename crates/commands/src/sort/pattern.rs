//! Patterns that name a value for each element: `weight_*`, `object_*->field`, and `#` for the element itself.
//!
//! A pattern is looked at as a C string: what follows a zero byte is not searched for a star or an arrow, but is part of the name.

use engine::Data;
use value::packed::Element;
use value::string::StrRef;

/// A pattern, taken apart.
#[derive(Debug)]
pub(super) enum Pattern<'a> {
    /// `#`
    Itself,
    /// Without a star: names nothing.
    Constant,
    /// With a star.
    Key {
        before: &'a [u8],
        behind: &'a [u8],
        /// The field of a hash, instead of a string.
        field: Option<&'a [u8]>,
    },
}

/// What a pattern leads to.
pub(super) enum Found<'a> {
    Nothing,
    Element(Element<'a>),
    String(StrRef<'a>),
}

impl<'a> Pattern<'a> {
    pub(super) fn new(text: &'a [u8]) -> Pattern<'a> {
        if text == b"#" {
            return Pattern::Itself;
        }
        let searched = text.split(|&byte| byte == 0).next().unwrap_or(text);
        let Some(star) = searched.iter().position(|&byte| byte == b'*') else { return Pattern::Constant };
        let (before, behind) = (&text[..star], &text[star + 1..]);
        let arrow = searched[star + 1..].windows(2).position(|two| two == b"->");
        match arrow.map(|at| (&behind[..at], &behind[at + 2..])) {
            // An arrow that nothing follows is part of the key.
            Some((behind, field)) if !field.is_empty() && field[0] != 0 => {
                Pattern::Key { before, behind, field: Some(field) }
            }
            _ => Pattern::Key { before, behind, field: None },
        }
    }

    /// Whether it names keys.
    pub(super) fn has_star(&self) -> bool {
        matches!(self, Pattern::Key { .. })
    }

    /// Shows what the pattern means for an element. Keys are read as any other: counted, and noted as accesses.
    pub(super) fn find<R>(
        &self,
        data: &mut Data<'_>,
        element: Element<'_>,
        show: impl FnOnce(Found<'_>) -> R,
    ) -> R {
        let Pattern::Key { before, behind, field } = self else {
            return show(match self {
                Pattern::Itself => Found::Element(element),
                _ => Found::Nothing,
            });
        };
        let key = [before, element.text(&mut None), behind].concat();
        let value = data.read(&key).map(|view| view.value);
        let found = match field {
            Some(field) => {
                value.and_then(|value| value.hash()?.get(field)).map_or(Found::Nothing, Found::Element)
            }
            None => value.and_then(|value| value.string()).map_or(Found::Nothing, Found::String),
        };
        show(found)
    }
}

impl Found<'_> {
    /// The text; `None` if there is nothing.
    pub(super) fn to_vec(&self) -> Option<Vec<u8>> {
        match self {
            Found::Nothing => None,
            Found::Element(element) => Some(element.to_vec()),
            Found::String(string) => {
                let mut text = Vec::new();
                string.copy_range_to(0..string.len(), &mut text);
                Some(text)
            }
        }
    }
}
