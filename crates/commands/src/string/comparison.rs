//! The comparisons that SET and DELEX make before they act, and the digest of a string.

use engine::Error;
use value::number::IntText;
use value::string::StrRef;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

const DIGEST_LEN: usize = 16;

const NOT_A_DIGEST: Error = Error::fixed("ERR must be exactly 16 hexadecimal characters");

/// A digest as clients see it: XXH3 with 64 bits, in hexadecimal.
pub fn digest(value: StrRef<'_>) -> [u8; DIGEST_LEN] {
    let hash = match value {
        StrRef::Bytes(bytes) => xxh3_64(bytes),
        _ => {
            let mut hasher = Xxh3::new();
            value.chunks(&mut IntText::new(0)).for_each(|chunk| hasher.update(chunk));
            hasher.digest()
        }
    };
    let digit = |at: usize| (hash >> (60 - 4 * at)) as usize & 15;
    std::array::from_fn(|at| b"0123456789abcdef"[digit(at)])
}

/// Whether a string has exactly these bytes.
pub fn is_equal(value: StrRef<'_>, bytes: &[u8]) -> bool {
    match value {
        StrRef::Shared(shared) => shared.eq_bytes(bytes),
        _ => *value.to_cow() == *bytes,
    }
}

/// What the present string has to be like.
#[derive(Clone, Copy, Debug)]
pub struct Comparison<'a> {
    /// Compares digests.
    is_digest: bool,
    /// Whether equality is asked for.
    equal: bool,
    /// The other side.
    operand: &'a [u8],
}

impl<'a> Comparison<'a> {
    /// What a word stands for, with its operand still to come: IFEQ, IFNE, IFDEQ, IFDNE.
    pub fn word(word: &[u8]) -> Option<Comparison<'static>> {
        let is = |text: &str| word.eq_ignore_ascii_case(text.as_bytes());
        let (is_digest, equal) = match word.len() {
            4 if is("IFEQ") => (false, true),
            4 if is("IFNE") => (false, false),
            5 if is("IFDEQ") => (true, true),
            5 if is("IFDNE") => (true, false),
            _ => return None,
        };
        Some(Comparison { is_digest, equal, operand: b"" })
    }

    /// The same with its operand.
    pub fn with(self, operand: &'a [u8]) -> Comparison<'a> {
        Comparison { operand, ..self }
    }

    /// Whether it holds for an absent key: nothing equals nothing.
    pub fn holds_for_nothing(&self) -> bool {
        !self.equal
    }

    /// Whether it holds for this string. A digest that is not 16 characters long is an error, found only now, as in Redis.
    pub fn holds(&self, value: StrRef<'_>) -> Result<bool, Error> {
        let equal = if self.is_digest {
            if self.operand.len() != DIGEST_LEN {
                return Err(NOT_A_DIGEST);
            }
            digest(value).eq_ignore_ascii_case(self.operand)
        } else {
            is_equal(value, self.operand)
        };
        Ok(equal == self.equal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::string::Shared;

    #[test]
    fn digests_do_not_depend_on_the_form() {
        // From the documentation of DIGEST.
        assert_eq!(&digest(StrRef::Bytes(b"Hello world")), b"b6acb9d84a38ff74");
        for bytes in [b"12".to_vec(), b"x".repeat(300), b"xyz".repeat(100_000)] {
            let shared = Shared::from_slice(&bytes);
            assert_eq!(digest(StrRef::Bytes(&bytes)), digest(StrRef::Shared(&shared)));
        }
        assert_eq!(digest(StrRef::Int(12)), digest(StrRef::Bytes(b"12")));
    }

    #[test]
    fn equality_does_not_depend_on_the_form() {
        let long = Shared::from_slice(&b"xyz".repeat(100_000));
        assert!(is_equal(StrRef::Shared(&long), &b"xyz".repeat(100_000)));
        assert!(!is_equal(StrRef::Shared(&long), b"xyz"));
        assert!(is_equal(StrRef::Int(-5), b"-5") && !is_equal(StrRef::Int(-5), b"-05"));
    }
}
