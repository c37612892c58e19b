//! The text of INFO: sections with titles, fields by name, Redis's layouts of numbers.

use std::fmt::{Display, Write};

/// The text so far. Writing to it cannot fail.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// Begins a section.
    pub(super) fn section(&mut self, title: &str) {
        let gap = if self.0.is_empty() { "" } else { "\r\n" };
        let _ = write!(self.0, "{gap}# {title}\r\n");
    }

    /// A field.
    pub(super) fn line(&mut self, name: &str, value: impl Display) {
        let _ = write!(self.0, "{name}:{value}\r\n");
    }

    /// Several fields with the same value.
    pub(super) fn lines(&mut self, names: &[&str], value: impl Display) {
        names.iter().for_each(|name| self.line(name, &value));
    }

    /// A number of bytes, and the same for people.
    pub(super) fn bytes(&mut self, name: &str, bytes: u64) {
        self.line(name, bytes);
        self.line(&format!("{name}_human"), human(bytes));
    }

    /// Everything written.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// A number of bytes as Redis shows it to people.
pub(super) fn human(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let mut value = bytes as f64;
    let mut unit = 'B';
    for next in ['K', 'M', 'G', 'T', 'P'] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.2}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_for_people() {
        for (bytes, text) in
            [(0, "0B"), (1023, "1023B"), (1024, "1.00K"), (1_839_784, "1.75M"), (25_276_502_016, "23.54G")]
        {
            assert_eq!(human(bytes), text);
        }
    }
}
