//! Rust text with comments and literals blanked out, and the functions in it.
//!
//! It is no parser: braces and words are enough for sizes, and the compiler has seen the text before.

/// A function and its size.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line it starts on, from 1.
    pub line: usize,
    /// Lines from the signature to the closing brace.
    pub lines: usize,
}

/// The text with every character of comments, strings and character literals replaced by a space; lines stay.
pub fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => find(bytes, at, |rest| rest[0] == b'\n'),
            b'/' if bytes.get(at + 1) == Some(&b'*') => block_comment_end(bytes, at),
            b'r' | b'b' if !is_word(bytes, at.wrapping_sub(1)) => match raw_string_end(bytes, at) {
                Some(end) => end,
                None => {
                    at += 1;
                    continue;
                }
            },
            b'"' => string_end(bytes, at),
            b'\'' => match char_end(bytes, at) {
                Some(end) => end,
                None => {
                    at += 1;
                    continue;
                }
            },
            _ => {
                at += 1;
                continue;
            }
        };
        out[at..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The functions with a body, in order of their appearance. The text must be masked.
pub fn functions(masked: &str) -> Vec<Function> {
    let bytes = masked.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = masked[at..].find("fn ") {
        let start = at + offset;
        at = start + 3;
        if is_word(bytes, start.wrapping_sub(1)) {
            continue;
        }
        let name: String =
            masked[at..].trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let Some(body) = masked[at..].find(['{', ';']).map(|offset| at + offset) else { break };
        if name.is_empty() || bytes[body] == b';' {
            continue;
        }
        let end = matching_brace(bytes, body);
        let line_of = |offset: usize| bytes[..offset].iter().filter(|&&byte| byte == b'\n').count() + 1;
        found.push(Function { name, line: line_of(start), lines: line_of(end) - line_of(start) + 1 });
    }
    found
}

fn matching_brace(bytes: &[u8], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, byte) in bytes.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

fn is_word(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

fn find(bytes: &[u8], from: usize, fits: impl Fn(&[u8]) -> bool) -> usize {
    (from..bytes.len()).find(|&at| fits(&bytes[at..])).unwrap_or(bytes.len())
}

fn block_comment_end(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0;
    let mut at = from;
    while at < bytes.len() {
        match &bytes[at..(at + 2).min(bytes.len())] {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

/// The end of `r"..."`, `r#"..."#`, `br"..."` starting at `from`; none when it is no raw string.
fn raw_string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + usize::from(bytes[from] == b'b');
    if bytes.get(at) != Some(&b'r') {
        return None;
    }
    at += 1;
    let hashes = bytes[at..].iter().take_while(|&&byte| byte == b'#').count();
    at += hashes;
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    Some((find(bytes, at + 1, |rest| rest.starts_with(&close)) + close.len()).min(bytes.len()))
}

fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The end of a character literal; none for a lifetime.
fn char_end(bytes: &[u8], from: usize) -> Option<usize> {
    if bytes.get(from + 1) == Some(&b'\\') {
        return Some((find(bytes, from + 3, |rest| rest[0] == b'\'') + 1).min(bytes.len()));
    }
    // One character, which may take up to four bytes.
    (from + 2..from + 6)
        .find(|&at| bytes.get(at) == Some(&b'\'') && is_one_char(&bytes[from + 1..at]))
        .map(|at| at + 1)
}

fn is_one_char(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().count() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_comments_and_literals() {
        let text = "a(\"{\\\"}\", '}', '\\'', b\"{\") // }\n/* { /* { */ } */ r#\"}\"# 'life fn 'ü' z";
        let masked = mask(text);
        assert!(!masked.contains(['{', '}', '"', 'ü']), "{masked}");
        assert!(masked.starts_with("a(") && masked.contains("'life") && masked.ends_with('z'));
        assert_eq!(masked.lines().count(), text.lines().count());
    }

    #[test]
    fn measures_functions() {
        let text = "trait T {\n fn no_body(&self);\n}\nfn one() {}\npub fn three<'a>(x: &'a str) -> char {\n    if x == \"}\" { '{' } else { 'a' }\n}\n";
        let found = functions(&mask(text));
        let facts: Vec<_> = found.iter().map(|f| (f.name.as_str(), f.line, f.lines)).collect();
        assert_eq!(facts, [("one", 4, 1), ("three", 5, 3)]);
    }
}
