//! What XADD is told of the producer of an entry, so that the entry is taken once (Redis 8.6).
//!
//! A name that is made of an entry's content is the same for the same pairs of fields and values in any order, on any server: a client may ask a replica
//! that was promoted meanwhile. The stream keeps the names.

use std::borrow::Cow;

use engine::{Args, Argument, ArgumentKind, Error};
use xxhash_rust::xxh3::Xxh3;

const PRODUCER: Argument = Argument::new("producer-id", ArgumentKind::String);

/// `IDMPAUTO producer-id | IDMP producer-id idempotent-id`
pub(super) const IDEMPOTENCE: Argument = Argument::one_of(
    "idempotence",
    &[
        PRODUCER.after("IDMPAUTO"),
        Argument::block(
            "named",
            &[PRODUCER.after("IDMP"), Argument::new("idempotent-id", ArgumentKind::String)],
        ),
    ],
)
.since("8.6.0")
.optional();

/// The error for an ID that is given, or of which a part is.
pub(super) const ID_GIVEN: Error = Error::fixed("ERR IDMP/IDMPAUTO can be used only with auto-generated IDs");
const TWICE: Error = Error::fixed("ERR IDMP/IDMPAUTO specified multiple times");
const NO_PRODUCER: Error = Error::fixed("ERR IDMP requires a non-empty producer ID");
const NO_NAME: Error = Error::fixed("ERR IDMP requires a non-empty idempotent ID");
const NO_PRODUCER_AUTO: Error = Error::fixed("ERR IDMPAUTO requires a non-empty producer ID");

/// Who sends an entry, and what that calls it.
#[derive(Clone, Debug)]
pub(super) struct Produced<'a> {
    /// Who sends it.
    pub producer: &'a [u8],
    /// The name of the entry; empty until it is made of the content.
    pub name: Cow<'a, [u8]>,
    /// Where among the arguments the option stands.
    at: usize,
}

impl<'a> Produced<'a> {
    /// Takes the option at `at`. Returns how many arguments it has; `None` if it is another one.
    pub(super) fn take(
        produced: &mut Option<Produced<'a>>,
        args: Args<'a>,
        at: usize,
    ) -> Result<Option<usize>, Error> {
        let (producer, name, taken) = match args.get(at..) {
            Some([word, producer, ..]) if word.eq_ignore_ascii_case(b"IDMPAUTO") => (*producer, None, 2),
            Some([word, producer, name, ..]) if word.eq_ignore_ascii_case(b"IDMP") => {
                (*producer, Some(*name), 3)
            }
            _ => return Ok(None),
        };
        if produced.is_some() {
            return Err(TWICE);
        }
        match (producer, name) {
            (b"", None) => return Err(NO_PRODUCER_AUTO),
            (b"", Some(_)) => return Err(NO_PRODUCER),
            (_, Some(b"")) => return Err(NO_NAME),
            _ => {}
        }
        *produced = Some(Produced { producer, name: Cow::Borrowed(name.unwrap_or_default()), at });
        Ok(Some(taken))
    }

    /// Makes the name of the content if none was given.
    pub(super) fn name_by_content(&mut self, pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>) {
        if self.name.is_empty() {
            self.name = Cow::Owned(content_name(pairs).to_vec());
        }
    }

    /// Puts the name into the request, so that who applies it has the same one. What lies behind moves.
    pub(super) fn put<'r>(&'r self, request: &mut Vec<&'r [u8]>) {
        if let Cow::Owned(name) = &self.name {
            request[self.at] = b"IDMP";
            request.insert(self.at + 2, name);
        }
    }
}

/// A sum of hashes of the pairs, so that their order makes no difference.
fn content_name<'a>(pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> [u8; 16] {
    let mut sum = 0u128;
    for (field, value) in pairs {
        let mut hasher = Xxh3::new();
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field);
        hasher.update(value);
        sum = sum.wrapping_add(hasher.digest128());
    }
    sum.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_pairs_in_any_order() {
        let name = |pairs: &[(&'static str, &'static str)]| {
            content_name(pairs.iter().map(|(field, value)| (field.as_bytes(), value.as_bytes())))
        };
        assert_eq!(name(&[("a", "b"), ("c", "d")]), name(&[("c", "d"), ("a", "b")]));
        let others: [&[_]; 7] = [
            &[("a", "b"), ("c", "d")],
            &[("a", "d"), ("c", "b")],
            &[("a", "b")],
            &[("a", "b"), ("a", "b")],
            &[("", "ab")],
            &[("ab", "")],
            &[("b", "a")],
        ];
        let names: std::collections::BTreeSet<_> = others.iter().map(|pairs| name(pairs)).collect();
        assert_eq!(names.len(), others.len());
    }
}
