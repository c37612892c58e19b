//! Splits a configuration line (or an inline command) into words and quotes words back.
//!
//! It does not know options; `file` gives the words their meaning. The rules are redis-server's:
//!
//! ```text
//! plain        up to white space
//! "text"       with \n \r \t \b \a \xHH; any other escaped byte stands for itself
//! 'text'       only \' is an escape
//! ```
//!
//! A closing quote must be followed by white space or the end; a quote that is never closed is an error. A NUL
//! byte ends the line, as it does for redis-server.

/// Splits `line` into words. `None` if the quotes are unbalanced.
#[must_use]
pub fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = skip_blank(rest);
        if rest.is_empty() {
            return Some(words);
        }
        let mut word = Vec::new();
        rest = one_word(rest, &mut word)?;
        words.push(word);
    }
}

/// Reads one word into `word`; returns what follows it.
fn one_word<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        match rest {
            [] => return Some(rest),
            [byte, ..] if is_blank(*byte) => return Some(rest),
            [b'"', more @ ..] => return closed(double_quoted(more, word)?),
            [b'\'', more @ ..] => return closed(single_quoted(more, word)?),
            [byte, more @ ..] => {
                word.push(*byte);
                rest = more;
            }
        }
    }
}

/// The rest after a closing quote, if it begins a new word.
fn closed(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [byte, ..] if !is_blank(*byte) => None,
        _ => Some(rest),
    }
}

fn double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [] => return None,
            [b'"', more @ ..] => return Some(more),
            [b'\\', b'x', high, low, more @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                word.push(hex(*high) << 4 | hex(*low));
                more
            }
            [b'\\', escaped, more @ ..] => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                more
            }
            [byte, more @ ..] => {
                word.push(*byte);
                more
            }
        };
    }
}

fn single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [] => return None,
            [b'\'', more @ ..] => return Some(more),
            [b'\\', b'\'', more @ ..] => {
                word.push(b'\'');
                more
            }
            [byte, more @ ..] => {
                word.push(*byte);
                more
            }
        };
    }
}

/// Appends `word` to `out` between double quotes, so that [`split`] gives it back: the form that CONFIG REWRITE,
/// MONITOR and error lines use.
pub fn quote(word: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in word {
        match byte {
            b'\\' | b'"' => out.extend([b'\\', *byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0x07 => out.extend(b"\\a"),
            0x08 => out.extend(b"\\b"),
            b' '..=b'~' => out.push(*byte),
            other => {
                out.extend(b"\\x");
                out.extend([digit(other >> 4), digit(other & 15)]);
            }
        }
    }
    out.push(b'"');
}

/// The quoted form of `word` on its own.
#[must_use]
pub fn quoted(word: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(word.len() + 2);
    quote(word, &mut out);
    out
}

/// What C's `isspace` accepts.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn skip_blank(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| is_blank(**byte)).count();
    &text[blanks..]
}

fn hex(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        _ => 0,
    }
}

fn digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0' + value,
        _ => b'a' + value - 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<&[&str]>) {
        let expected =
            expected.map(|words| words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>());
        assert_eq!(split(line.as_bytes()), expected, "{line}");
    }

    #[test]
    fn plain_words() {
        check("", Some(&[]));
        check("  \t ", Some(&[]));
        check("save 900 1", Some(&["save", "900", "1"]));
        check(" a\tb\r\n", Some(&["a", "b"]));
    }

    #[test]
    fn quotes() {
        check(r#"requirepass "a b\n\t\x41\"\q""#, Some(&["requirepass", "a b\n\tA\"q"]));
        check(r#"a '' "" 'it\'s \n'"#, Some(&["a", "", "", r"it's \n"]));
        check(r#"pre"fix""#, Some(&["prefix"]));
        check(r#""a"b"#, None);
        check(r#""a"#, None);
        check("'a", None);
        check("'a'b", None);
        check(r#""\xzz""#, Some(&["xzz"]));
        check(r#""\"#, None);
    }

    #[test]
    fn every_byte_survives_quoting() {
        for byte in 0..=255u8 {
            let word = vec![b'x', byte, b'0'];
            assert_eq!(split(&quoted(&word)), Some(vec![word]), "byte {byte}");
        }
    }

    #[test]
    fn quoting_has_redis_form() {
        assert_eq!(quoted(b"a\x00\xff\x07\x08 \"\\"), br#""a\x00\xff\a\b \"\\""#);
    }
}
