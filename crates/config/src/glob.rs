//! Matches byte strings against the glob patterns of KEYS, SCAN, PSUBSCRIBE, CONFIG GET and ACL rules.
//!
//! It does not touch files and knows nothing of path separators; `file` expands `include` patterns with it,
//! one path component at a time.
//!
//! The language, as redis-server reads it (`stringmatchlen`, observed through KEYS):
//!
//! ```text
//! *        any number of bytes, none included        [abc]   one of these bytes
//! ?        exactly one byte                          [a-c]   a range; its ends may be swapped
//! \x       x itself                                  [^abc]  none of these bytes
//! ```
//!
//! A class that is never closed ends with the pattern; a backslash at the very end stands for itself.
//!
//! Cost: at most `pattern.len() * text.len()` steps and no memory. Only the last star is ever retried, because
//! an earlier star that gave way to a later one can not do better by taking more; so no pattern is exponential.

/// Whether letters of the ASCII alphabet match regardless of case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `a` and `A` differ: keys, channels, values.
    Sensitive,
    /// `a` and `A` are equal: option and command names.
    Insensitive,
}

/// True if `pattern` has a byte that makes it more than a plain name (`*`, `?`, `[`; a backslash alone does
/// not count, as in CONFIG GET).
#[must_use]
pub fn is_pattern(pattern: &[u8]) -> bool {
    pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// True if the whole of `text` is described by `pattern`. An empty text is described by the empty pattern only, not by `*`: Redis
/// stops before it looks at the star. (KEYS and SCAN do not ask at all when the pattern is `*`.)
#[must_use]
pub fn matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut at, mut seen) = (0, 0);
    // Where to go on after the last star, and how much of the text it has taken so far.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                if at == pattern.len() {
                    return true;
                }
                retry = Some((at, seen));
                continue;
            }
            Some(_) => {
                if let Some(&byte) = text.get(seen) {
                    let (accepted, width) = one(&pattern[at..], byte, case);
                    if accepted {
                        at += width;
                        seen += 1;
                        continue;
                    }
                }
            }
            None if seen == text.len() => return true,
            None => {}
        }
        match retry {
            Some((after_star, taken)) if taken < text.len() => {
                at = after_star;
                seen = taken + 1;
                retry = Some((after_star, taken + 1));
            }
            _ => return false,
        }
    }
}

/// Compares one byte with the element (anything but a star) at the head of `pattern`, which is not empty.
/// Returns the verdict and how many bytes of the pattern the element takes.
fn one(pattern: &[u8], byte: u8, case: Case) -> (bool, usize) {
    match pattern {
        [b'?', ..] => (true, 1),
        [b'[', class @ ..] => {
            let (accepted, width) = in_class(class, byte, case);
            (accepted, width + 1)
        }
        [b'\\', escaped, ..] => (same(*escaped, byte, case), 2),
        [plain, ..] => (same(*plain, byte, case), 1),
        [] => (false, 0),
    }
}

/// Looks `byte` up in the class whose text after the opening bracket is `class`. The width includes the
/// closing bracket if there is one.
fn in_class(class: &[u8], byte: u8, case: Case) -> (bool, usize) {
    let negated = class.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    loop {
        match &class[at..] {
            [] => break,
            [b']', ..] => {
                at += 1;
                break;
            }
            [b'\\', escaped, ..] => {
                // Escaped members are compared exactly, whatever `case` says: so does redis-server.
                found |= *escaped == byte;
                at += 2;
            }
            [from, b'-', to, ..] => {
                let (from, to) = if from <= to { (*from, *to) } else { (*to, *from) };
                found |= match case {
                    Case::Sensitive => (from..=to).contains(&byte),
                    Case::Insensitive => (from.to_ascii_lowercase()..=to.to_ascii_lowercase())
                        .contains(&byte.to_ascii_lowercase()),
                };
                at += 3;
            }
            [member, ..] => {
                found |= same(*member, byte, case);
                at += 1;
            }
        }
    }
    (found != negated, at)
}

/// Equality of two bytes under `case`.
fn same(left: u8, right: u8, case: Case) -> bool {
    match case {
        Case::Sensitive => left == right,
        Case::Insensitive => left.eq_ignore_ascii_case(&right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(
            matches(pattern.as_bytes(), text.as_bytes(), Case::Sensitive),
            expected,
            "{pattern} against {text}"
        );
    }

    #[test]
    fn plain_and_wild() {
        check("", "", true);
        check("", "a", false);
        check("a", "", false);
        check("*", "", false);
        check("**", "", false);
        check("a**", "a", true);
        check("*a*", "a", true);
        check("**", "abc", true);
        check("h?llo", "hello", true);
        check("h?llo", "hllo", false);
        check("h*llo", "heeeello", true);
        check("a*b*c", "axxbxxc", true);
        check("a*b*c", "axxbxx", false);
        check("*abc", "ababc", true);
        check("*a?c*", "zzabzabcz", true);
    }

    #[test]
    fn classes() {
        check("h[ae]llo", "hallo", true);
        check("h[ae]llo", "hillo", false);
        check("h[^e]llo", "hallo", true);
        check("h[^e]llo", "hello", false);
        check("h[a-c]llo", "hbllo", true);
        check("h[c-a]llo", "hbllo", true);
        check("h[a\\]]llo", "h]llo", true);
        check("[]x", "x", false);
        check("[abc", "b", true);
        check("[", "x", false);
        check("[^", "x", true);
        check("*[0-9]", "key7", true);
        check("*[0-9]x", "k1y7", false);
    }

    #[test]
    fn escapes() {
        check("\\*", "*", true);
        check("\\*", "a", false);
        check("a\\", "a\\", true);
        check("\\[a]", "[a]", true);
    }

    #[test]
    fn case_is_optional() {
        assert!(matches(b"MAX*[X-Z]", b"maxmemory", Case::Insensitive));
        assert!(!matches(b"MAX*", b"maxmemory", Case::Sensitive));
    }

    /// The known exponential pattern: thirty stars over a text that nearly matches.
    #[test]
    fn hostile_patterns_are_quick() {
        let pattern = [b"a*".repeat(50), b"b".to_vec()].concat();
        let text = b"a".repeat(5000);
        assert!(!matches(&pattern, &text, Case::Sensitive));
    }

    /// Against a naive recursive matcher over all short texts of two letters; the empty text has a rule of its own.
    #[test]
    fn agrees_with_the_naive_matcher() {
        fn naive(pattern: &[u8], text: &[u8]) -> bool {
            match (pattern, text) {
                ([], rest) => rest.is_empty(),
                ([b'*', more @ ..], rest) => (0..=rest.len()).any(|skip| naive(more, &rest[skip..])),
                ([b'?', more @ ..], [_, rest @ ..]) => naive(more, rest),
                ([byte, more @ ..], [first, rest @ ..]) => byte == first && naive(more, rest),
                (_, []) => false,
            }
        }
        let words = |letters: &[u8], longest: u32| {
            let mut all = vec![vec![]];
            for length in 1..=longest {
                for mut code in 0..letters.len().pow(length) {
                    let mut word = Vec::new();
                    for _ in 0..length {
                        word.push(letters[code % letters.len()]);
                        code /= letters.len();
                    }
                    all.push(word);
                }
            }
            all
        };
        let texts = words(b"ab", 5);
        for pattern in words(b"ab*?", 5) {
            for text in &texts {
                let expected = if text.is_empty() { pattern.is_empty() } else { naive(&pattern, text) };
                assert_eq!(matches(&pattern, text, Case::Sensitive), expected);
            }
        }
    }
}
