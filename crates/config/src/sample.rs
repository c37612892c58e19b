//! The commented sample configuration, made from the option table.
//!
//! It writes no file: `cargo xtask generate` does. The text is the same on every machine: a default that depends on the
//! machine is described, not printed.

use crate::option::{DefaultText, Form, Kind, OptionSpec, Support};
use crate::table;

const WIDTH: usize = 100;

const INTRODUCTION: &str = "\
# Evenkeel: sample configuration. Generated from the option table; edit a copy.
#
#   evenkeel /path/to/evenkeel.conf [--option value ...]
#
# One option a line: its name, blanks, its value. A value with blanks stands between double quotes (with \\n \\r \\t \\xHH) or
# single quotes. A line that starts with # is a comment. Names are read in any case of letters; of two lines for one option
# the later one counts ('save' and 'client-output-buffer-limit' add up). Sizes may have a unit in any case:
#
#   1k = 1000 bytes   1kb = 1024 bytes   1m = 1000000 bytes   1mb = 1024*1024 bytes   1g, 1gb likewise
#
# Below, every option stands at its default behind a # without a blank; take the # away to set it.
#
# Every option of Redis 7.2 and Valkey 9.1 is known. Where one has no effect here, or less than there, a line that starts with
# 'Note:' says so; where it cannot be had, the line starts with 'Not here:', and the server refuses to start with another
# value than the default.
#
# Other files:            include /path/to/other.conf      (also with wildcards: conf.d/*.conf)
# A command's new name:   rename-command CONFIG secret-name
# A command switched off: rename-command FLUSHALL \"\"
";

/// The text of the sample file `evenkeel.conf`.
#[must_use]
pub fn sample_text() -> String {
    let mut text = String::from(INTRODUCTION);
    for (title, options) in table::themes() {
        text.push_str(&format!("\n{}\n# {title}\n{}\n", "#".repeat(WIDTH), "#".repeat(WIDTH)));
        for spec in options.iter().filter(|spec| !spec.flags.hidden) {
            text.push('\n');
            entry(spec, &mut text);
        }
    }
    text
}

fn entry(spec: &OptionSpec, text: &mut String) {
    comment(spec.about, text);
    match spec.support {
        Support::Works => {}
        Support::Noted(note) => comment(&format!("Note: {note}."), text),
        Support::Refused(why) => comment(&format!("Not here: {why}."), text),
    }
    let mut facts = vec![values(spec)];
    if !spec.aliases.is_empty() {
        facts.push(format!("also called {}", spec.aliases.join(", ")));
    }
    if let DefaultText::Machine(_, said) = spec.default {
        facts.push(format!("default: {said}"));
    }
    if spec.flags.immutable {
        facts.push("only at start".into());
    }
    if spec.flags.protected {
        facts.push("CONFIG SET needs enable-protected-configs".into());
    }
    facts.retain(|fact| !fact.is_empty());
    if !facts.is_empty() {
        comment(&format!("({})", facts.join("; ")), text);
    }
    match spec.default {
        DefaultText::Machine(..) => text.push_str(&format!("#{} ...\n", spec.name)),
        DefaultText::Fixed("") => text.push_str(&format!("#{} \"\"\n", spec.name)),
        DefaultText::Fixed(words) if words.contains(' ') && !spec.flags.multi => {
            text.push_str(&format!("#{} \"{words}\"\n", spec.name));
        }
        DefaultText::Fixed(words) => text.push_str(&format!("#{} {words}\n", spec.name)),
    }
}

/// What values the option takes, in words.
fn values(spec: &OptionSpec) -> String {
    let unit = if spec.unit.is_empty() { String::new() } else { format!(" {}", spec.unit) };
    let list =
        |words: &[crate::choices::Word]| words.iter().map(|word| word.text).collect::<Vec<_>>().join(" | ");
    match spec.kind {
        Kind::Bool => "yes | no".into(),
        Kind::Number { min, max, form } => {
            let bounds = match (min, form) {
                (min, Form::Octal) => format!("{min:o} to {max:o}, octal"),
                (min, _) if max >= i128::from(i32::MAX) => format!("{min} or more"),
                (min, _) => format!("{min} to {max}"),
            };
            format!("{bounds}{unit}")
        }
        Kind::Choice(words) => list(words),
        Kind::Flags(words) => format!("any of: {}", list(words)),
        _ => String::new(),
    }
}

/// Appends `words` as comment lines of bounded width.
fn comment(words: &str, text: &mut String) {
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample at the root of the repository is the one that the table gives.
    #[test]
    fn the_sample_file_is_fresh() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../evenkeel.conf");
        let found = std::fs::read_to_string(&path).expect("evenkeel.conf is at the root of the repository");
        assert!(found == sample_text(), "evenkeel.conf is stale: run `cargo xtask generate`");
    }

    /// With every option line un-commented the sample is a configuration that loads and changes nothing.
    #[test]
    fn the_sample_file_loads() {
        let text: Vec<_> = sample_text()
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|rest| {
                rest.starts_with(|first: char| first.is_ascii_lowercase()) && !rest.ends_with(" ...")
            })
            .map(|line| format!("{line}\n"))
            .collect();
        let text = text.concat();
        assert!(text.lines().count() > 200, "{}", text.lines().count());
        let loaded = crate::Loader::load(None, None, text.as_bytes());
        let loaded = loaded.unwrap_or_else(|error| panic!("{}", error.report("Evenkeel", "test")));
        assert_eq!(loaded.notes, Vec::new());
        for option in table::ids() {
            let fresh = crate::Settings::default();
            assert_eq!(loaded.settings.value(option), fresh.value(option), "{}", option.spec().name);
        }
    }
}
