//! The manifests: arrows between crates point down, and each external crate is explained.

use super::File;
use super::limits::ROWS;

/// Where every external dependency is explained.
const REASONS: &str = "docs/dependencies.md";

/// All problems of the manifests among these files.
pub fn check(files: &[File]) -> Vec<String> {
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let folder = file.path.trim_end_matches("/Cargo.toml");
        let Some(name) = value_in(&file.text, "[package]", "name") else {
            problems.push(format!("{}: no package name", file.path));
            continue;
        };
        if folder.starts_with("crates/") && folder != format!("crates/{name}") {
            problems.push(format!("{}: the folder of crate `{name}` must have its name", file.path));
        }
        let Some(row) = row_of(&name) else {
            problems.push(format!("{}: `{name}` has no row in tidy's table", file.path));
            continue;
        };
        for dependency in dependencies(&file.text) {
            if row_of(&dependency).is_some_and(|below| below >= row) {
                problems.push(format!(
                    "{}: `{name}` may not depend on `{dependency}`: arrows point down",
                    file.path
                ));
            }
        }
    }
    let root = files.iter().find(|file| file.path == "Cargo.toml");
    let reasons = files.iter().find(|file| file.path == REASONS).map_or("", |file| file.text.as_str());
    for dependency in root.map_or_else(Vec::new, |root| external(&root.text)) {
        if !reasons.lines().any(|line| line.contains(&format!("`{dependency}`"))) {
            problems.push(format!("{REASONS}: no word on `{dependency}`"));
        }
    }
    problems
}

fn row_of(name: &str) -> Option<u8> {
    ROWS.iter().find(|(known, _)| *known == name).map(|(_, row)| *row)
}

/// The lines of a section, up to the next one.
fn section<'a>(text: &'a str, heading: &str) -> impl Iterator<Item = &'a str> {
    let from = text.lines().skip_while({
        let heading = heading.to_string();
        move |line| line.trim() != heading
    });
    from.skip(1).take_while(|line| !line.trim_start().starts_with('['))
}

fn value_in(text: &str, heading: &str, key: &str) -> Option<String> {
    section(text, heading).find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim().trim_matches('"').to_string())
    })
}

/// Names on the left of the lines of `[dependencies]`, and of those for some targets only.
fn dependencies(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| *line == "[dependencies]" || line.ends_with(".dependencies]"))
        .flat_map(|heading| section(text, heading))
        .filter(|line| line.contains('=') && !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split(['=', '.']).next())
        .map(|name| name.trim().to_string())
        .collect()
}

/// The external crates of the workspace: those that are no path.
fn external(root: &str) -> Vec<String> {
    section(root, "[workspace.dependencies]")
        .filter(|line| line.contains('=') && !line.contains("path =") && !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split(['=', '.']).next())
        .map(|name| name.trim().to_string())
        // The rest of a table that spans several lines starts with a key of it, indented.
        .filter(|name| !name.is_empty() && !name.starts_with(['}', ']', '"']))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(manifest: &str, root: &str, reasons: &str) -> Vec<String> {
        let file = |path: &str, text: &str| File { path: path.into(), text: text.into() };
        check(&[file("crates/net/Cargo.toml", manifest), file("Cargo.toml", root), file(REASONS, reasons)])
    }

    const NET: &str = "[package]\nname = \"net\"\n[dependencies]\nresp.workspace = true\nlibc = \"0.2\"\n";
    const ROOT: &str = "[workspace.dependencies]\nnet = { path = \"crates/net\" }\nlibc = \"0.2\"\n[profile.dev]\ndebug = 1\n";

    #[test]
    fn arrows_down_and_explained_pass() {
        assert_eq!(problems(NET, ROOT, "- `libc`: system calls\n"), Vec::<String>::new());
    }

    /// The canaries.
    #[test]
    fn each_rule_bites() {
        let up = NET.replace("resp.workspace = true", "engine.workspace = true");
        assert!(problems(&up, ROOT, "`libc`")[0].contains("arrows point down"));
        let sideways = NET.replace("resp.workspace = true", "log = { workspace = true }");
        assert!(problems(&sideways, ROOT, "`libc`")[0].contains("arrows point down"));
        let somewhere = up.replace("[dependencies]", "[target.'cfg(unix)'.dependencies]");
        assert!(problems(&somewhere, ROOT, "`libc`")[0].contains("arrows point down"));
        assert!(problems(NET, ROOT, "libc")[0].contains("no word on `libc`"));
        assert!(
            problems(&NET.replace("\"net\"", "\"nets\""), ROOT, "`libc`")[0].contains("must have its name")
        );
        assert!(problems(&NET.replace("\"net\"", "\"nets\""), ROOT, "`libc`")[1].contains("no row"));
    }
}
