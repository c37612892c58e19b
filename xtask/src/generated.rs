//! Files, or parts of them, that are made from the code: written by `cargo xtask generate`, checked by tidy.

use std::fs;
use std::path::Path;

use system_tests::server;

use crate::args::Args;

/// What `generate` understands.
pub const USAGE: &str = "generate";

/// One generated text.
struct Generated {
    /// Where it lives.
    path: &'static str,
    /// The markers around it, if it is only a part of the file.
    section: Option<&'static str>,
    /// Makes it.
    text: fn() -> String,
}

/// All of them. A text that a crate can make gets a row here.
const ALL: &[Generated] = &[
    Generated { path: "README.md", section: Some("tasks"), text: tasks },
    Generated { path: "docs/commands.md", section: None, text: commands::manual::markdown },
    Generated { path: "evenkeel.conf", section: None, text: config::sample_text },
];

/// Runs the task.
pub fn run(args: Args) -> Result<(), String> {
    args.finish()?;
    let root = server::checkout();
    for generated in ALL {
        let path = root.join(generated.path);
        let old = fs::read_to_string(&path).unwrap_or_default();
        let new = whole(generated, &old)?;
        if new != old {
            fs::write(&path, new).map_err(|error| format!("{}: {error}", generated.path))?;
            println!("wrote {}", generated.path);
        }
    }
    Ok(())
}

/// One line for each generated file that is not what the code makes now.
pub fn stale(root: &Path) -> Vec<String> {
    ALL.iter()
        .filter_map(|generated| {
            let old = fs::read_to_string(root.join(generated.path)).unwrap_or_default();
            match whole(generated, &old) {
                Ok(new) if new == old => None,
                Ok(_) => Some(format!("{}: stale: run `cargo xtask generate`", generated.path)),
                Err(reason) => Some(reason),
            }
        })
        .collect()
}

fn whole(generated: &Generated, old: &str) -> Result<String, String> {
    let text = (generated.text)();
    let Some(name) = generated.section else { return Ok(text) };
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    match (old.find(&begin), old.find(&end)) {
        (Some(from), Some(to)) if from < to => {
            Ok(format!("{}{text}{}", &old[..from + begin.len()], &old[to..]))
        }
        _ => Err(format!("{}: no section `{name}`", generated.path)),
    }
}

fn tasks() -> String {
    let line = |task: &crate::Task| format!("- `cargo xtask {}`: {}\n", task.name, task.about);
    crate::TASKS.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_section_and_notices_a_stale_one() {
        let generated = Generated { path: "x.md", section: Some("s"), text: || "new\n".to_string() };
        let old = "a\n<!-- begin s -->\nold\n<!-- end s -->\nb\n";
        assert_eq!(whole(&generated, old).unwrap(), "a\n<!-- begin s -->\nnew\n<!-- end s -->\nb\n");
        assert!(whole(&generated, "nothing").is_err());
        assert_eq!(stale(Path::new("/nonexistent")).len(), ALL.len());
    }
}
