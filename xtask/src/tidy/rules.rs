//! What is checked in every Rust file: header, sizes, names, words, unsafe code, dead files.

use std::path::Path;

use super::File;
use super::limits::{
    FILE_LINES_MAX, FORBIDDEN_NAMES, FORBIDDEN_WORDS, FUNCTION_LINES_MAX, SAFETY_LINES_MAX, SHORT_FUNCTIONS,
    UNSAFE_CRATES,
};
use super::source::{functions, mask};

/// All problems in these files, one line each.
pub fn check(files: &[&File]) -> Vec<String> {
    let mut problems = Vec::new();
    for file in files {
        let masked = mask(&file.text);
        let mut report = |line: usize, what: String| problems.push(format!("{}:{line}: {what}", file.path));
        header(file, &mut report);
        sizes(file, &masked, &mut report);
        names(file, &mut report);
        words(file, &mut report);
        unsafe_code(file, &masked, &mut report);
        if is_dead(file, files) {
            report(1, "no module declares this file".to_string());
        }
    }
    problems
}

fn header(file: &File, report: &mut impl FnMut(usize, String)) {
    let first = file.text.lines().next().unwrap_or_default();
    if !first.starts_with("//! ") || first.len() < 20 {
        report(1, "the file does not start with a `//!` header that says what its job is".to_string());
    }
}

fn sizes(file: &File, masked: &str, report: &mut impl FnMut(usize, String)) {
    let lines = file.text.lines().count();
    if lines > FILE_LINES_MAX {
        report(lines, format!("{lines} lines; at most {FILE_LINES_MAX}: split the file"));
    }
    for function in functions(masked) {
        let short = SHORT_FUNCTIONS
            .iter()
            .find(|(path, name, _)| file.path.starts_with(path) && *name == function.name);
        let max = short.map_or(FUNCTION_LINES_MAX, |(_, _, max)| *max);
        if function.lines > max {
            report(function.line, format!("`{}` has {} lines; at most {max}", function.name, function.lines));
        }
    }
}

fn names(file: &File, report: &mut impl FnMut(usize, String)) {
    let mut parts = file.path.trim_end_matches(".rs").split('/');
    if let Some(name) = parts.find(|part| FORBIDDEN_NAMES.contains(part)) {
        report(1, format!("`{name}` says nothing about what is inside"));
    }
}

fn words(file: &File, report: &mut impl FnMut(usize, String)) {
    for (index, line) in file.text.lines().enumerate() {
        if let Some(word) = FORBIDDEN_WORDS.iter().find(|word| has_word(line, word)) {
            report(index + 1, format!("`{word}` means unfinished work"));
        }
    }
}

/// Whether the word stands alone, and not inside a longer run of letters.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let joined =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let after = if word.ends_with('(') { None } else { line.as_bytes().get(at + word.len()) };
        !joined(at.checked_sub(1).and_then(|before| line.as_bytes().get(before))) && !joined(after)
    })
}

fn unsafe_code(file: &File, masked: &str, report: &mut impl FnMut(usize, String)) {
    let name = crate_of(&file.path);
    let allowed = UNSAFE_CRATES.contains(&name);
    let is_root = ["/src/lib.rs", "/src/main.rs"].iter().any(|root| file.path.ends_with(root));
    if is_root && !allowed && !masked.contains("#![forbid(unsafe_code)]") {
        report(1, "missing `#![forbid(unsafe_code)]`".to_string());
    }
    let lines: Vec<&str> = file.text.lines().collect();
    for (index, line) in masked.lines().enumerate() {
        if !["unsafe {", "unsafe impl"].iter().any(|form| line.contains(form)) {
            continue;
        }
        let above = &lines[index.saturating_sub(SAFETY_LINES_MAX)..=index.min(lines.len() - 1)];
        if !above.iter().any(|line| line.contains("SAFETY:")) {
            report(index + 1, "unsafe code without a `// SAFETY:` line that names an invariant".to_string());
        }
    }
}

/// The folder name of the crate that a path belongs to.
fn crate_of(path: &str) -> &str {
    path.strip_prefix("crates/").unwrap_or(path).split('/').next().unwrap_or_default()
}

/// Whether a source file below `src/` is declared by no other file.
fn is_dead(file: &File, files: &[&File]) -> bool {
    let Some((crate_path, inside)) = file.path.split_once("/src/") else { return false };
    let path = Path::new(inside);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let folder = path.parent().and_then(Path::to_str).unwrap_or_default();
    if (folder.is_empty() && ["lib", "main"].contains(&stem)) || folder == "bin" {
        return false;
    }
    // `a/mod.rs` is declared where `a.rs` would be.
    let (folder, stem) = match (stem, folder.rsplit_once('/')) {
        ("mod", Some((upper, last))) => (upper, last),
        ("mod", None) => ("", folder),
        _ => (folder, stem),
    };
    let parents = if folder.is_empty() {
        vec![format!("{crate_path}/src/lib.rs"), format!("{crate_path}/src/main.rs")]
    } else {
        vec![format!("{crate_path}/src/{folder}.rs"), format!("{crate_path}/src/{folder}/mod.rs")]
    };
    let declares = |text: &str| text.lines().any(|line| line.trim().ends_with(&format!("mod {stem};")));
    !files.iter().any(|other| {
        (parents.contains(&other.path) && declares(&other.text))
            || (other.path.starts_with(crate_path) && other.text.contains(&format!("#[path = \"{inside}\"]")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "//! The job of this file in a sentence.\n";

    fn problems_of(path: &str, text: &str) -> Vec<String> {
        let root = File {
            path: "crates/engine/src/lib.rs".into(),
            text: format!("{HEADER}#![forbid(unsafe_code)]\nmod a;\n"),
        };
        let file = File { path: path.into(), text: text.into() };
        check(&[&root, &file])
    }

    #[test]
    fn a_tidy_file_passes() {
        assert_eq!(
            problems_of("crates/engine/src/a.rs", &format!("{HEADER}fn process() {{}}\n")),
            Vec::<String>::new()
        );
    }

    /// The canaries: each text breaks exactly one rule.
    #[test]
    fn each_rule_bites() {
        let long = |name: &str, lines| format!("{HEADER}fn {name}() {{\n{}}}\n", "    x();\n".repeat(lines));
        let cases = [
            ("crates/engine/src/a.rs", "fn a() {}\n".to_string(), "does not start with"),
            ("crates/engine/src/a.rs", format!("{HEADER}{}", "\n".repeat(FILE_LINES_MAX)), "split the file"),
            ("crates/engine/src/a.rs", long("anything", FUNCTION_LINES_MAX), "at most 120"),
            ("crates/engine/src/a.rs", long("process", 60), "at most 60"),
            ("crates/engine/tests/helpers.rs", HEADER.to_string(), "says nothing"),
            ("crates/engine/src/a.rs", format!("{HEADER}// {}: later\n", FORBIDDEN_WORDS[2]), "unfinished"),
            (
                "crates/engine/src/a.rs",
                format!("{HEADER}fn a() {{ {}) }}\n", FORBIDDEN_WORDS[0]),
                "unfinished",
            ),
            ("crates/engine/src/main.rs", HEADER.to_string(), "missing"),
            ("crates/keyspace/src/lib.rs", format!("{HEADER}fn a() {{ unsafe {{ b() }} }}\n"), "SAFETY"),
            ("crates/engine/src/b.rs", HEADER.to_string(), "no module"),
        ];
        for (path, text, expected) in cases {
            let problems = problems_of(path, &text);
            assert_eq!(problems.len(), 1, "{path}: {problems:?}");
            assert!(problems[0].contains(expected), "{problems:?}");
        }
    }

    #[test]
    fn words_inside_words_are_no_words() {
        let word = FORBIDDEN_WORDS[3];
        assert!(!has_word(&format!("a{word}a"), word) && has_word(&format!("({word})"), word));
    }
}
