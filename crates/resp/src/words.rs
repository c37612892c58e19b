//! Words of an inline request, quoted as redis-cli and redis.conf quote them.

/// Splits a line into words. `"..."` knows `\n \r \t \b \a \xHH` and escapes anything else, `'...'` knows `\'` only; a closing quote
/// is followed by space or the end. None for unbalanced quotes.
pub fn split_words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        while line.get(at).is_some_and(|&b| is_space(b)) {
            at += 1;
        }
        if at >= line.len() {
            return Some(words);
        }
        let mut word = Vec::new();
        while let Some(&byte) = line.get(at).filter(|&&b| !is_space(b) && b != 0) {
            at = match byte {
                b'"' => double_quoted(line, at + 1, &mut word)?,
                b'\'' => single_quoted(line, at + 1, &mut word)?,
                _ => {
                    word.push(byte);
                    at + 1
                }
            };
        }
        // A NUL ends the line, as it does in C.
        if line.get(at) == Some(&0) {
            at = line.len();
        }
        words.push(word);
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn hex(byte: Option<&u8>) -> Option<u8> {
    (*byte? as char).to_digit(16).map(|d| d as u8)
}

/// Reads up to the closing quote; returns the place behind it.
fn double_quoted(line: &[u8], mut at: usize, word: &mut Vec<u8>) -> Option<usize> {
    loop {
        match *line.get(at)? {
            b'"' => return end_of_quotes(line, at + 1),
            b'\\' => {
                let escaped = *line.get(at + 1)?;
                if escaped == b'x'
                    && let (Some(high), Some(low)) = (hex(line.get(at + 2)), hex(line.get(at + 3)))
                {
                    word.push(high << 4 | low);
                    at += 4;
                    continue;
                }
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => other,
                });
                at += 2;
            }
            byte => {
                word.push(byte);
                at += 1;
            }
        }
    }
}

fn single_quoted(line: &[u8], mut at: usize, word: &mut Vec<u8>) -> Option<usize> {
    loop {
        match *line.get(at)? {
            b'\'' => return end_of_quotes(line, at + 1),
            b'\\' if line.get(at + 1) == Some(&b'\'') => {
                word.push(b'\'');
                at += 2;
            }
            byte => {
                word.push(byte);
                at += 1;
            }
        }
    }
}

fn end_of_quotes(line: &[u8], at: usize) -> Option<usize> {
    line.get(at).is_none_or(|&b| is_space(b)).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &[u8], expected: Option<&[&[u8]]>) {
        let words = split_words(line);
        let words: Option<Vec<&[u8]>> = words.as_ref().map(|w| w.iter().map(Vec::as_slice).collect());
        assert_eq!(words.as_deref(), expected, "{:?}", line.escape_ascii().to_string());
    }

    #[test]
    fn words_and_quotes() {
        check(b"", Some(&[]));
        check(b"  SET  k\tv ", Some(&[b"SET", b"k", b"v"]));
        check(br#"SET k "a b\n\x41\xZ1\q""#, Some(&[b"SET", b"k", b"a b\nAxZ1q"]));
        check(br"SET k 'it\'s \n'", Some(&[b"SET", b"k", br"it's \n"]));
        check(br#"a"b c"d"#, None);
        check(br#""open"#, None);
        check(b"'open", None);
        check(br#""""#, Some(&[b""]));
    }
}
