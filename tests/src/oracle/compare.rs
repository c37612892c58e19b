//! Comparing two replies: byte for byte, but for what a row of the table says may differ.

use super::table::Compare;
use crate::client::{Reply, parse};

/// Whether two raw replies agree.
pub fn agree(compare: Compare, ours: &[u8], reference: &[u8]) -> bool {
    if ours == reference {
        return true;
    }
    let (Ok(a), Ok(b)) = (parse(ours), parse(reference)) else { return false };
    if a.is_error() || b.is_error() {
        // Errors are text that clients match on: never excused, except where nothing is compared.
        return compare == Compare::Answered;
    }
    match compare {
        Compare::Exact | Compare::Scan => false,
        Compare::Answered => true,
        Compare::Unordered => sorted(&a) == sorted(&b),
        Compare::Near(slack) => match (a.int(), b.int()) {
            (Some(a), Some(b)) => a >= 0 && b >= 0 && a.abs_diff(b) <= slack.unsigned_abs(),
            _ => false,
        },
        Compare::Shape => std::mem::discriminant(&a) == std::mem::discriminant(&b),
    }
}

/// The elements of an array, set or map in a fixed order; the reply itself when it is none of them.
pub fn sorted(reply: &Reply) -> Vec<String> {
    let mut items: Vec<String> = match reply {
        Reply::Map(pairs) => pairs.iter().map(|pair| format!("{pair:?}")).collect(),
        other => other.items().iter().map(|item| format!("{item:?}")).collect(),
    };
    if items.is_empty() {
        items.push(format!("{reply:?}"));
    }
    items.sort();
    items
}

/// A reply or a word for a report: printable, cut at 200 bytes.
pub fn show(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(200)];
    let rest = if cut.len() < bytes.len() { format!("... ({} bytes)", bytes.len()) } else { String::new() };
    format!("\"{}\"{rest}", cut.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excuses_only_what_it_should() {
        let agrees = |compare, a: &str, b: &str| agree(compare, a.as_bytes(), b.as_bytes());
        assert!(!agrees(Compare::Exact, ":1\r\n", ":2\r\n"));
        assert!(agrees(Compare::Near(2), ":100\r\n", ":101\r\n"));
        assert!(!agrees(Compare::Near(2), ":-1\r\n", ":1\r\n"));
        assert!(!agrees(Compare::Near(2), ":100\r\n", ":110\r\n"));
        assert!(agrees(Compare::Unordered, "*2\r\n+a\r\n+b\r\n", "*2\r\n+b\r\n+a\r\n"));
        assert!(!agrees(Compare::Unordered, "*1\r\n+a\r\n", "*2\r\n+b\r\n+a\r\n"));
        assert!(!agrees(Compare::Unordered, "*0\r\n", "~0\r\n"));
        assert!(agrees(
            Compare::Unordered,
            "%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n",
            "%2\r\n+b\r\n:2\r\n+a\r\n:1\r\n"
        ));
        assert!(!agrees(Compare::Unordered, "%1\r\n+a\r\n:1\r\n", "%1\r\n+a\r\n:2\r\n"));
        assert!(agrees(Compare::Shape, "$1\r\na\r\n", "$1\r\nb\r\n"));
        assert!(!agrees(Compare::Shape, "$-1\r\n", "$1\r\nb\r\n"));
        assert!(!agrees(Compare::Shape, "-ERR a\r\n", "-ERR b\r\n"));
    }
}
