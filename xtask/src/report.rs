//! Markdown tables, and the marked sections of docs/benchmarks.md that hold them.
//!
//! ```text
//!   <!-- begin NAME -->      written by `cargo xtask NAME --write`, never by hand
//!   ...
//!   <!-- end NAME -->
//! ```

use std::fs;
use std::process::Command;

use system_tests::{procfs, server};

/// A table that grows by rows; the first row is the heading.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with its heading.
    pub fn new<S: ToString>(heading: &[S]) -> Table {
        let mut table = Table::default();
        table.row(heading);
        table
    }

    /// Adds a row. Missing cells stay empty.
    pub fn row<S: ToString>(&mut self, cells: &[S]) {
        self.rows.push(cells.iter().map(S::to_string).collect());
    }

    /// The table as markdown, first column left-aligned, the others right-aligned.
    pub fn markdown(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|c| c.chars().count())
                .max()
                .unwrap_or(0)
                .max(3)
        };
        let mut out = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            for column in 0..columns {
                let cell = row.get(column).map_or("", String::as_str);
                let pad = " ".repeat(width(column) - cell.chars().count());
                out += &if column == 0 { format!("| {cell}{pad} ") } else { format!("| {pad}{cell} ") };
            }
            out += "|\n";
            if index == 0 {
                for column in 0..columns {
                    let dashes = "-".repeat(width(column) - 1);
                    out += &if column == 0 { format!("| -{dashes} ") } else { format!("| {dashes}: ") };
                }
                out += "|\n";
            }
        }
        out
    }
}

/// The median; 0 for no values.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

/// A number with commas between thousands.
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digit.is_ascii_digit() {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes as MB with one decimal.
pub fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / 1e6)
}

/// Date, commit and machine, in one line under each table.
pub fn facts() -> String {
    let output = |program: &str, args: &[&str]| {
        let run = Command::new(program).args(args).current_dir(server::checkout()).output();
        run.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_string()).unwrap_or_default()
    };
    let commit = output("git", &["rev-parse", "--short", "HEAD"]);
    format!("{}, commit {commit}, {}", output("date", &["-u", "+%Y-%m-%d %H:%M UTC"]), procfs::machine())
}

/// Replaces (or appends) the section `name` of docs/benchmarks.md.
pub fn write_section(name: &str, text: &str) -> Result<(), String> {
    let path = server::checkout().join("docs/benchmarks.md");
    let old = fs::read_to_string(&path).unwrap_or_else(|_| "# Benchmarks\n".to_string());
    let new = replace_section(&old, name, text);
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(|error| format!("docs: {error}"))?;
    fs::write(&path, new).map_err(|error| format!("{}: {error}", path.display()))
}

fn replace_section(document: &str, name: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- begin {name} -->"), format!("<!-- end {name} -->"));
    let section = format!("{begin}\n{}\n{end}", text.trim_end());
    match (document.find(&begin), document.find(&end)) {
        (Some(from), Some(to)) if from < to => {
            format!("{}{section}{}", &document[..from], &document[to + end.len()..])
        }
        _ => format!("{}\n\n{section}\n", document.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_is_appended_then_replaced() {
        let first = replace_section("# Benchmarks\n", "bench", "one\n");
        assert_eq!(first, "# Benchmarks\n\n<!-- begin bench -->\none\n<!-- end bench -->\n");
        let second = replace_section(&(first + "kept\n"), "bench", "two");
        assert_eq!(second, "# Benchmarks\n\n<!-- begin bench -->\ntwo\n<!-- end bench -->\nkept\n");
    }

    #[test]
    fn table_lines_up() {
        let mut table = Table::new(&["", "ours"]);
        table.row(&["GET".to_string(), thousands(1234567.0)]);
        assert_eq!(table.markdown(), "|     |      ours |\n| --- | --------: |\n| GET | 1,234,567 |\n");
    }

    #[test]
    fn median_of_even_and_odd() {
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[1.0, 2.0]), median(&[])), (2.0, 1.5, 0.0));
        assert_eq!((thousands(999.0), thousands(-1000.0)), ("999".into(), "-1,000".into()));
    }
}
