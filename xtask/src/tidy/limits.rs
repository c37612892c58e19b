//! The numbers and names that tidy holds the code to. Change them here, with a reason in the commit.

/// Longest file in lines, tests in it included.
pub const FILE_LINES_MAX: usize = 1000;

/// Longest function in lines.
pub const FUNCTION_LINES_MAX: usize = 120;

/// Functions with a limit of their own: path prefix, name, lines. The request path is one short function that names
/// every stage, for ever.
pub const SHORT_FUNCTIONS: &[(&str, &str, usize)] = &[
    ("crates/engine/", "process", 60),
    ("crates/engine/", "drive", 60),
    ("crates/engine/", "call", 60),
    ("crates/evenkeel/src/main.rs", "main", 60),
];

/// Names that say nothing about what is inside.
pub const FORBIDDEN_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "manager"];

/// Crates that may contain unsafe blocks. `crash` is here because the standard library has no safe way to handle SIGSEGV.
pub const UNSAFE_CRATES: &[&str] = &["keyspace", "net", "crash"];

/// How far above an unsafe block its SAFETY line may stand.
pub const SAFETY_LINES_MAX: usize = 8;

/// Words that mean unfinished work. Written in pieces, so that this file does not contain them.
pub const FORBIDDEN_WORDS: &[&str] =
    &[concat!("todo", "!("), concat!("unimplemented", "!("), concat!("FIX", "ME"), concat!("XX", "X")];

/// Rows of the house: a crate may depend on crates of lower rows only (STYLE: upper rows, lower rows).
pub const ROWS: &[(&str, u8)] = &[
    ("config", 0),
    ("journal", 0),
    ("crash", 0),
    ("value", 0),
    ("resp", 0),
    ("keyspace", 1),
    ("rdb", 1),
    ("snapshot", 2),
    ("log", 2),
    ("net", 2),
    ("engine", 3),
    ("commands", 4),
    ("persistence", 4),
    ("replication", 4),
    ("cluster", 4),
    ("script", 4),
    ("dashboard", 4),
    ("evenkeel", 5),
    // Outside the house: the tests see the server from outside only, the automation may look at everything.
    ("system-tests", 0),
    ("xtask", 6),
];
