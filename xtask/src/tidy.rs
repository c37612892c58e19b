//! `cargo xtask tidy`: the house rules that a machine can check.
//!
//! ```text
//!   limits    the numbers and names that may be argued about, in one place
//!   source    Rust text without comments and strings, and the functions in it
//!   rules     what is checked in each Rust file
//!   arrows    which crate may depend on which, and that each dependency is explained
//! ```
//!
//! Every rule has a canary in its tests: a text that must be reported.

mod arrows;
mod limits;
mod rules;
mod source;

use std::fs;
use std::path::Path;
use std::process::Command;

use system_tests::server;

use crate::args::Args;
use crate::generated;

/// What `tidy` understands.
pub const USAGE: &str = "tidy [--largest N]";

/// One file of the checkout.
pub struct File {
    /// Path from the root of the checkout.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Runs the task.
pub fn run(mut args: Args) -> Result<(), String> {
    let largest = args.number("largest", 10)? as usize;
    args.finish()?;
    let root = server::checkout();
    let files = checkout_files(&root)?;
    let rust: Vec<&File> = files.iter().filter(|file| file.path.ends_with(".rs")).collect();
    let mut problems = rules::check(&rust);
    problems.extend(arrows::check(&files));
    problems.extend(generated::stale(&root));
    print_largest(&rust, largest);
    problems.iter().for_each(|problem| println!("{problem}"));
    match problems.len() {
        0 => {
            println!("tidy: {} Rust files, nothing to say", rust.len());
            Ok(())
        }
        count => Err(format!("{count} things to put in order")),
    }
}

fn print_largest(rust: &[&File], count: usize) {
    let mut files: Vec<(usize, &str)> =
        rust.iter().map(|file| (file.text.lines().count(), file.path.as_str())).collect();
    files.sort_by(|a, b| b.cmp(a));
    println!("largest files (limit {}):", limits::FILE_LINES_MAX);
    files.iter().take(count).for_each(|(lines, path)| println!("  {lines:5}  {path}"));
    let mut functions: Vec<(usize, String)> = rust
        .iter()
        .flat_map(|file| {
            let found = source::functions(&source::mask(&file.text));
            found.into_iter().map(|function| {
                (function.lines, format!("{} in {}:{}", function.name, file.path, function.line))
            })
        })
        .collect();
    functions.sort_by(|a, b| b.cmp(a));
    println!("largest functions (limit {}):", limits::FUNCTION_LINES_MAX);
    functions.iter().take(count).for_each(|(lines, name)| println!("  {lines:5}  {name}"));
}

/// All files that git tracks or would track, as far as they are text.
fn checkout_files(root: &Path) -> Result<Vec<File>, String> {
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("git: {error}"))?;
    let names = String::from_utf8_lossy(&listing.stdout).into_owned();
    let read = |path: &str| {
        let text = fs::read_to_string(root.join(path)).ok()?;
        Some(File { path: path.to_string(), text })
    };
    // A file that is listed but gone has just been deleted; one that is no text is none of ours to read.
    let files: Vec<File> = names.lines().filter_map(read).collect();
    if files.iter().any(|file| file.path.ends_with(".rs")) {
        Ok(files)
    } else {
        Err("found no Rust files".to_string())
    }
}
